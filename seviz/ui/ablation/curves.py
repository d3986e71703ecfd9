"""Does the gate know which channels matter? Channels of a block dropped one after the other, in four orders."""

from __future__ import annotations

import streamlit as st

from seviz.ablation import Ablation
from seviz.analysis import tables
from seviz.analysis.deletion import KINDS, ORDER_WORDS, channel_findings, site_finding
from seviz.checkpoints import Checkpoint
from seviz.figures import importance as figures
from seviz.ui import address, frame, show
from seviz.ui.ablation import stored
from seviz.ui.excitation import controls
from seviz.ui.text import plain

ABOUT = {
    "deletion": "Channels are dropped, the highest first: the sooner the curve falls, the more the order knows.",
    "insertion": "All channels are dropped and put back, the highest first: the sooner it rises, the more the order knows.",
}


@frame.fragment
def panel(checkpoint: Checkpoint) -> None:
    """One block, then all of them."""
    found = stored.find(checkpoint)
    if found is None:
        return
    if not found.curves:
        stored.lacking(checkpoint, "channels dropped one after the other", found.adding(curves=200))
        return
    st.markdown(
        "If a high gate marked an important channel, dropping the channels with the highest gates first would hurt most. "
        "Beside it: gate x gradient, which asks what the answer depends on; the size of the activations; and chance."
    )
    for words in channel_findings(found.curves):
        st.markdown(f"- {plain(words)}")
    _all(found)
    _site(found)
    st.caption(
        f"Over {found.curve_pictures:,} pictures, drawn at random; every picture in its own order. The height is the mean "
        "probability of the class that the whole network gives the picture; intervals are bootstraps over pictures."
    )
    stored.provenance(checkpoint, found)


def _all(found: Ablation) -> None:
    st.subheader("All blocks", anchor=False)
    kind = address.named("Curves", {one: one for one in KINDS}, "kind", "Channels are dropped, or put back into a block.")
    curves = [one for one in found.curves if one.kind == kind]
    orders = {order: [one for one in curves if one.order == order] for order in ORDER_WORDS}
    labels = [site.title for site in found.sites]
    show.figure(figures.areas(labels, orders, kind), f"areas-{kind}", table=tables.curve_areas(curves))
    st.caption(f"{ABOUT[kind]} The area under the curve, minus that of random orders, with 95 % intervals.")


def _site(found: Ablation) -> None:
    site = controls.site(found, "The SE block whose channels are dropped.")
    own = [one for one in found.curves if one.site == site.path]
    st.markdown(plain(site_finding(own, site.title)))
    for column, kind in zip(st.columns(2, gap="medium"), KINDS, strict=True):
        curves = [one for one in own if one.kind == kind]
        with column:
            show.figure(figures.curves(curves, site.title), f"curve-{kind}-{site.path}", table=tables.channel_curves(curves))
