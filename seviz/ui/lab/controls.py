"""The same edits with lists and numbers, for those who use a keyboard or want a value to the digit."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from seviz.edits.values import Becomes
from seviz.ui.lab import gate_map, state


def panel(bench: state.Bench, swap: Becomes) -> None:
    """Two lines, folded away: switch gates, set a channel."""
    with st.expander("The same with lists and numbers"):
        _switch(bench, swap)
        _channel(bench, swap)


def _switch(bench: state.Bench, swap: Becomes) -> None:
    places = gate_map.places(bench.model.sites)
    modes = [mode for mode in gate_map.MODES if mode != gate_map.STATIC or bench.means is not None]
    wide = st.columns([3, 2, 2], gap="small", vertical_alignment="bottom")
    wide[0].selectbox("Gates of", list(places), format_func=places.__getitem__, key="switch-where",
                      help="All blocks, a stage or one block.")  # fmt: skip
    wide[1].selectbox("become", modes, key="switch-mode", help="live: as the network makes them; off: neutral, 1 in SE "
                      "networks; static: their mean over the data set; swap: what is chosen above.")  # fmt: skip
    wide[2].button("Switch", key="switch-apply", width="stretch", on_click=_send, args=(bench, swap, _switched))


def _channel(bench: state.Bench, swap: Becomes) -> None:
    titles = gate_map.titles(bench.model.sites)
    path = st.selectbox("Channel of", list(titles), index=len(titles) - 1, format_func=titles.__getitem__, key="set-site",
                        help="The block whose channel is set.")  # fmt: skip
    last = gate_map.channels_of(path, bench.model.sites) - 1
    wide = st.columns([2, 2, 2, 2], gap="small", vertical_alignment="bottom")
    wide[0].number_input("Channel", 0, last, key=f"set-channel-{path}", help=f"0 to {last}.")
    wide[1].number_input("Gate", 0.0, 1.0, 0.0, 0.05, key="set-value", help="0 is shut, 1 open.")
    for column, label, key, message in ((wide[2], "Set", "set-apply", _set), (wide[3], "Let go", "set-drop", _let_go)):
        column.button(label, key=key, width="stretch", on_click=_send, args=(bench, swap, message))


# What stands in the widgets is read when the button is pressed: a number may have been typed just before.


def _switched() -> dict[str, object]:
    return {"where": st.session_state["switch-where"], "mode": st.session_state["switch-mode"]}


def _set() -> dict[str, object]:
    return {**_let_go(), "value": float(st.session_state["set-value"])}


def _let_go() -> dict[str, object]:
    path = st.session_state["set-site"]
    return {"path": path, "channel": int(st.session_state.get(f"set-channel-{path}", 0)), "value": None}


def _send(bench: state.Bench, swap: Becomes, message: Callable[[], dict[str, object]]) -> None:
    state.change(lambda edits: gate_map.apply(edits, message(), swap, bench.model.sites))
