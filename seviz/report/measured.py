"""What is worked out before anything is written: the sentences in front rest on it as much as the figures behind them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from seviz.analysis.health import GateHealth
from seviz.report.depth import STEPS, Depth
from seviz.report.depth import measure as measure_depth
from seviz.report.health import measure as measure_health
from seviz.report.sources import Network

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Measured:
    """A network and what was measured of its gates; None and () without statistics of them."""

    network: Network
    depth: Depth | None
    health: tuple[GateHealth, ...]


def measure_all(networks: tuple[Network, ...], progress: Progress | None) -> tuple[Measured, ...]:
    """Of every network; the probes take about a second each. progress: called with (done, in all)."""
    total, done = sum(STEPS * len(network.sites) for network in networks), 0

    def tick() -> None:
        nonlocal done
        done += 1
        if progress:
            progress(done, total)

    return tuple(_measured(network, tick) for network in networks)


def _measured(network: Network, tick: Callable[[], None]) -> Measured:
    if not network.sites:
        return Measured(network, None, ())
    return Measured(network, measure_depth(network, tick), measure_health(network))
