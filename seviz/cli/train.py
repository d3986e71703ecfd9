"""`seviz train`: from a data set to a finished checkpoint; stopped at any moment, --resume goes on."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seviz.card import MAX_SIDE
from seviz.cli.common import (
    add_machine_options,
    counting,
    path,
    positive,
    reading,
    require_place,
    use_machine,
    whole,
    words,
)
from seviz.cli.recipe_options import add_recipe_options
from seviz.errors import TrainingError, printable
from seviz.files import is_utf8

if TYPE_CHECKING:
    import torch

    from seviz.card import Card
    from seviz.data import PictureSet
    from seviz.history import Epoch
    from seviz.training import Job, Recipe, RunState, Trainer

    Splits = tuple[PictureSet, PictureSet]  # to train on, and to test on

LEAST_STD = 0.001  # of a colour, that what all pictures have alike is not divided by zero
POSITIONS = ("standard", "pre", "post", "identity", "3x3")  # as seviz.nets.placement has them
SQUEEZES = ("avg", "max", "none")  # as seviz.nets.se has them
MOST_HIDDEN = 8192  # units, as many as the widest stage has channels
DEFAULT_REDUCTION = 4  # at 16 the widths of a CIFAR network leave one hidden unit; torchvision's are wide enough for 16


def add(commands: Any) -> None:
    about = "Options that are not given keep the recipe's values; with --resume, the values of the run."
    command = commands.add_parser("train", help="train a network", description=about)
    command.add_argument("--arch", metavar="A", help="such as se_resnet20, resnet18_64 (64 x 64) or torchvision:NAME[+se]")
    command.add_argument("--data", metavar="D", help="cifar10 or folder:PATH, with a train and a test split")
    command.add_argument("--out", type=path, required=True, metavar="DIR", help="the checkpoint's folder")
    command.add_argument("--resume", action="store_true", help="continue; on a CPU bit for bit, given as many threads")
    command.add_argument("--reduction", type=positive, metavar="R", help="r of the SE blocks; 4, torchvision's 16")
    command.add_argument("--position", choices=POSITIONS, help="of the SE blocks in a unit (seviz.insert_se); standard")
    command.add_argument("--where", type=_stages, metavar="S", help="the stages with SE blocks, such as 2,3; all")
    command.add_argument("--squeeze", choices=SQUEEZES, help="mean or maximum over the pixels, or none: a gate a pixel; avg")
    hidden = "of an SE block; 1, se_resnet18_64's 8"
    command.add_argument("--min-hidden", type=whole(1, MOST_HIDDEN), metavar="N", help=f"the fewest hidden units {hidden}")
    command.add_argument("--from", dest="start", metavar="M", help="begin with the weights of this checkpoint")
    size = "resize and crop pictures to SIZE x SIZE; their own size when not given"
    command.add_argument("--size", type=whole(1, MAX_SIDE), metavar="SIZE", help=size)
    command.add_argument("--data-note", type=words, metavar="TEXT", help="what the card has to say about the pictures")
    command.add_argument("--licence", type=words, metavar="TEXT", help="what the card says of the weights' licence")
    add_machine_options(command)
    add_recipe_options(command.add_argument_group("recipe"))
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Train, or go on, and finish the checkpoint. Raises SevizError, or KeyboardInterrupt with a sentence."""
    require_place(options.out, folder=True)
    if not is_utf8(options.out.name):
        raise TrainingError(f"--out {options.out} is no UTF-8, and the folder's name is the checkpoint's; choose another.")
    state = state_in(options.out, options.resume)
    if state is None and options.resume:
        print(f"{options.out} is finished already; `python -m seviz models` shows what it is.")
        return
    try:
        card = train(options, state)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_how_to_go_on(options.out)) from None
    accuracy = card.metrics["accuracy"]
    print(f"{card.name}: accuracy {accuracy.value:.2%} on {accuracy.n:,} pictures of {accuracy.data}, {accuracy.split}.")


def _stages(text: str) -> str:
    """Numbers with commas, in order and each once, for argparse."""
    try:
        return ",".join(str(stage) for stage in sorted({int(stage) for stage in text.split(",")}))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} names no stages; write numbers such as 2,3") from None


def state_in(folder: Path, resume: bool) -> RunState | None:
    """What to resume: None for a fresh start, and for a training that is finished.

    Raises TrainingError where a fresh start would overwrite something, or there is nothing to resume.
    """
    from seviz.checkpoints import CARD_FILE, STATE_FILE, WEIGHTS_FILE
    from seviz.training import RunState

    finished, unfinished = (folder / CARD_FILE).exists(), (folder / STATE_FILE).exists()
    if resume:
        return None if finished and not unfinished else RunState.load(folder)
    if unfinished:
        raise TrainingError(f"{folder} holds a training that is not finished; continue with --resume or choose another --out.")
    if finished or (folder / WEIGHTS_FILE).exists():
        raise TrainingError(f"{folder} holds a finished checkpoint; choose another --out.")
    return None


def train(
    options: argparse.Namespace, state: RunState | None, *, read: Callable[[Job], Splits] | None = None, again: str = "--resume"
) -> Card:
    """Train to the end and write the checkpoint, from a state where there is one.

    Args: options: of `seviz train`. read: gives the pictures in the place of read_splits. again: as of naming_the_cause.
    Raises SevizError.
    """
    from seviz.files import sweep_temporary
    from seviz.training import naming_the_cause

    device = use_machine(options)
    recipe = recipe_of(options, state, device)
    job = job_of(options, state.job if state else None)
    if job.size:
        require_pad(recipe, job.size)
    train, test = (read or read_splits)(job)
    job = replace(job, train_sha256=train.key.sha256, test_sha256=test.key.sha256)
    with naming_the_cause(again):  # from here on files are written, not read
        trainer = _trainer(job, recipe, train, device, options.start if state is None else None)
        if state:
            trainer.restore(state)
        sweep_temporary(options.out)
        _run_epochs(trainer, train, test, options.out)
        return _finish(options, trainer, job, train, test)


def require_pad(recipe: Recipe, side: int) -> None:
    """Raises TrainingError where pictures of that size cannot be reflected so far."""
    if recipe.crop == "shift" and recipe.pad >= side:
        raise TrainingError(f"--pad {recipe.pad} is not below the {side} pixels of the pictures' side; make it smaller.")


def _finish(options: argparse.Namespace, trainer: Trainer, job: Job, train: PictureSet, test: PictureSet) -> Card:
    from seviz.training import Finish, finish_training

    with ExitStack() as bars:
        shown: dict[str, Any] = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in shown:
                shown[what] = bars.enter_context(counting(what))
            shown[what](done, total)

        return finish_training(trainer, train, test, options.out, Finish(job, options.threads, progress=progress))


def recipe_of(options: argparse.Namespace, state: RunState | None, device: torch.device) -> Recipe:
    """The options over the run's recipe, or over the defaults."""
    from seviz.machine import best_precision
    from seviz.training import Recipe

    given = {field.name: getattr(options, field.name) for field in fields(Recipe)}
    given = {name: value for name, value in given.items() if value is not None and value != "auto"}
    return replace(state.recipe if state else Recipe(precision=best_precision(device)), **given)


def job_of(options: argparse.Namespace, stored: Job | None) -> Job:
    """The options over what the run was started with.

    Raises TrainingError where --arch or --data is missing or --from is of another network, RequestError where there is no
    such architecture, CheckpointError where --from names no checkpoint.
    """
    from seviz.training import Job

    wide = (options.arch or "").startswith("torchvision:")
    base = stored or Job("", 16 if wide else DEFAULT_REDUCTION, "", "", None, "", "")
    given = {"arch": options.arch, "data": options.data, "note": options.data_note, "licence": options.licence}
    given |= {name: getattr(options, name) for name in ("reduction", "size", "position", "where", "squeeze", "min_hidden")}
    job = replace(base, **{name: value for name, value in given.items() if value is not None})
    for name in ("arch", "data"):
        if not getattr(job, name):
            raise TrainingError(f"A training needs --{name}; see `python -m seviz train --help`.")
    job.options(classes=2)  # said before the pictures are read
    return job if options.start is None else job.beginning_with(options.start, fresh=stored is None)


def read_splits(job: Job) -> Splits:
    """Both splits, with the same classes. Raises DataError or TrainingError where they cannot be trained with."""
    from seviz.data import open_data
    from seviz.images import Preprocessing

    fit_to = Preprocessing(job.size, job.size) if job.size else None
    splits = []
    for split in ("train", "test"):
        with reading(f"reading {split}") as progress:
            splits.append(open_data(job.data, split, fit_to=fit_to, progress=progress))
        for sentence in splits[-1].unreadable:
            print(f"left out: {printable(sentence)}", file=sys.stderr)
    train, test = splits[0], splits[1].labelled_as(splits[0].classes)
    _require_enough(job, train, test)
    return train, test


def _require_enough(job: Job, train: PictureSet, test: PictureSet) -> None:
    """Raises TrainingError where a training would fail in its first epoch or after its last, or would mean nothing."""
    if len(train.classes) < 2 or min(len(train), len(test)) < 2:
        raise TrainingError(f"{job.data} has too little to learn: two classes, and two pictures a split, are the least.")
    if train.key.same_samples(test.key):
        raise TrainingError(f"{job.data} has no test split: a figure of pictures that were trained on would mean nothing.")
    if train.size != test.size:
        raise TrainingError(f"The training and test pictures of {job.data} have different sizes; give --size.")
    if max(train.size) > MAX_SIDE:
        raise TrainingError(f"The pictures of {job.data} have over {MAX_SIDE} pixels a side; give a smaller --size.")


def _trainer(job: Job, recipe: Recipe, train: PictureSet, device: torch.device, start: str | None) -> Trainer:
    """start: the checkpoint whose weights are taken; None for fresh ones, and where a state is going to replace them."""
    import torch

    from seviz import nets
    from seviz.checkpoints import open_checkpoint
    from seviz.data import channel_moments
    from seviz.images import Preprocessing
    from seviz.training import Trainer, begin_from, require_pass, set_first_weights

    options = job.options(len(train.classes))
    require_pass(job, options, recipe, train.size, len(train))
    torch.manual_seed(recipe.seed)
    net = nets.from_card(options)
    if job.start:
        preprocessing = Preprocessing(*train.size, mean=job.start.mean, std=job.start.std)
        if recipe.whiten:
            raise TrainingError("--whiten is of fresh weights; give it without --from.")
        if start:
            begun = open_checkpoint(start)
            if begun.card.options.get("se") and (recipe.se_init != "he" or recipe.se_bias):
                raise TrainingError(f"The SE layers of {begun.name} keep their weights; leave --se-init and --se-bias out.")
            set_first_weights(net, recipe, train, preprocessing)
            print(begin_from(net, begun, train.classes), file=sys.stderr)
        return Trainer(net, recipe, preprocessing, device, job)
    mean, (red, green, blue) = channel_moments(train.pictures)
    std = (max(red, LEAST_STD), max(green, LEAST_STD), max(blue, LEAST_STD))
    preprocessing = Preprocessing(*train.size, mean=mean, std=std)
    set_first_weights(net, recipe, train, preprocessing)
    return Trainer(net, recipe, preprocessing, device, job)


def _run_epochs(trainer: Trainer, train: PictureSet, test: PictureSet, folder: Path) -> None:
    from tqdm import tqdm

    from seviz.training import train_epochs

    epochs, count = trainer.recipe.epochs, len(train)
    with tqdm(total=epochs * count, initial=trainer.epochs_done * count, unit=" images", disable=None, leave=False) as bar:

        def report(number: int, seen: int, loss: float, accuracy: float) -> None:
            bar.set_description(f"epoch {number}/{epochs}", refresh=False)
            bar.set_postfix_str(f"loss {loss:.3f}, accuracy {accuracy:.1%}", refresh=False)
            bar.update((number - 1) * count + seen - bar.n)

        for epoch in train_epochs(trainer, train, test, folder, report):
            bar.write(_line(epoch, epochs, count), file=sys.stderr)


def _line(epoch: Epoch, epochs: int, count: int) -> str:
    left = round((epochs - epoch.epoch) * epoch.seconds / 60)
    return (
        f"epoch {epoch.epoch}/{epochs}: loss {epoch.train_loss:.3f}, accuracy {epoch.train_accuracy:.1%}; "
        f"test loss {epoch.test_loss:.3f}, test accuracy {epoch.test_accuracy:.1%}; "
        f"{count / epoch.seconds:.0f} images/s, {left // 60} h {left % 60:02d} min left"
    )


def _how_to_go_on(folder: Path) -> str:
    from seviz.checkpoints import STATE_FILE
    from seviz.history import read_history

    if not (folder / STATE_FILE).exists():
        return "stopped before the first epoch was done; start again."
    done = len(read_history(folder))
    return f"stopped after epoch {done}; continue with `python -m seviz train --out {folder} --resume`."
