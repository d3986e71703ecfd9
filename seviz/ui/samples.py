"""The bundled photographs and drawings; samples/LICENCES.md says whose they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seviz.data.matching import match_classes
from seviz.errors import DataError

FOLDER = Path(__file__).parent / "samples"


@dataclass(frozen=True)
class Sample:
    """name: what a link holds, such as "cat". title: for people. credit: author and licence, to show beside it. shows: what
    classes of data sets call it."""

    name: str
    title: str
    path: Path
    credit: str
    shows: tuple[str, ...] = ()

    def class_among(self, classes: Sequence[str]) -> str | None:
        """The class of a network that it shows, however that is written; None where no class fits."""
        for word in self.shows:
            try:
                return classes[match_classes([word], classes, self.name)[0]]
            except DataError:
                continue
        return None


def samples() -> tuple[Sample, ...]:
    """All bundled pictures in the order in which they are offered, JPEG, at most 512 pixels a side."""
    own = "drawn for seviz, MIT licence"
    return tuple(
        Sample(name, title, FOLDER / f"{name}.jpg", credit, shows)
        for name, title, credit, shows in (
            ("cat", "Cat", "Chelsea, photograph by Stefan van der Walt, CC0", ("cat", "tabby")),
            ("ship", "Ship", own, ("ship", "liner")),
            ("airplane", "Aeroplane", own, ("airplane", "airliner")),
            ("car", "Car", own, ("automobile", "car", "sports car")),
            ("horse", "Horse", "outline by Andreas Preuss, CC0", ("horse",)),
            ("espresso", "Espresso", "photograph by Rachel Michetti, CC0", ("espresso",)),
            ("rocket", "Rocket", "photograph by SpaceX, public domain", ("rocket",)),
            ("temple", "Temple", "photograph by danielbuechele, CC BY 2.0, made smaller", ("temple",)),
        )
    )
