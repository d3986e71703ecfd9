"""The numbers behind what is shown of corrupted pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seviz.analysis.corruptions import CLEAN, KINDS, Apart, Beside, Condition, Named, Versus
from seviz.analysis.tables import Table


def table(networks: Mapping[str, Sequence[Condition]]) -> Table:
    """A row a network and corruption: accuracy, loss, what is lost, and accuracy with other gates (None without gates)."""
    rows = [(name, one) for name, conditions in networks.items() for one in conditions]
    beside_columns = {
        **_beside_columns("clean gates", [one.held for _, one in rows]),
        **_beside_columns("static gates", [one.static for _, one in rows]),
    }
    return {
        "network": [name for name, _ in rows],
        "corruption": [KINDS[one.kind].title if one.kind in KINDS else CLEAN for _, one in rows],
        "strength": [one.words for _, one in rows],
        "accuracy": [one.accuracy for _, one in rows],
        "low": [one.interval[0] for _, one in rows],
        "high": [one.interval[1] for _, one in rows],
        "difference": [one.difference for _, one in rows],
        "difference low": [one.difference_interval[0] for _, one in rows],
        "difference high": [one.difference_interval[1] for _, one in rows],
        "p": [one.p for _, one in rows],
        "cross-entropy": [one.loss for _, one in rows],
        **beside_columns,
    }


def _beside_columns(name: str, found: Sequence[Beside | None]) -> dict[str, list[float | None]]:
    return {
        f"{name}: accuracy": [None if one is None else one.accuracy for one in found],
        f"{name}: own minus it": [None if one is None else one.difference for one in found],
        f"{name}: low": [None if one is None else one.interval[0] for one in found],
        f"{name}: high": [None if one is None else one.interval[1] for one in found],
        f"{name}: p": [None if one is None else one.p for one in found],
    }


def moved_table(conditions: Sequence[Condition], apart: Sequence[Apart], sites: Sequence[Named]) -> Table:
    """A row a corruption and site: how far its gates move, and how far they lie apart between pictures."""
    rows = [
        (one, site.title, moved, far)
        for one in conditions
        if one.kind != CLEAN
        for site, moved, far in zip(sites, one.moved, apart, strict=True)
    ]
    return {
        "corruption": [KINDS[one.kind].title for one, _, _, _ in rows],
        "strength": [one.words for one, _, _, _ in rows],
        "site": [title for _, title, _, _ in rows],
        "mean |change|": [moved.absolute for _, _, moved, _ in rows],
        "rms change": [moved.rms for _, _, moved, _ in rows],
        "rms over spread": [moved.rms / far.spread if far.spread else 0.0 for _, _, moved, far in rows],
        "rms over that to another picture": [moved.rms / far.rms if far.rms else 0.0 for _, _, moved, far in rows],
        "spread over pictures": [far.spread for _, _, _, far in rows],
        "mean |difference| of two pictures": [far.absolute for _, _, _, far in rows],
        "rms difference of two pictures": [far.rms for _, _, _, far in rows],
    }


def versus_table(first: str, second: str, found: Sequence[Versus]) -> Table:
    """A row a corruption: the first network minus the second, and how much less the first loses."""
    return {
        "corruption": [KINDS[one.kind].title if one.kind in KINDS else CLEAN for one in found],
        "strength": [KINDS[one.kind].levels[one.level] if one.kind in KINDS else CLEAN for one in found],
        f"{first} minus {second}": [one.difference for one in found],
        "low": [one.interval[0] for one in found],
        "high": [one.interval[1] for one in found],
        "p": [one.p for one in found],
        "loses less by": [one.kept for one in found],
        "less by, low": [one.kept_interval[0] for one in found],
        "less by, high": [one.kept_interval[1] for one in found],
    }
