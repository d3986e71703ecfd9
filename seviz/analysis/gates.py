"""One picture's gates at one site: order, extremes, summary and deviation from a mean.

A high gate is not an important channel: what a gate is worth is measured by an edit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

CLOSED, OPEN = 0.05, 0.95  # below and above: a gate that is all but shut, or all but out of the way
MIDDLE = (0.45, 0.55)  # what a sigmoid says when it has nothing to say
ORDERS = ("channel", "sorted")


@dataclass(frozen=True)
class Extremes:
    """Channel indexes, int64 (k,) each: opened from the highest gate down, closed from the lowest up. None is in both."""

    opened: NDArray[np.int64]
    closed: NDArray[np.int64]


@dataclass(frozen=True)
class Summary:
    """The gates of a site over its C channels: mean, standard deviation (of the channels, not of a sample), lowest,
    highest, and the shares of channels below 0.05, in 0.45..0.55 and above 0.95."""

    channels: int
    mean: float
    sd: float
    lowest: float
    highest: float
    share_closed: float
    share_middle: float
    share_open: float


def channel_order(gates: ArrayLike, order: str) -> NDArray[np.int64]:
    """The channels (C,) in the order they are shown: "channel", or "sorted" from the highest gate down.

    Of equal gates the lower channel comes first. Raises ValueError for another order.
    """
    values = np.asarray(gates)
    if order == "channel":
        return np.arange(len(values))
    if order == "sorted":
        return np.argsort(-values, kind="stable")
    raise ValueError(f"an order is one of {', '.join(ORDERS)}; not {order!r}")


def extremes(gates: ArrayLike, k: int) -> Extremes:
    """The k most opened and the k most closed channels of gates (C,); of equal gates the lower channel first.

    At most half of the channels each, so that no channel is called both.
    """
    values = np.asarray(gates)
    count = max(0, min(k, len(values) // 2))
    falling = channel_order(values, "sorted")
    opened = falling[:count]
    rest = np.sort(falling[count:])
    return Extremes(opened, rest[np.argsort(values[rest], kind="stable")][:count])


def summary(gates: ArrayLike) -> Summary:
    """What a site's gates (C,), 0..1, look like together. Raises ValueError where there are none."""
    values = np.asarray(gates, dtype=np.float64)
    if values.ndim != 1 or not len(values):
        raise ValueError(f"the gates of a site are (C,) with C > 0, not {values.shape}")
    return Summary(
        channels=len(values),
        mean=float(values.mean()),
        sd=float(values.std()),
        lowest=float(values.min()),
        highest=float(values.max()),
        share_closed=float((values < CLOSED).mean()),
        share_middle=float(((values >= MIDDLE[0]) & (values <= MIDDLE[1])).mean()),
        share_open=float((values > OPEN).mean()),
    )


def deviation(gates: ArrayLike, mean: ArrayLike, sd: ArrayLike | None = None) -> NDArray[np.float64]:
    """How far gates (..., C) are from a mean (C,): in units of gate, or of `sd` (C,) where it is given.

    NaN where the sd is 0: a gate that never moved has no scale.
    """
    difference = np.asarray(gates, dtype=np.float64) - np.asarray(mean, dtype=np.float64)
    if sd is None:
        return difference
    scale = np.asarray(sd, dtype=np.float64)
    return difference / np.where(scale > 0, scale, np.nan)
