"""`seviz evaluate`: accuracy with its interval, per class, confusion, calibration; on request the life of the gates."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from seviz.card_words import points
from seviz.cli import corruptions
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
    import torch
    from torch import nn

    from seviz.analysis.classification import Classification
    from seviz.card import Card
    from seviz.checkpoints import Checkpoint
    from seviz.data import PictureSet
    from seviz.evaluation import Evaluation
    from seviz.gate_life import GateLife

MOST_CLASSES = 20  # up to which every class has its line, and the confusion is printed


def add(commands: Any) -> None:
    command = commands.add_parser("evaluate", help="measure a network on a data set")
    add_pass_options(command, batch=corruptions.BATCH)
    command.add_argument("--gate-life", action="store_true", help="also what is lost when gates are shuffled or static")
    command.add_argument("--update-card", action="store_true", help="write what --gate-life measures into the network's card")
    command.add_argument("--mirror", action="store_true", help="mean logits of every picture and its mirror image")
    command.add_argument("--corruptions", action="store_true", help="corrupted pictures instead: writes corruptions.json")
    least = whole(2, 10**9, "number of at least 2")
    command.add_argument("--limit", type=least, metavar="N", help="with --corruptions: pictures at most; all")
    command.add_argument("--resume", action="store_true", help="with --corruptions: go on where a killed run stopped")
    command.add_argument("--seed", type=not_negative, default=0, help="of all that is random; 0")
    about_out = "write the logits of every picture: evaluation.npz; with --corruptions, corruptions.json elsewhere"
    command.add_argument("--out", type=path, metavar="FILE", help=about_out)
    command.add_argument("--json", action="store_true", help="print one JSON object")
    add_machine_options(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    from seviz.analysis.classification import summarise
    from seviz.checkpoints import open_checkpoint
    from seviz.data import open_data
    from seviz.evaluation import save

    if options.mirror and (options.out or options.corruptions):
        raise RequestError("--mirror only prints its figures: --out and --corruptions keep those of single pictures.")
    if options.out:
        require_place(options.out, folder=False)
    if options.update_card and not options.gate_life:
        raise RequestError("--update-card writes what --gate-life measures: give both.")
    if options.corruptions:
        corruptions.run(options)
        return
    if options.resume or options.limit:
        raise RequestError("--limit and --resume are of --corruptions; an evaluation is made of all pictures at once.")
    checkpoint, device = open_checkpoint(options.model), use_machine(options)
    name, card, net = checkpoint.name, checkpoint.card, checkpoint.network().to(device)
    with reading(f"reading {options.split}") as progress:
        read = open_data(options.data, options.split, fit_to=card.preprocessing, progress=progress)
    data = read.labelled_as(card.classes)
    if options.update_card:
        _require_own(card, data)
    found, life = _measure(net, card, data, options)
    if options.update_card and life:
        _update_card(checkpoint, life)
    if options.out:
        save(options.out, found)
    figures = summarise(found.logits, found.labels, card.classes)
    if options.json:
        about = {**_about(name, card, data, device), **({"mirrored": True} if options.mirror else {})}
        print_json({**about, **figures.to_json(), **({"gate_life": life.to_json()} if life else {})})
    else:
        heading = _heading(name, data) + (["mean logits of every picture and its mirror image"] if options.mirror else [])
        print("\n".join([*heading, *_overall(figures), "", *_classes(figures), "", *_confusion(figures)]))
        if life:
            print("\n".join(["", *_gate_life(life)]))


def _measure(
    net: nn.Module, card: Card, data: PictureSet, options: argparse.Namespace
) -> tuple[Evaluation, GateLife | None]:
    from seviz.evaluation import evaluate, gate_life

    batch, preprocessing, life = options.batch, card.preprocessing, None
    if options.gate_life:  # first, because it may refuse
        with counting("gates") as progress:
            life = gate_life(net, data, preprocessing, batch=batch, seed=options.seed, progress=progress)
    with counting("evaluation") as progress:
        sha256, mirrored = card.weights_sha256, options.mirror
        found = evaluate(
            net, data, preprocessing, batch=batch, weights_sha256=sha256, mirrored=mirrored, progress=progress
        )
    return found, life


def _require_own(card: Card, data: PictureSet) -> None:
    """A card tells figures of its own test split alone, where it knows one. Raises RequestError."""
    test = card.data.test
    if not card.sealed:
        raise RequestError(f"The card of {card.name} was edited by hand; --update-card would vouch for that, so leave it out.")
    if test.count and not data.key.same_samples(test):
        raise RequestError(
            f"{data.name}, {data.split}, holds other pictures than the {test.count:,} of {test.name}, {test.split}, that the "
            f"card of {card.name} is about; measure on those, or leave --update-card out."
        )


def _update_card(checkpoint: Checkpoint, life: GateLife) -> None:
    """The card with what was measured of its gates and the command that gives it again."""
    from seviz.checkpoints import write_card

    card = checkpoint.card
    command = ["python", "-m", "seviz", "evaluate", "--model", checkpoint.name, "--data", life.data, "--gate-life"]
    command += ["--split", life.split] if life.split != "test" else []
    command += ["--seed", str(life.seed)] if life.seed else []
    write_card(checkpoint.folder, replace(card, gate_life=life, commands={**card.commands, "gate_life": shlex.join(command)}))


def _about(name: str, card: Card, data: PictureSet, device: torch.device) -> dict[str, object]:
    return {
        "model": name,
        "weights_sha256": card.weights_sha256,
        "data": data.name,
        "split": data.split,
        "samples_sha256": data.key.sha256,
        "unreadable": list(data.unreadable),
        "device": str(device),
    }


def _heading(name: str, data: PictureSet) -> list[str]:
    left_out = [f"left out: {sentence}" for sentence in data.unreadable]
    return [f"{name} on {data.name}, {data.split}, {len(data):,} pictures", *left_out]


def _overall(figures: Classification) -> list[str]:
    low, high = figures.interval
    lines = [f"accuracy   {figures.accuracy:.2%}  ({low:.2%} to {high:.2%}: Wilson, 95 %)"]
    if figures.top5 is not None:
        lines.append(f"top-5      {figures.top5:.2%}")
    return [*lines, f"loss       {figures.loss:.4f}", f"ECE        {figures.ece:.2%}"]


def _classes(figures: Classification) -> list[str]:
    """A line a class; where there are many, those without pictures are only counted."""
    width = max(len(label) for label in (*figures.classes, "class"))
    lines = [f"{'class':<{width}} {'pictures':>9} {'precision':>10} {'recall':>8} {'F1':>8}"]
    for one in figures.per_class:
        if not one.support and len(figures.per_class) > MOST_CLASSES:
            continue
        rates = (_percent(one.precision, 10), _percent(one.recall, 8), _percent(one.f1, 8))
        lines.append(f"{one.label:<{width}} {one.support:>9} {' '.join(rates)}")
    if left_out := 1 + len(figures.per_class) - len(lines):
        lines.append(f"and {left_out:,} classes without pictures")
    return lines


def _percent(value: float | None, width: int) -> str:
    return f"{value:>{width}.2%}" if value is not None else f"{'-':>{width}}"


def _confusion(figures: Classification) -> list[str]:
    """Rows are true, columns predicted; left out where a terminal could not hold it."""
    count = len(figures.classes)
    if count > MOST_CLASSES:
        return [f"confusion: {count} x {count}; use --json"]
    width = max(len(label) for label in figures.classes)
    cell = max(5, len(str(figures.confusion.max())) + 1)
    lines = ["confusion (rows true, columns predicted, in the same order)"]
    for label, row in zip(figures.classes, figures.confusion.tolist(), strict=True):
        lines.append(f"{label:<{width}} {''.join(f'{value:>{cell}}' for value in row)}")
    return lines


def _gate_life(life: GateLife) -> list[str]:
    lines = [f"gates: accuracy {life.live:.2%} live, {life.shuffled:.2%} shuffled between pictures, {life.static:.2%} static"]
    alive = f"alive at {life.sites_alive} of {len(life.deviations)} sites"
    lines += [f"lost when shuffled {points(life.lost_by_shuffling, life.shuffling_interval)}"]
    lines += [f"lost when static   {points(life.lost_when_static, life.static_interval)}"]
    lines.append(f"standard deviation over pictures, mean over channels; {alive}")
    marks = dict.fromkeys(life.still_sites, "  hardly moves")
    return lines + [f"{site:<20} {value:.3f}{marks.get(site, '')}" for site, value in life.deviations.items()]
