"""Our side of the limited process: it is started on an open file, waited for, and what it leaves is looked at."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any

from seviz.errors import CheckpointError, printable
from seviz.intake.opening import Source

MEMORY = 512 * 2**20  # bytes that any checkpoint may take, and of a larger one MEMORY_TIMES its size
MEMORY_TIMES = 4
SECONDS = 30  # of a processor
PATIENCE = 120  # seconds by the clock
WEIGHTS, TOLD = "found.safetensors", "found.json"  # as in child.py, which is not imported: it needs torch
MAX_TOLD = 4 * 2**20
ROOT = Path(__file__).resolve().parents[2]
MOST_WORDS = 500


@dataclass(frozen=True)
class Told:
    """What the limited process tells of a checkpoint: sentences, and hints as of layouts.Unwrapped. None of it is trusted."""

    steps: tuple[str, ...]
    arch: str
    classes: tuple[str, ...]
    said: Mapping[str, float]


def convert(file: BufferedReader, source: Source, folder: Path) -> Told:
    """Let the limited process make folder/found.safetensors of an open checkpoint that torch.save wrote.

    folder: private and empty. Raises CheckpointError, one sentence, where it refuses, takes too much, or ends badly.
    """
    if sys.platform == "win32":
        raise CheckpointError("Checkpoints of torch.save are read on Linux and macOS alone; convert it to safetensors.")
    file.seek(0)
    memory = max(MEMORY, MEMORY_TIMES * source.size)
    command = [sys.executable, "-P", "-m", "seviz.intake.child", str(memory), str(SECONDS)]
    process = subprocess.Popen(
        command,
        stdin=file,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env=_environment(folder),
        start_new_session=True,
    )
    try:
        status = process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        status = -signal.SIGXCPU
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return _outcome(folder, source, status)


def _environment(folder: Path) -> dict[str, str]:
    """Nothing of ours but where Python finds its libraries: no keys, no proxies, no home."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PATH") if name in os.environ}
    places = os.pathsep.join([str(ROOT), *(one for one in os.environ.get("PYTHONPATH", "").split(os.pathsep) if one)])
    own = {"PYTHONPATH": places, "HOME": str(folder), "TMPDIR": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return {**kept, **own, "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1", "CUDA_VISIBLE_DEVICES": ""}


def _outcome(folder: Path, source: Source, status: int) -> Told:
    if status == -signal.SIGXCPU:
        raise CheckpointError(f"{source.name} takes longer to read than any checkpoint of a network; it is damaged.")
    if status == -signal.SIGXFSZ:
        raise CheckpointError(f"{source.name} would unpack to far more than it is; it is damaged, or made to do harm.")
    try:
        told = json.loads(_read(folder / TOLD)) if status == 0 else None
        if isinstance(told, dict) and "refused" in told:
            raise CheckpointError(f"{source.name} {_words(told['refused'])}.")
        return _told(told)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise CheckpointError(
            f"{source.name} ended the process that read it (status {status}): it is damaged, or too large for the memory."
        ) from error


def _told(values: Any) -> Told:
    hints = values["hints"]
    classes = [_words(name) for name in hints.get("classes", [])]
    said = {_words(name): float(number) for name, number in hints.get("said", {}).items()}
    return Told(tuple(_words(step) for step in values["steps"])[:8], _words(hints.get("arch", "")), tuple(classes), said)


def _read(path: Path) -> bytes:
    with open(path, "rb") as file:
        content = file.read(MAX_TOLD + 1)
    if len(content) > MAX_TOLD:
        raise ValueError("too many words")
    return content


def _words(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return printable(value[:MOST_WORDS])
