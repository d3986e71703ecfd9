"""Each channel dropped alone, beside its mean gate and how much it tells classes apart: a high gate is not an important one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from seviz.ablation import ABLATION_FILE, Ablation
from seviz.analysis import tables
from seviz.analysis.importance import (
    EFFECTS,
    KNOWN,
    TOGETHER,
    Correlation,
    Dropped,
    correlations,
    known,
    network_sentence,
    overlap_sentence,
    site_sentence,
)
from seviz.analysis.moments import Moments
from seviz.checkpoints import Checkpoint
from seviz.errors import SevizError
from seviz.excitation import EXCITATION_FILE, Excitation
from seviz.figures import importance as figures
from seviz.figures.importance import Cloud
from seviz.gates import Site
from seviz.ui import address, caches, frame, jobs, show
from seviz.ui.ablation import stored
from seviz.ui.excitation.controls import one as one_of_list
from seviz.ui.text import plain, sentence

ALL = "all blocks"


@dataclass(frozen=True, eq=False)
class Studied:
    """What dropping the channels of each site does, with the moments of its gates. key: changes with both files."""

    sites: tuple[Site, ...]
    pairs: tuple[tuple[Dropped, Moments], ...]
    key: tuple[object, ...]


@frame.fragment
def panel(checkpoint: Checkpoint) -> None:
    """The sentences of the whole network, a point a channel, and the rank correlations site by site."""
    found = stored.find(checkpoint)
    if found is None:
        return
    if not found.channels:
        stored.lacking(checkpoint, "every channel dropped alone", found.adding(channels=1000))
        return
    statistics = _statistics(checkpoint)
    if statistics is None:
        return
    studied = _study(checkpoint, found, statistics)
    st.markdown(
        "A gate says how far a channel is opened, not what the channel is worth. Here every channel was dropped alone: its "
        "effect stands beside what its gate looks like."
    )
    name, effect = _choices()
    _words(studied, name, effect)
    _cloud(studied, name, effect)
    _correlations(studied, effect)
    st.caption(
        f"Effects: {found.channels[0].n:,} pictures, drawn at random. Gates, selectivity and eta squared: {statistics.n:,} "
        "pictures. Within blocks: correlations block by block, pooled (Fisher's z), so that levels of blocks do not count."
    )
    if not found.data.same_samples(statistics.key.data):
        st.caption("The gates were measured over other pictures than the edits.")
    stored.provenance(checkpoint, found)


def _statistics(checkpoint: Checkpoint) -> Excitation | None:
    """Of the gates; where there are none, None and what to do."""
    try:
        found = caches.excitation(checkpoint)
    except SevizError as error:
        st.error(sentence(str(error)), icon="⚠️")
        found = None
    if found is None:
        st.info("This view sets effects beside the gates over a data set, which are not stored yet.")
        jobs.excite_panel(checkpoint)
    return found


def _study(checkpoint: Checkpoint, found: Ablation, statistics: Excitation) -> Studied:
    changed = (caches.changed(checkpoint, file) for file in (ABLATION_FILE, EXCITATION_FILE))
    pairs = tuple((one, statistics.moments(one.site)) for one in found.channels)
    return Studied(found.sites, pairs, (str(checkpoint.folder), checkpoint.card.sha256, *changed))


def _choices() -> tuple[str, str]:
    left, right = st.columns(2, gap="medium")
    with left:
        what = (
            "Its mean over all pictures; the class-selectivity index of Morcos et al. 2018; or the share of its variance that "
            "the class explains."
        )
        name = address.named("Of the gate", KNOWN, "known", what)
    with right:
        what = "What dropping the channel does: how far logits move, or how many points of accuracy are lost."
        effect = address.named("Effect", EFFECTS, "effect-of", what)
    return name, effect


def _words(studied: Studied, name: str, effect: str) -> None:
    found = _correlated(studied.key, effect, studied)[name]
    st.markdown(f"**{plain(network_sentence(name, effect, found[0], found[len(TOGETHER) :]))}**")
    pairs = [(known(moments, name), one.effect(effect)) for one, moments in studied.pairs]
    st.markdown(plain(overlap_sentence(name, pairs)))


def _cloud(studied: Studied, name: str, effect: str) -> None:
    titles = [site.title for site in studied.sites]
    chosen = one_of_list("Channels of", [ALL, *titles], ALL, "channels-of", "All SE blocks in one figure, or one of them.")
    rows = range(len(titles)) if chosen == ALL else [titles.index(chosen)]
    clouds, notes = [], []
    for row in rows:
        one, moments = studied.pairs[row]
        clouds.append(Cloud(titles[row], known(moments, name), one.effect(effect), studied.sites[row].stage))
        notes.append(_notes(one))
    if chosen != ALL:
        found = _correlated(studied.key, effect, studied)[name][len(TOGETHER) + rows[0]]
        st.markdown(plain(site_sentence(chosen, name, effect, clouds[0].values, clouds[0].effect, found)))
    drawn = figures.scatter(clouds, name, effect, notes=notes)
    show.figure(drawn, f"channels-{chosen}-{name}-{effect}")
    show.numbers(_table(studied.key, tuple(rows), studied), f"dropped-channels-{chosen}")


def _notes(one: Dropped) -> Sequence[str]:
    both = zip(100 * one.difference, one.changed, strict=True)
    return [f"accuracy {points:+.1f} points, another class for {changed / one.n:.1%}" for points, changed in both]


def _correlations(studied: Studied, effect: str) -> None:
    st.subheader("Rank correlations", anchor=False)
    found = _correlated(studied.key, effect, studied)
    labels = [*TOGETHER, *(site.title for site in studied.sites)]
    drawn = figures.correlations(labels, found)
    show.figure(drawn, f"rank-correlations-{effect}", table=tables.correlations(labels, found))
    st.caption(
        f"Spearman's, with {EFFECTS[effect]}, at 95 %. Right of the dotted line, channels with more of it do more; an open "
        "sign is not told from 0, by itself."
    )


@st.cache_resource(max_entries=16, show_spinner="Ranking channels")
def _correlated(key: tuple[object, ...], effect: str, _studied: Studied) -> dict[str, list[Correlation]]:
    return correlations(_studied.pairs, effect)


@st.cache_resource(max_entries=32, show_spinner="Counting pictures again and again")
def _table(key: tuple[object, ...], rows: tuple[int, ...], _studied: Studied) -> show.Table:
    return tables.dropped_channels([_studied.pairs[row] for row in rows])
