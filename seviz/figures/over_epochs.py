"""Gates over the epochs of a training: a line a site, and classes by channels after one epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from seviz.figures.cells import quantised, quantised_axis
from seviz.figures.colours import CHOSEN, NEUTRAL, faint, stage_colours
from seviz.figures.gates import GATE_ENDS
from seviz.figures.layout import escaped, finish, shortened

ROW, MOST_HEIGHT = 22, 560  # pixels of a class's row, and of all rows together
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")  # of the blocks of a stage, whose colour is one


def spreads(
    by_site: Mapping[str, ArrayLike], stages: Sequence[int], blocks: Sequence[int], *, epoch: int, chosen: str
) -> go.Figure:
    """How far apart classes are at each site, epoch by epoch.

    Args:
        by_site: title -> (E,), in units of the gate (seviz.analysis.over_epochs). stages, blocks: of the sites, from 1;
            0 where there is none. epoch: the one to mark, from 1. chosen: the title of the site drawn thick.
    """
    figure = go.Figure()
    colours = stage_colours(max([*stages, 1]))
    for (title, values), stage, block in zip(by_site.items(), stages, blocks, strict=True):
        y = np.asarray(values, dtype=np.float64)
        colour = CHOSEN if title == chosen else colours[max(stage, 1) - 1]
        figure.add_scatter(
            x=np.arange(1, len(y) + 1), y=y, name=escaped(title), mode="lines" if len(y) > 1 else "markers",
            line={"color": colour, "width": 3.5 if title == chosen else 1.6, "dash": DASHES[(max(block, 1) - 1) % len(DASHES)]},
            hovertemplate="%{y:.3f}",
        )  # fmt: skip
    figure.add_vline(x=epoch, line={"color": NEUTRAL, "width": 1.5, "dash": "dot"})
    figure.update_layout(hovermode="x unified")
    figure.update_xaxes(title="epoch", zeroline=False)
    figure.update_yaxes(title="spread of class means", rangemode="tozero", zeroline=False)
    ends = [f"{title} {np.asarray(values)[0]:.3f} to {np.asarray(values)[-1]:.3f}" for title, values in by_site.items()]
    alt = f"Spread of the classes' mean gates by epoch: {'; '.join(ends)}. Epoch {epoch} is marked."
    return finish(figure, alt=alt, height=360, bottom=44 + 22 * (1 + len(by_site) // 3), legend=True)


def loss_beside(losses: ArrayLike, *, epoch: int) -> go.Figure:
    """The test loss (nats) of the same epochs, (E,), with the same epoch marked."""
    y = np.asarray(losses, dtype=np.float64)
    epochs, figure = np.arange(1, len(y) + 1), go.Figure()
    figure.add_scatter(
        x=epochs, y=y, mode="lines+markers", line={"color": faint(CHOSEN, 0.9), "width": 2},
        marker={"size": np.where(epochs == epoch, 11, 3)}, hovertemplate="epoch %{x}: %{y:.4f} nats<extra></extra>",
    )  # fmt: skip
    figure.add_vline(x=epoch, line={"color": NEUTRAL, "width": 1.5, "dash": "dot"})
    figure.update_xaxes(title="epoch", zeroline=False).update_yaxes(title="test loss (nats)", zeroline=False)
    alt = f"Test loss by epoch; {y[epoch - 1]:.3f} nats after epoch {epoch}, {y[-1]:.3f} after the last."
    return finish(figure, alt=alt, height=200)


def epoch_map(means: ArrayLike, names: Sequence[str], channels: ArrayLike, *, epoch: int, title: str) -> go.Figure:
    """Mean gates (K, C) of a site after one epoch: a row a class, a column a channel, from 0 to 1.

    names: of the K classes; channels: the order of the columns, so that it stays while epochs pass.
    """
    order: NDArray[np.int64] = np.asarray(channels, dtype=np.int64)
    values = np.asarray(means, dtype=np.float64)[:, order]
    known = np.isfinite(values)
    z = quantised(np.nan_to_num(values), 1.0)
    figure = go.Figure()
    figure.add_heatmap(
        z=z if known.all() else np.where(known, z, np.nan), coloraxis="coloraxis", hoverongaps=False,
        y=[escaped(shortened(name, 16)) for name in names], customdata=np.broadcast_to(order, values.shape),
        hovertemplate="%{y}, channel %{customdata}<br>mean gate %{text}<extra></extra>",
        text=[[f"{value:.2f}" for value in row] for row in values],
    )  # fmt: skip
    axis = quantised_axis(1.0, "mean gate", signed=False, ends=GATE_ENDS)
    figure.update_layout(coloraxis=axis)
    figure.update_coloraxes(colorbar={"yref": "container", "y": 0, "yanchor": "bottom"})
    figure.update_yaxes(autorange="reversed", ticks="", showgrid=False, zeroline=False)
    figure.update_xaxes(title="channels", showticklabels=False, showgrid=False, zeroline=False)
    height = int(min(ROW * max(len(names), 2), MOST_HEIGHT)) + 8 + 96 + 28
    alt = f"Mean gates of {title} after epoch {epoch}, {len(names)} classes by {values.shape[1]} channels; "
    alt += f"from {np.nanmin(values):.2f} to {np.nanmax(values):.2f}." if known.any() else "no samples."
    return finish(figure, alt=alt, height=height, title=f"{title} after epoch {epoch}", bottom=96)
