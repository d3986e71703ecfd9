"""Every channel of every site dropped alone, its gate at 0: what the network then says, counted over a sample of pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seviz.ablation.passes import sampled
from seviz.ablation.sharing import Treatment, logits_of
from seviz.analysis.importance import Dropped
from seviz.data import PictureSet
from seviz.evaluation import evaluating, normaliser
from seviz.gates import GateValue, Site
from seviz.images import Preprocessing

AT_ONCE = 512  # channels whose logits are held together: of 1,000 classes and 100 pictures, 200 MB


class Alone:
    """What gates become in a batch: live, with one channel at 0. A name is the number of the channel."""

    def __init__(self) -> None:
        self.live = dict[str, Tensor]()

    def of(self, path: str, becomes: str) -> GateValue:
        channel = int(becomes)

        def dropped(gate: Tensor) -> Tensor:
            edited = gate.clone()
            edited[..., channel] = 0
            return edited

        return dropped


@dataclass(frozen=True, eq=False)
class Tally:
    """What was counted after `cursor` of `pictures` pictures, for the C channels of all sites in their order.

    only_dropped, only_live: int64 (C,), pictures that are right without the channel alone, and with it alone. changed: int64
    (C,), those whose predicted class is another. delta: float64 (C,), sums of |logit - live logit|, means over the classes.
    """

    pictures: int
    cursor: int
    only_dropped: NDArray[np.int64]
    only_live: NDArray[np.int64]
    changed: NDArray[np.int64]
    delta: NDArray[np.float64]

    @classmethod
    def empty(cls, pictures: int, channels: int) -> Tally:
        counts = [np.zeros(channels, np.int64) for _ in range(3)]
        return cls(pictures, 0, counts[0], counts[1], counts[2], np.zeros(channels))

    def effects(self, sites: Sequence[Site]) -> tuple[Dropped, ...]:
        """Site by site; of a tally that has come to its end."""
        ends = np.cumsum([site.channels for site in sites])
        found = []
        for site, end in zip(sites, ends.tolist(), strict=True):
            rows = slice(end - site.channels, end)
            counts = [tuple(values[rows].tolist()) for values in (self.only_dropped, self.only_live, self.changed)]
            delta = tuple((self.delta[rows] / self.pictures).tolist())
            found.append(Dropped(site.path, self.pictures, counts[0], counts[1], counts[2], delta))
        return tuple(found)


def drop_each(
    tally: Tally,
    net: nn.Module,
    data: PictureSet,
    preprocessing: Preprocessing,
    sites: Sequence[Site],
    *,
    seed: int,
    batch: int,
) -> Iterator[Tally]:
    """Go on from `tally` over a seeded sample of the data, a batch at a time; yields the tally after each.

    Channels share everything before their gate: one of the last site costs no more than the head of the network.
    """
    device = next(net.parameters()).device
    normalise, rows = normaliser(preprocessing, device), sampled(len(data), tally.pictures, seed)
    channels = [(site.path, str(channel)) for site in sites for channel in range(site.channels)]
    with evaluating(net), torch.no_grad():
        for start in range(tally.cursor, len(rows), batch):
            chosen = rows[start : start + batch]
            x = normalise(torch.from_numpy(data.pictures[chosen]).to(device))
            labels = torch.from_numpy(data.labels[chosen]).to(device)
            parts = [_counted(net, x, labels, channels[first : first + AT_ONCE]) for first in range(0, len(channels), AT_ONCE)]
            counts = [np.concatenate(values) for values in zip(*parts, strict=True)]
            sums = (tally.only_dropped, tally.only_live, tally.changed, tally.delta)
            added = (before + now for before, now in zip(sums, counts, strict=True))
            tally = Tally(tally.pictures, start + len(chosen), *added)
            yield tally


def _counted(net: nn.Module, x: Tensor, labels: Tensor, channels: Sequence[tuple[str, str]]) -> list[NDArray[np.generic]]:
    """The four sums of a Tally over one batch, for some of the channels."""
    treatments: list[Treatment] = [{}, *({path: channel} for path, channel in channels)]
    logits = logits_of(net, x, treatments, Alone()).float()
    predicted = logits.argmax(-1)
    right = predicted == labels
    delta = (logits[1:] - logits[0]).abs().mean(-1).double()
    sums = (right[1:] & ~right[0], right[0] & ~right[1:], predicted[1:] != predicted[0], delta)
    return [values.sum(1).cpu().numpy() for values in sums]
