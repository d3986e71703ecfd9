"""One training loop, for CPU and GPU.

Nesterov SGD, a linear warm-up, then a cosine to zero; label smoothing; no weight decay on batch norm, biases and SE
layers; an exponential moving average of the weights, which is what is evaluated and kept. All randomness of an epoch
follows from (seed, epoch), so that a resumed training goes on as if nothing had happened: on a CPU with the same
number of threads to the same weights bit for bit.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seviz.augment import alternating_flips, augment
from seviz.data import PictureSet
from seviz.errors import TrainingError
from seviz.images import Preprocessing
from seviz.nets import SqueezeExcite
from seviz.runs import Epoch, RunState, write_history


@dataclass(frozen=True)
class Recipe:
    """How a network is trained. Learning rates are per batch of `batch` pictures.

    warmup: share of all steps with a rising learning rate. se_lr: factor on the learning rate of the SE layers.
    ema: decay of the moving average per step. pad: pixels of reflection from which the crop is taken.
    precision: "fp32" or "bf16" (autocast).
    """

    epochs: int = 30
    batch: int = 128
    peak_lr: float = 0.15
    momentum: float = 0.9
    weight_decay: float = 5e-4
    se_lr: float = 1.0
    label_smoothing: float = 0.1
    warmup: float = 0.1
    ema: float = 0.999
    pad: int = 4
    flip: bool = True
    precision: str = "fp32"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch < 2 or self.peak_lr <= 0:
            raise TrainingError("A training needs at least 1 epoch, batches of at least 2 and a learning rate above 0.")
        if self.precision not in ("fp32", "bf16"):
            raise TrainingError(f"The precision is fp32 or bf16, not {self.precision!r}.")


def best_precision(device: torch.device) -> str:
    """ "bf16" where the hardware multiplies it natively, else "fp32"."""
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    if device.type == "cpu":
        capabilities = torch.cpu.get_capabilities()
        return "bf16" if capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") else "fp32"
    return "fp32"


@dataclass
class Trainer:
    """A network, its moving average, its optimiser and how far they have come."""

    net: nn.Module
    recipe: Recipe
    preprocessing: Preprocessing
    steps_per_epoch: int
    device: torch.device
    ema: nn.Module = field(init=False)
    optimizer: torch.optim.SGD = field(init=False)
    history: list[Epoch] = field(default_factory=list)

    def __post_init__(self) -> None:
        import copy

        self.net.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.ema = copy.deepcopy(self.net).eval().requires_grad_(False)
        self.optimizer = torch.optim.SGD(
            parameter_groups(self.net, self.recipe), lr=0.0, momentum=self.recipe.momentum, nesterov=True
        )

    @property
    def epochs_done(self) -> int:
        return len(self.history)

    def run_epoch(self, pictures: Tensor, labels: Tensor, report: Callable[[int, float, float], None]) -> tuple[float, float]:
        """Train on every picture once. Returns the running mean cross-entropy (without smoothing) and accuracy."""
        epoch, recipe = self.epochs_done, self.recipe
        generator = torch.Generator().manual_seed(recipe.seed * 100_003 + epoch)
        order = torch.randperm(len(labels), generator=generator)
        flips = alternating_flips(len(labels), recipe.seed, epoch) if recipe.flip else torch.zeros(len(labels), dtype=torch.bool)
        loss_sum, right, seen = torch.zeros((), device=self.device), torch.zeros((), device=self.device), 0
        self.net.train()
        for step in range(self.steps_per_epoch):
            chosen = order[step * recipe.batch : (step + 1) * recipe.batch]
            x = augment(pictures[chosen.to(pictures.device)], flips[chosen], recipe.pad, generator)
            y = labels[chosen.to(labels.device)]
            logits = self.step(normalise(x, self.preprocessing), y, epoch * self.steps_per_epoch + step)
            loss_sum += F.cross_entropy(logits, y, reduction="sum")
            right += (logits.argmax(1) == y).sum()
            seen += len(y)
            if step % 10 == 9 or step == self.steps_per_epoch - 1:
                report(seen, float(loss_sum) / seen, float(right) / seen)
        return float(loss_sum) / seen, float(right) / seen

    def step(self, x: Tensor, y: Tensor, step: int) -> Tensor:
        """One step of SGD and of the moving average. Returns the detached float32 logits (B, classes)."""
        lr = learning_rate(step, self.steps_per_epoch * self.recipe.epochs, self.recipe)
        for group in self.optimizer.param_groups:
            group["lr"] = lr * group["factor"]
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.precision == "bf16"):
            logits = self.net(x).float()
        loss = F.cross_entropy(logits, y, label_smoothing=self.recipe.label_smoothing)
        if not math.isfinite(float(loss.detach())):
            raise TrainingError(f"The loss became {float(loss):g}; start again with a lower --lr than {self.recipe.peak_lr:g}.")
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self._average(min(self.recipe.ema, (1 + step) / (10 + step)))
        return logits.detach()

    def _average(self, decay: float) -> None:
        pairs = [(kept, new) for kept, new in zip(self.ema.state_dict().values(), self.net.state_dict().values(), strict=True)]
        floats = [pair for pair in pairs if pair[0].is_floating_point()]
        torch._foreach_lerp_([kept for kept, _ in floats], [new for _, new in floats], 1 - decay)

    def save(self, folder: Path) -> None:
        """Write the state after an epoch: all of it, or nothing."""
        RunState.take(self.net, self.ema, self.optimizer, self.history, self.recipe).save(folder)
        write_history(folder, self.history)

    def restore(self, folder: Path) -> None:
        """Take up the state that save left. Raises TrainingError where it is of another network or recipe."""
        state = RunState.load(folder)
        state.give(self.net, self.ema, self.optimizer, self.recipe)
        self.history = list(state.history)


def parameter_groups(net: nn.Module, recipe: Recipe) -> list[dict[str, object]]:
    """Three groups: SE layers (no decay, their own rate), batch norm and biases (no decay), everything else."""
    gates = {id(p) for module in net.modules() if isinstance(module, SqueezeExcite) for p in module.parameters()}
    rest = [p for p in net.parameters() if id(p) not in gates]
    groups = [
        {"params": [p for p in rest if p.dim() > 1], "weight_decay": recipe.weight_decay, "factor": 1.0},
        {"params": [p for p in rest if p.dim() <= 1], "weight_decay": 0.0, "factor": 1.0},
        {"params": [p for p in net.parameters() if id(p) in gates], "weight_decay": 0.0, "factor": recipe.se_lr},
    ]
    return [group for group in groups if group["params"]]


def learning_rate(step: int, steps: int, recipe: Recipe) -> float:
    """Linear from 0 to peak_lr over the warm-up, then half a cosine down to 0 after the last step."""
    warm = max(1, round(recipe.warmup * steps))
    if step < warm:
        return recipe.peak_lr * (step + 1) / warm
    return recipe.peak_lr * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def normalise(pictures: Tensor, preprocessing: Preprocessing) -> Tensor:
    """uint8 (B, H, W, 3) -> float32 (B, 3, H, W) in channels_last memory: (pixel / 255 - mean) / std."""
    mean = torch.tensor(preprocessing.mean, device=pictures.device) * 255
    std = torch.tensor(preprocessing.std, device=pictures.device) * 255
    return ((pictures.float() - mean) / std).permute(0, 3, 1, 2)


@torch.no_grad()
def test_loss(net: nn.Module, data: PictureSet, preprocessing: Preprocessing, device: torch.device, precision: str) -> tuple[float, float]:
    """Mean cross-entropy and accuracy of `net`, as it is, on a data set."""
    loss, right = 0.0, 0
    for start in range(0, len(data), 500):
        x = torch.from_numpy(data.pictures[start : start + 500]).to(device)
        y = torch.from_numpy(data.labels[start : start + 500]).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            logits = net(normalise(x, preprocessing)).float()
        loss += float(F.cross_entropy(logits, y, reduction="sum"))
        right += int((logits.argmax(1) == y).sum())
    return loss / len(data), right / len(data)


def fit_network(
    trainer: Trainer,
    train: PictureSet,
    test: PictureSet,
    folder: Path,
    report: Callable[[int, int, float, float], None],
) -> Iterator[Epoch]:
    """Train to the end, saving after every epoch; yields each epoch as it is done.

    report is called several times an epoch with (epoch, pictures seen, loss, accuracy).
    """
    pictures = torch.from_numpy(train.pictures).to(trainer.device)
    labels = torch.from_numpy(train.labels).to(trainer.device)
    while trainer.epochs_done < trainer.recipe.epochs:
        start, number = time.perf_counter(), trainer.epochs_done + 1
        loss, accuracy = trainer.run_epoch(pictures, labels, lambda seen, lo, ac: report(number, seen, lo, ac))
        held_out = test_loss(trainer.ema, test, trainer.preprocessing, trainer.device, trainer.recipe.precision)
        lr = trainer.optimizer.param_groups[0]["lr"]
        epoch = Epoch(number, loss, accuracy, *held_out, lr, time.perf_counter() - start)
        trainer.history.append(epoch)
        trainer.save(folder)
        yield epoch


@contextlib.contextmanager
def naming_the_cause() -> Iterator[None]:
    """Turn what a machine does to a training (no memory, no disk, a lost GPU) into one sentence."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise TrainingError("The device has no memory left; start again with a smaller --batch, or --resume later.") from error
    except OSError as error:
        raise TrainingError(f"A file could not be written ({error.strerror}); free some space and continue with --resume.") from error
