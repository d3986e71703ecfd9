"""Excitation: the surest mistakes, and between which classes their gates lie, block by block."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from seviz.analysis import tables
from seviz.analysis.classification import confident_mistakes
from seviz.analysis.distance import Between, between, describe_between
from seviz.excitation import SampleGates
from seviz.figures import mistaken as figures
from seviz.report.document import Block, Chart, Choice, Note, Section, Words
from seviz.report.sources import Network

TITLE = "The surest mistakes, as far as gates tell"
SHOWN = 6  # mistakes
CHANNELS = 8  # of the block that speaks most for the mistake


def sections(network: Network) -> Iterator[Section]:
    samples, stored, statistics = network.samples, network.evaluation, network.statistics
    if samples is None or stored is None or statistics is None:
        yield Section(TITLE, (Note(network.missing["samples" if samples is None else "predictions"]),))
        return
    if not (statistics.key.data.same_samples(stored.key) and samples.key.data.same_samples(stored.key)):
        data = statistics.key.data
        words = f"The gates are stored for other data ({data.name}, {data.split}) than the predictions."
        yield Section(TITLE, (Note(words),))
        return
    worst = confident_mistakes(stored.logits, stored.labels, len(stored.labels))
    places = {sample: row for row, sample in enumerate(samples.ids)}
    known = [place for place, index in enumerate(worst.indexes) if stored.ids[index] in places][:SHOWN]
    options: list[tuple[str, tuple[Block, ...]]] = []
    for place in known:
        sample, pair = stored.ids[worst.indexes[place]], (int(worst.true[place]), int(worst.predicted[place]))
        words = f"{sample}: {network.classes[pair[1]]}, {worst.confidence[place]:.0%}"
        options.append((words, _mistake(network, samples, places[sample], pair)))
    if not options:
        yield Section(TITLE, (Note("There is no mistake whose gates are stored."),))
        return
    lead = Words(
        "How far a picture's gates are from the mean gates of its own class and of the class that it was taken for (root mean "
        "square over channels). A short distance is no cause: what a gate does to an answer is measured by an edit. The "
        "picture is itself one of those whose gates make the mean of its class."
    )
    yield Section(TITLE, (lead, Choice("Picture", tuple(options))))


def _mistake(network: Network, samples: SampleGates, row: int, pair: tuple[int, int]) -> tuple[Block, ...]:
    names = network.classes[pair[0]], network.classes[pair[1]]
    found = [between(site.title, samples.gates[site.path][row], network.moments(site), *pair) for site in network.sites]
    chosen = int(np.nan_to_num([one.pull.difference for one in found]).argmax())
    name = f"gate-distances-{network.name}-{samples.ids[row]}"
    table = tables.gate_distances([site.path for site in network.sites], found, *names)
    distances = Chart(name, figures.gate_distances(found, *names, chosen), "", table)
    return (Words(describe_between(found, *names)), distances, _channels(network, found[chosen], chosen, pair))


def _channels(network: Network, one: Between, place: int, pair: tuple[int, int]) -> Chart:
    moments, shown = network.moments(network.sites[place]), one.pull.channels[:CHANNELS]
    names = network.classes[pair[0]], network.classes[pair[1]]
    means, sds = ((values[pair[0]], values[pair[1]]) for values in (moments.mean, moments.sd()))
    table = tables.channel_pull(one, moments, pair, names, CHANNELS)
    drawn = figures.channel_pull(shown, one.gates, means, sds, names, f"Where the classes differ most at {one.title}")
    return Chart("channel-pull", drawn, "", table)
