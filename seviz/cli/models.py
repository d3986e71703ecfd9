"""`seviz models`: what is there, card by card."""

from __future__ import annotations

import argparse
from typing import Any

from seviz.card import Card
from seviz.checkpoints import Entry, checkpoints_home, find_checkpoints
from seviz.cli.common import print_json
from seviz.errors import printable


def add(commands: Any) -> None:
    command = commands.add_parser("models", help="list the checkpoints that are there")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    entries = find_checkpoints()
    if options.json:
        print_json({"models": [_plain(entry) for entry in entries]})
    elif not entries:
        print(f"There are no checkpoints in {checkpoints_home()}; `python -m seviz train` makes one.")
    else:
        print("\n\n".join(_text(entry) for entry in entries))


def _plain(entry: Entry) -> dict[str, object]:
    card = entry.card.to_json() if entry.card else None
    return {"name": entry.name, "folder": printable(str(entry.folder)), "problem": entry.problem, "card": card}


def _text(entry: Entry) -> str:
    lines = [entry.name]
    if entry.card:
        lines += _figures(entry.card)
    if entry.problem:
        lines.append(f"cannot be used: {entry.problem}")
    return "\n    ".join(lines)


def _figures(card: Card) -> list[str]:
    lines = [card.description]
    accuracy = card.metrics.get("accuracy")
    if accuracy:
        low, high = accuracy.interval or (accuracy.value, accuracy.value)
        lines.append(
            f"accuracy {accuracy.value:.2%} ({low:.2%} to {high:.2%}) on {accuracy.n:,} pictures of "
            f"{accuracy.data}, {accuracy.split}"
        )
    lines.append(f"{card.parameters:,} parameters, {card.multiply_adds / 1e6:.1f} M multiply-adds, {card.epochs} epochs")
    if card.gate_life:
        life = card.gate_life
        lines.append(
            f"gates alive at {life.sites_alive} of {len(life.deviations)} sites; "
            f"{life.lost_by_shuffling * 100:.1f} points of accuracy lost when they are shuffled between pictures"
        )
    if not card.sealed:
        lines.append("its card has no card_sha256: whether it was edited cannot be told")
    return lines + ([f"data: {card.data.note}"] if card.data.note else [])
