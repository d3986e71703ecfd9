"""Where SE blocks stand in a network that was made without them, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from seviz.nets.se import SQUEEZES

POSITIONS = ("standard", "pre", "post", "identity", "3x3")


@dataclass(frozen=True)
class SEPlacement:
    """What seviz.nets.insert.insert_se does to a network.

    where: the stages that get SE blocks, counted from 1; None for all. position: "standard", "pre", "post", "identity" or
    "3x3" (see insert_se). reduction: r; the hidden width is max(C // r, min_hidden). squeeze: "avg", "max" or "none".

    Raises ValueError for values that make no sense in any network.
    """

    where: tuple[int, ...] | None = None
    position: str = "standard"
    reduction: int = 16
    min_hidden: int = 1
    squeeze: str = "avg"

    def __post_init__(self) -> None:
        if self.position not in POSITIONS:
            raise ValueError(f"a position is one of {', '.join(POSITIONS)}; not {self.position!r}")
        if self.squeeze not in SQUEEZES:
            raise ValueError(f"a squeeze is one of {', '.join(SQUEEZES)}; not {self.squeeze!r}")
        for name, value in (("r", self.reduction), ("min_hidden", self.min_hidden)):
            if not _is_whole(value) or value < 1:
                raise ValueError(f"{name} is a whole number of at least 1, not {value!r}")
        if self.where is not None and (not self.where or not all(_is_whole(stage) for stage in self.where)):
            raise ValueError("where names at least one stage by its number, or is None for all of them")

    def to_json(self) -> dict[str, Any]:
        """The value of the key "se" of a card's options."""
        return {**asdict(self), "where": None if self.where is None else list(self.where)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> SEPlacement:
        """What to_json wrote. Raises TypeError or ValueError where the values describe no placement."""
        if not isinstance(values, Mapping) or not set(values) <= {field.name for field in fields(cls)}:
            raise ValueError("the placement of SE blocks has other fields than it can have")
        where = values.get("where")
        return cls(**{**values, "where": None if where is None else tuple(where)})

    @property
    def text(self) -> str:
        """In words, for a card's description: "SE blocks in all stages: ..."."""
        stages = "all stages" if self.where is None else f"stages {', '.join(str(stage) for stage in self.where)}"
        words = f"SE blocks in {stages}: reduction r = {self.reduction}, {self.position} position, {self.squeeze} squeeze"
        return words if self.min_hidden == 1 else f"{words}, {self.min_hidden} hidden units or more"


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
