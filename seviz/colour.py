"""Embedded colour profiles -> sRGB, the only colours that networks and screens are given here."""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

MAX_PROFILE_BYTES = 4 * 2**20


def to_srgb(image: Image.Image, profile: bytes | None, notices: list[str]) -> Image.Image:
    """Pillow's mode L, RGB or CMYK -> RGB, read in the colours of an embedded ICC profile (None: sRGB already).

    What had to be guessed is appended to `notices`, one sentence each.
    """
    if not profile:
        if image.mode == "CMYK":
            notices.append("It is a CMYK picture without a colour profile; its colours are approximate.")
        return image.convert("RGB")
    try:
        transform = _transform(profile, image.mode)
    except (ImageCms.PyCMSError, OSError, ValueError):
        notices.append("Its colour profile cannot be used; its colours may be off.")
        return image.convert("RGB")
    if transform is None:
        return image.convert("RGB")
    return transform.apply(image if image.mode == transform.input_mode else image.convert(transform.input_mode))


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From an embedded profile to sRGB for pictures of `mode`; None where the profile is sRGB itself.

    Raises ValueError, OSError or PyCMSError where the profile is damaged or of another kind of picture.
    """
    if len(profile) > MAX_PROFILE_BYTES:
        raise ValueError("an implausible size")
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    space = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}.get(source.profile.xcolor_space.strip())
    if space is None or (space != mode and (mode, space) != ("L", "RGB")):
        raise ValueError("a profile of another kind of picture")
    target = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    # lcms keeps the last pixel it converted, which threads that share a transform must not
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags.NOCACHE
    transform = ImageCms.ImageCmsTransform(source, target, space, "RGB", intent, flags=flags)
    return None if space != "CMYK" and _changes_little(transform) else transform


def _changes_little(transform: ImageCms.ImageCmsTransform, levels: int = 3) -> bool:
    """True where no colour of a 6 x 6 x 6 cube moves by more than `levels` of 255: the many ways to write sRGB down."""
    steps = np.arange(0, 256, 51, dtype=np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(1, -1, 3)
    if transform.input_mode == "L":
        cube = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    probe = Image.fromarray(cube).convert(transform.input_mode)
    return bool(np.abs(np.asarray(transform.apply(probe)).astype(int) - cube).max() <= levels)
