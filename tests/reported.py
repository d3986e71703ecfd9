"""A home of small checkpoints for the tests of reports: an SE network and a plain one, evaluated, with statistics of gates."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from seviz import evaluation
from seviz.card import Card
from seviz.checkpoints import checkpoints_home, open_checkpoint, save_checkpoint
from seviz.data import PictureSet
from seviz.evaluation import evaluate
from seviz.excitation import excite

SE, PLAIN = "se_resnet20", "resnet20"


def noise(classes: tuple[str, ...], *, count: int = 80, ids: tuple[str, ...] | None = None, name: str = "toy") -> PictureSet:
    """`count` pictures of 32 x 32, every class told by its brightness."""
    generator = np.random.default_rng(0)
    labels = np.arange(count) % len(classes)
    pictures = generator.integers(0, 110, (count, 32, 32, 3)) + 14 * labels[:, None, None, None]
    ids = ids or tuple(f"{label}/{row:04}" for row, label in enumerate(labels))
    return PictureSet(name, "test", pictures.astype(np.uint8), labels, ids, classes)


def home_of(folder: Path, *, names: tuple[str, str] = (SE, PLAIN), data: PictureSet | None = None, **changes: object) -> Path:
    """The bundled pair under `folder`, under `names`, measured on `data`; changes: of both cards."""
    for bundled, name in zip((SE, PLAIN), names, strict=True):
        source = open_checkpoint(checkpoints_home() / bundled)
        card: Card = replace(source.card, **changes)
        shutil.copytree(source.folder, folder / name, ignore=shutil.ignore_patterns("*.npz", "cka-*"))
        net = source.network()
        card = save_checkpoint(folder / name, net, card)
        pictures = data or noise(card.classes)
        with torch.no_grad():
            found = evaluate(net, pictures, card.preprocessing, weights_sha256=card.weights_sha256)
            evaluation.save(folder / name / "evaluation.npz", found)
            if card.is_se:
                excite(net, pictures, card.preprocessing, folder / name, weights_sha256=card.weights_sha256)
    return folder
