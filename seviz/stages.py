"""The stages of anybody's network, whatever they are called: where Grad-CAM looks, and where two networks are held against
each other."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from seviz.gates import tap
from seviz.nets import ResNet

MOST = 4  # stages; further ones, nearer to the picture, are of the stem
SMALL = 64  # pixels, enough for all the halvings of most networks
UNCHANGED = (nn.Identity, nn.Dropout, nn.Dropout2d)  # put out what they are given


def stages(net: nn.Module, height: int, width: int) -> tuple[str, ...]:
    """The last module at each size of feature maps, from the picture to the logits, at most MOST; the last one is where
    Grad-CAM looks when nobody says otherwise.

    Of a ResNet: layer1 to layer4; of an EfficientNet: blocks.1, blocks.2, blocks.4 and bn2, behind the last convolution.
    () for a network whose second half has no feature maps, such as a vision transformer.

    Args: net: in eval mode; it takes RGB pictures of height x width.
    """
    if isinstance(net, ResNet):
        return tuple(net.stages)
    side = min(height, width)
    if side > SMALL:
        with contextlib.suppress(RuntimeError, AssertionError, ValueError):  # a network may insist on its size
            found = _stages(net, _sizes(net, SMALL, SMALL))
            if found:
                return found
    return _stages(net, _sizes(net, height, width))


def _sizes(net: nn.Module, height: int, width: int) -> dict[str, int]:
    """Path -> side of the square maps that a module put out, 0 for anything else, in the order in which they were done."""
    paths = [path for path, module in net.named_modules() if path and not isinstance(module, UNCHANGED)]
    device = next((parameter.device for parameter in net.parameters()), torch.device("cpu"))
    side = min(height, width)
    with torch.no_grad(), tap(net, paths) as caught:
        net(torch.zeros((1, 3, side, side), device=device))
    return {path: _side(value) for path, value in caught.items()}


def _side(output: object) -> int:
    """Of maps (B, C, h, h); with channels behind the pixels the last two would differ."""
    maps = isinstance(output, Tensor) and output.dim() == 4 and output.shape[2] == output.shape[3] > 1
    return int(output.shape[2]) if maps and isinstance(output, Tensor) else 0


def _stages(net: nn.Module, sizes: Mapping[str, int]) -> tuple[str, ...]:
    last: dict[int, str] = {}
    for path, side in sizes.items():
        if side and _ends_here(net, path, sizes):
            last.pop(side, None)  # what comes later stands further back
            last[side] = path
    found = tuple(last.values())
    if not found or list(sizes).index(found[-1]) < len(sizes) // 2:
        return ()
    return found[-MOST:]


def _ends_here(net: nn.Module, path: str, sizes: Mapping[str, int]) -> bool:
    """Whether the output of a module may be that of a stage: not inside a block that goes on to another size, and not of a
    chain of several stages, whose last link says the same."""
    parts = path.split(".")
    above = [".".join(parts[:count]) for count in range(1, len(parts))]
    inside = any(sizes.get(one, sizes[path]) != sizes[path] for one in above if not _is_chain(net, one))
    links = [sizes.get(f"{path}.{name}", sizes[path]) for name, _ in net.get_submodule(path).named_children()]
    return not inside and not (_is_chain(net, path) and any(link != sizes[path] for link in links))


def _is_chain(net: nn.Module, path: str) -> bool:
    return type(net.get_submodule(path)) is nn.Sequential
