"""Architectures by name: `resnet20`, `se_resnet56`, `se_resnet50`, and their options as they stand in a card."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from typing import Any

from seviz.errors import RequestError
from seviz.nets.resnet import ResNet, ResNetOptions, SEOptions

CIFAR_DEPTHS = (20, 32, 44, 56, 110)
IMAGENET_BLOCKS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}

# For photographs at 64 x 64: maps of 32, 16, 8 and 8 pixels a side, so that Grad-CAM of the last stage says where.
PHOTOS = ResNetOptions(blocks=(2, 2, 2, 2), widths=(32, 64, 128, 256), strides=(1, 2, 2, 1), stem="3x3/2", classes=50)


def options_for(arch: str, *, reduction: int = 16, classes: int | None = None, **changes: Any) -> ResNetOptions:
    """The options of an architecture's name.

    Args:
        arch: `resnetD` or `se_resnetD`; D = 20, 32, 44, 56, 110 is the form for 32 x 32 pictures (three stages of
            16, 32, 64 channels), D = 18, 34, 50, 101, 152 the ImageNet form; `resnet18_64` and `se_resnet18_64` are for
            pictures of 64 x 64 (32 to 256 channels, a last map of 8 x 8, at least 8 hidden units in an SE block).
        reduction: r of the SE blocks; of no meaning for a plain network.
        classes: outputs; 10 or 1000 when not given.
        changes: any other field of ResNetOptions, and of SEOptions with the prefix `se_`.

    Raises RequestError where the name is unknown or a change does not exist.
    """
    match = re.fullmatch(r"(se_)?resnet([0-9]{1,3})(_64)?", arch)
    depth = int(match[2]) if match else 0
    if match is None or depth not in (*CIFAR_DEPTHS, *IMAGENET_BLOCKS) or (match[3] and depth != 18):
        depths = ", ".join(str(known) for known in sorted((*CIFAR_DEPTHS, *IMAGENET_BLOCKS)))
        raise RequestError(
            f"There is no architecture {arch[:40]!r}; use resnetD or se_resnetD with D one of {depths}, or 18_64."
        )
    if match[3]:
        options, changes = PHOTOS, {"se_min_hidden": 8, **changes}
    else:
        options = _cifar(depth) if depth in CIFAR_DEPTHS else _imagenet(depth)
    se_changes = {name.removeprefix("se_"): value for name, value in changes.items() if name.startswith("se_")}
    own_changes = {name: value for name, value in changes.items() if not name.startswith("se_")}
    try:
        se = SEOptions(reduction=reduction, **se_changes) if match[1] else None
        return replace(options, classes=classes or options.classes, se=se, **own_changes)
    except (TypeError, ValueError) as error:
        raise RequestError(f"{arch} cannot be built so: {error}.") from error


def build(arch: str, **options: Any) -> ResNet:
    """A network with fresh weights. See options_for for the arguments and errors."""
    return ResNet(options_for(arch, **options))


def to_card(net: ResNet) -> dict[str, Any]:
    """The options of a network as plain JSON values; `kept` is among them where channels were dropped."""
    values = asdict(net.options)
    return values if net.options.kept is not None else {name: value for name, value in values.items() if name != "kept"}


def from_card(values: dict[str, Any]) -> ResNet:
    """The network that to_card described. Raises TypeError or ValueError where the values do not describe one."""
    values = _tuples(values)
    if values.get("se") is not None:
        values["se"] = SEOptions(**_tuples(values["se"]))
    return ResNet(ResNetOptions(**values))


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    # JSON has no tuples
    return {name: _tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def _tuple(values: list[Any]) -> tuple[Any, ...]:
    return tuple(_tuple(value) if isinstance(value, list) else value for value in values)


def _cifar(depth: int) -> ResNetOptions:
    return ResNetOptions(blocks=((depth - 2) // 6,) * 3, widths=(16, 32, 64), strides=(1, 2, 2))


def _imagenet(depth: int) -> ResNetOptions:
    return ResNetOptions(
        blocks=IMAGENET_BLOCKS[depth],
        widths=(64, 128, 256, 512),
        strides=(1, 2, 2, 2),
        stem="7x7/2+pool",
        bottleneck=depth >= 50,
        classes=1000,
    )
