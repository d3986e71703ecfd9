"""The part Excitation: what the gates of a network do over a whole data set, class by class and block by block."""

from __future__ import annotations

from seviz.report import classes, depth, health, paper, space, why
from seviz.report.document import Note, Part, Section
from seviz.report.measured import Measured

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
        *depth.sections(network, measured.depth),
        *classes.sections(network),
        *paper.sections(network),
        *health.sections(network, measured.health),
        *space.sections(network),
        *why.sections(network),
    )
    return Part(title, lead, sections)
