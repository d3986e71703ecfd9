"""`seviz excite`: the gates of a network over a data set, to excitation.npz and gates.npz."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from seviz.cli.common import (
    add_machine_options,
    add_pass_options,
    counting,
    path,
    print_json,
    reading,
    require_place,
    use_machine,
)

if TYPE_CHECKING:
    from pathlib import Path

    from seviz.excitation import Excited


def add(commands: Any) -> None:
    command = commands.add_parser("excite", help="measure the gates of a network over a data set")
    add_pass_options(command, batch=250)
    command.add_argument("--out", type=path, metavar="DIR", help="where the files go; beside the checkpoint when not given")
    command.add_argument("--resume", action="store_true", help="go on where a killed run stopped, if there is one")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    add_machine_options(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    from seviz.checkpoints import open_checkpoint
    from seviz.data import open_data
    from seviz.excitation import EXCITATION_FILE, GATES_FILE, excite, require_no_state

    if options.out:
        require_place(options.out, folder=True)
    checkpoint = open_checkpoint(options.model)
    card, folder = checkpoint.card, options.out or checkpoint.folder
    for name in (EXCITATION_FILE, GATES_FILE):
        require_place(folder / name, folder=False)
    if not options.resume:
        require_no_state(folder)
    device = use_machine(options)
    net = checkpoint.network().to(device)
    with reading(f"reading {options.split}") as progress:
        read = open_data(options.data, options.split, fit_to=card.preprocessing, progress=progress)
    data = read.labelled_as(card.classes)
    with counting("gates") as progress, counting("projections", unit=" sites") as projecting:
        found = excite(
            net,
            data,
            card.preprocessing,
            folder,
            weights_sha256=card.weights_sha256,
            batch=options.batch,
            resume=options.resume,
            progress=progress,
            projecting=projecting,
        )
    if options.json:
        print_json({"model": checkpoint.name, "device": str(device), **_figures(found, folder)})
    else:
        print("\n".join(_lines(checkpoint.name, found, folder)))


def _figures(found: Excited, folder: Path) -> dict[str, Any]:
    from seviz.excitation import EXCITATION_FILE, GATES_FILE

    key, excitation = found.excitation.key, found.excitation
    rows = [
        {**asdict(site), "mean": mean, "deviation": deviation, "silent": silent}
        for site, mean, deviation, silent in _by_site(found)
    ]
    return {
        "weights_sha256": key.weights_sha256,
        "data": key.data.name,
        "split": key.data.split,
        "samples_sha256": key.data.sha256,
        "n": excitation.n,
        "classes": dict(zip(key.classes, excitation.count.tolist(), strict=True)),
        "resumed": found.resumed,
        "sites": rows,
        "samples": len(found.samples.ids),
        "projections": bool(found.samples.projections),
        "files": {name: (folder / name).stat().st_size for name in (EXCITATION_FILE, GATES_FILE)},
    }


def _by_site(found: Excited) -> list[tuple[Any, float, float, int]]:
    """Per site: mean gate, standard deviation over pictures (mean over channels), hidden units that never fired."""
    import numpy as np

    n, rows = found.excitation.n, []
    for site in found.excitation.key.sites:
        one = found.excitation.sites[site.path]
        mean = one.gate_sum.sum(0) / n
        deviation = np.sqrt(np.maximum(one.gate_squares.sum(0) / n - mean**2, 0))
        rows.append((site, float(mean.mean()), float(deviation.mean()), int((one.fired == 0).sum())))
    return rows


def _lines(name: str, found: Excited, folder: Path) -> list[str]:
    figures = _figures(found, folder)
    data = found.excitation.key.data
    lines = [f"{name} on {data.name}, {data.split}, {found.excitation.n:,} pictures"]
    if found.resumed:
        lines.append(f"continued after {found.resumed:,} pictures")
    lines.append(f"{'site':<20} {'channels':>8} {'mean gate':>10} {'deviation':>10} {'silent units':>13}")
    for site, mean, deviation, silent in _by_site(found):
        lines.append(f"{site.path:<20} {site.channels:>8} {mean:>10.3f} {deviation:>10.3f} {f'{silent} of {site.hidden}':>13}")
    if not found.samples.projections:
        lines.append("without projections of the samples: scikit-learn is not installed")
    lines += [f"wrote {folder / file} ({size / 1e6:.2f} MB)" for file, size in figures["files"].items()]
    return lines
