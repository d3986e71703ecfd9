"""Mean gates of the test pictures by class, after an epoch."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seviz.gates import Recording, by_channel, find_gates

EpochGates = dict[str, NDArray[np.float16]]  # site path -> (K, C)


class ClassSums:
    """Sums of gates by class, a batch at a time: site path -> float64 (K, C) on the training device."""

    def __init__(self, net: nn.Module, classes: int, device: torch.device) -> None:
        # not float64 on MPS, which has none
        self._type = torch.float32 if device.type == "mps" else torch.float64
        self._count = torch.zeros(classes, dtype=self._type, device=device)
        widths = {site.path: site.channels for site in find_gates(net)}
        self._sums = {path: torch.zeros(classes, width, dtype=self._type, device=device) for path, width in widths.items()}

    def add(self, recording: Recording, labels: Tensor) -> None:
        self._count += torch.bincount(labels, minlength=len(self._count))
        for path, total in self._sums.items():
            total.index_add_(0, labels, by_channel(recording.gates[path]).to(self._type))

    def means(self) -> EpochGates:
        """NaN for a class without pictures."""
        return {path: (total / self._count[:, None]).cpu().numpy().astype(np.float16) for path, total in self._sums.items()}
