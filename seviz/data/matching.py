"""Class names of a data set against those of a network: matched by name where that leaves no doubt."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from seviz.errors import DataError

SYNSET = re.compile(r"n[0-9]{8}")
IMAGENET = 1000  # classes
SAME = 0.9  # share of the names that must be ImageNet's, each at its place, before its WordNet ids are used


def match_classes(names: Sequence[str], classes: Sequence[str], where: str) -> tuple[int, ...]:
    """For each of a data set's class names, the index of the network's class that it means.

    A name is matched as it stands, then without regard to case and punctuation and to any one of a class's synonyms, which
    commas separate ("golden_retriever" is "golden retriever"; "tench" is "tench, Tinca tinca"), then, where all names are
    WordNet ids and the network's classes are ImageNet's 1,000 in their order, by id.

    Raises DataError where a name means none of the classes, more than one, or the same one as another; it begins with `where`.
    """
    if tuple(names) == tuple(classes):
        return tuple(range(len(classes)))
    exact: dict[str, list[int]] = {}
    for index, name in enumerate(classes):
        exact.setdefault(name, []).append(index)  # two classes may have one name: ImageNet has two cranes
    if names and not set(names) <= set(exact) and all(SYNSET.fullmatch(name) for name in names) and is_imagenet(classes):
        order = {name: index for index, name in enumerate(_imagenet()[0])}
        found = [[order[name]] if name in order else [] for name in names]
    else:
        meanings = _meanings(classes)
        found = [exact.get(name) or meanings.get(_plain(name), []) for name in names]
    for name, indexes in zip(names, found, strict=True):
        if not indexes:
            unknown = [one for one, places in zip(names, found, strict=True) if not places]
            raise DataError(f"{where} has classes that are not the network's: {some(unknown)}; it knows {some(classes)}.")
        if len(indexes) > 1:
            any_of = some([classes[index] for index in indexes])
            raise DataError(f"{where} has a class {name}, which may be any of {any_of}; rename its folder.")
    chosen = tuple(indexes[0] for indexes in found)
    for index in set(chosen):
        double = [name for name, one in zip(names, chosen, strict=True) if one == index]
        if len(double) > 1:
            raise DataError(f"{where} has the classes {some(double)}, all of which mean {classes[index]}; keep one of them.")
    return chosen


def is_imagenet(classes: Sequence[str]) -> bool:
    """Whether these are ImageNet's 1,000 classes in their usual order. False where timm, which knows it, is not installed."""
    if len(classes) != IMAGENET or not _imagenet()[0]:
        return False
    alike = sum(_plain(name.split(",")[0]) in known for name, known in zip(classes, _imagenet()[1], strict=True))
    return alike >= SAME * IMAGENET


def some(names: Sequence[str], most: int = 5) -> str:
    listed = sorted(names)
    return ", ".join(listed[:most]) + (f" and {len(listed) - most} more" if len(listed) > most else "")


def _meanings(classes: Sequence[str]) -> dict[str, list[int]]:
    """Plain word -> the classes that it may mean."""
    found: dict[str, list[int]] = {}
    for index, name in enumerate(classes):
        for word in {_plain(name), *(_plain(part) for part in name.split(","))}:
            found.setdefault(word, []).append(index)
    return found


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", " ", name.casefold()).strip()


@cache
def _imagenet() -> tuple[tuple[str, ...], tuple[frozenset[str], ...]]:
    """WordNet ids of ImageNet's classes in order, and the plain synonyms of each; two () without timm."""
    try:
        from timm.data.imagenet_info import ImageNetInfo
    except ImportError:
        return (), ()
    info = ImageNetInfo()
    words = (frozenset(_plain(part) for part in text.split(",")) for text in info.label_descriptions())
    return tuple(info.label_names()), tuple(words)  # type: ignore[no-untyped-call]
