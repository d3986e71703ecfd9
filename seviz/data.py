"""Labelled picture sets, held once as uint8: CIFAR-10 and class folders.

    open_data("cifar10", "test")            torchvision's CIFAR10 in the folder that SEVIZ_DATA names
    open_data("folder:PATH", "test")        PATH/test/<class>/*.jpg, or PATH/<class>/*.jpg where PATH has no split

A sample's id is `class/NNNN`, the NNNN-th picture of its class in the set's own order, or its path below the split's
folder without the suffix. CIFAR-10 and its JPEG copies number alike, so their keys agree.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seviz.errors import DataError, PictureError
from seviz.images import Preprocessing, decode, fit

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"}
MAX_UNREADABLE = 0.01  # of the files of a folder; more means that something else is wrong with it

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class DataKey:
    """What makes two data sets the same: split, size and the sha256 over ids and labels. The name is for people."""

    name: str
    split: str
    count: int
    sha256: str

    def same_samples(self, other: DataKey) -> bool:
        return (self.count, self.sha256) == (other.count, other.sha256)


@dataclass(frozen=True)
class PictureSet:
    """pictures: uint8 (N, H, W, 3) RGB. labels: int64 (N,), indexes into classes. ids: N names, unique.

    unreadable: files that were left out because they could not be decoded.
    """

    name: str
    split: str
    pictures: NDArray[np.uint8]
    labels: NDArray[np.int64]
    ids: tuple[str, ...]
    classes: tuple[str, ...]
    unreadable: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def key(self) -> DataKey:
        return DataKey(self.name, self.split, len(self), samples_sha256(self.ids, self.labels))

    def subset(self, indexes: Sequence[int] | NDArray[np.int64]) -> PictureSet:
        """The samples at `indexes`, in that order."""
        chosen = np.asarray(indexes, dtype=np.int64)
        ids = tuple(self.ids[index] for index in chosen)
        return PictureSet(self.name, self.split, self.pictures[chosen], self.labels[chosen], ids, self.classes)


def samples_sha256(ids: Sequence[str], labels: NDArray[np.int64] | NDArray[np.int16]) -> str:
    """Hex sha256 over `id<TAB>label` lines, sorted, so that the order of samples does not matter."""
    lines = sorted(f"{name}\t{int(label)}" for name, label in zip(ids, labels, strict=True))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def open_data(spec: str, split: str, *, size: tuple[int, int] | None = None, progress: Progress | None = None) -> PictureSet:
    """Read one split of a data set into memory.

    Args:
        spec: `cifar10` or `folder:PATH`.
        split: "train" or "test".
        size: (height, width) to which pictures of a folder are fitted (shorter side resized, centre cropped); when
            None, all pictures must have the size of the first.
        progress: called with (pictures read, pictures in all).

    Raises DataError where the set is missing, empty, has pictures of mixed sizes or over 1 % unreadable ones.
    """
    if spec == "cifar10":
        return _cifar10(split)
    if spec.startswith("folder:"):
        return _folder(Path(spec.removeprefix("folder:")).expanduser(), split, size, progress)
    raise DataError(f"There is no data set {spec!r}; use cifar10 or folder:PATH.")


def data_home() -> Path:
    """The folder that SEVIZ_DATA names, or `~/.cache/seviz`."""
    return Path(os.environ.get("SEVIZ_DATA", "~/.cache/seviz")).expanduser()


def batches(data: PictureSet, size: int) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    """(pictures, labels) in order, `size` at a time."""
    for start in range(0, len(data), size):
        yield data.pictures[start : start + size], data.labels[start : start + size]


def require_classes(data: PictureSet, classes: Sequence[str]) -> PictureSet:
    """The same samples with labels that index `classes`. Raises DataError where the two lists of names differ."""
    if data.classes == tuple(classes):
        return data
    missing, extra = set(classes) - set(data.classes), set(data.classes) - set(classes)
    if missing or extra:
        raise DataError(
            f"The classes of {data.name} are not the network's: "
            f"{_some(missing) or 'none'} missing, {_some(extra) or 'none'} unknown to the network."
        )
    order = np.array([classes.index(name) for name in data.classes])
    return PictureSet(data.name, data.split, data.pictures, order[data.labels], data.ids, tuple(classes), data.unreadable)


def _some(names: Iterable[str], most: int = 5) -> str:
    listed = sorted(names)
    return ", ".join(listed[:most]) + (f" and {len(listed) - most} more" if len(listed) > most else "")


def _cifar10(split: str) -> PictureSet:
    from torchvision.datasets import CIFAR10

    try:
        source = CIFAR10(root=str(data_home()), train=split == "train", download=False)
    except RuntimeError as error:
        raise DataError(
            f"CIFAR-10 is not in {data_home()}; `python -m seviz data cifar10` downloads it, or set SEVIZ_DATA."
        ) from error
    labels = np.asarray(source.targets, dtype=np.int64)
    classes = tuple(source.classes)
    return PictureSet("cifar10", split, source.data, labels, numbered_ids(labels, classes), classes)


def numbered_ids(labels: NDArray[np.int64], classes: Sequence[str]) -> tuple[str, ...]:
    """`class/NNNN` for each sample: the how-manieth of its class it is, counted from 0 in the set's own order."""
    seen: Counter[int] = Counter()
    ids = []
    for label in labels.tolist():
        ids.append(f"{classes[label]}/{seen[label]:04d}")
        seen[label] += 1
    return tuple(ids)


def _folder(root: Path, split: str, size: tuple[int, int] | None, progress: Progress | None) -> PictureSet:
    top = root / split if (root / split).is_dir() else root
    if not top.is_dir():
        raise DataError(f"There is no folder {root}; give folder:PATH the folder that holds one folder a class.")
    classes = tuple(sorted(entry.name for entry in top.iterdir() if entry.is_dir() and not entry.name.startswith(".")))
    files = [
        (path, label)
        for label, name in enumerate(classes)
        for path in sorted((top / name).rglob("*"))
        if path.suffix.lower() in SUFFIXES and path.is_file()
    ]
    if not files:
        raise DataError(f"{top} holds no pictures; seviz expects {top}/<class>/<picture>.jpg.")
    pictures, kept, unreadable = _decode_all([path for path, _ in files], size, progress)
    if len(unreadable) > MAX_UNREADABLE * len(files):
        raise DataError(f"{len(unreadable)} of {len(files)} pictures in {top} cannot be read, {unreadable[0]} first.")
    labels = np.array([files[index][1] for index in kept], dtype=np.int64)
    ids = tuple(files[index][0].relative_to(top).with_suffix("").as_posix() for index in kept)
    return PictureSet(f"folder:{root.name}", split, pictures, labels, ids, classes, tuple(unreadable))


def _decode_all(
    paths: Sequence[Path], size: tuple[int, int] | None, progress: Progress | None
) -> tuple[NDArray[np.uint8], list[int], list[str]]:
    """All readable pictures as one array, the indexes of their paths, and the sentences of the others."""
    first_size = size or _first_size(paths)
    out = np.empty((len(paths), *first_size, 3), dtype=np.uint8)
    kept: list[int] = []
    unreadable: list[str] = []
    with ThreadPoolExecutor() as pool:
        for index, result in enumerate(pool.map(lambda path: _read(path, size), paths)):
            if isinstance(result, str):
                unreadable.append(result)
            elif result.shape[:2] != first_size:
                raise DataError(
                    f"{paths[index]} has {result.shape[1]} x {result.shape[0]} pixels, others "
                    f"{first_size[1]} x {first_size[0]}; --size fits all of them to one size."
                )
            else:
                out[len(kept)] = result
                kept.append(index)
            if progress:
                progress(index + 1, len(paths))
    return out[: len(kept)], kept, unreadable


def _first_size(paths: Sequence[Path]) -> tuple[int, int]:
    for path in paths:
        result = _read(path, None)
        if not isinstance(result, str):
            return result.shape[0], result.shape[1]
    raise DataError(f"None of the {len(paths)} pictures can be read, {paths[0]} first.")


def _read(path: Path, size: tuple[int, int] | None) -> NDArray[np.uint8] | str:
    try:
        picture = decode(path.read_bytes()).pixels
    except (PictureError, OSError) as error:
        return f"{path}: {error}"
    return fit(picture, Preprocessing(height=size[0], width=size[1])) if size else picture


def encode_jpeg(picture: NDArray[np.uint8]) -> bytes:
    """The JPEG copy that `seviz data cifar10-jpeg` makes: quality 75, 4:2:0."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=75, subsampling="4:2:0")
    return buffer.getvalue()
