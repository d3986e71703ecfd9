"""Mean gates epoch by epoch: epochs.npz, which says when a site becomes class-specific."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seviz.data.picture_set import DataKey
from seviz.errors import CheckpointError
from seviz.excitation.store import opened, sealed
from seviz.files import write_npz

EPOCHS_FILE = "epochs.npz"


@dataclass(frozen=True, eq=False)
class GateHistory:
    """Mean gates of a training's test pictures after each epoch, those of the moving average of the weights, in the precision
    that it was trained in.

    means: site path -> float16 (E, K, C), in 0..1: epoch, class, channel; a class without pictures is NaN. classes: K names.
    key: of the pictures. weights_sha256: of the network after the last epoch.
    """

    means: Mapping[str, NDArray[np.float16]]
    classes: tuple[str, ...]
    key: DataKey
    weights_sha256: str

    @property
    def epochs(self) -> int:
        return len(next(iter(self.means.values())))


def save_gate_history(folder: Path, found: GateHistory) -> None:
    """Replace epochs.npz."""
    head = {"classes": list(found.classes), "key": asdict(found.key), "weights_sha256": found.weights_sha256}
    arrays: dict[str, NDArray[Any]] = {f"means.{path}": values for path, values in found.means.items()}
    write_npz(folder / EPOCHS_FILE, sealed({"head": np.array(json.dumps(head)), **arrays}))


def load_gate_history(path: Path) -> GateHistory:
    """What save_gate_history wrote. Raises CheckpointError where the file is damaged."""
    try:
        arrays = opened(path)
        head = json.loads(str(arrays.pop("head")))
        means = {name.removeprefix("means."): values for name, values in arrays.items()}
        found = GateHistory(means, tuple(head["classes"]), DataKey(**head["key"]), str(head["weights_sha256"]))
        _check(found)
    except OSError as error:
        reason = error.strerror or "damaged"
        raise CheckpointError(f"{path} cannot be read ({reason}); fetch the whole folder again.") from error
    except Exception as error:  # boundary: a damaged archive raises a dozen types, from zlib.error to struct.error
        raise CheckpointError(f"{path} is damaged or altered; fetch the whole folder again.") from error
    return found


def place(path: str) -> tuple[int, int]:
    """Stage and block of a site of seviz.nets, both from 1; (0, 0) where the path does not say."""
    numbers = re.match(r"layer(\d+)\.(\d+)\.", path)
    return (int(numbers[1]), int(numbers[2]) + 1) if numbers else (0, 0)


def stack(epochs: Sequence[Mapping[str, NDArray[np.float16]]]) -> dict[str, NDArray[np.float16]]:
    """Epochs of (K, C) by site as (E, K, C) by site; {} of no epochs."""
    return {path: np.stack([one[path] for one in epochs]) for path in (epochs[0] if epochs else {})}


def _check(found: GateHistory) -> None:
    """Raises ValueError where the arrays do not belong together."""
    for values in found.means.values():
        if values.dtype != np.float16 or values.ndim != 3 or values.shape[:2] != (found.epochs, len(found.classes)):
            raise ValueError("other arrays than gates over epochs have")
        known = values[~np.isnan(values)]
        if not found.epochs or known.min(initial=0) < 0 or known.max(initial=0) > 1:
            raise ValueError("numbers that are no gates")
