"""What every benchmark needs: interleaved timing, and where it ran."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch


def interleaved(tasks: Mapping[str, Callable[[], object]], *, rounds: int, warmups: int = 2) -> dict[str, float]:
    """Median milliseconds of each task; one call of each a round, so that what disturbs one disturbs all."""
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for number in range(warmups + rounds):
        for name, task in tasks.items():
            start = time.perf_counter()
            task()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if number >= warmups:
                times[name].append((time.perf_counter() - start) * 1000)
    return {name: statistics.median(values) for name, values in times.items()}


def machine() -> dict[str, Any]:
    """Processor, threads and versions, as they stand beside every figure."""
    from seviz.machine import hardware, versions

    return {"hardware": hardware(), "versions": versions()}


def report(name: str, **values: Any) -> None:
    """Print the result as one JSON object, the last line of standard output."""
    sys.stdout.write(json.dumps({"benchmark": name, **values, **machine()}) + "\n")
