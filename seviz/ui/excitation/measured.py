"""What takes longer than a page may: permutation tests and linear probes, each worked out once for all sessions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from seviz.analysis.health import gate_shares, histogram_shares
from seviz.analysis.observations import SiteSummary, summarise_site
from seviz.analysis.probes import Probe, linear_probe
from seviz.analysis.specificity import PermutationTest, permutation_test, rows_to_test
from seviz.excitation import SampleGates
from seviz.gates import Site
from seviz.ui.excitation.stored import Key, Stored

QUICK = 1000  # channels of all sites up to which the tests are made without being asked for


@dataclass(frozen=True)
class Probes:
    """Of one site: the class read off its gates, and off the pooled features that they are computed from; None where there
    are too few samples."""

    gates: Probe | None
    features: Probe | None


def summaries(stored: Stored) -> list[SiteSummary]:
    """How class-specific every site is; with p-values where samples are stored and the tests are quick or were made."""
    return list(_summaries(stored.key, are_tested(stored), stored))


def are_tested(stored: Stored) -> bool:
    """Whether the permutation tests are quick, or were made with the probes."""
    few = sum(site.channels for site in stored.sites) <= QUICK
    return stored.samples is not None and (few or bool(probes(stored)))


def probes(stored: Stored) -> dict[str, Probes]:
    """The probes that were fitted so far, by site: of all sites, or {}."""
    found = _kept(stored.key)
    return found if len(found) == len(stored.sites) else {}


def fit_probes(stored: Stored, samples: SampleGates, progress: Callable[[float, str], object]) -> None:
    """Fit those that are missing. progress: called with the share that is done and what comes next."""
    found = _kept(stored.key)
    for number, site in enumerate(stored.sites):
        if site.path not in found:
            progress(number / len(stored.sites), f"Probing {site.title}")
            both = (samples.gates[site.path], samples.squeezes[site.path])
            found[site.path] = Probes(*(linear_probe(values, samples.labels) for values in both))


@st.cache_resource(max_entries=8, show_spinner=False)
def _kept(key: Key) -> dict[str, Probes]:
    return {}


@st.cache_resource(max_entries=8, show_spinner="Testing by permutation")
def _summaries(key: Key, tested: bool, _stored: Stored) -> tuple[SiteSummary, ...]:
    return tuple(_summary(_stored, site, tested) for site in _stored.sites)


def _summary(stored: Stored, site: Site, tested: bool) -> SiteSummary:
    samples = stored.samples
    test = _test(samples, site) if samples and tested else None
    if samples and samples.complete:
        share = gate_shares(samples.gates[site.path]).open
    else:
        share = histogram_shares(stored.statistics.sites[site.path].histogram).open
    return summarise_site(site.title, site.stage, stored.moments(site), test=test, open_share=share)


def _test(samples: SampleGates, site: Site) -> PermutationTest:
    gates, labels = samples.gates[site.path], samples.labels
    rows = rows_to_test(len(labels))
    return permutation_test(gates[rows], labels[rows])
