"""What ails the gates of a site: rules on numbers, and a plain sentence for each, with its usual cause and cure.

dead          alike for all channels and pictures ("all my gates are 0.65")
static        the channels differ, the pictures do not
faint         they follow the picture, but hardly
still         some channels never move
open          nearly everything passes
closed        nearly nothing passes
hidden units  some of the bottleneck's units never fire
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isinf

FAINT = 0.04  # sd over pictures, mean over channels; the lowest site of the bundled se_resnet20 has 0.10 (docs/training.md)
MOST = 0.5  # share of channels or gates that speaks for a site: "most activations" of the paper's SE_5_2
NEARLY_ALL = 0.9
SOME = 0.1
LEVELS = 0.05  # sd of the channels' mean gates below which they are all at one level
FEW_HIDDEN = 4  # hidden units; r = 16 leaves 1, 2 and 4 of them at widths of 16, 32 and 64


@dataclass(frozen=True)
class Vitals:
    """A site in numbers. Gates are in 0..1, sds population ones.

    mean: of all gates. moving: sd over samples, mean over channels. levels: sd over channels of their mean gates, which
    lie in level_range. lowest, highest: of all gates. closed, middle, open: shares of gates below 0.05, in 0.45..0.55, and
    above 0.95. still: channels that never move. hidden: units of the bottleneck, None where they were not counted;
    silent: those of them that never fired. between_over_within: variance between classes over variance within, summed
    over channels; NaN for fewer than two classes and where no gate moves.
    """

    channels: int
    mean: float
    moving: float
    levels: float
    level_range: tuple[float, float]
    lowest: float
    highest: float
    closed: float
    middle: float
    open: float
    still: int
    hidden: int | None
    silent: int
    between_over_within: float


@dataclass(frozen=True)
class Ailment:
    """name: one of the list above. grade: "look" or "ill". sentence: what was measured. cause, cure: the usual ones."""

    name: str
    grade: str
    sentence: str
    cause: str
    cure: str


def diagnose(vitals: Vitals) -> tuple[tuple[Ailment, ...], tuple[str, ...]]:
    """(ailments, notes that are none), from the numbers of a site that saw at least two samples."""
    found = (_movement(vitals), _open(vitals), _closed(vitals), _hidden(vitals))
    ailments = tuple(ailment for ailment in found if ailment)
    return ailments, _notes(vitals, bool(ailments))


def _movement(v: Vitals) -> Ailment | None:
    """The first that holds of dead, static, faint and still."""
    moves = f"a gate moves by {v.moving:.3f} from picture to picture (sd, mean over {v.channels} channels)"
    if v.still >= MOST * v.channels and max(v.open, v.closed) < MOST:
        return _dead(v) if v.levels < LEVELS else _static(v)
    if v.moving < FAINT and max(v.open, v.closed) < MOST:
        return Ailment(
            "faint",
            "look",
            f"The gates hardly follow the picture: {moves}.",
            "Weight decay on the SE layers keeps gates at the level of their biases; a small initialisation starts them there.",
            "Train the SE layers without weight decay, with He initialisation, perhaps at a higher learning rate; shuffle the "
            "gates between pictures to see what their movement is worth.",
        )
    if v.still >= max(SOME * v.channels, 1):
        return Ailment(
            "still",
            "look",
            f"{v.still} of {v.channels} channels have a gate that never moves (sd over pictures below 0.01).",
            "Such a gate is a fixed scale: it is saturated, or no hidden unit that fires has a weight on it.",
            "Nothing needs to be done for a few channels; many of them point to hidden units that are dead.",
        )
    return None


def _dead(v: Vitals) -> Ailment:
    level = "0.5, which is the sigmoid of 0" if v.middle >= NEARLY_ALL else f"{v.mean:.2f}"
    return Ailment(
        "dead",
        "ill",
        f"The gates say nothing: all channels stay near {level}, and {v.still} of {v.channels} never move (sd over pictures "
        "below 0.01).",
        "Layers that were never trained, or not loaded from the checkpoint; weight decay on the SE layers, which pulls their "
        "weights to 0 and the gates to one level; an initialisation that is too small.",
        "Check that the checkpoint holds the SE layers; train them without weight decay and with He initialisation. As it is, "
        "the block only multiplies by a constant.",
    )


def _static(v: Vitals) -> Ailment:
    low, high = v.level_range
    return Ailment(
        "static",
        "ill",
        f"The channels are open at different levels ({low:.2f} to {high:.2f}), but {v.still} of {v.channels} never move with "
        "the picture (sd below 0.01).",
        "The block has learned a fixed scale for each channel, out of its biases: its hidden units are dead, or weight decay "
        "made its weights small.",
        "For gates that follow the picture, train the SE layers without weight decay; otherwise fold the scales into the "
        "convolution before them and leave the block out.",
    )


def _open(v: Vitals) -> Ailment | None:
    if not v.open >= MOST:
        return None
    return Ailment(
        "open",
        "ill" if v.open >= NEARLY_ALL else "look",
        f"The gates are saturated at 1: {v.open:.1%} of them are above 0.95, so that most channels pass as they are.",
        "The network has little use for the block at this depth; the paper finds the same at SE_5_2, in the last stage.",
        "Measure the accuracy with these gates at 1; where nothing is lost, leave SE out of this stage. The paper loses less "
        "than 0.1 % by leaving it out of the last one.",
    )


def _closed(v: Vitals) -> Ailment | None:
    if not v.closed >= MOST:
        return None
    return Ailment(
        "closed",
        "ill" if v.closed >= NEARLY_ALL else "look",
        f"The gates are saturated at 0: {v.closed:.1%} of them are below 0.05, so that most channels of the block are muted.",
        "The network does without this branch, or large steps early in the training drove the gates where a sigmoid has hardly "
        "any gradient.",
        "Measure the accuracy with these gates at 0: channels that are not missed can be pruned. Otherwise train with a lower "
        "learning rate or a longer warm-up for the SE layers.",
    )


def _hidden(v: Vitals) -> Ailment | None:
    if not v.silent or v.hidden is None:
        return None
    every = v.silent == v.hidden
    said = (
        f"None of the {v.hidden} hidden units ever fires, so that the gates are the sigmoid of their biases for every picture."
        if every
        else f"{v.silent} of {v.hidden} hidden units never fire."
    )
    few = v.hidden <= FEW_HIDDEN
    return Ailment(
        "hidden units",
        "ill" if v.silent >= MOST * v.hidden else "look",
        said,
        "A ReLU that is below 0 for every picture gets no gradient and stays dead: large steps early in the training, or "
        "biases below 0." + (f" A reduction that leaves {v.hidden} of them has none to spare." if few else ""),
        "Start with zero biases and a warm-up"
        + (", and use a smaller reduction r, which leaves more of them." if few else "."),
    )


def _notes(v: Vitals, ails: bool) -> tuple[str, ...]:
    notes = []
    if not ails:
        notes.append(
            f"The gates use {v.lowest:.2f} to {v.highest:.2f} and move by {v.moving:.3f} from picture to picture "
            f"(sd, mean over {v.channels} channels)."
        )
    if v.still < MOST * v.channels:
        notes.append(_class_note(v.between_over_within))
    return tuple(note for note in notes if note)


def _class_note(ratio: float) -> str:
    if ratio < 1:
        return (
            f"{1 / (1 + ratio):.0%} of the variance lies within classes: the gates follow the picture more than its class. To "
            "be class-agnostic is not to be independent of the input."
        )
    if isinf(ratio):
        return "The gates are the same for all pictures of a class."
    return f"The variance between classes is {ratio:.1f} times the variance within them." if ratio >= 1 else ""
