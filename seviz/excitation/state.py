"""The state from which a killed pass goes on: one file, replaced as a whole, that holds cursor, sums and inputs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from seviz.data import PictureSet, pixels_sha256
from seviz.errors import JobError
from seviz.excitation.moments import Moments
from seviz.excitation.records import ExcitationKey
from seviz.excitation.samples import Samples
from seviz.excitation.store import key_array, key_from, opened, sealed
from seviz.files import write_npz

STATE_FILE = "excitation.resume.npz"


@dataclass(frozen=True)
class Inputs:
    """All that the bits of a result depend on: a pass goes on only where none of it has changed.

    pictures: sha256 of the pixels (hex). device, threads, torch: where the network runs.
    """

    key: ExcitationKey
    pictures: str
    batch: int
    device: str
    threads: int
    torch: str

    @classmethod
    def take(cls, net: nn.Module, data: PictureSet, key: ExcitationKey, batch: int) -> Inputs:
        pixels = pixels_sha256(data.pictures)
        device = str(next(net.parameters()).device)
        return cls(key, pixels, batch, device, torch.get_num_threads(), torch.__version__)

    def differences(self, other: Inputs) -> tuple[str, ...]:
        """Names of what differs."""
        names = ("pictures", "batch", "device", "threads", "torch")
        return (*self.key.differences(other.key), *(name for name in names if getattr(self, name) != getattr(other, name)))


def require_no_state(folder: Path) -> None:
    """Raises JobError where a pass that is not finished has left its state in `folder`: it may be hours of work."""
    path = folder / STATE_FILE
    if path.is_file():
        raise JobError(f"{folder} holds a pass that is not finished; continue with --resume, or remove {path}.")
    _require_file(path)


def _require_file(path: Path) -> None:
    """Raises JobError where a pipe, a folder or the like stands in the place of a state."""
    if os.path.lexists(path) and not path.is_file():
        raise JobError(f"{path} is there and no file, so no state can be kept in it; remove it.")


def save_state(folder: Path, inputs: Inputs, cursor: int, moments: Moments, samples: Samples) -> None:
    """Replace the state file. cursor: pictures done, a whole number of batches or all of them."""
    arrays = {f"moments/{name}": value for name, value in moments.arrays().items()}
    arrays |= {f"samples/{name}": value for name, value in samples.arrays().items()}
    settings = {name: value for name, value in asdict(inputs).items() if name != "key"}
    arrays |= {"key": key_array(inputs.key), "inputs": np.array(json.dumps(settings)), "cursor": np.array(cursor)}
    write_npz(folder / STATE_FILE, sealed(arrays), compress=False)


def load_state(folder: Path, inputs: Inputs, moments: Moments, samples: Samples) -> int:
    """Fill `moments` and `samples` with the state in `folder`; returns the cursor, 0 where there is no state.

    Raises JobError where the state is damaged, or of other inputs: it names what differs.
    """
    path = folder / STATE_FILE
    _require_file(path)
    try:
        arrays = opened(path)
        found = Inputs(key=key_from(arrays["key"]), **json.loads(str(arrays["inputs"])))
    except FileNotFoundError:
        return 0
    except Exception as error:  # boundary: a damaged archive raises a dozen types, from zlib.error to struct.error
        raise _damaged(path) from error
    changed = inputs.differences(found)
    if changed:
        names = ", ".join(changed)
        cure = "resume with the same ones, or remove it and start again"
        raise JobError(f"{path} was started with other inputs ({names}); {cure}.")
    return _restored(path, arrays, moments, samples)


def _restored(path: Path, arrays: Mapping[str, np.ndarray], moments: Moments, samples: Samples) -> int:
    try:
        for name, part in (("moments", moments), ("samples", samples)):
            prefix = f"{name}/"
            part.restore({key.removeprefix(prefix): value for key, value in arrays.items() if key.startswith(prefix)})
        cursor = int(arrays["cursor"])
        if not (0 < cursor <= len(moments.seen) and moments.seen[:cursor].all() and moments.count.sum() == cursor):
            raise ValueError("a cursor that does not fit the sums")
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(path) from error
    return cursor


def _damaged(path: Path) -> JobError:
    return JobError(f"{path} is damaged; remove it and start again without --resume.")
