"""Corruption as augmentation: some of a step's pictures get noise, a blur, less contrast or other light before the network
sees them (E. Rusak et al., "A simple way to make neural networks robust against diverse image corruptions", 2020).

The kinds and the ends of their scales are those of seviz.analysis.corruptions, at a strength drawn for each picture: a network
trained so has seen these kinds. JPEG, occlusion, shift and rotation it has not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from seviz.analysis.corruptions import KINDS

SEEN = ("noise", "blur", "contrast", "light")
KNOWN = ("noise", "blur", "contrast", "darker", "brighter")  # of KINDS: those of which a network trained so has seen some
MOST_NOISE, MOST_BLUR = max(KINDS["noise"].levels), max(KINDS["blur"].levels)  # shares of white, of the longer side
LEAST_CONTRAST = min(KINDS["contrast"].levels)
DARKEST, BRIGHTEST = min(KINDS["darker"].levels), max(KINDS["brighter"].levels)
GREY = (0.2989, 0.587, 0.114)  # of red, green and blue, as in torchvision's adjust_contrast
BANK = 2**20  # normal numbers from which the noise of an epoch is taken


@dataclass(frozen=True)
class Corruption:
    """The corruptions of an epoch, on the training device.

    places: by step and kind, int64 (M,), of the epoch's pictures in their order; those that stay as they are come behind the
    last kind of each step. strength: float32 (N,), 0..1. first: int64 (N,), where in the bank the noise of a picture begins.
    bank: float32 (BANK,), from a standard normal distribution. batch: pictures a step.
    """

    places: tuple[Tensor, ...]
    strength: Tensor
    first: Tensor
    bank: Tensor
    batch: int

    @property
    def steps(self) -> int:
        return len(self.places) // (len(SEEN) + 1)

    def chosen(self, step: int) -> dict[str, Tensor]:
        """Kind -> the pictures of a step that get it, as places of the epoch."""
        start = step * (len(SEEN) + 1)
        return dict(zip(SEEN, self.places[start : start + len(SEEN)], strict=True))

    def on(self, pictures: Tensor, step: int) -> Tensor:
        """The pictures of a step, uint8 (B, H, W, 3), some of them corrupted: another tensor of the same shape and type."""
        made = pictures.clone()
        for kind, places in self.chosen(step).items():
            if len(places):
                which = places - step * self.batch
                made[which] = self._one(kind, pictures[which], self.strength[places], self.first[places])
        return made

    def _one(self, kind: str, pictures: Tensor, strength: Tensor, first: Tensor) -> Tensor:
        values = pictures.float()
        if kind == "noise":
            made = noisy(values, MOST_NOISE * strength, self.bank, first)
        elif kind == "blur":
            made = blurred(values, MOST_BLUR * strength)
        elif kind == "contrast":
            made = with_contrast(values, LEAST_CONTRAST**strength)
        else:
            made = values * _factor(strength)[:, None, None, None]
        return made.round().clamp(0, 255).to(torch.uint8)


def plan_corruption(count: int, batch: int, share: float, generator: Generator, device: torch.device) -> Corruption:
    """What is corrupted in an epoch of `count` pictures, `share` of them: each in one of the kinds, all of them as likely.

    Drawn on the CPU and sent in one go, so that no step waits for it; the same on every device.
    """
    kinds = torch.randint(len(SEEN), (count,), generator=generator)
    kinds[torch.rand(count, generator=generator) >= share] = len(SEEN)  # none
    strength = torch.rand(count, generator=generator)
    first = torch.randint(BANK, (count,), generator=generator)
    bank = torch.randn(BANK, generator=generator)
    groups = torch.arange(count) // batch * (len(SEEN) + 1) + kinds
    sizes = torch.bincount(groups, minlength=math.ceil(count / batch) * (len(SEEN) + 1)).tolist()
    places = torch.split(groups.argsort(stable=True).to(device), sizes)
    return Corruption(places, strength.to(device), first.to(device), bank.to(device), batch)


def noisy(pictures: Tensor, sd: Tensor, bank: Tensor, first: Tensor) -> Tensor:
    """Gaussian noise, independent by pixel and colour, on float32 (B, H, W, 3), 0..255.

    Args: sd: float32 (B,), shares of white. bank: float32 (N,), standard normal, which begins again where it ends. first: int64
    (B,), where the noise of each picture begins.
    """
    size = pictures[0].numel()
    places = (first[:, None] + torch.arange(size, device=bank.device)) % len(bank)
    return pictures + 255 * sd[:, None, None, None] * bank[places].reshape(pictures.shape)


def blurred(pictures: Tensor, sd: Tensor) -> Tensor:
    """A Gaussian blur, mirrored at the borders, of float32 (B, H, W, 3). sd: float32 (B,), shares of the longer side, at most
    MOST_BLUR."""
    count, height, width, colours = pictures.shape
    radius = min(math.ceil(3 * MOST_BLUR * max(height, width)), min(height, width) - 1)
    places = torch.arange(-radius, radius + 1, device=pictures.device)
    sigma = (sd * max(height, width)).clamp(min=1e-3)  # pixels
    weights = torch.exp(-0.5 * (places / sigma[:, None]) ** 2)
    weights = (weights / weights.sum(1, keepdim=True)).repeat_interleave(colours, 0)[:, None]  # (B x 3, 1, K)
    x = F.pad(pictures.permute(0, 3, 1, 2), (radius,) * 4, mode="reflect").reshape(1, count * colours, *(
        side + 2 * radius for side in (height, width)
    ))  # fmt: skip
    x = F.conv2d(x, weights[:, :, :, None], groups=count * colours)
    x = F.conv2d(x, weights[:, :, None, :], groups=count * colours)
    return x.reshape(count, colours, height, width).permute(0, 2, 3, 1)


def with_contrast(pictures: Tensor, factor: Tensor) -> Tensor:
    """float32 (B, H, W, 3), pulled towards the mean grey of each picture by a factor, float32 (B,)."""
    grey = (pictures @ torch.tensor(GREY, device=pictures.device)).mean((1, 2))[:, None, None, None]
    return grey + factor[:, None, None, None] * (pictures - grey)


def _factor(strength: Tensor) -> Tensor:
    """Of the light: from the darkest to the brightest as the strength goes from 0 to 1, by equal ratios."""
    return DARKEST * (BRIGHTEST / DARKEST) ** strength
