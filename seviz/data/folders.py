"""Class folders: PATH/<split>/<class>/<picture>, or PATH/<class>/<picture> where PATH has no splits."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seviz.data.home import data_home
from seviz.data.matching import match_classes
from seviz.data.picture_set import DataKey, PictureSet, samples_sha256
from seviz.data.streamed import StreamedPictures, read_picture_file, unreadable_among
from seviz.errors import DataError, printable
from seviz.files import is_utf8
from seviz.images import Preprocessing

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"}
SPLITS = ("train", "test")
MAX_HELD = 4 * 2**30  # bytes of pictures that are held in memory; of a larger set they are decoded when they are asked for
HELD_AT_LEAST = 64  # pictures that a machine must have room for, to stream them
MAX_UNREADABLE = 0.01  # of the files of a folder; more means that something else is wrong with it


@dataclass(frozen=True)
class Listing:
    """What lies in a class folder, with no picture opened. key: as read_folder's, if every file is a picture that can be
    read. places: id -> the file."""

    key: DataKey
    places: dict[str, Path]


def list_folder(root: Path, split: str, classes: Sequence[str]) -> Listing:
    """The files of one split, labelled as `classes`, which may hold more classes than the folder.

    Raises DataError where there are none, or a folder is none of the classes.
    """
    top = _top(root, split)
    names = _class_names(top)
    indexes = match_classes(names, classes, str(top))  # before any file is looked at: somebody's large folder may be named
    files = _files(top, names)
    ids = _ids([path.relative_to(top) for path, _ in files])
    labels = np.array([indexes[label] for _, label in files], dtype=np.int64)
    key = DataKey(f"folder:{printable(root.resolve().name)}", split, len(ids), samples_sha256(ids, labels))
    return Listing(key, dict(zip(ids, (path for path, _ in files), strict=True)))


def read_folder(
    root: Path, split: str, fit_to: Preprocessing | None, progress: Callable[[int, int], None] | None
) -> PictureSet:
    """The pictures of one split. See seviz.data.open_data for the arguments and errors."""
    top = _top(root, split)
    classes = _class_names(top)
    files = _files(top, classes)
    paths = [path for path, _ in files]
    pictures: NDArray[np.uint8] | StreamedPictures
    if fit_to and len(files) * fit_to.height * fit_to.width * 3 > MAX_HELD:
        _room(HELD_AT_LEAST, fit_to.height, fit_to.width)
        complaints = unreadable_among(paths, data_home(), progress)
        kept, unreadable = [place for place in range(len(files)) if place not in complaints], list(complaints.values())
        pictures = StreamedPictures([paths[place] for place in kept], fit_to)
    else:
        pictures, kept, unreadable = _decode_all(paths, fit_to, progress)
    if len(unreadable) > MAX_UNREADABLE * len(files):
        raise DataError(f"{len(unreadable)} of {len(files)} pictures in {top} cannot be read, first {unreadable[0]}")
    labels = np.array([files[index][1] for index in kept], dtype=np.int64)
    ids = _ids([files[index][0].relative_to(top) for index in kept])
    return PictureSet(f"folder:{printable(root.resolve().name)}", split, pictures, labels, ids, classes, tuple(unreadable))


def _top(root: Path, split: str) -> Path:
    if not os.path.isdir(root):  # unlike Path.is_dir, False for a name that no folder can have
        raise DataError(f"There is no folder {root}; give folder:PATH the folder that holds one folder a class.")
    if (root / split).is_dir():
        return root / split
    others = [name for name in SPLITS if (root / name).is_dir()]
    if others:
        raise DataError(f"{root} has a folder {others[0]}, but no folder {split}.")
    return root


def _class_names(top: Path) -> tuple[str, ...]:
    return tuple(sorted(entry.name for entry in top.iterdir() if entry.is_dir() and not entry.name.startswith(".")))


def _files(top: Path, classes: Sequence[str]) -> list[tuple[Path, int]]:
    """Every picture's file with the index of its class."""
    files = [(path, label) for label, name in enumerate(classes) for path in _pictures(top / name)]
    if not files:
        raise DataError(f"{top} holds no pictures; seviz expects {top}/<class>/<picture>.jpg.")
    _require_names([*classes, *(str(path.relative_to(top)) for path, _ in files)], top)
    return files


def _pictures(folder: Path) -> list[Path]:
    paths = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and not path.name.startswith("."))
    return sorted(path for path in paths if path.is_file())


def _require_names(names: Sequence[str], top: Path) -> None:
    """Ids and classes are hashed line by line, stand in cards and on pages: they are UTF-8 without control characters."""
    for name in names:
        if not is_utf8(name) or re.search(r"[\x00-\x1f\x7f]", name):
            raise DataError(f"{top / name} has a name that is no UTF-8 or holds control characters; rename it.")


def _ids(paths: Sequence[Path]) -> tuple[str, ...]:
    ids = tuple(path.with_suffix("").as_posix() for path in paths)
    return ids if len(set(ids)) == len(ids) else tuple(path.as_posix() for path in paths)


def _decode_all(
    paths: Sequence[Path], fit_to: Preprocessing | None, progress: Callable[[int, int], None] | None
) -> tuple[NDArray[np.uint8], list[int], list[str]]:
    """All readable pictures as one array (N, H, W, 3), the indexes of their paths, and the sentences of the others."""
    size = (fit_to.height, fit_to.width) if fit_to else _first_size(paths)
    out = _room(len(paths), *size)
    kept: list[int] = []
    unreadable: list[str] = []
    with ThreadPoolExecutor() as pool:
        try:
            for index, result in enumerate(pool.map(lambda path: read_picture_file(path, fit_to), paths)):
                if isinstance(result, str):
                    unreadable.append(result)
                else:
                    _require_size(result, size, paths[index])
                    out[len(kept)] = result
                    kept.append(index)
                if progress:
                    progress(index + 1, len(paths))
        finally:
            pool.shutdown(cancel_futures=True)  # after an error all other pictures would be read before it is told
    return out[: len(kept)], kept, unreadable


def _room(count: int, height: int, width: int) -> NDArray[np.uint8]:
    """uint8 (count, height, width, 3), not filled. Raises DataError where this machine has not so much memory at all."""
    needed, there = count * height * width * 3, _memory()
    try:
        if needed > there:
            raise MemoryError
        return np.empty((count, height, width, 3), dtype=np.uint8)
    except MemoryError as error:
        said = f"{count:,} pictures of {width} x {height} pixels need {needed / 1e9:,.1f} GB of memory, and this machine has"
        raise DataError(f"{said} {there / 1e9:,.1f}; choose a smaller --size or fewer pictures.") from error


def _memory() -> int:
    """Bytes of this machine; where it does not say, more than any set needs."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return sys.maxsize


def _require_size(picture: NDArray[np.uint8], size: tuple[int, int], path: Path) -> None:
    if picture.shape[:2] != size:
        raise DataError(
            f"{path} has {picture.shape[1]} x {picture.shape[0]} pixels, others "
            f"{size[1]} x {size[0]}; --size brings all of them to one size."
        )


def _first_size(paths: Sequence[Path]) -> tuple[int, int]:
    for path in paths:
        result = read_picture_file(path, None)
        if not isinstance(result, str):
            return result.shape[0], result.shape[1]
    raise DataError(f"None of the {len(paths)} pictures can be read, first {read_picture_file(paths[0], None)}")
