"""Whether maps are faithful, over many pictures: means with intervals, differences to a reference picture by picture.

    one = figure("deletion", own, {"random": random})
    one.value, one.interval, one.beside[0].difference, one.beside[0].interval, one.better("random")

What the measures are: seviz.faithfulness.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from seviz.analysis.classification import Interval
from seviz.analysis.deletion import mean_interval
from seviz.analysis.relation import rank_correlation
from seviz.analysis.tables import Table

LITTLE, MUCH = 0.3, 0.7  # rank correlations with the map of a network that has forgotten everything
LEGEND = (
    "Means with 95 % bootstrap intervals over pictures. * better, ! worse than its reference: for deletion (lower is better) "
    "and insertion (higher is better) a random order, whose scattered holes disturb a network by themselves; for infidelity "
    "and max-sensitivity (lower is better) the map's values in other places. All weights redrawn: the rank correlation with "
    "the map of a network that has forgotten everything, near 0 for a map that depends on what was learned. Of so many "
    "comparisons some are marked by chance: each interval is at 95 % by itself."
)
VERDICTS = {1: "better than", 0: "not told apart from", -1: "worse than"}
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Measure:
    """title: in a sentence; short: above a column. better: 1 where a faithful map has the higher figure, -1 where the lower.
    beside: its references, the first of which the words are about."""

    title: str
    short: str
    better: int
    beside: tuple[str, ...]


MEASURES = {
    "deletion": Measure("area under the deletion curve", "deletion", -1, ("random", "moved", "backwards")),
    "insertion": Measure("area under the insertion curve", "insertion", 1, ("random", "moved", "backwards")),
    "infidelity": Measure("infidelity", "infidelity", -1, ("shuffled",)),
    "sensitivity": Measure("max-sensitivity", "max-sensitivity", -1, ("shuffled",)),
}
REFERENCES = {
    "random": "a random order",
    "moved": "the same map in another place",
    "backwards": "its own order backwards",
    "shuffled": "the map's values in other places",
}


@dataclass(frozen=True)
class Beside:
    """A reference of a measure over n pictures: its mean, and the mean of own minus reference, picture by picture, with its
    95 % bootstrap interval."""

    reference: str
    value: float
    difference: float
    interval: Interval


@dataclass(frozen=True)
class Figure:
    """A measure of one method over n pictures: mean, its 95 % bootstrap interval over pictures, and what stands beside it."""

    measure: str
    value: float
    interval: Interval
    beside: tuple[Beside, ...]

    def better(self, reference: str = "") -> int:
        """1 where the map is better than a reference (the first when not given), -1 where worse, 0 where it cannot be told."""
        one = next(one for one in self.beside if reference in ("", one.reference))
        low, high = one.interval
        return MEASURES[self.measure].better * ((low > 0) - (high < 0))


@dataclass(frozen=True)
class Stage:
    """Rank correlation with the map of a network redrawn down to this stage, means over pictures with 95 % intervals."""

    stage: str
    signed: float
    signed_interval: Interval
    absolute: float
    absolute_interval: Interval


class Sampled(Protocol):
    """A method over a sample: its title, and what was found."""

    @property
    def title(self) -> str: ...

    @property
    def figures(self) -> tuple[Figure, ...]: ...

    @property
    def stages(self) -> tuple[Stage, ...]: ...


def alike(first: NDArray[np.floating], second: NDArray[np.floating]) -> tuple[float, float]:
    """Spearman's rank correlation of two maps (h, w), of their values and of their magnitudes: -1..1 each.

    0 where one of them is the same everywhere: it orders nothing.
    """
    one, two = (np.asarray(values, dtype=np.float64).reshape(-1, 1) for values in (first, second))
    signed, absolute = rank_correlation(one, two)[0], rank_correlation(np.abs(one), np.abs(two))[0]
    return float(np.nan_to_num(signed)), float(np.nan_to_num(absolute))


def figure(measure: str, own: Floats, beside: Mapping[str, Floats], *, seed: int = 0) -> Figure:
    """Of the figures (N,) of N pictures, and those of the references."""
    references = [
        Beside(name, float(other.mean()), float((own - other).mean()), mean_interval(own - other, seed))
        for name, other in beside.items()
    ]
    return Figure(measure, float(own.mean()), mean_interval(own, seed), tuple(references))


def stage(name: str, signed: Floats, absolute: Floats, *, seed: int = 0) -> Stage:
    """Of the correlations (N,) of N pictures."""
    return Stage(name, float(signed.mean()), mean_interval(signed, seed), float(absolute.mean()), mean_interval(absolute, seed))


def balanced(labels: NDArray[np.integer], count: int, seed: int) -> NDArray[np.int64]:
    """`count` samples at most, at random, in turn one of every class while it has any: int64 indexes.

    A smaller sample of the same seed is the beginning of a larger one.
    """
    generator = np.random.default_rng(seed)
    mixed = generator.permutation(len(labels))
    among = np.zeros(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        own = mixed[labels[mixed] == label]
        among[own] = np.arange(len(own))
    turn = generator.permutation(int(labels.max()) + 1)[labels] if len(labels) else labels
    return np.lexsort((turn, among))[:count]


def columns(stages: Sequence[str]) -> tuple[str, ...]:
    """The names of what is kept of a picture and a method, such as "deletion/own" and "layer3/signed"."""
    both = [f"{name}/{which}" for name, measure in MEASURES.items() for which in ("own", *measure.beside)]
    return (*both, *(f"{stage}/{which}" for stage in stages for which in ("signed", "absolute")))


def findings(title: str, figures: Sequence[Figure], stages: Sequence[Stage]) -> tuple[str, ...]:
    """What the figures of a method say, a sentence a measure. title: of the method."""
    return (*(f"{title}, {_beside(one)}" for one in figures), f"{title}, {_forgetting(stages)}")


def _beside(one: Figure) -> str:
    words = [
        f"{VERDICTS[one.better(other.reference)]} {REFERENCES[other.reference]} ({other.difference:+.3f}, "
        f"{other.interval[0]:+.3f} to {other.interval[1]:+.3f})"
        for other in one.beside
    ]
    return f"{MEASURES[one.measure].title} {one.value:.3f}: {', '.join(words)}."


def _forgetting(stages: Sequence[Stage]) -> str:
    if not stages:
        return "weights redrawn: the network has none."
    first, last = stages[0], stages[-1]
    return (
        f"weights redrawn: the rank correlation with the trained network's map is {first.absolute:.2f} when {first.stage} has "
        f"forgotten and {last.absolute:.2f} ({last.absolute_interval[0]:.2f} to {last.absolute_interval[1]:.2f}) when "
        f"everything has: {dependence(last.absolute_interval)}."
    )


def dependence(known: Interval) -> str:
    """In words: whether a map depends on the weights, from the range of its correlation when all of them are redrawn.

    A range that reaches beyond LITTLE and does not leave it out tells nothing.
    """
    if max(map(abs, known)) < LITTLE:
        return "the map depends on what was learned"
    if known[0] > MUCH:
        return "the map hardly depends on what was learned"
    if known[0] >= LITTLE or known[1] <= -LITTLE:
        return "a part of the map does not depend on what was learned"
    return "whether all of the map depends on what was learned cannot be told"


def curve_verdict(measure: str, own: float, random: Floats, moved: float, backwards: float) -> str:
    """The area under a curve of one picture beside its references, in words. random: (R,), areas of random orders."""
    sign = MEASURES[measure].better
    beaten = int((sign * own > sign * random).sum())
    of = f"of {len(random)} random orders"
    words = f"better than {beaten} {of}" if 0 < beaten < len(random) else f"{'better' if beaten else 'worse'} than each {of}"
    place = "better" if sign * own > sign * moved else "no better"
    return (
        f"Area {own:.3f}: **{words}** ({random.min():.3f} to {random.max():.3f}), {place} than {REFERENCES['moved']} "
        f"({moved:.3f}); its own order backwards has {backwards:.3f}."
    )


def wide(methods: Sequence[Sampled]) -> Table:
    """A row a method: means with 95 % intervals as text; * better and ! worse than the first reference."""
    table: dict[str, list[object]] = {"method": [one.title for one in methods]}
    for place, measure in enumerate(MEASURES.values()):
        table[measure.short] = [_cell(one.figures[place]) for one in methods]
    if all(one.stages for one in methods):
        last = [one.stages[-1] for one in methods]
        table["all weights redrawn"] = [_with_interval(one.absolute, one.absolute_interval) for one in last]
    return table


def long(methods: Sequence[Sampled]) -> Table:
    """A row a method, measure and reference, and a row a method and redrawn stage, as numbers."""
    rows: list[tuple[object, ...]] = []
    for one in methods:
        for found in one.figures:
            own = (one.title, found.measure, found.value, *found.interval)
            rows += [(*own, other.reference, other.value, other.difference, *other.interval) for other in found.beside]
        for redrawn in one.stages:
            beside = (f"redrawn to {redrawn.stage}", None, None, None, None)
            rows.append((one.title, "rank correlation", redrawn.signed, *redrawn.signed_interval, *beside))
            rows.append((one.title, "the same of magnitudes", redrawn.absolute, *redrawn.absolute_interval, *beside))
    names = ("method", "measure", "mean", "low", "high", "beside", "its mean", "difference", "its low", "its high")
    return {name: [row[column] for row in rows] for column, name in enumerate(names)}


def _cell(one: Figure) -> str:
    return f"{_with_interval(one.value, one.interval)}{('!', '', '*')[one.better() + 1]}"


def _with_interval(value: float, known: Interval) -> str:
    return f"{value:.3f} ({known[0]:.3f} to {known[1]:.3f})"
