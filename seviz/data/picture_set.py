"""Labelled pictures, in memory or decoded when they are asked for, and what makes two sets of them the same."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from seviz.data.matching import match_classes
from seviz.data.streamed import StreamedPictures
from seviz.images import Preprocessing, fit

Colour = tuple[float, float, float]
PIECE = 1000  # pictures that are looked at together


@dataclass(frozen=True)
class DataKey:
    """What a set of samples is known by. name, split: for people. count: N. sha256: over ids and labels (hex).

    Pictures are not part of it: CIFAR-10 and its JPEG copies have the same key.
    """

    name: str
    split: str
    count: int
    sha256: str

    def same_samples(self, other: DataKey) -> bool:
        """Whether the ids and labels are the same, whatever the sets are called."""
        return (self.count, self.sha256) == (other.count, other.sha256)


@dataclass(frozen=True, eq=False)
class PictureSet:
    """One split of a data set.

    pictures: uint8 (N, H, W, 3) RGB, an array, or StreamedPictures, which stands for one. labels: int64 (N,), indexes into
    classes. ids: N names, unique.
    unreadable: a sentence for each file that was left out.
    """

    name: str
    split: str
    pictures: NDArray[np.uint8] | StreamedPictures
    labels: NDArray[np.int64]
    ids: tuple[str, ...]
    classes: tuple[str, ...]
    unreadable: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def key(self) -> DataKey:
        return DataKey(self.name, self.split, len(self), samples_sha256(self.ids, self.labels))

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the pictures."""
        return self.pictures.shape[1], self.pictures.shape[2]

    def subset(self, indexes: Sequence[int] | NDArray[np.int64]) -> PictureSet:
        """The samples at `indexes`, in that order."""
        chosen = np.asarray(indexes, dtype=np.int64)
        ids = tuple(self.ids[index] for index in chosen)
        pictures = self.pictures.take(chosen) if isinstance(self.pictures, StreamedPictures) else self.pictures[chosen]
        return replace(self, pictures=pictures, labels=self.labels[chosen], ids=ids)

    def fitted(self, preprocessing: Preprocessing) -> PictureSet:
        """The same samples as a network sees them: resized and cropped where they do not have its size."""
        if self.size == (preprocessing.height, preprocessing.width) and preprocessing.crop == 1.0:
            return self
        pieces = (self.pictures[start : start + 1] for start in range(len(self)))
        return replace(self, pictures=np.stack([fit(picture[0], preprocessing) for picture in pieces]))

    def labelled_as(self, classes: Sequence[str]) -> PictureSet:
        """The same samples with labels that index `classes`, which may hold more classes than this set.

        Raises DataError where they do not match by name (seviz.data.matching).
        """
        order = np.array(match_classes(self.classes, classes, self.name), dtype=np.int64)
        return replace(self, labels=order[self.labels], classes=tuple(classes))

    def batches(self, size: int) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
        """(pictures, labels) in order, `size` at a time; the last batch may be smaller."""
        for start in range(0, len(self), size):
            yield self.pictures[start : start + size], self.labels[start : start + size]


def samples_sha256(ids: Iterable[str], labels: NDArray[np.integer]) -> str:
    """Hex sha256 over `id<TAB>label` lines, sorted, so that the order of samples does not matter."""
    lines = sorted(f"{name}\t{label}" for name, label in zip(ids, labels.tolist(), strict=True))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def numbered_ids(labels: NDArray[np.int64], classes: Sequence[str]) -> tuple[str, ...]:
    """`class/NNNN` for each sample: the how-manieth of its class it is, counted from 0 in the set's own order."""
    seen: Counter[int] = Counter()
    ids = []
    for label in labels.tolist():
        ids.append(f"{classes[label]}/{seen[label]:04d}")
        seen[label] += 1
    return tuple(ids)


def pixels_sha256(pictures: NDArray[np.uint8] | StreamedPictures) -> str:
    """Hex, of the pixels; of streamed pictures, of the files that they come from."""
    if isinstance(pictures, StreamedPictures):
        return pictures.fingerprint()
    return hashlib.sha256(np.ascontiguousarray(pictures).reshape(-1).data).hexdigest()


def channel_moments(pictures: NDArray[np.uint8] | StreamedPictures) -> tuple[Colour, Colour]:
    """Mean and standard deviation of red, green and blue over all pixels, in 0..1, rounded to 4 decimals."""
    values, histogram = np.arange(256) / 255, np.zeros((3, 256), dtype=np.int64)
    for start in range(0, len(pictures), PIECE):
        piece = pictures[start : start + PIECE]
        for channel in range(3):
            histogram[channel] += np.bincount(piece[..., channel].reshape(-1), minlength=256)
    means, deviations = [], []
    for counts in histogram:
        mean = float((counts * values).sum() / counts.sum())
        means.append(round(mean, 4))
        deviations.append(round(float(np.sqrt((counts * (values - mean) ** 2).sum() / counts.sum())), 4))
    return (means[0], means[1], means[2]), (deviations[0], deviations[1], deviations[2])

