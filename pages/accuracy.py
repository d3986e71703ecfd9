"""Accuracy: what the networks get right on the test split, where they are wrong, and how sure they are."""

import streamlit as st

from seviz.analysis import tables
from seviz.analysis.paper import REPORT_WORDS, beside_report
from seviz.figures import accuracy as figures
from seviz.ui import address, choice, corrupted, evaluations, frame, mistakes, show

frame.begin(
    "Accuracy",
    "What each network gets right on pictures it was not trained on, class by class, and how far its own confidence can be "
    "trusted. All of it follows from stored predictions: no data set is needed.",
)
with frame.telling():
    chosen = choice.choose(weights=False, seeds=True)
    views = {"clean": "As they are", "corrupted": "Corrupted pictures"}
    about = "The test pictures as they are, or re-encoded, blurred, darkened, turned: nine corruptions at three strengths."
    if address.named("Pictures", views, "pictures", about) == "corrupted":
        corrupted.panel(chosen)
        st.stop()
    measured = evaluations.measured(chosen.both)
    if not measured:
        st.stop()

    report = beside_report(len(one.classes) for one in measured.values())
    show.figure(figures.accuracy_axis(measured, report=report), "accuracy-axis", table=tables.overall(measured))
    words = f"Lines are 95 % intervals (Wilson). {REPORT_WORDS if report else ''}"
    st.caption(f"{words} {evaluations.provenance(chosen.both)}")

    st.subheader("By class", anchor=False)
    rate = address.one_of(
        "Rate", ["recall", "precision", "f1"], "rate",
        "Recall: share of a class that was found. Precision: share of the predictions of a class that are right. "
        "F1: their harmonic mean.",
    )  # fmt: skip
    show.figure(figures.per_class(measured, rate), "per-class", table=tables.per_class(measured))

    st.subheader("Confusion", anchor=False)
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        of = address.one_of("Matrix of", list(measured), "confusion-of")
    with right:
        what = "Counts of pictures, or shares of the true class. The diagonal is grey, so that mistakes show."
        kind = address.one_of("Cells", ["counts", "rates"], "cells", what)
    show.figure(figures.confusion(measured[of], rates=kind == "rates"), "confusion", table=tables.confusion(measured[of]))

    st.subheader("Calibration", anchor=False)
    st.markdown(
        "Of the pictures a network is 80 % sure of, 80 % should be right. ECE is the mean distance from that; label "
        "smoothing in training makes a network less sure than it could be, which puts points above the diagonal."
    )
    show.figure(figures.reliability(measured), "reliability", table=tables.reliability(measured))

    mistakes.panel(chosen, of)
