"""timm's architectures, as networks to look at: without weights on the meta device, or with random ones that say something."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor, nn

SMALL = 64  # pixels


def architectures() -> list[str]:
    """All architectures of timm that have pretrained weights, by name."""
    import timm

    return sorted(timm.list_models(pretrained=True, include_tags=False))


def without_numbers(name: str) -> nn.Module:
    """The network on the meta device: modules and shapes alone."""
    with torch.device("meta"):
        return _create(name)


def lively(name: str) -> nn.Module:
    """The network with random weights, ready for a look."""
    torch.manual_seed(0)
    return stirred(_create(name))


def stirred(net: nn.Module) -> nn.Module:
    """The network itself, frozen, with no weight left whose values are all alike.

    Networks begin with branches that are multiplied by 0 (or by 1e-6): nothing that stands before such a weight shows in
    the answer. So a weight whose values are all the same gets values in 0.5..1.5, a bias in -0.1..0.1.
    """
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for path, values in net.named_parameters():
            if values.numel() and bool((values == values.flatten()[0]).all()):
                low, high = (-0.1, 0.1) if path.rpartition(".")[2] in ("bias", "beta") else (0.5, 1.5)
                values.copy_(torch.rand(values.shape, generator=generator) * (high - low) + low)
    return net.eval().requires_grad_(False)


def sides(net: nn.Module) -> list[int]:
    """Sides of pictures to try, in pixels, the smallest first: not all networks take any size."""
    own = int(_config(net)["input_size"][-1])
    return sorted({min(SMALL, own), min(2 * SMALL, own), own})


def pictures(net: nn.Module, side: int, device: str = "cpu") -> Tensor:
    """Two pictures of noise, float32 (2, 3, side, side)."""
    channels = int(_config(net)["input_size"][0])
    noise = torch.randn((2, channels, side, side), generator=torch.Generator().manual_seed(0))
    return noise.to(device)


def _create(name: str) -> nn.Module:
    import timm

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what timm thinks of its own arguments
        net: nn.Module = timm.create_model(name, pretrained=False)
    return net.eval()


def _config(net: nn.Module) -> dict[str, Any]:
    return dict(getattr(net, "pretrained_cfg", None) or {"input_size": (3, 224, 224)})
