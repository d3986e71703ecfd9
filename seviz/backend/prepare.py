"""Make a network ready to answer: frozen, in eval mode, batch norm folded into convolutions, channels_last."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from seviz.nets.resnet import ResNet, ResidualUnit

FOLD_TOLERANCE = 1e-4  # relative to the largest logit; folding rounds differently but must say the same


def prepare(net: nn.Module, device: torch.device, example: Tensor) -> nn.Module:
    """A copy of `net` for one engine; `net` itself is not touched.

    Args:
        net: any network. device: where the copy goes. example: float32 (B, 3, H, W), normalised, on the CPU.

    Batch norm is folded where the pairs are known (networks of seviz.nets); a fold that changes the logits of the
    example by more than rounding is given up.
    """
    plain = copy.deepcopy(net).eval().requires_grad_(False)
    folded = fold(copy.deepcopy(plain))
    with torch.no_grad():
        wanted, got = plain(example), folded(example)
    ready = folded if torch.allclose(wanted, got, rtol=0, atol=FOLD_TOLERANCE * (1 + float(wanted.abs().max()))) else plain
    return ready.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def fold(net: nn.Module) -> nn.Module:
    """Fold batch norm into the convolution before it, in place; module names stay, the norms become identities."""
    for parent in net.modules():
        if isinstance(parent, ResNet | ResidualUnit):
            pairs = [(f"conv{n}", f"bn{n}") for n in (1, 2, 3)]
        elif isinstance(parent, nn.Sequential) and [type(child) for child in parent] == [nn.Conv2d, nn.BatchNorm2d]:
            pairs = [("0", "1")]
        else:
            continue
        for conv, norm in pairs:
            if hasattr(parent, conv) and hasattr(parent, norm):
                fused = fuse_conv_bn_eval(getattr(parent, conv), getattr(parent, norm))
                setattr(parent, conv, fused.requires_grad_(False))
                setattr(parent, norm, nn.Identity())
    return net
