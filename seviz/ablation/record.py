"""ablation.json: what edits of gates cost on a data set, as plain data; written atomically, read with suspicion."""

from __future__ import annotations

import math
import os
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from seviz.ablation.plan import variants_of
from seviz.analysis.ablation import Effect, Gate, Live, Network, Share, findings
from seviz.analysis.deletion import KINDS, ORDERS, Curve, channel_findings
from seviz.analysis.importance import Dropped
from seviz.data import DataKey
from seviz.files import write_json
from seviz.gates import Site
from seviz.sealed import load_sealed, seal
from seviz.values import text, texts, whole

ABLATION_FILE = "ablation.json"
FORMAT = 1
MAX_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Ablation:
    """What every edit costs, on n samples.

    weights_sha256: of the network (hex). data: the samples. classes: K names. sites: in order. live: without edits.
    effects: one an edit, in the order of seviz.ablation.plan. share: input-dependent part of the gates' worth. network:
    for the sentences. seed: of the shuffling and of the bootstraps. close: predictions, of (effects + 1) x n, whose two
    highest logits are within 1e-3: other batches or machines may decide them otherwise. means: where the mean gates come
    from. command: gives it again. versions, hardware: of the machine. curves: deletion and insertion of channels, over
    curve_pictures; channels: what each does that is dropped alone, site by site; () where they were not asked for.
    """

    weights_sha256: str
    data: DataKey
    classes: tuple[str, ...]
    sites: tuple[Site, ...]
    live: Live
    effects: tuple[Effect, ...]
    share: Share
    network: Network
    seed: int
    close: int
    means: str
    command: str
    versions: Mapping[str, str]
    hardware: Mapping[str, str | int]
    curve_pictures: int = 0
    curves: tuple[Curve, ...] = ()
    channels: tuple[Dropped, ...] = ()

    @property
    def n(self) -> int:
        return self.live.n

    @property
    def channel_pictures(self) -> int:
        """Over which each channel was dropped alone, 0 where none was."""
        return self.channels[0].n if self.channels else 0

    @property
    def findings(self) -> tuple[str, ...]:
        """What follows from the numbers, in sentences."""
        return findings(self.live, self.effects, self.share, self.network) + channel_findings(self.curves)

    @property
    def titles(self) -> dict[str, str]:
        """Where of every edit -> its sites in words, in the order of the edits: "all" -> "all sites", "s3" -> "stage 3"."""
        blocks = {site.path: site.title for site in self.sites}
        wheres = dict.fromkeys(one.where for one in self.effects)
        return {where: blocks.get(where, "all sites" if where == "all" else f"stage {where[1:]}") for where in wheres}

    def effect(self, where: str, gate: str) -> Effect:
        """The effect of an edit: where as "all", "s3" or a path, gate as "1", "mean", "class" or "shuffle"."""
        return next(one for one in self.effects if (one.where, one.gate) == (where, gate))

    def adding(self, *, curves: int = 0, channels: int = 0) -> str:
        """The options of `seviz ablate --resume` that add curves or channels over so many pictures and keep what is there."""
        wanted = {"--curves": self.curve_pictures or curves, "--channels": self.channels[0].n if self.channels else channels}
        return " ".join(f"{option} {count}" for option, count in wanted.items() if count)

    def to_json(self) -> dict[str, Any]:
        """Everything as values that json.dumps takes, with the findings in words, sealed."""
        return seal({"format": FORMAT, **asdict(self), "findings": list(self.findings)})


def save_ablation(path: Path, found: Ablation) -> None:
    """Write ablation.json."""
    write_json(path, found.to_json())


def load_ablation(path: Path) -> Ablation:
    """Read ablation.json. Raises CheckpointError where it is missing, damaged or says something else than its seal."""
    return load_sealed(path, MAX_BYTES, FORMAT, _checked, ablate_command(path))


def ablate_command(path: Path) -> str:
    """The command that writes `path`, the ablation.json of a checkpoint's folder; D stands for the data set."""
    path = Path(os.path.abspath(path))
    command = ["python", "-m", "seviz", "ablate", "--model", str(path.parent), "--data", "D"]
    return shlex.join(command + ([] if path.name == ABLATION_FILE else ["--out", str(path)]))


def _checked(values: Mapping[str, Any]) -> Ablation:
    """Raises one of a few errors where the values are not those of an ablation."""
    effects = tuple(_effect(one) for one in values["effects"])
    network = Network(tuple(Gate(**one) for one in values["network"]["gates"]), values["network"]["parameters"])
    found = Ablation(
        weights_sha256=text(values["weights_sha256"]),
        data=_data_key(values["data"]),
        classes=tuple(text(label) for label in values["classes"]),
        sites=tuple(Site(**site) for site in values["sites"]),
        live=Live(**{**values["live"], "interval": _pair(values["live"]["interval"]), "per_class": _rates(values["live"])}),
        effects=effects,
        share=Share(values["share"]["value"], _pair(values["share"]["interval"])),
        network=network,
        seed=whole(values["seed"]),
        close=whole(values["close"]),
        means=text(values["means"]),
        command=text(values["command"]),
        versions=texts(values["versions"]),
        hardware=dict(values["hardware"]),
        curve_pictures=whole(values["curve_pictures"]),
        curves=tuple(_curve(one) for one in values["curves"]),
        channels=tuple(_dropped(one) for one in values.get("channels", ())),  # files were written before they were measured
    )
    wanted = [(one.where, one.gate, one.paths) for one in variants_of(found.sites)]
    if [(one.where, one.gate, one.sites) for one in effects] != wanted or found.live.n != found.data.count:
        raise ValueError("other edits than an ablation has")
    if any(len(rates) != len(found.classes) for rates in (found.live.per_class, *(one.per_class for one in effects))):
        raise ValueError("other classes than it names")
    if [gate.path for gate in network.gates] != [site.path for site in found.sites]:
        raise ValueError("other gates than its sites")
    drawn = [(site.path, kind, order) for site in found.sites for kind in KINDS for order in ORDERS]
    if found.curves and [(one.site, one.kind, one.order) for one in found.curves] != drawn:
        raise ValueError("other curves than an ablation has")
    widths = [(site.path, site.channels) for site in found.sites]
    if found.channels and [(one.site, len(one.delta_logit)) for one in found.channels] != widths:
        raise ValueError("other channels than its sites have")
    if len({one.n for one in found.channels}) > 1:
        raise ValueError("channels over other pictures")
    if not all(found.findings):  # they need all figures
        raise ValueError("figures that say nothing")
    return found


def _data_key(values: Mapping[str, Any]) -> DataKey:
    words = {word: text(values[word]) for word in ("name", "split", "sha256")}
    return DataKey(**words, count=whole(values["count"]))


def _effect(values: Mapping[str, Any]) -> Effect:
    plain = {"sites": tuple(values["sites"]), "interval": _pair(values["interval"]), "per_class": _rates(values)}
    one = Effect(**{**values, **plain})
    numbers = (one.accuracy, one.difference, one.p, one.changed, one.delta_logit)
    if not all(isinstance(number, int | float) and math.isfinite(number) for number in numbers):
        raise ValueError("a figure that is no number")
    return one


def _curve(values: Mapping[str, Any]) -> Curve:
    pairs = {name: _pair(values[name]) for name in ("interval", "beside_random_interval")}
    rows = {name: tuple(float(value) for value in values[name]) for name in ("shares", "probability")}
    one = Curve(**{**values, **pairs, **rows})
    if len(one.shares) != len(one.probability) or not math.isfinite(one.area):
        raise ValueError("a curve that is none")
    return one


def _dropped(values: Mapping[str, Any]) -> Dropped:
    counts = {name: tuple(whole(count) for count in values[name]) for name in ("only_dropped", "only_live", "changed")}
    delta, n = tuple(float(value) for value in values["delta_logit"]), whole(values["n"])
    one = Dropped(**{**values, "site": text(values["site"]), "n": n, "delta_logit": delta, **counts})
    if any(len(row) != len(delta) or not all(0 <= count <= n for count in row) for row in counts.values()):
        raise ValueError("counts that are none")
    if n < 1 or not all(math.isfinite(value) and value >= 0 for value in delta):
        raise ValueError("a figure that is no number")
    if any(b + c > n for b, c in zip(one.only_dropped, one.only_live, strict=True)):
        raise ValueError("more pictures than there are")
    return one


def _pair(values: Any) -> tuple[float, float] | None:
    if values is None:
        return None
    low, high = (float(value) for value in values)
    return low, high


def _rates(values: Mapping[str, Any]) -> tuple[float | None, ...]:
    return tuple(None if value is None else float(value) for value in values["per_class"])
