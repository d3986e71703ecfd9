"""How class-specific the gates are at every depth, on one axis of sites; and how far apart classes are at one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray
from plotly.subplots import make_subplots

from seviz.figures.cells import quantised, quantised_axis
from seviz.figures.colours import CHOSEN, NEUTRAL, RUNS, faint
from seviz.figures.layout import escaped, finish, percent, shortened

Floats = NDArray[np.float64]
CHANCE = "chance"
DISTANCES = 60  # classes of a distance map, at most


@dataclass(frozen=True, eq=False)
class Panel:
    """A measure on the axis of sites. series: name -> (values (S,), errors (S,) or None); NaN where there is none.

    chance: (S,), what to expect where the class has no effect, drawn dotted; None for none. title: of the measure.
    """

    title: str
    series: Mapping[str, tuple[Floats, Floats | None]]
    chance: Floats | None = None


def by_depth(
    titles: Sequence[str], panels: Sequence[Panel], *, chosen: int | None = None, notes: Sequence[str] = ()
) -> go.Figure:
    """Measures of class-specificity above each other, on one axis of sites in the order of the network.

    Args:
        titles: of the S sites. panels: from above; all of their values are shares, 0..1, and every axis starts at 0.
        chosen: a site to mark. notes: (S,), what the hover adds to each site in the first panel, such as a p-value.

    Points carry the number of their site as customdata.
    """
    figure = make_subplots(
        rows=len(panels), cols=1, shared_xaxes=True, vertical_spacing=0.16 / max(1, len(panels) - 1) if len(panels) > 1 else 0,
        subplot_titles=[panel.title for panel in panels],
    )  # fmt: skip
    figure.update_annotations(x=0, xanchor="left", font={"size": 13})
    taken: list[str] = []
    for row, panel in enumerate(panels, 1):
        _add_panel(figure, row, panel, len(titles), taken, notes if row == 1 else ())
    labels = [escaped(title.replace("stage ", "").replace(" · block ", ".")) for title in titles]
    figure.update_xaxes(range=[-0.4, len(titles) - 0.6], tickvals=list(range(len(titles))), ticktext=labels, showgrid=False)
    figure.update_xaxes(zeroline=False)
    figure.update_xaxes(title="site: stage.block" if labels != list(titles) else "site", row=len(panels), col=1)
    figure.update_yaxes(rangemode="tozero", tickformat=".0%", nticks=5, zeroline=False)
    figure.update_layout(hovermode="closest")
    if chosen is not None:
        figure.add_vrect(x0=chosen - 0.4, x1=chosen + 0.4, line={"width": 0}, fillcolor=faint(CHOSEN, 0.16))
    height = 150 * len(panels) + 100
    return finish(figure, alt=_depth_alt(titles, panels), height=height, bottom=44 + 44, legend=True).update_layout(margin_t=28)


def _add_panel(figure: go.Figure, row: int, panel: Panel, sites: int, taken: list[str], notes: Sequence[str]) -> None:
    where = {"row": row, "col": 1}
    if panel.chance is not None:
        figure.add_scatter(
            **where, x=np.arange(sites), y=panel.chance, mode="lines", line={"color": NEUTRAL, "width": 2, "dash": "dot"},
            name=CHANCE, legendgroup=CHANCE, showlegend=CHANCE not in taken, hovertemplate="chance %{y:.1%}<extra></extra>",
        )  # fmt: skip
        taken.append(CHANCE)
    for name, (values, errors) in panel.series.items():
        number = len([one for one in taken if one != CHANCE])
        colour, symbol = RUNS[number % len(RUNS)], ("circle", "square", "diamond", "triangle-up")[number % 4]
        bars = None if errors is None else {"array": errors, "color": colour, "thickness": 2, "width": 0}
        words = list(notes) if notes else [""] * sites
        spread = [""] * sites if errors is None else [f" ± {percent(error)} (standard error)" for error in errors]
        figure.add_scatter(
            **where, x=np.arange(sites), y=values, mode="lines+markers", name=name, error_y=bars,
            line={"color": faint(colour, 0.7), "width": 1.5}, marker={"color": colour, "size": 9, "symbol": symbol},
            customdata=np.arange(sites), text=["<br>".join(filter(None, both)) for both in zip(spread, words, strict=True)],
            hovertemplate=f"{name} %{{y:.1%}}%{{text}}<extra></extra>",
        )  # fmt: skip
        taken.append(name)


def _depth_alt(titles: Sequence[str], panels: Sequence[Panel]) -> str:
    words = []
    for panel in panels:
        for name, (values, _) in panel.series.items():
            known = np.flatnonzero(np.isfinite(values))
            if len(known):
                first, last, top = known[0], known[-1], known[np.argmax(values[known])]
                words.append(
                    f"{name} from {percent(values[first])} at {titles[first]} to {percent(values[last])} at {titles[last]}, "
                    f"highest at {titles[top]} ({percent(values[top])})"
                )
    return f"How class-specific the gates of {len(titles)} sites are. {'; '.join(words)}."


def distances(values: ArrayLike, names: Sequence[str], *, title: str = "", most: int = DISTANCES) -> go.Figure:
    """How far apart classes are in their mean gates: (K, K), in units of the gate, 0 on the diagonal.

    Args: values: NaN for classes without samples, which are left out. names: of the K classes. title: of the site.
        most: classes shown: see shown_classes.

    Rows and columns are in one order, in which classes that lie close stand side by side (a greedy chain).
    """
    found = np.asarray(values, dtype=np.float64)
    kept = shown_classes(found, most)
    order = kept[_chain(found[np.ix_(kept, kept)])]
    shown = found[np.ix_(order, order)]
    labels = [escaped(shortened(names[index], 16)) for index in order]
    top = float(shown.max(initial=0)) or 1.0
    figure = go.Figure()
    figure.add_heatmap(
        z=quantised(shown, top), x=labels, y=labels, coloraxis="coloraxis", xgap=1, ygap=1, customdata=shown,
        hovertemplate="%{y}<br>%{x}<br>%{customdata:.3f}<extra></extra>",
    )  # fmt: skip
    bar = "distance of the class means"
    figure.update_layout(coloraxis=quantised_axis(top, bar, signed=False))
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False)
    figure.update_xaxes(type="category", side="bottom", tickangle=-60, constrain="domain", showgrid=False)
    height = int(np.clip(30 * len(labels), 220, 620)) + 190
    alt = _distances_alt(shown, [names[index] for index in order], title)
    figure = finish(figure, alt=alt, height=height, title=title, bottom=130, right=30)
    return figure.update_coloraxes(colorbar={"yref": "container", "y": 0.0, "yanchor": "bottom"})


def shown_classes(values: Floats, most: int = DISTANCES) -> NDArray[np.int64]:
    """The classes of a distance map (K, K): all with samples; of more than `most`, those farthest from all others on
    average."""
    seen = np.flatnonzero(np.isfinite(values.diagonal()))
    if len(seen) <= most:
        return seen
    mean = values[np.ix_(seen, seen)].mean(1)
    return np.sort(seen[np.argsort(-mean, kind="stable")[:most]])


def _chain(values: Floats) -> NDArray[np.int64]:
    """From one end of the farthest pair, always on to the nearest class that is left."""
    count = len(values)
    if count < 3:
        return np.arange(count)
    chain = [int(np.unravel_index(int(values.argmax()), values.shape)[0])]
    while len(chain) < count:
        left = [index for index in range(count) if index not in chain]
        chain.append(min(left, key=lambda index: values[chain[-1], index]))
    return np.array(chain)


def _distances_alt(values: Floats, names: Sequence[str], title: str) -> str:
    start = f"{title}: distances of {len(names)} classes by their mean gates"
    if len(names) < 2:
        return start + "."
    rows, columns = np.triu_indices(len(names), 1)
    pairs = values[rows, columns]
    near, far = int(pairs.argmin()), int(pairs.argmax())
    words = [f"{names[rows[one]]} and {names[columns[one]]} ({pairs[one]:.2f})" for one in (near, far)]
    return f"{start}; closest are {words[0]}, farthest {words[1]}."
