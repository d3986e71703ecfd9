"""What a network got right on a data set, from its logits alone.

    figures = summarise(logits, labels, classes)
    figures.accuracy, figures.interval              0.8812, (0.8747, 0.8874)
    figures.per_class[3].recall                     None where the class has no samples
    figures.to_json()                               the same as plain JSON values
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seviz.errors import DataError

BINS = 15  # of the reliability diagram: Guo et al., "On Calibration of Modern Neural Networks", 2017
ROWS = 4096  # logits that are in float64 at a time
Interval = tuple[float, float]


@dataclass(frozen=True)
class ClassFigures:
    """One class. Rates are in 0..1, and None where they would divide by zero.

    support: samples of the class. predicted: samples that were given to it. precision: share of `predicted` that is
    right. recall: share of `support` that was found. f1: their harmonic mean. The intervals are Wilson's, at 95 %.
    """

    label: str
    support: int
    predicted: int
    precision: float | None
    precision_interval: Interval | None
    recall: float | None
    recall_interval: Interval | None
    f1: float | None


@dataclass(frozen=True)
class Reliability:
    """Samples by the probability of their predicted class, in B bins of equal width.

    edges: float64 (B + 1,), 0..1; a bin holds its upper edge. count: int64 (B,). confidence, accuracy: float64 (B,),
    the mean probability and the share that is right; NaN where a bin is empty.
    """

    edges: NDArray[np.float64]
    count: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]


@dataclass(frozen=True)
class Classification:
    """A network on a data set of n samples and K classes.

    accuracy: share of samples whose highest logit is the true class's; interval: Wilson's, at 95 %. top5: share whose
    true class is among the five highest; None for five classes or fewer. loss: mean cross-entropy in nats. ece:
    expected calibration error, the mean over samples of |confidence - accuracy| of their bin. confusion: int64 (K, K),
    rows true, columns predicted.
    """

    n: int
    accuracy: float
    interval: Interval
    top5: float | None
    loss: float
    ece: float
    per_class: tuple[ClassFigures, ...]
    confusion: NDArray[np.int64]
    reliability: Reliability

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(figures.label for figures in self.per_class)

    @property
    def rates(self) -> NDArray[np.float64]:
        """The confusion matrix (K, K) with each row divided by its class's samples; NaN rows for empty classes."""
        support = self.confusion.sum(1, keepdims=True).astype(np.float64)
        return self.confusion / np.where(support > 0, support, np.nan)

    def to_json(self) -> dict[str, Any]:
        """Everything as values that json.dumps takes; None for what is not defined."""
        bins = {name: _plain(values) for name, values in vars(self.reliability).items()}
        return {**asdict(self), "confusion": self.confusion.tolist(), "reliability": bins}


@dataclass(frozen=True)
class Mistakes:
    """Wrong predictions, most confident first: arrays (M,). confidence: float64, probability of the predicted class."""

    indexes: NDArray[np.int64]
    true: NDArray[np.int64]
    predicted: NDArray[np.int64]
    confidence: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.indexes)


def wilson(successes: int, n: int, level: float = 0.95) -> Interval:
    """Wilson's score interval of a share (E. B. Wilson, 1927): the p for which successes / n is not surprising.

    Raises ValueError unless 0 <= successes <= n, n > 0 and 0 < level < 1.
    """
    if not (0 <= successes <= n and n > 0 and 0 < level < 1):
        raise ValueError(f"no interval for {successes} of {n} at level {level}")
    z = NormalDist().inv_cdf((1 + level) / 2)
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    # at 0 and n the ends are exactly 0 and 1; rounding would put them a hair beside
    return (0.0 if successes == 0 else centre - half), (1.0 if successes == n else centre + half)


def summarise(logits: ArrayLike, labels: ArrayLike, classes: Sequence[str]) -> Classification:
    """All figures of a network on a data set.

    Args:
        logits: (N, K), any float type; computed with in float64. Of equal logits the lower index is ranked first.
        labels: integers (N,) in 0..K-1.
        classes: K names.

    Raises DataError where there are no samples, shapes or labels do not fit, or logits are not finite.
    """
    scores, truth = _checked(logits, labels, len(classes))
    n, count = scores.shape
    predicted, confidence, ranks, losses = _by_sample(scores, truth)
    right = predicted == truth
    confusion = np.bincount(truth * count + predicted, minlength=count * count).reshape(count, count)
    reliability = _reliability(confidence, right)
    return Classification(
        n=n,
        accuracy=float(right.mean()),
        interval=wilson(int(right.sum()), n),
        top5=float((ranks < 5).mean()) if count > 5 else None,
        loss=float(losses.mean()),
        ece=_expected_calibration_error(reliability),
        per_class=tuple(_class_figures(name, index, confusion) for index, name in enumerate(classes)),
        confusion=confusion.astype(np.int64),
        reliability=reliability,
    )


def confident_mistakes(logits: ArrayLike, labels: ArrayLike, most: int) -> Mistakes:
    """The `most` wrong predictions with the highest probability; of equal ones the earlier sample first.

    Args: logits (N, K), labels (N,) as in summarise, with the same errors.
    """
    scores, truth = _checked(logits, labels, None)
    predicted, confidence, _, _ = _by_sample(scores, truth)
    wrong = np.flatnonzero(predicted != truth)
    chosen = wrong[np.argsort(-confidence[wrong], kind="stable")][: max(most, 0)]
    return Mistakes(chosen, truth[chosen], predicted[chosen], confidence[chosen])


def probabilities(logits: ArrayLike) -> NDArray[np.float64]:
    """Softmax over the last axis: float64 (..., K), for as many samples as are looked at one by one."""
    z = np.asarray(logits, dtype=np.float64)
    weights = np.exp(z - z.max(-1, keepdims=True))
    return np.asarray(weights / weights.sum(-1, keepdims=True))


def _checked(logits: ArrayLike, labels: ArrayLike, classes: int | None) -> tuple[NDArray[Any], NDArray[np.int64]]:
    scores, truth = np.asarray(logits), np.asarray(labels)
    if scores.ndim != 2 or truth.shape != scores.shape[:1]:
        raise DataError(f"Logits (N, K) and labels (N,) belong together; these are {scores.shape} and {truth.shape}.")
    if len(scores) == 0:
        raise DataError("There are no samples to judge the network by.")
    if classes is not None and scores.shape[1] != classes:
        raise DataError(f"The logits are of {scores.shape[1]} classes, the names of {classes}.")
    if truth.min() < 0 or truth.max() >= scores.shape[1]:
        raise DataError(f"Labels are 0 to {scores.shape[1] - 1}; these are {truth.min()} to {truth.max()}.")
    if not np.isfinite(scores).all():
        raise DataError("Some logits are NaN or infinite; the network's weights have probably diverged.")
    return scores, truth.astype(np.int64)


def _by_sample(
    scores: NDArray[Any], truth: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """(predicted class, its probability, rank of the true class from 0, cross-entropy in nats), each (N,)."""
    parts = list(_in_pieces(scores, truth))
    predicted, confidence, ranks, losses = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return predicted, confidence, ranks, losses


def _in_pieces(scores: NDArray[Any], truth: NDArray[np.int64]) -> Iterator[tuple[NDArray[Any], ...]]:
    """50,000 x 1,000 logits are 100 MB in float16 and would be 400 MB in float64: a piece at a time."""
    for start in range(0, len(scores), ROWS):
        z = scores[start : start + ROWS].astype(np.float64)
        own = truth[start : start + ROWS, None]
        z -= z.max(1, keepdims=True)
        log_sum = np.log(np.exp(z).sum(1))
        true_z = np.take_along_axis(z, own, 1)
        before = (z > true_z) | ((z == true_z) & (np.arange(z.shape[1]) < own))
        # the highest logit is 0 now, so its probability is 1 over the sum
        yield z.argmax(1), np.exp(-log_sum), before.sum(1), log_sum - true_z[:, 0]


def _class_figures(label: str, index: int, confusion: NDArray[np.int64]) -> ClassFigures:
    hits, support, predicted = int(confusion[index, index]), int(confusion[index].sum()), int(confusion[:, index].sum())
    return ClassFigures(
        label=label,
        support=support,
        predicted=predicted,
        precision=hits / predicted if predicted else None,
        precision_interval=wilson(hits, predicted) if predicted else None,
        recall=hits / support if support else None,
        recall_interval=wilson(hits, support) if support else None,
        f1=2 * hits / (support + predicted) if support + predicted else None,
    )


def _reliability(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> Reliability:
    edges = np.linspace(0, 1, BINS + 1)
    # a probability just above 1 by rounding belongs to the last bin, 0 to the first
    bins = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, BINS - 1)
    count = np.bincount(bins, minlength=BINS)
    divisor = np.where(count > 0, count, np.nan)
    mean_confidence = np.bincount(bins, confidence, minlength=BINS) / divisor
    mean_accuracy = np.bincount(bins, right, minlength=BINS) / divisor
    return Reliability(edges, count.astype(np.int64), mean_confidence, mean_accuracy)


def _expected_calibration_error(bins: Reliability) -> float:
    gaps = np.abs(np.nan_to_num(bins.confidence - bins.accuracy))
    return float((gaps * bins.count).sum() / bins.count.sum())


def _plain(values: NDArray[Any]) -> list[float | int | None]:
    return [None if np.isnan(value) else value for value in values.tolist()]
