"""Sums, histograms and extremes of gates, a batch at a time.

Memory does not grow with the pictures, but for their ids and 17 bytes each: a rank that breaks ties, and whether it was seen.
All sites lie side by side: a column is a channel, in the order of the key's sites.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seviz.errors import RequestError
from seviz.excitation.records import (
    BINS,
    EXTREMES,
    MAX_CLASS_BINS,
    Excitation,
    ExcitationKey,
    Extremes,
    Ranges,
    SiteStatistics,
)

Arrays = dict[str, NDArray[Any]]
NOBODY = np.iinfo(np.int64).max  # the rank of no sample, behind all others


@dataclass(frozen=True, eq=False)
class Batch:
    """What one forward pass left behind.

    indexes: int64 (B,) into the data set. labels: int64 (B,). predicted: int64 (B,). gates, squeezes: float32 (B, columns).
    fired: bool (B, hidden units of all sites), whether a unit was > 0.
    """

    indexes: NDArray[np.int64]
    labels: NDArray[np.int64]
    predicted: NDArray[np.int64]
    gates: NDArray[np.float32]
    squeezes: NDArray[np.float32]
    fired: NDArray[np.bool_]


class Ladder:
    """The lowest values of every column with the ranks of their samples, ascending; equal values by rank.

    values: float32 (columns, 9), +inf where there are fewer. ranks: int64 (columns, 9), NOBODY there.
    """

    def __init__(self, columns: int) -> None:
        self.values = np.full((columns, EXTREMES), np.inf, dtype=np.float32)
        self.ranks = np.full((columns, EXTREMES), NOBODY, dtype=np.int64)

    def add(self, values: NDArray[np.float32], ranks: NDArray[np.int64]) -> None:
        """values: (B, columns). Only what passes the last rung is sorted in, which soon is next to nothing."""
        last, holder = self.values[:, -1], self.ranks[:, -1]
        passes = values < last
        ties = values == last
        if ties.any():
            passes |= ties & (ranks[:, None] < holder)
        if passes.sum() > 4 * self.values.size:  # the first batch, or one that is unlike all before it
            passes &= values <= np.partition(values, EXTREMES - 1, axis=0)[EXTREMES - 1]
        rows, columns = np.nonzero(passes)
        if not len(rows):
            return
        touched, at = np.unique(columns, return_inverse=True)
        column = np.concatenate([np.repeat(np.arange(len(touched)), EXTREMES), at])
        value = np.concatenate([self.values[touched].reshape(-1), values[rows, columns]])
        rank = np.concatenate([self.ranks[touched].reshape(-1), ranks[rows]])
        order = np.lexsort((rank, value, column))
        # the first nine of each column, in the order of lexsort
        starts = np.searchsorted(column[order], np.arange(len(touched)))
        chosen = order[starts[:, None] + np.arange(EXTREMES)]
        self.values[touched], self.ranks[touched] = value[chosen], rank[chosen]


class Moments:
    """The running statistics of a pass.

    Args:
        key: of what is measured. ids: of all samples of the data set, in its order.
    """

    def __init__(self, key: ExcitationKey, ids: Sequence[str]) -> None:
        self.key = key
        self.ids = np.array(ids)
        self.by_id = np.argsort(self.ids, kind="stable")  # a rank is a place in this order
        self.rank = np.empty(len(ids), dtype=np.int64)
        self.rank[self.by_id] = np.arange(len(ids))
        widths = [site.channels for site in key.sites]
        classes, columns = len(key.classes), sum(widths)
        self.held = np.repeat([has_class_histogram(classes, width) for width in widths], widths)
        self.count = np.zeros(classes, dtype=np.int64)
        self.sums = np.zeros((4, classes, columns))  # of gates, their squares, squeezes, their squares
        self.histogram = np.zeros((columns, BINS), dtype=np.int64)
        self.class_histogram = np.zeros((classes, int(self.held.sum()), BINS), dtype=np.int64)
        self.lowest, self.highest = Ladder(columns), Ladder(columns)
        self.fired = np.zeros(sum(site.hidden for site in key.sites), dtype=np.int64)
        self.seen = np.zeros(len(ids), dtype=np.bool_)

    def add(self, batch: Batch) -> None:
        """Take a batch in. Raises RequestError where its gates are not finite or not in 0..1."""
        gates, ranks = batch.gates, self.rank[batch.indexes]
        if not (gates.min() >= 0 and gates.max() <= 1 and np.isfinite(batch.squeezes).all()):
            raise RequestError("The gates of this network are not all numbers in 0..1; its weights are of no use.")
        self.seen[batch.indexes] = True
        self._add_sums(batch)
        self._add_bins(batch)
        self.lowest.add(gates, ranks)
        self.highest.add(-gates, ranks)
        self.fired += batch.fired.sum(0)

    def arrays(self) -> Arrays:
        """Everything that changes, by name: what a state file holds. The arrays are not copied."""
        names = ("count", "sums", "histogram", "class_histogram", "fired", "seen")
        ladders = {
            f"{end}_{part}": getattr(getattr(self, end), part) for end in ("lowest", "highest") for part in ("values", "ranks")
        }
        return {name: getattr(self, name) for name in names} | ladders

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what `arrays` held. Raises ValueError or KeyError for arrays of other shapes or types."""
        for name, own in self.arrays().items():
            if (own.shape, own.dtype) != (arrays[name].shape, arrays[name].dtype):
                raise ValueError(f"{name} is of another shape")
            own[...] = arrays[name]

    def result(self) -> Excitation:
        """The statistics so far."""
        sites, column, unit = {}, 0, 0
        for site in self.key.sites:
            columns = slice(column, column + site.channels)
            units = slice(unit, unit + site.hidden)
            sites[site.path] = self._site(columns, units)
            column, unit = columns.stop, units.stop
        return Excitation(self.key, self.count.copy(), sites, ranges_of(self.seen))

    def _add_sums(self, batch: Batch) -> None:
        values = np.empty((4, *batch.gates.shape))
        values[0], values[2] = batch.gates, batch.squeezes
        np.square(values[::2], out=values[1::2])
        for label in np.unique(batch.labels):
            rows = batch.labels == label
            self.count[label] += rows.sum()
            self.sums[:, label] += values[:, rows].sum(1)

    def _add_bins(self, batch: Batch) -> None:
        columns = len(self.held)
        bins = np.minimum((batch.gates * BINS).astype(np.int64), BINS - 1)
        self.histogram += np.bincount((bins + np.arange(columns) * BINS).reshape(-1), minlength=columns * BINS).reshape(
            columns, BINS
        )
        held = self.class_histogram.shape[1]
        if held:
            bins = bins if held == columns else bins[:, self.held]
            present, at = np.unique(batch.labels, return_inverse=True)
            cells = bins + np.arange(held) * BINS + (at * held * BINS)[:, None]
            size = len(present) * held * BINS
            self.class_histogram[present] += np.bincount(cells.reshape(-1), minlength=size).reshape(-1, held, BINS)

    def _site(self, columns: slice, units: slice) -> SiteStatistics:
        gate, gate_squares, squeeze, squeeze_squares = (part[:, columns].copy() for part in self.sums)
        by_class = None
        if self.held[columns].all():
            first = int(self.held[: columns.start].sum())
            by_class = self.class_histogram[:, first : first + columns.stop - columns.start].copy()
        return SiteStatistics(
            gate,
            gate_squares,
            squeeze,
            squeeze_squares,
            self.histogram[columns].copy(),
            by_class,
            self._extremes(self.lowest, columns, 1),
            self._extremes(self.highest, columns, -1),
            self.fired[units].copy(),
        )

    def _extremes(self, ladder: Ladder, columns: slice, sign: int) -> Extremes:
        values, ranks = ladder.values[columns], ladder.ranks[columns]
        nobody = ranks == NOBODY
        ids = self.ids[self.by_id[np.where(nobody, 0, ranks)]]
        return Extremes(np.where(nobody, np.float32(np.nan), sign * values), np.where(nobody, "", ids))


def has_class_histogram(classes: int, channels: int) -> bool:
    """Whether a site of that many channels has a histogram by class."""
    return classes * channels * BINS <= MAX_CLASS_BINS


def ranges_of(seen: NDArray[np.bool_]) -> Ranges:
    """The indexes of true values as ascending ranges (start, stop)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], seen, [False]]).astype(np.int8)))
    return tuple((int(start), int(stop)) for start, stop in edges.reshape(-1, 2))
