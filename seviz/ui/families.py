"""The view Cost of the page Models: SE blocks in every family of the paper, counted here, beside the paper's table."""

from __future__ import annotations

from typing import Any

import streamlit as st

from seviz import families
from seviz.backend import Latency
from seviz.families import Family, Row
from seviz.figures import costs
from seviz.figures import families as figures
from seviz.figures.families import Growth
from seviz.figures.layout import listed
from seviz.ui import address, caches, frame, show
from seviz.ui.text import code, sentence

SIDES = ("64", "128", "224")
SAME = "the paper's"  # how the note of a family begins whose network is the paper's own
ROUNDED = (
    "A diamond stands where the network is the paper's and its table has both figures. They are rounded to 0.01 G, so that "
    "3.86 to 3.87 may be anything from 0 to 0.5 % more."
)
OTHERS = (
    "The paper's tables give parameters for MobileNet and ShuffleNet alone (4.2 to 4.7 and 1.8 to 2.4 million), of which these "
    "are other versions."
)
COMMAND = "python -m seviz evaluate --model M --data folder:IMAGENET/val"


@frame.fragment
def panel() -> None:
    """The size of the pictures, the table, what SE adds, what was measured, and on request the time."""
    st.markdown(f"A plain network of 1,000 classes, and the same with SE blocks. {families.PLACED}. {families.COUNTED}")
    side = int(address.one_of("Pictures of", SIDES, "size", "Pixels a side. The paper counts at 224.", default="224"))
    found = _rows(side)
    _table(found)
    _growth(found)
    _accuracies(found)
    _time(found, side)


def _rows(side: int) -> tuple[Row, ...]:
    """Counted once for all sessions; the first time takes some seconds."""
    bar = st.empty()

    def report(done: int, total: int) -> None:
        if done < total:
            bar.progress(done / total, "Counting")

    found = families.rows(side, progress=report)
    bar.empty()
    return found


def _table(found: tuple[Row, ...]) -> None:
    counted = [row.counted for row in found]
    theirs = [row.paper for row in found]
    table: show.Table = {
        "network": [row.family.title for row in found],
        "params (M)": [one and one.plain.parameters / 1e6 for one in counted],
        "SE adds (%)": [one and 100 * one.more_parameters for one in counted],
        "mult-adds (G)": [one and one.plain.multiply_adds / 1e9 for one in counted],
        "with SE (G)": [one and one.se.multiply_adds / 1e9 for one in counted],
        "paper (G)": [pair and pair.plain.multiply_adds for pair in theirs],
        "its SE (G)": [pair and pair.se.multiply_adds for pair in theirs],
        "error (%)": [pair and pair.plain.top1 for pair in theirs],
        "its SE (%)": [pair and pair.se.top1 for pair in theirs],
        "the paper's network?": [row.family.note for row in found],
        "params with SE (M)": [one and one.se.parameters / 1e6 for one in counted],
        "SE adds to mult-adds (%)": [one and 100 * one.more_multiply_adds for one in counted],
        "SE blocks": [one and one.blocks for one in counted],
        "gates times maps (M)": [one and one.scaling / 1e6 for one in counted],
        "typed as": [row.family.typed for row in found],
    }
    columns = {name: _format(name) for name in table}
    alt = "Parameters and multiply-adds of the paper's families of networks, plain and with SE blocks."
    st.dataframe(dict(table), hide_index=True, column_config=columns, height="content", key="families", alt=alt)
    show.download("CSV", lambda: show.to_csv(table), "families.csv", "text/csv")
    others = [row.family.title for row in found if row.counted and row.paper and not row.family.note.startswith(SAME)]
    if others:
        st.markdown(f"**Not the paper's own networks:** {listed(others)}; what they are stands further right in their rows.")
    st.caption(
        "The paper's multiply-adds (it says GFLOPs) and top-1 errors, without and with SE blocks, are those of its tables 2 "
        "and 3: ImageNet, one centre crop. Its 3.86 to 3.87 for ResNet-50 is reached when the products of gates with maps and "
        "the sums of the shortcuts are counted as well."
    )
    for row in found:
        if row.problem:
            st.info(sentence(row.problem))


def _format(name: str) -> Any:
    """How a column of the table shows its numbers; the first stays in place where the others scroll."""
    if name == "network":
        return st.column_config.Column(pinned=True)
    kinds = {"blocks": "%d", "mult-adds (%)": "+%.3f", "adds (%)": "+%.2f", "(M)": "%.2f", "(G)": "%.3f", "(%)": "%.2f"}
    found = next((kind for unit, kind in kinds.items() if unit in name), None)
    return st.column_config.NumberColumn(format=found) if found else st.column_config.Column()


def _growth(found: tuple[Row, ...]) -> None:
    st.subheader("What SE blocks add", anchor=False)
    what = address.one_of("Of", ("parameters", "multiply-adds"), "added", "What is shown as a share of the plain network's.")
    shown = []
    for row in found:
        if row.counted:
            share = row.counted.more_parameters if what == "parameters" else row.counted.more_multiply_adds
            shown.append(Growth(row.family.title, share, _by_the_paper(row, what)))
    table: show.Table = {
        "network": [one.name for one in shown],
        "here": [one.here for one in shown],
        "paper": [one.paper for one in shown],
    }
    show.figure(figures.growth(shown, what), "growth", table=table)
    st.caption(ROUNDED if what == "multiply-adds" else OTHERS)


def _by_the_paper(row: Row, what: str) -> float | None:
    if row.paper is None or not row.family.note.startswith(SAME):
        return None
    name = {"parameters": "parameters", "multiply-adds": "multiply_adds"}[what]
    plain_one, se = getattr(row.paper.plain, name), getattr(row.paper.se, name)
    return se / plain_one - 1 if plain_one and se else None


def _accuracies(found: tuple[Row, ...]) -> None:
    st.subheader("Accuracy, measured here", anchor=False)
    lines = [(row, one) for row in found for one in row.measured]
    if not lines:
        st.info(f"Not measured here: no checkpoint on this machine is of one of these networks. {code(COMMAND)} measures one.")
        return
    table: show.Table = {
        "network": [row.family.title for row, _ in lines],
        "with SE blocks": [one.se for _, one in lines],
        "checkpoint": [one.model for _, one in lines],
        "top-1 error (%)": [100 * (1 - one.top1) for _, one in lines],
        "lowest (95 %)": [100 * (1 - one.interval[1]) for _, one in lines],
        "highest (95 %)": [100 * (1 - one.interval[0]) for _, one in lines],
        "top-5 error (%)": [None if one.top5 is None else 100 * (1 - one.top5) for _, one in lines],
        "pictures": [one.n for _, one in lines],
        "data": [one.data for _, one in lines],
        "classes": [one.classes for _, one in lines],
    }
    percent = st.column_config.NumberColumn(format="%.2f")
    columns = {name: percent for name in table if "%" in name}
    st.dataframe(dict(table), hide_index=True, column_config=columns, key="measured", alt="Errors measured here.")
    st.caption("Beside the paper's figures only where the data are ImageNet's validation pictures and the classes its 1,000.")


def _time(found: tuple[Row, ...], side: int) -> None:
    """On request: both networks are built with random weights, which time does not depend on."""
    st.subheader("Time on this machine", anchor=False)
    st.markdown(
        "One picture at a time, the plain network and the SE network in turn, with random weights, as the app runs networks. "
        "What else this computer does meanwhile is part of the time."
    )
    offered = {row.family.title: row.family for row in found if row.counted}
    title = st.selectbox("Network", list(offered), key="timed", help="The plain one and the one with SE blocks are timed.")
    key = f"families-{side}"
    known: dict[str, tuple[Latency, Latency]] = st.session_state.setdefault(key, {})
    label = f"{families.REPEATS} passes each, in turn; the large ones take a minute and 2 GB of memory."
    if st.button("Measure", icon="⏱️", key="measure-family", help=label):
        known[title] = _measure(offered[title], side)
    if known:
        _times(known)


def _measure(family: Family, side: int) -> tuple[Latency, Latency]:
    bar = st.progress(0.0, "Measuring")

    def report(done: int, total: int) -> None:
        bar.progress(done / total, "Measuring")

    both = families.time_both(family, side, device=caches.device(), progress=report)
    bar.empty()
    return both


def _times(known: dict[str, tuple[Latency, Latency]]) -> None:
    """The last one drawn, all that were measured in this session as numbers."""
    last = next(reversed(known.values()))
    times = [one for both in known.values() for one in both]
    table: show.Table = {name: [getattr(one, name) for one in times] for name in vars(last[0])}
    show.figure(costs.latencies(last), "family-latency", table=table)
    first, second = last
    where = f"{first.device}, {first.threads} of {first.cores} cores" if first.device == "cpu" else first.device
    share = second.median / first.median - 1
    st.caption(f"The median with SE blocks is {share:+.1%}. {first.repeats} passes each, {where}, {first.precision}, batch 1.")
