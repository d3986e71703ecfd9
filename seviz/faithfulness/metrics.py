"""Captum's infidelity and max-sensitivity, on our terms.

C.-K. Yeh, C.-Y. Hsieh, A. S. Suggala, D. I. Inouye, P. Ravikumar, "On the (In)fidelity and Sensitivity of Explanations",
NeurIPS 2019.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from seviz.faithfulness.draws import stream

LEAST, MOST = 1 / 8, 1 / 2  # sides of squares, of the shorter side of the picture


def squares(count: int, height: int, width: int, seed: int) -> Tensor:
    """Masks of what is hidden: float32 (count, 1, height, width), 1 inside a square of random side and place."""
    generator = stream(seed, "squares")
    shorter = min(height, width)
    sides = _between(max(1, round(LEAST * shorter)), max(1, round(MOST * shorter)), count, generator)
    masks = torch.zeros(count, 1, height, width)
    for mask, side in zip(masks, sides, strict=True):
        top, left = (_between(0, size - side, 1, generator)[0] for size in (height, width))
        mask[:, top : top + side, left : left + side] = 1
    return masks


def infidelity(whole: Tensor, without: Tensor, maps: Tensor, hidden: Tensor) -> Tensor:
    """How badly maps foretell what the class loses when squares of the picture are hidden.

        INFD = E_I (beta I . map - (f(x) - f(x hidden by I)))^2        (definition 2.1)
        beta = E (I . map) (f(x) - f(x hidden by I)) / E (I . map)^2   so that a map's unit does not matter

    A mask I has one entry a pixel: the map's values under the square are summed and should be what the logit falls by.

    Args:
        whole: (1,), the logit of the class. without: (P,), the same with each square hidden. maps: (M, H, W).
        hidden: (P, 1, H, W), P >= 2.

    Returns float32 (M,), in logit^2: 0 for the map w x of a linear network, at most the mean squared fall, which it is where
    a map says nothing.
    """
    from captum.metrics import infidelity as captums

    known = {1: whole, len(hidden): without}  # Captum asks for these two batches again for every map
    everything = torch.ones_like(hidden[:1])
    found = [
        captums(
            lambda kept: known[len(kept)], lambda kept: (hidden, kept - hidden), everything, one[None, None],
            n_perturb_samples=len(hidden), normalize=True,
        )
        for one in maps
    ]  # fmt: skip
    return torch.cat(found)


def max_sensitivity(explain: Callable[[Tensor], Tensor], x: Tensor, values: Tensor, noise: Tensor) -> float:
    """How far a map moves when the picture hardly does.

        SENS = max_noise |map(x + noise) - map(x)| / |map(x)|   (definition 3.1, relative as in Captum; Frobenius norm)

    Args:
        explain: pictures (B, 3, H, W) -> maps (B, h, w). x: (1, 3, H, W). values: map(x), (h, w). noise: (N, 3, H, W).
    """
    from captum.metrics import sensitivity_max as captums

    def explanation(given: Any) -> Any:
        return (values[None],) if isinstance(given, tuple) else explain(given)  # x itself comes first, as a tuple

    return float(captums(explanation, x, lambda repeated: repeated + noise, n_perturb_samples=len(noise))[0])


def noises(count: int, x: Tensor, radius: float, seed: int) -> Tensor:
    """Evenly in -radius..radius, in standard deviations of a colour: (count, 3, H, W) on the device of x (1, 3, H, W)."""
    drawn = torch.rand(count, *x.shape[1:], generator=stream(seed, "noise"))
    return ((2 * drawn - 1) * radius).to(x.device)


def elsewhere(values: Tensor, count: int, seed: int) -> Tensor:
    """`count` maps with the values of this one (h, w) in other places, at random: (count, h, w)."""
    generator = stream(seed, "elsewhere")
    orders = [torch.randperm(values.numel(), generator=generator) for _ in range(count)]
    return torch.stack([values.reshape(-1)[order.to(values.device)].reshape(values.shape) for order in orders])


def _between(low: int, high: int, count: int, generator: torch.Generator) -> list[int]:
    return torch.randint(low, high + 1, (count,), generator=generator).tolist()
