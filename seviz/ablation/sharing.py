"""The logits of many edits of one batch, computing what edits share once.

Edits that agree up to a gate share everything before it: the network is walked as a tree, unit by unit, that branches at
a gate where edits part. An edit in stage 3 runs neither the stem nor stages 1 and 2 again, and an edit of one gate not
even the convolutions of its own unit. The operations are those of the plain loop, in its order: the logits are equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from seviz.gates import GateValue, by_channel, edit_gates, record_gates
from seviz.nets import SqueezeExcite
from seviz.nets.resnet import ResidualUnit, ResNet

Treatment = Mapping[str, str]  # site path -> what its gate becomes; sites that are not named stay live


class Becoming(Protocol):
    """What the names in treatments mean in a batch. live: site path -> (B, C), the live gates, noted on the way."""

    live: dict[str, Tensor]

    def of(self, path: str, becomes: str) -> GateValue: ...


class Gates:
    """What gates become in a batch: numbers, given means, and the live gates of the next picture.

    Args:
        means: site path -> (C,). class_means: site path -> (B, C), of the true class of each picture. neutral: site path ->
            what "1" stands for, SE off, where that is another number (see Site.neutral).

    live: site path -> (B, C), noted on the way: the first edit of all is none, and is walked first.
    """

    def __init__(
        self, means: Mapping[str, Tensor], class_means: Mapping[str, Tensor], neutral: Mapping[str, float] | None = None
    ) -> None:
        self.means, self.class_means, self.live = means, class_means, dict[str, Tensor]()
        self.neutral = neutral or {}

    def of(self, path: str, becomes: str) -> GateValue:
        if becomes == "mean":
            return self.means[path]
        if becomes == "class":
            return self.class_means[path]
        if becomes == "shuffle":
            return self.live[path].roll(-1, 0)
        return self.neutral.get(path, 1.0)


def logits_of(net: nn.Module, x: Tensor, treatments: Sequence[Treatment], gates: Becoming) -> Tensor:
    """The logits of a batch under every treatment: (V, B, K).

    Args:
        net: in eval mode; a ResNet of seviz.nets is walked as a tree, any other network is run for every treatment.
        x: (B, 3, H, W), normalised. treatments: the first is empty: the live network.
    """
    if not isinstance(net, ResNet):
        return one_by_one(net, x, treatments, gates)
    found: list[Tensor | None] = [None] * len(treatments)
    units = _units(net)
    _walk(net, units, units[0][1].to_gate(net.stem(x)), list(range(len(treatments))), treatments, gates, found)
    return torch.stack([logits for logits in found if logits is not None])


def one_by_one(net: nn.Module, x: Tensor, treatments: Sequence[Treatment], gates: Becoming) -> Tensor:
    """The same by the plain loop: the whole network for every treatment."""
    with record_gates(net) as recording:
        rows = [net(x)]
    gates.live = {path: by_channel(values) for path, values in recording.gates.items()}
    for treatment in treatments[1:]:
        with edit_gates(net, {path: gates.of(path, becomes) for path, becomes in treatment.items()}):
            rows.append(net(x))
    return torch.stack(rows)


def _units(net: ResNet) -> list[tuple[str, ResidualUnit]]:
    """The residual units in the order they run, each with the path of its SE block ("" where it has none)."""
    found = []
    for stage in net.stages:
        for name, unit in net.get_submodule(stage).named_children():
            if isinstance(unit, ResidualUnit):
                has_gate = isinstance(getattr(unit, "se", None), SqueezeExcite)
                found.append((f"{stage}.{name}.se" if has_gate else "", unit))
    return found


def _walk(
    net: ResNet,
    units: Sequence[tuple[str, ResidualUnit]],
    state: tuple[Tensor, Tensor],
    members: Sequence[int],
    treatments: Sequence[Treatment],
    gates: Becoming,
    found: list[Tensor | None],
) -> None:
    """From the gate of the first of `units` on, for the treatments that agreed so far. state: what its to_gate gave."""
    (path, unit), *later = units
    for becomes, group in _parted(members, treatments, path).items():
        edits = {"se": gates.of(path, becomes)} if becomes is not None else {}
        with edit_gates(unit, edits), record_gates(unit) as recording:
            out = unit.from_gate(*state)
        if path and path not in gates.live:  # the live network is the first to come by
            gates.live[path] = by_channel(recording.gates["se"])
        if later:
            _walk(net, later, later[0][1].to_gate(out), group, treatments, gates, found)
            continue
        logits = net.head(out)
        for member in group:
            found[member] = logits


def _parted(members: Sequence[int], treatments: Sequence[Treatment], path: str) -> dict[str | None, list[int]]:
    """The members by what the gate becomes, in their order: where the live network is among them, it comes first."""
    groups: dict[str | None, list[int]] = {}
    for member in members:
        groups.setdefault(treatments[member].get(path), []).append(member)
    return groups
