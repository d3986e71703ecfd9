"""The numbers behind the figures, as columns."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from seviz.analysis.classification import Classification
from seviz.ui.show import Table

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
