"""Squeeze against excitation: does a gate open where its own channel is strong?"""

from __future__ import annotations

import numpy as np
import streamlit as st

from seviz.analysis.relation import Relation, relate
from seviz.excitation import SampleGates
from seviz.figures import gate_space as figures
from seviz.gates import Site
from seviz.ui import address, frame, show
from seviz.ui.excitation import controls
from seviz.ui.excitation.stored import Key, Stored, need_samples

POINTS = 2000  # drawn at most
WHAT = {"one channel": "channel", "all channels": "site"}


@frame.fragment
def panel(stored: Stored) -> None:
    """The scatter, of one channel or of all, and the rank correlation of every channel."""
    st.markdown(
        "What goes into a gate against what comes out of it. A gate is computed from the squeezes of all channels of its "
        "block, so nothing forces it to follow its own; where it does, the block makes strong channels stronger."
    )
    samples = need_samples(stored)
    if samples is None:
        return
    wide = st.columns(3, gap="medium", vertical_alignment="bottom")
    with wide[0]:
        site = controls.site(stored)
    found = _relation(stored.key, site.path, samples)
    _take_click(site)
    with wide[1]:
        help_text = "Every picture at one channel, by class; or pictures and channels drawn at random."
        what = address.one_of("Points", list(WHAT), "scatter", help_text, default="one channel")
    with wide[2]:
        channel = controls.channel(site, int(np.nan_to_num(np.abs(found.rho)).argmax()))
    st.markdown(found.sentence(site.title) + _of_channel(found, channel))
    _scatter(stored, samples, site, channel, whole=WHAT[what] == "site")
    drawn = figures.correlations(found.rho, title=f"Rank correlation by channel, {site.title}", chosen=channel)
    show.figure(drawn, f"correlations-{site.path}", on_select="rerun")
    st.caption("Spearman's rank correlation over pictures; a gate that never moves has none. A click on a bar opens it.")
    table = {"channel": list(range(site.channels)), "rank correlation": found.rho.tolist(), "p": found.p.tolist(),
             "significant": found.significant.tolist()}  # fmt: skip
    show.numbers(table, f"relation-{site.path}")


def _take_click(site: Site) -> None:
    data = show.clicked(f"correlations-{site.path}")
    if data and 0 <= int(data[0]) < site.channels:
        st.session_state["channel"] = int(data[0])


@st.cache_resource(max_entries=64, show_spinner="Ranking")
def _relation(key: Key, path: str, _samples: SampleGates) -> Relation:
    return relate(_samples.squeezes[path], _samples.gates[path])


def _of_channel(found: Relation, channel: int) -> str:
    rho = found.rho[channel]
    if np.isnan(found.median):
        return ""
    return f" Channel {channel} never moves." if np.isnan(rho) else f" Channel {channel}: **{rho:+.2f}**."


def _scatter(stored: Stored, samples: SampleGates, site: Site, channel: int, *, whole: bool) -> None:
    gates, squeezes = samples.gates[site.path], samples.squeezes[site.path]
    generator = np.random.default_rng(0)
    rows = np.arange(len(gates))
    if len(rows) > POINTS:
        rows = np.sort(generator.choice(len(rows), POINTS, replace=False))
    if whole:
        columns = generator.integers(0, site.channels, len(rows))
        groups, names, title = columns, [f"channel {one}" for one in range(site.channels)], site.title
    else:
        groups, names = samples.labels[rows].astype(np.int64), list(stored.classes)
        columns = np.full(len(rows), channel, dtype=np.int64)
        title = f"Channel {channel} of {site.title}"
    z, s = squeezes[rows, columns], gates[rows, columns]
    drawn = figures.squeeze_against_gate(z, s, groups, names, title=title, by="channel" if whole else "class")
    table = {
        "sample": [samples.ids[row] for row in rows],
        "class": [stored.classes[label] for label in samples.labels[rows]],
        "channel": columns.tolist(),
        "squeeze": z.astype(float).tolist(),
        "gate": s.astype(float).tolist(),
    }
    show.figure(drawn, f"relation-scatter-{whole}", table=table)
    if len(gates) > POINTS:
        st.caption(f"{len(rows):,} of {len(gates):,} pictures, drawn at random; correlations are of all of them.")
