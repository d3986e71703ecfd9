"""Two networks side by side: against scikit-learn, against a slow second way, and on samples laid out by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from seviz.analysis import temperature
from seviz.analysis.comparison import (
    CELLS,
    Side,
    agreement,
    agreement_verdict,
    class_verdict,
    compare,
    how_calibrated,
    how_tested,
    pair,
    verdict,
)
from seviz.analysis.paired import paired_difference
from seviz.analysis.temperature import LIMITS, calibrate, fit_temperature
from seviz.errors import DataError

NAMES = ("ant", "bee", "cat")


def side(name, predicted, labels, *, ids=None, classes=NAMES, strength=3.0):
    """A network that says `predicted`, with one high logit."""
    logits = strength * np.eye(len(classes))[np.asarray(predicted)]
    ids = [f"x/{index:04d}" for index in range(len(labels))] if ids is None else ids
    return Side(name, classes, tuple(ids), np.asarray(labels, dtype=np.int16), logits)


def random_sides(n=400, *, seed=0, better=1.6):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 3, n).astype(np.int16)
    shared = generator.normal(size=(n, 3))
    ids = tuple(f"x/{index:04d}" for index in range(n))
    logits = [shared + generator.normal(size=(n, 3)) + pull * np.eye(3)[labels] for pull in (better, 1.0)]
    return Side("A", NAMES, ids, labels, logits[0]), Side("B", NAMES, ids, labels, logits[1])


BY_HAND = {  # label, first, second -> cell
    "both right": (0, 0, 0),
    "only the first": (1, 1, 2),
    "only the second": (2, 0, 2),
    "both wrong, same answer": (0, 1, 1),
    "both wrong, other answers": (0, 1, 2),
}


def test_every_cell_by_hand():
    labels, first, second = zip(*BY_HAND.values(), strict=True)
    both = pair(side("A", first, labels), side("B", second, labels))
    assert [CELLS[cell] for cell in both.cells] == list(BY_HAND)
    found = agreement(both)
    assert found.counts == (1, 1, 1, 1, 1)
    assert found.same_answer == pytest.approx(2 / 5)
    # 2 of 5 right each; coincide on 3 of 5; by chance 4/25 + 9/25 = 13/25
    assert found.consistency == pytest.approx((3 / 5 - 13 / 25) / (12 / 25))


def test_consistency_is_cohens_kappa_of_right_and_wrong():
    from sklearn.metrics import cohen_kappa_score

    both = pair(*random_sides())
    right = [predicted == both.labels for predicted in both.predicted]
    assert agreement(both).consistency == pytest.approx(cohen_kappa_score(*right))
    assert sum(agreement(both).counts) == 400


def test_networks_without_a_mistake_have_no_consistency():
    both = pair(side("A", [0, 1], [0, 1]), side("B", [0, 1], [0, 1]))
    assert agreement(both).consistency is None


def test_another_order_of_samples_changes_nothing():
    first, second = random_sides()
    order = np.random.default_rng(5).permutation(400)
    moved = Side("B", NAMES, tuple(second.ids[i] for i in order), second.labels[order], second.logits[order])
    assert not np.array_equal(moved.logits, second.logits)
    assert compare(pair(first, moved)).to_json() == compare(pair(first, second)).to_json()


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (side("B", [0, 1], [0, 1]), "A and B were evaluated on different samples (3 and 2, 2 in common)"),
        (side("B", [0, 1, 2], [0, 1, 2], ids=("x/0000", "x/0001", "y")), "(3 and 3, 2 in common)"),
        (side("B", [0, 1, 2], [0, 1, 2], ids=("x/0000", "x/0001", "x/0001")), "on different samples (3 and 3"),
        (side("B", [0, 1, 2], [0, 1, 1]), "with different labels"),
        (side("B", [0, 1, 2], [0, 1, 2], classes=("ant", "bee", "cow")), "know different classes"),
    ],
)
def test_what_cannot_be_paired_is_one_sentence(other, sentence):
    with pytest.raises(DataError) as raised:
        pair(side("A", [0, 1, 2], [0, 1, 2]), other)
    assert sentence in str(raised.value)
    assert str(raised.value).count(". ") == 0


def test_every_class_is_the_paired_difference_of_its_samples_and_is_corrected_together():
    from statsmodels.stats.multitest import multipletests

    both = pair(*random_sides())
    found = compare(both)
    right = [predicted == both.labels for predicted in both.predicted]
    for index, one in enumerate(found.per_class):
        mine = both.labels == index
        alone = paired_difference(right[0][mine], right[1][mine])
        assert (one.label, one.n) == (NAMES[index], mine.sum())
        assert (one.difference, one.interval, one.p) == (alone.difference, alone.bootstrap, alone.p)
        assert one.first - one.second == pytest.approx(one.difference)
    np.testing.assert_allclose(
        [one.p_holm for one in found.per_class], multipletests([one.p for one in found.per_class], method="holm")[1]
    )


def test_a_class_without_samples_is_shown_as_such_and_costs_no_test():
    found = compare(pair(side("A", [0, 1] * 10, [0, 1] * 10), side("B", [1, 1] * 10, [0, 1] * 10)))
    empty, ant = found.per_class[2], found.per_class[0]
    assert (empty.n, empty.difference, empty.p_holm, empty.told) == (0, None, None, False)
    assert ant.p_holm == pytest.approx(2 * 2 / 2**10)  # ten of ten coins, twice for two sides, times two classes
    assert "can be told for 1 of 2 classes, after Holm's correction: ant (+100.0 points)" in class_verdict(found)


def test_the_words_follow_the_numbers():
    same = compare(pair(*random_sides(better=1.0)))
    assert same.difference.bootstrap[0] < 0 < same.difference.bootstrap[1]
    assert verdict(same).startswith("No difference between A and B can be told")
    assert "the interval holds 0" in verdict(same)
    assert class_verdict(same).startswith("For none of the 3 classes")
    first, second = random_sides(better=3.0)
    assert verdict(compare(pair(first, second))).startswith("A is right more often than B: +")
    assert verdict(compare(pair(second, first))).startswith("A is right more often than B: -")
    few = compare(pair(side("A", [0] * 50, [0] * 50), side("B", [0] * 46 + [1] * 4, [0] * 50)))
    assert "No difference" in verdict(few)
    assert "McNemar's exact test (p = 0.12)" in verdict(few)
    assert how_tested(few).startswith("4 pictures were right for A alone and 0 for B alone; only these tell the two apart.")
    odd = compare(pair(*(side(name, [0] * 20 + [1], [0] * 21) for name in "AB")))
    fitted = odd.calibration[0].fitted
    assert fitted != 21 - fitted
    assert f"fitted to {fitted} of the pictures" in how_calibrated(odd)
    assert how_calibrated(odd).endswith(f"the other {21 - fitted}.")


def test_the_agreement_in_words():
    """Three wrong of ten, the same for both: kappa 1. Six wrong of ten, none together: never by chance as seldom."""
    together = compare(pair(*(side(name, [0] * 7 + [1] * 3, [0] * 10) for name in "AB")))
    assert agreement_verdict(together) == (
        "Both give the same answer to 100.0% of the pictures. They are wrong on the same pictures more often than chance would "
        "have it: Cohen's kappa of right and wrong is 1.00 (0: by chance alone; 1: always)."
    )
    apart = compare(pair(side("A", [0] * 7 + [1] * 3, [0] * 10), side("B", [1] * 3 + [0] * 7, [0] * 10)))
    assert "same answer to 40.0%" in agreement_verdict(apart)
    assert "no more often than chance" in agreement_verdict(apart)
    perfect = compare(pair(*(side(name, [0] * 10, [0] * 10) for name in "AB")))
    assert agreement_verdict(perfect) == "Both give the same answer to 100.0% of the pictures."


def test_json_is_plain_and_whole():
    found = json.loads(json.dumps(compare(pair(*random_sides())).to_json(), allow_nan=False))
    assert set(found) == {"n", "networks", "difference", "agreement", "per_class", "seed", "verdict"}
    assert [one["name"] for one in found["networks"]] == ["A", "B"]
    assert set(found["networks"][0]) == {
        "name", "accuracy", "interval", "loss", "ece", "temperature", "fitted", "measured", "before", "after",
    }  # fmt: skip


# temperature


def test_the_temperature_is_the_best_of_a_fine_grid():
    first, _ = random_sides()
    logits, labels = 4 * first.logits, first.labels.astype(int)

    def loss(temperature):
        z = logits / temperature
        return float((np.log(np.exp(z).sum(1)) - z[np.arange(400), labels]).mean())

    grid = np.linspace(1, 9, 8001)
    best = grid[np.argmin([loss(temperature) for temperature in grid])]
    assert fit_temperature(logits, labels) == pytest.approx(best, abs=0.001)


def test_a_temperature_that_was_put_in_is_found_again():
    """Labels drawn from the softmax itself: T = 1; logits three times too large: T = 3."""
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(20_000, 3)) * 2
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = (generator.random((20_000, 1)) > probabilities.cumsum(1)).sum(1)
    assert fit_temperature(logits, labels) == pytest.approx(1, abs=0.03)
    assert fit_temperature(3 * logits, labels) == pytest.approx(3, abs=0.09)


def test_scikit_learn_finds_the_same_temperature():
    """Temperature scaling is a logistic regression with one shared coefficient; here for two classes, without offset."""
    from sklearn.linear_model import LogisticRegression

    generator = np.random.default_rng(1)
    gap = generator.normal(size=2000) * 3
    labels = (generator.random(2000) < 1 / (1 + np.exp(-0.6 * gap))).astype(int)
    model = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10).fit(gap[:, None], labels)
    logits = np.stack([np.zeros(2000), gap], 1)
    assert fit_temperature(logits, labels) == pytest.approx(1 / model.coef_[0, 0], rel=1e-4)


def test_a_network_without_a_mistake_or_without_sense_gets_the_limit():
    logits = 5 * np.eye(3)[[0, 1, 2, 0]]
    assert fit_temperature(logits, np.array([0, 1, 2, 0])) == LIMITS[0]
    assert fit_temperature(logits, np.array([1, 2, 0, 1])) == LIMITS[1]


def test_calibration_is_measured_on_the_half_that_was_not_fitted():
    first, _ = random_sides(401)
    found = calibrate(4 * first.logits, first.labels, NAMES)
    assert (found.fitted, found.before.n, found.after.n) == (200, 201, 201)
    assert found.after.accuracy == found.before.accuracy
    assert found.after.ece < found.before.ece
    assert found.after.loss < found.before.loss
    again = calibrate(4 * first.logits, first.labels, NAMES)
    other = calibrate(4 * first.logits, first.labels, NAMES, seed=1)
    assert again.temperature == found.temperature != other.temperature


def halves(monkeypatch, one):
    """Which samples calibrate fits on and which it measures on, told by logits that are all different."""
    seen = {}

    def spied(name, real):
        def called(logits, *arguments):
            seen.setdefault(name, logits.copy())
            return real(logits, *arguments)

        return called

    with monkeypatch.context() as patch:
        for name in ("fit_temperature", "summarise"):
            patch.setattr(temperature, name, spied(name, getattr(temperature, name)))
        calibrate(one.logits, one.labels, one.classes)
    place = {tuple(row): number for number, row in enumerate(one.logits.tolist())}
    return [[place[tuple(row)] for row in seen[name].tolist()] for name in ("fit_temperature", "summarise")]


def test_the_halves_are_disjoint_everything_together_and_the_same_for_both_networks(monkeypatch):
    first, second = random_sides(401)
    fitted, held = halves(monkeypatch, first)
    assert (len(fitted), len(held)) == (200, 201)
    assert set(fitted).isdisjoint(held)
    assert set(fitted) | set(held) == set(range(401))
    assert halves(monkeypatch, second) == [fitted, held]


def test_one_sample_cannot_be_halved():
    with pytest.raises(DataError, match="two are needed"):
        calibrate([[1.0, 0.0]], [0], ("a", "b"))
