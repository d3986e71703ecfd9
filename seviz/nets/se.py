"""The Squeeze-and-Excitation block.

J. Hu, L. Shen, S. Albanie, G. Sun, E. Wu, "Squeeze-and-Excitation Networks", TPAMI 2020 (arXiv 1709.01507), section 3.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

SQUEEZES = ("avg", "max", "none")


class SqueezeExcite(nn.Module):
    """Scale every channel of a feature map by a gate in 0..1 that is computed from the whole map.

    Squeeze      z_c = 1 / (H W) * sum_ij u_c(i, j)      (eq. 2; or the maximum; or none)
    Excitation   s = sigmoid(W2 relu(W1 z + b1) + b2)    (eq. 3, with biases)
    Scale        x_c = s_c * u_c                         (eq. 4)

    Args:
        channels: C, the channels of the feature map.
        reduction: r; the hidden width is max(C // r, min_hidden).
        min_hidden: the smallest hidden width. One hidden unit that dies makes a gate constant.
        squeeze: "avg" (the paper's), "max", or "none": no pooling, the two layers act on every pixel as 1 x 1
            convolutions (the paper's "no squeeze" ablation) and the gate has the map's height and width.

    Shapes: (B, C, H, W) -> (B, C, H, W). The submodule `gate` is the sigmoid; it puts out s of shape (B, C), or
    (B, H, W, C) without squeeze. The submodule `squeeze` puts out z of the same shape. Both are there for those who
    listen: see seviz.gates.

    place: (stage, block) in its network, counted from 1, where its path does not say; None where it does or nobody said.

    Raises ValueError where channels, reduction or min_hidden is not positive or the squeeze is unknown.
    """

    def __init__(self, channels: int, reduction: int = 16, *, min_hidden: int = 1, squeeze: str = "avg") -> None:
        super().__init__()
        self.place: tuple[int, int] | None = None
        if min(channels, reduction, min_hidden) < 1:
            raise ValueError("channels, reduction and min_hidden are positive")
        hidden = max(channels // reduction, min_hidden)
        self.squeeze = Squeeze(squeeze)
        self.fc1 = nn.Linear(channels, hidden)
        self.relu = nn.ReLU()
        self.fc2 = nn.Linear(hidden, channels)
        self.gate = nn.Sigmoid()
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """He initialisation and zero biases, as in the paper: gates start at 0.5 on average and far from dead."""
        for layer in (self.fc1, self.fc2):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)

    def forward(self, u: Tensor) -> Tensor:
        z = self.squeeze(u)
        s: Tensor = self.gate(self.fc2(self.relu(self.fc1(z))))
        return u * (s[:, :, None, None] if s.dim() == 2 else s.permute(0, 3, 1, 2))


class Squeeze(nn.Module):
    """(B, C, H, W) -> (B, C) by mean ("avg") or maximum ("max") over the pixels, or (B, H, W, C) unpooled ("none")."""

    def __init__(self, mode: str = "avg") -> None:
        super().__init__()
        if mode not in SQUEEZES:
            raise ValueError(f"a squeeze is one of {', '.join(SQUEEZES)}; not {mode!r}")
        self.mode = mode

    def forward(self, u: Tensor) -> Tensor:
        if self.mode == "avg":
            return mean_over_pixels(u) if self.training and u.device.type == "cpu" else u.mean((2, 3))
        if self.mode == "max":
            return u.amax((2, 3))
        return u.permute(0, 2, 3, 1)

    def extra_repr(self) -> str:
        return self.mode


class _Mean(torch.autograd.Function):
    """u.mean((2, 3)), whose gradient is a whole map: torch's own is one number a channel that is added to the map of another
    branch, and this addition, broadcast in bfloat16, takes a CPU ten times as long as one of two maps."""

    @staticmethod
    def forward(ctx: Any, u: Tensor) -> Tensor:
        ctx.save_for_backward(torch.ones_like(u[:1]))
        ctx.count = len(u)
        return u.mean((2, 3))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        ones: Tensor = ctx.saved_tensors[0]
        ones = ones.expand(ctx.count, -1, -1, -1)
        return ones * (gradients[0] / ones[0, 0].numel())[:, :, None, None]


def mean_over_pixels(u: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, C), the mean over pixels, with a gradient that a CPU adds up fast in training."""
    mean: Tensor = _Mean.apply(u)
    return mean


def hidden_width(block: SqueezeExcite) -> int:
    """Hidden units of the bottleneck, read from the weight's shape."""
    return int(block.fc1.weight.shape[0])
