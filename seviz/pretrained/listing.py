"""What could be had by name, searched in a list that comes with seviz: neither timm nor a network is needed for it.

networks.csv has a row for every file of weights of timm and torchvision that tells ImageNet's 1,000 classes. `python -m
seviz.pretrained.making` writes it, for the versions that its first line names.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from seviz.errors import RequestError

LIBRARIES = ("timm", "torchvision")
LIST = Path(__file__).with_name("networks.csv")
# (name, why it is worth a look)
SUGGESTED = (
    ("timm:seresnet50.a1_in1k", "SE-ResNet-50, the network of the paper's main table"),
    ("timm:resnet50.a1_in1k", "its plain twin, trained by the same recipe"),
    ("timm:legacy_seresnet50.in1k", "the paper's own variant, stride in the first 1x1 convolution"),
    ("timm:mobilenetv3_small_050.lamb_in1k", "a small one: hard sigmoids, quick everywhere"),
    ("timm:regnety_002.pycls_in1k", "small, with an SE block in every unit"),
    ("timm:efficientnet_b0.ra_in1k", "SE blocks inside inverted bottlenecks"),
)


@dataclass(frozen=True)
class Listed:
    """A network that could be had.

    name: as typed, weights named. family: the file of the library that builds it. parameters: learned numbers. gate: the
    classes of its modules that multiply channels by a gate, joined by "+"; "" where it has none by its definition. side:
    of the pictures it sees, in pixels. default: whether its weights are those that its bare name stands for.
    """

    name: str
    family: str
    parameters: int
    gate: str
    side: int
    default: bool

    @property
    def library(self) -> str:
        return self.name.partition(":")[0]

    @property
    def bytes_about(self) -> int:
        """Of its file, float32; what the server says may differ a little."""
        return 4 * self.parameters


@cache
def rows() -> tuple[Listed, ...]:
    """The whole list, in the order of the file."""
    with LIST.open(encoding="utf-8", newline="") as file:
        next(file)  # the versions
        return tuple(
            Listed(row["name"], row["family"], int(row["parameters"]), row["gate"], int(row["side"]), row["default"] == "1")
            for row in csv.DictReader(file)
        )


def versions_listed() -> str:
    """Of which versions the list is, such as "timm 1.0.31, torchvision 0.29.2"."""
    with LIST.open(encoding="utf-8") as file:
        return file.readline().removeprefix("#").strip()


@cache
def families() -> tuple[str, ...]:
    """Every family of the list, sorted."""
    return tuple(sorted({row.family for row in rows()}))


def listed(name: str) -> Listed | None:
    """The row of a name whose weights are named."""
    return next((row for row in rows() if row.name == name), None)


def search(
    text: str = "",
    *,
    family: str | None = None,
    gated: bool = False,
    most_parameters: int | None = None,
    library: str | None = None,
) -> tuple[Listed, ...]:
    """The networks whose name holds every word of `text`, smallest first.

    Args: gated: only those with a channel gate by their definition. most_parameters: no larger ones.

    Raises RequestError for a family or a library that there is not.
    """
    for value, known, what in ((family, families(), "family"), (library, LIBRARIES, "library")):
        if value is not None and value not in known:
            raise RequestError(f"There is no {what} {value[:40]!r}; there are {_few(known)}.")
    words = text.lower().split()
    found = [
        row
        for row in rows()
        if all(word in row.name.lower() for word in words)
        and (family is None or row.family == family)
        and (library is None or row.library == library)
        and (row.gate or not gated)
        and (most_parameters is None or row.parameters <= most_parameters)
    ]
    return tuple(sorted(found, key=lambda row: (row.parameters, row.name)))


def _few(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 100 else f"{', '.join(names[:100])}, ..."
