"""A pass of a network over pictures, and the statistics that it leaves: (network, data, indexes) -> moments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seviz.data import PictureSet, StreamedPictures
from seviz.errors import RequestError
from seviz.evaluation import outputs
from seviz.excitation.moments import Batch, Moments
from seviz.excitation.records import Excitation, ExcitationKey
from seviz.gates import Recording, Site, by_channel, find_gates, gates_seen_at, record_gates
from seviz.images import Preprocessing

Progress = Callable[[int, int], None]


def key_of(net: nn.Module, data: PictureSet, preprocessing: Preprocessing, weights_sha256: str) -> ExcitationKey:
    """What the statistics of `net` over `data` are known by.

    Raises RequestError for a plain network, which has no gates, and for a data set without samples.
    """
    sites = gates_seen_at(net, preprocessing.height, preprocessing.width)
    if not sites:
        raise RequestError("This is a plain network: it has no gates to measure; choose one with SE blocks.")
    if not len(data):
        raise RequestError(f"{data.name} has no pictures to measure gates on.")
    return ExcitationKey(weights_sha256, sites, data.classes, preprocessing, data.key)


def excitation_of(
    net: nn.Module,
    data: PictureSet,
    preprocessing: Preprocessing,
    indexes: Sequence[int] | NDArray[np.int64] | None = None,
    *,
    batch: int = 250,
    weights_sha256: str = "",
    progress: Progress | None = None,
) -> Excitation:
    """The statistics of every gate over the samples at `indexes` (all samples when None), each once.

    Args: as of seviz.evaluation.evaluate. The labels of `data` index the classes of the network.

    Raises RequestError for a plain network, an index twice or out of range; DataError where the pictures do not fit.
    """
    moments = Moments(key_of(net, data, preprocessing, weights_sha256), data.ids)
    chosen = np.arange(len(data)) if indexes is None else np.asarray(indexes, dtype=np.int64)
    _require_distinct(chosen, len(data))
    for found in batches_of(net, data, preprocessing, chosen, batch, progress):
        moments.add(found)
    return moments.result()


def batches_of(
    net: nn.Module,
    data: PictureSet,
    preprocessing: Preprocessing,
    indexes: NDArray[np.int64],
    batch: int,
    progress: Progress | None = None,
) -> Iterator[Batch]:
    """What every forward pass leaves behind, in the order of `indexes`, which are not empty."""
    sites = find_gates(net)
    piece, start = _part(data, indexes), 0
    with record_gates(net, hidden=True) as recording:
        for logits in outputs(net, piece, preprocessing, batch, progress):
            rows = slice(start, start + len(logits))
            yield _batch(indexes[rows], piece.labels[rows], logits, recording, sites)
            start = rows.stop


def _batch(
    indexes: NDArray[np.int64], labels: NDArray[np.int64], logits: Tensor, recording: Recording, sites: Sequence[Site]
) -> Batch:
    # a gate without squeeze is a mean over pixels, which rounding can lift above 1
    gates = _side_by_side(recording.gates, sites).clamp(max=1)
    squeezes = _side_by_side(recording.squeezes, sites)
    fired = [recording.hidden[site.path] > 0 for site in sites if site.hidden]
    none = torch.zeros((len(logits), 0), dtype=torch.bool, device=logits.device)
    units = torch.cat([none, *(unit.flatten(1, -2).any(1) if unit.dim() == 4 else unit for unit in fired)], 1)
    predicted = logits.argmax(1).cpu().numpy()
    return Batch(indexes, labels, predicted, gates.cpu().numpy(), squeezes.cpu().numpy(), units.cpu().numpy())


def _side_by_side(values: Mapping[str, Tensor], sites: Sequence[Site]) -> Tensor:
    return torch.cat([by_channel(values[site.path]).float() for site in sites], 1)


def _part(data: PictureSet, indexes: NDArray[np.int64]) -> PictureSet:
    """The samples at `indexes`; a run of neighbours is a view, so that a whole set is not held twice."""
    first, last = int(indexes[0]), int(indexes[-1])
    if len(indexes) == last - first + 1 and bool((np.diff(indexes) == 1).all()):
        rows = slice(first, last + 1)
        if isinstance(data.pictures, StreamedPictures):
            return data.subset(indexes)
        return replace(data, pictures=data.pictures[rows], labels=data.labels[rows], ids=data.ids[rows])
    return data.subset(indexes)


def _require_distinct(indexes: NDArray[np.int64], count: int) -> None:
    if not len(indexes) or indexes.min() < 0 or indexes.max() >= count:
        raise RequestError(f"Indexes of samples run from 0 to {count - 1}, and one at least is needed.")
    if len(np.unique(indexes)) < len(indexes):
        raise RequestError("A sample would be counted twice; give every index once.")
