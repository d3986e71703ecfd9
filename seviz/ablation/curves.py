"""Deletion and insertion of channels, site by site, in four orders: see seviz.analysis.deletion for what is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seviz.ablation.passes import sampled
from seviz.ablation.sharing import Treatment, logits_of
from seviz.analysis.deletion import KINDS, Curve, curve
from seviz.data import PictureSet
from seviz.evaluation import evaluating, normaliser
from seviz.gates import GateValue, by_channel, find_gates, tap_gates, tap_inputs
from seviz.images import Preprocessing

SHARES = (0.0, 0.125, 0.25, 0.5, 0.75, 1.0)
Scores = Mapping[str, Mapping[str, Tensor]]  # order -> site path -> (B, C)
RANDOM = 3  # random orders of a picture, of which the mean is taken


class Drops:
    """What gates become in a batch: live, with channels at 0. A name is "none", or such as "deletion/gate/2".

    Args: places: order -> site path -> int64 (B, C), the place of every channel in the order, the first being 0.
    """

    def __init__(self, places: Scores) -> None:
        self.places, self.live = places, dict[str, Tensor]()

    def of(self, path: str, becomes: str) -> GateValue:
        if becomes == "none":
            return 0.0
        kind, order, step = becomes.split("/")
        place = self.places[order][path]
        count = round(SHARES[int(step)] * place.shape[1])
        kept = place >= count if kind == "deletion" else place < count
        return lambda gate: gate * (kept[:, None, None, :] if gate.dim() == 4 else kept)


def measure(
    net: nn.Module,
    data: PictureSet,
    preprocessing: Preprocessing,
    *,
    pictures: int,
    seed: int = 0,
    batch: int = 50,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[int, tuple[Curve, ...]]:
    """The curves of every site over a seeded sample of the data: (pictures in it, curves).

    Args: as of seviz.ablation.ablate; pictures: at most, all of the data where it has fewer.
    """
    device = next(net.parameters()).device
    chosen = sampled(len(data), pictures, seed)
    chances, normalise = _chances(net, len(chosen), seed), normaliser(preprocessing, device)
    parts: list[dict[tuple[str, str], NDArray[np.float32]]] = []
    with evaluating(net):
        for start in range(0, len(chosen), batch):
            rows = chosen[start : start + batch]
            x = normalise(torch.from_numpy(data.pictures[rows]).to(device))
            parts.append(probabilities(net, x, _rows(chances, start, len(rows), device)))
            if progress:
                progress(start + len(rows), len(chosen))
    whole = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    return len(chosen), tuple(_curves(net, whole, seed))


def probabilities(net: nn.Module, x: Tensor, chances: Scores) -> dict[tuple[str, str], NDArray[np.float32]]:
    """(site path, name of the drop) -> probability (B,) of the class that each picture is given live; ("", "") is live.

    chances: the random orders by name, "random0" and so on.
    """
    scores, target = _scores(net, x)
    places = {
        order: {path: _places(values) for path, values in by_site.items()} for order, by_site in {**scores, **chances}.items()
    }
    steps = [f"{kind}/{order}/{step}" for kind in KINDS for order in places for step in range(1, len(SHARES) - 1)]
    names = [("", ""), *((path, name) for path in scores["gate"] for name in ("none", *steps))]
    treatments: list[Treatment] = [{path: name} if path else {} for path, name in names]
    with torch.no_grad():
        logits = logits_of(net, x, treatments, Drops(places)).float()
    found = logits.softmax(-1).gather(2, target.expand(len(names), -1)[..., None])[..., 0].cpu().numpy()
    return dict(zip(names, found, strict=True))


def _chances(net: nn.Module, count: int, seed: int) -> dict[str, dict[str, Tensor]]:
    """Random scores of `count` pictures, drawn at once, so that they do not depend on batches."""
    generator = torch.Generator().manual_seed(seed)
    return {
        f"random{run}": {site.path: torch.rand(count, site.channels, generator=generator) for site in find_gates(net)}
        for run in range(RANDOM)
    }


def _rows(scores: Scores, start: int, count: int, device: torch.device) -> dict[str, dict[str, Tensor]]:
    rows = slice(start, start + count)
    return {order: {path: values[rows].to(device) for path, values in one.items()} for order, one in scores.items()}


def _scores(net: nn.Module, x: Tensor) -> tuple[dict[str, dict[str, Tensor]], Tensor]:
    """Order -> site path -> scores (B, C), and the live classes (B,).

    gate: the gate itself. gradient: |gate x gradient| of the live class's logit. norm: L2 norm of the map before the gate.
    """
    paths = [site.path for site in find_gates(net)]
    with torch.enable_grad(), tap_gates(net, paths) as caught, tap_inputs(net, paths) as maps:
        logits = net(x)
        gradients = torch.autograd.grad(logits.amax(1).sum(), [caught[path] for path in paths])
    gates = {path: caught[path].detach() for path in paths}
    products = {path: gates[path] * gradient for path, gradient in zip(paths, gradients, strict=True)}
    importance = {path: (value.sum((1, 2)) if value.dim() == 4 else value).abs() for path, value in products.items()}
    norms = {path: maps[path].flatten(2).norm(dim=2) for path in paths}
    means = {path: by_channel(gate) for path, gate in gates.items()}
    return {"gate": means, "gradient": importance, "norm": norms}, logits.detach().argmax(1)


def _places(scores: Tensor) -> Tensor:
    """The place of every channel when they are sorted from the highest score down; of equal ones the lower first."""
    order = scores.argsort(dim=1, descending=True, stable=True)
    return torch.empty_like(order).scatter_(1, order, torch.arange(order.shape[1], device=order.device).expand_as(order))


def _curves(net: nn.Module, found: Mapping[tuple[str, str], NDArray[np.float32]], seed: int) -> list[Curve]:
    curves = []
    for path in (site.path for site in find_gates(net)):
        for kind in KINDS:
            chance: NDArray[np.float32] = np.mean([_values(found, path, kind, f"random{run}") for run in range(RANDOM)], axis=0)
            for order in ("gate", "gradient", "norm"):
                curves.append(curve(path, kind, order, SHARES, _values(found, path, kind, order), chance, seed=seed))
            curves.append(curve(path, kind, "random", SHARES, chance, seed=seed))
    return curves


def _values(
    found: Mapping[tuple[str, str], NDArray[np.float32]], path: str, kind: str, order: str
) -> NDArray[np.float32]:
    """The probabilities (P, N) of one curve, whose ends are the live site and the site without channels."""
    inner = [found[path, f"{kind}/{order}/{step}"] for step in range(1, len(SHARES) - 1)]
    ends = (found["", ""], found[path, "none"])
    first, last = ends if kind == "deletion" else ends[::-1]
    return np.stack([first, *inner, last])
