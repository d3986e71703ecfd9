"""By depth: where the network becomes class-specific, in one figure, in distances of classes, and in the paper's words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import streamlit as st

from seviz.analysis.moments import Floats, Moments
from seviz.analysis.observations import SiteSummary, observations, where_specific
from seviz.analysis.probes import Probe
from seviz.analysis.specificity import PERMUTATIONS, TESTED, class_distances
from seviz.figures import depth as figures
from seviz.figures.depth import Panel
from seviz.gates import Site
from seviz.ui import frame, show
from seviz.ui.excitation import controls, measured
from seviz.ui.excitation.measured import Probes
from seviz.ui.excitation.stored import Key, Stored, need_samples

HOLDS = {True: "✅", False: "❌", None: "❔"}


@frame.fragment
def panel(stored: Stored) -> None:
    """The measures over depth, what follows from them, and one site's distances."""
    st.markdown(
        "Where does the network become class-specific? The figure says how much of the gates' variance the class explains, how "
        "much a channel prefers one class, and how well a linear classifier reads the class off the gates."
    )
    summaries, probes = measured.summaries(stored), measured.probes(stored)
    st.markdown(f"**{where_specific(summaries)}**")
    _take_click(stored)
    site = controls.site(stored, "Whose classes are compared below; a click on a point of the figure chooses it as well.")
    chosen = stored.sites.index(site)
    drawn = figures.by_depth(
        [one.title for one in stored.sites], _panels(summaries, probes, stored), chosen=chosen, notes=_notes(summaries)
    )
    show.figure(drawn, "by-depth", on_select="rerun", table=_table(stored, summaries, probes))
    _notes_below(stored, summaries)
    if not probes:
        _offer_probes(stored)
    _observations(summaries)
    _distances(stored, site)


def _take_click(stored: Stored) -> None:
    data = show.clicked("by-depth")
    if data and isinstance(data[0], int) and 0 <= data[0] < len(stored.sites):
        st.session_state["site"] = stored.sites[data[0]].path


def _panels(summaries: list[SiteSummary], probes: Mapping[str, Probes], stored: Stored) -> list[Panel]:
    eta = np.array([one.eta.site for one in summaries])
    chance = np.array([one.eta.chance for one in summaries])
    panels = [
        Panel("Variance of the gates that the class explains (η²)", {"explained variance": (eta, None)}, chance),
        Panel("Class-selectivity index, mean over channels",
              {"selectivity": (np.array([one.selectivity for one in summaries]), None)}),
    ]  # fmt: skip
    if probes:
        both = {
            "probe on gates": [probes[site.path].gates for site in stored.sites],
            "probe on pooled features": [probes[site.path].features for site in stored.sites],
        }
        series = {name: (_values(found, "accuracy"), _values(found, "error")) for name, found in both.items()}
        panels.append(Panel("Accuracy of a linear probe, ± standard error", series, _values(both["probe on gates"], "chance")))
    return panels


def _values(found: list[Probe | None], field: str) -> Floats:
    return np.array([getattr(one, field) if one else np.nan for one in found])


def _notes(summaries: list[SiteSummary]) -> list[str]:
    """p-values for the hover."""
    return ["" if one.p is None else f"p {_p(one.p)}, by permutation" for one in summaries]


def _p(value: float) -> str:
    smallest = 1 / 201
    return f"≤ {smallest:.3f}" if value <= smallest else f"= {value:.3f}"


def _notes_below(stored: Stored, summaries: list[SiteSummary]) -> None:
    tested = [one.p for one in summaries if one.p is not None]
    if not tested:
        st.caption("Dotted: what chance gives.")
        return
    count = min(TESTED, len(stored.samples.labels)) if stored.samples else 0
    above = [one.title for one in summaries if one.p is not None and one.p > 0.05]
    words = f"Could labels without a meaning explain as much? By {PERMUTATIONS} shuffles of the labels of {count:,} pictures, "
    words += f"not at any block (p {_p(max(tested))})." if not above else f"perhaps at {', '.join(above)} (p > 0.05)."
    st.caption("Dotted: what chance gives. " + words)


def _offer_probes(stored: Stored) -> None:
    """A button that fits the probes: they take longer than a page may without being asked."""
    samples = need_samples(stored)
    if samples is None:
        return
    st.markdown(
        f"**Linear probes** say how well the class can be read off each block: {2 * len(stored.sites)} small classifiers, each "
        "cross-validated five times."
    )
    if st.button("Fit the probes", key="fit-probes", icon="📏", help="About a second a classifier; once for all visitors."):
        bar = st.progress(0.0, "Probing")
        measured.fit_probes(stored, samples, bar.progress)
        st.rerun()


def _observations(summaries: list[SiteSummary]) -> None:
    st.subheader("What the paper saw, here", anchor=False)
    for one in observations(summaries):
        st.markdown(f"{HOLDS[one.holds]} **{one.claim}.** {one.sentence}")
    st.caption(
        "The paper (\"Role of Excitation\") judged by eye from four classes of ImageNet; here a number and a "
        "threshold stand for each observation."
    )


def _distances(stored: Stored, site: Site) -> None:
    st.subheader(f"How far apart classes are at {site.title}", anchor=False)
    values = _class_distances(stored.key, site.path, stored.moments(site))
    drawn = figures.distances(values, stored.classes, title=site.title)
    shown = figures.shown_classes(values)
    rows, columns = (shown[ends] for ends in np.triu_indices(len(shown), 1))
    table = {
        "class": [stored.classes[row] for row in rows],
        "other class": [stored.classes[column] for column in columns],
        "distance": values[rows, columns].tolist(),
    }
    show.figure(drawn, f"distances-{site.path}", table=table)
    few = len(shown) < int(stored.statistics.count.astype(bool).sum())
    part = f" Of {len(stored.classes):,} classes, the {len(shown)} that are farthest from all others." if few else ""
    st.caption(
        "Root mean square, over channels, of the difference of two classes' mean gates; alike classes stand together." + part
    )


@st.cache_resource(max_entries=64, show_spinner="Comparing classes")
def _class_distances(key: Key, path: str, _moments: Moments) -> Floats:
    return class_distances(_moments)


def _table(stored: Stored, summaries: list[SiteSummary], probes: Mapping[str, Probes]) -> show.Table:
    table: dict[str, list[object]] = {
        "site": [site.path for site in stored.sites],
        "eta squared": [one.eta.site for one in summaries],
        "chance": [one.eta.chance for one in summaries],
        "p (permutation)": [one.p for one in summaries],
        "class-selectivity index": [one.selectivity for one in summaries],
    }
    for name in ("gates", "features") if probes else ():
        found = [getattr(probes[site.path], name) for site in stored.sites]
        table[f"probe on {name}: accuracy"] = [one.accuracy if one else None for one in found]
        table[f"probe on {name}: standard error"] = [one.error if one else None for one in found]
        table[f"probe on {name}: chance"] = [one.chance if one else None for one in found]
    return table
