"""What a training measured, epoch by epoch: history.csv."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from seviz.errors import CheckpointError
from seviz.files import write_bytes

HISTORY_FILE = "history.csv"


@dataclass(frozen=True)
class Epoch:
    """A row of history.csv: what was measured in one epoch, counted from 1.

    train_loss: mean cross-entropy (nats, without smoothing) over the augmented pictures as they were trained on;
    test_loss: of the moving average of the weights on the test split. Accuracies in 0..1. learning_rate: of the last
    step. seconds: wall time of the epoch with its test.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float
    learning_rate: float
    seconds: float


def write_history(folder: Path, history: Sequence[Epoch]) -> None:
    """Replace history.csv; numbers have six digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.name for field in fields(Epoch))
    writer.writerows([row.epoch, *(f"{value:.6g}" for value in astuple(row)[1:])] for row in history)
    write_bytes(folder / HISTORY_FILE, text.getvalue().encode())


def read_history(folder: Path) -> tuple[Epoch, ...]:
    """The rows of history.csv, () where there is none. Raises CheckpointError where the file is damaged."""
    path = folder / HISTORY_FILE
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file, strict=True))
        if rows[0] != [field.name for field in fields(Epoch)]:
            raise ValueError("other columns")
        return tuple(_epoch(row) for row in rows[1:])
    except FileNotFoundError:
        return ()
    except (OSError, TypeError, ValueError, IndexError, csv.Error) as error:
        raise CheckpointError(f"{path} is damaged; restore it from where the checkpoint came from.") from error


def _epoch(row: Sequence[str]) -> Epoch:
    number, *values = row
    numbers = [float(value) for value in values]
    if not all(math.isfinite(value) for value in numbers):
        raise ValueError("not finite")
    return Epoch(int(number), *numbers)
