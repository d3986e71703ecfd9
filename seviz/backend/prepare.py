"""Make a network ready to answer: frozen, in eval mode, batch norm folded into convolutions, channels_last."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

FOLD_TOLERANCE = 1e-4  # relative to the largest logit; folding rounds differently but must say the same


def prepare(net: nn.Module, device: torch.device, example: Tensor) -> nn.Module:
    """A copy of `net` for one engine; `net` itself is not touched.

    Args:
        net: any network. device: where the copy goes. example: float32 (B, 3, H, W), normalised, on the CPU.

    Batch norm is folded where the names say how (see fold); a fold that changes the logits of the
    example by more than rounding is given up.
    """
    plain = copy.deepcopy(net).eval().requires_grad_(False)
    folded = fold(copy.deepcopy(plain))
    with torch.no_grad():
        wanted, got = plain(example), folded(example)
    ready = folded if torch.allclose(wanted, got, rtol=0, atol=FOLD_TOLERANCE * (1 + float(wanted.abs().max()))) else plain
    return ready.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def fold(net: nn.Module) -> nn.Module:
    """Fold batch norm into the convolution before it, in place; module names stay, the norms become identities.

    Pairs go by their names (conv1 and bn1, ..., or the two of a shortcut), as in seviz.nets and torchvision. Names prove
    nothing: whoever calls this compares the answers.
    """
    for parent in net.modules():
        for conv, norm in [*((f"conv{n}", f"bn{n}") for n in (1, 2, 3)), ("0", "1")]:
            first, second = getattr(parent, conv, None), getattr(parent, norm, None)
            # timm's batch norms with an activation are a subclass: an identity in their place would lose it
            if not (isinstance(first, nn.Conv2d) and type(second) is nn.BatchNorm2d):
                continue
            if first.out_channels == second.num_features:  # else the norm stands elsewhere, such as before the convolution
                setattr(parent, conv, fuse_conv_bn_eval(first, second).requires_grad_(False))
                setattr(parent, norm, nn.Identity())
    return net
