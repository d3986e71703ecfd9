"""Two parts of one data set become one, in any order: sums add, extremes are ranked by value and id."""

from __future__ import annotations

import numpy as np

from seviz.errors import RequestError
from seviz.excitation.records import EXTREMES, Excitation, Extremes, Ranges, SiteStatistics


def merge(one: Excitation, other: Excitation) -> Excitation:
    """The statistics of both parts.

    Raises RequestError, naming what differs, where the keys differ, and where both hold the same samples.
    """
    changed = one.key.differences(other.key)
    if changed:
        raise RequestError(f"Two excitations of different {_listed(changed)} cannot be merged; measure both on the same.")
    covered = _joined(one.covered, other.covered)
    sites = {path: _merged(statistics, other.sites[path]) for path, statistics in one.sites.items()}
    return Excitation(one.key, one.count + other.count, sites, covered)


def _merged(one: SiteStatistics, other: SiteStatistics) -> SiteStatistics:
    by_class = None
    if one.class_histogram is not None and other.class_histogram is not None:
        by_class = one.class_histogram + other.class_histogram
    return SiteStatistics(
        one.gate_sum + other.gate_sum,
        one.gate_squares + other.gate_squares,
        one.squeeze_sum + other.squeeze_sum,
        one.squeeze_squares + other.squeeze_squares,
        one.histogram + other.histogram,
        by_class,
        _ranked(one.lowest, other.lowest, 1),
        _ranked(one.highest, other.highest, -1),
        one.fired + other.fired,
    )


def _ranked(one: Extremes, other: Extremes, sign: int) -> Extremes:
    """The first nine of both, ascending by sign x value and then by id; NaN, where there is no sample, comes last."""
    values = np.concatenate([one.values, other.values], axis=1)
    samples = np.concatenate([one.samples, other.samples], axis=1)
    order = np.lexsort((samples, sign * values), axis=1)[:, :EXTREMES]
    return Extremes(np.take_along_axis(values, order, 1), np.take_along_axis(samples, order, 1))


def _joined(one: Ranges, other: Ranges) -> Ranges:
    """Both sets of ranges, ascending, those that touch as one. Raises RequestError where they overlap."""
    joined: list[tuple[int, int]] = []
    for start, stop in sorted((*one, *other)):
        if joined and start < joined[-1][1]:
            raise RequestError(f"Sample {start} is in both excitations; merge parts that do not overlap.")
        if joined and start == joined[-1][1]:
            joined[-1] = (joined[-1][0], stop)
        else:
            joined.append((start, stop))
    return tuple(joined)


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
