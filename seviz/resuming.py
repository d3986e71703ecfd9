"""What the states of all measurements that a kill may stop have alike: where they lie, when they are saved, what is refused."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from seviz.errors import JobError


def state_path(out: Path) -> Path:
    """Where the state of a measurement lies that is to be written to `out`: beside it."""
    return out.with_name(f"{out.stem}.resume.npz")


def damaged(path: Path) -> JobError:
    """To be raised where a state cannot be read, or does not fit what is measured."""
    return JobError(f"{path} is damaged; remove it and start again without --resume.")


def require_same_inputs(path: Path, changed: Sequence[str]) -> None:
    """Raises JobError where the measurement whose state lies in `path` differs from the one to resume. changed: in what."""
    if changed:
        cure = "resume with the same ones or remove it and start again"
        raise JobError(f"{path} was started with other inputs ({', '.join(changed)}); {cure}.")


class Saver:
    """Calls what saves a state to `path`, but only every `seconds`."""

    def __init__(self, path: Path, seconds: float) -> None:
        self.path, self.seconds, self.last = path, seconds, time.monotonic()

    def __call__(self, save: Callable[[Path], None]) -> None:
        if time.monotonic() - self.last >= self.seconds:
            save(self.path)
            self.last = time.monotonic()
