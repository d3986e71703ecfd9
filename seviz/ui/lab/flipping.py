"""Flip it: the changes of a few gates that turn the prediction into a chosen class, and the path there."""

from __future__ import annotations

import streamlit as st

from seviz.backend import Inspection
from seviz.checkpoints import Checkpoint
from seviz.figures import lab as figures
from seviz.flip import MOST, Flip, edits_of, places
from seviz.ui import caches, frame, show
from seviz.ui.lab import gate_map, state
from seviz.ui.pictures import Chosen
from seviz.ui.text import plain


@frame.fragment
def panel(checkpoint: Checkpoint, chosen: Chosen) -> None:
    """The class that is wanted, then the search when it is asked for."""
    st.markdown(
        "How few gates must change for the network to see something else? Starting without edits, the search sets one gate "
        "after another to 0 or 1, each time the one that brings the wanted class furthest, and in the end takes back every "
        "change that turns out not to be needed."
    )
    before = caches.inspection(checkpoint, chosen.picture)
    first, *others = before.predictions(len(before.labels))
    wide = st.columns([3, 2, 4], gap="small", vertical_alignment="bottom")
    label = wide[0].selectbox(
        f"Turn {plain(first.label)} into", [one.label for one in others], key="into", bind="query-params",
        help="Classes are listed by their probability: the first is the nearest.",
    )  # fmt: skip
    key = (checkpoint.card.weights_sha256, chosen.picture.sha256, label)
    if wide[1].button("Flip it", key="flip-search", width="stretch", help="A few seconds of trying."):
        st.session_state["flip-asked"] = key
    if st.session_state.get("flip-asked") == key:
        _found(checkpoint, caches.flip(checkpoint, chosen.picture, before.labels.index(label)), before, label)


def _found(checkpoint: Checkpoint, found: Flip, before: Inspection, label: str) -> None:
    origin = before.predictions(1)[0]
    count = sum(site.channels for site in caches.model(checkpoint).sites)
    st.markdown(_sentence(found, plain(label), plain(origin.label), count))
    if not found.steps:
        return
    seen = [found.start, *(step.seen for step in found.steps)]
    target, first = ([one.probability(index) for one in seen] for index in (found.target, origin.index))
    table = _table(checkpoint, found, label, target[1:])
    rows = zip(table["block"], table["channel"], table["to"], strict=True)
    names = [f"{block}, channel {channel} → {to:g}" for block, channel, to in rows]
    drawn = figures.flip_path(["no change", *names], target, first, target_name=label, origin_name=origin.label)
    left, right = st.columns([4, 5], gap="medium")
    with left:
        show.figure(drawn, "flip-path")
    with right:
        formats = {name: st.column_config.NumberColumn(format="%.3f") for name in ("from", f"p({label})")}
        st.dataframe(table, hide_index=True, key="flip-table", column_config=formats, alt=f"The changes that lead to {label}.")
        with st.container(horizontal=True, gap="small"):
            if st.button("Put these edits in force", key="flip-apply", help="In the place of those above."):
                changes = {step.gate: step.after for step in found.steps}
                state.change(lambda _: edits_of(changes, places(caches.model(checkpoint))))
                st.rerun()
            show.download("CSV", lambda: show.to_csv(table), "flip.csv", "text/csv")


def _sentence(found: Flip, label: str, origin: str, gates: int) -> str:
    count, last = len(found.steps), found.steps[-1].seen if found.steps else found.start
    if found.flipped:
        changed = "gate changes" if count == 1 else "gates change"
        words = f"**{count} of {gates} {changed}** and the network says **{label}**, {last.probability(found.target):.1%}. "
        words += f"{found.pruned} more turned out not to be needed. " if found.pruned else ""
        alone = "Without it the network does not say so. " if count == 1 else "Without any one of them it does not say so. "
        return words + alone + "A smaller set of other changes may exist: only trying every set would rule it out."
    reached = f"{found.start.probability(found.target):.1%} to {last.probability(found.target):.1%}"
    if not count:
        return f"**No flip found.** No single gate at 0 or 1, of those that promise most, brings {label} nearer to {origin}."
    why = f"{MOST} changes were not enough" if count >= MOST else f"after {count} changes no further one helps"
    return (
        f"**No flip found:** {why}; {label} went from {reached}. A cleverer search might find one; this one looks a step ahead."
    )


def _table(checkpoint: Checkpoint, found: Flip, label: str, shares: list[float]) -> dict[str, list[object]]:
    sites = caches.model(checkpoint).sites
    where, titles = places(caches.model(checkpoint)), gate_map.titles(sites)
    return {
        "step": list(range(1, len(found.steps) + 1)),
        "block": [titles[where[step.gate][0]] for step in found.steps],
        "channel": [where[step.gate][1] for step in found.steps],
        "from": [step.before for step in found.steps],
        "to": [step.after for step in found.steps],
        f"p({label})": list(shares),
    }
