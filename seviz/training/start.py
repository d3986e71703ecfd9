"""A training that begins with the weights of a checkpoint: which of them it takes, and what starts fresh."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from seviz.checkpoints import Checkpoint
from seviz.errors import TrainingError

AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")  # heads of GoogLeNet and Inception3, for training as their authors did
OWN = ("aux_logits", "init_weights")  # arguments of a builder that say nothing of the network to train
# options that a network shares with its plain twin
SAME = ("library", "name", "blocks", "widths", "strides", "stem", "bottleneck", "stride_on", "shortcut", "kept")


@dataclass(frozen=True)
class Start:
    """A checkpoint that a training began with, as far as --resume has to know it.

    name: its own, not where it lies. sha256: of its weights. builder: further arguments of its network's builder, as JSON.
    mean, std: of the colours that its weights expect.
    """

    name: str
    sha256: str
    builder: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> Start:
        card = checkpoint.card
        kept = {name: value for name, value in (card.options.get("options") or {}).items() if name not in OWN}
        builder = json.dumps(kept, sort_keys=True)
        return cls(checkpoint.name, card.weights_sha256, builder, card.preprocessing.mean, card.preprocessing.std)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Start:
        return cls(**{**values, "mean": tuple(values["mean"]), "std": tuple(values["std"])})


def require_twin(options: Mapping[str, Any], start: Checkpoint) -> None:
    """Raises TrainingError where the checkpoint's network is neither the plain one of `options` nor the same one.

    Args: options: of the network to train, as they stand in a card.
    """
    theirs = start.card.options
    # a card that was read has lists where options that were made have tuples
    differing = [name for name in SAME if _listed(options.get(name)) != _listed(theirs.get(name))]
    if theirs.get("se") is not None and _placed(theirs["se"]) != _placed(options.get("se") or {}):
        differing.append("SE blocks")
    if differing:
        raise TrainingError(
            f"{start.name} is {start.card.arch}, another network than the one to train ({', '.join(differing)}); give --from "
            "its plain twin."
        )


def begin_from(net: nn.Module, start: Checkpoint, classes: Sequence[str]) -> str:
    """Give `net` the weights of a checkpoint, in place: all but those of the classifier where its classes are others, those of
    SE blocks that the checkpoint has not, and those of auxiliary heads. Returns what was done, in words.

    Raises TrainingError where the tensors do not fit, CheckpointError where the checkpoint cannot be read.
    """
    own = net.state_dict()
    kept = {name: value for name, value in start.network().state_dict().items() if not name.startswith(AUXILIARY)}
    same = tuple(classes) == start.card.classes
    last = _classifier(net)
    fresh = [] if same else [name for name in kept if name.startswith(f"{last}.")]
    strange = [name for name in kept if name not in own or (name not in fresh and kept[name].shape != own[name].shape)]
    missing = [name for name in own if name not in kept and ".se." not in name]
    if strange or missing:
        raise TrainingError(f"The weights of {start.name} do not fit this network, such as {(strange + missing)[0]}.")
    taken = {name: value for name, value in kept.items() if name not in fresh}
    with torch.no_grad():
        net.load_state_dict({**own, **taken})
    return _told(start, len(taken), len({name.rpartition(".se.")[0] for name in own if name not in kept}), last, fresh, classes)


def _told(start: Checkpoint, taken: int, blocks: int, last: str, fresh: Sequence[str], classes: Sequence[str]) -> str:
    words = [f"{taken} tensors are those of {start.name}"]
    if fresh:
        theirs = start.card.classes
        others = f"its {len(theirs)} classes are others than the {len(classes)} of the data"
        words.append(f"the classifier {last} starts fresh, as {others}")
    if blocks:
        words.append(f"{blocks} SE blocks start fresh")
    return "; ".join(words) + "."


def _classifier(net: nn.Module) -> str:
    """The path of the last linear layer, which puts out the logits."""
    found: list[str] = [path for path, module in net.named_modules() if isinstance(module, nn.Linear) and ".se." not in path]
    if not found:
        raise TrainingError("This network has no linear classifier, so that it cannot begin with weights for other classes.")
    return found[-1]


def _listed(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _placed(values: Mapping[str, Any]) -> dict[str, object]:
    return {name: _listed(value) for name, value in values.items()}
