"""All architectures, one after the other, with a state file of one JSON line each from which a stopped survey goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path

from seviz.coverage.look import FAILED, LARGE, PARTLY, REFUSED, Look, look_at
from seviz.coverage.networks import architectures
from seviz.errors import JobError

AGAIN = (FAILED, LARGE, PARTLY, REFUSED)


@dataclass(frozen=True)
class Limits:
    """Of one architecture.

    gibibytes: memory besides what the program has. seconds: of processor time. names: a pattern of names.
    """

    gibibytes: float = 6.0
    seconds: float = 300.0
    names: str = "*"


def survey_timm(
    state: Path, limits: Limits, *, again: bool = False, progress: Callable[[int, int], None] = lambda done, total: None
) -> None:
    """Look at every pretrained architecture of timm that the state file does not know yet, and write it there.

    Args: again: also at those that were not proved. progress: called with (done, in all).

    Raises JobError where the state file holds something else.
    """
    version = timm_version()
    known = read_state(state, version)
    names = [name for name in architectures() if fnmatch(name, limits.names)]
    waiting = [name for name in names if name not in known or (again and known[name].result in AGAIN)]
    for number, name in enumerate(waiting):
        progress(len(names) - len(waiting) + number, len(names))
        found = look_at(name, memory=int(limits.gibibytes * 2**30), seconds=limits.seconds)
        with open(state, "a", encoding="utf-8") as lines:
            # the line begins what a kill may have cut off before it
            lines.write("\n" + json.dumps({"timm": version, **asdict(found)}))
            lines.flush()
            os.fsync(lines.fileno())


def known_of_timm(state: Path) -> list[Look]:
    """What the state file knows of this version's architectures, by name. Raises JobError."""
    return [look for _, look in sorted(read_state(state, timm_version()).items())]


def timm_version() -> str:
    import timm

    return str(timm.__version__)


def read_state(state: Path, version: str) -> dict[str, Look]:
    """Name -> what was found with this version of timm; of several lines of a name the last holds. Raises JobError."""
    try:
        lines = state.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    found: dict[str, Look] = {}
    try:
        for line in filter(None, lines):
            if not line.endswith("}"):
                continue  # cut off by a kill
            values = json.loads(line)
            if values.pop("timm") == version:
                found[values["name"]] = Look(**{**values, "neutral": tuple(values["neutral"])})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise JobError(f"{state} is no state of a survey; remove it, or name another with --state.") from error
    return found
