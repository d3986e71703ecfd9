"""The mean gates that an edit may ask for, from the sums of excitation statistics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seviz.errors import RequestError


@dataclass(frozen=True, eq=False)
class Means:
    """Mean gates of a network on a data set of K classes.

    classes: K names. overall: site path -> float64 (C,), over all pictures, each counted once. by_class: site path ->
    float64 (K, C), over the pictures of a class; NaN rows for classes without pictures.
    """

    classes: tuple[str, ...]
    overall: Mapping[str, NDArray[np.float64]]
    by_class: Mapping[str, NDArray[np.float64]]

    @classmethod
    def from_sums(cls, classes: tuple[str, ...], count: NDArray[Any], sums: Mapping[str, NDArray[np.float64]]) -> Means:
        """Of count (K,) pictures by class, and of site path -> sum of their gates (K, C). Raises RequestError for none."""
        if not count.sum():
            raise RequestError("There are no pictures to take the mean of gates over.")
        divisor = np.where(count > 0, count, np.nan)[:, None]
        overall = {path: total.sum(0) / count.sum() for path, total in sums.items()}
        return cls(classes, overall, {path: total / divisor for path, total in sums.items()})

    def of_class(self, path: str, label: str) -> NDArray[np.float64]:
        """The mean gates (C,) of a class at a site. Raises RequestError where the class is unknown or has no pictures."""
        if label not in self.classes:
            some = ", ".join(self.classes[:5]) + (", ..." if len(self.classes) > 5 else "")
            raise RequestError(f"There is no class {label!r} among the means of the gates; there are {some}.")
        row: NDArray[np.float64] = self.by_class[path][self.classes.index(label)]
        if not np.isfinite(row).all():
            raise RequestError(f"There were no pictures of the class {label!r} to take the mean of the gates over.")
        return row
