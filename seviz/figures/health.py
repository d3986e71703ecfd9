"""The health of gates as a table of traffic lights: HTML text, so that it is read like any table, on a telephone as well."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from seviz.analysis.health import STILL, GateHealth
from seviz.figures.colours import faint
from seviz.figures.layout import listed, percent

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


COLUMNS = (
    Column("verdict", "The worst of what was found at this block."),
    Column("shut", "Share of gates below 0.05, over pictures and channels: these channels are muted."),
    Column("around 0.5", "Share of gates in 0.45 to 0.55, what a sigmoid says when it has nothing to say."),
    Column("open", "Share of gates above 0.95: these channels pass as they are."),
    Column("range", "The lowest and the highest gate of any picture and channel."),
    Column("moves by", "Standard deviation of a gate from picture to picture, mean over channels."),
    Column("still", f"Channels whose gate never moves: standard deviation over pictures below {STILL}."),
    Column("silent units", "Hidden units of the bottleneck that never fire, for any picture."),
    Column("between/within", "Variance of the gates between classes over the variance within them."),
)
BLAMED = {  # ailment -> the columns where it shows
    "dead": ("around 0.5", "moves by", "still"),
    "static": ("moves by", "still"),
    "faint": ("moves by",),
    "still": ("still",),
    "open": ("open",),
    "closed": ("shut",),
    "hidden units": ("silent units",),
}
JUDGED = {column for columns in BLAMED.values() for column in columns} - {"around 0.5"}


def of_sites(found: Sequence[GateHealth]) -> str:
    """The table of a network's sites, with what was found at each of them."""
    return health_table([one.title for one in found], COLUMNS, [_cells_of(one) for one in found], caption=_caption(found))


def _cells_of(health: GateHealth) -> list[Cell]:
    """The numbers of a site, graded by the ailments that show in them."""
    vitals = health.vitals
    about = "" if health.shares.exact else "about "
    ratio = vitals.between_over_within
    silent = "not counted" if vitals.hidden is None else f"{vitals.silent} of {vitals.hidden}"
    texts = {
        "verdict": "look" if health.grade == "look" else WORDS[health.grade],
        "shut": about + percent(vitals.closed),
        "around 0.5": about + percent(vitals.middle),
        "open": about + percent(vitals.open),
        "range": f"{vitals.lowest:.2f} to {vitals.highest:.2f}",
        "moves by": f"{vitals.moving:.3f}",
        "still": f"{vitals.still} of {vitals.channels}",
        "silent units": silent,
        "between/within": f"{ratio:.2f}" if ratio < 1000 else "all between" if ratio > 0 else "not known",
    }
    blamed = {column: ailment for ailment in health.ailments for column in BLAMED.get(ailment.name, ())}
    cells = []
    for column in COLUMNS:
        ailment, name = blamed.get(column.name), column.name
        fine = "healthy" if name in JUDGED and health.grade != "unknown" else ""
        grade = health.grade if name == "verdict" else ailment.grade if ailment else fine
        cells.append(Cell(texts[name], grade, ailment.sentence if ailment else column.meaning))
    return cells


def _caption(found: Sequence[GateHealth]) -> str:
    counts = [(sum(one.grade == grade for one in found), WORDS[grade]) for grade in WORDS]
    return f"Gate health of {len(found)} blocks: " + listed([f"{count} {word}" for count, word in counts if count])


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
