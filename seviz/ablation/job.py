"""ablate: the whole pass to its file, which a kill at any moment does not spoil."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from torch import nn

from seviz.ablation.channels import Tally, drop_each
from seviz.ablation.curves import measure
from seviz.ablation.passes import Outcomes, fill
from seviz.ablation.plan import Variant, variants_of
from seviz.ablation.record import Ablation, load_ablation, save_ablation
from seviz.ablation.state import State
from seviz.analysis.ablation import Edited, Gate, Network, effect, input_dependent_share, live_figures
from seviz.data import PictureSet
from seviz.edits import Means
from seviz.errors import CheckpointError, DataError, JobError, RequestError
from seviz.excitation import Excitation, ExcitationKey, alone, excitation_of, key_of
from seviz.excitation.state import Inputs
from seviz.images import Preprocessing
from seviz.machine import hardware, versions
from seviz.resuming import Saver, damaged, state_path

SAVE_EVERY = 10.0  # seconds between two states
GIVEN, COMPUTED = "excitation.npz of the same weights and pictures", "computed on the same pictures"

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Setting:
    """What an ablation says of itself, and how it runs.

    weights_sha256: of the network (hex). command: that gives it again. excitation: statistics whose means are used where
    they are of the same weights and data. batch: pictures at a time. seed: of shuffling, samples and bootstraps. resume: go
    on from a state. save_every: seconds. curves: pictures over which channels are dropped one after the other; channels:
    pictures over which each is dropped alone; 0 for none. measuring, progress, drawing, dropping: called with (pictures done,
    in all) of mean gates, edits, curves and channels.
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
    channels: int = 0
    dropping: Progress | None = None


def ablate(net: nn.Module, data: PictureSet, preprocessing: Preprocessing, out: Path, setting: Setting) -> Ablation:
    """Measure what every site, every stage and all gates are worth over `data`, and write it to `out`.

    Args: data: its labels index the classes of the network.

    A pass that was killed leaves a state beside `out`; with setting.resume it goes on, and the file is the same bit for
    bit. So it is where `out` is a finished file of the same network, data, seed, machine and versions: its edits stay, and
    the curves and channels that it lacks are measured. Those that it has are asked for without being named.

    Raises RequestError for a plain network or fewer than two pictures, DataError where the pictures do not fit,
    JobError where there is a state and it is not to be resumed, or nothing to resume, or a state of something else, or where
    `out` holds curves or channels of this network that would be lost.
    """
    key = key_of(net, data, preprocessing, setting.weights_sha256)
    _require_fit(data, preprocessing)
    for what, asked in (("Curves", setting.curves), ("Channels", setting.channels)):
        if asked > len(data):
            raise RequestError(f"{what} over {asked:,} pictures were asked for, and there are {len(data):,}; ask for fewer.")
    with alone(out.parent):
        return _ablate(net, data, preprocessing, out, _keeping(out, setting, key), key)


def _keeping(out: Path, setting: Setting, key: ExcitationKey) -> Setting:
    """With what `out` holds and was not asked for: hours of work. Raises JobError where that is not to be resumed."""
    try:
        found = load_ablation(out)
    except CheckpointError:  # none, or damaged: there is nothing to keep
        return setting
    asked = {"curves": setting.curves, "channels": setting.channels}
    held = {"curves": found.curve_pictures, "channels": found.channel_pictures}
    more = {name: count for name, count in held.items() if count and not asked[name]}
    if not more or found.weights_sha256 != setting.weights_sha256:
        return setting
    options = " ".join(f"--{name} {count}" for name, count in more.items())
    if not setting.resume:
        raise JobError(
            f"{out} also holds what `{options}` gave, which would be lost: add --resume to keep it, `{options}` to measure it "
            "again, or --out FILE."
        )
    if found.data != key.data:
        raise JobError(f"{out} is of other pictures and also holds what `{options}` gave; choose another file with --out.")
    curves, channels = (more.get(name, count) for name, count in asked.items())
    return replace(setting, curves=curves, channels=channels, command=f"{setting.command} {options}")


def _ablate(
    net: nn.Module, data: PictureSet, preprocessing: Preprocessing, out: Path, setting: Setting, key: ExcitationKey
) -> Ablation:
    path = state_path(out)
    inputs, variants = Inputs.take(net, data, key, setting.batch), variants_of(key.sites)
    made = _finished(net, out, key, setting) if setting.resume else None
    state = _start(path, inputs, setting, lambda: _means(net, data, preprocessing, setting))
    saver = _Saver(path, setting)
    if made is None:
        everything = (state.outcomes, net, data, preprocessing, variants, state.means)
        begun = state
        fill(*everything, seed=setting.seed, start=state.cursor, batch=setting.batch, done=lambda at: saver.edits(begun.at(at)))
        made, state = _ablation(net, data, inputs, variants, state, setting), state.at(len(data))
    if {one.n for one in made.channels} - {0} != {setting.channels} - {0}:
        made, state = _with_channels(made, net, data, preprocessing, state, saver)
    if made.curve_pictures != setting.curves:
        state.save(path)  # a kill from here on costs the curves alone
        made = _with_curves(made, net, data, preprocessing, setting)
    made = replace(made, command=setting.command)
    save_ablation(out, made)
    path.unlink(missing_ok=True)
    return made


def _finished(net: nn.Module, out: Path, key: ExcitationKey, setting: Setting) -> Ablation | None:
    """What stands in `out`, where the same edits would come out again: only what it lacks has to be measured."""
    try:
        found = load_ablation(out)
    except CheckpointError:  # none, or damaged: it is written anew
        return None
    device = next(net.parameters()).device
    same = (setting.weights_sha256, key.data, key.classes, key.sites, setting.seed, versions(), hardware(device))
    its = (found.weights_sha256, found.data, found.classes, found.sites, found.seed, found.versions, found.hardware)
    return found if same == its else None


def _with_channels(
    made: Ablation, net: nn.Module, data: PictureSet, preprocessing: Preprocessing, state: State, saver: _Saver
) -> tuple[Ablation, State]:
    """With every channel dropped alone, where that is asked for; and the state with what was counted."""
    setting, sites = saver.setting, state.inputs.key.sites
    if not setting.channels:
        return replace(made, channels=()), state
    tally = state.tally or Tally.empty(setting.channels, sum(site.channels for site in sites))
    for now in drop_each(tally, net, data, preprocessing, sites, seed=setting.seed, batch=setting.batch):
        tally, state = now, replace(state, tally=now)
        saver.channels(state)
    return replace(made, channels=tally.effects(sites)), state


def _with_curves(
    made: Ablation, net: nn.Module, data: PictureSet, preprocessing: Preprocessing, setting: Setting
) -> Ablation:
    if not setting.curves:
        return replace(made, curve_pictures=0, curves=())
    wanted, seed = setting.curves, setting.seed
    count, curves = measure(net, data, preprocessing, pictures=wanted, seed=seed, progress=setting.drawing)
    return replace(made, curve_pictures=count, curves=curves)


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
        found.require_tally(path, setting.channels)
        if found.outcomes.predicted.shape != (edits + 1, count):
            raise damaged(path)
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
    """Saves the state every few seconds, and says how far the pass has come."""

    def __init__(self, path: Path, setting: Setting) -> None:
        self.setting, self.saver = setting, Saver(path, setting.save_every)

    def edits(self, state: State) -> None:
        self.saver(state.save)
        if self.setting.progress:
            self.setting.progress(state.cursor, state.inputs.key.data.count)

    def channels(self, state: State) -> None:
        self.saver(state.save)
        if self.setting.dropping and state.tally:
            self.setting.dropping(state.tally.cursor, state.tally.pictures)


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
