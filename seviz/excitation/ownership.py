"""Whether a file of gates is of the network whose folder it lies in."""

from __future__ import annotations

from pathlib import Path

import torch

from seviz.card import Card
from seviz.errors import CheckpointError
from seviz.excitation.records import ExcitationKey
from seviz.excitation.store import EXCITATION_FILE, excite_command
from seviz.gates import Site, find_gates
from seviz.nets import from_card


def require_own(path: Path, key: ExcitationKey, card: Card) -> None:
    """Raises CheckpointError, naming what differs, where the `key` of the file `path` is not of the card's network."""
    # gates of another's module are found by running it; with the same weights of the same network they are the same
    pairs = {
        "weights": (key.weights_sha256, card.weights_sha256),
        "sites": (key.sites, key.sites if card.library else _sites(card)),
        "classes": (key.classes, card.classes),
        "preprocessing": (key.preprocessing, card.preprocessing),
    }
    changed = " and ".join(name for name, (found, own) in pairs.items() if found != own)
    if changed:
        again = excite_command(path)
        raise CheckpointError(f"{path} is of other {changed} than its card; write it again with `{again}`.")


def require_pair(path: Path, key: ExcitationKey, statistics: ExcitationKey) -> None:
    """Raises CheckpointError, naming what differs, where the gates by sample in `path` and the statistics beside them are
    not of one pass: one of the two files was replaced, or a pass was killed between them."""
    changed = " and ".join(key.differences(statistics))
    if changed:
        again = excite_command(path)
        raise CheckpointError(f"{path} is of other {changed} than the {EXCITATION_FILE} beside it; write both with `{again}`.")


def _sites(card: Card) -> tuple[Site, ...]:
    """The gates of the network that the card describes; () where it describes none."""
    try:
        with torch.device("meta"):  # modules without numbers: only names and widths are wanted
            return find_gates(from_card(dict(card.options)))
    except (TypeError, ValueError, AttributeError, RuntimeError):
        return ()
