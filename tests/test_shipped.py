"""The networks that come with seviz: all that is stored of them is whole, and the documents say what the cards say."""

from __future__ import annotations

from pathlib import Path

import pytest

from seviz.analysis.seeds import difference_over_seeds, over_seeds
from seviz.checkpoints import open_checkpoint
from seviz.seeds import alike, siblings, without_weights
from seviz.training.finish import describe
from seviz.training.state import Job

ROOT = Path(__file__).parents[1]
GATED = {"se_resnet20": ("resnet20", 4), "se_resnet18_photos": ("resnet18_photos", 16)}
NAMES = (*GATED, *(twin for twin, _ in GATED.values()))
SEEDS = {name: tuple(f"{name}-seed{seed}" for seed in (1, 2)) for name in ("se_resnet20", "resnet20")}
MOST_FILE, MOST_TREE = 12e6, 60e6  # bytes: a clone has to stay small


def shipped(name):
    return open_checkpoint(ROOT / "checkpoints" / name)


@pytest.mark.parametrize("name", NAMES)
def test_everything_stored_is_whole_and_of_the_cards_weights(name):
    found = shipped(name)
    assert found.problem() is None
    assert found.card.sealed and found.has_weights
    found.network()
    kept = [found.evaluation(), found.corruptions(), *([found.excitation(), found.ablation()] if found.is_se else [])]
    assert all(one is not None for one in kept)
    assert len(found.history()) == found.card.epochs
    right = float((found.evaluation().logits.argmax(1) == found.evaluation().labels).mean())
    assert right == found.card.metrics["accuracy"].value


def test_they_stay_small():
    names = (*NAMES, *(name for others in SEEDS.values() for name in others))
    sizes = [path.stat().st_size for name in names for path in (ROOT / "checkpoints" / name).iterdir()]
    assert max(sizes) < MOST_FILE and sum(sizes) < MOST_TREE


@pytest.mark.parametrize(("name", "twin", "reduction"), [(name, *rest) for name, rest in GATED.items()])
def test_twins_were_trained_alike(name, twin, reduction):
    first, second = shipped(name).card, shipped(twin).card
    assert {**first.recipe, "seed": 0} == {**second.recipe, "seed": 0}
    assert (first.classes, first.preprocessing, first.data) == (second.classes, second.preprocessing, second.data)
    assert {**first.options, "se": None} == {**second.options, "se": None}
    assert first.options["se"]["reduction"] == reduction


@pytest.mark.parametrize("name", NAMES)
def test_another_seed_of_the_same_command_belongs_to_it(name):
    """Whatever words this version describes a network with."""
    from dataclasses import replace

    card = shipped(name).card
    words = describe(Job(card.arch, (card.options["se"] or {}).get("reduction", 16), "", "", None, "", ""), card.options)
    assert alike(card, replace(card, seed=1, recipe={**card.recipe, "seed": 1}, description=words))
    begun = "SE-ResNet; trained on from the weights of other (sha256 12345678)."
    assert not alike(card, replace(card, description=begun))


@pytest.mark.parametrize("name", NAMES)
def test_the_documents_say_what_the_card_says(name):
    card = shipped(name).card
    accuracy = card.metrics["accuracy"]
    words = f"{accuracy.value * 100:.2f} % ({accuracy.interval[0] * 100:.2f} to {accuracy.interval[1] * 100:.2f})"
    for document in ("README.md", "docs/training.md"):
        content = (ROOT / document).read_text(encoding="utf-8")
        assert words in content and f"{card.parameters:,}" in content
    life = card.gate_life
    if life:
        training = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
        assert f"{life.lost_by_shuffling * 100:.1f} points" in training
        low, high = life.shuffling_interval
        assert f"({low * 100:.1f} to {high * 100:.1f})" in training


@pytest.mark.parametrize(("name", "seed"), [(whole, one) for whole, others in SEEDS.items() for one in others])
def test_a_seed_without_weights_is_whole_but_for_them_and_of_the_same_recipe(name, seed):
    found = shipped(seed)
    assert found.problem() is None
    assert found.card.sealed and not found.has_weights and not found.card.weights_shipped
    assert alike(found.card, shipped(name).card)
    assert len(found.history()) == found.card.epochs
    assert found.evaluation().weights_sha256 == found.card.weights_sha256
    right = float((found.evaluation().logits.argmax(1) == found.evaluation().labels).mean())
    assert right == found.card.metrics["accuracy"].value
    assert (found.card.gate_life is not None) == found.is_se
    assert (found.gate_history() is not None) == found.is_se


def test_the_seeds_belong_to_the_networks_that_ship_whole():
    everything = [shipped(name) for name in (*NAMES, *(one for others in SEEDS.values() for one in others))]
    assert {name: tuple(one.name for one in found) for name, found in without_weights(everything).items()} == SEEDS
    for name in SEEDS:
        assert [one.card.seed for one in siblings(shipped(name), everything)] == [0, 1, 2]


def test_the_documents_say_what_the_seeds_say():
    by_name = [[shipped(one).card.metrics["accuracy"].value for one in (name, *others)] for name, others in SEEDS.items()]
    words = [f"{100 * mean:.2f} % ({100 * low:.2f} to {100 * high:.2f})" for mean, low, high in map(over_seeds, by_name)]
    found = difference_over_seeds(*by_name)
    words.append(f"{100 * found.mean:+.2f} points ({100 * found.low:+.2f} to {100 * found.high:+.2f})")
    for document in ("README.md", "docs/training.md"):
        content = (ROOT / document).read_text(encoding="utf-8")
        assert [one for one in words if one not in content] == []
