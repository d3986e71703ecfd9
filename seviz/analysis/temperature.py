"""Calibration before and after temperature scaling (Guo et al., "On Calibration of Modern Neural Networks", 2017).

Logits divided by one number T: the predicted class stays, the confidence moves. T is fitted on one half of the samples
and its effect is measured on the other, so that nothing is judged by what it was fitted to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seviz.analysis.classification import ROWS, Classification, summarise
from seviz.errors import DataError

LIMITS = (0.01, 100.0)  # of T: a network without a mistake would have T = 0


@dataclass(frozen=True)
class Calibration:
    """temperature: T, fitted on `fitted` samples. before, after: figures of the other samples, with T = 1 and with T; their
    loss is the negative log-likelihood in nats, and `ece` the expected calibration error."""

    temperature: float
    fitted: int
    before: Classification
    after: Classification

    def to_json(self) -> dict[str, Any]:
        sides = {name: {"ece": one.ece, "nll": one.loss} for name, one in (("before", self.before), ("after", self.after))}
        return {"temperature": self.temperature, "fitted": self.fitted, "measured": self.before.n, **sides}


def calibrate(logits: ArrayLike, labels: ArrayLike, classes: Sequence[str], *, seed: int = 0) -> Calibration:
    """Fit T on a seeded half of the samples (rounded down) and measure on the other half.

    Args: logits (N, K), labels (N,), K names. The same N and seed give the same halves.

    Raises DataError where there are fewer than two samples.
    """
    scores, truth = np.asarray(logits), np.asarray(labels)
    if len(scores) < 2:
        raise DataError("A temperature is fitted on one half of the samples and judged by the other: two are needed.")
    order = np.random.default_rng(seed).permutation(len(scores))
    fit, held = np.sort(order[: len(order) // 2]), np.sort(order[len(order) // 2 :])
    temperature = fit_temperature(scores[fit], truth[fit])
    measured = scores[held].astype(np.float64)
    before, after = (summarise(measured / by, truth[held], classes) for by in (1.0, temperature))
    return Calibration(temperature, len(fit), before, after)


def fit_temperature(logits: ArrayLike, labels: ArrayLike) -> float:
    """The T, within LIMITS, for which the cross-entropy of logits / T (N, K) against labels (N,) is lowest.

    The cross-entropy is convex in 1 / T, so its slope crosses 0 once; where it does not do so inside LIMITS, the end.
    """
    from scipy.optimize import brentq

    scores, truth = np.asarray(logits), np.asarray(labels)
    low, high = log(1 / LIMITS[1]), log(1 / LIMITS[0])
    if _slope(scores, truth, exp(low)) >= 0:
        return LIMITS[1]
    if _slope(scores, truth, exp(high)) <= 0:
        return LIMITS[0]
    return exp(-float(brentq(lambda at: _slope(scores, truth, exp(at)), low, high, xtol=1e-6)))


def _slope(scores: NDArray[Any], truth: NDArray[Any], beta: float) -> float:
    """d/d beta of the mean cross-entropy of beta * logits: the mean over samples of (expected logit - true logit)."""
    total = 0.0
    for start in range(0, len(scores), ROWS):
        z = scores[start : start + ROWS].astype(np.float64)
        z -= z.max(1, keepdims=True)
        weights = np.exp(beta * z)
        expected = (weights * z).sum(1) / weights.sum(1)
        total += float((expected - np.take_along_axis(z, truth[start : start + ROWS, None].astype(np.int64), 1)[:, 0]).sum())
    return total / len(scores)
