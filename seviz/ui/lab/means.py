"""Mean gates that edits may ask for, and what the switch `swap` brings in."""

from __future__ import annotations

import streamlit as st

from seviz.checkpoints import Checkpoint
from seviz.edits import ClassMean, Means, OtherPicture
from seviz.edits.values import Becomes
from seviz.edits.words import becomes
from seviz.errors import PictureError, SevizError
from seviz.images import MAX_BYTES, Picture
from seviz.ui import address, caches, pictures
from seviz.ui.pictures import Chosen
from seviz.ui.samples import samples
from seviz.ui.text import sentence

OWN = "your second picture"  # what it is called in edits, and under which the session keeps its file


def find(checkpoint: Checkpoint) -> Means | None:
    """The mean gates of the network over a data set; None where there are none, with a sentence where they are damaged."""
    try:
        return caches.means(checkpoint)
    except SevizError as error:
        st.error(sentence(str(error)), icon="⚠️")
        return None


def other_pictures() -> tuple[str, ...]:
    """The names of the pictures whose gates can be swapped in: the samples, and one's own where it was handed in."""
    return (*(sample.name for sample in samples()), *([OWN] if OWN in st.session_state else []))


def picture(name: str) -> Picture:
    """The picture of a name of other_pictures()."""
    if name == OWN:
        return pictures.decoded(st.session_state[OWN])
    return pictures.decoded(next(sample for sample in samples() if sample.name == name).path.read_bytes())


def own(key: str) -> None:
    """Draw the uploader of a second picture of one's own; it becomes the choice of the list `key`."""
    st.file_uploader(
        "or a picture of your own", key="b-upload", max_upload_size=MAX_BYTES // 2**20, on_change=_take, args=(key,),
        help="It is decoded in memory and never written to disk; links never carry it.",
    )  # fmt: skip


def _take(key: str) -> None:
    taken = st.session_state["b-upload"]
    st.session_state.pop(OWN, None)
    if taken is None:
        st.session_state.pop(key, None)
        return
    content = taken.getvalue()
    try:
        pictures.decoded(content)
    except PictureError as error:
        st.session_state["b-problem"] = str(error)
        return
    st.session_state[OWN], st.session_state[key] = content, OWN


def source(means: Means | None, chosen: Chosen) -> Becomes:
    """Draw the choice of what `swap` brings in; it stands in the address as an edit writes it."""
    known = sources(means)
    first = next(name for name, gate in known.items() if not _is_own(gate, chosen))
    address.read("swap", list(known), first)
    name = st.selectbox(
        "Swap brings in", list(known), key="swap", persist_state="session", format_func=lambda name: becomes(known[name]),
        help="What the switch `swap` puts in a gate's place: the gates that the network gives another picture, or the mean "
        "gates of a class over the data set.",
    )  # fmt: skip
    address.write("swap", first)
    return known[name]


def sources(means: Means | None) -> dict[str, Becomes]:
    """What can be swapped in, by the text that an edit has for it."""
    found: dict[str, Becomes] = {f"from.{name}": OtherPicture(name) for name in other_pictures()}
    if means is not None:
        found |= {f"class.{label}": ClassMean(label) for label in means.classes}
    return found


def _is_own(gate: Becomes, chosen: Chosen) -> bool:
    return isinstance(gate, OtherPicture) and chosen.sample is not None and gate.picture == chosen.sample.name
