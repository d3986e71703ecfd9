"""Excitation: the paper's figures 6 and 7, from this network."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from seviz.analysis.moments import Moments, confidence_band, sample_channels
from seviz.analysis.paper import figure_6_classes, figure_6_sites, site_name
from seviz.figures import as_in_paper as figures
from seviz.gates import Site
from seviz.report.document import Block, Chart, Choice, Section, Words
from seviz.report.sources import Network


def sections(network: Network) -> Iterator[Section]:
    sites = paper_sites(network)
    rows = figure_6_classes(network.classes)
    yield Section(
        "As in the paper: classes (figure 6)",
        (
            Words(
                "The mean gate of every channel, a line a class. Where the lines lie on each other, a block treats all classes "
                f"alike. {_pictures(network, rows)} Bands are the 95 % interval of the mean (Student's t), cut off at 0 and 1."
            ),
            *(_figure(network, site, rows, spread=False) for site in sites),
        ),
    )
    by_class: list[tuple[str, tuple[Block, ...]]] = [
        (network.classes[row], tuple(_figure(network, site, [row], spread=True) for site in sites)) for row in rows
    ]
    yield Section(
        "As in the paper: within a class (figure 7)",
        (
            Words("How much the pictures of one class differ: mean ± one standard deviation, cut off at 0 and 1."),
            Choice("Class", tuple(by_class)),
        ),
    )


def paper_sites(network: Network) -> list[Site]:
    """The sites that figure 6 shows."""
    return [network.sites[index] for index in figure_6_sites([site.stage for site in network.sites])]


def _pictures(network: Network, rows: list[int]) -> str:
    assert network.statistics is not None
    counts = sorted({int(network.statistics.count[row]) for row in rows})
    number = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
    return f"From {number} pictures a class; the paper took 50."


def _figure(network: Network, site: Site, rows: list[int], *, spread: bool) -> Chart:
    moments, channels = network.moments(site), sample_channels(site.channels)
    names = [network.classes[row] for row in rows]
    low, high = (moments.mean - moments.sd(), moments.mean + moments.sd()) if spread else confidence_band(moments)
    few = f", {len(channels)} sampled of {site.channels}" if len(channels) < site.channels else ""
    name = site_name(site.title, site.stage, site.block, [one.stage for one in network.sites])
    drawn = figures.activations(
        moments.mean[rows], low[rows], high[rows], names, channels, overall=None if spread else moments.overall_mean,
        band="± sd," if spread else "95 %:", title=f"{name}{few}",
    )  # fmt: skip
    file = f"{'figure-7' if spread else 'figure-6'}-{network.name}-{site.path}"
    return Chart(file, drawn, "", _table(network, moments, rows, channels, (low, high), spread))


def _table(
    network: Network, moments: Moments, rows: list[int], channels: np.ndarray, band: tuple[np.ndarray, np.ndarray], spread: bool
) -> dict[str, list[object]]:
    """A row a class and channel."""
    cells = np.ix_(np.array(rows), channels)
    ends = ("mean - sd", "mean + sd") if spread else ("interval low", "interval high")
    return {
        "class": [network.classes[row] for row in rows for _ in channels],
        "channel": np.tile(channels, len(rows)).tolist(),
        "mean gate": moments.mean[cells].ravel().tolist(),
        ends[0]: band[0][cells].ravel().tolist(),
        ends[1]: band[1][cells].ravel().tolist(),
        "mean of all pictures": np.tile(moments.overall_mean[channels], len(rows)).tolist(),
    }
