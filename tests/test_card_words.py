"""A card in words: the same facts on the page, in the terminal and in the report, and nothing that is not known."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from networks import lively
from photos import CLASSES, SHIPPED, home_with
from test_checkpoints import card_of
from test_imported import TIMM, imported
from test_pages import app, words

from seviz import card_words, cli, evaluation, nets
from seviz.ablation import load_ablation
from seviz.checkpoints import checkpoints_home, open_checkpoint, save_checkpoint, write_card
from seviz.gate_life import GateLife
from seviz.origins import Cutting


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The pair of depth 20, the photos pair without any measurement, and an imported network of timm."""
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(home_with(tmp_path / "home", photos=True)))
    monkeypatch.setenv("SEVIZ_HOME", str(tmp_path / "seviz"))
    imported("timm:test.tag", TIMM)
    return tmp_path / "home"


@pytest.fixture
def card():
    return card_of(lively())


def told(capsys, *arguments: str) -> str:
    assert cli.main(["models", *arguments]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("arch", "depth", "stages"),
    [
        ("resnet20", 20, "three stages of 3 + 3 + 3 residual units with 16, 32, 64 channels"),
        ("se_resnet56", 56, "three stages of 9 + 9 + 9 residual units with 16, 32, 64 channels"),
        ("se_resnet20x2", 20, "three stages of 3 + 3 + 3 residual units with 32, 64, 128 channels"),
        ("se_resnet18_64", 18, "four stages of 2 + 2 + 2 + 2 residual units with 32, 64, 128, 256 channels"),
        ("resnet50", 50, "four stages of 3 + 4 + 6 + 3 residual units with 256, 512, 1024, 2048 channels"),
    ],
)
def test_the_depth_is_that_of_the_name(card, arch, depth, stages):
    net = nets.build(arch, classes=5)
    card = replace(card, options=nets.to_card(net))
    assert card_words.network(card, 0)["depth"] == f"{depth} layers with weights, in {stages}"
    assert f"A residual network of {depth} layers " in card_words.in_a_sentence(card)
    on_the_way = [name for name, module in net.named_modules() if hasattr(module, "kernel_size") and "conv" in name]
    assert depth == len(on_the_way) + 1  # and the classifier


def test_a_sentence_says_what_it_is(card):
    assert card_words.in_a_sentence(card) == (
        "A residual network of 20 layers with a Squeeze-and-Excitation block in every unit; it tells five classes apart in "
        "pictures of 16 x 16 pixels."
    )
    assert (card_words.kind(card), card_words.network(card, 0)["reduction"].split(":")[0]) == ("SE, r = 4", "r = 4")
    plain = replace(card, options=nets.to_card(nets.build("resnet20", classes=5)))
    assert "20 layers without gates; it tells" in card_words.in_a_sentence(plain)
    assert card_words.kind(plain) == "plain"
    some = replace(card, options=nets.to_card(nets.build("se_resnet20", classes=5, se_stages=(2, 3))))
    assert "with Squeeze-and-Excitation blocks in stage 2 and 3" in card_words.in_a_sentence(some)
    cut = Cutting("se_resnet20", "0" * 64, "gate", 0.25, 10, 40, 0, "", "python -m seviz prune")
    assert card_words.in_a_sentence(replace(card, pruned=cut)).startswith("se_resnet20 without 25% of the channels")
    assert card_words.making(replace(card, pruned=cut)).command == "python -m seviz prune"


def test_no_class_of_its_own_is_what_it_never_saw(card):
    assert "a photograph of a teapot will be called one of them" in card_words.limits(card)[0]
    assert "a photograph of a violin will be called" in card_words.limits(replace(card, classes=CLASSES))[0]
    old = "It knows its 5 classes and nothing else: any other picture is given one of them all the same."
    assert card_words.limits(replace(card, limits=(old, "It is a toy."))) == card_words.limits(card)


def test_accuracy_is_of_the_card_or_of_the_predictions(card):
    found = card_words.figures_of(card)
    assert card_words.accuracy_words(found) == "50.00% (20.00% to 80.00%)"
    assert card_words.figures(found)["test accuracy"].startswith("50.00% (20.00% to 80.00%) of 3 pictures of folder:toy, test")
    assert set(card_words.figures(found)) == {"test accuracy"}  # neither top-5 nor calibration is known
    assert card_words.figures_of(replace(card, metrics={})) is None
    shipped = open_checkpoint("se_resnet20")
    stored = shipped.evaluation()
    right = (stored.logits.argmax(1) == stored.labels).mean()
    facts = card_words.figures(card_words.figures_of(shipped.card))
    assert facts["test accuracy"].startswith(f"{right:.2%} (")
    order = np.argsort(-stored.logits.astype(float), axis=1)[:, :5]
    assert facts["top-5"].startswith(f"{(order == stored.labels[:, None]).any(1).mean():.2%}:")


def test_what_gates_are_worth_with_and_without_intervals():
    life = GateLife({"layer1.0.se": 0.012, "layer2.1.se": 0.3, "odd": 0.0499}, 0.9, 0.5, 0.85, 100, "folder:toy", "test", 0)
    assert life.still_sites == ("layer1.0.se", "odd")
    assert "accuracy falls by 40.0 points; with every gate at its mean, by 5.0 points." in card_words.gates_worth(life)
    assert card_words.gates_worth(life).startswith("1 of 3 SE blocks move by 0.05 or more")
    assert card_words.still_words(life, {}) == "Hardly alive: stage 1 · block 1 (0.012), odd (0.050)."
    assert card_words.still_words(replace(life, deviations={"a": 0.2}), {}) == ""
    known = replace(life, shuffling_interval=(0.31, 0.49), static_interval=(-0.012, 0.1))
    assert "by 40.0 points (31.0 to 49.0); with every gate at its mean, by 5.0 points (-1.2 to 10.0)." in (
        card_words.gates_worth(known)
    )


def test_losses_by_site_are_those_of_the_ablation():
    life = open_checkpoint("se_resnet20").card.gate_life
    found = load_ablation(SHIPPED / "se_resnet20" / "ablation.json")
    rows = card_words.sites(life, found)
    assert rows["block"][:2] == ["stage 1 · block 1", "stage 1 · block 2"]
    raw = json.loads((SHIPPED / "se_resnet20" / "ablation.json").read_text(encoding="utf-8"))
    for word, gate in (("static", "mean"), ("shuffled", "shuffle")):
        by_site = {one["where"]: one for one in raw["effects"] if one["gate"] == gate}
        for row, site in enumerate(life.deviations):
            one = by_site[site]
            assert rows[f"lost when {word}"][row] == pytest.approx(100 * (raw["live"]["accuracy"] - one["accuracy"]))
            assert rows[f"{word} low"][row] <= rows[f"lost when {word}"][row] <= rows[f"{word} high"][row]
            ends = [-rows[f"{word} high"][row], -rows[f"{word} low"][row]]
            assert ends == pytest.approx([100 * end for end in one["interval"]])
    assert set(card_words.sites(life, None)) == {"block", "moves by", "alive"}


def test_the_recipe_in_words_says_only_what_is_known(card):
    assert card_words.recipe_sentence(card) == "2 epochs of SGD, in batches of 8, mirrored in every other epoch; seed 3."
    assert card_words.recipe(card)["setting"] == ["epochs", "batch", "flip"]
    assert card_words.recipe_sentence(replace(card, recipe={}, epochs=0)) == ""
    odd = replace(card, recipe={"cut_out": 8, "crop": "shift", "least_area": 0.25})
    assert card_words.recipe(odd) == {"setting": ["cut out", "crop"], "value": ["8", "shift"],
                                      "meaning": ["", card_words.recipe(odd)["meaning"][1]]}  # fmt: skip
    whole = replace(card, recipe={"batch": 128, "peak_lr": 0.15, "se_lr": 3.0, "label_smoothing": 0.0, "pad": 4, "ema": 0.999})
    assert card_words.recipe_sentence(whole) == (
        "2 epochs of SGD, in batches of 128, with a learning rate of up to 0.15 (3 times that in the SE layers), pictures "
        "shifted by up to 4 pixels; seed 3. The moving average of the weights is kept."
    )
    plain = replace(whole, options=nets.to_card(nets.build("resnet20", classes=5)))
    assert "SE layers" not in card_words.recipe_sentence(plain)


def test_the_one_command_says_what_it_needs_and_took(card):
    jpeg = replace(card.data, name="folder:cifar10-jpeg", train=replace(card.data.train, count=50_000))
    hardware = {"processor": "an abacus", "cores": 2, "threads": 1}
    made = replace(card, data=jpeg, commands={"train": "t", "evaluate": "e"}, epochs=35, seconds=6360.0, hardware=hardware)
    making = card_words.making(made)
    assert making.command == "t"
    assert "50,000 pictures to train on and 3 to test on: where `folder:cifar10-jpeg` stands" in making.needs
    assert "`python -m seviz data cifar10-jpeg --out DIR`" in making.needs
    assert making.took == "Its 35 epochs took 106 minutes on an abacus (1 thread)."
    assert "cifar10-jpeg" not in card_words.making(replace(made, data=card.data)).needs
    assert card_words.making(replace(made, commands={})) is None


def test_a_gpu_is_named_by_its_name(card):
    hardware = {"processor": "an abacus", "cores": 8, "device": "cuda:0", "accelerator": "NVIDIA H100"}
    card = replace(card, hardware=hardware, commands={"train": "t"}, seconds=9000.0, epochs=150)
    assert card_words.making(card).took == "Its 150 epochs took 2.5 hours on NVIDIA H100."


@pytest.mark.parametrize("name", ["se_resnet20", "resnet20", "se_resnet18_photos", "timm:test.tag"])
def test_one_network_is_told_in_the_words_of_the_page(home, capsys, name):
    out = told(capsys, name)
    assert out.splitlines()[0] == name
    assert "None" not in out and "nan" not in out.split()
    at = app("models", model=name, against="none")
    assert not at.exception and not at.error
    shown, flat = words(at), " ".join(out.split())
    assert "None" not in shown
    card = open_checkpoint(name).card
    for said in (card_words.in_a_sentence(card), *card_words.limits(card), *card_words.network(card, 0).values()):
        if said != card_words.network(card, 0)["weights"]:
            assert " ".join(said.split()) in flat
            assert said in re.sub(r"\\(?=\W)", "", shown).replace("\u2060", "")
    if card.gate_life:
        assert " ".join(card_words.gates_worth(card.gate_life).split()) in flat
        assert card_words.gates_worth(card.gate_life) in shown
    making = card_words.making(card)
    assert (making is None) or (making.command in out and making.command in [code.value for code in at.code])


def test_the_list_is_aligned_and_tells_gates_data_and_accuracy(home, capsys):
    head, *rows = told(capsys).splitlines()[:6]
    assert [row.split()[0] for row in rows] == [
        "se_resnet18_photos", "se_resnet20", "timm:test.tag", "resnet18_photos", "resnet20",
    ]  # fmt: skip
    place = head.index("accuracy (95 % interval)")
    assert all(row[place - 2 : place] == "  " and row[place] != " " for row in rows)
    assert all(row[head.index("kind") - 2 : head.index("kind")] == "  " for row in rows)
    lines = dict(zip([row.split()[0] for row in rows], rows, strict=True))
    shipped = open_checkpoint("se_resnet20").card.metrics["accuracy"]
    assert f"  {card_words.kind(open_checkpoint('se_resnet20').card)}  " in lines["se_resnet20"]
    assert f"{shipped.value:.2%} ({shipped.interval[0]:.2%} to {shipped.interval[1]:.2%})" in lines["se_resnet20"]
    assert lines["se_resnet20"].endswith("10,000 of folder:cifar10-jpeg, test")
    assert "  plain  " in lines["resnet20"]
    assert len({row.index(" M  ") for row in rows}) == 1


def test_one_network_as_json_and_what_does_not_go_together(home, capsys):
    found = json.loads(told(capsys, "se_resnet20", "--json"))
    assert (found["name"], found["card"]["arch"], found["problem"]) == ("se_resnet20", "se_resnet20", None)
    assert cli.main(["models", "se_resnet20", "--search", "x"]) == 2
    assert "give one" in capsys.readouterr().err
    assert cli.main(["models", "nobody"]) == 2
    assert "There is no checkpoint 'nobody'" in capsys.readouterr().err


def test_a_network_that_was_evaluated_later_is_told_by_its_predictions(home, capsys):
    from seviz.data import PictureSet, numbered_ids

    checkpoint = open_checkpoint("se_resnet18_photos")
    write_card(checkpoint.folder, replace(checkpoint.card, metrics={}))
    assert "Nothing was measured on it yet" in told(capsys, "se_resnet18_photos")
    labels = np.arange(100) % 50
    ids = numbered_ids(labels, CLASSES)
    data = PictureSet("folder:noise", "test", np.zeros((100, 8, 8, 3), np.uint8), labels, ids, CLASSES)
    logits = np.eye(50, dtype=np.float32)[labels]
    logits[:10] = np.roll(logits[:10], 1, axis=1)
    kept = evaluation.Evaluation(logits, labels.astype(np.int16), data.ids, data.key, checkpoint.card.weights_sha256)
    evaluation.save(checkpoint.folder / "evaluation.npz", kept)
    assert "90.00% (" in told(capsys, "se_resnet18_photos")
    at = app("models", model="se_resnet18_photos")
    assert "90.00%" in [metric.value for metric in at.metric]


def test_a_network_beside_the_chosen_pair_shows_all_when_it_is_asked(home):
    at = app("models")
    assert "#### se_resnet18_photos" in words(at)
    assert not [code for code in at.code if "photos" in code.value]
    before = len(at.get("plotly_chart"))
    save_checkpoint(home / "third", lively(), replace(card_of(lively(), "third"), commands={"train": "python -m seviz third"}))
    at = app("models")
    assert "**50.00% (20.00% to 80.00%)** of 3 pictures of folder:toy, test" in words(at)
    next(one for one in at.toggle if one.key == "card-third").set_value(True).run()
    assert not at.exception
    assert "python -m seviz third" in [code.value for code in at.code]
    assert len(at.get("plotly_chart")) == before + 1, "the life of its gates; it has no history"
    assert "Hardly alive: stage 1 · block 1 (0.040)." in words(at)
    assert checkpoints_home() == home
