"""What is known of a network's gates over a data set, and what the page says where nothing is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from seviz.analysis.moments import Moments, order_channels
from seviz.checkpoints import Checkpoint
from seviz.errors import SevizError
from seviz.excitation import EXCITATION_FILE, GATES_FILE, Excitation, SampleGates, excite_command
from seviz.gates import Site
from seviz.ui import caches, choice, jobs, plain, text
from seviz.ui.text import code, sentence

Key = tuple[bytes, str, int, int]


@dataclass(frozen=True)
class Stored:
    """A network with the statistics of its gates. samples: None where gates by sample are not stored.

    key: changes with the network and with either file, for caches.
    """

    checkpoint: Checkpoint
    statistics: Excitation
    samples: SampleGates | None
    key: Key

    @property
    def sites(self) -> tuple[Site, ...]:
        return self.statistics.key.sites

    @property
    def classes(self) -> tuple[str, ...]:
        return self.statistics.key.classes

    def moments(self, site: Site) -> Moments:
        """Of the gates of a site."""
        return self.statistics.moments(site.path)

    def order(self, site: Site, order: str) -> NDArray[np.int64]:
        """The channels in one of seviz.analysis.moments.ORDERS."""
        return _order(self.key, site.path, order, self.moments(site))


def find(chosen: choice.Choice) -> Stored | None:
    """What is stored for the network of the sidebar; None where there is nothing, and then the page has said what to do."""
    checkpoint = chosen.model
    if not checkpoint.is_se:
        plain.tell(chosen, "nothing to count")
        return None
    try:
        statistics = caches.excitation(checkpoint)
    except SevizError as error:
        st.error(sentence(str(error)), icon="⚠️")
        statistics = None
    if statistics is None:
        _offer(checkpoint)
        return None
    key = (
        os.fsencode(checkpoint.folder),
        checkpoint.card.sha256,
        caches.changed(checkpoint, EXCITATION_FILE),
        caches.changed(checkpoint, GATES_FILE),
    )
    return Stored(checkpoint, statistics, _samples(checkpoint), key)


def provenance(stored: Stored) -> None:
    """Where the figures come from: network, weights, data, pictures; and what is only known of a part of them."""
    found = stored.statistics
    data = found.key.data
    words = f"{code(stored.checkpoint.name)} · weights `{found.key.weights_sha256[:8]}` · "
    words += f"{text.plain(data.name)}, {data.split} · "
    words += f"{found.n:,} pictures" if found.complete else f"{found.n:,} of {data.count:,} pictures"
    if stored.samples is None:
        words += " · no gates by picture"
    elif not stored.samples.complete:
        words += f" · gates by picture of a random {len(stored.samples.ids):,}"
    st.caption(words)
    if not data.same_samples(stored.checkpoint.card.data.test):
        st.caption("These are not the test pictures of the network's card, whose accuracy the other pages show.")


def need_samples(stored: Stored) -> SampleGates | None:
    """The gates by picture; where they are not stored, None and a sentence on the page."""
    if stored.samples is None:
        command = excite_command(stored.checkpoint.folder / GATES_FILE)
        needs = f"This view needs the gates of single pictures ({GATES_FILE}), which are not stored"
        st.info(f"{needs}; {code(command)} writes them.")
    elif not stored.samples.complete:
        count, n = len(stored.samples.ids), stored.statistics.n
        st.caption(f"From a random {count:,} of the {n:,} pictures: the gates of single pictures are stored for these alone.")
    return stored.samples


def _samples(checkpoint: Checkpoint) -> SampleGates | None:
    try:
        return caches.sample_gates(checkpoint)
    except SevizError as error:
        st.error(sentence(str(error)), icon="⚠️")
        return None


def _offer(checkpoint: Checkpoint) -> None:
    """How the statistics are made: by a job, or on the command line."""
    st.info(
        f"The gates of {text.plain(checkpoint.name)} over a data set are not known yet. One pass over its pictures finds "
        "them: which channels open for which class, at which depth, and whether any gate is dead."
    )
    jobs.excite_panel(checkpoint)
    st.markdown("Or on the command line, where D is `cifar10` or `folder:PATH`:")
    st.code(excite_command(checkpoint.folder / EXCITATION_FILE), language="bash")


@st.cache_resource(max_entries=64, show_spinner=False)
def _order(key: Key, path: str, order: str, _moments: Moments) -> NDArray[np.int64]:
    return order_channels(_moments, order)


def rows_of(stored: Stored, names: Sequence[str]) -> list[int]:
    """The indexes of classes by name, in the order of the network."""
    wanted = set(names)
    return [index for index, name in enumerate(stored.classes) if name in wanted]
