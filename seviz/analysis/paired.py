"""Two networks on the same samples."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from seviz.analysis.classification import Interval


@dataclass(frozen=True)
class PairedDifference:
    """Accuracy of the first network minus that of the second, on n samples that both saw.

    difference, interval: shares, -1..1; the interval at 95 %. only_first, only_second: samples that one of them alone
    got right; everything that can be told of the difference lies in these two counts.
    """

    difference: float
    interval: Interval
    only_first: int
    only_second: int
    n: int

    @property
    def told(self) -> bool:
        """Whether the interval leaves out 0."""
        return not self.interval[0] <= 0 <= self.interval[1]


def paired_difference(first_right: ArrayLike, second_right: ArrayLike, level: float = 0.95) -> PairedDifference:
    """The difference of two accuracies on the same samples, with Wald's interval for paired proportions.

    d = (b - c) / n, standard error sqrt(b + c - (b - c)^2 / n) / n, with b and c the discordant counts (A. Agresti,
    "Categorical Data Analysis", section 11.1). Of two intervals that overlap nothing follows: the samples are shared.

    Args: bool (N,) each, sample by sample. Raises ValueError where they differ in length or are empty.
    """
    first, second = np.asarray(first_right, dtype=bool), np.asarray(second_right, dtype=bool)
    if first.shape != second.shape or first.ndim != 1 or not len(first):
        raise ValueError(f"paired samples are two lists of one length, not {first.shape} and {second.shape}")
    b, c, n = int((first & ~second).sum()), int((second & ~first).sum()), len(first)
    difference = (b - c) / n
    half = NormalDist().inv_cdf(0.5 + level / 2) * sqrt(b + c - (b - c) ** 2 / n) / n
    return PairedDifference(difference, (difference - half, difference + half), b, c, n)
