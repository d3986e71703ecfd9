"""Two passes over the pictures: how far gates differ between clean ones, then every corruption with three kinds of gates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seviz.ablation.passes import ordered
from seviz.ablation.sharing import Treatment, logits_of
from seviz.analysis.corruptions import ALL, CLEAN, Apart
from seviz.corruptions.kinds import corrupted
from seviz.data import PictureSet
from seviz.errors import CheckpointError
from seviz.evaluation import evaluating, normaliser
from seviz.gates import GateValue, Site, by_channel, record_gates
from seviz.images import Preprocessing

GATES = ("own", "clean", "mean")  # what the gates are: the first axis of Outcomes
CONDITIONS = ((CLEAN, 0.0), *ALL)
Done = Callable[[int], None]
Vectors = Mapping[str, NDArray[np.float64]]  # site path -> (C,)


class Held:
    """What gates become on corrupted pictures: those of the clean pictures, or means.

    Args: clean: site path -> as recorded, (B, C) or (B, H, W, C). means: site path -> (C,).

    live: site path -> (B, C), noted on the way.
    """

    def __init__(self, clean: Mapping[str, Tensor], means: Mapping[str, Tensor]) -> None:
        self.clean, self.means, self.live = clean, means, dict[str, Tensor]()

    def of(self, path: str, becomes: str) -> GateValue:
        return self.means[path] if becomes == "mean" else lambda gate: self.clean[path]


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What was said of n pictures, corrupted in V ways (the first is not at all), with G kinds of gates; filled on the way.

    predicted: int16 (G, V, n). loss: float32 (G, V, n), cross-entropy. moved: float64 (V, S, 2), sums over pictures of the
    means over channels of |s' - s| and of (s' - s)^2 at each of S sites.
    """

    predicted: NDArray[np.int16]
    loss: NDArray[np.float32]
    moved: NDArray[np.float64]

    @classmethod
    def empty(cls, pictures: int, sites: int) -> Outcomes:
        shape = (len(GATES) if sites else 1, len(CONDITIONS), pictures)
        return cls(np.zeros(shape, np.int16), np.zeros(shape, np.float32), np.zeros((len(CONDITIONS), sites, 2)))


def look(
    net: nn.Module, data: PictureSet, preprocessing: Preprocessing, sites: Sequence[Site], *, seed: int, batch: int, done: Done
) -> tuple[Vectors, tuple[Apart, ...]]:
    """The mean gates over the clean pictures, and how far gates lie apart: ({}, ()) for a plain network.

    Every picture is set beside another one, its successor in a random cycle through all, so that no gates are held.
    """
    if not sites:
        return {}, ()
    normalise, order = normaliser(preprocessing, next(net.parameters()).device), ordered(len(data), seed)
    sums = {site.path: np.zeros((2, site.channels)) for site in sites}
    apart = {site.path: np.zeros(2) for site in sites}
    with evaluating(net), torch.no_grad():
        for first in range(0, len(data), batch):
            rows = order[np.arange(first, min(first + batch, len(data)) + 1) % len(data)]
            gates = _recorded(net, normalise(_on(data.pictures[rows], net)))
            for path, values in gates.items():
                own = by_channel(values).double()
                sums[path] += torch.stack([own[:-1].sum(0), own[:-1].square().sum(0)]).cpu().numpy()
                apart[path] += _distances(own[:-1], own[1:])
            done(first + len(rows) - 1)
    means = {path: values[0] / len(data) for path, values in sums.items()}
    return means, tuple(_apart(site.path, sums[site.path], apart[site.path], len(data)) for site in sites)


def fill(
    outcomes: Outcomes,
    net: nn.Module,
    data: PictureSet,
    preprocessing: Preprocessing,
    sites: Sequence[Site],
    means: Vectors,
    *,
    seed: int,
    start: int,
    batch: int,
    done: Done,
) -> None:
    """Run the pictures from `start` on, a batch at a time, in every corruption; done(place) after each batch."""
    device = next(net.parameters()).device
    normalise = normaliser(preprocessing, device)
    static = {path: torch.from_numpy(values).to(device, torch.float32) for path, values in means.items()}
    paths = [site.path for site in sites]
    treatments: list[Treatment] = [{}, *(dict.fromkeys(paths, gate) for gate in GATES[1:])] if paths else [{}]
    with evaluating(net), torch.no_grad():
        for first in range(start, len(data), batch):
            rows = slice(first, min(first + batch, len(data)))
            pictures, labels = data.pictures[rows], torch.from_numpy(data.labels[rows]).to(device)
            clean = _recorded(net, normalise(_on(pictures, net))) if paths else {}
            for place, (kind, level) in enumerate(CONDITIONS):
                made = _corrupted(pictures, data.ids[rows], kind, level, seed)
                gates = Held(clean, static)
                logits = logits_of(net, normalise(_on(made, net)), treatments, gates).float()
                outcomes.predicted[:, place, rows], outcomes.loss[:, place, rows] = _said(logits, labels)
                for site, path in enumerate(paths):
                    outcomes.moved[place, site] += _distances(gates.live[path].double(), by_channel(clean[path]).double())
            done(rows.stop)


def _corrupted(
    pictures: NDArray[np.uint8], ids: Sequence[str], kind: str, level: float, seed: int
) -> NDArray[np.uint8]:
    if kind == CLEAN:
        return pictures
    return np.stack([corrupted(one, name, kind, level, seed=seed) for one, name in zip(pictures, ids, strict=True)])


def _recorded(net: nn.Module, x: Tensor) -> dict[str, Tensor]:
    with record_gates(net) as recording:
        net(x)
    return recording.gates


def _on(pictures: NDArray[np.uint8], net: nn.Module) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(pictures)).to(next(net.parameters()).device)


def _distances(one: Tensor, other: Tensor) -> NDArray[np.float64]:
    """Sums over pictures of the means over channels, (B, C) each: of |difference| and of its square."""
    away = one - other
    found: NDArray[np.float64] = torch.stack([away.abs().mean(1).sum(), away.square().mean(1).sum()]).cpu().numpy()
    return found


def _said(logits: Tensor, labels: Tensor) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Predicted classes and cross-entropies (G, B). Raises CheckpointError where an answer is no number."""
    if not bool(torch.isfinite(logits).all()):
        raise CheckpointError("The network answers NaN or infinite values, so its weights are damaged; train it again.")
    loss = -logits.log_softmax(-1).gather(2, labels.expand(len(logits), -1)[..., None])[..., 0]
    return logits.argmax(-1).cpu().numpy(), loss.cpu().numpy()


def _apart(path: str, sums: NDArray[np.float64], apart: NDArray[np.float64], count: int) -> Apart:
    mean, squares = sums / count
    spread = float(np.sqrt(np.maximum(squares - mean**2, 0).mean()))
    return Apart(path, spread, float(apart[0] / count), float(np.sqrt(apart[1] / count)))
