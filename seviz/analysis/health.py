"""Gate health of a site: what its gates do over a data set, and what ails them.

    health = site_health(site.title, moments, histogram, fired=fired)
    health.grade                                        "healthy", "look" or "ill"
    for ailment in health.ailments: ailment.sentence, ailment.cause, ailment.cure

Ailments are read off gates alone; what a block is worth is measured by an edit of its gates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seviz.analysis.ailments import Ailment, Vitals, diagnose
from seviz.analysis.gates import CLOSED, MIDDLE, OPEN
from seviz.analysis.moments import Moments

STILL = 0.01  # sd over samples below which a gate never moves: what it multiplies changes by a hundredth
Bounds = tuple[float, float]


@dataclass(frozen=True)
class GateShares:
    """Shares of a site's gates, over samples and channels, 0..1: below 0.05, in 0.45..0.55, and above 0.95.

    exact: whether the gates themselves were counted. A histogram has no edge at these values; there the gates of a bin
    are taken to be spread evenly over it, and *_bounds say between what the share lies however they are spread. NaN
    where there are no samples.
    """

    closed: float
    middle: float
    open: float
    exact: bool
    closed_bounds: Bounds
    middle_bounds: Bounds
    open_bounds: Bounds


@dataclass(frozen=True)
class GateHealth:
    """A site's gates over n samples.

    grade: the worst of the ailments' grades ("look", "ill"), "healthy" without one, "unknown" for fewer than two samples.
    vitals: the numbers behind it. shares: see GateShares. still: int64, channels whose sd over samples is below STILL.
    silent, always: int64, hidden units that fired for no sample and for every one; None where it was not counted.
    notes: what the numbers say that is no ailment.
    """

    title: str
    n: int
    grade: str
    vitals: Vitals
    shares: GateShares
    still: NDArray[np.int64]
    silent: NDArray[np.int64] | None
    always: NDArray[np.int64] | None
    ailments: tuple[Ailment, ...]
    notes: tuple[str, ...]


def site_health(
    title: str,
    moments: Moments,
    histogram: ArrayLike | None = None,
    *,
    gates: ArrayLike | None = None,
    lowest: ArrayLike | None = None,
    highest: ArrayLike | None = None,
    fired: ArrayLike | None = None,
) -> GateHealth:
    """What the gates of a site do, and what ails them.

    Args:
        moments: of the site's gates.
        histogram: (C, B), samples by their gate in B equal bins over 0..1.
        gates: (M, C), sample by sample. Where they are of all samples the shares are counted, else interpolated in the
            histogram, which knows all samples.
        lowest, highest: the lowest and highest gates, of any shape, NaN where there is none. Where they are not given they
            are those of `gates`, or the outer edges of the histogram's outermost bins that are not empty.
        fired: (hidden,), samples in which a hidden unit was above 0.

    Raises ValueError where neither histogram nor gates are given.
    """
    rows = None if gates is None else np.asarray(gates, dtype=np.float64)
    bins = None if histogram is None else np.asarray(histogram)
    shares, ends = _shares(rows, bins, moments.n), _range(rows, bins, lowest, highest)
    units = None if fired is None else np.asarray(fired)
    silent = None if units is None else np.flatnonzero(units == 0)
    still = np.flatnonzero(moments.overall_sd < STILL)
    vitals = _vitals(moments, shares, ends, len(still), units, 0 if silent is None else len(silent))
    ailments, notes = diagnose(vitals) if moments.n > 1 else ((), ())
    grades = {ailment.grade for ailment in ailments}
    grade = "unknown" if moments.n < 2 else next((one for one in ("ill", "look") if one in grades), "healthy")
    always = None if units is None else np.flatnonzero(units == moments.n)
    return GateHealth(title, moments.n, grade, vitals, shares, still, silent, always, ailments, notes)


def describe_exactness(found: Sequence[GateHealth]) -> str:
    """What the mark "about" before a share means; "" where every share was counted."""
    if all(one.shares.exact for one in found):
        return ""
    return "Shares marked “about” come from histograms, whose bins have no edges at 0.05 and 0.95."


def gate_shares(gates: ArrayLike) -> GateShares:
    """Shares counted in gates of any shape. Gates in half precision are rounded to 0.0005 near 1."""
    values = np.asarray(gates, dtype=np.float64)
    count = values.size or np.nan
    closed, opened = float((values < CLOSED).sum() / count), float((values > OPEN).sum() / count)
    middle = float(((values >= MIDDLE[0]) & (values <= MIDDLE[1])).sum() / count)
    return GateShares(closed, middle, opened, True, (closed, closed), (middle, middle), (opened, opened))


def histogram_shares(histogram: ArrayLike) -> GateShares:
    """Shares interpolated in a histogram (..., B) of B equal bins over 0..1."""
    bins = np.asarray(histogram, dtype=np.float64)
    bins = bins.reshape(-1, bins.shape[-1]).sum(0)
    count = bins.sum() or np.nan
    edges = np.linspace(0, 1, len(bins) + 1)

    def between(low: float, high: float) -> tuple[float, Bounds]:
        part = np.clip((np.minimum(edges[1:], high) - np.maximum(edges[:-1], low)) * len(bins), 0, 1)
        # a part that is whole or empty but for rounding is so: bins with an edge at the threshold are not cut
        part = np.where(np.isclose(part, part.round()), part.round(), part)
        ends = float(bins[part == 1].sum() / count), float(bins[part > 0].sum() / count)
        return float(bins @ part / count), ends

    closed, middle, opened = between(0, CLOSED), between(*MIDDLE), between(OPEN, 1)
    return GateShares(closed[0], middle[0], opened[0], False, closed[1], middle[1], opened[1])


def _shares(rows: NDArray[np.float64] | None, bins: NDArray[np.int64] | None, n: int) -> GateShares:
    if rows is not None and (bins is None or len(rows) == n):
        return gate_shares(rows)
    if bins is None:
        raise ValueError("the shares of a site's gates need its histogram or its gates")
    return histogram_shares(bins)


def _vitals(
    moments: Moments, shares: GateShares, ends: Bounds, still: int, units: NDArray[np.int64] | None, silent: int
) -> Vitals:
    between, within = float(moments.between.sum()), float(moments.within.sum())
    told = int(moments.seen.sum()) > 1 and between + within > 0
    return Vitals(
        channels=moments.channels,
        mean=float(moments.overall_mean.mean()),
        moving=float(moments.overall_sd.mean()),
        levels=float(moments.overall_mean.std()),
        level_range=(float(moments.overall_mean.min()), float(moments.overall_mean.max())),
        lowest=ends[0],
        highest=ends[1],
        closed=shares.closed,
        middle=shares.middle,
        open=shares.open,
        still=still,
        hidden=None if units is None else len(units),
        silent=silent,
        between_over_within=(between / within if within > 0 else float("inf")) if told else float("nan"),
    )


def _range(
    rows: NDArray[np.float64] | None, bins: NDArray[np.int64] | None, lowest: ArrayLike | None, highest: ArrayLike | None
) -> Bounds:
    if rows is None:
        totals = np.asarray(bins).reshape(-1, np.asarray(bins).shape[-1]).sum(0)
        filled = np.flatnonzero(totals)
        known = np.array([filled[0], filled[-1] + 1]) / len(totals) if len(filled) else np.zeros(0)
    else:
        known = rows
    low, high = (_finite(known if given is None else given) for given in (lowest, highest))
    return (float(low.min()) if len(low) else float("nan"), float(high.max()) if len(high) else float("nan"))


def _finite(values: ArrayLike) -> NDArray[np.float64]:
    flat = np.asarray(values, dtype=np.float64).ravel()
    return flat[np.isfinite(flat)]
