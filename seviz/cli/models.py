"""`seviz models`: what is there, card by card; with --search what could be had."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from seviz.analysis.by_seed import in_words
from seviz.card import Card
from seviz.checkpoints import Checkpoint, Entry, checkpoints_home, find_checkpoints, imported_folder
from seviz.cli.common import positive, print_json
from seviz.errors import printable
from seviz.pretrained import LIBRARIES, Listed, search, versions_listed
from seviz.seeds import NO_WEIGHTS, from_cards, readable, siblings, without_weights


def add(commands: Any) -> None:
    command = commands.add_parser("models", help="list the networks that are there, or search those that could be had")
    command.add_argument("--search", metavar="TEXT", help="networks of timm and torchvision whose name holds TEXT ('' for all)")
    command.add_argument("--family", metavar="F", help="only this family, such as resnet, efficientnet or regnet")
    command.add_argument("--gated", action="store_true", help="only those that carry a channel gate by their definition")
    command.add_argument("--max-parameters", type=positive, metavar="N", help="no larger ones")
    command.add_argument("--library", choices=LIBRARIES, help="only networks of timm, or of torchvision")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    filters = options.family or options.gated or options.max_parameters or options.library
    if options.search is not None or filters:
        _search(options)
    else:
        _list(options)


def _search(options: argparse.Namespace) -> None:
    found = search(
        options.search or "",
        family=options.family,
        gated=options.gated,
        most_parameters=options.max_parameters,
        library=options.library,
    )
    here = {one.name: _where(one) for one in found}
    if options.json:
        plain = [
            {**asdict(one), "library": one.library, "bytes_about": one.bytes_about, "here": here[one.name]} for one in found
        ]
        print_json({"networks": plain, "listed": versions_listed()})
        return
    for one in found:
        millions, gate = f"{one.parameters / 1e6:.1f} M", one.gate or "no gate"
        print(f"{one.name:<52} {millions:>8}  {one.side:>4} px  {here[one.name]:<13} {gate}")
    print(f"{len(found):,} networks with 1,000 classes, of {versions_listed()}; `python -m seviz fetch NAME` gets one.")


def _where(one: Listed) -> str:
    """Whether it can be used without a network. A file in a cache of a library is looked for where there are few to ask of."""
    return "here" if imported_folder(one.name).is_dir() else "to be fetched"


def _list(options: argparse.Namespace) -> None:
    entries = find_checkpoints()
    if options.json:
        print_json({"models": _all_plain(entries)})
    elif not entries:
        print(f"There are no checkpoints in {checkpoints_home()}; `python -m seviz train` makes one.")
    else:
        print("\n\n".join(_texts(entries)))


def _all_plain(entries: tuple[Entry, ...]) -> list[dict[str, object]]:
    """seeds: the names of the trainings that differ from it in their seed alone; [] for one that has no such."""
    here = {one.name: one for one in readable(entries)}
    rows: list[dict[str, object]] = []
    for entry in entries:
        row: dict[str, object] = {"name": entry.name, "folder": printable(str(entry.folder)), "problem": entry.problem}
        one = here.get(entry.name)
        seeds = [other.name for other in siblings(one, tuple(here.values())) if other is not one] if one else []
        card = entry.card.to_json() if entry.card else None
        rows.append({**row, "weights": one.has_weights if one else None, "seeds": seeds, "card": card})
    return rows


def _texts(entries: tuple[Entry, ...]) -> Iterator[str]:
    """A paragraph a network; seeds without weights stand under the one that ships in full."""
    here = readable(entries)
    under, by_name = without_weights(here), {one.name: one for one in here}
    elsewhere = {one.name for some in under.values() for one in some}
    for entry in entries:
        if entry.name in elsewhere:
            continue
        one = by_name.get(entry.name)
        lines = [entry.name, *(_figures(entry.card) if entry.card else ())]
        lines += _seeds(one, here, under.get(one.name, ())) if one else ()
        lines += [f"cannot be used: {entry.problem}"] if entry.problem else ()
        yield "\n    ".join(lines)


def _seeds(checkpoint: Checkpoint, here: Sequence[Checkpoint], under: Sequence[Checkpoint]) -> list[str]:
    known = from_cards(checkpoint, here)
    lines = [in_words(known)] if known else []
    if not checkpoint.has_weights:
        lines.append(NO_WEIGHTS)
    return [*lines, *(f"{one.name}: seed {one.card.seed}{_accuracy(one)}; {NO_WEIGHTS}" for one in under)]


def _accuracy(checkpoint: Checkpoint) -> str:
    return f", {checkpoint.card.accuracy:.2%}" if checkpoint.card.accuracy is not None else ""


def _figures(card: Card) -> list[str]:
    lines = [card.description]
    accuracy = card.metrics.get("accuracy")
    if accuracy:
        low, high = accuracy.interval or (accuracy.value, accuracy.value)
        lines.append(
            f"accuracy {accuracy.value:.2%} ({low:.2%} to {high:.2%}) on {accuracy.n:,} pictures of "
            f"{accuracy.data}, {accuracy.split}"
        )
    trained = f", {card.epochs} epochs" if card.origin is None else ""
    lines.append(f"{card.parameters:,} parameters, {card.multiply_adds / 1e6:.1f} M multiply-adds{trained}")
    if card.gate_life:
        life = card.gate_life
        lines.append(
            f"gates alive at {life.sites_alive} of {len(life.deviations)} sites; "
            f"{life.lost_by_shuffling * 100:.1f} points of accuracy lost when they are shuffled between pictures"
        )
    if not card.sealed:
        lines.append("its card has no card_sha256: whether it was edited cannot be told")
    return lines + ([f"data: {card.data.note}"] if card.data.note else [])
