"""Which channels stay: the same share of every branch.

Neither gates nor norms can be compared between branches: a filter of a wide layer has a larger L1 norm, and what a gate
of 0.3 lets through depends on the map behind it. So channels are ranked within their branch, and every branch gives the
same share. Then every criterion leaves networks of one cost at each share, and what differs is the choice alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from seviz.errors import RequestError

CRITERIA = ("gate", "magnitude", "random")

Scores = Mapping[str, NDArray[np.float64]]  # path of a branch -> (C,), of which the highest stay


def kept_channels(scores: Scores, share: float) -> dict[str, tuple[int, ...]]:
    """The channels that stay, by branch, ascending: those of the highest scores, of equal ones the lower first.

    Args: share: of the channels of every branch that is dropped, 0 <= share < 1. Raises RequestError for another share.
    """
    require_share(share)
    return {path: _kept(values, dropped(len(values), share)) for path, values in scores.items()}


def dropped(channels: int, share: float) -> int:
    """How many of a branch's channels go: the nearest whole number, but never all."""
    return min(round(share * channels), channels - 1)


def require_share(share: float) -> None:
    """Raises RequestError for a share that is not 0 <= share < 1."""
    if not 0 <= share < 1:
        raise RequestError(f"A share of {share:g} cannot be dropped; shares are numbers from 0 to below 1, such as 0.3.")


def _kept(values: NDArray[np.float64], count: int) -> tuple[int, ...]:
    order = np.argsort(-values, kind="stable")
    return tuple(sorted(order[: len(values) - count].tolist()))
