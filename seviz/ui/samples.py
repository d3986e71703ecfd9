"""The bundled photographs and drawings; samples/LICENCES.md says whose they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "samples"


@dataclass(frozen=True)
class Sample:
    """name: what a link holds, such as "cat". title: for people. credit: author and licence, to show beside it."""

    name: str
    title: str
    path: Path
    credit: str


def samples() -> tuple[Sample, ...]:
    """All bundled pictures in the order in which they are offered, JPEG, at most 512 pixels a side."""
    own = "drawn for seviz, MIT licence"
    return tuple(
        Sample(name, title, FOLDER / f"{name}.jpg", credit)
        for name, title, credit in (
            ("cat", "Cat", "Chelsea, photograph by Stefan van der Walt, CC0"),
            ("ship", "Ship", own),
            ("airplane", "Aeroplane", own),
            ("car", "Car", own),
            ("horse", "Horse", "outline by Andreas Preuss, CC0"),
            ("espresso", "Espresso", "photograph by Rachel Michetti, CC0"),
            ("rocket", "Rocket", "photograph by SpaceX, public domain"),
            ("temple", "Temple", "photograph by danielbuechele, CC BY 2.0, made smaller"),
        )
    )
