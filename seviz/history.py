"""What a training measured, epoch by epoch: history.csv."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from seviz.errors import CheckpointError
from seviz.files import read_file, write_bytes
from seviz.values import MOST, real, whole

HISTORY_FILE = "history.csv"
MAX_HISTORY = 16 * 2**20  # bytes


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
        rows = list(csv.reader(io.StringIO(read_file(path, MAX_HISTORY).decode(), newline=""), strict=True))
        if rows[0] != [field.name for field in fields(Epoch)]:
            raise ValueError("other columns")
        return checked_history([(int(number), *map(float, values)) for number, *values in rows[1:]])
    except FileNotFoundError:
        return ()
    except (OSError, TypeError, ValueError, IndexError, csv.Error) as error:
        raise CheckpointError(f"{path} is damaged; restore it from where the checkpoint came from.") from error


def checked_history(rows: Sequence[Sequence[object]]) -> tuple[Epoch, ...]:
    """Rows of the fields of Epoch as epochs. Raises TypeError or ValueError for numbers that no training measures."""
    return tuple(_epoch(number, row) for number, row in enumerate(rows, 1))


def _epoch(number: int, row: Sequence[object]) -> Epoch:
    names = [field.name for field in fields(Epoch)][1:]
    measured = [real(value, 0, 1 if "accuracy" in name else MOST) for name, value in zip(names, row[1:], strict=True)]
    return Epoch(whole(row[0], number, number), *measured)
