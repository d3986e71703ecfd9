"""Corrupted pictures: what each corruption costs, accuracy against strength, and what the gates do meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from seviz.analysis.classification import Interval
from seviz.analysis.corruptions import CLEAN, KINDS, Apart, Beside, Condition, Named, Versus, shares
from seviz.figures import intervals
from seviz.figures.ablation import short
from seviz.figures.cells import quantised, quantised_axis
from seviz.figures.colours import faint, run_colour
from seviz.figures.intervals import SYMBOLS, Series
from seviz.figures.layout import escaped, finish, listed, percent

# what else gates may be: name, dash, and the symbol that tells it without the dash
OTHERS = {"held": ("the clean picture's gates", "dash", "x"), "static": ("static gates", "dot", "cross")}
LIGHT = 0.47  # of cividis: from here on black is read better than white

Networks = Mapping[str, Sequence[Condition]]  # name -> conditions, the clean pictures first


def lost(networks: Networks, strength: str) -> go.Figure:
    """Accuracy of every corruption at a strength minus that on the clean pictures, in points, with paired 95 % intervals."""
    series = []
    for number, (name, conditions) in enumerate(networks.items()):
        rows = _at(conditions, strength)
        notes = [f"{one.words}, accuracy {percent(one.accuracy)}" for one in rows]
        ends = [_hundred(one.difference_interval) for one in rows]
        series.append(Series(escaped(name), [100 * one.difference for one in rows], ends, notes, number))
    labels = [kind.title for kind in KINDS.values()]
    figure = intervals.rows(labels, series, title="change of accuracy (points), 95 % interval", unit=" points")
    words = []
    for one in series:
        place = int(np.argmin(np.array(one.values, dtype=np.float64)))
        words.append(f"{one.name}: most under {labels[place].lower()} ({one.values[place]:+.1f} points)")
    alt = f"Change of accuracy under nine corruptions, {strength}. {'; '.join(words)}."
    return finish(figure, alt=alt, height=intervals.height(labels, series), bottom=72, legend=True)


def against_strength(networks: Networks, kind: str, *, gates: bool = False) -> go.Figure:
    """Accuracy from the clean pictures over the levels of a corruption, a line a network, with Wilson's 95 % intervals.

    Args: gates: whether networks with gates have two more lines: with the clean picture's gates, and with static ones.
    """
    figure = go.Figure()
    for number, (name, conditions) in enumerate(networks.items()):
        rows = [one for one in conditions if one.kind in (CLEAN, kind)]
        _add_line(figure, name, rows, number)
        for other in OTHERS if gates and rows[-1].held else ():
            _add_other(figure, name, rows, other, number)
    words = [f"{name} {_through(conditions, kind)}" for name, conditions in networks.items()]
    figure.update_xaxes(type="category", showgrid=False, title=f"{KINDS[kind].under}: {KINDS[kind].unit}")
    figure.update_yaxes(title="accuracy, 95 % interval", tickformat=".0%", rangemode="tozero", zeroline=False, nticks=6)
    alt = f"Accuracy against the strength of {KINDS[kind].under}: {'; '.join(words)}."
    return finish(figure, alt=alt, height=380, bottom=96 if gates else 72, legend=True)


def other_gates(conditions: Sequence[Condition], strength: str) -> go.Figure:
    """Accuracy with the network's own gates minus that with others, in points: right of 0 its own do better, they adapt."""
    rows = _at(conditions, strength)
    series = []
    for number, (other, (name, _, _)) in enumerate(OTHERS.items()):
        found = [_beside(one, other) for one in rows]
        ends = [_hundred(one.interval) for one in found]
        notes = [f"{one.words}, accuracy with {name} {percent(two.accuracy)}" for one, two in zip(rows, found, strict=True)]
        series.append(Series(f"own minus {name}", [100 * one.difference for one in found], ends, notes, number))
    labels = [kind.title for kind in KINDS.values()]
    figure = intervals.rows(labels, series, title="own gates do better by (points), 95 % interval", unit=" points")
    held = series[0].values
    words = [f"{label.lower()} {value:+.1f}" for label, value in zip(labels, held, strict=True)]
    alt = f"Accuracy with the network's own gates minus that with the clean picture's, in points, {strength}: {listed(words)}."
    return finish(figure, alt=alt, height=intervals.height(labels, series), bottom=72, legend=True)


def difference(first: str, second: str, found: Sequence[Versus], strength: str) -> go.Figure:
    """Accuracy of one network minus that of another on the same corrupted pictures; and how much less the first loses."""
    rows = [next(one for one in found if (one.kind, one.level) == (name, kind.at(strength))) for name, kind in KINDS.items()]
    clean = next(one for one in found if one.kind == CLEAN)
    labels, words = ["Clean", *(kind.title for kind in KINDS.values())], ["clean", *(_words(one) for one in rows)]
    both = [clean, *rows]
    series = [
        Series("accuracy", [100 * one.difference for one in both], [_hundred(one.interval) for one in both], words, 0),
        Series("loses less by", [100 * one.kept for one in both], [_hundred(one.kept_interval) for one in both], words, 1),
    ]
    series[1] = Series("loses less by", [None, *series[1].values[1:]], series[1].intervals, words, 1)  # of clean ones: nothing
    figure = intervals.rows(labels, series, title="difference (points), 95 % interval", unit=" points")
    shown = [f"{label.lower()} {100 * one.difference:+.1f}" for label, one in zip(labels, both, strict=True)]
    alt = f"Accuracy of {first} minus that of {second} in points, {strength}: {listed(shown)}."
    return finish(figure, alt=alt, height=intervals.height(labels, series), bottom=72, legend=True)


def moved(conditions: Sequence[Condition], apart: Sequence[Apart], sites: Sequence[Named], strength: str) -> go.Figure:
    """How far the gates of each site move under each corruption: rms over that to another picture, 1 as far as to one."""
    rows = _at(conditions, strength)
    values = np.array([shares(one, apart) for one in rows])
    top = float(values.max(initial=0.0)) or 1.0
    labels, titles = [kind.title for kind in KINDS.values()], [site.title for site in sites]
    figure = go.Figure()
    figure.add_heatmap(
        z=quantised(values, top), x=list(range(len(sites))), y=labels, coloraxis="coloraxis", xgap=1, ygap=1,
        customdata=[[[one.words, title, share] for title, share in zip(titles, row, strict=True)]
                    for one, row in zip(rows, values.tolist(), strict=True)],
        hovertemplate="%{y}, %{customdata[0]}<br>%{customdata[1]}<br>%{customdata[2]:.2f} of the distance to another picture"
        "<extra></extra>",
    )  # fmt: skip
    if len(sites) <= 20:
        _add_numbers(figure, values, top, labels)
    bar = "1: as far as another picture's gates"
    figure.update_layout(coloraxis=quantised_axis(top, bar, signed=False))
    figure.update_xaxes(
        tickvals=list(range(len(sites))), ticktext=[escaped(short(title)) for title in titles], side="top", showgrid=False,
        tickangle=0,
    )  # fmt: skip
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False)
    row, column = divmod(int(values.argmax()), len(sites))
    alt = (
        f"How far gates move under nine corruptions, {strength}, by site: farthest under {labels[row].lower()} at "
        f"{titles[column]}, {values[row, column]:.2f} of the distance to another picture's gates."
    )
    figure = finish(figure, alt=alt, height=30 * len(labels) + 110, bottom=76)
    figure.update_coloraxes(colorbar={"yref": "container", "y": 0.0, "yanchor": "bottom"})
    return figure.update_layout(margin={"t": 34})


def _at(conditions: Sequence[Condition], strength: str) -> list[Condition]:
    """One a kind, in the order of KINDS."""
    by = {(one.kind, one.level): one for one in conditions}
    return [by[name, kind.at(strength)] for name, kind in KINDS.items()]


def _beside(one: Condition, other: str) -> Beside:
    found: Beside | None = getattr(one, other)
    if found is None:
        raise ValueError("a network without gates")
    return found


def _hundred(interval: Interval) -> Interval:
    return 100 * interval[0], 100 * interval[1]


def _words(one: Versus) -> str:
    return KINDS[one.kind].levels[one.level]


def _add_line(figure: go.Figure, name: str, rows: Sequence[Condition], number: int) -> None:
    colour = run_colour(number)
    up, down = ([sign * (one.interval[end] - one.accuracy) for one in rows] for sign, end in ((1, 1), (-1, 0)))
    bars = {"array": up, "arrayminus": down, "color": faint(colour, 0.6), "thickness": 2, "width": 4}
    figure.add_scatter(
        x=[_level(one) for one in rows], y=[one.accuracy for one in rows], mode="lines+markers", error_y=bars,
        name=escaped(name), line={"color": colour, "width": 2.5},
        marker={"color": colour, "size": 9, "symbol": SYMBOLS[number % len(SYMBOLS)]},
        customdata=[[*one.interval, one.loss] for one in rows],
        hovertemplate="%{x}<br>%{y:.2%}<br>95 %: %{customdata[0]:.2%} to %{customdata[1]:.2%}"
        f"<br>cross-entropy %{{customdata[2]:.3f}}<extra>{escaped(name)}</extra>",
    )  # fmt: skip


def _add_other(figure: go.Figure, name: str, rows: Sequence[Condition], other: str, number: int) -> None:
    words, dash, symbol = OTHERS[other]
    colour = run_colour(number)
    known = [(one, getattr(one, other)) for one in rows if getattr(one, other) is not None]
    figure.add_scatter(
        x=[_level(one) for one, _ in known], y=[found.accuracy for _, found in known], mode="lines+markers",
        name=f"{escaped(name)}, {words}", line={"color": colour, "width": 1.5, "dash": dash},
        marker={"color": colour, "size": 9, "symbol": f"{symbol}-thin", "line": {"color": colour, "width": 2}},
        hovertemplate=f"%{{x}}<br>%{{y:.2%}} with {words}<extra>{escaped(name)}</extra>",
    )  # fmt: skip


def _level(one: Condition) -> str:
    """Short enough that six stand side by side on a telephone."""
    return one.words.removeprefix("quality ").removesuffix(" of the side").removeprefix("sd ")


def _through(conditions: Sequence[Condition], kind: str) -> str:
    return listed([f"{percent(one.accuracy)} at {one.words}" for one in conditions if one.kind in (CLEAN, kind)])


def _add_numbers(figure: go.Figure, values: np.ndarray, top: float, labels: Sequence[str]) -> None:
    """White on dark colours, black on light ones."""
    for mask, ink in ((values / top < LIGHT, "#ffffff"), (values / top >= LIGHT, "#000000")):
        places = np.argwhere(mask).tolist()
        figure.add_scatter(
            x=[column for _, column in places], y=[labels[row] for row, _ in places], mode="text", hoverinfo="skip",
            text=[f"{values[row, column]:.1f}" for row, column in places], textfont={"color": ink, "size": 11},
        )  # fmt: skip
