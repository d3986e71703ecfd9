"""The part Networks: what each network is, what it costs, and the paper's figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seviz import card_words
from seviz.analysis import paper
from seviz.analysis.tables import Table
from seviz.figures import costs, networks
from seviz.figures.costs import Priced
from seviz.report.document import Block, Chart, Choice, Drawing, Facts, Note, Part, Section, Words
from seviz.report.sources import Network

COSTS = {"multiply-adds": "million multiply-adds a picture", "parameters": "thousand parameters"}


def part(found: Sequence[Network]) -> Part:
    lead = "What they are, what was measured of them, and what accuracy costs."
    sections = (*(Section(network.name, tuple(_network(network))) for network in found), _cost(found), _in_the_paper())
    return Part("Networks", lead, sections)


def _network(network: Network) -> Iterator[Block]:
    card, checkpoint = network.checkpoint.card, network.checkpoint
    yield Words(card_words.in_a_sentence(card))
    key = network.evaluation.key if network.evaluation else None
    found = card_words.figures_of(card, network.figures, f"{key.name}, {key.split}" if key else "")
    rows = card_words.network(card, checkpoint.size_bytes) | (card_words.figures(found) if found else {})
    yield Facts({"": list(rows), network.name: list(rows.values())})
    if not card.library:
        shape = networks.shape_of(card.options, card.preprocessing.height, card.preprocessing.width)
        yield Drawing(networks.network_drawing(network.name, shape))
    if card.gate_life:
        titles = network.ablation.titles if network.ablation else {}
        still = card_words.still_words(card.gate_life, titles)
        yield Words(f"Gates of {network.name}: {card_words.gates_worth(card.gate_life)} {still}".strip())
    yield Words(f"Data: {card_words.data_sentence(card)}")
    yield Words(f"Limits: {' '.join(card_words.limits(card))}")


def _cost(found: Sequence[Network]) -> Section:
    title = "Accuracy against cost"
    if not any(network.figures for network in found):
        return Section(title, tuple(Note(network.missing["predictions"]) for network in found))
    names = " ".join(network.name for network in found[:2])
    measures = f"`python -m seviz compare {names} --latency` measures it"
    note = Note(f"The time of a picture differs from machine to machine: {measures}.")
    options = tuple((cost, (_cost_chart(found, cost),)) for cost in COSTS)
    return Section(title, (Choice("Cost", options), *((note,) if len(found) > 1 else ())))


def _cost_chart(found: Sequence[Network], cost: str) -> Chart:
    points = []
    for network in found:
        card, one = network.checkpoint.card, network.figures
        if one:
            counted = card.multiply_adds / 1e6 if cost == "multiply-adds" else card.parameters / 1e3
            points.append(Priced(network.name, one.accuracy, one.interval, counted))
    table: Table = {
        "network": [one.name for one in points],
        COSTS[cost]: [one.cost for one in points],
        "accuracy": [one.accuracy for one in points],
        "interval low": [one.interval[0] for one in points],
        "interval high": [one.interval[1] for one in points],
    }
    return Chart(f"accuracy-against-{cost}", costs.accuracy_against_cost(points, COSTS[cost]), "", table)


def _in_the_paper() -> Section:
    pairs = [paper.imagenet(name) for name in ("ResNet-50", "ResNet-101")]
    results = [result for pair in pairs for result in (pair.plain, pair.se)]
    table: Table = {
        "network": [result.name for result in results],
        "top-1 error (%)": [result.top1 for result in results],
        "top-5 error (%)": [result.top5 for result in results],
        "multiply-adds (G)": [result.multiply_adds for result in results],
    }
    note = "ImageNet validation, one centre crop; Hu et al. 2020, Table 2. Multiply-adds as the paper gives them."
    errors = {"top-1": "top1", "top-5": "top5"}
    options = tuple(
        (title, (Chart("paper", networks.paper_chart(error=error), note, table),)) for title, error in errors.items()
    )
    words = Words("On ImageNet, at other sizes: an SE-ResNet-50 comes near a ResNet-101 at about half its computation.")
    return Section("In the paper", (words, Choice("Error", options)))
