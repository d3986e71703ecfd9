"""Class names and preprocessing of a network that somebody brings: as given, else guessed, and said to be.

A checkpoint of weights says neither. What is guessed follows from whose code the network is of, its form and its number of
classes; every guess is a sentence that begins with "guessed:" and stands in the card.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from seviz.card import MAX_SIDE
from seviz.errors import RequestError
from seviz.images import IMAGENET_MEAN, IMAGENET_STD, RESAMPLING, Preprocessing
from seviz.intake.families import AKAMASTER, KUANGLIU, WEIAICUNZAI
from seviz.intake.proposals import Proposal
from seviz.intake.report import Report

Colour = tuple[float, float, float]
# of the training pictures, as published and as those codes write them
CIFAR10_COLOURS: tuple[Colour, Colour] = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
CIFAR100_COLOURS: tuple[Colour, Colour] = (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)
BY_CODE: dict[str, tuple[Colour, Colour]] = {
    KUANGLIU: ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
    AKAMASTER: (IMAGENET_MEAN, IMAGENET_STD),
    WEIAICUNZAI: (
        (0.5070751592371323, 0.48654887331495095, 0.4409178433670343),
        (0.2673342858792401, 0.2564384629170883, 0.27615047132568404),
    ),
}
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
WORDS = (
    "apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle "
    "caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish "
    "forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle "
    "mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine "
    "possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar "
    "sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle wardrobe whale willow_tree "
    "wolf woman worm"
)
CIFAR100 = tuple(WORDS.split())
SMALL_SIDE, LARGE_SIDE, LARGE_CROP = 32, 224, 0.875


@dataclass(frozen=True)
class Settings:
    """What somebody says of a network; None where they leave it to a guess. size: the side of its pictures, in pixels."""

    classes: tuple[str, ...] | None = None
    mean: Colour | None = None
    std: Colour | None = None
    size: int | None = None


@dataclass(frozen=True)
class Meaning:
    """Class names and preprocessing, and a sentence on each that was guessed."""

    classes: tuple[str, ...]
    preprocessing: Preprocessing
    notes: tuple[str, ...]


def meaning(report: Report, settings: Settings) -> Meaning:
    """What the outputs are called and how pictures become inputs, as given or guessed.

    Raises RequestError where the names given are not as many as the network has outputs, or not all different.
    """
    if report.comparison is None:
        raise RequestError(report.sentence)
    proposal = report.comparison.proposal
    classes, names_note = _classes(proposal, settings.classes, report.told.classes)
    preprocessing, notes = _preprocessing(proposal, settings)
    return Meaning(classes, preprocessing, ((names_note,) if names_note else ()) + notes)


def _classes(proposal: Proposal, given: Sequence[str] | None, told: Sequence[str]) -> tuple[tuple[str, ...], str]:
    count = proposal.classes
    if given is not None:
        require_names(given, count)
        return tuple(given), ""
    if len(told) == count and len(set(told)) == count:
        return tuple(told), "The class names are those in the file."
    if proposal.small and count in (10, 100):
        kind, names = ("CIFAR-10", CIFAR10) if count == 10 else ("CIFAR-100", CIFAR100)
        return tuple(names), f"guessed: {kind}'s class names, because the network is a CIFAR one of {count} classes."
    if not proposal.small and count == 1000:
        return imagenet_names(), "guessed: ImageNet's class names, because the network has 1,000 classes."
    return tuple(f"class {index}" for index in range(count)), f"guessed: no names; the {count:,} classes are numbered."


def require_names(names: Sequence[str], count: int) -> None:
    """Raises RequestError where class names are not `count` different ones."""
    if len(names) != count:
        raise RequestError(f"The network has {count:,} classes, and {len(names):,} names were given; give one for each.")
    if not all(name.strip() and name.isprintable() for name in names):
        raise RequestError("A class name is empty or cannot be printed; give a word for each class.")
    twice = [one for one, other in pairwise(sorted(names)) if one == other]
    if twice:
        raise RequestError(f"The class name {twice[0]!r} was given twice; give different ones.")


def _preprocessing(proposal: Proposal, settings: Settings) -> tuple[Preprocessing, tuple[str, ...]]:
    made, colours, size = _library_guess(proposal) or _guess(proposal)
    notes = []
    if settings.mean is None or settings.std is None:
        notes.append(f"guessed: {colours}.")
    if settings.size is None:
        notes.append(f"guessed: pictures of {made.height} x {made.width} pixels, {size}.")
    else:
        made = replace(made, height=settings.size, width=settings.size)
    return replace(made, mean=settings.mean or made.mean, std=settings.std or made.std), tuple(notes)


def _library_guess(proposal: Proposal) -> tuple[Preprocessing, str, str] | None:
    """As timm or torchvision prepares pictures for its own weights: preprocessing, and words on colours and size."""
    from seviz.nets import usual_input

    library, name = str(proposal.options.get("library")), str(proposal.options.get("name"))
    usual = usual_input(library, name)
    if usual is None or not 1 <= min(usual.height, usual.width) <= max(usual.height, usual.width) <= MAX_SIDE:
        return None
    kind = usual.interpolation if usual.interpolation in RESAMPLING else "bilinear"
    crop = min(1.0, max(0.1, usual.crop))
    why = f"as {library} has it for its own weights of {name}"
    made = Preprocessing(usual.height, usual.width, crop, kind, usual.mean, usual.std)
    return made, f"the mean and deviation {why}", why


def _guess(proposal: Proposal) -> tuple[Preprocessing, str, str]:
    count, code = proposal.classes, proposal.code
    if not proposal.small:
        made = Preprocessing(LARGE_SIDE, LARGE_SIDE, LARGE_CROP)
        why = "because the network is of the ImageNet form"
        return made, f"ImageNet's mean and deviation, {why}", why
    mean, std = IMAGENET_MEAN, IMAGENET_STD
    colours = "ImageNet's mean and deviation, because most networks are trained with them"
    if code in BY_CODE and count in (10, 100):
        mean, std = BY_CODE[code]
        colours = f"the mean and deviation that {code} writes, because the network is of that code"
    elif count in (10, 100):
        mean, std = CIFAR10_COLOURS if count == 10 else CIFAR100_COLOURS
        colours = f"CIFAR-{count}'s mean and deviation, because the network is a CIFAR one of {count} classes"
    made = Preprocessing(SMALL_SIDE, SMALL_SIDE, mean=mean, std=std)
    return made, colours, "because the network is a CIFAR one"


def imagenet_names() -> tuple[str, ...]:
    """ImageNet's 1,000 names as torchvision has them; the second of two that are called the same says so."""
    from torchvision.models import ResNet18_Weights

    names: list[str] = []
    for name in ResNet18_Weights.IMAGENET1K_V1.meta["categories"]:
        names.append(f"{name} (2)" if name in names else name)
    return tuple(names)
