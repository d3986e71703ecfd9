"""Checkpoints that are one training with several seeds: which belong together, and what each of them got right.

    all_here = beside(checkpoint)                 every checkpoint of its folder
    siblings(checkpoint, all_here)                it and those that differ from it in their seed alone, by seed
    accuracies(checkpoint, all_here).found        seed -> test accuracy, from their stored predictions
    from_cards(checkpoint, all_here)              the same as their cards say, for lists
    without_weights(all_here)                     which are listed under the one that ships in full

Only one of them has to have weights: the others may ship as card, history and evaluation. Trainings with the same seed are
pairs, of an SE network and its plain twin for instance.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from seviz.analysis.by_seed import BySeed, SeedsCompared
from seviz.card import Card
from seviz.checkpoints import Checkpoint, Entry, find_checkpoints
from seviz.data import DataKey
from seviz.errors import SevizError

if TYPE_CHECKING:
    from seviz.evaluation import Evaluation

NO_WEIGHTS = "card, history and evaluation; no weights"  # of a checkpoint in a list
Read = Callable[[Checkpoint], "Evaluation | None"]


@dataclass(frozen=True)
class Measured:
    """found: accuracies by seed. left_out: why a training of the same recipe does not count, a sentence each."""

    found: BySeed
    left_out: tuple[str, ...]


def readable(entries: Sequence[Entry]) -> tuple[Checkpoint, ...]:
    """Those with nothing wrong about them."""
    return tuple(Checkpoint(entry.folder, entry.card) for entry in entries if entry.card and not entry.problem)


def beside(checkpoint: Checkpoint) -> tuple[Checkpoint, ...]:
    """Every readable checkpoint in the same folder as this one, which is among them."""
    return readable(find_checkpoints(checkpoint.folder.parent))


def alike(first: Card, second: Card) -> bool:
    """Whether two networks are one training but for the seed: options, classes, preprocessing, samples, recipe and epochs are
    the same. Never those whose training is not known, as imported and pruned ones."""
    if first.origin or second.origin or first.pruned or second.pruned:
        return False
    return _of_training(first) == _of_training(second) and _same_recipe(first.recipe, second.recipe)


def _of_training(card: Card) -> tuple[Any, ...]:
    samples = [(key.count, key.sha256) for key in (card.data.train, card.data.test)]
    # the description alone tells whose weights a training began with; its other words are those of a version
    begun = re.search(r"from the weights of .* \(sha256 \w+\)", card.description)
    return card.options, card.classes, card.preprocessing, samples, card.epochs, begun and begun[0]


def _same_recipe(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether they agree but for the seed. A field that one of them lacks is younger than it, and stands at its default."""
    one, other = ({name: value for name, value in recipe.items() if name != "seed"} for recipe in (first, second))
    if one.keys() != other.keys():
        from seviz.training import Recipe

        defaults = {name: value for name, value in asdict(Recipe()).items() if name != "seed"}
        one, other = {**defaults, **one}, {**defaults, **other}
    return one == other


def siblings(checkpoint: Checkpoint, among: Sequence[Checkpoint]) -> tuple[Checkpoint, ...]:
    """The checkpoint and those that differ from it in their seed alone, one a seed, by seed.

    Of several with one seed the checkpoint itself counts, else one with weights, else the first by name.
    """
    by_seed: dict[int, Checkpoint] = {}
    for one in _group(checkpoint, among):
        by_seed.setdefault(one.card.seed, one)
    return tuple(by_seed.values())


def _group(checkpoint: Checkpoint, among: Sequence[Checkpoint]) -> list[Checkpoint]:
    """Of one recipe, by seed; of one seed, those first that count."""
    others = [one for one in among if one.folder != checkpoint.folder and alike(one.card, checkpoint.card)]
    return sorted(
        [checkpoint, *others],
        key=lambda one: (one.card.seed, one.folder != checkpoint.folder, not one.has_weights, one.name),
    )


def accuracies(checkpoint: Checkpoint, among: Sequence[Checkpoint], read: Read = Checkpoint.evaluation) -> Measured | None:
    """The share of the test pictures that each seed got right, from stored predictions; None where the checkpoint itself has
    none, and CheckpointError where they are damaged.

    Args: read: gives a checkpoint's predictions. A sibling whose own are missing, damaged, of other weights or of other
    pictures is left out.
    """
    stored = read(checkpoint)
    if stored is None:
        return None
    found: dict[int, float] = {}
    kept: dict[int, str] = {}
    left_out: list[str] = []
    for one in _group(checkpoint, among):
        seed = one.card.seed
        if seed in found:
            left_out.append(f"{one.name} is another training with seed {seed}, for which {kept[seed]} stands.")
            continue
        value = _accuracy(one, stored.key, read)
        if isinstance(value, str):
            left_out.append(value)
        else:
            found[seed], kept[seed] = value, one.name
    return Measured(BySeed(checkpoint.name, found, stored.key.count), tuple(left_out))


def _accuracy(checkpoint: Checkpoint, key: DataKey, read: Read) -> float | str:
    """0..1, or why it does not count."""
    try:
        stored = read(checkpoint)
    except SevizError as error:
        return f"{checkpoint.name} is left out: {error}"
    if stored is None:
        return f"{checkpoint.name} is left out: it has no stored predictions."
    if not stored.key.same_samples(key):
        return f"{checkpoint.name} is left out: it was evaluated on other pictures."
    return float((stored.logits.argmax(1) == stored.labels).mean())


def from_cards(checkpoint: Checkpoint, among: Sequence[Checkpoint]) -> BySeed | None:
    """The accuracies of its seeds on the same pictures as its own, by their cards; None where it has no siblings there."""
    own = checkpoint.card.metrics.get("accuracy")
    if own is None:
        return None
    found = {}
    for one in siblings(checkpoint, among):
        theirs = one.card.metrics.get("accuracy")
        if theirs and (theirs.n, theirs.data, theirs.split) == (own.n, own.data, own.split):
            found[one.card.seed] = theirs.value
    return BySeed(checkpoint.name, found, own.n) if len(found) > 1 else None


def without_weights(among: Sequence[Checkpoint]) -> dict[str, tuple[Checkpoint, ...]]:
    """Name of a network with weights -> its siblings without, by seed; the most accurate of several takes them."""
    under: dict[str, list[Checkpoint]] = {}
    for one in among:
        whole = [other for other in among if other.has_weights and alike(other.card, one.card)]
        if whole and not one.has_weights:
            best = max(whole, key=lambda other: (other.card.accuracy or 0.0, other.name))
            under.setdefault(best.name, []).append(one)
    return {name: tuple(sorted(found, key=lambda one: one.card.seed)) for name, found in under.items()}


@dataclass(frozen=True)
class Beside:
    """Two networks over their seeds. found: None where both are of one recipe, and first has its seeds. left_out: as above."""

    found: SeedsCompared | None
    first: BySeed
    left_out: tuple[str, ...]


def over_seeds(first: Checkpoint, second: Checkpoint, read: Read = Checkpoint.evaluation) -> Beside | None:
    """Two networks on the same pictures, each with its seeds; None where both have one seed alone, or no predictions.

    Raises CheckpointError where the predictions of one of the two are damaged.
    """
    one, other = (accuracies(network, beside(network), read) for network in (first, second))
    if one is None or other is None or max(len(one.found.accuracies), len(other.found.accuracies)) < 2:
        return None
    if alike(first.card, second.card):
        return Beside(None, one.found, one.left_out)
    return Beside(SeedsCompared(one.found, other.found), one.found, (*one.left_out, *other.left_out))
