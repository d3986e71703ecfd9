"""The part Corrupted pictures: what each corruption costs, and whether gates adapt or break."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seviz.analysis import corruption_tables
from seviz.analysis import corruptions as analysis
from seviz.analysis.corruptions import KINDS, STRENGTHS
from seviz.corruptions import Corruptions
from seviz.figures import corruptions as figures
from seviz.report.document import Block, Chart, Choice, Note, Part, Section, Words
from seviz.report.sources import Network

LEAD = (
    "The same pictures re-encoded as JPEG, blurred, with noise, with less contrast, darker, brighter, with a grey square, "
    "moved and turned, at the size that the network sees: what is lost, and what do the gates do meanwhile?"
)
LAST = len(STRENGTHS) - 1  # the strongest is shown first


def part(networks: Sequence[Network]) -> Part:
    """What is missing is said in its place."""
    notes = tuple(Note(one.missing["corruptions"]) for one in networks if one.corruptions is None)
    found = {one.name: one.corruptions for one in networks if one.corruptions is not None}
    if not found:
        return Part("Corrupted pictures", LEAD, (Section("What corruptions cost", notes),))
    sections = [Section("What corruptions cost", (*_costs(found), *notes)), Section("By strength", (_by_strength(found),))]
    if len(found) == 2:
        sections.append(Section("One beside the other", _beside(found)))
    sections += [
        Section(f"Do the gates of {name} adapt, or break?", _gates(name, one)) for name, one in found.items() if one.sites
    ]
    return Part("Corrupted pictures", LEAD, tuple(sections))


def _costs(found: Mapping[str, Corruptions]) -> tuple[Block, ...]:
    networks = {name: one.conditions for name, one in found.items()}
    words = [
        Words(f"{name}: {one.n:,} pictures of {one.data.name}, {one.data.split}; `{one.command}`. {one.findings[0]}")
        for name, one in found.items()
    ]
    table, note = corruption_tables.table(networks), "Points beside the same clean pictures, 95 % intervals (paired bootstrap)."
    charts = [(name, (Chart(f"lost-{name}", figures.lost(networks, name), note, table),)) for name in STRENGTHS]
    return (*words, Choice("Strength", tuple(charts), LAST))


def _by_strength(found: Mapping[str, Corruptions]) -> Choice:
    networks = {name: one.conditions for name, one in found.items()}
    note = "Bars are 95 % intervals (Wilson)."
    charts = [
        (kind.title, (Chart(f"strength-{name}", figures.against_strength(networks, name, gates=True), note),))
        for name, kind in KINDS.items()
    ]
    return Choice("Corruption", tuple(charts))


def _beside(found: Mapping[str, Corruptions]) -> tuple[Block, ...]:
    (first, one), (second, other) = found.items()
    if not one.same_pictures(other):
        return (Note(f"{first} and {second} were measured over other pictures, so no difference is shown."),)
    known = analysis.versus(one.conditions, other.conditions, one.n)
    table, note = corruption_tables.versus_table(first, second, known), "On the same corrupted pictures, 95 % intervals."
    charts = [
        (name, (Chart(f"difference-{name}", figures.difference(first, second, known, name), note, table),))
        for name in STRENGTHS
    ]
    return (Choice("Strength", tuple(charts), LAST),)


def _gates(name: str, found: Corruptions) -> tuple[Block, ...]:
    table = corruption_tables.moved_table(found.conditions, found.apart, found.sites)
    note = "Right of the line the network's own gates do better than those of the clean picture: they adapt."
    far = "Root mean square distance from the clean picture's gates, over that between two pictures."
    charts = [
        (
            strength,
            (
                Chart(f"other-gates-{name}-{strength}", figures.other_gates(found.conditions, strength), note),
                Chart(
                    f"moved-{name}-{strength}",
                    figures.moved(found.conditions, found.apart, found.sites, strength),
                    far,
                    table,
                ),
            ),
        )
        for strength in STRENGTHS
    ]
    return (*(Words(words) for words in found.findings[1:]), Choice("Strength", tuple(charts), LAST))
