"""What a network costs: parameters and multiply-adds."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class Cost:
    """parameters: learned numbers. multiply_adds: of one picture, convolutions and matrix products only."""

    parameters: int
    multiply_adds: int


def cost(net: nn.Module, height: int, width: int) -> Cost:
    """Count parameters and the multiply-adds of one (1, 3, height, width) picture.

    Convolutions and matrix products are counted; batch norm, activations, pooling, the SE block's scaling and the
    residual sums are not. The network is not touched: a copy without data is run, or itself where it has none.
    """
    ready = not net.training and all(parameter.is_meta for parameter in net.parameters())
    shadow = net if ready else copy.deepcopy(net).to("meta").eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        shadow(torch.empty(1, 3, height, width, device="meta"))
    return Cost(
        parameters=sum(parameter.numel() for parameter in net.parameters()),
        multiply_adds=counter.get_total_flops() // 2,  # the counter counts a multiply-add as two
    )
