"""A card as text for a terminal: the words of the page Models, one below the other."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seviz import card_words
from seviz.analysis.by_seed import in_words
from seviz.card_words import Figures
from seviz.checkpoints import Checkpoint
from seviz.errors import SevizError, printable
from seviz.seeds import NO_WEIGHTS, beside, from_cards, without_weights

WIDTH = 100  # of a line that is read; commands and sha256 are as long as they are


def text(checkpoint: Checkpoint) -> str:
    """All that a card says. What was measured and cannot be read is told in its place."""
    card = checkpoint.card
    making = card_words.making(card)
    parts = [printable(checkpoint.name), *_wrapped(card_words.in_a_sentence(card)), *_wrapped(card_words.seal_words(card))]
    parts += _section("Accuracy", _accuracy(checkpoint))
    parts += _section("Seeds", _seeds(checkpoint))
    parts += _section("Limits", [line for limit in card_words.limits(card) for line in _wrapped(limit, "- ", "  ")])
    if making:
        told = " ".join(part for part in (making.needs, making.took) if part)
        parts += _section("Make it again", [making.command, *_wrapped(told)])
    parts += _section("Network", _facts(card_words.network(card, checkpoint.size_bytes)))
    parts += _section("Gates", _gates(checkpoint))
    parts += _section("Data", _facts(card_words.data(card)))
    parts += _section("Recipe", [*_wrapped(card_words.recipe_sentence(card)), *_columns(card_words.recipe(card))])
    parts += _section("Where it comes from", _facts(card_words.machine(card)))
    return "\n".join(parts)


def seed_lines(checkpoint: Checkpoint, here: Sequence[Checkpoint], under: Sequence[Checkpoint]) -> list[str]:
    """What the seeds of a network say together, and those without weights, a line each; [] for a network alone.

    Args: here: every network that may be a seed of it. under: its seeds without weights.
    """
    known = from_cards(checkpoint, here)
    lines = [in_words(known)] if known else []
    if not checkpoint.has_weights:
        lines.append(NO_WEIGHTS)
    return [*lines, *(f"{one.name}: seed {one.card.seed}{_share(one)}; {NO_WEIGHTS}" for one in under)]


def _seeds(checkpoint: Checkpoint) -> list[str]:
    here = beside(checkpoint)
    return seed_lines(checkpoint, here, without_weights(here).get(checkpoint.name, ()))


def _share(checkpoint: Checkpoint) -> str:
    return f", {checkpoint.card.accuracy:.2%}" if checkpoint.card.accuracy is not None else ""


def aligned(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Rows of cells as lines with two spaces between the columns; `right`: the columns whose cells end below each other."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [f"{cell:>{width}}" if column in right else f"{cell:<{width}}" for column, (cell, width) in _cells(row, widths)]
        lines.append("  ".join(cells).rstrip())
    return lines


def _cells(row: Sequence[str], widths: Sequence[int]) -> Iterator[tuple[int, tuple[str, int]]]:
    return enumerate(zip(row, widths, strict=True))


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return ["", title, *(f"  {line}" for line in lines)] if lines else []


def _wrapped(words: str, first: str = "", then: str = "") -> list[str]:
    return textwrap.wrap(
        words, WIDTH, initial_indent=first, subsequent_indent=then, break_long_words=False, break_on_hyphens=False
    )


def _facts(facts: Mapping[str, str]) -> list[str]:
    width = max((len(name) for name in facts), default=0) + 2
    return [line for name, words in facts.items() for line in _wrapped(words, f"{name:<{width}}", " " * width)]


def _columns(table: Mapping[str, Sequence[str]]) -> list[str]:
    return aligned(list(zip(*table.values(), strict=True)), right=(1,)) if any(table.values()) else []


def _accuracy(checkpoint: Checkpoint) -> list[str]:
    found = card_words.figures_of(checkpoint.card) or _of_predictions(checkpoint)
    return _facts(card_words.figures(found)) if isinstance(found, Figures) else _wrapped(found)


def _of_predictions(checkpoint: Checkpoint) -> Figures | str:
    """Of a network whose card tells no accuracy, such as one that was brought; a sentence where there are none."""
    from seviz.analysis.classification import summarise

    try:
        stored = checkpoint.evaluation()
    except SevizError as error:
        return str(error)
    if stored is None:
        return "Nothing was measured on it yet; `python -m seviz evaluate` does."
    found = summarise(stored.logits, stored.labels, checkpoint.card.classes)
    figures = card_words.figures_of(checkpoint.card, found, f"{stored.key.name}, {stored.key.split}")
    return figures or "Nothing was measured on it yet."


def _gates(checkpoint: Checkpoint) -> list[str]:
    """The life of its gates, block by block, with what the ablation knows of each."""
    life = checkpoint.card.gate_life
    if life is None:
        return []
    try:
        found, told = checkpoint.ablation(), ""
    except SevizError as error:
        found, told = None, str(error)
    titles = found.titles if found else {}
    words = " ".join(part for part in (card_words.gates_worth(life), card_words.still_words(life, titles), told) if part)
    return [*_wrapped(words), "", *_sites(card_words.sites(life, found))]


def _sites(rows: Mapping[str, Sequence[Any]]) -> list[str]:
    """A line a block, losses in points."""
    losses = [word for word in ("static", "shuffled") if f"lost when {word}" in rows]
    lines = [["block", "moves by", *(f"lost when it alone is {word}" for word in losses)]]
    for row, block in enumerate(rows["block"]):
        known = [(rows[f"lost when {word}"][row], rows[f"{word} low"][row], rows[f"{word} high"][row]) for word in losses]
        cells = [f"{lost:+.2f} ({low:+.2f} to {high:+.2f})" if lost is not None else "" for lost, low, high in known]
        lines.append([block, f"{rows['moves by'][row]:.3f}", *cells])
    return aligned(lines, right=range(1, 2 + len(losses)))
