"""ResNet and SE-ResNet, for small pictures and in the ImageNet form.

K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", 2016 (section 4.2 for CIFAR-10).
J. Hu et al., "Squeeze-and-Excitation Networks", 2020 (figure 3 and section 5 for the places of the SE block).

Modules are named as in torchvision (conv1, bn1, layer1.0.conv1, ..., downsample, fc), so that its weights load
as they are. The SE block of a residual unit is its child `se`.

A pruned network (seviz.pruning) has branches with fewer channels than its shortcuts: they are added at their places.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seviz.nets.se import SqueezeExcite

PLACEMENTS = ("standard", "pre", "post", "identity")
STEMS = ("3x3", "3x3/2", "7x7/2+pool")


@dataclass(frozen=True)
class SEOptions:
    """Where SE blocks stand and how they look.

    reduction: r; the hidden width is max(C // r, min_hidden).
    squeeze: "avg", "max" or "none" (see SqueezeExcite).
    placement: "standard" (on the branch, before the sum), "pre" (before the branch's first convolution), "post" (after
        the sum and its ReLU), "identity" (on the shortcut, beside the branch).
    stages: the stages that have SE blocks, counted from 1; None for all.
    """

    reduction: int = 16
    min_hidden: int = 1
    squeeze: str = "avg"
    placement: str = "standard"
    stages: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.placement not in PLACEMENTS:
            raise ValueError(f"a placement is one of {', '.join(PLACEMENTS)}; not {self.placement!r}")


@dataclass(frozen=True)
class ResNetOptions:
    """Everything that fixes the shape of a network.

    blocks: residual units of each stage. widths: channels of each stage (a bottleneck puts out four times as many).
    strides: the stride of each stage's first unit. stem: "3x3", "3x3/2" or "7x7/2+pool" (stride 2, then max pooling).
    bottleneck: 1x1, 3x3, 1x1 units in place of two 3x3. stride_on: where a bottleneck strides, "1x1" (v1, He et al.)
    or "3x3" (v1.5, torchvision). shortcut: "A" (subsample and pad with zeros, no parameters) or "B" (1x1 convolution)
    where the shape changes. classes: the outputs. se: None for a plain network. kept: None, or for each residual unit in
    order the channels that its branch puts out, ascending places among those of the shortcut; None there for all of them.
    """

    blocks: tuple[int, ...]
    widths: tuple[int, ...]
    strides: tuple[int, ...]
    stem: str = "3x3"
    bottleneck: bool = False
    stride_on: str = "3x3"
    shortcut: str = "B"
    classes: int = 10
    se: SEOptions | None = None
    kept: tuple[tuple[int, ...] | None, ...] | None = None

    def __post_init__(self) -> None:
        if not len(self.blocks) == len(self.widths) == len(self.strides):
            raise ValueError("blocks, widths and strides need one number a stage each")
        for value, allowed in ((self.stem, STEMS), (self.stride_on, ("1x1", "3x3")), (self.shortcut, ("A", "B"))):
            if value not in allowed:
                raise ValueError(f"{value!r} is not one of {', '.join(allowed)}")
        for channels, kept in zip(self.branches, self.kept_by_unit, strict=True):
            if kept is not None and not _ascending(kept, channels):
                raise ValueError(f"a branch keeps ascending places out of 0 to {channels - 1}, at least one")

    @property
    def branches(self) -> tuple[int, ...]:
        """The channels of every residual unit's shortcut, in order; its branch has as many where nothing was dropped."""
        expansion = 4 if self.bottleneck else 1
        return tuple(width * expansion for count, width in zip(self.blocks, self.widths, strict=True) for _ in range(count))

    @property
    def kept_by_unit(self) -> tuple[tuple[int, ...] | None, ...]:
        return (None,) * sum(self.blocks) if self.kept is None else self.kept


class PadShortcut(nn.Module):
    """Shortcut A: every stride-th pixel, and zeros for the channels that are new. (B, C, H, W) -> (B, C', H', W')."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.new_channels, self.stride = outputs - inputs, stride

    def forward(self, x: Tensor) -> Tensor:
        front = self.new_channels // 2
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, front, self.new_channels - front))


class ResidualUnit(nn.Module):
    """relu(branch(x) + shortcut(x)), with an SE block in one of the paper's four places or none.

    kept: the places at which a branch with fewer channels is added to the shortcut; an SE block in the standard place,
    on the branch, has those channels alone.
    """

    kept: Tensor | None

    def __init__(
        self,
        inputs: int,
        width: int,
        stride: int,
        options: ResNetOptions,
        se: SEOptions | None,
        kept: tuple[int, ...] | None = None,
    ) -> None:
        super().__init__()
        outputs = width * 4 if options.bottleneck else width
        branch = outputs if kept is None else len(kept)
        # in the state: a network without numbers (meta) that is filled from a file would otherwise lack them
        self.register_buffer("kept", None if kept is None else torch.tensor(kept))
        first, second = (stride, 1) if not options.bottleneck or options.stride_on == "1x1" else (1, stride)
        self.conv1 = _conv(inputs, width, 1 if options.bottleneck else 3, first)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU()
        deep = options.bottleneck
        self.conv2 = _conv(width, width if deep else branch, 3, second)
        self.bn2 = nn.BatchNorm2d(width if deep else branch)
        if deep:
            self.relu2 = nn.ReLU()
            self.conv3 = _conv(width, branch, 1, 1)
            self.bn3 = nn.BatchNorm2d(branch)
        self.downsample = _shortcut(inputs, outputs, stride, options.shortcut)
        self.placement = se.placement if se else "none"
        if se:
            gated = inputs if se.placement == "pre" else outputs
            hidden = max(gated // se.reduction, se.min_hidden)  # of all channels, as many as there were before any was dropped
            left = branch if se.placement == "standard" else gated
            self.se = SqueezeExcite(left, se.reduction, min_hidden=hidden, squeeze=se.squeeze)
        self.relu = nn.ReLU()

    def branch(self, x: Tensor) -> Tensor:
        out: Tensor = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x)))))
        if not hasattr(self, "conv3"):
            return out
        deep: Tensor = self.bn3(self.conv3(self.relu2(out)))
        return deep

    def forward(self, x: Tensor) -> Tensor:
        return self.from_gate(*self.to_gate(x))

    def to_gate(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The unit up to its gate: the map u that the SE block scales, and the map that meets it later.

        What comes before a gate is the same whatever the gate becomes, so that edits can share it.
        """
        shortcut: Tensor = self.downsample(x)
        if self.placement == "pre":
            return x, shortcut
        out = self.branch(x)
        if self.placement == "post":
            return self.relu(self.added(shortcut, out)), shortcut
        return (shortcut, out) if self.placement == "identity" else (out, shortcut)

    def from_gate(self, u: Tensor, rest: Tensor) -> Tensor:
        """The unit from its gate on: what forward returns, of what to_gate returned."""
        scaled: Tensor = self.se(u) if self.placement != "none" else u
        if self.placement == "post":
            return scaled
        if self.placement == "identity":
            shortcut, branch = scaled, rest
        else:
            shortcut, branch = rest, self.branch(scaled) if self.placement == "pre" else scaled
        out: Tensor = self.relu(self.added(shortcut, branch))
        return out

    def added(self, shortcut: Tensor, branch: Tensor) -> Tensor:
        """The sum, of a branch with as many channels or with those of `kept`."""
        if self.kept is None:
            return branch + shortcut
        return shortcut.index_add(1, self.kept, branch.to(shortcut.dtype))


class ResNet(nn.Module):
    """(B, 3, H, W) float pictures, normalised -> (B, classes) logits. The stages are layer1, layer2, ..."""

    def __init__(self, options: ResNetOptions) -> None:
        super().__init__()
        self.options = options
        kernel, stride = (7, 2) if options.stem == "7x7/2+pool" else (3, 2 if options.stem == "3x3/2" else 1)
        stem_width = 64 if options.stem == "7x7/2+pool" else options.widths[0]
        self.conv1 = _conv(3, stem_width, kernel, stride)
        self.bn1 = nn.BatchNorm2d(stem_width)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1) if options.stem == "7x7/2+pool" else nn.Identity()
        self.stages = [f"layer{number}" for number in range(1, len(options.blocks) + 1)]
        inputs, kept = stem_width, iter(options.kept_by_unit)
        shapes = zip(options.blocks, options.widths, options.strides, strict=True)
        for number, (count, width, step) in enumerate(shapes, 1):
            se = options.se if options.se and (options.se.stages is None or number in options.se.stages) else None
            units = []
            for index in range(count):
                units.append(ResidualUnit(inputs, width, step if index == 0 else 1, options, se, next(kept)))
                inputs = width * 4 if options.bottleneck else width
            self.add_module(f"layer{number}", nn.Sequential(*units))
        self.fc = nn.Linear(inputs, options.classes)
        _initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for name in self.stages:
            x = getattr(self, name)(x)
        return self.head(x)

    def units(self) -> Iterator[tuple[str, ResidualUnit]]:
        """Path, such as "layer3.2", and residual unit, in the order they run."""
        for stage in self.stages:
            for name, unit in self.get_submodule(stage).named_children():
                if isinstance(unit, ResidualUnit):
                    yield f"{stage}.{name}", unit

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """As of every module. Raises ValueError where its branches keep other channels than the options say."""
        found = super().load_state_dict(state_dict, strict, assign)
        for (path, unit), kept in zip(self.units(), self.options.kept_by_unit, strict=True):
            if unit.kept is not None and tuple(unit.kept.tolist()) != kept:
                raise ValueError(f"{path} keeps other channels than its options say")
        return found

    def stem(self, x: Tensor) -> Tensor:
        """Pictures -> what the first unit sees."""
        out: Tensor = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return out

    def head(self, x: Tensor) -> Tensor:
        """What the last unit puts out -> logits."""
        logits: Tensor = self.fc(x.mean((2, 3)))
        return logits


def _ascending(places: tuple[int, ...], below: int) -> bool:
    whole = all(type(place) is int and 0 <= place < below for place in places)
    return bool(places) and whole and list(places) == sorted(set(places))


def _conv(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)


def _shortcut(inputs: int, outputs: int, stride: int, kind: str) -> nn.Module:
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    if kind == "A":
        return PadShortcut(inputs, outputs, stride)
    return nn.Sequential(_conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))


def _initialise(net: ResNet) -> None:
    """He initialisation (fan out); the last BN of every branch starts at 0, so that a unit starts as its shortcut."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if isinstance(module, ResidualUnit):
            last: nn.BatchNorm2d = module.bn3 if hasattr(module, "bn3") else module.bn2
            nn.init.zeros_(last.weight)
