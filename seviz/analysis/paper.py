"""What the Squeeze-and-Excitation paper reports, and the report that this project starts from.

J. Hu, L. Shen, S. Albanie, G. Sun, E. Wu, "Squeeze-and-Excitation Networks", TPAMI 2020 (arXiv 1709.01507 v4). Tables
and figures are numbered as there. Errors are in %; multiply-adds are in units of 10^9 (the paper calls them GFLOPs),
parameters in units of 10^6.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from seviz.analysis.classification import Interval, wilson


@dataclass(frozen=True)
class Result:
    """One network: errors in %, multiply-adds in 10^9, parameters in 10^6; None where the table does not say."""

    name: str
    top1: float
    top5: float
    multiply_adds: float | None = None
    parameters: float | None = None


@dataclass(frozen=True)
class Pair:
    """A network and the same network with SE blocks, trained alike. table: where the paper reports them."""

    table: str
    plain: Result
    se: Result


@dataclass(frozen=True)
class Ablation:
    """One choice of the SE block varied in SE-ResNet-50 on ImageNet. what: the choice. chosen: the paper's own."""

    table: str
    what: str
    rows: tuple[Result, ...]
    chosen: str


@dataclass(frozen=True)
class SmallPictures:
    """CIFAR test error in %, without and with SE blocks."""

    table: str
    name: str
    plain: float
    se: float


@dataclass(frozen=True)
class Counted:
    """Counted by this project at 224 x 224, not by the paper: convolutions and matrix products only.

    parameters: as they are. multiply_adds: in 10^9. The paper's 3.86 -> 3.87 for ResNet-50 with SE blocks is reached
    when the scaling of the channels and the residual sums are counted too.
    """

    name: str
    parameters: int
    multiply_adds: float


def _pair(name: str, plain: tuple[float, ...], se: tuple[float, ...], table: str = "Table 2") -> Pair:
    return Pair(table, Result(name, *plain), Result(f"SE-{name}", *se))


# ImageNet validation set, one centre crop, networks re-trained by the authors: (top-1, top-5, multiply-adds)
IMAGENET = (
    _pair("ResNet-50", (24.80, 7.48, 3.86), (23.29, 6.62, 3.87)),
    _pair("ResNet-101", (23.17, 6.52, 7.58), (22.38, 6.07, 7.60)),
    _pair("ResNet-152", (22.42, 6.34, 11.30), (21.57, 5.73, 11.32)),
    _pair("ResNeXt-50", (22.11, 5.90, 4.24), (21.10, 5.49, 4.25)),
    _pair("ResNeXt-101", (21.18, 5.57, 7.99), (20.70, 5.01, 8.00)),
    _pair("VGG-16", (27.02, 8.81, 15.47), (25.22, 7.70, 15.48)),
    _pair("BN-Inception", (25.38, 7.89, 2.03), (24.23, 7.14, 2.04)),
    _pair("Inception-ResNet-v2", (20.37, 5.21, 11.75), (19.80, 4.79, 11.76)),
    _pair("MobileNet", (28.4, 9.4, 0.569, 4.2), (25.3, 7.7, 0.572, 4.7), "Table 3"),
    _pair("ShuffleNet", (32.6, 12.5, 0.140, 1.8), (31.0, 11.1, 0.142, 2.4), "Table 3"),
)

CIFAR10 = (
    SmallPictures("Table 4", "ResNet-110", 6.37, 5.21),
    SmallPictures("Table 4", "ResNet-164", 5.46, 4.39),
    SmallPictures("Table 4", "WRN-16-8", 4.27, 3.88),
    SmallPictures("Table 4", "Shake-Shake 26 2x96d + Cutout", 2.56, 2.12),
)
CIFAR100 = (
    SmallPictures("Table 5", "ResNet-110", 26.88, 23.85),
    SmallPictures("Table 5", "ResNet-164", 24.33, 21.31),
    SmallPictures("Table 5", "WRN-16-8", 20.43, 19.14),
    SmallPictures("Table 5", "Shake-Even 29 2x4x64d + Cutout", 15.85, 15.41),
)

# The ablations have a longer schedule of their own: never beside the 24.80 and 23.29 of Table 2.
PLAIN_IN_ABLATIONS = Result("ResNet-50", 23.30, 6.55, 3.86, 25.6)
SE_IN_ABLATIONS = Result("SE-ResNet-50", 22.28, 6.03, 3.87, 28.1)
ABLATIONS = (
    Ablation(
        "Table 10",
        "reduction ratio r",
        (
            Result("2", 22.29, 6.00, None, 45.7),
            Result("4", 22.25, 6.09, None, 35.7),
            Result("8", 22.26, 5.99, None, 30.7),
            Result("16", 22.28, 6.03, None, 28.1),
            Result("32", 22.72, 6.20, None, 26.9),
        ),
        "16",
    ),
    Ablation("Table 11", "squeeze", (Result("max", 22.57, 6.09), Result("avg", 22.28, 6.03)), "avg"),
    Ablation(
        "Table 12",
        "excitation",
        (Result("ReLU", 23.47, 6.98), Result("tanh", 23.00, 6.38), Result("sigmoid", 22.28, 6.03)),
        "sigmoid",
    ),
    Ablation(
        "Table 13",
        "stages with SE blocks",
        (
            Result("stage 2", 23.03, 6.48, 3.86, 25.6),
            Result("stage 3", 23.04, 6.32, 3.86, 25.7),
            Result("stage 4", 22.68, 6.22, 3.86, 26.4),
            Result("all", 22.28, 6.03, 3.87, 28.1),
        ),
        "all",
    ),
    Ablation(
        "Table 14",
        "placement",
        (
            Result("standard", 22.28, 6.03),
            Result("pre", 22.23, 6.00),
            Result("post", 22.78, 6.35),
            Result("identity", 22.20, 6.15),
        ),
        "standard",
    ),
    Ablation(
        "Table 15",
        "inside the unit",
        (Result("after the last 1x1", 22.28, 6.03, 3.87, 28.1), Result("after the 3x3", 22.48, 6.02, 3.86, 25.8)),
        "after the last 1x1",
    ),
    Ablation(
        "Table 16",
        "pooling",
        (Result("none", 22.93, 6.39, 4.27, 28.1), Result("global", 22.28, 6.03, 3.87, 28.1)),
        "global",
    ),
)

# The authors' later weights (github.com/hujie-frank/SENet), which are not the paper's: (top-1, top-5)
REPOSITORY = (
    Result("SE-ResNet-50", 22.37, 6.36),
    Result("SE-ResNet-101", 21.75, 5.72),
    Result("SE-ResNet-152", 21.34, 5.54),
    Result("SE-ResNeXt-50", 20.97, 5.54),
    Result("SE-ResNeXt-101", 19.81, 4.96),
    Result("SENet-154", 18.68, 4.47),
)

COUNTED = (
    Counted("ResNet-50", 25_557_032, 3.8580),
    Counted("SE-ResNet-50", 28_088_024, 3.8605),
    Counted("ResNet-50 v1.5", 25_557_032, 4.0892),
    Counted("SE-ResNet-50 v1.5", 28_088_024, 4.0917),
    Counted("ResNet-101 v1.5", 44_549_160, 7.8014),
    Counted("ResNet-152 v1.5", 60_192_808, 11.5136),
)

# Figure 6: (name, ImageNet class) and (the paper's name of a site, the path in timm's and our networks without `.se`)
FIGURE_6_CLASSES = (("goldfish", 1), ("pug", 254), ("plane", 404), ("cliff", 972))
FIGURE_6_SITES = (
    ("SE_2_3", "layer1.2"),
    ("SE_3_4", "layer2.3"),
    ("SE_4_6", "layer3.5"),
    ("SE_5_1", "layer4.0"),
    ("SE_5_2", "layer4.1"),
    ("SE_5_3", "layer4.2"),
)
FIGURE_6_CHANNELS = 50  # sampled uniformly
FIGURE_6_PICTURES = 50  # of the validation set, a class

# The report that this project starts from: 85.81 % on data that it does not name. CIFAR-10 is our reading.
REPORT_ACCURACY = 0.8581
REPORT_ASSUMED_N = 10_000


def imagenet(name: str) -> Pair:
    """The pair whose plain network is `name`, such as "ResNet-50". Raises KeyError where the paper has none."""
    return {pair.plain.name: pair for pair in IMAGENET}[name]


REPORT_WORDS = (
    "The report behind this project gives 85.81 % without naming its data; CIFAR-10 is our reading, and its dotted interval "
    "is the one it would have with 10,000 pictures."
)


def beside_report(classes: Iterable[int]) -> bool:
    """Whether the report's accuracy says anything beside networks of so many classes: where one has ten, as CIFAR-10."""
    return 10 in classes


def report_interval() -> Interval:
    """The 95 % interval that the report's accuracy would have if its test set were CIFAR-10's 10,000 pictures."""
    return wilson(round(REPORT_ACCURACY * REPORT_ASSUMED_N), REPORT_ASSUMED_N)


def figure_6_sites(stages: Sequence[int]) -> list[int]:
    """Which sites, by the stages (counted from 1) of all of them in order, figure 6 shows: the last of every stage, and of
    a network of four stages all of the fourth where it has up to three. Of SE-ResNet-50 these are FIGURE_6_SITES."""
    last = {stage: index for index, stage in enumerate(stages)}
    whole = max(stages, default=0) == 4 and stages.count(4) <= 3
    return [index for index, stage in enumerate(stages) if last[stage] == index or (whole and stage == 4)]


def site_name(title: str, stage: int, block: int, stages: Sequence[int]) -> str:
    """The title of a site, with the paper's name behind it where the stages of all sites are the paper's four, which it
    counts from 2: "stage 1 · block 3 (SE_2_3)"."""
    return f"{title} (SE_{stage + 1}_{block})" if max(stages, default=0) == 4 else title


def figure_6_classes(names: Sequence[str]) -> list[int]:
    """Goldfish, pug, airliner and cliff where the K names are ImageNet's, else four that are spread over the list."""
    wanted = {index: {"plane": "airliner"}.get(name, name) for name, index in FIGURE_6_CLASSES}
    if len(names) == 1000 and all(word in names[index].lower() for index, word in wanted.items()):
        return list(wanted)
    count = min(4, len(names))
    return sorted({round(place * (len(names) - 1) / max(count - 1, 1)) for place in range(count)})
