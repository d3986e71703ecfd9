"""Widgets whose choice stands in the address by its own name, such as `?site=layer3.2.se`.

Streamlit's `bind="query-params"` writes the words that a widget shows ("stage 3 · block 3"); links should hold what the
network calls the thing. It also reads an empty value (`?order=`) as "nothing chosen", where something always has to be.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import streamlit as st

from seviz.ui.text import plain

SIDE_BY_SIDE = 3  # stages with a word each; of more, the word stands above and the numbers side by side


def read(key: str, options: Sequence[str], default: str) -> None:
    """Before the widget `key` is drawn: take its value from the session, else from the address, else the default.

    A value that is not among the options (a link to another network, a mistyped one) gives the default.
    """
    known = st.session_state.get(key, st.query_params.get(key))
    st.session_state[key] = known if known in options else default


def write(key: str, default: str) -> None:
    """After the widget `key` was drawn: put its value into the address, unless it is the default."""
    value = st.session_state[key]
    if value != default:
        st.query_params[key] = value
    elif key in st.query_params:
        del st.query_params[key]


def one_of(label: str, options: Sequence[str], key: str, help_text: str | None = None, *, default: str = "") -> str:
    """A segmented control in which one option is always chosen: `default`, or the first, unless session or address say
    another."""
    first = default or options[0]
    read(key, options, first)
    chosen = st.segmented_control(
        label, options, required=True, key=key, format_func=plain, help=help_text, persist_state="session"
    )
    write(key, first)
    return chosen or first


def layer(label: str, layers: Sequence[str], help_text: str, *, word: str = "stage ", disabled: bool = False) -> str:
    """The stage that Grad-CAM looks at, the last one unless session or address say another: side by side where their names
    are short, in a list where they are long, as those of other libraries are. word: before the number of a stage."""
    read("layer", layers, layers[-1])
    short = all(path.startswith("layer") for path in layers)
    if short and len(layers) > SIDE_BY_SIDE:
        label, word = f"{label}: {word.strip()}".rstrip(": "), ""
    shown = {path: plain(path.replace("layer", word)) for path in layers}
    widget = functools.partial(st.segmented_control, required=True) if short else st.selectbox
    chosen: str | None = widget(
        label, layers, key="layer", format_func=shown.__getitem__, persist_state="session", help=help_text, disabled=disabled
    )
    write("layer", layers[-1])
    return chosen or layers[-1]


def named(label: str, titles: Mapping[str, str], key: str, help_text: str) -> str:
    """The same for options with a short name in the address and a title on the page (name -> title): the name of one."""
    names = list(titles)
    read(key, names, names[0])
    chosen = st.segmented_control(
        label, names, key=key, required=True, format_func=titles.__getitem__, persist_state="session", help=help_text
    )
    write(key, names[0])
    return chosen or names[0]
