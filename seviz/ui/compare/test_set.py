"""What can be told of two networks on the test set: accuracy, classes, agreement, calibration, stages."""

from __future__ import annotations

import streamlit as st

from seviz.analysis import tables
from seviz.analysis.comparison import agreement_verdict, class_verdict, how_calibrated, how_tested, verdict
from seviz.figures import accuracy
from seviz.figures import comparison as figures
from seviz.ui import address, evaluations, frame, seeds, show
from seviz.ui.choice import Choice
from seviz.ui.compare import over_seeds, pairs, stages
from seviz.ui.compare.pairs import Compared
from seviz.ui.text import plain, sentence


def panel(choice: Choice) -> None:
    """The answer first, in words; then where it comes from."""
    compared = pairs.find(choice)
    if compared is None:
        return
    known = seeds.found(*compared.networks)
    _accuracy(compared, more_seeds=known is not None)
    if known:
        over_seeds.panel(known)
    _classes(compared)
    left, right = st.columns(2, gap="large")
    with left:
        _agreement(compared)
    with right:
        stages.panel(compared)
    _calibration(compared)
    st.caption(f"{evaluations.provenance(compared.networks)} Seed of the bootstrap and of the halves: {compared.found.seed}.")


def _accuracy(compared: Compared, *, more_seeds: bool) -> None:
    found, (first, second) = compared.found, compared.found.names
    st.subheader("Accuracy", anchor=False)
    st.markdown(f"**{plain(verdict(found))}**")
    columns = st.columns(3, gap="medium")
    for column, name, one in zip(columns, (first, second), (found.first, found.second), strict=False):
        low, high = one.interval
        column.metric(plain(name), f"{one.accuracy:.2%}", help=f"Right on {one.accuracy:.2%} of {one.n:,} pictures.")
        column.caption(f"{low:.2%} to {high:.2%} (95 %, Wilson)")
    apart = found.difference
    points = f"{100 * apart.difference:+.2f} points"
    columns[2].metric("Difference", points, help=f"{plain(first)} minus {plain(second)}, on the same pictures.")
    columns[2].caption(f"{100 * apart.bootstrap[0]:+.2f} to {100 * apart.bootstrap[1]:+.2f} (95 %, bootstrap)")
    drawn = compared.figure("difference", lambda: figures.difference(found))
    show.figure(drawn, "difference", table=tables.difference(found))
    st.caption(sentence(how_tested(found, more_seeds=more_seeds)))


def _classes(compared: Compared) -> None:
    found = compared.found
    st.subheader("By class", anchor=False)
    st.markdown(plain(class_verdict(found)))
    drawn = compared.figure("classes", lambda: figures.per_class(found))
    show.figure(drawn, "class-differences", table=tables.class_differences(found))
    st.caption(
        "Share of the class's pictures that are right, first minus second, with 95 % bootstrap intervals. Among many classes "
        "an interval leaves out 0 by chance: a difference counts (in colour) where McNemar's test still holds after Holm's "
        "correction."
    )


def _agreement(compared: Compared) -> None:
    st.subheader("Agreement", anchor=False)
    found = compared.found
    st.markdown(plain(agreement_verdict(found)))
    drawn = compared.figure("agreement", lambda: figures.agreement(found.agreement, found.names))
    show.figure(drawn, "agreement", table=tables.agreement(found))
    st.caption("The view Mistakes opens the pictures behind each cell.")


@frame.fragment
def _calibration(compared: Compared) -> None:
    st.subheader("Calibration", anchor=False)
    found = compared.found
    st.markdown(plain(how_calibrated(found)))
    left, right = st.columns([2, 3], gap="large")
    with left:
        drawn = compared.figure("calibration", lambda: figures.calibration(found.calibration, found.names))
        show.figure(drawn, "calibration", table=tables.calibration(found))
    with right:
        scaled = address.one_of("Reliability", ["before", "after"], "scaled", "Before or after the logits are divided by T.")
        shown = {name: getattr(one, scaled) for name, one in zip(found.names, found.calibration, strict=True)}
        drawn = compared.figure(f"reliability {scaled}", lambda: accuracy.reliability(shown))
        show.figure(drawn, "reliability-scaled", table=tables.reliability(shown))
