"""The branch of a gate, walked back from the multiplication: what made it, which modules it passes, what it was given."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING

from torch import nn

from seviz.gates.sites import Place
from seviz.gates.trace import Node, Trace

if TYPE_CHECKING:
    from seviz.gates.finding import Candidate

# functions that lay the same numbers out in another shape or type; those of the first group keep their order
SAME_ORDER = frozenset(
    [
        "view",
        "reshape",
        "view_as",
        "reshape_as",
        "unsqueeze",
        "squeeze",
        "flatten",
        "unflatten",
        "expand",
        "expand_as",
        "__getitem__",
        "contiguous",
        "to",
        "type_as",
        "float",
        "half",
        "bfloat16",
    ]
)
SAME = SAME_ORDER | frozenset(["permute", "transpose", "movedim", "swapaxes", "swapdims", "__get__"])
_ANY_SHAPE = SAME | {"softmax"}  # channels may stand where a map has its pixels
POOLS = frozenset(
    [
        "mean",
        "sum",
        "amax",
        "max",
        "logsumexp",
        "avg_pool2d",
        "adaptive_avg_pool2d",
        "max_pool2d",
        "adaptive_max_pool2d",
        "matmul",
        "bmm",
        "einsum",
    ]
)
LAYERS, _LAYER_TYPES = frozenset(["linear", "conv1d", "conv2d"]), (nn.Linear, nn.Conv1d, nn.Conv2d)
CLAMPS = frozenset(["relu6", "hardtanh", "hardtanh_", "clamp", "clamp_"])


def made_by(node: Node | None, spatial: bool) -> tuple[str, float]:
    """The kind of a gate and its neutral value: ("", 1) where nothing is known to hold it in 0..1.

    spatial: only what is made on a coarser map and laid over the finer one.
    """
    source, laid = _source(node), False
    if source is not None and spatial and source.name == "interpolate":
        source, laid = _source(source.inputs[0]), True
    kind, neutral = _bounded(source)
    if spatial and kind:
        before = _source(source.inputs[0]) if source and source.inputs else None
        laid = laid or (before is not None and before.name == "interpolate")
        return ("spatial", 1.0) if laid and kind != "softmax" else ("", 1.0)
    return kind, neutral


def _bounded(source: Node | None) -> tuple[str, float]:
    if source is None:
        return "", 1.0
    if source.name in ("sigmoid", "sigmoid_"):
        return "sigmoid", 1.0
    if source.name in ("hardsigmoid", "hardsigmoid_") or _is_sixth(source):
        return "hard sigmoid", 1.0
    if source.name in CLAMPS and _limits(source) == (0, 1):
        return "clamp", 1.0
    if source.name == "softmax" and source.inputs and source.inputs[0] is not None:
        dim = source.constants.get("dim", source.constants.get("1"))
        if isinstance(dim, int):
            return "softmax", 1 / source.inputs[0].shape[dim]
    return "", 1.0


def _is_sixth(node: Node) -> bool:
    """relu6(...) / 6, as hard sigmoids are written by hand."""
    number = next(iter(node.constants.values()), None)
    divided = node.name in ("div", "div_", "true_divide") and number == 6
    times = node.name in ("mul", "mul_") and isinstance(number, float) and abs(number * 6 - 1) < 1e-6
    inner = node.inputs[0] if node.inputs else None
    return (divided or times) and inner is not None and inner.name in CLAMPS and _limits(inner) == (0, 6)


def _limits(node: Node) -> tuple[object, object]:
    if node.name == "relu6":
        return 0, 6
    given = node.constants
    low, high = (("min_val", "1"), ("max_val", "2")) if node.name.startswith("hardtanh") else (("min", "1"), ("max", "2"))
    return given.get(low[0], given.get(low[1])), given.get(high[0], given.get(high[1]))


def self_gated(candidate: Candidate) -> bool:
    """Whether the map's own numbers are its gate, pixel by pixel: x * sigmoid(x) is an activation."""
    source, scaled = _source(candidate.node), candidate.product.nodes[1 - candidate.operand]
    return source is not None and bool(source.inputs) and source.inputs[0] is scaled


def gate_place(candidate: Candidate, traced: Trace) -> Place:
    """The submodule that puts the gate out and whose output nothing else takes up, else the multiplication."""
    product, node = candidate.product, candidate.node
    found = None
    while node is not None and node.uses == 1:
        if prod(node.shape) == prod(product.cores[candidate.operand]):
            found = next((path for path in node.marks if traced.calls[path] == 1), found)
        if node.name not in SAME_ORDER or not node.inputs:
            break
        node = node.inputs[0]
    return product_place(candidate) if found is None else Place(found, "output")


def product_place(candidate: Candidate) -> Place:
    return Place(candidate.product.owner, "gate", candidate.product.number, candidate.operand)


def map_place(candidate: Candidate) -> Place:
    """The input of the module that multiplies, where that is what is scaled, else the multiplication."""
    product = candidate.product
    scaled = product.nodes[1 - candidate.operand]
    if scaled is not None and product.inputs[:1] == (scaled,) and len(product.shapes[0]) == 4 and candidate.lying != "last":
        return Place(product.owner, "input")
    return Place(product.owner, "map", product.number, candidate.operand)


def squeeze_place(candidate: Candidate, traced: Trace) -> Place | None:
    """The input of the first layer of the branch, where that is one number a channel."""
    layers = list(_layers(candidate, traced))
    if not layers:
        return None
    given = layers[-1].inputs[0]
    fits = given is not None and prod(given.shape[1:]) == candidate.width
    return Place(layers[-1].module, "input") if fits else None


def hidden_place(candidate: Candidate, traced: Trace) -> tuple[Place | None, int]:
    """The input of the last layer of the branch, where it is not the first one, and its width."""
    layers = list(_layers(candidate, traced))
    given = layers[0].inputs[0] if len(layers) > 1 else None
    return (Place(layers[0].module, "input"), prod(given.shape[1:])) if given is not None else (None, 0)


def _layers(candidate: Candidate, traced: Trace) -> Iterator[Node]:
    """The calls of linear and convolutional layers on pooled numbers, from the gate back to the pooling.

    None where the branch forks, or a layer is called more than once.
    """
    found: dict[int, Node] = {}
    waiting, known = [(_source(candidate.node), 0)], set[Node]()
    while waiting:
        node, depth = waiting.pop()
        if node is None or node in known or (node.name not in _ANY_SHAPE and _pixels(node.shape, candidate.lying) > 1):
            continue
        known.add(node)
        if node.name in LAYERS:
            module, given = traced.modules[node.module], node.inputs[0]
            if not isinstance(module, _LAYER_TYPES) or traced.calls[node.module] > 1 or depth in found:
                return
            if given is None or _pixels(given.shape, candidate.lying) > 1:
                continue
            found[depth] = node
            waiting.append((given, depth + 1))
        elif node.name not in POOLS or _is_pooled(node, candidate.lying):
            waiting += [(before, depth) for before in node.inputs]
    yield from (found[depth] for depth in sorted(found))


def _is_pooled(node: Node, lying: str) -> bool:
    """Whether a pooling function was given what has no pixels, as a norm inside the branch is."""
    given = node.inputs[0] if node.inputs else None
    return given is not None and len(given.shape) in (2, 4) and _pixels(given.shape, lying) == 1


def _pixels(shape: tuple[int, ...], lying: str) -> int:
    if len(shape) < 4:
        return 1
    return prod(shape[1:3]) if lying == "last" else prod(shape[-2:])


def _source(node: Node | None) -> Node | None:
    while node is not None and node.name in SAME and node.inputs:
        node = node.inputs[0]
    return node
