"""One sample's gates between two classes: at which blocks they are nearer to the wrong one, and by which channels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from seviz.analysis.distance import Pull, distances_to_classes, pull_between, usual_distance
from seviz.analysis.moments import Moments, class_moments
from seviz.checkpoints import Checkpoint
from seviz.errors import SevizError
from seviz.excitation import EXCITATION_FILE, Excitation, SampleGates, excite_command
from seviz.figures import mistaken as figures
from seviz.figures.layout import listed
from seviz.gates import Site
from seviz.ui import address, caches, show
from seviz.ui.compare.pairs import Compared

CHANNELS = 8  # of the chosen site
FAR = 1.5  # times the usual distance, from which a sample's gates are called unusual for its class


@dataclass(frozen=True, eq=False)
class Between:
    """A sample's gates (C,) at a site between two classes: the root mean square over channels of their distance to the mean
    of the true class and of the other one, how far the true class usually is from its own mean, and what pulls the gates
    from the one to the other."""

    site: Site
    gates: NDArray[np.float64]
    moments: Moments
    to_true: float
    to_other: float
    usual: float
    pull: Pull

    @property
    def title(self) -> str:
        return self.site.title


def panel(compared: Compared, network: Checkpoint, row: int, logits: NDArray[np.floating]) -> None:
    """Nothing for a plain network; a sentence where the gates of this sample are not stored."""
    if not network.is_se:
        return
    st.markdown(f"#### What the gates of {network.name} say")
    stored = _stored(compared, network)
    if stored is None:
        return
    statistics, samples = stored
    sample, classes = compared.both.ids[row], compared.both.classes
    if sample not in samples.ids:
        st.info(f"The gates of {sample} are not stored: there are those of a random {len(samples.ids):,} of the pictures.")
        return
    labels = int(compared.both.labels[row]), _other(compared, row, logits)
    place, names = samples.ids.index(sample), (classes[labels[0]], classes[labels[1]])
    found = [_between(statistics, site, samples.gates[site.path][place], labels) for site in statistics.key.sites]
    guess = "its second guess" if int(logits.argmax()) == labels[0] else "its answer"
    st.markdown(_words(found, *names, guess))
    left, right = st.columns(2, gap="large")
    with left:
        chosen = _choose_site(found)
        drawn = figures.gate_distances(found, *names, chosen)
        show.figure(drawn, f"gate-distances-{network.name}", table=_table(found, *names))
    with right:
        _channels(found[chosen], labels, names)
    st.caption(
        "A short distance is no cause: what a gate does to an answer is measured by an edit. This picture is itself one of the "
        f"{int(statistics.count[labels[0]]):,} whose gates make the mean of its class."
    )


def _stored(compared: Compared, network: Checkpoint) -> tuple[Excitation, SampleGates] | None:
    """Class means and gates by sample of the same data; None, and a sentence, where they are not there."""
    try:
        statistics, samples = caches.excitation(network), caches.sample_gates(network)
    except SevizError as error:
        st.error(str(error), icon="⚠️")
        return None
    if statistics is None or samples is None:
        command = excite_command(network.folder / EXCITATION_FILE)
        st.info(f"Its gates over the data set are not stored; `{command}` finds them.")
        return None
    if not (statistics.key.data.same_samples(compared.data) and samples.key.data.same_samples(compared.data)):
        data = statistics.key.data
        st.info(f"Its gates are stored for other data ({data.name}, {data.split}) than its predictions.")
        return None
    return statistics, samples


def _other(compared: Compared, row: int, logits: NDArray[np.floating]) -> int:
    """The class to hold against the true one: what the network says, or where it is right the runner-up."""
    true = int(compared.both.labels[row])
    first, second = np.argsort(-logits.astype(np.float64), kind="stable")[:2].tolist()
    return int(second if first == true else first)


def _between(statistics: Excitation, site: Site, gates: NDArray[np.float16], labels: tuple[int, int]) -> Between:
    kept = statistics.sites[site.path]
    moments = class_moments(statistics.count, kept.gate_sum, kept.gate_squares)
    own = gates.astype(np.float64)
    away = distances_to_classes(own, moments)
    true, other = labels
    pull, usual = pull_between(own, moments, true, other), usual_distance(moments, true)
    return Between(site, own, moments, float(away[true]), float(away[other]), usual, pull)


def _words(found: list[Between], true: str, other: str, guess: str) -> str:
    nearer = [one.title for one in found if one.to_other < one.to_true]
    far = [one.title for one in found if one.to_true > FAR * one.usual]
    unusual = f" More than {FAR} times as far from {true} as its pictures usually are: {listed(far)}." if far else ""
    where = f" ({listed(nearer)})" if nearer else ""
    return (
        f"At **{len(nearer)} of {len(found)}** blocks the gates are nearer to the mean of {other}, {guess}, than to that of "
        f"{true}, the picture's own class{where}.{unusual}"
    )


def _choose_site(found: list[Between]) -> int:
    """The site whose channels are shown; to begin with the one where the gates speak most for the other class."""
    most = int(np.nan_to_num([one.pull.difference for one in found]).argmax())
    paths = [one.site.path for one in found]
    address.read("site", paths, paths[most])
    path = st.selectbox(
        "Block", paths, key="site", persist_state="session",
        format_func=lambda path: f"{found[paths.index(path)].title} — {path}",
        help="The SE block whose channels are shown.",
    )  # fmt: skip
    address.write("site", paths[most])
    return paths.index(path)


def _channels(one: Between, labels: tuple[int, int], names: tuple[str, str]) -> None:
    chosen, sd = one.pull.channels[:CHANNELS], one.moments.sd()
    means, spreads = ([values[label] for label in labels] for values in (one.moments.mean, sd))
    table = {
        "channel": chosen.tolist(),
        "gate": one.gates[chosen].tolist(),
        f"mean of {names[0]}": means[0][chosen].tolist(),
        f"mean of {names[1]}": means[1][chosen].tolist(),
        f"pull to {names[1]}": one.pull.contributions[chosen].tolist(),
    }
    title = f"Channels that decide at {one.title}"
    show.figure(figures.channel_pull(chosen, one.gates, means, spreads, names, title), "channel-pull", table=table)


def _table(found: list[Between], true: str, other: str) -> show.Table:
    return {
        "block": [one.site.path for one in found],
        f"distance to {true}": [one.to_true for one in found],
        f"distance to {other}": [one.to_other for one in found],
        f"usual in {true}": [one.usual for one in found],
    }
