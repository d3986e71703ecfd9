"""What an edit is: which sites, what their gates become, and which channels it touches. Frozen values, no torch.

    Edit(Where(stage=3), Constant(1))                              the gates of stage 3 at 1: SE off there
    Edit(ALL, DataMean())                                          every gate at its mean over a data set
    Edit(Where(path="layer3.2.se"), Constant(0), Ranked(8, "gate"))   the 8 most opened channels of one site dropped

Edits are given as a tuple and act in its order: a later one acts on what the earlier ones left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from seviz.errors import RequestError

LARGEST = 1e6  # of a gate's value: it must survive float32 and a few products
MAX_EDITS = 64  # at once
RANKINGS = ("gate", "gradient")


@dataclass(frozen=True)
class Where:
    """The sites that an edit names: all of them, a stage's, one block's (both counted from 1), or one by its path."""

    stage: int | None = None
    block: int | None = None
    path: str | None = None

    def __post_init__(self) -> None:
        if self.path is not None:
            if self.stage is not None or self.block is not None:
                raise RequestError("An edit names its sites by stage and block or by a path, not by both.")
            _words(self.path, "path of a site")
        if self.block is not None and self.stage is None:
            raise RequestError("An edit that names a block names its stage as well.")
        for number, name in ((self.stage, "stage"), (self.block, "block")):
            if number is not None:
                _whole(number, name, 1)


@dataclass(frozen=True)
class Constant:
    """The gate becomes a number: 1 takes the SE block out, 0 drops the channel."""

    value: float
    kind: ClassVar[str] = "constant"

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", _number(self.value, "gate"))


@dataclass(frozen=True)
class DataMean:
    """The gate becomes its mean over a data set: what the network learned as a fixed scaling."""

    kind: ClassVar[str] = "mean"


@dataclass(frozen=True)
class ClassMean:
    """The gate becomes its mean over the pictures of the class `label`."""

    label: str
    kind: ClassVar[str] = "class"

    def __post_init__(self) -> None:
        _words(self.label, "class")


@dataclass(frozen=True)
class OtherPicture:
    """The gate becomes what the network, without edits, gives another picture; `picture` is the name it is handed in by."""

    picture: str
    kind: ClassVar[str] = "picture"

    def __post_init__(self) -> None:
        _words(self.picture, "picture")


@dataclass(frozen=True)
class Shuffled:
    """Every picture of the request gets the gates of another one of it, never its own, by a random cycle from `seed`.

    They are the gates that the network has after the edits before this one, all from one pass: the gates of a late site
    are not those that its shuffled early sites would lead to.
    """

    seed: int = 0
    kind: ClassVar[str] = "shuffled"

    def __post_init__(self) -> None:
        _whole(self.seed, "seed", 0)


@dataclass(frozen=True)
class Vector:
    """The gates of a site become these C numbers, float32: each is kept as the shortest decimal that means the same."""

    values: tuple[float, ...]
    kind: ClassVar[str] = "vector"

    def __post_init__(self) -> None:
        _sequence(self.values, "vector")
        numbers = (_number(value, "vector's value") for value in self.values)
        object.__setattr__(self, "values", tuple(float(str(np.float32(number))) for number in numbers))


@dataclass(frozen=True)
class Scaled:
    """The gate is multiplied by `factor`."""

    factor: float
    kind: ClassVar[str] = "scaled"

    def __post_init__(self) -> None:
        object.__setattr__(self, "factor", _number(self.factor, "factor"))


@dataclass(frozen=True)
class Clamped:
    """The gate is kept within low..high."""

    low: float
    high: float
    kind: ClassVar[str] = "clamped"

    def __post_init__(self) -> None:
        object.__setattr__(self, "low", _number(self.low, "lower limit"))
        object.__setattr__(self, "high", _number(self.high, "upper limit"))
        if self.low > self.high:
            raise RequestError(f"A gate cannot be clamped to {self.low:g}..{self.high:g}: the lower limit is the higher one.")


@dataclass(frozen=True)
class EveryChannel:
    """All channels of a site."""

    kind: ClassVar[str] = "every"


@dataclass(frozen=True)
class Channels:
    """These channels, counted from 0; kept sorted, each once."""

    indexes: tuple[int, ...]
    kind: ClassVar[str] = "chosen"

    def __post_init__(self) -> None:
        _sequence(self.indexes, "list of channels")
        chosen = {_whole(index, "channel", 0) for index in self.indexes}
        object.__setattr__(self, "indexes", tuple(sorted(chosen)))


@dataclass(frozen=True)
class Ranked:
    """The k first channels of every picture at every site, by its gates as the edits before this one left them.

    by: "gate", or "gradient": |gate x d logit / d gate|, of the class `label` or, when None, of the one that the picture
    is given under the edits before this one. bottom: the k last instead. Of equal channels the lower one comes first.
    """

    k: int
    by: str = "gate"
    bottom: bool = False
    label: str | None = None
    kind: ClassVar[str] = "ranked"

    def __post_init__(self) -> None:
        _whole(self.k, "number of channels", 1)
        if self.by not in RANKINGS:
            raise RequestError(f"Channels are ranked by {' or '.join(RANKINGS)}, not by {shorten(self.by)}.")
        if not isinstance(self.bottom, bool):
            raise RequestError(f"A ranking is from the bottom or not: true or false, not {shorten(self.bottom)}.")
        if self.label is not None:
            _words(self.label, "class")
            if self.by != "gradient":
                raise RequestError("Only a ranking by gradient is for a class.")


@dataclass(frozen=True)
class RandomChannels:
    """k channels drawn from `seed`, the same for all pictures; every site draws its own."""

    k: int
    seed: int = 0
    kind: ClassVar[str] = "random"

    def __post_init__(self) -> None:
        _whole(self.k, "number of channels", 1)
        _whole(self.seed, "seed", 0)


Becomes = Constant | DataMean | ClassMean | OtherPicture | Shuffled | Vector | Scaled | Clamped
Touched = EveryChannel | Channels | Ranked | RandomChannels
ALL = Where()


@dataclass(frozen=True)
class Edit:
    """A gate replaced. where: the sites. gate: what it becomes. channels: those that are touched; the others stay."""

    where: Where
    gate: Becomes
    channels: Touched = EveryChannel()

    def __post_init__(self) -> None:
        for value, allowed in ((self.where, Where), (self.gate, Becomes), (self.channels, Touched)):
            if not isinstance(value, allowed):
                raise RequestError(f"{shorten(value)} is no part of an edit; see seviz.edits.")


def checked_edits(edits: Sequence[Edit]) -> tuple[Edit, ...]:
    """The edits as a tuple. Raises RequestError where they are no list, something else is among them or they are too many."""
    if isinstance(edits, str | bytes) or not isinstance(edits, Sequence):
        raise RequestError(f"Edits are a list of edits, their text, or gate paths with values, not {type(edits).__name__}.")
    for one in edits:
        if not isinstance(one, Edit):
            raise RequestError(f"{shorten(one)} is no edit; see seviz.edits.")
    require_few(len(edits))
    return tuple(edits)


def require_few(count: int) -> None:
    """Raises RequestError for more edits than MAX_EDITS."""
    if count > MAX_EDITS:
        raise RequestError(f"{count} edits at once are too many; {MAX_EDITS} is the limit.")


def shorten(value: object, most: int = 40) -> str:
    """How a value is quoted in an error, whatever its length."""
    text = repr(value)
    return text if len(text) <= most else f"{text[: most - 4]}...{text[-1]}"


def _number(value: object, name: str) -> float:
    # NaN is in no range
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating) or not -LARGEST <= value <= LARGEST:
        raise RequestError(f"The {name} of an edit is a finite number up to {LARGEST:,.0f}, not {shorten(value)}.")
    return float(value)


def _whole(value: object, name: str, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 2**31:
        raise RequestError(f"The {name} of an edit is a whole number from {least}, not {shorten(value)}.")
    return value


def _words(value: object, name: str) -> None:
    if not isinstance(value, str) or not value or not value.isprintable():
        raise RequestError(f"The {name} of an edit is a name, not {shorten(value)}.")


def _sequence(value: object, name: str) -> None:
    if not isinstance(value, tuple) or not value:
        raise RequestError(f"The {name} of an edit is a tuple that is not empty, not {shorten(value)}.")
