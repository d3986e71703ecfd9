"""The options of `seviz train` that make a recipe: every field of seviz.training.Recipe, with what it means and its default."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from seviz.cli.common import not_negative, positive

CROPS, SE_INITS = ("shift", "resized"), ("he", "torch")  # seviz.training.recipe has them too, but brings torch
SWITCHES = {  # recipe options that are on or off, with what they mean and, last, their default
    "flip": "mirror pictures; yes",
    "alternate": "every picture is mirrored in every other epoch, not in random ones; yes",
    "whiten": "the first convolution begins with whitening filters; no",
    "se-decay": "weight decay on the SE layers as well, which is how gates die; no",
}
RECIPE_OPTIONS: dict[str, tuple[Callable[[str], float], str]] = {  # each with what it means and, last, its default
    "epochs": (positive, "passes over the training pictures; 30"),
    "batch": (positive, "pictures a step; 128"),
    "lr": (float, "highest learning rate; 0.15"),
    "momentum": (float, "of Nesterov's SGD; 0.9"),
    "weight-decay": (float, "of convolutions and classifier; 0.0005"),
    "se-lr": (float, "factor on the learning rate of the SE layers; 1.0"),
    "se-bias": (float, "added to the SE layers' last biases at first: gates begin near sigmoid(N); 0.0"),
    "label-smoothing": (float, "share of every label that is spread over all classes; 0.1"),
    "warmup": (float, "share of the training with a rising learning rate; 0.1"),
    "ema": (float, "decay of the moving average of the weights, a step; 0.999"),
    "pad": (int, "pixels of reflection from which the crop is taken; 4"),
    "least-area": (float, "of a resized crop, as a share of the picture; 0.25"),
    "crop-size": (not_negative, "pixels a side of a resized crop; the picture's shorter side"),
    "cutout": (not_negative, "pixels a side of a square that is hidden in every picture; 0"),
    "corrupt": (float, "share of the pictures that get noise, a blur, less contrast or other light; 0.0"),
    "small-side": (not_negative, "pixels a side of the pictures in the first epochs, which saves time; 0: never smaller"),
    "small-share": (float, "of the epochs with --small-side; 0.5"),
    "seed": (not_negative, "of the first weights, the order, crops and flips; 0"),
}


def add_recipe_options(group: argparse._ArgumentGroup) -> None:
    for name, (kind, meaning) in RECIPE_OPTIONS.items():
        group.add_argument(f"--{name}", type=kind, dest="peak_lr" if name == "lr" else None, metavar="N", help=meaning)
    group.add_argument("--crop", choices=CROPS, help="shift: by up to --pad pixels; resized: a random box, resized; shift")
    group.add_argument("--se-init", choices=SE_INITS, help="first weights of the SE layers: he (the paper's), torch; he")
    for name, meaning in SWITCHES.items():
        group.add_argument(f"--{name}", action=argparse.BooleanOptionalAction, help=meaning)
    group.add_argument("--precision", choices=("auto", "fp32", "bf16"), help="auto: bf16 where the hardware multiplies it")
