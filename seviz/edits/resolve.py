"""Edits against the sites of a network: site path -> a function of the live gate, for seviz.gates.edit_gates.

What an edit says of sites is settled here; the tensors come later, when the gate is there. Some edits need a look at the
network first: another picture's gates, gates shuffled over pictures, channels ranked by gradient. Whoever can run the
network looks (seviz.backend.looks does) and hands in what was seen.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from seviz.edits.means import Means
from seviz.edits.values import (
    Becomes,
    Channels,
    Clamped,
    ClassMean,
    Constant,
    DataMean,
    Edit,
    OtherPicture,
    RandomChannels,
    Ranked,
    Scaled,
    Shuffled,
    Touched,
    Vector,
    Where,
    checked_edits,
)
from seviz.errors import RequestError

if TYPE_CHECKING:
    from seviz.gates import Site

GateFunction = Callable[[Tensor], Tensor]
NO_MEANS = "This edit needs the mean gates of a data set; `python -m seviz excite --model M --data D` writes them."


@dataclass(frozen=True)
class Look:
    """What was seen of a network for one edit, site path -> tensor.

    gates: what the gates become, as recorded: (B, C) or (1, C), or with pixels between, for OtherPicture and Shuffled.
    importance: |gate x gradient| (B, C), for channels ranked by gradient.
    """

    gates: Mapping[str, Tensor] = field(default_factory=dict)
    importance: Mapping[str, Tensor] = field(default_factory=dict)


def select(where: Where, sites: Sequence[Site]) -> tuple[Site, ...]:
    """The sites that are named. Raises RequestError where there are none."""
    if not sites:
        raise RequestError("This is a plain network: it has no gates to edit; choose one with SE blocks.")
    if where.path is not None:
        found = tuple(site for site in sites if site.path == where.path)
        if not found:
            known = ", ".join(site.path for site in sites[:4]) + (", ..." if len(sites) > 4 else "")
            raise RequestError(f"There is no gate {where.path!r} in this network; its gates are {known}.")
        return found
    if where.stage is None:
        return tuple(sites)
    stage = tuple(site for site in sites if site.stage == where.stage)
    if not stage:
        stages = ", ".join(str(number) for number in sorted({site.stage for site in sites if site.stage})) or "not numbered"
        raise RequestError(f"There are no gates in stage {where.stage} of this network; its stages with gates are {stages}.")
    block = tuple(site for site in stage if where.block in (None, site.block))
    if not block:
        blocks = ", ".join(str(site.block) for site in stage)
        raise RequestError(f"Block {where.block} of stage {where.stage} has no gate; those that have one are {blocks}.")
    return block


def check(
    edits: Sequence[Edit], sites: Sequence[Site], *, classes: Sequence[str], pictures: int, others: Collection[str] = ()
) -> None:
    """Whether the edits can be applied to a request of some pictures, before anything runs.

    Args:
        classes: names that the network knows. pictures: of the request. others: names of the other pictures handed in.

    Raises RequestError for sites, channels, classes or pictures that are not there, vectors of a wrong length, and gates
    that are to be shuffled over a single picture.
    """
    for edit in checked_edits(edits):
        for site in select(edit.where, sites):
            _check_fit(edit, site)
        for label in (getattr(edit.gate, "label", None), getattr(edit.channels, "label", None)):
            if label is not None and label not in classes:
                some = ", ".join(classes[:5]) + (", ..." if len(classes) > 5 else "")
                raise RequestError(f"There is no class {label!r} for an edit; there are {len(classes)}: {some}.")
        if isinstance(edit.gate, Shuffled) and pictures < 2:
            raise RequestError("Gates are shuffled over the pictures of a request; give two or more.")
        if isinstance(edit.gate, OtherPicture) and edit.gate.picture not in others:
            raise RequestError(f"The picture {edit.gate.picture!r}, whose gates an edit asks for, was not handed in.")


def needs_means(edits: Sequence[Edit]) -> bool:
    return any(isinstance(edit.gate, DataMean | ClassMean) for edit in edits)


def mixes_pictures(edits: Sequence[Edit]) -> bool:
    """Whether the answer for a picture depends on the others of its request."""
    return any(isinstance(edit.gate, Shuffled) for edit in edits)


def ranks_by_gradient(edit: Edit) -> bool:
    return isinstance(edit.channels, Ranked) and edit.channels.by == "gradient"


def needs_a_look(edit: Edit) -> bool:
    """Whether the network has to be run before the edit can be applied."""
    return ranks_by_gradient(edit) or isinstance(edit.gate, OtherPicture | Shuffled)


def resolve(
    edits: Sequence[Edit],
    sites: Sequence[Site],
    *,
    means: Means | None = None,
    seen: Mapping[int, Look] | None = None,
) -> dict[str, GateFunction]:
    """Edits as functions of the live gate, for gates of shape (B, C) or (B, H, W, C).

    Args:
        sites: of the network. means: where edits ask for means. seen: number of the edit, from 0 -> what was seen for it.

    Raises RequestError where the edits do not fit the sites, or something they need is not given.
    """
    steps: dict[str, list[GateFunction]] = {}
    for number, edit in enumerate(checked_edits(edits)):
        look = (seen or {}).get(number)
        if needs_a_look(edit) and look is None:
            raise RequestError(
                "This edit needs a look at the network first (other pictures or gradients); use Model.inspect or submit."
            )
        for site in select(edit.where, sites):
            _check_fit(edit, site)
            steps.setdefault(site.path, []).append(_step(edit, site.path, means, look or Look()))
    return {path: _in_turn(functions) for path, functions in steps.items()}


def _in_turn(functions: Sequence[GateFunction]) -> GateFunction:
    def edited(gate: Tensor) -> Tensor:
        for function in functions:
            gate = function(gate)
        return gate

    return edited


def _step(edit: Edit, path: str, means: Means | None, look: Look) -> GateFunction:
    becomes = _becomes(edit.gate, path, means, look)
    touched = _touched(edit.channels, path, look)
    if touched is None:
        return becomes

    def step(gate: Tensor) -> Tensor:
        return torch.where(_along(touched(gate), gate), becomes(gate), gate)

    return step


def _becomes(what: Becomes, path: str, means: Means | None, look: Look) -> GateFunction:
    match what:
        case Constant(value):
            return lambda gate: torch.full_like(gate, value)
        case Scaled(factor):
            return lambda gate: gate * factor
        case Clamped(low, high):
            return lambda gate: gate.clamp(low, high)
        case Vector(values):
            return _given(torch.tensor(values, dtype=torch.float64))
        case DataMean():
            return _given(torch.from_numpy(_known(means).overall[path]))
        case ClassMean(label):
            return _given(torch.from_numpy(_known(means).of_class(path, label)))
        case OtherPicture() | Shuffled():
            return _given(look.gates[path])


def _touched(channels: Touched, path: str, look: Look) -> Callable[[Tensor], Tensor] | None:
    """A function of the live gate that gives bool (C,) or (B, C); None for all channels."""
    match channels:
        case Channels(indexes):
            return lambda gate: _at(torch.tensor(indexes, device=gate.device), gate.shape[-1])
        case RandomChannels(k, seed):
            return lambda gate: _at(torch.from_numpy(drawn(gate.shape[-1], k, seed, path)).to(gate.device), gate.shape[-1])
        case Ranked(k, "gate", bottom):
            return lambda gate: first(gate.detach().mean((1, 2)) if gate.dim() == 4 else gate.detach(), k, bottom)
        case Ranked(k, _, bottom):
            return lambda gate: first(look.importance[path].to(gate.device), k, bottom)
    return None


def drawn(channels: int, k: int, seed: int, path: str) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """The k channels, int64 (k,), that RandomChannels draws at a site."""
    return np.random.default_rng([seed, zlib.crc32(path.encode())]).permutation(channels)[:k]


def first(scores: Tensor, k: int, bottom: bool) -> Tensor:
    """bool (B, C): the k highest of each row of scores (B, C), or the k lowest; of equal ones the lower channel."""
    order = scores.argsort(dim=-1, descending=not bottom, stable=True)[..., :k]
    return torch.zeros_like(scores, dtype=torch.bool).scatter_(-1, order, True)


def _at(indexes: Tensor, channels: int) -> Tensor:
    return torch.zeros(channels, dtype=torch.bool, device=indexes.device).index_fill_(0, indexes, True)


def _given(values: Tensor) -> GateFunction:
    return lambda gate: _along(values.to(gate), gate).expand_as(gate)


def _along(values: Tensor, gate: Tensor) -> Tensor:
    """Values (B, C) as (B, 1, 1, C) where the gate has pixels."""
    return values[:, None, None, :] if values.dim() == 2 and gate.dim() == 4 else values


def _known(means: Means | None) -> Means:
    if means is None:
        raise RequestError(NO_MEANS)
    return means


def _check_fit(edit: Edit, site: Site) -> None:
    channels = site.channels
    if isinstance(edit.gate, Vector) and len(edit.gate.values) != channels:
        raise RequestError(f"{site.path} has {channels} channels; an edit of {len(edit.gate.values)} does not fit it.")
    if isinstance(edit.channels, Channels) and edit.channels.indexes[-1] >= channels:
        raise RequestError(f"{site.path} has channels 0 to {channels - 1}; an edit names channel {edit.channels.indexes[-1]}.")
    if isinstance(edit.channels, Ranked | RandomChannels) and edit.channels.k > channels:
        raise RequestError(f"{site.path} has {channels} channels; an edit asks for {edit.channels.k} of them.")
