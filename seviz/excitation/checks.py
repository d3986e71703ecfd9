"""Whether statistics and samples that were read belong together: what cannot have come from a pass is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seviz.data import samples_sha256
from seviz.excitation.moments import has_class_histogram
from seviz.excitation.records import BINS, EXTREMES, Excitation, Extremes, Projection, SampleGates, SiteStatistics
from seviz.gates import Site


def check_excitation(found: Excitation) -> Excitation:
    """The statistics as they are. Raises ValueError where their arrays do not fit the key or each other."""
    classes = len(found.key.classes)
    _require(found.count, (classes,), np.int64)
    edges = np.array([0, *(edge for one in found.covered for edge in one), found.key.data.count])
    length = sum(stop - start for start, stop in found.covered)
    if found.count.min() < 0 or found.n != length or (np.diff(edges) < 0).any():
        raise ValueError("other pictures than it covers")
    for site in found.key.sites:
        _check_site(site, found.sites[site.path], found.count)
    return found


def check_samples(found: SampleGates) -> SampleGates:
    """The samples as they are. Raises ValueError where their arrays do not fit the key or each other."""
    count, data = len(found.ids), found.key.data
    for name in (found.labels, found.predicted):
        _require(name, (count,), np.int16)
        if count and not (name.min() >= 0 and name.max() < len(found.key.classes)):
            raise ValueError("classes that are not there")
    if found.complete and (count != data.count or samples_sha256(found.ids, found.labels) != data.sha256):
        raise ValueError("other samples than the key says")
    for site in found.key.sites:
        for values in (found.gates[site.path], found.squeezes[site.path]):
            _require(values, (count, site.channels), np.float16)
            if not np.isfinite(values).all():
                raise ValueError("values that are not finite")
    for projection in found.projections.values():
        _check_projection(projection, count)
    return found


def _check_site(site: Site, found: SiteStatistics, count: NDArray[np.int64]) -> None:
    channels, classes = site.channels, len(count)
    for sums in (found.gate_sum, found.gate_squares, found.squeeze_sum, found.squeeze_squares):
        _require(sums, (classes, channels), np.float64)
        if not np.isfinite(sums).all():
            raise ValueError("sums that are not finite")
    _require(found.histogram, (channels, BINS), np.int64)
    _require(found.fired, (site.hidden,), np.int64)
    if (found.histogram.sum(1) != count.sum()).any() or found.fired.max(initial=0) > count.sum():
        raise ValueError("histograms of other pictures")
    if (found.class_histogram is not None) != has_class_histogram(classes, channels):
        raise ValueError("a histogram too many or too few")
    if found.class_histogram is not None:
        _require(found.class_histogram, (classes, channels, BINS), np.int64)
        if (found.class_histogram.sum(0) != found.histogram).any() or (found.class_histogram.sum(2) != count[:, None]).any():
            raise ValueError("histograms of other pictures")
    for extremes in (found.lowest, found.highest):
        _check_extremes(extremes, channels)


def _check_extremes(found: Extremes, channels: int) -> None:
    _require(found.values, (channels, EXTREMES), np.float32)
    if found.samples.shape != (channels, EXTREMES) or found.samples.dtype.kind != "U":
        raise ValueError("samples of another shape")
    if ((found.samples == "") != np.isnan(found.values)).any():
        raise ValueError("values without samples")


def _check_projection(found: Projection, count: int) -> None:
    points = len(found.rows)
    _require(found.rows, (points,), np.int64)
    _require(found.pca, (points, 2), np.float32)
    _require(found.tsne, (points, 2), np.float32)
    _require(found.explained, (2,), np.float64)
    if points and not (found.rows.min() >= 0 and found.rows.max() < count):
        raise ValueError("rows that are not there")


def _require(array: NDArray[Any], shape: tuple[int, ...], dtype: Any) -> None:
    if array.shape != shape or array.dtype != dtype:
        raise ValueError(f"an array of {array.dtype} {array.shape} in the place of {np.dtype(dtype)} {shape}")
