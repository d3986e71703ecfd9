"""Accuracy: the mistakes a network was most sure of, with their pictures when the data are at hand."""

from __future__ import annotations

import streamlit as st

from seviz.analysis.classification import confident_mistakes
from seviz.ui import caches, show, thumbnails
from seviz.ui.choice import Choice
from seviz.ui.text import plain

MOST = 12


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
        st.success(f"{plain(name)} made no mistake.")
        return
    read = thumbnails.find(stored.key, classes)
    if read is None:
        thumbnails.offer(stored.key, classes)
        st.dataframe(rows, hide_index=True, alt=f"The most confident mistakes of {name}.")
        return
    said = zip(rows["true"], rows["predicted"], worst.confidence, strict=True)
    lines = [
        (f"**{plain(predicted)}** {share:.0%}  \ntruly {plain(true)}", f"{predicted} {share:.0%}, truly {true}")
        for true, predicted, share in said
    ]
    thumbnails.gallery(read, [thumbnails.Shown(sample, *words) for sample, words in zip(ids, lines, strict=True)])
    show.numbers(rows, f"mistakes-{name}")
