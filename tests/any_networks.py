"""Small networks with SE blocks as people write them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from timm.layers.cbam import LightChannelAttn
from timm.layers.gather_excite import GatherExcite
from torch import Tensor, nn


class FunctionalBlock(nn.Module):
    """As in kuangliu/pytorch-cifar, models/senet.py: layers are modules, what is between them are functions.

    fixed: where it is not None, what multiplies instead of the gate: a network that was edited by hand.
    """

    def __init__(self, inside: int, channels: int) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(inside, channels, 3, padding=1), nn.BatchNorm2d(channels)
        self.fc1, self.fc2 = nn.Conv2d(channels, channels // 4, 1), nn.Conv2d(channels // 4, channels, 1)
        self.fixed: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn(self.conv(x))
        w = F.avg_pool2d(out, out.size(2))
        w = F.relu(self.fc1(w))
        w = F.sigmoid(self.fc2(w))
        if self.fixed is not None:
            w = self.fixed[None, :, None, None]
        return F.relu(out * w)

    def first(self, z: Tensor) -> Tensor:
        return self.fc1(z[:, :, None, None]).relu()[:, :, 0, 0]

    def second(self, hidden: Tensor) -> Tensor:
        return self.fc2(hidden[:, :, None, None])[:, :, 0, 0]


class LinearBlock(nn.Module):
    """As in moskomule/senet.pytorch, senet/se_module.py."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.avg_pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Sequential(
            nn.Linear(channels, channels // 4, bias=False),
            nn.ReLU(inplace=True),
            nn.Linear(channels // 4, channels, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        b, c, _, _ = x.size()
        y = self.avg_pool(x).view(b, c)
        y = self.fc(y).view(b, c, 1, 1)
        return x * y.expand_as(x)

    def first(self, z: Tensor) -> Tensor:
        return self.fc[0](z).relu()

    def second(self, hidden: Tensor) -> Tensor:
        return self.fc[2](hidden)


class Light(LightChannelAttn):
    """timm's channel attention with a functional sigmoid, whose module `gate` is never called."""

    fixed: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) if self.fixed is None else x * self.fixed[None, :, None, None]


class _Net(nn.Module):
    def __init__(self, *blocks: nn.Module) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.head = nn.Linear(8, 4)
        self.eval().requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean((2, 3)))


class Functional(_Net):
    def __init__(self) -> None:
        torch.manual_seed(0)
        super().__init__(FunctionalBlock(3, 8), FunctionalBlock(8, 8))


class Linear(_Net):
    def __init__(self) -> None:
        torch.manual_seed(0)
        super().__init__(LinearBlock(8), LinearBlock(8))
        self.stem = nn.Conv2d(3, 8, 3).requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.stem(x))


class LightNet(Linear):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([Light(8, rd_ratio=0.5), Light(8, rd_ratio=0.5)]).requires_grad_(False)


def spatial_net() -> nn.Module:
    """Gather-excite over extents of 4 pixels."""
    torch.manual_seed(0)

    class Spatial(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.ge, self.head = nn.Conv2d(3, 8, 1), GatherExcite(8, extent=4, use_mlp=False), nn.Linear(8, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.ge(self.stem(x)).mean((2, 3)))

    return Spatial().eval().requires_grad_(False)
