"""A network behind pieces of work no larger than a micro-batch, so that somebody else's thread can run them one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from seviz.attribution import grad_cam, guided_grad_cam, pixel_gradient, pixel_map

PIECE = 16  # pictures

Run = Callable[[Callable[[], Tensor]], Tensor]


@dataclass(frozen=True, eq=False)
class Network:
    """net: in eval mode. layer: module path for Grad-CAM. run: does a piece of work where the network may be touched."""

    net: nn.Module
    layer: str
    run: Run

    def logits(self, x: Tensor) -> Tensor:
        """Pictures (B, 3, H, W), normalised -> (B, K), without gradients."""
        return torch.cat([self.run(partial(self._logits, piece)) for piece in torch.split(x, PIECE)])

    def probabilities(self, x: Tensor, target: int) -> Tensor:
        """Of the class: (B,), 0..1."""
        return self.logits(x).softmax(1)[:, target]

    def maps(self, method: str, x: Tensor, target: int) -> Tensor:
        """The map of every picture: (B, h, w) of the layer for Grad-CAM, else (B, H, W). Raises RequestError as they do."""
        if method == "gradcam":
            return torch.cat([self.run(partial(self._grad_cam, piece, target)) for piece in torch.split(x, PIECE)])
        return torch.stack([self._by_pixel(method, one, target) for one in torch.split(x, 1)])

    def _by_pixel(self, method: str, x: Tensor, target: int) -> Tensor:
        if method == "guided_gradcam":
            return self.run(partial(guided_grad_cam, self.net, x, target, self.layer))
        return pixel_map(method, x, target, forward=self.logits, gradient=self._gradient)

    def _gradient(self, x: Tensor, classes: Tensor) -> Tensor:
        return self.run(partial(pixel_gradient, self.net, x, classes))

    def _logits(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            return self.net(x).float()  # type: ignore[no-any-return]

    def _grad_cam(self, x: Tensor, target: int) -> Tensor:
        classes = torch.full((len(x), 1), target, dtype=torch.int64, device=x.device)
        return grad_cam(self.net, x, [self.layer], classes)[2][self.layer][:, 0]
