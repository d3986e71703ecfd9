"""Models: the panel "Bring a checkpoint": a file is looked at, what was found is told, and only then it is imported."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from seviz import intake
from seviz.errors import RequestError
from seviz.intake import sources
from seviz.intake.importing import require_settings
from seviz.ui import frame, show
from seviz.ui.text import plain, sentence

ARCHS = (
    *("resnet20", "resnet56", "se_resnet20", "se_resnet56", "resnet18", "resnet50", "se_resnet50"),
    *("timm:seresnet50", "timm:legacy_seresnet50", "timm:efficientnet_b0", "timm:mobilenetv3_small_100", "timm:regnety_002"),
    *("torchvision:mobilenet_v3_small", "torchvision:efficientnet_b0", "torchvision:regnet_y_400mf"),
)
MOST_ROWS = 2000


@dataclass(frozen=True)
class Brought:
    """A file to look at. key: what it is known by in caches. content: of an upload, else None; path: of a file, else None."""

    name: str
    key: str
    content: bytes | None = None
    path: Path | None = None

    @contextlib.contextmanager
    def opened(self) -> Iterator[Path]:
        if self.content is not None:
            with sources.staged(self.content) as path:
                yield path
        elif self.path is not None:
            yield self.path


def panel() -> None:
    """Choose a file, see what it is, say what it does not, and import it."""
    with st.expander("Bring a checkpoint", key="bring", icon="📦", expanded="brought" in st.session_state):
        _told_before()
        _panel()


@frame.fragment
def _panel() -> None:
    st.markdown(
        "Weights that PyTorch or safetensors wrote: `.safetensors`, `.pt`, `.pth`, `.th`, `.ckpt`. They are read in a process "
        "of their own, never run, and nothing is loaded before you see what was found."
    )
    brought = _choose()
    if brought is None:
        return
    arch = st.session_state.get(f"bring-arch-{brought.key}")
    report = _report(brought.key, None, brought)
    if arch:
        with frame.telling():  # a name that there is not leaves the box to write another
            report = _report(brought.key, arch, brought)
    _tell(report)
    if arch or not report.fits:
        _ask_arch(report, brought.key)
    if report.fits:
        _form(brought, report, arch)


def _choose() -> Brought | None:
    taken = st.file_uploader(
        "Drop or choose a file",
        key="bring-upload",
        max_upload_size=sources.MAX_UPLOAD // 2**20,
        help="It is kept in memory, looked at in a private folder under a name of ours, and removed from there at once.",
    )
    folder = sources.allowed_folder()
    text = ""
    if folder is not None:
        text = st.text_input(
            "or a path in the folder of checkpoints",
            key="bring-path",
            placeholder="runs/model.pth",
            help=f"Below the folder that {sources.FOLDER_VARIABLE} names on the computer that runs the app.",
        ).strip()
    if taken is not None:
        content = taken.getvalue()
        return Brought(taken.name, hashlib.sha256(content).hexdigest(), content=content)
    if not text:
        return None
    path = sources.in_allowed_folder(text)
    status = path.stat() if path.exists() else None
    stamp = f"{path} {status.st_size} {status.st_mtime_ns}" if status else str(path)
    return Brought(path.name, hashlib.sha256(stamp.encode(errors="replace")).hexdigest(), path=path)


@st.cache_resource(max_entries=1, show_spinner=False)
def _turns() -> sources.Turns:
    return sources.Turns()


@st.cache_resource(max_entries=16, show_spinner="Looking at the file")
def _report(key: str, arch: str | None, _brought: Brought) -> intake.Report:
    with _turns(), _brought.opened() as path, intake.taken_in(path, _brought.name) as taken:
        return intake.examine(taken, arch)


def _tell(report: intake.Report) -> None:
    (st.success if report.fits else st.warning)(sentence(report.sentence))
    for note in report.notes:
        st.markdown(f"- {sentence(note)}")
    if report.told.said:
        said = ", ".join(f"{plain(name)} {value:g}" for name, value in report.told.said.items())
        st.caption(f"In the file's own words, not measured here: {said}.")
    if report.comparison is not None:
        rows = sorted(report.comparison.rows, key=lambda row: row.state == intake.MATCHED)[:MOST_ROWS]
        table: show.Table = {
            "tensor": [row.name or row.in_file for row in rows],
            "in the file": [row.in_file or "-" for row in rows],
            "expected": [_shape(row.expected) for row in rows],
            "found": [_shape(row.found) for row in rows],
            "state": [row.state for row in rows],
        }
        st.markdown(f"**Expected against found:** {report.comparison.summary}.")
        show.numbers(table, "bring-tensors")


def _ask_arch(report: intake.Report, key: str) -> None:
    st.selectbox(
        "Which network is it?",
        list(dict.fromkeys((*report.choices, *ARCHS))),
        index=None,
        key=f"bring-arch-{key}",
        accept_new_options=True,
        placeholder="choose one, or write its name, such as timm:seresnet34",
        help="Its names and shapes are compared with those in the file, and nothing is loaded where they differ.",
    )


def _form(brought: Brought, report: intake.Report, arch: str | None) -> None:
    guess = intake.meaning(report, intake.Settings())
    shown = guess.preprocessing
    with st.form("bring-form", border=False):
        names = st.text_area(
            "Class names",
            key="bring-classes",
            placeholder=", ".join(guess.classes[:12]),
            help=f"{len(guess.classes):,} names, with commas between them or one a line. Empty: what stands there in grey.",
        )
        columns = st.columns(4)
        mean = columns[0].text_input("Mean", key="bring-mean", placeholder=_numbers(shown.mean), help="Red, green, blue, 0..1.")
        std = columns[1].text_input("Deviation", key="bring-std", placeholder=_numbers(shown.std), help="Of red, green, blue.")
        size = columns[2].text_input("Size", key="bring-size", placeholder=str(shown.height), help="Pixels of a side.")
        name = columns[3].text_input("Name", key="bring-name", placeholder="from its kind", help="Of the network from now on.")
        for note in guess.notes:
            st.caption(sentence(note))
        sent = st.form_submit_button("Import", type="primary", help="Load the weights and keep the network with a card.")
    if sent:
        side = _side(size)
        settings = intake.settings_of(intake.names_in(names) or None if names.strip() else None, mean, std, side)
        _import(brought, arch, settings, name.strip() or None)


def _import(brought: Brought, arch: str | None, settings: intake.Settings, name: str | None) -> None:
    require_settings(settings, name)
    sources.require_room()
    with st.spinner("Importing"), _turns(), brought.opened() as path:
        found = intake.import_file(path, arch=arch, settings=settings, name=name, shown=brought.name)
    st.session_state["brought"] = found.checkpoint.name, found.new
    st.rerun()


def _told_before() -> None:
    if "brought" not in st.session_state:
        return
    name, new = st.session_state["brought"]
    st.success(f"It is **{plain(name)}** from now on." if new else f"It was imported before, as **{plain(name)}**.")
    st.button(f"Choose {plain(name)}", key="bring-open", icon="➡️", on_click=_open, args=(name,), help="On every page.")


def _open(name: str) -> None:
    st.session_state["model"] = name
    del st.session_state["brought"]


def _side(text: str) -> int | None:
    if not text.strip():
        return None
    if not text.strip().isdecimal() or len(text.strip()) > 5:
        raise RequestError("The size is a whole number of pixels, such as 32.")
    return int(text)


def _shape(shape: tuple[int, ...] | None) -> str:
    return "-" if shape is None else " x ".join(map(str, shape)) or "one number"


def _numbers(values: tuple[float, float, float]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)
