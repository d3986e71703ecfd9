"""Does a gate know which channels matter? Curves of deletion and insertion, and what each channel is worth beside its gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from seviz.analysis.ablation import p_words
from seviz.analysis.deletion import Curve
from seviz.analysis.importance import EFFECTS, KNOWN, Correlation
from seviz.figures import intervals
from seviz.figures.colours import CHOSEN, NEUTRAL, faint, run_colour
from seviz.figures.intervals import SYMBOLS, Series
from seviz.figures.layout import escaped, finish, listed

Floats = NDArray[np.float64]
ORDERS = {"gate": "gate", "gradient": "|gate x gradient|", "norm": "activation", "random": "random"}
DONE = {"deletion": "channels dropped", "insertion": "channels put back"}


def curves(found: Sequence[Curve], title: str) -> go.Figure:
    """The curves of one site and one kind: mean probability of the class that a picture is given, by the share of channels.

    Args: found: one an order, of one site and kind. title: of the site. Random orders are dotted.
    """
    figure, kind = go.Figure(), found[0].kind
    for one in found:
        number = list(ORDERS).index(one.order)
        chance = one.order == "random"
        colour = NEUTRAL if chance else run_colour(number)
        figure.add_scatter(
            x=one.shares, y=one.probability, mode="lines+markers", name=ORDERS[one.order],
            line={"color": colour, "width": 2, "dash": "dot" if chance else "solid"},
            marker={"color": colour, "size": 8, "symbol": SYMBOLS[number]},
            hovertemplate="%{x:.0%} of the channels<br>%{y:.3f}<extra>" + ORDERS[one.order] + "</extra>",
        )  # fmt: skip
    figure.update_xaxes(range=[-0.02, 1.02], tickformat=".0%", title=DONE[kind], zeroline=False)
    figure.update_yaxes(range=[0, 1.02], title="probability of its class", zeroline=False)
    words = listed([f"{ORDERS[one.order]} {one.area:.3f}" for one in found])
    alt = f"{kind.capitalize()} curves of channels at {title}; areas under them: {words}."
    return finish(figure, alt=alt, height=330, title=f"{kind.capitalize()}, {title}", bottom=84, legend=True)


def areas(labels: Sequence[str], found: Mapping[str, Sequence[Curve]], kind: str) -> go.Figure:
    """By how much the area under the curve differs from that of random orders, site by site, with 95 % intervals.

    Args: labels: of the sites. found: order -> its curves of this kind, one a site.
    """
    series = [
        Series(
            ORDERS[order],
            [one.beside_random for one in rows],
            [one.beside_random_interval for one in rows],
            [f"area {one.area:.3f} ({one.interval[0]:.3f} to {one.interval[1]:.3f})" for one in rows],
            list(ORDERS).index(order),
        )
        for order, rows in found.items()
    ]
    better = "left: knows what matters" if kind == "deletion" else "right: knows what matters"
    figure = intervals.rows(labels, series, title=f"area minus random ({better})", unit="", form="+.3f")
    words = [f"{ORDERS[order]} better than random at {sum(one.knows == 1 for one in rows)}" for order, rows in found.items()]
    alt = f"Area under the {kind} curve beside random orders at {len(labels)} sites: {listed(words)}."
    return finish(figure, alt=alt, height=intervals.height(labels, series), bottom=72, legend=True)


@dataclass(frozen=True, eq=False)
class Cloud:
    """The channels of one site: what is known of each (C,), its effect (C,), and the stage of the site, for its colour."""

    title: str
    values: Floats
    effect: Floats
    stage: int


def scatter(clouds: Sequence[Cloud], name: str, effect: str, *, notes: Sequence[Sequence[str]] = ()) -> go.Figure:
    """A point a channel: what is known of it across, what is lost without it up.

    Args: name: of KNOWN; effect: of EFFECTS. notes: for each site what the hover adds to every channel.

    Of one site the channels of the highest value and of the largest effect are named.
    """
    figure = go.Figure()
    stages = sorted({cloud.stage for cloud in clouds})
    colours = {stage: run_colour(place) for place, stage in enumerate(stages)}
    for place, cloud in enumerate(clouds):
        first = cloud.stage not in {other.stage for other in clouds[:place]}
        shown = np.flatnonzero(np.isfinite(cloud.values) & np.isfinite(cloud.effect))
        extra = notes[place] if notes else [""] * len(cloud.values)
        figure.add_scatter(
            x=cloud.values[shown], y=cloud.effect[shown], mode="markers", name=_legend(cloud, clouds),
            legendgroup=str(cloud.stage), showlegend=len(stages) > 1 and first,
            marker={"color": colours[cloud.stage], "size": 8, "symbol": SYMBOLS[stages.index(cloud.stage) % len(SYMBOLS)],
                    "opacity": 0.8, "line": {"width": 0}},
            cliponaxis=False,
            customdata=shown, text=[f"<br>{escaped(extra[channel])}" if extra[channel] else "" for channel in shown.tolist()],
            hovertemplate=f"{escaped(cloud.title)}, channel %{{customdata}}<br>{KNOWN[name]} %{{x:.3f}}<br>"
            f"{EFFECTS[effect]} %{{y:.3f}}%{{text}}<extra></extra>",
        )  # fmt: skip
    if len(clouds) == 1:
        _name_ends(figure, clouds[0])
    if effect == "accuracy":
        figure.add_hline(y=0, line={"color": NEUTRAL, "width": 1.5, "dash": "dot"})
    figure.update_xaxes(title=KNOWN[name], zeroline=False, nticks=6)
    signed = effect == "accuracy"
    figure.update_yaxes(title=EFFECTS[effect], zeroline=False, nticks=6, rangemode="normal" if signed else "tozero")
    figure.update_layout(hovermode="closest")
    many = len(stages) > 1
    return finish(figure, alt=_scatter_alt(clouds, name, effect), height=400, bottom=84 if many else 48, legend=many)


def _legend(cloud: Cloud, clouds: Sequence[Cloud]) -> str:
    return f"stage {cloud.stage}" if cloud.stage and len(clouds) > 1 else escaped(cloud.title)


def _name_ends(figure: go.Figure, cloud: Cloud) -> None:
    """Circles around the channel of the highest value and that of the largest effect, with their numbers."""
    if not np.isfinite(cloud.values).any():
        return
    high, strong = int(np.nanargmax(cloud.values)), int(np.nanargmax(cloud.effect))
    rows = [(high, f"highest: {high}"), (strong, f"largest effect: {strong}")] if high != strong else [(high, f"both: {high}")]
    for channel, words in rows:
        middle = (np.nanmin(cloud.values) + np.nanmax(cloud.values)) / 2
        side = "left" if cloud.values[channel] > middle else "right"
        figure.add_scatter(
            x=[cloud.values[channel]], y=[cloud.effect[channel]], mode="markers+text", text=[words],
            textposition=f"top {side}", hoverinfo="skip",
            marker={"size": 15, "color": faint(CHOSEN, 0), "line": {"width": 2.5, "color": CHOSEN}},
        )  # fmt: skip


def _scatter_alt(clouds: Sequence[Cloud], name: str, effect: str) -> str:
    where = clouds[0].title if len(clouds) == 1 else f"{len(clouds)} sites"
    count = sum(len(cloud.values) for cloud in clouds)
    words = f"{count} channels of {where}: {EFFECTS[effect]} when a channel is dropped, against its {KNOWN[name]}."
    if len(clouds) > 1 or not np.isfinite(clouds[0].values).any():
        return words
    high, strong = int(np.nanargmax(clouds[0].values)), int(np.nanargmax(clouds[0].effect))
    return f"{words} The highest {KNOWN[name]} has channel {high}, the largest effect channel {strong}."


def correlations(labels: Sequence[str], found: Mapping[str, Sequence[Correlation]]) -> go.Figure:
    """Rank correlations with 95 % intervals, from -1 to 1.

    Args: labels: of the rows, from above. found: a key of KNOWN -> a correlation a row; empty where it is not defined.
    """
    series = [
        Series(
            KNOWN[name],
            [one.rho for one in rows],
            [one.interval for one in rows],
            [f"{p_words(one.p)}, {one.n} channels" if one.p is not None else "" for one in rows],
            list(KNOWN).index(name),
        )
        for name, rows in found.items()
    ]
    figure = intervals.rows(labels, series, title="rank correlation with the effect, 95 %", unit="")
    figure.update_xaxes(range=[-1.02, 1.02])
    words = []
    for name, rows in found.items():
        known = [(one.rho, label) for one, label in zip(rows, labels, strict=True) if one.rho is not None]
        if known:
            (low, worst), (high, best) = min(known), max(known)
            words.append(f"{KNOWN[name]} from {low:+.2f} ({worst}) to {high:+.2f} ({best})")
    alt = f"Rank correlations with the effect of dropping a channel: {'; '.join(words) or 'none can be told'}."
    return finish(figure, alt=alt, height=intervals.height(labels, series), bottom=72, legend=True)
