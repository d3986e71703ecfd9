"""What a network is: in one sentence, in facts, and what it cannot do."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from seviz.card import Card

SMALL = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
MOST_NAMED = 12  # classes up to which all are named
SOME_NAMED = 5
STRANGERS = ("teapot", "violin", "dinosaur", "lighthouse")  # one that no class is named after stands for all it never saw
SAID_BETTER = re.compile(r"It knows its [\d,]+ classes and nothing else")  # of a card's own limits
PLACES = {
    "standard": "after the branch, before the sum (standard)",
    "pre": "before the branch (PRE)",
    "post": "after the sum (POST)",
    "identity": "on the shortcut (Identity)",
    "3x3": "after the 3 x 3 convolution",
}
SQUEEZES = {"avg": "mean of each map", "max": "maximum of each map", "none": "none: every pixel has a gate of its own"}


def in_a_sentence(card: Card) -> str:
    """What it is and what it does, such as "A residual network of 20 layers with ... tells ten classes apart ..."."""
    job = f"tells {_count(len(card.classes), 'class')} apart in pictures of {input_words(card)}"
    if card.pruned:
        return f"{card.pruned.source} without {card.pruned.share:.0%} of the channels of its branches; it {job}."
    if card.library or card.origin:
        return f"{_borrowed(card)}; it {job}."
    gates = _gated(card.options) if card.is_se else "without gates"
    return f"A residual network of {_depth(card.options)} layers {gates}; it {job}."


def kind(card: Card) -> str:
    """In a word or two, for a list: "SE, r = 4", "plain", "channel gates"."""
    se = card.options.get("se")
    if isinstance(se, Mapping) and "reduction" in se:
        return f"SE, r = {se['reduction']}"
    return "channel gates" if card.is_se else "plain"


def input_words(card: Card) -> str:
    return f"{card.preprocessing.width} x {card.preprocessing.height} pixels"


def network(card: Card, size_bytes: int) -> dict[str, str]:
    """Facts, name -> text. size_bytes: of the weights' file; 0 where there is none."""
    size = card.preprocessing
    facts = {"network": card.description.rstrip(".")}
    if not card.library and not card.origin:
        facts["depth"] = f"{_depth(card.options)} layers with weights, in {_stages(card.options)}"
    if isinstance(card.options.get("se"), Mapping):
        facts |= _se_blocks(card.options)
    facts["input"] = f"{input_words(card)}, scaled ({size.interpolation}) and cut to the middle"
    facts["classes"] = f"{len(card.classes):,}: {_names(card.classes)}"
    facts["parameters"] = f"{card.parameters:,} learned numbers"
    facts["multiply-adds"] = f"{card.multiply_adds / 1e6:,.2f} million a picture, of convolutions and matrix products"
    facts["weights"] = f"{size_bytes / 1e6:,.2f} MB" if size_bytes else "not here: the network is shown with its figures"
    return facts


def limits(card: Card) -> tuple[str, ...]:
    """What it cannot do, a sentence each: first what becomes of any other picture, then what its card says beside that."""
    known = {re.sub(r"[_-]", " ", label).casefold() for label in card.classes}
    stranger = next((name for name in STRANGERS if not any(name in label for label in known)), "thing it never saw")
    known_of = f"It knows pictures of {input_words(card)} and {_count(len(card.classes), 'class')}"
    first = f"{known_of}: a photograph of a {stranger} will be called one of them."
    return (first, *(limit for limit in card.limits if not SAID_BETTER.match(limit)))


def _count(number: int, word: str) -> str:
    many = word + ("es" if word.endswith("s") else "s")
    return f"{SMALL[number] if number < len(SMALL) else f'{number:,}'} {word if number == 1 else many}"


def _names(classes: Sequence[str]) -> str:
    if len(classes) <= MOST_NAMED:
        return ", ".join(classes)
    return f"{', '.join(classes[:SOME_NAMED])} and {len(classes) - SOME_NAMED:,} more, up to {classes[-1]}"


def _borrowed(card: Card) -> str:
    """Another library's network, or somebody's file."""
    name = f"{card.library}'s {card.options['name']}" if card.library else f"A {card.arch}"
    se = isinstance(card.options.get("se"), Mapping)
    gates = " with SE blocks put in" if se else ", with channel gates" if card.is_se else ", without channel gates"
    if card.origin is None:
        return f"{name}{gates}"
    return f"{name}{gates}, {'brought as a file' if 'import' in card.commands else f'trained by others on {card.data.name}'}"


def _depth(options: Mapping[str, Any]) -> int:
    """Layers with weights on the longest way: the convolutions of every unit, the first one and the classifier."""
    return (3 if options["bottleneck"] else 2) * sum(int(count) for count in options["blocks"]) + 2


def _stages(options: Mapping[str, Any]) -> str:
    units = " + ".join(str(count) for count in options["blocks"])
    widths = ", ".join(str(width * (4 if options["bottleneck"] else 1)) for width in options["widths"])
    return f"{_count(len(options['blocks']), 'stage')} of {units} residual units with {widths} channels"


def _gated(options: Mapping[str, Any]) -> str:
    stages = options["se"].get("stages")
    if stages is None:
        return "with a Squeeze-and-Excitation block in every unit"
    return f"with Squeeze-and-Excitation blocks in stage {' and '.join(str(stage) for stage in stages)}"


def _se_blocks(options: Mapping[str, Any]) -> dict[str, str]:
    """A library's network names its stages "where" and its place "position"; ours "stages" and "placement"."""
    se = options["se"]
    place = str(se.get("placement", se.get("position", "standard")))
    facts = {"reduction": f"r = {se['reduction']}: a block of C channels has C / {se['reduction']} hidden units"}
    if se.get("min_hidden", 1) > 1:
        facts["reduction"] += f", at least {se['min_hidden']}"
    squeeze = str(se.get("squeeze", "avg"))
    return facts | {"place": PLACES.get(place, place), "squeeze": SQUEEZES.get(squeeze, squeeze)}
