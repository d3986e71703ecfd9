"""Gates by sample: which samples are kept, and where the pass puts them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seviz.excitation.moments import Arrays, Batch
from seviz.excitation.records import ExcitationKey, Projection, SampleGates

MAX_BYTES = 10_000_000  # of all gates, and of all squeezes, in half precision: beyond it a subset is kept
SUBSET = 2_000
SEED = 0


class Samples:
    """The kept samples of a pass, filled batch by batch. Memory: 4 bytes x kept samples x all channels.

    Args:
        key: of what is measured. ids: of all samples of the data set, in its order.
    """

    def __init__(self, key: ExcitationKey, ids: Sequence[str]) -> None:
        self.key = key
        self.kept = kept_rows(len(ids), sum(site.channels for site in key.sites))
        self.ids = tuple(ids[row] for row in self.kept)
        self.total = len(ids)
        shape = (len(self.kept), sum(site.channels for site in key.sites))
        self.gates = np.zeros(shape, dtype=np.float16)
        self.squeezes = np.zeros(shape, dtype=np.float16)
        self.labels = np.zeros(len(self.kept), dtype=np.int16)
        self.predicted = np.zeros(len(self.kept), dtype=np.int16)

    def add(self, batch: Batch) -> None:
        """Keep the samples of a batch that are among the kept ones."""
        places = np.searchsorted(self.kept, batch.indexes)
        places[places == len(self.kept)] = 0
        mine = self.kept[places] == batch.indexes
        places = places[mine]
        largest = float(np.finfo(np.float16).max)
        self.gates[places] = batch.gates[mine]
        self.squeezes[places] = np.clip(batch.squeezes[mine], -largest, largest)
        self.labels[places] = batch.labels[mine]
        self.predicted[places] = batch.predicted[mine]

    def arrays(self) -> Arrays:
        """Everything that changes, by name. The arrays are not copied."""
        return {"gates": self.gates, "squeezes": self.squeezes, "labels": self.labels, "predicted": self.predicted}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what `arrays` held. Raises ValueError or KeyError for arrays of other shapes or types."""
        for name, own in self.arrays().items():
            if (own.shape, own.dtype) != (arrays[name].shape, arrays[name].dtype):
                raise ValueError(f"{name} is of another shape")
            own[...] = arrays[name]

    def by_site(self) -> dict[str, NDArray[np.float16]]:
        """The gates so far, site path -> (M, C), not copied."""
        return by_site(self.key, self.gates)

    def result(self, projections: Mapping[str, Projection]) -> SampleGates:
        """The kept samples; all of them must have been seen."""
        gates, squeezes = self.by_site(), by_site(self.key, self.squeezes)
        complete = len(self.kept) == self.total
        return SampleGates(self.key, self.ids, self.labels, self.predicted, gates, squeezes, complete, projections)


def kept_rows(count: int, columns: int) -> NDArray[np.int64]:
    """The indexes of the samples whose gates are kept, ascending: all, or 2,000 drawn plainly at random with seed 0."""
    if count * columns * 2 <= MAX_BYTES or count <= SUBSET:
        return np.arange(count)
    return np.sort(np.random.default_rng(SEED).choice(count, SUBSET, replace=False))


def by_site(key: ExcitationKey, values: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """(M, all channels) -> site path -> (M, C)."""
    ends = np.cumsum([site.channels for site in key.sites])
    return dict(zip((site.path for site in key.sites), np.split(values, ends[:-1], axis=1), strict=True))
