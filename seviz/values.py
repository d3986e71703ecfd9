"""Values out of JSON that somebody else may have written: each of the kind and in the range that is taken for granted later.

Every function returns the value or raises TypeError or ValueError, in words that stand in a larger sentence.
"""

from __future__ import annotations

from collections.abc import Mapping

MOST = 10**15  # beyond it no number of ours lies, and a float no longer holds every whole one


def text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{quoted(value)} is no text")
    value.encode()  # raises for a lone surrogate, which JSON can write and UTF-8 cannot
    return value


def texts(values: Mapping[str, object]) -> dict[str, str]:
    return {text(name): text(value) for name, value in values.items()}


def whole(value: object, least: int = 0, most: int = MOST) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{quoted(value)} is no whole number from {least} to {most}")
    return value


def real(value: object, least: float = -MOST, most: float = MOST) -> float:
    """Whole numbers count; NaN and infinities do not."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{quoted(value)} is no number from {least} to {most}")
    return float(value)


def truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{quoted(value)} is neither true nor false")
    return value


def require_numbers(value: object) -> None:
    """All numbers at any depth: json reads 1e400 as infinity, and whole numbers of any length, which no float can hold."""
    if isinstance(value, int | float) and not abs(value) <= MOST:
        raise ValueError(f"{quoted(value)} is too large a number")
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        require_numbers(inner)


def quoted(value: object) -> str:
    """A value as it may stand in a sentence: not thousands of characters long."""
    if isinstance(value, int) and abs(value) > MOST:
        return "a whole number of many digits"
    said = repr(value)
    return said if len(said) <= 60 else f"{said[:60]}..."
