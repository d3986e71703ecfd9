"""A checkpoint folder written again without its weights: what is known of the training, and nothing that can be run."""

from __future__ import annotations

import shlex
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from seviz.card import Card
from seviz.checkpoints.checkpoint import EVALUATION_FILE, Checkpoint
from seviz.checkpoints.saving import write_card
from seviz.errors import CheckpointError
from seviz.files import read_file, write_bytes
from seviz.gate_history import EPOCHS_FILE
from seviz.history import HISTORY_FILE

KEPT = (HISTORY_FILE, EVALUATION_FILE, EPOCHS_FILE)
MOST = 2**30  # bytes of one of them


def strip_checkpoint(checkpoint: Checkpoint, folder: Path) -> Checkpoint:
    """Write card, history, evaluation and gates over epochs of a finished training to a new `folder`; the weights stay where
    they are, and the card says that they are not shipped.

    Everything that is kept is read and verified first. The card takes the name of `folder`, in its commands too; the sha256
    of the weights stays, so that evaluation and weights can still be told to belong together.

    Raises CheckpointError where `folder` is there already, and where history or evaluation are missing or damaged.
    """
    if folder.exists():
        raise CheckpointError(f"{folder} is there already; choose another folder.")
    if not checkpoint.history():
        raise CheckpointError(f"{checkpoint.name} has no history.csv, so little would be known of it; it stays whole.")
    if checkpoint.evaluation() is None:
        raise CheckpointError(f"{checkpoint.name} has no stored predictions; `python -m seviz evaluate` makes them.")
    checkpoint.gate_history()  # raises where they are of another training
    for name in KEPT:
        if (checkpoint.folder / name).exists():
            write_bytes(folder / name, read_file(checkpoint.folder / name, MOST))
    card = replace(renamed(checkpoint.card, folder.name), weights_shipped=False)
    write_card(folder, card)  # last: without it the folder is no checkpoint
    return Checkpoint(folder, card)


def renamed(card: Card, name: str) -> Card:
    """The card under another name: where its commands write to or ask for the checkpoint, they name the new one."""
    places = {"--out": {f"runs/{card.name}", f"checkpoints/{card.name}"}, "--model": {card.name}}

    def of_new(command: str) -> str:
        words = shlex.split(command)
        for place, (option, value) in enumerate(pairwise(words), 1):
            if value in places.get(option, ()):
                words[place] = f"runs/{name}" if option == "--out" else name
        return shlex.join(words)

    commands = {what: of_new(command) for what, command in card.commands.items()}
    metrics = {what: replace(one, command=of_new(one.command)) for what, one in card.metrics.items()}
    return replace(card, name=name, commands=commands, metrics=metrics)
