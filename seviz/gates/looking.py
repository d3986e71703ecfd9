"""Find the gates of anybody's module: a traced pass, then a proof of each gate."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from seviz.errors import RequestError
from seviz.gates.finding import find
from seviz.gates.points import known_points, own_points, points_of, remember, require_module
from seviz.gates.proving import prove
from seviz.gates.sites import Site
from seviz.gates.trace import trace

SMALL = 64  # pixels: two in each direction behind the five halvings of most networks


@dataclass(frozen=True)
class Survey:
    """What a look at a network found.

    sites: its gates, proved. refused: path -> why what multiplies there is not called a gate, in a clause. notes: path of a
    site whose neutral edit changes nothing -> why, in a clause.
    """

    sites: tuple[Site, ...]
    refused: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """One sentence for a person."""
        if self.sites:
            count = len(self.sites)
            return f"{count} multiplicative channel gate{'s' if count > 1 else ''}."
        because = "; ".join(f"{path or 'the network'}: {why}" for path, why in list(self.refused.items())[:3])
        return f"No multiplicative gate{f' ({because})' if because else ''}."


def find_gates(net: nn.Module, example: Tensor | None = None) -> tuple[Site, ...]:
    """The gates of a network, in the order in which they multiply; () for a plain network.

    Args:
        net: in eager mode; it is run in eval mode and left as it was found. Networks of seviz.nets, and networks into which
            its SE blocks were put, have the gates of these blocks, and need no example.
        example: float (B, C, H, W), pictures as the network takes them. With one picture, another is made of it: what a
            gate is shows where two differ. It must leave more than one pixel at every gate.

    What was found is remembered for this very module, so that record_gates and edit_gates know it, and find_gates without
    an example; a copy, or a module that was changed, has to be looked at again. survey says what is refused as well.

    Raises RequestError for what cannot be looked into (scripted, compiled), examples that do not fit, and networks that
    nobody has looked at where there is no example.
    """
    require_module(net)
    return survey(net, example).sites if example is not None else tuple(one.site for one in points_of(net).values())


def gates_seen_at(net: nn.Module, height: int, width: int) -> tuple[Site, ...]:
    """find_gates for a network that takes RGB pictures of this size, with an example of noise.

    A proof takes a forward pass a gate: where the network takes small pictures as well, the example is small.
    """
    if known_points(net) is not None:
        return find_gates(net)
    weights = next(iter((*net.parameters(), *net.buffers())), torch.empty(0))
    noise = torch.randn((2, 3, height, width), generator=torch.Generator().manual_seed(0)).to(weights.device)
    if min(height, width) > SMALL:
        with contextlib.suppress(RequestError):
            return find_gates(net, noise[:, :, :SMALL, :SMALL])
    return find_gates(net, noise)


def survey(net: nn.Module, example: Tensor) -> Survey:
    """A look at anybody's module: its gates, each proved, and what is not called one. Raises RequestError as find_gates."""
    require_module(net)
    own = own_points(net)
    if own is not None:
        return Survey(tuple(point.site for point in own.values()))
    _require_eager(net)
    x = _two(example)
    with _evaluating(net), torch.no_grad():
        traced = _run(net, x)
        seen = find(traced, len(x))
        if seen.flat:
            raise RequestError(
                f"The map at {seen.flat[0] or 'a gate'} has one pixel for pictures of {x.shape[3]} x {x.shape[2]}, so that "
                "channels cannot be told from pixels; give a larger example."
            )
        points = {point.site.path: point for point in seen.points}
        if x.device.type == "meta" or not points:
            remember(net, points)
            return Survey(tuple(point.site for point in points.values()), MappingProxyType(seen.refused))
        proof = prove(net, x, points)
    remember(net, proof.proved)
    sites = tuple(point.site for point in proof.proved.values())
    return Survey(sites, MappingProxyType({**seen.refused, **proof.refused}), MappingProxyType(proof.notes))


def _run(net: nn.Module, x: Tensor) -> Any:
    try:
        return trace(net, x.clone())[1]
    except RequestError:
        raise
    except Exception as error:  # boundary: what anybody's forward pass raises
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise RequestError(f"The network cannot take the example of shape {tuple(x.shape)}: {said}") from error


def _require_eager(net: nn.Module) -> None:
    for path, module in net.named_modules():
        if isinstance(module, torch.jit.ScriptModule):
            where = f"Its part {path} is" if path else "It is"
            raise RequestError(f"{where} a scripted module, which runs past Python; give the module it was made from.")
        if isinstance(module, torch._dynamo.OptimizedModule):
            raise RequestError("It is a compiled module, which runs past Python; give the module it was made from.")


def _two(example: object) -> Tensor:
    """A batch of two different pictures at least."""
    if not isinstance(example, Tensor) or example.dim() != 4 or not example.is_floating_point() or not example.numel():
        shape = f"{example.dtype} {tuple(example.shape)}" if isinstance(example, Tensor) else type(example).__name__
        raise RequestError(f"An example is a batch of pictures, float (B, C, H, W), not {shape}.")
    x = example.detach()
    if len(x) > 1 and (x.device.type == "meta" or not torch.equal(x[0], x[1])):
        return x[:2].clone()
    noise = torch.randn(x.shape[1:], generator=torch.Generator().manual_seed(0)).to(x)
    return torch.stack([x[0], (x[0].flip(-1) + noise) / 2])


@contextlib.contextmanager
def _evaluating(net: nn.Module) -> Iterator[None]:
    modes = {module: module.training for module in net.modules()}
    net.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
