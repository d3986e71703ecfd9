"""A picture corrupted, as a network sees it: the decoded uint8 picture at the network's size, before it is normalised.

What is random follows from a seed, the corruption and the picture's name, which holds its number: two networks see the very
same corrupted pictures, whatever the batch, and the levels of one corruption share what is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as transforms

from seviz.analysis.corruptions import KINDS
from seviz.data.cifar10 import encode_jpeg
from seviz.errors import RequestError
from seviz.faithfulness.draws import seed_of
from seviz.images import decode

GREY = 128
Act = Callable[[Tensor, float, int], Tensor]  # picture (3, H, W), level, seed


def corrupted(picture: NDArray[np.uint8], sample: str, kind: str, level: float, *, seed: int = 0) -> NDArray[np.uint8]:
    """The picture (H, W, 3) corrupted: uint8 (H, W, 3).

    Args: sample: its name in its data set. kind: a key of seviz.analysis.corruptions.KINDS. level: of that kind.

        jpeg        through the codec at a quality of 1..100, 4:2:0
        blur        Gaussian, standard deviation as a share of the longer side
        noise       Gaussian, independent by pixel and colour, standard deviation as a share of white
        contrast    around the picture's mean grey, by a factor; darker, brighter: pixels times a factor, cut off at white
        occlusion   a grey square, its side as a share of the shorter side of the picture, somewhere inside
        shift       to the left, right, top or bottom, by a share of the longer side; what comes in is the picture mirrored
        rotation    clockwise or not, by degrees, bilinear; what comes in is the picture mirrored

    Raises RequestError for a kind or a level that there is not.
    """
    if kind not in KINDS or level not in KINDS[kind].levels:
        raise RequestError(f"There is no corruption {kind!r} at {level}; the kinds are {', '.join(KINDS)}.")
    image = torch.from_numpy(np.array(picture)).permute(2, 0, 1)
    made = ACTS[kind](image, level, seed_of(seed, f"{kind}/{sample}"))
    return np.ascontiguousarray(made.permute(1, 2, 0).numpy())


def _jpeg(image: Tensor, quality: float, _: int) -> Tensor:
    # Pillow's encoder, which made the JPEG copies of CIFAR-10: torchvision gives up its own
    made = decode(encode_jpeg(image.permute(1, 2, 0).contiguous().numpy(), int(quality))).pixels
    return torch.from_numpy(made.copy()).permute(2, 0, 1)


def _blur(image: Tensor, share: float, _: int) -> Tensor:
    sigma = share * max(image.shape[1:])
    size = 2 * math.ceil(3 * sigma) + 1
    made: Tensor = transforms.gaussian_blur(image, [size, size], [sigma, sigma])
    return made


def _noise(image: Tensor, sd: float, seed: int) -> Tensor:
    with torch.random.fork_rng(devices=()):  # the transform takes no generator
        torch.manual_seed(seed)
        made: Tensor = transforms.gaussian_noise(image, sigma=sd)
    return made


def _contrast(image: Tensor, factor: float, _: int) -> Tensor:
    made: Tensor = transforms.adjust_contrast(image, factor)
    return made


def _brightness(image: Tensor, factor: float, _: int) -> Tensor:
    made: Tensor = transforms.adjust_brightness(image, factor)
    return made


def _occlusion(image: Tensor, share: float, seed: int) -> Tensor:
    height, width = image.shape[1:]
    side = round(share * min(height, width))
    # a share of the way, not pixels: the centre stays about where it is when the square grows
    down, right = np.random.default_rng(seed).random(2)
    top, left = int(down * (height - side + 1)), int(right * (width - side + 1))
    grey = torch.full((3, 1, 1), GREY, dtype=torch.uint8)
    made: Tensor = transforms.erase(image, top, left, side, side, grey)
    return made


def _shift(image: Tensor, share: float, seed: int) -> Tensor:
    across, down = ((1, 0), (-1, 0), (0, 1), (0, -1))[int(np.random.default_rng(seed).integers(4))]
    by = round(share * max(image.shape[1:]))
    return _moved(image, lambda wide: transforms.affine(wide, 0, [float(by * across), float(by * down)], 1, [0.0, 0.0]))


def _rotation(image: Tensor, degrees: float, seed: int) -> Tensor:
    turn = degrees if np.random.default_rng(seed).integers(2) else -degrees
    return _moved(image, lambda wide: transforms.rotate(wide, turn, InterpolationMode.BILINEAR))


def _moved(image: Tensor, move: Callable[[Tensor], Tensor]) -> Tensor:
    """`move` of a picture that goes on beyond its borders, mirrored: no corner stays empty."""
    height, width = image.shape[1:]
    room = [math.ceil(side / 4) + 1 for side in (height, width)]
    wide = transforms.pad(image, [room[1], room[0]], padding_mode="reflect")
    made: Tensor = transforms.center_crop(move(wide), [height, width])
    return made


ACTS: dict[str, Act] = {
    "jpeg": _jpeg,
    "blur": _blur,
    "noise": _noise,
    "contrast": _contrast,
    "darker": _brightness,
    "brighter": _brightness,
    "occlusion": _occlusion,
    "shift": _shift,
    "rotation": _rotation,
}
