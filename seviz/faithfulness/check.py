"""Everything that is asked of the maps of one picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seviz.analysis.faithfulness import alike
from seviz.attribution import METHODS
from seviz.errors import RequestError
from seviz.faithfulness.answer import Checked, Order, Redrawn, Setting
from seviz.faithfulness.metrics import elsewhere, infidelity, max_sensitivity, noises, squares
from seviz.faithfulness.network import Network
from seviz.faithfulness.pixels import KINDS, chances, moved, places, shares, stages, upsampled
from seviz.faithfulness.redraw import cascade, stages_of

Progress = Callable[[int, int], None]


class Check:
    """The maps of several methods for one picture and class; what does not depend on the method is computed once.

    Args:
        network: the one that is explained. fresh: the same as it was trained, on the CPU, for redrawing; it is not touched.
        x: (1, 3, H, W), normalised, on the network's device. target: the class. progress: called with (done, in all).
    """

    def __init__(
        self, network: Network, fresh: nn.Module, x: Tensor, target: int, setting: Setting, progress: Progress | None = None
    ) -> None:
        self.network, self.fresh, self.x, self.target, self.setting = network, fresh, x, target, setting
        self._tell, self._done, self._total = progress, 0, 0

    def run(self, methods: Sequence[str], *, model: str, sha256: str, label: str) -> tuple[Checked, ...]:
        """One answer a method, in their order. Raises RequestError for a method that there is not."""
        unknown = [method for method in methods if method not in METHODS]
        if unknown or not methods:
            raise RequestError(f"There is no method {(unknown or [''])[0]!r}; use one of {', '.join(METHODS)}.")
        self._total = len(KINDS) + len(methods) * (4 + len(stages_of(self.fresh)))
        maps = {method: self.network.maps(method, self.x, self.target)[0] for method in methods}
        chance = {kind: self._chance(kind) for kind in KINDS}
        redrawn = self._redrawn(maps)
        losses = dict(self._losses(maps))
        answers = []
        for method, values in maps.items():
            order = {kind: self._order(kind, values, chance[kind]) for kind in KINDS}
            own, other, fall = losses[method]
            layer = self.network.layer if method == "gradcam" else "input"
            answers.append(
                Checked(
                    model, sha256, method, layer, self.target, label, self.setting, _plain(values), order["deletion"],
                    order["insertion"], own, other, fall, *self._sensitivity(method, values), redrawn[method],
                )
            )  # fmt: skip
        return tuple(answers)

    def _tick(self) -> None:
        self._done += 1
        if self._tell:
            self._tell(self._done, self._total)

    def _curve(self, kind: str, place: Tensor) -> NDArray[np.float32]:
        pictures = torch.cat(list(stages(kind, self.x, place, shares(self.setting.steps))))
        return _plain(self.network.probabilities(pictures, self.target))

    def _chance(self, kind: str) -> NDArray[np.float32]:
        """The curves of random orders: (R, S + 1)."""
        pixels = self.x.shape[2] * self.x.shape[3]
        found = [self._curve(kind, place) for place in chances(self.setting.orders, pixels, self.setting.seed)]
        self._tick()
        return _stacked(found)

    def _order(self, kind: str, values: Tensor, chance: NDArray[np.float32]) -> Order:
        setting = self.setting
        fitted = upsampled(values[None], *self.x.shape[2:])[0].cpu()
        place = places(fitted, setting.seed)
        own, backwards = (self._curve(kind, one) for one in (place, len(place) - 1 - place))
        away = [self._curve(kind, places(one, setting.seed)) for one in moved(fitted, setting.moves, setting.seed)]
        self._tick()
        return Order(_plain(shares(setting.steps)), own, backwards, chance, _stacked(away))

    def _losses(self, maps: dict[str, Tensor]) -> Iterator[tuple[str, tuple[float, float, float]]]:
        """Method -> infidelity, that of maps with the same values elsewhere, mean squared fall."""
        setting, (height, width) = self.setting, self.x.shape[2:]
        hidden = squares(setting.squares, height, width, setting.seed).to(self.x.device)
        pictures = self.x * torch.cat([torch.ones_like(hidden[:1]), 1 - hidden])  # the mean colour is 0
        logits = self.network.logits(pictures)[:, self.target]
        fall = float((logits[0] - logits[1:]).square().mean())
        for method, values in maps.items():
            others = elsewhere(values, setting.orders, setting.seed)
            fitted = upsampled(torch.cat([values[None], others]), height, width)
            found = infidelity(logits[:1], logits[1:], fitted, hidden)
            yield method, (float(found[0]), float(found[1:].mean()), fall)
            self._tick()

    def _sensitivity(self, method: str, values: Tensor) -> tuple[float, float]:
        """Max-sensitivity, and the distance of maps with the same values elsewhere, by the same norm."""
        setting = self.setting
        noise = noises(setting.noisy, self.x, setting.radius, setting.seed)
        found = max_sensitivity(lambda pictures: self.network.maps(method, pictures, self.target), self.x, values, noise)
        away = (elsewhere(values, setting.orders, setting.seed) - values).flatten(1).norm(dim=1)
        length = float(values.norm())
        self._tick()
        return found, float(away.mean()) / length if length else 0.0

    def _redrawn(self, maps: dict[str, Tensor]) -> dict[str, tuple[Redrawn, ...]]:
        found: dict[str, list[Redrawn]] = {method: [] for method in maps}
        for stage, forgetful in cascade(self.fresh, self.setting.seed):
            there = forgetful.to(device=self.x.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
            network = Network(there, self.network.layer, self.network.run)
            for method, trained in maps.items():
                values = _plain(network.maps(method, self.x, self.target)[0])
                found[method].append(Redrawn(stage, values, *alike(_plain(trained), values)))
                self._tick()
        return {method: tuple(stages) for method, stages in found.items()}


def _stacked(curves: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    rows = np.stack(curves)
    rows.flags.writeable = False
    return rows


def _plain(values: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = values.detach().float().cpu().numpy().copy()
    array.flags.writeable = False
    return array
