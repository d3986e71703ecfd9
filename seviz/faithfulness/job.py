"""Maps of a sample of pictures, checked one picture after the other to a file, which a kill at any moment does not spoil."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from seviz.analysis.faithfulness import MEASURES, balanced, columns, figure, stage
from seviz.attribution import METHODS
from seviz.data import PictureSet
from seviz.errors import JobError, RequestError
from seviz.excitation import alone
from seviz.faithfulness.answer import Checked, Setting
from seviz.faithfulness.draws import seed_of
from seviz.faithfulness.record import Faithfulness, Method, save_faithfulness
from seviz.faithfulness.state import State
from seviz.machine import hardware, versions
from seviz.resuming import Saver, state_path

SAVE_EVERY = 10.0  # seconds between two states

Ask = Callable[[NDArray[np.uint8], Setting], Sequence[Checked]]


@dataclass(frozen=True)
class Sampling:
    """What is measured, and what the result says of itself.

    weights_sha256: of the network (hex). methods: names of seviz.attribution.METHODS. layer: module path for Grad-CAM.
    command: that gives it again. samples: pictures at most. setting: of every picture; its seed also chooses the sample, and
    every picture draws from a seed of its own. resume: go on from a state. save_every: seconds. device: where the network is.
    progress: called with (pictures done, in all).
    """

    weights_sha256: str
    methods: tuple[str, ...]
    layer: str
    command: str
    samples: int = 100
    setting: Setting = Setting()  # noqa: RUF009 - frozen
    resume: bool = False
    save_every: float = SAVE_EVERY
    device: torch.device = torch.device("cpu")  # noqa: RUF009
    progress: Callable[[int, int], None] | None = None


def measure(ask: Ask, data: PictureSet, out: Path, sampling: Sampling) -> Faithfulness:
    """Check the maps of a sample of `data`, as many pictures of every class as there are, and write `out`.

    Args:
        ask: the maps of a picture as the network sees it, for the class that it predicts: an answer a method, in their
            order. data: its labels index the classes of the network.

    A run that was killed leaves a state beside `out`; with sampling.resume it goes on, also to a larger or smaller sample,
    and the figures are the same.
    Raises RequestError for methods that there are not or given twice and for no pictures, JobError where there is a state
    and it is not to be resumed, or a state of something else.
    """
    require_methods(sampling.methods)
    chosen = balanced(data.labels, sampling.samples, sampling.setting.seed)
    if len(chosen) < 2:
        raise RequestError(f"Intervals need at least two pictures, and {len(chosen)} would be looked at.")
    with alone(out.parent):
        path = state_path(out)
        state = _fill(_start(path, data, len(chosen), sampling), ask, data, chosen, path, sampling)
        found = _figures(state, data, chosen, sampling)
        save_faithfulness(out, found)
        path.unlink(missing_ok=True)
    return found


def require_methods(methods: Sequence[str]) -> None:
    """Raises RequestError for none, for one that there is not, and for one that is named twice."""
    unknown = [method for method in methods if method not in METHODS]
    if unknown or not methods:
        raise RequestError(f"There is no method {(unknown or [''])[0]!r}; use one of {', '.join(METHODS)}.")
    if len(set(methods)) < len(methods):
        raise RequestError("A method is named twice; name each once.")


def _inputs(data: PictureSet, sampling: Sampling) -> dict[str, object]:
    """What a state must have been started with."""
    return {
        "weights": sampling.weights_sha256,
        "data": data.key.sha256,
        "methods": list(sampling.methods),
        "layer": sampling.layer,
        "setting": repr(sampling.setting),
    }


def _start(path: Path, data: PictureSet, count: int, sampling: Sampling) -> State:
    """The state to go on from, or a fresh one."""
    found = State.load(path) if sampling.resume else None
    inputs = _inputs(data, sampling)
    if found is not None:
        found.require_same(path, inputs)
        return found.up_to(count)
    if path.exists():
        raise JobError(f"{path} is of a run that is not finished; continue with --resume, or remove it.")
    return State(inputs, (), [], [], [])


def _fill(
    state: State, ask: Ask, data: PictureSet, chosen: NDArray[np.int64], path: Path, sampling: Sampling
) -> State:
    saver = Saver(path, sampling.save_every)
    for place in range(len(state.values), len(chosen)):
        if sampling.progress:
            sampling.progress(place, len(chosen))
        own = replace(sampling.setting, seed=seed_of(sampling.setting.seed, data.ids[chosen[place]]))
        answers = ask(data.pictures[chosen[place : place + 1]][0], own)
        state.stages = tuple(one.stage for one in answers[0].redrawn)
        state.values.append([_row(answer) for answer in answers])
        state.flat.append([answer.is_flat for answer in answers])
        state.predicted.append(answers[0].class_index)
        saver(state.save)
    if sampling.progress:
        sampling.progress(len(chosen), len(chosen))
    return state


def _row(answer: Checked) -> list[float]:
    """In the order of seviz.analysis.faithfulness.columns."""
    figures = answer.figures()
    both = [figures[name][which] for name, measure in MEASURES.items() for which in ("own", *measure.beside)]
    return [*both, *(value for one in answer.redrawn for value in (one.signed, one.absolute))]


def _figures(state: State, data: PictureSet, chosen: NDArray[np.int64], sampling: Sampling) -> Faithfulness:
    values, flat = np.array(state.values, dtype=np.float64), np.array(state.flat)
    by_name = {name: values[:, :, column] for column, name in enumerate(columns(state.stages))}
    seed = sampling.setting.seed
    methods = []
    for place, method in enumerate(sampling.methods):
        own = {name: column[:, place] for name, column in by_name.items()}
        figures = [
            figure(name, own[f"{name}/own"], {which: own[f"{name}/{which}"] for which in measure.beside}, seed=seed)
            for name, measure in MEASURES.items()
        ]
        stages = [stage(name, own[f"{name}/signed"], own[f"{name}/absolute"], seed=seed) for name in state.stages]
        methods.append(Method(method, tuple(figures), tuple(stages), int(flat[:, place].sum())))
    return Faithfulness(
        weights_sha256=sampling.weights_sha256,
        data=data.key,
        classes=data.classes,
        n=len(chosen),
        right=int((np.array(state.predicted) == data.labels[chosen]).sum()),
        layer=sampling.layer,
        setting=sampling.setting,
        methods=tuple(methods),
        command=sampling.command,
        versions=versions(),
        hardware=hardware(sampling.device),
    )
