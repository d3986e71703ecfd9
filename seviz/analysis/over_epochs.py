"""Gates over the epochs of a training: when does a site come to tell classes apart?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
REACHED = 0.5  # of the spread after the last epoch: "class-specific from here on"
FLAT = 0.01  # in units of the gate: classes that differ by less at the end are not told apart


@dataclass(frozen=True, eq=False)
class Spread:
    """How far apart the classes' mean gates are at a site, epoch by epoch.

    by_epoch: float64 (E,), the standard deviation over classes of their mean gate, as a root mean square over channels;
    in units of the gate. Means over few samples lie apart by chance as well, and that is not taken away. NaN where fewer
    than two classes have samples. reached: the first epoch, counted from 1, from which on it is at least half of what it is
    after the last; None where it stays below FLAT at the end.
    """

    by_epoch: Floats
    reached: int | None


def spread(means: ArrayLike) -> Spread:
    """Of mean gates (E, K, C): epoch, class, channel; a class without samples is NaN. Raises ValueError for another shape."""
    values = np.asarray(means, dtype=np.float64)
    if values.ndim != 3 or not len(values):
        raise ValueError(f"means of gates are (epochs, classes, channels), not {values.shape}")
    known = values[:, ~np.isnan(values).any((0, 2))]
    if known.shape[1] < 2:
        return Spread(np.full(len(values), np.nan), None)
    by_epoch = np.sqrt(known.var(1).mean(1))
    below = np.flatnonzero(by_epoch < REACHED * by_epoch[-1])
    return Spread(by_epoch, None if by_epoch[-1] < FLAT else int(below[-1]) + 2 if len(below) else 1)


def in_words(spreads: Mapping[str, Spread], titles: Mapping[str, str]) -> str:
    """When the sites became class-specific, in sentences that follow from the numbers."""
    reached = {path: one.reached for path, one in spreads.items() if one.reached is not None}
    if all(np.isnan(one.by_epoch).all() for one in spreads.values()):
        return "Fewer than two classes have pictures, so nothing can be said of how far classes lie apart."
    if not reached:
        return (
            f"At no site do the classes' mean gates come to differ by {FLAT} or more: whatever the gates do, they do it for "
            "every class alike."
        )
    first, last = min(reached.values()), max(reached.values())
    of = {epoch: [titles[path] for path, at in reached.items() if at == epoch] for epoch in (first, last)}
    widest = max(reached, key=lambda path: float(spreads[path].by_epoch[-1]))
    text = "Classes come to lie at least half as far apart as after the last epoch"
    if last > first:
        text += f" first at {_few(of[first])} (from epoch {first} on) and last at {_few(of[last])} (from epoch {last} on)"
    else:
        text += f" from epoch {first} on at every site that has come to differ"
    text += f". They lie furthest apart at {titles[widest]} in the end ({spreads[widest].by_epoch[-1]:.3f})."
    flat = len(spreads) - len(reached)
    return text + (f" At {flat} of {len(spreads)} sites they hardly differ (below {FLAT})." if flat else "")


def _few(names: list[str]) -> str:
    return ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")
