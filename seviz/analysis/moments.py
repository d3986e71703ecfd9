"""The gates of a site over a data set: means and spreads per class and channel, and orders to show channels in.

    gates = class_moments(count, sums, squares)         or sample_moments(values, labels, classes)
    gates.mean[3], gates.sd()[3]                        figures 6 and 7 of the Squeeze-and-Excitation paper, class 3
    gates.overall_mean                                  its "all"
    low, high = confidence_band(gates)                  how well each class mean is known
    channels = order_channels(gates, "clustered")

Squeezes have moments like gates; nothing here asks for values in 0..1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

ORDERS = ("channel", "variance between classes", "clustered")
# sum of squares minus square of sum keeps 16 digits less those that cancel; gates are float32 (7 digits) to begin with,
# so a spread below a millionth of the value is rounding, and counts as none
RESOLUTION = 1e-12
SAMPLED = 50  # channels of the paper's figures 6 and 7
OPTIMAL_LEAVES = 512  # channels up to which the leaves of a clustering are put in optimal order: it takes seconds beyond
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """What K classes do at the C channels of a site.

    count: int64 (K,), samples of each class. mean: float64 (K, C), in units of the values; NaN rows for classes without
    samples. scatter: float64 (K, C) >= 0, the sum of squared deviations from the class mean; 0 without samples.
    """

    count: NDArray[np.int64]
    mean: Floats
    scatter: Floats

    @property
    def n(self) -> int:
        """Samples of all classes."""
        return int(self.count.sum())

    @property
    def channels(self) -> int:
        return len(self.mean.T)

    @property
    def seen(self) -> NDArray[np.bool_]:
        """(K,) whether a class has samples."""
        return self.count > 0

    @property
    def overall_mean(self) -> Floats:
        """(C,) mean over all samples, the paper's "all"; NaN where there are none."""
        return np.asarray(self.count[self.seen] @ self.mean[self.seen] / _or_nan(self.n))

    @property
    def balanced_mean(self) -> Floats:
        """(C,) mean over the classes that have samples, each counted once: overall_mean where all classes are of a size."""
        return np.asarray(self.mean[self.seen].sum(0) / _or_nan(self.seen.sum()))

    @property
    def between(self) -> Floats:
        """(C,) population variance of the class means around overall_mean, each weighted by its samples."""
        deviations = self.mean[self.seen] - self.overall_mean
        return np.asarray(self.count[self.seen] @ deviations**2 / _or_nan(self.n))

    @property
    def within(self) -> Floats:
        """(C,) population variance of the samples around their class means; between + within is overall_sd squared."""
        return np.asarray(self.scatter.sum(0) / _or_nan(self.n))

    @property
    def overall_sd(self) -> Floats:
        """(C,) population standard deviation over all samples."""
        return np.sqrt(self.between + self.within)

    def sd(self, *, sample: bool = False) -> Floats:
        """(K, C) standard deviation within each class: of the population (divided by n), or of the sample (by n - 1).

        NaN for classes with fewer than two samples: one sample says nothing of a spread.
        """
        divisor = np.where(self.count > 1, self.count - (1 if sample else 0), np.nan)
        return np.sqrt(self.scatter / divisor[:, None])

    def deviation(self, *, balanced: bool = False) -> Floats:
        """(K, C) class means minus the mean over all samples, or with `balanced` over all classes."""
        return self.mean - (self.balanced_mean if balanced else self.overall_mean)


def class_moments(count: ArrayLike, sums: ArrayLike, squares: ArrayLike) -> Moments:
    """Moments from count (K,), sums (K, C) and sums of squares (K, C), as the statistics of a data set keep them.

    A scatter that is no more than rounding (RESOLUTION of the sum of squares) is 0, and never below.
    Raises ValueError where the shapes do not belong together or a count is negative.
    """
    counts, total, second = np.asarray(count), np.asarray(sums, dtype=np.float64), np.asarray(squares, dtype=np.float64)
    if total.ndim != 2 or second.shape != total.shape or counts.shape != total.shape[:1]:
        raise ValueError(f"moments are (K,), (K, C), (K, C), not {counts.shape}, {total.shape}, {second.shape}")
    if counts.size and counts.min() < 0:
        raise ValueError(f"a count of samples is not {counts.min()}")
    mean = total / _or_nan(counts)[:, None]
    scatter = np.nan_to_num(second - total * mean)
    scatter = np.where(scatter > RESOLUTION * second, scatter, 0.0)
    return Moments(counts.astype(np.int64), mean, scatter)


def sample_moments(values: ArrayLike, labels: ArrayLike, classes: int) -> Moments:
    """Moments of values (M, C) with labels (M,) in 0..classes-1; computed in float64, with the deviations themselves.

    Raises ValueError where the shapes do not belong together or a label is of no class.
    """
    gates, truth = paired_samples(values, labels)
    if truth.size and not (truth.min() >= 0 and truth.max() < classes):
        raise ValueError(f"labels of {classes} classes are 0 to {classes - 1}, not {truth.min()} to {truth.max()}")
    count = np.bincount(truth, minlength=classes)
    mean = class_sums(gates, truth, classes) / _or_nan(count)[:, None]
    squares = class_sums(gates**2, truth, classes)
    scatter = class_sums((gates - mean[truth]) ** 2, truth, classes)
    scatter = np.where(scatter > RESOLUTION * squares, scatter, 0.0)
    return Moments(count.astype(np.int64), mean, scatter)


def confidence_band(moments: Moments, level: float = 0.95) -> tuple[Floats, Floats]:
    """(low, high), float64 (K, C): Student's t interval of each class mean, mean -+ t s / sqrt(n) with n - 1 degrees.

    Not clipped to 0..1. NaN for classes with fewer than two samples. Raises ValueError unless 0 < level < 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"a level is between 0 and 1, not {level}")
    from scipy.special import stdtrit

    degrees = np.maximum(moments.count - 1, 1)
    quantile = stdtrit(degrees, (1 + level) / 2)
    half = moments.sd(sample=True) * (quantile / np.sqrt(np.maximum(moments.count, 1)))[:, None]
    return moments.mean - half, moments.mean + half


def order_channels(moments: Moments, order: str) -> NDArray[np.int64]:
    """The channels (C,) in the order they are shown; of equal ones the lower channel first.

    "channel"; "variance between classes", the highest first; "clustered": channels that open and close for the same
    classes side by side (average linkage on 1 - correlation of their class means, leaves in optimal order up to
    OPTIMAL_LEAVES channels), channels alike for all classes last. Raises ValueError for another order.
    """
    if order == "channel":
        return np.arange(moments.channels)
    if order == "variance between classes":
        return np.argsort(-np.nan_to_num(moments.between), kind="stable")
    if order == "clustered":
        return _clustered(moments.deviation(balanced=True)[moments.seen].T, moments.mean[moments.seen].T)
    raise ValueError(f"an order is one of {', '.join(ORDERS)}; not {order!r}")


def sample_channels(channels: int, most: int = SAMPLED, seed: int = 0) -> NDArray[np.int64]:
    """`most` of the channels, drawn uniformly without replacement and sorted; all of them where there are no more."""
    if channels <= most:
        return np.arange(channels)
    return np.sort(np.random.default_rng(seed).choice(channels, most, replace=False))


def paired_samples(values: ArrayLike, labels: ArrayLike) -> tuple[Floats, NDArray[np.int64]]:
    """Values (M, C) in float64 and their labels (M,); ValueError where they do not belong together."""
    gates, truth = np.asarray(values, dtype=np.float64), np.asarray(labels)
    if gates.ndim != 2 or truth.shape != gates.shape[:1]:
        raise ValueError(f"values (M, C) and labels (M,) belong together, not {gates.shape} and {truth.shape}")
    return gates, truth.astype(np.int64)


def class_sums(values: Floats, labels: NDArray[np.int64], classes: int) -> Floats:
    """(classes, C): the rows of values (M, C) added by label."""
    sums = np.zeros((classes, values.shape[1]))
    for label in np.unique(labels):
        sums[label] = values[labels == label].sum(0)
    return sums


def _or_nan(count: ArrayLike) -> Floats:
    """Counts to divide by: NaN in the place of 0, so that nothing is divided by 0."""
    return np.where(np.asarray(count) > 0, count, np.nan)


def _clustered(deviations: Floats, means: Floats) -> NDArray[np.int64]:
    """An order of the rows of class profiles (C, K), given around their row's mean and as they are."""
    flat = (deviations**2).sum(1) <= RESOLUTION * (means**2).sum(1)
    moving = np.flatnonzero(~flat)
    if len(moving) > 2:
        from scipy.cluster.hierarchy import leaves_list, linkage

        unit = deviations[moving] / np.linalg.norm(deviations[moving], axis=1, keepdims=True)
        distances = np.clip(1 - unit @ unit.T, 0, 2)[np.triu_indices(len(moving), 1)]
        moving = moving[leaves_list(linkage(distances, "average", optimal_ordering=len(moving) <= OPTIMAL_LEAVES))]
    return np.concatenate([moving, np.flatnonzero(flat)]).astype(np.int64)
