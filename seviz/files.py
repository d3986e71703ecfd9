"""Files that are either the old one or the new one, never half of each.

A write goes to a unique temporary name beside the target, is synced, and is then renamed over it: a kill, a full disk
or a second writer leaves the good file in place.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray


def write_atomic(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Replace `path` by what `write` puts into the binary file that it is handed; missing folders are made.

    Raises OSError where the disk is full or the folder cannot be written; `path` is then what it was before.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        # a rename would replace a pipe or a device, which as root may be the system's own
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp makes files that nobody else may read
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)  # still there only where something failed
    _sync_folder(path.parent)


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` by `content`."""
    write_atomic(path, lambda file: file.write(content))


def write_json(path: Path, value: object) -> None:
    """Replace `path` by `value` as indented UTF-8 JSON. Raises ValueError for NaN and infinities."""
    write_bytes(path, (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode())


def write_npz(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Replace `path` by a compressed npz. Raises ValueError for object arrays, which only pickle could read."""
    if any(array.dtype.hasobject for array in arrays.values()):
        raise ValueError("an npz that is read without pickle cannot hold object arrays")
    named: dict[str, Any] = dict(arrays)
    write_atomic(path, lambda file: np.savez_compressed(file, **named))


def sweep_temporary(folder: Path) -> None:
    """Remove what killed writers left behind in `folder`."""
    for stray in folder.glob(".*.tmp"):
        stray.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    # the rename itself is only durable once the folder's entry is on disk; not every file system allows it
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
