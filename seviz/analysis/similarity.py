"""How alike the layers of networks are: linear CKA (Kornblith et al., "Similarity of Neural Network Representations
Revisited", 2019, section 3), exact and a batch at a time.

    moments = moments_of(features)              features: (B, D), the layers beside each other
    moments = merged(moments, moments_of(more))
    linear_cka(moments, widths)                 (L, L), widths of the L layers, D together

CKA(X, Y) = ||Y'X||_F^2 / (||X'X||_F ||Y'Y||_F) with X and Y centred, a row a sample. It is 1 for layers that differ by a
rotation and a scale, and 0 for layers that have no linear relation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CoMoments:
    """count: samples. mean: (D,). products: (D, D), the sum over samples of (x - mean)(x - mean)'. float64; the size does
    not depend on the number of samples."""

    count: int
    mean: Floats
    products: Floats


def moments_of(features: ArrayLike) -> CoMoments:
    """Of one batch: features (B, D), B > 0. Raises ValueError for another shape or values that are not finite."""
    values = np.asarray(features, dtype=np.float64)
    if values.ndim != 2 or not len(values):
        raise ValueError(f"features are (B, D) with B > 0, not {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("features are finite numbers")
    mean = values.mean(0)
    away = values - mean
    return CoMoments(len(values), mean, away.T @ away)


def merged(one: CoMoments, other: CoMoments) -> CoMoments:
    """Of both sets of samples together, in any order and split (Chan et al., 1979: nothing large cancels)."""
    count = one.count + other.count
    apart = other.mean - one.mean
    weight = one.count * other.count / count
    mean = one.mean + apart * (other.count / count)
    return CoMoments(count, mean, one.products + other.products + weight * np.outer(apart, apart))


def linear_cka(moments: CoMoments, widths: Sequence[int]) -> Floats:
    """(L, L), symmetric, 0..1 with ones on the diagonal; NaN for a layer that is the same for all samples.

    Args: widths: features of each of the L layers, in the order in which they lie beside each other.

    Raises ValueError where the widths are not D together.
    """
    if sum(widths) != len(moments.mean) or min(widths, default=0) < 1:
        raise ValueError(f"layers of {list(widths)} features are not {len(moments.mean)} together")
    ends = np.cumsum([0, *widths])
    slices = [slice(start, end) for start, end in pairwise(ends.tolist())]
    squares = np.array([[float((moments.products[a, b] ** 2).sum()) for b in slices] for a in slices])
    squares = (squares + squares.T) / 2  # sums in another order differ in the last digit
    own = np.sqrt(squares.diagonal())
    scale = np.outer(own, own)
    cka: Floats = np.divide(squares, scale, out=np.full_like(squares, np.nan), where=scale > 0)
    return np.clip(cka, 0, 1)  # rounding puts a layer's likeness to itself a hair beside 1
