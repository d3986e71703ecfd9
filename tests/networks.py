"""Small networks with random but lively weights, for tests."""

from __future__ import annotations

import torch
from torch import nn

from seviz import nets
from seviz.images import Preprocessing

CLASSES = ("ant", "bee", "cat", "dog", "elk")
PREPROCESSING = Preprocessing(16, 16, mean=(0.5, 0.45, 0.4), std=(0.25, 0.24, 0.26))


def lively(arch: str = "se_resnet20", *, seed: int = 0, **options: object) -> nn.Module:
    """A frozen network in eval mode whose batch norms do something and whose gates differ between pictures."""
    generator = torch.Generator().manual_seed(seed)
    net = nets.build(arch, **{"classes": len(CLASSES), "reduction": 4, **options})
    for name, value in net.state_dict().items():
        if value.is_floating_point():
            noise = torch.randn(value.shape, generator=generator)
            if value.dim() > 1:
                value.copy_(noise * (2 / value[0].numel()) ** 0.5)
            elif name.endswith("running_var"):
                value.copy_(0.5 + noise.abs())
            elif name.endswith("weight"):
                value.copy_(1 + 0.2 * noise)
            else:
                value.copy_(0.2 * noise)
    return net.eval().requires_grad_(False)


def pictures(count: int, *, side: int = 16, seed: int = 0) -> torch.Tensor:
    """uint8 (count, side, side, 3), all different."""
    return torch.randint(0, 256, (count, side, side, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))
