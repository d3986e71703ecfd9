"""Cells of a matrix, the samples behind them, and one sample in detail.

A cell is chosen by a click on the matrix or in the lists beside it; it stands in the address, and so does the sample.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from seviz.analysis import tables
from seviz.analysis.classification import Classification, probabilities
from seviz.analysis.comparison import BOTH_RIGHT, CELLS, ONLY_FIRST, Pair
from seviz.figures import comparison, mistaken
from seviz.ui import address, frame, show
from seviz.ui.choice import Choice
from seviz.ui.compare import pairs, sample
from seviz.ui.compare.pairs import Compared
from seviz.ui.text import plain

AGREEMENT = "agreement"
AT_ONCE = 12  # samples shown


@frame.fragment
def panel(choice: Choice) -> None:
    """The matrix, the cell, its samples, and one of them."""
    compared = pairs.find(choice)
    if compared is None:
        return
    st.subheader("Which samples?", anchor=False)
    matrices = [AGREEMENT, *compared.found.names]
    address.read("matrix", matrices, AGREEMENT)
    matrix = st.segmented_control(
        "Matrix", matrices, key="matrix", required=True, persist_state="session",
        format_func=lambda name: name if name == AGREEMENT else f"confusion of {plain(name)}",
        help="Who is right, or what one network takes for what.",
    )  # fmt: skip
    address.write("matrix", AGREEMENT)
    left, right = st.columns([3, 2], gap="large")
    rows = _confusion(compared, matrix, left, right) if matrix in compared.found.names else _agreement(compared, left, right)
    shown = _samples(compared, rows)
    if len(shown):
        sample.panel(compared, sample.choose(compared, shown))


def _agreement(compared: Compared, left: DeltaGenerator, right: DeltaGenerator) -> NDArray[np.int64]:
    """The samples of a cell of the agreement matrix."""
    _take(show.clicked("agreement-cells"), {"cell": CELLS})
    address.read("cell", CELLS, CELLS[ONLY_FIRST])
    words = dict(zip(CELLS, _cell_words(compared.found.names), strict=True))
    counts = dict(zip(CELLS, compared.found.agreement.counts, strict=True))
    with right:
        cell = st.radio(
            "Cell", CELLS, key="cell", persist_state="session",
            format_func=lambda name: f"{plain(words[name])} ({counts[name]:,})",
            help="Choose here by mouse or arrow keys, or click a cell of the figure.",
        )  # fmt: skip
        address.write("cell", CELLS[ONLY_FIRST])
    chosen = CELLS.index(cell)
    with left:
        found = compared.found
        drawn = compared.figure(f"cell {chosen}", lambda: comparison.agreement(found.agreement, found.names, chosen))
        show.figure(drawn, "agreement-cells", on_select="rerun", table=tables.agreement(found))
    return np.flatnonzero(compared.both.cells == chosen)


def _cell_words(names: tuple[str, str]) -> tuple[str, ...]:
    first, second = names
    return (CELLS[BOTH_RIGHT], f"only {first} right", f"only {second} right", *CELLS[ONLY_FIRST + 2 :])


def _confusion(compared: Compared, name: str, left: DeltaGenerator, right: DeltaGenerator) -> NDArray[np.int64]:
    """The samples of a cell of one network's confusion matrix."""
    side = compared.found.names.index(name)
    figures, classes = (compared.found.first, compared.found.second)[side], compared.both.classes
    _take(show.clicked(f"confusion-cells-{side}"), {"true": classes, "taken": classes})
    true, taken = _most_frequent(figures)
    with right:
        first = _class("Truly", "true", classes, classes[true], "The class of the pictures: a row of the figure.")
        second = _class("Taken for", "taken", classes, classes[taken], f"What {plain(name)} says: a column of the figure.")
    chosen = classes.index(first), classes.index(second)
    with left:
        drawn = compared.figure(f"confusion {side} {chosen}", lambda: mistaken.confusion_cells(figures, chosen))
        show.figure(drawn, f"confusion-cells-{side}", on_select="rerun", table=tables.confusion(figures))
    with right:
        count, support = int(figures.confusion[chosen]), figures.per_class[chosen[0]].support
        share = f", {count / support:.1%}" if support else ""
        st.markdown(f"**{count:,}** of {support:,} pictures of {plain(first)}{share} are {plain(second)} to {plain(name)}.")
    return np.flatnonzero((compared.both.labels == chosen[0]) & (compared.both.predicted[side] == chosen[1]))


def _class(label: str, key: str, classes: Sequence[str], default: str, help_text: str) -> str:
    address.read(key, classes, default)
    chosen: str = st.selectbox(label, classes, key=key, persist_state="session", help=help_text)
    address.write(key, default)
    return chosen


def _take(data: list[object] | None, lists: dict[str, Sequence[str]]) -> None:
    """A click sets the lists, as if one had chosen there: its data begin with an index a list."""
    for value, (key, options) in zip(data or [], lists.items(), strict=False):
        if isinstance(value, int | float) and 0 <= int(value) < len(options):
            st.session_state[key] = options[int(value)]


def _most_frequent(figures: Classification) -> tuple[int, int]:
    """(true, predicted) of the mistake that is made most often."""
    mistakes = figures.confusion - np.diag(figures.confusion.diagonal())
    true, taken = np.unravel_index(int(mistakes.argmax()), mistakes.shape)
    return int(true), int(taken)


def _samples(compared: Compared, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Those of the cell that are shown, the surest first: (k,)."""
    if not len(rows):
        st.success("No sample lies in this cell.")
        return rows
    sure = _surest(compared.both, rows)
    ordered = rows[np.argsort(-sure, kind="stable")]
    pages = -(-len(rows) // AT_ONCE)
    number, key = _page_of(compared.both, ordered), f"page-{len(rows)}-{ordered[0]}"
    if pages > 1:
        st.session_state.setdefault(key, number)
        number = int(st.number_input(f"Page, 1 to {pages}", 1, pages, key=key, help="Surest answers first."))
    start = (number - 1) * AT_ONCE
    shown = ordered[start : start + AT_ONCE]
    span = f"{start + 1:,} to {start + len(shown):,} of " if pages > 1 else ""
    st.markdown(f"{span}**{len(rows):,}** samples, those first that either network is surest of.")
    return shown


def _page_of(both: Pair, ordered: NDArray[np.int64]) -> int:
    """The page of the sample that a link opens; the first where it opens none of these."""
    places = [place for place, row in enumerate(ordered) if both.ids[row] == st.query_params.get("opened")]
    return 1 + places[0] // AT_ONCE if places else 1


def _surest(both: Pair, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """The higher of the two networks' confidences: (k,)."""
    sure = [probabilities(logits[rows]).max(1) for logits in (both.first, both.second)]
    higher: NDArray[np.float64] = np.maximum(*sure)
    return higher
