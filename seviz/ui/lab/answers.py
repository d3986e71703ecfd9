"""What the network says before and after the edits: probabilities, scores, and where it finds its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from seviz.backend import Inspection
from seviz.checkpoints import Checkpoint
from seviz.figures import lab as figures
from seviz.figures import maps
from seviz.images import encode_png
from seviz.ui import address, caches, show
from seviz.ui.pictures import Chosen
from seviz.ui.text import plain

TOP = "top prediction"
SHOWN = 10  # classes
SIDE, OPACITY = 192, 0.6  # of a map: pixels at least, and how much of it is laid over the picture


@dataclass(frozen=True)
class View:
    """Which map is looked at: of a class, at a layer; "" where the network has no layer with feature maps."""

    index: int
    label: str
    layer: str


def controls(before: Inspection, layers: Sequence[str]) -> View:
    """Draw the choice of the evidence; the address calls it as Inspect does."""
    wide = st.columns([3, 2], gap="small", vertical_alignment="bottom")
    likely = [prediction.label for prediction in before.predictions(len(before.labels))]
    label = wide[0].selectbox(
        "Evidence for", [TOP, *likely], key="class", bind="query-params", persist_state="session",
        help="The class whose evidence the maps show, before and after. The top prediction is that before the edits.",
    )  # fmt: skip
    name = likely[0] if label == TOP else label
    if not layers:
        return View(before.labels.index(name), name, "")
    with wide[1]:
        layer = address.layer(
            "Stage", layers,
            "Grad-CAM looks at the output of this stage. Edits of later stages act on it through the gradient alone.",
            word="",
        )  # fmt: skip
    return View(before.labels.index(name), name, layer)


def panel(checkpoint: Checkpoint, chosen: Chosen, before: Inspection, after: Inspection, view: View) -> None:
    """The verdict, the maps, the bars."""
    st.markdown(verdict(before, after))
    if view.layer:
        _maps(checkpoint, chosen, before, after, view)
    rows = shown(before, after)
    labels = [before.labels[row] for row in rows]
    one, other, scores = before.probabilities[rows], after.probabilities[rows], (after.logits - before.logits)[rows]
    table = {
        "class": labels, "probability before": one.tolist(), "probability after": other.tolist(),
        "logit before": before.logits[rows].tolist(), "logit after": after.logits[rows].tolist(),
        "logit difference": scores.tolist(),
    }  # fmt: skip
    show.figure(figures.before_after(labels, one, other, scores), "before-after", table=table)


def shown(before: Inspection, after: Inspection, most: int = SHOWN) -> list[int]:
    """The classes that are shown, most probable before first: all of up to `most`, else the likely ones of both."""
    order = [int(index) for index in np.argsort(-before.probabilities, kind="stable")]
    if len(order) <= most:
        return order
    likely = {one.index for answer in (before, after) for one in answer.predictions(most // 2)}
    return [index for index in order if index in likely]


def verdict(before: Inspection, after: Inspection) -> str:
    """What the edits do to the prediction, as Markdown."""
    one, other = before.predictions(1)[0], after.predictions(1)[0]
    if one.index == other.index:
        if not after.edits:
            return f"The network says **{plain(one.label)}**, {one.probability:.1%}."
        return f"Still **{plain(one.label)}**: {one.probability:.1%} → {other.probability:.1%}."
    before_and_after = f"**{plain(one.label)}**, {one.probability:.1%} → **{plain(other.label)}**, {other.probability:.1%}"
    return f"{before_and_after}: the prediction turns."


def _maps(checkpoint: Checkpoint, chosen: Chosen, before: Inspection, after: Inspection, view: View) -> None:
    """Grad-CAM before, after, and the difference, on one scale."""
    one, other = (answer.map_of(view.layer, view.index).values for answer in (before, after))
    top = maps.shared_top([one, other])
    seen = caches.seen(checkpoint, chosen.picture, SIDE)
    shown = (("Before", one, False), ("after", other, False), ("after - before", other - one, True))
    pictures = [maps.overlay(seen, values, OPACITY, top, signed=signed) for _, values, signed in shown]
    alt = " ".join(f"{name}: {maps.map_alt(values, label=view.label, layer=view.layer)}" for name, values, _ in shown)
    st.image(encode_png(figures.in_a_row(pictures)), " · ".join(name for name, _, _ in shown), width="stretch",
             output_format="PNG", alt=alt)  # fmt: skip
    st.caption(
        f"Grad-CAM for {plain(view.label)} at {view.layer}, one scale: 0 (dark) to {top:.3g} logit (yellow); differences from "
        f"-{top:.3g} (blue) to +{top:.3g} (red)."
    )
