"""The figures of a network on a data set, against scikit-learn, statsmodels and cases worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from seviz.analysis.classification import ROWS, confident_mistakes, summarise, wilson
from seviz.errors import DataError

NAMES = tuple("abcdefg")


def some_logits(n: int = 500, classes: int = 7, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are right about two thirds of the time, unevenly over the classes."""
    random = np.random.default_rng(seed)
    labels = np.minimum(random.geometric(0.3, n) - 1, classes - 1)
    logits = random.normal(size=(n, classes)) + 2.2 * np.eye(classes)[labels]
    return logits, labels


def logits_of(probabilities: Any) -> np.ndarray:
    return np.log(np.asarray(probabilities, dtype=np.float64))


def test_agrees_with_scikit_learn() -> None:
    from sklearn.metrics import confusion_matrix, log_loss, precision_recall_fscore_support, top_k_accuracy_score

    logits, labels = some_logits()
    figures = summarise(logits, labels, NAMES)
    predicted = logits.argmax(1)
    precision, recall, f1, support = precision_recall_fscore_support(labels, predicted, labels=range(7))
    assert_allclose([row.precision for row in figures.per_class], precision)
    assert_allclose([row.recall for row in figures.per_class], recall)
    assert_allclose([row.f1 for row in figures.per_class], f1)
    assert_array_equal([row.support for row in figures.per_class], support)
    assert_array_equal(figures.confusion, confusion_matrix(labels, predicted))
    assert_allclose(figures.rates, confusion_matrix(labels, predicted, normalize="true"))
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert figures.loss == pytest.approx(log_loss(labels, probabilities, labels=range(7)))
    assert figures.top5 == pytest.approx(top_k_accuracy_score(labels, logits, k=5, labels=range(7)))
    assert figures.accuracy == pytest.approx((predicted == labels).mean())
    assert figures.classes == NAMES


@pytest.mark.parametrize(("successes", "n"), [(0, 1), (1, 1), (0, 20), (20, 20), (13, 20), (8581, 10_000), (1, 50_000)])
@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_wilson_agrees_with_statsmodels(successes: int, n: int, level: float) -> None:
    from statsmodels.stats.proportion import proportion_confint

    low, high = wilson(successes, n, level)
    assert (low, high) == pytest.approx(proportion_confint(successes, n, 1 - level, "wilson"), abs=1e-12)
    assert 0 <= low <= successes / n <= high <= 1


@pytest.mark.parametrize(("successes", "n", "level"), [(1, 0, 0.95), (-1, 5, 0.95), (6, 5, 0.95), (1, 5, 1.0), (1, 5, 0.0)])
def test_wilson_refuses_what_is_no_share(successes: int, n: int, level: float) -> None:
    with pytest.raises(ValueError, match="no interval"):
        wilson(successes, n, level)


def test_interval_of_each_rate_has_its_own_n() -> None:
    figures = summarise(*some_logits(), NAMES)
    assert figures.interval == wilson(round(figures.accuracy * figures.n), figures.n)
    for index, row in enumerate(figures.per_class):
        hits = int(figures.confusion[index, index])
        assert row.recall_interval == wilson(hits, row.support)
        assert row.precision_interval == wilson(hits, row.predicted)


def test_rows_are_true_and_columns_predicted() -> None:
    figures = summarise([[0.0, 1.0]] * 3 + [[1.0, 0.0]], [0, 0, 0, 1], ("cat", "dog"))
    assert figures.confusion.tolist() == [[0, 3], [1, 0]]
    assert figures.confusion.dtype == np.int64


def test_calibration_error_by_hand() -> None:
    # two samples with 0.9, one of them right: a gap of 0.4; two with 0.6, both right: a gap of 0.4; one with 0.7, right: 0.3
    probabilities = [[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4], [0.3, 0.7]]
    figures = summarise(logits_of(probabilities), [0, 1, 0, 0, 1], ("a", "b"))
    assert figures.ece == pytest.approx((2 * 0.4 + 2 * 0.4 + 1 * 0.3) / 5)
    bins = figures.reliability
    assert bins.count.tolist() == [0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 0, 2, 0]  # 0.6 is the upper edge of the ninth
    assert_allclose(bins.confidence[[8, 10, 13]], [0.6, 0.7, 0.9])
    assert_allclose(bins.accuracy[[8, 10, 13]], [1.0, 1.0, 0.5])
    assert np.isnan(bins.accuracy[0])
    assert np.isnan(bins.confidence[0])


def test_a_certain_and_right_network_is_calibrated() -> None:
    figures = summarise(1000.0 * np.eye(7), np.arange(7), NAMES)
    assert (figures.accuracy, figures.top5, figures.loss, figures.ece) == (1.0, 1.0, 0.0, 0.0)
    assert figures.reliability.count[-1] == 7


def test_a_class_without_samples_or_predictions_has_no_rates() -> None:
    figures = summarise([[3.0, 0, 0, 0], [3.0, 0, 0, 0], [0, 0, 3.0, 0]], [0, 1, 0], ("hit", "missed", "made up", "absent"))
    hit, missed, made_up, absent = figures.per_class
    assert (hit.precision, hit.recall, hit.f1) == (0.5, 0.5, 0.5)
    assert (missed.precision, missed.precision_interval, missed.recall, missed.f1) == (None, None, 0.0, 0.0)
    assert (made_up.precision, made_up.recall, made_up.recall_interval, made_up.f1) == (0.0, None, None, 0.0)
    assert (absent.precision, absent.recall, absent.f1) == (None, None, None)
    assert np.isnan(figures.rates[2]).all()
    assert figures.top5 is None  # of four classes


def test_json_is_valid_and_complete() -> None:
    figures = summarise([[3.0, 0, 0], [3.0, 0, 0]], [0, 1], ("a", "b", "c"))
    back = json.loads(json.dumps(figures.to_json(), allow_nan=False))
    assert back["n"] == 2
    assert back["accuracy"] == 0.5
    assert back["interval"] == list(figures.interval)
    assert back["per_class"][0]["label"] == "a"
    assert back["per_class"][0]["recall"] == 1.0
    assert back["per_class"][2]["recall"] is None
    assert back["confusion"] == figures.confusion.tolist()
    assert back["reliability"]["accuracy"][0] is None
    assert set(back) == {
        "n", "accuracy", "interval", "top5", "loss", "ece", "per_class", "confusion", "reliability"
    }  # fmt: skip


def test_half_precision_logits_are_judged_in_double() -> None:
    logits, labels = some_logits()
    half = logits.astype(np.float16)
    assert summarise(half, labels.astype(np.int16), NAMES).to_json() == summarise(half.astype(float), labels, NAMES).to_json()


def test_large_sets_give_the_same_in_pieces() -> None:
    logits, labels = some_logits(n=ROWS + 5)
    whole = summarise(logits, labels, NAMES)
    parts = [summarise(logits[a:b], labels[a:b], NAMES) for a, b in ((0, ROWS - 7), (ROWS - 7, ROWS + 5))]
    assert_array_equal(whole.confusion, sum(part.confusion for part in parts))
    assert whole.loss == pytest.approx(sum(part.loss * part.n for part in parts) / whole.n)


def test_of_equal_logits_the_lower_class_ranks_first() -> None:
    figures = summarise(np.zeros((7, 7)), np.arange(7), NAMES)
    assert figures.confusion[:, 0].tolist() == [1] * 7
    assert figures.top5 == 5 / 7
    assert summarise(np.zeros((2, 7)), [4, 4], NAMES).top5 == 1
    assert summarise(np.zeros((2, 7)), [5, 6], NAMES).top5 == 0


def test_confident_mistakes_come_most_confident_first() -> None:
    probabilities = [[0.8, 0.2], [0.6, 0.4], [0.05, 0.95], [0.3, 0.7], [0.2, 0.8]]
    mistakes = confident_mistakes(logits_of(probabilities), [1, 1, 0, 1, 0], most=3)
    assert mistakes.indexes.tolist() == [2, 0, 4]  # 0 and 4 are equal: the earlier one first
    assert mistakes.true.tolist() == [0, 1, 0]
    assert mistakes.predicted.tolist() == [1, 0, 1]
    assert_allclose(mistakes.confidence, [0.95, 0.8, 0.8])
    assert len(confident_mistakes(logits_of(probabilities), [1, 1, 0, 1, 0], most=99)) == 4
    assert len(confident_mistakes(logits_of(probabilities), [0, 0, 1, 1, 1], most=3)) == 0


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda z, y: (z[:0], y[:0]), "no samples"),
        (lambda z, y: (z, y[1:]), "belong together"),
        (lambda z, y: (z[:, :5], y), "of 5 classes, the names of 7"),
        (lambda z, y: (z, y + 1), "Labels are 0 to 6; these are 1 to 7"),
        (lambda z, y: (z, y - 1), "Labels are 0 to 6; these are -1 to 5"),
        (lambda z, y: (z * np.where(np.arange(7) == 3, np.nan, 1), y), "NaN or infinite"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(spoil: Callable[..., Any], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        summarise(*spoil(*some_logits()), NAMES)
