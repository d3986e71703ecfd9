"""Choices that views share, all of them in the address: a site, a channel of it, classes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

import streamlit as st

from seviz.analysis.channels import telling_classes
from seviz.analysis.moments import Moments
from seviz.gates import Site
from seviz.ui import address
from seviz.ui.excitation.stored import Stored
from seviz.ui.text import plain

ROWS = 50  # classes shown at once
BUTTONS = 20  # options that are offered as buttons
# the words of chosen options: in dark mode white on the theme's light blue is too faint to be read
TAGS = "[data-testid=stMultiSelectTagsContainer] [data-tag] {background: transparent; border: 1px solid currentColor}"
TAGS += "[data-testid=stMultiSelectTagsContainer] [data-tag], [data-testid=stMultiSelectTagsContainer] span {color: inherit}"
FIRST = 20  # of them to begin with, where there are more


class WithSites(Protocol):
    """What has gates: stored statistics, a model."""

    @property
    def sites(self) -> Sequence[Site]: ...


def site(stored: WithSites, help_text: str = "The SE block whose gates are shown; Inspect knows it by the same name.") -> Site:
    """The SE block, by a list."""
    paths = {one.path: one for one in stored.sites}
    last = stored.sites[-1].path
    address.read("site", list(paths), last)
    path = st.selectbox(
        "Block", list(paths), key="site", persist_state="session", help=help_text,
        format_func=lambda path: f"{paths[path].title} — {path}",
    )  # fmt: skip
    address.write("site", last)
    return paths[path]


def classes(stored: Stored, moments: Moments) -> list[int]:
    """Which classes are rows: all of up to ROWS; of more, those that are searched for and chosen."""
    names = stored.classes
    if len(names) <= ROWS:
        return list(range(len(names)))
    first = [names[index] for index in telling_classes(moments, FIRST)]
    picked = several(
        f"Classes, at most {ROWS} of {len(names):,}", names, first, "rows", most=ROWS,
        help_text=f"Type to search. To begin with, the {FIRST} classes whose mean gates here differ most from the mean of all.",
    )  # fmt: skip
    return [names.index(name) for name in picked]


def several(
    label: str, options: Sequence[str], first: Sequence[str], key: str, *, most: int | None = None, help_text: str = ""
) -> list[str]:
    """Some of the options: buttons where they are few, a list to search otherwise; at most `most`, in their own order.

    first: those that are chosen to begin with. What another network's classes or blocks left behind is forgotten.
    """
    asked = st.session_state.get(key, st.query_params.get_all(key) or list(first))
    st.session_state[key] = [option for option in options if option in asked] or (list(first) if asked else [])
    if len(options) <= BUTTONS:
        st.pills(
            label, list(options), selection_mode="multi", format_func=plain, key=key, persist_state="session", help=help_text
        )
    else:
        st.html(f"<style>{TAGS}</style>")
        st.multiselect(label, list(options), max_selections=most, key=key, persist_state="session", help=help_text)
    picked = [option for option in options if option in st.session_state[key]]
    if picked == list(first) or not picked:
        st.query_params.pop(key, None)
    else:
        st.query_params[key] = picked
    if most is not None and len(picked) > most:
        st.caption(f"The first {most} of them are shown: more could not be told apart.")
    return picked[:most]


def one(label: str, options: Sequence[str], first: str, key: str, help_text: str) -> str:
    """One of the options, by a list that can be searched."""
    address.read(key, options, first)
    chosen: str = st.selectbox(label, list(options), key=key, persist_state="session", help=help_text)
    address.write(key, first)
    return chosen


def channel(site: Site, first: int) -> int:
    """The channel that is opened: by number; a click on the figure sets it as well.

    Numbers of one block mean nothing in another: there `first` is opened.
    """
    before = st.session_state.get("channel-of", site.path)
    asked = st.session_state.get("channel", st.query_params.get("channel")) if before == site.path else first
    number = int(asked) if re.fullmatch(r"[0-9]{1,9}", str(asked)) else first  # int refuses thousands of digits
    st.session_state["channel"] = number if number < site.channels else first
    st.session_state["channel-of"] = site.path
    chosen = st.number_input(
        f"Channel, 0 to {site.channels - 1}", 0, site.channels - 1, key="channel", persist_state="session",
        help="Type a number, use the arrow keys, or click a column of the figure.",
    )  # fmt: skip
    st.query_params["channel"] = str(chosen)
    return int(chosen)
