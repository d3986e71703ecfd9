"""What was measured of a network: how often it is right, and what its gates are worth."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seviz.card import Card
from seviz.gate_life import ALIVE, GateLife

if TYPE_CHECKING:
    from seviz.ablation import Ablation
    from seviz.analysis.classification import Classification

Interval = tuple[float, float]
OF_A_RESNET = re.compile(r"(?:^|\.)layer(\d+)\.(\d+)(?:\.|$)")
LOSSES = {"mean": "static", "shuffle": "shuffled"}  # the gates of ablation.json that cost what gate life asks for


@dataclass(frozen=True)
class Figures:
    """What a network got right on n samples, as shares; None where it is not known. data: name and split."""

    accuracy: float
    interval: Interval | None
    n: int
    data: str
    top5: float | None = None
    ece: float | None = None


def figures_of(card: Card, found: Classification | None = None, about: str = "") -> Figures | None:
    """Of the stored predictions where there are any, on the data `about`; else as the card says. None: nothing was measured."""
    if found:
        return Figures(found.accuracy, found.interval, found.n, about, found.top5, found.ece)
    one = card.metrics.get("accuracy")
    if one is None:
        return None
    top5, ece = (card.metrics[name].value if name in card.metrics else None for name in ("top5", "ece"))
    return Figures(one.value, one.interval, one.n, f"{one.data}, {one.split}", top5, ece)


def accuracy_words(one: Figures) -> str:
    """ "88.09% (87.44% to 88.71%)"."""
    return f"{one.accuracy:.2%}" + (f" ({one.interval[0]:.2%} to {one.interval[1]:.2%})" if one.interval else "")


def figures(one: Figures) -> dict[str, str]:
    """Facts, name -> text."""
    wilson = "; 95 % interval: Wilson" if one.interval else ""
    facts = {"test accuracy": f"{accuracy_words(one)} of {one.n:,} pictures of {one.data}{wilson}"}
    if one.top5 is not None:
        facts["top-5"] = f"{one.top5:.2%}: the true class is among its first five"
    if one.ece is not None:
        facts["calibration"] = f"off by {100 * one.ece:.1f} points on average, confidence against accuracy (ECE)"
    return facts


def gates_worth(life: GateLife) -> str:
    """What the gates of a network are worth on its test split, in a sentence."""
    return (
        f"{life.sites_alive} of {len(life.deviations)} SE blocks move by {ALIVE} or more (standard deviation over {life.n:,} "
        f"{life.split} pictures). With every picture given another picture's gates, accuracy falls by "
        f"{points(life.lost_by_shuffling, life.shuffling_interval)}; with every gate at its mean, by "
        f"{points(life.lost_when_static, life.static_interval)}."
    )


def still_words(life: GateLife, titles: Mapping[str, str]) -> str:
    """Which blocks hardly move, by their titles; "" where all of them do."""
    named = [f"{_title(site, titles)} ({life.deviations[site]:.3f})" for site in life.still_sites]
    return f"Hardly alive: {', '.join(named)}." if named else ""


def sites(life: GateLife, found: Ablation | None) -> dict[str, list[Any]]:
    """A row a block: how far its gates move, and, of an ablation on the card's weights, what is lost when they alone are at
    their mean or another picture's, in points with 95 % intervals."""
    titles = found.titles if found else {}
    rows: dict[str, list[Any]] = {
        "block": [_title(site, titles) for site in life.deviations],
        "moves by": list(life.deviations.values()),
        "alive": [deviation >= ALIVE for deviation in life.deviations.values()],
    }
    known = {(one.where, one.gate): one for one in found.effects} if found else {}
    for gate, word in LOSSES.items():
        effects = [known.get((site, gate)) for site in life.deviations]
        if any(effects):
            rows[f"lost when {word}"] = [0.0 - 100 * one.difference if one else None for one in effects]
            rows[f"{word} low"] = [0.0 - 100 * one.interval[1] if one else None for one in effects]
            rows[f"{word} high"] = [0.0 - 100 * one.interval[0] if one else None for one in effects]
    return rows


def points(lost: float, interval: Interval | None) -> str:
    """A share as points, with its interval where there is one: "22.4 points (21.5 to 23.3)"."""
    ends = f" ({100 * interval[0]:.1f} to {100 * interval[1]:.1f})" if interval else ""
    return f"{100 * lost:.1f} points{ends}"


def _title(path: str, titles: Mapping[str, str]) -> str:
    found = OF_A_RESNET.search(path)
    return titles.get(path) or (f"stage {found[1]} · block {int(found[2]) + 1}" if found else path)
