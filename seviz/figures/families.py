"""What SE blocks add to the paper's families of networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from seviz.figures.colours import NEUTRAL, RUNS
from seviz.figures.layout import escaped, finish, listed, percent

UNITS = {"parameters": "more parameters", "multiply-adds": "more multiply-adds", "time": "more time"}


@dataclass(frozen=True)
class Growth:
    """What SE blocks add to a network, as a share of the plain one. name: of the family. here: counted or measured here.
    paper: by the rounded figures of the paper's table, None where it has none or the network here is another."""

    name: str
    here: float
    paper: float | None = None


def growth(families: Sequence[Growth], what: str) -> go.Figure:
    """A row a family: a dot for this machine, a diamond for the paper, on an axis from 0.

    Args: what: a key of UNITS. Raises KeyError for another.
    """
    names = [escaped(one.name) for one in families]
    figure = go.Figure()
    known = [one for one in families if one.paper is not None]
    if known:
        figure.add_scatter(
            x=[one.paper for one in known], y=[escaped(one.name) for one in known], mode="markers", name="the paper's table",
            marker={"color": RUNS[1], "size": 12, "symbol": "diamond-open", "line": {"width": 2.5, "color": RUNS[1]}},
            hovertemplate=f"%{{y}}<br>%{{x:+.2%}} {UNITS[what]}, by the paper's rounded figures<extra></extra>",
        )  # fmt: skip
    figure.add_scatter(
        x=[one.here for one in families], y=names, mode="markers", name="measured here" if what == "time" else "counted here",
        marker={"color": RUNS[0], "size": 11, "line": {"width": 0}},
        hovertemplate=f"%{{y}}<br>%{{x:+.3%}} {UNITS[what]}<extra></extra>",
    )  # fmt: skip
    shares = [share for one in families for share in (one.here, one.paper) if share is not None]
    room = 0.06 * (max(*shares, 0) - min(*shares, 0) or 1)
    low = min(*shares, 0)
    figure.update_xaxes(
        range=[low - room if low < 0 else -room / 2, max(*shares, 0) + room], tickformat="+~%", title=UNITS[what], nticks=6,
        zeroline=True, zerolinecolor=NEUTRAL, zerolinewidth=1,
    )  # fmt: skip
    figure.update_yaxes(categoryorder="array", categoryarray=names[::-1], zeroline=False)
    alt = f"What SE blocks add, {UNITS[what]}: {listed([_words(one) for one in families])}."
    return finish(figure, alt=alt, height=30 * len(names) + 110, bottom=86, legend=True)


def _words(one: Growth) -> str:
    theirs = f" (paper {percent(one.paper, 2)})" if one.paper is not None else ""
    return f"{one.name} {percent(one.here, 2)}{theirs}"
