"""Gates among the multiplications of a traced pass.

A gate is a factor that holds a number for every channel of every picture, the same for all pixels, and is made so that it
lies in 0..1: by a sigmoid, a hard sigmoid, a clamp, or a softmax over paths. Where it is made on a coarser map and laid over
the finer one (as gather-excite does), it is a spatial gate. What is scaled by a factor of the right shape that nothing holds
in 0..1 (the response norm of ConvNeXt V2) is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from seviz.gates.branch import gate_place, hidden_place, made_by, map_place, product_place, self_gated, squeeze_place
from seviz.gates.places import numbered
from seviz.gates.sites import Point, Site
from seviz.gates.trace import Node, Product, Trace


@dataclass(frozen=True)
class Seen:
    """What a trace shows.

    points: gates, not yet proved. refused: module path -> why a factor there is no gate, in a clause. flat: paths of modules
    where the map has one pixel, so that it cannot be told whether the factor is a gate of channels.
    """

    points: tuple[Point, ...]
    refused: dict[str, str]
    flat: tuple[str, ...]


@dataclass(frozen=True)
class Candidate:
    """A product with a factor that may be a gate.

    operand: which of the two it is. width: numbers a picture, pixels not counted. lying: "first" for (B, C, 1, 1) or
    (B, paths, C, 1, 1), "last" for (B, 1, 1, C), "pixels" for (B, C, H, W), "flat" where the map has one pixel.
    """

    product: Product
    operand: int
    width: int
    lying: str

    @property
    def node(self) -> Node | None:
        return self.product.nodes[self.operand]

    @property
    def size(self) -> tuple[int, ...]:
        """Height and width of the map."""
        shape = self.product.shapes[1 - self.operand]
        return shape[1:3] if self.lying == "last" else shape[-2:]


def find(traced: Trace, batch: int) -> Seen:
    """The gates of a traced pass of `batch` pictures, two or more."""
    points: list[tuple[Candidate, Point]] = []
    refused: dict[str, str] = {}
    flat: list[str] = []
    for candidate in (one for product in traced.products for one in _candidates(product, batch)):
        owner, (kind, neutral) = candidate.product.owner, made_by(candidate.node, candidate.lying == "pixels")
        if candidate.lying in ("flat", "pixels"):
            if not kind or self_gated(candidate):
                continue  # any two maps that are multiplied
            if candidate.lying == "flat":
                flat.append(owner)
                continue
        reason = _reason(candidate, kind, traced)
        if reason:
            refused[owner] = reason
        else:
            points.append((candidate, _point(candidate, kind, neutral / candidate.product.gain, traced)))
    return Seen(_named(points), refused, tuple(flat))


def _candidates(product: Product, batch: int) -> Sequence[Candidate]:
    found = []
    for operand in (0, 1):
        shape = product.shapes[1 - operand]
        own = product.cores[operand]
        own = (1,) * (len(shape) - len(own)) + own
        if len(shape) not in (4, 5) or product.cores[1 - operand] != shape or not shape[0] == own[0] == batch:
            continue
        lying = _lying(shape, own)
        if lying:
            found.append(Candidate(product, operand, prod(own[1:]) if lying in ("first", "last") else own[1], lying))
    return found


def _lying(shape: tuple[int, ...], own: tuple[int, ...]) -> str:
    """How a factor without repetitions lies over a map: see Candidate; "" for what is no vector of channels."""
    channels_first = own[1:-2] == shape[1:-2] and prod(own[1:-2]) > 1
    if channels_first and own[-2:] == (1, 1):
        return "first" if prod(shape[-2:]) > 1 else "flat"
    if len(shape) == 4 and own[1:3] == (1, 1) and own[3] == shape[3] > 1 and prod(shape[1:3]) > 1:
        return "last"
    return "pixels" if len(shape) == 4 and own == shape else ""


def _reason(candidate: Candidate, kind: str, traced: Trace) -> str:
    """Why it is not taken for a gate, in a clause; "" where it is."""
    owner = candidate.product.owner
    if not kind:
        name = candidate.node.name if candidate.node and candidate.node.name else "something that cannot be seen"
        return f"its map is multiplied by a vector of channels that nothing holds in 0..1 (it comes out of {name})"
    if traced.calls[owner] > 1:
        return f"it runs {traced.calls[owner]} times in one forward pass, and so has several gates"
    return ""


def _point(candidate: Candidate, kind: str, neutral: float, traced: Trace) -> Point:
    """The point, whose site has no stage and block yet."""
    squeeze, hidden, units = squeeze_place(candidate, traced), *hidden_place(candidate, traced)
    site = Site(candidate.product.owner, 0, 0, candidate.width, units, kind, neutral)
    layout = candidate.lying if candidate.lying in ("pixels", "last") else "flat"
    gate, scaled = gate_place(candidate, traced), map_place(candidate)
    return Point(site, gate, product_place(candidate), scaled, squeeze, hidden, layout)


def _named(found: Sequence[tuple[Candidate, Point]]) -> tuple[Point, ...]:
    """The points with paths of their own, stages and blocks."""
    times: Counter[str] = Counter()
    paths = []
    for _, point in found:
        times[point.site.path] += 1
        paths.append(point.site.path + (f"#{times[point.site.path]}" if times[point.site.path] > 1 else ""))
    places = numbered([point.site.path for _, point in found], [candidate.size for candidate, _ in found])
    return tuple(
        replace(point, site=replace(point.site, path=path, stage=stage, block=block))
        for (_, point), path, (stage, block) in zip(found, paths, places, strict=True)
    )
