"""pruning.json: what dropped channels cost on a data set, as plain data; written atomically, read with suspicion."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from seviz.analysis.classification import Interval
from seviz.analysis.pruning import Cut, Level, Versus, findings
from seviz.data import DataKey
from seviz.errors import printable
from seviz.files import write_json
from seviz.pruning.choice import CRITERIA
from seviz.sealed import load_sealed, seal
from seviz.values import real, text, texts, whole

PRUNING_FILE = "pruning.json"
FORMAT = 1
MAX_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Pruning:
    """What every share costs that was dropped by every criterion, on the samples of `data`.

    weights_sha256: of the unpruned network (hex). classes: K names. criteria, shares: that were measured, ascending and
    without 0. seeds: of the random choices, 0 to seeds - 1. accuracy, interval: of the unpruned network, 0..1, Wilson's at
    95 %. cuts: what is left at share 0 and each of the shares. levels: by criterion, then share. versus: by pair of
    criteria, then share. close: predictions, of all networks, whose two highest logits are within 1e-3: other batches or
    machines may decide them otherwise. networks: that were measured. gates: the data set whose mean gates were used, "" for
    none. command: gives it again. versions, hardware: of the machine.
    """

    weights_sha256: str
    data: DataKey
    classes: tuple[str, ...]
    criteria: tuple[str, ...]
    shares: tuple[float, ...]
    seeds: int
    accuracy: float
    interval: Interval
    cuts: tuple[Cut, ...]
    levels: tuple[Level, ...]
    versus: tuple[Versus, ...]
    close: int
    networks: int
    gates: str
    command: str
    versions: Mapping[str, str]
    hardware: Mapping[str, str | int]

    @property
    def n(self) -> int:
        return self.data.count

    @property
    def findings(self) -> tuple[str, ...]:
        """What follows from the numbers, in sentences."""
        return findings(self.cuts, self.levels, self.versus)

    def level(self, criterion: str, share: float) -> Level:
        """Raises StopIteration where it was not measured."""
        return next(one for one in self.levels if (one.criterion, one.share) == (criterion, share))

    def to_json(self) -> dict[str, Any]:
        """Everything as values that json.dumps takes, with the findings in words, sealed."""
        return seal({"format": FORMAT, **asdict(self), "findings": list(self.findings)})


def pairs_of(criteria: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """The pairs that are compared: each criterion with all that come after it."""
    return tuple(combinations(criteria, 2))


def save_pruning(path: Path, found: Pruning) -> None:
    """Write pruning.json."""
    write_json(path, found.to_json())


def load_pruning(path: Path) -> Pruning:
    """Read pruning.json. Raises CheckpointError where it is missing, damaged or says something else than its seal."""
    return load_sealed(path, MAX_BYTES, FORMAT, _checked, prune_command(path))


def prune_command(path: Path) -> str:
    """The command that writes `path`, the pruning.json of a checkpoint's folder; D stands for the data set."""
    path = Path(os.path.abspath(path))
    command = ["python", "-m", "seviz", "prune", "--model", str(path.parent), "--data", "D"]
    return printable(shlex.join(command))


def _checked(values: Mapping[str, Any]) -> Pruning:
    """Raises one of a few errors where the values are not those of a pruning."""
    words = {word: text(values["data"][word]) for word in ("name", "split", "sha256")}
    found = Pruning(
        weights_sha256=text(values["weights_sha256"]),
        data=DataKey(**words, count=whole(values["data"]["count"], 1)),
        classes=tuple(text(label) for label in values["classes"]),
        criteria=tuple(text(name) for name in values["criteria"]),
        shares=tuple(real(share, 0, 1) for share in values["shares"]),
        seeds=whole(values["seeds"], 2),
        accuracy=real(values["accuracy"], 0, 1),
        interval=_pair(values["interval"]),
        cuts=tuple(_cut(one) for one in values["cuts"]),
        levels=tuple(_level(one) for one in values["levels"]),
        versus=tuple(_versus(one) for one in values["versus"]),
        close=whole(values["close"]),
        networks=whole(values["networks"], 1),
        gates=text(values["gates"]),
        command=text(values["command"]),
        versions=texts(values["versions"]),
        hardware=dict(values["hardware"]),
    )
    _require_whole(found)
    return found


def _require_whole(found: Pruning) -> None:
    """Raises ValueError where something lacks, or stands in another order than it is written in."""
    ordered = [name for name in CRITERIA if name in found.criteria]
    if not found.shares or not ordered or list(found.criteria) != ordered:
        raise ValueError("other criteria or shares than a pruning has")
    if list(found.shares) != sorted(set(found.shares)) or not 0 < found.shares[0] <= found.shares[-1] < 1:
        raise ValueError("shares that are none")
    levels = [(criterion, share) for criterion in found.criteria for share in found.shares]
    versus = [(*pair, share) for pair in pairs_of(found.criteria) for share in found.shares]
    if [(one.criterion, one.share) for one in found.levels] != levels:
        raise ValueError("other levels than its criteria and shares")
    if [(one.first, one.second, one.share) for one in found.versus] != versus:
        raise ValueError("other comparisons than its criteria and shares")
    if [one.share for one in found.cuts] != [0.0, *found.shares]:
        raise ValueError("other costs than its shares")
    if any(len(one.by_seed) != (found.seeds if one.criterion == "random" else 0) for one in found.levels):
        raise ValueError("other seeds than it says")


def _cut(values: Mapping[str, Any]) -> Cut:
    numbers = {name: whole(values[name], 1) for name in ("channels", "parameters", "multiply_adds")}
    return Cut(real(values["share"], 0, 1), whole(values["dropped"]), **numbers)


def _level(values: Mapping[str, Any]) -> Level:
    rates = tuple(real(rate, 0, 1) for rate in values["by_seed"])
    accuracy, spread = real(values["accuracy"], 0, 1), _pair(values["spread"])
    return Level(text(values["criterion"]), real(values["share"], 0, 1), accuracy, spread, *_change(values), rates)


def _versus(values: Mapping[str, Any]) -> Versus:
    return Versus(text(values["first"]), text(values["second"]), real(values["share"], 0, 1), *_change(values))


def _change(values: Mapping[str, Any]) -> tuple[float, Interval, float]:
    return real(values["difference"], -1, 1), _pair(values["interval"]), real(values["p"], 0, 1)


def _pair(values: Any) -> Interval:
    low, high = (real(value) for value in values)
    return low, high
