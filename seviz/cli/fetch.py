"""`seviz fetch NAME`: the weights of a network of timm or torchvision, downloaded and imported."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seviz.cli.common import counting, path, print_json
from seviz.errors import printable

if TYPE_CHECKING:
    from seviz.checkpoints import Checkpoint
    from seviz.pretrained import Pretrained


def add(commands: Any) -> None:
    command = commands.add_parser("fetch", help="download a trained network of timm or torchvision, and import it")
    command.add_argument("name", metavar="NAME", help="timm:NAME[.TAG] or torchvision:NAME[:WEIGHTS]; see models --search")
    command.add_argument("--file", type=path, metavar="PATH", help="import this file of weights, downloaded by hand")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    from seviz.checkpoints import open_checkpoint
    from seviz.pretrained import find_imported, resolve

    named = resolve(options.name)
    folder = find_imported(named.name)
    if folder is None:
        folder = _from_file(named, options.file) if options.file else _fetched(named)
    _told(open_checkpoint(folder), options.json)


def _from_file(named: Pretrained, file: Path) -> Path:
    from seviz.pretrained import import_file

    return import_file(named, file, file.name)


def _fetched(named: Pretrained) -> Path:
    from seviz.pretrained import fetch_network, file_at_hand, import_file, size_of

    at_hand = file_at_hand(named)
    if at_hand:
        file, source = at_hand
        print(f"{named.name} is on this computer: {printable(str(file))}", file=sys.stderr)
        return import_file(named, file, source.address)
    found = size_of(named)
    size = f"{found.size / 1e6:.1f} MB" if found.size else "size not told"
    print(f"{named.name}: {size} from {printable(found.address)}", file=sys.stderr)
    try:
        with counting(named.name, "B", scale=True) as progress:
            return fetch_network(named, found, progress)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("stopped; nothing of the download was kept.") from None


def _told(checkpoint: Checkpoint, as_json: bool) -> None:
    card = checkpoint.card
    if as_json:
        print_json({"name": checkpoint.name, "folder": printable(str(checkpoint.folder)), "card": card.to_json()})
        return
    gated = "carries a channel gate by its definition" if checkpoint.is_se else "has no channel gate by its definition"
    print(
        f"{checkpoint.name} is here: {card.parameters:,} parameters, {len(card.classes):,} classes, pictures of "
        f"{card.preprocessing.width} x {card.preprocessing.height}; it {gated}.\n"
        f"Licence: {card.licence}. Folder: {printable(str(checkpoint.folder))}\n"
        f"Look at a picture with `python -m seviz inspect IMAGE --model {checkpoint.name}`."
    )
