"""Which observations of the Squeeze-and-Excitation paper ("The role of excitation", section 6.4) hold for a network.

    sites = [summarise_site(site.title, site.stage, moments[site.path], open_share=...) for site in network]
    for observation in observations(sites):
        print(observation.claim, observation.holds, observation.sentence)

The paper judges by eye, from mean gates of four classes of ImageNet; here a number and a threshold stand for each claim.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seviz.analysis.moments import Moments
from seviz.analysis.specificity import (
    EtaSquared,
    PermutationTest,
    class_selectivity,
    eta_squared,
    profile_correlation,
)

# where classes explain the share e of the variance, two of them lie about sqrt(2 e / (1 - e)) within-class sds apart:
AGNOSTIC = 0.10  # below: less than half an sd, which J. Cohen, 1988, calls a medium difference
SPECIFIC = 0.25  # from here: 0.8 sds, a large difference
SATURATED = 0.5  # share of gates above 0.95: "most activations are close to one"
SAME_PATTERN = 0.9  # correlation of two classes' mean gates: a fifth of what differs between channels is left to the class
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class SiteSummary:
    """How class-specific one site is; sites stand in the order in which a picture passes them.

    title: what a person calls the site. stage: counted from 1; 0 where it is not known. eta: see EtaSquared.
    p: of the permutation test, None where none was made. selectivity: mean over channels of the class-selectivity index.
    correlation: median over pairs of classes of the correlation of their mean gates over channels. scale: the lowest and
    highest factor, over classes, that brings the mean gates of all samples closest to the class's. open_share: share of
    gates above 0.95, None where it is not known. Floats are NaN where fewer than two classes have samples.
    """

    title: str
    stage: int
    eta: EtaSquared
    p: float | None
    selectivity: float
    correlation: float
    scale: tuple[float, float]
    open_share: float | None


@dataclass(frozen=True)
class Observation:
    """claim: what the paper says. holds: None where it cannot be told. sentence: the numbers, and what follows."""

    claim: str
    holds: bool | None
    sentence: str


def summarise_site(
    title: str,
    stage: int,
    moments: Moments,
    *,
    test: PermutationTest | None = None,
    open_share: float | None = None,
) -> SiteSummary:
    """The figures of one site, from the moments of its gates."""
    selectivity = class_selectivity(moments)
    defined = selectivity[np.isfinite(selectivity)]
    return SiteSummary(
        title=title,
        stage=stage,
        eta=eta_squared(moments),
        p=test.p if test else None,
        selectivity=float(defined.mean()) if len(defined) else float("nan"),
        correlation=_median_correlation(moments),
        scale=_scale(moments),
        open_share=open_share,
    )


def observations(sites: Sequence[SiteSummary]) -> tuple[Observation, ...]:
    """The paper's four observations, judged for a network's sites in the order in which a picture passes them.

    Early sites are those of the first stage (the first third where stages are not known), later ones all others. None of
    the claims can be told for a network of a single site. Shares of variance are adjusted for chance.
    """
    early, later = _early_and_later(sites)
    return (_agnostic(early), _specific(early, later), _saturated(later), _same_pattern(later))


def where_specific(sites: Sequence[SiteSummary]) -> str:
    """From which site on the network is class-specific, in a sentence: by the variance that the class explains."""
    told = _told(sites)
    if not told:
        return "Where it becomes class-specific cannot be told: that takes pictures of two classes, and gates that move."
    first = next((site for site in told if _share(site) >= SPECIFIC), None)
    best = max(told, key=_share)
    explains = "where the class explains {:.0%} of the variance of the gates"
    most = f"most of all at {best.title}, {explains.format(_share(best))}"
    if first is None:
        return f"It becomes class-specific nowhere much: {most}; class-specific would be {SPECIFIC:.0%} and more."
    if first is best:
        return f"It becomes class-specific at {best.title}, {explains.format(_share(best))} beyond chance."
    share = f"{_share(first):.0%} of the variance beyond chance; from {SPECIFIC:.0%} it is called so"
    return f"It first becomes class-specific at {first.title} ({share}), and {most}."


def _agnostic(early: Sequence[SiteSummary]) -> Observation:
    claim = "Early gates are class-agnostic"
    told = _told(early)
    if not told:
        return _untold(claim, "no early site has gates of two classes that differ between pictures")
    typical = float(np.median([_share(site) for site in told]))
    holds = typical < AGNOSTIC
    where = f"{told[0].title} to {told[-1].title} (median)" if len(told) > 1 else told[0].title
    found = f"the class explains {typical:.1%} of the variance of the gates at {where}"
    return Observation(claim, holds, _sentence(holds, f"{found}; class-agnostic is less than {AGNOSTIC:.0%}"))


def _specific(early: Sequence[SiteSummary], later: Sequence[SiteSummary]) -> Observation:
    claim = "Later gates are class-specific"
    told = _told(later)
    if not told:
        return _untold(claim, "no later site has gates of two classes that differ between pictures")
    best = max(told, key=_share)
    before = max((_share(site) for site in _told(early)), default=0.0)
    chance = best.p is not None and best.p > SIGNIFICANT
    holds = _share(best) >= SPECIFIC and _share(best) > before and not chance
    found = f"the class explains {_share(best):.1%} of the variance of the gates at {best.title}, the most specific one"
    found += f", and at most {before:.1%} at an early site" if _told(early) else ""
    found += f"; shuffled labels explain as much (p = {best.p:.2g})" if chance else ""
    return Observation(claim, holds, _sentence(holds, f"{found}; class-specific is {SPECIFIC:.0%} and more"))


def _saturated(later: Sequence[SiteSummary]) -> Observation:
    claim = "The last gates are saturated"
    shares = [(site.open_share, site.title) for site in later[-2:] if site.open_share is not None]
    if not shares:
        return _untold(claim, "the shares of gates above 0.95 are not known for the last two sites")
    share, title = max(shares)
    holds = share >= SATURATED
    found = f"{share:.1%} of the gates are above 0.95 at {title}" + (
        ", the more open of the last two sites" if len(shares) > 1 else ""
    )
    return Observation(claim, holds, _sentence(holds, f"{found}; saturated is {SATURATED:.0%} and more"))


def _same_pattern(later: Sequence[SiteSummary]) -> Observation:
    claim = "The last site has the same pattern for all classes, up to scale"
    last = later[-1] if later else None
    if last is None or np.isnan(last.correlation):
        return _untold(claim, "the last site has no mean gates of two classes that differ between channels")
    holds = last.correlation >= SAME_PATTERN
    found = f"at {last.title}, the mean gates of two classes correlate by {last.correlation:.2f} (median over pairs)"
    found += f", with scales from {last.scale[0]:.2f} to {last.scale[1]:.2f} of the mean of all samples"
    return Observation(claim, holds, _sentence(holds, f"{found}; the same pattern is {SAME_PATTERN} and more"))


def _early_and_later(sites: Sequence[SiteSummary]) -> tuple[list[SiteSummary], list[SiteSummary]]:
    if len(sites) < 2:
        return [], []
    stages = [site.stage for site in sites]
    staged = min(stages) > 0 and len(set(stages)) > 1
    early = sum(stage == stages[0] for stage in stages) if staged else max(1, len(sites) // 3)
    return list(sites[:early]), list(sites[early:])


def _told(sites: Sequence[SiteSummary]) -> list[SiteSummary]:
    return [site for site in sites if not np.isnan(site.eta.adjusted)]


def _share(site: SiteSummary) -> float:
    """What the class explains beyond chance."""
    return max(site.eta.adjusted, 0.0)


def _median_correlation(moments: Moments) -> float:
    pairs = profile_correlation(moments)[np.triu_indices(len(moments.count), 1)]
    defined = pairs[np.isfinite(pairs)]
    return float(np.median(defined)) if len(defined) else float("nan")


def _scale(moments: Moments) -> tuple[float, float]:
    """The lowest and highest least-squares factor a_k of mu_k ~ a_k mu."""
    overall, means = moments.overall_mean, moments.mean[moments.seen]
    if len(means) < 2 or not overall @ overall > 0:
        return float("nan"), float("nan")
    factors = means @ overall / (overall @ overall)
    return float(factors.min()), float(factors.max())


def _untold(claim: str, why: str) -> Observation:
    return Observation(claim, None, f"It cannot be told: {why}.")


def _sentence(holds: bool, found: str) -> str:
    return f"{'It holds' if holds else 'It does not hold'}: {found}."
