"""The gates of a site over a data set: classes by channels, and what one channel does.

Rows are classes, columns channels. Colours: cividis for means and standard deviations, the diverging map for deviations.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from seviz.figures.cells import quantised, quantised_axis, unseen_points
from seviz.figures.colours import CHOSEN, NEUTRAL, class_colour, faint
from seviz.figures.gates import GATE_ENDS
from seviz.figures.layout import escaped, finish, listed, shortened

MEASURES = {
    "mean": "mean gate",
    "deviation": "class mean minus the mean over all",
    "sd": "standard deviation within the class",
}
ROW, MOST_HEIGHT = 26, 640  # pixels of a class's row, and of all rows together
NUMBERED = 22  # channels that have their number below them, at most
RIDGE = 0.86  # share of a class's row that its highest bar takes
Floats = NDArray[np.float64]


def class_map(
    mean: ArrayLike,
    deviation: ArrayLike,
    sd: ArrayLike,
    names: Sequence[str],
    channels: ArrayLike,
    *,
    measure: str = "mean",
    chosen: int | None = None,
    title: str = "",
) -> go.Figure:
    """A site's gates by class and channel: a row a class, a column a channel.

    Args:
        mean, deviation, sd: (R, C), of R classes in the order of their rows; NaN where a class has too few samples, which
            leaves its cells empty. channels are the columns.
        names: of the R classes. channels: the C channels in the order in which they are shown.
        measure: which of the three gives the colours (MEASURES). chosen: a channel to mark. title: of the site.

    Means are coloured from 0 to 1, so that sites compare; deviations to the largest one on both sides of 0; standard
    deviations from 0 to the largest. Unseen points lie over the cells, since those of a heat map cannot be selected; their
    customdata is (channel, row, mean, deviation, sd).
    """
    order = np.asarray(channels, dtype=np.int64)
    layers = np.stack([np.asarray(one, dtype=np.float64) for one in (mean, deviation, sd)])[:, :, order]
    values = layers[list(MEASURES).index(measure)]
    figure = go.Figure()
    _add_cells(figure, values, measure)
    _add_points(figure, layers, names, order)
    _add_class_axis(figure, names)
    _add_channel_axis(figure, order)
    _mark(figure, order, chosen)
    figure.update_layout(hovermode="closest")
    height = _rows_height(len(names)) + 8 + 104 + (28 if title else 0)
    alt = _map_alt(values, names, order, measure, title)
    return finish(figure, alt=alt, height=height, title=title, bottom=104, right=30)


def _add_cells(figure: go.Figure, values: Floats, measure: str) -> None:
    """The heat map and its colour axis; cells without a number stay empty."""
    signed, top = measure == "deviation", _top(values, measure)
    z, known = quantised(np.nan_to_num(values), top, signed=signed), np.isfinite(values)
    y, x = (np.arange(count + 1) - 0.5 for count in values.shape)
    figure.add_heatmap(
        z=z if known.all() else np.where(known, z, np.nan), x=x, y=y, coloraxis="coloraxis", hoverinfo="skip", hoverongaps=False
    )
    axis = quantised_axis(top, MEASURES[measure], signed=signed, ends=GATE_ENDS if measure == "mean" else None)
    figure.update_layout(coloraxis=axis)
    figure.update_coloraxes(colorbar={"yref": "container", "y": 0, "yanchor": "bottom"})


def _top(values: Floats, measure: str) -> float:
    """The value of the strongest colour."""
    if measure == "mean":
        return 1.0
    return float(np.nan_to_num(np.abs(values)).max(initial=0)) or 1.0


def _rows_height(rows: int) -> int:
    return int(min(ROW * max(rows, 2), max(MOST_HEIGHT, 13 * rows)))


def _add_points(figure: go.Figure, layers: Floats, names: Sequence[str], order: NDArray[np.int64]) -> None:
    rows, unseen = len(names), {"marker": {"opacity": 0}}
    places, on = unseen_points(len(order), rows)
    y = np.repeat(np.arange(rows), len(places))
    shown = [np.round(layer[:, on], 4).ravel() for layer in layers]
    data = np.stack([np.tile(order[on], rows), y, *shown], 1)
    figure.add_scatter(
        x=np.tile(places * len(order) - 0.5, rows).astype(np.float32), y=y, customdata=data,
        text=np.repeat([escaped(name) for name in names], len(places)).tolist(), mode="markers",
        hovertemplate="%{text}, channel %{customdata[0]}<br>mean %{customdata[2]:.3f} ± %{customdata[4]:.3f} (sd)"
        "<br>%{customdata[3]:+.3f} against all<extra></extra>",
        marker={"opacity": 0, "size": 6, "color": NEUTRAL}, selected=unseen, unselected=unseen,
    )  # fmt: skip


def _add_class_axis(figure: go.Figure, names: Sequence[str]) -> None:
    labels = [escaped(shortened(name, 16)) for name in names]
    figure.update_yaxes(range=[len(names) - 0.5, -0.5], tickvals=list(range(len(names))), ticktext=labels, ticks="")
    figure.update_yaxes(showgrid=False, zeroline=False)
    if len(names) > MOST_HEIGHT / ROW:
        figure.update_yaxes(tickfont={"size": 10})


def _add_channel_axis(figure: go.Figure, order: NDArray[np.int64]) -> None:
    """Numbers below the columns, as many as fit on a telephone."""
    step = max(1, -(-len(order) // NUMBERED))
    at = np.arange(0, len(order), step)
    figure.update_xaxes(range=[-0.5, len(order) - 0.5], showgrid=False, zeroline=False, title="channel")
    if (np.diff(order) > 0).all():
        figure.update_xaxes(nticks=12)
    else:
        figure.update_xaxes(title="channels in the chosen order", tickvals=at, ticktext=[str(one) for one in order[at]])
        figure.update_xaxes(tickfont={"size": 9}, tickangle=-90)


def _mark(figure: go.Figure, order: NDArray[np.int64], chosen: int | None) -> None:
    at = np.flatnonzero(order == chosen)
    if len(at):
        line = {"color": CHOSEN, "width": 3}
        figure.add_shape(type="rect", x0=at[0] - 0.5, x1=at[0] + 0.5, yref="paper", y0=0, y1=1, line=line)


def _map_alt(values: Floats, names: Sequence[str], order: NDArray[np.int64], measure: str, title: str) -> str:
    start = f"{title}: {MEASURES[measure]} of {len(order)} channels for {len(names)} classes"
    if not np.isfinite(values).any():
        return start + "; no class has samples."
    strength = np.nan_to_num(np.abs(values) if measure == "deviation" else values, nan=-1.0)
    row, column = np.unravel_index(int(strength.argmax()), values.shape)
    sign = "+.3f" if measure == "deviation" else ".3f"
    low, high = np.nanmin(values), np.nanmax(values)
    words = f"{names[int(row)]} at channel {order[column]} ({values[row, column]:{sign}})"
    return f"{start}, from {low:{sign}} to {high:{sign}}; strongest for {words}."


def channel_ridges(
    counts: ArrayLike,
    names: Sequence[str],
    mean: ArrayLike,
    sd: ArrayLike,
    *,
    colours: Sequence[int] | None = None,
    title: str = "",
    mark: float | None = None,
    mark_name: str = "this picture",
) -> go.Figure:
    """How the gate of one channel is distributed in every class: a row a class, its histogram as steps.

    Args:
        counts: (R, B), samples of each class in B equal bins over 0..1. names: of the R classes.
        mean, sd: (R,), from the samples themselves and not from the bins; NaN where there are too few.
        colours: the class's number for its colour, its row when None. title: of the channel.
        mark: a gate to mark on the axis, such as a picture's; mark_name: whose it is.

    Every row reaches its own highest bin, so that the shape of a wide distribution can be seen beside a narrow one; nothing
    is smoothed. Below each row stand the mean and one standard deviation to either side.
    """
    found = np.asarray(counts, dtype=np.float64)
    centre, spread = (np.asarray(one, dtype=np.float64) for one in (mean, sd))
    shares = found / np.maximum(found.max(1, keepdims=True), 1)
    numbers = list(range(len(names))) if colours is None else list(colours)
    figure = go.Figure()
    for row, (name, number) in enumerate(zip(names, numbers, strict=True)):
        _add_ridge(figure, row, shares[row] * RIDGE, found[row], escaped(name), class_colour(number))
    _add_means(figure, centre, spread, names)
    if mark is not None:
        note = f"{escaped(mark_name)}: {mark:.3f}"
        figure.add_vline(x=mark, line={"color": CHOSEN, "width": 2}, annotation_text=note, annotation_position="top")
    _add_ridge_axes(figure, names)
    figure.update_layout(hovermode="closest")
    height = int(min(34 * len(names), max(520, 15 * len(names)))) + 100
    alt = _ridges_alt(centre, spread, names, title, found.shape[1])
    return finish(figure, alt=alt, height=height, title=title, bottom=48)


def _add_ridge(figure: go.Figure, row: int, heights: Floats, counts: Floats, name: str, colour: str) -> None:
    edges = np.repeat(np.linspace(0, 1, len(heights) + 1), 2)
    steps = np.concatenate([[0.0], np.repeat(heights, 2), [0.0]])
    figure.add_scatter(
        x=edges, y=row - steps, mode="lines", line={"color": colour, "width": 1.2}, fill="toself",
        fillcolor=faint(colour, 0.45), hoverinfo="skip", name=name,
    )  # fmt: skip
    full = np.flatnonzero(counts)
    bins = np.linspace(0, 1, len(heights) + 1)
    figure.add_scatter(
        x=(full + 0.5) / len(heights), y=row - heights[full] / 2, mode="markers", marker={"opacity": 0, "size": 8},
        customdata=np.stack([bins[full], bins[full + 1], counts[full]], 1), name=name,
        hovertemplate="%{customdata[2]:.0f} samples in %{customdata[0]:.3f} to %{customdata[1]:.3f}<extra>" + name + "</extra>",
    )  # fmt: skip


def _add_ridge_axes(figure: go.Figure, names: Sequence[str]) -> None:
    labels = [escaped(shortened(name, 16)) for name in names]
    figure.update_yaxes(tickvals=list(range(len(names))), ticktext=labels, range=[len(names) - 0.6, -1.05], ticks="")
    figure.update_yaxes(showgrid=False, zeroline=False)
    figure.update_xaxes(
        range=[-0.01, 1.01], title="gate, from 0 (closed) to 1 (open)", zeroline=False, tickvals=[0, 0.25, 0.5, 0.75, 1]
    )


def _add_means(figure: go.Figure, mean: Floats, sd: Floats, names: Sequence[str]) -> None:
    known = np.isfinite(mean)
    rows = np.flatnonzero(known)
    ends = {"array": np.nan_to_num(sd[known]), "color": NEUTRAL, "thickness": 2, "width": 0}
    figure.add_scatter(
        x=mean[known], y=rows + 0.09, mode="markers", error_x=ends, marker={"color": NEUTRAL, "size": 7, "symbol": "diamond"},
        customdata=np.stack([mean[known], sd[known]], 1), text=[escaped(names[int(row)]) for row in rows],
        hovertemplate="%{text}<br>mean %{customdata[0]:.3f} ± %{customdata[1]:.3f} (sd)<extra></extra>", name="mean ± sd",
    )  # fmt: skip


def _ridges_alt(mean: Floats, sd: Floats, names: Sequence[str], title: str, bins: int) -> str:
    known = np.flatnonzero(np.isfinite(mean))
    if not len(known):
        return f"{title}: no class has samples."
    order = known[np.argsort(mean[known], kind="stable")]
    low, high = order[0], order[-1]
    words = [f"{names[int(row)]} {mean[row]:.2f} ± {np.nan_to_num(sd[row]):.2f}" for row in (low, high)]
    return f"{title}: distribution of the gate by class in {bins} bins. Lowest mean {words[0]}, highest {words[1]}."


def effect_bars(
    gates: ArrayLike, gradients: ArrayLike, *, chosen: int, target: str, title: str = "", most: int = 20
) -> go.Figure:
    """Gate times gradient of the channels that move a class's logit most, and of the chosen one.

    Args:
        gates, gradients: (C,), of one picture at one site. chosen: a channel that is always among the bars.
        target: the class whose logit it is. most: bars.

    Right of 0 the channel speaks for the class as it is open, left of it against.
    """
    effect = np.asarray(gates, dtype=np.float64) * np.asarray(gradients, dtype=np.float64)
    order = np.argsort(-np.abs(effect), kind="stable")[:most]
    if chosen not in order:
        order = np.append(order[: most - 1], chosen)
    shown = order[np.argsort(-effect[order], kind="stable")]
    colours = [CHOSEN if channel == chosen else NEUTRAL for channel in shown]
    data = np.stack([np.asarray(gates)[shown], np.asarray(gradients)[shown]], 1)
    figure = go.Figure()
    figure.add_bar(
        x=effect[shown], y=[f"<b>{channel}</b>" if channel == chosen else str(channel) for channel in shown], orientation="h",
        marker={"color": colours, "line": {"width": 0}}, customdata=data,
        hovertemplate="channel %{y}<br>gate %{customdata[0]:.3f} x gradient %{customdata[1]:.3f} = %{x:.3f}<extra></extra>",
    )  # fmt: skip
    figure.update_yaxes(type="category", autorange="reversed", title="channel", showgrid=False, tickfont={"size": 10})
    figure.update_xaxes(
        title=f"gate x gradient for {escaped(shortened(target, 18))} (logit)", zeroline=True, zerolinecolor=NEUTRAL
    )
    words = listed([f"channel {channel} {effect[channel]:+.2f}" for channel in np.argsort(-np.abs(effect), kind="stable")[:3]])
    rank = int((np.abs(effect) > abs(effect[chosen])).sum()) + 1
    alt = (
        f"{title}: gate times gradient of the logit of {target}. Largest: {words}. Channel {chosen} has {effect[chosen]:+.3f}, "
        f"number {rank} of {len(effect)}."
    )
    return finish(figure, alt=alt, height=18 * len(shown) + 90, title=title, bottom=48)
