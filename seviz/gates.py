"""Find, record and edit the gates of a network, and lend taps to whoever needs a layer's output.

    sites = find_gates(net)
    with record_gates(net) as recording:            # recording.gates["layer3.2.se"]: (B, C)
        net(x)
    with edit_gates(net, {"layer3.2.se": 1.0}):     # this gate is 1 for every channel
        net(x)
    with edit_gates(net, "s3~x0.5"):                # gates of stage 3 halved: an edit of seviz.edits, text or values
        net(x)

This is the only file with hooks. A hook belongs to a module and fires for every thread that runs the module, so each
hook here asks first whether the context it fires in (a ContextVar) is the one that asked for it: two threads that
share a network never see each other's records or edits. Leaving a `with` removes the hooks, also when its body raises.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from seviz.edits.resolve import GateFunction, resolve
from seviz.edits.text import from_text
from seviz.edits.values import Edit, checked_edits
from seviz.errors import RequestError
from seviz.nets.se import SqueezeExcite, hidden_width

GateValue = float | Tensor | GateFunction
Hook = Callable[[nn.Module, tuple[Any, ...], Any], Any]


@dataclass(frozen=True)
class Site:
    """One gate of a network.

    path: the module path of the SE block, such as "layer3.5.se". stage, block: where it stands, both counted from 1
    (0 where the path does not say). channels: C. hidden: units of the bottleneck, which limit what a gate can say.
    """

    path: str
    stage: int
    block: int
    channels: int
    hidden: int

    @property
    def title(self) -> str:
        return f"stage {self.stage} · block {self.block}" if self.stage else self.path


@dataclass
class Recording:
    """What one forward pass left behind; a second pass in the same `with` replaces it.

    gates, squeezes: site path -> tensor (B, C), detached, on the network's device; without squeeze (the "none" of
    SqueezeExcite) both are (B, H, W, C). A gate that is edited is recorded as edited: it is what multiplied.
    hidden: where it was asked for, the activations of the bottleneck behind its ReLU, (B, hidden) or (B, H, W, hidden).
    """

    gates: dict[str, Tensor] = field(default_factory=dict)
    squeezes: dict[str, Tensor] = field(default_factory=dict)
    hidden: dict[str, Tensor] = field(default_factory=dict)


def find_gates(net: nn.Module) -> tuple[Site, ...]:
    """The gates of all SE blocks of seviz.nets in `net`, in the order of its modules; () for a plain network."""
    return tuple(_site(path, block) for path, block in _blocks(net).items())


def by_channel(values: Tensor) -> Tensor:
    """Recorded gates or squeezes as (B, C): without squeeze, (B, H, W, C) is taken at its mean over the pixels."""
    return values.mean((1, 2)) if values.dim() == 4 else values


@contextlib.contextmanager
def record_gates(net: nn.Module, *, hidden: bool = False) -> Iterator[Recording]:
    """Record every gate and squeeze of the forward passes that this context runs inside the `with`.

    hidden: record the hidden units of the bottlenecks as well.
    """
    recording = Recording()
    hooks: list[tuple[nn.Module, Hook]] = []
    for path, block in _blocks(net).items():
        hooks.append((block.gate, _keep(recording.gates, path)))
        hooks.append((block.squeeze, _keep(recording.squeezes, path)))
        if hidden:
            hooks.append((block.relu, _keep(recording.hidden, path)))
    with _listening(hooks):
        yield recording


@contextlib.contextmanager
def edit_gates(net: nn.Module, edits: Mapping[str, GateValue] | Sequence[Edit] | str) -> Iterator[None]:
    """Replace gates in the forward passes that this context runs inside the `with`.

    Args:
        net: a network with SE blocks.
        edits: site path -> what multiplies the channels: a number, a tensor (C,) for all pictures of a batch, a tensor
            (B, C), or a function of the live gate that gives one of its shape. Or edits as values or as the text of a link
            (seviz.edits), but for those that need a look at the network first. Where `with`s are nested and name the same
            site, the inner one holds.

    Gradients flow into tensors that require them. No edits, no change: the answers are bit-identical.

    Raises RequestError for a path that is not a site, a value that is not finite, or a wrong number of channels.
    """
    blocks = _blocks(net)
    if not isinstance(edits, Mapping):
        edits = resolve(checked_edits(from_text(edits) if isinstance(edits, str) else edits), find_gates(net))
    hooks = [(_block_at(blocks, path).gate, _replace(blocks[path], path, value)) for path, value in edits.items()]
    with _listening(hooks, first=True):
        yield


@contextlib.contextmanager
def tap(net: nn.Module, paths: Sequence[str], *, differentiable: bool = False) -> Iterator[dict[str, Tensor]]:
    """Catch the outputs of modules: path -> tensor, filled by the forward passes inside the `with`.

    differentiable: the outputs can be given to torch.autograd.grad although no parameter requires a gradient: the
    first one becomes a leaf, so that a backward pass ends there and touches no parameter.

    Raises RequestError for a path that is not a module.
    """
    caught: dict[str, Tensor] = {}
    with _listening([(_module_at(net, path), _catch(caught, path, differentiable)) for path in paths]):
        yield caught


@contextlib.contextmanager
def tap_inputs(net: nn.Module, paths: Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """Catch the first inputs of modules, detached: path -> tensor. For an SE block this is u, the map it scales."""
    caught: dict[str, Tensor] = {}

    def keep(path: str) -> Hook:
        def hook(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            caught[path] = inputs[0].detach()

        return hook

    with _listening([(_module_at(net, path), keep(path)) for path in paths]):
        yield caught


# The scopes that are open in this context, outermost first. A hook acts only where its own scope is among them.
_open: ContextVar[tuple[object, ...]] = ContextVar("seviz_open_scopes", default=())
# (scope, module) of every edit, so that the innermost edit of a gate can be told: ids are alive while the scope is.
_edited: ContextVar[tuple[tuple[object, int], ...]] = ContextVar("seviz_edited", default=())


@contextlib.contextmanager
def _listening(hooks: Sequence[tuple[nn.Module, Hook]], *, first: bool = False) -> Iterator[None]:
    """Attach hooks that fire in this context only. first: before all others, and only the innermost one."""
    scope = object()
    handles = []
    _open.set((*_open.get(), scope))
    if first:
        _edited.set((*_edited.get(), *((scope, id(module)) for module, _ in hooks)))
    try:
        for module, hook in hooks:
            handles.append(module.register_forward_hook(_only_in(scope, hook, first), prepend=first))
        yield
    finally:
        for handle in handles:
            handle.remove()
        # not ContextVar.reset: scopes may close in any order, and it would bring back or drop those of others
        _open.set(tuple(other for other in _open.get() if other is not scope))
        _edited.set(tuple(edit for edit in _edited.get() if edit[0] is not scope))


def _only_in(scope: object, hook: Hook, innermost: bool) -> Hook:
    def guarded(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> Any:
        if scope not in _open.get():
            return None
        if innermost and next(s for s, gate in reversed(_edited.get()) if gate == id(module)) is not scope:
            return None
        return hook(module, inputs, output)

    return guarded


def _keep(store: dict[str, Tensor], path: str) -> Hook:
    def hook(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        store[path] = output.detach()

    return hook


def _catch(store: dict[str, Tensor], path: str, differentiable: bool) -> Hook:
    def hook(module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor | None:
        if differentiable and isinstance(output, Tensor) and not output.requires_grad:
            store[path] = output.detach().requires_grad_()
            return store[path]
        store[path] = output
        return None

    return hook


def _replace(block: SqueezeExcite, path: str, value: GateValue) -> Hook:
    if callable(value):
        return _apply(path, value)
    try:
        vector = torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise RequestError(f"The edit of {path} is a number or a tensor, not {type(value).__name__}.") from error
    if vector.is_complex():
        raise RequestError(f"The edit of {path} is complex; gates are real numbers.")
    channels = block.fc2.out_features
    if vector.dim() > 2 or (vector.dim() > 0 and vector.shape[-1] != channels):
        raise RequestError(f"{path} has {channels} channels; an edit of shape {tuple(vector.shape)} does not fit it.")
    if not bool(torch.isfinite(vector.detach()).all()):
        raise RequestError(f"The edit of {path} holds NaN or infinite values; gates are finite numbers.")

    def hook(module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor:
        new = vector.to(output)
        if new.dim() == 2 and len(new) != len(output):
            raise RequestError(f"The edit of {path} is for {len(new)} pictures; the batch has {len(output)}.")
        if new.dim() == 2 and output.dim() == 4:
            new = new[:, None, None, :]
        return new.expand_as(output)

    return hook


def _apply(path: str, function: GateFunction) -> Hook:
    def hook(module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor:
        new = function(output)
        if not isinstance(new, Tensor):
            raise RequestError(f"The edit of {path} makes a {type(new).__name__} of the gate, not a tensor.")
        if new.shape != output.shape:
            raise RequestError(f"The edit of {path} makes a gate of shape {tuple(new.shape)}, not {tuple(output.shape)}.")
        return new

    return hook


def _site(path: str, block: SqueezeExcite) -> Site:
    numbers = re.match(r"layer(\d+)\.(\d+)\.", path)
    stage, index = (int(numbers[1]), int(numbers[2]) + 1) if numbers else (0, 0)
    return Site(path, stage, index, block.fc2.out_features, hidden_width(block))


def _blocks(net: nn.Module) -> dict[str, SqueezeExcite]:
    if not isinstance(net, nn.Module):
        raise RequestError(f"Gates are those of a torch module, not of a {type(net).__name__}.")
    return {path: block for path, block in net.named_modules() if isinstance(block, SqueezeExcite)}


def _block_at(blocks: Mapping[str, SqueezeExcite], path: str) -> SqueezeExcite:
    if not isinstance(path, str) or path not in blocks:
        known = ", ".join(list(blocks)[:4]) + (", ..." if len(blocks) > 4 else "") or "none: it is a plain network"
        raise RequestError(f"There is no gate {path!r} in this network; its gates are {known}.")
    return blocks[path]


def _module_at(net: nn.Module, path: str) -> nn.Module:
    try:
        return net.get_submodule(path)
    except AttributeError as error:
        names = ", ".join(name for name, _ in net.named_children())
        raise RequestError(f"There is no layer {path!r} in this network; its main parts are {names}.") from error
