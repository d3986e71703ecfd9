"""Networks that are not of seviz.nets: built from what a card says of them, without weights.

    {"library": "timm", "name": "seresnet50", "classes": 1000, "options": {}}
    {"library": "torchvision", "name": "mobilenet_v2", "classes": 50, "options": {}, "se": {...}}
    {"library": "kuangliu", "name": "SENet", "classes": 10, "options": {"blocks": [2, 2, 2, 2], ...}}    (cifar.py)

`name` is the library's own, `classes` the number of outputs, `options` further keyword arguments of its builder, and
`se`, where there is one, says which SE blocks were put in (seviz.nets.insert). timm is imported here, when one is built.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from seviz.errors import RequestError
from seviz.nets import cifar
from seviz.nets.placement import SEPlacement

LIBRARIES = ("timm", "torchvision", "kuangliu", "weiaicunzai")
HEADED = ("googlenet", "inception_v3")  # torchvision's networks with auxiliary heads, which are left out unless asked for


def load_tensors(net: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """net.load_state_dict for tensors that come without torch's notes on versions, which safetensors does not hold: the
    network's own version is noted, since torchvision's MNASNet takes no others. Raises RuntimeError as that does."""
    state = OrderedDict(tensors)
    setattr(state, "_metadata", {"": {"version": getattr(net, "_version", None)}})  # noqa: B010 - where torch looks for it
    net.load_state_dict(state)


def from_library(values: Mapping[str, Any]) -> nn.Module:
    """The network that a card's options describe, with fresh weights. Raises TypeError or ValueError where they describe none.

    timm and torchvision draw the weights that are about to be replaced from torch's global generator.
    """
    builders = {"timm": _timm, "torchvision": _torchvision, "kuangliu": _kuangliu, "weiaicunzai": _weiaicunzai}
    if values["library"] not in builders:
        raise ValueError(f"{values['library']!r} is none of {', '.join(builders)}")
    net = builders[values["library"]](values["name"], values["classes"], dict(values.get("options") or {}))
    net = net if values.get("se") is None else _with_se(net, values["se"])
    net.card_options = dict(values)  # type: ignore[assignment]
    return net


def _timm(name: str, classes: int, options: dict[str, Any]) -> nn.Module:
    try:
        import timm
    except ImportError as error:
        raise ValueError(f"{name} is of timm, which is not installed") from error
    if not timm.is_model(name):
        raise ValueError(f"timm {timm.__version__} has no architecture {name!r}")
    net: nn.Module = timm.create_model(name, pretrained=False, num_classes=classes, **options)
    return net


def _torchvision(name: str, classes: int, options: dict[str, Any]) -> nn.Module:
    from torchvision import models

    if name not in models.list_models(module=models):
        raise ValueError(f"torchvision has no network {name!r} that classifies pictures")
    if name in HEADED:
        options = {"aux_logits": False, "init_weights": True, **options}
    net: nn.Module = models.get_model(name, weights=None, num_classes=classes, **options)
    return net


def _kuangliu(name: str, classes: int, options: dict[str, Any]) -> nn.Module:
    return cifar.kuangliu(name, classes, **options)


def _weiaicunzai(name: str, classes: int, options: dict[str, Any]) -> nn.Module:
    return cifar.weiaicunzai(name, classes, **options)


def _with_se(net: nn.Module, placement: Mapping[str, Any]) -> nn.Module:
    from seviz.nets.insert import with_placement  # brings all of torchvision's networks

    try:
        return with_placement(net, SEPlacement.from_json(placement))
    except RequestError as error:
        raise ValueError(str(error).rstrip(".")) from error
