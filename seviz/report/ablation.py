"""The part Ablation: what the gates of a network are worth, and whether a high gate is an important channel."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from seviz.ablation import Ablation
from seviz.analysis import tables
from seviz.analysis.ablation import class_changes, describe, findings
from seviz.analysis.deletion import KINDS, ORDER_WORDS, channel_findings, site_finding
from seviz.analysis.importance import (
    EFFECTS,
    KNOWN,
    TOGETHER,
    Correlation,
    Dropped,
    correlations,
    known,
    network_sentence,
    overlap_sentence,
    site_sentence,
)
from seviz.analysis.moments import Moments
from seviz.figures import ablation as figures
from seviz.figures import importance
from seviz.figures.importance import Cloud
from seviz.report.document import Block, Chart, Choice, Folded, Note, Numbers, Part, Points, Section, Words
from seviz.report.sources import Network

LEAD = (
    "A gate is worth what is lost without it. The gates of a block, a stage or the whole network became something else, and "
    "every picture was asked again."
)
Pairs = Sequence[tuple[Dropped, Moments]]


def part(network: Network) -> Part:
    """Of one network; what is missing is said in its place."""
    title, found = f"Ablation of {network.name}", network.ablation
    if found is None:
        return Part(title, LEAD, (Section("What each edit costs", (Note(network.missing["ablation"]),)),))
    lead = f"{LEAD} From {found.data.name}, {found.data.split}: {found.n:,} pictures, `{found.command}`."
    sections = (_costs, _classes, _curves, _channels)
    return Part(title, lead, tuple(one(network, found) for one in sections))


def _scopes(found: Ablation) -> dict[str, list[str]]:
    blocks = {site.path for site in found.sites}
    return {
        "all and stages": [where for where in found.titles if where not in blocks],
        "block by block": [where for where in found.titles if where in blocks],
    }


def _costs(network: Network, found: Ablation) -> Section:
    words = [Words(sentence) for sentence in findings(found.live, found.effects, found.share, found.network)]
    options = tuple((scope, tuple(_cost_charts(network, found, wheres))) for scope, wheres in _scopes(found).items())
    said = Points(
        tuple(
            (found.titles[where], " ".join(describe(found.effect(where, gate), found.titles[where], found.n)
                                           for gate in figures.GATES))
            for where in found.titles
        )
    )  # fmt: skip
    return Section("What each edit costs", (*words, Choice("Gates of", options), Folded("Every edit in words", (said,))))


def _cost_charts(network: Network, found: Ablation, wheres: Sequence[str]) -> Iterator[Chart]:
    labels = [found.titles[where] for where in wheres]
    effects = {gate: [found.effect(where, gate) for where in wheres] for gate in figures.GATES}
    rows = [(label, effects[gate][place]) for place, label in enumerate(labels) for gate in figures.GATES]
    table = tables.ablation([label for label, _ in rows], [one for _, one in rows])
    note = "Edited minus live, on the same pictures; 95 % paired bootstrap. An open sign is not told from 0."
    name = f"edits-{network.name}-{len(wheres)}"
    yield Chart(f"{name}-accuracy", figures.costs(labels, effects), note, table)
    yield Chart(f"{name}-logits", figures.logit_changes(labels, effects), "Mean over pictures and classes.")


def _classes(network: Network, found: Ablation) -> Section:
    options = tuple(
        (words, tuple(_class_charts(network, found, gate))) for gate, words in figures.GATES.items()
    )  # fmt: skip
    return Section("Class by class", (Choice("Gates become", options),))


def _class_charts(network: Network, found: Ablation, gate: str) -> Iterator[Chart]:
    for wheres in _scopes(found).values():
        labels, effects = [found.titles[where] for where in wheres], [found.effect(where, gate) for where in wheres]
        drawn = figures.by_class(labels, effects, found.live, found.classes, gate)
        table = tables.class_changes(labels, found.classes, class_changes(effects, found.live))
        note = "Points by which the share of the class's pictures that are right changes: blue is lost, red is gained."
        yield Chart(f"classes-{network.name}-{gate}-{len(wheres)}", drawn, note, table)


def _curves(network: Network, found: Ablation) -> Section:
    title = "Does the gate know which channels matter?"
    if not found.curves:
        missing = _lacking(network, "No channels were dropped one after the other", found.adding(curves=200))
        return Section(title, (Note(missing),))
    labels = [site.title for site in found.sites]
    words = tuple(Words(sentence) for sentence in channel_findings(found.curves))
    kinds = []
    for kind in KINDS:
        own = [one for one in found.curves if one.kind == kind]
        orders = {order: [one for one in own if one.order == order] for order in ORDER_WORDS}
        note = f"{found.curve_pictures:,} pictures drawn at random; 95 % bootstrap over pictures."
        chart = Chart(f"areas-{network.name}-{kind}", importance.areas(labels, orders, kind), note, tables.curve_areas(own))
        kinds.append((kind, (chart,)))
    sites = tuple((site.title, tuple(_site_curves(network, found, site.path, site.title))) for site in found.sites)
    return Section(title, (*words, Choice("Curves", tuple(kinds)), Choice("Block", sites, len(sites) - 1)))


def _site_curves(network: Network, found: Ablation, path: str, title: str) -> Iterator[Block]:
    own = [one for one in found.curves if one.site == path]
    yield Words(site_finding(own, title))
    for kind in KINDS:
        shown = [one for one in own if one.kind == kind]
        name = f"curve-{network.name}-{kind}-{path}"
        yield Chart(name, importance.curves(shown, title), "", tables.channel_curves(shown))


def _channels(network: Network, found: Ablation) -> Section:
    title = "Is a high gate an important channel?"
    if not found.channels:
        return Section(title, (Note(_lacking(network, "No channel was dropped alone", found.adding(channels=1000))),))
    if network.statistics is None:
        return Section(title, (Note(network.missing["statistics"]),))
    pairs = [(one, network.statistics.moments(one.site)) for one in found.channels]
    words = Words(
        "Every channel was dropped alone, and its effect stands beside what its gate looks like. Within blocks: correlations "
        f"block by block, pooled, so that levels of blocks do not count. {found.channels[0].n:,} pictures drawn at random."
    )
    effects = tuple((EFFECTS[effect], tuple(_effect(network, found, pairs, effect))) for effect in EFFECTS)
    numbers = Numbers(f"channels-{network.name}", tables.dropped_channels(pairs), "Every channel")
    same = found.data.same_samples(network.statistics.key.data)
    other = () if same else (Note("The gates were measured over other pictures than the edits."),)
    return Section(title, (words, *other, Choice("Effect", effects), numbers))


def _effect(network: Network, found: Ablation, pairs: Pairs, effect: str) -> Iterator[Block]:
    by_name = correlations(pairs, effect)
    options = tuple((KNOWN[name], tuple(_known(network, found, pairs, effect, name, by_name[name]))) for name in KNOWN)
    yield Choice("Of the gate", options)
    labels = [*TOGETHER, *(site.title for site in found.sites)]
    note = "Spearman's; an open sign is not told from 0."
    drawn = importance.correlations(labels, by_name)
    yield Chart(f"correlations-{network.name}-{effect}", drawn, note, tables.correlations(labels, by_name))


def _known(
    network: Network, found: Ablation, pairs: Pairs, effect: str, name: str, ranked: Sequence[Correlation]
) -> Iterator[Block]:
    values = [(known(moments, name), one.effect(effect)) for one, moments in pairs]
    by_site = ranked[len(TOGETHER) :]
    yield Words(f"{network_sentence(name, effect, ranked[0], by_site)} {overlap_sentence(name, values)}")
    clouds = [Cloud(site.title, *both, site.stage) for site, both in zip(found.sites, values, strict=True)]
    yield Chart(f"channels-{network.name}-{name}-{effect}", importance.scatter(clouds, name, effect))
    rows = [
        (site.title, site_sentence(site.title, name, effect, *both, one))
        for site, both, one in zip(found.sites, values, by_site, strict=True)
    ]
    yield Folded("Block by block", (Points(tuple(rows)),))


def _lacking(network: Network, what: str, options: str) -> str:
    # no path of this machine: a report is handed on
    command = ["python", "-m", "seviz", "ablate", "--model", network.name, "--data", "D", *options.split(), "--resume"]
    typed = shlex.join(command)
    return f"{what}; `{typed}` adds it, where D is the data set."
