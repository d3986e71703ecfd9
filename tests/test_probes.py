"""Linear probes on data whose best possible accuracy is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import stats

from seviz.analysis.probes import linear_probe


def two_classes(distance, n=1500, channels=4, seed=0):
    """Normal clouds of sd 1 whose means lie `distance` apart: the best rule is right with probability Phi(distance / 2)."""
    generator = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    return generator.standard_normal((n, channels)) + distance * labels[:, None] / np.sqrt(channels), labels


@pytest.mark.parametrize("distance", [0.5, 1.5, 3.0])
def test_a_probe_finds_the_best_linear_rule(distance):
    found = linear_probe(*two_classes(distance))
    assert found.accuracy == pytest.approx(stats.norm.cdf(distance / 2), abs=0.03)
    assert 0.002 < found.error < 0.03
    assert (found.chance, found.n, found.classes) == (0.5, 1500, 2)


def test_the_figures_are_those_of_the_folds():
    found = linear_probe(*two_classes(1), folds=7)
    assert len(found.by_fold) == 7
    assert found.accuracy == pytest.approx(found.by_fold.mean())
    assert found.error == pytest.approx(stats.sem(found.by_fold))


def test_what_is_separable_is_told_apart_at_any_scale():
    generator = np.random.default_rng(0)
    labels = np.arange(300) % 3
    gates = 0.65 + 1e-4 * (np.eye(3)[labels] + 0.05 * generator.standard_normal((300, 3)))
    assert linear_probe(np.column_stack([gates, np.full(300, 0.5), 1e4 * generator.random(300)]), labels).accuracy == 1


def test_noise_is_read_at_chance():
    """More channels than samples: a probe that saw what it is tested on would be right throughout."""
    generator = np.random.default_rng(0)
    found = linear_probe(generator.random((200, 300)), np.arange(200) % 4)
    assert found.accuracy == pytest.approx(0.25, abs=0.1)
    constant = linear_probe(np.full((100, 1), 0.65), np.arange(100) % 10 // 6)
    assert (constant.accuracy, constant.chance) == (pytest.approx(0.6), 0.6)


def test_thinning_keeps_the_classes_in_proportion_and_is_seeded():
    values, labels = two_classes(1, n=3000)
    labels = np.where(np.arange(3000) % 10 < 3, 7, labels)  # three classes, 30 % of them 7
    found, again = linear_probe(values, labels, most=500), linear_probe(values, labels, most=500)
    assert (found.n, found.classes) == (500, 3)
    assert found.chance == pytest.approx(max(np.bincount(labels)) / 3000, abs=0.005)
    assert_array_equal(found.by_fold, again.by_fold)
    assert linear_probe(values, labels, most=500, seed=1).by_fold.tolist() != found.by_fold.tolist()


def test_classes_with_fewer_samples_than_folds_take_no_part():
    values, labels = two_classes(3, n=100)
    labels[:4] = 9
    found = linear_probe(values, labels)
    assert (found.n, found.classes) == (96, 2)
    assert linear_probe(values[:6], labels[:6]) is None
    assert linear_probe(values, np.arange(100)) is None
    assert linear_probe(np.zeros((0, 3)), np.zeros(0)) is None
    assert linear_probe(values, labels, most=8) is None


def test_what_cannot_be_read_is_refused():
    values, labels = two_classes(1, n=20)
    with pytest.raises(ValueError, match="two folds"):
        linear_probe(values, labels, folds=1)
    with pytest.raises(ValueError, match="finite"):
        linear_probe(np.where(values > 1, np.nan, values), labels)
    with pytest.raises(ValueError, match="belong together"):
        linear_probe(values, labels[1:])
