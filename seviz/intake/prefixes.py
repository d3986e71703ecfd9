"""Prefixes that wrappers leave on the names of tensors: `module.`, `_orig_mod.`, the attribute of a Lightning module."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TypeVar

COMPILED = "_orig_mod"
DEEPEST, MOST = 4, 8

Value = TypeVar("Value")


def without_compiled(tensors: Mapping[str, Value]) -> tuple[dict[str, Value], int]:
    """The tensors with `_orig_mod.` of torch.compile taken out of every name, wherever it stands, and how many had it.

    Where two names become one, nothing is taken out.
    """
    renamed = {".".join(part for part in name.split(".") if part != COMPILED): value for name, value in tensors.items()}
    if len(renamed) != len(tensors) or "" in renamed:
        return dict(tensors), 0
    return renamed, sum(COMPILED in name.split(".") for name in tensors)


def prefixes(names: Iterable[str]) -> tuple[str, ...]:
    """What the names may begin with that is not the network's own: "" first, then the prefixes of most names."""
    counts: Counter[str] = Counter()
    for name in names:
        parts = name.split(".")[:-1]
        counts.update(".".join(parts[:depth]) + "." for depth in range(1, min(len(parts), DEEPEST) + 1))
    common = sorted(counts, key=lambda prefix: (-counts[prefix], len(prefix)))
    return ("", *common[:MOST])


def under(tensors: Mapping[str, Value], prefix: str) -> dict[str, Value]:
    """The tensors whose names begin with the prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
