"""`seviz import FILE`: a checkpoint that somebody brings, made a network like any other."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seviz.cli.common import path, positive, print_json
from seviz.errors import RequestError, printable
from seviz.files import read_file

if TYPE_CHECKING:
    from seviz.intake import Imported, Report

MAX_NAMES = 2**20  # bytes of a file of class names
MOST_ROWS = 20  # of tensors that do not fit, as text; --json has all


def add(commands: Any) -> None:
    command = commands.add_parser("import", help="make a network of a checkpoint file: .safetensors, .pt, .pth, .th, .ckpt")
    command.add_argument("file", type=path, metavar="FILE")
    command.add_argument("--arch", metavar="A", help="such as se_resnet20 or timm:seresnet50; recognised when not given")
    command.add_argument("--classes", metavar="C", help="class names with commas between them, or a file with one a line")
    command.add_argument("--mean", metavar="R,G,B", help="of the pictures, 0..1; guessed, and said to be, when not given")
    command.add_argument("--std", metavar="R,G,B", help="their deviation; guessed, and said to be, when not given")
    command.add_argument("--size", type=positive, metavar="N", help="pixels of a side of the pictures; guessed when not given")
    command.add_argument("--name", help="of the network from now on; its architecture and the file's sha256 when not given")
    command.add_argument("--look", action="store_true", help="say what is in the file, and load nothing")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    from seviz import intake

    if options.look:
        with intake.taken_in(options.file) as taken:
            report = intake.examine(taken, options.arch)
        print_json(_plain(report)) if options.json else print(_text(report))
        return
    classes = _names(options.classes) if options.classes else None
    settings = intake.settings_of(classes, options.mean, options.std, options.size)
    found = intake.import_file(options.file, arch=options.arch, settings=settings, name=options.name)
    if options.json:
        print_json({**_plain(found.report), **_made(found)})
    else:
        notes = found.checkpoint.card.origin.notes if found.checkpoint.card.origin else ()
        print("\n".join([found.report.sentence, *(f"    {note}" for note in notes), _told(found)]))


def take_in_files(options: argparse.Namespace) -> None:
    """Where a command names the file of a checkpoint for a network, import it, and name its folder instead."""
    for place in ("model", "against", "first", "second"):
        named = getattr(options, place, None)
        if named and (os.sep in named or "." in named):
            from seviz.intake import is_file, open_or_import

            if is_file(named):
                checkpoint, notes = open_or_import(named)
                for note in notes:  # progress and not the result, but never unsaid
                    print(printable(note), file=sys.stderr)
                setattr(options, place, str(checkpoint.folder))


def _names(text: str) -> tuple[str, ...]:
    """Class names with commas between them, or those in a file."""
    from seviz.intake import names_in

    if "," in text and not Path(text).is_file():
        return names_in(text)
    try:
        return names_in(read_file(Path(text), MAX_NAMES).decode())
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise RequestError(f"The class names in {text[:200]!r} cannot be read ({why}); give names with commas.") from error


def _plain(report: Report) -> dict[str, object]:
    found = report.comparison
    rows = [
        {"name": row.name, "in_file": row.in_file, "expected": row.expected, "found": row.found, "state": row.state}
        for row in (found.rows if found else ())
    ]
    return {
        "file": report.source.name,
        "sha256": report.source.sha256,
        "kind": report.source.kind,
        "arch": found.proposal.arch if found else None,
        "code": found.proposal.code if found else None,
        "fits": report.fits,
        "choices": list(report.choices),
        "said": report.sentence,
        "notes": list(report.notes),
        "tensors": rows,
    }


def _made(found: Imported) -> dict[str, object]:
    card = found.checkpoint.card
    notes = card.origin.notes if card.origin else ()
    return {
        "name": found.checkpoint.name,
        "folder": str(found.checkpoint.folder),
        "new": found.new,
        "notes": list(notes),
        "classes": list(card.classes),
        "weights_sha256": card.weights_sha256,
    }


def _text(report: Report) -> str:
    lines = [report.sentence, *(f"    {note}" for note in report.notes)]
    if report.comparison and not report.fits:
        odd = [row for row in report.comparison.rows if row.state != "matched"]
        lines += ["", f"{'tensor':<48} {'expected':<20} {'found':<20} state"]
        lines += [
            f"{row.name or row.in_file:<48} {_shape(row.expected):<20} {_shape(row.found):<20} {row.state}"
            for row in odd[:MOST_ROWS]
        ]
        lines += [f"... and {len(odd) - MOST_ROWS:,} more; --json has all."] if len(odd) > MOST_ROWS else []
    return "\n".join(lines)


def _shape(shape: tuple[int, ...] | None) -> str:
    return "-" if shape is None else " x ".join(map(str, shape)) or "one number"


def _told(found: Imported) -> str:
    name = found.checkpoint.name
    if found.new:
        return f"It is {name} from now on: `python -m seviz inspect PICTURE --model {name}`."
    return f"It was imported before, as {name}."
