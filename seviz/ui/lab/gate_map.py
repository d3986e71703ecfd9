"""The map of all gates: what it is shown, and what its messages do. A message comes from a browser and is checked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import streamlit as st

from seviz.backend import Inspection
from seviz.edits import ALL, Channels, Constant, DataMean, Edit, Where
from seviz.edits.resolve import select
from seviz.edits.switch import drawn, standing, switched, switched_off
from seviz.edits.text import where_from, where_text
from seviz.edits.values import Becomes
from seviz.edits.words import becomes
from seviz.figures.colours import CHOSEN, CIVIDIS, RUNS
from seviz.gates import Site
from seviz.ui import components
from seviz.ui.lab import state
from seviz.ui.lab.answers import verdict

KEY, ANSWERED = "gate-map", "gate-map-answered"
LIVE, OFF, STATIC, SWAP = "live", "off", "static", "swap"
MODES = (LIVE, OFF, STATIC, SWAP)
NO_MEANS = "Needs the mean gates over a data set, which nobody has measured yet"


def show(bench: state.Bench, edits: Sequence[Edit], swap: Becomes, before: Inspection, after: Inspection) -> None:
    """Draw the map with the edits in force."""
    sites = bench.model.sites
    modes = _modes(edits, swap, sites)
    data = {
        "answered": st.session_state.get(ANSWERED, 0),
        "colours": bytes(CIVIDIS).hex(),
        "ink": {"bar": RUNS[0], "drawn": CHOSEN},
        "swap": becomes(swap),
        "verdict": verdict(before, after).replace("**", "") if edits else "",
        "modes": {STATIC: "" if bench.means is not None else NO_MEANS},
        "groups": _groups(sites, modes, edits, before, after),
    }
    components.gate_map(data, KEY, lambda: _take(components.message(KEY), bench, swap))


def apply(edits: Sequence[Edit], message: object, swap: Becomes, sites: Sequence[Site]) -> tuple[Edit, ...]:
    """The edits after a message of the map; what is no message changes nothing. Raises RequestError where it does not fit."""
    match message:
        case {"where": str(where), "mode": str(mode)} if mode in MODES:
            if mode == OFF:
                return switched_off(edits, where_from(where), sites)
            gates: dict[str, Becomes] = {STATIC: DataMean(), SWAP: swap}
            return switched(edits, where_from(where), gates.get(mode), sites)
        case {"path": str(path), "channel": int(channel), "value": None}:
            return drawn(edits, path, channel, None, sites)
        case {"path": str(path), "channel": int(channel), "value": int(value) | float(value)} if _is_gate(value):
            return drawn(edits, path, channel, round(float(value), 4), sites)
    return tuple(edits)


def _is_gate(value: float) -> bool:
    return math.isfinite(value) and 0 <= value <= 1


def _take(message: object, bench: state.Bench, swap: Becomes) -> None:
    """Before the panel runs again: the message becomes an edit in force."""
    if isinstance(message, Mapping) and isinstance(message.get("number"), int):
        st.session_state[ANSWERED] = message["number"]
    draft = isinstance(message, Mapping) and message.get("draft") is True
    state.change(lambda edits: apply(edits, message, swap, bench.model.sites), draft=draft)


def _modes(edits: Sequence[Edit], swap: Becomes, sites: Sequence[Site]) -> dict[str, str]:
    """Site path -> which switch is on; "" for an edit that has no switch."""
    names: dict[Becomes, str] = {swap: SWAP, DataMean(): STATIC}
    held = standing(edits, sites)
    return {
        site.path: {**names, Constant(site.neutral): OFF}.get(held[site.path], "") if site.path in held else LIVE
        for site in sites
    }


def _groups(
    sites: Sequence[Site], modes: Mapping[str, str], edits: Sequence[Edit], before: Inspection, after: Inspection
) -> list[dict[str, Any]]:
    stages = [(stage, list(group)) for stage, group in groupby(sites, key=lambda site: site.stage)]
    groups: list[dict[str, Any]] = [{"where": "all", "title": "All blocks", "mode": _common(sites, modes), "sites": []}]
    for stage, group in stages:
        groups.append(
            {
                "where": f"s{stage}" if stage else None,
                "title": f"Stage {stage}" if stage else "Blocks",
                "mode": _common(group, modes),
                "sites": [_site(site, modes, edits, before, after) for site in group],
            }
        )
    return groups


def _site(
    site: Site, modes: Mapping[str, str], edits: Sequence[Edit], before: Inspection, after: Inspection
) -> dict[str, Any]:
    by_hand = [edit.channels.indexes for edit in edits if edit.where.path == site.path and isinstance(edit.channels, Channels)]
    return {
        "path": site.path,
        "title": f"block {site.block}" if site.stage else site.path,
        "before": np.round(before.gates[site.path].astype(np.float64), 4).tolist(),
        "after": np.round(after.gates[site.path].astype(np.float64), 4).tolist(),
        "mode": modes[site.path],
        "drawn": sorted({index for indexes in by_hand for index in indexes}),
    }


def _common(sites: Sequence[Site], modes: Mapping[str, str]) -> str:
    found = {modes[site.path] for site in sites}
    return found.pop() if len(found) == 1 else ""


def places(sites: Sequence[Site]) -> dict[str, str]:
    """All that a switch can name: its text -> what people call it."""
    stages = {site.stage: where_text(Where(stage=site.stage)) for site in sites if site.stage}
    named = {where_text(ALL): "all blocks"} | {text: f"stage {stage}" for stage, text in stages.items()}
    return named | {where_text(Where(path=site.path)): site.title for site in sites}


def titles(sites: Sequence[Site]) -> dict[str, str]:
    return {site.path: site.title for site in sites}


def channels_of(path: str, sites: Sequence[Site]) -> int:
    return select(Where(path=path), sites)[0].channels
