"""`seviz ablate`: what the gates of every site, every stage and the whole network are worth on a data set."""

from __future__ import annotations

import argparse
import shlex
import time
from typing import TYPE_CHECKING, Any

from seviz.cli.common import (
    add_machine_options,
    add_pass_options,
    counting,
    not_negative,
    path,
    positive,
    print_json,
    reading,
    require_place,
    use_machine,
)

if TYPE_CHECKING:
    from pathlib import Path

    from seviz.ablation import Ablation
    from seviz.analysis.ablation import Effect
    from seviz.checkpoints import Checkpoint
    from seviz.data import PictureSet
    from seviz.excitation import Excitation

COLUMNS = {"1": "at 1", "mean": "static mean", "class": "class mean", "shuffle": "shuffled"}


def add(commands: Any) -> None:
    about = (
        "Accuracy when the gates of a site, a stage or all sites become 1 (or another value that takes them out), "
        "their mean over the pictures, the mean of the "
        "picture's true class, or those of another picture."
    )
    command = commands.add_parser("ablate", help="measure what the gates of a network are worth", description=about)
    add_pass_options(command, batch=100)
    command.add_argument("--seed", type=not_negative, default=0, help="of the shuffling and the intervals; 0")
    about_curves = "also drop channels one after the other, over N pictures: deletion and insertion curves of every site"
    command.add_argument("--curves", type=positive, default=0, metavar="N", help=about_curves)
    about_channels = (
        "also drop every channel alone, over N pictures: what each is worth, beside its gate (a tenth of a second a picture "
        "for an SE-ResNet-20 on one CPU core)"
    )
    command.add_argument("--channels", type=positive, default=0, metavar="N", help=about_channels)
    command.add_argument("--out", type=path, metavar="FILE", help="ablation.json beside the checkpoint when not given")
    about_resume = "go on after a kill, or add what a finished file lacks; what it has stays"
    command.add_argument("--resume", action="store_true", help=about_resume)
    command.add_argument("--json", action="store_true", help="print one JSON object")
    add_machine_options(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    from seviz.ablation import ABLATION_FILE
    from seviz.checkpoints import open_checkpoint
    from seviz.data import open_data

    if options.out:
        require_place(options.out, folder=False)
    checkpoint = open_checkpoint(options.model)
    checkpoint.require_weights()
    with reading(f"reading {options.split}") as progress:
        read = open_data(options.data, options.split, fit_to=checkpoint.card.preprocessing, progress=progress)
    out = options.out or checkpoint.folder / ABLATION_FILE
    begun = time.monotonic()
    try:
        found = _measure(checkpoint, read.labelled_as(checkpoint.card.classes), out, options)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("stopped; the same command with --resume goes on where it was saved.") from None
    if options.json:
        print_json({"model": checkpoint.name, "file": str(out), **found.to_json()})
    else:
        lines = [*_heading(checkpoint.name, found), *_table(found), *_curves(found), *_channels(checkpoint, found)]
        seconds = time.monotonic() - begun
        print("\n".join([*lines, "", *found.findings, "", f"measured in {seconds:,.0f} s", f"wrote {out}"]))


def _measure(checkpoint: Checkpoint, data: PictureSet, out: Path, options: argparse.Namespace) -> Ablation:
    from seviz.ablation import Setting, ablate

    card, net = checkpoint.card, checkpoint.network().to(use_machine(options))
    with (
        counting("mean gates") as measuring,
        counting("edits") as progress,
        counting("channels") as dropping,
        counting("curves") as drawing,
    ):
        setting = Setting(
            weights_sha256=card.weights_sha256,
            command=_command(checkpoint.name, data, options),
            excitation=_excitation(checkpoint),
            batch=options.batch,
            seed=options.seed,
            resume=options.resume,
            measuring=measuring,
            progress=progress,
            curves=options.curves,
            drawing=drawing,
            channels=options.channels,
            dropping=dropping,
        )
        return ablate(net, data, card.preprocessing, out, setting)


def _excitation(checkpoint: Checkpoint) -> Excitation | None:
    """Statistics of the checkpoint, if they are good for anything: what they would have given is computed otherwise."""
    from seviz.errors import CheckpointError

    try:
        return checkpoint.excitation()
    except CheckpointError:
        return None


def _command(name: str, data: PictureSet, options: argparse.Namespace) -> str:
    """The command that gives the figures again, without a path of this machine."""
    command = ["python", "-m", "seviz", "ablate", "--model", name, "--data", data.name]
    command += ["--split", options.split] if options.split != "test" else []
    command += ["--seed", str(options.seed)] if options.seed else []
    command += ["--curves", str(options.curves)] if options.curves else []
    command += ["--channels", str(options.channels)] if options.channels else []
    return shlex.join(command)


def _heading(name: str, found: Ablation) -> list[str]:
    low, high = found.live.interval
    return [
        f"{name} on {found.data.name}, {found.data.split}, {found.n:,} pictures",
        f"accuracy with its own gates {found.live.accuracy:.2%}  ({low:.2%} to {high:.2%}: Wilson, 95 %)",
        f"mean gates: {found.means}",
        f"{found.close:,} of {(len(found.effects) + 1) * found.n:,} predictions are decided by less than 0.001",
        *_neutral(found),
        "points of accuracy that an edit changes, with paired 95 % bootstrap intervals, and mean |change of a logit|",
    ]


def _neutral(found: Ablation) -> list[str]:
    """Where a gate at 1 would not take it out."""
    others = {f"{site.neutral:g}" for site in found.sites if site.neutral != 1}
    return [f"at 1: at the value that takes a gate out, here {' or '.join(sorted(others))}"] if others else []


def _table(found: Ablation) -> list[str]:
    wheres = list(dict.fromkeys(one.where for one in found.effects))
    width = max(len(where) for where in wheres)
    lines = [f"{'gates':<{width}} " + " ".join(f"{name:>33}" for name in COLUMNS.values())]
    for where in wheres:
        cells = [_cell(found.effect(where, gate)) for gate in COLUMNS]
        lines.append(f"{where:<{width}} " + " ".join(f"{cell:>33}" for cell in cells))
    return lines


def _cell(one: Effect) -> str:
    low, high = (100 * end for end in one.interval)
    return f"{100 * one.difference:+.2f} ({low:+.2f} to {high:+.2f}) {one.delta_logit:6.3f}"


def _curves(found: Ablation) -> list[str]:
    """Areas by site and order, deletion / insertion."""
    from seviz.analysis.deletion import ORDERS

    if not found.curves:
        return []
    by_name = {(one.site, one.kind, one.order): one for one in found.curves}
    about = f"areas under deletion / insertion curves of channels, {found.curve_pictures:,} pictures; * beside random, at 95 %"
    lines = ["", about, f"{'site':<20} " + " ".join(f"{order:>17}" for order in ORDERS)]
    for site in found.sites:
        cells = []
        for order in ORDERS:
            both = [by_name[site.path, kind, order] for kind in ("deletion", "insertion")]
            cells.append(" / ".join(f"{one.area:.3f}{'*' if one.knows else ' '}" for one in both).rjust(17))
        lines.append(f"{site.path:<20} " + " ".join(cells))
    return lines


def _channels(checkpoint: Checkpoint, found: Ablation) -> list[str]:
    """The strongest channel of every site; beside statistics of the gates, what these say of the channels that matter."""
    from seviz.analysis.importance import KNOWN, TOGETHER, correlations, network_sentence

    if not found.channels:
        return []
    lines = ["", f"every channel dropped alone, {found.channels[0].n:,} pictures: the one that moves the logits most"]
    for one in found.channels:
        strongest = int(one.logit.argmax())
        points = f"accuracy {100 * one.difference[strongest]:+.1f} points"
        words = f"channel {strongest} by {one.delta_logit[strongest]:.3f}, {points}"
        lines.append(f"{one.site:<20} {words}; median channel {sorted(one.delta_logit)[one.channels // 2]:.3f}")
    statistics = _excitation(checkpoint)
    if statistics is not None:
        ranked = correlations([(one, statistics.moments(one.site)) for one in found.channels], "logit")
        lines += ["", *(network_sentence(name, "logit", ranked[name][0], ranked[name][len(TOGETHER) :]) for name in KNOWN)]
    return lines
