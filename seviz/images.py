"""Untrusted bytes -> an RGB picture, and what a network does to a picture before it looks: described as data."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seviz.errors import PictureError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
RESAMPLING = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


@dataclass(frozen=True)
class Picture:
    """A decoded picture.

    pixels: uint8 (H, W, 3) RGB. sha256: of the bytes it came from (hex). notices: what had to be decided to show it
    right, one sentence each. format: what the bytes really were, such as "JPEG".
    """

    pixels: NDArray[np.uint8]
    sha256: str
    notices: tuple[str, ...]
    format: str


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes a network's input.

    The shorter side is resized to round(side / crop) (antialiased, with `interpolation`), the middle height x width
    pixels are taken, and (pixel / 255 - mean) / std is fed to the network, RGB.
    """

    height: int
    width: int
    crop: float = 1.0
    interpolation: str = "bilinear"
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD


def decode(content: bytes) -> Picture:
    """placeholder"""
    import hashlib

    try:
        image = Image.open(io.BytesIO(content))
        image.load()
    except OSError as error:
        raise PictureError("This is not a picture; save it as JPEG or PNG.") from error
    return Picture(np.asarray(image.convert("RGB")), hashlib.sha256(content).hexdigest(), (), image.format or "")


def fit(pixels: NDArray[np.uint8], to: Preprocessing) -> NDArray[np.uint8]:
    """The picture as the network sees it: uint8 (height, width, 3), before normalisation.

    A picture that has the network's size already is returned as it is.
    """
    if pixels.shape[:2] == (to.height, to.width) and to.crop == 1.0:
        return pixels
    height, width = pixels.shape[:2]
    scale = max(round(to.height / to.crop) / height, round(to.width / to.crop) / width)
    new_height, new_width = max(round(height * scale), to.height), max(round(width * scale), to.width)
    image = Image.fromarray(pixels).resize((new_width, new_height), RESAMPLING[to.interpolation])
    top, left = (new_height - to.height) // 2, (new_width - to.width) // 2
    return np.asarray(image)[top : top + to.height, left : left + to.width].copy()
