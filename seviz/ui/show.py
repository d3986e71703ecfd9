"""A figure with its table and its downloads; numbers as people read them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import streamlit as st

from seviz.analysis import tables
from seviz.backend import Provenance
from seviz.figures.layout import Figure, alt
from seviz.ui.text import code

CONFIG = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"], "responsive": True}
MOST_ROWS = 20_000  # of a table on the page
OnSelect = Literal["ignore", "rerun"]
Selecting = Literal["points", "box", "lasso"]
Table = tables.Table


def figure(
    drawn: Figure,
    key: str,
    *,
    table: Table | None = None,
    on_select: OnSelect = "ignore",
    selecting: Sequence[Selecting] = ("points",),
) -> Any:
    """Show a figure with its alternative text; with `table`, the numbers behind it and their CSV below.

    on_select: "rerun" returns Streamlit's selection state of points. selecting: how points may be selected.
    """
    state = st.plotly_chart(drawn, key=key, config=CONFIG, alt=alt(drawn), on_select=on_select, selection_mode=selecting)
    if table is not None:
        numbers(table, key)
    return state


def clicked(key: str) -> list[Any] | None:
    """The customdata of a point of figure `key` that was clicked since the last run; None where none was.

    To be asked before the widgets that a click stands for are drawn, so that it can set their values.
    """
    points = st.session_state.get(key, {}).get("selection", {}).get("points", [])
    data = _row(points[0].get("customdata")) if points else None
    known = st.session_state.get(f"{key}-clicked")
    st.session_state[f"{key}-clicked"] = data
    return data if data != known else None


def _row(data: Any) -> list[Any] | None:
    """A point's customdata as a list: a row of a numpy array comes back as {"0": ..., "1": ...}, a single one as itself."""
    if isinstance(data, Mapping):
        return [data[place] for place in sorted(data, key=int)]
    return data if isinstance(data, list) or data is None else [data]


def drawing(svg: str, alt: str) -> None:
    """Show SVG text as a picture, its `currentColor` in the colour of the page's text."""
    # the page's sanitiser drops inline SVG, and a picture does not inherit colour or font
    ink = "#fafafa" if st.context.theme.type == "dark" else "#31333f"
    picture = svg.replace("currentColor", ink).replace("font-family:inherit", "font-family:sans-serif")
    st.image(picture, width="stretch", alt=alt)


def numbers(table: Table, key: str) -> None:
    """The numbers behind a figure, folded away, with a CSV download; of more than MOST_ROWS rows the download alone."""
    rows = len(next(iter(table.values()), ()))
    with st.container(key=f"{key}-numbers"), st.expander("Numbers"):
        if rows > MOST_ROWS:  # a folded table is sent like any other
            st.caption(f"{rows:,} rows, too many for a page: take the file.")
        else:
            st.dataframe(dict(table), hide_index=True, key=f"{key}-table", alt=f"The numbers behind {key}.")
        download("CSV", lambda: to_csv(table), f"{key}.csv", "text/csv")


def download(label: str, data: Any, name: str, mime: str) -> None:
    """A download that is computed when it is asked for (`data` is bytes or a function)."""
    st.download_button(label, data, file_name=name, mime=mime, on_click="ignore", icon="⬇️", key=f"download-{name}")


def to_csv(table: Table) -> bytes:
    """Columns of equal length as CSV with a head row, UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table)
    writer.writerows(zip(*table.values(), strict=True))
    return text.getvalue().encode()


def provenance(*answers: Provenance) -> None:
    """Where the figures above come from, one line a network."""
    for answer in answers:
        st.caption(
            f"{code(answer.model)} · weights `{answer.sha256[:8]}` · {answer.device} · {answer.dtype} · "
            f"{answer.milliseconds:.0f} ms · torch {answer.versions['torch']}"
        )
