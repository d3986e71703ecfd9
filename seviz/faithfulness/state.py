"""The state from which a killed run goes on: one file, replaced as a whole, with the figures of the pictures that are done."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seviz.excitation.store import opened, sealed
from seviz.files import write_npz
from seviz.resuming import damaged, require_same_inputs


@dataclass(eq=False)
class State:
    """inputs: what the run was started with. stages: names of those that are redrawn, () before the first picture.

    Of every picture that is done: values, a row a method (seviz.analysis.faithfulness.columns); flat, whether each map is the
    same everywhere; predicted, the class.
    """

    inputs: Mapping[str, object]
    stages: tuple[str, ...]
    values: list[list[list[float]]]
    flat: list[list[bool]]
    predicted: list[int]

    def save(self, path: Path) -> None:
        arrays = {
            "inputs": np.array(json.dumps(self.inputs)),
            "stages": np.array(json.dumps(self.stages)),
            "values": np.array(self.values, dtype=np.float64),
            "flat": np.array(self.flat, dtype=np.bool_),
            "predicted": np.array(self.predicted, dtype=np.int64),
        }
        write_npz(path, sealed(arrays), compress=False)

    @classmethod
    def load(cls, path: Path) -> State | None:
        """The state in `path`, None where there is none. Raises JobError where it is damaged."""
        try:
            arrays = opened(path)
            inputs, stages = (json.loads(str(arrays[name])) for name in ("inputs", "stages"))
            return cls(inputs, tuple(stages), *(arrays[name].tolist() for name in ("values", "flat", "predicted")))
        except FileNotFoundError:
            return None
        except Exception as error:  # boundary: a damaged archive raises a dozen types, from zlib.error to struct.error
            raise damaged(path) from error

    def up_to(self, count: int) -> State:
        """Of the first `count` pictures."""
        return State(self.inputs, self.stages, self.values[:count], self.flat[:count], self.predicted[:count])

    def require_same(self, path: Path, inputs: Mapping[str, object]) -> None:
        """Raises JobError, with the names of what differs, where this is the state of another run."""
        changed = [name for name, value in inputs.items() if self.inputs.get(name) != value]
        require_same_inputs(path, changed)
