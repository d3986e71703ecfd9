"""Training curves: smoothing and the generalisation gap."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def smooth(values: ArrayLike, weight: float) -> NDArray[np.float64]:
    """Exponential moving average with bias correction, as TensorBoard draws it.

        m_t = w m_(t-1) + (1 - w) v_t,  m_0 = 0,  s_t = m_t / (1 - w^t)

    Without the correction the curve would start near 0 instead of at its first value.

    Args:
        values: (N,); a NaN or infinite value stays where it is and leaves the average alone.
        weight: w in 0..1, 1 excluded; 0 gives the values themselves.

    Returns float64 (N,). Raises ValueError for another weight.
    """
    if not 0 <= weight < 1:
        raise ValueError(f"a smoothing weight is in 0..1 without 1, not {weight}")
    out = np.array(values, dtype=np.float64)
    average = 0.0
    for seen, index in enumerate(np.flatnonzero(np.isfinite(out)), 1):
        average = weight * average + (1 - weight) * out[index]
        out[index] = average / (1 - weight**seen)
    return out


def generalisation_gap(train: ArrayLike, test: ArrayLike, *, higher_is_better: bool) -> NDArray[np.float64]:
    """How much worse the test figure is than the training figure, epoch by epoch, in the figure's own unit.

    Args: train, test: (N,) each. higher_is_better: True for accuracies (train - test), False for losses (test - train).

    Below 0 the test is the better one: training figures are of augmented pictures and of weights that still move.
    """
    ours, held_out = np.asarray(train, dtype=np.float64), np.asarray(test, dtype=np.float64)
    return ours - held_out if higher_is_better else held_out - ours
