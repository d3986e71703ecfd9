"""What a network says a picture is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from seviz.figures.colours import NEUTRAL, faint, run_colour
from seviz.figures.layout import escaped, finish, listed, percent, shortened

ROW = 40  # pixels: a line of text and its bar
REST = "all other classes"
SMALLEST_REST = 5e-4  # less would be written as 0.0 %


def probabilities(labels: Sequence[str], values: ArrayLike, *, model: str, series: int = 0, title: str = "") -> go.Figure:
    """The most probable classes as bars on an axis from 0 to 100 %, the name above its bar, the rest in grey.

    Args:
        labels: k class names, most probable first. values: (k,), 0..1, their probabilities.
        model: its name, for the alt text. series: which colour it has (figures.colours.run_colour).
        title: in the figure, where the page does not name the model beside it.
    """
    shares = [float(value) for value in np.asarray(values, dtype=np.float64)]
    names, colours = list(labels), [run_colour(series)] * len(shares)
    rest = 1 - sum(shares)
    if rest > SMALLEST_REST:
        names, shares, colours = [*names, REST], [*shares, rest], [*colours, NEUTRAL]
    figure = go.Figure()
    rows = list(range(len(shares)))
    for bars, shown, opacity, hover in (([1.0] * len(rows), faint(NEUTRAL, 0.18), 1, False), (shares, colours, 1, True)):
        figure.add_bar(
            x=bars, y=rows, orientation="h", width=0.24, marker={"color": shown, "opacity": opacity, "line": {"width": 0}},
            customdata=[escaped(name) for name in names], hoverinfo="all" if hover else "skip",
            hovertemplate="%{customdata}<br>%{x:.2%}<extra></extra>" if hover else None,
        )  # fmt: skip
    for row, (name, share) in enumerate(zip(names, shares, strict=True)):
        text = {"y": row - 0.16, "yanchor": "bottom", "showarrow": False, "xref": "paper"}
        figure.add_annotation(x=0, xanchor="left", text=escaped(shortened(name, 30)), **text)
        figure.add_annotation(x=1, xanchor="right", text=f"<b>{percent(share)}</b>" if row == 0 else percent(share), **text)
    figure.update_layout(barmode="overlay")
    figure.update_xaxes(range=[0, 1], visible=False)
    figure.update_yaxes(range=[len(rows) - 0.75, -0.75], visible=False)
    alt = f"{model}: " + listed([f"{name} {percent(share)}" for name, share in zip(names, shares, strict=True)]) + "."
    return finish(figure, alt=alt, height=ROW * len(rows) + (44 if title else 16), title=escaped(title), bottom=0)
