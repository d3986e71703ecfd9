"""What a report is made of, before it becomes a file: plain words, figures, tables. Nothing here is HTML.

In words, `backticks` set code apart; everything else is shown as it is written, whatever it looks like.
"""

from __future__ import annotations

from dataclasses import dataclass

from seviz.analysis.tables import Table
from seviz.figures.layout import Figure


@dataclass(frozen=True)
class Words:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Note:
    """A sentence in the place of what is missing, or what one has to know to read what is there."""

    text: str


@dataclass(frozen=True)
class Points:
    """Terms with what is said of each. marks: "yes", "no" or "" for every term: whether something holds."""

    rows: tuple[tuple[str, str], ...]
    marks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Facts:
    """A table that is read where it stands. Numbers come as the text that is shown."""

    table: Table


@dataclass(frozen=True)
class Numbers:
    """A table behind something, folded, with a CSV download. name: of the file, without an end. title: above the fold."""

    name: str
    table: Table
    title: str = "Numbers"


@dataclass(frozen=True)
class Folded:
    """What most readers will not need."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Commands:
    """Commands as they are typed, each with what it does."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Drawing:
    """SVG text of seviz.figures, which carries its own alt text."""

    svg: str


@dataclass(frozen=True)
class Prepared:
    """HTML text of seviz.figures, in which somebody's text is escaped already."""

    html: str


@dataclass(frozen=True)
class Chart:
    """A figure, with a line below it and the table behind it. name: of the CSV file."""

    name: str
    figure: Figure
    note: str = ""
    table: Table | None = None


@dataclass(frozen=True)
class Choice:
    """One of several things is shown, the first to begin with unless `first` says another.

    label: of the list to choose from. options: (title, what is shown). All choices of one label in a part change together.
    """

    label: str
    options: tuple[tuple[str, tuple[Block, ...]], ...]
    first: int = 0


Block = Words | Note | Points | Facts | Numbers | Folded | Commands | Drawing | Prepared | Chart | Choice


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it; title "" for a part that needs no headings of its own."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Part:
    """A chapter: what it is about in a sentence or two, and its sections."""

    title: str
    lead: str
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Report:
    """title: of the page. names: of the networks. made: date and versions in words. parts: the chapters."""

    title: str
    names: tuple[str, ...]
    made: str
    parts: tuple[Part, ...]

    @property
    def sections(self) -> tuple[str, ...]:
        """Every section as "part / section", or "part" where it has no heading."""
        pairs = [(part, section) for part in self.parts for section in part.sections]
        return tuple(f"{part.title} / {section.title}" if section.title else part.title for part, section in pairs)
