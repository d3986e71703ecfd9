"""The state from which a killed measurement goes on: one file, replaced as a whole, with cursor, outcomes and inputs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seviz.excitation.state import Inputs
from seviz.excitation.store import key_array, key_from, opened, sealed
from seviz.files import write_npz
from seviz.pruning.plan import Pruned
from seviz.resuming import damaged, require_same_inputs


@dataclass(frozen=True, eq=False)
class State:
    """What was measured so far.

    plan: sha256 over which networks are measured (hex). cursor: predictions done, network by network. predicted: int16
    (V, N), of V networks on N samples. close: bool (V, N), whether the two highest logits are within 1e-3.
    """

    inputs: Inputs
    plan: str
    cursor: int
    predicted: NDArray[np.int16]
    close: NDArray[np.bool_]

    @classmethod
    def fresh(cls, inputs: Inputs, plan: Sequence[Pruned]) -> State:
        shape = (len(plan), inputs.key.data.count)
        return cls(inputs, plan_sha256(plan), 0, np.zeros(shape, np.int16), np.zeros(shape, np.bool_))

    def at(self, cursor: int) -> State:
        """The same with another cursor."""
        return replace(self, cursor=cursor)

    def save(self, path: Path) -> None:
        settings = {name: value for name, value in asdict(self.inputs).items() if name != "key"}
        arrays = {
            "key": key_array(self.inputs.key),
            "inputs": np.array(json.dumps(settings)),
            "plan": np.array(self.plan),
            "cursor": np.array(self.cursor),
            "predicted": self.predicted,
            "close": self.close,
        }
        write_npz(path, sealed(arrays), compress=False)

    @classmethod
    def load(cls, path: Path) -> State | None:
        """The state in `path`, None where there is none. Raises JobError where it is damaged."""
        try:
            arrays = opened(path)
            inputs = Inputs(key=key_from(arrays["key"]), **json.loads(str(arrays["inputs"])))
            return cls(inputs, str(arrays["plan"]), int(arrays["cursor"]), arrays["predicted"], arrays["close"])
        except FileNotFoundError:
            return None
        except Exception as error:  # boundary: a damaged archive raises a dozen types, from zlib.error to struct.error
            raise damaged(path) from error

    def require_same(self, path: Path, fresh: State) -> None:
        """Raises JobError, with the names of what differs, where this is the state of another measurement."""
        changed = [*fresh.inputs.differences(self.inputs), *(["shares, seeds or gates"] if fresh.plan != self.plan else [])]
        require_same_inputs(path, changed)
        if self.predicted.shape != fresh.predicted.shape or self.close.shape != fresh.close.shape:
            raise damaged(path)


def plan_sha256(plan: Sequence[Pruned]) -> str:
    """Hex, of every network of a plan and the channels that it keeps."""
    return hashlib.sha256(json.dumps([asdict(one) for one in plan]).encode()).hexdigest()
