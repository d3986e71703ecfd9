"""What lies around the weights in a checkpoint: the dictionaries that training scripts save, unwrapped.

    {"net", "acc", "epoch"}                                  kuangliu/pytorch-cifar
    {"state_dict", "best_prec1"}                             akamaster/pytorch_resnet_cifar10
    a bare state_dict                                        weiaicunzai/pytorch-cifar100
    {"epoch", "arch", "state_dict", "best_acc1"}             pytorch/examples imagenet
    {"model", "args": Namespace, "model_ema"}                torchvision's references
    {"state_dict", "state_dict_ema", "args", "metric"}       timm
    {"state_dict", "hyper_parameters", ...}                  Lightning

The eighth, `_orig_mod.` of torch.compile, is a matter of names: see prefixes.py. This runs in the limited process, on what
a stranger's file holds: nothing here calls what is in it, and what is told of it is cut to a length.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

EMA = ("model_ema", "state_dict_ema", "ema_state_dict", "ema_model", "ema")
PLAIN = ("state_dict", "model_state_dict", "net", "model", "network", "model_state", "weights", "params")
NEVER = ("optim", "sched", "scaler", "loop", "callback")  # in the names of what trains and is not the network
DEEP = 3  # dictionaries within dictionaries that are looked into
MOST_CLASSES, MOST_NAME, MOST_SAID = 30_000, 100, 8


@dataclass(frozen=True)
class Unwrapped:
    """tensors: name -> tensor, as named in the file. steps: sentences on what was taken and what was left aside.

    hints: what else the file says, as plain JSON values: "arch" (text), "classes" (list of text), "said" (name -> number).
    """

    tensors: dict[str, Tensor]
    steps: tuple[str, ...]
    hints: dict[str, Any] = field(default_factory=dict)


def unwrap(content: object) -> Unwrapped:
    """The weights in what torch.load returned. Raises ValueError, in words, where there are none."""
    if not isinstance(content, Mapping):
        raise ValueError(f"holds a {_short(type(content).__name__)} and no dictionary of tensors; save net.state_dict()")
    if _is_state(content):
        return Unwrapped(*_tensors(content, "The file is a bare dictionary of tensors."), {})
    found = sorted(_states(content, ()), key=_rank)
    if not found:
        raise ValueError("holds no dictionary of tensors by name; save net.state_dict()")
    path, state = found[0]
    tensors, steps = _tensors(state, _chosen(path, [other for other, _ in found[1:]]))
    aside = [_short(key) for key in content if key != path[0]]
    if aside:
        steps += (f"Left aside: {', '.join(sorted(aside)[:12])}{', ...' if len(aside) > 12 else ''}.",)
    return Unwrapped(tensors, steps, _hints(content))


def _chosen(path: tuple[str, ...], others: list[tuple[str, ...]]) -> str:
    name, beside = _quoted(path), ", ".join(_quoted(other) for other in others[:4])
    if _is_ema(path):
        return f"The weights are those of {name}, the moving average (EMA){f', not those of {beside}' if others else ''}."
    if others and not set(path) & set(PLAIN):
        return f"The file holds several networks; the largest, {name}, was taken, not {beside}."
    return f"The weights are those of {name}{f', not those of {beside}' if others else ''}."


def _states(content: Mapping[Any, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Mapping[Any, Any]]]:
    """Every dictionary of tensors within dictionaries, with the keys that lead to it."""
    for key, value in content.items():
        if not isinstance(key, str) or not isinstance(value, Mapping) or any(word in key.lower() for word in NEVER):
            continue
        if _is_state(value):
            yield (*path, key), value
        elif len(path) + 1 < DEEP:
            yield from _states(value, (*path, key))


def _is_state(value: Mapping[Any, Any]) -> bool:
    """Names -> tensors, but for few other values; a dictionary around weights and a tensor or two is none."""
    count = sum(isinstance(key, str) and _is_tensor(one) for key, one in value.items())
    return 2 * count > len(value) and not any(isinstance(one, Mapping) and len(one) for one in value.values())


def _is_tensor(value: object) -> bool:
    return isinstance(value, Tensor) or (isinstance(value, np.ndarray) and value.dtype.kind in "biuf")


def _rank(found: tuple[tuple[str, ...], Mapping[Any, Any]]) -> tuple[int, int]:
    path, state = found
    known = [PLAIN.index(part) for part in path if part in PLAIN]
    first = -1 if _is_ema(path) else min(known, default=len(PLAIN))
    return first, -len(state)


def _is_ema(path: tuple[str, ...]) -> bool:
    return bool(set(path) & set(EMA))


def _tensors(state: Mapping[Any, Any], first: str) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    tensors = {key: _as_tensor(value) for key, value in state.items() if isinstance(key, str) and _is_tensor(value)}
    odd = [_short(key) for key in state if key not in tensors]
    steps = (first, f"Left aside, being no tensors: {', '.join(odd[:12])}.") if odd else (first,)
    return tensors, steps


def _as_tensor(value: Any) -> Tensor:
    return value.detach() if isinstance(value, Tensor) else torch.from_numpy(np.ascontiguousarray(value))


def _hints(content: Mapping[Any, Any]) -> dict[str, Any]:
    hints: dict[str, Any] = {}
    arguments = [content, *(_fields(content.get(name)) for name in ("args", "hyper_parameters", "config"))]
    archs = [one.get(name) for one in arguments for name in ("arch", "model", "model_name")]
    named = [arch for arch in archs if isinstance(arch, str) and arch]
    if named:
        hints["arch"] = _short(named[0])
    classes = [_names(one.get(name)) for one in arguments for name in ("classes", "class_names", "class_to_idx")]
    hints["classes"] = next((names for names in classes if names), [])
    said = {_short(key): _number(value) for key, value in content.items() if isinstance(key, str)}
    hints["said"] = dict([(key, value) for key, value in said.items() if value is not None][:MOST_SAID])
    return hints


def _fields(value: object) -> Mapping[Any, Any]:
    if isinstance(value, Namespace):
        return vars(value)
    return value if isinstance(value, Mapping) else {}


def _names(value: object) -> list[str]:
    """Class names in order: of a list of texts, or of a dictionary name -> index that counts 0, 1, 2, ..."""
    if isinstance(value, Mapping):
        pairs = [(index, name) for name, index in value.items() if type(index) is int]
        value = [name for _, name in sorted(pairs, key=lambda pair: pair[0])] if len(pairs) == len(value) else []
        if [index for index, _ in sorted(pairs, key=lambda pair: pair[0])] != list(range(len(pairs))):
            return []
    if not isinstance(value, list | tuple) or len(value) > MOST_CLASSES:
        return []
    names = [name for name in value if isinstance(name, str) and 0 < len(name) <= MOST_NAME]
    return names if len(names) == len(set(names)) == len(value) else []


def _number(value: object) -> float | None:
    single = value.item() if isinstance(value, np.generic) or (isinstance(value, Tensor) and value.numel() == 1) else value
    if isinstance(single, bool) or not isinstance(single, int | float) or not abs(single) < 1e12:
        return None
    return round(float(single), 6)


def _quoted(path: tuple[str, ...]) -> str:
    return f"`{_short('.'.join(path)).replace('`', chr(39))}`"


def _short(text: object) -> str:
    said = str(text) if isinstance(text, str | int | float) else type(text).__name__
    return said if len(said) <= MOST_NAME else f"{said[:MOST_NAME]}..."
