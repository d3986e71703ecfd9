"""How alike the stages of the two networks are, where it was computed."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from seviz import similarity
from seviz.errors import SevizError
from seviz.figures import comparison as figures
from seviz.similarity import Similarity
from seviz.ui import address, frame, show
from seviz.ui.compare.pairs import Compared
from seviz.ui.text import plain, sentence


@frame.fragment
def panel(compared: Compared) -> None:
    """The heat map of what is kept beside either checkpoint; else the command that computes it."""
    st.subheader("Likeness of stages", anchor=False)
    first, second = compared.networks
    try:
        found = similarity.of_pair(first, second, compared.data)
    except SevizError as error:
        st.error(sentence(str(error)), icon="⚠️")
        return
    silent = [one.name for one in compared.networks if one.figures_alone]
    if found is None and silent:
        st.info(f"It is not known how alike the stages are: {plain(' and '.join(silent))} ships without weights.")
        return
    if found is None:
        st.info("It is not known how alike the stages are; one pass over the data finds it. D is `cifar10` or `folder:PATH`:")
        st.code(similarity.compare_command(first, second), language="bash", wrap_lines=True)
        return
    what = "Of one network against the other, or every stage against every other, also within a network."
    within = address.one_of("Stages", ["between", "all"], "stages", what)
    rows, columns = _labels(found.first.stages), _labels(found.second.stages)
    names = found.first.name, found.second.name
    if within == "all":
        rows = columns = [*(f"{label}, {names[0]}" for label in rows), *(f"{label}, {names[1]}" for label in columns)]
        drawn = figures.stage_likeness(found.cka, _short(found), _short(found), ("both networks", "both networks"))
    else:
        drawn = figures.stage_likeness(found.between, rows, columns, names)
    values = found.cka if within == "all" else found.between
    cells = [(row, column) for row in range(len(rows)) for column in range(len(columns))]
    table: show.Table = {
        "row": [rows[row] for row, _ in cells],
        "column": [columns[column] for _, column in cells],
        "linear CKA": [float(values[cell]) for cell in cells],
    }
    show.figure(drawn, "stages-likeness", table=table)
    letters = f"A is {plain(names[0])}, B is {plain(names[1])}. " if within == "all" else ""
    st.caption(
        f"{letters}Linear CKA (Kornblith et al. 2019) of each stage's output, its channels as means over the pixels: 1 where "
        f"one is a rotation and a scale of the other, 0 without any linear relation. {found.key.count:,} pictures of "
        f"{plain(found.key.name)}, {found.key.split}."
    )


def _labels(stages: Sequence[str]) -> list[str]:
    return [stage.replace("layer", "stage ") for stage in stages]


def _short(found: Similarity) -> list[str]:
    """Labels that fit under a narrow column: A1, A2, ..., B1, ..."""
    sides = zip("AB", (found.first.stages, found.second.stages), strict=True)
    return [f"{letter}{number}" for letter, stages in sides for number in range(1, len(stages) + 1)]
