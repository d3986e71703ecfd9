"""How caught tensors lie, and how gates are told of: (B, C), or (B, H, W, C) where each pixel has its own."""

from __future__ import annotations

from torch import Tensor

from seviz.errors import RequestError
from seviz.gates.sites import Point


def told(caught: Tensor, point: Point) -> Tensor:
    """A gate as it is told of, from as it was caught. Raises RequestError where it is not the one that was found."""
    if point.layout == "own":
        return caught
    if point.layout == "pixels":
        return caught.permute(0, 2, 3, 1)
    flat = caught.reshape(len(caught), -1)
    if flat.shape[1] != point.site.channels:
        raise RequestError(f"{point.site.path} took another way than when its gate was found; find the gates again.")
    return flat


def laid_back(gate: Tensor, caught: Tensor, point: Point) -> Tensor:
    """The inverse of told: a gate of its shape, as it was caught."""
    if point.layout == "own":
        return gate
    return gate.permute(0, 3, 1, 2) if point.layout == "pixels" else gate.reshape(caught.shape)


def scaled_map(caught: Tensor, point: Point) -> Tensor:
    """What is scaled as (B, C, H, W), C as the site's channels."""
    if caught.dim() == 5:
        return caught.flatten(1, 2)
    return caught.permute(0, 3, 1, 2) if point.layout == "last" else caught
