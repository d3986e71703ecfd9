"""The numbers behind the figures, as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seviz.analysis.ablation import Effect
from seviz.analysis.classification import Classification
from seviz.analysis.comparison import CELLS, Comparison
from seviz.analysis.deletion import Curve
from seviz.analysis.distance import Between
from seviz.analysis.health import GateHealth
from seviz.analysis.importance import EFFECTS, KNOWN, Correlation, Dropped, known
from seviz.analysis.moments import Moments

Table = Mapping[str, Sequence[Any]]  # columns of one length by their names
Measured = Mapping[str, Classification]


def overall(measured: Measured) -> Table:
    """A row a network: accuracy with its interval, top-5, loss, calibration error, n."""
    figures = list(measured.values())
    return {
        "network": list(measured),
        "accuracy": [one.accuracy for one in figures],
        "interval low": [one.interval[0] for one in figures],
        "interval high": [one.interval[1] for one in figures],
        "top-5": [one.top5 for one in figures],
        "loss (nats)": [one.loss for one in figures],
        "ECE": [one.ece for one in figures],
        "n": [one.n for one in figures],
    }


def per_class(measured: Measured) -> Table:
    """A row a network and class."""
    rows = [(name, one) for name, figures in measured.items() for one in figures.per_class]
    columns = ("support", "predicted", "precision", "recall", "f1")
    table: dict[str, list[object]] = {"network": [name for name, _ in rows], "class": [one.label for _, one in rows]}
    for column in columns:
        table[column] = [getattr(one, column) for _, one in rows]
    for end, position in (("low", 0), ("high", 1)):
        table[f"recall {end}"] = [one.recall_interval[position] if one.recall_interval else None for _, one in rows]
    return table


def confusion(figures: Classification) -> Table:
    """A row a pair of classes that occurs: counts and share of the true class."""
    true, predicted = np.nonzero(figures.confusion)
    return {
        "true": [figures.classes[index] for index in true],
        "predicted": [figures.classes[index] for index in predicted],
        "count": figures.confusion[true, predicted].tolist(),
        "share of the true class": figures.rates[true, predicted].tolist(),
    }


def reliability(measured: Measured) -> Table:
    """A row a network and bin that holds samples."""
    table: dict[str, list[object]] = {
        name: [] for name in ("network", "from", "to", "samples", "mean confidence", "accuracy")
    }
    for name, figures in measured.items():
        bins = figures.reliability
        for index in np.flatnonzero(bins.count):
            found = (bins.edges[index], bins.edges[index + 1], bins.count[index], bins.confidence[index], bins.accuracy[index])
            for column, value in zip(table.values(), (name, *(value.item() for value in found)), strict=True):
                column.append(value)
    return table


def difference(found: Comparison) -> Table:
    """A row an interval of the difference of two accuracies, in points."""
    one = found.difference
    intervals = {"bootstrap (BCa)": one.bootstrap, "Wald, paired": one.interval}
    return {
        "difference (points)": [100 * one.difference] * 2,
        "method": list(intervals),
        "interval low": [100 * low for low, _ in intervals.values()],
        "interval high": [100 * high for _, high in intervals.values()],
        "McNemar p": [one.p] * 2,
        "only first right": [one.only_first] * 2,
        "only second right": [one.only_second] * 2,
        "n": [one.n] * 2,
    }


def class_differences(found: Comparison) -> Table:
    """A row a class: recall of both networks and what is known of the difference."""
    rows = found.per_class
    return {
        "class": [row.label for row in rows],
        "n": [row.n for row in rows],
        **{name: [getattr(row, side) for row in rows] for name, side in zip(found.names, ("first", "second"), strict=True)},
        "difference": [row.difference for row in rows],
        "interval low": [row.interval and row.interval[0] for row in rows],
        "interval high": [row.interval and row.interval[1] for row in rows],
        "McNemar p": [row.p for row in rows],
        "p after Holm": [row.p_holm for row in rows],
    }


def agreement(found: Comparison) -> Table:
    """A row a cell of the agreement matrix."""
    counts = found.agreement.counts
    return {"cell": CELLS, "samples": counts, "share": [count / found.first.n for count in counts]}


def calibration(found: Comparison) -> Table:
    """A row a network, before and after temperature scaling."""
    rows = found.calibration
    return {
        "network": found.names,
        "T": [one.temperature for one in rows],
        "ECE before": [one.before.ece for one in rows],
        "ECE after": [one.after.ece for one in rows],
        "NLL before (nats)": [one.before.loss for one in rows],
        "NLL after (nats)": [one.after.loss for one in rows],
        "fitted on": [one.fitted for one in rows],
        "measured on": [one.before.n for one in rows],
    }


def gate_health(paths: Sequence[str], found: Sequence[GateHealth]) -> Table:
    """A row a site, by its path."""
    vitals = [one.vitals for one in found]
    fields = ("mean", "closed", "middle", "open", "lowest", "highest", "moving", "still", "channels", "silent", "hidden")
    return {
        "site": list(paths),
        "verdict": [one.grade for one in found],
        **{field: [getattr(one, field) for one in vitals] for field in fields},
        "between over within": [one.between_over_within for one in vitals],
        "ailments": [", ".join(ailment.name for ailment in one.ailments) for one in found],
    }


def gate_distances(paths: Sequence[str], found: Sequence[Between], true: str, other: str) -> Table:
    """A row a site, by its path: how far a sample's gates are from the means of two classes, by their names."""
    return {
        "block": list(paths),
        f"distance to {true}": [one.to_true for one in found],
        f"distance to {other}": [one.to_other for one in found],
        f"usual in {true}": [one.usual for one in found],
    }


def channel_pull(one: Between, moments: Moments, labels: tuple[int, int], names: tuple[str, str], most: int) -> Table:
    """A row a channel, the `most` that pull a sample hardest between the true class and the other one."""
    shown = one.pull.channels[:most]
    return {
        "channel": shown.tolist(),
        "gate": one.gates[shown].tolist(),
        f"mean of {names[0]}": moments.mean[labels[0], shown].tolist(),
        f"mean of {names[1]}": moments.mean[labels[1], shown].tolist(),
        f"pull to {names[1]}": one.pull.contributions[shown].tolist(),
    }


def gate_histograms(names: Sequence[str], counts: NDArray[np.int64]) -> Table:
    """A row a class and bin: counts (K, B) of a channel's gates in B equal bins over 0..1, of K names."""
    bins = np.linspace(0, 1, counts.shape[1] + 1)
    return {
        "class": np.repeat(names, counts.shape[1]).tolist(),
        "gate from": np.tile(bins[:-1], len(names)).tolist(),
        "gate to": np.tile(bins[1:], len(names)).tolist(),
        "pictures": counts.ravel().tolist(),
    }


def gate_space(
    samples: Sequence[str], true: Sequence[str], predicted: Sequence[str], tsne: NDArray[np.floating], pca: NDArray[np.floating]
) -> Table:
    """A row a sample: its class, what it is taken for, and its places (P, 2) in both planes."""
    return {
        "sample": list(samples),
        "true": list(true),
        "predicted": list(predicted),
        **{f"t-SNE {axis + 1}": tsne[:, axis].tolist() for axis in (0, 1)},
        **{f"component {axis + 1}": pca[:, axis].tolist() for axis in (0, 1)},
    }


def ablation(labels: Sequence[str], effects: Sequence[Effect]) -> Table:
    """A row an edit; labels: of its sites."""
    return {
        "gates of": list(labels),
        "become": [one.gate for one in effects],
        "accuracy": [one.accuracy for one in effects],
        "change": [one.difference for one in effects],
        "interval low": [one.interval[0] for one in effects],
        "interval high": [one.interval[1] for one in effects],
        "McNemar p": [one.p for one in effects],
        "only edited right": [one.only_edited for one in effects],
        "only live right": [one.only_live for one in effects],
        "another class": [one.changed for one in effects],
        "mean |change of a logit|": [one.delta_logit for one in effects],
    }


def class_changes(labels: Sequence[str], classes: Sequence[str], changes: NDArray[np.float64]) -> Table:
    """A row a class, a column a scope: changes (K, S) of its accuracy."""
    return {"class": list(classes), **{label: changes[:, column].tolist() for column, label in enumerate(labels)}}


def channel_curves(curves: Sequence[Curve]) -> Table:
    """A row a curve and share of channels."""
    points = [(one, *point) for one in curves for point in zip(one.shares, one.probability, strict=True)]
    return {
        "site": [one.site for one, _, _ in points],
        "kind": [one.kind for one, _, _ in points],
        "order": [one.order for one, _, _ in points],
        "share of channels": [share for _, share, _ in points],
        "probability": [value for _, _, value in points],
    }


def curve_areas(curves: Sequence[Curve]) -> Table:
    """A row a curve: the area under it, and beside that of random orders."""
    apart = [one.beside_random_interval or (None, None) for one in curves]
    return {
        "site": [one.site for one in curves],
        "kind": [one.kind for one in curves],
        "order": [one.order for one in curves],
        "area": [one.area for one in curves],
        "interval low": [one.interval[0] for one in curves],
        "interval high": [one.interval[1] for one in curves],
        "minus random": [one.beside_random for one in curves],
        "minus random low": [low for low, _ in apart],
        "minus random high": [high for _, high in apart],
    }


def dropped_channels(found: Sequence[tuple[Dropped, Moments]]) -> Table:
    """A row a channel of every site: what is known of its gate, and what dropping it alone does."""
    parts = [_dropped(one, moments) for one, moments in found]
    return {name: [value for part in parts for value in part[name]] for name in parts[0]}


def _dropped(one: Dropped, moments: Moments) -> Table:
    ends, count = one.intervals, one.channels
    return {
        "site": [one.site] * count,
        "channel": list(range(count)),
        **{KNOWN[name]: known(moments, name).tolist() for name in KNOWN},
        EFFECTS["logit"]: list(one.delta_logit),
        "change of accuracy": one.difference.tolist(),
        "interval low": [low for low, _ in ends],
        "interval high": [high for _, high in ends],
        "only without right": list(one.only_dropped),
        "only with right": list(one.only_live),
        "another class": [changed / one.n for changed in one.changed],
        "pictures": [one.n] * count,
    }


def correlations(labels: Sequence[str], found: Mapping[str, Sequence[Correlation]]) -> Table:
    """A row a kind of value and a row of the figure: Spearman's rho with its interval."""
    rows = [(name, label, one) for name, ones in found.items() for label, one in zip(labels, ones, strict=True)]
    ends = [one.interval or (None, None) for _, _, one in rows]
    return {
        "of the effect and": [KNOWN[name] for name, _, _ in rows],
        "channels of": [label for _, label, _ in rows],
        "rank correlation": [one.rho for _, _, one in rows],
        "interval low": [low for low, _ in ends],
        "interval high": [high for _, high in ends],
        "p": [one.p for _, _, one in rows],
        "channels": [one.n for _, _, one in rows],
    }
