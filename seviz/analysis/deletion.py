"""Does a gate predict which channels matter? Deletion and insertion curves of channels, by the order they go in.

A curve is the mean probability of the class that a picture is given without edits, while a growing share of one site's
channels is dropped (deletion), or put back into a site of which all were dropped (insertion). The more an order knows of
the channels, the smaller the area under its deletion curve and the larger under its insertion curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seviz.analysis.classification import Interval

RESAMPLES = 2000
ORDERS = ("gate", "gradient", "norm", "random")
KINDS = ("deletion", "insertion")
ORDER_WORDS = {
    "gate": "the highest gates",
    "gradient": "the highest |gate x gradient|",
    "norm": "the largest activations",
}


@dataclass(frozen=True)
class Curve:
    """One site, one kind of curve and one order, over n pictures.

    shares: of the channels, from 0 to 1. probability: means, one a share. area: under the curve; interval: its 95 %
    bootstrap interval over pictures. beside_random: area minus that of random orders (mean of several), picture by picture,
    and its interval; None for the random order itself.
    """

    site: str
    kind: str
    order: str
    shares: tuple[float, ...]
    probability: tuple[float, ...]
    area: float
    interval: Interval
    beside_random: float | None = None
    beside_random_interval: Interval | None = None

    @property
    def knows(self) -> int:
        """1 where the order finds the channels that matter better than chance, -1 where worse, 0 where it cannot be told."""
        if self.beside_random_interval is None:
            return 0
        low, high = self.beside_random_interval
        told = (low > 0) - (high < 0)
        return -told if self.kind == "deletion" else told


def areas(shares: ArrayLike, probability: NDArray[np.floating]) -> NDArray[np.float64]:
    """Areas (N,) under curves (P, N) at P ascending shares, by trapezoids; shares from 0 to 1, so that an area is a mean."""
    widths = np.diff(np.asarray(shares, dtype=np.float64))[:, None]
    heights = np.asarray(probability, dtype=np.float64)
    found: NDArray[np.float64] = (widths * (heights[1:] + heights[:-1]) / 2).sum(0)
    return found


def curve(
    site: str,
    kind: str,
    order: str,
    shares: Sequence[float],
    probability: NDArray[np.floating],
    random: NDArray[np.floating] | None = None,
    *,
    seed: int = 0,
) -> Curve:
    """The figures of a curve, from the probabilities (P, N) of N pictures at P shares and those of random orders."""
    own = areas(shares, probability)
    means = tuple(float(value) for value in probability.mean(1, dtype=np.float64))
    plain = tuple(float(share) for share in shares)
    if random is None:
        return Curve(site, kind, order, plain, means, float(own.mean()), mean_interval(own, seed))
    beside = own - areas(shares, random)
    figures = (float(own.mean()), mean_interval(own, seed), float(beside.mean()), mean_interval(beside, seed))
    return Curve(site, kind, order, plain, means, *figures)


def channel_findings(curves: Sequence[Curve]) -> tuple[str, ...]:
    """For each order a sentence: at how many sites it finds the channels that matter better than chance. () for none."""
    return tuple(_finding(order, curves) for order in ORDER_WORDS if any(one.order == order for one in curves))


def site_finding(curves: Sequence[Curve], title: str) -> str:
    """What the curves of one site say of the three orders. title: of the site."""
    words = []
    for order, name in ORDER_WORDS.items():
        own = {one.kind: one for one in curves if one.order == order}
        parts = [_beside(own[kind]) for kind in KINDS]
        words.append(f"{name}: {parts[0]} by deletion, {parts[1]} by insertion")
    return f"At {title}, beside random orders, as areas under the curve. First {'; first '.join(words)}."


def _beside(one: Curve) -> str:
    low, high = one.beside_random_interval or (0.0, 0.0)
    told = {1: "better", -1: "worse", 0: "not told apart"}[one.knows]
    return f"{told} ({one.beside_random or 0.0:+.3f}, {low:+.3f} to {high:+.3f})"


def _finding(order: str, curves: Sequence[Curve]) -> str:
    own = [one for one in curves if one.order == order and one.kind == "deletion"]
    better, worse = ([one for one in own if one.knows == sign] for sign in (1, -1))
    unknown = len(own) - len(better) - len(worse)
    words = [f"more than dropping random ones at {len(better)} of {len(own)} sites{_listed(better)}"]
    words += [f"less at {len(worse)}{_listed(worse)}"] if worse else []
    words += [f"and no difference can be told at {unknown}"] if unknown else []
    return f"Dropping the channels with {ORDER_WORDS[order]} first hurts {', '.join(words)} (area under the deletion curve)."


def _listed(curves: Sequence[Curve]) -> str:
    if not curves:
        return ""
    most = max(curves, key=lambda one: abs(one.beside_random or 0.0))
    return f" (the most at {most.site}: {most.beside_random or 0.0:+.3f})"


def mean_interval(values: NDArray[np.float64], seed: int) -> Interval:
    """The 95 % percentile bootstrap interval of a mean over pictures (N,), from RESAMPLES draws that follow from the seed."""
    n = len(values)
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), RESAMPLES)
    low, high = np.quantile(drawn @ values / n, [0.025, 0.975])
    return float(low), float(high)
