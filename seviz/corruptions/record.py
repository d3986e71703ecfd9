"""corruptions.json: how a network does on corrupted pictures, as plain data; written atomically, read with suspicion."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from seviz.analysis.classification import Interval
from seviz.analysis.corruption_words import findings
from seviz.analysis.corruptions import ALL, CLEAN, Apart, Beside, Condition, Moved, unpacked
from seviz.data import DataKey
from seviz.errors import printable
from seviz.files import write_json
from seviz.gates import Site
from seviz.sealed import load_sealed, seal
from seviz.values import real, text, texts, whole

CORRUPTIONS_FILE = "corruptions.json"
FORMAT = 1
MAX_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Corruptions:
    """What every corruption costs, over n pictures, as many of each class as there are.

    weights_sha256: of the network (hex). data: the samples that n were chosen from, by `seed`, from which all that is random
    follows as well. samples: sha256 over the names of the n (hex). classes: K names. sites, apart: of its gates, () for a
    plain network. conditions: the clean pictures first. command: gives it again. versions, hardware: of the machine. side:
    height and width in pixels of the pictures as they were corrupted.
    """

    weights_sha256: str
    data: DataKey
    n: int
    samples: str
    seed: int
    classes: tuple[str, ...]
    sites: tuple[Site, ...]
    apart: tuple[Apart, ...]
    conditions: tuple[Condition, ...]
    command: str
    versions: Mapping[str, str]
    hardware: Mapping[str, str | int]
    side: tuple[int, int]

    @property
    def findings(self) -> tuple[str, ...]:
        """What follows from the numbers, in sentences."""
        return findings(self.conditions, self.apart, self.sites)

    def condition(self, kind: str, level: float) -> Condition:
        """Raises StopIteration where it was not measured."""
        return next(one for one in self.conditions if (one.kind, one.level) == (kind, level))

    def same_pictures(self, other: Corruptions) -> bool:
        """Whether both networks saw the very same corrupted pictures."""
        mine, its = ((one.n, one.samples, one.seed, one.side, one.data.name) for one in (self, other))
        return mine == its and self.data.same_samples(other.data)

    def to_json(self) -> dict[str, Any]:
        """Everything as values that json.dumps takes, with the findings in words, sealed."""
        return seal({"format": FORMAT, **asdict(self), "findings": list(self.findings)})


def save_corruptions(path: Path, found: Corruptions) -> None:
    """Write corruptions.json."""
    write_json(path, found.to_json())


def load_corruptions(path: Path) -> Corruptions:
    """Read corruptions.json. Raises CheckpointError where it is missing, damaged or says something else than its seal."""
    return load_sealed(path, MAX_BYTES, FORMAT, _checked, corruptions_command(path))


def corruptions_command(path: Path) -> str:
    """The command that writes `path`, the corruptions.json of a checkpoint's folder; D stands for the data set."""
    path = Path(os.path.abspath(path))
    command = ["python", "-m", "seviz", "evaluate", "--model", str(path.parent), "--data", "D", "--corruptions"]
    return printable(shlex.join(command + ([] if path.name == CORRUPTIONS_FILE else ["--out", str(path)])))


def _checked(values: Mapping[str, Any]) -> Corruptions:
    """Raises one of a few errors where the values are not those of such a file."""
    key = values["data"]
    data = DataKey(text(key["name"]), text(key["split"]), whole(key["count"], 1), text(key["sha256"]))
    n = whole(values["n"], 2, data.count)
    found = Corruptions(
        weights_sha256=text(values["weights_sha256"]),
        data=data,
        n=n,
        samples=text(values["samples"]),
        seed=whole(values["seed"]),
        classes=tuple(text(label) for label in values["classes"]),
        sites=tuple(_site(one) for one in values["sites"]),
        apart=tuple(_apart(one) for one in values["apart"]),
        conditions=tuple(_condition(one, n) for one in values["conditions"]),
        command=text(values["command"]),
        versions=texts(values["versions"]),
        hardware=dict(values["hardware"]),
        side=(whole(values["side"][0], 1), whole(values["side"][1], 1)),
    )
    _require_whole(found)
    return found


def _require_whole(found: Corruptions) -> None:
    """Raises ValueError where something lacks, or stands in another order than it is written in."""
    if [(one.kind, one.level) for one in found.conditions] != [(CLEAN, 0.0), *ALL]:
        raise ValueError("other corruptions than there are")
    if [one.path for one in found.apart] != [site.path for site in found.sites]:
        raise ValueError("other gates than its sites")
    gated = bool(found.sites)
    if any(len(one.moved) != len(found.sites) for one in found.conditions):
        raise ValueError("other gates than its sites")
    wanted = [(gated and one.kind != CLEAN, gated) for one in found.conditions]
    if [(one.held is not None, one.static is not None) for one in found.conditions] != wanted:
        raise ValueError("other gates than a network has")
    if any(one.accuracy != float(unpacked(one.right, found.n).mean()) for one in found.conditions):
        raise ValueError("other pictures right than it counts")


def _site(values: Mapping[str, Any]) -> Site:
    stage, block, channels, hidden = (whole(values[name]) for name in ("stage", "block", "channels", "hidden"))
    return Site(text(values["path"]), stage, block, channels, hidden, text(values["kind"]), real(values["neutral"]))


def _apart(values: Mapping[str, Any]) -> Apart:
    spread, absolute, rms = (real(values[name], 0) for name in ("spread", "absolute", "rms"))
    return Apart(text(values["path"]), spread, absolute, rms)


def _condition(values: Mapping[str, Any], n: int) -> Condition:
    return Condition(
        kind=text(values["kind"]),
        level=real(values["level"]),
        accuracy=real(values["accuracy"], 0, 1),
        interval=_pair(values["interval"]),
        difference=real(values["difference"], -1, 1),
        difference_interval=_pair(values["difference_interval"]),
        p=real(values["p"], 0, 1),
        loss=real(values["loss"], 0),
        right=text(values["right"]),
        moved=tuple(Moved(real(one["absolute"], 0), real(one["rms"], 0)) for one in values["moved"]),
        held=_beside(values["held"]),
        static=_beside(values["static"]),
    )


def _beside(values: Mapping[str, Any] | None) -> Beside | None:
    if values is None:
        return None
    interval, p = _pair(values["interval"]), real(values["p"], 0, 1)
    return Beside(real(values["accuracy"], 0, 1), real(values["difference"], -1, 1), interval, p)


def _pair(values: Any) -> Interval:
    low, high = (real(value, -1, 1) for value in values)
    return low, high
