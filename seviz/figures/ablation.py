"""What edits of gates cost: accuracy with intervals, logits, and class by class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from seviz.analysis.ablation import Effect, Live, class_changes, p_words
from seviz.figures import intervals
from seviz.figures.cells import quantised, quantised_axis
from seviz.figures.intervals import Series
from seviz.figures.layout import escaped, finish, listed, shortened

GATES = {"1": "at 1", "mean": "static mean", "class": "class mean", "shuffle": "shuffled"}
MOST_NUMBERS = 20  # classes up to which the numbers stand in the cells
INK = 0.62  # of the strongest colour: from here on white is read better than black

Effects = Mapping[str, Sequence[Effect]]  # gate, a key of GATES -> effects of one list of scopes


def costs(labels: Sequence[str], found: Effects) -> go.Figure:
    """Accuracy minus that with the network's own gates, in points, with paired 95 % intervals.

    Args: labels: of the scopes, such as "all sites" or "stage 3 · block 2", from above. found: gate -> their effects.
    """
    series = [
        Series(
            GATES[gate],
            [100 * one.difference for one in effects],
            [(100 * one.interval[0], 100 * one.interval[1]) for one in effects],
            [f"accuracy {one.accuracy:.2%}, McNemar's test: {p_words(one.p)}" for one in effects],
            list(GATES).index(gate),
        )
        for gate, effects in found.items()
    ]
    figure = intervals.rows(labels, series, title="change of accuracy (points), 95 % interval", unit=" points")
    words = []
    for gate, effects in found.items():
        place = min(range(len(effects)), key=lambda row: effects[row].difference)
        words.append(f"{GATES[gate]}: most at {labels[place]} ({100 * effects[place].difference:+.2f} points)")
    alt = f"Change of accuracy when the gates of {len(labels)} scopes become something else. {'; '.join(words)}."
    return finish(figure, alt=alt, height=intervals.height(labels, series), bottom=72, legend=True)


def logit_changes(labels: Sequence[str], found: Effects) -> go.Figure:
    """Mean |logit - live logit| over pictures and classes of the same edits, from 0."""
    series = [
        Series(
            GATES[gate],
            [one.delta_logit for one in effects],
            notes=[f"another class for {one.changed:.1%} of the pictures" for one in effects],
            number=list(GATES).index(gate),
        )
        for gate, effects in found.items()
    ]
    figure = intervals.rows(labels, series, title="mean |change of a logit|", unit="", form=".3f")
    figure.update_xaxes(rangemode="tozero")
    words = [f"{GATES[gate]} up to {max(one.delta_logit for one in effects):.2f}" for gate, effects in found.items()]
    alt = f"Mean absolute change of a logit under the edits of {len(labels)} scopes: {listed(words)}."
    return finish(figure, alt=alt, height=intervals.height(labels, series), bottom=72, legend=True)


def by_class(
    labels: Sequence[str], effects: Sequence[Effect], live: Live, classes: Sequence[str], gate: str, *, most: int = 40
) -> go.Figure:
    """Change of every class's accuracy in points: classes as rows, the scopes of the effects as columns; red is gained.

    Args: labels: of the scopes. gate: the edit, for the words. most: classes shown; of more, those that change most anywhere.
    Classes without samples are left empty, and left out where there are more.
    """
    changes = 100 * class_changes(effects, live)
    kept = most_changed(changes, most)
    shown = changes[kept]
    top = float(np.nanmax(np.abs(shown), initial=0.0)) or 1.0
    names = [escaped(shortened(classes[row], 16)) for row in kept]
    z = np.where(np.isfinite(shown), quantised(np.nan_to_num(shown), top, signed=True), np.nan)
    figure = go.Figure()
    figure.add_heatmap(
        z=z, x=list(range(len(labels))), y=names, coloraxis="coloraxis", xgap=1, ygap=1, hoverongaps=False,
        customdata=[[[labels[column], value] for column, value in enumerate(row)] for row in shown.tolist()],
        hovertemplate="%{y}<br>%{customdata[0]}<br>%{customdata[1]:+.1f} points<extra></extra>",
    )  # fmt: skip
    if len(kept) <= MOST_NUMBERS:
        _add_numbers(figure, shown, top, names)
    bar = "change of the class's accuracy (points)"
    figure.update_layout(coloraxis=quantised_axis(top, bar, signed=True))
    ticks = [escaped(short(label)) for label in labels]
    figure.update_xaxes(tickvals=list(range(len(labels))), ticktext=ticks, side="top", showgrid=False, tickangle=0)
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False)
    high = int(np.clip(30 * len(kept), 160, 900)) + 110
    words = _class_words(shown, [classes[row] for row in kept], labels)
    figure = finish(figure, alt=f"Change of accuracy by class and scope, gates {GATES[gate]}: {words}", height=high, bottom=76)
    figure.update_coloraxes(colorbar={"yref": "container", "y": 0.0, "yanchor": "bottom"})
    return figure.update_layout(margin={"t": 34})


def most_changed(changes: np.ndarray, most: int) -> np.ndarray:
    """The rows of (K, S) that are shown, in their order: at most `most`, those with the largest changes; of more, none that
    has no samples, which is NaN."""
    if len(changes) <= most:
        return np.arange(len(changes))
    order = np.argsort(-np.abs(np.nan_to_num(changes)).max(1), kind="stable")
    return np.sort(order[np.isfinite(changes[order]).any(1)][:most])


def short(label: str) -> str:
    """Of a scope, so that nine stand side by side on a telephone: "stage 3 · block 2" -> "3.2", "stage 3" -> "s3"."""
    if " · block " in label:
        return label.removeprefix("stage ").replace(" · block ", ".")
    return label.replace("stage ", "s").removesuffix(" sites")


def _add_numbers(figure: go.Figure, shown: np.ndarray, top: float, names: Sequence[str]) -> None:
    """White on dark colours, black on light ones."""
    strong = np.abs(np.nan_to_num(shown)) > INK * top
    for mask, ink in ((strong, "#ffffff"), (~strong, "#000000")):
        places = np.argwhere(mask & np.isfinite(shown)).tolist()
        figure.add_scatter(
            x=[column for _, column in places], y=[names[row] for row, _ in places], mode="text", hoverinfo="skip",
            text=[_whole(shown[row, column]) for row, column in places], textfont={"color": ink, "size": 11},
        )  # fmt: skip


def _whole(points: float) -> str:
    return f"{round(points):+d}" if round(points) else "0"


def _class_words(shown: np.ndarray, classes: Sequence[str], labels: Sequence[str]) -> str:
    if not np.isfinite(shown).any():
        return "no class has samples."
    ends = []
    for place in (int(np.nanargmin(shown)), int(np.nanargmax(shown))):
        row, column = divmod(place, shown.shape[1])
        ends.append(f"{shown[row, column]:+.1f} points of {classes[row]} at {labels[column]}")
    return f"from {ends[0]} to {ends[1]}."
