"""What accuracy costs: parameters, multiply-adds and time, our networks in one chart each. The paper's have their own:
seviz.figures.networks.paper_chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import plotly.graph_objects as go

from seviz.analysis.classification import Interval
from seviz.figures.colours import faint, run_colour
from seviz.figures.layout import escaped, finish, listed, percent, shortened


@dataclass(frozen=True)
class Priced:
    """A network's accuracy (0..1) with its 95 % interval, and what it costs in some unit; low, high: the spread of a cost
    that was measured, None of one that was counted."""

    name: str
    accuracy: float
    interval: Interval
    cost: float
    low: float | None = None
    high: float | None = None


class Timed(Protocol):
    """Milliseconds of one picture: see seviz.backend.Latency."""

    @property
    def model(self) -> str: ...
    @property
    def median(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


def accuracy_against_cost(points: Sequence[Priced], unit: str) -> go.Figure:
    """Test accuracy with 95 % intervals against a cost, whose axis starts at 0.

    Args: points: networks in the order of their colours. unit: the title of the cost axis.
    """
    figure = go.Figure()
    for index, one in enumerate(points):
        colour, (low, high) = run_colour(index), one.interval
        bars = {"array": [high - one.accuracy], "arrayminus": [one.accuracy - low], "color": faint(colour, 0.6), "thickness": 3}
        spread = [] if one.low is None or one.high is None else [one.high - one.cost, one.cost - one.low]
        across = {"array": spread[:1], "arrayminus": spread[1:], "color": faint(colour, 0.6), "thickness": 3, "width": 0}
        symbol = "circle" if index % 2 == 0 else "diamond"
        figure.add_scatter(
            x=[one.cost], y=[one.accuracy], mode="markers", name=escaped(shortened(one.name, 24)), error_y={**bars, "width": 0},
            error_x=across if spread else None, marker={"color": colour, "size": 13, "symbol": symbol, "line": {"width": 0}},
            hovertemplate=f"{escaped(one.name)}<br>%{{y:.2%}} ({low:.2%} to {high:.2%})<br>%{{x:,}} {unit}<extra></extra>",
        )  # fmt: skip
    ends = [end for one in points for end in one.interval]
    room = max(0.004, 0.2 * (max(ends) - min(ends)))
    figure.update_xaxes(range=[0, 1.15 * max(one.high or one.cost for one in points)], title=unit, zeroline=False, nticks=6)
    figure.update_yaxes(
        range=[max(0, min(ends) - room), min(1, max(ends) + room)], tickformat=".1%", title="test accuracy", zeroline=False,
        nticks=6,
    )  # fmt: skip
    words = listed([f"{one.name} {percent(one.accuracy, 2)} at {one.cost:,.4g}" for one in points])
    return finish(figure, alt=f"Test accuracy against {unit}: {words}.", height=330, bottom=72, legend=True)


def latencies(times: Sequence[Timed]) -> go.Figure:
    """Milliseconds of one picture on an axis from 0: the median, and the range of the middle half of the passes."""
    figure = go.Figure()
    for index, one in enumerate(times):
        colour = run_colour(index)
        line = {"color": faint(colour, 0.55), "width": 7}
        figure.add_scatter(x=[one.low, one.high], y=[index, index], mode="lines", line=line, hoverinfo="skip")
        figure.add_scatter(
            x=[one.median], y=[index], mode="markers+text", text=[f"<b>{one.median:.2f} ms</b>"], textposition="top center",
            marker={"color": colour, "size": 10, "line": {"width": 0}},
            hovertemplate=f"median %{{x:.2f}} ms<br>half of the passes {one.low:.2f} to {one.high:.2f}<extra></extra>",
        )  # fmt: skip
    labels = [escaped(shortened(one.model, 18)) for one in times]
    figure.update_xaxes(range=[0, 1.15 * max(one.high for one in times)], title="milliseconds a picture", zeroline=False)
    figure.update_yaxes(range=[len(labels) - 0.5, -0.8], tickvals=np.arange(len(labels)), ticktext=labels)
    figure.update_yaxes(showgrid=False, zeroline=False)
    words = listed([f"{one.model} {one.median:.2f} ({one.low:.2f} to {one.high:.2f})" for one in times])
    alt = f"Milliseconds a picture, median and middle half: {words}."
    return finish(figure, alt=alt, height=54 * len(labels) + 70, bottom=48)
