"""faithfulness.json: how faithful the maps of a network are over a sample; written atomically, read with suspicion."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from seviz.analysis.faithfulness import MEASURES, Beside, Figure, Stage, findings
from seviz.attribution import METHODS
from seviz.data import DataKey
from seviz.faithfulness.answer import Setting
from seviz.files import write_json
from seviz.sealed import load_sealed, seal
from seviz.values import real, text, texts, whole

FAITHFULNESS_FILE = "faithfulness.json"
FORMAT = 1
MAX_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Method:
    """The figures of a method's maps. flat: maps among them that are the same everywhere."""

    method: str
    figures: tuple[Figure, ...]
    stages: tuple[Stage, ...]
    flat: int

    @property
    def title(self) -> str:
        return METHODS[self.method]

    @property
    def findings(self) -> tuple[str, ...]:
        return findings(self.title, self.figures, self.stages)

    def figure(self, measure: str) -> Figure:
        """The figure of a measure of seviz.analysis.faithfulness.MEASURES."""
        return next(one for one in self.figures if one.measure == measure)


@dataclass(frozen=True)
class Faithfulness:
    """Figures of maps for the class that the network predicts, over n samples, as many of each class as there are.

    weights_sha256: of the network (hex). data: the samples that n were chosen from, by setting.seed. classes: K names.
    layer: module path for Grad-CAM. right: of the n, how many the network predicts right. setting: of every picture, whose
    own seed follows from its. command: gives it again. versions, hardware: of the machine.
    """

    weights_sha256: str
    data: DataKey
    classes: tuple[str, ...]
    n: int
    right: int
    layer: str
    setting: Setting
    methods: tuple[Method, ...]
    command: str
    versions: Mapping[str, str]
    hardware: Mapping[str, str | int]

    @property
    def findings(self) -> tuple[str, ...]:
        """What follows from the numbers, in sentences."""
        return tuple(sentence for method in self.methods for sentence in method.findings)

    def to_json(self) -> dict[str, Any]:
        """Everything as values that json.dumps takes, with the findings in words, sealed."""
        return seal({"format": FORMAT, **asdict(self), "findings": list(self.findings)})


def save_faithfulness(path: Path, found: Faithfulness) -> None:
    """Write faithfulness.json."""
    write_json(path, found.to_json())


def load_faithfulness(path: Path) -> Faithfulness:
    """Read faithfulness.json. Raises CheckpointError where it is missing, damaged or says something else than its seal."""
    return load_sealed(path, MAX_BYTES, FORMAT, _checked, faithfulness_command(path))


def faithfulness_command(path: Path) -> str:
    """The command that writes `path`, the faithfulness.json of a checkpoint's folder; D stands for the data set."""
    path = Path(os.path.abspath(path))
    command = ["python", "-m", "seviz", "faithfulness", "--model", str(path.parent), "--data", "D"]
    return shlex.join(command + ([] if path.name == FAITHFULNESS_FILE else ["--out", str(path)]))


def _checked(values: Mapping[str, Any]) -> Faithfulness:
    """Raises one of a few errors where the values are not those of such a file."""
    key = values["data"]
    data = DataKey(text(key["name"]), text(key["split"]), whole(key["count"]), text(key["sha256"]))
    return Faithfulness(
        weights_sha256=text(values["weights_sha256"]),
        data=data,
        classes=tuple(text(label) for label in values["classes"]),
        n=whole(values["n"], 1, data.count),
        right=whole(values["right"], 0, values["n"]),
        layer=text(values["layer"]),
        setting=Setting(**values["setting"]),
        methods=tuple(_method(one, values["n"]) for one in values["methods"]),
        command=text(values["command"]),
        versions=texts(values["versions"]),
        hardware=dict(values["hardware"]),
    )


def _method(values: Mapping[str, Any], n: int) -> Method:
    figures = tuple(_figure(one) for one in values["figures"])
    if values["method"] not in METHODS or [one.measure for one in figures] != list(MEASURES):
        raise ValueError("other methods or measures than there are")
    return Method(values["method"], figures, tuple(_stage(one) for one in values["stages"]), whole(values["flat"], 0, n))


def _figure(values: Mapping[str, Any]) -> Figure:
    beside = tuple(
        Beside(text(one["reference"]), real(one["value"]), real(one["difference"]), _pair(one["interval"]))
        for one in values["beside"]
    )
    if tuple(one.reference for one in beside) != MEASURES[values["measure"]].beside:
        raise ValueError("other references than the measure has")
    return Figure(values["measure"], real(values["value"]), _pair(values["interval"]), beside)


def _stage(values: Mapping[str, Any]) -> Stage:
    signed, absolute = (real(values[name], -1, 1) for name in ("signed", "absolute"))
    return Stage(text(values["stage"]), signed, _pair(values["signed_interval"]), absolute, _pair(values["absolute_interval"]))


def _pair(values: Any) -> tuple[float, float]:
    low, high = (real(value) for value in values)
    return low, high
