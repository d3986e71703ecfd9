"""Models: what each network is, how it was made, and what an SE block adds."""

import streamlit as st

from seviz.checkpoints import find_checkpoints, open_checkpoint
from seviz.ui import cards, choice, frame, report
from seviz.ui.text import plain, sentence

frame.begin(
    "Models",
    "The networks in this folder: what they are, what they were trained on, what was measured, and the command that makes "
    "each of them again. Below: what an SE block is and what it costs.",
)
with frame.telling():
    chosen = choice.choose(weights=False)
    for entry in sorted(find_checkpoints(), key=lambda entry: not (entry.card and entry.card.is_se)):
        if entry.problem:
            st.error(f"**{plain(entry.name)}**: {sentence(entry.problem)}", icon="⚠️")
        else:
            with frame.telling():  # what is odd about one card leaves the others and the rest of the page alone
                cards.card(open_checkpoint(entry.folder))

    beside = plain(chosen.against.name) if chosen.against else "..."
    st.subheader(f"{plain(chosen.model.name)} against {beside}", anchor=False)
    cards.twins(chosen)
    report.button(chosen)
    st.subheader("What an SE block is", anchor=False)
    cards.the_block()
    st.subheader("ResNet and SE-ResNet, aspect by aspect", anchor=False)
    cards.aspect_by_aspect()
    st.subheader("In the paper", anchor=False)
    cards.in_the_paper()
