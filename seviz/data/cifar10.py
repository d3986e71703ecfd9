"""CIFAR-10: downloaded on request, read through torchvision, and copied as JPEG.

A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
"""

from __future__ import annotations

import hashlib
import http.client
import io
import os
import shutil
import tarfile
import tempfile
import urllib.request
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seviz.data.home import data_home
from seviz.data.picture_set import PictureSet, numbered_ids
from seviz.errors import DataError

if TYPE_CHECKING:
    from torchvision.datasets import CIFAR10

Progress = Callable[[int, int], None]
PIECE = 2**18  # bytes between two calls of progress
TIMEOUT = 20.0  # seconds without a byte


def read_cifar10(split: str) -> PictureSet:
    """The 50,000 or 10,000 pictures. Raises DataError where they are not in data_home() or are damaged."""
    try:
        source = _torchvision()(root=str(data_home()), train=split == "train", download=False)
    except (RuntimeError, OSError) as error:
        raise DataError(
            f"CIFAR-10 is not in {data_home()}, or damaged; `python -m seviz data cifar10` downloads it, or set SEVIZ_DATA."
        ) from error
    labels = np.asarray(source.targets, dtype=np.int64)
    classes = tuple(source.classes)
    return PictureSet("cifar10", split, source.data, labels, numbered_ids(labels, classes), classes)


def has_cifar10() -> bool:
    """Whether the unpacked files are in data_home(); their content is checked when they are read."""
    source = _torchvision()
    return all((data_home() / source.base_folder / name).is_file() for name in _members(source))


def download_cifar10(progress: Progress | None = None) -> Path:
    """Download, verify and unpack CIFAR-10 (170 MB) into data_home(); nothing is done where it is and is intact.

    Args:
        progress: called with (bytes done, bytes in all; 0 where the server does not say). An exception that it raises
            stops the download and leaves nothing behind.

    Returns the folder of the unpacked files. Raises DataError where there is no network, the download is damaged or the
    disk is full.
    """
    source = _torchvision()
    folder = data_home() / str(source.base_folder)
    if has_cifar10() and all(_md5(folder / name) == md5 for name, md5 in _members(source).items()):
        return folder
    try:
        data_home().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=data_home()) as archive, tempfile.TemporaryDirectory(dir=data_home()) as unpacked:
            _fetch(source.url, source.tgz_md5, archive, progress)
            _unpack(archive, source, Path(unpacked))
            shutil.rmtree(folder, ignore_errors=True)  # damaged, or half unpacked by another program
            os.replace(Path(unpacked) / source.base_folder, folder)
    except (OSError, http.client.HTTPException, tarfile.TarError, zlib.error, EOFError) as error:
        cause = getattr(error, "reason", error)  # urllib wraps what the system said
        reason = getattr(cause, "strerror", None) or cause
        raise DataError(f"CIFAR-10 could not be downloaded ({reason}); check network and disk, then try again.") from error
    return folder


def make_jpeg_copies(out: Path, progress: Progress | None = None) -> None:
    """Write out/{train,test}/<class>/NNNN.jpg: CIFAR-10 as JPEG of quality 75, 4:2:0, numbered as its ids.

    Raises DataError where CIFAR-10 is not at hand or `out` has a train or test folder already.
    """
    for split in ("train", "test"):
        if (out / split).exists():
            raise DataError(f"{out / split} exists already; choose another folder for the copies.")
    done, total = 0, 60_000
    for split in ("train", "test"):
        data = read_cifar10(split)
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out, prefix=f".{split}.") as work:
            for name in data.classes:
                (Path(work) / split / name).mkdir(parents=True)
            for place, sample in enumerate(data.ids):
                (Path(work) / split / f"{sample}.jpg").write_bytes(encode_jpeg(data.pictures[place : place + 1][0]))
                done += 1
                if progress:
                    progress(done, total)
            os.replace(Path(work) / split, out / split)


def encode_jpeg(picture: NDArray[np.uint8], quality: int = 75) -> bytes:
    """uint8 (H, W, 3) as a JPEG of a quality of 1..100, 4:2:0."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality, subsampling="4:2:0")
    return buffer.getvalue()


def _torchvision() -> type[CIFAR10]:
    from torchvision.datasets import CIFAR10

    source: type[CIFAR10] = CIFAR10
    return source


def _members(source: type[CIFAR10]) -> dict[str, str]:
    """The unpacked files and their md5."""
    pairs = [(name, md5) for name, md5 in (*source.train_list, *source.test_list)]
    return dict([*pairs, (str(source.meta["filename"]), str(source.meta["md5"]))])


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def _fetch(url: str, md5: str, into: IO[bytes], progress: Progress | None) -> None:
    digest, done = hashlib.md5(usedforsecurity=False), 0  # against damage; the address is https
    with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
        total = int(answer.headers.get("Content-Length") or 0)
        while piece := answer.read(PIECE):
            into.write(piece)
            digest.update(piece)
            done += len(piece)
            if progress:
                progress(done, total)
    if digest.hexdigest() != md5:
        raise DataError(f"The download of CIFAR-10 is damaged or cut off after {done:,} bytes; try again.")


def _unpack(archive: IO[bytes], source: type[CIFAR10], into: Path) -> None:
    """Only the files that are expected, by name: nothing else that an archive can hold is touched."""
    archive.seek(0)
    (into / source.base_folder).mkdir()
    with tarfile.open(fileobj=archive, mode="r:gz") as tar:
        for name in _members(source):
            member = tar.extractfile(f"{source.base_folder}/{name}")
            if member is None:
                raise DataError(f"The archive of CIFAR-10 lacks {name}; try again.")
            with member, (into / source.base_folder / name).open("wb") as file:
                shutil.copyfileobj(member, file)
