"""The training loop, for CPU and GPU.

Nesterov SGD, a linear warm-up, then a cosine to zero; label smoothing; no weight decay on batch norm, biases and SE
layers; an exponential moving average of the weights, which is what is evaluated and kept. All randomness of an epoch
follows from (seed, epoch), so that a resumed training goes on as if nothing had happened: on a CPU with the same
number of threads to the same weights bit for bit.
"""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seviz.data import PictureSet, StreamedPictures
from seviz.errors import DivergedError, TrainingError
from seviz.evaluation import normaliser
from seviz.gates import gates_seen_at, record_gates
from seviz.history import Epoch, write_history
from seviz.images import Preprocessing
from seviz.training.augment import EpochPlan, hide, plan_epoch
from seviz.training.epoch_gates import ClassSums, EpochGates
from seviz.training.recipe import Recipe, learning_rate, parameter_groups
from seviz.training.state import Job, RunState
from seviz.values import MOST

CHECK_EVERY = 10  # steps between two looks at the loss, each of which makes the CPU wait for a GPU
OF_A_GPU = ("CUDA", "cuDNN error", "NVML")  # how the errors of its libraries begin, which have no type of their own
DROPOUT_SEEDS = 2**40  # far from the seeds that plan an epoch

StepReport = Callable[[int, int, float, float], None]


class Trainer:
    """A network, its moving average, its optimiser and how far they have come.

    Args:
        net: fresh; it is moved to `device` and trained in place. preprocessing: of its pictures. device: where it
            trains. job: kept with the state, for the command line.
    """

    def __init__(
        self, net: nn.Module, recipe: Recipe, preprocessing: Preprocessing, device: torch.device, job: Job | None = None
    ) -> None:
        if recipe.crop == "shift" and recipe.pad >= min(preprocessing.height, preprocessing.width):
            raise TrainingError(f"--pad {recipe.pad} is not below the pictures' side; make it smaller.")
        self.net = net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.recipe, self.preprocessing, self.device, self.job = recipe, preprocessing, device, job
        self.ema = copy.deepcopy(self.net).eval().requires_grad_(False)
        gates_seen_at(self.ema, preprocessing.height, preprocessing.width)  # anybody's network: looked at here, known later
        momentum = recipe.momentum
        self.optimizer = torch.optim.SGD(parameter_groups(self.net, recipe), lr=0.0, momentum=momentum, nesterov=momentum > 0)
        self.history: list[Epoch] = []
        self.gates: list[EpochGates] = []  # as long as the history, but for a training that began without keeping them
        self._normalise = normaliser(preprocessing, device)
        pairs = zip(self.ema.state_dict().values(), self.net.state_dict().values(), strict=True)
        self._averaged = [(kept, new) for kept, new in pairs if kept.is_floating_point()]

    @property
    def epochs_done(self) -> int:
        return len(self.history)

    def run_epoch(
        self, pictures: Tensor | StreamedPictures, labels: Tensor, report: Callable[[int, float, float], None]
    ) -> tuple[float, float]:
        """Train on every picture once.

        Args:
            pictures: uint8 (N, H, W, 3), labels: int64 (N,), on the training device where they are tensors. report: called
                every few steps with pictures seen, mean loss and accuracy so far.

        Returns mean cross-entropy (without smoothing) and accuracy, of the pictures as they were trained on. Raises
        DivergedError where the loss is no longer a number.
        """
        recipe, epoch, count = self.recipe, self.epochs_done, len(labels)
        plan = plan_epoch(count, epoch, recipe, size=(pictures.shape[1], pictures.shape[2]), device=self.device)
        steps, seen = plan.steps, 0
        loss_sum, right = torch.zeros((), device=self.device), torch.zeros((), device=self.device)
        self.net.train()
        for step in range(steps):
            x, y = plan.seen(pictures, step), labels[plan.chosen(step)]
            logits = self._step(self._as_shown(x, plan, step), y, epoch * steps + step, steps * recipe.epochs)
            loss_sum += F.cross_entropy(logits, y, reduction="sum")
            right += (logits.argmax(1) == y).sum()
            seen += len(y)
            if step % CHECK_EVERY == CHECK_EVERY - 1 or step == steps - 1:
                report(seen, self.finite(float(loss_sum)) / seen, float(right) / seen)
        return float(loss_sum) / seen, float(right) / seen

    def save(self, folder: Path) -> None:
        """Write the state after an epoch: all of it, or nothing. Then history.csv."""
        RunState.take(self.net, self.ema, self.optimizer, self.history, self.recipe, self.job, self.gates).save(folder)
        write_history(folder, self.history)

    def restore(self, state: RunState) -> None:
        """Take up a state that save left. Raises TrainingError where it is of another network, recipe or data."""
        state.require_same(self.recipe, self.job)
        state.give(self.net, self.ema, self.optimizer)
        self.history = list(state.history)
        self.gates = state.epoch_gates()

    def _as_shown(self, pictures: Tensor, plan: EpochPlan, step: int) -> Tensor:
        """uint8 (B, H, W, 3) as the network sees them in training: normalised, a square hidden, made smaller."""
        x = self._normalise(pictures)
        if plan.holes:
            x = hide(x, plan.holes[step], self.recipe.cutout)
        side = self.recipe.side_in(self.epochs_done)
        return F.interpolate(x, (side, side), mode="bilinear", antialias=True) if side else x

    def _step(self, x: Tensor, y: Tensor, step: int, steps: int) -> Tensor:
        """One step of SGD and of the moving average. Returns the detached float32 logits (B, K)."""
        rate = learning_rate(step, steps, self.recipe)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        with _autocast(self.device, self.recipe):
            logits: Tensor = self.net(x).float()
        loss = F.cross_entropy(logits, y, label_smoothing=self.recipe.label_smoothing)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        decay = min(self.recipe.ema, (1 + step) / (10 + step))  # at first the average is short, else it keeps the start
        torch._foreach_lerp_([kept for kept, _ in self._averaged], [new for _, new in self._averaged], 1 - decay)
        return logits.detach()

    def finite(self, loss_sum: float) -> float:
        """The loss, or DivergedError where it is no number that a history holds."""
        if not loss_sum <= MOST:  # nor NaN
            raise DivergedError(
                f"The loss became {loss_sum:g} in epoch {self.epochs_done + 1}; start again with a lower --lr than "
                f"{self.recipe.peak_lr:g}."
            )
        return loss_sum


def train_epochs(
    trainer: Trainer, train: PictureSet, test: PictureSet, folder: Path, report: StepReport
) -> Iterator[Epoch]:
    """Train to the recipe's last epoch, saving the state in `folder` after each; yields each epoch once it is saved.

    report is called several times an epoch with (epoch, pictures seen, mean loss, accuracy). Raises TrainingError.
    """
    labels = torch.from_numpy(train.labels).to(trainer.device)
    pictures = train.pictures
    held = pictures if isinstance(pictures, StreamedPictures) else torch.from_numpy(pictures).to(trainer.device)
    while trainer.epochs_done < trainer.recipe.epochs:
        start, number = time.perf_counter(), trainer.epochs_done + 1

        def report_step(seen: int, loss: float, accuracy: float, number: int = number) -> None:
            report(number, seen, loss, accuracy)

        with _drawing_from(trainer):
            measured = trainer.run_epoch(held, labels, report_step)
        sums = ClassSums(trainer.ema, len(test.classes), trainer.device)
        held_out = loss_and_accuracy(trainer, test, sums)
        trainer.finite(held_out[0])
        rate = trainer.optimizer.param_groups[0]["lr"]
        epoch = Epoch(number, *measured, *held_out, rate, time.perf_counter() - start)
        trainer.history.append(epoch)
        trainer.gates.append(sums.means())
        trainer.save(folder)
        yield epoch


@contextlib.contextmanager
def _drawing_from(trainer: Trainer) -> Iterator[None]:
    """What a network's own layers draw (dropout) follows from (seed, epoch) as well; torch's generators are given back."""
    with torch.random.fork_rng(devices=[trainer.device] if trainer.device.type == "cuda" else []):
        torch.manual_seed(DROPOUT_SEEDS + trainer.recipe.seed * 100_003 + trainer.epochs_done)
        yield


@torch.no_grad()
def loss_and_accuracy(trainer: Trainer, data: PictureSet, sums: ClassSums | None = None) -> tuple[float, float]:
    """Mean cross-entropy and accuracy of the moving average, in the precision of the training; its gates go into `sums`."""
    normalise = normaliser(trainer.preprocessing, trainer.device)
    loss, right = 0.0, 0
    with record_gates(trainer.ema) as recording:
        for pictures, labels in data.batches(500):
            x, y = (torch.from_numpy(array).to(trainer.device) for array in (pictures, labels))
            with _autocast(trainer.device, trainer.recipe):
                logits = trainer.ema(normalise(x)).float()
            loss += float(F.cross_entropy(logits, y, reduction="sum"))
            right += int((logits.argmax(1) == y).sum())
            if sums:
                sums.add(recording, y)
    return loss / len(data), right / len(data)


def _autocast(device: torch.device, recipe: Recipe) -> torch.autocast:
    return torch.autocast(device.type, torch.bfloat16, enabled=recipe.precision == "bf16")


@contextlib.contextmanager
def naming_the_cause(again: str = "--resume") -> Iterator[None]:
    """Turn what a machine does to a training (no memory, no disk, a lost GPU) into one sentence.

    again: what goes on with it later, as it stands in the sentence.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise TrainingError(f"The device has no memory left; start again with a smaller --batch, or {again} later.") from error
    except RuntimeError as error:
        if not isinstance(error, torch.AcceleratorError) and not str(error).startswith(OF_A_GPU):
            raise
        raise TrainingError(f"The accelerator failed; see that the machine still has it, then {again}.") from error
    except OSError as error:
        where = f" to {error.filename}" if error.filename else ""
        raise TrainingError(
            f"Nothing could be written{where} ({error.strerror}); free some space or choose another --out, then {again}."
        ) from error
