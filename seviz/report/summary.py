"""The part In short: the answers in front, each a sentence that follows from the numbers behind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seviz.analysis.comparison import Comparison, Pair, class_verdict, verdict
from seviz.analysis.observations import Observation, where_specific
from seviz.card_words import gates_worth
from seviz.figures.layout import listed
from seviz.report import over_seeds
from seviz.report.document import Part, Points, Section
from seviz.report.measured import Measured
from seviz.seeds import Beside

Row = tuple[str, str]


def part(measured: Sequence[Measured], brought: tuple[Pair, Comparison] | str, seeds: Beside | None) -> Part:
    rows = list(_accuracies(measured))
    if not isinstance(brought, str):
        found = brought[1]
        rows.append(("Difference", f"{verdict(found)} {class_verdict(found)} {over_seeds.one_sentence(seeds)}"))
    rows += list(_costs(measured))
    for one in measured:
        rows += list(_gates(one))
    return Part("In short", "", (Section("", (Points(tuple(rows)),)),))


def _accuracies(measured: Sequence[Measured]) -> Iterator[Row]:
    words = []
    for one in measured:
        found = one.network.figures
        if found:
            low, high = found.interval
            words.append(f"{one.network.name} {found.accuracy:.2%} ({low:.2%} to {high:.2%}, n = {found.n:,})")
    yield "Test accuracy", f"{listed(words)}." if words else "No predictions are stored."


def _costs(measured: Sequence[Measured]) -> Iterator[Row]:
    if len(measured) < 2:
        return
    first, second = (one.network.checkpoint.card for one in measured[:2])
    share = [(ours - theirs) / theirs for ours, theirs in (
        (first.parameters, second.parameters), (first.multiply_adds, second.multiply_adds)) if theirs]  # fmt: skip
    if len(share) == 2:
        names = [one.network.name for one in measured[:2]]
        yield "Cost", f"{names[0]} has {share[0]:+.2%} parameters and {share[1]:+.2%} multiply-adds against {names[1]}."


def _gates(one: Measured) -> Iterator[Row]:
    name, life = one.network.name, one.network.checkpoint.card.gate_life
    if life:
        yield "What the gates are worth", f"{name}: {gates_worth(life)}"
    if one.depth is None:
        if one.network.checkpoint.is_se:
            yield f"Gates of {name}", one.network.missing["statistics"]
        return
    yield "Depth", f"{name}: {where_specific(one.depth.sites)}"
    yield "Against the paper", f"{name}: {_observed(one.depth.observations)}"
    ailing = [site.title for site in one.health if site.ailments]
    count = f"{len(one.health) - len(ailing)} of {len(one.health)} blocks without an ailment"
    yield "Gate health", f"{name}: {count}{f'; worth a look: {listed(ailing)}' if ailing else ''}."


def _observed(found: Sequence[Observation]) -> str:
    kinds = ((True, "holds", "hold"), (False, "does not hold", "do not hold"), (None, "cannot be told", "cannot be told"))
    words = []
    for holds, one, many in kinds:
        claims = [f"“{observation.claim}”" for observation in found if observation.holds is holds]
        if claims:
            words.append(f"{listed(claims)} {one if len(claims) == 1 else many}")
    return f"of what it observed, {'; '.join(words)}."
