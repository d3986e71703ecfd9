"""What can be pruned: the channels that the branch of a residual unit adds to its shortcut."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from seviz.errors import RequestError
from seviz.nets.resnet import ResidualUnit, ResNet


@dataclass(frozen=True)
class Branch:
    """The branch of a residual unit.

    path: the unit's module path, such as "layer3.2". channels: that it puts out. gate: the path of the SE block that
    scales them, "" where there is none on the branch.
    """

    path: str
    channels: int
    gate: str


def branches_of(net: nn.Module) -> tuple[Branch, ...]:
    """The branches that are pruned, in the order they run: those with a gate where there are such, else all of them.

    So every criterion chooses among the same channels. Raises RequestError for a network that is no ResNet of seviz.nets.
    """
    found = tuple(_branch(path, unit) for path, unit in resnet(net).units())
    return tuple(one for one in found if one.gate) or found


def resnet(net: nn.Module) -> ResNet:
    """The network as the ResNet that it is. Raises RequestError where it is none."""
    if not isinstance(net, ResNet):
        raise RequestError("Only the ResNets and SE-ResNets of seviz.nets can be pruned: this network is built otherwise.")
    return net


def last_layers(unit: ResidualUnit) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    """The last convolution of a branch and its batch norm, whose channels are those that the branch puts out."""
    return (unit.conv3, unit.bn3) if hasattr(unit, "conv3") else (unit.conv2, unit.bn2)


def _branch(path: str, unit: ResidualUnit) -> Branch:
    gate = f"{path}.se" if unit.placement == "standard" else ""
    return Branch(path, last_layers(unit)[0].out_channels, gate)
