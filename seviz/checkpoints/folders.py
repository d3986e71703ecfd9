"""Checkpoint folders, one's own and the imported ones: found, and opened by name or path."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from seviz.card import Card
from seviz.checkpoints.checkpoint import CARD_FILE, MAX_CARD, STATE_FILE, Checkpoint, unreadable
from seviz.checkpoints.places import checkpoints_home, imported_folder, networks_home, typed_name
from seviz.errors import CheckpointError, printable
from seviz.files import is_utf8, read_json

FETCHED = ("timm:", "torchvision:")  # how the names begin of networks that seviz.pretrained can fetch


@dataclass(frozen=True)
class Entry:
    """A folder under checkpoints/: its card, or the problem in one sentence. Both where only the weights are damaged."""

    name: str
    folder: Path
    card: Card | None
    problem: str | None


def find_checkpoints(root: Path | None = None) -> tuple[Entry, ...]:
    """Every folder in `root` by name, the damaged ones with their problem.

    Where `root` is None: those in checkpoints_home(), then the imported ones, but for names that are taken.
    """
    if root is not None:
        return _entries(root)
    own = _entries(checkpoints_home())
    taken = {entry.name for entry in own}
    return (*own, *(entry for entry in _entries(networks_home()) if entry.name not in taken))


def _entries(home: Path) -> tuple[Entry, ...]:
    if not home.is_dir():
        return ()
    folders = sorted(path for path in home.iterdir() if path.is_dir() and not path.name.startswith("."))
    return tuple(_entry(folder) for folder in folders)


def open_checkpoint(name: str | os.PathLike[str]) -> Checkpoint:
    """A checkpoint by the name of its folder under checkpoints_home(), by that of an imported network, or by a path (which
    has a separator).

    Raises CheckpointError where there is none or its card cannot be read.
    """
    if not isinstance(name, str | os.PathLike):
        raise CheckpointError(f"A checkpoint is asked for by its name or its path, not by a {type(name).__name__}.")
    text = os.fspath(name)
    is_path = not isinstance(name, str) or os.sep in text or "/" in text or text in (".", "..")
    folder = Path(os.path.expanduser(text)) if is_path else _folder_of(text)
    if not text or not os.path.isdir(folder):  # unlike Path.is_dir, False for a name that no file can have
        raise CheckpointError(_missing(text))
    return Checkpoint(Path(os.path.abspath(folder)), _read_card(folder))


def _missing(name: str) -> str:
    if name.startswith(FETCHED):
        return f"{name} is not on this computer; fetch it with `python -m seviz fetch {name}`."
    known = ", ".join(entry.name for entry in find_checkpoints() if entry.card) or "none yet"
    return f"There is no checkpoint {name!r}; there are: {known}."


def _folder_of(name: str) -> Path:
    own, imported = checkpoints_home() / name, imported_folder(name)
    return imported if not os.path.isdir(own) and os.path.isdir(imported) else own


def _entry(folder: Path) -> Entry:
    name = printable(typed_name(folder))
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
        return Card.from_json(read_json(path, MAX_CARD))
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
