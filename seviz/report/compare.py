"""The part Compare: two networks on the same samples, the pictures on which they disagree, and what they cost."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import numpy as np

from seviz import similarity
from seviz.analysis import tables
from seviz.analysis.classification import probabilities
from seviz.analysis.comparison import (
    CELLS,
    ONLY_FIRST,
    ONLY_SECOND,
    OTHER_WRONG,
    SAME_WRONG,
    Comparison,
    Pair,
    Side,
    agreement_verdict,
    class_verdict,
    compare,
    how_calibrated,
    how_tested,
    pair,
    verdict,
)
from seviz.errors import SevizError
from seviz.figures import accuracy
from seviz.figures import comparison as figures
from seviz.report import over_seeds
from seviz.report.document import Block, Chart, Choice, Facts, Note, Numbers, Part, Section, Words
from seviz.report.sources import Network
from seviz.seeds import Beside

AT_ONCE = 10  # samples of a cell that are read where they stand
MOST = 2000  # in the table behind them
Both = tuple[Network, Network]


def bring_together(networks: tuple[Network, ...]) -> tuple[Pair, Comparison] | str:
    """The predictions of two networks on the same samples, or why there is no such thing, in a sentence."""
    if len(networks) < 2:
        return "One network alone: with `--against N`, a second one is set beside it."
    sides = []
    for network in networks:
        stored = network.evaluation
        if stored is None:
            return network.missing["predictions"]
        sides.append(Side(network.name, network.classes, stored.ids, stored.labels, stored.logits))
    try:
        both = pair(*sides)
        return both, compare(both)
    except SevizError as error:
        return str(error)


def part(both: Both, brought: tuple[Pair, Comparison] | str, seeds: Beside | None = None) -> Part:
    names = f"{both[0].name} against {both[1].name}"
    lead = f"{names}: what can be told of the two, and what cannot. Differences are the first minus the second."
    if isinstance(brought, str):
        return Part("Compare", lead, (Section("Accuracy", (Note(brought),)), _stages(both)))
    samples, found = brought
    accuracy = (_accuracy(found, seeds), *((over_seeds.section(seeds),) if seeds else ()))
    told = (*accuracy, _classes(found), _agreement(found), _cells(samples, found), _calibration(found))
    return Part("Compare", lead, (*told, _stages(both)))


def _accuracy(found: Comparison, seeds: Beside | None) -> Section:
    return Section(
        "Accuracy",
        (
            Words(verdict(found)),
            Chart("difference", figures.difference(found), "", tables.difference(found)),
            Words(how_tested(found, more_seeds=seeds is not None)),
        ),
    )


def _classes(found: Comparison) -> Section:
    note = (
        "Share of the class's pictures that are right, with 95 % bootstrap intervals. Among many classes an interval leaves "
        "out 0 by chance: a difference counts (in colour) where McNemar's test still holds after Holm's correction."
    )
    chart = Chart("class-differences", figures.per_class(found), note, tables.class_differences(found))
    return Section("By class", (Words(class_verdict(found)), chart))


def _agreement(found: Comparison) -> Section:
    chart = Chart("agreement", figures.agreement(found.agreement, found.names), "", tables.agreement(found))
    return Section("Agreement", (Words(agreement_verdict(found)), chart))


def _cells(samples: Pair, found: Comparison) -> Section:
    """The samples behind the cells of the agreement, but for those that both got right."""
    first, second = found.names
    titles = {
        ONLY_FIRST: f"only {first} right",
        ONLY_SECOND: f"only {second} right",
        SAME_WRONG: CELLS[SAME_WRONG],
        OTHER_WRONG: CELLS[OTHER_WRONG],
    }
    lead = Words("The samples behind each cell, named as in the data set; those first that either network is surest of.")
    options = tuple(
        (f"{title} ({found.agreement.counts[cell]:,})", tuple(_samples(samples, cell))) for cell, title in titles.items()
    )
    return Section("Samples on which they differ", (lead, Choice("Cell", options)))


def _samples(samples: Pair, cell: int) -> Iterator[Block]:
    rows = np.flatnonzero(samples.cells == cell)
    if not len(rows):
        yield Words("No sample lies in this cell.")
        return
    sure = np.stack([probabilities(logits[rows]).max(1) for logits in (samples.first, samples.second)])
    order = np.argsort(-sure.max(0), kind="stable")[:MOST]
    rows, sure = rows[order], sure[:, order]
    table = {"sample": [samples.ids[row] for row in rows], "true": [samples.classes[label] for label in samples.labels[rows]]}
    shown = {name: column[:AT_ONCE] for name, column in table.items()}
    for name, said, shares in zip(samples.names, samples.predicted, sure, strict=True):
        answers = [samples.classes[label] for label in said[rows]]
        table |= {name: answers, f"{name}, probability": shares.tolist()}
        pairs = zip(answers[:AT_ONCE], shares[:AT_ONCE], strict=True)
        shown |= {f"{name} says": [f"{answer}, {share:.0%}" for answer, share in pairs]}
    yield Facts(shown)
    yield Numbers(f"samples-{CELLS[cell]}", table, "Samples of the cell")


def _calibration(found: Comparison) -> Section:
    chart = Chart("calibration", figures.calibration(found.calibration, found.names), "", tables.calibration(found))
    options = []
    for scaled in ("before", "after"):
        shown = {name: getattr(one, scaled) for name, one in zip(found.names, found.calibration, strict=True)}
        name = f"reliability-{scaled}-scaling"
        options.append((f"{scaled} scaling", (Chart(name, accuracy.reliability(shown), "", tables.reliability(shown)),)))
    return Section("Calibration", (Words(how_calibrated(found)), chart, Choice("Reliability", tuple(options))))


def _stages(both: Both) -> Section:
    title, (first, second) = "Likeness of stages", both
    stored = first.evaluation or second.evaluation
    if stored is None:
        return Section(title, (Note(first.missing["predictions"]),))
    try:
        found = similarity.of_pair(first.checkpoint, second.checkpoint, stored.key)
    except SevizError as error:
        return Section(title, (Note(str(error)),))
    if found is None:
        # by name: a report is handed on, and where folders lie on this machine is nobody's business
        command = shlex.join(["python", "-m", "seviz", "compare", first.name, second.name, "--data", "D"])
        words = f"It is not known how alike the stages are; `{command}` finds it, where D is the data set."
        return Section(title, (Note(words),))
    rows, columns = ([stage.replace("layer", "stage ") for stage in side.stages] for side in (found.first, found.second))
    meaning = Words(
        "Linear CKA (Kornblith et al. 2019) of each stage's output, its channels as means over the pixels: 1 where one is a "
        f"rotation and a scale of the other, 0 without any linear relation. {found.key.count:,} pictures of {found.key.name}, "
        f"{found.key.split}."
    )
    values = found.between
    cells = [(row, column) for row in range(len(rows)) for column in range(len(columns))]
    table: tables.Table = {
        found.first.name: [rows[row] for row, _ in cells],
        found.second.name: [columns[column] for _, column in cells],
        "linear CKA": [float(values[cell]) for cell in cells],
    }
    drawn = figures.stage_likeness(values, rows, columns, (found.first.name, found.second.name))
    return Section(title, (meaning, Chart("stages", drawn, "", table)))
