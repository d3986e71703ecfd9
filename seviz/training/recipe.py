"""How a network is trained: the recipe, the learning rate of every step, and which parameters decay."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import nn

from seviz.errors import TrainingError
from seviz.nets import SqueezeExcite
from seviz.values import quoted

MAX_EPOCHS, MAX_BATCH, MAX_LR, MAX_SE_LR, MAX_PAD = 100_000, 16_384, 100, 1000, 1000  # beyond: nothing, or for ever
MAX_CROP = 1024  # pixels a side
CROPS = ("shift", "resized")
SE_INITS = ("he", "torch")
MAX_SE_BIAS = 10  # a gate of 0.99995, whose slope is a 5,000th of the steepest


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training but the network, the data and the hardware.

    epochs: passes over the training pictures. batch: pictures a step. peak_lr: highest learning rate. weight_decay: of
    convolutions and the classifier only. se_lr: factor on the learning rate of the SE layers. warmup: share of all steps
    with a rising learning rate. ema: decay of the moving average, a step. pad: pixels of reflection from which the
    crop is taken. flip: mirrored in every other epoch. precision: "fp32" or "bf16" (autocast). crop: "shift" (by up to pad
    pixels) or "resized" (a random box of at least least_area of the picture, at crop_size x crop_size pixels; 0: the
    picture's shorter side). alternate: every picture is mirrored in every other epoch; otherwise a new random half each
    epoch. cutout: side in pixels of a square that is hidden at a random place of every picture (T. DeVries, G. Taylor,
    "Improved Regularization of Convolutional Neural Networks with Cutout", 2017). corrupt: share of the pictures that get
    noise, a blur, less contrast or other light (see seviz.training.corrupting). small_side: pixels a side of the pictures
    in the first small_share of the epochs; 0: never smaller. whiten: the first convolution begins with whitening filters.
    se_decay: weight decay on the SE layers as well. se_init: of the SE layers, "he" (the paper's, zero biases) or "torch"
    (what nn.Linear begins with). se_bias: added to the biases before the sigmoid at first: gates begin near sigmoid(se_bias).

    Raises TrainingError for values that make no sense.
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
    crop: str = "shift"
    least_area: float = 0.25
    crop_size: int = 0
    alternate: bool = True
    cutout: int = 0
    corrupt: float = 0.0
    small_side: int = 0
    small_share: float = 0.5
    whiten: bool = False
    se_decay: bool = False
    se_init: str = "he"
    se_bias: float = 0.0

    def __post_init__(self) -> None:
        if not (1 <= self.epochs <= MAX_EPOCHS and 2 <= self.batch <= MAX_BATCH and 0 < self.peak_lr <= MAX_LR):
            raise TrainingError(
                f"A training needs at least 1 epoch, batches of at least 2 and a learning rate above 0; {MAX_EPOCHS:,}, "
                f"{MAX_BATCH:,} and {MAX_LR} are the most."
            )
        for name in ("momentum", "label_smoothing", "ema", "small_share"):
            if not 0 <= getattr(self, name) < 1:
                raise TrainingError(f"--{name.replace('_', '-')} is at least 0 and below 1, not {getattr(self, name)}.")
        for name, whole in (("warmup", "training"), ("corrupt", "pictures")):
            if not 0 <= getattr(self, name) <= 1:
                raise TrainingError(f"--{name} is a share of the {whole}, 0 to 1, not {getattr(self, name)}.")
        sides = [(name, MAX_CROP) for name in ("crop_size", "cutout", "small_side")]
        for name, most in (("weight_decay", 1), ("se_lr", MAX_SE_LR), ("pad", MAX_PAD), *sides):
            if not 0 <= getattr(self, name) <= most:
                raise TrainingError(f"--{name.replace('_', '-')} is 0 to {most}, not {quoted(getattr(self, name))}.")
        if self.peak_lr * self.weight_decay >= 1 or self.peak_lr * self.se_lr > MAX_LR:
            raise TrainingError(
                f"--lr times --weight-decay is below 1, and --lr times --se-lr at most {MAX_LR}: with more, every training "
                "diverges."
            )
        if not 0 <= self.seed < 2**32:
            raise TrainingError(f"--seed is 0 to {2**32 - 1}, not {quoted(self.seed)}.")
        if self.crop not in CROPS:
            raise TrainingError(f"--crop is {' or '.join(CROPS)}, not {quoted(self.crop)}.")
        if self.se_init not in SE_INITS:
            raise TrainingError(f"--se-init is {' or '.join(SE_INITS)}, not {quoted(self.se_init)}.")
        if not -MAX_SE_BIAS <= self.se_bias <= MAX_SE_BIAS:
            raise TrainingError(f"--se-bias is -{MAX_SE_BIAS} to {MAX_SE_BIAS}, not {quoted(self.se_bias)}.")
        if not 0 < self.least_area <= 1:
            raise TrainingError(f"--least-area is a share of the picture above 0, not {self.least_area}.")
        if self.precision not in ("fp32", "bf16"):
            raise TrainingError(f"--precision is fp32 or bf16, not {self.precision!r}.")

    def side_in(self, epoch: int) -> int:
        """Pixels a side to which the pictures of an epoch, counted from 0, are made smaller; 0: they stay as they are."""
        return self.small_side if epoch < round(self.small_share * self.epochs) else 0


def learning_rate(step: int, steps: int, recipe: Recipe) -> float:
    """The rate of step 0..steps-1: linear up to peak_lr over the warm-up, then half a cosine down to 0 after the last."""
    warm = max(1, round(recipe.warmup * steps))
    if step < warm:
        return recipe.peak_lr * (step + 1) / warm
    return recipe.peak_lr * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def parameter_groups(net: nn.Module, recipe: Recipe) -> list[dict[str, object]]:
    """The groups for an optimiser, in this order: everything that decays; batch norm and biases, which do not; SE
    layers, which do not either unless the recipe says so (their gates would die) and have their own rate. `factor`
    multiplies the learning rate."""
    gates = {id(p) for module in net.modules() if isinstance(module, SqueezeExcite) for p in module.parameters()}
    rest = [p for p in net.parameters() if id(p) not in gates]
    groups: list[dict[str, object]] = [
        {"params": [p for p in rest if p.dim() > 1], "weight_decay": recipe.weight_decay, "factor": 1.0},
        {"params": [p for p in rest if p.dim() <= 1], "weight_decay": 0.0, "factor": 1.0},
        {
            "params": [p for p in net.parameters() if id(p) in gates],
            "weight_decay": recipe.weight_decay if recipe.se_decay else 0.0,
            "factor": recipe.se_lr,
        },
    ]
    return [group for group in groups if group["params"]]
