"""The pictures behind sample ids, when the data are at hand: CIFAR-10, or a folder that a person named or SEVIZ_DATA holds.

Numbers and pictures are matched by the data set's key (names and labels of all its samples), never by a name alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from seviz.data import DataKey, Listing, PictureSet, data_home, download_cifar10, has_cifar10, list_folder, open_data
from seviz.errors import PictureError, SevizError, printable
from seviz.figures.maps import enlarged
from seviz.files import read_file
from seviz.images import MAX_BYTES, decode, shrunk
from seviz.ui.text import plain, sentence

SIDE = 96  # pixels
FOLDER = "data_folder"  # where the session keeps the folder that was named

Place = TypeVar("Place")
Read = Callable[[str], NDArray[np.uint8]]


@dataclass(frozen=True)
class Shown:
    """A sample to show: its id, the line below it (Markdown), and what a screen reader says of it."""

    sample: str
    caption: str
    alt: str


def find(key: DataKey, classes: Sequence[str]) -> Read | None:
    """How to read a picture of the data set `key` by its id; None where the data are not at hand.

    classes: in the order in which the key's labels count them. What is returned raises PictureError, one sentence that
    names the file, for a picture that is gone or cannot be read.
    """
    if has_cifar10():
        try:
            known, read = _cifar10(key.split)
        except SevizError as error:
            st.warning(sentence(str(error)))
        else:
            if known.same_samples(key):
                return read
    for folder in _folders(key):
        found = _listing(str(folder), key.split, tuple(classes))
        if isinstance(found, Listing) and found.key.same_samples(key):
            return _reader(found)
    return None


def gallery(read: Read, samples: Sequence[Shown]) -> None:
    """Small pictures side by side, as many a line as there is room for."""
    with st.container(horizontal=True, gap="small"):
        for one in samples:
            try:
                pixels = read(one.sample)
            except PictureError as error:
                st.caption(f"{sentence(str(error))}  \n{one.caption}", width=SIDE)
                continue
            small = enlarged(shrunk(pixels, SIDE), SIDE)
            st.image(small, one.caption, output_format="PNG", width=SIDE, alt=one.alt)


def offer(key: DataKey, classes: Sequence[str]) -> None:
    """In the place of pictures: how to bring them. A folder to name, and CIFAR-10 to download."""
    with st.container(key="bring-pictures"):
        st.caption(f"The pictures of {plain(key.name)}, {plain(key.split)}, are not at hand: samples are shown by their names.")
        with st.expander("Show the pictures"):
            named = st.text_input(
                "Folder with the pictures", key="data_folder_typed", persist_state="session",
                placeholder="one folder a class, in test/ or as it is",
                help="It is only read, on the machine where the app runs. Its pictures are shown when names and labels of "
                "all of them are those that the numbers were made from.",
            )  # fmt: skip
            if named:
                _judge(named, key, classes)
            if not has_cifar10():
                _offer_download()


def _judge(named: str, key: DataKey, classes: Sequence[str]) -> None:
    """Take the folder if it holds the samples, else say why not."""
    folder = Path(os.path.expanduser(named))  # not Path.expanduser, which raises for the home of somebody who has none
    if not os.path.isdir(folder):
        st.error(sentence(printable(f"There is no folder {folder}; name one that holds one folder a class.")), icon="⚠️")
        return
    found = _listing(str(folder), key.split, tuple(classes))
    if isinstance(found, str):
        st.error(sentence(found), icon="⚠️")
    elif not found.key.same_samples(key):
        st.error(
            f"{plain(str(folder))} holds {found.key.count:,} other samples than the {key.count:,} that the numbers were made "
            "from.",
            icon="⚠️",
        )
    else:
        st.session_state[FOLDER] = str(folder)
        st.rerun()


def _offer_download() -> None:
    st.caption("If the numbers were made from CIFAR-10 or its copies, one download brings the pictures (170 MB).")
    if st.button("Download CIFAR-10", icon="⬇️", key="download-cifar10"):
        bar = st.progress(0.0, "Downloading CIFAR-10")

        def report(done: int, total: int) -> None:
            bar.progress(done / total if total else 0.0, f"{done / 1e6:.0f} of {total / 1e6:.0f} MB")

        try:
            download_cifar10(report)
        except SevizError as error:
            bar.empty()
            st.error(sentence(str(error)), icon="⚠️")
            return
        st.rerun()


def _folders(key: DataKey) -> list[Path]:
    """Where the pictures may lie: the folder that was named, and one in data_home() of the data set's name."""
    named = st.session_state.get(FOLDER)
    places = [Path(named)] if named else []
    if key.name.startswith("folder:"):
        places.append(data_home() / Path(key.name.removeprefix("folder:")).name)
    return [place for place in (*places, data_home()) if os.path.isdir(place)]


def _place(places: Mapping[str, Place], sample: str) -> Place:
    if sample not in places:
        raise PictureError(f"{sample} cannot be read (the data set has no such sample).")
    return places[sample]


def _one(data: PictureSet, place: int) -> NDArray[np.uint8]:
    found: NDArray[np.uint8] = data.pictures[place : place + 1][0]
    return found


def _reader(found: Listing) -> Read:
    def read(sample: str) -> NDArray[np.uint8]:
        path = _place(found.places, sample)
        try:
            return decode(read_file(path, MAX_BYTES)).pixels
        except OSError as error:
            raise PictureError(f"{path} cannot be read ({error.strerror}).") from error
        except PictureError as error:
            reason = str(error)
            raise PictureError(f"{path} cannot be shown: {reason[:1].lower()}{reason[1:]}") from error

    return read


@st.cache_resource(max_entries=2, show_spinner="Reading CIFAR-10")
def _cifar10(split: str) -> tuple[DataKey, Read]:
    data = open_data("cifar10", split)
    places = {sample: place for place, sample in enumerate(data.ids)}
    return data.key, lambda sample: _one(data, _place(places, sample))


@st.cache_resource(max_entries=16, ttl=60, show_spinner="Looking for the pictures")
def _listing(folder: str, split: str, classes: tuple[str, ...]) -> Listing | str:
    """What lies in a folder, or why nothing does; looked at again after a minute."""
    try:
        return list_folder(Path(folder), split, classes)
    except (SevizError, OSError) as error:
        return str(error)
