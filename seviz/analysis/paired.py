"""Two networks on the same samples: how far apart their accuracies are, and what that is worth.

    found = paired_difference(first_right, second_right)
    found.difference, found.bootstrap, found.interval, found.p     0.0028, (-0.0029, 0.0084), ..., 0.36
    found.told                                                     False: no difference can be told
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seviz.analysis.classification import Interval

RESAMPLES = 10_000
SURE = 0.05  # what a p-value has to stay below; the intervals are at 1 - SURE


@dataclass(frozen=True)
class PairedDifference:
    """Accuracy of the first network minus that of the second, on n samples that both saw.

    difference, interval, bootstrap: shares, -1..1; the intervals at 95 %, Wald's and the bootstrap's. only_first,
    only_second: samples that one of them alone got right; everything that can be told of the difference lies in these
    two counts. p: of McNemar's exact test, for networks that are right equally often.
    """

    difference: float
    interval: Interval
    only_first: int
    only_second: int
    n: int
    bootstrap: Interval
    p: float

    @property
    def told(self) -> bool:
        """Whether both intervals leave out 0 and the exact test agrees."""
        return self.p < SURE and not any(low <= 0 <= high for low, high in (self.interval, self.bootstrap))


def paired_difference(
    first_right: ArrayLike, second_right: ArrayLike, level: float = 0.95, *, resamples: int = RESAMPLES, seed: int = 0
) -> PairedDifference:
    """The difference of two accuracies on the same samples, with two intervals and a test.

    Wald's interval for paired proportions: d = (b - c) / n, standard error sqrt(b + c - (b - c)^2 / n) / n, with b and c
    the discordant counts (A. Agresti, "Categorical Data Analysis", section 11.1). Of two intervals that overlap nothing
    follows: the samples are shared. The others: bootstrap_interval, mcnemar.

    Args: bool (N,) each, sample by sample. Raises ValueError where they differ in length or are empty.
    """
    first, second = np.asarray(first_right, dtype=bool), np.asarray(second_right, dtype=bool)
    if first.shape != second.shape or first.ndim != 1 or not len(first):
        raise ValueError(f"paired samples are two lists of one length, not {first.shape} and {second.shape}")
    b, c, n = int((first & ~second).sum()), int((second & ~first).sum()), len(first)
    difference = (b - c) / n
    half = NormalDist().inv_cdf(0.5 + level / 2) * sqrt(b + c - (b - c) ** 2 / n) / n
    drawn = bootstrap_interval(b, c, n, level, resamples=resamples, seed=seed)
    return PairedDifference(difference, (difference - half, difference + half), b, c, n, drawn, mcnemar(b, c))


def bootstrap_interval(
    b: int, c: int, n: int, level: float = 0.95, *, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """The bias-corrected and accelerated bootstrap interval of (b - c) / n (B. Efron, 1987: BCa).

    Drawing n samples with replacement and counting them again is one draw from a multinomial over the cells of the
    agreement table, so that no sample is touched: the same distribution, in time that does not depend on n. Samples that
    both networks got right, or both wrong, add nothing to the difference and are one cell here.

    Args: b, c: samples that the first alone, the second alone got right; n: all samples.
    """
    if b == c == 0:
        return 0.0, 0.0  # every resample is the same
    drawn = np.random.default_rng(seed).multinomial(n, [b / n, c / n, (n - b - c) / n], resamples)
    differences = (drawn[:, 0] - drawn[:, 1]) / n
    observed, normal = (b - c) / n, NormalDist()
    below = ((differences < observed).mean() + (differences <= observed).mean()) / 2  # a tie counts half
    share_below = min(max(float(below), 0.5 / resamples), 1 - 0.5 / resamples)
    bias, acceleration = normal.inv_cdf(share_below), _acceleration(b, c, n)
    ends = []
    for share in ((1 - level) / 2, (1 + level) / 2):
        shifted = bias + normal.inv_cdf(share)
        ends.append(normal.cdf(bias + shifted / (1 - acceleration * shifted)))
    low, high = np.quantile(differences, ends)
    return float(low), float(high)


def _acceleration(b: int, c: int, n: int) -> float:
    """A sixth of the skewness of the n differences 1, -1 and 0, over sqrt(n): what the jackknife gives for a mean."""
    values, counts = np.array([1.0, -1.0, 0.0]), np.array([b, c, n - b - c])
    away = values - (b - c) / n
    spread = float((counts * away**2).sum())
    return float((counts * away**3).sum()) / (6 * spread**1.5) if spread > 0 else 0.0


def mcnemar(b: int, c: int) -> float:
    """p of McNemar's exact test, two-sided: b of b + c discordant samples, if either network had an even chance of each."""
    if b + c == 0:
        return 1.0
    from scipy.stats import binomtest  # half a second, which a page that needs no test should not wait

    return float(binomtest(b, b + c, 0.5).pvalue)


def holm(p_values: Sequence[float]) -> NDArray[np.float64]:
    """p-values of m tests, raised so that the chance of one false alarm among all is kept (S. Holm, 1979): (m,).

    The k-th smallest is multiplied by m - k + 1, stays at least what the one before became, and at most 1.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    raised = np.empty_like(p)
    raised[order] = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return raised
