"""`seviz faithfulness`: whether the maps of a network say what it looks at, over a sample of pictures."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING, Any

from seviz.cli.common import (
    add_machine_options,
    counting,
    not_negative,
    path,
    print_json,
    reading,
    require_place,
    use_machine,
    whole,
)

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from seviz.backend import Model
    from seviz.checkpoints import Checkpoint
    from seviz.data import PictureSet
    from seviz.faithfulness import Checked, Faithfulness, Setting

SAMPLES = 100


def add(commands: Any) -> None:
    about = (
        "Deletion and insertion of pixels, infidelity, max-sensitivity and networks with redrawn weights, for the maps of the "
        "predicted class over a sample with as many pictures of every class."
    )
    command = commands.add_parser("faithfulness", help="measure whether maps say what a network looks at", description=about)
    command.add_argument("--model", required=True, metavar="M", help="a name that `seviz models` lists, or a path")
    command.add_argument("--data", required=True, metavar="D", help="cifar10 or folder:PATH")
    command.add_argument("--split", choices=("train", "test"), default="test")
    least = whole(2, 10**6, "number of at least 2")
    command.add_argument("--samples", type=least, metavar="N", default=SAMPLES, help=f"pictures at most; {SAMPLES}")
    command.add_argument("--methods", metavar="A,B", help="such as gradcam,integrated_gradients; all when not given")
    command.add_argument("--layer", metavar="L", help="of Grad-CAM and Guided Grad-CAM; the last stage when not given")
    command.add_argument("--seed", type=not_negative, default=0, help="of the sample and of all that is random; 0")
    command.add_argument("--out", type=path, metavar="FILE", help="faithfulness.json beside the checkpoint when not given")
    command.add_argument("--resume", action="store_true", help="go on where a killed run stopped, if there is one")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    add_machine_options(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    from seviz.attribution import METHODS
    from seviz.checkpoints import open_checkpoint
    from seviz.data import open_data
    from seviz.faithfulness import FAITHFULNESS_FILE, require_methods

    methods = tuple(METHODS if options.methods is None else options.methods.split(","))
    require_methods(methods)
    if options.out:
        require_place(options.out, folder=False)
    checkpoint = open_checkpoint(options.model)
    checkpoint.require_weights()
    with reading(f"reading {options.split}") as progress:
        read = open_data(options.data, options.split, fit_to=checkpoint.card.preprocessing, progress=progress)
    out = options.out or checkpoint.folder / FAITHFULNESS_FILE
    try:
        found = _measure(checkpoint, read.labelled_as(checkpoint.card.classes), methods, out, options)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("stopped; the same command with --resume goes on where it was saved.") from None
    if options.json:
        print_json({"model": checkpoint.name, "file": str(out), **found.to_json()})
    else:
        print("\n".join([*_heading(checkpoint.name, found), *_table(found), "", *found.findings, "", f"wrote {out}"]))


def _measure(
    checkpoint: Checkpoint, data: PictureSet, methods: tuple[str, ...], out: Path, options: argparse.Namespace
) -> Faithfulness:
    from seviz.backend import load
    from seviz.faithfulness import Sampling, Setting, measure

    with load(checkpoint.folder, device=use_machine(options)) as model, counting("maps") as progress:
        sampling = Sampling(
            weights_sha256=model.sha256,
            methods=methods,
            layer=options.layer or model.layers[-1],
            command=_command(checkpoint.name, data, options),
            samples=options.samples,
            setting=Setting(seed=options.seed),
            resume=options.resume,
            device=model.device,
            progress=progress,
        )
        return measure(lambda pixels, setting: _ask(model, pixels, sampling, setting), data, out, sampling)


def _ask(model: Model, pixels: NDArray[np.uint8], sampling: Any, setting: Setting) -> tuple[Checked, ...]:
    predicted = model.inspect(pixels, layers=()).predictions(1)[0].index
    return model.faithfulness(pixels, predicted, sampling.methods, layer=sampling.layer, setting=setting)


def _command(name: str, data: PictureSet, options: argparse.Namespace) -> str:
    """The command that gives the figures again, without a path of this machine."""
    command = ["python", "-m", "seviz", "faithfulness", "--model", name, "--data", data.name]
    command += ["--split", options.split] if options.split != "test" else []
    command += ["--samples", str(options.samples)] if options.samples != SAMPLES else []
    command += ["--methods", options.methods] if options.methods else []
    command += ["--layer", options.layer] if options.layer else []
    command += ["--seed", str(options.seed)] if options.seed else []
    return shlex.join(command)


def _heading(name: str, found: Faithfulness) -> list[str]:
    return [
        f"{name}, maps of the predicted class, {found.n:,} pictures of {found.data.name}, {found.data.split} "
        f"({found.right:,} predicted right)",
        f"Grad-CAM at {found.layer}; means with 95 % bootstrap intervals over pictures",
        "* better, ! worse than a random order (deletion, insertion) or than the map's values in other places",
    ]


def _table(found: Faithfulness) -> list[str]:
    from seviz.analysis.faithfulness import wide

    columns = [[name, *(str(cell) for cell in cells)] for name, cells in wide(found.methods).items()]
    widths = [max(map(len, column)) for column in columns]
    rows = zip(*columns, strict=True)
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
