"""Labelled picture sets as uint8, held once or streamed: CIFAR-10 and class folders.

    open_data("cifar10", "test")            torchvision's CIFAR10 in the folder that SEVIZ_DATA names
    open_data("folder:PATH", "test")        PATH/test/<class>/*.jpg, or PATH/<class>/*.jpg where PATH has no splits

    picture_set.py   PictureSet, the key that tells sets apart, ids
    streamed.py      pictures that are decoded when they are asked for, of sets beyond 4 GiB
    matching.py      class names of a set against those of a network
    folders.py       class folders
    cifar10.py       reading, downloading, JPEG copies

A sample's id is `class/NNNN`, the NNNN-th picture of its class in the set's own order, or its path below the split's
folder without the suffix. CIFAR-10 and its JPEG copies number alike, so their keys agree.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from seviz.data.cifar10 import download_cifar10, has_cifar10, make_jpeg_copies, read_cifar10
from seviz.data.folders import SPLITS, Listing, list_folder, read_folder
from seviz.data.home import data_home
from seviz.data.picture_set import DataKey, PictureSet, channel_moments, numbered_ids, pixels_sha256, samples_sha256
from seviz.data.streamed import StreamedPictures
from seviz.errors import DataError
from seviz.images import Preprocessing

__all__ = [
    "DataKey",
    "Listing",
    "PictureSet",
    "StreamedPictures",
    "channel_moments",
    "data_home",
    "download_cifar10",
    "has_cifar10",
    "list_folder",
    "make_jpeg_copies",
    "numbered_ids",
    "open_data",
    "pixels_sha256",
    "samples_sha256",
]


def open_data(
    spec: str,
    split: str,
    *,
    fit_to: Preprocessing | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> PictureSet:
    """Read one split of a data set, into memory where it fits there.

    Args:
        spec: `cifar10` or `folder:PATH`.
        split: "train" or "test". A folder without splits is both.
        fit_to: a network's preprocessing, by which pictures are resized and cropped; when None, all pictures must have
            the size of the first.
        progress: called with (pictures read, pictures in all).

    A set beyond 4 GiB that is fitted to a network is not held: its pictures are decoded when they are asked for.

    Raises DataError where the set is missing, empty, larger than the memory without `fit_to`, has pictures of mixed sizes,
    over 1 % unreadable ones, or names that are no UTF-8.
    """
    if split not in SPLITS:
        raise DataError(f"A split is {' or '.join(SPLITS)}, not {split!r}.")
    if spec == "cifar10":
        data = read_cifar10(split)
        return data.fitted(fit_to) if fit_to else data
    if isinstance(spec, str) and spec.startswith("folder:") and spec != "folder:":
        return read_folder(Path(os.path.expanduser(spec.removeprefix("folder:"))), split, fit_to, progress)
    raise DataError(f"There is no data set {spec!r}; use cifar10 or folder:PATH.")
