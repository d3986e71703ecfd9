"""The gates of one picture: all sites in one figure, and one site in detail.

A gate lies in 0..1 and multiplies its channel. Colours: cividis from 0 (closed) to 1 (open).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from seviz.analysis.gates import channel_order, deviation, summary
from seviz.figures.cells import quantised, quantised_axis, unseen_points
from seviz.figures.colours import CHOSEN, NEUTRAL, RUNS, faint
from seviz.figures.layout import escaped, finish, listed

Vector = NDArray[np.floating]
ROW = 26  # pixels of a site's strip and the space below it
STRIP = 0.78  # share of ROW that is strip
GATE_ENDS = ("0 closed", "1 open")


class Site(Protocol):
    """What the figures need to know of a gate: see seviz.gates.Site."""

    @property
    def path(self) -> str: ...
    @property
    def stage(self) -> int: ...
    @property
    def title(self) -> str: ...


def overview(
    sites: Sequence[Site],
    gates: Mapping[str, Vector],
    order: str = "channel",
    *,
    chosen: str | None = None,
    against: Mapping[str, Vector] | None = None,
    against_name: str = "mean",
) -> go.Figure:
    """All gates of a network for one picture: one row a site, first site on top, every row over the full width.

    Args:
        sites: in the order of the network. gates: site path -> (C,), 0..1; C may differ from site to site.
        order: of the channels of a row: "channel", or "sorted" from the most open to the most closed.
        chosen: path of the site to mark.
        against: site path -> mean gates (C,). Then colours are the deviations from them, and `sorted` sorts those.
        against_name: whose mean it is, for hover and colour bar.

    Colours come from 8 bits, hovers from the gates themselves. Cells of a heat map cannot be selected on a page, so
    unseen points lie over every row, and a click anywhere selects the nearest: its customdata is (path, channel, gate).
    Traces: one heat map a site, then the points.
    """
    signed = against is not None
    rows = _rows(sites, gates, against, order)
    top = max((float(np.abs(row.shown).max(initial=0)) for row in rows), default=0.0) or 1.0 if signed else 1.0
    figure = go.Figure()
    for row in rows:
        width = 1 / len(row.shown)  # so that 16 and 2048 channels end at the same place
        z = quantised(row.shown, top, signed=signed)[None]
        y = [row.y - STRIP / 2, row.y + STRIP / 2]
        figure.add_heatmap(z=z, x0=width / 2, dx=width, y=y, coloraxis="coloraxis", hoverinfo="skip")
    _add_points(figure, rows, f"<br>%{{customdata[3]:+.3f}} against the {escaped(against_name)}" if signed else "")
    _add_row_labels(figure, rows, chosen)
    bar = f"gate minus {against_name}" if signed else "gate"
    figure.update_layout(coloraxis=quantised_axis(top, bar, signed=signed, ends=GATE_ENDS), hovermode="closest")
    height = int(ROW * (max((row.y for row in rows), default=0) + 1)) + 8 + 64
    return finish(figure, alt=_overview_alt(sites, gates, against, against_name), height=height, right=34, bottom=64)


@dataclass(frozen=True)
class _Row:
    """A site's strip: its place y, counted down from 0, and, from left to right, its channels, their gates and what
    the colours show."""

    site: Site
    y: float
    channels: NDArray[np.int64]
    gates: NDArray[np.float64]
    shown: NDArray[np.float64]


def _rows(sites: Sequence[Site], gates: Mapping[str, Vector], against: Mapping[str, Vector] | None, order: str) -> list[_Row]:
    """A little more room is left where a new stage begins."""
    rows: list[_Row] = []
    for site in sites:
        y = 0.0 if not rows else rows[-1].y + (1 if rows[-1].site.stage == site.stage else 1.35)
        values = np.asarray(gates[site.path], dtype=np.float64)
        shown = values if against is None else deviation(values, against[site.path])
        channels = channel_order(shown, order)
        rows.append(_Row(site, y, channels, values[channels], shown[channels]))
    return rows


def _add_points(figure: go.Figure, rows: Sequence[_Row], deviation_words: str) -> None:
    unseen = {"marker": {"opacity": 0}}
    hover = "%{customdata[0]}, channel %{customdata[1]}<br>gate %{customdata[2]:.3f}" + deviation_words
    x, y, data = [], [], []
    for row in rows:
        places, on = unseen_points(len(row.channels), len(rows))
        x += places.tolist()
        y += [row.y] * len(places)
        for cell in on:
            data.append([row.site.path, int(row.channels[cell]), round(row.gates[cell], 4), round(row.shown[cell], 4)])
    figure.add_scatter(
        x=np.array(x, dtype=np.float32), y=y, customdata=data, hovertemplate=hover + "<extra></extra>", mode="markers",
        marker={"opacity": 0, "size": 6, "color": NEUTRAL}, selected=unseen, unselected=unseen,
    )  # fmt: skip


def _add_row_labels(figure: go.Figure, rows: Sequence[_Row], chosen: str | None) -> None:
    titles = [f"<b>▸ {row.site.title}</b>" if row.site.path == chosen else row.site.title for row in rows]
    bottom = max((row.y for row in rows), default=0) + 0.5
    figure.update_yaxes(tickvals=[row.y for row in rows], ticktext=titles, range=[bottom, -0.5], ticks="")
    figure.update_yaxes(showgrid=False, zeroline=False)
    figure.update_xaxes(visible=False, range=[0, 1])
    for row in rows:
        note = {"y": row.y, "text": str(len(row.channels)), "x": 1, "xref": "paper", "xanchor": "left", "xshift": 5}
        figure.add_annotation(**note, showarrow=False)
        if row.site.path == chosen:
            y = {"y0": row.y - STRIP / 2 - 0.07, "y1": row.y + STRIP / 2 + 0.07}
            figure.add_shape(type="rect", xref="paper", x0=-0.003, x1=1.003, **y, line={"color": CHOSEN, "width": 3})


def _overview_alt(
    sites: Sequence[Site], gates: Mapping[str, Vector], against: Mapping[str, Vector] | None, against_name: str
) -> str:
    if not sites:
        return "No gates: this is a plain network."
    if against is not None:
        spread = {site.path: float(np.abs(deviation(gates[site.path], against[site.path])).mean()) for site in sites}
        most = max(sites, key=lambda site: spread[site.path])
        return (
            f"Gates of {len(sites)} sites as deviations from the {against_name}; on average the largest at "
            f"{most.title}, {spread[most.path]:.2f}."
        )
    figures = [(site.title, summary(gates[site.path])) for site in sites]
    means = listed([f"{title} {found.mean:.2f}" for title, found in figures])
    return f"Gates of {len(sites)} sites, 0 is closed and 1 is open. Mean gate: {means}."


def site_bars(
    gates: ArrayLike,
    *,
    title: str,
    order: str = "channel",
    marked: Sequence[int] = (),
    mean: ArrayLike | None = None,
    sd: ArrayLike | None = None,
    mean_name: str = "mean",
) -> go.Figure:
    """The gates of one site: a bar a channel on an axis from 0 to 1, with a line at 0.5.

    Args:
        gates: (C,), 0..1. title: of the site. order: as in overview.
        marked: channels in a colour of their own, such as the most opened ones. mean, sd: (C,), drawn behind the bars
            as a band of mean +- sd (clipped to 0..1). mean_name: whose they are.

    Bars carry their channel as the first of their customdata, so that a click selects a channel.
    """
    values = np.asarray(gates, dtype=np.float64)
    channels = channel_order(values, order)
    figure, band = go.Figure(), mean is not None
    hover = "channel %{customdata[0]}<br>gate %{y:.3f}"
    data = [channels.astype(np.float64)]
    if mean is not None:
        centre = np.asarray(mean, dtype=np.float64)[channels]
        spread = np.zeros(len(values)) if sd is None else np.asarray(sd, dtype=np.float64)[channels]
        _add_band(figure, centre, spread, mean_name)
        hover += f"<br>{escaped(mean_name)} %{{customdata[1]:.3f}}" + ("" if sd is None else " ± %{customdata[2]:.3f}")
        data += [centre, spread]
    _add_bars(figure, values[channels], np.stack(data, 1), np.isin(channels, list(marked)), 0.55 if band else 0.9, hover)
    figure.add_hline(y=0.5, line={"color": NEUTRAL, "width": 1, "dash": "dot"})
    figure.update_layout(bargap=0, barmode="overlay")
    figure.update_yaxes(range=[0, 1], title="gate", tickvals=[0, 0.5, 1], showgrid=False, zeroline=False)
    _channel_axis(figure, channels, order)
    alt = _bars_alt(values, title, marked)
    return finish(figure, alt=alt, height=290 if band else 260, title=title, bottom=68 if band else 44, legend=band)


def _add_bars(
    figure: go.Figure, heights: NDArray[np.float64], data: NDArray[np.float64], stand_out: NDArray[np.bool_], width: float,
    hover: str,
) -> None:  # fmt: skip
    for mask, colour, name in ((~stand_out, RUNS[0], "this picture"), (stand_out, CHOSEN, "this picture, marked")):
        figure.add_bar(
            x=np.flatnonzero(mask), y=heights[mask], width=width, marker={"color": colour, "line": {"width": 0}},
            customdata=data[mask], hovertemplate=hover + "<extra></extra>", name=name,
        )  # fmt: skip


def _add_band(figure: go.Figure, centre: NDArray[np.float64], spread: NDArray[np.float64], name: str) -> None:
    """A step a channel: between channels nothing is interpolated, because their order means nothing."""
    edges = np.repeat(np.arange(len(centre) + 1) - 0.5, 2)[1:-1]
    low, high = (np.repeat(np.clip(centre + sign * spread, 0, 1), 2) for sign in (-1, 1))
    common = {"x": edges, "mode": "lines", "hoverinfo": "skip"}
    unseen = {"width": 0, "color": NEUTRAL}
    figure.add_scatter(**common, y=low, line=unseen, showlegend=False)
    figure.add_scatter(**common, y=high, line=unseen, fill="tonexty", fillcolor=faint(NEUTRAL, 0.35), name=f"{name} ± sd")
    figure.add_scatter(**common, y=np.repeat(centre, 2), line={"width": 1, "color": NEUTRAL}, showlegend=False)


def _channel_axis(figure: go.Figure, channels: NDArray[np.int64], order: str) -> None:
    count = len(channels)
    figure.update_xaxes(range=[-0.5, count - 0.5], showgrid=False, zeroline=False)
    if order == "channel":
        figure.update_xaxes(title="channel", nticks=9)
        return
    figure.update_xaxes(title="channels, most open first")
    if count <= 64:
        figure.update_xaxes(tickvals=np.arange(count), ticktext=[str(channel) for channel in channels], tickfont={"size": 9})
    else:
        figure.update_xaxes(showticklabels=False)


def _bars_alt(values: NDArray[np.float64], title: str, marked: Sequence[int]) -> str:
    found = summary(values)
    words = (
        f"{title}: {found.channels} gates from {found.lowest:.2f} to {found.highest:.2f}, mean {found.mean:.2f}; most "
        f"open is channel {int(values.argmax())}, most closed channel {int(values.argmin())}."
    )
    if not len(marked):
        return words
    return words + " Marked: " + listed([f"channel {channel} ({values[channel]:.2f})" for channel in marked]) + "."


def squeeze_scatter(squeezes: ArrayLike, gates: ArrayLike, *, title: str, marked: Sequence[int] = ()) -> go.Figure:
    """What goes into a gate against what comes out: a point a channel.

    Args:
        squeezes: (C,), the pooled input of the gate, in units of activation. gates: (C,), 0..1.
        title: of the site. marked: channels to name in the figure.

    A gate sees all squeezes of its site, so that there need not be any relation. Points carry their channel as customdata.
    """
    z, s = np.asarray(squeezes, dtype=np.float64), np.asarray(gates, dtype=np.float64)
    chosen = np.zeros(len(z), dtype=bool)
    chosen[list(marked)] = True
    figure = go.Figure()
    for mask, colour, size in ((~chosen, RUNS[0], 7), (chosen, CHOSEN, 10)):
        channels = np.flatnonzero(mask)
        figure.add_scatter(
            x=z[mask], y=s[mask], customdata=channels, mode="markers+text" if size == 10 else "markers",
            text=[str(channel) for channel in channels], textposition="top center",
            marker={"color": colour, "size": size, "opacity": 0.75, "line": {"width": 0}},
            hovertemplate="channel %{customdata}<br>squeeze %{x:.3g}<br>gate %{y:.3f}<extra></extra>",
        )  # fmt: skip
    figure.add_hline(y=0.5, line={"color": NEUTRAL, "width": 1, "dash": "dot"})
    figure.update_xaxes(title="squeeze (mean activation)", zeroline=False)
    figure.update_yaxes(title="gate", range=[-0.06, 1.16], tickvals=[0, 0.5, 1], zeroline=False)
    alt = (
        f"{title}: gate against squeeze for {len(z)} channels; squeezes from {z.min():.3g} to {z.max():.3g}, "
        f"gates from {s.min():.2f} to {s.max():.2f}."
    )
    return finish(figure, alt=alt, height=300, title=title, bottom=44)
