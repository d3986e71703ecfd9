"""prune: a network without some of its channels.

Dropping channel c of a branch takes away row c of its last convolution and of that one's batch norm, and of the SE block
on the branch row c of fc2, whose gate c was, and column c of fc1: the squeeze of a dropped channel tells the other
channels' gates nothing any more. What is left is added to the shortcut at its old places. So the network says exactly
what the whole one says with gate c at 0 and with squeeze c kept from fc1. A gate at 0 alone is not the same: there the
squeeze still speaks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from seviz.errors import RequestError
from seviz.nets import ResNet
from seviz.nets.resnet import ResidualUnit
from seviz.pruning.branches import last_layers, resnet

Kept = Mapping[str, Sequence[int]]  # path of a residual unit -> the channels of its branch that stay, ascending


def prune(net: nn.Module, kept: Kept) -> ResNet:
    """A new network, in eval mode and on the same device, in which these branches have these channels alone.

    Args:
        net: a ResNet of seviz.nets, pruned before or not; it is left as it is.
        kept: path of a residual unit, such as "layer3.2" -> its channels that stay, counted among those that its branch
            has now; branches that are not named stay whole.

    Raises RequestError for a network of another kind, an unknown unit, or channels that are not there or none.
    """
    whole = resnet(net)
    units = dict(whole.units())
    for path, channels in kept.items():
        if path not in units:
            raise RequestError(f"There is no residual unit {path!r} in this network; it has {', '.join(units)}.")
        _require_channels(path, channels, last_layers(units[path])[0].out_channels)
    made = _without_weights(whole, units, kept)
    device = next(whole.parameters()).device
    made.to(device).load_state_dict(_state(whole, made, units, kept))
    return made.eval().requires_grad_(next(whole.parameters()).requires_grad)


def _require_channels(path: str, channels: Sequence[int], there: int) -> None:
    if not channels or list(channels) != sorted(set(channels)) or channels[0] < 0 or channels[-1] >= there:
        raise RequestError(f"{path} has the channels 0 to {there - 1}, of which one or more stay, in ascending order.")


def _without_weights(whole: ResNet, units: Mapping[str, ResidualUnit], kept: Kept) -> ResNet:
    """A network of the new shape. A branch that was pruned before keeps its places among all channels."""
    options, left = whole.options, []
    for path, before in zip(units, options.kept_by_unit, strict=True):
        channels = kept.get(path)
        places = before if channels is None else tuple(before[one] if before else one for one in channels)
        left.append(places)
    return ResNet(replace(options, kept=tuple(left)))


def _state(whole: ResNet, made: ResNet, units: Mapping[str, ResidualUnit], kept: Kept) -> dict[str, Tensor]:
    state = dict(whole.state_dict())
    state |= {name: value for name, value in made.state_dict().items() if name.endswith(".kept")}
    for path, channels in kept.items():
        unit, rows = units[path], torch.as_tensor(channels, device=next(whole.parameters()).device)
        names = ("conv3", "bn3") if hasattr(unit, "conv3") else ("conv2", "bn2")
        for layer in names:
            for name, value in unit.get_submodule(layer).state_dict().items():
                state[f"{path}.{layer}.{name}"] = value[rows] if value.dim() else value  # a batch norm counts its batches
        if unit.placement == "standard":
            state[f"{path}.se.fc1.weight"] = unit.se.fc1.weight[:, rows]
            state[f"{path}.se.fc2.weight"] = unit.se.fc2.weight[rows]
            state[f"{path}.se.fc2.bias"] = unit.se.fc2.bias[rows]
    return {name: value.detach().clone() for name, value in state.items()}
