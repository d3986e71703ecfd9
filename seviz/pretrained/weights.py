"""A file of weights -> the network, with every tensor of the file in its place or none at all."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from seviz.errors import CheckpointError
from seviz.intake import taken_in
from seviz.intake.header import read_tensor
from seviz.intake.opening import MAX_FILE, MAX_LEGACY, Source
from seviz.pretrained.named import PROMISE, Pretrained

if TYPE_CHECKING:
    from torch import Tensor, nn


def network_of(named: Pretrained, path: Path, called: str) -> tuple[nn.Module, Source]:
    """The network in eval mode with the weights in `path` (safetensors, or what torch.save wrote, which is read in a limited
    process), and what the file was.

    Args: called: what the file is called in a sentence.

    Raises CheckpointError, one sentence, where the file is none of weights, or of another network: a tensor too many, too
    few, of another shape, or not finite.
    """
    import torch

    with taken_in(path, called, MAX_FILE if _as_promised(path, called) else MAX_LEGACY) as taken:
        state = {name: read_tensor(taken.weights, stored) for name, stored in taken.tensors.items()}
        source = taken.source
    try:
        with torch.random.fork_rng(devices=()):  # the weights that are about to be replaced are random
            net = _load(named, state)
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise CheckpointError(f"{called} is not of {named.name}: {_differences(error)}; get the file again.") from error
    _require_kept(named, net, state, called)
    return net.float().eval().requires_grad_(False), source


def _as_promised(path: Path, called: str) -> bool:
    """Whether the sha256 of the file begins as its name says: then it is what the library knows, however old its form."""
    named = PROMISE.search(called)
    if named is None:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest().startswith(named[1])


def _load(named: Pretrained, state: dict[str, Tensor]) -> nn.Module:
    if named.library == "timm":
        from seviz.pretrained.of_timm import load_timm

        return load_timm(named, state)
    from seviz.pretrained.of_torchvision import load_torchvision

    return load_torchvision(named, state)


def _require_kept(named: Pretrained, net: nn.Module, state: dict[str, Tensor], file: str) -> None:
    """A second look, since timm loads some networks leniently: the file has enough numbers for the whole network, and names
    that both have hold the file's."""
    import torch

    own = net.state_dict()
    if not all(bool(torch.isfinite(value).all()) for value in own.values()):
        raise CheckpointError(f"{file} holds NaN or infinite values; get the file again.")
    wanted, there = (sum(value.numel() for value in one.values() if value.is_floating_point()) for one in (own, state))
    if wanted > there:
        raise CheckpointError(f"{file} is not of {named.name}: it has {there:,} numbers of {wanted:,}; get the file again.")
    shared = [name for name, value in own.items() if name in state and state[name].shape == value.shape]
    lost = [name for name in shared if not torch.equal(own[name].float(), state[name].float())]
    if lost or not shared:
        raise CheckpointError(f"{file} is not of {named.name}: it differs in {', '.join(lost[:3]) or 'every name'}.")


def _differences(error: Exception) -> str:
    """torch's report of missing, unexpected and mismatched names, short."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line if len(line) <= 160 else f"{line[:160]}..." for line in lines[1:4]] or [str(error)[:160]]
    return " ".join(told).rstrip(". ")
