"""Excitation: classes by channels at every site, and the channel there that tells classes apart best."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from seviz.analysis import tables
from seviz.analysis.channels import describe_channel, end_classes, telling_channels, telling_classes, thin_classes
from seviz.analysis.moments import Moments, order_channels
from seviz.analysis.specificity import class_selectivity, eta_squared
from seviz.analysis.tables import Table
from seviz.figures import excitation as figures
from seviz.gates import Site
from seviz.report.document import Block, Chart, Choice, Note, Numbers, Section, Words
from seviz.report.sources import Network

ROWS = 20  # classes shown of more than MOST_ROWS
MOST_ROWS = 50
TABLE_CHANNELS = 64  # of wider sites, those that tell classes apart best
# what is coloured -> (measure, order of channels)
LOOKS = {
    "mean gate": ("mean", "channel"),
    "against the mean of all, similar channels side by side": ("deviation", "clustered"),
    "spread within a class": ("sd", "channel"),
}


def sections(network: Network) -> Iterator[Section]:
    last = len(network.sites) - 1
    maps = tuple((site.title, _maps(network, site)) for site in network.sites)
    words = Words(
        "One row is a class, one column a channel of the chosen block. A column of one colour is a gate that does not care "
        "what it sees; a column with light and dark cells opens for some classes and shuts for others."
    )
    yield Section("Classes by channels", (words, Choice("Block", maps, last)))
    opened = tuple((site.title, _channel(network, site)) for site in network.sites)
    lead = Words(
        "The channel of each block whose class means differ most (variance between classes). A high gate is not an important "
        "channel by itself."
    )
    table = Numbers(f"channels-{network.name}", _every_channel(network), "Every channel of every block")
    yield Section("Channels", (lead, Choice("Block", opened, last), table))


def _rows(moments: Moments) -> np.ndarray:
    return telling_classes(moments, ROWS) if len(moments.count) > MOST_ROWS else np.arange(len(moments.count))


def _maps(network: Network, site: Site) -> tuple[Block, ...]:
    moments = network.moments(site)
    rows = _rows(moments)
    names = [network.classes[row] for row in rows]
    layers = moments.mean[rows], moments.deviation()[rows], moments.sd()[rows]
    charts = tuple(
        (look, (_map(network, site, layers, names, order_channels(moments, order), measure),))
        for look, (measure, order) in LOOKS.items()
    )
    notes = [Note(words) for words in thin_classes(moments, network.classes, rows)]
    if len(rows) < len(moments.count):
        notes.append(Note(f"The {len(rows)} of {len(moments.count):,} classes whose mean gates differ most from the mean."))
    return (Choice("Colours", charts), *notes, Numbers(f"classes-{network.name}-{site.path}", _table(network, moments, rows)))


def _map(
    network: Network, site: Site, layers: tuple[np.ndarray, ...], names: list[str], order: np.ndarray, measure: str
) -> Chart:
    mean, deviation, sd = layers
    drawn = figures.class_map(mean, deviation, sd, names, order, measure=measure, title=site.title)
    return Chart(f"classes-{network.name}-{site.path}", drawn)


def _table(network: Network, moments: Moments, rows: np.ndarray) -> Table:
    """A row a class and channel."""
    channels = telling_channels(moments, TABLE_CHANNELS)
    cells = np.ix_(rows, channels)
    return {
        "class": [network.classes[row] for row in rows for _ in channels],
        "pictures": np.repeat(moments.count[rows], len(channels)).tolist(),
        "channel": np.tile(channels, len(rows)).tolist(),
        "mean gate": moments.mean[cells].ravel().tolist(),
        "against the mean of all": moments.deviation()[cells].ravel().tolist(),
        "sd": moments.sd()[cells].ravel().tolist(),
    }


def _channel(network: Network, site: Site) -> tuple[Block, ...]:
    """The distributions of one channel, in words, as a figure and with the pictures at its ends."""
    moments = network.moments(site)
    channel = int(np.nan_to_num(moments.between).argmax())
    words = Words(f"Channel {channel} of {site.title}. {describe_channel(moments, network.classes, channel)}")
    return (words, _ridges(network, site, moments, channel), _ends(network, site, channel))


def _ridges(network: Network, site: Site, moments: Moments, channel: int) -> Chart:
    assert network.statistics is not None
    found = network.statistics.sites[site.path]
    note = "Diamonds and lines: mean ± one standard deviation. "
    if found.class_histogram is None:
        names, rows, counts = ["all classes"], [0], found.histogram[channel][None]
        centre, spread = moments.overall_mean[channel : channel + 1], moments.overall_sd[channel : channel + 1]
        note += "With so many classes, distributions are stored over all of them alone."
    else:
        chosen = end_classes(moments, channel, ROWS)
        names, rows, counts = [network.classes[row] for row in chosen], chosen.tolist(), found.class_histogram[chosen, channel]
        centre, spread = moments.mean[chosen, channel], moments.sd()[chosen, channel]
        note += f"Histograms of {counts.shape[1]} bins, not smoothed; every row reaches its own fullest bin."
    title = f"Channel {channel} of {site.title}, class by class"
    drawn = figures.channel_ridges(counts, names, centre, spread, colours=rows, title=title)
    return Chart(f"channel-{network.name}-{site.path}-{channel}", drawn, note, tables.gate_histograms(names, counts))


def _ends(network: Network, site: Site, channel: int) -> Numbers:
    """The pictures at either end of a channel, by name."""
    assert network.statistics is not None
    found = network.statistics.sites[site.path]
    table: dict[str, list[object]] = {"end": [], "sample": [], "gate": []}
    for name, end in (("open widest", found.highest), ("shut furthest", found.lowest)):
        pairs = [(sample, gate) for sample, gate in zip(end.samples[channel], end.values[channel], strict=True) if sample]
        table["end"] += [name] * len(pairs)
        table["sample"] += [str(sample) for sample, _ in pairs]
        table["gate"] += [float(gate) for _, gate in pairs]
    return Numbers(f"pictures-at-the-ends-{network.name}-{site.path}-{channel}", table, "Pictures at both ends")


def _every_channel(network: Network) -> Table:
    """A row a channel of any site."""
    table: dict[str, list[object]] = {}
    for site in network.sites:
        moments = network.moments(site)
        seen = moments.seen.any()
        means = np.where(np.isnan(moments.mean), -1, moments.mean)
        highest, lowest = means.argmax(0), np.where(means < 0, 2, means).argmin(0)
        columns = {
            "block": [site.path] * site.channels,
            "channel": range(site.channels),
            "mean gate": moments.overall_mean,
            "sd": moments.overall_sd,
            "eta squared": eta_squared(moments).by_channel,
            "class selectivity": class_selectivity(moments),
            "most open for": [network.classes[row] if seen else "" for row in highest],
            "least open for": [network.classes[row] if seen else "" for row in lowest],
        }
        for name, values in columns.items():
            table.setdefault(name, []).extend(values)
    return table
