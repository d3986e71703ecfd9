"""The report of the chosen networks, as a file to keep: one button on the pages Compare and Models."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import streamlit as st

from seviz.checkpoints import Checkpoint, open_checkpoint
from seviz.report import make_report, to_html
from seviz.ui import show
from seviz.ui.choice import Choice

Files = tuple[tuple[str, int], ...]  # names and times of change, in ns


def button(choice: Choice) -> None:
    """Offer the report; it is made when it is asked for."""
    model, against = choice.model, choice.against
    if against is not None and against.name == model.name:
        against = None
    names = "-".join(network.name for network in (model, against) if network)
    show.download("Report as HTML", lambda: _report(model, against), f"report-{names}.html", "text/html")
    st.caption(
        "Everything that is stored of the networks in the sidebar: figures, tables, words and provenance in one file, which "
        "opens without the app and without a network. It takes some seconds, half a minute for an SE network."
    )


def _report(model: Checkpoint, against: Checkpoint | None) -> bytes:
    return _made(model.folder, against.folder if against else None, _files(model), _files(against) if against else ())


def _files(checkpoint: Checkpoint) -> Files:
    """What the folder holds: a report is made anew where a file has changed."""
    return tuple(sorted((path.name, path.stat().st_mtime_ns) for path in checkpoint.folder.iterdir() if path.is_file()))


@lru_cache(maxsize=2)  # some 10 MB each; Streamlit's caches want a running script, which a download has not
def _made(model: Path, against: Path | None, files: Files, other_files: Files) -> bytes:
    second = open_checkpoint(against) if against else None
    return to_html(make_report(open_checkpoint(model), second)).encode()
