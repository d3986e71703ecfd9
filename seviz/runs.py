"""A run: one training, its history (history.csv) and the state from which it goes on (resume.safetensors)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seviz.errors import CheckpointError, TrainingError
from seviz.files import write_bytes

if TYPE_CHECKING:
    from torch import Tensor, nn, optim

STATE_FILE = "resume.safetensors"
HISTORY_FILE = "history.csv"


@dataclass(frozen=True)
class Epoch:
    """A row of history.csv.

    train_loss: mean cross-entropy (nats, without smoothing) over the augmented pictures as they were trained on;
    test_loss: of the moving average of the weights on the test split. Accuracies in 0..1. seconds: wall time of the
    epoch with its test.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float
    learning_rate: float
    seconds: float


def write_history(folder: Path, history: Sequence[Epoch]) -> None:
    """Replace history.csv."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.name for field in fields(Epoch))
    writer.writerows([row.epoch, *(f"{value:.6g}" for value in astuple(row)[1:])] for row in history)
    write_bytes(folder / HISTORY_FILE, text.getvalue().encode())


def read_history(folder: Path) -> tuple[Epoch, ...]:
    """The rows of history.csv, () where there is none. Raises CheckpointError where the file is damaged."""
    path = folder / HISTORY_FILE
    if not path.exists():
        return ()
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
        return tuple(Epoch(**{**row, "epoch": int(row["epoch"])}) for row in rows)  # type: ignore[arg-type]
    except (TypeError, ValueError, KeyError, csv.Error) as error:
        raise CheckpointError(f"{path} is damaged; restore it from where the checkpoint came from.") from error


@dataclass(frozen=True)
class RunState:
    """Everything a training needs to go on after an epoch: one file, written atomically, read without pickle."""

    tensors: dict[str, Tensor]
    history: tuple[Epoch, ...]
    recipe: dict[str, Any]

    @classmethod
    def take(
        cls, net: nn.Module, ema: nn.Module, optimizer: optim.Optimizer, history: Sequence[Epoch], recipe: Any
    ) -> RunState:
        tensors = {f"net.{name}": value for name, value in net.state_dict().items()}
        tensors |= {f"ema.{name}": value for name, value in ema.state_dict().items()}
        for index, state in optimizer.state_dict()["state"].items():
            tensors[f"momentum.{index}"] = state["momentum_buffer"]
        return cls(tensors, tuple(history), asdict(recipe))

    def save(self, folder: Path) -> None:
        from safetensors.torch import save

        metadata = {"history": json.dumps([astuple(row) for row in self.history]), "recipe": json.dumps(self.recipe)}
        tensors = {name: value.contiguous() for name, value in self.tensors.items()}
        write_bytes(folder / STATE_FILE, save(tensors, metadata))

    @classmethod
    def load(cls, folder: Path) -> RunState:
        from safetensors import SafetensorError, safe_open

        path = folder / STATE_FILE
        if not path.exists():
            raise TrainingError(f"{folder} holds no training to resume; start it without --resume.")
        try:
            with safe_open(path, "pt") as file:
                metadata = file.metadata()
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            history = tuple(Epoch(*row) for row in json.loads(metadata["history"]))
            return cls(tensors, history, json.loads(metadata["recipe"]))
        except (SafetensorError, KeyError, TypeError, ValueError) as error:
            raise TrainingError(f"{path} is damaged; remove it and start the training again.") from error

    def give(self, net: nn.Module, ema: nn.Module, optimizer: optim.Optimizer, recipe: Any) -> None:
        """Put the state into a fresh network, average and optimiser of the same recipe."""
        if self.recipe != asdict(recipe):
            changed = ", ".join(name for name, value in asdict(recipe).items() if self.recipe.get(name) != value)
            raise TrainingError(f"This training was started with other settings ({changed}); resume it with the same.")
        try:
            for prefix, module in (("net.", net), ("ema.", ema)):
                part = {name.removeprefix(prefix): t for name, t in self.tensors.items() if name.startswith(prefix)}
                module.load_state_dict(part)
        except RuntimeError as error:
            raise TrainingError("The training to resume is of another network; choose another --out.") from error
        state = optimizer.state_dict()
        momenta = {int(name[9:]): value for name, value in self.tensors.items() if name.startswith("momentum.")}
        state["state"] = {index: {"momentum_buffer": value} for index, value in momenta.items()}
        optimizer.load_state_dict(state)
