"""The folders under checkpoints/: found, opened by name or path, and written."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from seviz.card import Card
from seviz.checkpoints.checkpoint import CARD_FILE, MAX_CARD, STATE_FILE, WEIGHTS_FILE, Checkpoint, unreadable
from seviz.errors import CheckpointError, printable
from seviz.files import is_utf8, read_file, write_bytes, write_json
from seviz.weights import weights_of

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Entry:
    """A folder under checkpoints/: its card, or the problem in one sentence. Both where only the weights are damaged."""

    name: str
    folder: Path
    card: Card | None
    problem: str | None


def checkpoints_home() -> Path:
    """The folder that SEVIZ_CHECKPOINTS names, or checkpoints/ beside the package."""
    named = os.environ.get("SEVIZ_CHECKPOINTS")
    # not Path.expanduser, which raises for the home of somebody who has none
    return Path(os.path.expanduser(named)) if named else Path(__file__).resolve().parents[2] / "checkpoints"


def find_checkpoints(root: Path | None = None) -> tuple[Entry, ...]:
    """Every folder in `root` (checkpoints_home() when None) by name, the damaged ones with their problem."""
    home = root or checkpoints_home()
    if not home.is_dir():
        return ()
    folders = sorted(path for path in home.iterdir() if path.is_dir() and not path.name.startswith("."))
    return tuple(_entry(folder) for folder in folders)


def open_checkpoint(name: str | os.PathLike[str]) -> Checkpoint:
    """A checkpoint by the name of its folder under checkpoints_home(), or by a path (which has a separator).

    Raises CheckpointError where there is none or its card cannot be read.
    """
    if not isinstance(name, str | os.PathLike):
        raise CheckpointError(f"A checkpoint is asked for by its name or its path, not by a {type(name).__name__}.")
    text = os.fspath(name)
    is_path = not isinstance(name, str) or os.sep in text or "/" in text or text in (".", "..")
    folder = Path(os.path.expanduser(text)) if is_path else checkpoints_home() / text
    if not text or not os.path.isdir(folder):  # unlike Path.is_dir, False for a name that no file can have
        known = ", ".join(entry.name for entry in find_checkpoints() if entry.card) or "none yet"
        raise CheckpointError(f"There is no checkpoint {text!r}; there are: {known}.")
    return Checkpoint(Path(os.path.abspath(folder)), _read_card(folder))


def save_checkpoint(folder: Path, net: nn.Module, card: Card) -> Card:
    """Write the weights, then the card with their size and sha256 filled in. Returns that card.

    Each file is replaced as a whole; a kill between the two leaves weights that the old card refuses.
    """
    content = weights_of(net)
    card = replace(card, weights_sha256=hashlib.sha256(content).hexdigest(), weights_bytes=len(content))
    write_bytes(folder / WEIGHTS_FILE, content)
    write_card(folder, card)
    return card


def write_card(folder: Path, card: Card) -> None:
    """Replace card.json by `card`, sealed with its card_sha256."""
    write_json(folder / CARD_FILE, replace(card, sealed=True).to_json())


def _entry(folder: Path) -> Entry:
    name = printable(folder.name)
    if not is_utf8(folder.name):
        return Entry(name, folder, None, "The name of its folder is no UTF-8; rename it.")
    try:
        card = _read_card(folder)
    except CheckpointError as error:
        return Entry(name, folder, None, str(error))
    return Entry(name, folder, card, Checkpoint(folder, card).problem())


def _read_card(folder: Path) -> Card:
    path = folder / CARD_FILE
    try:
        return Card.from_json(json.loads(read_file(path, MAX_CARD), parse_constant=_no_number))
    except FileNotFoundError as error:
        if (folder / STATE_FILE).exists():
            raise CheckpointError(f"{folder} holds a training that is not finished; continue it with --resume.") from error
        raise CheckpointError(f"{folder} has no {CARD_FILE}, so it is no checkpoint; fetch the whole folder again.") from error
    except OSError as error:
        raise unreadable(path, error) from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is damaged: it is no JSON; fetch the whole folder again.") from error
    except CheckpointError as error:
        raise CheckpointError(f"{path} cannot be used: {error}; fetch the whole folder again.") from error


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON")
