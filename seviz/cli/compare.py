"""`seviz compare`: two networks on the same samples, from their evaluations; on request their stages and their speed."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from seviz.cli import seeds
from seviz.cli.common import (
    MAX_BATCH,
    add_machine_options,
    counting,
    not_negative,
    print_json,
    require_place,
    use_machine,
    whole,
)
from seviz.errors import CheckpointError, DataError, RequestError

if TYPE_CHECKING:
    from seviz.analysis.comparison import Comparison, Side
    from seviz.backend import Latency
    from seviz.checkpoints import Checkpoint
    from seviz.evaluation import Evaluation
    from seviz.similarity import Similarity, Watched

Both = tuple["Checkpoint", "Checkpoint"]


def add(commands: Any) -> None:
    command = commands.add_parser("compare", help="set two networks against each other, from their evaluations")
    command.add_argument("first", metavar="A", help="a name that `seviz models` lists, or a path")
    command.add_argument("second", metavar="B", help="likewise; differences are A minus B")
    command.add_argument("--seed", type=not_negative, default=0, help="of the bootstrap and of the half that is held out; 0")
    command.add_argument("--data", metavar="D", help="cifar10 or folder:PATH: also how alike the stages are there (linear CKA)")
    command.add_argument("--split", choices=("train", "test"), help="of --data; test")
    command.add_argument("--batch", type=whole(1, MAX_BATCH), default=250, help="pictures at a time with --data; 250")
    command.add_argument("--latency", action="store_true", help="also how long a picture takes on this machine")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    add_machine_options(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    from seviz.analysis.comparison import compare, pair
    from seviz.checkpoints import open_checkpoint
    from seviz.seeds import over_seeds

    if options.split and not options.data:
        raise RequestError(f"--split {options.split} is of --data, which was not given; name the data set too.")
    options.split = options.split or "test"
    both = open_checkpoint(options.first), open_checkpoint(options.second)
    if both[0].folder.resolve() == both[1].folder.resolve():
        raise RequestError(f"{both[0].name} was named twice; a comparison needs two networks.")
    if both[0].card.classes != both[1].card.classes:
        _unlike(both, options)
        return
    stored = _evaluation(both[0]), _evaluation(both[1])
    if options.data:
        from seviz.similarity import file_name

        require_place(both[0].folder / file_name(both[1].name), folder=False)
    found = compare(pair(_side(both[0], stored[0]), _side(both[1], stored[1])), seed=options.seed)
    likeness, why_not = None, ""
    try:
        likeness = _similarity(both, stored[0], options)
    except CheckpointError as error:  # of a file that is kept: the rest does not hang on it
        if options.data:
            raise
        why_not = str(error)
    times = _latency(both, options) if options.latency else ()
    known = over_seeds(*both)
    if options.json:
        print_json({**_plain(both, stored[0], found, likeness, times), "seeds": seeds.plain(known)})
        return
    print("\n".join(_report(both, stored[0], found) + seeds.lines(known)))
    if likeness:
        print("\n".join(["", *_stages(likeness)]))
    if why_not:
        print(f"\nlikeness of stages: {why_not}")
    if times:
        print("\n".join(["", *(_time(one) for one in times)]))


def _unlike(both: Both, options: argparse.Namespace) -> None:
    """What can be told of two networks that know different classes: what each costs, and on request stages and speed."""
    from seviz.analysis.comparison import other_classes

    why = other_classes(both[0].name, both[1].name)
    likeness = _computed(both, None, options) if options.data else None
    times = _latency(both, options) if options.latency else ()
    if options.json:
        networks = [{"name": one.name, "classes": len(one.card.classes), **_cost(one)} for one in both]
        print_json({"verdict": why, "networks": networks, "stages": _cells(likeness), "latency": [vars(one) for one in times]})
        return
    width = max(len(one.name) for one in both)
    lines = [why, "", f"{'network':<{width}}  classes    parameters  multiply-adds"]
    for one in both:
        figures = f"{len(one.card.classes):>7,}  {one.card.parameters:>12,}  {one.card.multiply_adds / 1e6:>11.2f} M"
        lines.append(f"{one.name:<{width}}  {figures}")
    lines += ["", *_stages(likeness)] if likeness else []
    print("\n".join(lines + (["", *map(_time, times)] if times else [])))


def _evaluation(checkpoint: Checkpoint) -> Evaluation:
    from seviz.checkpoints import EVALUATION_FILE
    from seviz.evaluation import evaluate_command

    stored = checkpoint.evaluation()
    if stored is None:
        command = evaluate_command(checkpoint.folder / EVALUATION_FILE)
        raise CheckpointError(f"{checkpoint.name} has no stored predictions; `{command}` makes them.")
    return stored


def _side(checkpoint: Checkpoint, stored: Evaluation) -> Side:
    from seviz.analysis.comparison import Side

    return Side(checkpoint.name, checkpoint.card.classes, stored.ids, stored.labels, stored.logits)


def _similarity(both: Both, stored: Evaluation, options: argparse.Namespace) -> Similarity | None:
    """Computed and written beside A with --data, else what is kept, if anything."""
    from seviz import similarity

    if not options.data:
        return similarity.of_pair(*both, stored.key)
    found = _computed(both, stored, options)
    similarity.save(both[0].folder / similarity.file_name(both[1].name), found)
    return found


def _computed(both: Both, stored: Evaluation | None, options: argparse.Namespace) -> Similarity:
    """On the samples that were evaluated; without an evaluation, on those of --data whatever their classes."""
    from seviz import similarity
    from seviz.machine import hardware, versions

    device = use_machine(options)
    first, second = (_watched(checkpoint, stored, options) for checkpoint in both)
    for watched in (first, second):
        watched.net.to(device)
    with counting("stages") as progress:
        cka = similarity.stage_similarity(first, second, batch=options.batch, progress=progress)
    sides = [
        similarity.Side(checkpoint.name, checkpoint.card.weights_sha256, tuple(watched.stages))
        for checkpoint, watched in zip(both, (first, second), strict=True)
    ]
    return similarity.Similarity(sides[0], sides[1], cka, first.data.key, hardware(device), versions())


def _watched(checkpoint: Checkpoint, stored: Evaluation | None, options: argparse.Namespace) -> Watched:
    """The network with its pictures. Raises DataError where they are not the samples that were evaluated."""
    from seviz.data import open_data
    from seviz.similarity import Watched
    from seviz.stages import stages

    card, net = checkpoint.card, checkpoint.network()
    with counting(f"reading {options.split}") as progress:
        read = open_data(options.data, options.split, fit_to=card.preprocessing, progress=progress)
    data = read.labelled_as(card.classes) if stored else read
    if stored and not data.key.same_samples(stored.key):
        raise DataError(
            f"{options.data}, {options.split} holds {len(data):,} other samples than the {stored.key.count:,} of "
            f"{stored.key.name}, {stored.key.split} that both networks were evaluated on."
        )
    return Watched(net, stages(net, card.preprocessing.height, card.preprocessing.width), data, card.preprocessing)


def _latency(both: Both, options: argparse.Namespace) -> tuple[Latency, ...]:
    from seviz.backend import latency, load

    device = use_machine(options)
    with (
        load(both[0].folder, device=device) as first,
        load(both[1].folder, device=device) as second,
        counting("latency", " rounds") as progress,
    ):
        return latency((first, second), progress=progress)


def _plain(
    both: Both, stored: Evaluation, found: Comparison, likeness: Similarity | None, times: tuple[Latency, ...]
) -> dict[str, Any]:
    values = found.to_json()
    for checkpoint, network in zip(both, values["networks"], strict=True):
        network |= _cost(checkpoint)
    data = {"data": stored.key.name, "split": stored.key.split, "samples_sha256": stored.key.sha256}
    return {**data, **values, "stages": _cells(likeness), "latency": [vars(one) for one in times]}


def _cost(checkpoint: Checkpoint) -> dict[str, Any]:
    card = checkpoint.card
    return {"weights_sha256": card.weights_sha256, "parameters": card.parameters, "multiply_adds": card.multiply_adds}


def _cells(likeness: Similarity | None) -> dict[str, Any] | None:
    if likeness is None:
        return None
    cells = [[None if value != value else value for value in row] for row in likeness.cka.tolist()]
    return {"first": list(likeness.first.stages), "second": list(likeness.second.stages), "cka": cells}


def _report(both: Both, stored: Evaluation, found: Comparison) -> list[str]:
    from seviz.analysis.comparison import verdict

    first, second = found.names
    width = max(len(first), len(second), 8)
    title = f"{first} against {second} on {stored.key.name}, {stored.key.split}, {found.first.n:,} pictures"
    lines = [title, verdict(found), "", f"{'network':<{width}}  accuracy                      parameters  multiply-adds"]
    for checkpoint, one in zip(both, (found.first, found.second), strict=True):
        low, high = one.interval
        card = checkpoint.card
        lines.append(
            f"{checkpoint.name:<{width}}  {one.accuracy:.2%} ({low:.2%} to {high:.2%})  {card.parameters:>12,}"
            f"  {card.multiply_adds / 1e6:>11.2f} M"
        )
    lines.append("accuracy: 95 % Wilson intervals; multiply-adds: convolutions and matrix products of one picture")
    return [*lines, "", *_difference(found), "", *_agreement(found), "", *_classes(found), "", *_calibration(found)]


def _difference(found: Comparison) -> list[str]:
    from seviz.analysis.paired import RESAMPLES

    one = found.difference
    rows = ((f"bootstrap (BCa, {RESAMPLES:,} resamples)", one.bootstrap), ("Wald, paired", one.interval))
    lines = [f"difference (first minus second): {100 * one.difference:+.2f} points, with 95 % intervals"]
    lines += [f"  {name:<32} {100 * low:+.2f} to {100 * high:+.2f}" for name, (low, high) in rows]
    alone = f"{one.only_first:,} right for {found.names[0]} alone, {one.only_second:,} for {found.names[1]} alone"
    return [*lines, f"  {'McNemar, exact':<32} p = {one.p:.3g} ({alone})"]


def _agreement(found: Comparison) -> list[str]:
    from seviz.analysis.comparison import CELLS

    one, n = found.agreement, found.first.n
    lines = [f"agreement: the same answer on {one.same_answer:.2%}"]
    lines += [f"  {cell:<28} {count:>8,}  {count / n:>7.2%}" for cell, count in zip(CELLS, one.counts, strict=True)]
    if one.consistency is not None:
        lines.append(f"  mistakes coincide beyond chance: kappa {one.consistency:.2f} (0 chance, 1 the same samples)")
    return lines


def _classes(found: Comparison) -> list[str]:
    from seviz.analysis.comparison import class_verdict

    width = max(len(one.label) for one in found.per_class)
    lines = [class_verdict(found), f"{'class':<{width}}  {'n':>6}  difference (points, 95 %)      p  p (Holm)"]
    for one in found.per_class:
        if one.difference is None or one.interval is None:
            lines.append(f"{one.label:<{width}}  {one.n:>6}  no samples")
            continue
        low, high = (100 * end for end in one.interval)
        figures = f"{100 * one.difference:>+7.2f} ({low:+.2f} to {high:+.2f})"
        lines.append(f"{one.label:<{width}}  {one.n:>6}  {figures:<27} {one.p:>6.3f} {one.p_holm:>8.3f}")
    return lines


def _calibration(found: Comparison) -> list[str]:
    half = found.calibration[0]
    lines = [f"calibration, measured on {half.before.n:,} pictures; temperature fitted on the other {half.fitted:,}"]
    for name, one in zip(found.names, found.calibration, strict=True):
        ece = f"ECE {one.before.ece:.2%} -> {one.after.ece:.2%}"
        lines.append(f"  {name}: T = {one.temperature:.3f}, {ece}, NLL {one.before.loss:.4f} -> {one.after.loss:.4f} nats")
    return lines


def _stages(found: Similarity) -> list[str]:
    lines = [f"linear CKA of stages (means over the pixels), rows {found.first.name}, columns {found.second.name}"]
    width, cell = max(8, *map(len, found.first.stages)), max(7, *map(len, found.second.stages))
    lines.append(f"{'':<{width}} " + " ".join(f"{stage:>{cell}}" for stage in found.second.stages))
    for stage, row in zip(found.first.stages, found.between.tolist(), strict=True):
        lines.append(f"{stage:<{width}} " + " ".join(f"{value:>{cell}.3f}" for value in row))
    return lines


def _time(one: Latency) -> str:
    where = f"{one.device}, {one.threads} of {one.cores} cores" if one.device == "cpu" else one.device
    spread = f"half of {one.repeats} passes within {one.low:.2f} to {one.high:.2f}"
    return f"{one.model}: {one.median:.2f} ms a picture ({spread}; {where}, {one.precision}, batch 1)"
