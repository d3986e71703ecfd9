"""measure: every network of a plan over a data set, to its file, which a kill at any moment does not spoil."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seviz.analysis.classification import wilson
from seviz.analysis.pruning import Cut, level_of, versus_of
from seviz.data import PictureSet
from seviz.errors import DataError, JobError, RequestError
from seviz.evaluation import evaluating, normaliser
from seviz.excitation import Excitation, ExcitationKey, alone
from seviz.excitation.state import Inputs
from seviz.gates import find_gates
from seviz.images import Preprocessing
from seviz.machine import hardware, versions
from seviz.nets import cost
from seviz.pruning.branches import branches_of
from seviz.pruning.choice import dropped
from seviz.pruning.plan import Pruned, checked_shares, criteria_of, plan_of
from seviz.pruning.record import Pruning, pairs_of, save_pruning
from seviz.pruning.state import State
from seviz.pruning.surgery import prune
from seviz.resuming import Saver, state_path

SAVE_EVERY = 10.0  # seconds between two states
CLOSE = 1e-3  # of the two highest logits: below it other batches may predict the other class


@dataclass(frozen=True)
class Setting:
    """What a measurement says of itself, and how it runs.

    weights_sha256: of the network (hex). command: that gives it again. excitation: statistics of its gates, whose means are
    a criterion; None only for networks without gates on their branches. shares: of the channels that are dropped. seeds: of
    random choices, two or more. batch: pictures at a time. resume: go on from a state. save_every: seconds. progress:
    called with (pictures done, in all), over all networks.
    """

    weights_sha256: str
    command: str
    excitation: Excitation | None = None
    shares: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    seeds: int = 5
    batch: int = 100
    resume: bool = False
    save_every: float = SAVE_EVERY
    progress: Callable[[int, int], None] | None = None


def measure(net: nn.Module, data: PictureSet, preprocessing: Preprocessing, out: Path, setting: Setting) -> Pruning:
    """Measure what every share costs that is dropped by every criterion, over `data`, and write it to `out`.

    Args: data: its labels index the classes of the network.

    A measurement that was killed leaves a state beside `out`; with setting.resume it goes on, and the file is the same bit
    for bit. Raises RequestError where the network cannot be pruned so, DataError where the pictures do not fit, JobError
    where there is a state and it is not to be resumed, or a state of something else.
    """
    if setting.seeds < 2:
        raise RequestError("One random choice says nothing about chance: this needs two seeds or more.")
    if not len(data) or data.size != (preprocessing.height, preprocessing.width):
        found = f"{data.size[1]} x {data.size[0]} pixels" if len(data) else "no pictures"
        raise DataError(f"{data.name} has {found}; the network sees {preprocessing.width} x {preprocessing.height}.")
    plan = plan_of(net, checked_shares(setting.shares), setting.seeds, setting.excitation)
    with alone(out.parent):
        return _measure(net, data, preprocessing, out, setting, plan)


def _measure(
    net: nn.Module, data: PictureSet, preprocessing: Preprocessing, out: Path, setting: Setting, plan: Sequence[Pruned]
) -> Pruning:
    path = state_path(out)
    key = ExcitationKey(setting.weights_sha256, find_gates(net), data.classes, preprocessing, data.key)
    state = _start(path, State.fresh(Inputs.take(net, data, key, setting.batch), plan), setting)
    _fill(state, net, data, preprocessing, plan, _Saver(path, state, setting))
    made = _pruning(net, data, preprocessing, plan, state, setting)
    save_pruning(out, made)
    path.unlink(missing_ok=True)
    return made


def _start(path: Path, fresh: State, setting: Setting) -> State:
    """The state to go on from, or a fresh one."""
    found = State.load(path) if setting.resume else None
    if found is not None:
        found.require_same(path, fresh)
        return found
    if path.exists():
        raise JobError(f"{path} is of a measurement that is not finished; continue with --resume, or remove it.")
    return fresh


def _fill(
    state: State, net: nn.Module, data: PictureSet, preprocessing: Preprocessing, plan: Sequence[Pruned], done: _Saver
) -> None:
    """Run every network over every sample from the state's cursor on; done(cursor) after each batch."""
    device, batch = next(net.parameters()).device, done.setting.batch
    normalise = normaliser(preprocessing, device)
    first, start = divmod(state.cursor, len(data))
    for row in range(first, len(plan)):
        pruned = prune(net, plan[row].kept) if plan[row].kept else net
        with evaluating(pruned), torch.no_grad():
            for place in range(start, len(data), batch):
                rows = slice(place, min(place + batch, len(data)))
                logits = pruned(normalise(torch.from_numpy(np.ascontiguousarray(data.pictures[rows])).to(device))).float()
                state.predicted[row, rows], state.close[row, rows] = _said(logits)
                done(row * len(data) + rows.stop)
        start = 0


def _said(logits: Tensor) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The predicted classes (B,), and where they are decided by less than CLOSE."""
    highest = logits.topk(2, dim=-1).values
    predicted: NDArray[np.int64] = logits.argmax(-1).cpu().numpy()
    close: NDArray[np.bool_] = (highest[:, 0] - highest[:, 1] < CLOSE).cpu().numpy()
    return predicted, close


class _Saver:
    """Saves the state every few seconds."""

    def __init__(self, path: Path, state: State, setting: Setting) -> None:
        self.state, self.setting, self.saver = state, setting, Saver(path, setting.save_every)

    def __call__(self, done: int) -> None:
        self.saver(self.state.at(done).save)
        if self.setting.progress:
            self.setting.progress(done, self.state.predicted.size)


def _pruning(
    net: nn.Module,
    data: PictureSet,
    preprocessing: Preprocessing,
    plan: Sequence[Pruned],
    state: State,
    setting: Setting,
) -> Pruning:
    criteria, shares, right = criteria_of(net), checked_shares(setting.shares), state.predicted == data.labels
    rows = {
        (criterion, share): right[[at for at, one in enumerate(plan) if (one.criterion, one.share) == (criterion, share)]]
        for criterion in criteria
        for share in shares
    }
    given = setting.excitation if "gate" in criteria else None
    return Pruning(
        weights_sha256=setting.weights_sha256,
        data=data.key,
        classes=data.classes,
        criteria=criteria,
        shares=shares,
        seeds=setting.seeds,
        accuracy=float(right[0].mean()),
        interval=wilson(int(right[0].sum()), len(data)),
        cuts=tuple(_cut(net, share, plan, preprocessing) for share in (0.0, *shares)),
        levels=tuple(level_of(*place, found, right[0]) for place, found in rows.items()),
        versus=tuple(
            versus_of(first, second, share, rows[first, share], rows[second, share])
            for first, second in pairs_of(criteria)
            for share in shares
        ),
        close=int(state.close.sum()),
        networks=len(plan),
        gates=f"{given.key.data.name}, {given.key.data.split}" if given else "",
        command=setting.command,
        versions=versions(),
        hardware=hardware(next(net.parameters()).device),
    )


def _cut(net: nn.Module, share: float, plan: Sequence[Pruned], preprocessing: Preprocessing) -> Cut:
    """Of the first network with that share: the others cost the same."""
    kept, widths = next(one.kept for one in plan if one.share == share), [one.channels for one in branches_of(net)]
    price = cost(prune(net, kept) if kept else net, preprocessing.height, preprocessing.width)
    gone = sum(dropped(width, share) for width in widths)
    return Cut(share, gone, sum(widths), price.parameters, price.multiply_adds)
