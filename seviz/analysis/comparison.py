"""Two networks on the same samples, from their logits alone.

    both = pair(Side("A", classes, ids, labels, logits), Side("B", ...))
    found = compare(both)
    found.difference.bootstrap, found.agreement.counts, found.per_class[3].p_holm, found.calibration[0].temperature
    verdict(found)      "No difference can be told: ..."

Differences are the first network minus the second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seviz.analysis.classification import Classification, Interval, summarise
from seviz.analysis.paired import RESAMPLES, SURE, PairedDifference, holm, paired_difference
from seviz.analysis.temperature import Calibration, calibrate
from seviz.errors import DataError

CELLS = ("both right", "only the first", "only the second", "both wrong, same answer", "both wrong, other answers")
BOTH_RIGHT, ONLY_FIRST, ONLY_SECOND, SAME_WRONG, OTHER_WRONG = range(len(CELLS))


@dataclass(frozen=True, eq=False)
class Side:
    """What one network said. name: for sentences. classes: K names. ids: N. labels: (N,). logits: (N, K)."""

    name: str
    classes: Sequence[str]
    ids: Sequence[str]
    labels: NDArray[np.integer[Any]]
    logits: NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Pair:
    """Two networks on N samples, in the order of the first.

    names: of the two. classes: K names. ids: N names. labels: int64 (N,). first, second: logits (N, K).
    """

    names: tuple[str, str]
    classes: tuple[str, ...]
    ids: tuple[str, ...]
    labels: NDArray[np.int64]
    first: NDArray[np.floating[Any]]
    second: NDArray[np.floating[Any]]

    @cached_property
    def predicted(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The predicted class of every sample, by the first and by the second: (N,) each."""
        return self.first.argmax(1), self.second.argmax(1)

    @cached_property
    def cells(self) -> NDArray[np.int64]:
        """The cell of every sample, an index of CELLS: (N,)."""
        one, other = self.predicted
        right, same = (one == self.labels, other == self.labels), one == other
        wrong = np.where(same, SAME_WRONG, OTHER_WRONG)
        single = np.where(right[0], ONLY_FIRST, np.where(right[1], ONLY_SECOND, wrong))
        cells: NDArray[np.int64] = np.where(right[0] & right[1], BOTH_RIGHT, single).astype(np.int64)
        return cells


@dataclass(frozen=True)
class Agreement:
    """counts: samples in each of CELLS, n together. same_answer: share of samples on which both say the same class.

    consistency: Cohen's kappa of the two lists of right and wrong: 0 where the mistakes coincide no more than by chance,
    1 where they are the same samples (R. Geirhos et al., "Beyond accuracy: quantifying trial-by-trial behaviour", 2020);
    None where chance alone makes them coincide.
    """

    counts: tuple[int, ...]
    same_answer: float
    consistency: float | None


@dataclass(frozen=True)
class ClassDifference:
    """One class: n samples, recall of the first and the second, their difference with its 95 % bootstrap interval, the p of
    McNemar's exact test and the same after Holm's correction for all classes; None where n is 0."""

    label: str
    n: int
    first: float | None = None
    second: float | None = None
    difference: float | None = None
    interval: Interval | None = None
    p: float | None = None
    p_holm: float | None = None

    @property
    def told(self) -> bool:
        """Whether the interval leaves out 0 and the corrected test agrees."""
        if self.interval is None or self.p_holm is None:
            return False
        return self.p_holm < SURE and not self.interval[0] <= 0 <= self.interval[1]


@dataclass(frozen=True)
class Comparison:
    """names: of the networks. first, second: figures of each. difference: of the accuracies. calibration: of each, before
    and after temperature scaling on the same halves. seed: of the bootstrap and of the halves."""

    names: tuple[str, str]
    first: Classification
    second: Classification
    difference: PairedDifference
    agreement: Agreement
    per_class: tuple[ClassDifference, ...]
    calibration: tuple[Calibration, Calibration]
    seed: int

    def to_json(self) -> dict[str, Any]:
        """Everything as values that json.dumps takes; None for what is not defined."""
        columns = ("accuracy", "interval", "loss", "ece")
        networks = [
            {"name": name, **{column: getattr(one, column) for column in columns}, **scaled.to_json()}
            for name, one, scaled in zip(self.names, (self.first, self.second), self.calibration, strict=True)
        ]
        return {
            "n": self.first.n,
            "networks": networks,
            "difference": {**asdict(self.difference), "told": self.difference.told},
            "agreement": {**asdict(self.agreement), "counts": dict(zip(CELLS, self.agreement.counts, strict=True))},
            "per_class": [{**asdict(one), "told": one.told} for one in self.per_class],
            "seed": self.seed,
            "verdict": verdict(self),
        }


def pair(first: Side, second: Side) -> Pair:
    """Bring two networks' logits into one order, by the ids of the samples.

    Raises DataError, in one sentence, where classes, samples or labels differ.
    """
    a, b = first.name, second.name
    if tuple(first.classes) != tuple(second.classes):
        raise DataError(other_classes(a, b))
    places = {sample: place for place, sample in enumerate(second.ids)}
    common = sum(sample in places for sample in first.ids)
    if not len(first.ids) == len(second.ids) == len(places) == common or len(set(first.ids)) != common:
        raise DataError(
            f"{a} and {b} were evaluated on different samples ({len(first.ids):,} and {len(second.ids):,}, {common:,} in "
            "common); evaluate both on the same data set."
        )
    order = np.array([places[sample] for sample in first.ids], dtype=np.int64)
    labels = first.labels.astype(np.int64)
    if not np.array_equal(labels, second.labels[order]):
        raise DataError(f"{a} and {b} were evaluated with different labels; evaluate both on the same data set.")
    return Pair((a, b), tuple(first.classes), tuple(first.ids), labels, first.logits, second.logits[order])


def other_classes(first: str, second: str) -> str:
    """The sentence for two networks, by their names, that do not have the same classes in the same order."""
    return f"{first} and {second} know different classes, so their answers cannot be compared."


def compare(both: Pair, *, seed: int = 0) -> Comparison:
    """Every figure of the two networks side by side. Raises DataError as classification.summarise and calibrate do."""
    sides = (both.first, both.second)
    first, second = (summarise(logits, both.labels, both.classes) for logits in sides)
    one, other = (calibrate(logits, both.labels, both.classes, seed=seed) for logits in sides)
    right = [predicted == both.labels for predicted in both.predicted]
    return Comparison(
        names=both.names,
        first=first,
        second=second,
        difference=paired_difference(*right, seed=seed),
        agreement=agreement(both),
        per_class=_per_class(both, right, seed),
        calibration=(one, other),
        seed=seed,
    )


def agreement(both: Pair) -> Agreement:
    """Where the two networks are right together, alone or not at all."""
    counts = np.bincount(both.cells, minlength=len(CELLS))
    n = len(both.ids)
    shares = [(counts[BOTH_RIGHT] + counts[alone]) / n for alone in (ONLY_FIRST, ONLY_SECOND)]
    by_chance = shares[0] * shares[1] + (1 - shares[0]) * (1 - shares[1])
    observed = (counts[BOTH_RIGHT] + counts[SAME_WRONG] + counts[OTHER_WRONG]) / n
    consistency = float((observed - by_chance) / (1 - by_chance)) if by_chance < 1 else None
    same = float((both.predicted[0] == both.predicted[1]).mean())
    return Agreement(tuple(counts.tolist()), same, consistency)


def _per_class(both: Pair, right: list[NDArray[np.bool_]], seed: int) -> tuple[ClassDifference, ...]:
    members = [both.labels == index for index in range(len(both.classes))]
    found = [paired_difference(right[0][mine], right[1][mine], seed=seed) if mine.any() else None for mine in members]
    raised = iter(holm([one.p for one in found if one]).tolist())
    return tuple(
        ClassDifference(label, 0)
        if one is None
        else ClassDifference(
            label=label,
            n=one.n,
            first=float(right[0][mine].mean()),
            second=float(right[1][mine].mean()),
            difference=one.difference,
            interval=one.bootstrap,
            p=one.p,
            p_holm=next(raised),
        )
        for label, mine, one in zip(both.classes, members, found, strict=True)
    )


def verdict(found: Comparison) -> str:
    """What the figures say of the two accuracies, in a sentence that follows from them."""
    one, (first, second) = found.difference, found.names
    low, high = (100 * end for end in one.bootstrap)
    figures = f"{100 * one.difference:+.2f} points, 95 % interval {low:+.2f} to {high:+.2f}"
    if one.told:
        better, worse = (first, second) if one.difference > 0 else (second, first)
        return f"{better} is right more often than {worse}: {figures}."
    held = low <= 0 <= high
    why = "the interval holds 0" if held else f"McNemar's exact test (p = {one.p:.2g}) or Wald's interval does not exclude 0"
    return f"No difference between {first} and {second} can be told: {figures}; {why}."


def class_verdict(found: Comparison) -> str:
    """The same for the classes, after Holm's correction."""
    told = [one for one in found.per_class if one.told and one.difference is not None]
    tested = sum(one.n > 0 for one in found.per_class)
    if not told:
        return f"For none of the {tested} classes can a difference be told, after Holm's correction for {tested} tests."
    words = ", ".join(f"{one.label} ({100 * (one.difference or 0):+.1f} points)" for one in told)
    return f"A difference can be told for {len(told)} of {tested} classes, after Holm's correction: {words}."


def agreement_verdict(found: Comparison) -> str:
    """How often the two give the same answer, and whether they are wrong together more often than by chance."""
    one = found.agreement
    words = f"Both give the same answer to {one.same_answer:.1%} of the pictures."
    if one.consistency is None:
        return words
    chance = "more often than" if one.consistency > 0 else "no more often than"
    return (
        f"{words} They are wrong on the same pictures {chance} chance would have it: Cohen's kappa of right and wrong is "
        f"{one.consistency:.2f} (0: by chance alone; 1: always)."
    )


def how_tested(found: Comparison, *, more_seeds: bool = False) -> str:
    """On what the test of the two accuracies rests. more_seeds: whether other trainings are told of beside it."""
    one, (first, second) = found.difference, found.names
    others = "another seed would give other figures"
    return (
        f"{one.only_first:,} pictures were right for {first} alone and {one.only_second:,} for {second} alone; only these "
        f"tell the two apart. McNemar's exact test: p = {one.p:.3g}. Bootstrap: {RESAMPLES:,} resamples, bias-corrected and "
        f"accelerated. One training of each network: {'over several seeds, see below' if more_seeds else others}."
    )


def how_calibrated(found: Comparison) -> str:
    """What temperature scaling does, and on which of the pictures it was fitted and measured."""
    half = found.calibration[0]
    return (
        "A network's logits can be divided by one number T, which changes how sure it is and no answer. T is fitted to "
        f"{half.fitted:,} of the pictures; everything here is measured on the other {half.before.n:,}."
    )
