"""Figures that most changes of a control leave as they are: building one takes Plotly some 20 ms. They are only shown."""

from __future__ import annotations

import streamlit as st

from seviz.faithfulness import Faithfulness
from seviz.figures import faithfulness, maps, predictions
from seviz.figures.layout import Figure
from seviz.images import encode_png


@st.cache_resource(max_entries=256, show_spinner=False)
def probabilities(labels: tuple[str, ...], shares: tuple[float, ...], name: str, series: int) -> Figure:
    """The bars of the most probable classes."""
    return predictions.probabilities(labels, shares, model=name, series=series)


@st.cache_resource(max_entries=2, show_spinner=False)
def colour_strip(signed: bool) -> bytes:
    """The colours of a map from its lowest to its highest value, as a PNG."""
    return encode_png(maps.colour_strip(signed=signed))


def faithful_figure(found: Faithfulness, what: str) -> Figure:
    """A measure of all methods beside its references, or "forgetting"."""
    return _faithful_figure(repr(found.methods), what, found)  # a command does not name its figures: folders share a name


@st.cache_resource(max_entries=32, show_spinner=False)
def _faithful_figure(key: str, what: str, _found: Faithfulness) -> Figure:
    if what == "forgetting":
        return faithfulness.forgetting(_found.methods)
    return faithfulness.differences(_found.methods, what)
