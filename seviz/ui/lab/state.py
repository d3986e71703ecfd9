"""The edits in force: kept in the session, written into the address, read from a link edit by edit.

An edit of a link that cannot be read or does not fit the network is left out, and the page says which and why.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import streamlit as st

from seviz.backend import Model
from seviz.edits import Edit, Means, OtherPicture, from_text, to_text
from seviz.edits.resolve import NO_MEANS, check, needs_means
from seviz.edits.values import checked_edits
from seviz.errors import RequestError
from seviz.ui import text
from seviz.ui.lab.means import OWN

EDITS, PROBLEMS, DRAFT = "edits", "edits-problems", "edits-draft"  # of the session; the first is also the address's


@dataclass(frozen=True)
class Bench:
    """What edits can be made of: a network, means (None where nobody measured them), and names of other pictures."""

    model: Model
    means: Means | None
    others: Collection[str]


def in_force(bench: Bench) -> tuple[Edit, ...]:
    """The edits of the session, else of the address, that fit the network; those that do not are gone and told."""
    if EDITS in st.session_state:
        asked: list[Edit | str] = list(st.session_state[EDITS])
    else:
        asked = list(filter(None, st.query_params.get(EDITS, "").split("!")))
    fitting, problems = _fitting(asked, bench)
    if problems:
        st.session_state[PROBLEMS] = problems
    keep(fitting, told=True)
    return fitting


def keep(edits: Sequence[Edit], *, told: bool = False) -> None:
    """Put edits in force. told: leave what is still to be told of others."""
    st.session_state[EDITS] = tuple(edits)
    if st.session_state.get(DRAFT):
        return
    if edits:
        st.query_params[EDITS] = to_text(edits)
    elif EDITS in st.query_params:
        del st.query_params[EDITS]
    if not told:
        st.session_state.pop(PROBLEMS, None)


def change(make: Callable[[tuple[Edit, ...]], Sequence[Edit]], *, draft: bool = False) -> None:
    """Make new edits of those in force, inside a widget's callback; a RequestError is told when the page runs again.

    draft: an edit on its way to another one, such as a bar that is being dragged: the address waits for that one.
    """
    edits, st.session_state[DRAFT] = st.session_state.get(EDITS, ()), draft
    try:
        keep(checked_edits(make(edits)))
    except RequestError as error:
        st.session_state[PROBLEMS] = [str(error)]


def tell_problems() -> None:
    """One sentence an edit that was left out; they stay until the next edit."""
    for sentence in st.session_state.get(PROBLEMS, ()):
        st.warning(f"An edit was left out. {text.sentence(sentence)}", icon="🔗")


def others_of(edits: Sequence[Edit]) -> tuple[str, ...]:
    """The names of the other pictures that edits ask for."""
    return tuple(sorted({edit.gate.picture for edit in edits if isinstance(edit.gate, OtherPicture)}))


def _fitting(asked: Sequence[Edit | str], bench: Bench) -> tuple[tuple[Edit, ...], list[str]]:
    fitting: list[Edit] = []
    problems = []
    for one in asked:
        try:
            edits = from_text(one) if isinstance(one, str) else (one,)
            _check([*fitting, *edits], bench)
            fitting.extend(edits)
        except RequestError as error:
            problems.append(str(error))
    return tuple(fitting), problems


def _check(edits: Sequence[Edit], bench: Bench) -> None:
    if OWN in others_of(edits) and OWN not in bench.others:
        raise RequestError("It takes gates from a picture of somebody's own, which links never carry; add yours under Swap.")
    check(edits, bench.model.sites, classes=bench.model.classes, pictures=1, others=bench.others)
    if not needs_means(edits):
        return
    if bench.means is None:
        raise RequestError(NO_MEANS)
    for label in (getattr(edit.gate, "label", None) for edit in edits):
        if label is not None:
            bench.means.of_class(bench.model.sites[0].path, label)
