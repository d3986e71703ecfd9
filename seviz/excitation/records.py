"""What is known about the gates of a network over a data set: frozen, plain numpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seviz.analysis.moments import Moments, class_moments
from seviz.data import DataKey
from seviz.gates import Site
from seviz.images import Preprocessing

BINS = 32  # of a histogram of gates, of equal width over 0..1; the last one holds 1 itself
EXTREMES = 9  # samples kept at either end of a channel
MAX_CLASS_BINS = 20_000_000  # K x C x BINS: beyond it a site has no histogram by class

Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class ExcitationKey:
    """What statistics of gates are known by: only those of one key can be compared or merged.

    weights_sha256: of the network (hex). sites: its gates in order. classes: K names, which labels index. data: of the
    samples, by name and split as well: JPEG copies have other pixels than what they are copies of.
    """

    weights_sha256: str
    sites: tuple[Site, ...]
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    data: DataKey

    def differences(self, other: ExcitationKey) -> tuple[str, ...]:
        """What differs, of "weights", "sites", "classes", "preprocessing", "data" and "split"; () for the same key."""
        pairs = {
            "weights": (self.weights_sha256, other.weights_sha256),
            "sites": (self.sites, other.sites),
            "classes": (self.classes, other.classes),
            "preprocessing": (self.preprocessing, other.preprocessing),
            "split": (self.data.split, other.data.split),
        }
        found = tuple(name for name, (one, another) in pairs.items() if one != another)
        same = self.data.name == other.data.name and (self.data.same_samples(other.data) or "split" in found)
        return found if same else (*found, "data")


@dataclass(frozen=True, eq=False)
class Extremes:
    """The samples at one end of every channel, the most extreme first; equal values by id.

    values: float32 (C, 9), NaN where there are fewer samples. samples: ids, str (C, 9), "" there.
    """

    values: NDArray[np.float32]
    samples: NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class SiteStatistics:
    """One gate over all pictures, its channels by class.

    gate_sum, gate_squares, squeeze_sum, squeeze_squares: float64 (K, C), sums of values and of their squares.
    histogram: int64 (C, 32), pictures by their gate in 32 equal bins over 0..1, the last one with 1 itself.
    class_histogram: int64 (K, C, 32), the same by class; None where it would have more than 20 million numbers.
    lowest, highest: the nine samples at either end. fired: int64 (hidden,), pictures in which a hidden unit was > 0.
    """

    gate_sum: NDArray[np.float64]
    gate_squares: NDArray[np.float64]
    squeeze_sum: NDArray[np.float64]
    squeeze_squares: NDArray[np.float64]
    histogram: NDArray[np.int64]
    class_histogram: NDArray[np.int64] | None
    lowest: Extremes
    highest: Extremes
    fired: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Excitation:
    """The gates of a network over a data set, or over a part of it.

    count: int64 (K,), pictures a class. sites: path -> SiteStatistics, in the order of the key. covered: the indexes of
    the samples that are in, as ascending ranges (start, stop) without gaps inside or overlaps between.
    """

    key: ExcitationKey
    count: NDArray[np.int64]
    sites: Mapping[str, SiteStatistics]
    covered: Ranges

    @property
    def n(self) -> int:
        """Pictures."""
        return int(self.count.sum())

    @property
    def complete(self) -> bool:
        """Whether every sample of the data set is in."""
        return self.n == self.key.data.count

    def moments(self, path: str, *, squeezes: bool = False) -> Moments:
        """Of the gates of a site, or of its squeezes, class by class. Raises KeyError for a path that is no site's."""
        one = self.sites[path]
        sums = (one.squeeze_sum, one.squeeze_squares) if squeezes else (one.gate_sum, one.gate_squares)
        return class_moments(self.count, *sums)


@dataclass(frozen=True, eq=False)
class Projection:
    """The gates of one site in two dimensions.

    rows: int64 (P,), indexes into the samples. pca, tsne: float32 (P, 2). explained: float64 (2,), the shares of the
    variance that the two principal components have.
    """

    rows: NDArray[np.int64]
    pca: NDArray[np.float32]
    explained: NDArray[np.float64]
    tsne: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class SampleGates:
    """Gates and squeezes by sample, in half precision.

    ids: M names. labels, predicted: int16 (M,), predicted in the pass that recorded the gates. gates, squeezes: site
    path -> float16 (M, C), squeezes beyond the range of float16 clipped to it. complete: whether these are all samples of
    the data set; otherwise they are a plainly random subset. projections: site path -> Projection, {} where
    scikit-learn was not there.
    """

    key: ExcitationKey
    ids: tuple[str, ...]
    labels: NDArray[np.int16]
    predicted: NDArray[np.int16]
    gates: Mapping[str, NDArray[np.float16]]
    squeezes: Mapping[str, NDArray[np.float16]]
    complete: bool
    projections: Mapping[str, Projection]
