"""Samples by their gates: in a plane, and gate against squeeze; and how the two go together, channel by channel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from seviz.figures.colours import CHOSEN, NEUTRAL, RUNS, class_colour
from seviz.figures.layout import escaped, finish, listed, shortened

Floats = NDArray[np.float64]
Group = tuple[str, NDArray[np.bool_], str, str]  # name, which samples, colour, symbol
# beside the colour, so that classes are told apart without it
SYMBOLS = ("circle", "square", "diamond", "cross", "x", "triangle-up", "triangle-down", "star", "hexagon", "pentagon")


def plane(
    points: ArrayLike,
    samples: Sequence[str],
    labels: ArrayLike,
    predicted: ArrayLike,
    names: Sequence[str],
    *,
    by: str = "class",
    faded: ArrayLike | None = None,
    axes: tuple[str, str] = ("", ""),
    drag: str = "select",
    what: str = "Gates",
) -> go.Figure:
    """Samples in two dimensions, a point each.

    Args:
        points: (P, 2). samples: P ids. labels, predicted: int (P,), indexes into names.
        by: "class" gives every true class a colour and a symbol; "error" sets the mistakes off from what is right.
        faded: bool (P,), samples that are only hinted at. axes: titles; two axes without titles have no ticks either, as
            their units mean nothing. drag: what dragging does, "select" (a box), "lasso" or "" (the page scrolls).
        what: whose plane it is, in words.

    Points carry their index into the samples as customdata.
    """
    at, true, said = np.asarray(points, dtype=np.float64), np.asarray(labels), np.asarray(predicted)
    dim = np.zeros(len(at), dtype=bool) if faded is None else np.asarray(faded, dtype=bool)
    words = _sample_words(samples, true, said, names)
    figure = go.Figure()
    for group in _groups(true, said, names, by):
        _add_group(figure, at, words, dim, group, cross=9 if by == "error" else 6)
    bare = {} if any(axes) else {"showticklabels": False, "showgrid": False}
    figure.update_xaxes(title=axes[0], zeroline=False, **bare)
    figure.update_yaxes(title=axes[1], zeroline=False, **bare)
    alt = (
        f"{what}: {len(at):,} samples of {len(np.unique(true))} classes in a plane, "
        f"{'coloured by true class' if by == 'class' else 'mistakes set off'}; {(true != said).sum():,} of them are mistakes."
    )
    finish(figure, alt=alt, height=560, bottom=(44 if any(axes) else 8) + 72, legend=True)
    return figure.update_layout(hovermode="closest", dragmode=drag or False)


def _sample_words(
    samples: Sequence[str], true: NDArray[np.integer], said: NDArray[np.integer], names: Sequence[str]
) -> list[str]:
    """What the hover says of every sample: its id, its class, and what it was taken for."""
    return [
        f"{escaped(sample)}<br>{escaped(names[label])}" + ("" if label == guess else f", taken for {escaped(names[guess])}")
        for sample, label, guess in zip(samples, true.tolist(), said.tolist(), strict=True)
    ]


def _add_group(
    figure: go.Figure, at: Floats, words: list[str], dim: NDArray[np.bool_], group: Group, *, cross: int
) -> None:
    """Two traces of one entry in the legend: the samples in full, and those only hinted at. cross: pixels of an x."""
    name, mask, colour, symbol = group
    label = f"{escaped(shortened(name))} ({int(mask.sum()):,})"
    for rows, opacity in ((np.flatnonzero(mask & ~dim), 0.8), (np.flatnonzero(mask & dim), 0.07)):
        figure.add_scatter(
            x=at[rows, 0], y=at[rows, 1], mode="markers", name=label, customdata=rows, text=[words[row] for row in rows],
            hovertemplate="%{text}<extra></extra>", showlegend=opacity > 0.5, legendgroup=name,
            marker={"color": colour, "size": cross if symbol == "x" else 6, "symbol": symbol, "opacity": opacity,
                    "line": {"width": 0}},
        )  # fmt: skip


def _groups(true: NDArray[np.integer], said: NDArray[np.integer], names: Sequence[str], by: str) -> list[Group]:
    if by == "error":
        wrong = true != said
        return [("right", ~wrong, RUNS[0], "circle"), ("mistaken", wrong, CHOSEN, "x")]
    present = np.unique(true)
    return [(names[k], true == k, class_colour(int(k)), SYMBOLS[int(k) % len(SYMBOLS)]) for k in present]


def squeeze_against_gate(
    squeezes: ArrayLike, gates: ArrayLike, groups: ArrayLike, names: Sequence[str], *, title: str, by: str = "class"
) -> go.Figure:
    """What goes into gates against what comes out, a point a sample (and channel).

    Args:
        squeezes, gates: (P,), in units of activation, and 0..1. groups: int (P,), the class of each point, or its channel.
        names: of the groups. title: of the channel or site. by: what the groups are, in words.

    A gate sees all squeezes of its site, so that there need not be any relation to its own.
    """
    z, s, group = np.asarray(squeezes, dtype=np.float64), np.asarray(gates, dtype=np.float64), np.asarray(groups)
    figure = go.Figure()
    for name, rows, colour, symbol in _by_group(group, names, by):
        figure.add_scatter(
            x=z[rows], y=s[rows], mode="markers", name=shortened(name), showlegend=by == "class",
            marker={"color": colour, "size": 6, "symbol": symbol, "opacity": 0.6, "line": {"width": 0}},
            text=[escaped(names[k]) for k in group[rows].tolist()],
            hovertemplate="%{text}<br>squeeze %{x:.3g}<br>gate %{y:.3f}<extra></extra>",
        )  # fmt: skip
    figure.add_hline(y=0.5, line={"color": NEUTRAL, "width": 1, "dash": "dot"})
    figure.update_xaxes(title="squeeze (mean activation of the channel)", zeroline=False)
    figure.update_yaxes(title="gate", range=[-0.03, 1.03], tickvals=[0, 0.5, 1], zeroline=False)
    figure.update_layout(hovermode="closest")
    legend = by == "class"
    alt = (
        f"{title}: gate against squeeze for {len(z):,} points; squeezes from {z.min():.3g} to {z.max():.3g}, gates from "
        f"{s.min():.2f} to {s.max():.2f}."
    )
    return finish(figure, alt=alt, height=380 + 64 * legend, title=title, bottom=44 + 64 * legend, legend=legend)


def _by_group(
    group: NDArray[np.integer], names: Sequence[str], by: str
) -> list[tuple[str, NDArray[np.int64], str, str]]:
    """(name, its points, colour, symbol) of every trace: one a class, or one for all channels."""
    if by != "class":
        return [("all channels", np.arange(len(group)), RUNS[0], "circle")]
    return [
        (escaped(names[int(k)]), np.flatnonzero(group == k), class_colour(int(k)), SYMBOLS[int(k) % len(SYMBOLS)])
        for k in np.unique(group)
    ]


def correlations(values: ArrayLike, *, title: str, chosen: int | None = None) -> go.Figure:
    """The rank correlation of squeeze and gate of every channel, -1..1, the highest first; NaN, of a gate that never moves,
    last and without a bar. chosen: a channel to mark. Bars carry their channel as customdata."""
    found = np.asarray(values, dtype=np.float64)
    order = np.argsort(-np.nan_to_num(found, nan=-2), kind="stable")
    figure = go.Figure()
    figure.add_bar(
        x=np.arange(len(order)), y=found[order], customdata=order, width=0.9,
        marker={"color": [CHOSEN if channel == chosen else RUNS[0] for channel in order], "line": {"width": 0}},
        hovertemplate="channel %{customdata}: %{y:+.2f}<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(
        title="channels, highest correlation first", showgrid=False, zeroline=False, range=[-0.5, len(order) - 0.5]
    )
    if len(order) <= 64:
        figure.update_xaxes(tickvals=np.arange(len(order)), ticktext=[str(channel) for channel in order], tickangle=-90)
        figure.update_xaxes(tickfont={"size": 9})
    else:
        figure.update_xaxes(showticklabels=False)
    figure.update_yaxes(range=[-1.03, 1.03], title="rank correlation", zerolinecolor=NEUTRAL)
    figure.update_layout(bargap=0)
    known = np.flatnonzero(np.isfinite(found))
    if len(known):
        ends = [known[found[known].argmax()], known[found[known].argmin()]]
        words = listed([f"channel {channel} {found[channel]:+.2f}" for channel in ends])
        alt = f"{title}: rank correlation of squeeze and gate by channel; highest and lowest: {words}."
    else:
        alt = f"{title}: no gate moves, so that nothing correlates."
    return finish(figure, alt=alt, height=260, title=title, bottom=52)
