"""Samples in the space of a site's gates, on two axes: principal components, and t-SNE.

Distances in the PCA plane are distances of gates, as far as the plane shows them. In a t-SNE only neighbourhood means
something: sizes of clusters and gaps between them do not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

PERPLEXITY = 30.0  # neighbours a sample has in a t-SNE, roughly; a third of the samples where they are few
FEWEST = 4  # samples that t-SNE can say anything of


def pca(values: ArrayLike) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """(coordinates float32 (P, 2), explained float64 (2,)): values (P, C) on their two axes of largest variance.

    Around the mean, in units of the values; not standardised, so that a gate that moves more counts for more. Each axis
    points to where its strongest channel (the first of equal ones) opens. explained: shares of the variance, 0..1. What
    is not there is 0: the second axis of one channel, everything where no channel moves.
    """
    rows = _rows(values)
    coordinates, explained = np.zeros((len(rows), 2)), np.zeros(2)
    centred = rows - rows.mean(0) if len(rows) else rows
    total = float((centred**2).sum())
    axes = _axes(centred) if total > 0 else np.zeros((0, rows.shape[1]))
    coordinates[:, : len(axes)] = centred @ axes.T
    explained[: len(axes)] = (coordinates[:, : len(axes)] ** 2).sum(0) / (total or 1)
    return coordinates.astype(np.float32), explained


def tsne(values: ArrayLike, seed: int = 0) -> NDArray[np.float32]:
    """float32 (P, 2): values (P, C) by t-SNE (L. van der Maaten, G. Hinton, 2008) from their principal components.

    The perplexity is PERPLEXITY, or a third of the other samples where they are few. Zeros for fewer than FEWEST samples
    and where no channel moves. 2,000 samples of 64 channels take
    some ten seconds; one thread is used. From this start scikit-learn draws nothing, so that the seed only matters to a
    version that would.
    """
    rows = _rows(values)
    start = pca(rows)[0]
    if len(rows) < FEWEST or not start.any():
        return np.zeros((len(rows), 2), dtype=np.float32)
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    # as scikit-learn scales its own start; given here, because its own wants two channels
    start = start / start[:, 0].std() * np.float32(1e-4)
    method = TSNE(2, perplexity=min(PERPLEXITY, (len(rows) - 1) / 3), init=start, random_state=seed)
    # its threads wait for each other in a loop: beside other work, two of them are five times slower than one
    with threadpool_limits(1, user_api="openmp"):
        return np.asarray(method.fit_transform(rows.astype(np.float32)), dtype=np.float32)


def _rows(values: ArrayLike) -> NDArray[np.float64]:
    rows = np.asarray(values, dtype=np.float64)
    if rows.ndim != 2 or not np.isfinite(rows).all():
        raise ValueError(f"what is projected is finite and (P, C), not {rows.shape}")
    return rows


def _axes(centred: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit vectors (at most 2, C) of largest variance, the largest first, with their signs settled."""
    from scipy.linalg import eigh

    channels = centred.shape[1]
    vectors = eigh(centred.T @ centred, subset_by_index=[max(channels - 2, 0), channels - 1])[1]
    axes = vectors.T[::-1]
    strongest = np.abs(axes).round(9).argmax(1)
    return np.asarray(axes * np.sign(axes[np.arange(len(axes)), strongest])[:, None])
