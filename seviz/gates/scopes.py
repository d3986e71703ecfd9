"""Scopes: who listens where in a forward pass, and for whom.

A hook belongs to a module and fires for every thread that runs the module, so each hook here asks first whether the
context it fires in (a ContextVar) is the one that asked for it: two threads that share a network never see each other's
records or edits. Where no module puts a gate out, a function mode catches it at its multiplication; the mode is there only
while the module that multiplies runs, and only in the context that asked. Leaving a `with` removes everything, also when
its body raises.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode, _get_current_function_mode_stack, _pop_mode, _push_mode

from seviz.errors import RequestError
from seviz.gates.products import core, factors, is_product
from seviz.gates.sites import Place

Act = Callable[[Any], Any]
"""What is done with a caught tensor; what it returns, unless None, goes on in its place."""

_stack: Callable[[], list[TorchFunctionMode]] = _get_current_function_mode_stack  # of this thread, innermost last
_push: Callable[[TorchFunctionMode], None] = _push_mode
_pop: Callable[[], TorchFunctionMode] = _pop_mode

Listener = tuple[nn.Module, Place, Act]

# The scopes that are open in this context, outermost first. A hook acts only where its own scope is among them.
_open: ContextVar[tuple[object, ...]] = ContextVar("seviz_open_scopes", default=())
# (scope, place) of every edit, so that the innermost edit of a gate can be told: ids are alive while the scope is.
_edited: ContextVar[tuple[tuple[object, tuple[int, Place]], ...]] = ContextVar("seviz_edited", default=())


@contextlib.contextmanager
def listening(listeners: Sequence[Listener], *, first: bool = False) -> Iterator[None]:
    """Listen in this context only. first: before all others, and at each place only the innermost of those."""
    scope = object()
    leave: list[Callable[[], None]] = []
    _open.set((*_open.get(), scope))
    if first:
        _edited.set((*_edited.get(), *((scope, (id(module), place)) for module, place, _ in listeners)))
    try:
        for module, place, act in listeners:
            leave += _attach(module, place, act, _asked(scope, (id(module), place) if first else None), first)
        yield
    finally:
        for undo in leave:
            undo()
        # not ContextVar.reset: scopes may close in any order, and it would bring back or drop those of others
        _open.set(tuple(other for other in _open.get() if other is not scope))
        _edited.set(tuple(edit for edit in _edited.get() if edit[0] is not scope))


def quietly(act: Act) -> Act:
    """The same act, unseen by function modes: what it multiplies is none of the module's multiplications."""

    def unseen(caught: Any) -> Any:
        with torch._C.DisableTorchFunction():
            return act(caught)

    return unseen


def _asked(scope: object, edit: tuple[int, Place] | None) -> Callable[[], bool]:
    """Whether the context it is called in has opened the scope and, for an edit, none of the same place inside it."""

    def asked() -> bool:
        if scope not in _open.get():
            return False
        return edit is None or next(s for s, place in reversed(_edited.get()) if place == edit) is scope

    return asked


def _attach(module: nn.Module, place: Place, act: Act, asked: Callable[[], bool], first: bool) -> list[Callable[[], None]]:
    """Start to listen; returns what ends it."""
    if place.at == "output":
        after = module.register_forward_hook(lambda _, __, output: act(output) if asked() else None, prepend=first)
        return [after.remove]
    if place.at == "input":
        before = module.register_forward_pre_hook(lambda _, inputs: _first_input(act, inputs) if asked() else None)
        return [before.remove]
    modes = _Modes(place, act, asked)
    # who enters last is asked first: edits come after those who look on
    before = module.register_forward_pre_hook(modes.enter, prepend=not first)
    after = module.register_forward_hook(modes.leave, prepend=True, always_call=True)
    return [before.remove, after.remove, modes.clear]


def _first_input(act: Act, inputs: tuple[Any, ...]) -> tuple[Any, ...] | None:
    new = act(inputs[0]) if inputs else None
    return None if new is None else (new, *inputs[1:])


class _Modes:
    """The function modes of a listener at a multiplication: one for every running forward pass of its module."""

    def __init__(self, place: Place, act: Act, asked: Callable[[], bool]) -> None:
        self.place, self.act, self.asked = place, act, asked

    def enter(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        if self.asked():
            _push(_AtProduct(self, self.place, self.act))

    def leave(self, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        own = [mode for mode in _stack() if _owner(mode) is self]
        if own:
            _drop(own[-1:])

    def clear(self) -> None:
        """What an interruption (which no hook hears of) has left behind."""
        _drop([mode for mode in _stack() if _owner(mode) is self])


def _owner(mode: object) -> object:
    return mode.owner if isinstance(mode, _AtProduct) else None


def _drop(unwanted: Sequence[object]) -> None:
    """Take modes off this thread's stack, wherever in it they lie."""
    if not unwanted:
        return
    kept: list[TorchFunctionMode] = []
    gone = 0
    while gone < len(unwanted):
        mode = _pop()
        if any(mode is one for one in unwanted):
            gone += 1
        else:
            kept.append(mode)
    for mode in reversed(kept):
        _push(mode)


class _AtProduct(TorchFunctionMode):
    """Acts at one multiplication of a running module."""

    def __init__(self, owner: object, place: Place, act: Act) -> None:
        super().__init__()
        self.owner, self.place, self.act, self.seen = owner, place, act, 0

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if not is_product(func):
            return func(*args, **kwargs)
        self.seen += 1
        if self.seen != self.place.number + 1:
            return func(*args, **kwargs)
        return self._multiply(func, factors(args, kwargs))

    def _multiply(self, func: Any, both: tuple[Any, Any]) -> Any:
        gate, scaled = both[self.place.operand], both[1 - self.place.operand]
        if not isinstance(gate, Tensor) or not isinstance(scaled, Tensor):
            raise RequestError("The network took another way than when its gates were found; find them again.")
        if self.place.at == "map":
            self.act(scaled.clone() if func.__name__.endswith("_") else scaled)
        elif self.place.at == "gate":
            new = self.act(core(gate))
            if new is not None:
                new = new.contiguous()  # a number for all channels is expanded; whoever looks next would see one channel
                both = (scaled, new) if self.place.operand else (new, scaled)
        result = func(*both)
        if self.place.at == "result":
            self.act(result)
        return result
