"""The paired difference against cases worked out by hand, statsmodels, and a bootstrap that resamples samples."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from seviz.analysis.paired import bootstrap_interval, holm, mcnemar, paired_difference


def test_a_case_worked_out_by_hand():
    """100 samples: 80 right by both, 12 by the first alone, 5 by the second alone. d = 0.07, se = sqrt(17 - 0.49)/100."""
    first = [True] * 80 + [True] * 12 + [False] * 5 + [False] * 3
    second = [True] * 80 + [False] * 12 + [True] * 5 + [False] * 3
    found = paired_difference(first, second)
    assert (found.only_first, found.only_second, found.n) == (12, 5, 100)
    assert found.difference == pytest.approx(0.07)
    assert found.interval == pytest.approx((0.07 - 0.0796381, 0.07 + 0.0796381), abs=1e-6)
    # 17 discordant samples: the chance of 5 or fewer or 12 or more heads of 17 coins
    assert found.p == pytest.approx(2 * sum(comb(17, k) for k in range(6)) / 2**17)
    assert not found.told


def test_it_is_the_interval_of_a_mean_of_differences():
    generator = np.random.default_rng(0)
    first, second = generator.random(5000) < 0.9, generator.random(5000) < 0.86
    differences = first.astype(float) - second
    half = 1.959963984540054 * differences.std() / np.sqrt(len(differences))
    found = paired_difference(first, second)
    assert found.difference == pytest.approx(differences.mean())
    assert found.interval == pytest.approx((differences.mean() - half, differences.mean() + half))
    assert found.bootstrap == pytest.approx(found.interval, abs=0.001)  # the two agree where samples are many
    assert found.told


def test_networks_that_agree_differ_by_nothing():
    found = paired_difference([True, False, True], [True, False, True])
    assert (found.difference, found.interval, found.bootstrap, found.p, found.told) == (0, (0, 0), (0, 0), 1, False)


@pytest.mark.parametrize(("first", "second"), [([], []), ([True], [True, False]), ([[True]], [[True]])])
def test_what_is_not_paired_is_refused(first, second):
    with pytest.raises(ValueError, match="paired samples"):
        paired_difference(first, second)


@pytest.mark.parametrize(("b", "c", "n"), [(12, 5, 100), (3, 9, 40), (30, 2, 60), (1, 0, 25), (6, 6, 12)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_the_fast_bootstrap_is_scipys_bootstrap_of_the_samples(b, c, n, level):
    from scipy.stats import bootstrap

    differences = np.array([1.0] * b + [-1.0] * c + [0.0] * (n - b - c))
    slow = bootstrap(
        (differences,), np.mean, confidence_level=level, n_resamples=20_000, method="BCa", rng=np.random.default_rng(1)
    ).confidence_interval
    fast = bootstrap_interval(b, c, n, level, resamples=20_000)
    # quantiles of few samples move in steps of 1 / n; one step is what 20,000 draws leave open
    assert fast == pytest.approx((slow.low, slow.high), abs=1.01 / n)


def test_counting_cells_and_resampling_samples_give_one_distribution():
    """The mean, sd and quantiles of (b - c) / n over resamples drawn sample by sample."""
    generator = np.random.default_rng(0)
    b, c, n = 40, 25, 300
    differences = np.array([1] * b + [-1] * c + [0] * (n - b - c))
    slow = differences[generator.integers(0, n, (20_000, n))].mean(1)
    drawn = np.random.default_rng(0).multinomial(n, [b / n, c / n, 1 - (b + c) / n], 20_000)
    fast = (drawn[:, 0] - drawn[:, 1]) / n
    assert fast.mean() == pytest.approx(slow.mean(), abs=0.001)
    assert fast.std() == pytest.approx(slow.std(), rel=0.02)
    low, high = bootstrap_interval(b, c, n)
    assert ((slow >= low) & (slow <= high)).mean() == pytest.approx(0.95, abs=0.015)


def test_the_bootstrap_is_the_same_for_the_same_seed_and_mirrored_for_swapped_networks():
    assert bootstrap_interval(12, 5, 100, seed=3) == bootstrap_interval(12, 5, 100, seed=3)
    assert bootstrap_interval(1213, 1087, 10_007, seed=3) != bootstrap_interval(1213, 1087, 10_007, seed=4)
    low, high = bootstrap_interval(30, 10, 200)
    assert bootstrap_interval(10, 30, 200) == pytest.approx((-high, -low), abs=0.011)


def test_the_bootstrap_covers_the_truth_about_as_often_as_it_says():
    generator, inside = np.random.default_rng(0), 0
    for seed in range(300):
        b, c, _ = generator.multinomial(400, [0.08, 0.05, 0.87]).tolist()
        low, high = bootstrap_interval(b, c, 400, resamples=2000, seed=seed)
        inside += low <= 0.03 <= high
    assert 0.91 <= inside / 300 <= 0.98


@pytest.mark.parametrize(("b", "c"), [(0, 0), (1, 0), (5, 12), (12, 5), (446, 418), (30, 2)])
def test_mcnemar_agrees_with_statsmodels(b, c):
    from statsmodels.stats.contingency_tables import mcnemar as reference

    assert mcnemar(b, c) == pytest.approx(reference([[50, b], [c, 20]], exact=True).pvalue)


def test_a_told_difference_needs_both_intervals_and_the_test():
    """4 against 0 of 50: both intervals leave out 0, the exact test (p = 1/8) does not."""
    found = paired_difference([True] * 50, [True] * 46 + [False] * 4)
    assert found.interval[0] > 0
    assert found.bootstrap[0] > 0
    assert found.p == pytest.approx(0.125)
    assert not found.told


def test_holm_by_hand():
    """0.01 x 3; then 0.03 x 2 = 0.06; then 0.04 x 1, which may not be below what came before."""
    np.testing.assert_allclose(holm([0.04, 0.01, 0.03]), [0.06, 0.03, 0.06])
    np.testing.assert_allclose(holm([0.9, 0.8]), [1, 1])
    assert holm([]).shape == (0,)


@pytest.mark.parametrize("seed", range(5))
def test_holm_agrees_with_statsmodels(seed):
    from statsmodels.stats.multitest import multipletests

    p = np.random.default_rng(seed).random(10) ** 3
    p[3] = p[7]  # a tie
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1])
