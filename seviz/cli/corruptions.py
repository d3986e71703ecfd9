"""`seviz evaluate --corruptions`: what corrupted pictures cost, and whether gates adapt or break."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from seviz.cli.common import counting, print_json, reading, use_machine
from seviz.errors import RequestError

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from seviz.analysis.corruptions import Beside, Condition
    from seviz.checkpoints import Checkpoint
    from seviz.corruptions import Corruptions, Setting
    from seviz.data import PictureSet


BATCH = 250  # pictures at a time where nobody says how many, in `seviz sweep` as well: the same figures bit for bit


def run(options: argparse.Namespace) -> None:
    """Measure, store, and print a table with the findings. Raises RequestError together with --gate-life."""
    from seviz.checkpoints import open_checkpoint
    from seviz.corruptions import CORRUPTIONS_FILE, Setting
    from seviz.data import open_data

    if options.gate_life:
        raise RequestError("--gate-life and --corruptions are two measurements; ask for one after the other.")
    checkpoint = open_checkpoint(options.model)
    with reading(f"reading {options.split}") as progress:
        read = open_data(options.data, options.split, fit_to=checkpoint.card.preprocessing, progress=progress)
    out = options.out or checkpoint.folder / CORRUPTIONS_FILE
    data = read.labelled_as(checkpoint.card.classes)
    setting = Setting(
        weights_sha256=checkpoint.card.weights_sha256,
        command=command(checkpoint.name, data, options.limit, options.seed),
        limit=options.limit,
        seed=options.seed,
        batch=options.batch,
        resume=options.resume,
    )
    try:
        found = measured(checkpoint, data, out, setting, use_machine(options))
    except KeyboardInterrupt:
        raise KeyboardInterrupt("stopped; the same command with --resume goes on where it was saved.") from None
    if options.json:
        print_json({"model": checkpoint.name, "file": str(out), **found.to_json()})
    else:
        print("\n".join([*_heading(checkpoint.name, found), *_table(found), "", *found.findings, "", f"wrote {out}"]))


def measured(checkpoint: Checkpoint, data: PictureSet, out: Path, setting: Setting, device: torch.device) -> Corruptions:
    """Measure a network on `data`, whose labels are its own, under two progress bars, and write it to `out`."""
    from seviz.corruptions import measure

    with counting("clean pictures") as looking, counting("corrupted pictures") as progress:
        told = replace(setting, looking=looking, progress=progress)
        return measure(checkpoint.network().to(device), data, checkpoint.card.preprocessing, out, told)


def command(name: str, data: PictureSet, limit: int | None = None, seed: int = 0) -> str:
    """The command that gives the figures again, without a path of this machine."""
    words = ["python", "-m", "seviz", "evaluate", "--model", name, "--data", data.name, "--corruptions"]
    words += ["--split", data.split] if data.split != "test" else []
    words += ["--limit", str(limit)] if limit else []
    return shlex.join(words + (["--seed", str(seed)] if seed else []))


def _heading(name: str, found: Corruptions) -> list[str]:
    of = f", {found.n:,} of {found.data.count:,} pictures" if found.n < found.data.count else f", {found.n:,} pictures"
    lines = [f"{name} on {found.data.name}, {found.data.split}{of}, corrupted at the size that the network sees"]
    lines.append("accuracy with Wilson's interval; points beside the clean pictures, with paired 95 % intervals")
    if found.sites:
        lines.append("own gates minus the clean picture's, and minus static ones: above 0 the gates adapt, below they break")
    return lines


def _table(found: Corruptions) -> list[str]:
    width = max(len(one.title) for one in found.conditions)
    heads = [f"{'own - clean gates':>26}", f"{'own - static gates':>26}", f"{'gates move':>11}"] if found.sites else []
    head = [f"{'':<{width}}", f"{'accuracy':>26}", f"{'points':>26}", f"{'loss':>8}", *heads]
    return [" ".join(head), *(_row(found, one, width) for one in found.conditions)]


def _row(found: Corruptions, one: Condition, width: int) -> str:
    from seviz.analysis.corruptions import shares

    low, high = one.interval
    cells = [f"{one.title:<{width}}", f"{f'{one.accuracy:.2%} ({low:.2%} to {high:.2%})':>26}"]
    cells += [f"{_points(one.difference, one.difference_interval):>26}", f"{one.loss:>8.3f}"]
    if found.sites:
        cells += [f"{_beside(one.held):>26}", f"{_beside(one.static):>26}", f"{max(shares(one, found.apart)):>11.2f}"]
    return " ".join(cells).rstrip()


def _beside(one: Beside | None) -> str:
    return _points(one.difference, one.interval) if one else "-"


def _points(difference: float, interval: tuple[float, float]) -> str:
    low, high = (100 * end for end in interval)
    return f"{100 * difference:+.2f} ({low:+.2f} to {high:+.2f})"
