"""Which experiment is looked at below the workbench; it stands in the address by a short name."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from seviz.checkpoints import Checkpoint
from seviz.ui import address
from seviz.ui.lab import arithmetic, flipping, swapping
from seviz.ui.pictures import Chosen

View = Callable[[Checkpoint, Chosen], None]
VIEWS: dict[str, tuple[str, View]] = {
    "flip": ("Flip it", flipping.panel),
    "swap": ("Swap", swapping.panel),
    "arithmetic": ("The arithmetic", arithmetic.panel),
}


def choose() -> View:
    """Draw the choice and return the view."""
    first = next(iter(VIEWS))
    address.read("experiment", list(VIEWS), first)
    name = st.segmented_control(
        "Experiment", list(VIEWS), key="experiment", required=True, format_func=lambda name: VIEWS[name][0],
        persist_state="session",
        help="Flip it: which few gates turn the prediction. Swap: another picture's gates, block by block. The arithmetic: one "
        "block of this picture, from its map to a gate, in numbers.",
    )  # fmt: skip
    address.write("experiment", first)
    return VIEWS[name or first][1]
