"""A checkpoint folder, written."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from seviz.card import Card
from seviz.checkpoints.checkpoint import CARD_FILE, WEIGHTS_FILE
from seviz.files import write_bytes, write_json
from seviz.weights import weights_of

if TYPE_CHECKING:
    from torch import nn


def save_checkpoint(folder: Path, net: nn.Module, card: Card) -> Card:
    """Write the weights, then the card with their size and sha256 filled in. Returns that card.

    Each file is replaced as a whole; a kill between the two leaves weights that the old card refuses.
    """
    content = weights_of(net)
    sha256 = hashlib.sha256(content).hexdigest()
    card = replace(card, weights_sha256=sha256, weights_bytes=len(content), weights_shipped=True)
    write_bytes(folder / WEIGHTS_FILE, content)
    write_card(folder, card)
    return card


def write_card(folder: Path, card: Card) -> None:
    """Replace card.json by `card`, sealed with its card_sha256."""
    write_json(folder / CARD_FILE, replace(card, sealed=True).to_json())
