"""The state from which a killed ablation goes on: one file, replaced as a whole, with cursor, outcomes, means and inputs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seviz.ablation.channels import Tally
from seviz.ablation.passes import Outcomes
from seviz.edits import Means
from seviz.errors import JobError
from seviz.excitation.state import Inputs
from seviz.excitation.store import key_array, key_from, opened, sealed
from seviz.files import write_npz
from seviz.resuming import damaged, require_same_inputs


@dataclass(frozen=True, eq=False)
class State:
    """cursor: samples done, in the order of the shuffling. means: that the pass uses from its start to its end. origin: of
    them. tally: of channels dropped alone, None before the first of them."""

    inputs: Inputs
    seed: int
    cursor: int
    outcomes: Outcomes
    means: Means
    origin: str
    tally: Tally | None = None

    def at(self, cursor: int) -> State:
        """The same with another cursor."""
        return replace(self, cursor=cursor)

    def save(self, path: Path) -> None:
        settings = {name: value for name, value in asdict(self.inputs).items() if name != "key"}
        arrays: dict[str, NDArray[Any]] = {
            "key": key_array(self.inputs.key),
            "inputs": np.array(json.dumps(settings)),
            "origin": np.array(self.origin),
            "cursor": np.array([self.cursor, self.seed]),
            "predicted": self.outcomes.predicted,
            "delta": self.outcomes.delta,
            "close": self.outcomes.close,
        }
        arrays |= {f"overall/{site}": values for site, values in self.means.overall.items()}
        arrays |= {f"by_class/{site}": values for site, values in self.means.by_class.items()}
        if self.tally:
            arrays |= {f"tally/{name}": np.asarray(value) for name, value in vars(self.tally).items()}
        write_npz(path, sealed(arrays), compress=False)

    @classmethod
    def load(cls, path: Path) -> State | None:
        """The state in `path`, None where there is none. Raises JobError where it is damaged."""
        try:
            arrays = opened(path)
            inputs = Inputs(key=key_from(arrays["key"]), **json.loads(str(arrays["inputs"])))
            outcomes = Outcomes(arrays["predicted"], arrays["delta"], arrays["close"])
            means = Means(inputs.key.classes, _part(arrays, "overall/"), _part(arrays, "by_class/"))
            cursor, seed = arrays["cursor"].tolist()
            return cls(inputs, seed, cursor, outcomes, means, str(arrays["origin"]), _tally(arrays))
        except FileNotFoundError:
            return None
        except Exception as error:  # boundary: a damaged archive raises a dozen types, from zlib.error to struct.error
            raise damaged(path) from error

    def require_same(self, path: Path, inputs: Inputs, seed: int) -> None:
        """Raises JobError, with the names of what differs, where this is the state of another ablation."""
        changed = [*inputs.differences(self.inputs), *(["seed"] if seed != self.seed else [])]
        require_same_inputs(path, changed)

    def require_tally(self, path: Path, pictures: int) -> None:
        """Raises JobError where channels were begun to be dropped over other pictures than are asked for, or were damaged."""
        if self.tally is None:
            return
        if self.tally.pictures != pictures:
            raise JobError(
                f"{path} was started with other inputs (channels); resume with --channels {self.tally.pictures}, or remove it "
                "and start again."
            )
        if len(self.tally.delta) != sum(site.channels for site in self.inputs.key.sites):
            raise damaged(path)


def _part(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}


def _tally(arrays: Mapping[str, NDArray[Any]]) -> Tally | None:
    found = _part(arrays, "tally/")
    if not found:
        return None
    pictures, cursor = (int(found.pop(name)) for name in ("pictures", "cursor"))
    return Tally(pictures, cursor, **found)
