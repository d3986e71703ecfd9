"""What each edit costs: accuracy with the gates of a block, a stage or the network at something else."""

from __future__ import annotations

import streamlit as st

from seviz.ablation import Ablation
from seviz.analysis import tables
from seviz.analysis.ablation import class_changes, describe, findings
from seviz.checkpoints import Checkpoint
from seviz.figures import ablation as figures
from seviz.ui import frame, show
from seviz.ui.ablation import controls, stored
from seviz.ui.text import plain

RANKED = "One site at a time"  # begins the sentences that order the blocks
WIDTH = 150  # pixels of a metric: two stand side by side on a telephone


@frame.fragment
def panel(checkpoint: Checkpoint) -> None:
    """The answers in words, then the figures that they follow from."""
    found = stored.find(checkpoint)
    if found is None:
        return
    _in_short(found)
    wheres = controls.scope(found)
    _costs(found, wheres)
    _one(found)
    _classes(found, wheres)
    stored.provenance(checkpoint, found)


def _in_short(found: Ablation) -> None:
    """Accuracies of the whole network under each edit, and what follows."""
    with st.container(horizontal=True, gap="medium"):
        low, high = found.live.interval
        words = f"Accuracy without edits; 95 % (Wilson): {low:.2%} to {high:.2%}."
        count = f"of {found.n:,}"
        st.metric("own gates", f"{found.live.accuracy:.2%}", count, "off", delta_arrow="off", width=WIDTH, help=words)
        for gate, name in figures.GATES.items():
            one = found.effect("all", gate)
            low, high = (100 * end for end in one.interval)
            words = f"All gates. Change of accuracy in points, 95 % {low:+.2f} to {high:+.2f} (paired bootstrap)."
            st.metric(name, f"{one.accuracy:.2%}", f"{100 * one.difference:+.2f}", width=WIDTH, help=words)
    st.subheader("What follows", anchor=False)
    said = findings(found.live, found.effects, found.share, found.network)
    rankings = [words for words in said if words.startswith(RANKED)]
    for words in said[: len(said) - len(rankings)]:
        st.markdown(f"- {plain(words)}")
    with st.expander("Which blocks matter, in words", key="rankings"):
        for words in rankings:
            st.markdown(f"- {plain(words)}")


def _costs(found: Ablation, wheres: list[str]) -> None:
    st.subheader("What each edit costs", anchor=False)
    labels = [found.titles[where] for where in wheres]
    effects = {gate: controls.effects(found, wheres, gate) for gate in figures.GATES}
    rows = [(label, effects[gate][place]) for place, label in enumerate(labels) for gate in figures.GATES]
    show.figure(figures.costs(labels, effects), "edit-costs", table=tables.ablation(*zip(*rows, strict=True)))
    st.caption(
        "Accuracy with the edit minus accuracy with the network's own gates, on the same pictures: left of the dotted line the "
        "edit costs, right of it the edit helps. Lines are 95 % intervals (paired bootstrap); an open sign is not told from 0. "
        "The class mean is an oracle: it needs the true class."
    )
    drawn = figures.logit_changes(labels, effects)
    show.figure(drawn, "logit-changes", table=tables.ablation(*zip(*rows, strict=True)))
    st.caption("By how much the edit moves a logit, on average over pictures and classes, whether or not the answer changes.")


def _one(found: Ablation) -> None:
    """One scope in words."""
    titles, where = found.titles, controls.where(found)
    for gate in figures.GATES:
        st.markdown(f"- {plain(describe(found.effect(where, gate), titles[where], found.n))}")


def _classes(found: Ablation, wheres: list[str]) -> None:
    st.subheader("Class by class", anchor=False)
    gate = controls.gate()
    labels = [found.titles[where] for where in wheres]
    effects = controls.effects(found, wheres, gate)
    drawn = figures.by_class(labels, effects, found.live, found.classes, gate)
    table = tables.class_changes(labels, found.classes, class_changes(effects, found.live))
    show.figure(drawn, "class-changes", table=table)
    st.caption(
        "Points by which the share of a class's pictures that are right changes: blue is lost, red is gained. Cells have no "
        "intervals, and there are many: some move by chance."
    )
