"""Excitation: how class-specific every depth is, and which of the paper's observations hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from seviz.analysis.health import gate_shares, histogram_shares
from seviz.analysis.observations import SIGNIFICANT, Observation, SiteSummary, observations, summarise_site, where_specific
from seviz.analysis.probes import FOLDS, Probe, linear_probe
from seviz.analysis.specificity import PERMUTATIONS, PermutationTest, class_distances, permutation_test, rows_to_test
from seviz.analysis.tables import Table
from seviz.figures import depth as figures
from seviz.report.classes import MOST_ROWS
from seviz.report.document import Block, Chart, Choice, Note, Points, Section, Words
from seviz.report.sources import Network

Tick = Callable[[], None]
STEPS = 3  # of measure, a site


@dataclass(frozen=True, eq=False)
class Depth:
    """What is known of each site, in their order. tests, gates, squeezes: None where gates of single pictures are not
    stored, probes also where the pictures are too few."""

    sites: tuple[SiteSummary, ...]
    tests: tuple[PermutationTest | None, ...]
    gates: tuple[Probe | None, ...]
    squeezes: tuple[Probe | None, ...]

    @property
    def observations(self) -> tuple[Observation, ...]:
        return observations(self.sites)


def measure(network: Network, tick: Tick) -> Depth:
    """Permutation tests and probes at every site: some seconds each. tick: called after each of STEPS a site."""
    samples = network.samples
    rows = rows_to_test(len(samples.labels)) if samples else None
    summaries: list[SiteSummary] = []
    tests: list[PermutationTest | None] = []
    probes: list[tuple[Probe | None, ...]] = []
    for site in network.sites:
        path, found = site.path, []
        tests.append(permutation_test(samples.gates[path][rows], samples.labels[rows]) if samples else None)
        tick()
        for which in ("gates", "squeezes"):
            found.append(linear_probe(getattr(samples, which)[path], samples.labels) if samples else None)
            tick()
        probes.append(tuple(found))
        moments, share = network.moments(site), _open(network, path)
        summaries.append(summarise_site(site.title, site.stage, moments, test=tests[-1], open_share=share))
    gates, squeezes = zip(*probes, strict=True)
    return Depth(tuple(summaries), tuple(tests), gates, squeezes)


def _open(network: Network, path: str) -> float:
    """The share of gates above 0.95: counted where gates of all pictures are stored, else by the histogram."""
    samples, statistics = network.samples, network.statistics
    assert statistics is not None
    if samples is not None and samples.complete:
        return gate_shares(samples.gates[path]).open
    return histogram_shares(statistics.sites[path].histogram).open


def sections(network: Network, depth: Depth) -> Iterator[Section]:
    words = Words(
        f"{where_specific(depth.sites)} The figure: the share of the gates' variance that knowing the class explains (eta "
        "squared), with what shuffled labels would give; the class-selectivity index of Morcos et al. 2018 (mean over "
        "channels); and how well a linear classifier reads the class from the gates, or from the pooled features that they "
        "are computed from."
    )
    drawn = figures.by_depth([site.title for site in depth.sites], _panels(depth), notes=_p_values(depth))
    chart = Chart(f"depth-{network.name}", drawn, _rests_on(network, depth), _table(network, depth))
    yield Section("How class-specific is each depth?", (words, chart, *_missing(network)))
    found = depth.observations
    marks = tuple({True: "yes", False: "no", None: ""}[one.holds] for one in found)
    lead = Words(
        "What the paper observes of SE-ResNet-50 on ImageNet by eye, judged here by numbers and thresholds. Nothing says that "
        "another network must behave alike."
    )
    yield Section(
        "Which of the paper's observations hold?", (lead, Points(tuple((one.claim, one.sentence) for one in found), marks))
    )
    distances = tuple((site.title, _distances(network, index)) for index, site in enumerate(network.sites))
    yield Section(
        "How far apart are the classes?",
        (
            Words("Distances of the classes' mean gates (root mean square over channels), block by block."),
            Choice("Block", distances, len(distances) - 1),
        ),
    )


def _panels(depth: Depth) -> list[figures.Panel]:
    eta, chance = (np.array([getattr(site.eta, name) for site in depth.sites]) for name in ("site", "chance"))
    selectivity = np.array([site.selectivity for site in depth.sites])
    panels = [
        figures.Panel("Variance of the gates that the class explains", {"eta squared": (eta, None)}, chance),
        figures.Panel("Class selectivity, mean over channels", {"selectivity": (selectivity, None)}),
    ]
    probes = {"probe on gates": depth.gates, "probe on squeezes": depth.squeezes}
    if any(probe for found in probes.values() for probe in found):
        known = next(probe for found in probes.values() for probe in found if probe)
        series = {name: (_of(found, "accuracy"), _of(found, "error")) for name, found in probes.items()}
        panels.append(figures.Panel("Accuracy of a linear probe", series, np.full(len(depth.sites), known.chance)))
    return panels


def _of(probes: tuple[Probe | None, ...], name: str) -> np.ndarray:
    return np.array([getattr(probe, name) if probe else np.nan for probe in probes])


def _p_values(depth: Depth) -> list[str]:
    return [f"permutation test p = {test.p:.2g}" if test else "" for test in depth.tests]


def _rests_on(network: Network, depth: Depth) -> str:
    assert network.statistics is not None
    words = f"Eta squared and selectivity: {network.statistics.n:,} pictures."
    probe = next((probe for probe in (*depth.gates, *depth.squeezes) if probe), None)
    if probe:
        words += f" Probes: {probe.n:,} pictures of {probe.classes} classes, {FOLDS}-fold; bars are standard errors over folds."
    test = next((test for test in depth.tests if test), None)
    if test:
        tests = [test for test in depth.tests if test]
        tested = rows_to_test(len(network.samples.labels)) if network.samples else ()
        unsure = sum(test.p > SIGNIFICANT for test in tests)
        words += f" Permutation tests with {PERMUTATIONS} shuffles of the labels of {len(tested):,} pictures: p from "
        words += f"{min(test.p for test in tests):.2g} to "
        words += f"{max(test.p for test in tests):.2g}; above {SIGNIFICANT} at {unsure} of {len(tests)} blocks."
    return words


def _missing(network: Network) -> tuple[Block, ...]:
    if network.samples is None:
        return (Note(f"Probes and permutation tests need gates of single pictures. {network.missing['samples']}"),)
    if not network.samples.complete:
        return (Note(f"Probes and permutation tests are from a random {len(network.samples.ids):,} of the pictures."),)
    return ()


def _table(network: Network, depth: Depth) -> Table:
    """A row a site."""
    sites = depth.sites
    table: dict[str, list[object]] = {
        "block": [site.path for site in network.sites],
        "eta squared": [site.eta.site for site in sites],
        "chance": [site.eta.chance for site in sites],
        "p (permutations)": [site.p for site in sites],
        "class selectivity": [site.selectivity for site in sites],
        "share of gates above 0.95": [site.open_share for site in sites],
        "correlation of class means": [site.correlation for site in sites],
    }
    for name, probes in (("gates", depth.gates), ("squeezes", depth.squeezes)):
        table[f"probe on {name}"] = [probe.accuracy if probe else None for probe in probes]
        table[f"its standard error, {name}"] = [probe.error if probe else None for probe in probes]
    return table


def _distances(network: Network, index: int) -> tuple[Block, ...]:
    site, names = network.sites[index], network.classes
    values = class_distances(network.moments(site))
    drawn = figures.distances(values, names, title=site.title, most=MOST_ROWS)
    rows, columns = np.triu_indices(len(names), 1)
    known = np.isfinite(values[rows, columns])
    pairs = list(zip(rows[known].tolist(), columns[known].tolist(), strict=True))
    pairs = sorted(pairs, key=lambda pair: values[pair])[: MOST_ROWS**2]
    table = {
        "class": [names[row] for row, _ in pairs],
        "other class": [names[column] for _, column in pairs],
        "distance": [float(values[pair]) for pair in pairs],
    }
    return (Chart(f"distances-{network.name}-{site.path}", drawn, "", table),)
