"""Small networks of public CIFAR code that are no ResNet of resnet.py, so that their weights can be looked at.

    kuangliu:PreActResNet    norm and ReLU before each convolution (K. He et al., "Identity Mappings in Deep Residual
                             Networks", 2016), as in kuangliu/pytorch-cifar: no norm at the stem, none before the head
    kuangliu:SENet           the same units with SE blocks, and with a norm at the stem
    weiaicunzai:SEResNet     SE-ResNet of weiaicunzai/pytorch-cifar100: a ReLU before the gate as well, convolutions with biases

Written anew from what those networks compute. Stages are layer1, layer2, ..., and the SE block of a unit is its child `se`,
as in resnet.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from seviz.nets.se import SqueezeExcite

MAX_STAGES, MAX_UNITS, MAX_WIDTH = 8, 1000, 8192  # beyond these it is no network, and would be built for ever


class PreActUnit(nn.Module):
    """branch(relu(norm(x))) + shortcut, the branch scaled by an SE block where reduction is not 0."""

    def __init__(self, inputs: int, width: int, stride: int, bottleneck: bool, reduction: int) -> None:
        super().__init__()
        outputs = width * 4 if bottleneck else width
        self.relu = nn.ReLU()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = _conv(inputs, width, 1 if bottleneck else 3, 1 if bottleneck else stride)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = _conv(width, width, 3, stride if bottleneck else 1)
        if bottleneck:
            self.bn3 = nn.BatchNorm2d(width)
            self.conv3 = _conv(width, outputs, 1, 1)
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(_conv(inputs, outputs, 1, stride))
        if reduction:
            self.se = SqueezeExcite(outputs, reduction)

    def forward(self, x: Tensor) -> Tensor:
        ready: Tensor = self.relu(self.bn1(x))
        out: Tensor = self.conv2(self.relu(self.bn2(self.conv1(ready))))
        if hasattr(self, "conv3"):
            out = self.conv3(self.relu(self.bn3(out)))
        if hasattr(self, "se"):
            out = self.se(out)
        shortcut: Tensor = self.shortcut(ready) if hasattr(self, "shortcut") else x
        return out + shortcut


class GatedReluUnit(nn.Module):
    """relu(se(relu(branch(x))) + shortcut(x)), every convolution with a bias."""

    def __init__(self, inputs: int, width: int, stride: int, bottleneck: bool, reduction: int) -> None:
        super().__init__()
        outputs = width * 4 if bottleneck else width
        self.conv1 = _conv(inputs, width, 1 if bottleneck else 3, 1 if bottleneck else stride, bias=True)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = _conv(width, width, 3, stride if bottleneck else 1, bias=True)
        self.bn2 = nn.BatchNorm2d(width)
        if bottleneck:
            self.conv3 = _conv(width, outputs, 1, 1, bias=True)
            self.bn3 = nn.BatchNorm2d(outputs)
        same = stride == 1 and inputs == outputs
        shortcut = () if same else (_conv(inputs, outputs, 1, stride, bias=True), nn.BatchNorm2d(outputs))
        self.downsample = nn.Sequential(*shortcut)
        self.se = SqueezeExcite(outputs, reduction)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))))
        if hasattr(self, "conv3"):
            out = self.relu(self.bn3(self.conv3(out)))
        scaled: Tensor = self.relu(self.se(out) + self.downsample(x))
        return scaled


class CifarNet(nn.Module):
    """(B, 3, H, W) float pictures, normalised -> (B, classes) logits; a 3 x 3 stem and stages of strides 1, 2, 2, ...

    unit: PreActUnit or GatedReluUnit. stem_norm: a norm and a ReLU behind the stem. stem_bias: of its convolution.

    Raises ValueError where blocks and widths are those of no network.
    """

    def __init__(
        self,
        unit: type[PreActUnit] | type[GatedReluUnit],
        blocks: Sequence[int],
        widths: Sequence[int],
        *,
        classes: int,
        bottleneck: bool = False,
        reduction: int = 16,
        stem_norm: bool = True,
        stem_bias: bool = False,
    ) -> None:
        super().__init__()
        _require_sizes(blocks, widths, reduction)
        self.conv1 = _conv(3, widths[0], 3, 1, bias=stem_bias)
        self.bn1 = nn.BatchNorm2d(widths[0]) if stem_norm else nn.Identity()
        self.relu = nn.ReLU() if stem_norm else nn.Identity()
        self.stages = [f"layer{number}" for number in range(1, len(blocks) + 1)]
        inputs = widths[0]
        for number, (count, width) in enumerate(zip(blocks, widths, strict=True), 1):
            units = []
            for index in range(count):
                stride = 2 if index == 0 and number > 1 else 1
                units.append(unit(inputs, width, stride, bottleneck, reduction))
                inputs = width * 4 if bottleneck else width
            self.add_module(f"layer{number}", nn.Sequential(*units))
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))
        for name in self.stages:
            x = getattr(self, name)(x)
        logits: Tensor = self.fc(x.mean((2, 3)))
        return logits


def kuangliu(
    name: str, classes: int, *, blocks: Sequence[int], widths: Sequence[int], bottleneck: bool = False, reduction: int = 0
) -> CifarNet:
    """PreActResNet, or SENet with its reduction. Raises ValueError for another name."""
    if name not in ("PreActResNet", "SENet") or bool(reduction) != (name == "SENet"):
        raise ValueError(f"kuangliu/pytorch-cifar has no {name!r} that is built so")
    return CifarNet(
        PreActUnit, blocks, widths, classes=classes, bottleneck=bottleneck, reduction=reduction, stem_norm=name == "SENet"
    )


def weiaicunzai(
    name: str, classes: int, *, blocks: Sequence[int], widths: Sequence[int], bottleneck: bool = False, reduction: int = 16
) -> CifarNet:
    """SEResNet. Raises ValueError for another name."""
    if name != "SEResNet" or not reduction:
        raise ValueError(f"weiaicunzai/pytorch-cifar100 has no {name!r} that is built so")
    return CifarNet(
        GatedReluUnit, blocks, widths, classes=classes, bottleneck=bottleneck, reduction=reduction, stem_bias=True
    )


def _require_sizes(blocks: Sequence[int], widths: Sequence[int], reduction: int) -> None:
    whole = all(type(number) is int for number in (*blocks, *widths, reduction))
    if not whole or not 1 <= len(blocks) == len(widths) <= MAX_STAGES or min(*blocks, *widths) < 1:
        raise ValueError("blocks and widths are one positive whole number a stage each")
    if sum(blocks) > MAX_UNITS or max(widths) > MAX_WIDTH or reduction < 0:
        raise ValueError(f"a network has at most {MAX_UNITS} units, and at most {MAX_WIDTH} channels a stage")


def _conv(inputs: int, outputs: int, kernel: int, stride: int, *, bias: bool = False) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=bias)
