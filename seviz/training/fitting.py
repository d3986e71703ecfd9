"""Whether a network can be trained with pictures of a size, found before a training starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from seviz.errors import TrainingError
from seviz.nets import from_card
from seviz.training.recipe import Recipe
from seviz.training.state import Job


def require_pass(job: Job, options: Mapping[str, Any], recipe: Recipe, size: tuple[int, int], count: int) -> None:
    """Raises TrainingError where the pictures are too small for the network, or where a last batch of one picture leaves
    batch norm one number a channel.

    Args: options: of the network, as they stand in a card; it is run without weights. size: (H, W) of `count` pictures.
    """
    height, width = (recipe.crop_size or min(size),) * 2 if recipe.crop == "resized" else size
    if recipe.small_side:
        if recipe.small_side >= min(height, width):
            raise TrainingError(f"--small-side {recipe.small_side} is not smaller than the pictures, {width} x {height}.")
        height = width = recipe.small_side
    with torch.device("meta"):
        net = from_card(dict(options)).train()
        try:
            net(torch.empty(2, 3, height, width))
        except (RuntimeError, ValueError) as error:
            words = f"{job.arch} cannot be trained with pictures of {width} x {height} pixels"
            raise TrainingError(f"{words}; give a larger --size.") from error
        try:
            net(torch.empty(1 if count % recipe.batch == 1 else 2, 3, height, width))
        except ValueError as error:
            raise TrainingError(
                "The last batch of an epoch has one picture, too little for batch norm; change --batch."
            ) from error
