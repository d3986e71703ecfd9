"""The part Training: every epoch, and the generalisation gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seviz.analysis.tables import Table
from seviz.figures import training as figures
from seviz.history import Epoch
from seviz.report.document import Block, Chart, Choice, Note, Part, Section, Words
from seviz.report.sources import Network

COLUMNS = ("epoch", "train_loss", "test_loss", "train_accuracy", "test_accuracy", "learning_rate", "seconds")
Runs = Mapping[str, Sequence[Epoch]]


def part(networks: Sequence[Network]) -> Part:
    runs = {network.name: network.history for network in networks if network.history}
    notes = tuple(Note(network.missing["history"]) for network in networks if "history" in network.missing)
    lead = (
        "Every epoch of every training: the loss that is made smaller, the accuracy that follows from it, and the learning "
        "rate. The test curves belong to the average of the weights that was kept in the end."
    )
    if not runs:
        return Part("Training", lead, (Section("Curves", notes),))
    curves = Chart("curves", figures.curves(runs), "Thin lines: training; thick lines: test split.", _curves_table(runs))
    gaps = Choice("Gap in", tuple((of, (_gap(runs, of),)) for of in ("loss", "accuracy")))
    words = Words(
        "How much better a network does on the pictures it was trained on. Below zero the test pictures are the easier ones: "
        "training pictures are shifted and mirrored, and their loss is taken while the weights still move."
    )
    blocks: tuple[Block, ...] = (*(Words(_sentence(name, epochs)) for name, epochs in runs.items()), curves, *notes)
    return Part("Training", lead, (Section("Curves", blocks), Section("Generalisation gap", (words, gaps))))


def _sentence(name: str, epochs: Sequence[Epoch]) -> str:
    best, last = max(epochs, key=lambda epoch: epoch.test_accuracy), epochs[-1]
    minutes = sum(epoch.seconds for epoch in epochs) / 60
    return (
        f"{name}: {len(epochs)} epochs in {minutes:.0f} minutes; test accuracy {last.test_accuracy:.2%} after the last one, "
        f"highest {best.test_accuracy:.2%} at epoch {best.epoch}; test loss {last.test_loss:.3f}, train loss "
        f"{last.train_loss:.3f} nats."
    )


def _curves_table(runs: Runs) -> Table:
    rows = [(name, epoch) for name, epochs in runs.items() for epoch in epochs]
    return {"run": [name for name, _ in rows]} | {column: [getattr(one, column) for _, one in rows] for column in COLUMNS}


def _gap(runs: Runs, of: str) -> Chart:
    gaps = figures.gaps(runs, of=of)
    rows = [(name, epoch.epoch) for name, epochs in runs.items() for epoch in epochs]
    table: dict[str, list[object]] = {
        "run": [name for name, _ in rows],
        "epoch": [epoch for _, epoch in rows],
        f"gap in {'nats' if of == 'loss' else 'points'}": [one for gap in gaps.values() for one in gap.tolist()],
    }
    return Chart(f"gap-in-{of}", figures.gap(runs, of=of), "", table)
