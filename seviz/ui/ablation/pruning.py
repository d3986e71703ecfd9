"""Channels dropped for good: what is left of the accuracy, and of parameters and multiply-adds."""

from __future__ import annotations

import streamlit as st

from seviz.analysis import pruning as analysis
from seviz.checkpoints import Checkpoint
from seviz.errors import SevizError
from seviz.excitation import EXCITATION_FILE
from seviz.figures import pruning as figures
from seviz.pruning import Pruning
from seviz.ui import address, caches, frame, jobs, show
from seviz.ui.ablation import pruned
from seviz.ui.text import code, plain, sentence

HOW = (
    "Channels leave the branch of every block: the same share of each, those with the lowest mean gate, those with the "
    "smallest filters (L1 norm with the batch norm folded in, Li et al. 2017), or any. A dropped channel's gate is 0 for good "
    "and its squeeze tells the other gates nothing any more. Nothing is trained afterwards: the fine-tuning that usually "
    "follows is left out."
)


@frame.fragment
def panel(checkpoint: Checkpoint) -> None:
    """What can be dropped in words, the chart they follow from, and a form that saves a pruned network."""
    try:
        found = caches.pruning(checkpoint)
    except SevizError as error:
        st.error(sentence(str(error)), icon="⚠️")
        found = None
    if found is None:
        _missing(checkpoint)
    else:
        _tell(checkpoint, found)
    pruned.panel(checkpoint)


def _missing(checkpoint: Checkpoint) -> None:
    st.markdown(HOW)
    st.info(f"What dropped channels cost {plain(checkpoint.name)} is not known yet. One command measures it.")
    if checkpoint.is_se and not caches.changed(checkpoint, EXCITATION_FILE):
        st.markdown("Its mean gates are one of the criteria, and are not measured yet: measure them first.")
        jobs.panel(jobs.EXCITE, checkpoint, expanded=True)
    jobs.panel(jobs.PRUNE, checkpoint, expanded=True)


def _tell(checkpoint: Checkpoint, found: Pruning) -> None:
    for words in found.findings:
        st.markdown(f"- {plain(words)}")
    titles = {"parameters": "Parameters", "multiply-adds": "Multiply-adds"}
    cost = address.named("Cost", titles, "cost", "What the lower axis counts: learned numbers, or the work for one picture.")
    drawn = figures.accuracy_against_cost(found.cuts, found.levels, found.accuracy, found.interval, cost)
    show.figure(drawn, f"pruning-{cost}", table=analysis.table(found.cuts, found.levels))
    random = f"of chance the mean of {found.seeds} seeds and their range"
    st.caption(f"Bars are 95 % intervals (Wilson), {random}; the band is the interval of the network with all its channels.")
    st.markdown(HOW)
    _provenance(checkpoint, found)


def _provenance(checkpoint: Checkpoint, found: Pruning) -> None:
    data, gates = found.data, f" · mean gates: {plain(found.gates)}" if found.gates else ""
    st.caption(
        f"{code(checkpoint.name)} · weights `{found.weights_sha256[:8]}` · {plain(data.name)}, {data.split} · "
        f"{found.n:,} pictures{gates} · {code(found.command)}"
    )
    if not data.same_samples(checkpoint.card.data.test):
        st.caption("These are not the test pictures of the network's card, whose accuracy the other pages show.")
