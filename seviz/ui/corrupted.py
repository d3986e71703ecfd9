"""Accuracy: corrupted pictures. What each corruption costs, what the gates do meanwhile, and what one looks like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from seviz.analysis import corruption_tables, corruption_words
from seviz.analysis import corruptions as analysis
from seviz.analysis.corruptions import KINDS
from seviz.checkpoints import Checkpoint
from seviz.corruptions import CORRUPTIONS_FILE, Corruptions, corrupted, corruptions_command
from seviz.errors import SevizError
from seviz.figures import corruptions as figures
from seviz.figures.maps import enlarged
from seviz.files import read_file
from seviz.images import MAX_BYTES, Preprocessing, decode, fit
from seviz.ui import address, caches, frame, jobs, show
from seviz.ui.choice import Choice
from seviz.ui.samples import Sample, samples
from seviz.ui.text import code, plain, sentence

SIDE = 96  # pixels of an example on the page
HOW = (
    "The decoded picture, at the size that the network sees, is corrupted before it is normalised. What is random follows from "
    "a seed and the picture's name, so that all networks see the very same corrupted pictures."
)
BROKEN = (
    "Right of the dotted line the network's own gates do better on the corrupted picture than those that it gave the clean "
    "one: they adapt. Left of it they do worse: they break. Static gates are at their mean over the clean pictures. Lines are "
    "95 % intervals (paired bootstrap); an open sign is not told from 0 by itself. The sentences at the top correct for the "
    "number of corruptions, and so may leave open what a full sign here tells."
)


@frame.fragment
def panel(choice: Choice) -> None:
    """The view of the page, for the networks that were measured; of the others, how to measure them."""
    found = {one.name: known for one in choice.both if (known := _find(one)) is not None}
    _missing([one for one in choice.both if one.name not in found])
    kind, strength = _choices()
    if found:
        _tell(choice, found, kind, strength)
    else:
        _pictures(choice.model, kind)
    st.caption(HOW)


def _tell(choice: Choice, found: Mapping[str, Corruptions], kind: str, strength: str) -> None:
    networks = {name: one.conditions for name, one in found.items()}
    _in_short(found, kind, strength)
    st.subheader("What corruptions cost", anchor=False)
    table = corruption_tables.table(networks)
    show.figure(figures.lost(networks, strength), f"lost-{strength}", table=table)
    st.caption("Points of accuracy beside the same clean pictures; lines are 95 % intervals (paired bootstrap).")
    st.subheader(KINDS[kind].title, anchor=False)
    _pictures(choice.model, kind)
    drawn = figures.against_strength(networks, kind, gates=True)
    show.figure(drawn, f"strength-{kind}")
    if len(found) == 2:
        _beside(found, strength)
    for name, one in found.items():
        if one.sites:
            _gates(name, one, strength)
    for checkpoint in choice.both:
        if checkpoint.name in found:
            _provenance(checkpoint, found[checkpoint.name])


def _choices() -> tuple[str, str]:
    """The corruption that is looked at closely, and how strong all of them are."""
    left, right = st.columns(2, vertical_alignment="bottom")
    names = list(KINDS)
    with left:
        address.read("corruption", names, names[0])
        chosen: str = st.selectbox(
            "Corruption", names, key="corruption", format_func=lambda name: KINDS[name].title, persist_state="session",
            help="The one that is shown at each of its strengths.",
        )  # fmt: skip
        address.write("corruption", names[0])
    with right:
        what = "The weakest, the middle or the strongest level of every corruption, in the figures that show all of them."
        strength = address.one_of("Strength", analysis.STRENGTHS, "strength", what, default="strong")
    return chosen, strength


def _find(checkpoint: Checkpoint) -> Corruptions | None:
    try:
        return caches.corruptions(checkpoint)
    except SevizError as error:
        st.error(sentence(str(error)), icon="⚠️")
        return None


def _missing(checkpoints: Sequence[Checkpoint]) -> None:
    """The commands of all, and the first as a job: its panel stands on a page once."""
    for checkpoint in checkpoints:
        command = f"{corruptions_command(checkpoint.folder / CORRUPTIONS_FILE)} --limit 2000"
        st.info(f"How {plain(checkpoint.name)} does on corrupted pictures is not known yet; {code(command)} measures it.")
    for checkpoint in [one for one in checkpoints if one.has_weights][:1]:
        jobs.panel(jobs.CORRUPT, checkpoint)


def _in_short(found: Mapping[str, Corruptions], kind: str, strength: str) -> None:
    level = KINDS[kind].at(strength)
    for name, one in found.items():
        words = list(one.findings[: 2 if one.sites else 1])
        if one.sites:
            verdict = analysis.verdicts(one.conditions)[kind, level]
            words.append(corruption_words.sentence(one.condition(kind, level), one.apart, one.sites, verdict))
        st.markdown(f"**{plain(name)}**")
        st.markdown("\n".join(f"- {plain(line)}" for line in words))


def _pictures(checkpoint: Checkpoint, kind: str) -> None:
    """A bundled photograph as the network sees it, clean and at every level of the corruption."""
    sample = next(one for one in samples() if one.name == "cat")
    rows = _examples(kind, checkpoint.card.preprocessing, sample)
    with st.container(horizontal=True, gap="small"):
        for words, pixels in rows.items():
            st.image(pixels, words, width=SIDE, output_format="PNG", alt=f"{KINDS[kind].title}: {words}.")
    st.caption(f"{sample.credit}, as {plain(checkpoint.name)} sees it.")


@st.cache_resource(max_entries=32, show_spinner=False)
def _examples(kind: str, preprocessing: Preprocessing, _sample: Sample) -> dict[str, NDArray[np.uint8]]:
    clean = fit(decode(read_file(_sample.path, MAX_BYTES)).pixels, preprocessing)
    levels = KINDS[kind].levels
    made = {words: corrupted(clean, _sample.name, kind, level) for level, words in levels.items()}
    return {words: enlarged(pixels, SIDE) for words, pixels in {"clean": clean, **made}.items()}


def _beside(found: Mapping[str, Corruptions], strength: str) -> None:
    (first, one), (second, other) = found.items()
    if not one.same_pictures(other):
        st.caption(f"{plain(first)} and {plain(second)} were measured over other pictures, so no difference is shown.")
        return
    st.subheader("One beside the other", anchor=False)
    known = _versus(first, second, one, other)
    table = corruption_tables.versus_table(first, second, known)
    show.figure(figures.difference(first, second, known, strength), f"difference-{strength}", table=table)
    st.caption(
        f"On the same corrupted pictures; right of the dotted line {plain(first)} is ahead. It loses less by what is left when "
        "the difference on the clean pictures is taken away. Intervals are not corrected for their number."
    )


def _versus(first: str, second: str, one: Corruptions, other: Corruptions) -> tuple[analysis.Versus, ...]:
    measured = tuple(str(hash(tuple(condition.right for condition in each.conditions))) for each in (one, other))
    return _compared((one.weights_sha256, other.weights_sha256, one.samples, *measured), one, other)


@st.cache_resource(max_entries=16, show_spinner="Comparing picture by picture")
def _compared(key: tuple[str, ...], _one: Corruptions, _other: Corruptions) -> tuple[analysis.Versus, ...]:
    return analysis.versus(_one.conditions, _other.conditions, _one.n)


def _gates(name: str, found: Corruptions, strength: str) -> None:
    st.subheader(f"Do the gates of {plain(name)} adapt, or break?", anchor=False)
    show.figure(figures.other_gates(found.conditions, strength), f"other-gates-{name}-{strength}")
    st.caption(BROKEN)
    drawn = figures.moved(found.conditions, found.apart, found.sites, strength)
    table = corruption_tables.moved_table(found.conditions, found.apart, found.sites)
    show.figure(drawn, f"moved-{name}-{strength}", table=table)
    low, high = min(one.absolute for one in found.apart), max(one.absolute for one in found.apart)
    st.caption(
        "How far the gates of each SE block move from those of the clean picture: root mean square over pictures and channels, "
        "over that between two different clean pictures. At 1 they are as far as those of another picture, whose gates differ "
        f"by {low:.2f} to {high:.2f} on average, block by block."
    )


def _provenance(checkpoint: Checkpoint, found: Corruptions) -> None:
    data = found.data
    of = f" of {data.count:,}" if found.n < data.count else ""
    st.caption(
        f"{code(checkpoint.name)} · weights `{found.weights_sha256[:8]}` · {plain(data.name)}, {data.split} · "
        f"{found.n:,}{of} pictures, seed {found.seed} · {code(found.command)}"
    )
    if not data.same_samples(checkpoint.card.data.test):
        st.caption("These are not the test pictures of the network's card, whose accuracy the other pages show.")
