"""ablate: the whole pass to its file, which a kill at any moment does not spoil."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from torch import nn

from seviz.ablation.curves import measure
from seviz.ablation.passes import Outcomes, fill
from seviz.ablation.plan import Variant, variants_of
from seviz.ablation.record import Ablation, save_ablation
from seviz.ablation.state import State, state_path
from seviz.analysis.ablation import Edited, Gate, Network, effect, input_dependent_share, live_figures
from seviz.data import PictureSet
from seviz.edits import Means
from seviz.errors import DataError, JobError, RequestError
from seviz.excitation import Excitation, ExcitationKey, alone, excitation_of, key_of
from seviz.excitation.state import Inputs
from seviz.images import Preprocessing
from seviz.machine import hardware, versions

SAVE_EVERY = 10.0  # seconds between two states
GIVEN, COMPUTED = "excitation.npz of the same weights and pictures", "computed on the same pictures"

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Setting:
    """What an ablation says of itself, and how it runs.

    weights_sha256: of the network (hex). command: that gives it again. excitation: statistics whose means are used where
    they are of the same weights and data. batch: pictures at a time. seed: of shuffling, samples and bootstraps. resume: go
    on from a state. save_every: seconds. curves: pictures over which channels are dropped one after the other; 0 for no
    curves. measuring, progress, drawing: called with (pictures done, in all) of mean gates, edits and curves.
    """

    weights_sha256: str
    command: str
    excitation: Excitation | None = None
    batch: int = 100
    seed: int = 0
    resume: bool = False
    save_every: float = SAVE_EVERY
    measuring: Progress | None = None
    progress: Progress | None = None
    curves: int = 0
    drawing: Progress | None = None


def ablate(net: nn.Module, data: PictureSet, preprocessing: Preprocessing, out: Path, setting: Setting) -> Ablation:
    """Measure what every site, every stage and all gates are worth over `data`, and write it to `out`.

    Args: data: its labels index the classes of the network.

    A pass that was killed leaves a state beside `out`; with setting.resume it goes on, and the file is the same bit for
    bit. Raises RequestError for a plain network or fewer than two pictures, DataError where the pictures do not fit,
    JobError where there is a state and it is not to be resumed, or nothing to resume, or a state of something else.
    """
    key = key_of(net, data, preprocessing, setting.weights_sha256)
    _require_fit(data, preprocessing)
    if setting.curves > len(data):
        asked = f"{setting.curves:,} pictures"
        raise RequestError(f"Curves over {asked} were asked for, and there are {len(data):,}; ask for fewer.")
    with alone(out.parent):
        return _ablate(net, data, preprocessing, out, setting, key)


def _ablate(
    net: nn.Module, data: PictureSet, preprocessing: Preprocessing, out: Path, setting: Setting, key: ExcitationKey
) -> Ablation:
    path = state_path(out)
    inputs, variants = Inputs.take(net, data, key, setting.batch), variants_of(key.sites)
    state = _start(path, inputs, setting, lambda: _means(net, data, preprocessing, setting))
    saver, seed, batch = _Saver(path, state, setting), setting.seed, setting.batch
    everything = (state.outcomes, net, data, preprocessing, variants, state.means)
    fill(*everything, seed=seed, start=state.cursor, batch=batch, done=saver)
    made = _ablation(net, data, inputs, variants, state, setting)
    if setting.curves:
        state.at(len(data)).save(path)  # a kill from here on costs the curves alone
        count, curves = measure(net, data, preprocessing, pictures=setting.curves, seed=seed, progress=setting.drawing)
        made = replace(made, curve_pictures=count, curves=curves)
    save_ablation(out, made)
    path.unlink(missing_ok=True)
    return made


def _require_fit(data: PictureSet, preprocessing: Preprocessing) -> None:
    if len(data) < 2:
        raise RequestError("Gates are shuffled between pictures: this needs at least two.")
    if data.size != (preprocessing.height, preprocessing.width):
        found = f"{data.size[1]} x {data.size[0]}"
        raise DataError(f"{data.name} has {found} pixels; the network sees {preprocessing.width} x {preprocessing.height}.")


def _start(path: Path, inputs: Inputs, setting: Setting, means: Callable[[], tuple[Means, str]]) -> State:
    """The state to go on from, or a fresh one."""
    found = State.load(path) if setting.resume else None
    edits, count = len(variants_of(inputs.key.sites)), inputs.key.data.count
    if found is not None:
        found.require_same(path, inputs, setting.seed)
        if found.outcomes.predicted.shape != (edits + 1, count):
            raise JobError(f"{path} is damaged; remove it and start again without --resume.")
        return found
    if path.exists():
        raise JobError(f"{path} is of an ablation that is not finished; continue with --resume, or remove it.")
    known, origin = means()
    return State(inputs, setting.seed, 0, Outcomes.empty(edits, count), known, origin)


def _means(net: nn.Module, data: PictureSet, preprocessing: Preprocessing, setting: Setting) -> tuple[Means, str]:
    """Mean gates of these weights on this data: those that were measured before, else from a pass now."""
    found, origin = setting.excitation, GIVEN
    key = key_of(net, data, preprocessing, setting.weights_sha256)
    if found is None or not found.complete or key.differences(found.key):
        found = excitation_of(net, data, preprocessing, batch=setting.batch, progress=setting.measuring)
        origin = COMPUTED
    sums = {path: one.gate_sum for path, one in found.sites.items()}
    return Means.from_sums(data.classes, found.count, sums), origin


class _Saver:
    """Saves the state every few seconds."""

    def __init__(self, path: Path, state: State, setting: Setting) -> None:
        self.path, self.state, self.setting, self.last = path, state, setting, time.monotonic()

    def __call__(self, done: int) -> None:
        if time.monotonic() - self.last >= self.setting.save_every:
            self.state.at(done).save(self.path)
            self.last = time.monotonic()
        if self.setting.progress:
            self.setting.progress(done, self.state.inputs.key.data.count)


def _ablation(
    net: nn.Module, data: PictureSet, inputs: Inputs, variants: tuple[Variant, ...], state: State, setting: Setting
) -> Ablation:
    key, labels, outcomes, seed = inputs.key, data.labels, state.outcomes, setting.seed
    classes, live = len(key.classes), outcomes.predicted[0]
    edited = [
        Edited(one.where, one.gate, one.paths, outcomes.predicted[row + 1], outcomes.delta[row])
        for row, one in enumerate(variants)
    ]
    right = {one.gate: one.predicted == labels for one in edited if one.where == "all"}
    return Ablation(
        weights_sha256=setting.weights_sha256,
        data=key.data,
        classes=key.classes,
        sites=key.sites,
        live=live_figures(live, labels, classes),
        effects=tuple(effect(one, live, labels, classes=classes, seed=seed) for one in edited),
        share=input_dependent_share(live == labels, right["mean"], right["1"], seed=seed),
        network=_network(net, inputs),
        seed=seed,
        close=int(np.count_nonzero(outcomes.close)),
        means=state.origin,
        command=setting.command,
        versions=versions(),
        hardware=hardware(next(net.parameters()).device),
    )


def _network(net: nn.Module, inputs: Inputs) -> Network:
    parameters = {site: sum(value.numel() for value in net.get_submodule(site.path).parameters()) for site in inputs.key.sites}
    gates = tuple(Gate(site.path, site.stage, count) for site, count in parameters.items())
    return Network(gates, sum(value.numel() for value in net.parameters()))
