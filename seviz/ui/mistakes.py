"""Accuracy: the mistakes a network was most sure of, with their pictures when the data are at hand."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from seviz.analysis.classification import confident_mistakes
from seviz.checkpoints import Checkpoint
from seviz.data import PictureSet, download_cifar10, has_cifar10, open_data
from seviz.errors import SevizError
from seviz.figures.maps import enlarged
from seviz.ui import caches, show
from seviz.ui.choice import Choice

MOST = 12
THUMBNAIL = 96  # pixels


def panel(choice: Choice, name: str) -> None:
    """The MOST most confident mistakes of the network called `name`."""
    st.subheader("Most confident mistakes", anchor=False)
    checkpoint = next(network for network in choice.both if network.name == name)
    stored = caches.evaluation(checkpoint)
    if stored is None:
        return
    classes = checkpoint.card.classes
    worst = confident_mistakes(stored.logits, stored.labels, MOST)
    ids = [stored.ids[index] for index in worst.indexes]
    rows = {
        "sample": ids,
        "true": [classes[index] for index in worst.true],
        "predicted": [classes[index] for index in worst.predicted],
        "confidence": worst.confidence.tolist(),
    }
    if not ids:
        st.success(f"{name} made no mistake.")
        return
    pictures = _pictures(checkpoint)
    if pictures is None:
        _offer(checkpoint)
        st.dataframe(rows, hide_index=True, alt=f"The most confident mistakes of {name}.")
        return
    places = {sample: place for place, sample in enumerate(pictures.ids)}
    columns = st.columns(6, gap="small")
    for number, sample in enumerate(ids):
        with columns[number % 6]:
            words = f"{rows['predicted'][number]} {worst.confidence[number]:.0%}, truly {rows['true'][number]}"
            st.image(_thumbnail(pictures.pictures[places[sample]]), output_format="PNG", width="stretch", alt=words)
            st.caption(f"**{rows['predicted'][number]}** {worst.confidence[number]:.0%}  \ntruly {rows['true'][number]}")
    show.numbers(rows, f"mistakes-{name}")


def _thumbnail(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return enlarged(pixels, THUMBNAIL)


def _pictures(checkpoint: Checkpoint) -> PictureSet | None:
    """The pictures that were evaluated, when CIFAR-10 is at hand and holds the same samples; None otherwise."""
    stored = caches.evaluation(checkpoint)
    if stored is None or not has_cifar10():
        return None
    try:
        data = _cifar10(stored.key.split)
    except SevizError as error:
        st.warning(str(error))
        return None
    return data if data.key.same_samples(stored.key) else None


def _offer(checkpoint: Checkpoint) -> None:
    """A button that downloads CIFAR-10, where that would bring the pictures."""
    if has_cifar10():
        st.caption("The pictures are not at hand: this network was evaluated on other data than CIFAR-10.")
        return
    st.caption("The pictures are not at hand. If this network was evaluated on CIFAR-10, one download brings them (170 MB).")
    if st.button("Download CIFAR-10", icon="⬇️", key="download-cifar10"):
        bar = st.progress(0.0, "Downloading CIFAR-10")

        def report(done: int, total: int) -> None:
            bar.progress(done / total if total else 0.0, f"{done / 1e6:.0f} of {total / 1e6:.0f} MB")

        try:
            download_cifar10(report)
        except SevizError as error:
            bar.empty()
            st.error(str(error), icon="⚠️")
            return
        st.rerun()


@st.cache_resource(max_entries=2, show_spinner="Reading CIFAR-10")
def _cifar10(split: str) -> PictureSet:
    return open_data("cifar10", split)
