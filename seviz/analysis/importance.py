"""Is a high gate an important channel? What dropping each channel alone does, beside what is known of its gate.

    one = rank_correlation(moments.overall_mean, dropped.logit)
    one.rho, one.interval, one.p                 0.31, (0.05, 0.53), 0.014
    pooled([...])                                over sites, each ranked by itself

Important is what changes the answer when it is gone: that is measured, channel by channel, and nothing else is called so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import atanh, sqrt, tanh
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from seviz.analysis.ablation import p_words
from seviz.analysis.classification import Interval
from seviz.analysis.moments import Floats, Moments
from seviz.analysis.paired import SURE, bootstrap_interval, holm
from seviz.analysis.specificity import class_selectivity, eta_squared

TOP = 8  # of the channels of a site, one in so many is called highest: 2 of 16, 8 of 64
TOGETHER = ("within blocks", "all channels")  # the first rows of correlations()
KNOWN = {"gate": "mean gate", "selectivity": "class selectivity", "eta": "eta squared"}
EFFECTS = {"logit": "mean |change of a logit|", "accuracy": "accuracy lost (points)"}
EFFECT_WORDS = {"logit": "how far logits move without the channel", "accuracy": "the accuracy lost without the channel"}


@dataclass(frozen=True)
class Dropped:
    """What the C channels of a site do when each is dropped alone (its gate at 0), on n pictures.

    site: path. only_dropped, only_live: (C,), pictures that are right without the channel alone, and with it alone. changed:
    (C,), pictures whose predicted class is another. delta_logit: (C,), mean |logit - live logit| over pictures and classes.
    """

    site: str
    n: int
    only_dropped: tuple[int, ...]
    only_live: tuple[int, ...]
    changed: tuple[int, ...]
    delta_logit: tuple[float, ...]

    @property
    def channels(self) -> int:
        return len(self.delta_logit)

    @property
    def logit(self) -> Floats:
        """delta_logit, float64 (C,) >= 0."""
        return np.array(self.delta_logit)

    @property
    def difference(self) -> Floats:
        """Accuracy without the channel minus that with it, float64 (C,) in -1..1: what the channel is worth is negative."""
        return np.asarray((np.array(self.only_dropped) - np.array(self.only_live)) / self.n)

    def effect(self, name: str) -> Floats:
        """One of EFFECTS, float64 (C,): the larger, the more is lost."""
        return self.logit if name == "logit" else -100 * self.difference

    @property
    def intervals(self) -> tuple[Interval, ...]:
        """The paired 95 % bootstrap interval of every difference."""
        both = list(zip(self.only_dropped, self.only_live, strict=True))
        drawn = {pair: bootstrap_interval(*pair, self.n) for pair in set(both)}  # many channels share their counts
        return tuple(drawn[pair] for pair in both)


@dataclass(frozen=True)
class Correlation:
    """Spearman's rank correlation over n channels, ties at their mean rank.

    rho: -1..1; p: two-sided, by Student's t with n - 2 degrees; both None for fewer than four channels, or where one of the two
    is the same for all. interval: at 95 %, by Fisher's z with the variance (1 + rho^2 / 2) / (n - 3) (D. G. Bonett, T. A.
    Wright, 2000); None where rho is 1 or -1 as well.
    """

    rho: float | None
    interval: Interval | None
    p: float | None
    n: int


def known(moments: Moments, name: str) -> Floats:
    """One of KNOWN of every channel of a site, float64 (C,); NaN where it is not defined."""
    if name == "gate":
        return moments.overall_mean
    return class_selectivity(moments) if name == "selectivity" else eta_squared(moments).by_channel


def rank_correlation(first: ArrayLike, second: ArrayLike) -> Correlation:
    """Of two lists (C,); channels of which either is NaN are left out. Raises ValueError where the lengths differ."""
    x, y = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if x.shape != y.shape:
        raise ValueError(f"ranks are compared of lists of one length, not {x.shape} and {y.shape}")
    defined = np.isfinite(x) & np.isfinite(y)
    x, y = x[defined], y[defined]
    n = len(x)
    if n < 4 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return Correlation(None, None, None, n)
    from scipy.stats import spearmanr  # a second, which a page that needs no test should not wait

    found = spearmanr(x, y)
    rho = float(found.statistic)
    inside = abs(rho) < 1 - 1e-12
    return Correlation(rho, _interval(atanh(rho), 1 / _weight(rho, n)) if inside else None, float(found.pvalue), n)


def pooled(correlations: Sequence[Correlation]) -> Correlation:
    """The mean of several rank correlations: of channels among those of their own site, whatever the sites' levels are.

    By Fisher's z, each weighted by the inverse of its variance; p of the normal distribution. Those without an interval are
    left out; None where all are.
    """
    used = [one for one in correlations if one.rho is not None and one.interval is not None]
    if not used:
        return Correlation(None, None, None, 0)
    weights = [_weight(one.rho or 0.0, one.n) for one in used]
    middle = sum(weight * atanh(one.rho or 0.0) for weight, one in zip(weights, used, strict=True)) / sum(weights)
    variance = 1 / sum(weights)
    p = 2 * NormalDist().cdf(-abs(middle) / sqrt(variance))
    return Correlation(tanh(middle), _interval(middle, variance), p, sum(one.n for one in used))


def correlations(found: Sequence[tuple[Dropped, Moments]], effect: str) -> dict[str, list[Correlation]]:
    """Each of KNOWN -> its correlations with the effect: pooled within sites, of all channels together, then site by site.

    Args: found: what dropping the channels of a site does, and the moments of its gates. effect: of EFFECTS.

    Of all channels together: levels differ from site to site, so that this may say more of depth than of channels.
    """
    made = {}
    for name in KNOWN:
        pairs = [(known(moments, name), one.effect(effect)) for one, moments in found]
        by_site = [rank_correlation(*pair) for pair in pairs]
        together = rank_correlation(*(np.concatenate(values) for values in zip(*pairs, strict=True)))
        made[name] = [pooled(by_site), together, *by_site]
    return made


def _weight(rho: float, n: int) -> float:
    return (n - 3) / (1 + rho**2 / 2)


def _interval(middle: float, variance: float) -> Interval:
    half = NormalDist().inv_cdf(0.975) * sqrt(variance)
    return tanh(middle - half), tanh(middle + half)


# in words


def site_sentence(title: str, name: str, effect: str, values: Floats, effects: Floats, found: Correlation) -> str:
    """What the channels of one site say. name: of KNOWN; effect: of EFFECTS; values, effects: (C,)."""
    what, count = KNOWN[name], len(values)
    if found.rho is None:
        return f"At {title} nothing can be said: {what} or effect is the same for all {count} channels, or they are too few."
    high, strong = int(np.nanargmax(values)), int(effects.argmax())
    if high == strong:
        ends = f"Channel {high} has the highest {what} ({values[high]:.2f}) and the largest effect as well."
    else:
        its = f"is number {_rank(values, strong)} by its {what} ({values[strong]:.2f})"
        its = its if np.isfinite(values[strong]) else f"has no {what}"
        ends = (
            f"Channel {high}, of the highest {what} ({values[high]:.2f}), is number {_rank(effects, high)} of {count} by its "
            f"effect; channel {strong}, of the largest effect, {its}."
        )
    return f"At {title} the rank correlation of {what} and {EFFECT_WORDS[effect]} is {_figure(found)}: {_told(found)}. {ends}"


def network_sentence(name: str, effect: str, found: Correlation, by_site: Sequence[Correlation]) -> str:
    """What the channels of all sites say, each among those of its own. found: pooled of by_site; name, effect: as above."""
    what = f"{KNOWN[name]} and {EFFECT_WORDS[effect]}"
    if found.rho is None:
        return f"Of {what} nothing can be said at any site."
    tested = [one for one in by_site if one.p is not None]
    raised = holm([one.p or 0.0 for one in tested])
    sure = [one.rho or 0.0 for one, p in zip(tested, raised, strict=True) if p < SURE]
    up, down = sum(rho > 0 for rho in sure), sum(rho < 0 for rho in sure)
    signs = [f"{word} at {count}" for word, count in (("rising", up), ("falling", down)) if count]
    where = f"{len(sure)} of {len(tested)} sites ({', '.join(signs)})" if sure else f"none of {len(tested)} sites"
    return (
        f"Among the channels of a block, the rank correlation of {what} is {_figure(found)} (all {found.n} channels, pooled): "
        f"{_told(found)}. By itself it can be told at {where}, after Holm's correction."
    )


def overlap_sentence(name: str, pairs: Sequence[tuple[Floats, Floats]]) -> str:
    """How many of the channels that are highest by one of KNOWN are among those of the largest effect, over all sites.

    pairs: (values, effect) of every site, (C,) each.
    """
    both, chance, total = 0, 0.0, 0
    for values, effect in pairs:
        k = max(1, len(values) // TOP)
        both += len(set(_highest(values, k)) & set(_highest(effect, k)))
        chance += k * k / len(values)
        total += k
    return (
        f"Of the {total} channels with the highest {KNOWN[name]} (one in {TOP} at every site), {both} are among the {total} of "
        f"the largest effect; chance gives {chance:.1f}."
    )


def _highest(values: Floats, k: int) -> list[int]:
    """The k highest, of equal ones the lower first; NaN last."""
    found: list[int] = np.argsort(-np.nan_to_num(values, nan=-np.inf), kind="stable")[:k].tolist()
    return found


def _rank(values: Floats, channel: int) -> int:
    return int((np.nan_to_num(values, nan=-np.inf) > values[channel]).sum()) + 1


def _figure(found: Correlation) -> str:
    interval = f", 95 % {found.interval[0]:+.2f} to {found.interval[1]:+.2f}" if found.interval else ""
    return f"{found.rho:+.2f}{interval}, {p_words(found.p or 0.0)}"


def _told(found: Correlation) -> str:
    rho, p = found.rho or 0.0, 1.0 if found.p is None else found.p
    if p >= SURE:
        return "no relation can be told"
    strength = "weakly" if abs(rho) < 0.3 else "in part" if abs(rho) < 0.7 else "closely"
    return f"the two {'rise together' if rho > 0 else 'run against each other'}, {strength}"
