"""How far a sample's gates are from the classes' mean gates, and the channels that make one class nearer than another.

    distances_to_classes(gates, moments)                (K,): the root mean square over channels
    pull = pull_between(gates, moments, true, predicted)
    pull.channels[:5], pull.contributions               the channels that pull the sample to the predicted class

Plain distances are in units of the gate. Standardised ones count each channel in units of its within-class sd, pooled over
the classes: a channel that hardly varies within classes then counts as much as one that swings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seviz.analysis.moments import RESOLUTION, Floats, Moments

FAR = 1.5  # times the usual distance, from which a sample's gates are called unusual for its class


@dataclass(frozen=True)
class Pull:
    """What draws a sample from the mean of one class to that of another.

    difference: squared distance to the first mean minus squared distance to the second; above 0 the second is nearer.
    contributions: float64 (C,), which sum to it; above 0 where the gate is more like the second class. channels: int64
    (C,), from the strongest contribution of either sign to the weakest.
    """

    difference: float
    contributions: Floats
    channels: NDArray[np.int64]


def distances_to_classes(gates: ArrayLike, moments: Moments, *, standardised: bool = False) -> Floats:
    """(..., K): root mean square over channels of gates (..., C) minus each class's mean.

    NaN for classes without samples. standardised: in units of the pooled within-class sd, over the channels that vary
    within classes; NaN where none does. Raises ValueError where the channels do not fit.
    """
    weights = _weights(moments, standardised)
    values = _fitting(gates, moments)
    return np.asarray(np.sqrt(np.stack([(values - mean) ** 2 @ weights for mean in moments.mean], axis=-1)))


def usual_distance(moments: Moments, label: int) -> float:
    """The root mean square distance that the samples of a class have from their own mean, in units of the gate; NaN for a
    class of fewer than two."""
    return float(np.sqrt((moments.sd()[label] ** 2).mean()))


def pull_between(gates: ArrayLike, moments: Moments, first: int, second: int, *, standardised: bool = False) -> Pull:
    """Why gates (C,) of a sample are nearer to the mean of one of two classes, channel by channel.

        w_c ((s_c - first_c)^2 - (s_c - second_c)^2),  w_c = 1 / C, or 1 / (C' sd_c^2) over the C' channels that vary

    The contributions sum to the difference of the squared distances of distances_to_classes; NaN for a class without
    samples. Raises ValueError where the channels do not fit.
    """
    sample = _fitting(gates, moments)
    if sample.ndim != 1:
        raise ValueError(f"a pull is of one sample's gates (C,), not {sample.shape}")
    to_first, to_second = ((sample - moments.mean[one]) ** 2 for one in (first, second))
    contributions = _weights(moments, standardised) * (to_first - to_second)
    order = np.argsort(-np.abs(contributions), kind="stable")
    return Pull(float(contributions.sum()), contributions, order)


@dataclass(frozen=True, eq=False)
class Between:
    """A sample's gates (C,) at a site between two classes: the root mean square over channels of their distance to the mean
    of the true class and of the other one, how far the true class usually is from its own mean, and what pulls the gates
    from the one to the other. title: of the site."""

    title: str
    gates: Floats
    to_true: float
    to_other: float
    usual: float
    pull: Pull


def between(title: str, gates: ArrayLike, moments: Moments, true: int, other: int) -> Between:
    """Gates (C,) of a sample at a site, between its true class and another. Raises ValueError as pull_between does."""
    own = np.asarray(gates, dtype=np.float64)
    away, pull = distances_to_classes(own, moments), pull_between(own, moments, true, other)
    return Between(title, own, float(away[true]), float(away[other]), usual_distance(moments, true), pull)


def describe_between(found: Sequence[Between], true: str, other: str, role: str = "") -> str:
    """At which sites a sample's gates are nearer to the other class, and where they are unusual for their own.

    role: what the other class is to the sample, such as "its answer".
    """
    nearer = [one.title for one in found if one.to_other < one.to_true]
    far = [one.title for one in found if one.to_true > FAR * one.usual]
    where = f" ({', '.join(nearer)})" if nearer else ""
    unusual = f" More than {FAR} times as far from {true} as its pictures usually are: {', '.join(far)}." if far else ""
    whose = f"{other}, {role}," if role else other
    return (
        f"At {len(nearer)} of {len(found)} blocks the gates are nearer to the mean of {whose} than to that of {true}, the "
        f"picture's own class{where}.{unusual}"
    )


def _fitting(gates: ArrayLike, moments: Moments) -> Floats:
    values = np.asarray(gates, dtype=np.float64)
    if values.shape[-1:] != (moments.channels,):
        raise ValueError(f"gates of {moments.channels} channels are (..., {moments.channels}), not {values.shape}")
    return values


def _weights(moments: Moments, standardised: bool) -> Floats:
    """(C,) what each channel's squared difference counts in the mean square."""
    if not standardised:
        return np.full(moments.channels, 1 / moments.channels)
    within = moments.within
    varies = within > RESOLUTION * moments.overall_mean**2
    if not varies.any():
        return np.full(moments.channels, np.nan)
    return np.asarray(np.where(varies, 1 / np.where(varies, within, 1), 0) / varies.sum())
