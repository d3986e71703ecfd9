"""What is known of the edits of a network, and what the page says where nothing is."""

from __future__ import annotations

import streamlit as st

from seviz.ablation import ABLATION_FILE, Ablation, ablate_command
from seviz.checkpoints import Checkpoint
from seviz.errors import SevizError
from seviz.ui import caches, jobs, text
from seviz.ui.text import code, sentence


def find(checkpoint: Checkpoint) -> Ablation | None:
    """What edits of the network cost; None where nobody measured it, and then the page has said what to do."""
    try:
        found = caches.ablation(checkpoint)
    except SevizError as error:
        st.error(sentence(str(error)), icon="⚠️")
        found = None
    if found is None:
        st.info(
            f"What the gates of {text.plain(checkpoint.name)} are worth over a data set is not known yet. One pass over its "
            "pictures, with every edit of every block, finds it."
        )
        jobs.panel(jobs.ABLATE, checkpoint, expanded=True)
    return found


def provenance(checkpoint: Checkpoint, found: Ablation) -> None:
    """Where the figures come from: network, weights, data, command."""
    data = found.data
    st.caption(
        f"{code(checkpoint.name)} · weights `{found.weights_sha256[:8]}` · {text.plain(data.name)}, {data.split} · "
        f"{found.n:,} pictures · mean gates: {text.plain(found.means)} · {code(found.command)}"
    )
    if not data.same_samples(checkpoint.card.data.test):
        st.caption("These are not the test pictures of the network's card, whose accuracy the other pages show.")


def lacking(checkpoint: Checkpoint, what: str, options: str) -> None:
    """The edits are stored, and `what` is not: how it is added, by a job or on the command line."""
    command = f"{ablate_command(checkpoint.folder / ABLATION_FILE)} {options} --resume"
    st.info(f"This view needs {what}, which is not stored yet. It is added, and the edits stay: {code(command)}")
    jobs.panel(jobs.ABLATE, checkpoint, expanded=True)
