"""Health: whether the gates of every block are alive, in traffic lights and in sentences."""

from __future__ import annotations

import streamlit as st

from seviz.analysis import tables
from seviz.analysis.health import GateHealth, describe_exactness, site_health
from seviz.figures import health as figures
from seviz.figures.health import SIGNS, WORDS
from seviz.figures.layout import listed
from seviz.gates import Site
from seviz.ui import frame, show
from seviz.ui.excitation.stored import Stored


@frame.fragment
def panel(stored: Stored) -> None:
    """The table, then a sentence for each ailment and what usually causes it."""
    st.markdown(
        "Is the SE block doing anything? A gate that is the same for every picture is a constant, and a gate that is always "
        "open lets its channel pass as it is. Every sign is explained below and under the pointer."
    )
    found = [_health(stored, site) for site in stored.sites]
    st.html(figures.of_sites(found))
    key, about = " · ".join(f"**{SIGNS[one]}** {WORDS[one]}" for one in ("healthy", "look", "ill")), describe_exactness(found)
    st.caption(f"{key}. {about}" if about else key)
    show.numbers(tables.gate_health([site.path for site in stored.sites], found), "health")
    with st.expander("What the columns mean"):
        st.markdown("\n".join(f"- **{column.name}**: {column.meaning}" for column in figures.COLUMNS))
    _sentences(found)


def _health(stored: Stored, site: Site) -> GateHealth:
    found, samples = stored.statistics.sites[site.path], stored.samples
    return site_health(
        site.title, stored.moments(site), found.histogram, gates=samples.gates[site.path] if samples else None,
        lowest=found.lowest.values, highest=found.highest.values, fired=found.fired,
    )  # fmt: skip


def _sentences(found: list[GateHealth]) -> None:
    """What ails which block, and what is worth knowing of those that are well."""
    for one in found:
        for ailment in one.ailments:
            with st.container(border=True):
                st.markdown(f"**{SIGNS[ailment.grade]} {one.title}: {ailment.name}.** {ailment.sentence}")
                st.markdown(f"*Usual cause.* {ailment.cause}  \n*What helps.* {ailment.cure}")
    well = [one for one in found if not one.ailments and one.grade == "healthy"]
    if well:
        with st.expander(f"{len(well)} blocks without an ailment", expanded=len(well) == len(found)):
            st.markdown("\n".join(f"- **✓ {one.title}**: {' '.join(one.notes)}" for one in well))
    unknown = [one.title for one in found if one.grade == "unknown"]
    if unknown:
        st.info(f"Of {listed(unknown)} nothing can be told: that takes two pictures or more.")
