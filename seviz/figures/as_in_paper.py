"""Mean gates by class over the channels of a site, as in figures 6 and 7 of the Squeeze-and-Excitation paper.

J. Hu, L. Shen, S. Albanie, G. Sun, E. Wu, "Squeeze-and-Excitation Networks", TPAMI 2020 (arXiv 1709.01507),
"Role of Excitation".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from seviz.figures.colours import NEUTRAL, faint, run_colour
from seviz.figures.layout import escaped, finish, listed, shortened

Floats = NDArray[np.float64]
DASHES = ("solid", "dash", "dot", "dashdot")  # beside the colour, so that lines are told apart without it
ALL = "all pictures"


def activations(
    means: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    names: Sequence[str],
    channels: ArrayLike,
    *,
    overall: ArrayLike | None = None,
    band: str = "95 % interval of the mean",
    title: str = "",
    legend: bool = True,
) -> go.Figure:
    """The mean gate of every channel, a line a class, with a band around it.

    Args:
        means, low, high: (R, C) of R classes at all channels of the site, 0..1; the ends of the band are clipped to that.
            NaN where a class has too few samples: then there is no band, or no line.
        names: of the R classes. channels: those to show, ascending. overall: (C,), the mean over all pictures,
            in grey.
        band: what the band is, for the hover.
        title: of the site. legend: whether lines are named below the figure.

    As in the paper, points stand side by side in the order of the channels and are joined, although the order means nothing.
    """
    shown = np.asarray(channels, dtype=np.int64)
    layers = [np.asarray(one, dtype=np.float64)[:, shown] for one in (means, low, high)]
    figure = go.Figure()
    if overall is not None:
        _add_all(figure, np.asarray(overall, dtype=np.float64)[shown], shown)
    for row, name in enumerate(names):
        centre, bottom, top = (layer[row] for layer in layers)
        _add_band(figure, bottom, top, run_colour(row), name)
        _add_line(figure, centre, bottom, top, shown, name, run_colour(row), DASHES[row % len(DASHES)], band)
    figure.update_xaxes(title="channel", range=[-0.5, len(shown) - 0.5], zeroline=False, showgrid=False)
    _ticks(figure, shown)
    figure.update_yaxes(range=[-0.02, 1.02], tickvals=[0, 0.5, 1], title="mean gate", zeroline=False)
    figure.update_layout(hovermode="x unified")
    alt = _alt(layers[0], names, shown, title)
    return finish(figure, alt=alt, height=270 + 40 * legend, title=title, bottom=44 + 40 * legend, legend=legend)


def _add_all(figure: go.Figure, overall: Floats, channels: NDArray[np.int64]) -> None:
    figure.add_scatter(
        x=np.arange(len(overall)), y=overall, mode="lines", line={"color": NEUTRAL, "width": 4}, name=ALL, customdata=channels,
        hovertemplate="channel %{customdata}: %{y:.3f}", opacity=0.7,
    )  # fmt: skip


def _add_line(
    figure: go.Figure, centre: Floats, low: Floats, high: Floats, channels: NDArray[np.int64], name: str, colour: str,
    dash: str, band: str,
) -> None:  # fmt: skip
    few = len(centre) <= 64
    figure.add_scatter(
        x=np.arange(len(centre)), y=centre, mode="lines+markers" if few else "lines", name=escaped(shortened(name)),
        line={"color": colour, "width": 1.8, "dash": dash}, marker={"size": 4, "color": colour}, legendgroup=name,
        customdata=np.stack([channels, np.clip(low, 0, 1), np.clip(high, 0, 1)], 1),
        hovertemplate=f"%{{y:.3f}}, {band} %{{customdata[1]:.3f}} to %{{customdata[2]:.3f}}",
    )  # fmt: skip


def _add_band(figure: go.Figure, low: Floats, high: Floats, colour: str, name: str) -> None:
    known = np.isfinite(low) & np.isfinite(high)
    if not known.any():
        return
    at = np.flatnonzero(known)
    figure.add_scatter(
        x=np.concatenate([at, at[::-1]]), y=np.clip(np.concatenate([high[at], low[at][::-1]]), 0, 1), mode="lines",
        line={"width": 0, "color": colour}, fill="toself", fillcolor=faint(colour, 0.25), hoverinfo="skip", showlegend=False,
        legendgroup=name,
    )  # fmt: skip


def _ticks(figure: go.Figure, channels: NDArray[np.int64]) -> None:
    """Channel numbers below their places, at most a dozen."""
    step = max(1, -(-len(channels) // 12))
    at = np.arange(0, len(channels), step)
    figure.update_xaxes(tickvals=at, ticktext=[str(channel) for channel in channels[at]])


def _alt(means: Floats, names: Sequence[str], channels: NDArray[np.int64], title: str) -> str:
    known = [row for row in range(len(names)) if np.isfinite(means[row]).all()]
    start = f"{title}: mean gate of {len(channels)} channels for {listed(list(names))}."
    if not known:
        return start + " None of them has samples."
    words = listed([f"{names[row]} {means[row].mean():.2f}" for row in known])
    if len(known) == 1:
        return f"{start} On average {words}."
    spread = np.ptp(means[known], axis=0)
    far = int(spread.argmax())
    return (
        f"{start} On average {words}. Classes differ by {spread.mean():.2f} on average and most at channel {channels[far]}, "
        f"from {means[known, far].min():.2f} to {means[known, far].max():.2f}."
    )
