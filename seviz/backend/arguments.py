"""What callers hand to a model, taken for what it says or refused: lists, indexes."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any, SupportsIndex

from seviz.errors import RequestError


def listed(values: object, what: str, of: str) -> tuple[Any, ...]:
    """A list, tuple or array as a tuple. Raises RequestError for a lone value, whose letters or truth would be taken."""
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise RequestError(f"{what} is a list of {of}, such as [{values!r}], not {values!r}.")
    return tuple(values)


def index_of(value: object, what: str) -> int:
    """Raises RequestError with `what` for anything but a whole number: 1.5 would be taken for 1, and True too."""
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        raise RequestError(f"{what[:1].upper()}{what[1:]}, not {value!r}.")
    try:
        return operator.index(value)
    except TypeError as error:  # an array of several
        raise RequestError(f"{what[:1].upper()}{what[1:]}, not {value!r}.") from error
