"""What several commands share: progress on standard error, JSON on standard output, the choice of a device."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

Progress = Callable[[int, int], None]
DEVICES = ("auto", "cpu", "cuda", "mps")


def positive(text: str) -> int:
    """A whole number of at least 1, for argparse."""
    value = int(text)
    if value < 1:
        raise ValueError
    return value


positive.__name__ = "positive number"  # argparse: "invalid positive number value: '0'"


def not_negative(text: str) -> int:
    """A whole number of at least 0, for argparse."""
    value = int(text)
    if value < 0:
        raise ValueError
    return value


not_negative.__name__ = "number of at least 0"


def add_machine_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--device", choices=DEVICES, default="auto", help="auto: CUDA, then MPS, then CPU")
    command.add_argument("--threads", type=positive, help="CPU threads; torch's own choice when not given")


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
    """A progress bar on standard error, where that is a terminal. Yields progress(done, in all)."""
    from tqdm import tqdm

    with tqdm(desc=what, unit=unit, unit_scale=scale, leave=False, disable=None, file=sys.stderr) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total or None
            bar.update(done - bar.n)

        yield progress
