"""Samples in the plane of a site's gates: pictures that the gates treat alike lie together."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from seviz.analysis.tables import gate_space
from seviz.excitation import GATES_FILE, Projection, SampleGates, excite_command
from seviz.figures import gate_space as figures
from seviz.ui import address, frame, show, thumbnails
from seviz.ui.excitation import controls
from seviz.ui.excitation.stored import Stored, need_samples
from seviz.ui.text import code, plain

ANY = "any"
SHOWN = 18  # thumbnails
WAYS = {"t-SNE": "tsne", "PCA": "pca"}
COLOURS = {"true class": "class", "right or wrong": "error"}
DRAGS = {"box": "select", "lasso": "lasso", "click": ""}


@frame.fragment
def panel(stored: Stored) -> None:
    """The plane, a selection in it, and the pictures behind that."""
    st.markdown(
        "Every point is a picture, placed by all gates of one block: what the block scales alike lies together. Drag a box or "
        "a lasso over points to see the pictures behind them, or choose classes in the lists."
    )
    samples = need_samples(stored)
    if samples is None:
        return
    site = controls.site(stored)
    projection = samples.projections.get(site.path)
    if projection is None:
        command = excite_command(stored.checkpoint.folder / GATES_FILE)
        st.info(f"Places in the plane are not stored; {code(command)} writes them where scikit-learn is installed.")
        return
    way, colours, drag = _controls()
    kept = _cell(stored, samples, projection)
    picked = _plane(stored, samples, projection, site.title, (way, colours, drag), kept)
    _behind(stored, samples, projection, picked if len(picked) else kept, bool(len(picked)))


def _controls() -> tuple[str, str, str]:
    wide = st.columns(3, gap="medium", vertical_alignment="bottom")
    with wide[0]:
        what = (
            "t-SNE keeps neighbours together; sizes of its clusters and gaps between them mean nothing. PCA shows true "
            "distances, as far as two axes can."
        )
        way = address.one_of("Plane", list(WAYS), "plane", what, default="t-SNE")
    with wide[1]:
        what = "The true class of a picture, or whether the network was right."
        colours = address.one_of("Colours", list(COLOURS), "points", what, default="true class")
    with wide[2]:
        what = "What dragging over the figure does. With click, one point is chosen at a time, and a finger scrolls the page."
        drag = address.one_of("Select by", list(DRAGS), "drag", what, default="box")
    return way, colours, drag


def _cell(stored: Stored, samples: SampleGates, projection: Projection) -> NDArray[np.int64]:
    """Places in the projection whose true and predicted class are as chosen in the lists."""
    wide = st.columns(2, gap="medium", vertical_alignment="bottom")
    options = [ANY, *stored.classes]
    with wide[0]:
        true = controls.one("True class", options, ANY, "true", "Only pictures of this class.")
    with wide[1]:
        said = controls.one("Predicted class", options, ANY, "predicted", "Only pictures that are taken for this class.")
    mask = np.ones(len(projection.rows), dtype=bool)
    for name, values in ((true, samples.labels), (said, samples.predicted)):
        if name != ANY:
            mask &= values[projection.rows] == stored.classes.index(name)
    return np.flatnonzero(mask)


def _plane(
    stored: Stored, samples: SampleGates, projection: Projection, title: str, look: tuple[str, str, str],
    kept: NDArray[np.int64],
) -> NDArray[np.int64]:  # fmt: skip
    """Draw it; the places that are selected in it and kept by the lists."""
    way, colours, drag = look
    rows = projection.rows
    faded = np.ones(len(rows), dtype=bool)
    faded[kept] = False
    axes = ("", "") if way == "t-SNE" else _component_titles(projection)
    drawn = figures.plane(
        projection.tsne if way == "t-SNE" else projection.pca, [samples.ids[row] for row in rows], samples.labels[rows],
        samples.predicted[rows], stored.classes, by=COLOURS[colours], faded=faded, axes=axes, drag=DRAGS[drag],
        what=f"Gates of {title}, {way}",
    )  # fmt: skip
    modes: tuple[show.Selecting, ...] = ("points", "box", "lasso")
    key = f"plane-{title}-{way}-{colours}"
    event = show.figure(drawn, key, on_select="rerun", selecting=modes)
    true, predicted = ([stored.classes[label] for label in labels[rows]] for labels in (samples.labels, samples.predicted))
    ids = [samples.ids[row] for row in rows]
    show.numbers(gate_space(ids, true, predicted, projection.tsne, projection.pca), "plane")
    taken = [point.get("customdata") for point in (event or {}).get("selection", {}).get("points", [])]
    flat = [one[0] if isinstance(one, list) else one for one in taken if one is not None]
    return np.intersect1d(np.array(flat, dtype=np.int64), kept)


def _component_titles(projection: Projection) -> tuple[str, str]:
    first, second = projection.explained.tolist()
    return f"1st component, {first:.0%} of the variance", f"2nd component, {second:.0%}"


def _behind(
    stored: Stored, samples: SampleGates, projection: Projection, places: NDArray[np.int64], selected: bool
) -> None:
    """The pictures behind a selection, mistakes first."""
    rows = projection.rows[places]
    wrong = samples.labels[rows] != samples.predicted[rows]
    rows, mistakes = rows[np.argsort(~wrong, kind="stable")], int(wrong.sum())
    what = "selected" if selected else "in the plane" if len(rows) == len(projection.rows) else "of these classes"
    first = " (shown first)" if 0 < mistakes < len(rows) else ""
    st.markdown(f"**{len(rows):,} pictures {what}, {mistakes:,} of them mistakes**{first}")
    names, key = stored.classes, stored.statistics.key
    table = {
        "sample": [samples.ids[row] for row in rows],
        "true": [names[samples.labels[row]] for row in rows],
        "predicted": [names[samples.predicted[row]] for row in rows],
    }
    read = thumbnails.find(key.data, key.classes)
    if read is None:
        st.dataframe(table, hide_index=True, alt=f"The {len(rows)} pictures {what}.", key="behind-table", height=260)
        show.download("CSV", lambda: show.to_csv(table), "samples.csv", "text/csv")
        thumbnails.offer(key.data, key.classes)
        return
    said = list(zip(table["sample"], table["true"], table["predicted"], strict=True))[:SHOWN]
    lines = [plain(true) if true == guess else f"**{plain(guess)}**  \ntruly {plain(true)}" for _, true, guess in said]
    shown = [
        thumbnails.Shown(sample, line, f"{sample}, taken for {guess}")
        for (sample, _, guess), line in zip(said, lines, strict=True)
    ]
    thumbnails.gallery(read, shown)
    if len(rows) > SHOWN:
        st.caption(f"The first {SHOWN}; all of them are in the table.")
    show.numbers(table, "samples")
