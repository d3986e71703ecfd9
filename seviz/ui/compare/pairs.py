"""The stored predictions of the two chosen networks, brought together."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from seviz.analysis.comparison import Comparison, Pair, Side, compare, other_classes, pair
from seviz.checkpoints import EVALUATION_FILE, Checkpoint
from seviz.data import DataKey
from seviz.evaluation import Evaluation
from seviz.figures.layout import Figure
from seviz.ui import caches, evaluations
from seviz.ui.choice import Choice
from seviz.ui.text import sentence

Key = tuple[bytes, str, int]


@dataclass(frozen=True, eq=False)
class Compared:
    """Two networks with what both said of the same samples, and the figures that follow. data: of the samples."""

    first: Checkpoint
    second: Checkpoint
    both: Pair
    found: Comparison
    data: DataKey

    @property
    def networks(self) -> tuple[Checkpoint, Checkpoint]:
        return self.first, self.second

    def figure(self, name: str, build: Callable[[], Figure]) -> Figure:
        """The figure that `build` makes, kept under a name which tells it from every other figure of these predictions."""
        return _figure(_key(self.first), _key(self.second), name, build)


def find(choice: Choice) -> Compared | None:
    """Both networks' predictions; None where one is missing, and then the page has said so.

    Raises DataError where they are not of the same samples.
    """
    if choice.against is None:
        st.info("Choose a second network in the sidebar to compare with.")
        return None
    first, second = choice.model, choice.against
    if first.card.classes != second.card.classes:
        words = sentence(other_classes(first.name, second.name))
        st.info(f"{words} The views **A picture** and **Cost** hold for any two networks.")
        return None
    if len(evaluations.measured((first, second))) < 2:
        return None
    one, other = caches.evaluation(first), caches.evaluation(second)
    if one is None or other is None:
        return None
    both, found = _compared(_key(first), _key(second), (first, second), (one, other))
    return Compared(first, second, both, found, one.key)


def _key(checkpoint: Checkpoint) -> Key:
    changed = caches.changed(checkpoint, EVALUATION_FILE)
    return os.fsencode(checkpoint.folder), checkpoint.card.sha256, changed


@st.cache_resource(max_entries=256, show_spinner=False)
def _figure(first: Key, second: Key, name: str, _build: Callable[[], Figure]) -> Figure:
    return _build()


@st.cache_resource(max_entries=8, show_spinner="Comparing")
def _compared(
    first: Key, second: Key, _networks: tuple[Checkpoint, Checkpoint], _stored: tuple[Evaluation, Evaluation]
) -> tuple[Pair, Comparison]:
    sides = [
        Side(network.name, network.card.classes, stored.ids, stored.labels, stored.logits)
        for network, stored in zip(_networks, _stored, strict=True)
    ]
    both = pair(*sides)
    return both, compare(both)
