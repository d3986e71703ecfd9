"""Pictures as callers have them: paths, bytes, arrays, decoded pictures."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from seviz.errors import PictureError
from seviz.files import read_file
from seviz.images import MAX_BYTES, Picture, decode

PictureLike = str | os.PathLike[str] | bytes | NDArray[np.uint8] | Picture


def as_pixels(picture: PictureLike) -> NDArray[np.uint8]:
    """uint8 (H, W, 3) of a path, bytes, array or Picture. Raises PictureError where it cannot be had."""
    if isinstance(picture, Picture):
        return picture.pixels
    if isinstance(picture, np.ndarray):
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
            raise PictureError(f"A picture is uint8 (H, W, 3), not {picture.dtype} {picture.shape}.")
        return picture
    if isinstance(picture, bytes):
        return decode(picture).pixels
    if not isinstance(picture, str | os.PathLike):
        raise PictureError(f"A picture is a path, bytes, a uint8 array (H, W, 3) or a Picture, not {type(picture).__name__}.")
    return read_picture(picture).pixels


def read_picture(path: str | os.PathLike[str]) -> Picture:
    """The picture in a file. Raises PictureError where it cannot be read, is too large, or is no picture."""
    try:
        content = read_file(path, MAX_BYTES)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or error
        raise PictureError(f"{os.fspath(path)} cannot be read ({reason}).") from error
    return decode(content)
