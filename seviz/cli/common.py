"""What several commands share: kinds of arguments, progress on standard error, JSON on standard output, the device."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from seviz.checkpoints import typed_name
from seviz.errors import RequestError
from seviz.jobs import report
from seviz.pretrained import import_at_hand, is_named

if TYPE_CHECKING:
    import torch

Progress = Callable[[int, int], None]
DEVICES = ("auto", "cpu", "cuda", "mps")
MAX_THREADS = max(256, os.cpu_count() or 1)  # with thousands the system refuses to make them, and torch dies of it
MAX_BATCH = 16_384


def whole(least: int, most: int, words: str = "") -> Callable[[str], int]:
    """A whole number in a range, for argparse. words: what it is called when it is not."""

    def parse(text: str) -> int:
        value = int(text)
        if not least <= value <= most:
            raise ValueError
        return value

    parse.__name__ = words or f"number from {least} to {most}"  # argparse: "invalid number from 1 to 256 value: '0'"
    return parse


positive = whole(1, 10**9, "positive number")
not_negative = whole(0, 2**32 - 1, "number of at least 0")


def path(text: str) -> Path:
    """A file or a folder, for argparse, which Path alone would take for the working folder where nothing is named."""
    if not text or "\0" in text:
        raise argparse.ArgumentTypeError("an empty name; name a file or a folder")
    return Path(os.path.expanduser(text))


def words(text: str) -> str:
    """Text that a card can hold, for argparse."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError("not UTF-8, so no card can hold it") from None
    return text


def require_place(out: Path, *, folder: bool) -> None:
    """Raises RequestError where `out` cannot become a folder (or a file): said at once, not after hours of work."""
    fits, what = (stat.S_ISDIR, "folder") if folder else (stat.S_ISREG, "file")
    try:
        if not fits(out.stat().st_mode):
            raise RequestError(f"--out {out} is there and no {what}; choose another.")
    except FileNotFoundError:
        pass
    except OSError as error:
        raise RequestError(f"--out {out} cannot be used ({error.strerror}); choose another.") from error
    inside = out if folder else out.parent
    there = next(one for one in (inside, *inside.absolute().parents) if one.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        raise RequestError(f"--out {out} cannot be written (no permission in {there}); choose another.")


def add_pass_options(command: argparse.ArgumentParser, batch: int) -> None:
    """Of a network over a split of a data set, `batch` pictures at a time."""
    command.add_argument("--model", required=True, metavar="M", help="a name that `seviz models` lists, or a path")
    command.add_argument("--data", required=True, metavar="D", help="cifar10 or folder:PATH")
    command.add_argument("--split", choices=("train", "test"), default="test")
    size = whole(1, MAX_BATCH)
    command.add_argument("--batch", type=size, metavar="N", default=batch, help=f"pictures at a time; {batch}")


def add_machine_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--device", choices=DEVICES, default="auto", help="auto: CUDA, then MPS, then CPU")
    threads = whole(1, MAX_THREADS)
    command.add_argument("--threads", type=threads, metavar="N", help="CPU threads; torch's own choice when not given")


def use_at_hand(options: argparse.Namespace) -> None:
    """Import the networks of timm or torchvision that a command names, where their files lie in a cache of this computer.

    Nothing is fetched. Raises CheckpointError, which names the command that fetches, and RequestError for unknown names.
    """
    for role in ("model", "against", "first", "second", "start"):
        name = getattr(options, role, None)
        if isinstance(name, str) and is_named(name):
            setattr(options, role, typed_name(import_at_hand(name)))


def use_machine(options: argparse.Namespace) -> torch.device:
    """Set the threads and return the device. Raises RequestError for a device that is not there."""
    import torch

    from seviz.machine import choose_device

    if options.threads:
        torch.set_num_threads(options.threads)
    return choose_device(None if options.device == "auto" else options.device)


def print_json(value: Mapping[str, object]) -> None:
    """One object on one line. Raises ValueError for NaN and infinities."""
    print(json.dumps(value, allow_nan=False))


@contextlib.contextmanager
def counting(what: str, unit: str = " pictures", *, scale: bool = False) -> Iterator[Progress]:
    """A progress bar on standard error, where that is a terminal; a job says it in its status file as well.

    Yields progress(done, in all).
    """
    from tqdm import tqdm

    with tqdm(desc=what, unit=unit, unit_scale=scale, leave=False, disable=None, file=sys.stderr) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total or None
            bar.update(done - bar.n)
            report(what, done, total, unit.strip())

        yield progress


@contextlib.contextmanager
def reading(what: str) -> Iterator[Progress]:
    """counting, for what reads pictures: what libtiff prints of a damaged one stays off standard error.

    A sentence says it already. Descriptor 2 is the process's, so this is for the command line alone; sys.stderr and the
    progress bar on it go on as before.
    """
    with _descriptor_closed_to_libraries(), counting(what) as progress:
        yield progress


@contextlib.contextmanager
def _descriptor_closed_to_libraries() -> Iterator[None]:
    shown = sys.stderr
    try:
        kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    except OSError:  # there is no standard error at all
        yield
        return
    with open(kept, "w", encoding=shown.encoding, errors="backslashreplace", buffering=1) as own, open(nowhere, "wb") as closed:
        shown.flush()
        os.dup2(closed.fileno(), 2)
        if _is_descriptor_2(shown):
            sys.stderr = own
        try:
            yield
        finally:
            sys.stderr = shown
            os.dup2(kept, 2)


def _is_descriptor_2(stream: object) -> bool:
    try:
        return isinstance(stream, io.IOBase) and stream.fileno() == 2
    except OSError:
        return False
