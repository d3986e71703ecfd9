"""Augmentation of whole uint8 batches on the device that trains: a crop, a flip, corruptions; of normalised ones: Cutout.

"shift": as many pixels as the picture has, moved by up to `pad` pixels, reflected beyond its borders.
"resized": a random box of the picture, resized (C. Szegedy et al., "Going Deeper with Convolutions", 2015, section 6).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from seviz.data import StreamedPictures
from seviz.training.corrupting import Corruption, plan_corruption
from seviz.training.recipe import Recipe

RATIOS = (3 / 4, 4 / 3)  # width by height of a resized crop, in pixels
FLIP_SEEDS = 2**41  # far from the seeds that plan an epoch
TRIES = 10  # boxes that are drawn for a picture before it is taken whole


@dataclass(frozen=True)
class EpochPlan:
    """Everything random about an epoch, on the training device: what each step sees, and how.

    order: int64 (N,), the permutation. flips: bool (N,) by picture. crops: what crop each picture of a step gets:
    "shift": int64 (2, B, 1), pixels down and right, -pad..pad; "resized": float32 (4, B), see resized_crops. side: of
    the resized crops in pixels; None for shifts. holes: what Cutout hides of each picture of a step, float32 (2, B, 1), the
    middle of a square as shares of the height and width; None for nothing. corruption: None where no picture is corrupted.
    """

    order: Tensor
    flips: Tensor
    crops: tuple[Tensor, ...]
    batch: int
    side: int | None
    holes: tuple[Tensor, ...] | None = None
    corruption: Corruption | None = None

    @property
    def steps(self) -> int:
        return len(self.crops)

    def chosen(self, step: int) -> Tensor:
        """int64 (B,): the pictures of a step."""
        return self.order[step * self.batch : (step + 1) * self.batch]

    def seen(self, pictures: Tensor | StreamedPictures, step: int) -> Tensor:
        """What a step sees of all pictures, uint8 (N, H, W, 3): uint8 (B, H, W, 3), or (B, side, side, 3)."""
        chosen = self.chosen(step)
        taken = pictures[chosen] if isinstance(pictures, Tensor) else self._decoded(pictures, step)
        if self.side is None:
            cropped = augment(taken, self.flips[chosen], self.crops[step])
        else:
            cropped = resized_crops(taken, self.flips[chosen], self.crops[step], self.side)
        return self.corruption.on(cropped, step) if self.corruption else cropped

    def _decoded(self, pictures: StreamedPictures, step: int) -> Tensor:
        """The pictures of a step; those of the next are begun, so that they are there when the network asks for them."""
        found = pictures[self.chosen(step).cpu().numpy()]
        pictures.ask(self.chosen(step + 1).cpu().numpy())
        return torch.from_numpy(found).to(self.order.device)


def plan_epoch(count: int, epoch: int, recipe: Recipe, *, size: tuple[int, int], device: torch.device) -> EpochPlan:
    """The plan of an epoch, counted from 0; it follows from (seed, epoch) alone, whatever the device.

    It is drawn on the CPU and sent in one go, so that no step waits for it. size: (H, W) of the pictures.
    """
    batch, seed = recipe.batch, recipe.seed
    generator = torch.Generator().manual_seed(seed * 100_003 + epoch)
    order = torch.randperm(count, generator=generator)
    flips = torch.zeros(count, dtype=torch.bool)
    if recipe.flip:
        flips = alternating_flips(count, seed, epoch) if recipe.alternate else random_flips(count, seed, epoch)
    if recipe.crop == "resized":
        boxes = draw_boxes(count, recipe.least_area, size, generator)
        crops, side = torch.split(boxes.to(device), batch, 1), recipe.crop_size or min(size)
    else:
        sizes = [min(batch, count - start) for start in range(0, count, batch)]
        shifts = [torch.randint(-recipe.pad, recipe.pad + 1, (2, one, 1), generator=generator) for one in sizes]
        crops, side = torch.split(torch.cat(shifts, 1).to(device), batch, 1), None
    holes = torch.split(torch.rand(2, count, 1, generator=generator).to(device), batch, 1) if recipe.cutout else None
    corruption = plan_corruption(count, batch, recipe.corrupt, generator, device) if recipe.corrupt else None
    return EpochPlan(order.to(device), flips.to(device), crops, batch, side, holes, corruption)


def draw_boxes(count: int, least_area: float, size: tuple[int, int], generator: Generator) -> Tensor:
    """float32 (4, count): top, left, height and width of random boxes, as shares of the picture's height and width.

    The area is uniform in least_area..1, the logarithm of the ratio uniform; a box that does not fit is drawn again, as in
    torchvision's RandomResizedCrop, and after ten the picture is taken whole.
    """
    height, width = size
    low, high = (math.log(ratio) for ratio in RATIOS)
    areas = least_area + (1 - least_area) * torch.rand(TRIES, count, generator=generator)
    ratios = torch.exp(low + (high - low) * torch.rand(TRIES, count, generator=generator))
    heights = torch.sqrt(areas / ratios * (width / height))
    widths = torch.sqrt(areas * ratios * (height / width))
    fits = (heights <= 1) & (widths <= 1)
    first = fits.int().argmax(0, keepdim=True)
    none = ~fits.any(0)
    tall, wide = (values.gather(0, first)[0].masked_fill(none, 1.0) for values in (heights, widths))
    free = torch.rand(2, count, generator=generator)
    return torch.stack([free[0] * (1 - tall), free[1] * (1 - wide), tall, wide])


def resized_crops(pictures: Tensor, flips: Tensor, boxes: Tensor, side: int) -> Tensor:
    """A box of each picture at side x side pixels (bilinear, no smoothing), then mirrored where `flips` says so.

    Args:
        pictures: uint8 (B, H, W, 3). flips: bool (B,). boxes: float32 (4, B), see draw_boxes. All on one device.

    Returns uint8 (B, side, side, 3). Pixel j of a row looks at the middle of the j-th of `side` equal parts of the box.
    """
    top, left, tall, wide = boxes[:, :, None]
    parts = (torch.arange(side, device=pictures.device) + 0.5) / side
    down = top + parts * tall
    right = left + torch.where(flips[:, None], parts.flip(0), parts) * wide
    count = len(pictures)
    grid = torch.stack([right[:, None, :].expand(count, side, side), down[:, :, None].expand(count, side, side)], -1)
    found = F.grid_sample(
        pictures.permute(0, 3, 1, 2).float(), grid * 2 - 1, mode="bilinear", padding_mode="border", align_corners=False
    )
    return found.round().to(torch.uint8).permute(0, 2, 3, 1)


def augment(pictures: Tensor, flips: Tensor, shifts: Tensor) -> Tensor:
    """A crop of each picture, reflected beyond its borders, then mirrored where `flips` says so.

    Args:
        pictures: uint8 (B, H, W, 3). flips: bool (B,). shifts: int64 (2, B, 1), how many pixels down and right the crop
            lies, each below H and W. All on one device.

    Returns uint8 (B, H, W, 3). One gather: the reflected border is never built.
    """
    count, height, width, _ = pictures.shape
    down, right = shifts
    rows = _reflect(torch.arange(height, device=pictures.device) + down, height)
    columns = torch.arange(width, device=pictures.device).expand(count, width)
    columns = _reflect(torch.where(flips[:, None], columns.flip(1), columns) + right, width)
    flat = (rows[:, :, None] * width + columns[:, None, :]).reshape(count, -1, 1)
    source = pictures.reshape(count, height * width, 3)
    return source.gather(1, flat.expand(-1, -1, 3)).reshape(pictures.shape)


def alternating_flips(count: int, seed: int, epoch: int) -> Tensor:
    """bool (count,): a random half in the first epoch, the other half in the next, and so on.

    Every picture is seen both ways in any two epochs (K. Jordan, "94% on CIFAR-10 in 3.29 Seconds", 2024).
    """
    first = torch.rand(count, generator=torch.Generator().manual_seed(seed)) < 0.5
    return first ^ bool(epoch % 2)


def random_flips(count: int, seed: int, epoch: int) -> Tensor:
    """bool (count,): a random half, drawn anew in every epoch."""
    return torch.rand(count, generator=torch.Generator().manual_seed(FLIP_SEEDS + seed * 100_003 + epoch)) < 0.5


def hide(x: Tensor, holes: Tensor, side: int) -> Tensor:
    """Cutout: a square of each picture becomes its mean colour, 0 where colours are normalised.

    Args:
        x: float (B, 3, H, W), normalised. holes: float32 (2, B, 1), see EpochPlan. side: of the squares in pixels; at the
            border they are cut off, as in the paper.
    """
    inside = []
    for middle, size in zip(holes, x.shape[2:], strict=True):
        first = (middle * size).floor() - side // 2
        places = torch.arange(size, device=x.device)
        inside.append((places >= first) & (places < first + side))
    rows, columns = inside
    return x.masked_fill((rows[:, :, None] & columns[:, None, :])[:, None], 0.0)


def _reflect(index: Tensor, size: int) -> Tensor:
    """Indexes outside 0..size-1 mirrored at the border pixel, which is not repeated (as in torch's "reflect")."""
    index = index.abs()
    return torch.where(index >= size, 2 * (size - 1) - index, index)
