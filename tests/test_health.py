"""Gate health on sites that are made ill on purpose, and shares against counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from seviz.analysis.ailments import diagnose
from seviz.analysis.health import describe_exactness, gate_shares, histogram_shares, site_health
from seviz.analysis.moments import sample_moments
from seviz.analysis.specificity import eta_squared

LABELS = np.arange(400) % 4


def histogram(gates, bins=32):
    return np.array([np.histogram(channel, bins, (0, 1))[0] for channel in np.asarray(gates, dtype=np.float64).T])


def health(gates, labels=LABELS, **more):
    return site_health("a", sample_moments(gates, labels, 4), histogram(gates), gates=gates, **more)


def moving(level, sd, channels=8, seed=0):
    """Gates (400, channels) around a level or levels, each with the sd over samples."""
    noise = np.random.default_rng(seed).standard_normal((400, channels))
    return np.clip(level + sd * (noise - noise.mean(0)) / noise.std(0), 0, 1)


LEVELS = np.linspace(0.2, 0.9, 8)
CASES = {
    "healthy": (moving(LEVELS, 0.05), None, "healthy", []),
    "dead at 0.5": (moving(0.5, 0.002), None, "ill", ["dead"]),
    "dead at 0.65": (moving(0.65, 0.002), None, "ill", ["dead"]),
    "constant": (np.full((400, 8), 0.65), None, "ill", ["dead"]),
    "static": (moving(LEVELS, 0.002), None, "ill", ["static"]),
    "faint": (moving(LEVELS, 0.03), None, "look", ["faint"]),
    "still": (moving(0.5, np.where(np.arange(8) < 2, 0.005, 0.1)), None, "look", ["still"]),
    "open": (moving(np.where(np.arange(8) < 6, 1, 0.5), 0.05), None, "look", ["open"]),
    "all open": (np.maximum(moving(0.99, 0.02), 0.94), None, "ill", ["open"]),
    "closed": (moving(np.where(np.arange(8) < 6, 0, 0.5), 0.05), None, "look", ["closed"]),
    "all closed": (np.minimum(moving(0.01, 0.02), 0.06), None, "ill", ["closed"]),
    "a silent unit": (moving(LEVELS, 0.05), [400, 0, 7, 9], "look", ["hidden units"]),
    "half of them silent": (moving(LEVELS, 0.05), [400, 0], "ill", ["hidden units"]),
    "cut off": (np.full((400, 8), LEVELS), [0, 0], "ill", ["static", "hidden units"]),
    "units that fire": (moving(LEVELS, 0.05), [400, 1], "healthy", []),
}


@pytest.mark.parametrize("case", CASES)
def test_what_was_made_ill_is_found_ill(case):
    gates, fired, grade, names = CASES[case]
    found = health(gates, fired=fired)
    assert (found.grade, [ailment.name for ailment in found.ailments]) == (grade, names)
    for ailment in found.ailments:
        for text in (ailment.sentence, ailment.cause, ailment.cure):
            assert text.endswith(".") and "nan" not in text and "  " not in text


def test_the_sentences_have_the_numbers():
    assert "near 0.65, and 8 of 8 never move" in health(CASES["dead at 0.65"][0]).ailments[0].sentence
    assert "near 0.5, which is the sigmoid of 0" in health(CASES["dead at 0.5"][0]).ailments[0].sentence
    assert "(0.20 to 0.90)" in health(CASES["static"][0]).ailments[0].sentence
    assert "moves by 0.030" in health(CASES["faint"][0]).ailments[0].sentence
    assert "2 of 8 channels" in health(CASES["still"][0]).ailments[0].sentence
    some = health(moving(LEVELS, 0.05), fired=[0, 3]).ailments[0]
    assert some.sentence == "1 of 2 hidden units never fire."
    assert "leaves 2 of them" in some.cause and "a smaller reduction r, which leaves more of them." in some.cure
    many = health(moving(LEVELS, 0.05), fired=[0] + [3] * 31).ailments[0]
    assert "spare" not in many.cause and "r =" not in many.cure
    open_share = (CASES["open"][0] > 0.95).mean()
    assert f"{open_share:.1%}" in health(CASES["open"][0]).ailments[0].sentence


def test_class_agnostic_is_not_independent_of_the_input():
    gates = moving(0.5, 0.1)
    notes = health(gates).notes
    within = 1 - eta_squared(sample_moments(gates, LABELS, 4)).site
    assert len(notes) == 2 and notes[1].startswith(f"{within:.0%} of the variance lies within classes")
    specific = np.clip(0.5 + 0.1 * np.tile(np.eye(4), 2)[LABELS] + 0.02 * (moving(0.5, 0.1) - 0.5), 0, 1)
    assert "times the variance within" in health(specific).notes[-1]
    assert health(np.full((400, 8), 0.65)).notes == ()


def test_the_numbers_of_a_site():
    gates = moving(LEVELS, 0.05)
    found = health(gates, fired=[400, 0, 7])
    vitals = found.vitals
    assert_allclose([vitals.mean, vitals.moving, vitals.levels], [gates.mean(), 0.05, LEVELS.std()], rtol=5e-3)
    assert vitals.level_range == pytest.approx((0.2, 0.9), abs=1e-3)
    assert (vitals.lowest, vitals.highest) == (gates.min(), gates.max())
    eta = eta_squared(sample_moments(gates, LABELS, 4)).site
    assert vitals.between_over_within == pytest.approx(eta / (1 - eta))
    assert (found.silent.tolist(), found.always.tolist(), found.n, found.title) == ([1], [0], 400, "a")
    assert (vitals.hidden, vitals.silent, vitals.still, found.still.tolist()) == (3, 1, 0, [])
    assert health(CASES["still"][0]).still.tolist() == [0, 1]


def test_shares_by_hand():
    found = gate_shares([[0.0, 0.05], [0.049, 0.45], [0.5, 0.55], [0.56, 0.95], [0.951, 1.0]])
    assert (found.closed, found.middle, found.open, found.exact) == (0.2, 0.3, 0.2, True)
    assert found.open_bounds == (0.2, 0.2)


def test_a_histogram_of_an_even_spread_gives_the_widths():
    found = histogram_shares(np.full((3, 32), 10))
    assert_allclose([found.closed, found.middle, found.open], [0.05, 0.1, 0.05])
    assert_allclose(found.closed_bounds, [1 / 32, 2 / 32])  # 0.05 lies in the second bin
    assert_allclose(found.middle_bounds, [2 / 32, 4 / 32])  # 0.45..0.55 holds two bins and parts of two
    assert_allclose(found.open_bounds, [1 / 32, 2 / 32])
    assert not found.exact


@pytest.mark.parametrize("seed", range(5))
def test_the_bounds_hold_and_the_estimate_is_near(seed):
    generator = np.random.default_rng(seed)
    gates = generator.beta(*generator.uniform(0.3, 3, 2), (2000, 6))
    exact, found = gate_shares(gates), histogram_shares(histogram(gates))
    for name in ("closed", "middle", "open"):
        low, high = getattr(found, f"{name}_bounds")
        assert low <= getattr(exact, name) <= high
        assert low <= getattr(found, name) <= high
        assert getattr(found, name) == pytest.approx(getattr(exact, name), abs=0.02)


def test_twenty_bins_have_edges_at_the_thresholds():
    gates = np.random.default_rng(0).random((500, 3))
    exact, found = gate_shares(gates), histogram_shares(histogram(gates, 20))
    for name in ("closed", "middle", "open"):
        assert getattr(found, f"{name}_bounds") == pytest.approx((getattr(exact, name),) * 2)


def test_gates_of_some_samples_leave_the_shares_to_the_histogram():
    gates = moving(LEVELS, 0.2)
    moments = sample_moments(gates, LABELS, 4)
    some = site_health("a", moments, histogram(gates), gates=gates[:50])
    assert some.shares == histogram_shares(histogram(gates))
    assert site_health("a", moments, histogram(gates), gates=gates).shares == gate_shares(gates)
    assert site_health("a", moments, gates=gates[:50]).shares == gate_shares(gates[:50])
    whole = site_health("a", moments, histogram(gates), gates=gates)
    assert describe_exactness([whole]) == ""
    assert "“about” come from histograms" in describe_exactness([whole, some])
    with pytest.raises(ValueError, match="histogram or its gates"):
        site_health("a", moments)


def test_the_range_is_of_the_extremes_where_they_are_known():
    gates = moving(0.5, 0.1)
    moments, bins = sample_moments(gates, LABELS, 4), histogram(gates)
    known = site_health("a", moments, bins, lowest=[[0.1, np.nan], [0.3, np.nan]], highest=[0.8, 0.93]).vitals
    assert (known.lowest, known.highest) == (0.1, 0.93)
    coarse = site_health("a", moments, bins).vitals
    assert gates.min() - 1 / 32 <= coarse.lowest <= gates.min()
    assert gates.max() <= coarse.highest <= gates.max() + 1 / 32


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_samples_to_tell(n):
    found = health(np.full((n, 3), 0.65), LABELS[:n], fired=np.zeros(2))
    assert (found.grade, found.ailments, found.notes, found.n) == ("unknown", (), (), n)
    assert np.isnan(found.vitals.lowest) == (n == 0) == np.isnan(found.shares.open)
    from_bins = site_health("a", sample_moments(np.zeros((0, 3)), [], 4), np.zeros((3, 32)))
    assert np.isnan([from_bins.vitals.lowest, from_bins.vitals.highest, from_bins.shares.closed]).all()


def test_one_class_has_no_ratio():
    found = health(moving(0.5, 0.1), np.zeros(400))
    assert np.isnan(found.vitals.between_over_within)
    assert len(found.notes) == 1
    assert found.grade == "healthy"


def test_classes_that_explain_everything():
    found = health(0.25 + 0.125 * LABELS[:, None].repeat(3, 1))
    assert np.isinf(found.vitals.between_over_within)
    assert found.notes[-1] == "The gates are the same for all pictures of a class."


def test_the_limits_of_the_grades():
    """Just below and at each threshold, on the numbers of a healthy site."""
    well = health(moving(LEVELS, 0.05), fired=[9, 9, 9, 9]).vitals

    def names(**changed):
        return [(ailment.name, ailment.grade) for ailment in diagnose(replace(well, **changed))[0]]

    assert names() == names(moving=0.04) == names(open=0.49) == names(closed=0.49) == []
    assert names(moving=0.039) == [("faint", "look")]
    assert (names(open=0.5), names(open=0.9)) == ([("open", "look")], [("open", "ill")])
    assert (names(closed=0.5), names(closed=0.9)) == ([("closed", "look")], [("closed", "ill")])
    assert (names(silent=1), names(silent=2)) == ([("hidden units", "look")], [("hidden units", "ill")])
    assert (names(still=1), names(still=4), names(still=4, levels=0.04)) == (
        [("still", "look")],
        [("static", "ill")],
        [("dead", "ill")],
    )
