"""Somebody's words in Markdown: names of classes, networks, data and samples, words of cards, sentences that quote them.

A checkpoint may come from anybody: a class that is called `![x](http://host/p.png)` must stand on the page as that text,
and not fetch a picture from there.
"""

from __future__ import annotations

import re

# Markdown and HTML anywhere; a backslash where it would hide what follows; `_` but within a word, where it means nothing;
# directives such as :red[...], but not the colon of folder:PATH, which no bracket can follow; entities
LIVE = re.compile(r"\\(?=[!-/:-@\[-`{-~]|$)|[`*\[\]<>$~|#]|(?<![^\W_])_|_(?![^\W_])|(?<!folder):(?=[A-Za-z])|&(?=#?\w+;)")
EMOJI = re.compile(r":(?=[\w+/-]+:)")  # :smile: and :material/home:, which a backslash does not stop
BEGINS = re.compile(r"^(?:[-+=]|\d+(?=[.)]))")  # a list or a heading, where the text begins a line
CODE = re.compile(r"((?<!`)`[^`]+`(?!`))")
WORD_JOINER = "\u2060"  # without width


def plain(text: str) -> str:
    """The Markdown that shows `text` as it is, on one line; line breaks become spaces, as in Markdown."""
    line = EMOJI.sub(f":{WORD_JOINER}", " ".join(text.split()))
    return _begun(LIVE.sub(lambda found: "\\" + found[0], line))


def sentence(text: str) -> str:
    """The same for a sentence of ours that quotes somebody's words: its commands in backticks stay code, which is inert."""
    pieces = CODE.split(" ".join(text.split()))
    return _begun("".join(piece if place % 2 else _inside(piece) for place, piece in enumerate(pieces)))


def code(text: str) -> str:
    """The text as code; a backtick, which would end it, becomes an apostrophe."""
    return f"`{' '.join(text.split()).replace('`', chr(39))}`"


def _inside(piece: str) -> str:
    """plain, with the spaces at the ends and without the care for the beginning of a line."""
    return LIVE.sub(lambda found: "\\" + found[0], EMOJI.sub(f":{WORD_JOINER}", piece))


def _begun(line: str) -> str:
    begins = BEGINS.match(line)
    if not begins:
        return line
    return f"\\{line}" if not begins[0].isdigit() else f"{begins[0]}\\{line[begins.end() :]}"
