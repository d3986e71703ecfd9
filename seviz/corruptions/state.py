"""The state from which a killed measurement goes on: one file, replaced as a whole, with cursor, outcomes and inputs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from seviz.analysis.corruptions import Apart
from seviz.corruptions.passes import CONDITIONS, Outcomes, Vectors
from seviz.excitation.state import Inputs
from seviz.excitation.store import key_array, key_from, opened, sealed
from seviz.files import write_npz
from seviz.resuming import damaged, require_same_inputs


@dataclass(frozen=True, eq=False)
class State:
    """What was measured so far.

    inputs: of the pictures that were chosen. cursor: pictures done. means, apart: of the clean pictures, which are done.
    """

    inputs: Inputs
    seed: int
    cursor: int
    outcomes: Outcomes
    means: Vectors
    apart: tuple[Apart, ...]

    def at(self, cursor: int) -> State:
        """The same with another cursor."""
        return replace(self, cursor=cursor)

    def save(self, path: Path) -> None:
        settings = {name: value for name, value in asdict(self.inputs).items() if name != "key"}
        arrays = {
            "key": key_array(self.inputs.key),
            "inputs": np.array(json.dumps(settings)),
            "apart": np.array(json.dumps([asdict(one) for one in self.apart])),
            "conditions": np.array(CONDITIONS),
            "cursor": np.array([self.cursor, self.seed]),
            **vars(self.outcomes),
            **{f"mean/{site}": values for site, values in self.means.items()},
        }
        write_npz(path, sealed(arrays), compress=False)

    @classmethod
    def load(cls, path: Path) -> State | None:
        """The state in `path`, None where there is none. Raises JobError where it is damaged."""
        try:
            arrays = opened(path)
            inputs = Inputs(key=key_from(arrays["key"]), **json.loads(str(arrays["inputs"])))
            means = {site.path: arrays[f"mean/{site.path}"] for site in inputs.key.sites}
            apart = tuple(Apart(**one) for one in json.loads(str(arrays["apart"])))
            outcomes = Outcomes(arrays["predicted"], arrays["loss"], arrays["moved"])
            cursor, seed = arrays["cursor"].tolist()
            if not np.array_equal(arrays["conditions"], np.array(CONDITIONS)):
                raise ValueError("other corruptions")
            return cls(inputs, seed, cursor, outcomes, means, apart)
        except FileNotFoundError:
            return None
        except Exception as error:  # boundary: a damaged archive raises a dozen types, from zlib.error to struct.error
            raise damaged(path) from error

    def require_same(self, path: Path, inputs: Inputs, seed: int) -> None:
        """Raises JobError, with the names of what differs, where this is the state of another measurement."""
        changed = [*inputs.differences(self.inputs), *(["seed"] if seed != self.seed else [])]
        require_same_inputs(path, changed)
        wanted = Outcomes.empty(inputs.key.data.count, len(inputs.key.sites))
        if any(getattr(self.outcomes, name).shape != value.shape for name, value in vars(wanted).items()):
            raise damaged(path)
