"""Whether a map is faithful: curves of pixels that go and come back, maps of networks that have forgotten, a sample's figures.

The map's own order is orange and thick; random orders are blue with a band from the lowest to the highest, the same map in
another place green and dashed, its own order backwards grey and dotted.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from seviz.analysis.faithfulness import MEASURES, REFERENCES, Sampled
from seviz.figures.colours import CHOSEN, NEUTRAL, RUNS, colourise, faint, run_colour
from seviz.figures.layout import escaped, finish, listed, percent, shortened
from seviz.figures.maps import enlarged, is_signed, shared_top

LINES = {  # reference -> colour, dash
    "random": (RUNS[0], "solid"),
    "moved": (RUNS[2], "dash"),
    "backwards": (NEUTRAL, "dot"),
}
SHORT = {"random": "random", "moved": "moved map", "backwards": "backwards", "shuffled": "shuffled map"}
SYMBOLS = ("circle", "square", "diamond", "cross", "triangle-up")
AXES = {"deletion": "pixels deleted", "insertion": "pixels put back"}
SIDE = 88  # pixels of a small map


def curve(
    measure: str, shares: ArrayLike, own: ArrayLike, random: ArrayLike, moved: ArrayLike, backwards: ArrayLike, *, label: str
) -> go.Figure:
    """The probability of a class while the pixels of a picture go or come back.

    Args:
        measure: "deletion" or "insertion". shares: (S,), of the pixels, 0..1. own, backwards: (S,), 0..1. random: (R, S).
        moved: (M, S). label: of the class.
    """
    x, chance = np.asarray(shares, dtype=np.float64), np.asarray(random, dtype=np.float64)
    means = {"random": chance.mean(0), "moved": np.asarray(moved, dtype=np.float64).mean(0), "backwards": np.asarray(backwards)}
    figure = go.Figure()
    band = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    figure.add_scatter(x=x, y=chance.min(0), **band)
    figure.add_scatter(x=x, y=chance.max(0), fill="tonexty", fillcolor=faint(RUNS[0], 0.2), **band)
    for name, values in means.items():
        colour, dash = LINES[name]
        _add_line(figure, x, values, SHORT[name], {"color": colour, "dash": dash, "width": 2})
    _add_line(figure, x, np.asarray(own), "this map", {"color": CHOSEN, "width": 3.5})
    figure.update_layout(hovermode="x unified")
    figure.update_xaxes(title=AXES[measure], tickformat=".0%", range=[0, 1], nticks=6, showgrid=False, zeroline=False)
    title = f"probability of {escaped(shortened(label))}"
    figure.update_yaxes(title=title, range=[-0.02, 1.02], tickformat=".0%", nticks=5, zeroline=False)
    middle = len(x) // 4
    said = [f"{REFERENCES[name]} {percent(float(values[middle]))}" for name, values in means.items()]
    at, end = (percent(float(np.asarray(own)[place])) for place in (middle, -1))
    alt = (
        f"Probability of {label} against {AXES[measure]}: at {percent(float(x[middle]), 0)} of the pixels this map has {at}, "
        f"{listed(said)}; at all of them {end}."
    )
    return finish(figure, alt=alt, height=290, bottom=88, legend=True)


def _add_line(figure: go.Figure, x: ArrayLike, y: ArrayLike, name: str, line: dict[str, object]) -> None:
    figure.add_scatter(x=x, y=np.asarray(y, dtype=np.float64), mode="lines", name=name, line=line, hovertemplate="%{y:.1%}")


def small_map(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """A map (h, w) on its own scale, pixels as squares: uint8 (H, W, 3), the longer side SIDE or more."""
    return enlarged(colourise(np.asarray(values, dtype=np.float64), shared_top([values]), signed=is_signed(values)), SIDE)


def differences(methods: Sequence[Sampled], measure: str) -> go.Figure:
    """A measure over a sample, each method minus its references picture by picture: means with 95 % intervals.

    What lies on the side of "better" and does not touch 0 is better than the reference.
    """
    figure, place = go.Figure(), list(MEASURES).index(measure)
    names, better = MEASURES[measure].beside, MEASURES[measure].better
    for row, reference in enumerate(names):
        beside = [next(other for other in one.figures[place].beside if other.reference == reference) for one in methods]
        values = np.array([other.difference for other in beside])
        low, high = (np.array([other.interval[end] for other in beside]) for end in (0, 1))
        colour = LINES.get(reference, (RUNS[0], ""))[0]
        figure.add_scatter(
            x=values, y=np.arange(len(methods)) + 0.24 * (row - (len(names) - 1) / 2), mode="markers", name=SHORT[reference],
            marker={"color": colour, "size": 9, "symbol": SYMBOLS[row]}, customdata=np.stack([low, high], 1),
            error_x={"type": "data", "symmetric": False, "array": high - values, "arrayminus": values - low, "width": 0,
                     "thickness": 3, "color": faint(colour, 0.6)},
            hovertemplate=f"beside {REFERENCES[reference]}: %{{x:+.3f}} (%{{customdata[0]:+.3f}} to %{{customdata[1]:+.3f}})"
            "<extra></extra>",
        )  # fmt: skip
    figure.add_vline(x=0, line={"color": NEUTRAL, "width": 1.5, "dash": "dot"})
    side = "better →" if better > 0 else "← better"
    title = f"{MEASURES[measure].short}, area minus<br>the reference's · {side}"  # two lines: one is cut on a telephone
    figure.update_xaxes(title=title, zeroline=False, tickformat="+", nticks=6)
    figure.update_yaxes(
        tickvals=list(range(len(methods))), ticktext=[escaped(one.title) for one in methods], showgrid=False, zeroline=False,
        range=[len(methods) - 0.4, -0.6],
    )  # fmt: skip
    said = []
    for one in methods:
        words = [f"{SHORT[other.reference]} {other.difference:+.3f}" for other in one.figures[place].beside]
        said.append(f"{one.title} {listed(words)}")
    aim = "higher" if better > 0 else "lower"
    alt = f"{MEASURES[measure].title}, method minus reference, {aim} is better: {'; '.join(said)}."
    return finish(figure, alt=alt[:1].upper() + alt[1:], height=46 * len(methods) + 130, bottom=94, legend=True)


def forgetting(methods: Sequence[Sampled]) -> go.Figure:
    """Rank correlation (of magnitudes) with the trained network's map, while stage after stage is redrawn: a line a
    method."""
    figure = go.Figure()
    for number, one in enumerate(methods):
        values = np.array([stage.absolute for stage in one.stages])
        low, high = (np.array([stage.absolute_interval[end] for stage in one.stages]) for end in (0, 1))
        colour, names = run_colour(number), [stage.stage for stage in one.stages]
        figure.add_scatter(
            x=["trained", *names], y=[1, *values], mode="lines+markers", name=escaped(one.title),
            line={"color": colour, "width": 2}, marker={"size": 8, "symbol": SYMBOLS[number % len(SYMBOLS)]},
            error_y={"type": "data", "symmetric": False, "array": [0, *(high - values)], "arrayminus": [0, *(values - low)],
                     "width": 0, "color": faint(colour, 0.6)},
            hovertemplate="%{fullData.name} %{y:.2f}<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title="redrawn from the classifier down to", showgrid=False, type="category")
    figure.update_yaxes(title="rank correlation", range=[-0.35, 1.05], nticks=6, zeroline=True, zerolinecolor=NEUTRAL)
    said = [f"{one.title} {one.stages[-1].absolute:.2f}" for one in methods if one.stages]
    alt = f"Rank correlation of magnitudes with the map of the trained network when all weights are redrawn: {listed(said)}."
    return finish(figure, alt=alt, height=340, bottom=64 + 22 * (1 + len(methods) // 3), legend=True)
