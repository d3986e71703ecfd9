"""SE blocks into networks that were made without them.

    net = seviz.insert_se(torchvision.models.mobilenet_v2(), r=16)
    seviz.find_gates(net)                       # features.1.se, features.2.se, ...
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.vgg import VGG

from seviz.errors import RequestError
from seviz.nets.gated import GATED, RESIDUAL, Gated, GatedAfter, GatedInverted, GatedReLU
from seviz.nets.placement import SEPlacement
from seviz.nets.resnet import ResidualUnit, ResNet, SEOptions
from seviz.nets.se import SqueezeExcite

KNOWN = "VGG, GoogLeNet, Inception3, ResNet, ResNeXt, MobileNetV2 and ShuffleNetV2 of torchvision, and ResNet of seviz.nets"


@dataclass(frozen=True)
class Place:
    """A unit that can take an SE block. path: the unit's. stage, block: where it stands, counted from 1. kind: what it
    becomes; None for a unit of seviz.nets. channels: position -> those of the map that the block would scale there."""

    path: str
    stage: int
    block: int
    kind: type[Gated] | None
    channels: dict[str, int]


def insert_se(
    net: nn.Module,
    where: Sequence[int] | None = None,
    r: int = 16,
    *,
    position: str = "standard",
    squeeze: str = "avg",
    min_hidden: int = 1,
) -> nn.Module:
    """A copy of `net` with SE blocks in the paper's places. `net` itself stays as it is.

    Every weight of the copy is `net`'s under the same name; what is new ends in `.se.`, starts as in SqueezeExcite, and lies
    on the device of `net`, in its dtype. With all gates at 1 the copy answers as `net`, bit for bit. What was done stands in
    the copy's attribute `se_placement`.

    Args:
        net: VGG (with batch norm or without), GoogLeNet, Inception3, ResNet, ResNeXt, Wide ResNet, MobileNetV2 or
            ShuffleNetV2 of torchvision, alone or as part of another network; or a plain ResNet of seviz.nets.
        where: the stages that get SE blocks, counted from 1; None for all. A stage is `layerN` of a ResNet; the
            convolutions between two poolings of VGG; the modules between two poolings of GoogLeNet, and those of one size
            (Mixed_5, _6, _7) of Inception3; units of one width of MobileNetV2; `stageN` of ShuffleNetV2, of which
            `stage2` is the first.
        r: the reduction; a block of C channels has max(C // r, min_hidden) hidden units.
        position: where in a unit.
            "standard": on the branch that is not the identity, before the sum (residual networks, section 3.3 of the paper);
            after a whole Inception module; after the activation of a convolution (VGG).
            "pre", "post", "identity" (table 14): before the branch; after the sum and its activation; on the
            shortcut beside the branch. "3x3" (table 15): inside a bottleneck, on what its 3 x 3 convolution puts out.
            VGG and the Inceptions have the standard position alone, units without bottleneck no "3x3".
        squeeze: "avg", "max" or "none" (see SqueezeExcite).

    What the paper leaves open, and what was chosen:
        VGG: "after each convolution's activation" leaves the classifier without blocks.
        Inception: the two modules of Inception3 that shrink the map (Mixed_6a, Mixed_7a) have a block as all others.
        "3x3": after the batch norm and the ReLU of that convolution; MobileNetV2's and ShuffleNetV2's are their depthwise
            ones, of which ShuffleNetV2's has no activation.
        MobileNetV2 (the paper has version 1, without shortcuts): after the projection's batch norm, which is before the sum;
            units without a sum have a block all the same, but for "identity", as they have no shortcut.
        ShuffleNetV2 (the paper has version 1): on the larger branch, before it is concatenated; what passes by it, half of
            the channels or the smaller branch, counts as the shortcut. "post" is after concatenation and shuffle.

    Raises RequestError where the network has SE blocks already, was pruned or has no such places, for a position or a stage
    that it lacks, and for an r below 1.
    """
    try:
        stages = where if where is None else tuple(where)
        placement = SEPlacement(stages, position, r, min_hidden, squeeze)
    except (TypeError, ValueError) as error:
        raise RequestError(f"SE blocks cannot be inserted so: {error}.") from error
    return with_placement(net, placement)


def with_placement(net: nn.Module, placement: SEPlacement) -> nn.Module:
    """insert_se, for a placement as it stands in a card. Raises RequestError as it does."""
    if not isinstance(net, nn.Module):
        raise RequestError(f"SE blocks are inserted into a torch module, not into a {type(net).__name__}.")
    found = next((path for path, module in net.named_modules() if isinstance(module, SqueezeExcite)), None)
    if found is not None:
        raise RequestError(f"This network has SE blocks already, such as {found}; give its plain twin.")
    if any(getattr(module, "kept", None) is not None for module in net.modules()):
        raise RequestError("This network lacks channels that were pruned; insert SE blocks before that.")
    chosen = _chosen(net, placement)
    gated, like = copy.deepcopy(net), next(net.parameters())
    for place in chosen:
        _gate(gated.get_submodule(place.path), place, placement, like)
    if isinstance(gated, ResNet):
        gated.options = replace(gated.options, se=_options(placement))
    gated.se_placement = placement  # type: ignore[assignment]
    return gated


def places(net: nn.Module) -> tuple[Place, ...]:
    """Every unit of a network without SE blocks that could take one, in the order of its modules; () where none could."""
    found = []
    for stage, (_, units) in enumerate(groupby(_units(net), key=lambda unit: unit[0]), 1):
        for block, (_, path, kind, channels) in enumerate(units, 1):
            found.append(Place(path, stage, block, kind, channels))
    return tuple(found)


def _units(net: nn.Module) -> Iterator[tuple[object, str, type[Gated] | None, dict[str, int]]]:
    """What the units of one stage have in common, path, kind and channels of every unit."""
    for path, module in net.named_modules():
        kind = GATED.get(type(module))  # of a class that builds on one of these nobody knows what its forward does
        if kind is not None:
            channels = {position: kind.channels(module, position) for position in kind.positions}
            yield _stage(path, module, kind), path, kind, channels
        elif isinstance(module, VGG):
            yield from _activations(f"{path}.features" if path else "features", module.features)
        elif isinstance(module, ResidualUnit):
            outputs = (module.conv3 if hasattr(module, "conv3") else module.conv2).out_channels
            channels = {position: module.conv1.in_channels if position == "pre" else outputs for position in RESIDUAL}
            yield path.rpartition(".")[0], path, None, channels


def _stage(path: str, unit: Any, kind: type[Gated]) -> object:
    """layer1 of layer1.0, inception3 of inception3a, Mixed_5 of Mixed_5b; the width of a unit of MobileNetV2."""
    if kind is GatedInverted:
        return unit.out_channels
    return path[:-1] if issubclass(kind, GatedAfter) else path.rpartition(".")[0]


def _activations(path: str, features: nn.Module) -> Iterator[tuple[object, str, type[Gated], dict[str, int]]]:
    """The activations of VGG, in stages that its poolings end."""
    poolings, channels = 0, 0
    for name, module in features.named_children():
        poolings += isinstance(module, nn.MaxPool2d)
        if isinstance(module, nn.Conv2d):
            channels = module.out_channels
        elif type(module) is nn.ReLU:
            yield poolings, f"{path}.{name}", GatedReLU, {"standard": channels}


def _chosen(net: nn.Module, placement: SEPlacement) -> list[Place]:
    """The places that get a block. Raises RequestError where there are none, or not those that were asked for."""
    there, name = places(net), type(net).__name__
    if not there:
        raise RequestError(f"{name} has no places where SE blocks are known to belong; there are such in {KNOWN}.")
    stages = sorted({place.stage for place in there})
    strange = [stage for stage in placement.where or () if stage not in stages]
    if strange:
        raise RequestError(f"{name} has no stage {strange[0]}; its stages are 1 to {stages[-1]}.")
    positions = list(dict.fromkeys(position for place in there for position in place.channels))
    if placement.position not in positions:
        raise RequestError(f"{name} has no position {placement.position!r} for SE blocks; it has {', '.join(positions)}.")
    wanted = [place for place in there if placement.where is None or place.stage in placement.where]
    chosen = [place for place in wanted if place.channels.get(placement.position)]
    if not chosen:
        raise RequestError(f"No unit of these stages of {name} has the position {placement.position!r}; name others.")
    return chosen


def _gate(unit: Any, place: Place, placement: SEPlacement, like: Tensor) -> None:
    """Put a block into a unit, in place; it lies where `like` lies."""
    channels, chosen = place.channels[placement.position], placement
    with torch.device(like.device):
        block = SqueezeExcite(channels, chosen.reduction, min_hidden=chosen.min_hidden, squeeze=chosen.squeeze)
    block.place = (place.stage, place.block)
    if place.kind is None:
        unit.placement = placement.position
    else:
        # another class for the same object: its parts, their names and their weights stay what they are
        unit.__class__ = place.kind
        unit.position = placement.position
    unit.se = block.to(like.dtype).train(unit.training)


def _options(placement: SEPlacement) -> SEOptions:
    """The placement as seviz.nets' own options."""
    chosen = placement
    return SEOptions(chosen.reduction, chosen.min_hidden, chosen.squeeze, chosen.position, chosen.where)
