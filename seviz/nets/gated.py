"""The units of torchvision's networks with an SE block in them.

Each is a torchvision unit of the same parts under the same names, and a child `se`. The operations of the plain unit are done
in the same order, so that a gate of 1 leaves every number as it was, bit for bit.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torchvision.models.googlenet import Inception
from torchvision.models.inception import InceptionA, InceptionB, InceptionC, InceptionD, InceptionE
from torchvision.models.mobilenetv2 import InvertedResidual
from torchvision.models.resnet import BasicBlock, Bottleneck
from torchvision.models.shufflenetv2 import InvertedResidual as ShuffleUnit
from torchvision.models.shufflenetv2 import channel_shuffle

from seviz.nets.se import SqueezeExcite

RESIDUAL: tuple[str, ...] = ("standard", "pre", "post", "identity")


class Gated(nn.Module):
    """positions: where this kind of unit takes an SE block. channels: of the map that it scales there, of a plain unit; 0
    where this unit lacks the place."""

    positions: ClassVar[tuple[str, ...]] = ("standard",)
    position: str
    se: SqueezeExcite

    @classmethod
    def channels(cls, unit: Any, position: str) -> int:
        raise NotImplementedError

    def at(self, position: str, u: Tensor) -> Tensor:
        """`u` scaled by the SE block where it stands at this position, else as it is."""
        scaled: Tensor = self.se(u) if position == self.position else u
        return scaled


class GatedAfter(Gated):
    """The SE block behind the whole module."""

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.se(super().forward(x))
        return out


class GatedReLU(GatedAfter, nn.ReLU):
    """An activation of VGG. Its channels are those of the convolution before it, which it does not know."""


class GatedResidual(Gated):
    """relu(branch(x) + shortcut(x)), as torchvision's two kinds of residual units."""

    positions = RESIDUAL
    relu: nn.Module
    downsample: nn.Module | None

    def branch(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        out = self.at("standard", self.branch(self.at("pre", x)))
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.at("post", self.relu(out + self.at("identity", shortcut)))


class GatedBasic(GatedResidual, BasicBlock):  # type: ignore[misc]
    conv1: nn.Module
    conv2: nn.Module
    bn1: nn.Module
    bn2: nn.Module

    @classmethod
    def channels(cls, unit: Any, position: str) -> int:
        return int(unit.conv1.in_channels if position == "pre" else unit.conv2.out_channels)

    def branch(self, x: Tensor) -> Tensor:
        out: Tensor = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return out


class GatedBottleneck(GatedResidual, Bottleneck):  # type: ignore[misc]
    positions = (*RESIDUAL, "3x3")
    conv1: nn.Module
    conv2: nn.Module
    conv3: nn.Module
    bn1: nn.Module
    bn2: nn.Module
    bn3: nn.Module

    @classmethod
    def channels(cls, unit: Any, position: str) -> int:
        narrow = {"pre": unit.conv1.in_channels, "3x3": unit.conv2.out_channels}
        return int(narrow.get(position, unit.conv3.out_channels))

    def branch(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))))
        last: Tensor = self.bn3(self.conv3(self.at("3x3", out)))
        return last


class GatedInverted(Gated, InvertedResidual):  # type: ignore[misc]
    """MobileNetV2's unit: expansion, depthwise 3 x 3 and projection, with a sum where the shape allows one."""

    positions = (*RESIDUAL, "3x3")
    conv: nn.Sequential
    use_res_connect: bool

    @classmethod
    def channels(cls, unit: Any, position: str) -> int:
        if position == "identity" and not unit.use_res_connect:
            return 0
        projection = unit.conv[-2]
        narrow = {"pre": unit.conv[0][0].in_channels, "3x3": projection.in_channels}
        return int(narrow.get(position, projection.out_channels))

    def forward(self, x: Tensor) -> Tensor:
        out = self.at("pre", x)
        for number, part in enumerate(self.conv):
            out = part(out)
            if number == len(self.conv) - 3:  # the depthwise convolution with its batch norm and activation
                out = self.at("3x3", out)
        out = self.at("standard", out)
        return self.at("post", self.at("identity", x) + out if self.use_res_connect else out)


class GatedShuffle(Gated, ShuffleUnit):  # type: ignore[misc]
    """ShuffleNetV2's unit: a branch beside half of the channels, or beside a smaller branch where the map shrinks."""

    positions = (*RESIDUAL, "3x3")
    branch1: nn.Module
    branch2: nn.Sequential
    stride: int

    @classmethod
    def channels(cls, unit: Any, position: str) -> int:
        half = unit.branch2[5].out_channels
        return int({"pre": unit.branch2[0].in_channels, "post": 2 * half}.get(position, half))

    def forward(self, x: Tensor) -> Tensor:
        passing, out = x.chunk(2, dim=1) if self.stride == 1 else (self.branch1(x), x)
        out = self.at("pre", out)
        for number, part in enumerate(self.branch2):
            out = part(out)
            if number == 4:  # the batch norm of the depthwise convolution, which has no activation
                out = self.at("3x3", out)
        joined = torch.cat((self.at("identity", passing), self.at("standard", out)), dim=1)
        return self.at("post", channel_shuffle(joined, 2))


class GatedInception(GatedAfter, Inception):  # type: ignore[misc]
    """A module of GoogLeNet: four branches, concatenated."""

    @classmethod
    def channels(cls, unit: Any, position: str) -> int:
        ends = (unit.branch1, unit.branch2[-1], unit.branch3[-1], unit.branch4[-1])
        return sum(int(end.conv.out_channels) for end in ends)


class GatedInceptionA(GatedAfter, InceptionA):  # type: ignore[misc]
    @classmethod
    def channels(cls, unit: Any, position: str) -> int:
        return _joined(unit.branch1x1, unit.branch5x5_2, unit.branch3x3dbl_3, unit.branch_pool)


class GatedInceptionB(GatedAfter, InceptionB):  # type: ignore[misc]
    @classmethod
    def channels(cls, unit: Any, position: str) -> int:
        return _joined(unit.branch3x3, unit.branch3x3dbl_3) + _entering(unit.branch3x3)


class GatedInceptionC(GatedAfter, InceptionC):  # type: ignore[misc]
    @classmethod
    def channels(cls, unit: Any, position: str) -> int:
        return _joined(unit.branch1x1, unit.branch7x7_3, unit.branch7x7dbl_5, unit.branch_pool)


class GatedInceptionD(GatedAfter, InceptionD):  # type: ignore[misc]
    @classmethod
    def channels(cls, unit: Any, position: str) -> int:
        return _joined(unit.branch3x3_2, unit.branch7x7x3_4) + _entering(unit.branch3x3_1)


class GatedInceptionE(GatedAfter, InceptionE):  # type: ignore[misc]
    @classmethod
    def channels(cls, unit: Any, position: str) -> int:
        threes = (unit.branch3x3_2a, unit.branch3x3_2b, unit.branch3x3dbl_3a, unit.branch3x3dbl_3b)
        return _joined(unit.branch1x1, *threes, unit.branch_pool)


GATED: dict[type[nn.Module], type[Gated]] = {
    BasicBlock: GatedBasic,
    Bottleneck: GatedBottleneck,
    InvertedResidual: GatedInverted,
    ShuffleUnit: GatedShuffle,
    Inception: GatedInception,
    InceptionA: GatedInceptionA,
    InceptionB: GatedInceptionB,
    InceptionC: GatedInceptionC,
    InceptionD: GatedInceptionD,
    InceptionE: GatedInceptionE,
}


def _joined(*ends: Any) -> int:
    """Channels of inception_v3's convolutions side by side."""
    return sum(int(end.conv.out_channels) for end in ends)


def _entering(convolution: Any) -> int:
    """Channels of the module's input, which its pooling passes on."""
    return int(convolution.conv.in_channels)
