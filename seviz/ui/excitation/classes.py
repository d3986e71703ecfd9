"""Classes by channels: one site as a map, and the channel that is opened in it."""

from __future__ import annotations

import numpy as np
import streamlit as st

from seviz.analysis.channels import thin_classes
from seviz.analysis.moments import ORDERS, Moments
from seviz.figures import excitation as figures
from seviz.gates import Site
from seviz.ui import address, frame, show
from seviz.ui.excitation import channel, controls
from seviz.ui.excitation.stored import Stored
from seviz.ui.text import plain

COLOURS = {"mean": "mean", "against all": "deviation", "spread": "sd"}


@frame.fragment
def panel(stored: Stored) -> None:
    """The map, where a click or the number beside it opens a channel, and that channel."""
    st.markdown(
        "One row is a class, one column a channel of the chosen block. A column of one colour is a gate that does not care "
        "what it sees; a column with light and dark cells opens for some classes and shuts for others."
    )
    wide = st.columns([3, 2], gap="medium", vertical_alignment="bottom")
    with wide[0]:
        site = controls.site(stored)
    moments = stored.moments(site)
    _take_click(site)
    with wide[1]:
        # named before the figure is drawn, so that it can mark the column
        opened = controls.channel(site, int(np.nan_to_num(moments.between).argmax()))
    _map(stored, site, moments, opened)
    channel.panel(stored, site, moments, opened)


def _take_click(site: Site) -> None:
    """A column that was clicked since the last run is opened, as if its number had been typed."""
    data = show.clicked(f"class-map-{site.path}")
    if data and 0 <= int(data[0]) < site.channels:
        st.session_state["channel"] = int(data[0])


def _map(stored: Stored, site: Site, moments: Moments, opened: int) -> None:
    fine = st.columns(2, gap="medium", vertical_alignment="bottom")
    with fine[0]:
        what = (
            "The mean gate of a class; how far it lies above or below the mean over all pictures; or how much pictures of "
            "one class differ among themselves (standard deviation)."
        )
        colours = address.one_of("Colours", list(COLOURS), "colours", what, default="mean")
    with fine[1]:
        what = "As numbered in the network; those that tell classes apart best first; or channels of the same taste together."
        order = address.one_of("Order of channels", ORDERS, "channels", what, default="channel")
    rows = controls.classes(stored, moments)
    if not rows:
        st.info("Choose one class or more.")
        return
    names = [stored.classes[row] for row in rows]
    drawn = figures.class_map(
        moments.mean[rows], moments.deviation()[rows], moments.sd()[rows], names, stored.order(site, order),
        measure=COLOURS[colours], chosen=opened, title=site.title,
    )  # fmt: skip
    show.figure(drawn, f"class-map-{site.path}", on_select="rerun")
    for words in thin_classes(moments, stored.classes, rows):
        st.caption(plain(words))
    show.numbers(_table(moments, stored, rows), f"classes-{site.path}")


def _table(moments: Moments, stored: Stored, rows: list[int]) -> show.Table:
    """A row a class and channel."""
    channels = moments.channels
    deviation, sd = moments.deviation(), moments.sd()
    return {
        "class": [stored.classes[row] for row in rows for _ in range(channels)],
        "pictures": np.repeat(moments.count[rows], channels).tolist(),
        "channel": list(range(channels)) * len(rows),
        "mean gate": moments.mean[rows].ravel().tolist(),
        "against the mean of all": deviation[rows].ravel().tolist(),
        "sd": sd[rows].ravel().tolist(),
    }
