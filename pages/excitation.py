"""Excitation: what the gates of a network do over a whole data set, class by class and block by block."""

import streamlit as st

from seviz.ui import choice, frame, jobs
from seviz.ui.excitation import stored, views

frame.begin(
    "Excitation",
    "One picture's gates are an anecdote; here they are counted over a whole data set. Which channels open for which class, at "
    "which depth a network becomes class-specific, and whether its gates are alive.",
)
with frame.telling():
    found = stored.find(choice.choose(weights=False))
    if found is None:
        st.stop()
    views.choose()(found)
    stored.provenance(found)
    jobs.excite_panel(found.checkpoint)
