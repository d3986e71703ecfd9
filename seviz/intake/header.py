"""The header of a safetensors file, checked against the file before any tensor is read, and tensors read by it.

Eight bytes say how long the header is, the header (JSON) says where each tensor lies. Here all of it must hold: no name
twice, known dtypes, as many bytes a tensor as its shape takes, and tensors that fill the rest of the file without a gap.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from io import BufferedReader
from typing import TYPE_CHECKING, Any

from seviz.errors import CheckpointError

if TYPE_CHECKING:
    import torch

MAX_HEADER = 2**20  # bytes; a ResNet of 1,202 layers takes 0.7 MB
MAX_NAME = 512
MAX_DIMENSIONS = 8
# name in the header -> (bytes, torch's name)
DTYPES = {
    "BOOL": (1, "bool"),
    "U8": (1, "uint8"),
    "I8": (1, "int8"),
    "I16": (2, "int16"),
    "I32": (4, "int32"),
    "I64": (8, "int64"),
    "F16": (2, "float16"),
    "BF16": (2, "bfloat16"),
    "F32": (4, "float32"),
    "F64": (8, "float64"),
}
FLOATS = ("float16", "bfloat16", "float32", "float64")


@dataclass(frozen=True)
class Stored:
    """A tensor in a file: dtype as torch calls it, shape, and its bytes from `start` to `end` of the file."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int

    @property
    def is_float(self) -> bool:
        return self.dtype in FLOATS


def read_header(file: BufferedReader, name: str) -> dict[str, Stored]:
    """Name -> where and what, of every tensor of an open safetensors file.

    Raises CheckpointError, which calls the file `name`, where the header is none or does not fit the file.
    """
    size = os.fstat(file.fileno()).st_size
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    if length > MAX_HEADER:
        raise CheckpointError(f"{name} has a header of {length:,} bytes, and {MAX_HEADER:,} is the limit; it is damaged.")
    if 8 + length > size:
        raise CheckpointError(f"{name} ends within its header: it is cut off; fetch it again.")
    try:
        values = json.loads(file.read(length), object_pairs_hook=_no_doubles, parse_constant=_no_number)
        found = {_name(one): _stored(value, 8 + length) for one, value in values.items() if one != "__metadata__"}
        _require_filled(found, 8 + length, size)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        words = str(error) if isinstance(error, _HeaderError) else "it is no header of safetensors"
        raise CheckpointError(f"The header of {name} is damaged ({words}); fetch the file again.") from error
    if not found:
        raise CheckpointError(f"{name} holds no tensors.")
    return found


def read_tensor(file: BufferedReader, stored: Stored) -> torch.Tensor:
    """One tensor, in memory of its own. Raises CheckpointError where the file has become shorter."""
    import torch

    kind = getattr(torch, stored.dtype)
    if stored.start == stored.end:
        return torch.empty(stored.shape, dtype=kind)
    content = bytearray(stored.end - stored.start)
    file.seek(stored.start)
    if file.readinto(content) != len(content):
        raise CheckpointError("The file was cut off while it was read; try again when nobody writes it.")
    return torch.frombuffer(content, dtype=kind).reshape(stored.shape)


class _HeaderError(ValueError):
    """What is wrong with a header, in words of ours."""


def _stored(value: Any, begin: int) -> Stored:
    shape = tuple(value["shape"])
    if len(shape) > MAX_DIMENSIONS or any(type(side) is not int or not 0 <= side < 2**40 for side in shape):
        raise _HeaderError("a shape is none")
    if value["dtype"] not in DTYPES:
        raise _HeaderError(f"there is no dtype {str(value['dtype'])[:20]!r}")
    width, dtype = DTYPES[value["dtype"]]
    first, last = value["data_offsets"]
    if type(first) is not int or type(last) is not int or not 0 <= first <= last:
        raise _HeaderError("a place in the file is none")
    if last - first != width * math.prod(shape):
        raise _HeaderError("a tensor has other bytes than its shape takes")
    return Stored(dtype, shape, begin + first, begin + last)


def _require_filled(found: dict[str, Stored], begin: int, size: int) -> None:
    place = begin
    for one in sorted(found.values(), key=lambda one: (one.start, one.end)):
        if one.start != place:
            raise _HeaderError("tensors overlap or leave gaps")
        place = one.end
    if place != size:
        raise _HeaderError("cut off" if place > size else "more bytes than its tensors take")


def _name(text: str) -> str:
    if not text or len(text) > MAX_NAME or not text.isprintable():
        raise _HeaderError("a tensor's name is none")
    return text


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise _HeaderError("a name stands there twice")
    return dict(pairs)


def _no_number(text: str) -> float:
    raise _HeaderError("a number is none")
