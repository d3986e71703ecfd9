"""Where the picture comes from: an upload, the clipboard, the camera or a bundled sample.

The address holds a sample's name (`?picture=cat`). A picture of one's own is never in the address nor on disk: there it
says `picture=own`, and whoever opens the link is asked for it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from seviz.errors import PictureError
from seviz.images import MAX_BYTES, Picture, decode, shrunk
from seviz.ui.samples import Sample, samples
from seviz.ui.text import sentence

OWN, BEFORE = "own", "sample_before"  # of the session: a picture's bytes, and the sample whose place it took
SHOWN_SIDE = 1024  # pixels of the longer side to which the original is brought for the page


@dataclass(frozen=True)
class Chosen:
    """picture, and what it is called on the page. sample: None for a picture of one's own."""

    picture: Picture
    title: str
    sample: Sample | None


def choose() -> Chosen:
    """Draw the widgets and return the picture: one's own; else the chosen sample, or that before one's own; else the first."""
    known = {sample.name: sample for sample in samples()}
    _read_address(known)
    drop, shelf = st.columns([3, 2], gap="medium", vertical_alignment="top")
    with drop:
        _own_picture()
    with shelf:
        st.pills(
            "or look at a sample",
            list(known),
            format_func=lambda name: known[name].title,
            key="sample",
            wrap=True,
            on_change=_sample_chosen,
            persist_state="session",
        )
    own: bytes | None = st.session_state.get(OWN)
    if own is not None:
        try:
            return _told(Chosen(decoded(own), "your picture", None))
        except PictureError as error:
            st.error(sentence(str(error)), icon="⚠️")
            st.caption("Below is a sample instead.")
    elif st.query_params.get("picture") == OWN:
        st.info("This link was made with a picture of somebody's own, which links never carry. Drop yours above.", icon="🔗")
    sample = known[st.session_state.get("sample") or st.session_state.get(BEFORE) or next(iter(known))]
    return _told(Chosen(decoded(sample.path.read_bytes()), sample.title, sample))


def _own_picture() -> None:
    turn = st.session_state.setdefault("upload_turn", 0)
    st.file_uploader(
        "Drop, paste or choose a picture",
        key=f"upload-{turn}",
        max_upload_size=MAX_BYTES // 2**20,
        on_change=_own_chosen,
        args=(f"upload-{turn}",),
        help="JPEG, PNG, WebP, BMP, GIF or TIFF. It is decoded in memory and never written to disk.",
    )
    with st.popover("Use the camera", icon="📷"):
        # the camera is only asked for once somebody wants it
        if st.toggle("Switch the camera on", key="camera_on"):
            st.camera_input("Take a picture", key=f"camera-{turn}", on_change=_own_chosen, args=(f"camera-{turn}",))


def _read_address(known: dict[str, Sample]) -> None:
    """The sample of the session, else of the address, else the first; none while the picture is one's own."""
    if OWN in st.session_state:
        st.query_params["picture"] = OWN
        return
    asked = st.session_state.get("sample") or st.session_state.pop(BEFORE, None) or st.query_params.get("picture")
    if asked != OWN:
        st.session_state["sample"] = asked if asked in known else next(iter(known))
        st.query_params["picture"] = st.session_state["sample"]


def _own_chosen(widget: str) -> None:
    """A picture was dropped, pasted or taken (the newest holds), or taken away again."""
    taken = st.session_state[widget]
    if taken is not None:
        # under a name that is no widget's, so that it outlives a visit to another page
        st.session_state[OWN] = taken.getvalue()
        st.session_state[BEFORE] = st.session_state.get("sample") or st.session_state.get(BEFORE)
        st.session_state["sample"] = None
        st.query_params["picture"] = OWN
    elif OWN in st.session_state:
        _forget_own()


def _sample_chosen() -> None:
    if st.session_state["sample"] is None and OWN not in st.session_state:
        return  # a second click on the chosen sample: it stays (see _read_address)
    if st.session_state["sample"] is not None:
        st.query_params["picture"] = st.session_state["sample"]
        for name in (OWN, BEFORE):
            st.session_state.pop(name, None)
        st.session_state["upload_turn"] += 1  # fresh widgets: the sample takes the picture's place


def _forget_own() -> None:
    del st.session_state[OWN]
    st.query_params.pop("picture", None)


def _told(chosen: Chosen) -> Chosen:
    for notice in chosen.picture.notices:
        st.info(notice, icon="💡")
    return chosen


def original(picture: Picture) -> NDArray[np.uint8]:
    """The whole picture for the page, its longer side at most SHOWN_SIDE pixels."""
    return _original(picture.sha256, picture)


@st.cache_resource(max_entries=16, show_spinner=False)
def _original(sha256: str, _picture: Picture) -> NDArray[np.uint8]:
    return shrunk(_picture.pixels, SHOWN_SIDE)


# a photograph takes up to 150 MB decoded: two for each session, no more
@st.cache_resource(max_entries=2, show_spinner=False, scope="session")
def _decoded_by_key(sha256: str, _content: bytes) -> Picture:
    return decode(_content)


def decoded(content: bytes) -> Picture:
    """The picture in a file's bytes; the last two of a session are kept."""
    return _decoded_by_key(hashlib.sha256(content).hexdigest(), content)
