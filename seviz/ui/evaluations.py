"""Stored predictions: the figures that follow from them, and what they were measured on."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from seviz.analysis.classification import Classification
from seviz.analysis.paired import PairedDifference, paired_difference
from seviz.checkpoints import EVALUATION_FILE, Checkpoint
from seviz.errors import SevizError
from seviz.evaluation import Evaluation, evaluate_command
from seviz.ui import caches
from seviz.ui.text import code, plain, sentence


def measured(checkpoints: Sequence[Checkpoint]) -> dict[str, Classification]:
    """Name -> figures of the networks that have any; of the others, the page says why not."""
    found = {}
    for checkpoint in checkpoints:
        figures = figures_of(checkpoint)
        if figures:
            found[checkpoint.name] = figures
    return found


def figures_of(checkpoint: Checkpoint) -> Classification | None:
    """The figures of one network; None, with a sentence on the page, where there are none or they are damaged."""
    try:
        figures = caches.figures(checkpoint)
    except SevizError as error:
        st.error(sentence(str(error)), icon="⚠️")
        return None
    if figures is None:
        command = evaluate_command(checkpoint.folder / EVALUATION_FILE)
        st.info(f"{plain(checkpoint.name)} has no stored predictions; {code(command)} makes them.")
    return figures


def provenance(checkpoints: Sequence[Checkpoint]) -> str:
    """What the predictions were measured on, a sentence for each data set; a warning where it is not the test split."""
    sentences = []
    for checkpoint in checkpoints:
        stored = _evaluation(checkpoint)
        if stored is None:
            continue
        key, note = stored.key, checkpoint.card.data.note
        if not key.same_samples(checkpoint.card.data.test):
            measured_on = f"{plain(key.name)}, {key.split}"
            st.warning(f"The predictions of {plain(checkpoint.name)} are not of its test split but of {measured_on}.")
            note = ""
        sentences.append(f"Measured on {plain(key.name)}, {key.split}, {key.count:,} pictures. {plain(note)}".strip())
    return " ".join(dict.fromkeys(sentences))


def paired(first: Checkpoint, second: Checkpoint) -> PairedDifference | None:
    """The difference of two networks' accuracies; None where they were not measured on the same samples."""
    one, other = _evaluation(first), _evaluation(second)
    if one is None or other is None or one.ids != other.ids or not one.key.same_samples(other.key):
        return None
    right = [stored.logits.argmax(1) == stored.labels for stored in (one, other)]
    return paired_difference(*right)


def _evaluation(checkpoint: Checkpoint) -> Evaluation | None:
    try:
        return caches.evaluation(checkpoint)
    except SevizError:
        return None  # figures_of has said why
