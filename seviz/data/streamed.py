"""Pictures that are decoded when they are asked for: sets that are larger than one wants to hold.

    pictures = StreamedPictures(paths, preprocessing)
    pictures[rows]          uint8 (len(rows), H, W, 3), decoded by several threads
    pictures.ask(rows)      begin on these meanwhile

It stands where an array of pictures stands (shape, len, indexing by a slice or by rows). After a run of neighbours the next
run is begun by itself, so that a network and the decoding work at the same time. For one thread at a time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seviz.errors import DataError, PictureError
from seviz.files import read_file, write_json
from seviz.images import MAX_BYTES, Preprocessing, decode, fit

MAX_ASKED = 2048  # pictures begun and not yet taken: beyond, nothing is begun ahead
CHECKED = "checked"  # folder in the cache with what was found unreadable
MAX_CHECKED = 2**24  # bytes of such a file
Rows = slice | Sequence[int] | NDArray[np.int64]
Picture = NDArray[np.uint8]


class StreamedPictures:
    """uint8 (N, H, W, 3), as a network sees the files at `paths`. A file that can no longer be read raises DataError."""

    ndim = 4
    dtype = np.dtype(np.uint8)

    def __init__(self, paths: Sequence[Path], fit_to: Preprocessing) -> None:
        self._paths, self._fit_to = tuple(paths), fit_to
        self._pool: ThreadPoolExecutor | None = None
        self._asked: dict[int, Future[Picture]] = {}

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return len(self._paths), self._fit_to.height, self._fit_to.width, 3

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, rows: Rows) -> NDArray[np.uint8]:
        wanted = self._rows(rows)
        if not len(wanted):
            return np.empty((0, *self.shape[1:]), dtype=np.uint8)
        self._begin(wanted)
        taken = {row: self._asked.pop(row) for row in set(wanted.tolist())}  # out of reach of what ask() forgets
        if len(wanted) > 1 and bool((np.diff(wanted) == 1).all()):
            self.ask(np.arange(wanted[-1] + 1, min(wanted[-1] + 1 + len(wanted), len(self))))
        return np.stack([taken[row].result() for row in wanted.tolist()])

    def ask(self, rows: Rows) -> None:
        """Begin to decode rows that will be asked for next; those begun before and never taken are forgotten."""
        wanted = self._rows(rows)
        if len(self._asked) + len(wanted) > MAX_ASKED:
            for future in self._asked.values():
                future.cancel()
            self._asked.clear()
        if len(wanted) <= MAX_ASKED:
            self._begin(wanted)

    def take(self, rows: Rows) -> StreamedPictures:
        """The pictures at `rows`, not decoded."""
        return StreamedPictures([self._paths[row] for row in self._rows(rows).tolist()], self._fit_to)

    def fingerprint(self) -> str:
        """Hex sha256 over names, sizes and times of the files, and how they are fitted: the pixels follow from them."""
        return hashlib.sha256(f"{self._fit_to}\n{files_sha256(self._paths)}".encode()).hexdigest()

    def _rows(self, rows: Rows) -> NDArray[np.int64]:
        wanted = np.arange(len(self))[rows] if isinstance(rows, slice) else np.asarray(rows, dtype=np.int64)
        if len(wanted) and not (-len(self) <= wanted.min() and wanted.max() < len(self)):
            raise IndexError(f"rows run from 0 to {len(self) - 1}")
        return np.where(wanted < 0, wanted + len(self), wanted)

    def _begin(self, rows: NDArray[np.int64]) -> None:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(thread_name_prefix="seviz-decode")
        for row in rows.tolist():
            if row not in self._asked:
                self._asked[row] = self._pool.submit(self._decode, self._paths[row])

    def _decode(self, path: Path) -> Picture:
        found = read_picture_file(path, self._fit_to)
        if isinstance(found, str):
            raise DataError(f"{found} It could be read a moment ago; restore the file, then start again.")
        return found


def read_picture_file(path: Path, fit_to: Preprocessing | None) -> Picture | str:
    """The picture, or a sentence that says why there is none."""
    try:
        picture = decode(read_file(path, MAX_BYTES)).pixels
    except (PictureError, OSError) as error:
        return f"{path}: {error.strerror or error if isinstance(error, OSError) else error}"
    return fit(picture, fit_to) if fit_to else picture


def unreadable_among(
    paths: Sequence[Path], cache: Path, progress: Callable[[int, int], None] | None
) -> dict[int, str]:
    """Place -> sentence for each file that cannot be read; all are decoded once, and what was found is kept in `cache`.

    The same files (names, sizes, times) are not decoded a second time. A cache that cannot be written is done without.
    """
    kept = cache / CHECKED / f"{files_sha256(paths)}.json"
    try:
        return {int(place): str(why) for place, why in json.loads(read_file(kept, MAX_CHECKED)).items()}
    except (OSError, ValueError, AttributeError):
        pass
    found: dict[int, str] = {}
    with ThreadPoolExecutor() as pool:
        try:
            for place, why in enumerate(pool.map(_complaint, paths)):
                if why:
                    found[place] = why
                if progress:
                    progress(place + 1, len(paths))
        finally:
            pool.shutdown(cancel_futures=True)
    with contextlib.suppress(OSError):
        write_json(kept, found)
    return found


def _complaint(path: Path) -> str:
    found = read_picture_file(path, None)
    return found if isinstance(found, str) else ""


def files_sha256(paths: Sequence[Path]) -> str:
    """Hex sha256 over path, size and time of change of every file; a file that is gone counts as such."""
    digest = hashlib.sha256()
    for path in paths:
        try:
            status = os.stat(path)
            state = f"{status.st_size}\t{status.st_mtime_ns}"
        except OSError:
            state = "gone"
        digest.update(os.fsencode(path) + f"\t{state}\n".encode())
    return digest.hexdigest()
