"""Moments against their definitions sample by sample, against scipy's t interval, and against cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from seviz.analysis.moments import (
    ORDERS,
    Moments,
    class_moments,
    confidence_band,
    order_channels,
    sample_channels,
    sample_moments,
)


def a_data_set(classes=5, channels=7, n=200, seed=0):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, n)
    return generator.beta(2, 5, (n, channels)) + 0.1 * labels[:, None], labels


def summed(values, labels, classes):
    rows = [values[labels == label] for label in range(classes)]
    return [len(r) for r in rows], [r.sum(0) for r in rows], [(r**2).sum(0) for r in rows]


def test_two_classes_by_hand():
    """Class 0: 0.2, 0.4; class 1: 0.9; class 2 has no samples. All: mean 0.5, squared deviations 0.09, 0.01, 0.16."""
    found = class_moments([2, 1, 0], [[0.6], [0.9], [0.0]], [[0.2], [0.81], [0.0]])
    assert_allclose(found.mean, [[0.3], [0.9], [np.nan]])
    assert_allclose(found.sd(), [[0.1], [np.nan], [np.nan]])
    assert_allclose(found.sd(sample=True), [[np.sqrt(0.02)], [np.nan], [np.nan]])
    assert_allclose(found.overall_mean, [0.5])
    assert_allclose(found.balanced_mean, [0.6])
    assert_allclose(found.overall_sd, [np.sqrt(0.26 / 3)])
    assert_allclose(found.between, [(2 * 0.2**2 + 0.4**2) / 3])
    assert_allclose(found.within, [0.02 / 3])
    assert_allclose(found.deviation(), [[-0.2], [0.4], [np.nan]])
    assert_allclose(found.deviation(balanced=True), [[-0.3], [0.3], [np.nan]])
    assert (found.n, found.channels, found.seen.tolist()) == (3, 1, [True, True, False])


@pytest.mark.parametrize("source", ["sums", "samples"])
def test_moments_are_those_of_the_samples(source):
    values, labels = a_data_set()
    found = class_moments(*summed(values, labels, 5)) if source == "sums" else sample_moments(values, labels, 5)
    for label in range(5):
        rows = values[labels == label]
        assert_allclose(found.mean[label], rows.mean(0))
        assert_allclose(found.sd()[label], rows.std(0))
        assert_allclose(found.sd(sample=True)[label], rows.std(0, ddof=1))
    assert_allclose(found.overall_mean, values.mean(0))
    assert_allclose(found.overall_sd, values.std(0))
    assert_array_equal(found.count, np.bincount(labels, minlength=5))


def test_rounding_is_no_spread():
    """One gate that never moves, added 10,000 times, and squares that rounding left below the square of the sum."""
    total = np.cumsum(np.full(10_000, np.float64(np.float32(0.65))))[-1]
    squares = np.cumsum(np.full(10_000, np.float64(np.float32(0.65)) ** 2))[-1]
    for nudge in (1 - 1e-13, 1.0, 1 + 1e-13):
        assert class_moments([10_000], [[total]], [[squares * nudge]]).sd().tolist() == [[0.0]]
    tiny = 0.65 + 1e-4 * np.random.default_rng(0).standard_normal((10_000, 1))
    assert_allclose(class_moments(*summed(tiny, np.zeros(10_000), 1)).sd()[0], tiny.std(0), rtol=1e-6)


def test_no_samples_at_all_are_nan():
    found = class_moments(np.zeros(2), np.zeros((2, 3)), np.zeros((2, 3)))
    for values in (found.mean, found.sd(), found.overall_mean, found.overall_sd, found.balanced_mean, *confidence_band(found)):
        assert np.isnan(values).all()
    for order in ORDERS:
        assert order_channels(found, order).tolist() == [0, 1, 2]


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_the_band_is_students(level):
    values, labels = a_data_set()
    low, high = confidence_band(sample_moments(values, labels, 6), level)
    for label in range(5):
        rows = values[labels == label]
        expected = stats.t.interval(level, len(rows) - 1, rows.mean(0), stats.sem(rows))
        assert_allclose([low[label], high[label]], expected)
    assert np.isnan(low[5]).all() and np.isnan(high[5]).all()


def test_one_sample_has_no_band():
    low, high = confidence_band(sample_moments([[0.5], [0.6], [0.7]], [0, 0, 1], 2))
    assert np.isfinite([low[0], high[0]]).all() and np.isnan([low[1], high[1]]).all()
    with pytest.raises(ValueError, match="level"):
        confidence_band(sample_moments([[0.5]], [0], 1), 1.0)


def of_means(means):
    mean = np.array(means, dtype=np.float64)
    return Moments(np.ones(len(means), dtype=np.int64), mean, np.zeros_like(mean))


def test_channels_by_variance_between_classes():
    means = [[0.5, 0.1, 0.4, 0.1], [0.5, 0.9, 0.6, 0.9]]
    assert order_channels(of_means(means), "channel").tolist() == [0, 1, 2, 3]
    assert order_channels(of_means(means), "variance between classes").tolist() == [1, 3, 2, 0]
    with pytest.raises(ValueError, match="clustered"):
        order_channels(of_means(means), "sorted")


def test_clustering_brings_channels_of_the_same_classes_together():
    """Two kinds of channels mixed up, at different levels and strengths, and two channels that are alike for all classes."""
    kinds = {"cats": [0.4, 0.0, 0.1, 0.0], "planes": [0.0, 0.1, 0.0, 0.4]}
    names = ["cats", "planes", "flat", "planes", "cats", "flat", "cats", "planes"]
    generator = np.random.default_rng(1)
    columns = [np.full(4, 0.5) if name == "flat" else 0.2 + generator.uniform(0.5, 1) * np.array(kinds[name]) for name in names]
    order = order_channels(of_means(np.array(columns).T), "clustered")
    assert sorted(order.tolist()) == list(range(8))
    sequence = [names[channel] for channel in order]
    assert sequence in (
        ["cats"] * 3 + ["planes"] * 3 + ["flat"] * 2,
        ["planes"] * 3 + ["cats"] * 3 + ["flat"] * 2,
    )
    assert order[-2:].tolist() == [2, 5]


@pytest.mark.parametrize("means", [[[0.3, 0.2, 0.9]], [[0.4], [0.5]], [[0.1, 0.2, 0.6], [0.2, 0.1, 0.6]]])
def test_clustering_of_little(means):
    """One class, one channel, two classes: still every channel once."""
    order = order_channels(of_means(means), "clustered")
    assert sorted(order.tolist()) == list(range(len(means[0])))


def test_fifty_channels_of_a_wide_site():
    chosen = sample_channels(2048)
    assert len(set(chosen.tolist())) == 50 and (np.diff(chosen) > 0).all() and chosen[0] >= 0 and chosen[-1] < 2048
    assert_array_equal(chosen, sample_channels(2048))
    assert sample_channels(2048, seed=1).tolist() != chosen.tolist()
    assert sample_channels(50).tolist() == list(range(50))
    counts = np.bincount(np.concatenate([sample_channels(60, 30, seed) for seed in range(2000)]), minlength=60)
    assert counts.min() > 880 and counts.max() < 1120  # 1000 expected, sd 22


def test_what_does_not_belong_together_is_refused():
    with pytest.raises(ValueError, match="moments are"):
        class_moments([1, 2], [[0.5]], [[0.5]])
    with pytest.raises(ValueError, match="count of samples"):
        class_moments([-1], [[0.5]], [[0.5]])
    with pytest.raises(ValueError, match="belong together"):
        sample_moments([[0.5]], [0, 1], 2)
    with pytest.raises(ValueError, match="labels of 2 classes"):
        sample_moments([[0.5]], [2], 2)
