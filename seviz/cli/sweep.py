"""`seviz sweep FILE`: a list of trainings, one after another; run again it goes on, and writes the table of them."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seviz.cli import corruptions
from seviz.cli import train as trains
from seviz.cli.common import add_machine_options, path, print_json, require_place, use_at_hand, use_machine
from seviz.errors import DivergedError, SevizError

if TYPE_CHECKING:
    from seviz.card import Card
    from seviz.corruptions import Corruptions
    from seviz.nets import Cost
    from seviz.sweep import Plan, Run, Standing, Sweep, Variation
    from seviz.training import Job

    Told = tuple[Run, argparse.Namespace]  # a training, and its settings as options of `seviz train`

HOME = Path("sweeps")  # of a sweep without --out
AGAIN = "run the sweep again"
TABLE_FILE, JSON_FILE = "table.md", "sweep.json"


def add(commands: Any) -> None:
    about = (
        "FILE is TOML: settings of `seviz train` that all trainings share, and those that each has of its own (Sweeps in "
        "docs/training.md). All of it is checked before the first training starts. Run again, finished trainings are left as "
        "they are, and a stopped one goes on."
    )
    command = commands.add_parser("sweep", help="run a list of trainings, and write the table of them", description=about)
    command.add_argument("file", type=path, metavar="FILE", help="such as docs/sweeps/reduction.toml")
    place = "holds a checkpoint a training and seed, table.md and sweep.json; sweeps/NAME of the file"
    command.add_argument("--out", type=path, metavar="DIR", help=place)
    command.add_argument("--data", metavar="D", help="cifar10 or folder:PATH, in the place of the file's data")
    only = command.add_mutually_exclusive_group()
    only.add_argument("--dry-run", action="store_true", help="check everything, say what would be trained, and train nothing")
    only.add_argument("--table-only", action="store_true", help="write the table of what is finished, and train nothing")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    add_machine_options(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Check, train what is not finished, write the table. Raises SevizError, or KeyboardInterrupt with a sentence."""
    from seviz.sweep import read_plan

    out = options.out or HOME / options.file.stem
    require_place(out, folder=True)
    plan = read_plan(options.file, options.data)
    going = _Going(plan, list(_told(plan, options, out)), out, _command(options))
    costs = {} if options.table_only else going.check()
    if options.dry_run:
        print_json(going.plan_json(costs)) if options.json else print("\n".join(going.plan_lines(costs)))
        return
    if not options.table_only:
        going.train()
    sweep = going.write()
    if options.json:
        print_json(sweep.to_json())
    else:
        print(f"{sweep.to_markdown()}\nwrote {out / TABLE_FILE} and {out / JSON_FILE}")
    going.require_numbers()


class _Going:
    """A sweep on its way: its trainings in the order of the file, seed by seed, and how far each is."""

    def __init__(self, plan: Plan, told: list[Told], out: Path, command: str) -> None:
        self.plan, self.told, self.out, self.command = plan, told, out, command
        self.pictures = _Pictures()
        self.diverged: dict[Run, str] = {}
        self.standings = {one: self._standing(one) for one, _ in told}

    def _standing(self, one: Run) -> Standing:
        from seviz.sweep import standing

        with _naming(self.plan, one.name):
            return standing(one, self.plan.corruptions)

    def check(self) -> dict[str, Cost]:
        """Every training against its pictures. Returns what each network costs, by name. Raises TrainingError."""
        from seviz.corruptions import require_corruptible
        from seviz.sweep import require_same_pictures

        costs: dict[str, Cost] = {}
        for one, _ in self.told:
            with _naming(self.plan, one.name):
                train, test = self.pictures(one.job)
                require_same_pictures(one, self.standings[one], train, test)
                if self.plan.corruptions:
                    require_corruptible(train.size)
                if one.name not in costs:
                    costs[one.name] = _cost(one, train.size, len(train.classes), len(train))
        return costs

    def train(self) -> None:
        """What is not finished, with the table after each. Raises TrainingError where no training could go on."""
        waiting = [(one, options) for one, options in self.told if not self._done_with(one)]
        for number, (one, options) in enumerate(waiting, 1):
            print(f"training {number} of {len(waiting)}: {one.name}, seed {one.seed}", file=sys.stderr)
            try:
                if not self.standings[one].card:
                    self._train(one, options)
                if self.plan.corruptions:
                    self._corrupt(one, options)
            except DivergedError as error:  # the others do not wait for somebody to mend it
                self.diverged[one] = str(error)
            self.standings[one] = self._standing(one)
            self.write()

    def _done_with(self, one: Run) -> bool:
        found = self.standings[one]
        return found.card is not None and (found.corruptions is not None or not self.plan.corruptions)

    def _corrupt(self, one: Run, options: argparse.Namespace) -> None:
        from seviz.checkpoints import open_checkpoint
        from seviz.corruptions import CORRUPTIONS_FILE, Setting
        from seviz.resuming import state_path
        from seviz.training import naming_the_cause

        checkpoint, (_, read) = open_checkpoint(one.folder), self.pictures(one.job)
        out, limit = one.folder / CORRUPTIONS_FILE, self.plan.corruptions
        setting = Setting(
            weights_sha256=checkpoint.card.weights_sha256,
            command=corruptions.command(checkpoint.name, read, limit),
            limit=limit,
            batch=corruptions.BATCH,
            resume=state_path(out).exists(),
        )
        try:
            with naming_the_cause(AGAIN):
                test = read.labelled_as(checkpoint.card.classes)
                corruptions.measured(checkpoint, test, out, setting, use_machine(options))
        except SevizError as error:
            raise self.plan.complain(one.name, f"with seed {one.seed}: {error}") from error
        except KeyboardInterrupt:
            stopped = f"stopped while {one.name!r} with seed {one.seed} saw corrupted pictures; {AGAIN} to go on."
            raise KeyboardInterrupt(stopped) from None

    def _train(self, one: Run, options: argparse.Namespace) -> None:
        from seviz.checkpoints import STATE_FILE

        try:
            state = trains.state_in(one.folder, (one.folder / STATE_FILE).exists())
            trains.train(options, state, read=self.pictures, again=AGAIN)
        except DivergedError:
            raise
        except SevizError as error:
            raise self.plan.complain(one.name, f"with seed {one.seed}: {error}") from error
        except KeyboardInterrupt:
            stopped = f"stopped while {one.name!r} was trained with seed {one.seed}; {AGAIN} to go on."
            raise KeyboardInterrupt(stopped) from None

    def write(self) -> Sweep:
        """The table of what is finished, as DIR/table.md and DIR/sweep.json."""
        from seviz.files import write_bytes, write_json
        from seviz.sweep import tabulate
        from seviz.training import naming_the_cause

        cards: dict[str, list[Card]] = {}
        corrupted: dict[str, list[Corruptions]] = {}
        for one, found in self.standings.items():
            cards.setdefault(one.name, []).extend([found.card] if found.card else [])
            corrupted.setdefault(one.name, []).extend([found.corruptions] if found.corruptions else [])
        missing = [self._words(one) for one, found in self.standings.items() if not found.card]
        sweep = tabulate(self.plan, cards, missing, self.command, corrupted)
        with naming_the_cause(AGAIN):
            write_bytes(self.out / TABLE_FILE, sweep.to_markdown().encode())
            write_json(self.out / JSON_FILE, sweep.to_json())
        return sweep

    def _words(self, one: Run) -> str:
        why = ", its loss diverged" if one in self.diverged else ""
        return f"{one.name}, seed {one.seed}, {self.standings[one].epochs} of {one.recipe.epochs} epochs done{why}"

    def require_numbers(self) -> None:
        """Raises TrainingError where a training diverged."""
        for one, sentence in self.diverged.items():
            many = f"one of {len(self.diverged)} that diverged, " if len(self.diverged) > 1 else ""
            raise self.plan.complain(one.name, f"{many}with seed {one.seed}: {sentence}")

    def plan_json(self, costs: dict[str, Cost]) -> dict[str, object]:
        trainings = [
            {"name": one.name, "seed": one.seed, "folder": str(one.folder), "standing": found.word, "epochs_done": found.epochs,
             "epochs": one.recipe.epochs, **vars(costs[one.name])}
            for one, found in self.standings.items()
        ]  # fmt: skip
        return {"command": self.command, "trainings": trainings}

    def plan_lines(self, costs: dict[str, Cost]) -> list[str]:
        width = max(len(name) for name in (*costs, "training"))
        lines = [f"{'training':<{width}} {'parameters':>12} {'multiply-adds':>14} {'epochs':>7}  seeds"]
        for name, cost in costs.items():
            of_name = [one for one in self.standings if one.name == name]
            seeds = ", ".join(f"{one.seed} {self._done(one)}" for one in of_name)
            line = f"{name:<{width}} {cost.parameters:>12,} {cost.multiply_adds / 1e6:>12.2f} M {of_name[0].recipe.epochs:>7}"
            lines.append(f"{line}  {seeds}")
        left = [one for one, found in self.standings.items() if not found.card]
        epochs = sum(one.recipe.epochs - self.standings[one].epochs for one in left)
        return [*lines, "", f"{len(self.told)} trainings, {len(left)} of them not finished, {epochs:,} epochs to go"]

    def _done(self, one: Run) -> str:
        found = self.standings[one]
        return f"({found.word})" if not found.epochs or found.card else f"({found.word} after epoch {found.epochs})"


class _Pictures:
    """Both splits of the data of a job; those of the last one are kept, as most trainings of a sweep share them."""

    def __init__(self) -> None:
        self._kept: tuple[tuple[str, int | None], trains.Splits] | None = None

    def __call__(self, job: Job) -> trains.Splits:
        wanted = job.data, job.size
        if self._kept is None or self._kept[0] != wanted:
            self._kept = None  # or there would be two sets in memory
            self._kept = wanted, trains.read_splits(job)
        return self._kept[1]


def _told(plan: Plan, options: argparse.Namespace, out: Path) -> Iterator[Told]:
    """Every training with every seed. Raises TrainingError for settings that its network or its recipe refuses."""
    from seviz.sweep import Run

    device = use_machine(options)
    for variation in plan.variations:
        with _naming(plan, variation.name):
            for seed in plan.seeds:
                folder = out / f"{variation.slug}-seed{seed}"
                told = _as_options(variation, seed, folder, options)
                use_at_hand(told)
                job, recipe = trains.job_of(told, None), trains.recipe_of(told, None, device)
                yield Run(variation.name, recipe, job, folder, variation.settings.get("precision", "auto") != "auto"), told


def _as_options(variation: Variation, seed: int, folder: Path, options: argparse.Namespace) -> argparse.Namespace:
    """A variation's settings among the options of `seviz train`; those that it has not are as they are there."""
    parser = argparse.ArgumentParser()
    trains.add(parser.add_subparsers())
    told = parser.parse_args(["train", f"--out={folder}"])
    vars(told).update(variation.settings, seed=seed, device=options.device, threads=options.threads)
    return told


def _cost(one: Run, size: tuple[int, int], classes: int, count: int) -> Cost:
    """Of a network without weights. Raises TrainingError where it cannot be trained with `count` pictures of this size."""
    import torch

    from seviz import nets
    from seviz.training import require_pass

    trains.require_pad(one.recipe, min(size))
    made = one.job.options(classes)
    require_pass(one.job, made, one.recipe, size, count)
    with torch.device("meta"):
        return nets.cost(nets.from_card(made).eval(), *size)


@contextmanager
def _naming(plan: Plan, name: str) -> Iterator[None]:
    """What is wrong with a training is said with the file and its name."""
    try:
        yield
    except SevizError as error:
        raise plan.complain(name, str(error)) from error


def _command(options: argparse.Namespace) -> str:
    """As it was typed, but for where things lie on this computer."""
    words = ["python", "-m", "seviz", "sweep", _typed(options.file)]
    if options.data:
        kind, colon, place = options.data.partition(":")
        words += ["--data", f"{kind}:{Path(place).resolve().name}" if colon else kind]
    return shlex.join(words + (["--out", _typed(options.out)] if options.out else []))


def _typed(place: Path) -> str:
    return place.name if place.is_absolute() else str(place)
