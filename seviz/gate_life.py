"""Whether the gates of a network live: what its card says of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from seviz.values import real, text, whole

ALIVE = 0.05  # standard deviation of a gate over pictures, from which a site counts as alive


@dataclass(frozen=True)
class GateLife:
    """Whether the gates of a network say anything, and what it is worth, on n pictures of a split.

    deviations: site path -> standard deviation of a gate over the pictures, mean over the site's channels (0..0.5).
    live, shuffled, static: accuracy (0..1) with the gates as they are, with every picture given all the gates of
    another one (permuted with `seed`), and with every gate at its mean over the pictures. shuffling_interval,
    static_interval: of live - shuffled and live - static, 95 %, bootstrap over paired pictures; None in older cards.
    """

    deviations: Mapping[str, float]
    live: float
    shuffled: float
    static: float
    n: int
    data: str
    split: str
    seed: int
    shuffling_interval: tuple[float, float] | None = None
    static_interval: tuple[float, float] | None = None

    @property
    def still_sites(self) -> tuple[str, ...]:
        """The sites whose gates hardly move from picture to picture, in the network's order."""
        return tuple(site for site, deviation in self.deviations.items() if deviation < ALIVE)

    @property
    def sites_alive(self) -> int:
        return len(self.deviations) - len(self.still_sites)

    @property
    def lost_by_shuffling(self) -> float:
        return self.live - self.shuffled

    @property
    def lost_when_static(self) -> float:
        return self.live - self.static

    def to_json(self) -> dict[str, Any]:
        known = {name: value for name, value in asdict(self).items() if value is not None}  # an older card stays as it was
        return {
            **known,
            "sites": len(self.deviations),
            "sites_alive": self.sites_alive,
            "alive_means": f"standard deviation of {ALIVE} or more",
            "lost_by_shuffling": round(self.lost_by_shuffling, 6),
            "lost_when_static": round(self.lost_when_static, 6),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> GateLife:
        figures: dict[str, Any] = {name: real(values[name], 0, 1) for name in ("live", "shuffled", "static")}
        deviations = {text(site): real(value, 0, 1) for site, value in values["deviations"].items()}
        n, seed = whole(values["n"], 2), whole(values["seed"])
        known = {name: values[name] for name in ("shuffling_interval", "static_interval") if values.get(name) is not None}
        figures |= {name: (real(low, -1, 1), real(high, -1, 1)) for name, (low, high) in known.items()}
        return cls(deviations, **figures, n=n, data=text(values["data"]), split=text(values["split"]), seed=seed)
