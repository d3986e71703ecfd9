"""What dropped channels cost, from the predictions of every sample alone, and what follows in words.

    level = level_of("gate", 0.3, right, unpruned)       right: bool (1, N)
    level.difference, level.interval                     -0.0412, (-0.0461, -0.0365)
    findings(cuts, levels, versus)                       sentences

Differences are the pruned network minus the unpruned one: what is lost is negative. Random choices come with several
seeds, and what is said of them is of their mean: seeds and samples are then both drawn, and both widen the interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from seviz.analysis.classification import Interval, wilson
from seviz.analysis.paired import SURE, holm, paired_difference

WITHIN = 0.01  # accuracy that may be lost, for "can be dropped"
NAMES = {"gate": "mean gate", "magnitude": "magnitude", "random": "chance"}

Right = NDArray[np.bool_]


@dataclass(frozen=True)
class Cut:
    """What a share leaves, whichever channels it is: dropped of channels in all branches, and the network's cost."""

    share: float
    dropped: int
    channels: int
    parameters: int
    multiply_adds: int


@dataclass(frozen=True)
class Level:
    """Accuracy with a share of the channels dropped by a criterion.

    accuracy: 0..1, of random the mean over its seeds. spread: Wilson's 95 % interval; of random the lowest and the highest
    of its seeds. difference: accuracy minus the unpruned one; interval, p: the paired bootstrap at 95 % and McNemar's test;
    of random those of `beside_mean`. by_seed: accuracies of random, () of others.
    """

    criterion: str
    share: float
    accuracy: float
    spread: Interval
    difference: float
    interval: Interval
    p: float
    by_seed: tuple[float, ...] = ()


@dataclass(frozen=True)
class Versus:
    """Accuracy with the channels of one criterion minus that with another's, at one share: of networks of one cost."""

    first: str
    second: str
    share: float
    difference: float
    interval: Interval
    p: float


def level_of(criterion: str, share: float, right: Right, unpruned: Right, *, seed: int = 0) -> Level:
    """Of bool (S, N): whether each of S pruned networks is right on each of N samples, S = 1 but for random.

    Args: unpruned: bool (N,). seed: of the bootstrap.
    """
    rates = tuple(float(rate) for rate in right.mean(1))
    if criterion == "random":
        difference, interval, p = beside_mean(unpruned, right)
        low, high = interval
        return Level(criterion, share, float(np.mean(rates)), (min(rates), max(rates)), -difference, (-high, -low), p, rates)
    found = paired_difference(right[0], unpruned, seed=seed)
    spread = wilson(int(right[0].sum()), right.shape[1])
    return Level(criterion, share, rates[0], spread, found.difference, found.bootstrap, found.p)


def versus_of(first: str, second: str, share: float, one: Right, other: Right, *, seed: int = 0) -> Versus:
    """Two criteria, bool (1, N) and bool (S, N), at one share."""
    if second == "random":
        return Versus(first, second, share, *beside_mean(one[0], other))
    found = paired_difference(one[0], other[0], seed=seed)
    return Versus(first, second, share, found.difference, found.bootstrap, found.p)


def beside_mean(one: Right, several: Right) -> tuple[float, Interval, float]:
    """Accuracy of a network, bool (N,), minus the mean of S >= 2 networks that chance made, bool (S, N).

    Returns the difference, its 95 % interval and the p-value of no difference. Samples and chance are two sources: the
    variance is that of the difference's mean over samples plus that of the S accuracies over S, Student's t with the
    degrees of freedom of F. E. Satterthwaite (1946).
    """
    from scipy.stats import t

    away = one - several.mean(0)
    count, difference = several.shape, float(away.mean())
    over_samples = float(away.var(ddof=1)) / count[1] if count[1] > 1 else 0.0
    over_seeds = float(several.mean(1).var(ddof=1)) / count[0]
    variance = over_samples + over_seeds
    if variance == 0:
        return difference, (difference, difference), 1.0 if difference == 0 else 0.0
    freedom = variance**2 / (over_samples**2 / max(1, count[1] - 1) + over_seeds**2 / (count[0] - 1))
    error = sqrt(variance)
    half = float(t.ppf(0.5 + (1 - SURE) / 2, freedom)) * error
    return difference, (difference - half, difference + half), float(2 * t.sf(abs(difference) / error, freedom))


def within(levels: Sequence[Level], points: float = WITHIN) -> Level | None:
    """The level of the largest share up to which the interval of every smaller one, and its own, stays above -points.

    From the smallest share on, stopping at the first that fails: so that no correction for many shares is needed.
    """
    best = None
    for one in sorted(levels, key=lambda level: level.share):
        if one.interval[0] <= -points:
            break
        best = one
    return best


def findings(cuts: Sequence[Cut], levels: Sequence[Level], versus: Sequence[Versus]) -> tuple[str, ...]:
    """What can be dropped within a point by each criterion, then which criterion does better, pair by pair."""
    criteria = list(dict.fromkeys(one.criterion for one in levels))
    words = [_droppable(name, [one for one in levels if one.criterion == name], cuts) for name in criteria]
    pairs = list(dict.fromkeys((one.first, one.second) for one in versus))
    return (*words, *(_beside([one for one in versus if (one.first, one.second) == pair]) for pair in pairs))


def _droppable(name: str, levels: Sequence[Level], cuts: Sequence[Cut]) -> str:
    best, by = within(levels), f"By {NAMES[name]}"
    if best is None:
        first = min(levels, key=lambda one: one.share)
        found = f"at the smallest share measured, {first.share:.0%}, accuracy changes by {_points(first)}"
        return f"{by} no share can be dropped of which it can be told that at most 1 point is lost: {found}."
    whole, cut = (next(one for one in cuts if one.share == share) for share in (0.0, best.share))
    saved = (
        f"{1 - cut.parameters / whole.parameters:.1%} of the parameters and "
        f"{1 - cut.multiply_adds / whole.multiply_adds:.1%} of the multiply-adds"
    )
    return f"{by} {best.share:.0%} of the branches' channels can be dropped within 1 point: {_points(best)}; it saves {saved}."


def _beside(pair: Sequence[Versus]) -> str:
    first, second = NAMES[pair[0].first], NAMES[pair[0].second]
    raised = holm([one.p for one in pair])
    told = [one for one, p in zip(pair, raised, strict=True) if p < SURE and not one.interval[0] <= 0 <= one.interval[1]]
    better, worse = ([one for one in told if sign * one.difference > 0] for sign in (1, -1))
    start = f"Beside {second}, {first}"
    corrected = f"after Holm's correction for {len(pair)} shares" if len(pair) > 1 else "at the one share measured"
    if not told:
        return f"{start} does neither better nor worse at any share that was measured, as far as can be told {corrected}."
    words = [f"does {how} at {_at(ones)}" for how, ones in (("better", better), ("worse", worse)) if ones]
    rest = [one for one in pair if one not in told]
    end = f"; at {', '.join(f'{one.share:.0%}' for one in rest)} no difference can be told" if rest else ""
    return f"{start} {' and '.join(words)}{end}, {corrected}."


def _at(ones: Sequence[Versus]) -> str:
    return ", ".join(f"{one.share:.0%} ({_points(one)})" for one in ones)


def _points(one: Level | Versus) -> str:
    low, high = (100 * end for end in one.interval)
    return f"{100 * one.difference:+.2f} points, {low:+.2f} to {high:+.2f}"


def table(cuts: Sequence[Cut], levels: Sequence[Level]) -> dict[str, list[float | str]]:
    """A row a criterion and share: what is left of the network, its accuracy, and the change with its interval."""
    left = {cut.share: cut for cut in cuts}
    return {
        "by": [NAMES[one.criterion] for one in levels],
        "share dropped": [one.share for one in levels],
        "channels dropped": [left[one.share].dropped for one in levels],
        "parameters": [left[one.share].parameters for one in levels],
        "multiply-adds": [left[one.share].multiply_adds for one in levels],
        "accuracy": [one.accuracy for one in levels],
        "low": [one.spread[0] for one in levels],
        "high": [one.spread[1] for one in levels],
        "difference": [one.difference for one in levels],
        "difference low": [one.interval[0] for one in levels],
        "difference high": [one.interval[1] for one in levels],
        "p": [one.p for one in levels],
    }
