"""`seviz cost`: what SE blocks cost in every family of the paper, counted here, beside the paper's tables."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from seviz.cli.common import add_machine_options, counting, print_json, use_machine, whole

if TYPE_CHECKING:
    from seviz.backend import Latency
    from seviz.families import Row

Times = dict[str, tuple["Latency", "Latency"]]


def add(commands: Any) -> None:
    about = "Networks are counted without weights; --latency builds them with random ones, two at a time."
    command = commands.add_parser("cost", help="plain networks against SE ones, beside the paper's", description=about)
    command.add_argument("--size", type=whole(8, 1024), default=224, metavar="SIZE", help="pictures of SIZE x SIZE; 224")
    command.add_argument("--latency", action="store_true", help="also how long a picture takes on this machine: minutes")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    add_machine_options(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    from seviz import families
    from seviz.machine import hardware, versions

    device = use_machine(options)
    with counting("counting", " families") as progress:
        found = families.rows(options.size, progress=progress)
    times = _latencies(found, options.size, str(device)) if options.latency else {}
    if options.json:
        about = {"size": options.size, "counted": families.COUNTED, "hardware": hardware(device), "versions": versions()}
        print_json({**about, "families": [_plain(row, times) for row in found]})
    else:
        print("\n".join(_text(found, times, options.size)))


def _latencies(found: tuple[Row, ...], side: int, device: str) -> Times:
    from seviz.families import time_both

    times = {}
    for row in found:
        if row.counted:
            with counting(f"timing {row.family.title}", " rounds") as progress:
                times[row.family.title] = time_both(row.family, side, device=device, progress=progress)
    return times


def _plain(row: Row, times: Times) -> dict[str, object]:
    both = times.get(row.family.title, ())
    return {**row.to_json(), "latency": [vars(one) for one in both]}


def _text(found: tuple[Row, ...], times: Times, side: int) -> list[str]:
    from seviz.families import COUNTED, PLACED

    heads = (("", 20), ("parameters (M)", 25), ("multiply-adds (G)", 27), ("paper (G)", 16), ("paper, top-1 error (%)", 24))
    lines = ["".join(f"{head:>{width}}" for head, width in heads)]
    columns = ("plain", 8), ("SE", 8), ("more", 9), ("plain", 9), ("SE", 9), ("more", 9), ("plain", 9), ("SE", 7)
    lines.append(f"{'network':<20}" + "".join(f"{name:>{width}}" for name, width in (*columns, ("plain", 16), ("SE", 8))))
    lines += [_line(row) for row in found]
    lines += ["", COUNTED, f"{PLACED}. Pictures of {side} x {side}, 1,000 classes.", ""]
    lines += [f"{row.family.title:<20} {row.family.typed or '-':<52} {row.problem or row.family.note}" for row in found]
    return [*lines, "", *_accuracies(found), *_milliseconds(times)]


def _line(row: Row) -> str:
    line = f"{row.family.title:<20}"
    if row.counted:
        plain, se = row.counted.plain, row.counted.se
        line += f"{plain.parameters / 1e6:8.2f}{se.parameters / 1e6:8.2f}{row.counted.more_parameters:+9.2%}"
        line += f"{plain.multiply_adds / 1e9:9.4f}{se.multiply_adds / 1e9:9.4f}{row.counted.more_multiply_adds:+9.3%}"
    else:
        line += f"{'-':>8}{'-':>8}{'-':>9}{'-':>9}{'-':>9}{'-':>9}"
    if not row.paper:
        return f"{line}{'-':>9}{'-':>7}{'-':>16}{'-':>8}"
    theirs, with_se = row.paper.plain, row.paper.se
    return f"{line}{theirs.multiply_adds:9.4g}{with_se.multiply_adds:7.4g}{theirs.top1:16.2f}{with_se.top1:8.2f}"


def _accuracies(found: tuple[Row, ...]) -> list[str]:
    """What was measured on the checkpoints of this machine."""
    lines = []
    for row in found:
        for one in row.measured:
            low, high = one.interval
            words = f"{one.top1:.2%} right ({low:.2%} to {high:.2%}) of {one.n:,} pictures of {one.data}, {one.classes} classes"
            lines.append(f"{row.family.title:<20} {'SE' if one.se else 'plain':<6} {one.model}: {words}")
    command = "python -m seviz evaluate --model M --data folder:IMAGENET/val --out FOLDER/evaluation.npz"
    nothing = "Accuracy is not measured here: no checkpoint on this machine is of one of these networks."
    return lines or [nothing, f"    {command}"]


def _milliseconds(times: Times) -> list[str]:
    if not times:
        return []
    first = next(iter(times.values()))[0]
    where = f"{first.device}, {first.threads} of {first.cores} cores" if first.device == "cpu" else first.device
    what = f"Milliseconds of one picture, median (middle half) of {first.repeats} passes in turn, random weights"
    lines = ["", f"{what}; {where}."]
    for title, (plain, se) in times.items():
        both = [f"{one.median:8.1f} ({one.low:.1f} to {one.high:.1f})" for one in (plain, se)]
        lines.append(f"{title:<20} plain {both[0]:<28} SE {both[1]:<28} {se.median / plain.median - 1:+.1%}")
    return lines
