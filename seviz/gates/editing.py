"""Replace the gates of a network while it runs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from seviz.edits.resolve import GateFunction, resolve
from seviz.edits.text import from_text
from seviz.edits.values import Edit, checked_edits
from seviz.errors import RequestError
from seviz.gates.layouts import laid_back, told
from seviz.gates.points import Points, module_at, points_of
from seviz.gates.scopes import Act, Listener, listening, quietly
from seviz.gates.sites import Point, Site

GateValue = float | Tensor | GateFunction


@contextlib.contextmanager
def edit_gates(net: nn.Module, edits: Mapping[str, GateValue] | Sequence[Edit] | str) -> Iterator[None]:
    """Replace gates in the forward passes that this context runs inside the `with`.

    Args:
        net: a network with SE blocks of seviz.nets, or one that find_gates has looked at.
        edits: site path -> what multiplies the channels: a number, a tensor (C,) for all pictures of a batch, a tensor
            (B, C), or a function of the live gate that gives one of its shape. Or edits as values or as the text of a link
            (seviz.edits), but for those that need a look at the network first. Where `with`s are nested and name the same
            site, the inner one holds.

    Gradients flow into tensors that require them. No edits, no change: the answers are bit-identical.

    Raises RequestError for a path that is not a site, a value that is not finite, or a wrong number of channels.
    """
    points = points_of(net)
    if not isinstance(edits, Mapping):
        sites = [point.site for point in points.values()]
        edits = resolve(checked_edits(from_text(edits) if isinstance(edits, str) else edits), sites)
    with edit_points(net, points, edits):
        yield


@contextlib.contextmanager
def edit_points(net: nn.Module, points: Points, values: Mapping[str, GateValue]) -> Iterator[None]:
    """edit_gates for points that are given."""
    with listening([_listener(net, _point_at(points, path), value) for path, value in values.items()], first=True):
        yield


def _listener(net: nn.Module, point: Point, value: GateValue) -> Listener:
    act = _applied(point.site.path, value) if callable(value) else _given(point.site, value)
    if point.layout != "own":
        act = quietly(_laid_out(point, act))
    return module_at(net, point.gate.module), point.gate, act


def _laid_out(point: Point, act: Act) -> Act:
    """The act on the gate as it is told of, for a gate as it is caught."""
    return lambda caught: laid_back(act(told(caught, point)), caught, point)


def _given(site: Site, value: float | Tensor) -> Act:
    path, channels = site.path, site.channels
    try:
        vector = torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise RequestError(f"The edit of {path} is a number or a tensor, not {type(value).__name__}.") from error
    if vector.is_complex():
        raise RequestError(f"The edit of {path} is complex; gates are real numbers.")
    if vector.dim() > 2 or (vector.dim() > 0 and vector.shape[-1] != channels):
        raise RequestError(f"{path} has {channels} channels; an edit of shape {tuple(vector.shape)} does not fit it.")
    if not bool(torch.isfinite(vector.detach()).all()):
        raise RequestError(f"The edit of {path} holds NaN or infinite values; gates are finite numbers.")

    def replace(gate: Tensor) -> Tensor:
        new = vector.to(gate)
        if new.dim() == 2 and len(new) != len(gate):
            raise RequestError(f"The edit of {path} is for {len(new)} pictures; the batch has {len(gate)}.")
        if new.dim() == 2 and gate.dim() == 4:
            new = new[:, None, None, :]
        return new.expand_as(gate)

    return replace


def _applied(path: str, function: GateFunction) -> Act:
    def apply(gate: Tensor) -> Tensor:
        new = function(gate)
        if not isinstance(new, Tensor):
            raise RequestError(f"The edit of {path} makes a {type(new).__name__} of the gate, not a tensor.")
        if new.shape != gate.shape:
            raise RequestError(f"The edit of {path} makes a gate of shape {tuple(new.shape)}, not {tuple(gate.shape)}.")
        return new

    return apply


def _point_at(points: Points, path: str) -> Point:
    if not isinstance(path, str) or path not in points:
        known = ", ".join(list(points)[:4]) + (", ..." if len(points) > 4 else "") or "none: it is a plain network"
        raise RequestError(f"There is no gate {path!r} in this network; its gates are {known}.")
    return points[path]
