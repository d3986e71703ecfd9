"""How a network does on corrupted pictures, from what it said of every sample.

    one = condition("noise", 0.16, right, clean, loss)      right, clean: bool (n,)
    one.difference, one.interval                            -0.2315, (-0.2505, -0.2120)
    verdicts(conditions)                                    do gates adapt, or break?

Differences are the corrupted pictures minus the clean ones: what is lost is negative. "Held" is the corrupted picture with
the gates that the network gave the clean one, "static" the same with every gate at its mean over the clean pictures. Where
the network's own gates do better than those of the clean picture they adapt, where they do worse they break.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from seviz.analysis.classification import Interval, wilson
from seviz.analysis.paired import RESAMPLES, SURE, holm, paired_difference

CLEAN = "clean"
STRENGTHS = ("mild", "middle", "strong")
Right = NDArray[np.bool_]


@dataclass(frozen=True)
class Kind:
    """A corruption: its levels, mildest first, and what each is called. under: in a sentence. unit: of an axis."""

    title: str
    under: str
    unit: str
    levels: Mapping[float, str]

    def at(self, strength: str) -> float:
        """The level of a strength, of STRENGTHS."""
        levels = list(self.levels)
        return levels[{"mild": 0, "middle": len(levels) // 2, "strong": -1}[strength]]


KINDS = {
    "jpeg": Kind("JPEG", "JPEG", "quality", {q: f"quality {q}" for q in (95, 75, 50, 30, 10)}),
    "blur": Kind("Gaussian blur", "blur", "sd, share of the side", {n / 64: f"sd {n}/64 of the side" for n in (1, 2, 3)}),
    "noise": Kind("Gaussian noise", "noise", "sd, share of white", {sd: f"sd {sd:.0%}" for sd in (0.04, 0.08, 0.16)}),
    "contrast": Kind("Less contrast", "less contrast", "factor", {factor: f"x {factor}" for factor in (0.75, 0.5, 0.25)}),
    "darker": Kind("Darker", "darkness", "factor", {factor: f"x {factor}" for factor in (0.75, 0.5, 0.25)}),
    "brighter": Kind("Brighter", "brightness", "factor", {factor: f"x {factor}" for factor in (1.25, 1.5, 2)}),
    "occlusion": Kind(
        "Occlusion", "occlusion", "side of the square, share of the picture's", {n / 8: f"{n}/8 of the side" for n in (2, 3, 4)}
    ),
    "shift": Kind("Shift", "shifts", "share of the side", {n / 16: f"{n}/16 of the side" for n in (1, 2, 4)}),
    "rotation": Kind("Rotation", "rotation", "either way", {degrees: f"{degrees}°" for degrees in (5, 10, 20)}),
}
ALL: tuple[tuple[str, float], ...] = tuple((name, level) for name, kind in KINDS.items() for level in kind.levels)


@dataclass(frozen=True)
class Beside:
    """The same corrupted pictures with other gates. difference: accuracy with the network's own gates minus this one.

    interval: its 95 % bootstrap interval over paired pictures. p: McNemar's exact test.
    """

    accuracy: float
    difference: float
    interval: Interval
    p: float


@dataclass(frozen=True)
class Moved:
    """How far the gates of a site go from those of the clean picture, over pictures and channels.

    absolute: mean |s' - s|. rms: root of the mean of (s' - s)^2.
    """

    absolute: float
    rms: float


@dataclass(frozen=True)
class Apart:
    """How far the gates of a site differ between clean pictures.

    spread: standard deviation over pictures, root mean square over channels. absolute, rms: as of Moved, between each picture
    and another one that was drawn for it: independent pictures lie about sqrt(2) x spread apart.
    """

    path: str
    spread: float
    absolute: float
    rms: float


@dataclass(frozen=True)
class Condition:
    """The network on n pictures that were corrupted in one way, CLEAN for none.

    accuracy, interval: 0..1, Wilson's at 95 %. difference: accuracy minus that on the clean pictures; difference_interval, p:
    the bootstrap over paired pictures, McNemar's exact test. loss: mean cross-entropy in nats. right: which pictures are
    right, eight a byte, hex. moved: by site; held, static: with other gates; () and None for plain networks.
    """

    kind: str
    level: float
    accuracy: float
    interval: Interval
    difference: float
    difference_interval: Interval
    p: float
    loss: float
    right: str
    moved: tuple[Moved, ...] = ()
    held: Beside | None = None
    static: Beside | None = None

    @property
    def title(self) -> str:
        """Such as "noise (sd 16 %)"."""
        return f"{KINDS[self.kind].under} ({self.words})" if self.kind in KINDS else "no corruption"

    @property
    def words(self) -> str:
        """The level in words, such as "quality 10"."""
        return KINDS[self.kind].levels[self.level] if self.kind in KINDS else CLEAN


@dataclass(frozen=True)
class Versus:
    """One network beside another on the same corrupted pictures: accuracy of the first minus that of the second.

    interval, p: the bootstrap over paired pictures at 95 %, McNemar's exact test. kept: by how much less than the second the
    first loses beside its own clean accuracy; kept_interval: percentile bootstrap over pictures.
    """

    kind: str
    level: float
    difference: float
    interval: Interval
    p: float
    kept: float
    kept_interval: Interval


def condition(
    kind: str,
    level: float,
    right: Right,
    clean: Right,
    loss: float,
    *,
    moved: Sequence[Moved] = (),
    held: Right | None = None,
    static: Right | None = None,
    seed: int = 0,
) -> Condition:
    """The figures of one corruption.

    Args: right: bool (n,), of the corrupted pictures. clean, held, static: of the same pictures, clean or with other gates.
        seed: of the bootstraps.
    """
    found = paired_difference(right, clean, seed=seed)
    return Condition(
        kind=kind,
        level=level,
        accuracy=float(right.mean()),
        interval=wilson(int(right.sum()), len(right)),
        difference=found.difference,
        difference_interval=found.bootstrap,
        p=found.p,
        loss=loss,
        right=packed(right),
        moved=tuple(moved),
        held=None if held is None else beside(right, held, seed=seed),
        static=None if static is None else beside(right, static, seed=seed),
    )


def beside(own: Right, other: Right, *, seed: int = 0) -> Beside:
    """The network's own gates beside others, bool (n,) each."""
    found = paired_difference(own, other, seed=seed)
    return Beside(float(other.mean()), found.difference, found.bootstrap, found.p)


def mean_accuracy(conditions: Sequence[Condition], kinds: Collection[str]) -> float:
    """0..1: the mean over these kinds of corruption of the mean over the levels of each."""
    by_kind = [[one.accuracy for one in conditions if one.kind == kind] for kind in kinds]
    return fmean(fmean(accuracies) for accuracies in by_kind)


def packed(right: Right) -> str:
    return np.packbits(right).tobytes().hex()


def unpacked(text: str, count: int) -> Right:
    """The inverse of packed. Raises ValueError where it is not of `count` pictures."""
    found = np.frombuffer(bytes.fromhex(text), dtype=np.uint8)
    if len(found) != -(-count // 8):
        raise ValueError("other pictures than there are")
    return np.unpackbits(found)[:count].astype(np.bool_)


def versus(first: Sequence[Condition], second: Sequence[Condition], count: int) -> tuple[Versus, ...]:
    """Two networks, condition by condition, on the same `count` corrupted pictures."""
    mine, its = ([unpacked(one.right, count) for one in conditions] for conditions in (first, second))
    pairs = zip(first, mine, its, strict=True)
    return tuple(_versus(one, own, other, mine[0], its[0]) for one, own, other in pairs)


def _versus(one: Condition, first: Right, second: Right, first_clean: Right, second_clean: Right) -> Versus:
    found = paired_difference(first, second)
    kept = (first.astype(np.int8) - first_clean) - (second.astype(np.int8) - second_clean)
    return Versus(
        one.kind, one.level, found.difference, found.bootstrap, found.p, float(kept.mean()), _mean_interval(kept)
    )  # fmt: skip


def _mean_interval(values: NDArray[np.int8]) -> Interval:
    """The 95 % percentile bootstrap interval of the mean of few different values: drawn by value, not by picture."""
    different, counts = np.unique(values, return_counts=True)
    drawn = np.random.default_rng(0).multinomial(len(values), counts / len(values), RESAMPLES)
    low, high = np.quantile(drawn @ different / len(values), [0.025, 0.975])
    return float(low), float(high)


def shares(one: Condition, apart: Sequence[Apart]) -> tuple[float, ...]:
    """How far the gates of each site move, 1 being as far as to another picture; 0 where its gates are all alike."""
    return tuple(moved.rms / site.rms if site.rms else 0.0 for moved, site in zip(one.moved, apart, strict=True))


def verdicts(conditions: Sequence[Condition]) -> dict[tuple[str, float], str]:
    """(kind, level) -> "adapt", "break" or "" where it cannot be told, after Holm's correction over all that stand here."""
    with_gates = [(one, one.held) for one in conditions if one.kind != CLEAN and one.held is not None]
    raised = holm([held.p for _, held in with_gates])
    return {(one.kind, one.level): _verdict(held, p) for (one, held), p in zip(with_gates, raised.tolist(), strict=True)}


def _verdict(held: Beside, p: float) -> str:
    if p >= SURE or held.interval[0] <= 0 <= held.interval[1]:
        return ""
    return "adapt" if held.difference > 0 else "break"


class Named(Protocol):
    """A site of a network."""

    @property
    def title(self) -> str: ...
