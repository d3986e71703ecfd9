"""Samples by their pictures or their names, and one of them: what both networks say, and why, as far as gates tell."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from seviz.analysis.classification import probabilities
from seviz.errors import PictureError
from seviz.figures.maps import enlarged
from seviz.ui import address, drawn, show, thumbnails
from seviz.ui.compare import why
from seviz.ui.compare.pairs import Compared
from seviz.ui.text import plain, sentence

TOP = 3  # classes of each network
LARGE = 224  # pixels of the one picture


def choose(compared: Compared, rows: NDArray[np.int64]) -> int:
    """Show the samples `rows` and return the one that is opened, the first to begin with."""
    both, names = compared.both, compared.found.names
    ids = [both.ids[row] for row in rows]
    said = [[both.classes[side[row]] for row in rows] for side in both.predicted]
    sure = [probabilities(logits[rows]).max(1).tolist() for logits in (both.first, both.second)]
    true = [both.classes[both.labels[row]] for row in rows]
    table = {"sample": ids, "true": true}
    for name, answers, shares in zip(names, said, sure, strict=True):
        table |= {name: answers, f"{name}, probability": shares}
    read = thumbnails.find(compared.data, both.classes)
    if read is None:
        st.dataframe(table, hide_index=True, alt="The samples of the cell with both networks' answers.", key="cell-samples")
    else:
        shown = []
        for place, name in enumerate(ids):
            lines = [f"{said[side][place]} {sure[side][place]:.0%}" for side in (0, 1)]
            caption = f"truly **{plain(true[place])}**  \n" + "  \n".join(map(plain, lines))
            alt = "; ".join(f"{network} says {line}" for network, line in zip(names, lines, strict=True))
            shown.append(thumbnails.Shown(name, caption, f"{name}, truly {true[place]}; {alt}"))
        st.caption(f"Below each picture: its class, then what {plain(names[0])} says and what {plain(names[1])} says.")
        thumbnails.gallery(read, shown)
        show.numbers(table, "cell-samples")
    address.read("opened", ids, ids[0])
    opened = st.selectbox("Sample in detail", ids, key="opened", help="Any of the samples above, by its name.")
    address.write("opened", ids[0])
    if read is None:
        thumbnails.offer(compared.data, both.classes)
    return int(rows[ids.index(opened)])


def panel(compared: Compared, row: int) -> None:
    """One sample: its picture when it is at hand, both answers, and its gates between two classes."""
    both = compared.both
    true = both.classes[both.labels[row]]
    st.subheader(plain(f"{both.ids[row]}, truly {true}"), anchor=False)
    columns = st.columns([2, 3, 3], gap="medium")
    with columns[0]:
        _picture(compared, row, true)
    for side, (column, network, logits) in enumerate(
        zip(columns[1:], compared.networks, (both.first, both.second), strict=True)
    ):
        with column:
            _answer(network.name, logits[row], both.classes, true, side)
    for network, logits in zip(compared.networks, (both.first, both.second), strict=True):
        why.panel(compared, network, row, logits[row])
    if not any(network.is_se for network in compared.networks):
        st.caption("Neither network has gates, so there is no more to see of why.")


def _picture(compared: Compared, row: int, true: str) -> None:
    read = thumbnails.find(compared.data, compared.both.classes)
    sample = compared.both.ids[row]
    if read is None:
        st.caption("The picture is not at hand; above is how to bring it.")
        return
    try:
        pixels = read(sample)
    except PictureError as error:
        st.caption(sentence(str(error)))
        return
    st.image(enlarged(pixels, LARGE), width=LARGE, output_format="PNG", alt=f"The picture {sample}, of class {true}.")


def _answer(name: str, logits: NDArray[np.floating], classes: tuple[str, ...], true: str, side: int) -> None:
    shares = probabilities(logits)
    order = np.argsort(-shares, kind="stable")[:TOP]
    labels, values = tuple(classes[index] for index in order), tuple(float(shares[index]) for index in order)
    verdict = "right" if labels[0] == true else f"wrong: {true} gets {shares[classes.index(true)]:.1%}"
    st.markdown(f"**{plain(name)}** says **{plain(labels[0])}**, {values[0]:.0%} ({plain(verdict)})")
    bars = drawn.probabilities(labels, values, name, side)
    show.figure(bars, f"answer-{name}", table={"class": labels, "probability": values})
