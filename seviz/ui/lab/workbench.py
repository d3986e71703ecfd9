"""The panel of the page: the edits in force, the map on which they are made, and the answers before and after."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from seviz.backend import Inspection
from seviz.checkpoints import Checkpoint
from seviz.edits import Edit, to_text
from seviz.edits.words import in_words
from seviz.images import Picture
from seviz.ui import caches, components, frame, show
from seviz.ui.lab import answers, controls, gate_map, means, state
from seviz.ui.pictures import Chosen
from seviz.ui.text import plain


@frame.fragment
def panel(checkpoint: Checkpoint, chosen: Chosen) -> None:
    """Chips, then the map on the left and the answers on the right."""
    known = means.find(checkpoint)
    bench = state.Bench(caches.model(checkpoint), known, means.other_pictures())
    edits = state.in_force(bench)
    state.tell_problems()
    _chips(edits, gate_map.titles(bench.model.sites))
    left, right = st.columns(2, gap="medium")
    with right:
        view = answers.controls(caches.inspection(checkpoint, chosen.picture), bench.model.layers)
    before, after = answer(checkpoint, chosen.picture, (), view), answer(checkpoint, chosen.picture, edits, view)
    with left:
        swap = means.source(known, chosen)
        gate_map.show(bench, edits, swap, before, after)
        if known is None:
            st.caption("The switch `static` and the means of classes need the gates of a whole data set, not measured yet.")
            frame.link("Excitation", "How they are measured")
        controls.panel(bench, swap)
    with right:
        answers.panel(checkpoint, chosen, before, after, view)
    show.provenance(after.provenance)


def answer(checkpoint: Checkpoint, picture: Picture, edits: Sequence[Edit], view: answers.View) -> Inspection:
    """What the network says under edits, with the map that is looked at."""
    others = {name: means.picture(name) for name in state.others_of(edits)}
    layers, classes = (view.layer,) if view.layer else (), (view.index,)
    return caches.edited(checkpoint, picture, tuple(edits), layers=layers, classes=classes, others=others)


def _chips(edits: Sequence[Edit], titles: dict[str, str]) -> None:
    """One chip an edit, in their order; a click takes it away."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="chips"):
        if not edits:
            st.caption("No edits in force: before and after are the same.", width="content")
        for number, edit in enumerate(edits):
            words = plain(in_words(edit, titles))
            st.button(f"{words} ✕", key=f"chip-{number}-{to_text([edit])}", on_click=_drop, args=(number,),
                      help=f"Take this edit away: {words}")  # fmt: skip
        st.button("Clear all", key="clear-edits", disabled=not edits, on_click=state.change, args=(lambda _: (),))
        components.copy_link("copy-link")


def _drop(number: int) -> None:
    state.change(lambda edits: (*edits[:number], *edits[number + 1 :]))
