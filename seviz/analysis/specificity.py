"""How much the gates of a site depend on the class, from moments or sample by sample.

    eta = eta_squared(moments)
    eta.site, eta.by_channel, eta.chance                share of the gates' variance that the class explains
    test = permutation_test(gates, labels)              could labels without a meaning explain as much?
    class_selectivity(moments)                          Morcos et al. 2018, channel by channel
    class_distances(moments)                            how far apart the classes' mean gates are

What a gate depends on is not what it is worth: selectivity alone predicts little of that (Morcos et al. 2018).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seviz.analysis.moments import RESOLUTION, Floats, Moments, paired_samples

PERMUTATIONS = 200  # p-values down to 1 / 201
TESTED = 2000  # samples of a test, drawn at random where there are more; keeps the tests of nine sites within seconds
TIE = 1e-12  # relative: a permutation that gives the observed classes again differs from them by rounding


@dataclass(frozen=True)
class EtaSquared:
    """Between-class over total sum of squares, 0..1: the share of the variance that knowing the class explains.

    by_channel: float64 (C,); NaN for channels that never move. site: the sums over channels divided, so that a channel
    counts by how much it moves (the R^2 of a permutational analysis of variance, M. J. Anderson, 2001); NaN where no
    channel moves. chance: what to expect of both where the class has no effect, (K - 1) / (N - 1) with K classes that
    have samples. All are NaN for fewer than two such classes.
    """

    by_channel: Floats
    site: float
    chance: float

    @property
    def adjusted(self) -> float:
        """The site's share without what chance gives, (eta^2 - chance) / (1 - chance), known as epsilon squared.

        0 is expected where the class has no effect, so that it may be below; NaN where every class has one sample.
        """
        return (self.site - self.chance) / (1 - self.chance) if self.chance < 1 else float("nan")


@dataclass(frozen=True)
class PermutationTest:
    """Eta squared against labels that were shuffled m times.

    p: (b + 1) / (m + 1), with b the shuffles in which the site's eta squared is at least the observed one; so it is
    never 0 (B. Phipson, G. K. Smyth, 2010). by_channel: float64 (C,), the same for each channel by itself, not
    corrected for C of them; NaN for channels that never move. null: float64 (m,), the site's eta squared when shuffled.
    """

    eta: EtaSquared
    p: float
    by_channel: Floats
    null: Floats

    @property
    def permutations(self) -> int:
        return len(self.null)


def eta_squared(moments: Moments) -> EtaSquared:
    """Eta squared of a site, from its moments."""
    seen, n = int(moments.seen.sum()), moments.n
    between, total = moments.between, moments.between + moments.within
    chance = (seen - 1) / (n - 1) if seen > 1 else float("nan")
    # a total that is rounding is a channel that never moves; moments took that out of `within` already
    moves = total > RESOLUTION * moments.overall_mean**2
    return _eta(between, np.where(moves, total, 0.0), chance)


def rows_to_test(count: int, most: int = TESTED, seed: int = 0) -> NDArray[np.int64]:
    """Which of `count` samples a permutation test is made on: all, or `most` of them drawn at random, ascending."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, most, replace=False))


def permutation_test(values: ArrayLike, labels: ArrayLike, permutations: int = PERMUTATIONS, seed: int = 0) -> PermutationTest:
    """Whether the class explains more of values (M, C) than shuffled labels do.

    Labels (M,) are integers; the shuffles are drawn with `seed`. Needs M >= 2 samples of at least two classes for a
    result that is not NaN. Raises ValueError where shapes do not fit or there is no permutation.
    """
    gates, truth = paired_samples(values, labels)
    if permutations < 1:
        raise ValueError(f"a permutation test shuffles at least once, not {permutations} times")
    rows = gates[np.argsort(truth, kind="stable")]
    starts = np.unique(np.sort(truth), return_index=True)[1]
    centred, total = _centred(rows)
    chance = (len(starts) - 1) / (len(rows) - 1) if len(starts) > 1 else float("nan")
    eta = _eta(_between(centred, starts), total, chance)
    shuffled = _shuffled(centred, starts, permutations, seed)
    null = np.array([_eta(between, total, chance).site for between in shuffled])
    by_channel = _p_value(shuffled, eta.by_channel * total)
    p = _p_value(null[:, None], np.array([eta.site]))
    return PermutationTest(eta, float(p[0]), by_channel, null)


def class_selectivity(moments: Moments) -> Floats:
    """Class-selectivity index of each channel, float64 (C,) in 0..1: 0 alike for all classes, 1 open for one alone.

    (mu_max - mu_rest) / (mu_max + mu_rest), with mu_max the highest class mean and mu_rest the mean of the means of all
    other classes (A. S. Morcos et al., "On the importance of single directions for generalization", 2018, section 3.2).
    NaN where it is not defined: fewer than two classes with samples, a class mean below 0 (squeezes may have one), or
    all of them 0. A gate has no zero to fall back to, so its index is low where an activation's would be high.
    """
    means = moments.mean[moments.seen]
    if len(means) < 2:
        return np.full(moments.channels, np.nan)
    highest = means.max(0)
    rest = (means.sum(0) - highest) / (len(means) - 1)
    defined = (means.min(0) >= 0) & (highest > 0)
    # the sum of the others may differ from a multiple of the highest by rounding
    return np.where(defined, np.maximum(highest - rest, 0) / np.where(defined, highest + rest, 1), np.nan)


def class_distances(moments: Moments) -> Floats:
    """(K, K) root mean square over channels of the difference of two classes' mean gates, in units of the gate.

    Symmetric, 0 on the diagonal; NaN rows and columns for classes without samples.
    """
    return np.array([np.sqrt(((moments.mean - row) ** 2).mean(1)) for row in moments.mean])


def profile_correlation(moments: Moments) -> Floats:
    """(K, K) Pearson correlation over channels of two classes' mean gates: 1 where one is the other scaled and shifted.

    NaN for classes without samples, for profiles that are flat over the channels, and for fewer than two channels.
    """
    centred = moments.mean - moments.mean.mean(1, keepdims=True)
    length = np.sqrt((centred**2).sum(1))
    flat = length <= np.sqrt(RESOLUTION * (moments.mean**2).sum(1))
    unit = centred / np.where(flat, np.nan, length)[:, None]
    return np.asarray(np.clip(unit @ unit.T, -1, 1))


def _eta(between: Floats, total: Floats, chance: float) -> EtaSquared:
    if np.isnan(chance) or not total.sum() > 0:
        return EtaSquared(np.full(len(total), np.nan), float("nan"), chance)
    moves = total > 0
    by_channel = np.where(moves, between / np.where(moves, total, 1), np.nan)
    return EtaSquared(np.minimum(by_channel, 1), min(float(between[moves].sum() / total.sum()), 1.0), chance)


def _centred(rows: Floats) -> tuple[Floats, Floats]:
    """Rows (M, C) around their mean, and their sum of squares (C,), 0 where it is no more than rounding."""
    if not len(rows):
        return rows, np.zeros(rows.shape[1])
    centred = rows - rows.mean(0)
    total = (centred**2).sum(0)
    return centred, np.where(total > RESOLUTION * (rows**2).sum(0), total, 0.0)


def _between(centred: Floats, starts: NDArray[np.int64]) -> Floats:
    """(C,) between-class sum of squares of rows (M, C) whose classes begin at `starts`."""
    if not len(centred):
        return np.zeros(centred.shape[1])
    count = np.diff(np.append(starts, len(centred)))
    return np.asarray((np.add.reduceat(centred, starts, axis=0) ** 2 / count[:, None]).sum(0))


def _shuffled(centred: Floats, starts: NDArray[np.int64], permutations: int, seed: int) -> Floats:
    """(permutations, C): the between-class sum of squares when the rows change places."""
    generator = np.random.default_rng(seed)
    return np.array([_between(centred[generator.permutation(len(centred))], starts) for _ in range(permutations)])


def _p_value(shuffled: Floats, observed: Floats) -> Floats:
    """(b + 1) / (m + 1) of each column (m, C) against observed (C,); NaN where that is NaN."""
    as_high = (shuffled >= observed * (1 - TIE)).sum(0)
    return np.where(np.isnan(observed), np.nan, (as_high + 1) / (len(shuffled) + 1))
