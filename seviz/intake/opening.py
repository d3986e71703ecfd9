"""Somebody's file: opened without trust, looked at by its first bytes, and known by its sha256."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from seviz.errors import CheckpointError

MAX_FILE = 2**30  # bytes of a file that is taken in
MAX_LEGACY = 64 * 2**20  # of a pickle that is no zip: all of it has to be read to know what is in it
HEAD = 512  # bytes that tell what a file is

SAFETENSORS, ZIP, LEGACY = "safetensors", "zip", "legacy"
NO_CHECKPOINTS = {
    b"version https://git-lfs": "is a pointer of Git LFS and not the file itself; fetch it with `git lfs pull`",
    b"\x89HDF": "is HDF5, as Keras writes it; only weights of PyTorch are read",
    b"\x1f\x8b": "is packed with gzip; unpack it first",
    b"Rar!": "is a RAR archive; unpack it first",
    b"7z\xbc\xaf": "is a 7-Zip archive; unpack it first",
    b"\x89PNG": "is a picture and no checkpoint",
    b"\xff\xd8\xff": "is a picture and no checkpoint",
    b"%PDF": "is a PDF and no checkpoint",
}


@dataclass(frozen=True)
class Source:
    """The file as it was when it was opened. kind: "safetensors", "zip" or "legacy" (a pickle that is no zip).

    name: of the file, without its folder. sha256: hex. size: bytes.
    """

    name: str
    kind: str
    sha256: str
    size: int


def open_untrusted(path: str | os.PathLike[str], limit: int = MAX_FILE) -> BufferedReader:
    """A regular file of 1 to `limit` bytes that is no link, open for reading. Raises CheckpointError, one sentence."""
    try:
        file = open(path, "rb", opener=_open_itself)  # noqa: SIM115 - it is the caller's
    except OSError as error:
        known = {errno.ELOOP: "is a link; name the file itself", errno.EISDIR: "is a folder and no file"}
        why = known.get(error.errno or 0, f"cannot be read ({error.strerror})")
        raise CheckpointError(f"{os.fspath(path)} {why}.") from error
    except ValueError as error:  # a name with a zero byte
        raise CheckpointError(f"{os.fspath(path)} is no name of a file.") from error
    status = os.fstat(file.fileno())
    problem = _problem(status, limit)
    if problem:
        file.close()
        raise CheckpointError(f"{os.fspath(path)} {problem}.")
    return file


def identify(file: BufferedReader, name: str, legacy: int = MAX_LEGACY) -> Source:
    """What an open file is, and its sha256. Raises CheckpointError for what is no checkpoint of weights."""
    file.seek(0)
    head = file.read(HEAD)
    for start, words in NO_CHECKPOINTS.items():
        if head.startswith(start):
            raise CheckpointError(f"{name} {words}.")
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        raise CheckpointError(f"{name} is a web page that came in the place of the file; fetch the file itself.")
    kind = _kind(head)
    size = os.fstat(file.fileno()).st_size
    if kind is None:
        raise CheckpointError(f"{name} is neither safetensors nor a checkpoint that torch.save wrote.")
    if kind == LEGACY and size > legacy:
        raise CheckpointError(
            f"{name} is a checkpoint of the old form with {size / 2**20:,.0f} MB, and {legacy // 2**20} MB is the limit; "
            "save it again with a newer PyTorch, or as safetensors."
        )
    return Source(name, kind, sha256_of(file), size)


def sha256_of(file: BufferedReader) -> str:
    """Hex, of the whole file, read piece by piece."""
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()


def require_unchanged(file: BufferedReader, source: Source) -> None:
    """Raises CheckpointError where the file is no longer what it was when its sha256 was taken."""
    if os.fstat(file.fileno()).st_size != source.size or sha256_of(file) != source.sha256:
        raise CheckpointError(f"{source.name} was changed while it was read; try again when nobody writes it.")


def _open_itself(path: str, flags: int) -> int:
    # a pipe would be waited for until somebody writes; a link may lead to what its maker cannot read and we can
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))


def _problem(status: os.stat_result, limit: int) -> str | None:
    if not stat.S_ISREG(status.st_mode):
        return "is not a regular file"
    if not status.st_size:
        return "is empty; fetch it again"
    if status.st_size > limit:
        return f"has {status.st_size / 2**20:,.0f} MB, and {limit / 2**20:,.0f} MB is the limit"
    return None


def _kind(head: bytes) -> str | None:
    if head.startswith(b"PK\x03\x04"):
        return ZIP
    if head[:1] == b"\x80" and head[1:2] in (b"\x01", b"\x02", b"\x03", b"\x04", b"\x05"):
        return LEGACY
    if head[8:9] == b"{":  # behind the eight bytes of the header's length
        return SAFETENSORS
    return None


def base_name(path: str | os.PathLike[str]) -> str:
    """The name of a file without its folder."""
    return Path(path).name or os.fspath(path)
