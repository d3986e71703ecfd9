"""`seviz prune`: what dropped channels cost on a data set; with --by and --out, a pruned network as a checkpoint."""

from __future__ import annotations

import argparse
import hashlib
import shlex
from typing import TYPE_CHECKING, Any

from seviz.cli.common import (
    add_machine_options,
    add_pass_options,
    counting,
    not_negative,
    path,
    print_json,
    reading,
    require_place,
    use_machine,
    whole,
)
from seviz.errors import RequestError

if TYPE_CHECKING:
    from torch import nn

    from seviz.analysis.pruning import Level
    from seviz.card import Card
    from seviz.checkpoints import Checkpoint
    from seviz.data import PictureSet
    from seviz.evaluation import Evaluation
    from seviz.nets import ResNet
    from seviz.pruning import Pruning

SHARES = "0,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9"
SEEDS = 5


def add(commands: Any) -> None:
    about = (
        "Accuracy when a share of every branch's channels is dropped by mean gate, by magnitude and at random: writes "
        "pruning.json. With --by, --share and --out: writes the pruned network as a checkpoint."
    )
    command = commands.add_parser("prune", help="drop channels of a network and measure what is lost", description=about)
    add_pass_options(command, batch=100)
    many = command.add_argument_group("measuring")
    many.add_argument("--shares", type=shares, default=shares(SHARES), metavar="A,B,...", help=f"of the channels; {SHARES}")
    many.add_argument("--seeds", type=whole(2, 1000), default=SEEDS, metavar="N", help="random choices at each share; 5")
    many.add_argument("--resume", action="store_true", help="go on where a killed run stopped, if there is one")
    one = command.add_argument_group("one pruned network")
    one.add_argument("--by", metavar="CRITERION", help="gate, magnitude or random")
    one.add_argument("--share", type=share, help="of every branch's channels, 0 to below 1")
    one.add_argument("--seed", type=not_negative, default=0, help="of a random choice; 0")
    one.add_argument("--out", type=path, metavar="FOLDER", help="of the new checkpoint, such as checkpoints/NAME")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    add_machine_options(command)
    command.set_defaults(run=run)


def share(text: str) -> float:
    """A share of channels, for argparse."""
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is no share; it is a number from 0 to below 1") from None
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"a share of {text[:20]} cannot be dropped; it is a number from 0 to below 1")
    return value


def shares(text: str) -> tuple[float, ...]:
    """Shares between commas, for argparse."""
    return tuple(share(part) for part in text.split(","))


def run(options: argparse.Namespace) -> None:
    from seviz.checkpoints import open_checkpoint

    given = [name for name in ("by", "share", "out") if getattr(options, name) is not None]
    if given and len(given) < 3:
        raise RequestError("A pruned network is saved with --by, --share and --out together; without them shares are measured.")
    checkpoint = open_checkpoint(options.model)
    if given:
        _save(checkpoint, options)
    else:
        _measure(checkpoint, options)


def _measure(checkpoint: Checkpoint, options: argparse.Namespace) -> None:
    from seviz.pruning import PRUNING_FILE, Setting, criteria_of, measure, plan_of

    card, net = checkpoint.card, checkpoint.network().to(use_machine(options))
    excitation = checkpoint.excitation() if "gate" in criteria_of(net) else None
    plan_of(net, options.shares, options.seeds, excitation)  # what it refuses is said before the pictures are read
    data, out = _read(card, options), checkpoint.folder / PRUNING_FILE
    with counting("predictions", unit=" predictions") as progress:
        setting = Setting(
            weights_sha256=card.weights_sha256,
            command=_measuring(checkpoint.name, data, options),
            excitation=excitation,
            shares=options.shares,
            seeds=options.seeds,
            batch=options.batch,
            resume=options.resume,
            progress=progress,
        )
        try:
            found = measure(net, data, card.preprocessing, out, setting)
        except KeyboardInterrupt:
            raise KeyboardInterrupt("stopped; the same command with --resume goes on where it was saved.") from None
    if options.json:
        print_json({"model": checkpoint.name, "file": str(out), **found.to_json()})
    else:
        print("\n".join([*_heading(checkpoint.name, found), *_table(found), "", *found.findings, "", f"wrote {out}"]))


def _save(checkpoint: Checkpoint, options: argparse.Namespace) -> None:
    from seviz.checkpoints import EVALUATION_FILE, save_checkpoint, weights_of
    from seviz.evaluation import evaluate, save
    from seviz.pruning import kept_channels, prune, scores_of

    require_place(options.out, folder=True)
    if options.out.exists() and any(options.out.iterdir()):
        raise RequestError(f"--out {options.out} is there already; choose another folder.")
    card, net, device = checkpoint.card, checkpoint.network(), use_machine(options)
    excitation = checkpoint.excitation() if options.by == "gate" else None
    small = prune(net, kept_channels(scores_of(net, options.by, excitation, options.seed), options.share))
    data, sha256 = _read(card, options), hashlib.sha256(weights_of(small)).hexdigest()
    with counting("evaluation") as progress:
        preprocessing = card.preprocessing
        found = evaluate(small.to(device), data, preprocessing, batch=options.batch, weights_sha256=sha256, progress=progress)
    gates = f"{excitation.key.data.name}, {excitation.key.data.split}" if excitation else ""
    made = _card(card, net, small.to("cpu"), data, found, gates, options)
    save(options.out / EVALUATION_FILE, found)
    _tell(save_checkpoint(options.out, small, made), options)


def _read(card: Card, options: argparse.Namespace) -> PictureSet:
    from seviz.data import open_data

    with reading(f"reading {options.split}") as progress:
        read = open_data(options.data, options.split, fit_to=card.preprocessing, progress=progress)
    return read.labelled_as(card.classes)


def _card(
    card: Card,
    net: nn.Module,
    small: ResNet,
    data: PictureSet,
    found: Evaluation,
    gates: str,
    options: argparse.Namespace,
) -> Card:
    from seviz.analysis.classification import summarise
    from seviz.pruning import Cut, card_of_pruned
    from seviz.training.finish import metrics_of

    name, split = options.out.resolve().name, ["--split", options.split] if options.split != "test" else []
    on = ["--data", data.name, *split]
    prune = ["prune", "--model", card.name, *on, "--by", options.by, "--share", f"{options.share:g}"]
    prune += ["--seed", str(options.seed)] if options.by == "random" else []
    command = _typed(*prune, "--out", f"checkpoints/{name}")
    evaluate = _typed("evaluate", "--model", name, *on)
    metrics = metrics_of(summarise(found.logits, found.labels, data.classes), data, evaluate)
    cut = Cut(options.by, options.share, options.seed if options.by == "random" else 0, gates, command)
    return card_of_pruned(card, net, small, cut, name=name, metrics=metrics, evaluate=evaluate)


def _measuring(name: str, data: PictureSet, options: argparse.Namespace) -> str:
    """The command that gives the figures again, without a path of this machine."""
    command = ["prune", "--model", name, "--data", data.name]
    command += ["--split", options.split] if options.split != "test" else []
    command += ["--shares", ",".join(f"{one:g}" for one in options.shares)] if options.shares != shares(SHARES) else []
    return _typed(*command, *(["--seeds", str(options.seeds)] if options.seeds != SEEDS else []))


def _typed(*command: str) -> str:
    return shlex.join(["python", "-m", "seviz", *command])


def _tell(card: Card, options: argparse.Namespace) -> None:
    accuracy = card.metrics["accuracy"]
    if options.json:
        print_json({"model": card.name, "folder": str(options.out), **card.to_json()})
        return
    low, high = accuracy.interval or (accuracy.value, accuracy.value)
    print(card.description)
    print(f"accuracy {accuracy.value:.2%} ({low:.2%} to {high:.2%}) on {accuracy.data}, {accuracy.split}, n = {accuracy.n:,}")
    print(f"{card.parameters:,} parameters, {card.multiply_adds:,} multiply-adds\nwrote {options.out}")


def _heading(name: str, found: Pruning) -> list[str]:
    low, high = found.interval
    gates = [f"mean gates: of {found.gates}"] if found.gates else []
    return [
        f"{name} on {found.data.name}, {found.data.split}, {found.n:,} pictures",
        f"accuracy with all channels {found.accuracy:.2%}  ({low:.2%} to {high:.2%}: Wilson, 95 %)",
        *gates,
        f"{found.close:,} of {found.networks * found.n:,} predictions are decided by less than 0.001",
        f"points of accuracy beside it, with paired 95 % intervals; random: the mean of {found.seeds} seeds",
    ]


def _table(found: Pruning) -> list[str]:
    lines = [f"{'share':>5} {'parameters':>11} {'multiply-adds':>14} " + " ".join(f"{one:>28}" for one in found.criteria)]
    for cut in found.cuts[1:]:
        cells = " ".join(f"{_cell(found.level(one, cut.share)):>28}" for one in found.criteria)
        lines.append(f"{cut.share:>5.0%} {cut.parameters:>11,} {cut.multiply_adds:>14,} {cells}")
    return lines


def _cell(one: Level) -> str:
    low, high = (100 * end for end in one.interval)
    return f"{100 * one.difference:+.2f} ({low:+.2f} to {high:+.2f})"
