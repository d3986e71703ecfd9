"""Squeeze against excitation, beside scipy's Spearman and statsmodels' Benjamini-Hochberg; distances by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from statsmodels.stats.multitest import multipletests

from seviz.analysis.distance import distances_to_classes, pull_between, usual_distance
from seviz.analysis.moments import Moments, sample_moments
from seviz.analysis.relation import false_discoveries, rank_correlation, relate


def a_site(n=40, channels=6, seed=0):
    """Squeezes, and gates that follow their own squeeze more and more, in halves so that there are ties."""
    generator = np.random.default_rng(seed)
    squeezes = generator.standard_normal((n, channels))
    logits = np.linspace(-1, 2, channels) * squeezes + generator.standard_normal((n, channels))
    return squeezes.round(1), (1 / (1 + np.exp(-logits))).round(2)


def test_rank_correlations_are_those_of_scipy():
    squeezes, gates = a_site()
    found = relate(squeezes, gates)
    expected = [stats.spearmanr(squeezes[:, channel], gates[:, channel]) for channel in range(6)]
    assert_allclose(found.rho, [one.statistic for one in expected])
    assert_allclose(found.p, [one.pvalue for one in expected])
    assert (found.median, found.lowest, found.highest) == (np.median(found.rho), min(found.rho), max(found.rho))
    assert_array_equal(found.significant, multipletests(found.p, 0.05, "fdr_bh")[0])
    assert (found.share, found.n, found.level) == (found.significant.mean(), 40, 0.05)
    assert 0 < found.share < 1
    rows = rank_correlation(squeezes, gates, axis=1)
    assert_allclose(rows, [stats.spearmanr(squeezes[row], gates[row]).statistic for row in range(40)])


def test_rank_correlation_by_hand():
    """Ranks 1, 2, 3, 4 against 1, 2.5, 2.5, 4: covariance 4.5 of sqrt(5 x 4.5). A curve is no worse than a line."""
    assert_allclose(rank_correlation([[0], [1], [2], [3]], [[0.1], [0.5], [0.5], [0.9]]), [4.5 / np.sqrt(22.5)])
    curve = np.linspace(-3, 3, 30)[:, None]
    found = relate(curve, 1 / (1 + np.exp(curve)))
    assert_allclose(found.rho, [-1])
    assert found.p[0] < 1e-100


def test_what_never_moves_has_no_correlation():
    squeezes, gates = a_site()
    gates[:, 2] = 0.65
    squeezes[:, 4] = 0
    found = relate(squeezes, gates)
    assert np.flatnonzero(np.isnan(found.rho)).tolist() == np.flatnonzero(np.isnan(found.p)).tolist() == [2, 4]
    assert not found.significant[[2, 4]].any()
    assert found.share == found.significant.sum() / 4
    assert found.median == np.median(found.rho[[0, 1, 3, 5]])


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_samples(n):
    found = relate(*(values[:n] for values in a_site()))
    assert np.isnan(found.p).all() and not found.significant.any() and np.isnan(found.share)
    assert np.isnan(found.rho).all() == np.isnan(found.median) == (n < 2)
    assert rank_correlation(np.zeros((n, 1)), np.zeros((n, 1)), axis=1).shape == (n,)


@pytest.mark.parametrize("seed", range(4))
def test_false_discoveries_are_those_of_statsmodels(seed):
    p = np.random.default_rng(seed).random(30) ** 3
    for level in (0.01, 0.05, 0.2):
        assert_array_equal(false_discoveries(p, level), multipletests(p, level, "fdr_bh")[0])
    assert_array_equal(false_discoveries([*p, np.nan], 0.2), [*multipletests(p, 0.2, "fdr_bh")[0], False])


def test_false_discoveries_by_hand():
    """Of four at 0.05 the limits are 0.0125, 0.025, 0.0375, 0.05: the third passes and takes the second along."""
    assert false_discoveries([0.04, 0.03, 0.9, 0.001]).tolist() == [False, False, False, True]
    assert false_discoveries([0.037, 0.03, 0.9, 0.001]).tolist() == [True, True, False, True]
    assert false_discoveries([]).tolist() == []


def test_what_is_not_paired_is_refused():
    with pytest.raises(ValueError, match="two arrays"):
        relate(np.zeros((3, 2)), np.zeros((3, 1)))
    with pytest.raises(ValueError, match="finite"):
        relate([[np.nan], [1]], [[0.1], [0.2]])


def two_classes():
    """Means (0.2, 0.5, 0.4) and (0.6, 0.5, 0.8); within-class sds 0.1, 0 and 0.2; a third class has no samples."""
    means = np.array([[0.2, 0.5, 0.4], [0.6, 0.5, 0.8], [np.nan] * 3])
    return Moments(np.array([10, 30, 0]), means, np.array([10, 30, 0])[:, None] * np.array([0.01, 0, 0.04]))


def test_distances_by_hand():
    sample = [0.4, 0.6, 0.8]
    plain = distances_to_classes(sample, two_classes())
    assert_allclose(plain, [np.sqrt((0.04 + 0.01 + 0.16) / 3), np.sqrt((0.04 + 0.01) / 3), np.nan])
    standardised = distances_to_classes(sample, two_classes(), standardised=True)
    assert_allclose(standardised, [np.sqrt((2**2 + 2**2) / 2), np.sqrt(2**2 / 2), np.nan])


def test_the_channels_that_pull_by_hand():
    """The first channel lies in the middle, the second pulls nowhere, the third is like the second class."""
    pull = pull_between([0.4, 0.6, 0.8], two_classes(), 0, 1)
    assert_allclose(pull.contributions, [0, 0, 0.16 / 3], atol=1e-15)
    assert pull.difference == pytest.approx(0.16 / 3)
    assert pull.channels[0] == 2
    back = pull_between([0.4, 0.6, 0.8], two_classes(), 1, 0, standardised=True)
    assert_allclose(back.contributions, [0, 0, -2], atol=1e-12)


@pytest.mark.parametrize("standardised", [False, True])
def test_contributions_sum_to_the_difference_of_squared_distances(standardised):
    generator = np.random.default_rng(0)
    values, labels = generator.random((90, 12)), np.arange(90) % 3
    moments = sample_moments(values, labels, 3)
    distances = distances_to_classes(values, moments, standardised=standardised)
    assert distances.shape == (90, 3)
    for row in range(5):
        assert_allclose(distances[row], distances_to_classes(values[row], moments, standardised=standardised))
        pull = pull_between(values[row], moments, 0, 2, standardised=standardised)
        assert pull.contributions.sum() == pytest.approx(distances[row, 0] ** 2 - distances[row, 2] ** 2)
        assert pull.difference == pytest.approx(pull.contributions.sum())
        strengths = np.abs(pull.contributions[pull.channels])
        assert (np.diff(strengths) <= 0).all()
    if standardised:
        sd = np.sqrt(np.mean([values[labels == label].var(0) for label in range(3)], axis=0))
        assert_allclose(distances[4, 1], np.sqrt(np.mean(((values[4] - values[labels == 1].mean(0)) / sd) ** 2)))


def test_distances_of_what_is_not_known():
    still = sample_moments(np.full((4, 2), 0.65), [0, 0, 1, 1], 2)
    assert np.isnan(distances_to_classes([0.5, 0.5], still, standardised=True)).all()
    assert_allclose(distances_to_classes([0.5, 0.5], still), [0.15, 0.15])
    assert np.isnan(pull_between([0.4, 0.6, 0.8], two_classes(), 0, 2).difference)
    with pytest.raises(ValueError, match="3 channels"):
        distances_to_classes([0.1, 0.2], two_classes())
    with pytest.raises(ValueError, match="one sample"):
        pull_between(np.zeros((2, 3)), two_classes(), 0, 1)


def test_the_usual_distance_is_that_of_a_classs_samples_from_their_own_mean():
    values = np.random.default_rng(4).random((30, 6))
    labels = np.repeat([0, 1, 2], [20, 9, 1])
    moments = sample_moments(values, labels, 3)
    own = values[labels == 1]
    assert usual_distance(moments, 1) == pytest.approx(np.sqrt(((own - own.mean(0)) ** 2).mean()))
    assert np.isnan(usual_distance(moments, 2))  # one sample has no spread
