"""The navigation, the head of every page, and errors as sentences."""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from seviz.errors import SevizError
from seviz.ui.text import sentence

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    "Inspect": ("🔍", "inspect.py"),
    "Excitation": ("🚦", "excitation.py"),
    "Gate lab": ("🎚️", "lab.py"),
    "Ablation": ("✂️", "ablation.py"),
    "Compare": ("⚖️", "compare.py"),
    "Training": ("📈", "training.py"),
    "Accuracy": ("🎯", "accuracy.py"),
    "Models": ("🧱", "models.py"),
}
REPOSITORY_LINE = "seviz · what Squeeze-and-Excitation networks attend to"


def run() -> None:
    """The whole of app.py: find the page that the address names and run it."""
    st.set_page_config(page_title="seviz", page_icon="🔍", layout="wide", menu_items={"About": REPOSITORY_LINE})
    page = st.navigation(_pages())
    st.session_state["framed"] = True
    page.run()


def begin(title: str, what: str) -> None:
    """The first call of every page: its title and, in two sentences, what one is looking at."""
    if not st.session_state.get("framed"):
        # A deep link to a fresh server runs the page without app.py. Naming the pages once cures the server;
        # the rerun then goes through app.py, with address and query kept.
        st.navigation(_pages())
        st.rerun()
    _settle()
    st.title(title, anchor=False)
    st.markdown(what)


@contextlib.contextmanager
def telling() -> Iterator[None]:
    """Show a SevizError of the body as its one sentence; the page goes on below it."""
    try:
        yield
    except SevizError as error:
        st.error(sentence(str(error)), icon="⚠️")


def fragment(body: Callable[..., None], *, every: float | None = None) -> Callable[..., None]:
    """st.fragment, with errors of the body as sentences: a fragment runs again without the page around it.

    every: seconds after which it runs again by itself.
    """

    @functools.wraps(body)
    def guarded(*arguments: object) -> None:
        with telling():
            body(*arguments)

    wrapped: Callable[..., None] = st.fragment(guarded, run_every=every)
    return wrapped


def link(title: str, label: str) -> None:
    """A link to another page that keeps the chosen networks."""
    kept = {name: st.query_params[name] for name in ("model", "against") if name in st.query_params}
    st.page_link(_page(title, default=title == next(iter(PAGES))), label=label, query_params=kept)


def _pages() -> list[StreamlitPage]:
    # the default page answers at "/" alone; its unseen double answers links to /inspect
    first = next(iter(PAGES))
    return [_page(first, default=True), *(_page(title) for title in PAGES if title != first), _page(first, hidden=True)]


def _page(title: str, *, default: bool = False, hidden: bool = False) -> StreamlitPage:
    # The address is the file's name: under any other, a deep link to a fresh server is "page not found".
    icon, file = PAGES[title]
    path = ROOT / "pages" / file
    visibility: Literal["visible", "hidden"] = "hidden" if hidden else "visible"
    return st.Page(path, title=title, icon=icon, url_path="" if default else path.stem, default=default, visibility=visibility)


@st.cache_resource(show_spinner=False)
def _settle() -> None:
    # Streamlit collects garbage after every run; what the imports left is never garbage, and torch's is a lot
    import seviz.backend  # noqa: F401

    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # what stays frozen is reported as leaked when Python stops
