"""The paired difference against a case worked out by hand and against its definition as a mean of differences."""

from __future__ import annotations

import numpy as np
import pytest

from seviz.analysis.paired import paired_difference


def test_a_case_worked_out_by_hand():
    """100 samples: 80 right by both, 12 by the first alone, 5 by the second alone. d = 0.07, se = sqrt(17 - 0.49)/100."""
    first = [True] * 80 + [True] * 12 + [False] * 5 + [False] * 3
    second = [True] * 80 + [False] * 12 + [True] * 5 + [False] * 3
    found = paired_difference(first, second)
    assert (found.only_first, found.only_second, found.n) == (12, 5, 100)
    assert found.difference == pytest.approx(0.07)
    assert found.interval == pytest.approx((0.07 - 0.0796381, 0.07 + 0.0796381), abs=1e-6)
    assert not found.told


def test_it_is_the_interval_of_a_mean_of_differences():
    generator = np.random.default_rng(0)
    first, second = generator.random(5000) < 0.9, generator.random(5000) < 0.86
    differences = first.astype(float) - second
    half = 1.959963984540054 * differences.std() / np.sqrt(len(differences))
    found = paired_difference(first, second)
    assert found.difference == pytest.approx(differences.mean())
    assert found.interval == pytest.approx((differences.mean() - half, differences.mean() + half))
    assert found.told


def test_networks_that_agree_differ_by_nothing():
    found = paired_difference([True, False, True], [True, False, True])
    assert (found.difference, found.interval, found.told) == (0, (0, 0), False)


@pytest.mark.parametrize(("first", "second"), [([], []), ([True], [True, False]), ([[True]], [[True]])])
def test_what_is_not_paired_is_refused(first, second):
    with pytest.raises(ValueError, match="paired samples"):
        paired_difference(first, second)
