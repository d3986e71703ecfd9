"""From the last epoch to a checkpoint: evaluation, gate life, the card. Done again, it gives the same files."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from seviz.analysis.classification import Classification, summarise
from seviz.card import Card, DataUse, Metric
from seviz.checkpoints import EVALUATION_FILE, STATE_FILE, save_checkpoint, weights_of
from seviz.data import PictureSet
from seviz.evaluation import evaluate, gate_life, save
from seviz.gate_history import GateHistory, save_gate_history, stack
from seviz.gate_life import GateLife
from seviz.gates import gates_seen_at
from seviz.history import write_history
from seviz.machine import hardware, versions
from seviz.nets import SEPlacement, cost, to_card
from seviz.nets.library import HEADED
from seviz.training.loop import Trainer
from seviz.training.recipe import Recipe
from seviz.training.state import Job

LICENCE = "MIT, as the code of seviz; the training pictures have terms of their own."
RUNS = "runs"  # where the command on a card trains: beside checkpoints/, which holds the network already
OPTION_NAMES = {"peak_lr": "--lr"}  # the options whose name is not their field's
MEANINGS = {
    "accuracy": "share of pictures whose highest logit is the true class; interval: Wilson, 95 %",
    "top5": "share of pictures whose true class is among the five highest logits",
    "loss": "mean cross-entropy in nats",
    "ece": "expected calibration error, 15 bins of equal width",
}

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Finish:
    """What a card says beside what can be measured. progress: called with (what, done, in all)."""

    job: Job
    threads: int | None = None
    progress: Progress = lambda what, done, total: None


def finish_training(trainer: Trainer, train: PictureSet, test: PictureSet, folder: Path, finish: Finish) -> Card:
    """Evaluate the moving average in float32, measure the life of its gates, and write the whole checkpoint.

    The card is written last and the resume state is removed after it: a kill at any moment leaves a folder that
    --resume finishes. Returns the card.
    """
    net, preprocessing, say = trainer.ema, trainer.preprocessing, finish.progress
    sha256 = hashlib.sha256(weights_of(net)).hexdigest()
    found = evaluate(
        net, test, preprocessing, weights_sha256=sha256, progress=lambda done, total: say("evaluation", done, total)
    )
    life = None
    if gates_seen_at(net, preprocessing.height, preprocessing.width):
        life = gate_life(net, test, preprocessing, progress=lambda done, total: say("gates", done, total))
    save(folder / EVALUATION_FILE, found)
    write_history(folder, trainer.history)
    if trainer.gates and len(trainer.gates) == trainer.epochs_done and all(trainer.gates):
        save_gate_history(folder, GateHistory(stack(trainer.gates), test.classes, test.key, sha256))
    figures = summarise(found.logits, found.labels, test.classes)
    card = save_checkpoint(folder, net, compose_card(trainer, train, test, folder.resolve().name, finish, figures, life))
    (folder / STATE_FILE).unlink(missing_ok=True)
    return card


def compose_card(
    trainer: Trainer,
    train: PictureSet,
    test: PictureSet,
    name: str,
    finish: Finish,
    figures: Classification,
    life: GateLife | None,
) -> Card:
    """The card of a finished training, without the sha256 of its weights."""
    net, job, recipe = trainer.net, finish.job, trainer.recipe
    commands = _commands(name, test.name, recipe, finish, gates=life is not None)
    price = cost(net, trainer.preprocessing.height, trainer.preprocessing.width)
    return Card(
        name=name,
        arch=job.arch,
        description=describe(job, to_card(net)),
        options=to_card(net),
        classes=train.classes,
        preprocessing=trainer.preprocessing,
        data=DataUse(train.name, job.note, train.key, test.key),
        recipe=asdict(recipe),
        seed=recipe.seed,
        epochs=trainer.epochs_done,
        seconds=round(sum(row.seconds for row in trainer.history), 1),
        versions=versions(),
        hardware=hardware(trainer.device),
        metrics=metrics_of(figures, test, commands["evaluate"]),
        commands=commands,
        licence=job.licence or LICENCE,
        limits=_limits(train, recipe),
        parameters=price.parameters,
        multiply_adds=price.multiply_adds,
        gate_life=life,
    )


def describe(job: Job, options: Mapping[str, Any]) -> str:
    """A network in words: what it is, its shortcuts, its SE blocks, and whose weights it began with."""
    words = [_library(job, options) if "library" in options else _own(job.arch, options)]
    se = options.get("se")
    if se is None:
        words.append("no SE blocks")
    elif "library" in options:
        words.append(SEPlacement.from_json(se).text)
    else:
        words.append(SEPlacement(se["stages"], se["placement"], se["reduction"], se["min_hidden"], se["squeeze"]).text)
    if job.start:
        words.append(f"trained on from the weights of {job.start.name} (sha256 {job.start.sha256[:8]})")
    return "; ".join(words) + "."


def _own(arch: str, options: Mapping[str, Any]) -> str:
    name = arch.replace("se_", "SE-").replace("resnet", "ResNet-").replace("_64", " for 64 x 64 pixels,")
    kind = {"A": "subsampling and zeros", "B": "1 x 1 convolutions"}[options["shortcut"]]
    shortcuts = f"shortcuts of option {options['shortcut']} ({kind}) where the shape changes"
    return f"{name} with {options['classes']} classes; {shortcuts}"


def _library(job: Job, options: Mapping[str, Any]) -> str:
    heads = ", without its auxiliary heads" if options["name"] in HEADED else ""
    return f"{options['name']} of {options['library']}{heads}, with {options['classes']} classes"


def metrics_of(figures: Classification, test: PictureSet, command: str) -> dict[str, Metric]:
    """The figures of a card: accuracy, top5 where there are enough classes, loss and ece, measured on `test` by `command`."""
    values = {"accuracy": figures.accuracy, "top5": figures.top5, "loss": figures.loss, "ece": figures.ece}
    intervals = {"accuracy": figures.interval}
    return {
        name: Metric(value, figures.n, test.name, test.split, MEANINGS[name], command, intervals.get(name))
        for name, value in values.items()
        if value is not None
    }


def _commands(name: str, data: str, recipe: Recipe, finish: Finish, *, gates: bool) -> dict[str, str]:
    """The commands as a shell takes them."""
    job, python = finish.job, ["python", "-m", "seviz"]
    train = [*python, "train", "--arch", job.arch, *(["--reduction", str(job.reduction)] if gates else [])]
    train += ["--position", job.position] if gates and job.position != "standard" else []
    train += ["--where", job.where] if gates and job.where else []
    train += ["--squeeze", job.squeeze] if gates and job.squeeze != "avg" else []
    train += ["--min-hidden", str(job.min_hidden)] if gates and job.min_hidden else []
    train += ["--from", job.start.name] if job.start else []
    train += ["--data", data, "--out", f"{RUNS}/{name}"]
    train += ["--size", str(job.size)] if job.size else []
    train += ["--threads", str(finish.threads)] if finish.threads else []
    train += ["--data-note", job.note] if job.note else []
    train += ["--licence", job.licence] if job.licence else []
    for field in fields(Recipe):
        train += _option(field.name, getattr(recipe, field.name))
    measure = [*python, "evaluate", "--model", name, "--data", data]
    commands = {"train": shlex.join(train), "evaluate": shlex.join(measure)}
    return {**commands, "gate_life": shlex.join([*measure, "--gate-life"])} if gates else commands


def _option(name: str, value: object) -> list[str]:
    option = OPTION_NAMES.get(name, f"--{name.replace('_', '-')}")
    if isinstance(value, bool):
        return [option if value else option.replace("--", "--no-", 1)]
    return [option, str(value)]


def _limits(train: PictureSet, recipe: Recipe) -> tuple[str, ...]:
    height, width = train.size
    return (
        f"It knows its {len(train.classes)} classes and nothing else: any other picture is given one of them all the same.",
        f"It sees {width} x {height} pixels: what cannot be told at that size, it cannot tell.",
        f"It is one training with seed {recipe.seed}: a small difference to another network may be chance.",
        "Its probabilities are as calibrated as its card's ece says, on the pictures of that test split only.",
    )
