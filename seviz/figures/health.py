"""The health of gates as a table of traffic lights: HTML text, so that it is read like any table, on a telephone as well."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from seviz.figures.colours import faint

SIGNS = {"healthy": "✓", "look": "!", "ill": "✗", "unknown": "?"}
WORDS = {"healthy": "fine", "look": "worth a look", "ill": "ill", "unknown": "unknown"}
# Okabe and Ito's green, orange and vermilion: told apart under all kinds of colour vision; a sign stands beside each
COLOURS = {"healthy": "#009E73", "look": "#E69F00", "ill": "#D55E00"}
CELL = "padding:0.35rem 0.45rem;text-align:left;white-space:nowrap;border-bottom:1px solid rgba(128,128,128,0.3)"


@dataclass(frozen=True)
class Column:
    """name: short, above the column. meaning: a sentence, under the pointer."""

    name: str
    meaning: str


@dataclass(frozen=True)
class Cell:
    """text: the number, with its unit. grade: of SIGNS, or "" for a number that is neither good nor bad. why: a sentence for
    whoever asks."""

    text: str
    grade: str = ""
    why: str = ""


def health_table(titles: Sequence[str], columns: Sequence[Column], rows: Sequence[Sequence[Cell]], *, caption: str) -> str:
    """An HTML table, a row a site: titles of the sites, columns with their cells, caption for screen readers.

    A graded cell has a colour behind it and a sign before its number; ink and paper are the page's. What is wider than the
    page scrolls inside its frame, by keyboard too.
    """
    head = "".join(f'<th scope="col" style="{CELL}" title="{_quoted(one.meaning)}">{_text(one.name)}</th>' for one in columns)
    body = "".join(_row(title, cells) for title, cells in zip(titles, rows, strict=True))
    return (
        f'<div tabindex="0" role="region" aria-label="{_quoted(caption)}" style="overflow-x:auto">'
        '<table style="border-collapse:collapse;width:100%;font-size:0.8125rem">'
        f'<caption style="text-align:left;padding:0.3rem 0">{_text(caption)}</caption>'
        f'<thead><tr><th scope="col" style="{CELL}">block</th>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _row(title: str, cells: Sequence[Cell]) -> str:
    return f'<tr><th scope="row" style="{CELL};font-weight:400">{_text(title)}</th>{"".join(map(_cell, cells))}</tr>'


def _cell(cell: Cell) -> str:
    ground = f";background:{faint(COLOURS[cell.grade], 0.28)}" if cell.grade in COLOURS else ""
    sign = f"<b>{SIGNS[cell.grade]}</b> " if cell.grade else ""
    return f'<td style="{CELL}{ground}" title="{_quoted(cell.why)}">{sign}{_text(cell.text)}</td>'


def _text(words: str) -> str:
    return html.escape(words, quote=False)


def _quoted(words: str) -> str:
    return html.escape(words, quote=True)
