"""First weights that a recipe asks for in place of the network's own: of the SE layers, and of the first convolution."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seviz.data import PictureSet
from seviz.errors import TrainingError
from seviz.evaluation import normaliser
from seviz.images import Preprocessing
from seviz.nets import SqueezeExcite
from seviz.training.recipe import Recipe

SAMPLE = 2000  # pictures whose patches are whitened
PIECE = 50  # pictures whose patches are held at once
LEAST_VARIANCE = 1e-4  # added to every eigenvalue: in the flattest directions there is mostly noise


def set_first_weights(net: nn.Module, recipe: Recipe, train: PictureSet, preprocessing: Preprocessing) -> None:
    """Give a fresh network, in place, the first weights of its recipe; nothing is done where it asks for none.

    Raises TrainingError where there is no convolution of three colours to whiten.
    """
    for module in net.modules():
        if isinstance(module, SqueezeExcite):
            if recipe.se_init == "torch":
                module.fc1.reset_parameters()
                module.fc2.reset_parameters()
            with torch.no_grad():
                module.fc2.bias.add_(recipe.se_bias)
    if recipe.whiten:
        first = next((module for module in net.modules() if isinstance(module, nn.Conv2d)), None)
        if first is None or first.in_channels != 3:
            raise TrainingError("This network has no first convolution of three colours; train it without --whiten.")
        chosen = np.linspace(0, len(train) - 1, min(SAMPLE, len(train))).astype(np.int64)
        pictures = torch.from_numpy(np.ascontiguousarray(train.pictures[chosen]))
        whiten(first, normaliser(preprocessing, torch.device("cpu"))(pictures))


@torch.no_grad()
def whiten(conv: nn.Conv2d, pictures: Tensor) -> None:
    """Give a convolution, in place, filters whose answers to the pictures' patches are uncorrelated and of variance 1.

    The filters are the eigenvectors of the patches' covariance over the roots of their eigenvalues, those of the highest
    first, each with its negative behind a ReLU's blind half (K. Jordan, "94% on CIFAR-10 in 3.29 Seconds", 2024, section
    3.2, where they are not trained further; here they are). Filters beyond twice the patch's numbers stay as they were.

    Args: pictures: float32 (N, 3, H, W), normalised.
    """
    values, vectors = torch.linalg.eigh(patch_covariance(pictures, conv.kernel_size))  # ascending
    filters = (vectors / (values + LEAST_VARIANCE).sqrt()).T.flip(0)
    half = min(conv.out_channels // 2, len(filters))
    chosen = torch.cat([filters[:half], -filters[:half]]).reshape(-1, *conv.weight.shape[1:])
    conv.weight[: len(chosen)] = chosen.to(conv.weight)


def patch_covariance(pictures: Tensor, kernel: tuple[int, ...]) -> Tensor:
    """float64 (3 kh kw, 3 kh kw): of all patches of the pictures, float32 (N, 3, H, W), in the order of a filter's weights."""
    count, total, products = 0, torch.tensor(0.0), torch.tensor(0.0)
    for piece in torch.split(pictures, PIECE):
        patches = F.unfold(piece, kernel).transpose(1, 2).flatten(0, 1).double()
        count, total, products = count + len(patches), total + patches.sum(0), products + patches.T @ patches
    mean = total / count
    return products / count - mean[:, None] * mean
