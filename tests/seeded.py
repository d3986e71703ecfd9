"""A home of tiny trainings with seeds: those beside the first of a recipe ship without weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from networks import lively
from test_checkpoints import card_of

from seviz.card import DataUse, Metric
from seviz.checkpoints import Checkpoint, open_checkpoint, save_checkpoint, strip_checkpoint
from seviz.data import DataKey, samples_sha256
from seviz.evaluation import Evaluation, save
from seviz.history import Epoch, write_history
from seviz.nets import to_card

N = 200
LABELS = np.arange(N) % 5
IDS = tuple(f"{label}/{row:04}" for row, label in enumerate(LABELS))
KEY = DataKey("folder:toy", "test", N, samples_sha256(IDS, LABELS))
SE, PLAIN = {0: 176, 1: 180, 2: 172}, {0: 170, 1: 176, 2: 170}  # seed -> pictures of N that are right


def training(home: Path, arch: str, seed: int, right: int, *, name: str = "", **changes: object) -> Checkpoint:
    """A whole checkpoint of an architecture whose first `right` of N pictures are right. changes: of its card."""
    name = name or (arch if seed == 0 else f"{arch}-seed{seed}")
    net = lively(arch, seed=seed)
    recipe = {"epochs": 3, "batch": 8, "flip": True, "seed": seed}
    train = f"python -m seviz train --arch {arch} --data folder:toy --out runs/{name} --epochs 3 --seed {seed}"
    measure = f"python -m seviz evaluate --model {name} --data folder:toy"
    made = replace(
        card_of(net, name),
        arch=arch, description=arch, options=to_card(net), seed=seed, epochs=3, recipe=recipe, gate_life=None,
        data=DataUse("folder:toy", "", replace(KEY, split="train"), KEY), commands={"train": train, "evaluate": measure},
        metrics={"accuracy": Metric(right / N, N, "folder:toy", "test", "share right", measure, (0.1, 0.99))},
    )  # fmt: skip
    card = save_checkpoint(home / name, net, replace(made, **changes))
    said = np.where(np.arange(N) < right, LABELS, (LABELS + 1) % 5)
    logits = (4 * np.eye(5)[said] + np.random.default_rng(seed).normal(0, 0.1, (N, 5))).astype(np.float16)
    save(home / name / "evaluation.npz", Evaluation(logits, LABELS.astype(np.int16), IDS, KEY, card.weights_sha256))
    rows = [Epoch(epoch, 2 / epoch, 0.2 * epoch, 2.1 / epoch, 0.25 * epoch, 0.1, 1.0) for epoch in (1, 2, 3)]
    write_history(home / name, rows)
    return open_checkpoint(home / name)


def stripped(home: Path, arch: str, seed: int, right: int, **changes: object) -> Checkpoint:
    """The same as it ships beside the best seed: without weights."""
    whole = training(home / ".whole", arch, seed, right, **changes)
    return strip_checkpoint(whole, home / whole.card.name)


def home_of_seeds(home: Path) -> Path:
    """se_resnet20 and resnet20 with three seeds each, of which seed 0 has weights."""
    for arch, seeds in (("se_resnet20", SE), ("resnet20", PLAIN)):
        for seed, right in seeds.items():
            (stripped if seed else training)(home, arch, seed, right)
    return home
