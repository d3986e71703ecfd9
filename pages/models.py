"""Models: what each network is, how it was made, and what an SE block adds."""

import streamlit as st

from seviz.ui import address, bring, cards, choice, families, frame, library, network_card, report
from seviz.ui.text import plain

frame.begin(
    "Models",
    "The networks in this folder: what they are, what they were trained on, what was measured, and the command that makes "
    "each of them again. Below: what an SE block is and what it costs.",
)
VIEWS = {"networks": "Networks", "cost": "Cost"}
with frame.telling():
    chosen = choice.choose(weights=False)
    what = "The networks that are here; or what SE blocks cost in every family of the paper."
    if address.named("View", VIEWS, "show", what) == "cost":
        families.panel()
        st.stop()
    library.panel()
    bring.panel()
    network_card.of_all(chosen)
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
