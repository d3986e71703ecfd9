"""The state from which a training goes on: resume.safetensors, one file, written atomically, read without pickle.

It carries a sha256 of everything else in it: a state that was altered would go on to a network that nobody can make again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn, optim

from seviz.checkpoints import STATE_FILE, open_checkpoint
from seviz.errors import TrainingError
from seviz.files import open_file, write_bytes
from seviz.gate_history import stack
from seviz.history import Epoch, checked_history
from seviz.nets import SEPlacement, card_options, has_se
from seviz.training.epoch_gates import EpochGates
from seviz.training.recipe import Recipe
from seviz.training.start import Start, require_twin


@dataclass(frozen=True)
class Job:
    """What is trained on what, beside the recipe: it must not change between a start and a --resume.

    arch, reduction: of the network. data: as typed. note: what the card says about the pictures. size: to which they are
    fitted, None for their own. train_sha256, test_sha256: of the two splits' keys. licence: what the card says of the
    weights', "" for the usual one. position, where: of the SE blocks, where are stages such as "2,3" or "" for all. squeeze:
    of the SE blocks. min_hidden: their smallest hidden width, None for the architecture's own. start: whose weights it began
    with, None for fresh ones. data, note and licence may change.
    """

    arch: str
    reduction: int
    data: str
    note: str
    size: int | None
    train_sha256: str
    test_sha256: str
    licence: str = ""
    position: str = "standard"
    where: str = ""
    squeeze: str = "avg"
    min_hidden: int | None = None
    start: Start | None = None

    def options(self, classes: int) -> dict[str, Any]:
        """The network's options as they stand in a card. Raises RequestError where there is no such network, TrainingError
        where a plain one is told of its SE blocks."""
        told = self.position != "standard" or self.where or self.squeeze != "avg" or self.min_hidden
        if not has_se(self.arch) and told:
            words = "--position, --where, --squeeze and --min-hidden"
            raise TrainingError(f"{self.arch} has no SE blocks, for which {words} are; choose its SE twin.")
        where = tuple(int(stage) for stage in self.where.split(",")) if self.where else None
        placement = SEPlacement(where, self.position, self.reduction, squeeze=self.squeeze)
        made = card_options(self.arch, classes, placement, **(json.loads(self.start.builder) if self.start else {}))
        strange = [stage for stage in where or () if "blocks" in made and not 1 <= stage <= len(made["blocks"])]
        if strange:
            raise TrainingError(f"{self.arch} has no stage {strange[0]}; its stages are 1 to {len(made['blocks'])}.")
        if self.min_hidden:
            made["se"]["min_hidden"] = self.min_hidden  # 1 as well, where the architecture's own is larger
        return made

    def beginning_with(self, name: str, *, fresh: bool) -> Job:
        """This job with the weights of a checkpoint to begin with; where it is not fresh, they must be those of its start.

        Raises CheckpointError where there is no such checkpoint, TrainingError where it is of another network.
        """
        if fresh:
            checkpoint = open_checkpoint(name)
            require_twin(self.options(len(checkpoint.card.classes)), checkpoint)
            return replace(self, start=Start.of(checkpoint))
        if self.start is None or self.start.name not in (name, Path(name).name):
            raise TrainingError("This training began with other weights; resume it without --from.")
        return self

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Job:
        start = values.get("start")
        return cls(**{**values, "start": None if start is None else Start.from_json(start)})


@dataclass(frozen=True)
class RunState:
    """Everything after an epoch. tensors: "net.NAME", "ema.NAME" and "momentum.INDEX" of the optimiser's parameters,
    and "gates.PATH" (E, K, C), the mean gates of each epoch so far.

    job: None in states of trainings that were not started from the command line.
    """

    tensors: dict[str, Tensor]
    history: tuple[Epoch, ...]
    recipe: Recipe
    job: Job | None = None

    @classmethod
    def take(
        cls,
        net: nn.Module,
        ema: nn.Module,
        optimizer: optim.Optimizer,
        history: Sequence[Epoch],
        recipe: Recipe,
        job: Job | None,
        gates: Sequence[EpochGates] = (),
    ) -> RunState:
        tensors = {f"net.{name}": value for name, value in net.state_dict().items()}
        tensors |= {f"ema.{name}": value for name, value in ema.state_dict().items()}
        for index, state in optimizer.state_dict()["state"].items():
            if state.get("momentum_buffer") is not None:  # with a momentum of 0 there is none
                tensors[f"momentum.{index}"] = state["momentum_buffer"]
        if len(gates) == len(history):
            tensors |= {f"gates.{path}": torch.from_numpy(values) for path, values in stack(gates).items()}
        return cls(tensors, tuple(history), recipe, job)

    def epoch_gates(self) -> list[EpochGates]:
        """Of each epoch, site path -> (K, C); [] where they were not kept, as for a plain network."""
        kept = {path: value.numpy() for path, value in self._part("gates.").items()}
        return [{path: values[number] for path, values in kept.items()} for number in range(len(self.history) if kept else 0)]

    def save(self, folder: Path) -> None:
        from safetensors.torch import save

        metadata = {"history": json.dumps([astuple(row) for row in self.history]), "recipe": json.dumps(asdict(self.recipe))}
        if self.job:
            metadata["job"] = json.dumps(asdict(self.job))
        tensors = {name: value.detach().cpu().contiguous() for name, value in self.tensors.items()}
        write_bytes(folder / STATE_FILE, save(tensors, {**metadata, "sha256": _sha256(tensors, metadata)}))

    @classmethod
    def load(cls, folder: Path) -> RunState:
        """The state in `folder`. Raises TrainingError where there is none or it is damaged or altered."""
        from safetensors import SafetensorError, safe_open

        path = folder / STATE_FILE
        if not path.exists():
            raise TrainingError(f"{folder} holds no training to resume; start it without --resume.")
        try:
            open_file(path).close()  # a pipe would be waited for
            with safe_open(path, "pt") as file:
                metadata = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if "sha256" not in metadata and "history" in metadata:
                raise TrainingError(f"{path} has no sha256: finish this training with the version of seviz that started it.")
            if metadata.pop("sha256") != _sha256(tensors, metadata):
                raise ValueError("altered")
            history = checked_history(json.loads(metadata["history"]))
            job = Job.from_json(json.loads(metadata["job"])) if "job" in metadata else None
            return cls(tensors, history, Recipe(**json.loads(metadata["recipe"])), job)
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
            raise TrainingError(f"{path} is damaged; remove it and start the training again.") from error

    def require_same(self, recipe: Recipe, job: Job | None) -> None:
        """Raises TrainingError, with the names of what differs, where this is the state of another training."""
        changed = _differing(self.recipe, recipe)
        if self.job and job:
            changed += _differing(self.job, job, but=("data", "note", "licence"))  # the folder may have moved, its samples not
        if changed:
            names = ", ".join(changed)
            raise TrainingError(f"This training was started with other settings ({names}); resume it with the same ones.")

    def give(self, net: nn.Module, ema: nn.Module, optimizer: optim.Optimizer) -> None:
        """Put the state into a fresh network, average and optimiser. Raises TrainingError for another network."""
        state = optimizer.state_dict()
        momenta = {int(name[9:]): value for name, value in self.tensors.items() if name.startswith("momentum.")}
        state["state"] = {index: {"momentum_buffer": value} for index, value in momenta.items()}
        try:
            net.load_state_dict(self._part("net."))
            ema.load_state_dict(self._part("ema."))
            optimizer.load_state_dict(state)
        except (RuntimeError, ValueError) as error:
            raise TrainingError("The training to resume is of another network; choose another --out.") from error

    def _part(self, prefix: str) -> dict[str, Tensor]:
        return {name.removeprefix(prefix): value for name, value in self.tensors.items() if name.startswith(prefix)}


def _sha256(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    """Hex, over the texts and over name, dtype, shape and bytes of every tensor."""
    digest = hashlib.sha256(json.dumps(metadata, sort_keys=True).encode())
    for name in sorted(tensors):
        value = tensors[name]
        digest.update(f"\n{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _differing(one: Any, other: Any, but: Sequence[str] = ()) -> list[str]:
    """Names of the fields in which two dataclasses differ."""
    names = [field.name for field in fields(one) if field.name not in but]
    return [name for name in names if getattr(one, name) != getattr(other, name)]
