"""Choices that views share, all of them in the address: what is listed, and what the gates become."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from seviz.ablation import Ablation
from seviz.analysis.ablation import Effect
from seviz.figures.ablation import GATES
from seviz.ui import address

SCOPES = {"stages": "all and stages", "blocks": "block by block"}


def scope(found: Ablation) -> list[str]:
    """Which edits are listed, by the names of their sites."""
    words = "The network and its stages, or every SE block by itself: each has an axis of its own, as their costs differ much."
    chosen = address.named("Gates of", SCOPES, "scope", words)
    blocks = {site.path for site in found.sites}
    return [where for where in found.titles if (where in blocks) == (chosen == "blocks")]


def where(found: Ablation) -> str:
    """One scope, by the name of its sites."""
    titles, what = found.titles, "The edits of one block, of a stage or of all gates, in sentences."
    names = list(titles)
    address.read("where", names, names[0])
    chosen: str = st.selectbox(
        "In words: gates of", names, key="where", persist_state="session", help=what,
        format_func=lambda name: titles[name] if titles[name] == name or name[1:].isdigit() or name == "all"
        else f"{titles[name]} — {name}",
    )  # fmt: skip
    address.write("where", names[0])
    return chosen


def gate() -> str:
    """What the gates become."""
    words = "1: SE off. Static mean: over the data set. Class mean: of the picture's true class. Shuffled: another picture's."
    return address.named("Gates become", GATES, "become", words)


def effects(found: Ablation, wheres: Sequence[str], becomes: str) -> list[Effect]:
    return [found.effect(where, becomes) for where in wheres]
