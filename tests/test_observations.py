"""The paper's observations on networks made to show each of them, and on ones that do not."""

from __future__ import annotations

import numpy as np
import pytest

from seviz.analysis.moments import Moments, sample_moments
from seviz.analysis.observations import observations, summarise_site
from seviz.analysis.specificity import class_selectivity, eta_squared, permutation_test, profile_correlation

LABELS = np.arange(400) % 4


def gates(share, pattern=None, seed=0):
    """Gates (400, 10) of four classes that explain `share` of the variance: class means of sd a, noise of sd b."""
    generator = np.random.default_rng(seed)
    means = generator.standard_normal((4, 10)) if pattern is None else pattern
    means = (means - means.mean(0)) / means.std(0)
    noise = generator.standard_normal((400, 10))
    noise -= np.array([noise[label == LABELS].mean(0) for label in range(4)])[LABELS]
    return 0.5 + 0.05 * (np.sqrt(share) * means[LABELS] + np.sqrt(1 - share) * noise / noise.std(0))


def site(title, stage, share, **more):
    return summarise_site(title, stage, sample_moments(gates(share), LABELS, 4), **more)


def adjusted(share):
    return (share - 3 / 399) / (1 - 3 / 399)


def test_a_site_is_summed_up():
    values = gates(0.3)
    moments = sample_moments(values, LABELS, 4)
    test = permutation_test(values, LABELS, 20)
    found = summarise_site("a", 2, moments, test=test, open_share=0.2)
    assert (found.title, found.stage, found.p, found.open_share) == ("a", 2, 1 / 21, 0.2)
    assert found.eta.site == pytest.approx(0.3) == eta_squared(moments).site
    assert found.selectivity == pytest.approx(class_selectivity(moments).mean())
    assert found.correlation == pytest.approx(np.median(profile_correlation(moments)[np.triu_indices(4, 1)]))
    fits = [np.linalg.lstsq(values.mean(0)[:, None], row, rcond=None)[0][0] for row in moments.mean]
    assert found.scale == pytest.approx((min(fits), max(fits)))


@pytest.mark.parametrize(
    ("early", "late", "expected"),
    [
        (0.05, 0.4, (True, True)),
        (0.05, 0.2, (True, False)),
        (0.15, 0.4, (False, True)),
        (0.5, 0.4, (False, False)),  # specific, but no more than the early ones
    ],
)
def test_agnostic_and_specific(early, late, expected):
    sites = [site("one", 1, early), site("two", 1, early), site("three", 2, late), site("four", 2, late / 2)]
    agnostic, specific = observations(sites)[:2]
    assert (agnostic.holds, specific.holds) == expected
    assert f"{adjusted(early):.1%}" in agnostic.sentence and "one to two" in agnostic.sentence
    assert f"{adjusted(late):.1%}" in specific.sentence and "at three" in specific.sentence
    for found in (agnostic, specific):
        assert found.sentence.startswith("It holds:" if found.holds else "It does not hold:")


def test_what_shuffled_labels_do_as_well_is_not_specific():
    """Four samples, two classes: eta squared is 0.9, but 2 of the 6 ways to divide the samples give as much."""
    values, labels = np.array([[0.1], [0.2], [0.4], [0.5]]), np.array([0, 0, 1, 1])
    moments, test = sample_moments(values, labels, 2), permutation_test(values, labels, 300)
    assert test.p == pytest.approx(1 / 3, abs=0.08)
    assert test.eta.site == pytest.approx(0.9)
    found, untested = (observations([site("a", 1, 0.0), summarise_site("b", 2, moments, test=one)])[1] for one in (test, None))
    assert (found.holds, untested.holds) == (False, True)
    assert f"shuffled labels explain as much (p = {test.p:.2g})" in found.sentence


@pytest.mark.parametrize(
    ("shares", "holds"), [((0.6, 0.1), True), ((0.1, 0.6), True), ((0.4, 0.49), False), ((None, 0.5), True)]
)
def test_saturated(shares, holds):
    sites = [site("a", 1, 0.1, open_share=1.0), *(site(f"b{i}", 2, 0.1, open_share=share) for i, share in enumerate(shares))]
    found = observations(sites)[2]
    assert found.holds is holds
    highest = max(share for share in shares if share is not None)
    assert f"{highest:.1%}" in found.sentence and f"at b{shares.index(highest)}" in found.sentence


def test_the_same_pattern_up_to_scale():
    profile = np.linspace(0.2, 0.9, 10)
    for factors, holds in (([0.8, 1.0, 1.2], True), ([1.0, 1.0, -0.5], None)):
        means = np.array([factor * profile for factor in factors])
        moments = Moments(np.full(3, 9), means, np.full_like(means, 0.1))
        found = observations([site("a", 1, 0.1), summarise_site("b", 2, moments)])[3]
        if holds:
            assert found.holds is True
            assert "0.80 to 1.20" in found.sentence and "1.00 (median over pairs)" in found.sentence
        else:
            assert found.holds is False
            assert "-1.00 (median over pairs)" in found.sentence


def test_what_cannot_be_told():
    empty = summarise_site("b", 2, sample_moments(np.zeros((0, 3)), np.zeros(0), 4))
    one_class = summarise_site("b", 2, sample_moments(gates(0.2), np.zeros(400), 4))
    for sites in ([], [site("a", 1, 0.2)], [empty, empty], [one_class, one_class]):
        for found in observations(sites):
            assert found.holds is None
            assert found.sentence.startswith("It cannot be told: ")


def test_early_sites_without_stages_are_the_first_third():
    shares = [0.05, 0.05, 0.5, 0.5, 0.5, 0.5]
    sites = [site(f"gate{i}", 0, share) for i, share in enumerate(shares)]
    assert "gate0 to gate1" in observations(sites)[0].sentence
    assert "at gate0;" in observations(sites[:2])[0].sentence
