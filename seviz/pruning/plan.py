"""Which networks are measured: the unpruned one, then every criterion at every share, random ones once a seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import nn

from seviz.errors import RequestError
from seviz.excitation import Excitation
from seviz.pruning.branches import branches_of
from seviz.pruning.choice import CRITERIA, Scores, kept_channels, require_share
from seviz.pruning.scores import by_chance, magnitudes, mean_gates


@dataclass(frozen=True)
class Pruned:
    """A pruned network of a plan. criterion: "" for the unpruned one. seed: of a random one, else 0. kept: by branch."""

    criterion: str
    share: float
    seed: int
    kept: Mapping[str, tuple[int, ...]]


def scores_of(net: nn.Module, criterion: str, found: Excitation | None, seed: int = 0) -> Scores:
    """By what a criterion ranks the channels of a network.

    Args: found: statistics of the network's gates, for "gate" alone. seed: for "random" alone.

    Raises RequestError for an unknown criterion, and for "gate" without gates on the branches or without statistics.
    """
    branches = branches_of(net)
    if criterion == "magnitude":
        return magnitudes(net)
    if criterion == "random":
        return by_chance(branches, seed)
    if criterion != "gate":
        raise RequestError(f"Channels are chosen by {', '.join(CRITERIA)}, not by {criterion[:40]!r}.")
    if not all(one.gate for one in branches):
        raise RequestError("This network has no SE blocks on its branches, so no mean gates; choose by magnitude or random.")
    if found is None:
        raise RequestError("Its mean gates were not measured, there is no excitation.npz; run `seviz excite` on it first.")
    return mean_gates(branches, found)


def criteria_of(net: nn.Module) -> tuple[str, ...]:
    """Those that the network can be pruned by: mean gates need SE blocks on its branches."""
    return CRITERIA if any(one.gate for one in branches_of(net)) else CRITERIA[1:]


def checked_shares(shares: Sequence[float]) -> tuple[float, ...]:
    """Ascending, each once, without 0, at which nothing is dropped. Raises RequestError where none is left or one is none."""
    for share in shares:
        require_share(share)
    found = tuple(sorted({share for share in shares if share > 0}))
    if not found:
        raise RequestError("Nothing is dropped at share 0; name shares between 0 and 1, such as 0.1,0.3,0.5.")
    return found


def plan_of(net: nn.Module, shares: Sequence[float], seeds: int, found: Excitation | None) -> tuple[Pruned, ...]:
    """The unpruned network, then by criterion, share and seed."""
    plan = [Pruned("", 0.0, 0, {})]
    for criterion in criteria_of(net):
        ranks = [scores_of(net, criterion, found, seed) for seed in range(seeds if criterion == "random" else 1)]
        for share in shares:
            plan += [Pruned(criterion, share, seed, kept_channels(one, share)) for seed, one in enumerate(ranks)]
    return tuple(plan)
