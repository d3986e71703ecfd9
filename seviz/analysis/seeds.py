"""One recipe trained with several seeds: the mean of a figure, and how far the seeds let it be told.

    over_seeds([0.881, 0.885, 0.879])                              (0.8817, 0.8741, 0.8893)
    difference_over_seeds([0.881, 0.885], [0.879, 0.880])          of pairs with the same seed

The intervals are over seeds: they say where the mean of ever more trainings would lie, on these test pictures. A Wilson
interval says something else, where one network's accuracy on ever more pictures would lie.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np


class OverSeeds(NamedTuple):
    """A mean over seeds and the ends of its t-interval, in the unit of the values.

    Of few seeds the interval is wide, and of shares it may reach beyond 0 and 1.
    """

    mean: float
    low: float
    high: float


def over_seeds(values: Sequence[float], level: float = 0.95) -> OverSeeds:
    """The mean of one figure of n trainings that differ in their seed alone, with Student's t-interval.

    mean +- t * s / sqrt(n), with s the standard deviation (n - 1 in the denominator) and t the quantile of Student's
    distribution with n - 1 degrees of freedom ("Student", "The probable error of a mean", 1908). It takes the figures of
    trainings for normally distributed.

    Raises ValueError for fewer than two values, of whose spread nothing is known, for values that are not finite, and
    unless 0 < level < 1.
    """
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or len(found) < 2 or not np.isfinite(found).all() or not 0 < level < 1:
        raise ValueError("an interval over seeds needs the figures of two trainings or more, and a level in 0..1")
    from scipy.special import stdtrit  # scipy.stats would take half a second

    mean, n = float(found.mean()), len(found)
    half = float(stdtrit(n - 1, (1 + level) / 2)) * float(found.std(ddof=1)) / sqrt(n)
    return OverSeeds(mean, mean - half, mean + half)


def difference_over_seeds(first: Sequence[float], second: Sequence[float], level: float = 0.95) -> OverSeeds:
    """The mean of first - second over seeds, with its t-interval: over_seeds of the differences.

    Args: first[i] and second[i] are of trainings with the same seed.

    Raises ValueError where they differ in length, and as over_seeds.
    """
    if len(first) != len(second):
        raise ValueError(f"a difference over seeds needs as many trainings of both, not {len(first)} and {len(second)}")
    return over_seeds([one - other for one, other in zip(first, second, strict=True)], level)
