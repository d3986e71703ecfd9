"""What is in somebody's file: examined without loading anything of it into this process.

    with taken_in(path) as taken:       the file, opened, checked, and as safetensors
        report = examine(taken)         which network, what was unwrapped, what fits and what does not
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from seviz.intake.compare import MATCHED, MISMATCHED, MISSING, UNEXPECTED, Comparison
from seviz.intake.header import Stored, read_header
from seviz.intake.limited import WEIGHTS, Told, convert
from seviz.intake.opening import MAX_LEGACY, SAFETENSORS, Source, base_name, identify, open_untrusted, require_unchanged
from seviz.intake.recognise import recognise

SHOWN = 3  # names in a sentence


@dataclass(frozen=True)
class Taken:
    """A file that was taken in. weights: an open safetensors file, its own or what the limited process made of it."""

    source: Source
    told: Told
    weights: BufferedReader
    tensors: Mapping[str, Stored]


@dataclass(frozen=True)
class Report:
    """What a file holds, for people, before anything of it is loaded.

    steps: sentences on what was unwrapped, chosen, stripped and left aside. tensors: by name, prefixes stripped. comparison:
    with the network that it is of or nearest to, None where there is none near. choices: where names and shapes leave
    several. told: what else the file says.
    """

    source: Source
    steps: tuple[str, ...]
    tensors: Mapping[str, Stored]
    comparison: Comparison | None
    choices: tuple[str, ...]
    told: Told

    @property
    def fits(self) -> bool:
        return self.comparison is not None and self.comparison.fits

    @property
    def sentence(self) -> str:
        """What the file is, or why it cannot be loaded and what to do."""
        if self.choices:
            return (
                f"{self.source.name} fits {' and '.join(self.choices)}, which compute different things: say which it is with "
                "--arch, or in the box."
            )
        if self.comparison is None:
            return f"{self.source.name} is of no network that is known here; say which it is with --arch, or in the box."
        proposal = self.comparison.proposal
        if self.fits:
            return f"{self.source.name} is {proposal.arch} ({proposal.code}) with {proposal.classes:,} classes."
        return f"{self.source.name} is not {proposal.arch}: {self.comparison.summary} ({_examples(self.comparison)})."

    @property
    def notes(self) -> tuple[str, ...]:
        """steps, and what had to be assumed or filled in."""
        if self.comparison is None:
            return self.steps
        proposal, notes = self.comparison.proposal, self.steps
        counters = len(self.comparison.counters)
        if counters:
            notes += (f"{counters:,} counters of batch norms are not in the file; nothing depends on them.",)
        if proposal.zeros:
            notes += (f"{proposal.code} has no biases in its SE blocks: zeros stand in their place, which computes the same.",)
        other = sorted({one.dtype for one in self.tensors.values() if one.is_float} - {"float32"})
        if other:
            notes += (f"Its numbers are {', '.join(other)}; they become float32.",)
        return notes + proposal.assumed


@contextlib.contextmanager
def taken_in(path: str | os.PathLike[str], name: str | None = None, legacy: int = MAX_LEGACY) -> Iterator[Taken]:
    """A file as safetensors for the time of the `with`; nothing of it stays on disk.

    name: what it is called in sentences, its own when None. legacy: bytes that a file of the old form may have.

    Raises CheckpointError, one sentence.
    """
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(open_untrusted(path))
        source = identify(file, name or base_name(path), legacy)
        told, weights = Told((), "", (), {}), file
        if source.kind != SAFETENSORS:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="seviz-intake-")))
            told = convert(file, source, folder)
            weights = stack.enter_context(open_untrusted(folder / WEIGHTS, 4 * source.size + 2**24))
            require_unchanged(file, source)
        yield Taken(source, told, weights, read_header(weights, source.name))


def examine(taken: Taken, arch: str | None = None) -> Report:
    """Which network a file is of: `arch`, or what its names and shapes say. Raises RequestError where there is no `arch`."""
    found = recognise(taken.tensors, arch, taken.told.arch)
    steps = taken.told.steps + found.steps
    return Report(taken.source, steps, found.tensors, found.comparison, found.choices, taken.told)


def _examples(comparison: Comparison) -> str:
    words = []
    for state in (MISSING, UNEXPECTED, MISMATCHED):
        rows = comparison.of(state)
        if rows:
            names = ", ".join(row.name or row.in_file for row in rows[:SHOWN])
            words.append(f"{state}: {names}{', ...' if len(rows) > SHOWN else ''}")
    return "; ".join(words) or MATCHED
