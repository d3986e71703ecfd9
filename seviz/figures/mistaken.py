"""Mistakes to be opened: confusion cells that can be clicked, and one sample's gates between two classes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from seviz.analysis.classification import Classification
from seviz.analysis.distance import Between
from seviz.figures.accuracy import confusion, most_mistaken
from seviz.figures.colours import CHOSEN, NEUTRAL, RUNS, faint
from seviz.figures.layout import escaped, finish, listed, shortened

MOST = 60  # classes of a matrix
UNSEEN = {"marker": {"opacity": 0}}
SAMPLE, TRUE, OTHER = CHOSEN, RUNS[2], RUNS[3]


def confusion_cells(figures: Classification, chosen: tuple[int, int] | None = None) -> go.Figure:
    """The confusion matrix of seviz.figures.accuracy with an unseen point over every cell, whose customdata is (true class,
    predicted class, count): what a click selects is the nearest.

    Args: chosen: (true, predicted), the cell to mark; nothing is marked where the matrix leaves out its classes.
    """
    figure = confusion(figures, most=MOST)
    kept = most_mistaken(figures.confusion, MOST).tolist()
    figure.update_traces(hoverinfo="skip", hovertemplate=None, selector={"type": "heatmap"})
    for numbers in figure.select_traces(selector={"mode": "text"}):  # else a click lets all numbers fade
        numbers.unselected = {"textfont": {"color": numbers.textfont.color or NEUTRAL}}
    labels = list(figure.data[0].x)
    cells = list(product(range(len(kept)), repeat=2))
    data = [[kept[row], kept[column], int(figures.confusion[kept[row], kept[column]])] for row, column in cells]
    figure.add_scatter(
        x=[labels[column] for _, column in cells], y=[labels[row] for row, _ in cells], customdata=data, mode="markers",
        marker={"opacity": 0, "size": 10, "color": NEUTRAL}, selected=UNSEEN, unselected=UNSEEN,
        hovertemplate="true %{y}<br>predicted %{x}<br>%{customdata[2]} samples<extra></extra>",
    )  # fmt: skip
    figure.update_layout(hovermode="closest", hoverdistance=-1)
    if chosen and chosen[0] in kept and chosen[1] in kept:
        row, column = (kept.index(index) for index in chosen)
        sides = {"x0": column - 0.5, "x1": column + 0.5, "y0": row - 0.5, "y1": row + 0.5}
        figure.add_shape(type="rect", **sides, line={"color": CHOSEN, "width": 3})
    return figure


def gate_distances(sites: Sequence[Between], true: str, other: str, chosen: int | None = None) -> go.Figure:
    """How far a sample's gates are from the means of two classes, a row a site, first site on top.

    Args:
        true, other: names of the classes. chosen: the place of the site to mark.

    A grey tick is how far pictures of the true class usually are from their own mean (root mean square). Where the other
    class's mark lies left of the true one's, the gates are more like those of the other class.
    """
    figure, y = go.Figure(), np.arange(len(sites))
    to_true, to_other, usual = (np.array([getattr(one, name) for one in sites]) for name in ("to_true", "to_other", "usual"))
    for place, one in enumerate(sites):
        line = {"color": faint(NEUTRAL, 0.5), "width": 3}
        figure.add_scatter(
            x=[one.to_true, one.to_other], y=[place, place], mode="lines", line=line, hoverinfo="skip", showlegend=False
        )
    marks = (
        (usual, "usual for its class", NEUTRAL, "line-ns-open", 16),
        (to_true, f"to true: {escaped(shortened(true, 14))}", TRUE, "circle", 12),
        (to_other, f"to {escaped(shortened(other, 14))}", OTHER, "diamond", 12),
    )
    for values, name, colour, symbol, size in marks:
        figure.add_scatter(
            x=values, y=y, mode="markers", name=name, customdata=y[:, None],
            marker={"color": colour, "size": size, "symbol": symbol, "line": {"width": 3 if "open" in symbol else 0}},
            hovertemplate="%{x:.3f}<extra>" + name + "</extra>",
        )  # fmt: skip
    titles = [f"<b>▸ {site.title}</b>" if place == chosen else site.title for place, site in enumerate(sites)]
    top = float(np.nan_to_num([to_true, to_other, usual]).max(initial=0)) or 1
    figure.update_yaxes(range=[len(sites) - 0.4, -0.6], tickvals=y, ticktext=titles, gridcolor=faint(NEUTRAL, 0.15))
    figure.update_xaxes(range=[0, 1.08 * top], title="distance of the gates", nticks=6)
    figure.update_xaxes(zeroline=False).update_yaxes(zeroline=False)
    nearer = [site.title for site in sites if site.to_other < site.to_true]
    alt = (
        f"Distance of a sample's gates to the mean gates of {true} and of {other} at {len(sites)} sites; nearer to {other} at "
        f"{listed(nearer)}."
    )
    return finish(figure, alt=alt, height=28 * len(sites) + 110, bottom=96, legend=True)


def channel_pull(
    channels: ArrayLike, gates: ArrayLike, means: Sequence[ArrayLike], sds: Sequence[ArrayLike], names: tuple[str, str],
    title: str,
) -> go.Figure:  # fmt: skip
    """Some channels of one site: the sample's gate beside the mean +- standard deviation of two classes, 0 to 1.

    Args: channels: (k,), in the order in which they are shown. gates, means, sds: (C,) each, of all channels; the classes
    are the true and the other one, as are names. title: of the site.
    """
    shown = np.asarray(channels, dtype=np.int64)
    y = np.arange(len(shown))
    figure = go.Figure()
    classes = zip(names, means, sds, (TRUE, OTHER), ("circle", "diamond"), (-0.16, 0.16), strict=True)
    for name, mean, sd, colour, symbol, shift in classes:
        middle, spread = (np.asarray(values, dtype=np.float64)[shown] for values in (mean, sd))
        bars = {"array": np.nan_to_num(spread), "color": faint(colour, 0.45), "thickness": 5, "width": 0}
        figure.add_scatter(
            x=middle, y=y + shift, mode="markers", name=f"{escaped(shortened(name, 14))} ± sd", error_x=bars,
            marker={"color": colour, "size": 10, "symbol": symbol, "line": {"width": 0}},
            hovertemplate="mean %{x:.3f}<extra>" + escaped(name) + "</extra>",
        )  # fmt: skip
    own: NDArray[np.float64] = np.asarray(gates, dtype=np.float64)[shown]
    figure.add_scatter(
        x=own, y=y, mode="markers", name="this picture", hovertemplate="gate %{x:.3f}<extra>this picture</extra>",
        marker={"color": SAMPLE, "size": 22, "symbol": "line-ns-open", "line": {"width": 4}},
    )  # fmt: skip
    labels = [f"channel {channel}" for channel in shown.tolist()]
    figure.update_yaxes(range=[len(shown) - 0.4, -0.6], tickvals=y, ticktext=labels, gridcolor=faint(NEUTRAL, 0.15))
    figure.update_xaxes(range=[0, 1], tickvals=[0, 0.5, 1], title="gate", zeroline=False).update_yaxes(zeroline=False)
    words = listed([f"channel {channel} at {gate:.2f}" for channel, gate in zip(shown.tolist(), own.tolist(), strict=True)])
    alt = f"{title}: this picture's gates beside the means of {names[0]} and {names[1]}: {words}."
    return finish(figure, alt=alt, height=34 * len(shown) + 120, title=title, bottom=92, legend=True)
