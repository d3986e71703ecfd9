"""What dropped channels cost: accuracy against parameters or multiply-adds, a line a criterion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from seviz.analysis.classification import Interval
from seviz.analysis.pruning import NAMES, Cut, Level
from seviz.figures.colours import NEUTRAL, RUNS, faint
from seviz.figures.layout import finish, listed, percent

UNITS = {"parameters": "thousand parameters", "multiply-adds": "million multiply-adds a picture"}
# of each criterion: colour, dash and symbol, so that it is told without colours as well
STYLES = {
    "gate": (RUNS[0], "solid", "circle"),
    "magnitude": (RUNS[1], "dash", "diamond"),
    "random": (RUNS[2], "dot", "square"),
}


def accuracy_against_cost(
    cuts: Sequence[Cut], levels: Sequence[Level], accuracy: float, interval: Interval, cost: str
) -> go.Figure:
    """Accuracy of pruned networks against what they cost, from the unpruned one on the right to the left.

    Args:
        cuts: the costs, the unpruned network first. levels: by criterion, then share; bars are Wilson's 95 % intervals, of
            random the lowest and the highest seed. accuracy, interval: of the unpruned network, the dotted line across and
            the band behind it. cost: "parameters" or "multiply-adds".
    """
    price = {cut.share: _price(cut, cost) for cut in cuts}
    figure = go.Figure()
    for criterion in dict.fromkeys(level.criterion for level in levels):
        _add_line(figure, [one for one in levels if one.criterion == criterion], price, accuracy, cost)
    figure.add_hline(accuracy, line={"color": NEUTRAL, "width": 1.5, "dash": "dot"})
    figure.add_hrect(*interval, fillcolor=faint(NEUTRAL, 0.25), line={"width": 0}, layer="below")
    figure.add_annotation(
        x=0, y=interval[1], xref="paper", xanchor="left", yanchor="bottom", showarrow=False, text="all channels"
    )  # fmt: skip
    ends = [*interval, *(end for one in levels for end in one.spread)]
    room, wide = 0.06 * (max(ends) - min(ends)), 0.05 * (max(price.values()) - min(price.values()))
    figure.update_xaxes(
        range=[min(price.values()) - wide, max(price.values()) + wide], title=UNITS[cost], zeroline=False, nticks=6
    )
    figure.update_yaxes(
        range=[max(0, min(ends) - room), min(1.0, max(ends) + 2.5 * room)], title="accuracy", tickformat=".0%", nticks=6,
        zeroline=False,
    )  # fmt: skip
    return finish(figure, alt=_alt(levels, price, accuracy, cost), height=400, bottom=72, legend=True)


def _add_line(
    figure: go.Figure, levels: Sequence[Level], price: dict[float, float], accuracy: float, cost: str
) -> None:
    criterion = levels[0].criterion
    colour, dash, symbol = STYLES[criterion]
    # the unpruned network has no bar of its own: the band is its interval
    rows = [(0.0, accuracy, (accuracy, accuracy)), *((one.share, one.accuracy, one.spread) for one in levels)]
    bars: dict[str, Any] = {
        "array": [high - rate for _, rate, (_, high) in rows], "arrayminus": [rate - low for _, rate, (low, _) in rows],
        "color": faint(colour, 0.6), "thickness": 2, "width": 4,
    }  # fmt: skip
    about = "range of the seeds" if criterion == "random" else "95 %"
    figure.add_scatter(
        x=[price[share] for share, _, _ in rows], y=[rate for _, rate, _ in rows], mode="lines+markers", error_y=bars,
        name=f"by {NAMES[criterion]}", line={"color": colour, "width": 2.5, "dash": dash},
        marker={"color": colour, "size": 9, "symbol": symbol, "line": {"width": 0}},
        customdata=[[f"{share:.0%}", f" ({percent(low, 2)} to {percent(high, 2)}, {about})" if share else ""]
                    for share, _, (low, high) in rows],
        hovertemplate=f"%{{customdata[0]}} of the channels dropped by {NAMES[criterion]}<br>%{{y:.2%}}%{{customdata[1]}}"
        f"<br>%{{x:,.1f}} {UNITS[cost]}<extra></extra>",
    )  # fmt: skip


def _price(cut: Cut, cost: str) -> float:
    return cut.multiply_adds / 1e6 if cost == "multiply-adds" else cut.parameters / 1e3


def _alt(levels: Sequence[Level], price: dict[float, float], accuracy: float, cost: str) -> str:
    lines = []
    for criterion in dict.fromkeys(level.criterion for level in levels):
        mine = [one for one in levels if one.criterion == criterion]
        lines.append(f"by {NAMES[criterion]} {listed([f'{percent(one.accuracy)} at {price[one.share]:,.1f}' for one in mine])}")
    return f"Accuracy against {UNITS[cost]}: {percent(accuracy)} at {price[0.0]:,.1f} with all channels; {'; '.join(lines)}."
