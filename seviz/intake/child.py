"""The limited process: `python -m seviz.intake.child BYTES SECONDS < CHECKPOINT`, the only place with torch.load.

It stands in a private, empty folder, without anything in its environment, and may use as much memory, time and disk as it
was told. It leaves found.safetensors and found.json there: either {"refused": words} or what layouts.unwrap told. Whoever
started it believes neither file before it has looked at it.

torch.load runs with weights_only=True alone and knows no other names than those in ALLOWED beside torch's own: neither
nn.*, getattr, partial nor classes of the user's. What needs more is refused, with the names of what it needs.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import pathlib
import re
import sys
import zipfile
from collections.abc import Callable
from typing import IO, Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from seviz.intake.header import DTYPES
from seviz.intake.layouts import Unwrapped, unwrap

WEIGHTS, TOLD = "found.safetensors", "found.json"
MAX_PICKLE = 4 * 2**20  # bytes of data.pkl: names, shapes and options, no weights
MAX_MEMBERS = 100_000
MAX_GROWTH = 2  # the tensors of a file, over its size: parts of one storage under two names are fine, views of nothing are not
NUMBERS = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64")


class RefusedError(Exception):
    """Why a checkpoint is not taken, in words that go behind its name."""


def allowed() -> list[Any]:
    """What a checkpoint may name beside torch's own: Namespace, paths, and numpy's arrays and numbers under both names."""
    core: Any = np._core.multiarray  # type: ignore[attr-defined]
    names: list[Any] = [argparse.Namespace, np.dtype, np.ndarray]
    for path in (pathlib.PosixPath, pathlib.PurePosixPath):
        names += [(path, f"{module}.{path.__name__}") for module in ("pathlib", "pathlib._local")]
    for module in ("numpy.core.multiarray", "numpy._core.multiarray"):
        names += [(core.scalar, f"{module}.scalar"), (core._reconstruct, f"{module}._reconstruct")]
    kinds = sorted({type(np.dtype(name)) for name in NUMBERS}, key=lambda kind: kind.__name__)
    return [*names, *kinds]


def main(memory: int, seconds: int) -> None:
    """Read the checkpoint on standard input and leave both files. memory: bytes on top of what torch itself takes."""
    file = sys.stdin.buffer
    size = os.fstat(file.fileno()).st_size
    _limit(memory, seconds, MAX_GROWTH * size + 2**24)
    told: dict[str, Any]
    try:
        found = _load(file, size)
        save_file(_flat(found.tensors, size), WEIGHTS)
        told = {"steps": list(found.steps), "hints": found.hints}
    except RefusedError as refused:
        told = {"refused": str(refused)}
    except MemoryError:
        told = {"refused": "needs more memory than its size allows; it is damaged, or made to do harm"}
    except Exception as error:  # boundary: torch.load raises some eleven types for a damaged file, and its words mislead
        told = {"refused": _told(error)}
    with open(TOLD, "w", encoding="utf-8") as out:
        json.dump(told, out)


def _limit(memory: int, seconds: int, written: int) -> None:
    import resource

    for kind, most in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, written),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, _address_space() + memory),
    ):
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))


def _address_space() -> int:
    """Bytes that this process has mapped: torch's libraries alone are gigabytes, of which little is in memory."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 2**35


def _load(file: IO[bytes], size: int) -> Unwrapped:
    is_zip = file.read(4) == b"PK\x03\x04"
    file.seek(0)
    if is_zip:
        _check_zip(file, size)
        file.seek(0)
    with torch.serialization.safe_globals(allowed()):
        try:
            content = torch.load(file, map_location="cpu", weights_only=True)
        except Exception as error:  # boundary: what it holds beyond weights is named, whatever torch made of it
            strangers = _strangers(file, is_zip, error)
            if not strangers:
                raise
            raise RefusedError(_more_than_weights(strangers)) from error
    try:
        return unwrap(content)
    except ValueError as error:
        raise RefusedError(str(error)) from error


def _check_zip(file: IO[bytes], size: int) -> None:
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
    names = [member.filename for member in members]
    if any("/code/" in name or name.endswith("/constants.pkl") for name in names):
        raise RefusedError("is TorchScript, a program and not weights alone; save its network's state_dict() instead")
    pickles = [member for member in members if member.filename.endswith("data.pkl")]
    if len(pickles) != 1:
        raise RefusedError("is a zip file that torch.save did not write")
    if len(members) > MAX_MEMBERS or pickles[0].file_size > MAX_PICKLE:
        raise RefusedError("holds more than any checkpoint of a network; it is damaged, or made to do harm")
    stored = all(member.compress_type == zipfile.ZIP_STORED and member.file_size == member.compress_size for member in members)
    if not stored or sum(member.file_size for member in members) > size or len(set(names)) != len(names):
        raise RefusedError("is packed in a way that torch.save never packs; unpack and save it again with torch.save")


def _strangers(file: IO[bytes], is_zip: bool, error: Exception) -> list[str]:
    """What the checkpoint names and may not. torch lists it for zips; of the old form its error names the first."""
    if is_zip:
        file.seek(0)
        try:
            return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(file))
        except Exception:  # boundary: a damaged pickle raises anything
            return []
    return re.findall(r"GLOBAL ([\w.]{1,200})", str(error))[:1]


def _more_than_weights(names: list[str]) -> str:
    shown = ", ".join(f"`{name[:80]}`" for name in names[:5]) + (", ..." if len(names) > 5 else "")
    return f"holds more than weights: {shown}, which is not read because it could run anything; save net.state_dict() instead"


def _flat(tensors: dict[str, Tensor], size: int) -> dict[str, Tensor]:
    """Every tensor dense and with memory of its own, as safetensors wants them. Raises RefusedError before it is made."""
    known = {name for _, name in DTYPES.values()}
    for name, tensor in tensors.items():
        kind = str(tensor.dtype).removeprefix("torch.")
        if tensor.layout != torch.strided or kind not in known or tensor.is_meta:
            raise RefusedError(f"holds a tensor that is no plain array of numbers, `{name[:80]}` ({kind})")
    if sum(math.prod(one.shape) * one.element_size() for one in tensors.values()) > MAX_GROWTH * size:
        raise RefusedError("holds tensors that are larger than the file; it is damaged, or made to do harm")
    return {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()}


def _told(error: Exception) -> str:
    if isinstance(error, RuntimeError) and re.search("alloc|memory", str(error)):  # torch's own allocator has no type for it
        return "needs more memory than its size allows; it is damaged, or made to do harm"
    return "cannot be read as a checkpoint: it is cut off or damaged; fetch it again"


if __name__ == "__main__":
    run: Callable[[int, int], None] = main
    run(int(sys.argv[1]), int(sys.argv[2]))
