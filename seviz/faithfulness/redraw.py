"""Networks that have forgotten what they learned, stage by stage from the classifier down.

J. Adebayo, J. Gilmer, M. Muelly, I. Goodfellow, M. Hardt, B. Kim, "Sanity Checks for Saliency Maps", NeurIPS 2018, section 3:
a map that hardly changes when the weights do cannot tell what the network learned.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from seviz.faithfulness.draws import seed_of

_DRAWING = threading.Lock()  # initialisations draw from the generator of the process


def stages_of(net: nn.Module) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The stages from the classifier down: (name, paths of its modules).

    A stage is a child of the network that has children itself, or a run of those that have none, such as the stem with its
    batch norm, which goes by the first of them that has a weight of two dimensions or more. Without parameters: no stage.
    """
    runs: list[list[str]] = []
    for path, child in net.named_children():
        single = not any(True for _ in child.children())
        if runs and single and not any(True for _ in net.get_submodule(runs[-1][0]).children()):
            runs[-1].append(path)
        else:
            runs.append([path])
    named = [(_name(net, paths), tuple(paths)) for paths in runs if any(_parameters(net, path) for path in paths)]
    return tuple(reversed(named))


def cascade(net: nn.Module, seed: int) -> Iterator[tuple[str, nn.Module]]:
    """(stage, network) from the classifier down: that stage and all above it redrawn by their layers' own initialisation.

    The same copy every time, in eval mode, each time with one stage more redrawn; `net` itself is not touched. Batch norms
    start again with mean 0 and variance 1. Parameters of a module that has no initialisation are shuffled.
    """
    forgetful = copy.deepcopy(net).eval().requires_grad_(False)
    for name, paths in stages_of(net):
        with _DRAWING, torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.default_generator.manual_seed(seed_of(seed, f"redraw {name}"))
            for path in paths:
                _redraw(forgetful.get_submodule(path))
        yield name, forgetful


def _redraw(stage: nn.Module) -> None:
    for module in reversed(list(stage.modules())):  # a block's own initialisation after those of its layers
        again: Any = getattr(module, "reset_parameters", None)
        if again is not None:
            again()
            continue
        for value in module.parameters(recurse=False):
            value.copy_(value.reshape(-1)[torch.randperm(value.numel())].reshape(value.shape))


def _name(net: nn.Module, paths: list[str]) -> str:
    heavy = [path for path in paths if any(value.dim() > 1 for value in net.get_submodule(path).parameters())]
    return (heavy or [path for path in paths if _parameters(net, path)] or paths)[0]


def _parameters(net: nn.Module, path: str) -> bool:
    return any(True for _ in net.get_submodule(path).parameters())
