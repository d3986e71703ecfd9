"""The points at which the gates of a network are reached: those of our own blocks, and those that were found elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from weakref import WeakKeyDictionary

from torch import nn

from seviz.errors import RequestError
from seviz.gates.sites import Place, Point, Site
from seviz.nets.se import SqueezeExcite, hidden_width

Points = Mapping[str, Point]

# where modules come from whose forward passes are known to hold no other gates than SqueezeExcite's
_KNOWN = ("torch.nn.", "seviz.nets.resnet.", "seviz.nets.se.")
# what was found in anybody's modules, for as long as they live
_found: WeakKeyDictionary[nn.Module, Points] = WeakKeyDictionary()


def points_of(net: nn.Module) -> Points:
    """Site path -> point, in the order of the network. Raises RequestError where nobody has looked for gates yet."""
    require_module(net)
    known = known_points(net)
    if known is None:
        kind = type(net).__name__
        raise RequestError(
            f"Where a {kind} has its gates is not known yet; find_gates(net, example), with a batch of pictures, looks."
        )
    return known


def known_points(net: nn.Module) -> Points | None:
    """The points that are known without a look at a forward pass; None where there may be others."""
    return _found[net] if net in _found else own_points(net)


def own_points(net: nn.Module) -> Points | None:
    """The points of our SE blocks; None where there are none and the network is not ours either."""
    own = {path: _own(path, block) for path, block in net.named_modules() if isinstance(block, SqueezeExcite)}
    return own if own or is_ours(net) else None


def remember(net: nn.Module, points: Points) -> None:
    _found[net] = points


def is_ours(net: nn.Module) -> bool:
    """Whether it is made of modules of torch and our ResNets' alone, whose gates are SqueezeExcite blocks."""
    return all(f"{type(module).__module__}.".startswith(_KNOWN) for module in net.modules())


def require_module(net: nn.Module) -> None:
    if not isinstance(net, nn.Module):
        raise RequestError(f"Gates are those of a torch module, not of a {type(net).__name__}.")


def module_at(net: nn.Module, path: str) -> nn.Module:
    """Raises RequestError for a path that is not a module."""
    try:
        return net.get_submodule(path)
    except AttributeError as error:
        names = ", ".join(name for name, _ in net.named_children())
        raise RequestError(f"There is no layer {path!r} in this network; its main parts are {names}.") from error


def _own(path: str, block: SqueezeExcite) -> Point:
    kind = "spatial" if block.squeeze.mode == "none" else "sigmoid"
    return _point(path, block.fc2.out_features, hidden_width(block), kind, block.place)


@lru_cache(maxsize=4096)  # every pass that is recorded asks for them again
def _point(path: str, channels: int, hidden: int, kind: str, place: tuple[int, int] | None) -> Point:
    numbers = re.match(r"layer(\d+)\.(\d+)\.", path)
    stage, index = place or ((int(numbers[1]), int(numbers[2]) + 1) if numbers else (0, 0))
    site = Site(path, stage, index, channels, hidden, kind)
    inside = f"{path}." if path else ""
    return Point(
        site,
        gate=Place(f"{inside}gate", "output"),
        product=Place(path, "gate"),
        map=Place(path, "input"),
        squeeze=Place(f"{inside}squeeze", "output"),
        hidden=Place(f"{inside}relu", "output"),
    )
