"""Eta squared against scipy's and statsmodels' analysis of variance, permutations against every one of them, by hand."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from statsmodels.regression.linear_model import OLS

from seviz.analysis.moments import Moments, class_moments, sample_moments
from seviz.analysis.specificity import (
    class_distances,
    class_selectivity,
    eta_squared,
    permutation_test,
    profile_correlation,
    rows_to_test,
)


def a_data_set(classes=4, channels=6, n=120, effect=0.1, seed=0):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, n)
    return generator.beta(2, 2, (n, channels)) * 0.5 + effect * labels[:, None] * generator.random(channels), labels


def of_means(means, count=None):
    mean = np.array(means, dtype=np.float64)
    count = np.ones(len(mean)) if count is None else np.array(count)
    return Moments(count.astype(np.int64), np.where(count[:, None] > 0, mean, np.nan), np.zeros_like(mean))


def test_two_classes_by_hand():
    """0.2, 0.4 and 0.9: all around 0.5. Between 2 x 0.2^2 + 0.4^2 = 0.24 of 0.26; chance 1 / 2."""
    eta = eta_squared(sample_moments([[0.2], [0.4], [0.9]], [0, 0, 1], 3))
    assert_allclose(eta.by_channel, [0.24 / 0.26])
    assert eta.site == pytest.approx(0.24 / 0.26)
    assert eta.chance == pytest.approx(0.5)
    assert eta.adjusted == pytest.approx((0.24 / 0.26 - 0.5) / 0.5)


def test_eta_squared_is_that_of_an_analysis_of_variance():
    values, labels = a_data_set()
    eta = eta_squared(sample_moments(values, labels, 4))
    between, total = np.zeros(6), np.zeros(6)
    for channel in range(6):
        fit = OLS(values[:, channel], np.eye(4)[labels]).fit()
        between[channel], total[channel] = fit.centered_tss - fit.ssr, fit.centered_tss
    assert_allclose(eta.by_channel, between / total)
    assert eta.site == pytest.approx(between.sum() / total.sum())
    # F = (eta^2 / (K - 1)) / ((1 - eta^2) / (N - K))
    f = stats.f_oneway(*(values[labels == label] for label in range(4))).statistic
    assert_allclose(eta.by_channel / 3 / ((1 - eta.by_channel) / 116), f)


def test_adjusted_is_epsilon_squared():
    """(SS between - (K - 1) MS within) / SS total, for a single channel."""
    values, labels = a_data_set(channels=1)
    rows = [values[labels == label] for label in range(4)]
    within, total = sum(((r - r.mean()) ** 2).sum() for r in rows), ((values - values.mean()) ** 2).sum()
    expected = (total - within - 3 * within / (120 - 4)) / total
    assert eta_squared(sample_moments(values, labels, 4)).adjusted == pytest.approx(expected)


def test_a_channel_that_never_moves_has_no_share_and_changes_none():
    values, labels = a_data_set()
    still = np.column_stack([values, np.full(120, np.float32(0.65))])
    rows = [still[labels == label] for label in range(4)]
    from_sums = class_moments([len(r) for r in rows], [r.sum(0) for r in rows], [(r**2).sum(0) for r in rows])
    for moments in (sample_moments(still, labels, 4), from_sums):
        eta = eta_squared(moments)
        assert np.isnan(eta.by_channel[6]) and np.isfinite(eta.by_channel[:6]).all()
        assert eta.site == pytest.approx(eta_squared(sample_moments(values, labels, 4)).site)
    assert np.isnan(eta_squared(sample_moments(still[:, 6:], labels, 4)).site)


def test_means_that_differ_by_rounding_are_no_effect():
    """A gate of 0.65 added one by one, for 700 samples of one class and 10,000 of another."""
    gate = 0.65
    count = np.array([700, 10_000])
    sums = np.array([[np.cumsum(np.full(n, gate))[-1]] for n in count])
    squares = np.array([[np.cumsum(np.full(n, gate**2))[-1]] for n in count])
    moments = class_moments(count, sums, squares)
    assert moments.mean[0, 0] != moments.mean[1, 0]
    eta = eta_squared(moments)
    assert np.isnan(eta.by_channel).all() and np.isnan(eta.site)


@pytest.mark.parametrize("labels", [[1, 1, 1], []])
def test_fewer_than_two_classes_have_no_share(labels):
    values = np.arange(len(labels) * 2.0).reshape(-1, 2)
    for eta in (eta_squared(sample_moments(values, labels, 3)), permutation_test(values, labels, 5).eta):
        assert np.isnan([eta.site, eta.chance, eta.adjusted, *eta.by_channel]).all()
    test = permutation_test(values, labels, 5)
    assert np.isnan([test.p, *test.by_channel, *test.null]).all()


def test_classes_of_one_sample_explain_everything_and_that_says_nothing():
    eta = eta_squared(sample_moments([[0.1], [0.5], [0.2]], [0, 1, 2], 3))
    assert (eta.site, eta.chance) == (1, 1)
    assert np.isnan(eta.adjusted)


def test_the_p_value_is_that_of_all_permutations():
    """Six samples have 720 orders: the share of orders with an eta squared at least as high, against 4,000 drawn ones."""
    values, labels = np.array([[0.1, 0.9], [0.3, 0.2], [0.4, 0.8], [0.6, 0.1], [0.7, 0.5], [0.95, 0.3]]), [0, 0, 0, 1, 1, 1]

    def slow(order):
        rows = values[list(order)]
        between = 3 * ((rows[:3].mean(0) - values.mean(0)) ** 2 + (rows[3:].mean(0) - values.mean(0)) ** 2)
        return between / ((values - values.mean(0)) ** 2).sum(0), between.sum() / ((values - values.mean(0)) ** 2).sum()

    every = [slow(order) for order in permutations(range(6))]
    observed_channels, observed_site = slow(range(6))
    exact = np.mean([site >= observed_site - 1e-12 for _, site in every])
    exact_channels = np.mean([channels >= observed_channels - 1e-12 for channels, _ in every], axis=0)
    test = permutation_test(values, labels, 4000)
    assert test.p == pytest.approx(exact, abs=0.025)  # three standard errors
    assert_allclose(test.by_channel, exact_channels, atol=0.025)
    assert exact_channels.tolist() == pytest.approx([2 / 20, 6 / 20])  # of the 20 ways to divide six samples
    assert test.eta.site == pytest.approx(observed_site)


def test_shuffled_labels_explain_what_chance_says():
    values, labels = a_data_set(classes=5, n=60)
    test = permutation_test(values, labels, 2000)
    assert test.eta.chance == 4 / 59
    assert test.null.mean() == pytest.approx(4 / 59, rel=0.03)


def test_p_is_counted_from_the_shuffles():
    values, labels = a_data_set(effect=0.02, n=40)
    test = permutation_test(values, labels, 99, seed=3)
    assert test.p == ((test.null >= test.eta.site).sum() + 1) / 100
    assert test.permutations == 99
    assert_array_equal(test.null, permutation_test(values, labels, 99, seed=3).null)
    assert test.null.tolist() != permutation_test(values, labels, 99, seed=4).null.tolist()


def test_p_values_without_an_effect_are_uniform():
    ps = [permutation_test(*a_data_set(effect=0, n=30, channels=2, seed=seed), 99).p for seed in range(300)]
    assert stats.kstest(ps, "uniform").pvalue > 0.01
    assert permutation_test(*a_data_set(effect=1), 50).p == 1 / 51  # the lowest that 50 shuffles can give


def test_the_test_and_the_moments_agree_on_unsorted_labels():
    values, labels = a_data_set()
    test = permutation_test(values.astype(np.float16), labels * 3, 1)
    eta = eta_squared(sample_moments(values.astype(np.float16), labels, 4))
    assert_allclose(test.eta.by_channel, eta.by_channel)
    assert (test.eta.site, test.eta.chance) == (pytest.approx(eta.site), eta.chance)


def test_a_test_without_shuffles_or_labels_is_refused():
    with pytest.raises(ValueError, match="at least once"):
        permutation_test([[0.1], [0.2]], [0, 1], 0)
    with pytest.raises(ValueError, match="belong together"):
        permutation_test([[0.1], [0.2]], [0])


def test_selectivity_by_hand():
    """Open for one class alone: 1. Alike: 0. 0.9 against (0.3 + 0.5 + 0.1) / 3 = 0.3: 0.5. The empty class counts for none."""
    means = [[0.9, 0.4, 0.3, 0.0], [0.0, 0.4, 0.9, 0.0], [0.0, 0.4, 0.5, 0.0], [0.0, 0.4, 0.1, 0.0], [7, 7, 7, 7]]
    found = class_selectivity(of_means(means, [5, 1, 2, 3, 0]))
    assert_allclose(found, [1, 0, 0.5, np.nan], atol=1e-15)


def test_selectivity_is_not_defined_for_one_class_or_below_zero():
    assert np.isnan(class_selectivity(of_means([[0.4, 0.5]]))).all()
    assert_allclose(class_selectivity(of_means([[-0.1, 0.5], [0.3, 0.5]])), [np.nan, 0])


def test_distances_by_hand():
    found = class_distances(of_means([[0.1, 0.2], [0.4, 0.6], [9, 9], [0.1, 0.2]], [1, 4, 0, 2]))
    assert_allclose(found[0], [0, np.sqrt((0.09 + 0.16) / 2), np.nan, 0])
    assert_array_equal(found, found.T)


def test_profiles_correlate_up_to_scale_and_shift():
    generator = np.random.default_rng(0)
    base = generator.random(9)
    means = np.array([base, 0.5 * base + 0.1, 1 - base, generator.random(9), np.full(9, 0.65), base])
    found = profile_correlation(of_means(means, [1, 1, 1, 1, 1, 0]))
    assert_allclose(found[0, :3], [1, 1, -1])
    assert found[0, 3] == pytest.approx(stats.pearsonr(means[0], means[3]).statistic)
    assert np.isnan(found[4]).all() and np.isnan(found[:, 5]).all()
    assert np.isnan(profile_correlation(of_means([[0.1], [0.4]]))).all()


def test_a_test_is_made_on_all_samples_or_on_as_many_different_ones_as_asked_for():
    assert rows_to_test(5).tolist() == [0, 1, 2, 3, 4]
    drawn = rows_to_test(50, most=20)
    assert len(set(drawn.tolist())) == 20
    assert drawn.tolist() == sorted(drawn.tolist())
    assert drawn.max() < 50
    assert drawn.tolist() != rows_to_test(50, most=20, seed=1).tolist()
