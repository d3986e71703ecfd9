"""Two networks over several seeds: a dot a training, the pairs of one seed joined, and the means with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from seviz.analysis.by_seed import BySeed, SeedsCompared, in_words, seeds_verdict
from seviz.analysis.seeds import OverSeeds
from seviz.figures.colours import NEUTRAL, faint, run_colour
from seviz.figures.layout import escaped, finish, shortened

APART = 0.2  # of a row: by so much dots and mean lie off its middle
ALONE, BOTH = 150, 270  # pixels of a figure
BARE = {"showgrid": False, "zeroline": False}
Values = Mapping[int, float]


def over_seeds(found: SeedsCompared) -> go.Figure:
    """Accuracies in % above, differences in points (first minus second, of one seed) below, where two seeds are common.

    The difference is grey where its interval holds 0, else in the colour of the better network.
    """
    figure, told = go.Figure(), found.difference
    _join_pairs(figure, found)
    for place, (one, side) in enumerate(((found.first, APART), (found.second, -APART))):  # the dots of the two face each other
        _add_row(figure, one.accuracies, one.overall, (place + side, place - side), run_colour(place), "", one.name)
    _name_rows(figure, found.names)
    if told is None:
        return finish(figure, alt=_alt(found), height=ALONE, bottom=48)
    colour = run_colour(0 if told.mean > 0 else 1) if found.told else NEUTRAL
    _add_row(figure, found.differences, told, (-APART, APART), colour, "2", "difference")
    _zero_axis(figure, found, told)
    return finish(figure, alt=_alt(found), height=BOTH, bottom=48)


def seeds_of_one(found: BySeed) -> go.Figure:
    """The accuracies of one network's seeds in %, with their mean and its interval."""
    figure = go.Figure()
    _add_row(figure, found.accuracies, found.overall, (-APART, APART), run_colour(0), "", found.name)
    _name_rows(figure, [found.name])
    return finish(figure, alt=f"Test accuracy of {found.name} by seed. {in_words(found)}.", height=120, bottom=48)


def _join_pairs(figure: go.Figure, found: SeedsCompared) -> None:
    for seed in found.common:
        ends = [100 * one.accuracies[seed] for one in (found.first, found.second)]
        line = {"color": faint(NEUTRAL, 0.6), "width": 1}
        figure.add_scatter(x=ends, y=[APART, 1 - APART], mode="lines", line=line, hoverinfo="skip")


def _add_row(
    figure: go.Figure,
    values: Values,
    overall: OverSeeds | None,
    heights: tuple[float, float],
    colour: str,
    axis: str,
    name: str,
) -> None:
    """heights: of the dots and of the mean. axis: "" for accuracies, "2" for differences."""
    axes, seeds = {"xaxis": f"x{axis}", "yaxis": f"y{axis}"}, sorted(values)
    sign, unit = ("+", " points") if axis else ("", " %")
    if overall is not None:
        mean, low, high = (100 * value for value in overall)
        line = {"color": faint(colour, 0.55), "width": 6}
        figure.add_scatter(**axes, x=[low, high], y=[heights[1]] * 2, mode="lines", line=line, hoverinfo="skip")
        ends = f"95 %: {low:{sign}.2f} to {high:{sign}.2f}<extra>{escaped(name)}</extra>"
        figure.add_scatter(
            **axes, x=[mean], y=heights[1:], mode="markers", marker={"color": colour, "size": 12, "line": {"width": 0}},
            hovertemplate=f"mean %{{x:{sign}.2f}}{unit}<br>{ends}",
        )  # fmt: skip
    figure.add_scatter(
        **axes, x=[100 * values[seed] for seed in seeds], y=[heights[0]] * len(seeds), mode="markers", customdata=seeds,
        marker={"color": colour, "size": 9, "symbol": "circle-open", "line": {"width": 2, "color": colour}},
        hovertemplate=f"seed %{{customdata}}: %{{x:{sign}.2f}}{unit}<extra>{escaped(name)}</extra>",
    )  # fmt: skip


def _name_rows(figure: go.Figure, names: Sequence[str]) -> None:
    labels, shown = [escaped(shortened(name, 18)) for name in names], [one.x for one in figure.data]
    low, high = min(min(x) for x in shown), max(max(x) for x in shown)
    room = 0.05 * (high - low) or 1
    figure.update_xaxes(title="test accuracy (%)", zeroline=False, nticks=6, range=[low - room, high + room])
    figure.update_yaxes(range=[len(labels) - 0.4, -0.6], tickvals=list(range(len(labels))), ticktext=labels, **BARE)


def _zero_axis(figure: go.Figure, found: SeedsCompared, told: OverSeeds) -> None:
    """The lower axis, 0 in its middle."""
    first, second = (escaped(shortened(name, 14)) for name in found.names)
    most = 105 * max(map(abs, (told.low, told.high, *found.differences.values()))) or 1
    figure.update_layout(
        yaxis={"domain": [0.55, 1]},
        xaxis2={"anchor": "y2", "title": f"← {second} better · points · {first} better →", "tickformat": "+",
                "zeroline": False, "nticks": 7, "range": [-most, most]},
        yaxis2={"domain": [0, 0.22], "range": [0.6, -0.6], "tickvals": [0], "ticktext": ["difference"], **BARE},
    )  # fmt: skip
    zero = {"type": "line", "x0": 0, "x1": 0, "y0": 0, "y1": 1, "xref": "x2", "yref": "y2 domain"}
    figure.add_shape(**zero, line={"color": NEUTRAL, "width": 1.5, "dash": "dot"})


def _alt(found: SeedsCompared) -> str:
    words = [f"{one.name}, {in_words(one)}" for one in (found.first, found.second)]
    return f"Test accuracy by seed: {'; '.join(words)}. {seeds_verdict(found)}"
