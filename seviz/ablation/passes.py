"""One pass over a data set that computes every edit of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from seviz.ablation.plan import Variant
from seviz.ablation.sharing import Gates, Treatment, logits_of
from seviz.data import PictureSet
from seviz.edits import Means
from seviz.evaluation import another, evaluating, normaliser
from seviz.gates import find_gates
from seviz.images import Preprocessing

CLOSE = 1e-3  # of the two highest logits: below it other batches may predict the other class


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What the live network (row 0) and each of V edits (rows 1 to V) said of N samples; filled as a pass goes on.

    predicted: int16 (V + 1, N). delta: float32 (V, N), |logit - live logit|, mean over the classes. close: bool (V + 1, N),
    whether the two highest logits are within 1e-3.
    """

    predicted: NDArray[np.int16]
    delta: NDArray[np.float32]
    close: NDArray[np.bool_]

    @classmethod
    def empty(cls, edits: int, samples: int) -> Outcomes:
        shape = (edits + 1, samples)
        return cls(np.zeros(shape, np.int16), np.zeros((edits, samples), np.float32), np.zeros(shape, np.bool_))


def ordered(count: int, seed: int) -> NDArray[np.int64]:
    """The samples (N,) in the order of the cycle that shuffles gates: each one is given the gates of the next."""
    following = another(count, seed).tolist()
    order = [0]
    while len(order) < count:
        order.append(following[order[-1]])
    return np.array(order, dtype=np.int64)


def sampled(count: int, most: int, seed: int) -> NDArray[np.int64]:
    """Which of `count` samples a part of the pass is made on: `most` of them drawn at random, or all; ascending."""
    return np.sort(np.random.default_rng(seed).permutation(count)[:most])


def fill(
    outcomes: Outcomes,
    net: nn.Module,
    data: PictureSet,
    preprocessing: Preprocessing,
    variants: Sequence[Variant],
    means: Means,
    *,
    seed: int,
    start: int,
    batch: int,
    done: Callable[[int], None],
) -> None:
    """Run the samples from place `start` of the order on, a batch at a time; done(place) after each.

    A batch holds one sample more than it counts, the first of the next batch, whose live gates the last sample is given:
    so no gates of the whole set have to be kept.
    """
    device = next(net.parameters()).device
    normalise, order = normaliser(preprocessing, device), ordered(len(data), seed)
    treatments: list[Treatment] = [{}, *(dict.fromkeys(one.paths, one.gate) for one in variants)]
    overall = {path: torch.from_numpy(values).to(device, torch.float32) for path, values in means.overall.items()}
    by_class = {path: torch.from_numpy(values).to(device, torch.float32) for path, values in means.by_class.items()}
    neutral = {site.path: site.neutral for site in find_gates(net)}
    with evaluating(net), torch.no_grad():
        for first in range(start, len(data), batch):
            rows = order[first : first + batch]
            with_next = order[np.arange(first, first + len(rows) + 1) % len(data)]
            labels = torch.from_numpy(data.labels[with_next]).to(device)
            gates = Gates(overall, {path: values[labels] for path, values in by_class.items()}, neutral)
            x = normalise(torch.from_numpy(data.pictures[with_next]).to(device))
            logits = logits_of(net, x, treatments, gates)[:, :-1].float()
            highest = logits.topk(2, dim=-1).values
            outcomes.predicted[:, rows] = logits.argmax(-1).cpu().numpy()
            outcomes.delta[:, rows] = (logits[1:] - logits[0]).abs().mean(-1).cpu().numpy()
            outcomes.close[:, rows] = (highest[..., 0] - highest[..., 1] < CLOSE).cpu().numpy()
            done(first + len(rows))
