"""The part Pruning: what dropped channels cost, in accuracy, parameters and multiply-adds."""

from __future__ import annotations

from collections.abc import Sequence

from seviz.analysis.pruning import table
from seviz.figures.pruning import accuracy_against_cost
from seviz.pruning import Pruning
from seviz.report.document import Block, Chart, Choice, Note, Part, Section, Words
from seviz.report.sources import Network

LEAD = (
    "Channels leave the branch of every block, the same share of each: those with the lowest mean gate, those with the "
    "smallest filters, or any. Nothing is trained afterwards."
)
COSTS = ("parameters", "multiply-adds")


def part(found: Sequence[Network]) -> Part:
    """A section a network; what is missing is said in its place."""
    return Part("Pruning", LEAD, tuple(Section(f"What dropped channels cost {one.name}", _blocks(one)) for one in found))


def _blocks(network: Network) -> tuple[Block, ...]:
    found = network.pruning
    if found is None:
        return (Note(network.missing["pruning"]),)
    data = found.data
    measured = f"{found.n:,} pictures of {data.name}, {data.split}; `{found.command}`."
    note = (
        "Bars are 95 % intervals (Wilson), of chance the mean of its seeds and their range; the band is the interval of the "
        "network with all its channels."
    )
    charts = tuple((cost, (_chart(network.name, found, cost, note),)) for cost in COSTS)
    return (Words(measured), *(Words(sentence) for sentence in found.findings), Choice("Cost", charts))


def _chart(name: str, found: Pruning, cost: str, note: str) -> Chart:
    drawn = accuracy_against_cost(found.cuts, found.levels, found.accuracy, found.interval, cost)
    return Chart(f"pruning-{cost}-{name}", drawn, note, table(found.cuts, found.levels))
