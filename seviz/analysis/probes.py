"""How well the class can be read off a site, by a linear classifier: from its gates, or from its pooled features.

    gates, features = linear_probe(gates, labels), linear_probe(squeezes, labels)
    gates.accuracy, gates.error, gates.chance           0.512, 0.008, 0.1

Squeezes are the pooled features: what the gate of a channel is computed from. A probe says what can be read there, not
what the network reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seviz.analysis.moments import Floats, paired_samples

FOLDS = 5
MOST = 2000  # samples; keeps a probe of 64 channels and 10 classes below a second on one core
ITERATIONS = 1000


@dataclass(frozen=True)
class Probe:
    """Cross-validated accuracy of a linear classifier.

    accuracy: mean over the folds of the share of held-out samples that got their class. error: the folds' sample standard
    deviation / sqrt(folds); the folds share training samples, so it is a guide and no interval. by_fold: float64 (folds,).
    chance: share of the largest class, what a classifier has that sees nothing. n, classes: what took part, after
    thinning and without classes that have fewer samples than there are folds.
    """

    accuracy: float
    error: float
    by_fold: Floats
    chance: float
    n: int
    classes: int


def linear_probe(values: ArrayLike, labels: ArrayLike, *, folds: int = FOLDS, most: int = MOST, seed: int = 0) -> Probe | None:
    """Multinomial logistic regression (L2, C = 1) on standardised values (M, C), in stratified folds drawn with `seed`.

    Args:
        values: gates, squeezes or other features, one row a sample; scaled by mean and sd of the training folds.
        labels: integers (M,). folds: 2 or more.
        most: of more samples, as many are drawn with `seed`, each class in proportion.

    Returns None where fewer than two classes have a sample for each fold after thinning: a thousand classes need more
    samples than MOST. Raises ValueError where shapes do not fit,
    values are not finite or there are fewer than two folds.
    """
    features, truth = paired_samples(values, labels)
    if folds < 2 or not np.isfinite(features).all():
        raise ValueError(f"a probe needs finite values and two folds or more, not {folds}")
    chosen = _thinned(truth, folds, most, seed)
    features, truth = features[chosen], truth[chosen]
    support = np.unique(truth, return_counts=True)[1]
    if len(support) < 2:
        return None
    scores = _scores(features, truth, folds, seed)
    error = float(scores.std(ddof=1)) / sqrt(folds)
    return Probe(float(scores.mean()), error, scores, float(support.max() / len(truth)), len(truth), len(support))


def _thinned(labels: NDArray[np.int64], folds: int, most: int, seed: int) -> NDArray[np.int64]:
    """Indexes of the samples that take part, in rising order."""
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    place = np.full(len(labels), np.inf)
    for label in np.unique(labels):
        members = shuffled[labels[shuffled] == label]
        if len(members) >= folds:
            # the k-th of n members is at (k + 1/2) / n of its class: the lowest places are a stratified sample
            place[members] = (np.arange(len(members)) + 0.5) / len(members)
    first = np.argsort(place, kind="stable")[:most]
    kept = np.sort(first[np.isfinite(place[first])])
    names, support = np.unique(labels[kept], return_counts=True)
    return kept[np.isin(labels[kept], names[support >= folds])]


def _scores(features: Floats, labels: NDArray[np.int64], folds: int, seed: int) -> Floats:
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=ITERATIONS))
    splits = StratifiedKFold(folds, shuffle=True, random_state=seed)
    # beside other work, two threads of small matrix products wait for each other: many times slower than one
    with threadpool_limits(1), warnings.catch_warnings():
        # a fit that stopped early is judged on held-out samples like any other
        warnings.simplefilter("ignore", ConvergenceWarning)
        return np.asarray(cross_val_score(classifier, features, labels, cv=splits), dtype=np.float64)
