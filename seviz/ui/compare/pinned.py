"""Two pictures in one network: a picture is pinned, the next one is held against it, gate by gate.

The address holds a pinned sample's name (`?pinned=cat`), never a picture of one's own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from seviz.checkpoints import Checkpoint
from seviz.figures import gates as figures
from seviz.ui import caches, frame, pictures, show
from seviz.ui.compare import gate_table
from seviz.ui.pictures import OWN, Chosen
from seviz.ui.samples import samples
from seviz.ui.text import plain

PINNED = "pinned"  # the session's: what is pinned, a sample's name or the bytes of one's own picture
SHOWN = 160  # pixels


@frame.fragment
def panel(networks: Sequence[Checkpoint], chosen: Chosen) -> None:
    """The pin, and once there is one the difference of the gates at every block."""
    st.subheader("Gates, picture against picture", anchor=False)
    network = next((network for network in networks if network.is_se), None)
    if network is None:
        st.info("None of these networks has gates; choose an SE network in the sidebar.")
        return
    pin = _pinned()
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.button(
            "Pin this picture", icon="📌", key="pin", on_click=_pin, args=(chosen,),
            help="It stays here; choose another picture above, and the gates of both are compared.",
        )  # fmt: skip
        if pin:
            st.button("Unpin", key="unpin", on_click=_unpin)
    if pin is None:
        st.markdown(
            f"Pin a picture, then choose another one above: for every gate of {plain(network.name)} you see how much further "
            "it opens for the one than for the other."
        )
        return
    _compare(network, chosen, pin)


def _compare(network: Checkpoint, chosen: Chosen, pin: Chosen) -> None:
    with st.container(horizontal=True, gap="medium"):
        for role, one in (("this picture", chosen), ("pinned", pin)):
            best = caches.inspection(network, one.picture).predictions(1)[0]
            words = f"{role}: {one.title}, {best.label} {best.probability:.0%} to {network.name}"
            png = caches.seen_png(network, one.picture)
            st.image(png, plain(words[:1].upper() + words[1:]), width=SHOWN, output_format="PNG", alt=words)
    if pin.picture.sha256 == chosen.picture.sha256:
        st.info("This is the pinned picture itself; choose another one above.")
        return
    sites = caches.model(network).sites
    mine, theirs = (caches.inspection(network, picture.picture).gates for picture in (chosen, pin))
    moved = [float(np.abs(mine[site.path] - theirs[site.path]).mean()) for site in sites]
    most, least = int(np.argmax(moved)), int(np.argmin(moved))
    st.markdown(
        f"On average the gates of {plain(network.name)} differ most at **{sites[most].title}** ({moved[most]:.3f}) and least "
        f"at **{sites[least].title}** ({moved[least]:.3f}). Red: further open for this picture; blue: for the pinned one."
    )
    drawn = figures.overview(sites, mine, against=theirs, against_name="pinned picture")
    show.figure(drawn, "gates-pictures", table=gate_table.columns(sites, (mine, theirs), ("this picture", "pinned picture")))


def _pin(chosen: Chosen) -> None:
    if chosen.sample:
        st.session_state[PINNED] = st.query_params[PINNED] = chosen.sample.name
    else:
        st.session_state[PINNED] = st.session_state[OWN]
        st.query_params.pop(PINNED, None)


def _unpin() -> None:
    st.session_state[PINNED] = None
    st.query_params.pop(PINNED, None)


def _pinned() -> Chosen | None:
    """What the session has pinned, else what the address names; None where there is nothing."""
    kept = st.session_state.setdefault(PINNED, st.query_params.get(PINNED))
    if isinstance(kept, bytes):
        return Chosen(pictures.decoded(kept), "your picture", None)
    found = next((sample for sample in samples() if sample.name == kept), None)
    if found is None:
        return None
    st.query_params[PINNED] = found.name
    return Chosen(pictures.decoded(found.path.read_bytes()), found.title, found)
