"""By what channels are chosen: their mean gate, the magnitude of their filters, or chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from seviz.errors import RequestError
from seviz.excitation import Excitation
from seviz.pruning.branches import Branch, branches_of, last_layers, resnet
from seviz.pruning.choice import Scores


def mean_gates(branches: Sequence[Branch], found: Excitation) -> Scores:
    """The mean gate of every channel over all pictures of `found`, 0..1: float64 (C,) by branch.

    Raises RequestError where a branch has a gate that `found` is not of.
    """
    return {one.path: _mean(one, found) for one in branches}


def magnitudes(net: nn.Module) -> Scores:
    """The L1 norm of the filters of every branch's last convolution: float64 (C,) by branch.

    H. Li, A. Kadav, I. Durdanovic, H. Samet, H. P. Graf, "Pruning Filters for Efficient ConvNets", ICLR 2017: the sum of a
    filter's absolute weights. The scale of the batch norm behind is folded in first, weight / sqrt(variance + eps): without
    it a filter's size says nothing, as the batch norm takes any factor out again. Its shift is left out, as there.
    """
    units = dict(resnet(net).units())
    return {one.path: _folded_l1(*last_layers(units[one.path])) for one in branches_of(net)}


def by_chance(branches: Sequence[Branch], seed: int) -> Scores:
    """Random numbers, 0..1: float64 (C,) by branch, the same ones for the same seed."""
    generator = np.random.default_rng(seed)
    return {one.path: generator.random(one.channels) for one in branches}


def _mean(branch: Branch, found: Excitation) -> NDArray[np.float64]:
    one = found.sites.get(branch.gate)
    if one is None or one.gate_sum.shape[1] != branch.channels:
        raise RequestError(f"These gate statistics are not of this network: they lack {branch.gate}; measure its gates again.")
    mean: NDArray[np.float64] = one.gate_sum.sum(0) / found.n
    return mean


@torch.no_grad()
def _folded_l1(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> NDArray[np.float64]:
    if norm.running_var is None:
        raise RequestError("This network has a batch norm without running statistics, so its filters have no size.")
    scale = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    filters = convolution.weight.double() * scale[:, None, None, None]
    sizes: NDArray[np.float64] = filters.abs().sum((1, 2, 3)).cpu().numpy()
    return sizes
