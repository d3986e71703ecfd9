"""`seviz report`: everything that is known of a network, or of two side by side, as one HTML file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from seviz.cli.common import counting, path, print_json, require_place
from seviz.errors import RequestError


def add(commands: Any) -> None:
    command = commands.add_parser("report", help="write everything that is known of a network into one HTML file")
    command.add_argument("--model", required=True, metavar="M", help="a name that `seviz models` lists, or a path")
    command.add_argument("--against", metavar="N", help="a second network, to be set beside it")
    command.add_argument("--out", type=path, default=Path("report.html"), metavar="FILE", help="what is written; report.html")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    require_place(options.out, folder=False)  # now, and not after a minute of work
    from seviz.checkpoints import open_checkpoint
    from seviz.files import write_bytes
    from seviz.report import make_report, to_html

    model = open_checkpoint(options.model)
    against = open_checkpoint(options.against) if options.against else None
    if against and against.folder.resolve() == model.folder.resolve():
        raise RequestError(f"{model.name} was named twice; a report on one network needs no --against.")
    with counting("permutation tests and probes", unit="") as progress:
        report = make_report(model, against, progress=progress)
    content = to_html(report).encode()
    write_bytes(options.out, content)
    if options.json:
        sections = list(report.sections)
        print_json({"path": str(options.out), "networks": list(report.names), "sections": sections, "bytes": len(content)})
    else:
        parts = ", ".join(part.title for part in report.parts)
        print(f"wrote {options.out} ({len(content) / 1e6:.1f} MB): {parts}")
