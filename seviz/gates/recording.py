"""Record what the gates of a network say while it runs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from torch import Tensor, nn

from seviz.gates.layouts import scaled_map, told
from seviz.gates.points import Points, module_at, points_of
from seviz.gates.scopes import Act, Listener, listening, quietly
from seviz.gates.sites import Place, Point, Recording


@contextlib.contextmanager
def record_gates(net: nn.Module, *, hidden: bool = False) -> Iterator[Recording]:
    """Record every gate and squeeze of the forward passes that this context runs inside the `with`.

    net: of seviz.nets, or one that find_gates has looked at. hidden: record the hidden units of the bottlenecks as well.

    Raises RequestError where nobody has looked for the gates of `net` yet.
    """
    with record_points(net, points_of(net), hidden=hidden) as recording:
        yield recording


@contextlib.contextmanager
def record_points(net: nn.Module, points: Points, *, hidden: bool = False) -> Iterator[Recording]:
    """record_gates for points that are given."""
    recording = Recording()
    listeners: list[Listener] = []
    for path, point in points.items():
        listeners.append(_listener(net, point, point.gate, _keep(recording.gates, path, _as_told(point))))
        listeners.append(_squeeze(net, path, point, recording))
        if hidden and point.hidden is not None:
            listeners.append(_listener(net, point, point.hidden, _keep(recording.hidden, path, _as_is(point))))
    with listening(listeners):
        yield recording


def _squeeze(net: nn.Module, path: str, point: Point, recording: Recording) -> Listener:
    if point.squeeze is not None:
        return _listener(net, point, point.squeeze, _keep(recording.squeezes, path, _as_is(point)))
    return _listener(net, point, point.map, _keep(recording.squeezes, path, lambda t: scaled_map(t, point).mean((2, 3))))


def _as_told(point: Point) -> Callable[[Tensor], Tensor]:
    return lambda caught: told(caught, point)


def _as_is(point: Point) -> Callable[[Tensor], Tensor]:
    return (lambda t: t) if point.layout == "own" else (lambda t: t.reshape(len(t), -1))


def _keep(store: dict[str, Tensor], path: str, form: Callable[[Tensor], Tensor]) -> Act:
    def keep(caught: Tensor) -> None:
        store[path] = form(caught.detach())

    return keep


def _listener(net: nn.Module, point: Point, place: Place, act: Act) -> Listener:
    return module_at(net, place.module), place, act if point.layout == "own" else quietly(act)
