"""The part Accuracy: what the networks get right, where they are wrong, and how sure they are."""

from __future__ import annotations

from collections.abc import Sequence

from seviz.analysis import tables
from seviz.analysis.classification import Classification, confident_mistakes
from seviz.analysis.paper import REPORT_WORDS, beside_report
from seviz.figures import accuracy as figures
from seviz.report.document import Block, Chart, Choice, Facts, Note, Numbers, Part, Section, Words
from seviz.report.sources import Network

MISTAKES = 12  # that are read where they stand
MOST_MISTAKES = 1000  # in the table behind them
MEANINGS = {
    "recall": "Recall: share of a class that was found.",
    "precision": "Precision: share of the predictions of a class that are right.",
    "f1": "F1: the harmonic mean of recall and precision.",
}
NAMES = {"recall": "recall", "precision": "precision", "f1": "F1"}
LEAD = (
    "What each network gets right on pictures it was not trained on, class by class, and how far its own confidence can be "
    "trusted. All of it follows from stored predictions."
)


def part(networks: Sequence[Network]) -> Part:
    notes = tuple(Note(network.missing["predictions"]) for network in networks if "predictions" in network.missing)
    measured = {network.name: network.figures for network in networks if network.figures}
    if not measured:
        return Part("Accuracy", LEAD, (Section("Overall", notes),))
    known = [network for network in networks if network.figures]
    report = beside_report(len(one.classes) for one in measured.values())
    axis = Chart(
        "accuracy",
        figures.accuracy_axis(measured, report=report),
        f"Lines are 95 % intervals (Wilson). {REPORT_WORDS if report else ''}".strip(),
        tables.overall(measured),
    )
    by_class = Choice(
        "Rate",
        tuple((NAMES[rate], (Words(words), _by_class(measured, rate))) for rate, words in MEANINGS.items()),
    )
    sections = (
        Section("Overall", (*(Words(_sentence(network)) for network in known), axis, *notes)),
        Section("By class", (by_class,)),
        Section("Confusion", (Choice("Network", tuple((one.name, _confusion(one)) for one in known)),)),
        Section("Calibration", (_calibration_words(), _calibration(measured))),
        Section("Most confident mistakes", (Choice("Network", tuple((one.name, _mistakes(one)) for one in known)),)),
    )
    return Part("Accuracy", LEAD, sections)


def measured_on(network: Network) -> str:
    """What the predictions were measured on; and that it is not the test split, where it is not."""
    if network.evaluation is None:
        return ""
    key, data = network.evaluation.key, network.checkpoint.card.data
    if key.same_samples(data.test):
        return f"Measured on {key.name}, {key.split}, {key.count:,} pictures. {data.note}".strip()
    return f"Measured on {key.name}, {key.split}, {key.count:,} pictures, which are not its test split."


def _sentence(network: Network) -> str:
    one = network.figures
    if one is None:
        return network.missing["predictions"]
    low, high = one.interval
    top5 = f", {one.top5:.2%} with the true class among the first five" if one.top5 is not None else ""
    return (
        f"{network.name} is right on {one.accuracy:.2%} of {one.n:,} pictures (95 % interval {low:.2%} to {high:.2%}){top5}; "
        f"cross-entropy {one.loss:.4f} nats, expected calibration error {one.ece:.2%}. {measured_on(network)}"
    )


def _by_class(measured: tables.Measured, rate: str) -> Chart:
    return Chart(f"{rate}-by-class", figures.per_class(measured, rate), "", tables.per_class(measured))


def _confusion(network: Network) -> tuple[Block, ...]:
    one = network.figures
    if one is None:
        return ()
    name = f"confusion-{network.name}"
    cells = (("counts", False), ("rates", True))
    table = Numbers(name, tables.confusion(one))
    return (Choice("Cells", tuple((title, (Chart(name, figures.confusion(one, rates=of)),)) for title, of in cells)), table)


def _calibration_words() -> Words:
    return Words(
        "Of the pictures a network is 80 % sure of, 80 % should be right. ECE is the mean distance from that; label smoothing "
        "in training makes a network less sure than it could be, which puts points above the diagonal."
    )


def _calibration(measured: dict[str, Classification]) -> Chart:
    return Chart("reliability", figures.reliability(measured), "", tables.reliability(measured))


def _mistakes(network: Network) -> tuple[Block, ...]:
    if network.evaluation is None:
        return ()
    stored, classes = network.evaluation, network.classes
    worst = confident_mistakes(stored.logits, stored.labels, MOST_MISTAKES)
    if not len(worst):
        return (Words(f"{network.name} made no mistake."),)
    ids, true, said = ([names[i] for i in rows] for names, rows in (
        (stored.ids, worst.indexes), (classes, worst.true), (classes, worst.predicted)))  # fmt: skip
    shown = [f"{share:.1%}" for share in worst.confidence[:MISTAKES]]
    table = {"sample": ids, "true": true, "predicted": said}
    first = {name: column[:MISTAKES] for name, column in table.items()} | {"confidence": shown}
    wrong = round((1 - network.figures.accuracy) * network.figures.n) if network.figures else len(ids)
    words = f"The {min(MISTAKES, len(ids))} mistakes it was surest of, of {wrong:,}; the samples are named as in the data set."
    everything = {**table, "confidence": worst.confidence.tolist()}
    return (Words(words), Facts(first), Numbers(f"mistakes-{network.name}", everything, f"The first {len(ids):,}"))
