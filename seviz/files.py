"""Files that are either the old one or the new one, never half of each, and files that are read no further than wanted.

A write goes to a unique temporary name beside the target, is synced, and is then renamed over it: a kill, a full disk
or a second writer leaves the good file in place. A read waits for nothing and knows how much it may take: somebody
else's folder can hold a pipe or a hundred gigabytes in the place of a picture.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

MAX_UNPACKED = 2**30  # bytes of an npz; ImageNet's 50,000 x 1,000 logits have a tenth of it
NO_FILE = "not a regular file"  # in the place of the system's words, as strerror


def open_file(path: str | os.PathLike[str]) -> IO[bytes]:
    """A regular file, open for reading; links are followed.

    Raises OSError, whose strerror says why there is none: nothing there, a folder, a pipe or a device.
    """
    file = open(path, "rb", opener=_open_at_once)  # noqa: SIM115 - it is the caller's
    if _is_special(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, NO_FILE, os.fspath(path))
    return file


def read_file(path: str | os.PathLike[str], most: int) -> bytes:
    """The content of a regular file of at most `most` bytes. Raises OSError as open_file does, and for a larger file."""
    with open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(most + 1) if size <= most else b""
    size = max(size, len(content))
    if size > most:
        too_large = f"it has {size / 2**20:,.0f} MB, and {most / 2**20:,.0f} MB is the limit"
        raise OSError(errno.EFBIG, too_large, os.fspath(path))
    return content


def read_json(path: str | os.PathLike[str], most: int) -> Any:
    """The value of a JSON file of at most `most` bytes. Raises OSError as read_file does, ValueError for what is no JSON, NaN
    and infinities among it, and RecursionError for a nest without end."""
    return json.loads(read_file(path, most), parse_constant=_no_number)


def is_utf8(name: str) -> bool:
    """Whether a file's name is UTF-8: any other can stand in no card, no address and on no page."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _no_number(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # a pipe would be waited for until somebody writes


def _is_special(mode: int) -> bool:
    """Whether st_mode is that of a pipe, a device or a socket: neither a file nor a folder, of which the system tells."""
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def write_atomic(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Replace `path` by what `write` puts into the binary file that it is handed; missing folders are made.

    Raises OSError where the disk is full or the folder cannot be written; `path` is then what it was before.
    """
    if os.path.exists(path) and _is_special(os.stat(path).st_mode):
        # a rename would replace a pipe or a device, which as root may be the system's own
        raise OSError(errno.EINVAL, NO_FILE, str(path))
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


def write_npz(path: Path, arrays: Mapping[str, NDArray[Any]], *, compress: bool = True) -> None:
    """Replace `path` by an npz: the same arrays give the same bytes.

    Raises ValueError for object arrays, which only pickle could read.
    """
    if any(array.dtype.hasobject for array in arrays.values()):
        raise ValueError("an npz that is read without pickle cannot hold object arrays")
    named: dict[str, Any] = dict(arrays)
    save = np.savez_compressed if compress else np.savez
    write_atomic(path, lambda file: save(file, **named))


def read_npz(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """The arrays of an npz, read without pickle.

    Raises OSError as open_file does, and one of a dozen types for a damaged file, from zlib.error to struct.error; for one
    that would unpack to more than MAX_UNPACKED bytes, ValueError before it is unpacked.
    """
    with open_file(path) as content, np.load(content, allow_pickle=False) as file:
        if sum(member.file_size for member in file.zip.infolist()) > MAX_UNPACKED:
            raise ValueError("larger than any file of seviz")
        return {name: file[name] for name in file.files}


def sweep_temporary(folder: Path, names: Sequence[str] = ("*",)) -> None:
    """Remove what killed writers left behind in `folder`: of files of these names, of any file when not given."""
    for stray in [stray for name in names for stray in folder.glob(f".{name}.*.tmp")]:
        stray.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    # the rename itself is only durable once the folder's entry is on disk; not every file system allows it
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
