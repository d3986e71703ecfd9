"""Networks that were trained with several seeds, side by side: accuracies by seed, and what can be told of their difference.

    found = SeedsCompared(BySeed("se", {0: 0.881, 1: 0.885}, 10_000), BySeed("plain", {0: 0.879, 1: 0.880}, 10_000))
    found.difference            (0.0035, -0.0156, 0.0226), of the pairs with the same seed
    seeds_verdict(found)        "Over 2 seeds: +0.35 points, 95 % interval -1.56 to +2.26: no difference can be told."

A seed decides the order of the pictures, their augmentation and the weights that a training begins with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seviz.analysis.seeds import OverSeeds, difference_over_seeds, over_seeds
from seviz.analysis.tables import Table

ONE_RECIPE = "Both are trainings of one recipe with different seeds: what differs between them is chance."
WHAT_SEEDS_VARY = (
    "Seeds vary the order of the pictures, their augmentation and the weights that a training begins with. The intervals are "
    "Student's over seeds: where the mean of ever more trainings would lie, on these test pictures."
)


@dataclass(frozen=True)
class BySeed:
    """One recipe. name: of the network that is looked at. accuracies: seed -> share of the test pictures that is right, at
    least one. n: test pictures, the same for all."""

    name: str
    accuracies: Mapping[int, float]
    n: int

    @property
    def overall(self) -> OverSeeds | None:
        """The mean accuracy with its interval; None for one seed, which has none."""
        values = list(self.accuracies.values())
        return over_seeds(values) if len(values) > 1 else None


@dataclass(frozen=True)
class SeedsCompared:
    """Two recipes on the same test pictures. Differences are the first minus the second, of trainings with the same seed."""

    first: BySeed
    second: BySeed

    @property
    def names(self) -> tuple[str, str]:
        return self.first.name, self.second.name

    @property
    def common(self) -> tuple[int, ...]:
        """Seeds that both were trained with, rising."""
        return tuple(sorted(self.first.accuracies.keys() & self.second.accuracies.keys()))

    @property
    def differences(self) -> dict[int, float]:
        """Seed -> difference of the accuracies, -1..1."""
        return {seed: self.first.accuracies[seed] - self.second.accuracies[seed] for seed in self.common}

    @property
    def difference(self) -> OverSeeds | None:
        """The mean difference with its interval; None below two seeds in common."""
        if len(self.common) < 2:
            return None
        first, second = ([one.accuracies[seed] for seed in self.common] for one in (self.first, self.second))
        return difference_over_seeds(first, second)

    @property
    def told(self) -> bool:
        """Whether there is an interval and it leaves out 0."""
        found = self.difference
        return found is not None and not found.low <= 0 <= found.high

    def to_json(self) -> dict[str, Any]:
        """Everything as values that json.dumps takes; None for what is not known."""
        networks = [
            {
                "name": one.name,
                "accuracy_by_seed": {str(seed): value for seed, value in sorted(one.accuracies.items())},
                **_plain(one.overall),
            }
            for one in (self.first, self.second)
        ]
        differences = {str(seed): value for seed, value in self.differences.items()}
        told = {**_plain(self.difference), "difference_by_seed": differences, "told": self.told}
        return {"networks": networks, "difference": told, "verdict": seeds_verdict(self)}


def _plain(found: OverSeeds | None) -> dict[str, Any]:
    return {"mean": found.mean, "interval": [found.low, found.high]} if found else {"mean": None, "interval": None}


def seeds_verdict(found: SeedsCompared) -> str:
    """What the seeds say of the two accuracies, in a sentence that follows from the numbers."""
    one, (first, second) = found.difference, found.names
    if one is None:
        counts = f"{_counted(found.first)} of {first}, {_counted(found.second)} of {second}"
        few = "no two of them in common" if not found.common else f"only seed {found.common[0]} in common"
        return f"No difference over seeds can be told: {counts}, {few}."
    mean, low, high = (100 * value for value in one)
    better, worse = (first, second) if mean > 0 else (second, first)
    end = f"{better} is right more often than {worse}" if found.told else "no difference can be told"
    return f"Over {len(found.common)} seeds: {mean:+.2f} points, 95 % interval {low:+.2f} to {high:+.2f}: {end}."


def in_words(found: BySeed) -> str:
    """ "3 seeds: 88.10, 87.90, 88.30 % (mean 88.10, 95 % interval 87.60 to 88.60)", in the order of the seeds."""
    values = ", ".join(f"{100 * value:.2f}" for _, value in sorted(found.accuracies.items()))
    words = f"{_counted(found)}: {values} %"
    if found.overall is None:
        return words
    mean, low, high = (100 * value for value in found.overall)
    return f"{words} (mean {mean:.2f}, 95 % interval {low:.2f} to {high:.2f})"


def _counted(found: BySeed) -> str:
    count = len(found.accuracies)
    return f"{count} seed" if count == 1 else f"{count} seeds"


def by_seed_table(found: SeedsCompared) -> Table:
    """A row a seed and three of what lies over them: accuracies in %, the difference in points; None where there is none."""
    seeds = sorted(found.first.accuracies.keys() | found.second.accuracies.keys())
    columns = (found.first.accuracies, found.second.accuracies, found.differences)
    overall = (found.first.overall, found.second.overall, found.difference)
    names = (*(f"{name} (%)" for name in found.names), "difference (points)")
    return {"seed": [*map(str, seeds), "mean", "95 % low", "95 % high"]} | {
        name: [*(_percent(values.get(seed)) for seed in seeds), *(map(_percent, whole) if whole else (None,) * 3)]
        for name, values, whole in zip(names, columns, overall, strict=True)
    }


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 4)
