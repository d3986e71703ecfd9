"""What pages about gates say of a network that has none."""

from __future__ import annotations

import streamlit as st

from seviz.checkpoints import find_checkpoints
from seviz.ui import frame, text
from seviz.ui.choice import Choice


def tell(chosen: Choice, so: str) -> None:
    """A plain network has no gates: say so, and lead on. so: what that means for the page, such as "nothing to count"."""
    st.info(
        f"{text.plain(chosen.model.name)} is a plain network: it has no gates, so there is {so} here. Its SE twin has "
        "one gate a channel in every block."
    )
    twin = chosen.against if chosen.against and chosen.against.is_se else None
    for name in ([twin.name] if twin else _se_networks())[:3]:
        st.button(f"Open {text.plain(name)}", key=f"open-{name}", icon="➡️", on_click=_open, args=(name,))
    frame.link("Models", "What an SE block adds")


def _se_networks() -> list[str]:
    gated = [entry for entry in find_checkpoints() if entry.card and entry.card.is_se and not entry.problem]
    return [entry.name for entry in gated if entry.card and entry.card.weights_shipped]


def _open(name: str) -> None:
    st.session_state["model"] = name
