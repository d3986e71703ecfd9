"""What the trainings of a sweep measured: a row a variation, over its seeds and against the baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, median
from typing import Any

from seviz.analysis.corruptions import KINDS, mean_accuracy
from seviz.analysis.seeds import difference_over_seeds, over_seeds
from seviz.card import Card
from seviz.corruptions import Corruptions
from seviz.errors import TrainingError
from seviz.sweep.plan import Plan
from seviz.training import KNOWN

Interval = tuple[float, float]
OVER_SEEDS = "mean over seeds, 95 % t-interval over seeds"
ONE_SEED = "one seed, 95 % Wilson interval over pictures"
HEADS = (
    "training", "parameters", "multiply-adds", "epochs", "seeds", "test accuracy (95 %)", "points against {} (95 %)",
    "gates: smallest sd", "median sd", "points lost by shuffling", "corruptions of --corrupt", "other corruptions", "seconds",
)  # fmt: skip
COMPARED, CORRUPTED = (6,), (10, 11)  # the columns that need a baseline, and corrupted pictures
OTHERS = tuple(kind for kind in KINDS if kind not in KNOWN)


@dataclass(frozen=True)
class GateFigures:
    """Gate life (see Card), mean over seeds. smallest, median: over the sites, of the standard deviation of a gate over
    pictures. lost: accuracy lost when gates are shuffled between pictures, 0..1."""

    smallest: float
    median: float
    lost: float


@dataclass(frozen=True)
class Difference:
    """Accuracy minus that of the baseline, mean over the seeds that both have, -1..1; no interval of one seed."""

    mean: float
    interval: Interval | None
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Corrupted:
    """Accuracy on corrupted pictures, 0..1, mean over the levels of each kind, over kinds and over seeds, with its t-interval;
    None of one seed. known: of the kinds that trainings with `corrupt` have seen. others: of those that none has. by_seed: of
    each training, in the order of the row's seeds. pictures: on which it was measured."""

    known: float
    known_interval: Interval | None
    known_by_seed: tuple[float, ...]
    others: float
    others_interval: Interval | None
    others_by_seed: tuple[float, ...]
    pictures: int


@dataclass(frozen=True)
class Row:
    """A variation, of its finished trainings. accuracies: 0..1, in the order of seeds. interval, means: of their mean, and what
    it is (OVER_SEEDS or ONE_SEED). difference: None of the baseline itself, and where no seed or no picture is shared. gates:
    None of a plain network. corrupted: None where it was not measured for every seed. seconds: of one training, mean over
    seeds."""

    name: str
    description: str
    parameters: int
    multiply_adds: int
    epochs: int
    seeds: tuple[int, ...]
    accuracies: tuple[float, ...]
    accuracy: float
    interval: Interval
    means: str
    difference: Difference | None
    gates: GateFigures | None
    corrupted: Corrupted | None
    seconds: float


@dataclass(frozen=True)
class Sweep:
    """The table. rows: of variations with a finished training. missing: trainings that are not finished, in words. tested:
    data, split and number of the pictures, hardware: on which it was trained; in words, several where they differ."""

    rows: tuple[Row, ...]
    missing: tuple[str, ...]
    baseline: str | None
    tested: tuple[str, ...]
    hardware: tuple[str, ...]
    command: str

    def to_json(self) -> dict[str, Any]:
        return {"command": self.command, **{name: value for name, value in asdict(self).items() if name != "command"}}

    def to_markdown(self) -> str:
        """A table and what its figures mean, as a document."""
        heads = [head.format(_escaped(self.baseline or "")) for head in HEADS]
        cells = [heads, *(_cells(row, row.name == self.baseline) for row in self.rows)]
        idle = (() if self.baseline else COMPARED) + (() if any(row.corrupted for row in self.rows) else CORRUPTED)
        cells = [[cell for place, cell in enumerate(row) if place not in idle] for row in cells]
        widths = [max(len(row[place]) for row in cells) for place in range(len(cells[0]))]
        lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells]
        lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
        return "\n".join([*lines, "", *self._notes(), "", f"    {self.command}", ""])

    def _notes(self) -> list[str]:
        notes = [f"Tested on {'; '.join(self.tested)}. Trained on {'; '.join(self.hardware)}."] if self.rows else []
        if any(row.means == OVER_SEEDS for row in self.rows):
            notes.append(f"Accuracies are a {OVER_SEEDS} (Student), differences of trainings with the same seed likewise.")
        if any(row.means == ONE_SEED for row in self.rows):
            notes.append("(1): one seed, whose interval is Wilson's over the test pictures: of other seeds it says nothing.")
        if any(row.gates for row in self.rows):
            notes.append("sd: standard deviation of a gate over the test pictures, mean over a site's channels and over seeds.")
        counts = {row.corrupted.pictures for row in self.rows if row.corrupted}
        if counts:
            of = f"{' or '.join(f'{count:,}' for count in sorted(counts))} test pictures"
            notes.append(
                f"Corruptions: accuracy on {of}, mean over the levels of each kind, the kinds ({', '.join(KNOWN)}; others: "
                f"{', '.join(OTHERS)}) and the seeds."
            )
        return [*notes, *(f"Missing: {one}." for one in self.missing)]


def tabulate(
    plan: Plan, cards: Mapping[str, Sequence[Card]], missing: Sequence[str], command: str,
    corrupted: Mapping[str, Sequence[Corruptions]] | None = None,
) -> Sweep:  # fmt: skip
    """The table of what is finished.

    Args: cards: name of a variation -> cards of its finished trainings. missing: in words, what is not. command: that makes
    the table again. corrupted: name -> what corrupted pictures cost its trainings, of those where it was measured.

    Raises TrainingError where trainings of one variation were tested on different pictures.
    """
    done = {one.name: sorted(cards.get(one.name, ()), key=lambda card: card.seed) for one in plan.variations}
    baseline = done[plan.baseline] if plan.baseline else []
    known = corrupted or {}
    rows = tuple(
        _row(name, found, baseline if name != plan.baseline else [], known.get(name, ()))
        for name, found in done.items()
        if found
    )
    flat = [card for found in done.values() for card in found]
    tested = dict.fromkeys(_tested(card) for card in flat)
    return Sweep(rows, tuple(missing), plan.baseline, tuple(tested), tuple(dict.fromkeys(map(_hardware, flat))), command)


def _row(name: str, cards: Sequence[Card], baseline: Sequence[Card], corrupted: Sequence[Corruptions]) -> Row:
    first, accuracies = cards[0], tuple(card.metrics["accuracy"].value for card in cards)
    if len({card.data.test.sha256 for card in cards}) > 1:
        raise TrainingError(f"The trainings of {name!r} were tested on different pictures; choose another --out.")
    mean, interval, means = _accuracy(cards, accuracies)
    return Row(
        name=name,
        description=first.description,
        parameters=first.parameters,
        multiply_adds=first.multiply_adds,
        epochs=first.epochs,
        seeds=tuple(card.seed for card in cards),
        accuracies=accuracies,
        accuracy=mean,
        interval=interval,
        means=means,
        difference=_difference(cards, baseline),
        gates=_gates(cards),
        corrupted=_corrupted(cards, corrupted),
        seconds=fmean(card.seconds for card in cards),
    )


def _accuracy(cards: Sequence[Card], accuracies: Sequence[float]) -> tuple[float, Interval, str]:
    if len(cards) > 1:
        mean, low, high = over_seeds(accuracies)
        return mean, (low, high), OVER_SEEDS
    interval = cards[0].metrics["accuracy"].interval
    return accuracies[0], interval or (accuracies[0], accuracies[0]), ONE_SEED


def _difference(cards: Sequence[Card], baseline: Sequence[Card]) -> Difference | None:
    ours, theirs = ({card.seed: card for card in found} for found in (cards, baseline))
    seeds = tuple(seed for seed in ours if seed in theirs and ours[seed].data.test.sha256 == theirs[seed].data.test.sha256)
    if not seeds:
        return None
    first, second = ([found[seed].metrics["accuracy"].value for seed in seeds] for found in (ours, theirs))
    if len(seeds) == 1:
        return Difference(first[0] - second[0], None, seeds)
    mean, low, high = difference_over_seeds(first, second)
    return Difference(mean, (low, high), seeds)


def _gates(cards: Sequence[Card]) -> GateFigures | None:
    lives = [card.gate_life for card in cards if card.gate_life]
    if not lives:
        return None
    deviations = [list(life.deviations.values()) for life in lives]
    return GateFigures(
        smallest=fmean(min(one) for one in deviations),
        median=fmean(median(one) for one in deviations),
        lost=fmean(life.lost_by_shuffling for life in lives),
    )


def _corrupted(cards: Sequence[Card], measured: Sequence[Corruptions]) -> Corrupted | None:
    by_weights = {one.weights_sha256: one for one in measured}
    found = [by_weights[card.weights_sha256] for card in cards if card.weights_sha256 in by_weights]
    if len(found) < len(cards):
        return None
    known, others = (tuple(mean_accuracy(one.conditions, kinds) for one in found) for kinds in (KNOWN, OTHERS))
    return Corrupted(*_mean(known), known, *_mean(others), others, found[0].n)


def _mean(values: Sequence[float]) -> tuple[float, Interval | None]:
    if len(values) == 1:
        return values[0], None
    mean, low, high = over_seeds(values)
    return mean, (low, high)


def _tested(card: Card) -> str:
    accuracy = card.metrics["accuracy"]
    return f"{accuracy.data}, {accuracy.split}, {accuracy.n:,} pictures"


def _hardware(card: Card) -> str:
    found = card.hardware
    if "accelerator" in found:
        return str(found["accelerator"])
    threads = found.get("threads", "?")
    return f"{found.get('processor', 'an unknown processor')}, {threads} thread{'s' if threads != 1 else ''}"


def _cells(row: Row, is_baseline: bool) -> list[str]:
    one = " (1)" if len(row.seeds) == 1 else ""
    gates, corrupted = row.gates, row.corrupted
    return [
        _escaped(row.name),
        f"{row.parameters:,}",
        f"{row.multiply_adds / 1e6:.2f} M",
        str(row.epochs),
        ", ".join(str(seed) for seed in row.seeds),
        f"{_share(row.accuracy, row.interval)}{one}",
        "baseline" if is_baseline else _points(row.difference),
        *((f"{gates.smallest:.3f}", f"{gates.median:.3f}", f"{100 * gates.lost:.1f}") if gates else ("-", "-", "-")),
        *(_of_corrupted(corrupted) if corrupted else ("-", "-")),
        f"{row.seconds:,.0f}",
    ]


def _of_corrupted(found: Corrupted) -> tuple[str, str]:
    return _share(found.known, found.known_interval), _share(found.others, found.others_interval)


def _share(value: float, interval: Interval | None) -> str:
    return f"{value:.2%}" + (f" ({100 * interval[0]:.2f} to {100 * interval[1]:.2f})" if interval else "")


def _escaped(name: str) -> str:
    return name.replace("\\", "\\\\").replace("|", "\\|")


def _points(found: Difference | None) -> str:
    if found is None:
        return "-"
    if found.interval is None:
        return f"{100 * found.mean:+.2f} (one seed)"
    low, high = found.interval
    return f"{100 * found.mean:+.2f} ({100 * low:+.2f} to {100 * high:+.2f})"
