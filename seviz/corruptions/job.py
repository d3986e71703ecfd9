"""measure: a network over corrupted pictures, to its file, which a kill at any moment does not spoil."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn

from seviz.analysis.corruptions import Condition, Moved, condition
from seviz.analysis.faithfulness import balanced
from seviz.corruptions.passes import CONDITIONS, Outcomes, fill, look
from seviz.corruptions.record import Corruptions, save_corruptions
from seviz.corruptions.state import State
from seviz.data import DataKey, PictureSet
from seviz.errors import DataError, JobError, RequestError
from seviz.excitation import ExcitationKey, alone
from seviz.excitation.state import Inputs
from seviz.gates import gates_seen_at
from seviz.images import Preprocessing
from seviz.machine import hardware, versions
from seviz.resuming import Saver, state_path

SAVE_EVERY = 10.0  # seconds between two states
SMALLEST = 8  # pixels of a side: a blur of a smaller picture needs more of it than there is

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Setting:
    """What a measurement says of itself, and how it runs.

    weights_sha256: of the network (hex). command: that gives it again. limit: pictures at most, as many of every class as
    there are; all when None. seed: of the choice and of all that is random. batch: pictures at a time. resume: go on from a
    state. save_every: seconds. looking, progress: called with (pictures done, in all) of the clean pass and of the other.
    """

    weights_sha256: str
    command: str
    limit: int | None = None
    seed: int = 0
    batch: int = 100
    resume: bool = False
    save_every: float = SAVE_EVERY
    looking: Progress | None = None
    progress: Progress | None = None


def measure(net: nn.Module, data: PictureSet, preprocessing: Preprocessing, out: Path, setting: Setting) -> Corruptions:
    """Measure what corruptions cost over `data`, and write it to `out`.

    Args: data: its labels index the classes of the network; its pictures have the network's size.

    A measurement that was killed leaves a state beside `out`; with setting.resume it goes on, and the file is the same bit
    for bit. Raises RequestError for fewer than two pictures, DataError where the pictures do not fit, JobError where there is
    a state and it is not to be resumed, or a state of something else.
    """
    _require_fit(data, preprocessing)
    chosen = np.sort(balanced(data.labels, setting.limit or len(data), setting.seed))
    if len(chosen) < 2:
        raise RequestError("Intervals need at least two pictures; raise --limit, or choose another data set.")
    sites = gates_seen_at(net, preprocessing.height, preprocessing.width)
    few = data if len(chosen) == len(data) else data.subset(chosen)
    key = ExcitationKey(setting.weights_sha256, sites, data.classes, preprocessing, few.key)
    with alone(out.parent):
        return _measure(net, few, key, data.key, out, setting)


def _require_fit(data: PictureSet, preprocessing: Preprocessing) -> None:
    if not len(data) or data.size != (preprocessing.height, preprocessing.width):
        found = f"{data.size[1]} x {data.size[0]} pixels" if len(data) else "no pictures"
        raise DataError(f"{data.name} has {found}; the network sees {preprocessing.width} x {preprocessing.height}.")
    require_corruptible(data.size)


def require_corruptible(size: tuple[int, int]) -> None:
    """Raises DataError for pictures, (H, W) in pixels, that are too small for the strongest blur."""
    if min(size) < SMALLEST:
        raise DataError(f"Pictures of {size[1]} x {size[0]} pixels are too small to be corrupted; choose larger ones.")


def _measure(
    net: nn.Module, data: PictureSet, key: ExcitationKey, whole: DataKey, out: Path, setting: Setting
) -> Corruptions:
    path, inputs = state_path(out), Inputs.take(net, data, key, setting.batch)
    state = _start(path, net, data, inputs, setting)
    saver = _Saver(path, state, setting)
    fill(
        state.outcomes, net, data, key.preprocessing, key.sites, state.means,
        seed=setting.seed, start=state.cursor, batch=setting.batch, done=saver,
    )  # fmt: skip
    made = Corruptions(
        weights_sha256=setting.weights_sha256,
        data=whole,
        n=len(data),
        samples=hashlib.sha256("\n".join(data.ids).encode()).hexdigest(),
        seed=setting.seed,
        classes=data.classes,
        sites=key.sites,
        apart=state.apart,
        conditions=_conditions(state.outcomes, data, setting.seed),
        command=setting.command,
        versions=versions(),
        hardware=hardware(next(net.parameters()).device),
        side=data.size,
    )
    save_corruptions(out, made)
    path.unlink(missing_ok=True)
    return made


def _start(path: Path, net: nn.Module, data: PictureSet, inputs: Inputs, setting: Setting) -> State:
    """The state to go on from, or a fresh one with the clean pass done."""
    found = State.load(path) if setting.resume else None
    if found is not None:
        found.require_same(path, inputs, setting.seed)
        return found
    if path.exists():
        raise JobError(f"{path} is of a measurement that is not finished; continue with --resume, or remove it.")

    def done(count: int) -> None:
        if setting.looking:
            setting.looking(count, len(data))

    sites, seed = inputs.key.sites, setting.seed
    means, apart = look(net, data, inputs.key.preprocessing, sites, seed=seed, batch=setting.batch, done=done)
    return State(inputs, seed, 0, Outcomes.empty(len(data), len(sites)), means, apart)


class _Saver:
    """Saves the state every few seconds, and says how far the pass has come."""

    def __init__(self, path: Path, state: State, setting: Setting) -> None:
        self.state, self.setting, self.saver = state, setting, Saver(path, setting.save_every)

    def __call__(self, done: int) -> None:
        self.saver(self.state.at(done).save)
        if self.setting.progress:
            self.setting.progress(done, self.state.inputs.key.data.count)


def _conditions(outcomes: Outcomes, data: PictureSet, seed: int) -> tuple[Condition, ...]:
    right = outcomes.predicted == data.labels
    absolute, squares = np.moveaxis(outcomes.moved / len(data), -1, 0)
    made = []
    for place, (kind, level) in enumerate(CONDITIONS):
        own, *others = right[:, place]
        held, static = others or (None, None)
        moved = [Moved(*pair) for pair in zip(absolute[place].tolist(), np.sqrt(squares[place]).tolist(), strict=True)]
        loss = float(outcomes.loss[0, place].mean(dtype=np.float64))
        shown = held if place else None  # of clean pictures it is the network itself
        made.append(condition(kind, level, own, right[0, 0], loss, moved=moved, held=shown, static=static, seed=seed))
    return tuple(made)
