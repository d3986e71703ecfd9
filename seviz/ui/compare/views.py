"""Which view of the page is looked at; it stands in the address by a short name."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from seviz.ui import address
from seviz.ui.choice import Choice
from seviz.ui.compare import cost, mistakes, picture, test_set

View = Callable[[Choice], None]
VIEWS: dict[str, tuple[str, View]] = {
    "tests": ("Test set", test_set.panel),
    "mistakes": ("Mistakes", mistakes.panel),
    "picture": ("A picture", picture.panel),
    "cost": ("Cost", cost.panel),
}


def choose() -> View:
    """Draw the choice and return the view."""
    first = next(iter(VIEWS))
    address.read("look", list(VIEWS), first)
    name = st.segmented_control(
        "View", list(VIEWS), key="look", required=True, format_func=lambda name: VIEWS[name][0], persist_state="session",
        help="All samples of the test set; the samples behind a number; one picture; what the networks cost.",
    )  # fmt: skip
    address.write("look", first)
    return VIEWS[name or first][1]
