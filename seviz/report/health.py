"""Excitation: whether the gates are alive, and whether a gate follows its own channel."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from seviz.analysis import tables
from seviz.analysis.health import GateHealth, describe_exactness, site_health
from seviz.analysis.relation import Relation, relate
from seviz.excitation import SampleGates
from seviz.figures import gate_space
from seviz.figures import health as figures
from seviz.figures.layout import listed
from seviz.gates import Site
from seviz.report.document import Block, Chart, Choice, Folded, Note, Numbers, Points, Prepared, Section, Words
from seviz.report.sources import Network

POINTS = 2000  # of a scatter


def measure(network: Network) -> tuple[GateHealth, ...]:
    """The health of every site."""
    return tuple(_site_health(network, site) for site in network.sites)


def sections(network: Network, found: tuple[GateHealth, ...]) -> Iterator[Section]:
    lead = Words(
        "Is the SE block doing anything? A gate that is the same for every picture is a constant, and a gate that is always "
        "open lets its channel pass as it is. Ailments are read off gates alone; what a block is worth is measured by an edit."
    )
    key = " · ".join(f"{figures.SIGNS[grade]} {figures.WORDS[grade]}" for grade in ("healthy", "look", "ill"))
    about = describe_exactness(found)
    numbers = Numbers(f"health-{network.name}", tables.gate_health([site.path for site in network.sites], found))
    ailing = [(f"{one.title}: {ailment.name}", f"{ailment.sentence} Usual cause: {ailment.cause} What helps: {ailment.cure}")
              for one in found for ailment in one.ailments]  # fmt: skip
    well = [(one.title, " ".join(one.notes)) for one in found if not one.ailments and one.notes]
    unknown = [one.title for one in found if one.grade == "unknown"]
    notes = (Note(f"Of {listed(unknown)} nothing can be told: that takes two pictures or more."),) if unknown else ()
    meanings = Points(tuple((column.name, column.meaning) for column in figures.COLUMNS))
    blocks: tuple[Block, ...] = (lead, Prepared(figures.of_sites(found)), Words(f"{key}. {about}" if about else key), numbers)
    if ailing:
        blocks += (Points(tuple(ailing)),)
    if well:
        blocks += (Folded(f"{len(well)} of {len(found)} blocks without an ailment", (Points(tuple(well)),)),)
    yield Section("Gate health", (*blocks, *notes, Folded("What the columns mean", (meanings,))))
    yield _relation(network)


def _site_health(network: Network, site: Site) -> GateHealth:
    assert network.statistics is not None
    one, samples = network.statistics.sites[site.path], network.samples
    return site_health(
        site.title, network.moments(site), one.histogram, gates=samples.gates[site.path] if samples is not None else None,
        lowest=one.lowest.values, highest=one.highest.values, fired=one.fired,
    )  # fmt: skip


def _relation(network: Network) -> Section:
    title, samples = "Squeeze against excitation", network.samples
    if samples is None:
        return Section(title, (Note(network.missing["samples"]),))
    lead = Words(
        "What goes into a gate against what comes out of it. A gate is computed from the squeezes of all channels of its "
        "block, so nothing forces it to follow its own; where it does, the block makes strong channels stronger."
    )
    options = tuple((site.title, _site_relation(network, samples, site)) for site in network.sites)
    return Section(title, (lead, Choice("Block", options, len(options) - 1)))


def _site_relation(network: Network, samples: SampleGates, site: Site) -> tuple[Block, ...]:
    found = relate(samples.squeezes[site.path], samples.gates[site.path])
    channel = int(np.nan_to_num(np.abs(found.rho)).argmax())
    bars = gate_space.correlations(found.rho, title=f"Rank correlation by channel, {site.title}", chosen=channel)
    table = {"channel": list(range(site.channels)), "rank correlation": found.rho.tolist(), "p": found.p.tolist(),
             "significant": found.significant.tolist()}  # fmt: skip
    note = "Spearman's rank correlation over pictures; a gate that never moves has none."
    return (
        Words(found.sentence(site.title)),
        Chart(f"relation-{network.name}-{site.path}", bars, note, table),
        _scatter(network, samples, site, channel, found),
    )


def _scatter(network: Network, samples: SampleGates, site: Site, channel: int, found: Relation) -> Chart:
    rows = np.arange(len(samples.labels))
    if len(rows) > POINTS:
        rows = np.sort(np.random.default_rng(0).choice(len(rows), POINTS, replace=False))
    z, s = (values[site.path][rows, channel].astype(np.float64) for values in (samples.squeezes, samples.gates))
    labels = samples.labels[rows].astype(np.int64)
    title = f"Channel {channel} of {site.title}"
    drawn = gate_space.squeeze_against_gate(z.round(4), s.round(4), labels, network.classes, title=title)
    note = f"The channel with the strongest correlation ({found.rho[channel]:+.2f})."
    if len(rows) < found.n:
        note += f" {len(rows):,} of {found.n:,} pictures, drawn at random; correlations are of all of them."
    table = {
        "sample": [samples.ids[row] for row in rows],
        "class": [network.classes[label] for label in labels],
        "squeeze": z.tolist(),
        "gate": s.tolist(),
    }
    return Chart(f"squeeze-and-gate-{network.name}-{site.path}-{channel}", drawn, note, table)
