"""The paper's families of networks, plain against SE: what each costs here, and what the paper says.

    for row in rows(side=224):
        row.family.title, row.plain.parameters, row.se.parameters, row.paper

Networks are counted without weights, so that all of them need no more memory than their names. What is counted: learned
numbers; multiply-adds of one picture in convolutions and matrix products (seviz.nets.cost). `scaling` is what that leaves out
of an SE block's own work: a multiplication for every number that a gate scales.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from seviz.analysis import paper
from seviz.analysis.classification import Interval, wilson
from seviz.backend import Latency, Model, latency
from seviz.checkpoints import Checkpoint, find_checkpoints, open_checkpoint
from seviz.errors import RequestError, SevizError
from seviz.gates import find_gates, tap_inputs
from seviz.images import Preprocessing
from seviz.nets import Cost, SEPlacement, cost, from_card, options_for

CLASSES = 1000
COUNTED = "Parameters are learned numbers; multiply-adds are those of one picture, in convolutions and matrix products only."
PLACED = "SE blocks: reduction 16, in the paper's places, in all stages"
REPEATS = 20  # passes that a latency is the median of


@dataclass(frozen=True)
class Family:
    """title: for people. paper: the plain network of the paper's table, "" where it has none. arch: what is typed for the
    network that is counted, "" where there is none. note: in what it is not the paper's. builder: arguments that make it.
    timm: timm's names for it, plain and SE, whose checkpoints' accuracies stand in its row as well."""

    title: str
    paper: str
    arch: str
    note: str
    builder: Mapping[str, Any] = field(default_factory=dict)
    timm: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())

    @property
    def typed(self) -> str:
        """What is typed for the plain network, with the arguments that make it."""
        more = ", ".join(f"{name}={value}" for name, value in self.builder.items())
        return f"{self.arch} ({more})" if more else self.arch

    def options(self, *, se: bool) -> dict[str, Any]:
        """The network's options as they stand in a card."""
        if self.arch.startswith("torchvision:"):
            values = {"library": "torchvision", "name": self.arch.partition(":")[2], "classes": CLASSES}
            return values | {"options": dict(self.builder)} | ({"se": SEPlacement().to_json()} if se else {})
        return asdict(options_for(("se_" if se else "") + self.arch, classes=CLASSES, **self.builder))


V1, V15 = "the paper's: stride on the first 1 x 1", "v1.5: stride on the 3 x 3; the paper's on a 1 x 1"
NEXT50 = ("seresnext50_32x4d", "legacy_seresnext50_32x4d")
NEXT101 = ("seresnext101_32x4d", "legacy_seresnext101_32x4d")
FAMILIES = (
    Family("ResNet-50", "ResNet-50", "resnet50", V1, {"stride_on": "1x1"}, ((), ("legacy_seresnet50",))),
    Family("ResNet-50 v1.5", "ResNet-50", "torchvision:resnet50", V15, {}, (("resnet50",), ("seresnet50",))),
    Family("ResNet-101", "ResNet-101", "resnet101", V1, {"stride_on": "1x1"}, ((), ("legacy_seresnet101",))),
    Family("ResNet-101 v1.5", "ResNet-101", "torchvision:resnet101", V15, {}, (("resnet101",), ("seresnet101",))),
    Family("ResNet-152", "ResNet-152", "resnet152", V1, {"stride_on": "1x1"}, ((), ("legacy_seresnet152",))),
    Family("ResNet-152 v1.5", "ResNet-152", "torchvision:resnet152", V15, {}, (("resnet152",), ("seresnet152",))),
    Family("ResNeXt-50 32x4d", "ResNeXt-50", "torchvision:resnext50_32x4d", "the paper's", {}, (("resnext50_32x4d",), NEXT50)),
    Family(
        "ResNeXt-101 32x4d", "ResNeXt-101", "torchvision:resnet101", "the paper's; torchvision has no name of its own for it",
        {"groups": 32, "width_per_group": 4}, (("resnext101_32x4d",), NEXT101),
    ),
    Family("VGG-16 + BN", "VGG-16", "torchvision:vgg16_bn", "the paper's", {}, (("vgg16_bn",), ())),
    Family("GoogLeNet", "BN-Inception", "torchvision:googlenet", "version 1 with batch norm; the paper has version 2"),
    Family("Inception v3", "", "torchvision:inception_v3", "not in the paper; made for 299 x 299"),
    Family("Inception-ResNet-v2", "Inception-ResNet-v2", "", "torchvision has none, so nothing is counted"),
    Family("MobileNetV2", "MobileNet", "torchvision:mobilenet_v2", "version 2, with shortcuts; the paper has version 1"),
    Family("ShuffleNetV2 1x", "ShuffleNet", "torchvision:shufflenet_v2_x1_0", "version 2; the paper has version 1"),
)  # fmt: skip


@dataclass(frozen=True)
class Counted:
    """plain, se: parameters and multiply-adds. blocks: SE blocks. scaling: multiplications of their gates with the maps,
    which multiply-adds leave out."""

    plain: Cost
    se: Cost
    blocks: int
    scaling: int

    @property
    def more_parameters(self) -> float:
        """As a share of the plain network's."""
        return self.se.parameters / self.plain.parameters - 1

    @property
    def more_multiply_adds(self) -> float:
        return self.se.multiply_adds / self.plain.multiply_adds - 1

    def to_json(self) -> dict[str, Any]:
        growth = {name: getattr(self, name) for name in ("more_parameters", "more_multiply_adds")}
        return {**asdict(self), **growth}


@dataclass(frozen=True)
class Accuracy:
    """What `seviz evaluate` measured on one checkpoint of a family: shares of n pictures that are right, with the 95 %
    interval of the first (Wilson)."""

    model: str
    se: bool
    top1: float
    interval: Interval
    top5: float | None
    n: int
    data: str
    classes: int


@dataclass(frozen=True)
class Row:
    """A family's line. counted: None where there is no network here, or where `problem` says why it cannot be counted. paper:
    None where the paper has none. measured: of the checkpoints of this machine, () where there are none."""

    family: Family
    counted: Counted | None
    paper: paper.Pair | None
    measured: tuple[Accuracy, ...]
    problem: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        named = {name: getattr(self.family, name) for name in ("title", "typed", "note")}
        counted, theirs = self.counted.to_json() if self.counted else None, asdict(self.paper) if self.paper else None
        measured = [asdict(one) for one in self.measured]
        return {**named, "counted": counted, "paper": theirs, "measured": measured, "problem": self.problem}


def rows(side: int = 224, *, progress: Callable[[int, int], None] | None = None) -> tuple[Row, ...]:
    """Every family, counted for pictures of side x side. progress: called with (families counted, in all)."""
    found, checkpoints = [], _checkpoints()
    for number, family in enumerate(FAMILIES, 1):
        pair, measured = paper.imagenet(family.paper) if family.paper else None, tuple(_measured(family, checkpoints))
        try:
            found.append(Row(family, count(family, side) if family.arch else None, pair, measured))
        except RequestError as error:
            found.append(Row(family, None, pair, measured, str(error)))
        if progress:
            progress(number, len(FAMILIES))
    return tuple(found)


@lru_cache(maxsize=64)  # a page asks again at every click
def _costs(index: int, side: int) -> Counted:
    family, picture = FAMILIES[index], (1, 3, side, side)
    with torch.device("meta"):
        plain, se = (from_card(family.options(se=which)).eval() for which in (False, True))
        sites = [site.path for site in find_gates(se)]
        with torch.no_grad(), tap_inputs(se, sites) as maps:
            se(torch.empty(picture))
    scaling = sum(value.numel() for value in maps.values())
    return Counted(cost(plain, side, side), cost(se, side, side), len(sites), scaling)


def count(family: Family, side: int = 224) -> Counted:
    """What a family's two networks cost. Raises RequestError where pictures of side x side are too small for them."""
    try:
        return _costs(FAMILIES.index(family), side)
    except (RuntimeError, ValueError) as error:
        raise RequestError(f"{family.title} cannot take pictures of {side} x {side} pixels; choose a larger size.") from error


def time_both(
    family: Family, side: int = 224, *, device: str | None = None, progress: Callable[[int, int], None] | None = None
) -> tuple[Latency, Latency]:
    """How long one picture takes the plain and the SE network, with random weights, in turn (seviz.backend.latency).

    Args: device: as of seviz.load. progress: called with (rounds done, in all).
    """
    labels = [str(index) for index in range(CLASSES)]
    models: list[Model] = []
    try:
        for se in (False, True):
            name = f"SE-{family.title}" if se else family.title
            with torch.random.fork_rng(devices=()):
                net = from_card(family.options(se=se)).eval()
            models.append(Model(net, name=name, classes=labels, preprocessing=Preprocessing(side, side), device=device))
        plain, gated = latency(models, repeats=REPEATS, progress=progress)
        return plain, gated
    finally:
        for model in models:
            model.close()


def _checkpoints() -> tuple[Checkpoint, ...]:
    return tuple(open_checkpoint(entry.folder) for entry in find_checkpoints() if entry.card and not entry.problem)


def _measured(family: Family, checkpoints: Sequence[Checkpoint]) -> list[Accuracy]:
    """Of the checkpoints that are of this family."""
    found = []
    for checkpoint in checkpoints:
        se = _is_of(family, checkpoint.card.options)
        one = _accuracy(checkpoint, se) if se is not None else None
        if one:
            found.append(one)
    return found


def _is_of(family: Family, options: Mapping[str, Any]) -> bool | None:
    """Whether a checkpoint's network is the family's one with SE blocks, or its plain one; None where it is neither."""
    if options.get("library") == "timm":
        return next((se for se in (False, True) if options["name"] in family.timm[se]), None)
    if not family.arch:
        return None
    own = _shape(family.options(se=False))
    return options.get("se") is not None if _shape(options) == own else None


def _shape(options: Mapping[str, Any]) -> dict[str, object]:
    """What tells one network of another, whatever its classes, SE blocks and auxiliary heads are."""
    left_out = ("classes", "se", "options")
    said = {name: value for name, value in options.items() if value is not None and name not in left_out}
    kept = {name: list(value) if isinstance(value, tuple) else value for name, value in said.items()}
    heads = ("aux_logits", "init_weights", "transform_input")
    return kept | {name: value for name, value in (options.get("options") or {}).items() if name not in heads}


def _accuracy(checkpoint: Checkpoint, se: bool) -> Accuracy | None:
    """From evaluation.npz, which `seviz evaluate --out` writes, else from the card; None where neither has it."""
    try:
        stored = checkpoint.evaluation()
    except SevizError:
        stored = None  # its own card says what is wrong with it
    classes, metrics = len(checkpoint.card.classes), checkpoint.card.metrics
    if stored is not None:
        order = np.argsort(-stored.logits.astype(np.float32), axis=1, kind="stable")[:, :5]
        right = order == stored.labels[:, None]
        top1, n, data = int(right[:, 0].sum()), len(stored.labels), f"{stored.key.name}, {stored.key.split}"
        top5 = float(right.any(1).mean()) if classes > 5 else None
        return Accuracy(checkpoint.name, se, top1 / n, wilson(top1, n), top5, n, data, classes)
    if "accuracy" not in metrics:
        return None
    found, five = metrics["accuracy"], metrics.get("top5")
    interval = found.interval or wilson(round(found.value * found.n), found.n)
    data = f"{found.data}, {found.split}"
    return Accuracy(checkpoint.name, se, found.value, interval, five.value if five else None, found.n, data, classes)
