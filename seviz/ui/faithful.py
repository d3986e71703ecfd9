"""Inspect: is this map faithful? Asked of the map on the page when somebody wants to know, and of a sample beforehand."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from seviz.analysis import faithfulness as analysis
from seviz.analysis.tables import Table
from seviz.attribution import METHODS
from seviz.checkpoints import Checkpoint
from seviz.faithfulness import FAITHFULNESS_FILE, Checked, Faithfulness, faithfulness_command
from seviz.figures import faithfulness as figures
from seviz.images import encode_png
from seviz.ui import caches, drawn, frame, show
from seviz.ui.choice import Choice
from seviz.ui.pictures import Chosen
from seviz.ui.text import code, plain, sentence

KEPT = 24  # answers of a session
KINDS = {
    "deletion": "Its strongest pixels are painted over first, with the mean colour: if they matter, the probability falls at "
    "once.",
    "insertion": "Its strongest pixels come back first, into a blurred picture: if they suffice, the probability rises at "
    "once.",
}
Key = tuple[str, str, int, str, str]


def panel(choice: Choice, chosen: Chosen, targets: list[int | None], layers: list[str], method: str) -> None:
    """The question, then the answers of the networks side by side, and what a sample said. targets, layers: of each network;
    None where it does not know the class."""
    st.subheader("Is this map faithful?", anchor=False)
    st.markdown(
        "A map can look right and say nothing of the network. So it is put to the test: do the pixels that it names matter "
        "more than others, does it foretell what hiding a part costs, does it stay put when the picture hardly changes, and "
        "does it change when the network forgets what it learned?"
    )
    wanted = [
        (checkpoint, (checkpoint.card.sha256, chosen.picture.sha256, target, layer, method))
        for checkpoint, target, layer in zip(choice.shown, targets, layers, strict=True)
        if target is not None
    ]
    missing = [(checkpoint, key) for checkpoint, key in wanted if key not in _known()]
    place = st.empty()  # of the button, then of the bar that shows how far it is
    if missing:
        about = f"Seconds of work: some {_passes(method)} passes through each network, in small pieces, so that nobody waits."
        if place.button(f"Check this {METHODS[method]} map", key="faithful-check", help=about, icon="🔬"):
            _check(chosen, missing, place)
            missing = []
    if not missing and wanted:
        st.caption(
            "Random orders punch holes all over the picture, which disturb a network by themselves; the moved map and the "
            "order backwards have holes of the map's own kind. All curves and figures are of one picture."
        )
        for column, (checkpoint, key) in zip(st.columns(len(wanted), gap="large"), wanted, strict=True):
            with column:
                _answer(checkpoint, _known()[key])
    _samples(choice)


def _known() -> dict[Key, Checked]:
    known: dict[Key, Checked] = st.session_state.setdefault("faithful", {})
    return known


def _passes(method: str) -> str:
    return {"occlusion": "3,000", "integrated_gradients": "1,000"}.get(method, "600")


def _check(chosen: Chosen, missing: list[tuple[Checkpoint, Key]], place: DeltaGenerator) -> None:
    bar = place.progress(0.0, "Asking the network many times")
    for number, (checkpoint, key) in enumerate(missing):
        network = caches.model(checkpoint)
        words = f"Asking {plain(checkpoint.name)} many times"

        def tell(done: int, total: int, number: int = number, words: str = words) -> None:
            bar.progress((number + done / total) / len(missing), words)

        _, _, target, layer, method = key
        (found,) = network.faithfulness(chosen.picture, target, [method], layer=layer, progress=tell)
        known = _known()
        known[key] = found
        for old in list(known)[:-KEPT]:
            del known[old]
    place.empty()


def _answer(checkpoint: Checkpoint, found: Checked) -> None:
    name = plain(checkpoint.name)
    st.markdown(f"**{name}**, {METHODS[found.method]} for **{plain(found.label)}**")
    if found.is_flat:
        st.info("This map is the same everywhere: it orders nothing, so there is nothing to check. Choose another class.")
        return
    for measure, what in KINDS.items():
        order = getattr(found, measure)
        st.markdown(f"**{measure.capitalize()}.** {what}")
        line = figures.curve(
            measure, order.shares, order.own, order.random, order.moved, order.backwards, label=found.label
        )
        table = {
            "pixels": order.shares.tolist(),
            "this map": order.own.tolist(),
            "random, mean": order.random.mean(0).tolist(),
            "random, lowest": order.random.min(0).tolist(),
            "random, highest": order.random.max(0).tolist(),
            "moved map, mean": order.moved.mean(0).tolist(),
            "backwards": order.backwards.tolist(),
        }
        show.figure(line, f"{measure}-{checkpoint.name}", table=table)
        areas = (order.areas("random"), float(order.areas("moved").mean()), float(order.areas("backwards")[0]))
        st.markdown(analysis.curve_verdict(measure, order.area, *areas))
    _numbers(found)
    _forgetting(checkpoint, found)


def _numbers(found: Checked) -> None:
    """Infidelity and max-sensitivity, each with what it would be for a map that knows nothing."""
    figures_, setting = found.figures(), found.setting
    own, other = figures_["infidelity"]["own"], figures_["infidelity"]["shuffled"]
    verdict = "better" if own < other else "**no better**"
    st.markdown(
        f"**Infidelity {own:.2f}** of 1. {setting.squares} squares of the picture are hidden, and the map's values under each "
        f"should foretell, but for one factor, what the logit loses: 0 is exactly, 1 not at all. With the same values in other "
        f"places it is {other:.2f}, so this map is {verdict} than one that knows no places."
    )
    own, other = figures_["sensitivity"]["own"], figures_["sensitivity"]["shuffled"]
    moves = "hardly moves" if own < 0.1 else "moves" if own < other else "moves as much as if it knew no places"
    st.markdown(
        f"**Max-sensitivity {own:.3f}.** Under noise that nobody sees (up to {setting.radius:g} standard deviations of a "
        f"colour, {setting.noisy} times) the map {moves}: the largest change is {own:.1%} of its length. A map with the same "
        f"values in other places is {other:.0%} of it away."
    )


def _forgetting(checkpoint: Checkpoint, found: Checked) -> None:
    st.markdown(
        "**Weights redrawn.** From the classifier down, stage after stage forgets what it learned. A map that stays the same "
        "shows the picture, not what the network knows of it."
    )
    shown = [("trained", found.values, 1.0, 1.0)]
    shown += [(one.stage, one.values, one.signed, one.absolute) for one in found.redrawn]
    with st.container(horizontal=True, gap="small", key=f"redrawn-{checkpoint.name}"):
        for stage, values, _, absolute in shown:
            title = plain(stage.replace("layer", "stage "))
            alt = f"{checkpoint.name}, {stage}: rank correlation {absolute:.2f} with the map of the trained network."
            png = encode_png(figures.small_map(values))
            st.image(png, f"{title}  \n{absolute:.2f}", output_format="PNG", width=figures.SIDE, alt=alt)
    last = found.redrawn[-1]
    st.markdown(
        f"Below each map: Spearman's rank correlation of its magnitudes with those of the trained network's map, 1 for the "
        f"same order. With everything forgotten it is {last.absolute:.2f} ({last.signed:.2f} with signs): "
        f"{analysis.dependence((last.absolute, last.absolute))}. A map that is the same everywhere orders nothing and counts "
        "as 0."
    )
    stages, _, signed, absolute_ones = zip(*shown, strict=True)
    table: Table = {"redrawn to": stages, "rank correlation": signed, "of magnitudes": absolute_ones}
    show.numbers(table, f"redrawn-numbers-{checkpoint.name}")


def _samples(choice: Choice) -> None:
    with st.expander("Over many test pictures, all methods", key="faithful-samples"):
        for checkpoint in choice.shown:
            with frame.telling():
                _sample(checkpoint)


def _sample(checkpoint: Checkpoint) -> None:
    name, found = checkpoint.name, caches.faithfulness(checkpoint)
    if found is None:
        command = faithfulness_command(checkpoint.folder / FAITHFULNESS_FILE)
        st.info(f"Nobody measured this for {plain(name)}; {code(command)} does, where D is the data set.")
        return
    st.markdown(f"**{plain(name)}**, {plain(about(found))}")
    st.dataframe(
        dict(analysis.wide(found.methods)), hide_index=True, key=f"faithful-{name}",
        alt=f"Deletion, insertion, infidelity, max-sensitivity and redrawn weights of {name}, a row a method.",
    )  # fmt: skip
    st.caption(analysis.LEGEND)
    left, right = st.columns(2, gap="large")
    for column, measure in ((left, "deletion"), (right, "insertion")):
        with column:
            show.figure(drawn.faithful_figure(found, measure), f"faithful-{measure}-{name}")
    show.figure(drawn.faithful_figure(found, "forgetting"), f"faithful-forgetting-{name}", table=analysis.long(found.methods))
    with st.expander("In words"):
        for words in found.findings:
            st.markdown(f"- {sentence(words)}")


def about(found: Faithfulness) -> str:
    """What was measured, in words."""
    return (
        f"maps of the class that it predicts, {found.n:,} pictures of {found.data.name}, {found.data.split} ({found.right:,} "
        f"predicted right), Grad-CAM at {found.layer}"
    )
