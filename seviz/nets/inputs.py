"""What pictures an architecture of timm or torchvision usually takes, as its library says of its own weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class UsualInput:
    """height, width, crop (the share of the resized picture that is kept), interpolation, mean and std (RGB in 0..1)."""

    height: int
    width: int
    crop: float
    interpolation: str
    mean: Colour
    std: Colour


def usual_input(library: str, name: str) -> UsualInput | None:
    """Of an architecture's default weights; None where the library says nothing of them."""
    try:
        return _of_timm(name) if library == "timm" else _of_torchvision(name) if library == "torchvision" else None
    except (ImportError, KeyError, ValueError, AttributeError, TypeError):
        return None


def _of_timm(name: str) -> UsualInput | None:
    import timm

    config = timm.get_pretrained_cfg(name)
    if config is None:
        return None
    _, height, width = config.input_size
    return UsualInput(height, width, config.crop_pct or 0.875, config.interpolation, _colour(config.mean), _colour(config.std))


def _of_torchvision(name: str) -> UsualInput | None:
    from torchvision import models

    seen: Any = models.get_model_weights(name)["DEFAULT"].transforms()
    side, resized = seen.crop_size[0], seen.resize_size[0]
    return UsualInput(side, side, side / resized, seen.interpolation.value, _colour(seen.mean), _colour(seen.std))


def _colour(values: Sequence[float]) -> Colour:
    red, green, blue = values
    return red, green, blue
