"""Training curves of any number of runs, and their generalisation gap.

One colour a run; the training figure is thin, the test figure thick.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from seviz.analysis.curves import generalisation_gap, smooth
from seviz.figures.colours import NEUTRAL, faint, run_colour
from seviz.figures.layout import escaped, finish, listed, percent
from seviz.history import Epoch

Runs = Mapping[str, Sequence[Epoch]]
# what -> (its training column, its test column, axis title, hover format, (axis, share of the figure's height))
PANELS = {
    "loss": ("train_loss", "test_loss", "loss (nats)", ":.4f", "y", (0.60, 1.0)),
    "accuracy": ("train_accuracy", "test_accuracy", "accuracy", ":.2%", "y2", (0.16, 0.55)),
}
LEARNING_RATE_DOMAIN = (0.0, 0.11)
WIDTHS = {"train": 1.3, "test": 3.0}


def curves(runs: Runs, *, smoothing: float = 0.0, behind: Mapping[str, Runs] | None = None) -> go.Figure:
    """Loss, accuracy and learning rate above each other on one epoch axis; the hover reads all runs at once.

    Args:
        runs: name -> its epochs, in the order of their colours; a run without epochs is left out but keeps its colour.
        smoothing: weight of seviz.analysis.curves.smooth, 0..1; above 0 the raw lines stay behind, faint.
        behind: name of a run -> other trainings of the same recipe, whose test curves are drawn thin behind its own.

    Losses are mean cross-entropies in nats: on augmented pictures while the weights move (train), and of the weights'
    moving average (test). Accuracies are shares, shown in %.
    """
    kept = {name: epochs for name, epochs in runs.items() if epochs}
    figure, others = go.Figure(), {name: (behind or {}).get(name, {}) for name in kept}
    for name, found in others.items():
        _add_behind(figure, name, found, run_colour(list(runs).index(name)), smoothing)
    for name, epochs in kept.items():
        colour = run_colour(list(runs).index(name))
        for panel in PANELS:
            for split in ("train", "test"):
                _add_curve(figure, name, epochs, panel, split, colour, smoothing)
        _add_learning_rate(figure, name, epochs, colour)
    _add_key(figure, seeds=any(others.values()))
    figure.update_layout(hovermode="x unified", hoversubplots="axis")
    figure.update_xaxes(title="epoch", anchor="y3", zeroline=False)
    for _, _, title, _, axis, domain in PANELS.values():
        figure.update_layout({f"yaxis{axis[1:]}": {"domain": domain, "title": title, "zeroline": False}})
    rate = {"domain": LEARNING_RATE_DOMAIN, "title": "learning<br>rate", "nticks": 3, "rangemode": "tozero", "zeroline": False}
    figure.update_layout(yaxis2={"tickformat": ".0%"}, yaxis3=rate)
    return finish(figure, alt=_curves_alt(kept, others), height=600, bottom=44 + 22 * (1 + len(kept) // 3), legend=True)


def accuracy_curves(name: str, epochs: Sequence[Epoch], *, series: int = 0) -> go.Figure:
    """Accuracy by epoch of one run, small: thin on the augmented training pictures, thick on the test split.

    Args: name: of the run, for the alt text. series: of its colour (figures.colours.run_colour).
    """
    figure, x = go.Figure(), _column(epochs, "epoch")
    for split, column in zip(("train", "test"), PANELS["accuracy"][:2], strict=True):
        figure.add_scatter(
            x=x, y=_column(epochs, column), name=split, mode="lines" if len(x) > 1 else "markers",
            line={"color": run_colour(series), "width": WIDTHS[split]},
            marker={"color": run_colour(series), "size": 8, "symbol": "circle" if split == "test" else "circle-open"},
            hovertemplate="%{y:.2%}",
        )  # fmt: skip
    figure.update_layout(hovermode="x unified")
    figure.update_xaxes(title="epoch", zeroline=False)
    figure.update_yaxes(title="accuracy", tickformat=".0%", zeroline=False, nticks=6)
    return finish(figure, alt=_curves_alt({name: epochs}, {}), height=260, bottom=64, legend=True)


def _column(epochs: Sequence[Epoch], name: str) -> NDArray[np.float64]:
    return np.array([getattr(epoch, name) for epoch in epochs], dtype=np.float64)


def _add_curve(
    figure: go.Figure, name: str, epochs: Sequence[Epoch], panel: str, split: str, colour: str, smoothing: float
) -> None:
    columns = dict(zip(("train", "test"), PANELS[panel][:2], strict=True))
    number, axis = PANELS[panel][3:5]
    raw, x = _column(epochs, columns[split]), _column(epochs, "epoch")
    common = {"x": x, "yaxis": axis, "legendgroup": name, "mode": "lines" if len(x) > 1 else "markers"}
    hover = f"%{{y{number}}}"
    if smoothing > 0:
        figure.add_scatter(
            **common, y=raw, line={"color": faint(colour, 0.3), "width": WIDTHS[split]}, hoverinfo="skip", showlegend=False
        )
        hover += f" (raw %{{customdata{number}}})"
    figure.add_scatter(
        **common,
        y=smooth(raw, smoothing),
        customdata=raw,
        name=f"{escaped(name)} · {split} {panel}",
        line={"color": colour, "width": WIDTHS[split]},
        marker={"color": colour, "size": 8, "symbol": "circle" if split == "test" else "circle-open"},
        hovertemplate=hover,
        showlegend=False,
    )


def _add_behind(figure: go.Figure, name: str, others: Runs, colour: str, smoothing: float) -> None:
    for epochs in others.values():
        for _, column, _, _, axis, _ in PANELS.values():
            figure.add_scatter(
                x=_column(epochs, "epoch"), y=smooth(_column(epochs, column), smoothing), yaxis=axis, legendgroup=name,
                mode="lines", line={"color": faint(colour, 0.55), "width": 1, "dash": "dot"}, hoverinfo="skip",
                showlegend=False,
            )  # fmt: skip


def _add_learning_rate(figure: go.Figure, name: str, epochs: Sequence[Epoch], colour: str) -> None:
    """The run's entry in the legend hangs on this line: a click on it hides the whole run."""
    figure.add_scatter(
        x=_column(epochs, "epoch"), y=_column(epochs, "learning_rate"), yaxis="y3", legendgroup=name, showlegend=False,
        mode="lines" if len(epochs) > 1 else "markers", line={"color": colour, "width": 1.3}, fill="tozeroy",
        fillcolor=faint(colour, 0.12), name=f"{escaped(name)} · learning rate", hovertemplate="%{y:.3g}",
    )  # fmt: skip
    key = {"color": colour, "width": WIDTHS["test"]}
    figure.add_scatter(x=[None], y=[None], legendgroup=name, name=escaped(name), mode="lines", line=key)


def _add_key(figure: go.Figure, *, seeds: bool) -> None:
    for split, width in WIDTHS.items():
        words = {"train": "thin: train", "test": "thick: test"}[split]
        figure.add_scatter(x=[None], y=[None], name=words, mode="lines", line={"color": NEUTRAL, "width": width})
    if seeds:
        dotted = {"color": NEUTRAL, "width": 1, "dash": "dot"}
        figure.add_scatter(x=[None], y=[None], name="dotted: test, other seeds", mode="lines", line=dotted)


def _curves_alt(runs: Runs, others: Mapping[str, Runs]) -> str:
    if not runs:
        return "No training to show."
    words = []
    for name, epochs in runs.items():
        best = max(epochs, key=lambda epoch: epoch.test_accuracy)
        last = epochs[-1]
        seeds = others.get(name, {})
        ends = listed([percent(one[-1].test_accuracy) for one in seeds.values()])
        beside = f" (its other seeds {ends})" if seeds else ""
        words.append(
            f"{name}: {len(epochs)} epochs, test loss {epochs[0].test_loss:.2f} to {last.test_loss:.2f}, test accuracy "
            f"{percent(epochs[0].test_accuracy)} to {percent(last.test_accuracy)}{beside}, highest "
            f"{percent(best.test_accuracy)} at epoch {best.epoch}"
        )
    return "Training curves. " + ". ".join(words) + "."


def gaps(runs: Runs, *, of: str = "loss", smoothing: float = 0.0) -> dict[str, NDArray[np.float64]]:
    """The numbers behind gap: name -> (epochs,), in the figure's unit, of the runs that have epochs."""
    train, test = PANELS[of][:2]
    scale = 1.0 if of == "loss" else 100.0
    return {
        name: smooth(
            scale * generalisation_gap(_column(epochs, train), _column(epochs, test), higher_is_better=of == "accuracy"),
            smoothing,
        )
        for name, epochs in runs.items()
        if epochs
    }


def gap(runs: Runs, *, of: str = "loss", smoothing: float = 0.0) -> go.Figure:
    """How much worse the test figure is than the training figure, by epoch.

    Args:
        runs, smoothing: as in curves. of: "loss" (test - train, nats) or "accuracy" (train - test, points of %).

    Below 0 the test figure is the better one: training pictures are augmented and training weights still move.
    """
    kept = gaps(runs, of=of, smoothing=smoothing)
    unit = "nats" if of == "loss" else "points"
    figure, ends = go.Figure(), []
    figure.add_hline(y=0, line={"color": NEUTRAL, "width": 1, "dash": "dot"})
    for name, values in kept.items():
        figure.add_scatter(
            x=_column(runs[name], "epoch"), y=values, name=escaped(name), mode="lines" if len(values) > 1 else "markers",
            line={"color": run_colour(list(runs).index(name)), "width": 2.5}, hovertemplate=f"%{{y:+.3f}} {unit}",
        )  # fmt: skip
        ends.append(f"{name} {values[-1]:+.2f} {unit}")
    figure.update_layout(hovermode="x unified")
    what = "test minus train loss (nats)" if of == "loss" else "train minus test accuracy (points)"
    figure.update_xaxes(title="epoch", zeroline=False).update_yaxes(title=what, zeroline=False)
    alt = f"Generalisation gap, {what}, at the last epoch: {listed(ends)}."
    return finish(figure, alt=alt, height=300, bottom=44 + 22 * (1 + len(kept) // 3), legend=True)
