"""What a name such as `timm:seresnet50.a1_in1k` or `torchvision:resnet50:IMAGENET1K_V2` stands for."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlparse

from seviz.errors import RequestError
from seviz.images import Preprocessing

PROMISE = re.compile(r"-([0-9a-f]{8,64})\.[a-z]+$")  # resnet50-11ad3fa6.pth: how its sha256 begins
CLASSES = 1000  # of ImageNet-1k, the only ones whose names are known


@dataclass(frozen=True)
class HubFile:
    """A file on the Hugging Face hub: its repository and its name there."""

    repository: str
    name: str

    @property
    def address(self) -> str:
        from huggingface_hub import constants

        return f"{constants.ENDPOINT}/{self.repository}/resolve/main/{self.name}"


@dataclass(frozen=True)
class UrlFile:
    """A file at an address. Its name ends in the first hex digits of its sha256, such as resnet50-11ad3fa6.pth, or does not."""

    address: str

    @property
    def name(self) -> str:
        return os.path.basename(urlparse(self.address).path)


Source = HubFile | UrlFile


@dataclass(frozen=True)
class Pretrained:
    """A network with weights that its authors trained.

    name: as typed, with the weights always named. library, arch, tag: its parts. options: further arguments of the
    builder. sources: where the file of weights may be had, the best first. licence: of the weights, as their authors give
    it. classes: the 1,000 names of ImageNet-1k. limits: sentences.
    """

    name: str
    library: str
    arch: str
    tag: str
    options: Mapping[str, Any]
    sources: tuple[Source, ...]
    preprocessing: Preprocessing
    classes: tuple[str, ...]
    licence: str
    limits: tuple[str, ...]


def no_such(what: str, wanted: str, known: Iterable[str]) -> RequestError:
    """The error for a name that there is not, with those that look like it."""
    near = difflib.get_close_matches(wanted, list(known), 4, 0.5)
    hint = f"did you mean {', '.join(near)}?" if near else "`python -m seviz models --search TEXT` finds names."
    return RequestError(f"There is no {what} {wanted[:60]!r}; {hint}")


def imagenet_classes() -> tuple[str, ...]:
    """The 1,000 classes of ImageNet-1k in the order of everybody's outputs, by short and different names."""
    from torchvision.models import ResNet18_Weights

    return tuple(ResNet18_Weights.IMAGENET1K_V1.meta["categories"])
