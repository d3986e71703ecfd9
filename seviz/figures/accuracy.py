"""How often a network is right, with intervals: overall, by class, by confidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from seviz.analysis.classification import ClassFigures, Classification, Interval, wilson
from seviz.analysis.paper import REPORT_ACCURACY, REPORT_ASSUMED_N, report_interval
from seviz.figures.colours import NEUTRAL, colourscale, faint, run_colour
from seviz.figures.layout import escaped, finish, listed, percent, shortened

REPORT = "the report"
RATES = {"recall": "recall", "precision": "precision", "f1": "F1"}
MOST_NUMBERS = 20  # classes up to which the numbers stand in a confusion matrix's cells
LIGHT = 0.47  # of cividis: from here on black is read better than white


class Measured(Protocol):
    """An accuracy in 0..1 with its 95 % interval and the samples it rests on: see Classification."""

    @property
    def accuracy(self) -> float: ...
    @property
    def interval(self) -> Interval: ...
    @property
    def n(self) -> int: ...


def accuracy_axis(ours: Mapping[str, Measured], *, report: bool = True) -> go.Figure:
    """Our test accuracies beside the report's 85.81 % on one axis, each with its 95 % interval.

    Args: ours: model -> its accuracy, first on top. report: whether the report's stands beside them.

    The report names neither its data nor their number: its interval, dotted, is the one it would have if n = 10,000.
    """
    figure = go.Figure()
    rows = [(escaped(name), one.accuracy, one.interval, f"n = {one.n:,}") for name, one in ours.items()]
    if report:
        rows.append((REPORT, REPORT_ACCURACY, report_interval(), f"interval if n = {REPORT_ASSUMED_N:,}"))
    for index, (name, share, interval, note) in enumerate(rows):
        assumed = index == len(ours)
        colour = NEUTRAL if assumed else run_colour(index)
        _add_measure(figure, index, name, share, interval, note, colour, assumed=assumed)
    labels = [f"{shortened(name, 18)}<br><span style='font-size:11px'>{note}</span>" for name, _, _, note in rows]
    low, high = min(row[2][0] for row in rows), max(row[2][1] for row in rows)
    room = max(0.01, 0.15 * (high - low))
    figure.update_yaxes(range=[len(rows) - 0.4, -0.7], tickvals=list(range(len(rows))), ticktext=labels)
    figure.update_yaxes(showgrid=False, zeroline=False)
    figure.update_xaxes(
        range=[max(0, low - room), min(1, high + room)], tickformat=".0%" if high - low > 0.04 else ".1%", nticks=6,
        title="test accuracy, 95 % interval", zeroline=False,
    )  # fmt: skip
    words = listed([f"{name} {percent(share, 2)} ({percent(low)} to {percent(high)})" for name, share, (low, high), _ in rows])
    alt = f"Test accuracy with 95 % intervals: {words}."
    if report:
        alt += f" The report's interval assumes {REPORT_ASSUMED_N:,} samples."
    return finish(figure, alt=alt, height=52 * len(rows) + 60, bottom=44)


def _add_measure(
    figure: go.Figure, y: int, name: str, share: float, interval: Interval, note: str, colour: str, *, assumed: bool
) -> None:
    line = {"color": colour if assumed else faint(colour, 0.55), "width": 3 if assumed else 6}
    line["dash"] = "dot" if assumed else "solid"
    figure.add_scatter(x=list(interval), y=[y, y], mode="lines", line=line, hoverinfo="skip")
    marker = {"color": colour, "size": 9, "symbol": "circle", "line": {"width": 0}}
    if assumed:
        marker |= {"symbol": "diamond-open", "line": {"width": 2}}
    hover = "%{x:.2%}<br>95 %: %{customdata[0]:.2%} to %{customdata[1]:.2%}<br>%{customdata[2]}"
    figure.add_scatter(
        x=[share], y=[y], mode="markers+text", text=[f"<b>{percent(share, 2)}</b>"], textposition="top center",
        marker=marker, customdata=[[*interval, note]], hovertemplate=f"{hover}<extra>{name}</extra>",
    )  # fmt: skip


def per_class(models: Mapping[str, Classification], rate: str = "recall", *, most: int = 30) -> go.Figure:
    """A rate by class for one or more models, lowest of the first model on top, with 95 % Wilson intervals.

    Args:
        models: name -> figures over the same classes. rate: "recall" (share of the class that was found), "precision"
            (share of the predictions of the class that is right) or "f1" (which has no such interval).
        most: classes shown; of more, those with the lowest rate of the first model, and none whose rate is not defined.

    A dot is the rate, its line the interval; the axis starts where the lowest interval does, which bars would not
    allow. A class whose rate is not defined (no samples, or never predicted) has no dot and comes last.
    """
    first = next(iter(models.values()))
    found = np.array([_rate(row, rate)[0] for row in first.per_class])
    order = np.argsort(np.where(np.isnan(found), 2, found), kind="stable")
    if len(order) > most:
        order = order[np.isfinite(found[order])][:most]
    figure = go.Figure()
    lowest = 1.0
    for index, (name, figures) in enumerate(models.items()):
        rows = [figures.per_class[i] for i in order]
        lowest = min([lowest, *(low for row in rows if (low := _rate(row, rate)[1][0]) >= 0)])
        shift = (index - (len(models) - 1) / 2) * min(0.3, 0.7 / len(models))
        _add_class_dots(figure, shift, run_colour(index), name, rows, rate)
    labels = [escaped(shortened(first.per_class[i].label, 18)) for i in order]
    figure.update_yaxes(range=[len(order) - 0.4, -0.6], tickvals=np.arange(len(order)), ticktext=labels)
    figure.update_yaxes(gridcolor=faint(NEUTRAL, 0.15), zeroline=False)
    title = RATES[rate] + ("" if rate == "f1" else ", 95 % interval")
    figure.update_xaxes(range=[np.floor(20 * lowest - 0.1) / 20, 1.003], tickformat=".0%", title=title, zeroline=False)
    height, many = len(order) * (16 + 10 * len(models)) + 60, len(models) > 1
    return finish(figure, alt=_per_class_alt(models, rate), height=height + 24 * many, bottom=44 + 24 * many, legend=many)


def _rate(row: ClassFigures, rate: str) -> tuple[float, Interval]:
    """(rate, interval), NaN where it is not defined; F1 has no interval of its own."""
    value = {"recall": row.recall, "precision": row.precision, "f1": row.f1}[rate]
    interval = {"recall": row.recall_interval, "precision": row.precision_interval, "f1": None}[rate]
    share = float("nan") if value is None else value
    return share, interval or (share, share)


def _add_class_dots(figure: go.Figure, shift: float, colour: str, name: str, rows: list[ClassFigures], rate: str) -> None:
    values = np.array([_rate(row, rate)[0] for row in rows])
    ends = np.array([_rate(row, rate)[1] for row in rows])
    counts = [row.predicted if rate == "precision" else row.support for row in rows]
    hover = "%{customdata[0]}<br>%{x:.1%}"
    if rate != "f1":
        hover += "<br>95 %: %{customdata[1]:.1%} to %{customdata[2]:.1%}"
    data = [[escaped(row.label), *end, count] for row, end, count in zip(rows, ends.tolist(), counts, strict=True)]
    lines = {"array": ends[:, 1] - values, "arrayminus": values - ends[:, 0], "color": faint(colour, 0.6), "thickness": 3}
    figure.add_scatter(
        y=np.arange(len(rows)) + shift, x=values, mode="markers", error_x={**lines, "width": 0, "visible": rate != "f1"},
        marker={"color": colour, "size": 10, "line": {"width": 0}}, name=escaped(name), customdata=data,
        hovertemplate=hover + "<br>n = %{customdata[3]}<extra>" + escaped(name) + "</extra>",
    )  # fmt: skip


def _per_class_alt(models: Mapping[str, Classification], rate: str) -> str:
    words = []
    for name, figures in models.items():
        known = [(value, row.label) for row in figures.per_class if (value := getattr(row, rate)) is not None]
        if known:
            (low, worst), (high, best) = min(known), max(known)
            words.append(f"{name} from {percent(low)} ({worst}) to {percent(high)} ({best})")
    return f"{RATES[rate].capitalize()} by class: {listed(words)}."


def confusion(figures: Classification, *, rates: bool = False, most: int = 60) -> go.Figure:
    """True classes as rows, predicted ones as columns. The diagonal is grey, so that the colours show mistakes.

    Args:
        rates: False for counts of samples; True for shares of the true class's samples, in %.
        most: classes shown; of more, those with the most mistakes, as true or as predicted class.

    Colours run from 0 to the largest mistake. Up to 20 classes the numbers stand in the cells; zeros are left blank.
    """
    kept = most_mistaken(figures.confusion, most)
    labels = [escaped(figures.classes[index]) for index in kept]
    both = np.stack([figures.confusion, figures.rates], -1)[np.ix_(kept, kept)]
    values = both[..., 1 if rates else 0]
    mistakes, right = _split_diagonal(values)
    figure = go.Figure()
    count = len(labels)
    hover = "true %{y}<br>predicted %{x}<br>%{customdata[0]} samples, %{customdata[1]:.1%} of the class<extra></extra>"
    common = {"x": labels, "y": labels, "customdata": both, "hovertemplate": hover, "hoverongaps": False, "xgap": 1, "ygap": 1}
    figure.add_heatmap(**common, z=mistakes, coloraxis="coloraxis")
    figure.add_heatmap(**common, z=right, showscale=False, colorscale=[(0, faint(NEUTRAL, 0.12)), (1, faint(NEUTRAL, 0.12))])
    largest = float(np.nan_to_num(mistakes).max(initial=0))
    if count <= MOST_NUMBERS:
        _add_numbers(figure, labels, values, mistakes / (largest or 1), rates)
    figure.update_layout(coloraxis=_mistake_axis(largest, rates))
    note = "" if count == len(figures.classes) else f", {count} of {len(figures.classes)} classes"
    figure.update_xaxes(title=f"predicted{note}", side="bottom", tickangle=-60, constrain="domain")
    figure.update_yaxes(title="true", autorange="reversed")
    figure.update_xaxes(type="category", showgrid=False).update_yaxes(type="category", showgrid=False)
    height = int(np.clip(34 * count, 240, 620)) + 190
    figure = finish(figure, alt=_confusion_alt(figures), height=height, bottom=120)
    return figure.update_coloraxes(colorbar={"yref": "container", "y": 0.0, "yanchor": "bottom"})


def most_mistaken(confusion: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Indexes of at most `most` classes, in their order; of more, none that is neither true nor predicted anywhere."""
    if len(confusion) <= most:
        return np.arange(len(confusion))
    seen = confusion.sum(0) + confusion.sum(1)
    order = np.argsort(2 * confusion.diagonal() - seen, kind="stable")
    return np.sort(order[seen[order] > 0][:most])


def _split_diagonal(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(off the diagonal, on it), NaN elsewhere."""
    on = np.eye(len(values), dtype=bool)
    return np.where(on, np.nan, values), np.where(on, values, np.nan)


def _add_numbers(
    figure: go.Figure, labels: list[str], values: NDArray[np.float64], strength: NDArray[np.float64], rates: bool
) -> None:
    """The numbers of the cells: white on dark colours, black on light ones, the theme's ink on the grey diagonal."""
    shown = np.nan_to_num(values) > 0
    for mask, ink in ((strength < LIGHT, "#ffffff"), (strength >= LIGHT, "#000000"), (np.isnan(strength), None)):
        rows, columns = np.nonzero(mask & shown)
        words = [f"{100 * value:.1f}" if rates else f"{value:.0f}" for value in values[rows, columns]]
        figure.add_scatter(
            x=[labels[column] for column in columns], y=[labels[row] for row in rows], text=words, mode="text",
            textfont={"color": ink, "size": 12 if len(labels) <= 10 else 9}, hoverinfo="skip",
        )  # fmt: skip


def _mistake_axis(largest: float, rates: bool) -> dict[str, object]:
    return {
        "colorscale": colourscale(),
        "cmin": 0,
        "cmax": largest or 1,
        "colorbar": {
            "orientation": "h", "thickness": 10, "len": 1, "ypad": 4, "outlinewidth": 0, "nticks": 5,
            "tickformat": ".1%" if rates else "d",
            "title": {"text": "mistakes, share of the true class" if rates else "mistakes (samples)", "side": "bottom"},
        },
    }  # fmt: skip


def _confusion_alt(figures: Classification) -> str:
    mistakes, _ = _split_diagonal(figures.confusion.astype(np.float64))
    total = int(np.nansum(mistakes))
    start = f"Confusion matrix of {len(figures.classes)} classes: {figures.n - total:,} of {figures.n:,} right"
    if total == 0:
        return start + ", no mistakes."
    order = np.argsort(-np.nan_to_num(mistakes, nan=-1), axis=None, kind="stable")[:3]
    cells = [np.unravel_index(cell, mistakes.shape) for cell in order if np.nan_to_num(mistakes).flat[cell] > 0]
    words = [f"{figures.classes[true]} taken for {figures.classes[said]} ({int(mistakes[true, said])})" for true, said in cells]
    return f"{start}; most frequent mistakes: {listed(words)}."


def reliability(models: Mapping[str, Classification]) -> go.Figure:
    """How often a network is right when it says it is p % sure, with the samples of each bin below.

    Points lie at a bin's mean confidence and its accuracy, with 95 % Wilson intervals; empty bins have none. On the
    dotted diagonal a network is calibrated; below it, it is too sure.
    """
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.76, 0.24], vertical_spacing=0.05)
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line={"color": NEUTRAL, "width": 1, "dash": "dot"}, hoverinfo="skip",
                       showlegend=False)  # fmt: skip
    for index, (name, figures) in enumerate(models.items()):
        _add_reliability(figure, index, len(models), name, figures)
    figure.update_xaxes(range=[0, 1.01], tickformat=".0%", zeroline=False)
    figure.update_xaxes(title="confidence: probability of the predicted class", row=2, col=1)
    figure.update_yaxes(range=[0, 1.03], tickformat=".0%", title="accuracy", zeroline=False, row=1, col=1)
    figure.update_yaxes(title="samples", nticks=3, zeroline=False, row=2, col=1)
    figure.update_layout(barmode="overlay")
    words = listed([f"{name} {percent(figures.ece)}" for name, figures in models.items()])
    sure = listed([f"{name} is too {_fault(one)} on average" for name, one in models.items()])
    alt = f"Reliability diagram. Expected calibration error: {words}; {sure}."
    return finish(figure, alt=alt, height=460, bottom=44 + 24, legend=True)


def _fault(figures: Classification) -> str:
    bins = figures.reliability
    mean_confidence = (np.nan_to_num(bins.confidence) * bins.count).sum() / bins.count.sum()
    return "sure" if mean_confidence > figures.accuracy else "careful"


def _add_reliability(figure: go.Figure, index: int, models: int, name: str, figures: Classification) -> None:
    bins, colour = figures.reliability, run_colour(index)
    full = np.flatnonzero(bins.count)
    share, count = bins.accuracy[full], bins.count[full]
    ends = np.array([wilson(round(s * n), int(n)) for s, n in zip(share, count, strict=True)]).reshape(-1, 2)
    legend = f"{escaped(name)}, ECE {percent(figures.ece)}"
    figure.add_scatter(
        x=bins.confidence[full], y=share, mode="lines+markers", name=legend, legendgroup=name,
        line={"color": faint(colour, 0.5), "width": 1.5}, marker={"color": colour, "size": 8},
        error_y={"array": ends[:, 1] - share, "arrayminus": share - ends[:, 0], "color": colour, "thickness": 1.2, "width": 3},
        customdata=np.column_stack([count, ends]),
        hovertemplate="confidence %{x:.1%}<br>accuracy %{y:.1%} (%{customdata[1]:.1%} to %{customdata[2]:.1%})"
        "<br>%{customdata[0]} samples<extra>" + escaped(name) + "</extra>",
        row=1, col=1,
    )  # fmt: skip
    centres, width = (bins.edges[1:] + bins.edges[:-1]) / 2, float(bins.edges[1] - bins.edges[0]) * 0.86 / models
    figure.add_bar(
        x=centres + (index - (models - 1) / 2) * width, y=bins.count, width=width, legendgroup=name, showlegend=False,
        marker={"color": colour, "line": {"width": 0}}, hovertemplate="%{y} samples<extra>" + escaped(name) + "</extra>",
        row=2, col=1,
    )  # fmt: skip
