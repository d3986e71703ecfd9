"""Components of our own, where Streamlit has no widget for what a hand does: HTML, CSS and JavaScript files, no build step.

    gate_map     gates as strips with switches, channels as bars that can be drawn (gate_map.html, .css, .js)
    copy_link    a button that copies the page's address
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

FOLDER = Path(__file__).parent


def gate_map(data: dict[str, Any], key: str, on_edit: Callable[[], None]) -> None:
    """Draw the map; gate_map.js says what `data` holds. on_edit: called when a message came: see message(key)."""
    html, css, js = (_read(f"gate_map.{kind}") for kind in ("html", "css", "js"))
    st.components.v2.component("seviz_gate_map", html=html, css=css, js=js)(key=key, data=data, on_edit_change=on_edit)


def message(key: str) -> object:
    """The message of a component's trigger "edit", inside its callback; None where there is none."""
    return getattr(st.session_state.get(key), "edit", None)


def copy_link(key: str) -> None:
    """A button that copies the address of the page."""
    css, js = _read("copy_link.css"), _read("copy_link.js")
    html = '<button type="button" aria-live="polite">Copy link</button>'
    st.components.v2.component("seviz_copy_link", html=html, css=css, js=js)(key=key, width="content")


@cache
def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
