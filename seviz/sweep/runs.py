"""One training of a sweep with one seed: how far it is, and whether what lies in its folder is this training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from seviz.card import Card
from seviz.checkpoints import CARD_FILE, STATE_FILE, Checkpoint, open_checkpoint
from seviz.corruptions import Corruptions
from seviz.data import PictureSet
from seviz.errors import TrainingError
from seviz.training import Job, Recipe, RunState

NEW, STOPPED, FINISHED = "new", "stopped", "finished"
FREE = ("data", "note", "licence", "train_sha256", "test_sha256")  # of a job: words, and what only the pictures can tell


@dataclass(frozen=True)
class Run:
    """A variation with a seed. folder: its checkpoint's. job: without the pictures' sha256. recipe: precision is the one of
    this machine where the file of the sweep does not name one, and then any other is as good: `precise` is False."""

    name: str
    recipe: Recipe
    job: Job
    folder: Path
    precise: bool

    @property
    def seed(self) -> int:
        return self.recipe.seed


@dataclass(frozen=True)
class Standing:
    """How far a training is. word: NEW, STOPPED or FINISHED. epochs: that are done. pictures: sha256 of both splits' keys,
    where they are known. card: of a finished training. corruptions: how it does on as many corrupted test pictures as were
    asked for, or more; None where that is not known."""

    word: str
    epochs: int = 0
    pictures: tuple[str, str] | None = None
    card: Card | None = None
    corruptions: Corruptions | None = None


def standing(run: Run, corruptions: int = 0) -> Standing:
    """How far a training is, by what lies in its folder. corruptions: test pictures that it is asked for corrupted; 0: none.

    Raises TrainingError where that is another training, with the names of what differs, or damaged, and CheckpointError where
    its card or what was measured of it cannot be read.
    """
    if (run.folder / STATE_FILE).exists():
        state = RunState.load(run.folder)
        _require(run, [*_other_recipe(run, state.recipe), *_other_job(run, state.job)])
        pictures = (state.job.train_sha256, state.job.test_sha256) if state.job else None
        return Standing(STOPPED, len(state.history), pictures)
    if not (run.folder / CARD_FILE).exists():
        return Standing(NEW)
    checkpoint = open_checkpoint(run.folder)
    card = checkpoint.card
    try:
        recipe = Recipe(**card.recipe)
    except TypeError:
        raise TrainingError(f"{run.folder} was trained by another version of seviz; choose another --out.") from None
    _require(run, [*_other_recipe(run, recipe), *_other_network(run, card)])
    measured = _enough(checkpoint, corruptions) if corruptions else None
    return Standing(FINISHED, card.epochs, (card.data.train.sha256, card.data.test.sha256), card, measured)


def _enough(checkpoint: Checkpoint, corruptions: int) -> Corruptions | None:
    found = checkpoint.corruptions()
    ours = found and found.data.same_samples(checkpoint.card.data.test)
    return found if found and ours and found.n >= min(corruptions, found.data.count) else None


def require_same_pictures(run: Run, found: Standing, train: PictureSet, test: PictureSet) -> None:
    """Raises TrainingError where a training saw other pictures than these, or saw them at another size."""
    others = found.pictures is not None and found.pictures != (train.key.sha256, test.key.sha256)
    seen = found.card.preprocessing if found.card else None  # the size of a stopped one stands in its job
    resized = seen is not None and (seen.height, seen.width) != train.size
    _require(run, (["data"] if others else []) + (["size"] if resized else []))


def _require(run: Run, differing: list[str]) -> None:
    if differing:
        names = ", ".join(dict.fromkeys(differing))
        raise TrainingError(
            f"{run.folder} holds a training with other settings ({names}); rename this one, remove that folder, or choose "
            "another --out."
        )


def _other_recipe(run: Run, found: Recipe) -> list[str]:
    wanted = run.recipe if run.precise else replace(run.recipe, precision=found.precision)
    names = [field.name for field in fields(Recipe) if getattr(wanted, field.name) != getattr(found, field.name)]
    return ["lr" if name == "peak_lr" else name for name in names]


def _other_job(run: Run, found: Job | None) -> list[str]:
    if found is None:
        return ["arch"]  # a training that was not started from the command line says nothing of its network
    names = [field.name for field in fields(Job) if field.name not in FREE]
    return ["from" if name == "start" else name for name in names if getattr(run.job, name) != getattr(found, name)]


def _other_network(run: Run, card: Card) -> list[str]:
    wanted, found = _plain(run.job.options(len(card.classes))), dict(card.options)
    names = [name for name in {**wanted, **found} if wanted.get(name) != found.get(name)]
    start = run.job.start
    begun = f" {start.name} (sha256 {start.sha256[:8]})" if start else ""
    if begun not in card.description or (" (sha256 " in card.description) != bool(begun):
        names.append("from")
    return (["arch"] if card.arch != run.job.arch else []) + ["SE blocks" if name == "se" else name for name in names]


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """As a card has them after it was read: JSON knows no tuples."""
    plain: dict[str, Any] = json.loads(json.dumps(options))
    return plain
