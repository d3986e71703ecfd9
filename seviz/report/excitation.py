"""The part Excitation: what the gates of a network do over a whole data set, class by class and block by block."""

from __future__ import annotations

from seviz.report.classes import sections as classes_sections
from seviz.report.depth import sections as depth_sections
from seviz.report.document import Note, Part, Section
from seviz.report.health import sections as health_sections
from seviz.report.measured import Measured
from seviz.report.paper import sections as paper_sections
from seviz.report.space import sections as space_sections
from seviz.report.why import sections as why_sections

LEAD = (
    "One picture's gates are an anecdote; here they are counted over a whole data set. Which channels open for which class, at "
    "which depth a network becomes class-specific, and whether its gates are alive."
)


def part(measured: Measured) -> Part:
    """Of one network; what is missing is said in its place."""
    network = measured.network
    title = f"Excitation of {network.name}"
    if measured.depth is None or network.statistics is None:
        return Part(title, LEAD, (Section("Statistics of gates", (Note(network.missing["statistics"]),)),))
    found = network.statistics
    data = found.key.data
    number = f"{found.n:,} pictures" if found.complete else f"{found.n:,} of {data.count:,} pictures"
    lead = f"{LEAD} From {data.name}, {data.split}: {number}, {len(network.sites)} SE blocks."
    sections = (
        *depth_sections(network, measured.depth),
        *classes_sections(network),
        *paper_sections(network),
        *health_sections(network, measured.health),
        *space_sections(network),
        *why_sections(network),
    )
    return Part(title, lead, sections)
