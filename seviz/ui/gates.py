"""Inspect: the gates of all sites, then one site, then one channel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from seviz.analysis.gates import extremes, summary
from seviz.backend import Inspection
from seviz.checkpoints import Checkpoint
from seviz.figures import gates as figures
from seviz.figures import maps
from seviz.gates import Site
from seviz.ui import address, caches, frame, show
from seviz.ui.choice import Choice
from seviz.ui.pictures import Chosen
from seviz.ui.text import plain
from seviz.ui.usual import Usual, sentence, usual

AGAINST = "against its class"
EXTREME = 4  # channels shown at either end
PAIR_WIDTH = 160  # pixels of a map before and after its gate: two beside each other on a telephone


@frame.fragment
def panel(choice: Choice, chosen: Chosen) -> None:
    """The overview, where a click or the list beside it chooses a site, and that site in detail."""
    st.subheader("Gates", anchor=False)
    sites = caches.model(choice.model).sites
    if not sites:
        name = choice.model.name
        st.info(f"{plain(name)} is a plain network: it has no gates. Choose an SE network in the sidebar to see them.")
        frame.link("Models", "What an SE block adds")
        return
    st.markdown(
        "Each SE block multiplies every channel by a gate between 0 (shut) and 1 (open), worked out anew for every picture. "
        "One row is one block, one cell a channel. A high gate is not an important channel by itself."
    )
    answer = caches.inspection(choice.model, chosen.picture)
    known = usual(choice.model, answer)
    if known:
        st.markdown(sentence(known, answer.gates, {site.path: site.title for site in sites}))
    site = _overview(sites, answer, known)
    _site(choice.model, chosen, answer, site, known)


def _overview(sites: Sequence[Site], answer: Inspection, known: Usual | None) -> Site:
    paths = {site.path: site for site in sites}
    _take_click(paths)
    wide = st.columns([2, 3], gap="medium", vertical_alignment="bottom")
    with wide[0]:
        what = (
            "As numbered in the network; from the most open to the most closed; or as numbered, coloured by how far each gate "
            "lies above or below the mean of the predicted class."
        )
        order = address.one_of("Channels", ["channel", "sorted", *([AGAINST] if known else [])], "order", what)
    address.read("site", list(paths), sites[-1].path)
    path = wide[1].selectbox(
        "Block in detail",
        list(paths),
        format_func=lambda path: f"{paths[path].title} — {path}",
        key="site",
        persist_state="session",
        help="Choose here, or click a row of the figure.",
    )
    address.write("site", sites[-1].path)
    if known and order == AGAINST:
        name = f"mean of {known.label}"
        drawn = figures.overview(sites, answer.gates, chosen=path, against=known.means, against_name=name)
    else:
        drawn = figures.overview(sites, answer.gates, order, chosen=path)
    show.figure(drawn, "overview", on_select="rerun")
    show.numbers(_table(sites, answer, known), "gates")
    return paths[path]


def _take_click(paths: dict[str, Site]) -> None:
    """A row that was clicked since the last run becomes the chosen site, as if chosen in the list."""
    clicked = st.session_state.get("overview", {}).get("selection", {}).get("points", [])
    path = clicked[0].get("customdata") if clicked else None
    path = path[0] if isinstance(path, list) else path
    if path in paths and path != st.session_state.get("clicked_site"):
        st.session_state["site"] = path
    st.session_state["clicked_site"] = path


def _table(sites: Sequence[Site], answer: Inspection, known: Usual | None) -> show.Table:
    counts = [site.channels for site in sites]
    table: dict[str, list[object]] = {
        "site": np.repeat([site.path for site in sites], counts).tolist(),
        "stage": np.repeat([site.stage for site in sites], counts).tolist(),
        "block": np.repeat([site.block for site in sites], counts).tolist(),
        "channel": np.concatenate([np.arange(count) for count in counts]).tolist(),
        "gate": np.concatenate([answer.gates[site.path] for site in sites]).tolist(),
        "squeeze": np.concatenate([answer.squeezes[site.path] for site in sites]).tolist(),
    }
    if known:
        means = known.means
        table[f"mean gate of {known.label}"] = np.concatenate([means[site.path] for site in sites]).tolist()
        table[f"sd of {known.label}"] = np.concatenate([known.sd(site.path) for site in sites]).tolist()
    return table


def _site(checkpoint: Checkpoint, chosen: Chosen, answer: Inspection, site: Site, known: Usual | None) -> None:
    gates, squeezes = answer.gates[site.path], answer.squeezes[site.path]
    ends = extremes(gates, EXTREME)
    marked = [*ends.opened.tolist(), *ends.closed.tolist()]
    figures_of = summary(gates)
    hidden = f", {site.hidden} hidden units" if site.hidden else ""
    st.markdown(
        f"**{site.title}**: {site.channels} channels{hidden}. Gates from {figures_of.lowest:.2f} to "
        f"{figures_of.highest:.2f}, mean {figures_of.mean:.2f}."
    )
    left, right = st.columns([3, 2], gap="medium")
    with left:
        order = "sorted" if st.session_state.get("order") == "sorted" else "channel"
        mean, sd = (known.means[site.path], known.sd(site.path)) if known else (None, None)
        bars = figures.site_bars(
            gates, title=f"Gates of {site.title}", order=order, marked=marked, mean=mean, sd=sd,
            mean_name=known.label if known else "mean",
        )  # fmt: skip
        show.figure(bars, "site-bars")
    with right:
        show.figure(figures.squeeze_scatter(squeezes, gates, title="Squeeze → gate", marked=marked), "squeeze")
    st.caption("In orange: the highest and the lowest gates, whose feature maps are shown below.")
    _channels(checkpoint, chosen, answer, site, ends.opened.tolist(), ends.closed.tolist())


def _channels(
    checkpoint: Checkpoint, chosen: Chosen, answer: Inspection, site: Site, opened: list[int], closed: list[int]
) -> None:
    """The most opened and most closed channels, and any other, before and after their gate."""
    found = caches.features(checkpoint, chosen.picture, site.path).features[site.path]
    top = maps.shared_top([found[channel] for channel in (*opened, *closed)])
    signed = maps.is_signed(found)
    st.markdown(
        "**Feature maps, before → after the gate.** One colour scale for all of them, so a gate that shuts a channel "
        "lets it fade" + (" towards white; blue is below 0, red above." if signed else ".")
    )
    for name, channels in (("Highest gates", opened), ("Lowest gates", closed)):
        _row(found, answer.gates[site.path], channels, name, top, signed)
    with st.expander("Any other channel"):
        first = opened[0] if opened else 0
        number = st.number_input("Channel", 0, site.channels - 1, first, key=f"channel-{site.path}")
        _row(found, answer.gates[site.path], [int(number)], "Chosen", top, signed)


def _row(features: maps.Values, gates: NDArray[np.float32], channels: list[int], name: str, top: float, signed: bool) -> None:
    """Pictures that flow side by side, as many a line as the page has room for."""
    st.caption(name)
    with st.container(horizontal=True, gap="small"):
        for channel in channels:
            gate = float(gates[channel])
            pair = maps.feature_pictures(features[channel], gate, top=top, signed=signed)
            words = f"channel {channel}, gate {gate:.2f}"
            alt = f"{name}. {maps.feature_alt(features[channel], gate, channel)}"
            st.image(maps.side_by_side(pair), words, width=PAIR_WIDTH, output_format="PNG", alt=alt)
