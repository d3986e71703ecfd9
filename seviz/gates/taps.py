"""Taps: what layers put out, what gates are and what they scale, lent to whoever needs it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from torch import Tensor, nn

from seviz.errors import RequestError
from seviz.gates.layouts import laid_back, scaled_map, told
from seviz.gates.points import Points, module_at, points_of
from seviz.gates.scopes import Act, Listener, listening, quietly
from seviz.gates.sites import Place, Point


@contextlib.contextmanager
def tap(net: nn.Module, paths: Sequence[str], *, differentiable: bool = False) -> Iterator[dict[str, Tensor]]:
    """Catch the outputs of modules: path -> tensor, filled by the forward passes inside the `with`.

    differentiable: the outputs can be given to torch.autograd.grad although no parameter requires a gradient: the
    first one becomes a leaf, so that a backward pass ends there and touches no parameter.

    Raises RequestError for a path that is not a module.
    """
    caught: dict[str, Tensor] = {}
    with listening([(module_at(net, path), Place(path, "output"), _catch(caught, path, differentiable)) for path in paths]):
        yield caught


@contextlib.contextmanager
def tap_gates(net: nn.Module, paths: Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """Catch gates for torch.autograd.grad, as with tap(..., differentiable=True): site path -> tensor, shaped as recorded.

    An edited gate is caught as edited. Raises RequestError for a path that is not a site.
    """
    caught: dict[str, Tensor] = {}
    points = points_of(net) if paths else {}
    with listening([_gate(net, _at(points, path), _catch(caught, path, True)) for path in paths]):
        yield caught


@contextlib.contextmanager
def tap_inputs(net: nn.Module, paths: Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """Catch the maps (B, C, H, W) that gates scale, detached, before they are scaled: site path -> tensor.

    Raises RequestError for a path that is not a site.
    """
    caught: dict[str, Tensor] = {}
    points = points_of(net) if paths else {}

    def keep(point: Point) -> Act:
        def kept(scaled: Tensor) -> None:
            caught[point.site.path] = scaled_map(scaled.detach(), point)

        return kept if point.layout == "own" else quietly(kept)

    listeners = [(point, point.map, keep(point)) for point in (_at(points, path) for path in paths)]
    with listening([(module_at(net, place.module), place, act) for _, place, act in listeners]):
        yield caught


def _gate(net: nn.Module, point: Point, act: Act) -> Listener:
    def lay(caught: Tensor) -> Tensor:
        gate = told(caught, point)
        new = act(gate)
        return laid_back(gate if new is None else new, caught, point)

    own = point.layout == "own"
    return module_at(net, point.gate.module), point.gate, act if own else quietly(lay)


def _at(points: Points, path: str) -> Point:
    if path not in points:
        raise RequestError(f"There is no gate {path!r} in this network.")
    return points[path]


def _catch(store: dict[str, Tensor], path: str, differentiable: bool) -> Act:
    def catch(output: Tensor) -> Tensor | None:
        if differentiable and isinstance(output, Tensor):
            store[path] = output if output.requires_grad else output.detach().requires_grad_()
            return store[path].clone()  # what follows may work in place, and would change what was caught
        store[path] = output
        return None

    return catch
