"""The two networks over their seeds: what more than one training each can tell."""

from __future__ import annotations

import streamlit as st

from seviz.analysis.by_seed import ONE_RECIPE, WHAT_SEEDS_VARY, by_seed_table, in_words, seeds_verdict
from seviz.figures import seeds as figures
from seviz.seeds import Beside
from seviz.ui import show
from seviz.ui.text import plain, sentence


def panel(known: Beside) -> None:
    """The answer in words, a dot a training, and what does not count."""
    st.subheader("Over seeds", anchor=False)
    if known.found is None:
        _of_one(known)
    else:
        st.markdown(f"**{plain(seeds_verdict(known.found))}**")
        show.figure(figures.over_seeds(known.found), "over-seeds", table=by_seed_table(known.found))
        each = "  \n".join(f"{plain(one.name)}, {in_words(one)}." for one in (known.found.first, known.found.second))
        st.caption(f"{each}  \nLines join the two networks of one seed. {WHAT_SEEDS_VARY}")
    for words in known.left_out:
        st.caption(sentence(words))


def _of_one(known: Beside) -> None:
    """Both are trainings of one recipe: what differs between them is chance."""
    one = known.first
    st.markdown(f"**{ONE_RECIPE}**")
    shares = [round(100 * value, 4) for value in one.accuracies.values()]
    table: show.Table = {"seed": list(one.accuracies), "test accuracy (%)": shares}
    show.figure(figures.seeds_of_one(one), "over-seeds", table=table)
    st.caption(f"{in_words(one)}. {WHAT_SEEDS_VARY}")
