"""Squeeze against excitation: does a gate open where its own channel is strong?

    relation = relate(squeezes, gates)
    relation.median, relation.share                     0.41, 0.88: so it does in most channels
    rank_correlation(squeezes, gates, axis=1)           within each picture, over its channels

A gate is computed from the squeezes of all channels, so that nothing forces it to follow its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seviz.analysis.moments import RESOLUTION, Floats

LEVEL = 0.05  # of false discoveries among the channels that are called significant


@dataclass(frozen=True)
class Relation:
    """Spearman's rank correlation of squeeze and gate over M samples, channel by channel.

    rho: float64 (C,) in -1..1; NaN where either of the two never moves. p: float64 (C,), two-sided, by Student's t with
    M - 2 degrees; NaN as well for fewer than three samples. significant: bool (C,), by Benjamini and Hochberg's rule over
    the channels with a p, at `level`. median, lowest, highest: of rho where it is not NaN. share: of the channels with a p
    that are significant. Those are NaN where there is nothing to take them of.
    """

    rho: Floats
    p: Floats
    significant: NDArray[np.bool_]
    median: float
    lowest: float
    highest: float
    share: float
    n: int
    level: float

    def sentence(self, title: str) -> str:
        """What was found at the site of this title, in words that follow from the numbers."""
        if np.isnan(self.median):
            return f"No gate of {title} moves, so that nothing can be said."
        up, down = (int((sign * self.rho[self.significant] > 0).sum()) for sign in (1, -1))
        return (
            f"At {title} the rank correlation of squeeze and gate is {self.median:+.2f} in the median channel, from "
            f"{self.lowest:+.2f} to {self.highest:+.2f}. {up} of {len(self.rho)} gates open with their own channel and {down} "
            f"shut (at a false discovery rate of {self.level:.0%})."
        )


def relate(squeezes: ArrayLike, gates: ArrayLike, level: float = LEVEL) -> Relation:
    """How squeezes (M, C) and gates (M, C) of a site go together over samples.

    Raises ValueError where the shapes differ or are not (M, C), or values are not finite.
    """
    rho = rank_correlation(squeezes, gates, axis=0)
    n = len(np.asarray(gates))
    p = _p_values(rho, n)
    significant = false_discoveries(p, level)
    known, tested = rho[np.isfinite(rho)], np.isfinite(p)
    return Relation(
        rho=rho,
        p=p,
        significant=significant,
        median=float(np.median(known)) if len(known) else float("nan"),
        lowest=float(known.min()) if len(known) else float("nan"),
        highest=float(known.max()) if len(known) else float("nan"),
        share=float(significant[tested].mean()) if tested.any() else float("nan"),
        n=n,
        level=level,
    )


def rank_correlation(first: ArrayLike, second: ArrayLike, axis: int = 0) -> Floats:
    """Spearman's rho of two arrays (M, C): over samples, (C,), or with axis=1 within each sample over channels, (M,).

    Equal values share their mean rank. NaN where either side is constant (one value included). Raises ValueError where
    the shapes differ or are not (M, C), or values are not finite.
    """
    one, two = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if one.shape != two.shape or one.ndim != 2:
        raise ValueError(f"what is correlated is two arrays (M, C), not {one.shape} and {two.shape}")
    if not (np.isfinite(one).all() and np.isfinite(two).all()):
        raise ValueError("ranks are of finite values")
    from scipy.stats import rankdata

    if not one.size:
        return np.full(one.shape[1 - axis], np.nan)
    a, b = (rankdata(values, axis=axis) - (values.shape[axis] + 1) / 2 for values in (one, two))
    length = np.sqrt((a**2).sum(axis) * (b**2).sum(axis))
    rho = (a * b).sum(axis) / np.where(length > 0, length, np.nan)
    return np.asarray(np.clip(rho, -1, 1))


def false_discoveries(p: ArrayLike, level: float = LEVEL) -> NDArray[np.bool_]:
    """Which of the p-values (C,) are significant when `level` of those that are may be false; NaN never is.

    Y. Benjamini, Y. Hochberg, 1995: the k lowest, with the largest k whose k-th lowest is at most k / C level.
    """
    values = np.asarray(p, dtype=np.float64)
    tested = np.flatnonzero(np.isfinite(values))
    order = tested[np.argsort(values[tested], kind="stable")]
    passes = np.flatnonzero(values[order] <= np.arange(1, len(order) + 1) / max(len(order), 1) * level)
    significant = np.zeros(len(values), dtype=bool)
    significant[order[: passes[-1] + 1 if len(passes) else 0]] = True
    return significant


def _p_values(rho: Floats, n: int) -> Floats:
    if n < 3:
        return np.full(len(rho), np.nan)
    from scipy.special import stdtr

    left = np.maximum(1 - rho**2, RESOLUTION**2)  # of a perfect correlation nothing is left to divide by
    return np.asarray(2 * stdtr(n - 2, -np.abs(rho) * np.sqrt((n - 2) / left)))
