"""Where the picture comes from: an upload, the clipboard, the camera or a bundled sample.

The address holds a sample's name (`?picture=cat`). A picture of one's own is never in the address nor on disk: there it
says `picture=own`, and whoever opens the link is asked for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from seviz.errors import PictureError
from seviz.images import Picture, decode
from seviz.ui.samples import Sample, samples

MAX_MEGABYTES = 20
OWN = "own"


@dataclass(frozen=True)
class Chosen:
    """picture, and what it is called on the page. sample: None for a picture of one's own."""

    picture: Picture
    title: str
    sample: Sample | None


def choose() -> Chosen:
    """Draw the widgets and return the picture: the upload, else the chosen sample, else the first one."""
    known = {sample.name: sample for sample in samples()}
    _read_address(known)
    drop, shelf = st.columns([3, 2], gap="medium", vertical_alignment="top")
    with drop:
        content = _own_picture()
    with shelf:
        st.pills(
            "or look at a sample",
            list(known),
            format_func=lambda name: known[name].title,
            key="sample",
            wrap=True,
            on_change=_sample_chosen,
        )
    if content is not None:
        try:
            return _told(Chosen(_decoded(content), "your picture", None))
        except PictureError as error:
            st.error(str(error), icon="⚠️")
    elif st.query_params.get("picture") == OWN:
        st.info("This link was made with a picture of somebody's own, which links never carry. Drop yours above.", icon="🔗")
    sample = known[st.session_state.get("sample") or next(iter(known))]
    return _told(Chosen(_decoded(sample.path.read_bytes()), sample.title, sample))


def _own_picture() -> bytes | None:
    turn = st.session_state.setdefault("upload_turn", 0)
    uploaded = st.file_uploader(
        "Drop, paste or choose a picture",
        key=f"upload-{turn}",
        max_upload_size=MAX_MEGABYTES,
        on_change=_own_chosen,
        help="JPEG, PNG, WebP, BMP, GIF or TIFF. It is decoded in memory and never written to disk.",
    )
    with st.popover("Use the camera", icon="📷"):
        # the camera is only asked for once somebody wants it
        on = st.toggle("Switch the camera on", key="camera_on")
        shot = st.camera_input("Take a picture", key=f"camera-{turn}", on_change=_own_chosen) if on else None
    taken = uploaded or shot
    return taken.getvalue() if taken else None


def _read_address(known: dict[str, Sample]) -> None:
    asked = st.query_params.get("picture")
    if "sample" not in st.session_state and asked != OWN:
        st.session_state["sample"] = asked if asked in known else next(iter(known))


def _own_chosen() -> None:
    st.session_state["sample"] = None
    st.query_params["picture"] = OWN


def _sample_chosen() -> None:
    if st.session_state["sample"] is not None:
        st.query_params["picture"] = st.session_state["sample"]
        st.session_state["upload_turn"] += 1  # a fresh uploader: the sample takes the upload's place


def _told(chosen: Chosen) -> Chosen:
    for notice in chosen.picture.notices:
        st.info(notice, icon="💡")
    return chosen


@st.cache_resource(max_entries=64, show_spinner=False)
def _decoded_by_key(sha256: str, _content: bytes) -> Picture:
    return decode(_content)


def _decoded(content: bytes) -> Picture:
    import hashlib

    return _decoded_by_key(hashlib.sha256(content).hexdigest(), content)
