"""The model card: what a checkpoint is, what it expects, how it was made and what was measured on it. Plain data.

card.json is a Card as JSON. Every figure names the data it was measured on and the command that gives it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from seviz.data.picture_set import DataKey
from seviz.errors import CheckpointError
from seviz.images import RESAMPLING, Preprocessing

FORMAT = 1  # of card.json
MAX_SIDE, MAX_UNITS = 4096, 1000  # beyond them a card is damaged, and building what it says would take for ever
OPTIONS = ("blocks", "widths", "strides", "stem", "bottleneck", "se", "classes")  # that every network's options name
ALIVE = 0.05  # standard deviation of a gate over pictures, from which a site counts as alive


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
class GateLife:
    """Whether the gates of a network say anything, and what it is worth, on n pictures of a split.

    deviations: site path -> standard deviation of a gate over the pictures, mean over the site's channels (0..0.5).
    live, shuffled, static: accuracy (0..1) with the gates as they are, with every picture given all the gates of
    another one (permuted with `seed`), and with every gate at its mean over the pictures.
    """

    deviations: Mapping[str, float]
    live: float
    shuffled: float
    static: float
    n: int
    data: str
    split: str
    seed: int

    @property
    def sites_alive(self) -> int:
        return sum(deviation >= ALIVE for deviation in self.deviations.values())

    @property
    def lost_by_shuffling(self) -> float:
        return self.live - self.shuffled

    def to_json(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "sites": len(self.deviations),
            "sites_alive": self.sites_alive,
            "alive_means": f"standard deviation of {ALIVE} or more",
            "lost_by_shuffling": round(self.lost_by_shuffling, 6),
            "lost_when_static": round(self.live - self.static, 6),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> GateLife:
        figures = {name: float(values[name]) for name in ("live", "shuffled", "static")}
        deviations = {str(site): float(value) for site, value in values["deviations"].items()}
        return cls(deviations, **figures, n=values["n"], data=values["data"], split=values["split"], seed=values["seed"])


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
    limits: sentences. parameters, multiply_adds: of one picture; convolutions and matrix products only. weights_sha256
    (hex), weights_bytes: of model.safetensors; "" and 0 until they are saved.
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
    weights_sha256: str = ""
    weights_bytes: int = 0

    @property
    def is_se(self) -> bool:
        return self.options.get("se") is not None

    def to_json(self) -> dict[str, Any]:
        """The card as values that json.dumps takes."""
        values = {"format": FORMAT, **asdict(self)}
        if self.gate_life:
            values["gate_life"] = {**self.gate_life.to_json(), "command": self.commands.get("gate_life", "")}
        return values

    @classmethod
    def from_json(cls, values: object) -> Card:
        """The card that to_json wrote. Raises CheckpointError, which names what is wrong but not where."""
        if not isinstance(values, dict) or values.get("format") != FORMAT:
            raise CheckpointError(f"the card is not of format {FORMAT}")
        try:
            return _card(values)
        except KeyError as error:
            raise CheckpointError(f"the card lacks {error}") from error
        except (TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
            raise CheckpointError(f"the card holds a value of the wrong kind ({error})") from error


def _card(values: Mapping[str, Any]) -> Card:
    life = values["gate_life"]
    classes = tuple(_text(name) for name in values["classes"])
    return Card(
        name=_text(values["name"]),
        arch=_text(values["arch"]),
        description=_text(values["description"]),
        options=_options(values["options"], len(classes)),
        classes=classes,
        preprocessing=_preprocessing(values["preprocessing"]),
        data=_data_use(values["data"]),
        recipe=dict(values["recipe"]),
        seed=int(values["seed"]),
        epochs=int(values["epochs"]),
        seconds=float(values["seconds"]),
        versions=dict(values["versions"]),
        hardware=dict(values["hardware"]),
        metrics={name: _metric(figure) for name, figure in values["metrics"].items()},
        commands=dict(values["commands"]),
        licence=_text(values["licence"]),
        limits=tuple(_text(limit) for limit in values["limits"]),
        parameters=int(values["parameters"]),
        multiply_adds=int(values["multiply_adds"]),
        measured=_text(values["measured"]),
        gate_life=GateLife.from_json(life) if life is not None else None,
        weights_sha256=_text(values["weights_sha256"]),
        weights_bytes=int(values["weights_bytes"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _options(values: Mapping[str, Any], classes: int) -> Mapping[str, Any]:
    missing = [name for name in OPTIONS if name not in values]
    if missing:
        raise ValueError(f"its options lack {', '.join(missing)}")
    if values["classes"] != classes:
        raise ValueError(f"its options say {values['classes']} classes, and {classes} are named")
    if not 1 <= sum(int(count) for count in values["blocks"]) <= MAX_UNITS:
        raise ValueError(f"a network has 1 to {MAX_UNITS} residual units")
    return dict(values)


def _metric(values: Mapping[str, Any]) -> Metric:
    low_high = values["interval"]
    interval = (float(low_high[0]), float(low_high[1])) if low_high is not None else None
    return Metric(**{**values, "value": float(values["value"]), "n": int(values["n"]), "interval": interval})


def _preprocessing(values: Mapping[str, Any]) -> Preprocessing:
    mean, std = (tuple(float(value) for value in values[name]) for name in ("mean", "std"))
    made = Preprocessing(**{**values, "mean": mean, "std": std})
    if len(mean) != 3 or len(std) != 3 or min(std) <= 0 or min(made.height, made.width) < 1 or not 0 < made.crop <= 1:
        raise ValueError("the preprocessing is impossible")
    if not all(isinstance(side, int) and side <= MAX_SIDE for side in (made.height, made.width)):
        raise ValueError(f"pictures of {made.width} x {made.height} are no input of a network")
    if made.interpolation not in RESAMPLING:
        raise ValueError(f"{made.interpolation!r} is no interpolation")
    return made


def _data_use(values: Mapping[str, Any]) -> DataUse:
    return DataUse(values["name"], values["note"], DataKey(**values["train"]), DataKey(**values["test"]))
