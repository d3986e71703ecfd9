"""`seviz models`: what is there, a line each; one network's whole card; with --search what could be had."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from seviz import card_words
from seviz.card import Card
from seviz.checkpoints import Checkpoint, Entry, checkpoints_home, find_checkpoints, imported_folder, open_checkpoint
from seviz.cli.card import aligned, seed_lines, text
from seviz.cli.common import positive, print_json
from seviz.errors import RequestError, printable
from seviz.pretrained import LIBRARIES, Listed, search, versions_listed
from seviz.seeds import beside, readable, siblings, without_weights

COLUMNS = ("name", "kind", "parameters", "multiply-adds", "pixels", "classes", "accuracy (95 % interval)", "on")


def add(commands: Any) -> None:
    command = commands.add_parser("models", help="list the networks that are there, or search those that could be had")
    command.add_argument("name", nargs="?", metavar="NAME", help="one network, by its name or path: everything on its card")
    command.add_argument("--search", metavar="TEXT", help="networks of timm and torchvision whose name holds TEXT ('' for all)")
    command.add_argument("--family", metavar="F", help="only this family, such as resnet, efficientnet or regnet")
    command.add_argument("--gated", action="store_true", help="only those that carry a channel gate by their definition")
    command.add_argument("--max-parameters", type=positive, metavar="N", help="no larger ones")
    command.add_argument("--library", choices=LIBRARIES, help="only networks of timm, or of torchvision")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    filters = options.family or options.gated or options.max_parameters or options.library
    if options.name is not None:
        if options.search is not None or filters:
            raise RequestError("NAME tells of one network that is here; --search and its filters look for others: give one.")
        _tell(options)
    elif options.search is not None or filters:
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
        here = readable(entries)
        print_json({"models": [_plain(entry, here) for entry in entries]})
    elif not entries:
        print(f"There are no checkpoints in {checkpoints_home()}; `python -m seviz train` makes one.")
    else:
        print("\n".join([*_table(entries), "", "`python -m seviz models NAME` tells all about one of them."]))


def _plain(entry: Entry, here: Sequence[Checkpoint]) -> dict[str, object]:
    """weights: whether they are there; None where the network cannot be read. seeds: the names of the trainings that differ
    from it in their seed alone; [] for one that has no such."""
    one = next((one for one in here if one.name == entry.name), None)
    return {
        "name": entry.name,
        "folder": printable(str(entry.folder)),
        "problem": entry.problem,
        "weights": one.has_weights if one else None,
        "seeds": [other.name for other in siblings(one, here) if other is not one] if one else [],
        "card": entry.card.to_json() if entry.card else None,
    }


def _table(entries: Sequence[Entry]) -> list[str]:
    """A line a network, those with gates first; below it what is wrong with it, or has to be known of it. Seeds without
    weights stand below the one that ships in full."""
    here = readable(entries)
    under, by_name = without_weights(here), {one.name: one for one in here}
    elsewhere = {one.name for some in under.values() for one in some}
    known = [entry for entry in entries if entry.card and entry.name not in elsewhere]
    known.sort(key=lambda entry: not (entry.card and entry.card.is_se))
    lines = aligned([COLUMNS, *(_row(entry.name, entry.card) for entry in known if entry.card)], right=(2, 3, 4, 5))
    shown = [lines[0]] if known else []
    for entry, line in zip(known, lines[1:], strict=True):
        one = by_name.get(entry.name)
        notes = _notes(entry) + (seed_lines(one, here, under.get(one.name, ())) if one else [])
        shown += [line, *(f"    {note}" for note in notes)]
    return shown + [line for entry in entries if not entry.card for line in (entry.name, f"    {_problem(entry)}")]


def _row(name: str, card: Card) -> list[str]:
    found = card_words.figures_of(card)
    size = f"{card.preprocessing.width} x {card.preprocessing.height}"
    cost = f"{card.multiply_adds / 1e6:,.1f} M"
    accuracy = [card_words.accuracy_words(found), f"{found.n:,} of {found.data}"] if found else ["not measured", card.data.name]
    return [name, card_words.kind(card), f"{card.parameters:,}", cost, size, f"{len(card.classes):,}", *accuracy]


def _notes(entry: Entry) -> list[str]:
    notes = (_problem(entry) if entry.problem else "", card_words.seal_words(entry.card) if entry.card else "")
    return [note for note in notes if note]


def _problem(entry: Entry) -> str:
    return f"cannot be used: {entry.problem}"


def _tell(options: argparse.Namespace) -> None:
    """One network: its card, as text or as JSON."""
    checkpoint = open_checkpoint(options.name)
    if options.json:
        entry = Entry(checkpoint.name, checkpoint.folder, checkpoint.card, checkpoint.problem())
        print_json(_plain(entry, beside(checkpoint)))
        return
    problem = checkpoint.problem()
    print(text(checkpoint) + (f"\n\ncannot be used: {problem}" if problem else ""))
