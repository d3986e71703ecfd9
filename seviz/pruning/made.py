"""The card of a pruned network: the one it was made of, what it costs now, and how it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from torch import nn

from seviz.card import Card, Metric
from seviz.nets import ResNet, cost, to_card
from seviz.origins import Cutting
from seviz.pruning.branches import branches_of

NAMES = {"gate": "their mean gate", "magnitude": "the L1 norm of their filters", "random": "chance"}
NOT_TRAINED = "It was not trained again after channels were dropped (not fine-tuned): its other weights are as they were."


@dataclass(frozen=True)
class Cut:
    """How a network is pruned. criterion, share, seed: as of seviz.origins.Cutting. gates: the data of the mean gates, or "".
    command: as typed."""

    criterion: str
    share: float
    seed: int
    gates: str
    command: str


def card_of_pruned(
    card: Card, whole: nn.Module, small: ResNet, cut: Cut, *, name: str, metrics: Mapping[str, Metric], evaluate: str
) -> Card:
    """The card of `small`, which was made of `whole`, whose `card` this is; without the sha256 of its weights.

    Args: name: its folder. metrics: measured on it. evaluate: the command that gives them again.

    Recipe, seed and training stay those of the network it was made of, and so does the command "train", which makes that.
    """
    before, after = (sum(one.channels for one in branches_of(net)) for net in (whole, small))
    cutting = Cutting(
        source=card.name,
        sha256=card.weights_sha256,
        criterion=cut.criterion,
        share=cut.share,
        dropped=before - after,
        channels=before,
        seed=cut.seed,
        gates=cut.gates,
        command=cut.command,
    )
    price = cost(small, card.preprocessing.height, card.preprocessing.width)
    train = {"train": card.commands["train"]} if "train" in card.commands else {}
    return replace(
        card,
        name=name,
        description=f"{card.description.removesuffix('.')}. {_words(cutting)}",
        options=to_card(small),
        metrics=dict(metrics),
        commands={**train, "prune": cut.command, "evaluate": evaluate},
        limits=(NOT_TRAINED, *(limit for limit in card.limits if limit != NOT_TRAINED)),
        parameters=price.parameters,
        multiply_adds=price.multiply_adds,
        measured="The figures are those of the weights as stored, computed in float32.",
        gate_life=None,
        pruned=cutting,
        weights_sha256="",
        weights_bytes=0,
    )


def _words(cutting: Cutting) -> str:
    by = f"{NAMES[cutting.criterion]} over {cutting.gates}" if cutting.gates else NAMES[cutting.criterion]
    seed = f", seed {cutting.seed}" if cutting.criterion == "random" else ""
    return (
        f"Made of {cutting.source} by dropping {cutting.dropped:,} of the {cutting.channels:,} channels of its branches, "
        f"{cutting.share:.0%} of each, chosen by {by}{seed}; not fine-tuned."
    )
