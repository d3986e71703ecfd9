"""One forward pass, traced: which functions made which tensors, in which modules, and what was multiplied by what."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from seviz.gates.products import core, factors, is_product

_NODE = "_seviz_node"  # the attribute by which a tensor of a traced pass knows where it comes from


@dataclass(eq=False)
class Node:
    """One function call of the pass, without its numbers.

    name: of the function. inputs: the nodes of its tensors, None for one from outside. shape: of what it made. constants:
    its other arguments. module: path of the module whose forward called it. marks: paths of the modules that put it out,
    the innermost first. uses: by how many calls it is taken up.
    """

    name: str
    inputs: tuple[Node | None, ...]
    shape: tuple[int, ...]
    constants: dict[str, Any]
    module: str
    marks: list[str] = field(default_factory=list)
    uses: int = 0


@dataclass(eq=False)
class Product:
    """A multiplication of two tensors.

    owner: path of the module whose forward multiplies. number: which of its multiplications. shapes: of the factors, and
    cores: without repetitions. nodes: of the factors. inputs: of the owner. in_place: x *= y.
    gain: what the result is multiplied by next, where that is a number.
    """

    owner: str
    number: int
    shapes: tuple[tuple[int, ...], tuple[int, ...]]
    cores: tuple[tuple[int, ...], tuple[int, ...]]
    nodes: tuple[Node | None, Node | None]
    inputs: tuple[Node | None, ...]
    in_place: bool
    gain: float = 1.0


@dataclass
class Trace:
    """products: in the order in which they were made. calls: how often each module ran, by path. modules: by path."""

    products: list[Product]
    calls: Counter[str]
    modules: dict[str, nn.Module]


@dataclass
class _Frame:
    path: str
    start: int
    inputs: tuple[Node | None, ...]


class _Tracer(TorchFunctionMode):
    def __init__(self, trace: Trace) -> None:
        super().__init__()
        self.trace, self.frames, self.count = trace, list[_Frame](), 0
        self.results: dict[Node, Product] = {}
        self.thread = threading.get_ident()  # another one may run the network meanwhile

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        product = self._product(func, *factors(args, kwargs)) if is_product(func) else None
        inputs = tuple(node_of(one) for one in _tensors((*args, *kwargs.values())))
        made = func(*args, **kwargs)
        outputs = list(_tensors([made]))
        if outputs:
            self._note(name, inputs, args, kwargs, outputs)
        if product is not None:
            self.results[outputs[0].__dict__[_NODE]] = product
            self.trace.products.append(product)
        return made

    def _note(
        self,
        name: str,
        inputs: tuple[Node | None, ...],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        outputs: Sequence[Tensor],
    ) -> None:
        for node in inputs:
            if node is not None:
                node.uses += 1
        numbers = {str(place): one for place, one in enumerate(args) if isinstance(one, int | float | tuple)}
        numbers |= {key: one for key, one in kwargs.items() if isinstance(one, int | float | tuple)}
        for output in outputs:
            same = not name.endswith("_") and any(output is one for one in (*args, *kwargs.values()))
            if not same and not isinstance(output, nn.Parameter):
                setattr(output, _NODE, Node(name, inputs, tuple(output.shape), numbers, self._path()))

    def _product(self, func: Any, first: Any, second: Any) -> Product | None:
        number, self.count = self.count, self.count + 1
        if not self.frames or not (isinstance(first, Tensor) and isinstance(second, Tensor)):
            self._gain(first, second)
            return None
        return Product(
            owner=self.frames[-1].path,
            number=number - self.frames[-1].start,
            shapes=(tuple(first.shape), tuple(second.shape)),
            cores=(tuple(core(first).shape), tuple(core(second).shape)),
            nodes=(node_of(first), node_of(second)),
            inputs=self.frames[-1].inputs,
            in_place=func.__name__.endswith("_"),
        )

    def _gain(self, first: Any, second: Any) -> None:
        """A product whose result is at once multiplied by a number."""
        node, number = (node_of(first), second) if isinstance(first, Tensor) else (node_of(second), first)
        if node in self.results and node.uses == 0 and isinstance(number, int | float):
            self.results[node].gain = float(number)

    def _path(self) -> str:
        return self.frames[-1].path if self.frames else ""

    def enter(self, path: str, inputs: tuple[Any, ...]) -> None:
        if threading.get_ident() != self.thread:
            return
        self.trace.calls[path] += 1
        self.frames.append(_Frame(path, self.count, tuple(node_of(one) for one in inputs)))

    def leave(self, path: str, output: Any) -> None:
        if threading.get_ident() != self.thread:
            return
        self.frames.pop()
        if isinstance(output, Tensor):
            node = node_of(output)
            if node is None:  # made by what no function mode sees
                node = Node("", (), tuple(output.shape), {}, path)
                setattr(output, _NODE, node)
            node.marks.append(path)


def trace(net: nn.Module, x: Tensor) -> tuple[Any, Trace]:
    """Run the network once: (what it puts out, the trace). The network is left without the hooks that this takes."""
    found = Trace([], Counter(), dict(net.named_modules()))
    tracer = _Tracer(found)
    with _hooked(found.modules, tracer), tracer:
        output = net(x)
    return output, found


def node_of(value: Any) -> Node | None:
    return value.__dict__.get(_NODE) if isinstance(value, Tensor) else None


def _tensors(values: Sequence[Any]) -> Iterator[Tensor]:
    """The tensors among arguments, lists of tensors opened."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from (one for one in value if isinstance(one, Tensor))


@contextlib.contextmanager
def _hooked(modules: Mapping[str, nn.Module], tracer: _Tracer) -> Iterator[None]:
    handles = []
    try:
        for path, module in modules.items():
            handles.append(module.register_forward_pre_hook(lambda _, inputs, path=path: tracer.enter(path, inputs)))
            handles.append(module.register_forward_hook(lambda _, __, output, path=path: tracer.leave(path, output)))
        yield
    finally:
        for handle in handles:
            handle.remove()
