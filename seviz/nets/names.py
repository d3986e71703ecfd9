"""Architectures by name, `resnet20`, `se_resnet50`, `torchvision:mobilenet_v2+se`, and their options in a card."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from typing import Any

import torch
from torch import nn

from seviz.errors import RequestError
from seviz.nets.library import from_library
from seviz.nets.placement import SEPlacement
from seviz.nets.resnet import ResNet, ResNetOptions, SEOptions

CIFAR_DEPTHS = (20, 32, 44, 56, 110)
MOST_TIMES = 16  # the usual channels, in resnet20x16
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
            pictures of 64 x 64 (32 to 256 channels, a last map of 8 x 8, at least 8 hidden units in an SE block). The
            form for 32 x 32 pictures has K times the channels as `resnetDxK`, K = 2 to 16.
        reduction: r of the SE blocks; of no meaning for a plain network.
        classes: outputs; 10 or 1000 when not given.
        changes: any other field of ResNetOptions, and of SEOptions with the prefix `se_`.

    Raises RequestError where the name is unknown or a change does not exist.
    """
    match = re.fullmatch(r"(se_)?resnet(18_64|[0-9]{1,3})(x[2-9]|x1[0-6])?", arch)
    shape, times = (match[2], match[3]) if match else ("", None)
    if shape == "18_64" and not times:
        options, changes = PHOTOS, {"se_min_hidden": 8, **changes}
    elif shape in map(str, CIFAR_DEPTHS):
        options = _cifar(int(shape), int(times[1:]) if times else 1)
    elif shape in map(str, IMAGENET_BLOCKS) and not times:
        options = _imagenet(int(shape))
    else:
        depths, wider = (", ".join(map(str, sorted(known))) for known in ((*CIFAR_DEPTHS, *IMAGENET_BLOCKS), CIFAR_DEPTHS))
        raise RequestError(
            f"There is no architecture {arch[:40]!r}; use resnetD or se_resnetD with D one of {depths}, or 18_64, or DxK with "
            f"D one of {wider} and K from 2 to {MOST_TIMES}."
        )
    se_changes = {name.removeprefix("se_"): value for name, value in changes.items() if name.startswith("se_")}
    own_changes = {name: value for name, value in changes.items() if not name.startswith("se_")}
    try:
        se = SEOptions(reduction=reduction, **se_changes) if has_se(arch) else None
        return replace(options, classes=classes or options.classes, se=se, **own_changes)
    except (TypeError, ValueError) as error:
        raise RequestError(f"{arch} cannot be built so: {error}.") from error


def build(arch: str, **options: Any) -> ResNet:
    """A network with fresh weights. See options_for for the arguments and errors."""
    return ResNet(options_for(arch, **options))


def card_options(arch: str, classes: int, placement: SEPlacement | None = None, **options: Any) -> dict[str, Any]:
    """The options of an architecture's name as they stand in a card: from_card builds the network.

    Args:
        arch: a name of options_for, or `torchvision:NAME`, one of torchvision's networks that classify pictures, and
            `torchvision:NAME+se`, the same with SE blocks (see seviz.nets.insert). placement: of its SE blocks; the paper's
            when None. options: further arguments of torchvision's builder.

    Raises RequestError where there is no such network, or it has no such places.
    """
    library, colon, rest = arch.partition(":")
    chosen = placement or SEPlacement()
    if not colon:
        own: dict[str, Any] = {"se_min_hidden": chosen.min_hidden} if chosen.min_hidden > 1 else {}
        own |= {"se_placement": chosen.position, "se_stages": chosen.where, "se_squeeze": chosen.squeeze}
        own = own if arch.startswith("se_") else {}
        return _plain(options_for(arch, reduction=chosen.reduction, classes=classes, **own))
    if library != "torchvision":
        raise RequestError(f"There is no architecture {arch[:60]!r}; those of a library are torchvision:NAME, with SE +se.")
    name, plus, se = rest.partition("+")
    if plus and se != "se":
        raise RequestError(f"{arch[:60]!r} ends in +{se[:20]}; the one ending that there is is +se.")
    values = {"library": library, "name": name, "classes": classes, "options": options}
    values |= {"se": chosen.to_json()} if se else {}
    try:
        with torch.device("meta"):
            from_library(values)
    except (TypeError, ValueError) as error:
        raise RequestError(f"{arch[:60]} cannot be built so: {error}.") from error
    return values


def has_se(arch: str) -> bool:
    """Whether an architecture's name asks for SE blocks."""
    return arch.startswith("se_") or arch.endswith("+se")


def to_card(net: nn.Module) -> dict[str, Any]:
    """The options of a network that from_card or build made, as plain JSON values. Raises TypeError for any other."""
    if isinstance(net, ResNet):
        return _plain(net.options)
    values = getattr(net, "card_options", None)
    if not isinstance(values, dict):
        raise TypeError("only networks that seviz.nets built have options for a card")
    return dict(values)


def from_card(values: dict[str, Any]) -> nn.Module:
    """The network that a card's options describe: of a library where they name one, else the ResNet that to_card described.

    Raises TypeError or ValueError where the values do not describe one.
    """
    if "library" in values:
        return from_library(values)
    values = _tuples(values)
    if values.get("se") is not None:
        values["se"] = SEOptions(**_tuples(values["se"]))
    return ResNet(ResNetOptions(**values))


def _plain(options: ResNetOptions) -> dict[str, Any]:
    """As JSON values; `kept` is among them where channels were dropped."""
    return {name: value for name, value in asdict(options).items() if name != "kept" or value is not None}


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    # JSON has no tuples
    return {name: _tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def _tuple(values: list[Any]) -> tuple[Any, ...]:
    return tuple(_tuple(value) if isinstance(value, list) else value for value in values)


def cifar_widths(times: int = 1) -> tuple[int, ...]:
    """Channels of the three stages for 32 x 32 pictures, K times the usual ones."""
    return (16 * times, 32 * times, 64 * times)


def _cifar(depth: int, times: int) -> ResNetOptions:
    return ResNetOptions(blocks=((depth - 2) // 6,) * 3, widths=cifar_widths(times), strides=(1, 2, 2))


def _imagenet(depth: int) -> ResNetOptions:
    return ResNetOptions(
        blocks=IMAGENET_BLOCKS[depth],
        widths=(64, 128, 256, 512),
        strides=(1, 2, 2, 2),
        stem="7x7/2+pool",
        bottleneck=depth >= 50,
        classes=1000,
    )
