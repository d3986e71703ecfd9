"""What follows from the figures of corrupted pictures, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from seviz.analysis.classification import Interval
from seviz.analysis.corruptions import CLEAN, KINDS, Apart, Beside, Condition, Named, shares, verdicts


def findings(conditions: Sequence[Condition], apart: Sequence[Apart], sites: Sequence[Named]) -> tuple[str, ...]:
    """What corruptions cost, then, of a network with gates, what they do under each of the strongest: adapt, or break?"""
    by = {(one.kind, one.level): one for one in conditions}
    strong = [by[name, kind.at("strong")] for name, kind in KINDS.items()]
    words = [_cost(by[CLEAN, 0.0], strong)]
    if not apart:
        return tuple(words)
    told = verdicts(conditions)
    return (*words, _count(told), *(sentence(one, apart, sites, told[one.kind, one.level]) for one in strong))


def _cost(clean: Condition, strong: Sequence[Condition]) -> str:
    ordered = sorted(strong, key=lambda one: one.difference)
    worst, best = ordered[0], ordered[-1]
    low, high = clean.interval
    return (
        f"On clean pictures accuracy is {clean.accuracy:.2%} ({low:.2%} to {high:.2%}). Of the strongest corruptions "
        f"{worst.title} costs most, {_points(worst.difference, worst.difference_interval)}, and {best.title} least, "
        f"{_points(best.difference, best.difference_interval)}."
    )


def _count(told: Mapping[tuple[str, float], str]) -> str:
    verdict = list(told.values())
    return (
        f"At {verdict.count('adapt')} of {len(verdict)} levels the network's own gates do better than those of the clean "
        f"picture (they adapt), at {verdict.count('break')} worse (they break), and at {verdict.count('')} no difference can "
        "be told, after Holm's correction."
    )


def sentence(one: Condition, apart: Sequence[Apart], sites: Sequence[Named], verdict: str) -> str:
    """Where gates move farthest under a corruption, and what the clean picture's gates and static ones would do.

    Args: verdict: of verdicts(). Only for networks with gates, and not for the clean pictures.
    """
    far = shares(one, apart)
    place = int(np.argmax(far))
    untold = "whether they adapt or break cannot be told after Holm's correction"
    end = {"adapt": "they adapt", "break": "they break", "": untold}[verdict]
    return (
        f"Under {one.title} the gates of {sites[place].title} move farthest, {far[place]:.2f} of the distance to another "
        f"picture's. Running with the clean picture's gates would do {_instead(one.held)}: {end}. Static gates would do "
        f"{_instead(one.static)}."
    )


def _instead(other: Beside | None) -> str:
    """Other gates in the place of the network's own, in points."""
    if other is None:
        raise ValueError("a network without gates")
    if not other.difference:
        return "neither better nor worse"
    sign, how = (-1, "better") if other.difference < 0 else (1, "worse")
    low, high = sorted(100 * sign * end for end in other.interval)
    return f"{abs(100 * other.difference):.1f} points {how} ({low:+.1f} to {high:+.1f})"


def _points(difference: float, interval: Interval) -> str:
    low, high = (100 * end for end in interval)
    return f"{100 * difference:+.1f} points ({low:+.1f} to {high:+.1f})"
