"""The gates of each site in two dimensions, for pages that show samples in gate space."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from seviz.analysis.projection import pca, tsne
from seviz.excitation.records import Projection

MOST = 2_000  # samples that are projected: t-SNE takes seconds for these
SEED = 0


def project(
    gates: Mapping[str, NDArray[np.float16]], progress: Callable[[int, int], None] | None = None
) -> dict[str, Projection]:
    """PCA and t-SNE of every site's gates (M, C): of all samples, or of 2,000 drawn plainly at random with seed 0.

    {} where scikit-learn is not installed. progress: called with (sites done, in all).
    """
    found = {}
    try:
        for number, (path, values) in enumerate(gates.items(), start=1):
            rows = projected_rows(len(values))
            chosen = values[rows].astype(np.float64)
            coordinates, explained = pca(chosen)
            found[path] = Projection(rows, coordinates, explained, tsne(chosen, SEED))
            if progress:
                progress(number, len(gates))
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("scipy", "sklearn", "threadpoolctl"):
            raise
        return {}
    return found


def projected_rows(count: int) -> NDArray[np.int64]:
    """The rows of `count` samples that are projected, ascending."""
    if count <= MOST:
        return np.arange(count)
    return np.sort(np.random.default_rng(SEED).choice(count, MOST, replace=False))
