"""JSON files of what was measured on a network: sealed when they are written, read with suspicion.

A field content_sha256 covers all others, as a card's card_sha256 does: no figure is altered unseen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from seviz.card import content_sha256
from seviz.errors import CheckpointError, RequestError
from seviz.files import read_json
from seviz.values import require_numbers

SEAL = "content_sha256"
# what values of another kind than a check takes for granted raise in it
WRONG = (
    ArithmeticError, AttributeError, LookupError, RecursionError, StopIteration, TypeError, ValueError, RequestError
)  # fmt: skip
T = TypeVar("T")


def seal(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with their seal."""
    return {**values, SEAL: content_sha256(values, SEAL)}


def load_sealed(path: Path, most: int, version: int, check: Callable[[Mapping[str, Any]], T], command: str) -> T:
    """What `check` makes of the values of a sealed file of at most `most` bytes.

    Args: version: its field "format". check: raises one of a few errors where the values are not those of such a file.
        command: that writes it again.

    Raises CheckpointError where it is missing, cannot be read, is damaged or says something else than its seal.
    """
    again = f"write it again with `{command}`"
    try:
        values = read_json(path, most)
        if values["format"] != version or values[SEAL] != content_sha256(values, SEAL):
            raise ValueError("another format, or something else than its seal")
        require_numbers(values)
        return check(values)
    except FileNotFoundError as error:
        raise CheckpointError(f"There is no {path}; `{command}` writes it.") from error
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror}); remove it, then {again}.") from error
    except WRONG as error:
        raise CheckpointError(f"{path} is damaged; {again}.") from error
