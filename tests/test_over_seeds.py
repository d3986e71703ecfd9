"""Figures over seeds, against the formula by hand and against scipy's own tests."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from seviz.analysis.seeds import difference_over_seeds, over_seeds


def test_three_values_by_hand():
    """Mean 2, standard deviation 1, and 4.3027 from the table of t with two degrees of freedom."""
    mean, low, high = over_seeds([1.0, 2.0, 3.0])
    assert mean == 2
    assert high - mean == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)
    assert mean - low == pytest.approx(high - mean)


@pytest.mark.parametrize("count", [2, 3, 10])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_the_interval_is_that_of_scipys_t_test(count, level):
    values = np.random.default_rng(count).normal(0.88, 0.004, count)
    theirs = stats.ttest_1samp(values, 0).confidence_interval(level)
    assert over_seeds(list(values), level) == pytest.approx((values.mean(), theirs.low, theirs.high), rel=1e-9)


def test_a_difference_is_paired_by_seed():
    """A spread that both share is no spread of their difference."""
    shared = np.random.default_rng(0).normal(0.88, 0.05, 5)
    first, second = shared + 0.01 + np.array([0, 1, -1, 2, 0]) / 1000, shared
    theirs = stats.ttest_rel(first, second).confidence_interval(0.95)
    ours = difference_over_seeds(list(first), list(second))
    assert ours == pytest.approx(((first - second).mean(), theirs.low, theirs.high), rel=1e-9)
    assert ours.low > 0
    assert over_seeds(list(first)).low < over_seeds(list(second)).high  # of the two apart nothing could be told


def test_the_interval_holds_the_mean_as_often_as_it_says():
    drawn = np.random.default_rng(1).normal(0, 1, (2000, 3))
    held = [low <= 0 <= high for _, low, high in (over_seeds(list(row)) for row in drawn)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)


def test_trainings_that_are_all_alike_leave_no_width():
    assert over_seeds([0.5, 0.5]) == (0.5, 0.5, 0.5)


@pytest.mark.parametrize("values", [[], [0.9], [0.9, math.nan], [[0.9, 0.8]]])
def test_without_a_spread_there_is_no_interval(values):
    with pytest.raises(ValueError, match="two trainings or more"):
        over_seeds(values)


def test_pairs_need_a_training_of_both():
    with pytest.raises(ValueError, match="as many trainings of both, not 2 and 3"):
        difference_over_seeds([0.1, 0.2], [0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match="level"):
        over_seeds([0.1, 0.2], level=1.0)
