"""As in the paper: mean gates by class with bands (figure 6), and the spread within a class (figure 7), site by site."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from seviz.analysis.moments import SAMPLED, Floats, Moments, confidence_band, sample_channels
from seviz.figures import as_in_paper as figures
from seviz.gates import Site
from seviz.ui import address, frame, show
from seviz.ui.excitation import controls
from seviz.ui.excitation.stored import Stored, rows_of

GOLDFISH, PUG, AIRLINER, CLIFF = 1, 254, 404, 972  # the paper's classes of ImageNet
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
    few = _channels(wide[1], sites)
    rows = _classes(stored, spread)
    if not rows or not sites:
        st.info("Choose a class and a block, or more.")
        return
    _figures(stored, sites, rows, few, spread)
    _caption(stored, rows, spread)


def _sites(stored: Stored) -> list[Site]:
    titles = {_title(site, stored.sites): site for site in stored.sites}
    picked = controls.several(
        "Blocks", list(titles), [_title(site, stored.sites) for site in paper_sites(stored.sites)], "blocks",
        help_text="To begin with, the last block of every stage; of a network of four stages, all of the last one, as in the "
        "paper.",
    )  # fmt: skip
    return [titles[title] for title in picked]


def paper_sites(sites: Sequence[Site]) -> list[Site]:
    """The last block of every stage, and all of the fourth where it is the last and has up to three: for SE-ResNet-50
    the paper's SE_2_3, SE_3_4, SE_4_6, SE_5_1, SE_5_2 and SE_5_3."""
    last = {site.stage: site for site in sites}
    stages = [site.stage for site in sites]
    whole = max(stages) == 4 and stages.count(4) <= 3
    return [site for site in sites if last[site.stage] == site or (whole and site.stage == 4)]


def _title(site: Site, sites: Sequence[Site]) -> str:
    """With the paper's name where the network has the paper's four stages, which it counts from 2."""
    four = max(one.stage for one in sites) == 4
    return f"{site.title} (SE_{site.stage + 1}_{site.block})" if four else site.title


def _channels(place: DeltaGenerator, sites: Sequence[Site]) -> bool:
    wide = any(site.channels > SAMPLED for site in sites)
    return place.toggle(
        f"{SAMPLED} sampled channels where there are more", value=True, key="sampled", bind="query-params", disabled=not wide,
        persist_state="session",
        help=f"As in the paper: {SAMPLED} channels drawn at random, the same for all classes. Off: all channels.",
    )  # fmt: skip


def _classes(stored: Stored, spread: bool) -> list[int]:
    names = stored.classes
    first = paper_classes(names)
    if spread:
        name = controls.one("Class", names, names[first[0]], "paper-class", "Whose pictures are compared with each other.")
        return rows_of(stored, [name])
    picked = controls.several(
        "Classes", names, [names[row] for row in first], "paper-classes", most=MOST, help_text=f"Up to {MOST} classes."
    )
    return rows_of(stored, picked)


def paper_classes(names: Sequence[str]) -> list[int]:
    """Goldfish, pug, airliner and cliff where these are ImageNet's classes, else four that are spread over the list."""
    wanted = {GOLDFISH: "goldfish", PUG: "pug", AIRLINER: "airliner", CLIFF: "cliff"}
    if len(names) == 1000 and all(word in names[row].lower() for row, word in wanted.items()):
        return list(wanted)
    return sorted({round(place) for place in np.linspace(0, len(names) - 1, min(4, len(names)))})


def _figures(stored: Stored, sites: Sequence[Site], rows: list[int], few: bool, spread: bool) -> None:
    names = [stored.classes[row] for row in rows]
    table: dict[str, list[object]] = {}
    columns = st.columns(2, gap="medium")
    for number, site in enumerate(sites):
        moments = stored.moments(site)
        low, high = _band(moments, spread)
        channels = sample_channels(site.channels) if few else np.arange(site.channels)
        drawn = figures.activations(
            moments.mean[rows], low[rows], high[rows], names, channels, overall=None if spread else moments.overall_mean,
            band="± sd," if spread else "95 %:", title=_title(site, stored.sites),
        )  # fmt: skip
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
            "mean of all classes": moments.overall_mean[channels].tolist(),
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
