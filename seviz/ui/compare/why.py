"""One sample's gates between two classes: at which blocks they are nearer to the wrong one, and by which channels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from seviz.analysis import tables
from seviz.analysis.distance import Between, between, describe_between
from seviz.analysis.moments import Moments
from seviz.checkpoints import Checkpoint
from seviz.errors import SevizError
from seviz.excitation import EXCITATION_FILE, Excitation, SampleGates, excite_command
from seviz.figures import mistaken as figures
from seviz.gates import Site
from seviz.ui import address, caches, show
from seviz.ui.compare.pairs import Compared
from seviz.ui.text import code, plain, sentence

CHANNELS = 8  # of the chosen site


def panel(compared: Compared, network: Checkpoint, row: int, logits: NDArray[np.floating]) -> None:
    """Nothing for a plain network; a sentence where the gates of this sample are not stored."""
    if not network.is_se:
        return
    st.markdown(f"#### What the gates of {plain(network.name)} say")
    stored = _stored(compared, network)
    if stored is None:
        return
    statistics, samples = stored
    sample, classes = compared.both.ids[row], compared.both.classes
    if sample not in samples.ids:
        some = f"a random {len(samples.ids):,} of the pictures"
        st.info(f"The gates of {plain(sample)} are not stored: there are those of {some}.")
        return
    labels = int(compared.both.labels[row]), _other(compared, row, logits)
    place, names = samples.ids.index(sample), (classes[labels[0]], classes[labels[1]])
    sites = statistics.key.sites
    moments = [statistics.moments(site.path) for site in sites]
    found = [between(site.title, samples.gates[site.path][place], of, *labels) for site, of in zip(sites, moments, strict=True)]
    guess = "its second guess" if int(logits.argmax()) == labels[0] else "its answer"
    st.markdown(plain(describe_between(found, *names, guess)))
    left, right = st.columns(2, gap="large")
    with left:
        chosen = _choose_site(sites, found)
        drawn = figures.gate_distances(found, *names, chosen)
        table = tables.gate_distances([site.path for site in sites], found, *names)
        show.figure(drawn, f"gate-distances-{network.name}", table=table)
    with right:
        _channels(found[chosen], moments[chosen], labels, names)
    st.caption(
        "A short distance is no cause: what a gate does to an answer is measured by an edit. This picture is itself one of the "
        f"{int(statistics.count[labels[0]]):,} whose gates make the mean of its class."
    )


def _stored(compared: Compared, network: Checkpoint) -> tuple[Excitation, SampleGates] | None:
    """Class means and gates by sample of the same data; None, and a sentence, where they are not there."""
    try:
        statistics, samples = caches.excitation(network), caches.sample_gates(network)
    except SevizError as error:
        st.error(sentence(str(error)), icon="⚠️")
        return None
    if statistics is None or samples is None:
        if network.figures_alone:
            st.info("Its gates are not known: it ships as card, history and evaluation.")
            return None
        command = excite_command(network.folder / EXCITATION_FILE)
        st.info(f"Its gates over the data set are not stored; {code(command)} finds them.")
        return None
    if not (statistics.key.data.same_samples(compared.data) and samples.key.data.same_samples(compared.data)):
        data = statistics.key.data
        st.info(f"Its gates are stored for other data ({plain(data.name)}, {data.split}) than its predictions.")
        return None
    return statistics, samples


def _other(compared: Compared, row: int, logits: NDArray[np.floating]) -> int:
    """The class to hold against the true one: what the network says, or where it is right the runner-up."""
    true = int(compared.both.labels[row])
    first, second = np.argsort(-logits.astype(np.float64), kind="stable")[:2].tolist()
    return int(second if first == true else first)


def _choose_site(sites: Sequence[Site], found: list[Between]) -> int:
    """The site whose channels are shown; to begin with the one where the gates speak most for the other class."""
    most = int(np.nan_to_num([one.pull.difference for one in found]).argmax())
    paths = [site.path for site in sites]
    address.read("site", paths, paths[most])
    path = st.selectbox(
        "Block", paths, key="site", persist_state="session",
        format_func=lambda path: f"{found[paths.index(path)].title} — {path}",
        help="The SE block whose channels are shown.",
    )  # fmt: skip
    address.write("site", paths[most])
    return paths.index(path)


def _channels(one: Between, moments: Moments, labels: tuple[int, int], names: tuple[str, str]) -> None:
    chosen = one.pull.channels[:CHANNELS]
    means, spreads = ([values[label] for label in labels] for values in (moments.mean, moments.sd()))
    drawn = figures.channel_pull(chosen, one.gates, means, spreads, names, f"Where the classes differ most at {one.title}")
    show.figure(drawn, "channel-pull", table=tables.channel_pull(one, moments, labels, names, CHANNELS))
