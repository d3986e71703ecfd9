"""Small labelled picture sets for tests: a class is told by its colour, so that a network can learn it in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from seviz.data import PictureSet, numbered_ids

CLASSES = ("ant", "bee", "cat")


def coloured(count: int, *, side: int = 16, seed: int = 0, split: str = "train") -> PictureSet:
    """`count` pictures of noise, the channel of whose class is brighter."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % len(CLASSES)
    pictures = generator.integers(0, 140, (count, side, side, 3))
    pictures[np.arange(count), :, :, labels] += 60
    return PictureSet("toy", split, pictures.astype(np.uint8), labels, numbered_ids(labels, CLASSES), CLASSES)


def write_folder(root: Path, *, train: int = 48, test: int = 18, side: int = 16) -> Path:
    """root/{train,test}/<class>/NNNN.png of coloured sets; returns root."""
    for split, count, seed in (("train", train, 0), ("test", test, 1)):
        data = coloured(count, side=side, seed=seed)
        for name, picture in zip(data.ids, data.pictures, strict=True):
            path = root / split / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(path)
    return root
