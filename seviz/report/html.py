"""A report as one HTML file that asks the network for nothing: Plotly within, figures as JSON, drawn when they are seen.

Everything that comes from outside (names of classes, networks, data, samples; words of cards) is escaped; and a Content-
Security-Policy lets only the two scripts run that are written here, and lets nothing be fetched.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import re
from functools import cache
from pathlib import Path
from typing import Any

from seviz.analysis.tables import Table
from seviz.figures.alone import figure_json, plotly_javascript, themes
from seviz.figures.layout import alt
from seviz.report.document import (
    Block,
    Chart,
    Choice,
    Commands,
    Drawing,
    Facts,
    Folded,
    Note,
    Numbers,
    Part,
    Points,
    Prepared,
    Report,
    Words,
)

HERE = Path(__file__).parent
LONGEST = 40  # letters of a word that is not broken: a sha256 has 64
MARKS = {"yes": "✓", "no": "✗", "": "·"}
MARK_WORDS = {"yes": "holds", "no": "does not hold", "": "cannot be told"}


def to_html(report: Report) -> str:
    """The whole file."""
    scripts = (plotly_javascript(), _asset("page.js"))
    contents = "".join(_contents(place, part) for place, part in enumerate(report.parts))
    body = "".join(_part(place, part) for place, part in enumerate(report.parts))
    tags = "".join(f"<script>{script}</script>\n" for script in scripts)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n{_policy(scripts)}\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{_text(report.title)} · seviz report</title>\n<style>{_asset('page.css')}</style>\n</head>\n<body>\n"
        f'<a class="skip" href="#content">Skip to the content</a>\n'
        f'<header><p class="made">seviz report</p><h1>{_text(report.title)}</h1>'
        f'<p class="made">{_inline(report.made)}</p></header>\n'
        f'<nav aria-label="Contents"><details open><summary>Contents</summary><ol>{contents}</ol></details></nav>\n'
        '<noscript><p class="note">Figures and the numbers behind them need JavaScript; words can be read without.</p>'
        "</noscript>\n"
        f'<main id="content">{body}</main>\n'
        f'<script type="application/json" id="themes">{_json(themes())}</script>\n{tags}</body>\n</html>\n'
    )


def _policy(scripts: tuple[str, ...]) -> str:
    """Only these scripts run, nothing is fetched; pictures are those that a figure makes of itself for its download."""
    sums = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(one.encode()).digest()).decode()}'" for one in scripts)
    rules = (
        "default-src 'none'",
        f"script-src {sums}",
        "style-src 'unsafe-inline'",
        "img-src data: blob:",
        "base-uri 'none'",
        "form-action 'none'",
    )
    return f'<meta http-equiv="Content-Security-Policy" content="{"; ".join(rules)}">'


@cache
def _asset(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _contents(place: int, part: Part) -> str:
    rows = "".join(
        f'<li><a href="#{_anchor(place, number)}">{_text(one.title)}</a></li>'
        for number, one in enumerate(part.sections)
        if one.title
    )
    return f'<li><a href="#{_anchor(place)}">{_text(part.title)}</a>{f"<ol>{rows}</ol>" if rows else ""}</li>'


def _anchor(place: int, section: int | None = None) -> str:
    """By number: two names may look alike once they are letters and dashes."""
    return f"part-{place + 1}" if section is None else f"part-{place + 1}-{section + 1}"


def _part(place: int, part: Part) -> str:
    sections = "".join(
        f'<section id="{_anchor(place, number)}">{f"<h3>{_text(one.title)}</h3>" if one.title else ""}{_blocks(one.blocks)}'
        "</section>\n"
        for number, one in enumerate(part.sections)
    )
    lead = f'<p class="lead">{_inline(part.lead)}</p>' if part.lead else ""
    return f'<article id="{_anchor(place)}"><h2>{_text(part.title)}</h2>{lead}{sections}</article>\n'


def _blocks(blocks: tuple[Block, ...]) -> str:
    return "".join(_block(block) for block in blocks)


def _block(block: Block) -> str:
    match block:
        case Words(text):
            return f"<p>{_inline(text)}</p>"
        case Note(text):
            return f'<p class="note">{_inline(text)}</p>'
        case Points(rows, marks):
            return _points(rows, marks)
        case Facts(table):
            return f'<div class="wide" tabindex="0" role="region" aria-label="Table">{_table(table)}</div>'
        case Numbers():
            return _numbers(block)
        case Folded(title, blocks):
            return f'<details class="folded"><summary>{_text(title)}</summary>{_blocks(blocks)}</details>'
        case Commands(rows):
            return "".join(f"<p>{_inline(what)}</p><pre tabindex='0'><code>{_text(typed)}</code></pre>" for what, typed in rows)
        case Drawing(svg):
            return f'<div class="drawing">{svg}</div>'
        case Prepared(text):
            return text
        case Chart():
            return _chart(block)
        case Choice():
            return _choice(block)


def _points(rows: tuple[tuple[str, str], ...], marks: tuple[str, ...]) -> str:
    signs = [_mark(mark) for mark in marks] or [""] * len(rows)
    words = "".join(
        f"<dt>{sign}{_inline(term)}</dt><dd>{_inline(said)}</dd>" for (term, said), sign in zip(rows, signs, strict=True)
    )
    return f"<dl>{words}</dl>"


def _mark(mark: str) -> str:
    return f'<span class="mark {mark or "open"}" role="img" aria-label="{MARK_WORDS[mark]}">{MARKS[mark]}</span> '


def _chart(chart: Chart) -> str:
    height = int(chart.figure.layout.height or 400)
    note = f"<figcaption>{_inline(chart.note)}</figcaption>" if chart.note else ""
    table = _numbers(Numbers(chart.name, chart.table)) if chart.table is not None else ""
    return (
        f'<figure><div class="chart" role="group" aria-label="{_text(alt(chart.figure))}" style="min-height:{height}px"></div>'
        f'<script type="application/json">{_safe(figure_json(chart.figure))}</script>{note}</figure>{table}'
    )


def _choice(choice: Choice) -> str:
    if len(choice.options) == 1:
        return _blocks(choice.options[0][1])
    options = "".join(
        f'<div class="option" data-title="{_text(title)}"><p class="option-title">{_text(title)}</p>{_blocks(blocks)}</div>'
        for title, blocks in choice.options
    )
    return f'<div class="choice" data-label="{_text(choice.label)}" data-first="{choice.first}">{options}</div>'


def _numbers(numbers: Numbers) -> str:
    """A folded table, whose rows are made when it is opened: a hundred thousand cells would keep the page from opening."""
    table = numbers.table
    rows = len(next(iter(table.values()), ()))
    title = f"{_text(numbers.title)} <small>({rows:,} row{'' if rows == 1 else 's'})</small>"
    values = {"columns": list(table), "rows": [[_plain(value) for value in row] for row in zip(*table.values(), strict=True)]}
    return (
        f'<details class="numbers" data-name="{_slug(numbers.name)}"><summary>{title}</summary>'
        f'<script type="application/json">{_json(values)}</script></details>'
    )


def _plain(value: Any) -> Any:
    """What stands in a cell: text, a whole number, a number of six digits, or None where there is none."""
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, bool):
        return "yes" if plain else "no"
    if isinstance(plain, float):
        return float(f"{plain:.6g}") if math.isfinite(plain) else None
    return plain if plain is None or isinstance(plain, int) else str(plain)


def _table(table: Table) -> str:
    """A table that is read where it stands: its cells are text."""
    head = "".join(f'<th scope="col">{_inline(name)}</th>' for name in table)
    rows = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in zip(*table.values(), strict=True))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _cell(value: Any) -> str:
    text = str(value)
    long = ' class="long"' if max(map(len, text.split()), default=0) > LONGEST else ""
    return f"<td{long}>{_text(text)}</td>"


def _text(text: str) -> str:
    """Somebody's text, between tags or in an attribute."""
    return html.escape(text, quote=True)


def _inline(text: str) -> str:
    """The same, with what stands between backticks as code."""
    parts = _text(text).split("`")
    if len(parts) % 2 == 0:  # a backtick of somebody's own
        return _text(text)
    return "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts))


def _json(value: Any) -> str:
    return _safe(json.dumps(value, separators=(",", ":"), ensure_ascii=False))


def _safe(text: str) -> str:
    """JSON in which no text can end the script or begin a comment."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _slug(text: str) -> str:
    """Letters, digits and dashes, of a file's name."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "x"
