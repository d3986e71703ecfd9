"""The sidebar: which network is looked at, and which one stands beside it. Both live in the address.

Who has chosen one of the two, in the sidebar or by a link, has chosen the network that is shown, and takes it to the other
pages. Until then every page opens with a pair of its own, so that a glance at Inspect, which begins with the networks for
photographs, does not bring them to a page whose figures are about others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from seviz.checkpoints import Checkpoint, Entry, checkpoints_home, find_checkpoints, open_checkpoint
from seviz.errors import CheckpointError, printable
from seviz.history import Epoch
from seviz.ui import address, caches
from seviz.ui.text import plain, sentence

NONE = "none"
FIRST = ("se_resnet20",)  # what a page opens with: the first of these that is here
PHOTOS = ("se_resnet18_photos", *FIRST)  # of Inspect, to which people bring photographs
OPENED = "opened-with"  # of the session: the networks that a page shows by itself, since nobody has chosen


@dataclass(frozen=True)
class Choice:
    """model: the network that is looked at. against: the one beside it, or None. third: on pages that offer one."""

    model: Checkpoint
    against: Checkpoint | None
    third: Checkpoint | None = None

    @property
    def both(self) -> tuple[Checkpoint, ...]:
        return (self.model, self.against) if self.against else (self.model,)

    @property
    def shown(self) -> tuple[Checkpoint, ...]:
        return (*self.both, self.third) if self.third else self.both


def choose(*, weights: bool = True, seeds: bool = False, first: Sequence[str] = FIRST) -> Choice:
    """Draw the sidebar and return what is chosen; stops the page, with a sentence, where there is nothing to choose.

    weights: only networks that can be run (with weights), not runs that left figures alone. seeds: also those that ship as
    card, history and evaluation. first: what the page opens with, beside its twin, while nobody has chosen: the first of these
    that is here.
    """
    entries = find_checkpoints()
    sound = [entry for entry in entries if entry.card and not entry.problem]
    usable = [entry for entry in sound if _has_weights(entry) or (not weights and (seeds or _ships_whole(entry)))]
    if not usable:
        home = plain(printable(str(checkpoints_home())))
        st.error(f"There is no network in {home}; train one with `python -m seviz train`, or restore the folder.")
        _tell_broken(entries)
        st.stop()
    names = sorted((entry.name for entry in usable), key=lambda name: (not _is_se(usable, name), name))
    _forget_unchosen(st.session_state.setdefault(OPENED, {}))
    with st.sidebar:
        _tell_asked([entry.name for entry in sound if entry not in usable and not _ships_whole(entry)])
        model = _pick("Network", names, "model", _default(names, first), "The network whose gates are shown.")
        others = [NONE, *(name for name in names if name != model)]
        twin = _twin(model, others, usable)
        against = _pick("Beside it", others, "against", twin, "Shown next to the network; its plain twin says what SE changes.")
        _tell_of_the_other_pages(model, _default(names, FIRST))
        _tell_broken(entries)
        _tell_unusable(entries, usable)
        st.caption(f"Runs on **{caches.device()}**")
    return Choice(open_checkpoint(model), None if against == NONE else open_checkpoint(against))


def _tell_of_the_other_pages(model: str, elsewhere: str) -> None:
    """That they show another network, where this page has opened with one that nobody chose."""
    if st.session_state[OPENED].get("model") == model != elsewhere:
        st.caption(f"The other pages open with **{plain(elsewhere)}**. A network that is chosen here goes along to them.")


def _tell_asked(alone: list[str]) -> None:
    """A link to a training without weights, on a page that would have to run it."""
    for name in {st.query_params.get(key) for key in ("model", "against")} & set(alone):
        st.info(f"**{plain(str(name))}** ships without weights, so this page cannot run it.")


def _forget_unchosen(opened: dict[str, str]) -> None:
    """Take out of the session what the last page opened with by itself; `opened` holds it, key -> name.

    Who has chosen the network beside has chosen the pair: the other one stays as well.
    """
    if st.session_state.get("against", opened.get("against")) != opened.get("against"):
        opened.pop("model", None)
    for key, name in opened.items():
        if st.session_state.get(key) == name:
            del st.session_state[key]


def _pick(label: str, names: list[str], key: str, default: str, help_text: str) -> str:
    """One of the names: what somebody has chosen, else `default`."""
    asked = st.query_params.get(key, default)
    if asked not in names and key not in st.session_state:
        st.info(f"The link names a network that is not here; {plain(default)} is shown.")
    by_itself = st.session_state.get(key, st.query_params.get(key)) not in names
    address.read(key, names, default)
    chosen: str = st.selectbox(label, names, key=key, help=help_text, persist_state="session")
    address.write(key, default)
    opened = st.session_state[OPENED]
    if by_itself:
        opened[key] = chosen
    else:
        opened.pop(key, None)
    return chosen


def _default(names: list[str], wanted: Sequence[str]) -> str:
    return next((name for name in wanted if name in names), names[0])


def _twin(model: str, others: list[str], entries: list[Entry]) -> str:
    """The network to stand beside: the plain twin by its name (se_resnet20 and resnet20, timm's seresnet50 and resnet50 by
    the same recipe), else one of the same classes without gates, else one of the same classes, else none."""
    plain = re.sub(r"(^|:)(legacy_)?se_?(?=res)", r"\1", model)
    wanted = [plain] if plain != model else [re.sub(r"(^|:)(?=res)", rf"\1{se}", model) for se in ("se_", "se")]
    bare = [name.split(".")[0] for name in wanted if ":" in name]
    cards = {entry.name: entry.card for entry in entries if entry.card}
    alike = [name for name in others if name in cards and cards[name].classes == cards[model].classes]
    named = [name for name in others if name in wanted] + [name for name in others if name.split(".")[0] in bare]
    found = [*named, *(name for name in alike if not cards[name].is_se), *alike]
    return found[0] if found and (named or cards[model].library) else others[0]


def _is_se(entries: list[Entry], name: str) -> bool:
    return any(entry.name == name and entry.card is not None and entry.card.is_se for entry in entries)


def _tell_unusable(entries: tuple[Entry, ...], usable: list[Entry]) -> None:
    """Why a network that one may look for, or that a link names, is not in the lists."""
    absent = [entry for entry in entries if entry.card and not entry.problem and entry not in usable]
    alone = sum(not _ships_whole(entry) for entry in absent)
    if alone:
        count = "one training that ships" if alone == 1 else f"{alone} trainings that ship"
        st.caption(f"Not in these lists: {count} without weights; Compare, Accuracy and Training show them.")
    for entry in absent:
        if _ships_whole(entry):
            st.info(f"**{plain(entry.name)}** has no weights, so it cannot be run; the other pages show its figures.")


def _has_weights(entry: Entry) -> bool:
    return open_checkpoint(entry.folder).has_weights


def _ships_whole(entry: Entry) -> bool:
    return entry.card is not None and entry.card.weights_shipped


def _tell_broken(entries: tuple[Entry, ...]) -> None:
    for entry in entries:
        if entry.problem:
            st.warning(f"**{plain(entry.name)}** is left out: {sentence(entry.problem)}")


def ordered(first: Sequence[Checkpoint], then: Callable[[Entry], bool]) -> list[Entry]:
    """Every entry with a card: the chosen networks, those that `then` is true of, the rest."""
    names = [checkpoint.name for checkpoint in first]

    def rank(entry: Entry) -> int:
        return names.index(entry.name) if entry.name in names else len(names) + (not then(entry))

    return sorted((entry for entry in find_checkpoints() if entry.card), key=rank)


def runs(first: Sequence[Checkpoint]) -> dict[str, tuple[Epoch, ...]]:
    """Every training with a history: name -> its epochs. A damaged history is told in the sidebar and left out.

    The chosen networks come first, so that they have the same colours as on the other pages; seeds without weights come last.
    """
    found: dict[str, tuple[Epoch, ...]] = {}
    for entry in ordered(first, _ships_whole):
        try:
            epochs = open_checkpoint(entry.folder).history()
        except CheckpointError as error:
            st.sidebar.warning(sentence(str(error)))
            continue
        if epochs:
            found[entry.name] = epochs
    return found
