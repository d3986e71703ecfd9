"""`seviz strip`: a checkpoint written again without its weights, as the seeds ship that stand beside the best one."""

from __future__ import annotations

import argparse
from typing import Any

from seviz.cli.common import path, require_place


def add(commands: Any) -> None:
    command = commands.add_parser("strip", help="write a checkpoint's card, history and evaluation to a new folder, no weights")
    command.add_argument("--model", required=True, metavar="M", help="a name that `seviz models` lists, or a path")
    command.add_argument("--out", required=True, type=path, metavar="FOLDER", help="what is made; its name becomes the card's")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    require_place(options.out, folder=True)
    from seviz.checkpoints import open_checkpoint, strip_checkpoint

    made = strip_checkpoint(open_checkpoint(options.model), options.out)
    files = sorted(file.name for file in made.folder.iterdir())
    size = sum((made.folder / name).stat().st_size for name in files)
    print(f"wrote {options.out} ({size / 1e6:.2f} MB): {', '.join(files)}; the card says that the weights are not shipped.")
