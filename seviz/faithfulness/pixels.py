"""Deletion and insertion of pixels.

V. Petsiuk, A. Das, K. Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models", BMVC 2018, section 4.2:
pixels go in the order of the map, and the area under the curve of the class's probability says how soon it falls; or they
come back into a blurred picture, and it says how soon it rises. Deleted pixels get the mean colour (0 after
normalisation); pictures are blurred by a Gaussian whose standard deviation is an eighth of the shorter side.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from seviz.faithfulness.draws import stream

KINDS = ("deletion", "insertion")
BLUR = 1 / 8  # of the shorter side


def upsampled(values: Tensor, height: int, width: int) -> Tensor:
    """Maps (B, h, w) -> (B, height, width), bilinear, as they are laid over a picture."""
    return F.interpolate(values[:, None], (height, width), mode="bilinear", align_corners=False)[:, 0]


def places(values: Tensor, seed: int) -> Tensor:
    """The place of every pixel when the strongest comes first: (H, W) -> int64 (H W,).

    Equal pixels come in random order, by the seed: a map that says nothing of them must not gain by how rows are numbered.
    """
    flat = values.reshape(-1).cpu()
    mixed = torch.randperm(len(flat), generator=stream(seed, "ties"))
    order = mixed[flat[mixed].argsort(descending=True, stable=True)]
    return torch.empty_like(order).scatter_(0, order, torch.arange(len(order)))


def chances(count: int, pixels: int, seed: int) -> Tensor:
    """`count` random orders: int64 (count, pixels), places."""
    generator = stream(seed, "orders")
    return torch.stack([torch.randperm(pixels, generator=generator) for _ in range(count)])


def moved(values: Tensor, count: int, seed: int) -> Tensor:
    """The map (H, W) in `count` other places, (count, H, W): by a quarter to three quarters of each side, round the edges."""
    generator = stream(seed, "moves")
    height, width = values.shape
    shifts = [
        [int(torch.randint(side // 4, side - side // 4 + 1, (1,), generator=generator)) for side in (height, width)]
        for _ in range(count)
    ]
    return torch.stack([values.roll(shift, (0, 1)) for shift in shifts])


def shares(steps: int) -> Tensor:
    """Of the pixels: float32 (steps + 1,), from 0 to 1."""
    return torch.linspace(0, 1, steps + 1)


def baseline(kind: str, x: Tensor) -> Tensor:
    """What stands where the picture (1, 3, H, W) does not: its size."""
    return torch.zeros_like(x) if kind == "deletion" else blurred(x, BLUR * min(x.shape[2:]))


def stages(kind: str, x: Tensor, place: Tensor, at: Tensor) -> Iterator[Tensor]:
    """The picture (1, 3, H, W) with growing shares `at` of its pixels deleted, or put back: (1, 3, H, W) each."""
    other, place = baseline(kind, x), place.to(x.device)
    for share in at.tolist():
        gone = (place < round(share * len(place))).reshape(x.shape[2:])
        yield torch.where(gone, other, x) if kind == "deletion" else torch.where(gone, x, other)


def blurred(x: Tensor, sigma: float) -> Tensor:
    """A Gaussian of standard deviation sigma, cut off at 3 sigma, edges held: (1, 3, H, W) -> its size."""
    reach = max(1, round(3 * sigma))
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=x.device, dtype=x.dtype) / sigma) ** 2)
    weight = (kernel / kernel.sum()).expand(x.shape[1], 1, -1)
    padded = F.pad(x, (reach, reach, reach, reach), mode="replicate")
    rows = F.conv2d(padded, weight[..., None], groups=x.shape[1])
    return F.conv2d(rows, weight[:, :, None], groups=x.shape[1])
