"""Two networks side by side: differences with intervals, agreement, calibration, the likeness of their stages.

The first network has the first colour of runs, the second the second. A difference that cannot be told is grey; one that
can has the colour of the better network.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from seviz.analysis.comparison import (
    BOTH_RIGHT,
    CELLS,
    ONLY_FIRST,
    ONLY_SECOND,
    OTHER_WRONG,
    SAME_WRONG,
    Agreement,
    ClassDifference,
    Comparison,
    class_verdict,
    verdict,
)
from seviz.analysis.temperature import Calibration
from seviz.figures.accuracy import LIGHT
from seviz.figures.colours import CHOSEN, NEUTRAL, colourise, colourscale, faint, run_colour
from seviz.figures.layout import escaped, finish, listed, percent, shortened

Box = tuple[float, float, float, float]  # x0, x1, y0, y1
CELL_BOXES: dict[int, Box] = {
    BOTH_RIGHT: (0, 1, 0, 1),
    ONLY_FIRST: (1, 2, 0, 1),
    ONLY_SECOND: (0, 1, 1, 2),
    SAME_WRONG: (1, 2, 1, 1.5),
    OTHER_WRONG: (1, 2, 1.5, 2),
}
UNSEEN = {"marker": {"opacity": 0}}


def difference(found: Comparison) -> go.Figure:
    """The difference of the two accuracies in points, first minus second, with both intervals and a line at 0."""
    one, (first, second) = found.difference, found.names
    rows = (("bootstrap", one.bootstrap, 7), ("Wald", one.interval, 3))
    colour = _told_colour(one.difference, one.told)
    figure = go.Figure()
    for place, (name, interval, width) in enumerate(rows):
        ends = [100 * end for end in interval]
        words = f"{name}, 95 %: {ends[0]:+.2f} to {ends[1]:+.2f} points"
        figure.add_scatter(
            x=ends, y=[place, place], mode="lines", line={"color": faint(colour, 0.55), "width": width}, hoverinfo="skip"
        )
        figure.add_scatter(
            x=[100 * one.difference], y=[place], mode="markers+text" if not place else "markers", textposition="top center",
            text=[f"<b>{100 * one.difference:+.2f}</b>"], marker={"color": colour, "size": 10, "line": {"width": 0}},
            hovertemplate=f"%{{x:+.2f}} points<br>{words}<extra></extra>",
        )  # fmt: skip
    top = 1.25 * max(abs(100 * end) for _, interval, _ in rows for end in interval) or 1
    _zero_axis(figure, top, _sides(first, second))
    figure.update_yaxes(range=[1.6, -0.9], tickvals=[0, 1], ticktext=["bootstrap", "Wald"], showgrid=False, zeroline=False)
    return finish(figure, alt=f"Difference of the accuracies. {verdict(found)}", height=170, bottom=48)


def per_class(found: Comparison, *, most: int = 40) -> go.Figure:
    """The difference by class in points, the largest for the first network on top, with 95 % bootstrap intervals.

    Args: most: classes shown; of more, those with the largest differences. Classes without samples come last, empty.
    """
    rows = _by_difference(found.per_class, most)
    figure = go.Figure()
    for place, row in enumerate(rows):
        if row.difference is None or row.interval is None:
            continue
        ends, middle = [100 * end for end in row.interval], 100 * row.difference
        colour = _told_colour(row.difference, row.told)
        line = {"color": faint(colour, 0.55), "width": 6 if row.told else 4}
        figure.add_scatter(x=ends, y=[place, place], mode="lines", line=line, hoverinfo="skip")
        hover = (
            f"{escaped(row.label)}: {middle:+.2f} points ({ends[0]:+.2f} to {ends[1]:+.2f})<br>{_rates(row, found.names)}"
            f"<br>McNemar p = {row.p:.3g}, after Holm {row.p_holm:.3g}<br>n = {row.n:,}<extra></extra>"
        )
        marker = {"color": colour, "size": 10, "line": {"width": 0}}
        figure.add_scatter(x=[middle], y=[place], mode="markers", marker=marker, hovertemplate=hover)
    top = 1.1 * max((abs(100 * end) for row in rows if row.interval for end in row.interval), default=0) or 1
    _zero_axis(figure, top, _sides(*found.names))
    labels = [_class_label(row) for row in rows]
    figure.update_yaxes(range=[len(rows) - 0.4, -0.6], tickvals=list(range(len(rows))), ticktext=labels, zeroline=False)
    figure.update_yaxes(gridcolor=faint(NEUTRAL, 0.15))
    alt = f"Difference by class, {found.names[0]} minus {found.names[1]}. {class_verdict(found)} {_ends_alt(rows)}"
    return finish(figure, alt=alt.strip(), height=26 * len(rows) + 70, bottom=48)


def _told_colour(value: float, told: bool) -> str:
    return run_colour(0 if value > 0 else 1) if told else NEUTRAL


def _sides(first: str, second: str) -> str:
    left, right = (escaped(shortened(name, 16)) for name in (second, first))
    return f"← {left} better · points · {right} better →"


def _zero_axis(figure: go.Figure, top: float, title: str) -> None:
    figure.add_vline(x=0, line={"color": NEUTRAL, "width": 1.5, "dash": "dot"})
    figure.update_xaxes(range=[-top, top], zeroline=False, tickformat="+", nticks=7, title=title)


def _by_difference(rows: Sequence[ClassDifference], most: int) -> list[ClassDifference]:
    known = [row for row in rows if row.difference is not None]
    kept = sorted(known, key=lambda row: -abs(row.difference or 0))[:most]
    ordered = sorted(kept, key=lambda row: -(row.difference or 0))
    return [*ordered, *(row for row in rows if row.difference is None)][:most]


def _rates(row: ClassDifference, names: tuple[str, str]) -> str:
    shares = zip(names, (row.first or 0, row.second or 0), strict=True)
    return ", ".join(f"{escaped(name)} {percent(share)}" for name, share in shares)


def _class_label(row: ClassDifference) -> str:
    name = escaped(shortened(row.label, 18))
    return f"<b>{name}</b>" if row.told else name if row.n else f"{name} (no samples)"


def _ends_alt(rows: Sequence[ClassDifference]) -> str:
    known = [row for row in rows if row.difference is not None]
    if not known:
        return ""
    high, low = known[0], known[-1]
    ends = [f"{100 * (one.difference or 0):+.1f} ({one.label})" for one in (low, high)]
    return f"From {ends[0]} to {ends[1]} points."


def agreement(found: Agreement, names: tuple[str, str], chosen: int | None = None) -> go.Figure:
    """Samples by who is right: the first network in rows, the second in columns; both wrong is split by whether they say
    the same. Colours are counts, but for both right, which is grey.

    Args: chosen: the cell to mark, an index of seviz.analysis.comparison.CELLS.

    An unseen point in the middle of each cell has the cell's index as customdata; the nearest is what a click selects.
    """
    n, counts = sum(found.counts), found.counts
    top = max(counts[ONLY_FIRST:])
    figure = go.Figure()
    for cell, (x0, x1, y0, y1) in CELL_BOXES.items():
        muted = cell == BOTH_RIGHT
        share = counts[cell] / top if top else 0.0
        fill = faint(NEUTRAL, 0.12) if muted else "rgb({},{},{})".format(*colourise(np.array(counts[cell]), top).tolist())
        gap = 0.012
        figure.add_shape(
            type="rect", x0=x0 + gap, x1=x1 - gap, y0=y0 + gap, y1=y1 - gap, fillcolor=fill, line={"width": 0}, layer="below"
        )
        ink = None if muted else "#ffffff" if share < LIGHT else "#000000"
        figure.add_annotation(
            x=(x0 + x1) / 2, y=(y0 + y1) / 2, text=_cell_words(cell, counts[cell], n), showarrow=False, font={"color": ink}
        )
    if chosen is not None:
        _mark_box(figure, CELL_BOXES[chosen])
    _add_cell_points(figure, found, n)
    first, second = (escaped(shortened(name, 18)) for name in names)
    words = ["right", "wrong"]
    figure.update_xaxes(range=[0, 2], tickvals=[0.5, 1.5], ticktext=words, title=second, side="top", **_BARE)
    figure.update_yaxes(range=[2, 0], tickvals=[0.5, 1.5], ticktext=words, title=first, **_BARE)
    figure.update_layout(hovermode="closest", hoverdistance=-1)
    return finish(figure, alt=_agreement_alt(found, names), height=330, bottom=8).update_layout(margin={"t": 52})


_BARE = {"showgrid": False, "zeroline": False, "ticks": ""}


def _cell_words(cell: int, count: int, n: int) -> str:
    kind = {SAME_WRONG: "same answer: ", OTHER_WRONG: "other answers: "}.get(cell, "")
    return f"{kind}<b>{count:,}</b> · {percent(count / n)}" if kind else f"<b>{count:,}</b><br>{percent(count / n)}"


def _add_cell_points(figure: go.Figure, found: Agreement, n: int) -> None:
    middles = [((x0 + x1) / 2, (y0 + y1) / 2) for x0, x1, y0, y1 in CELL_BOXES.values()]
    data = [[cell, CELLS[cell], found.counts[cell], found.counts[cell] / n] for cell in CELL_BOXES]
    figure.add_scatter(
        x=[x for x, _ in middles], y=[y for _, y in middles], customdata=data, mode="markers", selected=UNSEEN,
        unselected=UNSEEN, marker={"opacity": 0, "size": 12, "color": NEUTRAL},
        hovertemplate="%{customdata[1]}<br>%{customdata[2]} samples, %{customdata[3]:.2%}<extra></extra>",
    )  # fmt: skip


def _mark_box(figure: go.Figure, box: Box) -> None:
    x0, x1, y0, y1 = box
    figure.add_shape(type="rect", x0=x0, x1=x1, y0=y0, y1=y1, line={"color": CHOSEN, "width": 3})


def _agreement_alt(found: Agreement, names: tuple[str, str]) -> str:
    n, counts = sum(found.counts), found.counts
    words = CELLS[BOTH_RIGHT], f"only {names[0]} right", f"only {names[1]} right", CELLS[SAME_WRONG], CELLS[OTHER_WRONG]
    cells = [f"{word}: {count:,} ({percent(count / n)})" for word, count in zip(words, counts, strict=True)]
    return f"Agreement of {names[0]} and {names[1]} on {n:,} samples: {'; '.join(cells)}."


def calibration(found: Sequence[Calibration], names: Sequence[str]) -> go.Figure:
    """Expected calibration error of each network before (ring) and after (dot) its logits are divided by T."""
    figure = go.Figure()
    for place, (name, one) in enumerate(zip(names, found, strict=True)):
        ends, colour = [100 * one.before.ece, 100 * one.after.ece], run_colour(place)
        line = {"color": faint(colour, 0.5), "width": 4}
        figure.add_scatter(x=ends, y=[place, place], mode="lines", line=line, hoverinfo="skip")
        figure.add_scatter(
            x=ends, y=[place, place], mode="markers+text", text=[f"{end:.1f} %" for end in ends], textposition="top center",
            marker={"color": colour, "size": 12, "symbol": ["circle-open", "circle"], "line": {"width": 3, "color": colour}},
            customdata=[["before", one.before.loss], [f"after, T = {one.temperature:.3f}", one.after.loss]],
            hovertemplate="%{customdata[0]}<br>ECE %{x:.2f} %<br>NLL %{customdata[1]:.4f} nats"
            f"<extra>{escaped(name)}</extra>",
        )  # fmt: skip
    top = 100 * max(max(one.before.ece, one.after.ece) for one in found)
    labels = [escaped(shortened(name, 18)) for name in names]
    figure.update_xaxes(range=[0, 1.15 * top or 1], title="ECE: ○ before → ● after scaling", ticksuffix=" %", zeroline=False)
    figure.update_yaxes(range=[len(labels) - 0.5, -0.8], tickvals=list(range(len(labels))), ticktext=labels, **_BARE)
    ends_of = [f"{percent(one.before.ece)} before and {percent(one.after.ece)} after" for one in found]
    words = listed([f"{name} {ends}" for name, ends in zip(names, ends_of, strict=True)])
    alt = f"Expected calibration error: {words} temperature scaling."
    return finish(figure, alt=alt, height=54 * len(labels) + 70, bottom=48)


def stage_likeness(cka: ArrayLike, rows: Sequence[str], columns: Sequence[str], names: tuple[str, str]) -> go.Figure:
    """Linear CKA of stages as a heat map with its numbers, 0 to 1; a stage that never moves is left empty.

    Args: cka: (R, C). rows, columns: labels of the stages. names: what rows and columns are of.
    """
    values = np.asarray(cka, dtype=np.float64)
    x, y = np.arange(values.shape[1]), np.arange(values.shape[0])
    figure = go.Figure(
        go.Heatmap(
            z=values, x=x, y=y, coloraxis="coloraxis", hoverongaps=False, xgap=2, ygap=2,
            customdata=[[[row, column] for column in columns] for row in rows],
            hovertemplate="%{customdata[0]} and %{customdata[1]}<br>CKA %{z:.3f}<extra></extra>",
        )
    )  # fmt: skip
    for row, column in np.argwhere(np.isfinite(values)).tolist():
        ink = "#ffffff" if values[row, column] < LIGHT else "#000000"
        text = {"text": f"{values[row, column]:.2f}", "showarrow": False, "font": {"color": ink}}
        figure.add_annotation(x=column, y=row, **text)
    bar = {"orientation": "h", "thickness": 10, "len": 1, "ypad": 4, "outlinewidth": 0, "tickvals": [0, 0.5, 1]}
    bar |= {"title": {"text": "linear CKA", "side": "bottom"}, "yref": "container", "y": 0.0, "yanchor": "bottom"}
    figure.update_layout(coloraxis={"colorscale": colourscale(), "cmin": 0, "cmax": 1, "colorbar": bar})
    first, second = (escaped(shortened(name, 24)) for name in names)
    figure.update_xaxes(tickvals=x, ticktext=list(columns), title=second, **_BARE)
    figure.update_yaxes(tickvals=y, ticktext=list(rows), title=first, autorange="reversed", **_BARE)
    height = int(np.clip(56 * len(rows), 150, 460)) + 150
    return finish(figure, alt=_likeness_alt(values, rows, columns, names), height=height, bottom=116)


def _likeness_alt(values: NDArray[np.float64], rows: Sequence[str], columns: Sequence[str], names: tuple[str, str]) -> str:
    words = [
        f"{row} is most like {columns[int(np.nanargmax(line))]} ({np.nanmax(line):.2f})"
        for row, line in zip(rows, values, strict=True)
        if np.isfinite(line).any()
    ]
    return f"Linear CKA between the stages of {names[0]} and {names[1]}: {listed(words)}."
