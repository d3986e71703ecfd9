"""Gates over epochs: when does a site come to tell classes apart? Played beside the loss curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from seviz.analysis.over_epochs import Spread, in_words, spread
from seviz.checkpoints import Checkpoint, Entry, open_checkpoint
from seviz.errors import CheckpointError
from seviz.figures import over_epochs as figures
from seviz.gate_history import GateHistory, place
from seviz.seeds import alike
from seviz.ui import address, caches, frame, show
from seviz.ui.choice import ordered
from seviz.ui.text import code, plain, sentence

EVERY = 0.7  # seconds an epoch stays while playing
CLASSES = 20  # rows of the map at first; more are chosen by name


def section(first: Sequence[Checkpoint]) -> None:
    """Below the curves, where a run has kept its gates. first: the networks chosen in the sidebar."""
    st.subheader("Gates over epochs", anchor=False)
    kept = _kept(first)
    if not kept:
        what = "a training of an SE network with `python -m seviz train` does"
        st.info(f"No network here has kept its gates by epoch (epochs.npz); {what}.")
        return
    st.markdown(
        "The mean gate of every class after each epoch, on the test pictures. Where the classes' means lie apart, a gate "
        "answers to the class; where they lie on each other, it opens for every class alike."
    )
    name = address.one_of("Run of the gates", list(kept), "gates-of") if len(kept) > 1 else next(iter(kept))
    playing = st.toggle("Play", key="playing", help=f"The next epoch every {EVERY} seconds; after the last comes the first.")
    # a fragment runs by itself as long as it is told to; without Play it waits for somebody's hand
    st.fragment(_panel, run_every=EVERY if playing else None)(kept[name], playing)


def _kept(first: Sequence[Checkpoint]) -> dict[str, Checkpoint]:
    """Name -> a checkpoint with a readable gate history: the chosen ones, other seeds of theirs, then the rest.

    The damaged ones are told in the sidebar.
    """

    def is_seed(entry: Entry) -> bool:
        return entry.card is not None and any(alike(one.card, entry.card) for one in first)

    found: dict[str, Checkpoint] = {}
    for entry in ordered(first, is_seed):
        checkpoint = open_checkpoint(entry.folder)
        try:
            if caches.gate_history(checkpoint):
                found[entry.name] = checkpoint
        except CheckpointError as error:
            st.sidebar.warning(sentence(str(error)))
    return found


def _panel(checkpoint: Checkpoint, playing: bool) -> None:
    with frame.telling():
        history = caches.gate_history(checkpoint)
        if history is None:
            return
        titles = {path: _title(path) for path in history.means}
        spreads = {path: spread(values) for path, values in history.means.items()}
        st.markdown(f"**{in_words(spreads, titles)}**")
        epoch = _epoch(history.epochs, playing)
        site = _site(titles)
        _lines(checkpoint, spreads, titles, site, epoch)
        _map(history, site, titles[site], epoch)


def _title(path: str) -> str:
    stage, block = place(path)
    return f"stage {stage} · block {block}" if stage else plain(path)


def _epoch(count: int, playing: bool) -> int:
    """The epoch that is shown; while playing, the next one."""
    known = st.session_state.get("epoch", count)
    known = min(max(known if isinstance(known, int) else count, 1), count)
    if playing:
        known = known % count + 1
    st.session_state["epoch"] = known
    if count == 1:
        return 1
    return int(st.slider("Epoch", 1, count, key="epoch", help="Which epoch the map below shows; Play goes through them."))


def _site(titles: Mapping[str, str]) -> str:
    paths = list(titles)
    address.read("gates-site", paths, paths[-1])
    st.selectbox("Site", paths, key="gates-site", format_func=lambda path: titles[path], help="Whose gates the map shows.")
    address.write("gates-site", paths[-1])
    return str(st.session_state["gates-site"])


def _lines(
    checkpoint: Checkpoint, spreads: Mapping[str, Spread], titles: Mapping[str, str], site: str, epoch: int
) -> None:
    by_site = {titles[path]: one.by_epoch for path, one in spreads.items()}
    stages, blocks = zip(*(place(path) for path in spreads), strict=True)
    table: dict[str, list[float]] = {"epoch": list(range(1, len(next(iter(by_site.values()))) + 1))}
    numbers = {title: np.round(values, 5).tolist() for title, values in by_site.items()}
    drawn = figures.spreads(by_site, stages, blocks, epoch=epoch, chosen=titles[site])
    show.figure(drawn, "class-spread", table={**table, **numbers})
    losses = [row.test_loss for row in checkpoint.history()]
    if len(losses) == len(table["epoch"]):
        show.figure(figures.loss_beside(losses, epoch=epoch), "loss-beside")


def _map(history: GateHistory, site: str, title: str, epoch: int) -> None:
    means = history.means[site]
    names = st.multiselect(
        "Classes", history.classes, default=history.classes[:CLASSES], format_func=plain, key="gates-classes",
        help="The rows of the map.",
    )  # fmt: skip
    if not names:
        st.info("Choose one class or more.")
        return
    rows = [history.classes.index(name) for name in names]
    order = np.argsort(-np.nanvar(means[-1].astype(np.float64), axis=0), kind="stable")
    drawn = figures.epoch_map(means[epoch - 1][rows], names, order, epoch=epoch, title=title)
    values = means[epoch - 1][rows].astype(np.float64)
    table = {
        "class": [name for name in names for _ in order],
        "channel": [int(channel) for _ in names for channel in order],
        "mean gate": np.round(values[:, order], 4).ravel().tolist(),
    }
    show.figure(drawn, "epoch-map", table=table)
    each = history.key.count / len(history.classes)
    st.caption(
        f"Channels from the one that tells the classes apart best after the last epoch; site {code(site)}. Means over "
        f"{each:,.0f} pictures a class, on average: the fewer, the more of a spread is chance."
    )
