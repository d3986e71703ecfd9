"""Models: a network's card, whole for the chosen ones; of the others its head, and the rest when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from seviz import card_words
from seviz.ablation import Ablation
from seviz.card_words import Figures, Making
from seviz.checkpoints import EVALUATION_FILE, Checkpoint, find_checkpoints, open_checkpoint
from seviz.errors import SevizError
from seviz.figures import gate_life, networks, training
from seviz.gate_life import ALIVE, GateLife
from seviz.history import Epoch
from seviz.seeds import readable
from seviz.ui import caches, evaluations, frame, seeds, show
from seviz.ui.choice import Choice
from seviz.ui.text import plain, sentence

LOSSES = ("static", "shuffled")
METRIC = 130  # pixels of a number with its name: two beside each other on a telephone


def of_all(choice: Choice) -> None:
    """The chosen networks first, whole; then the others, and what is wrong with folders that cannot be used."""
    entries = {entry.name: entry for entry in find_checkpoints()}
    first = list(dict.fromkeys(network.name for network in choice.both))
    elsewhere = seeds.listed_under(readable(tuple(entries.values())))
    rest = [entry for name, entry in entries.items() if name not in first and name not in elsewhere]
    ordered = [entries[name] for name in first] + sorted(rest, key=lambda entry: not (entry.card and entry.card.is_se))
    for place, entry in enumerate(ordered):
        if entry.problem:
            st.error(f"**{plain(entry.name)}**: {sentence(entry.problem)}", icon="⚠️")
            continue
        with frame.telling():  # what is odd about one card leaves the others and the rest of the page alone
            card(open_checkpoint(entry.folder), series=place, whole=entry.name in first)


def card(checkpoint: Checkpoint, *, series: int = 0, whole: bool = True) -> None:
    """What a network is, how often it is right, what it cannot do, and how to make it again: one bordered box.

    series: of its colour. whole: with its figures and facts at once; else they wait behind a fold.
    """
    with st.container(border=True):
        st.markdown(f"#### {plain(checkpoint.name)}")
        st.markdown(plain(card_words.in_a_sentence(checkpoint.card)))
        if not checkpoint.card.sealed:
            st.caption(card_words.seal_words(checkpoint.card))
        if whole:
            _body(checkpoint, series)
            return
        found = card_words.figures_of(checkpoint.card)
        if found:
            st.markdown(f"**{card_words.accuracy_words(found)}** of {found.n:,} pictures of {plain(found.data)}")
        what = "Its figures, its recipe and how to make it again."
        # figures of networks that nobody looks at are not drawn
        if st.toggle("Everything on its card", key=f"card-{checkpoint.name}", bind="query-params", help=what):
            _body(checkpoint, series)


def _body(checkpoint: Checkpoint, series: int) -> None:
    left, right = st.columns([2, 3], gap="large")
    with left:
        _outline(checkpoint)
        st.markdown(f"**Data:** {sentence(card_words.data_sentence(checkpoint.card))}")
        st.markdown(f"**Licence of the weights:** {sentence(checkpoint.card.licence.rstrip('.'))}.")
    with right:
        _headline(checkpoint)
        seeds.of_card(checkpoint)
        st.markdown("**Limits**\n" + "\n".join(f"- {sentence(limit)}" for limit in card_words.limits(checkpoint.card)))
    _curves_and_life(checkpoint, series)
    making = card_words.making(checkpoint.card)
    if making:
        _making(making)
    _facts(checkpoint)


def _outline(checkpoint: Checkpoint) -> None:
    """The network drawn stage by stage; nothing of another library's, whose shape is not known here."""
    facts, size = checkpoint.card, checkpoint.card.preprocessing
    if not facts.library:
        shape = networks.shape_of(facts.options, size.height, size.width)
        show.drawing(networks.network_drawing(checkpoint.name, shape), networks.network_alt(checkpoint.name, shape))


def _headline(checkpoint: Checkpoint) -> None:
    """The numbers that one asks for first, flowing side by side; what is not known is left out."""
    facts, found = checkpoint.card, _measured(checkpoint)
    shown = [("Parameters", f"{facts.parameters:,}", "Learned numbers.")]
    shown += [("Multiply-adds", f"{facts.multiply_adds / 1e6:,.2f} M", "Of one picture; convolutions and products only.")]
    if found:
        what = f"Share of {found.n:,} pictures of {found.data} that are right."
        shown.insert(0, ("Test accuracy", f"{found.accuracy:.2%}", plain(what)))
    if found and found.top5 is not None:
        shown.insert(1, ("Top-5", f"{found.top5:.2%}", "Share whose true class is among its first five."))
    if found and found.ece is not None:
        what = "Expected calibration error: how far confidence and accuracy lie apart, on average over 15 bins."
        shown.append(("Calibration error", f"{found.ece:.2%}", what))
    if checkpoint.has_weights:
        shown.append(("Weights", f"{checkpoint.size_bytes / 1e6:,.2f} MB", "The size of its file."))
    with st.container(horizontal=True, gap="medium"):
        for label, value, what in shown:
            st.metric(label, value, help=what, width=METRIC)
    if found and found.interval:
        st.caption(f"Accuracy {found.interval[0]:.2%} to {found.interval[1]:.2%} at 95 % (Wilson), of {found.n:,} pictures.")
    if not checkpoint.has_weights:
        st.caption("Its weights are not here: it is shown with its figures and cannot be run.")


def _measured(checkpoint: Checkpoint) -> Figures | None:
    """Of the stored predictions, else as the card says; where there is neither, the page says how to get them."""
    card = checkpoint.card
    stored = (checkpoint.folder / EVALUATION_FILE).exists()
    found = evaluations.figures_of(checkpoint) if stored or "accuracy" not in card.metrics else None
    kept = caches.evaluation(checkpoint) if found else None
    return card_words.figures_of(card, found, f"{kept.key.name}, {kept.key.split}" if kept else "")


def _curves_and_life(checkpoint: Checkpoint, series: int) -> None:
    history, life = _history(checkpoint), checkpoint.card.gate_life
    columns = iter(st.columns(2, gap="large") if history and life else [st.container()] * 2)
    if history:
        with next(columns):
            st.markdown("**How it learned**")
            names = ("epoch", "train_accuracy", "test_accuracy")
            table = {name: [getattr(epoch, name) for epoch in history] for name in names}
            drawn = training.accuracy_curves(checkpoint.name, history, series=series)
            show.figure(drawn, f"learned-{checkpoint.name}", table=table)
    if life:
        with next(columns):
            st.markdown("**Whether its gates live**")
            _life(checkpoint, life)


def _life(checkpoint: Checkpoint, life: GateLife) -> None:
    found = _ablation(checkpoint)
    rows = card_words.sites(life, found)
    losses = {
        word: [
            (lost, low, high) if lost is not None else None
            for lost, low, high in zip(rows[f"lost when {word}"], rows[f"{word} low"], rows[f"{word} high"], strict=True)
        ]
        for word in LOSSES
        if f"lost when {word}" in rows
    }
    still = card_words.still_words(life, found.titles if found else {})
    st.markdown(plain(f"{card_words.gates_worth(life)} {still}".strip()))
    drawn = gate_life.gate_life(rows["block"], rows["moves by"], ALIVE, losses)
    show.figure(drawn, f"life-{checkpoint.name}", table=rows)


def _making(making: Making) -> None:
    st.markdown("**Make it again**")
    st.code(making.command, language="bash", wrap_lines=True)
    told = " ".join(part for part in (making.needs, making.took) if part)
    if told:
        st.caption(sentence(told))


def _facts(checkpoint: Checkpoint) -> None:
    """What is long, folded away."""
    card = checkpoint.card
    parts = {
        "Network": card_words.network(card, checkpoint.size_bytes),
        "Data and recipe": card_words.data(card),
        "Where it comes from": card_words.machine(card),
    }
    for title, facts in parts.items():
        with st.expander(title):
            st.markdown(_listed(facts))
            if title == "Data and recipe":
                _recipe(checkpoint)
            if title == "Where it comes from":
                _commands(checkpoint)


def _recipe(checkpoint: Checkpoint) -> None:
    words, table = card_words.recipe_sentence(checkpoint.card), card_words.recipe(checkpoint.card)
    if words:
        st.markdown(f"Recipe: {plain(words)}")
    if table["setting"]:
        st.table({column: [plain(cell) for cell in cells] for column, cells in table.items()})


def _commands(checkpoint: Checkpoint) -> None:
    """The other commands of the card, and what is known of a file that was brought."""
    card, making = checkpoint.card, card_words.making(checkpoint.card)
    for note in card.origin.notes if card.origin else ():
        st.markdown(f"- {sentence(note)}")
    for name, command in card.commands.items():
        if making is None or command != making.command:
            st.markdown(f"{plain(name.replace('_', ' '))}:")
            st.code(command, language="bash", wrap_lines=True)


def _listed(facts: Mapping[str, str]) -> str:
    return "\n".join(f"- **{plain(name)}:** {sentence(words)}" for name, words in facts.items())


def _history(checkpoint: Checkpoint) -> tuple[Epoch, ...]:
    try:
        return checkpoint.history()
    except SevizError as error:
        st.warning(sentence(str(error)))
        return ()


def _ablation(checkpoint: Checkpoint) -> Ablation | None:
    try:
        return caches.ablation(checkpoint)
    except SevizError as error:
        st.warning(sentence(str(error)))
        return None
