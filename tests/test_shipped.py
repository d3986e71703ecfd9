"""The networks that come with seviz: all that is stored of them is whole, and the documents say what the cards say."""

from __future__ import annotations

from pathlib import Path

import pytest

from seviz.checkpoints import open_checkpoint
from seviz.seeds import alike
from seviz.training.finish import describe
from seviz.training.state import Job

ROOT = Path(__file__).parents[1]
GATED = {"se_resnet20": ("resnet20", 4), "se_resnet18_photos": ("resnet18_photos", 16)}
NAMES = (*GATED, *(twin for twin, _ in GATED.values()))
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
    sizes = [path.stat().st_size for name in NAMES for path in (ROOT / "checkpoints" / name).iterdir()]
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
