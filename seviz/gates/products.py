"""Multiplications as torch names them, and what of a factor is not a repetition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

PRODUCTS = frozenset({"mul", "mul_", "multiply", "multiply_"})  # x * y and x *= y are mul and mul_


def is_product(function: Any) -> bool:
    return getattr(function, "__name__", "") in PRODUCTS


def factors(args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, Any]:
    """The two factors of a multiplication; the second is None where it is not to be seen."""
    both = [*args, *(kwargs[name] for name in ("input", "other") if name in kwargs)]
    return both[0], both[1] if len(both) > 1 else None


def core(values: Tensor) -> Tensor:
    """The tensor without repetitions: dimensions along which it is expanded have size 1."""
    for dim, (size, stride) in enumerate(zip(values.shape, values.stride(), strict=True)):
        if size > 1 and stride == 0:
            values = values.narrow(dim, 0, 1)
    return values
