"""One SE block in numbers: bars of the squeeze and the hidden units, the two layers as heat maps, sums term by term."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from seviz.figures.cells import quantised, quantised_axis
from seviz.figures.colours import CHOSEN, DIVERGING, NEUTRAL, RUNS
from seviz.figures.layout import escaped, finish, listed

FALL, RISE = ("#" + bytes(DIVERGING[at]).hex() for at in (34, 220))
ROW = 24  # pixels of a term


def bars(values: ArrayLike, *, chosen: int, name: str, unit: str, title: str) -> go.Figure:
    """A bar a number, one of them marked. name: of one, such as "channel". unit: of the values, for the axis.

    Bars carry their number as customdata, so that a click selects one.
    """
    heights = np.asarray(values, dtype=np.float64)
    colours = [CHOSEN if index == chosen else RUNS[0] for index in range(len(heights))]
    numbers = list(range(len(heights)))
    figure = go.Figure(
        go.Bar(
            x=numbers, y=heights, customdata=numbers, marker={"color": colours, "line": {"width": 0}},
            unselected={"marker": {"opacity": 1}},  # the marked one is marked enough
            hovertemplate=f"{escaped(name)} %{{x}}<br>%{{y:.4f}}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_layout(bargap=0.15)
    figure.update_xaxes(title=name, range=[-0.6, len(heights) - 0.4], showgrid=False, zeroline=False, nticks=9, tickformat="d")
    figure.update_yaxes(title=unit, nticks=4, zerolinecolor=NEUTRAL)
    alt = (
        f"{title}: {len(heights)} bars from {heights.min():.3g} to {heights.max():.3g}; marked is {name} {chosen} with "
        f"{heights[chosen]:.4f}."
    )
    return finish(figure, alt=alt, height=220, title=escaped(title), bottom=40)


def weights(values: ArrayLike, *, row: int, column: int, title: str) -> go.Figure:
    """A layer as a heat map: hidden units down, channels across, 0 in the middle of the colours.

    values: (hidden, C). row, column: the hidden unit and the channel that are framed.
    """
    cells = np.asarray(values, dtype=np.float64)
    units, channels = cells.shape
    top = float(np.abs(cells).max(initial=0)) or 1.0
    figure = go.Figure(go.Heatmap(z=quantised(cells, top, signed=True), coloraxis="coloraxis", hoverinfo="skip"))
    line = {"color": CHOSEN, "width": 2}
    figure.add_shape(type="rect", x0=-0.5, x1=channels - 0.5, y0=row - 0.5, y1=row + 0.5, line=line)
    figure.add_shape(type="rect", x0=column - 0.5, x1=column + 0.5, y0=-0.5, y1=units - 0.5, line=line)
    figure.update_layout(coloraxis=quantised_axis(top, "weight", signed=True))
    figure.update_xaxes(title="channel", side="top", showgrid=False, zeroline=False, nticks=9, tickformat="d")
    figure.update_yaxes(title="hidden unit", autorange="reversed", showgrid=False, zeroline=False, tickformat="d", nticks=6)
    alt = (
        f"{title}: {units} hidden units by {channels} channels, weights from {cells.min():.3g} to {cells.max():.3g}; between "
        f"hidden unit {row} and channel {column} it is {cells[row, column]:.4f}."
    )
    return finish(figure, alt=alt, height=min(440, 10 * units + 190), title=escaped(title), bottom=70)


def terms(names: Sequence[str], values: Sequence[float], total: float, *, title: str, total_name: str = "sum") -> go.Figure:
    """A sum term by term, each bar beginning where the one before it ended; the last is all of them.

    names, values: of the terms, in their order, what is not named and the bias among them.
    """
    ends = np.cumsum(values)
    starts = np.concatenate([[0.0], ends[:-1], [0.0]])
    lengths, labels = [*values, total], [*names, total_name]
    colours = [*(RISE if value > 0 else FALL for value in values), NEUTRAL]
    figure = go.Figure(
        go.Bar(
            base=starts.tolist(), x=lengths, y=list(range(len(labels))), orientation="h", customdata=labels,
            marker={"color": colours, "line": {"width": 0}}, hovertemplate="%{customdata}: %{x:+.4f}<extra></extra>",
        )
    )  # fmt: skip
    for row, value in enumerate(lengths):
        figure.add_annotation(x=1, xref="paper", xanchor="right", y=row, showarrow=False, text=f"{value:+.3f}")
    low, high = min(0.0, float(starts.min()), float(ends.min())), max(0.0, float(starts.max()), float(ends.max()))
    room = (high - low) or 1.0
    figure.update_xaxes(range=[low - 0.03 * room, high + 0.3 * room], nticks=5, zeroline=True, zerolinecolor=NEUTRAL)
    figure.update_yaxes(tickvals=list(range(len(labels))), ticktext=[escaped(name) for name in labels], showgrid=False,
                        autorange="reversed")  # fmt: skip
    words = listed([f"{name} {value:+.3f}" for name, value in zip(names, values, strict=True)])
    alt = f"{title}: {words}; {total_name} {total:+.4f}."
    return finish(figure, alt=alt, height=ROW * len(labels) + 70, title=escaped(title), bottom=30)
