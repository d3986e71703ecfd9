"""Excitation: samples in the plane of their gates."""

from __future__ import annotations

from collections.abc import Iterator

from seviz.analysis.tables import Table, gate_space
from seviz.excitation import Projection, SampleGates
from seviz.figures import gate_space as figures
from seviz.gates import Site
from seviz.report.document import Block, Chart, Choice, Note, Numbers, Section, Words
from seviz.report.paper import paper_sites
from seviz.report.sources import Network

WAYS = ("t-SNE", "PCA")
COLOURS = {"true class": "class", "right or wrong": "error"}


def sections(network: Network) -> Iterator[Section]:
    samples = network.samples
    if samples is None:
        yield Section("Samples in gate space", (Note(network.missing["samples"]),))
        return
    sites = [site for site in paper_sites(network) if site.path in samples.projections]
    if not sites:
        yield Section("Samples in gate space", (Note("Places in the plane are not stored for this network."),))
        return
    count = len(samples.projections[sites[-1].path].rows)
    words = Words(
        f"{count:,} pictures, placed by all gates of one block: what the block scales alike lies together. t-SNE keeps "
        "neighbours together, and sizes of its clusters and gaps between them mean nothing; PCA shows true distances, as far "
        "as two axes can. The last block of every stage."
    )
    yield Section(
        "Samples in gate space",
        (words, Choice("Block", tuple((site.title, _site(network, samples, site)) for site in sites), len(sites) - 1)),
    )


def _site(network: Network, samples: SampleGates, site: Site) -> tuple[Block, ...]:
    projection = samples.projections[site.path]
    ways = tuple(
        (way, (Choice("Colours", tuple((title, (_plane(network, samples, site, way, by),)) for title, by in COLOURS.items())),))
        for way in WAYS
    )
    chart = Choice("Plane", ways)
    return (chart, _numbers(network, samples, projection, site))


def _plane(network: Network, samples: SampleGates, site: Site, way: str, by: str) -> Chart:
    projection = samples.projections[site.path]
    rows = projection.rows
    drawn = figures.plane(
        projection.tsne if way == "t-SNE" else projection.pca, [samples.ids[row] for row in rows], samples.labels[rows],
        samples.predicted[rows], network.classes, by=by, axes=("", "") if way == "t-SNE" else _components(projection), drag="",
        what=f"Gates of {site.title}, {way}",
    )  # fmt: skip
    return Chart(f"plane-{network.name}-{site.path}-{way}", drawn)


def _components(projection: Projection) -> tuple[str, str]:
    first, second = projection.explained.tolist()
    return f"1st component, {first:.0%} of the variance", f"2nd component, {second:.0%}"


def _numbers(network: Network, samples: SampleGates, projection: Projection, site: Site) -> Numbers:
    return Numbers(f"plane-{network.name}-{site.path}", _table(network, samples, projection))


def _table(network: Network, samples: SampleGates, projection: Projection) -> Table:
    rows = projection.rows
    true, predicted = ([network.classes[label] for label in labels[rows]] for labels in (samples.labels, samples.predicted))
    return gate_space([samples.ids[row] for row in rows], true, predicted, projection.tsne, projection.pca)
