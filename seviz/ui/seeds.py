"""The seeds of a network, on the pages: what they say together, and those that ship without weights."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import streamlit as st

from seviz.analysis.by_seed import WHAT_SEEDS_VARY, in_words, seeds_verdict
from seviz.checkpoints import Checkpoint, find_checkpoints
from seviz.errors import SevizError
from seviz.history import Epoch
from seviz.seeds import NO_WEIGHTS, Beside, beside, from_cards, over_seeds, readable, siblings, without_weights
from seviz.ui import caches
from seviz.ui.text import code, plain

Runs = Mapping[str, Sequence[Epoch]]


def found(first: Checkpoint, second: Checkpoint) -> Beside | None:
    """Two networks over their seeds, from the kept predictions; as seviz.seeds.over_seeds, but None for damaged ones, of
    which the page has told already."""
    try:
        return over_seeds(first, second, caches.evaluation)
    except SevizError:
        return None


def verdict(first: Checkpoint, second: Checkpoint) -> str:
    """What the seeds of two networks say of their difference; where there is one of each, that it is one."""
    known = found(first, second)
    if known is None or known.found is None or not known.found.common:
        return "One training each: another seed would give other figures."
    return plain(seeds_verdict(known.found))


def of_card(checkpoint: Checkpoint) -> None:
    """On a network's card: its seeds in a line, and those without weights with the commands that train them; nothing for a
    network alone."""
    here = beside(checkpoint)
    known = from_cards(checkpoint, here)
    if known:
        st.markdown(f"**{in_words(known).replace(':', ':**', 1)}.", help=WHAT_SEEDS_VARY)
    under = without_weights(here).get(checkpoint.name, ())
    if not under:
        return
    with st.expander(f"{len(under)} of its seeds without weights"):
        for one in under:
            value = f", {one.card.accuracy:.2%}" if one.card.accuracy is not None else ""
            st.markdown(f"{code(one.name)}: seed {one.card.seed}{value}; {NO_WEIGHTS}.")
            if "train" in one.card.commands:
                st.code(one.card.commands["train"], language="bash", wrap_lines=True)


def listed_under(networks: Sequence[Checkpoint]) -> set[str]:
    """Names of those that stand on another network's card."""
    return {one.name for under in without_weights(networks).values() for one in under}


def runs_behind(runs: Runs, shown: Collection[str]) -> dict[str, Runs]:
    """For each shown run the other seeds of its recipe that are not shown themselves, where the switch says so; the switch is
    drawn only where there are some."""
    here = readable(find_checkpoints())
    seeds = {one.name: [other.name for other in siblings(one, here) if other.name not in shown] for one in here}
    behind: dict[str, Runs] = {name: {other: runs[other] for other in seeds.get(name, ()) if other in runs} for name in shown}
    if not any(behind.values()):
        return {}
    what = "Test curves of the other seeds of a run, dotted behind its own: how far apart one recipe's trainings lie."
    return behind if st.toggle("Other seeds", value=True, key="seeds", bind="query-params", help=what) else {}
