"""A pruned network, saved as a checkpoint of its own by a job."""

from __future__ import annotations

import re
from dataclasses import replace

import streamlit as st

from seviz.checkpoints import Checkpoint, checkpoints_home
from seviz.pruning import CRITERIA
from seviz.ui import jobs
from seviz.ui.text import code

TITLES = {"gate": "Mean gate", "magnitude": "Magnitude", "random": "Random"}


def panel(checkpoint: Checkpoint) -> None:
    """What to drop and how to call what is left; then the job."""
    if not checkpoint.has_weights:
        return
    st.subheader("Keep a pruned network", anchor=False)
    left, middle, right = st.columns([2, 1, 2], vertical_alignment="bottom")
    by = left.segmented_control(
        "Drop by", CRITERIA if checkpoint.is_se else CRITERIA[1:], required=True, key="pruned-by", default=CRITERIA[1],
        format_func=TITLES.__getitem__, help="By what the channels of every branch are ranked; the lowest are dropped.",
    )  # fmt: skip
    share = middle.number_input(
        "Share", 0.0, 0.99, 0.1, 0.05, key="pruned-share", help="Of the channels of every branch that is dropped, 0 to 0.99."
    )
    first = f"{checkpoint.name}_by_{by}_{share:.0%}".replace("%", "")
    name = right.text_input(
        "Name", first, key=f"pruned-name-{first}", help="Of the new network: letters, digits, dots, lines and underscores."
    )
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,80}", name, re.ASCII):
        st.info("Give the new network a name of letters, digits, dots, lines and underscores.")
        return
    out = checkpoints_home() / name
    extra = ("--by", by or CRITERIA[1], "--share", f"{share:g}", "--out", str(out))
    jobs.panel(replace(jobs.SAVE_PRUNED, extra=extra), checkpoint)
    st.caption(f"It becomes {code(f'checkpoints/{name}')}; its card says what it was made of, and how.")
