"""excite: the whole pass over a data set, to its two files, which a kill at any moment does not spoil."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn

from seviz.data import PictureSet
from seviz.errors import JobError
from seviz.excitation.moments import Moments
from seviz.excitation.passes import Progress, batches_of, key_of
from seviz.excitation.projections import project
from seviz.excitation.records import Excitation, SampleGates
from seviz.excitation.samples import Samples
from seviz.excitation.state import STATE_FILE, Inputs, load_state, require_no_state, save_state
from seviz.excitation.store import EXCITATION_FILE, GATES_FILE, save_excitation, save_gates
from seviz.files import sweep_temporary
from seviz.images import Preprocessing

FILES = (STATE_FILE, GATES_FILE, EXCITATION_FILE)
PARTIAL = (STATE_FILE, *(f".{name}.*.tmp" for name in FILES))  # what a killed pass may leave behind, as patterns of names
SAVE_EVERY = 5.0  # seconds between two states, or longer: writing them takes 3 % of the time at most
SAVE_SHARE = 0.03


@dataclass(frozen=True)
class Excited:
    """What excite found and wrote. resumed: pictures that an earlier, killed pass had done."""

    excitation: Excitation
    samples: SampleGates
    resumed: int


def excite(
    net: nn.Module,
    data: PictureSet,
    preprocessing: Preprocessing,
    folder: Path,
    *,
    weights_sha256: str,
    batch: int = 250,
    resume: bool = False,
    progress: Progress | None = None,
    projecting: Progress | None = None,
) -> Excited:
    """Measure every gate of `net` over `data` and write excitation.npz and gates.npz into `folder`.

    Args:
        data: its labels index the classes of the network. batch: pictures at a time.
        resume: go on where a killed pass stopped, if there is one; the files are the same bit for bit.
        progress: called with (pictures done, in all). projecting: called with (sites projected, in all).

    Raises RequestError for a plain network, DataError where the pictures do not fit, JobError where there is a state
    and it is not to be resumed, or one that cannot be resumed as asked.
    """
    key = key_of(net, data, preprocessing, weights_sha256)
    with alone(folder):
        sweep_temporary(folder, FILES)
        moments, samples = Moments(key, data.ids), Samples(key, data.ids)
        inputs = Inputs.take(net, data, key, batch)
        if resume:
            cursor = load_state(folder, inputs, moments, samples)
        else:
            require_no_state(folder)
            cursor = 0
        saver = _Saver(lambda done: save_state(folder, inputs, done, moments, samples))
        done = cursor
        remaining = np.arange(cursor, len(data))
        for found in batches_of(net, data, preprocessing, remaining, batch) if len(remaining) else ():
            moments.add(found)
            samples.add(found)
            done += len(found.labels)
            saver.at(done, last=done == len(data))
            if progress:
                progress(done, len(data))
        excitation, kept = moments.result(), samples.result(project(samples.by_site(), projecting))
        save_gates(folder / GATES_FILE, kept)
        save_excitation(folder / EXCITATION_FILE, excitation)
        (folder / STATE_FILE).unlink(missing_ok=True)
    return Excited(excitation, kept, cursor)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Raises JobError where another measurement writes into `folder`. The lock ends with its process."""
    folder.mkdir(parents=True, exist_ok=True)
    if os.name != "posix":
        yield
        return
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise JobError(f"Another measurement of gates or maps is writing into {folder}; wait for it to end.") from error
        yield
    finally:
        os.close(descriptor)


class _Saver:
    """Saves now and then: every few seconds, less often where saving is slow, and at the last batch."""

    def __init__(self, save: Callable[[int], None]) -> None:
        self.save, self.wait, self.last = save, SAVE_EVERY, time.monotonic()

    def at(self, done: int, *, last: bool) -> None:
        start = time.monotonic()
        if last or start - self.last >= self.wait:
            self.save(done)
            self.last = time.monotonic()
            self.wait = max(SAVE_EVERY, (self.last - start) / SAVE_SHARE)
