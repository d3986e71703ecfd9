"""Edited gates: what they change in a prediction, the path to another class, another picture's gates block by block."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from seviz.figures.colours import CHOSEN, DIVERGING, NEUTRAL, RUNS, faint
from seviz.figures.layout import escaped, finish, listed, percent, shortened

ROW = 36  # pixels: a line of text and its two bars
FALL, RISE = ("#" + bytes(DIVERGING[at]).hex() for at in (34, 220))
LEAST_SPAN = 1.0  # logit: smaller differences do not fill the axis


def in_a_row(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Pictures of one size, uint8 (H, W, 3), as one with clear gaps between them: uint8 (H, W', 4), RGBA."""
    height, width = pictures[0].shape[:2]
    gap = max(2, width // 16)
    out = np.zeros((height, len(pictures) * (width + gap) - gap, 4), dtype=np.uint8)
    for number, pixels in enumerate(pictures):
        left = number * (width + gap)
        out[:, left : left + width, :3] = pixels
        out[:, left : left + width, 3] = 255
    return out


def before_after(labels: Sequence[str], before: ArrayLike, after: ArrayLike, scores: ArrayLike) -> go.Figure:
    """Classes before and after edits: two bars of probability, and beside them the difference of the logit.

    Args:
        labels: k class names, in the order they are shown. before, after: (k,), probabilities, 0..1.
        scores: (k,), logit after minus logit before: red and to the right where it rose, blue and to the left where it fell.
    """
    one, other, moved = (np.asarray(values, dtype=np.float64) for values in (before, after, scores))
    rows, span = np.arange(len(labels)), max(LEAST_SPAN, float(np.abs(moved).max(initial=0))) * 1.05
    names = [escaped(name) for name in labels]
    figure = go.Figure()
    for shift, shares, colour, name in ((0.12, one, NEUTRAL, "before"), (0.3, other, RUNS[0], "after")):
        figure.add_bar(
            x=shares, y=rows + shift, orientation="h", width=0.17, marker={"color": colour, "line": {"width": 0}}, name=name,
            customdata=names, hovertemplate=f"%{{customdata}}<br>{name} %{{x:.2%}}<extra></extra>",
        )  # fmt: skip
    figure.add_bar(
        x=moved, y=rows + 0.21, orientation="h", width=0.36, xaxis="x2", showlegend=False, customdata=names,
        marker={"color": [RISE if value > 0 else FALL for value in moved], "line": {"width": 0}},
        hovertemplate="%{customdata}<br>logit %{x:+.3f}<extra></extra>",
    )  # fmt: skip
    words = [_word(1, -0.85, "logit difference", "right")]
    for row, name in enumerate(labels):
        words.append(_word(0, row - 0.02, escaped(shortened(name, 22)), "left"))
        words.append(_word(0.6, row - 0.02, f"{percent(one[row])} → {percent(other[row])}", "right"))
        words.append(_word(1, row - 0.02, _signed(moved[row]), "right"))
    line = {"type": "line", "xref": "x2", "x0": 0, "x1": 0, "line": {"color": faint(NEUTRAL, 0.7), "width": 1}}
    # beside the bar alone: the number above it stays clear
    lines = [{**line, "y0": row + 0.02, "y1": row + 0.4} for row in range(len(labels))]
    figure.update_layout(
        annotations=words, shapes=lines,  # all at once: one by one takes Plotly longer than all the rest
        barmode="overlay", xaxis={"domain": [0, 0.6], "range": [0, 1], "visible": False},
        xaxis2={"domain": [0.68, 1], "range": [-span, span], "visible": False},
    )  # fmt: skip
    figure.update_yaxes(range=[len(labels) - 0.35, -1.15], visible=False)
    height = ROW * (len(labels) + 1) + 34
    return finish(figure, alt=_before_after_alt(labels, one, other, moved), height=height, bottom=30, legend=True)


def _word(x: float, y: float, text: str, anchor: str) -> dict[str, object]:
    return {"x": x, "y": y, "text": text, "xanchor": anchor, "yanchor": "bottom", "showarrow": False, "xref": "paper"}


def _before_after_alt(labels: Sequence[str], one: ArrayLike, other: ArrayLike, moved: ArrayLike) -> str:
    rows = zip(labels, np.asarray(one), np.asarray(other), np.asarray(moved), strict=True)
    words = [f"{name} {percent(b)} before, {percent(a)} after (logit {d:+.2f})" for name, b, a, d in rows]
    return f"Probabilities before and after the edits: {listed(words)}."


def _signed(value: float) -> str:
    """With its sign; what rounds to 0 has none of its own."""
    return f"{round(float(value), 2) + 0.0:+.2f}"


def flip_path(
    steps: Sequence[str], target: ArrayLike, origin: ArrayLike, *, target_name: str, origin_name: str
) -> go.Figure:
    """The probability of two classes along a path of changes.

    Args:
        steps: n + 1 names, the first for no change. target, origin: (n + 1,), 0..1, after each step.
    """
    figure, x = go.Figure(), np.arange(len(steps))
    for values, name, colour, dash in ((target, target_name, CHOSEN, "solid"), (origin, origin_name, RUNS[0], "dot")):
        figure.add_scatter(
            x=x, y=np.asarray(values, dtype=np.float64), mode="lines+markers", name=escaped(name), customdata=list(steps),
            line={"color": colour, "width": 3, "dash": dash}, marker={"size": 8},
            hovertemplate="%{customdata}<br>%{fullData.name} %{y:.1%}<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title="changes made", tickmode="linear", dtick=max(1, len(steps) // 12), showgrid=False, zeroline=False)
    figure.update_yaxes(title="probability", range=[-0.02, 1.02], tickformat=".0%", nticks=5, zeroline=False)
    first, last = (float(np.asarray(target)[at]) for at in (0, -1))
    alt = (
        f"The probability of {target_name} along {len(steps) - 1} changes of gates: {percent(first)} without, "
        f"{percent(last)} after all; of {origin_name} {percent(float(np.asarray(origin)[-1]))} after all."
    )
    return finish(figure, alt=alt, height=280, bottom=68, legend=True)


def swapped_blocks(places: Sequence[str], moved: ArrayLike, *, label: str, other: str) -> go.Figure:
    """By how much the score of a class moves when the gates of one place come from another picture.

    Args:
        places: what is swapped, from all blocks down to one. moved: (n,), logit with the swap minus logit without.
        label: the class. other: the other picture.
    """
    values = np.asarray(moved, dtype=np.float64)
    span = max(LEAST_SPAN, float(np.abs(values).max(initial=0))) * 1.3
    figure = go.Figure(
        go.Bar(
            x=values, y=list(range(len(places))), orientation="h", customdata=list(places),
            marker={"color": [RISE if value > 0 else FALL for value in values], "line": {"width": 0}},
            text=[_signed(value) for value in values], textposition="outside", cliponaxis=False,
            hovertemplate="%{customdata}<br>logit %{x:+.3f}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_xaxes(range=[-span, span], title=f"logit of {escaped(shortened(label))}, difference", zeroline=True,
                        zerolinecolor=NEUTRAL)  # fmt: skip
    figure.update_yaxes(tickvals=list(range(len(places))), ticktext=list(places), autorange="reversed", showgrid=False)
    strongest = int(np.abs(values).argmax())
    alt = (
        f"The logit of {label} with the gates of {other}: "
        + listed([f"{place} {value:+.2f}" for place, value in zip(places, values, strict=True)])
        + f". The strongest is {places[strongest]}."
    )
    return finish(figure, alt=alt, height=26 * len(places) + 70, bottom=44)
