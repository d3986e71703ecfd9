"""What can be told of two networks on the test set: accuracy, classes, agreement, calibration, stages."""

from __future__ import annotations

import streamlit as st

from seviz.analysis import tables
from seviz.analysis.comparison import CELLS, Comparison, class_verdict, verdict
from seviz.analysis.paired import RESAMPLES
from seviz.figures import accuracy
from seviz.figures import comparison as figures
from seviz.ui import address, evaluations, frame, show
from seviz.ui.choice import Choice
from seviz.ui.compare import pairs, stages
from seviz.ui.compare.pairs import Compared


def panel(choice: Choice) -> None:
    """The answer first, in words; then where it comes from."""
    compared = pairs.find(choice)
    if compared is None:
        return
    _accuracy(compared)
    _classes(compared)
    left, right = st.columns(2, gap="large")
    with left:
        _agreement(compared)
    with right:
        stages.panel(compared)
    _calibration(compared)
    st.caption(f"{evaluations.provenance(compared.networks)} Seed of the bootstrap and of the halves: {compared.found.seed}.")


def _accuracy(compared: Compared) -> None:
    found, (first, second) = compared.found, compared.found.names
    st.subheader("Accuracy", anchor=False)
    st.markdown(f"**{verdict(found)}**")
    columns = st.columns(3, gap="medium")
    for column, name, one in zip(columns, (first, second), (found.first, found.second), strict=False):
        low, high = one.interval
        column.metric(name, f"{one.accuracy:.2%}", help=f"Right on {one.accuracy:.2%} of {one.n:,} pictures.")
        column.caption(f"{low:.2%} to {high:.2%} (95 %, Wilson)")
    apart = found.difference
    points = f"{100 * apart.difference:+.2f} points"
    columns[2].metric("Difference", points, help=f"{first} minus {second}, on the same pictures.")
    columns[2].caption(f"{100 * apart.bootstrap[0]:+.2f} to {100 * apart.bootstrap[1]:+.2f} (95 %, bootstrap)")
    drawn = compared.figure("difference", lambda: figures.difference(found))
    show.figure(drawn, "difference", table=_difference_table(found))
    st.caption(
        f"{apart.only_first:,} pictures were right for {first} alone and {apart.only_second:,} for {second} alone; only these "
        f"tell the two apart. McNemar's exact test: p = {apart.p:.3g}. Bootstrap: {RESAMPLES:,} resamples, bias-corrected and "
        "accelerated. One training of each network: another seed would give other figures."
    )


def _difference_table(found: Comparison) -> show.Table:
    one = found.difference
    intervals = {"bootstrap (BCa)": one.bootstrap, "Wald, paired": one.interval}
    return {
        "difference (points)": [100 * one.difference] * 2,
        "method": list(intervals),
        "interval low": [100 * low for low, _ in intervals.values()],
        "interval high": [100 * high for _, high in intervals.values()],
        "McNemar p": [one.p] * 2,
        "only first right": [one.only_first] * 2,
        "only second right": [one.only_second] * 2,
        "n": [one.n] * 2,
    }


def _classes(compared: Compared) -> None:
    found = compared.found
    st.subheader("By class", anchor=False)
    st.markdown(class_verdict(found))
    rows = found.per_class
    table: show.Table = {
        "class": [row.label for row in rows],
        "n": [row.n for row in rows],
        **{name: [getattr(row, side) for row in rows] for name, side in zip(found.names, ("first", "second"), strict=True)},
        "difference": [row.difference for row in rows],
        "interval low": [row.interval and row.interval[0] for row in rows],
        "interval high": [row.interval and row.interval[1] for row in rows],
        "McNemar p": [row.p for row in rows],
        "p after Holm": [row.p_holm for row in rows],
    }
    drawn = compared.figure("classes", lambda: figures.per_class(found))
    show.figure(drawn, "class-differences", table=table)
    st.caption(
        "Share of the class's pictures that are right, first minus second, with 95 % bootstrap intervals. Among many classes "
        "an interval leaves out 0 by chance: a difference counts (in colour) where McNemar's test still holds after Holm's "
        "correction."
    )


def _agreement(compared: Compared) -> None:
    st.subheader("Agreement", anchor=False)
    found, one = compared.found, compared.found.agreement
    words = f"Both give the same answer to **{one.same_answer:.1%}** of the pictures."
    if one.consistency is not None:
        chance = "more often than" if one.consistency > 0 else "no more often than"
        words += (
            f" They are wrong on the same pictures {chance} chance would have it: Cohen's kappa of right and wrong is "
            f"**{one.consistency:.2f}** (0: by chance alone; 1: always)."
        )
    st.markdown(words)
    n = found.first.n
    table = {"cell": CELLS, "samples": one.counts, "share": [count / n for count in one.counts]}
    show.figure(compared.figure("agreement", lambda: figures.agreement(one, found.names)), "agreement", table=table)
    st.caption("The view Mistakes opens the pictures behind each cell.")


@frame.fragment
def _calibration(compared: Compared) -> None:
    st.subheader("Calibration", anchor=False)
    found = compared.found
    half = found.calibration[0]
    st.markdown(
        f"A network's logits can be divided by one number T, which changes how sure it is and no answer. T is fitted to "
        f"{half.fitted:,} of the pictures; everything here is measured on the other {half.before.n:,}."
    )
    left, right = st.columns([2, 3], gap="large")
    with left:
        drawn = compared.figure("calibration", lambda: figures.calibration(found.calibration, found.names))
        show.figure(drawn, "calibration", table=_calibration_table(found))
    with right:
        scaled = address.one_of("Reliability", ["before", "after"], "scaled", "Before or after the logits are divided by T.")
        shown = {name: getattr(one, scaled) for name, one in zip(found.names, found.calibration, strict=True)}
        drawn = compared.figure(f"reliability {scaled}", lambda: accuracy.reliability(shown))
        show.figure(drawn, "reliability-scaled", table=tables.reliability(shown))


def _calibration_table(found: Comparison) -> show.Table:
    rows = found.calibration
    return {
        "network": found.names,
        "T": [one.temperature for one in rows],
        "ECE before": [one.before.ece for one in rows],
        "ECE after": [one.after.ece for one in rows],
        "NLL before (nats)": [one.before.loss for one in rows],
        "NLL after (nats)": [one.after.loss for one in rows],
        "fitted on": [one.fitted for one in rows],
        "measured on": [one.before.n for one in rows],
    }
