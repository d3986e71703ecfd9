"""What `seviz compare` prints of two networks that were trained with several seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seviz.analysis.seeds import OverSeeds
    from seviz.seeds import Beside

WIDE = 22  # characters of a column


def plain(known: Beside | None) -> dict[str, Any] | None:
    """As values that json.dumps takes; None for one training of each, and for two trainings of one recipe."""
    return {**known.found.to_json(), "left_out": list(known.left_out)} if known and known.found else None


def lines(known: Beside | None) -> list[str]:
    """A line a seed, the means with their intervals and the verdict, or that there is one training of each."""
    from seviz.analysis.by_seed import in_words, seeds_verdict

    if known is None:
        return ["", "one training of each: another seed would give other figures"]
    left_out = list(known.left_out)
    if known.found is None:
        return ["", f"both are trainings of one recipe with different seeds, {in_words(known.first)}", *left_out]
    first, second, apart = known.found.first, known.found.second, known.found
    columns: tuple[Mapping[int, float], ...] = (first.accuracies, second.accuracies, apart.differences)
    seeds = sorted(first.accuracies.keys() | second.accuracies.keys())
    rows = [[str(seed), *(_value(values.get(seed), place) for place, values in enumerate(columns))] for seed in seeds]
    means = (first.overall, second.overall, apart.difference)
    rows.append(["mean", *(_value(one.mean if one else None, place) for place, one in enumerate(means))])
    rows.append(["95 %", *(_interval(one, place) for place, one in enumerate(means))])
    return ["", seeds_verdict(apart), _row(["seed", *apart.names, "difference (points)"]), *map(_row, rows), *left_out]


def _row(cells: Sequence[str]) -> str:
    return f"{cells[0]:<6}" + "".join(f"  {cell:>{WIDE}}" for cell in cells[1:])


def _value(share: float | None, place: int) -> str:
    """place: 2 for the difference."""
    return "" if share is None else f"{100 * share:+.2f}" if place == 2 else f"{share:.2%}"


def _interval(found: OverSeeds | None, place: int) -> str:
    return f"{_value(found.low, place)} to {_value(found.high, place)}" if found else ""
