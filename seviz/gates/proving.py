"""Proof that what a trace found are the network's gates.

1. what was recorded, times what it scales, is what the network went on with, bit for bit
2. the network edited to the gates it has anyhow answers the same, bit for bit
3. a gate that is edited to its neutral value changes the answer; where it does not, it is looked at why
4. afterwards the network answers as before and has its hooks, parameters and buffers as before, bit for bit
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from seviz.edits.resolve import GateFunction
from seviz.errors import RequestError
from seviz.gates.editing import edit_points
from seviz.gates.layouts import scaled_map
from seviz.gates.points import Points, module_at
from seviz.gates.recording import record_points
from seviz.gates.scopes import Act, Listener, listening, quietly
from seviz.gates.sites import Place, Point


@dataclass
class Proof:
    """proved: the points that are gates. refused: site path -> why not, in a clause. notes: site path of a proved gate
    whose neutral edit changes nothing -> why, in a clause."""

    proved: dict[str, Point] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


def prove(net: nn.Module, x: Tensor, points: Points) -> Proof:
    """Prove each point on a batch; the network is in eval mode. Raises RequestError where its answers are not its own."""
    before, answer = _state(net), answers(net, x)
    if not all(bool(one.isfinite().all()) for one in answer):
        raise RequestError("This network answers NaN or infinite values to the example; nothing can be proved with it.")
    if not same(answer, answers(net, x)):
        raise RequestError("This network answers the same pictures differently each time; its gates cannot be told.")
    recorded, refused = _recorded(net, x, points, answer)
    kept = {path: point for path, point in points.items() if path not in refused}
    refused |= _touched_by_nothing(net, x, kept, recorded, answer)
    proof = Proof({path: point for path, point in kept.items() if path not in refused}, refused)
    one, alone = x[:1], answers(net, x[:1])
    for path, point in proof.proved.items():
        with edit_points(net, {path: point}, {path: point.site.neutral}):
            changed = not same(alone, answers(net, one))
        if not changed:
            proof.notes[path] = _why_unchanged(net, one, point)
    if not same(answer, answers(net, x)) or before != _state(net):
        raise RequestError("This network is not the same after its gates were edited; it cannot be used here.")
    return proof


def answers(net: nn.Module, x: Tensor) -> list[Tensor]:
    """All tensors that the network puts out, without gradients."""
    with torch.no_grad():
        return list(_tensors(net(x)))


def same(first: Sequence[Tensor], second: Sequence[Tensor]) -> bool:
    """Bit for bit; NaN is the same as NaN."""
    return len(first) == len(second) and all(
        one.shape == other.shape and bool(((one == other) | (one.isnan() & other.isnan())).all())
        for one, other in zip(first, second, strict=True)
    )


def _recorded(
    net: nn.Module, x: Tensor, points: Points, answer: Sequence[Tensor]
) -> tuple[Mapping[str, Tensor], dict[str, str]]:
    """The gates of the batch, and the sites where they are not what multiplies."""
    refused: dict[str, str] = {}
    with record_points(net, points) as recording, _comparing(net, points, recording.gates, refused):
        recorded = answers(net, x)
    if not same(answer, recorded):
        raise RequestError("This network answers differently while it is watched; its gates cannot be told.")
    for path in points:
        if path not in recording.gates:
            refused[path] = "it did not run"
    return recording.gates, refused


@contextlib.contextmanager
def _comparing(net: nn.Module, points: Points, gates: Mapping[str, Tensor], refused: dict[str, str]) -> Iterator[None]:
    """Whether recorded gate x map is the result of each multiplication; those where it is not are refused."""
    maps: dict[str, Tensor] = {}
    listeners: list[Listener] = []
    for path, point in points.items():
        product = point.product
        at = {name: Place(product.module, name, product.number, product.operand) for name in ("map", "result")}
        module = module_at(net, product.module)
        listeners.append((module, at["map"], quietly(_held(maps, path, point))))
        listeners.append((module, at["result"], quietly(_compared(path, point, maps, gates, refused))))
    with listening(listeners):
        yield


def _held(maps: dict[str, Tensor], path: str, point: Point) -> Act:
    def hold(caught: Tensor) -> None:
        maps[path] = scaled_map(caught, point)

    return hold


def _compared(path: str, point: Point, maps: dict[str, Tensor], gates: Mapping[str, Tensor], refused: dict[str, str]) -> Act:
    def compare(result: Tensor) -> None:
        scaled, gate = maps.pop(path), gates.get(path)
        if gate is None:
            refused[path] = "what puts its gate out runs after it"
            return
        wanted = scaled * (gate.permute(0, 3, 1, 2) if gate.dim() == 4 else gate[:, :, None, None])
        if not same([wanted], [scaled_map(result, point)]):
            refused[path] = "what it makes is not its map times what was recorded"
        elif not bool(((gate >= 0) & (gate <= 1)).all()):
            refused[path] = "what multiplies is not in 0..1"

    return compare


def _touched_by_nothing(
    net: nn.Module, x: Tensor, points: Points, recorded: Mapping[str, Tensor], answer: Sequence[Tensor]
) -> dict[str, str]:
    """The sites at which an edit that changes nothing changes the answer."""
    gates = {path: _constant(recorded[path]) for path in points}
    with edit_points(net, points, gates):
        if same(answer, answers(net, x)):
            return {}
    refused = {}
    for path, point in points.items():
        with edit_points(net, {path: point}, {path: gates[path]}):
            if not same(answer, answers(net, x)):
                refused[path] = "an edit to the gate it has anyhow changes the answer"
    return refused


def _constant(gates: Tensor) -> GateFunction:
    return lambda _: gates


def _why_unchanged(net: nn.Module, x: Tensor, point: Point) -> str:
    """Why the neutral edit leaves the answer as it is, in a clause."""
    path, maps = point.site.path, list[Tensor]()
    place = point.product
    at_map = Place(place.module, "map", place.number, place.operand)
    caught: Act = quietly(lambda scaled: maps.append(scaled_map(scaled, point)))
    with record_points(net, {path: point}) as recording, listening([(module_at(net, place.module), at_map, caught)]):
        answers(net, x)
    if not maps[0].any():
        return "what it scales is 0 everywhere"
    if bool(recording.gates[path].eq(point.site.neutral).all()):
        return "it is neutral as it is"
    return "what it scales is lost on the way to the answer"


def _state(net: nn.Module) -> list[object]:
    """What an edit could leave behind: hooks, and a count that torch raises whenever numbers are written."""
    hooks = [(len(m._forward_hooks), len(m._forward_pre_hooks), m.training) for m in net.modules()]
    return [*hooks, *((id(t), t._version) for t in (*net.parameters(), *net.buffers()))]


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _tensors(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _tensors(one)
