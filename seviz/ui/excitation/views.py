"""Which view of the page is looked at; it stands in the address by a short name."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from seviz.ui import address
from seviz.ui.excitation import classes, depth, health, paper, relation, samples
from seviz.ui.excitation.stored import Stored

View = Callable[[Stored], None]
VIEWS: dict[str, tuple[str, View]] = {
    "classes": ("Classes x channels", classes.panel),
    "paper": ("As in the paper", paper.panel),
    "depth": ("By depth", depth.panel),
    "health": ("Health", health.panel),
    "relation": ("Squeeze and gate", relation.panel),
    "samples": ("Samples", samples.panel),
}


def choose() -> View:
    """Draw the choice and return the view."""
    first = next(iter(VIEWS))
    address.read("view", list(VIEWS), first)
    name = st.segmented_control(
        "View", list(VIEWS), key="view", required=True, format_func=lambda name: VIEWS[name][0], persist_state="session",
        help="Six looks at the same gates.",
    )  # fmt: skip
    address.write("view", first)
    return VIEWS[name or first][1]
