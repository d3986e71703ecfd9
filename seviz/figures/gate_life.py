"""How far the gates of a network move from picture to picture, block by block, and what is lost where they do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from seviz.figures.ablation import short
from seviz.figures.colours import NEUTRAL, faint, run_colour
from seviz.figures.intervals import SYMBOLS
from seviz.figures.layout import escaped, finish, listed

Losses = Sequence[tuple[float, float, float] | None]  # points with their interval, low and high; None where not measured
UPPER, LOWER = (0.54, 1.0), (0.0, 0.44)  # shares of the figure's height, where losses stand below


def gate_life(
    labels: Sequence[str], deviations: Sequence[float], alive: float, losses: Mapping[str, Losses] | None = None
) -> go.Figure:
    """Bars of the standard deviation of a block's gates over pictures, from the first block to the last; below them what
    accuracy loses when this block alone is edited.

    Args:
        labels: of the blocks, such as "stage 1 · block 2". deviations: 0..0.5. alive: from which a block counts as alive;
            bars below it are hatched. losses: edit -> points, one a block.
    """
    found, places = {name: values for name, values in (losses or {}).items() if any(values)}, list(range(len(labels)))
    still = [value < alive for value in deviations]
    figure = go.Figure()
    figure.add_bar(
        x=places, y=list(deviations), customdata=[escaped(label) for label in labels], name="moves by", showlegend=False,
        marker={"color": [faint(NEUTRAL, 0.25) if dead else run_colour(0) for dead in still],
                "line": {"width": 1.5, "color": run_colour(0)},
                "pattern": {"shape": ["/" if dead else "" for dead in still], "fgcolor": run_colour(0)}},
        hovertemplate="%{customdata}<br>moves by %{y:.3f}<extra></extra>",
    )  # fmt: skip
    figure.add_hline(y=alive, line={"color": NEUTRAL, "width": 1.5, "dash": "dot"})
    for number, (name, values) in enumerate(found.items()):
        _add_losses(figure, labels, name, values, number, len(found))
    _frame(figure, labels, bool(found))
    return finish(figure, alt=_alt(labels, deviations, alive, found), height=380 if found else 230, legend=bool(found),
                  bottom=72 if found else 40)  # fmt: skip


def _add_losses(figure: go.Figure, labels: Sequence[str], name: str, values: Losses, number: int, series: int) -> None:
    shown = [(row, one) for row, one in enumerate(values) if one is not None]
    lost, low, high = np.array([one for _, one in shown], dtype=np.float64).T
    colour, shift = run_colour(number), 0.24 * (number - (series - 1) / 2)
    words = [
        f"{escaped(labels[row])}<br>{name} alone: {one[0]:.2f} points lost<br>95 %: {one[1]:.2f} to {one[2]:.2f}"
        for row, one in shown
    ]
    figure.add_scatter(
        x=[row + shift for row, _ in shown], y=lost, yaxis="y2", name=f"lost when {name} alone", mode="markers", text=words,
        error_y={"array": high - lost, "arrayminus": lost - low, "width": 0, "thickness": 2.5, "color": faint(colour, 0.6)},
        marker={"color": colour, "size": 8, "symbol": SYMBOLS[number]}, hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip


def _frame(figure: go.Figure, labels: Sequence[str], with_losses: bool) -> None:
    step = -(-len(labels) // 14)  # so many names fit side by side on a telephone
    ticks = list(range(0, len(labels), step))
    figure.update_xaxes(tickvals=ticks, ticktext=[escaped(short(labels[row])) for row in ticks], tickangle=0, showgrid=False)
    figure.update_xaxes(title="stage.block", range=[-0.6, len(labels) - 0.4], zeroline=False)
    figure.update_yaxes(title="moves by (sd)", rangemode="tozero", nticks=5, zeroline=False)
    if with_losses:
        line = {"zeroline": True, "zerolinecolor": NEUTRAL, "zerolinewidth": 1}
        below = {"domain": LOWER, "title": "points lost", "anchor": "x", "nticks": 5, **line}
        figure.update_layout(yaxis={"domain": UPPER}, yaxis2=below).update_xaxes(anchor="y2")


def _alt(labels: Sequence[str], deviations: Sequence[float], alive: float, losses: Mapping[str, Losses]) -> str:
    order = np.argsort(deviations)
    still = [labels[row] for row in order if deviations[row] < alive]
    words = [
        f"Standard deviation of the gates of {len(labels)} blocks over pictures: from {deviations[order[0]]:.3f} at "
        f"{labels[order[0]]} to {deviations[order[-1]]:.3f} at {labels[order[-1]]}"
    ]
    words += [f"below {alive}, so hardly alive: {listed(still)}"] if still else []
    for name, values in losses.items():
        known = {row: one[0] for row, one in enumerate(values) if one is not None}
        most = max(known, key=lambda row: known[row])
        words.append(f"most is lost when {labels[most]} alone is {name}, {known[most]:.2f} points of accuracy")
    return "; ".join(words) + "."
