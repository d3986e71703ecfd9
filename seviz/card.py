"""The model card: what a checkpoint is, what it expects, how it was made and what was measured on it. Plain data.

card.json is a Card as JSON. Every figure names the data it was measured on and the command that gives it again.

Its field card_sha256 seals it: the sha256 of everything else in it, so that no stride, class or mean is altered unseen.
It is a guard against damage and forgotten edits, not against forgers. Who edits a card by hand takes the field out: such
a card is read all the same, and wherever its network is listed it says that nobody vouches for it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from seviz.data.picture_set import DataKey
from seviz.errors import CheckpointError
from seviz.gate_life import GateLife
from seviz.images import RESAMPLING, Preprocessing
from seviz.origins import Cutting, Origin
from seviz.values import MOST, quoted, real, require_numbers, text, texts, truth, whole

FORMAT = 1  # of card.json
SEAL = "card_sha256"
# beyond these a card is damaged, and what it says would be built, read or looked at for ever
MAX_SIDE = 1024  # of a network's pictures
MAX_UNITS, MAX_WIDTH, MAX_STRIDE = 1000, 8192, 16  # residual units in all, channels of a stage before expansion
MAX_WEIGHTS = 2**31  # bytes
OPTIONS = ("blocks", "widths", "strides", "stem", "bottleneck", "se", "classes")  # that every network's options name
SHARES = ("accuracy", "top5", "ece")  # metrics in 0..1


@dataclass(frozen=True)
class Metric:
    """A figure: its value, the 95 % interval where there is one, n samples of a split of the data, what it means, and
    the command that gives it again."""

    value: float
    n: int
    data: str
    split: str
    meaning: str
    command: str
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class DataUse:
    """What a network was trained and tested on. note: what has to be known about the pictures, or ""."""

    name: str
    note: str
    train: DataKey
    test: DataKey


@dataclass(frozen=True)
class Card:
    """card.json.

    name: the checkpoint's folder. arch: such as "se_resnet20". description: the network in words. options: as
    seviz.nets.from_card reads them. classes: the K outputs in order. recipe: the fields of seviz.training.Recipe.
    epochs: trained. seconds: of training in all. hardware, versions: of the machine that finished the training.
    metrics: name -> figure, "accuracy" among them; measured: in which way. commands: "train", "evaluate", ... as typed.
    limits: sentences. pruned: of a network without some of its channels, whose recipe, seed, epochs, seconds, hardware and
    versions are those of the one it was made of. origin: of an imported network, whose recipe, seed and training are not
    known. parameters, multiply_adds: of one picture; convolutions and matrix products only. weights_sha256 (hex),
    weights_bytes: of model.safetensors; "" and 0 until they are saved. weights_shipped: False where that file is left out on
    purpose, as of the seeds beside the best one. sealed: whether its file has a card_sha256.
    """

    name: str
    arch: str
    description: str
    options: Mapping[str, Any]
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    data: DataUse
    recipe: Mapping[str, Any]
    seed: int
    epochs: int
    seconds: float
    versions: Mapping[str, str]
    hardware: Mapping[str, str | int]
    metrics: Mapping[str, Metric]
    commands: Mapping[str, str]
    licence: str
    limits: tuple[str, ...]
    parameters: int
    multiply_adds: int
    measured: str = "The figures are those of the weights as stored (a moving average), computed in float32."
    gate_life: GateLife | None = None
    pruned: Cutting | None = None
    origin: Origin | None = None
    weights_sha256: str = ""
    weights_bytes: int = 0
    weights_shipped: bool = True
    sealed: bool = field(default=True, compare=False)

    @cached_property
    def sha256(self) -> str:
        """Hex, of everything that the card says, the sha256 of the weights included."""
        return content_sha256(self.to_json())

    @property
    def is_se(self) -> bool:
        return self.options.get("se") is not None or (self.origin is not None and self.origin.gated)

    @property
    def accuracy(self) -> float | None:
        """0..1, on the data that its metric names."""
        return self.metrics["accuracy"].value if "accuracy" in self.metrics else None

    @property
    def library(self) -> str | None:
        """Whose code builds the network: "timm", "torchvision", or None for a ResNet of seviz.nets."""
        return self.options.get("library")

    def to_json(self) -> dict[str, Any]:
        """The card as values that json.dumps takes, with its card_sha256 where it is sealed."""
        values = {"format": FORMAT, **asdict(self)}
        del values["sealed"]
        if self.pruned is None:
            del values["pruned"]
        if self.origin is None:
            del values["origin"]
        if self.weights_shipped:
            del values["weights_shipped"]
        if self.gate_life:
            values["gate_life"] = {**self.gate_life.to_json(), "command": self.commands.get("gate_life", "")}
        return {**values, SEAL: content_sha256(values)} if self.sealed else values

    @classmethod
    def from_json(cls, values: object) -> Card:
        """The card that to_json wrote. Raises CheckpointError, which names what is wrong but not where."""
        if not isinstance(values, dict) or values.get("format") != FORMAT:
            raise CheckpointError(f"the card is not of format {FORMAT}")
        if SEAL in values and values[SEAL] != content_sha256(values):
            own = "take that line out if the change is your own"
            raise CheckpointError(f"the card was altered, it says something else than its {SEAL} ({own})")
        try:
            require_numbers(values)
            return _card(values)
        except KeyError as error:
            raise CheckpointError(f"the card lacks {error}") from error
        except (TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
            raise CheckpointError(f"the card holds a value of the wrong kind ({error})") from error


def content_sha256(values: Mapping[str, Any], seal: str = SEAL) -> str:
    """Hex sha256 over a card's or another file's values without its `seal`, as JSON in ASCII, keys sorted, no spaces."""
    content = {name: value for name, value in values.items() if name != seal}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _card(values: Mapping[str, Any]) -> Card:
    life = values["gate_life"]
    return Card(
        name=text(values["name"]),
        arch=text(values["arch"]),
        description=text(values["description"]),
        options=_options(values["options"], len(values["classes"])),
        classes=_classes(values["classes"]),
        preprocessing=_preprocessing(values["preprocessing"]),
        data=_data_use(values["data"]),
        recipe=dict(values["recipe"]),
        seed=whole(values["seed"]),
        epochs=whole(values["epochs"]),
        seconds=real(values["seconds"], 0),
        versions=texts(values["versions"]),
        hardware=dict(values["hardware"]),
        metrics={text(name): _metric(name, figure) for name, figure in values["metrics"].items()},
        commands=texts(values["commands"]),
        licence=text(values["licence"]),
        limits=tuple(text(limit) for limit in values["limits"]),
        parameters=whole(values["parameters"]),
        multiply_adds=whole(values["multiply_adds"]),
        measured=text(values["measured"]),
        gate_life=GateLife.from_json(life) if life is not None else None,
        pruned=Cutting.from_json(values["pruned"]) if values.get("pruned") is not None else None,
        origin=Origin.from_json(values["origin"]) if values.get("origin") is not None else None,
        weights_sha256=text(values["weights_sha256"]),
        weights_bytes=whole(values["weights_bytes"], 0, MAX_WEIGHTS),
        weights_shipped=truth(values.get("weights_shipped", True)),
        sealed=SEAL in values,
    )


def _classes(values: object) -> tuple[str, ...]:
    names = tuple(text(name) for name in values) if isinstance(values, list) else ()
    if not names or len(set(names)) != len(names):
        raise ValueError("its classes are no list of different names")
    return names


def _options(values: Mapping[str, Any], classes: int) -> Mapping[str, Any]:
    """What the drawings of a network and its building take for granted; whether its weights fit is seen when it is loaded."""
    wanted = ("name", "classes") if "library" in values else OPTIONS
    missing = [name for name in wanted if name not in values]
    if missing:
        raise ValueError(f"its options lack {', '.join(missing)}")
    if values["classes"] != classes:
        raise ValueError(f"its options say {quoted(values['classes'])} classes, and {classes} are named")
    if "library" in values:
        text(values["library"]), text(values["name"]), dict(values.get("options") or {})
        return dict(values)
    blocks = [whole(count, 1, MAX_UNITS) for count in values["blocks"]]
    widths = [whole(width, 1, MAX_WIDTH) for width in values["widths"]]
    strides = [whole(stride, 1, MAX_STRIDE) for stride in values["strides"]]
    if not len(blocks) == len(widths) == len(strides) or not 1 <= sum(blocks) <= MAX_UNITS:
        raise ValueError(f"a network has 1 to {MAX_UNITS} residual units, and a width and a stride for each stage")
    text(values["stem"])
    stages = values["se"]["stages"] if values["se"] is not None else None
    for stage in stages if stages is not None else ():
        whole(stage, 1)
    return dict(values)


def _metric(name: str, values: Mapping[str, Any]) -> Metric:
    ends = (0.0, 1.0) if name in SHARES else (-MOST, MOST)
    low_high = values["interval"]
    interval = (real(low_high[0], *ends), real(low_high[1], *ends)) if low_high is not None else None
    words = {word: text(values[word]) for word in ("data", "split", "meaning", "command")}
    return Metric(real(values["value"], *ends), whole(values["n"], 1), **words, interval=interval)


def _preprocessing(values: Mapping[str, Any]) -> Preprocessing:
    mean = tuple(real(value, 0, 1) for value in values["mean"])  # of colours in 0..1
    std = tuple(real(value, 0.001, 10) for value in values["std"])
    made = Preprocessing(**{**values, "mean": mean, "std": std})
    if len(mean) != 3 or len(std) != 3:
        raise ValueError("the preprocessing needs three means and three deviations")
    whole(made.height, 1, MAX_SIDE), whole(made.width, 1, MAX_SIDE), real(made.crop, 0.1, 1)
    if made.interpolation not in RESAMPLING:
        raise ValueError(f"{quoted(made.interpolation)} is no interpolation")
    return made


def _data_use(values: Mapping[str, Any]) -> DataUse:
    return DataUse(text(values["name"]), text(values["note"]), _data_key(values["train"]), _data_key(values["test"]))


def _data_key(values: Mapping[str, Any]) -> DataKey:
    words = {word: text(values[word]) for word in ("name", "split", "sha256")}
    return DataKey(**words, count=whole(values["count"]))
