"""Several series of figures with intervals on one axis, a row a thing: a dot, the line of its interval, and a line at 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from seviz.figures.colours import NEUTRAL, faint, run_colour
from seviz.figures.layout import escaped, shortened

SYMBOLS = ("circle", "square", "diamond", "triangle-up")
ROOM = 12  # pixels of a series in a row


@dataclass(frozen=True)
class Series:
    """values: one a row; None where there is none. intervals: None for figures that have none, or for one of them. notes: what
    the hover adds to each. number: of its colour and sign."""

    name: str
    values: Sequence[float | None]
    intervals: Sequence[tuple[float, float] | None] | None = None
    notes: Sequence[str] = ()
    number: int = 0


def rows(labels: Sequence[str], series: Sequence[Series], *, title: str, unit: str, form: str = "+.2f") -> go.Figure:
    """A figure without its frame (layout.finish gives it): labels of the R rows from above; title: of the axis.

    unit: behind the numbers of the hover, such as " points". form: of the numbers. Filled signs are told from 0 (their interval
    leaves it out), open ones are not; without an interval all are filled.
    """
    figure = go.Figure()
    figure.add_vline(x=0, line={"color": NEUTRAL, "width": 1.5, "dash": "dot"})
    for place, one in enumerate(series):
        shift = (place - (len(series) - 1) / 2) * min(0.28, 0.8 / len(series))
        _add(figure, one, labels, shift, unit, form)
    names = [escaped(shortened(label, 18)) for label in labels]
    figure.update_yaxes(range=[len(labels) - 0.4, -0.6], tickvals=list(range(len(labels))), ticktext=names, zeroline=False)
    figure.update_yaxes(gridcolor=faint(NEUTRAL, 0.15))
    figure.update_xaxes(title=title, zeroline=False, nticks=7, tickformat="+" if form.startswith("+") else "")
    return figure.update_layout(hovermode="closest")


def height(labels: Sequence[str], series: Sequence[Series]) -> int:
    """In pixels, with room for the axis and the legend."""
    return len(labels) * (14 + ROOM * len(series)) + 110


def _add(figure: go.Figure, one: Series, labels: Sequence[str], shift: float, unit: str, form: str) -> None:
    colour = run_colour(one.number)
    shown = [row for row, value in enumerate(one.values) if value is not None]
    values = [float(one.values[row] or 0.0) for row in shown]
    ends = [one.intervals[row] if one.intervals else None for row in shown]
    low, high = ([end[side] if end else value for end, value in zip(ends, values, strict=True)] for side in (0, 1))
    told = [end is None or not end[0] <= 0 <= end[1] for end in ends]
    symbol = SYMBOLS[one.number % len(SYMBOLS)]
    notes = one.notes or [""] * len(labels)
    known = zip(shown, values, ends, strict=True)
    words = [_hover(labels[row], value, end, notes[row], unit, form) for row, value, end in known]
    # a sign of the legend's own: the first of the rows may be open
    sign = {"color": colour, "size": 9, "symbol": symbol}
    figure.add_scatter(x=[None], y=[None], mode="markers", name=one.name, marker=sign, legendgroup=one.name, hoverinfo="skip")
    lines = {"array": list(np.subtract(high, values)), "arrayminus": list(np.subtract(values, low)), "width": 0}
    figure.add_scatter(
        x=values, y=[row + shift for row in shown], mode="markers", name=one.name, customdata=shown, text=words,
        legendgroup=one.name, showlegend=False, cliponaxis=False,
        error_x={**lines, "color": faint(colour, 0.6), "thickness": 3, "visible": any(ends)},
        marker={"color": colour, "size": 9, "symbol": [symbol if sure else f"{symbol}-open" for sure in told],
                "line": {"width": 2, "color": colour}},
        hovertemplate=f"%{{text}}<extra>{escaped(one.name)}</extra>",
    )  # fmt: skip


def _hover(label: str, value: float, end: tuple[float, float] | None, note: str, unit: str, form: str) -> str:
    interval = f"<br>95 %: {end[0]:{form}} to {end[1]:{form}}" if end else ""
    return f"{escaped(label)}<br>{value:{form}}{unit}{interval}{f'<br>{escaped(note)}' if note else ''}"
