"""A name -> what it stands for, asked of the library that it names."""

from __future__ import annotations

from seviz.errors import RequestError
from seviz.pretrained.listing import LIBRARIES
from seviz.pretrained.named import Pretrained


def is_named(text: str) -> bool:
    """Whether a text names a network of a library, rightly or not."""
    return text.partition(":")[0] in LIBRARIES


def resolve(text: str) -> Pretrained:
    """What the name stands for; weights that are not named are the library's default.

    Raises RequestError where there is no such network, no such weights, or none that tell ImageNet's 1,000 classes.
    """
    library, _, rest = text.partition(":")
    if library == "timm":
        from seviz.pretrained.of_timm import resolve_timm

        return resolve_timm(rest)
    if library == "torchvision":
        from seviz.pretrained.of_torchvision import resolve_torchvision

        return resolve_torchvision(rest)
    raise RequestError(f"{text[:60]!r} names no network; write timm:NAME or torchvision:NAME.")
