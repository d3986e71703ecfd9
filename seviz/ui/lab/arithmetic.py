"""The arithmetic: one SE block of this picture, from the map of a channel to its gate and back, in its real numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from seviz.analysis.arithmetic import Arithmetic, Sum, work
from seviz.checkpoints import Checkpoint
from seviz.errors import RequestError
from seviz.figures import arithmetic as figures
from seviz.figures import maps
from seviz.gates import Site
from seviz.ui import caches, frame, show
from seviz.ui.excitation import controls as excitation
from seviz.ui.pictures import Chosen

NAMED = 7  # terms of a sum that are named
MAP_WIDTH = 190  # pixels


@dataclass(frozen=True, eq=False)
class Told:
    """What is told: a site, a channel of it, and the hidden unit that is followed. u: float32 (h, w), the channel's map.
    gate: as the network recorded it. squeeze: "avg" or "max"."""

    site: Site
    channel: int
    unit: int
    u: NDArray[np.float32]
    gate: float
    squeeze: str
    block: Arithmetic


@frame.fragment
def panel(checkpoint: Checkpoint, chosen: Chosen) -> None:
    """The choice of a number, then its way in four steps."""
    st.markdown(
        "Follow one number through an SE block: the map of a channel becomes one number, all channels' numbers become a gate, "
        "and the gate scales the map. These are this picture's numbers, without edits; every one can be worked out again."
    )
    told = _choose(checkpoint, chosen)
    if told is None:
        return
    _summary(told)
    _squeeze(told)
    _first_layer(told)
    _second_layer(told)
    _scale(told)


def _choose(checkpoint: Checkpoint, chosen: Chosen) -> Told | None:
    wide = st.columns([3, 2, 2], gap="small", vertical_alignment="bottom")
    with wide[0]:
        site = excitation.site(caches.model(checkpoint), "The SE block that is told; other pages know it by the same name.")
    try:
        weights = caches.block_weights(checkpoint, site.path)
    except RequestError as error:
        st.info(str(error))
        return None
    if weights.squeeze == "none":
        st.info(f"{site.title} has no squeeze: every pixel has gates of its own, so there is no one number to follow.")
        return None
    answer = caches.features(checkpoint, chosen.picture, site.path)
    block = work(answer.squeezes[site.path], weights.w1, weights.b1, weights.w2, weights.b2)
    _take_click("arithmetic-z", "channel", site.channels)
    with wide[1]:
        channel = excitation.channel(site, int(np.abs(block.gates - 0.5).argmin()))  # neither shut nor open: more to tell
    key = f"unit-{site.path}-{channel}"
    st.session_state.setdefault(key, block.loudest(channel))
    _take_click("arithmetic-h", key, site.hidden)
    unit = wide[2].number_input(
        f"Hidden unit, 0 to {site.hidden - 1}", 0, site.hidden - 1, key=key,
        help="Which hidden unit is followed; to begin with the one that says most in this gate.",
    )  # fmt: skip
    u = answer.features[site.path][channel]
    gate = float(answer.gates[site.path][channel])
    return Told(site, channel, int(unit), u, gate, weights.squeeze, block)


def _take_click(figure: str, key: str, count: int) -> None:
    """A bar that was clicked since the last run is followed, as if its number had been typed."""
    data = show.clicked(figure)
    if data and 0 <= int(data[0]) < count:
        st.session_state[key] = int(data[0])


def _summary(told: Told) -> None:
    """The four numbers in a line."""
    gate = told.block.of_gate(told.channel)
    words = (
        (f"z of channel {told.channel}", told.block.z[told.channel], "squeeze: one number for the whole map"),
        (f"h of hidden unit {told.unit}", told.block.hidden[told.unit], "first layer and ReLU"),
        (f"sum for channel {told.channel}", gate.total, "second layer"),
        (f"gate s of channel {told.channel}", gate.value, "sigmoid of the sum"),
    )
    with st.container(horizontal=True, gap="small", key="arithmetic-line"):
        for name, value, help_text in words:
            st.metric(name, f"{value:.4f}", border=True, help=help_text, width="stretch")


def _squeeze(told: Told) -> None:
    height, width = told.u.shape
    st.markdown(f"**1. Squeeze.** {told.site.channels} maps of {height} x {width} values become {told.site.channels} numbers.")
    left, right = st.columns([2, 3], gap="large")
    with left:
        top, signed = maps.shared_top([told.u]), maps.is_signed(told.u)
        png = maps.enlarged(maps.feature_pictures(told.u, 1.0, top=top, signed=signed).before, MAP_WIDTH)
        st.image(png, width=MAP_WIDTH, output_format="PNG", alt=maps.feature_alt(told.u, told.gate, told.channel))
        row, column = np.unravel_index(told.u.argmax(), told.u.shape)
        kind = "mean" if told.squeeze == "avg" else "maximum"
        st.markdown(
            f"The map of channel {told.channel}: from {told.u.min():.3f} to {told.u.max():.3f} (row {row}, column {column}). "
            f"The {kind} of its {told.u.size:,} values is **z = {told.block.z[told.channel]:.4f}**."
        )
        rows, columns = np.indices(told.u.shape).reshape(2, -1)
        show.numbers({"row": rows.tolist(), "column": columns.tolist(), "value": told.u.ravel().tolist()}, "arithmetic-map")
    with right:
        z, title = told.block.z, "The squeeze of all channels"
        drawn = figures.bars(z, chosen=told.channel, name="channel", unit="squeeze z", title=title)
        table = {"channel": list(range(len(z))), "squeeze": z.tolist()}
        show.figure(drawn, "arithmetic-z", table=table, on_select="rerun")
        st.caption("Click a bar to follow another channel.")


def _first_layer(told: Told) -> None:
    block, unit = told.block, told.unit
    silent = int((block.hidden == 0).sum())
    st.markdown(
        f"**2. Excitation, first layer.** Each of {told.site.hidden} hidden units weighs all {told.site.channels} numbers, "
        f"adds its bias, and says nothing below 0 (ReLU). Here {silent} of {told.site.hidden} are silent."
    )
    left, right = st.columns([1, 1], gap="large")
    with left:
        drawn = figures.weights(block.w1, row=unit, column=told.channel, title="First layer, W1")
        show.figure(drawn, "arithmetic-w1", table=_matrix(block.w1))
        title = "The hidden units behind their ReLU"
        drawn = figures.bars(block.hidden, chosen=unit, name="hidden unit", unit="h", title=title)
        units = list(range(told.site.hidden))
        table = {"hidden unit": units, "before ReLU": block.before.tolist(), "h": block.hidden.tolist()}
        show.figure(drawn, "arithmetic-h", table=table, on_select="rerun")
    with right:
        total = block.of_hidden(unit)
        _sum(total, "channel", f"Hidden unit {unit}: its sum", "arithmetic-h-sum")
        behind = "is above 0 and passes" if total.total > 0 else "is not above 0, so the unit is silent"
        st.markdown(f"The sum {total.total:.4f} {behind}: **h = relu({total.total:.4f}) = {total.value:.4f}**.")


def _second_layer(told: Told) -> None:
    st.markdown(
        f"**3. Excitation, second layer.** The gate of channel {told.channel} weighs the {told.site.hidden} hidden units, adds "
        "its bias, and the sigmoid 1 / (1 + exp(-sum)) brings the sum between 0 and 1."
    )
    left, right = st.columns([1, 1], gap="large")
    with left:
        drawn = figures.weights(told.block.w2.T, row=told.unit, column=told.channel, title="Second layer, W2")
        show.figure(drawn, "arithmetic-w2", table=_matrix(told.block.w2.T))
    with right:
        total = told.block.of_gate(told.channel)
        _sum(total, "hidden unit", f"Channel {told.channel}: its sum", "arithmetic-s-sum")
        st.markdown(
            f"**s = sigmoid({total.total:.4f}) = {total.value:.4f}**. The network recorded {told.gate:.4f} for this picture: "
            f"{abs(total.value - told.gate):.0e} apart."
        )


def _scale(told: Told) -> None:
    gate, high = told.block.gates[told.channel], float(told.u.max())
    st.markdown(
        f"**4. Scale.** Every value of the map is multiplied by s: {high:.3f}, the highest, becomes {high * gate:.3f}. The "
        "shortcut is added to this, a ReLU follows, and the next block sees the sum."
    )
    pair = maps.feature_pictures(told.u, gate)
    alt = f"Before and after. {maps.feature_alt(told.u, gate, told.channel)}"
    st.image(maps.side_by_side(pair, MAP_WIDTH), f"before · after, times {gate:.4f}, on one scale", width=2 * MAP_WIDTH,
             output_format="PNG", alt=alt)  # fmt: skip


def _sum(total: Sum, name: str, title: str, key: str) -> None:
    """The largest terms by name, the others together, the bias."""
    largest = total.largest(NAMED)
    names, values = [f"{name} {index}" for index in largest], [float(total.terms[index]) for index in largest]
    left = len(total.terms) - len(largest)
    if left:
        names, values = [*names, f"{left} other{'s' if left > 1 else ''}"], [*values, total.rest(largest)]
    drawn = figures.terms([*names, "bias"], [*values, total.bias], total.total, title=title)
    table = {name: list(range(len(total.terms))), "input": total.inputs.tolist(), "weight": total.weights.tolist(),
             "input x weight": total.terms.tolist()}  # fmt: skip
    show.figure(drawn, key, table=table)


def _matrix(cells: NDArray[np.float64]) -> show.Table:
    """A row a weight; (hidden, C)."""
    units, channels = np.indices(cells.shape).reshape(2, -1)
    return {"hidden unit": units.tolist(), "channel": channels.tolist(), "weight": cells.ravel().tolist()}
