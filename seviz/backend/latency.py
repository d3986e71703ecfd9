"""How long a forward pass of one picture takes on this machine: several models in turn, so that what disturbs one
disturbs all."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from seviz.backend.model import Model

WARMUPS, REPEATS = 5, 60


@dataclass(frozen=True)
class Latency:
    """median, low, high: milliseconds of one picture (batch 1): the median and the quartiles of `repeats` passes. fastest:
    the shortest. device: where. threads: that torch uses on the CPU, of `cores`."""

    model: str
    median: float
    low: float
    high: float
    fastest: float
    repeats: int
    device: str
    precision: str
    threads: int
    cores: int


def latency(
    models: Sequence[Model], *, repeats: int = REPEATS, progress: Callable[[int, int], None] | None = None
) -> tuple[Latency, ...]:
    """Time the models' passes in turn, after WARMUPS that do not count. The networks are as the app runs them: batch norm
    folded into the convolutions, channels_last memory.

    Args: progress: called with (rounds done, in all).
    """
    times: list[list[float]] = [[] for _ in models]
    for number in range(WARMUPS + repeats):
        for model, taken in zip(models, times, strict=True):
            milliseconds = model.time_pass()
            if number >= WARMUPS:
                taken.append(milliseconds)
        if progress:
            progress(number + 1, WARMUPS + repeats)
    return tuple(_summary(model, taken) for model, taken in zip(models, times, strict=True))


def _summary(model: Model, taken: Sequence[float]) -> Latency:
    low, median, high = np.percentile(taken, [25, 50, 75]).tolist()
    return Latency(
        model=model.name,
        median=median,
        low=low,
        high=high,
        fastest=min(taken),
        repeats=len(taken),
        device=str(model.device),
        precision=model.precision,
        threads=torch.get_num_threads(),
        cores=os.cpu_count() or 1,
    )
