"""Flip it: few gates that, changed, turn a prediction into another class.

    found = flip(see, slopes, target)              over any function that says what a network answers under changes
    found = flip_picture(model, picture, "dog")    over a model

Greedy by slope times possible change, then pruned backwards. The result is minimal in this sense and no other: no single
change of it can be left out. A smaller set of other changes may exist; finding the smallest of all would take a try of
every subset.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seviz.edits import ALL, Edit
from seviz.edits.switch import gathered

if TYPE_CHECKING:
    from seviz.backend import Model

MOST, TRIED = 24, 16  # changes at most; candidates that are really tried for each, a micro-batch

Changes = Mapping[int, float]
"""Number of a gate -> what it becomes."""


@dataclass(frozen=True, eq=False)
class Seen:
    """What a network answers under changes. logits: (K,). gates: (N,), all of them in one row, 0..1."""

    logits: NDArray[np.floating]
    gates: NDArray[np.floating]

    def margin(self, target: int) -> float:
        """The target's logit above the best other one; above 0 the target is the prediction."""
        return float(self.logits[target] - np.delete(self.logits, target).max())

    def probability(self, index: int) -> float:
        """Of a class, 0..1."""
        shares = np.exp(np.asarray(self.logits, dtype=np.float64) - self.logits.max())
        return float(shares[index] / shares.sum())


See = Callable[[Sequence[Changes]], Sequence[Seen]]
Slopes = Callable[[Changes, int], NDArray[np.floating]]


@dataclass(frozen=True, eq=False)
class Step:
    """One change of the path. gate: its number. before: where it stood under the steps before, after: 0 or 1.
    seen: what the network answers after it."""

    gate: int
    before: float
    after: float
    seen: Seen


@dataclass(frozen=True, eq=False)
class Flip:
    """The path to another class. start: without changes. flipped: whether the last step's prediction is the target.
    pruned: changes that were found on the way and turned out not to be needed."""

    target: int
    start: Seen
    steps: tuple[Step, ...]
    flipped: bool
    pruned: int


def flip(see: See, slopes: Slopes, target: int, *, most: int = MOST, tried: int = TRIED) -> Flip:
    """A set of changes under which `target` is the prediction, of which none can be left out.

    Args:
        see: what the network answers under each of several sets of changes.
        slopes: (changes, rival) -> (N,), by how much logit[target] - logit[rival] rises with each gate, under changes.
        most: changes at most. tried: how many candidates, those of the largest slope x possible change, are really
            tried at each step; the one with the best margin is taken.

    A gate is changed to 0 or to 1, whichever its slope points to. Where no candidate makes the margin better, or `most`
    changes are not enough, `flipped` is False, and the steps are those that were found.
    """
    changes: dict[int, float] = {}
    start = now = see([changes])[0]
    while now.margin(target) <= 0 and len(changes) < most:
        candidates = _candidates(changes, now, slopes(changes, _rival(now, target)), tried)
        seen = see([{**changes, gate: value} for gate, value in candidates]) if candidates else []
        best = max(range(len(seen)), key=lambda number: seen[number].margin(target), default=None)
        if best is None or seen[best].margin(target) <= now.margin(target):
            break
        changes[candidates[best][0]], now = candidates[best][1], seen[best]
    flipped = now.margin(target) > 0
    kept = _pruned(changes, see, target) if flipped else changes
    return Flip(target, start, _path(kept, start, see), flipped, len(changes) - len(kept))


def _rival(seen: Seen, target: int) -> int:
    others = np.array(seen.logits, dtype=np.float64)
    others[target] = -np.inf
    return int(others.argmax())


def _candidates(changes: Changes, now: Seen, slope: NDArray[np.floating], tried: int) -> list[tuple[int, float]]:
    """(gate, 0 or 1) of those that promise most, to first order; those that promise nothing are left out."""
    aim = (slope > 0).astype(np.float64)
    promise = np.asarray(slope, dtype=np.float64) * (aim - now.gates)
    promise[list(changes)] = 0
    order = np.argsort(-promise, kind="stable")[:tried]
    return [(int(gate), float(aim[gate])) for gate in order if promise[gate] > 0]


def _pruned(changes: Changes, see: See, target: int) -> Changes:
    """Changes without those that are not needed: as long as one can go, the one whose loss leaves the best margin goes."""
    kept = dict(changes)
    while kept:
        gates = list(kept)
        margins = [seen.margin(target) for seen in see([_less(kept, gate) for gate in gates])]
        best = int(np.argmax(margins))
        if margins[best] <= 0:
            break
        del kept[gates[best]]
    return kept


def _less(changes: Changes, gate: int) -> Changes:
    return {other: value for other, value in changes.items() if other != gate}


def _path(changes: Changes, start: Seen, see: See) -> tuple[Step, ...]:
    pairs = list(changes.items())
    seen = [start, *(see([dict(pairs[: number + 1]) for number in range(len(pairs))]) if pairs else [])]
    return tuple(
        Step(gate, float(seen[number].gates[gate]), value, seen[number + 1]) for number, (gate, value) in enumerate(pairs)
    )


def places(model: Model) -> list[tuple[str, int]]:
    """(site path, channel) of every gate of a model, by its number."""
    return [(site.path, channel) for site in model.sites for channel in range(site.channels)]


def edits_of(changes: Changes, places: Sequence[tuple[str, int]]) -> tuple[Edit, ...]:
    """Changes as edits."""
    return gathered((*places[gate], value) for gate, value in changes.items())


def flip_picture(
    model: Model, pixels: NDArray[np.uint8], target: int | str, *, most: int = MOST, tried: int = TRIED
) -> Flip:
    """flip of a picture, uint8 (H, W, 3) as the network sees it (Model.see); gates are numbered as by `places`.

    Raises RequestError, for a plain network too, or BusyError.
    """
    from seviz.backend import Request
    from seviz.edits.resolve import select

    select(ALL, model.sites)
    index, where = model.class_index(target), places(model)

    def see(sets: Sequence[Changes]) -> list[Seen]:
        waiting = [model.submit(Request(pixels[None], edits=edits_of(changes, where))) for changes in sets]
        answers = [future.result()[0] for future in waiting]
        return [Seen(one.logits, np.concatenate([one.gates[site.path] for site in model.sites])) for one in answers]

    def slopes(changes: Changes, rival: int) -> NDArray[np.floating]:
        edits = edits_of(changes, where)
        up, down = (model.gate_gradients(pixels, one, edits=edits) for one in (index, rival))
        return np.concatenate([up[site.path] - down[site.path] for site in model.sites])

    return flip(see, slopes, index, most=most, tried=tried)
