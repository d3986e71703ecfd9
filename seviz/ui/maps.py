"""Inspect: the picture, what each network says, and where it finds the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from seviz.attribution import METHODS, UNITS
from seviz.backend import Inspection, Map
from seviz.checkpoints import Checkpoint
from seviz.figures import maps as figures
from seviz.images import encode_png
from seviz.ui import address, caches, drawn, faithful, frame, pictures, show
from seviz.ui.choice import Choice
from seviz.ui.pictures import Chosen
from seviz.ui.text import plain

TOP = "top prediction"
GRAD_CAM = "gradcam"
LAYERED = (GRAD_CAM, "guided_gradcam")  # methods that look at a layer


@dataclass(frozen=True)
class Scale:
    """What the colours of one or more maps mean: the value of the strongest one, and whether 0 is in the middle."""

    top: float
    signed: bool

    @classmethod
    def of(cls, maps: Sequence[Map]) -> Scale:
        values = [one.values for one in maps]
        return cls(figures.shared_top(values), figures.is_signed(*values))


@frame.fragment
def panel(choice: Choice, chosen: Chosen, one_scale: bool = False) -> None:
    """Controls, then a column for the picture and one a network. one_scale: all maps on one scale, without asking."""
    answer, layers = caches.inspection(choice.model, chosen.picture), caches.model(choice.model).layers
    label, layer, method = _controls(answer, layers, one_scale)
    maps = [_map(checkpoint, chosen, label, layer, method) for checkpoint in choice.shown]
    known = [found for found in maps if found]
    shared = Scale.of(known) if known and (one_scale or st.session_state["scale"] == "shared") else None
    columns = st.columns(1 + len(maps), gap="medium")
    with columns[0]:
        _picture(choice.model, chosen)
    for series, (column, checkpoint, found) in enumerate(zip(columns[1:], choice.shown, maps, strict=True)):
        with column:
            _network(checkpoint, chosen, found, shared or (Scale.of([found]) if found else None), series)
    if not one_scale:
        targets = [found.class_index if found else None for found in maps]
        faithful.panel(choice, chosen, targets, [layer_of(checkpoint, layer) for checkpoint in choice.shown], method)


def _controls(answer: Inspection, layers: Sequence[str], one_scale: bool) -> tuple[str, str, str]:
    """The class, the layer and the method of the maps. opacity and scale are read from the session's state."""
    wide = st.columns(3, gap="medium", vertical_alignment="bottom")
    likely = [prediction.label for prediction in answer.predictions(len(answer.labels))]
    label = wide[0].selectbox(
        "Evidence for",
        [TOP, *likely],
        key="class",
        bind="query-params",
        persist_state="session",
        help="Each map shows where a network finds evidence for this class. Classes are listed by probability.",
    )
    # a network without feature maps, such as a vision transformer, is looked at by its pixels
    methods = [method for method in METHODS if layers or method not in LAYERED]
    address.read("method", methods, methods[0])
    with wide[1]:
        layer = _layer(layers)
    method = wide[2].selectbox(
        "Method",
        methods,
        format_func=METHODS.__getitem__,
        key="method",
        persist_state="session",
        help="Grad-CAM weighs a stage's feature maps by their gradients. The others give evidence pixel by pixel and "
        "take longer. In Integrated Gradients and Occlusion red speaks for the class and blue against it; Saliency has no "
        "sign.",
    )
    address.write("method", methods[0])
    _appearance(one_scale)
    return label, layer, method


def _layer(layers: Sequence[str]) -> str:
    """The stage that Grad-CAM looks at; "" for a network that has none."""
    if not layers:
        st.caption("No layer of this network puts out feature maps.")
        return ""
    return address.layer(
        "Layer",
        layers,
        "Grad-CAM looks at the output of this stage: late stages say what, early ones say where. The other methods but "
        "Guided Grad-CAM look at the pixels alone.",
        disabled=st.session_state["method"] not in LAYERED,
    )


def _appearance(one_scale: bool) -> None:
    """How the maps look: opacity, and the scale where it is not given."""
    fine = st.columns(3, gap="medium", vertical_alignment="bottom")
    fine[0].slider(
        "Opacity of the map", 0, 100, 55, 5, format="%d %%", key="opacity", bind="query-params", persist_state="session"
    )
    if one_scale:
        fine[1].caption("All maps are on one colour scale, so that strengths compare.")
        return
    with fine[1]:
        what = "Own: each map uses all of its colours. Shared: one scale for both networks, so that strengths compare."
        address.one_of("Colour scale", ["own", "shared"], "scale", what)


def _map(checkpoint: Checkpoint, chosen: Chosen, label: str, layer: str, method: str) -> Map | None:
    """The map of one network; None where it does not know the class, or has no stage that such a map looks at."""
    answer = caches.inspection(checkpoint, chosen.picture)
    wanted = answer.predictions(1)[0].label if label == TOP else label
    if wanted not in answer.labels:
        return None
    index = answer.labels.index(wanted)
    own = caches.model(checkpoint).layers
    if method in LAYERED and not own:
        return None
    layer = layer_of(checkpoint, layer)
    if method != GRAD_CAM:
        return caches.pixel_map(checkpoint, chosen.picture, method, index, layer)
    if all((found.layer, found.class_index) != (layer, index) for found in answer.maps):
        answer = caches.inspection(checkpoint, chosen.picture, (index,), layer)
    return answer.map_of(layer, index)


def layer_of(checkpoint: Checkpoint, layer: str) -> str:
    """The layer, or the network's last stage where it has none of that name; "" where it has no stages."""
    layers = caches.model(checkpoint).layers
    return layer if layer in layers else layers[-1] if layers else ""


def _picture(checkpoint: Checkpoint, chosen: Chosen) -> None:
    size = checkpoint.card.preprocessing
    st.markdown(f"**{chosen.title[:1].upper()}{chosen.title[1:]}**")
    st.image(
        caches.seen_png(checkpoint, chosen.picture),
        width="stretch",
        output_format="PNG",
        alt=f"The picture as {checkpoint.name} sees it, {size.width} by {size.height} pixels.",
    )
    st.caption(f"As the network sees it: {size.width} x {size.height} pixels, the middle of the picture.")
    if chosen.sample:
        known = chosen.sample.class_among(checkpoint.card.classes)
        none = f"{plain(checkpoint.name)} has no class for it, and calls it something anyway."
        st.caption(f"Its class: **{plain(known)}**." if known else none)
        st.caption(chosen.sample.credit)
    with st.expander("Original"):
        whole = pictures.original(chosen.picture)
        st.image(whole, width="stretch", output_format="JPEG", alt="The picture before it was scaled and cropped.")
        height, width = chosen.picture.pixels.shape[:2]
        st.caption(f"{chosen.picture.format}, {width:,} x {height:,} pixels")


def _network(
    checkpoint: Checkpoint, chosen: Chosen, found: Map | None, scale: Scale | None, series: int
) -> None:
    name, answer = checkpoint.name, caches.inspection(checkpoint, chosen.picture)
    best = answer.predictions(1)[0]
    st.markdown(f"**{plain(name)}** says **{plain(best.label)}**, {best.probability:.0%}")
    if found is None or scale is None:
        st.info(f"{plain(name)} does not know this class, or has no feature maps for this method.")
    else:
        png = encode_png(_overlay(checkpoint, chosen, found, scale))
        method, unit = METHODS[found.method], UNITS[found.method]
        words = figures.map_alt(found.values, label=found.label, layer=found.layer, method=method, unit=unit)
        st.image(png, width="stretch", output_format="PNG", alt=f"{name}. {words}")
        _colour_bar(scale, f"evidence for {found.label} ({unit})")
        file = f"{name}-{found.method}-{found.layer}-{found.label}.png"
        show.download("Map as PNG", png, file, "image/png")
    table = answer.predictions(5)
    labels, shares = tuple(p.label for p in table), tuple(p.probability for p in table)
    bars = drawn.probabilities(labels, shares, name, series)
    show.figure(bars, f"top5-{name}", table={"class": labels, "probability": shares})


def _colour_bar(scale: Scale, title: str) -> None:
    """What the colours mean, in true units: a strip with its ends named below it."""
    low = f"{-scale.top:.3g}" if scale.signed else "0"
    words = f"Colours from {low} to {scale.top:.3g}, {title}"
    st.caption(plain(title))
    st.image(drawn.colour_strip(scale.signed), width="stretch", output_format="PNG", alt=words)
    with st.container(horizontal=True, horizontal_alignment="distribute", gap="small"):
        st.caption(low, width="content")
        st.caption(f"{scale.top:.3g}", width="content")


def _overlay(checkpoint: Checkpoint, chosen: Chosen, found: Map, scale: Scale) -> NDArray[np.uint8]:
    seen = caches.seen(checkpoint, chosen.picture)
    opacity = st.session_state["opacity"] / 100
    return figures.overlay(seen, found.values, opacity, scale.top, signed=scale.signed)
