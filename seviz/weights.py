"""The content of model.safetensors: what is written, and what its head says before the rest is read."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

MAX_HEAD = 4 * 2**20  # bytes; the head of an SE-ResNet-152 has a tenth of a megabyte


def weights_of(net: nn.Module) -> bytes:
    """The content of model.safetensors: the same weights give the same bytes."""
    from safetensors.torch import save

    return save({name: value.detach().cpu().contiguous() for name, value in net.state_dict().items()})


def read_head(file: IO[bytes]) -> tuple[bytes, dict[str, list[int]]]:
    """The head of a safetensors file, from its first byte to its first tensor, and name -> shape of its tensors.

    Raises ValueError, TypeError, KeyError or AttributeError where it is none.
    """
    start = file.read(8)
    length = int.from_bytes(start, "little")
    if length > MAX_HEAD:
        raise ValueError("it is larger than any head")
    head = file.read(length)
    tensors = json.loads(head, object_pairs_hook=_without_doubles)
    return start + head, {name: value["shape"] for name, value in tensors.items() if name != "__metadata__"}


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name stands there twice")
    return dict(pairs)


@lru_cache(maxsize=256)
def sha256_of_file(path: Path, size: int, changed_ns: int) -> str:
    """Of the file's content, in hex. size, changed_ns: bytes, and when it changed."""
    # size and time are there for the cache: a file that changes is read again
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
