"""As in the paper: mean gates by class with bands (figure 6), and the spread within a class (figure 7), site by site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from seviz.analysis.moments import SAMPLED, Floats, Moments, confidence_band, sample_channels
from seviz.analysis.paper import figure_6_classes, figure_6_sites, site_name
from seviz.figures import as_in_paper as figures
from seviz.gates import Site
from seviz.ui import address, frame, show
from seviz.ui.excitation import controls
from seviz.ui.excitation.stored import Stored, rows_of

FIGURES = {"figure 6: classes": "classes", "figure 7: spread in a class": "spread"}
MOST = 8  # classes that can still be told apart


@frame.fragment
def panel(stored: Stored) -> None:
    """The paper's two figures for this network."""
    st.markdown(
        "Figures 6 and 7 of the [Squeeze-and-Excitation paper](https://arxiv.org/abs/1709.01507), from this network: the mean "
        "gate of every channel, a line a class. Where the lines lie on each other, a block treats all classes alike."
    )
    wide = st.columns(2, gap="medium", vertical_alignment="bottom")
    with wide[0]:
        what = (
            "Figure 6 compares classes, with the 95 % interval of each mean. Figure 7 shows how much pictures of one class "
            "differ: mean ± one standard deviation."
        )
        kind = address.one_of("Figure", list(FIGURES), "figure", what)
    spread = FIGURES[kind] == "spread"
    sites = _sites(stored)
    few = _channels(wide[1], list(sites.values()))
    rows = _classes(stored, spread)
    if not rows or not sites:
        st.info("Choose a class and a block, or more.")
        return
    _figures(stored, sites, rows, few, spread)
    _caption(stored, rows, spread)


def _sites(stored: Stored) -> dict[str, Site]:
    """Those that are shown, by what they are called."""
    stages = [site.stage for site in stored.sites]
    names = [site_name(site.title, site.stage, site.block, stages) for site in stored.sites]
    titles = dict(zip(names, stored.sites, strict=True))
    picked = controls.several(
        "Blocks", list(titles), [names[index] for index in figure_6_sites(stages)], "blocks",
        help_text="To begin with, the last block of every stage; of a network of four stages, all of the last one, as in the "
        "paper.",
    )  # fmt: skip
    return {title: titles[title] for title in picked}


def _channels(place: DeltaGenerator, sites: Sequence[Site]) -> bool:
    wide = any(site.channels > SAMPLED for site in sites)
    return place.toggle(
        f"{SAMPLED} sampled channels where there are more", value=True, key="sampled", bind="query-params", disabled=not wide,
        persist_state="session",
        help=f"As in the paper: {SAMPLED} channels drawn at random, the same for all classes. Off: all channels.",
    )  # fmt: skip


def _classes(stored: Stored, spread: bool) -> list[int]:
    names = stored.classes
    first = figure_6_classes(names)
    if spread:
        name = controls.one("Class", names, names[first[0]], "paper-class", "Whose pictures are compared with each other.")
        return rows_of(stored, [name])
    picked = controls.several(
        "Classes", names, [names[row] for row in first], "paper-classes", most=MOST, help_text=f"Up to {MOST} classes."
    )
    return rows_of(stored, picked)


def _figures(stored: Stored, sites: Mapping[str, Site], rows: list[int], few: bool, spread: bool) -> None:
    names = [stored.classes[row] for row in rows]
    table: dict[str, list[object]] = {}
    for number, (title, site) in enumerate(sites.items()):
        moments = stored.moments(site)
        low, high = _band(moments, spread)
        channels = sample_channels(site.channels) if few else np.arange(site.channels)
        drawn = figures.activations(
            moments.mean[rows], low[rows], high[rows], names, channels, overall=None if spread else moments.overall_mean,
            band="± sd," if spread else "95 %:", title=title,
        )  # fmt: skip
        if number % 2 == 0:  # a pair at a time, so that blocks stay in the order of depth on a telephone
            columns = st.columns(2, gap="medium")
        with columns[number % 2]:
            show.figure(drawn, f"paper-{site.path}")
        _add_rows(table, site, stored, moments, rows, channels, (low, high), spread)
    show.numbers(table, "paper")


def _band(moments: Moments, spread: bool) -> tuple[Floats, Floats]:
    if not spread:
        return confidence_band(moments)
    sd = moments.sd()
    return moments.mean - sd, moments.mean + sd


def _add_rows(
    table: dict[str, list[object]], site: Site, stored: Stored, moments: Moments, rows: list[int], channels: NDArray[np.int64],
    band: tuple[Floats, Floats], spread: bool,
) -> None:  # fmt: skip
    """A row a site, class and channel."""
    ends = ("mean - sd", "mean + sd") if spread else ("interval low", "interval high")
    for row in rows:
        columns = {
            "site": [site.path] * len(channels),
            "class": [stored.classes[row]] * len(channels),
            "pictures": [int(moments.count[row])] * len(channels),
            "channel": channels.tolist(),
            "mean gate": moments.mean[row, channels].tolist(),
            ends[0]: band[0][row, channels].tolist(),
            ends[1]: band[1][row, channels].tolist(),
            "mean of all pictures": moments.overall_mean[channels].tolist(),
        }
        for name, values in columns.items():
            table.setdefault(name, []).extend(values)


def _caption(stored: Stored, rows: list[int], spread: bool) -> None:
    counts = sorted({int(stored.statistics.count[row]) for row in rows})
    number = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
    band = "one standard deviation of its pictures to either side" if spread else "the 95 % interval of the mean (Student's t)"
    st.caption(
        f"From {number} pictures a class; the paper took 50. Bands are {band}, cut off at 0 and 1. Channels are joined "
        "as in the paper, although their order means nothing."
    )
