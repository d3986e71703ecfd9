"""Checkpoints: what is saved is loaded, and anything else is refused in one sentence."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from networks import lively

from seviz import nets
from seviz.card import Card, DataUse, GateLife, Metric
from seviz.checkpoints import Checkpoint, find_checkpoints, open_checkpoint, save_checkpoint, weights_of
from seviz.data import DataKey, samples_sha256
from seviz.errors import CheckpointError
from seviz.evaluation import Evaluation, save
from seviz.history import Epoch, write_history
from seviz.images import Preprocessing

KEY = DataKey("folder:toy", "test", 3, samples_sha256(("a/0", "b/0", "c/0"), np.array([0, 1, 2])))


def card_of(net: torch.nn.Module, name: str = "tiny") -> Card:
    return Card(
        name=name,
        arch="se_resnet20",
        description="SE-ResNet-20",
        options=nets.to_card(net),
        classes=("ant", "bee", "cat", "dog", "elk"),
        preprocessing=Preprocessing(16, 16, crop=0.875, interpolation="bicubic", mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.3)),
        data=DataUse("folder:toy", "drawn by hand", replace(KEY, split="train"), KEY),
        recipe={"epochs": 2, "batch": 8, "flip": True},
        seed=3,
        epochs=2,
        seconds=1.5,
        versions={"torch": "2.15.0"},
        hardware={"processor": "an abacus", "threads": 1},
        metrics={"accuracy": Metric(0.5, 3, "folder:toy", "test", "share right", "python -m seviz evaluate", (0.2, 0.8))},
        commands={"gate_life": "python -m seviz evaluate --gate-life"},
        licence="MIT",
        limits=("It is a toy.",),
        parameters=10,
        multiply_adds=20,
        gate_life=GateLife({"layer1.0.se": 0.04, "layer2.0.se": 0.06}, 0.5, 0.25, 0.125, 3, "folder:toy", "test", 0),
    )


@pytest.fixture
def net():
    return lively()


@pytest.fixture
def home(tmp_path, monkeypatch, net):
    """Two checkpoints, "good" and "tiny"."""
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(tmp_path))
    save_checkpoint(tmp_path / "good", net, card_of(net, "good"))
    save_checkpoint(tmp_path / "tiny", net, card_of(net))
    return tmp_path


def change_card(folder: Path, change):
    values = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    change(values)
    (folder / "card.json").write_text(json.dumps(values), encoding="utf-8")


def test_what_is_saved_is_loaded(home, net):
    checkpoint = open_checkpoint("tiny")
    loaded = checkpoint.network()
    x = torch.randn(2, 3, 16, 16)
    assert torch.equal(loaded(x), net(x))
    assert not any(module.training for module in loaded.modules())
    assert {value.dtype for value in loaded.parameters()} == {torch.float32}
    content = (home / "tiny" / "model.safetensors").read_bytes()
    saved = replace(card_of(net), options=json.loads(json.dumps(nets.to_card(net))))  # tuples come back as lists
    assert checkpoint.card == replace(saved, weights_sha256=hashlib.sha256(content).hexdigest(), weights_bytes=len(content))
    assert (checkpoint.name, checkpoint.size_bytes) == ("tiny", len(content))
    assert checkpoint.is_se
    assert checkpoint.has_weights
    assert checkpoint.problem() is None


def test_the_same_weights_give_the_same_file(net):
    moved = lively().to(memory_format=torch.channels_last)
    assert weights_of(moved) == weights_of(net)


def test_a_card_says_what_it_has_to(home):
    values = json.loads((home / "tiny" / "card.json").read_text(encoding="utf-8"))
    assert values["options"]["shortcut"] == "B"
    assert values["metrics"]["accuracy"]["command"] == "python -m seviz evaluate"
    assert values["gate_life"]["sites_alive"] == 1
    assert values["gate_life"]["lost_by_shuffling"] == 0.25
    assert values["gate_life"]["command"] == "python -m seviz evaluate --gate-life"
    assert values["weights_sha256"] == hashlib.sha256((home / "tiny" / "model.safetensors").read_bytes()).hexdigest()


def test_by_name_or_by_path(home):
    assert open_checkpoint("tiny").folder == home / "tiny"
    assert open_checkpoint(home / "tiny").card == open_checkpoint(f"{home}/tiny").card
    plain = lively("resnet20")
    save_checkpoint(home / "plain", plain, card_of(plain))
    assert not open_checkpoint("plain").is_se


@pytest.mark.parametrize("name", ["none", "timm:seresnet50.a1_in1k", "a\0b", "x" * 5000])
def test_a_missing_checkpoint_is_one_sentence_that_names_the_others(home, name):
    with pytest.raises(CheckpointError, match=r"There is no checkpoint .*; there are: good, tiny"):
        open_checkpoint(name)


def truncate(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])


def flip_a_bit(folder):
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


def empty(folder):
    (folder / "model.safetensors").write_bytes(b"")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (truncate, r"model\.safetensors has [\d,]+ bytes and should have [\d,]+; fetch the whole folder again"),
        (flip_a_bit, r"model\.safetensors was altered: its sha256 is not the one in its card"),
        (empty, "has 0 bytes and should have"),
    ],
)
def test_altered_weights_are_refused_and_listed_with_the_problem(home, damage, sentence):
    find_checkpoints()  # what was seen before must not be believed
    damage(home / "tiny")
    os.utime(home / "tiny" / "model.safetensors", ns=(1, 1))
    with pytest.raises(CheckpointError, match=sentence):
        open_checkpoint("tiny").network()
    good, tiny = find_checkpoints()
    assert (good.name, good.problem) == ("good", None)
    assert tiny.card is not None
    assert tiny.problem is not None
    open_checkpoint("good").network()


def test_weights_of_another_network_are_refused_although_their_hash_fits(home, net):
    other = lively("resnet20")
    save_checkpoint(home / "tiny", other, card_of(net))
    with pytest.raises(CheckpointError, match="not of the network that its card describes"):
        open_checkpoint("tiny").network()


def test_weights_that_are_no_safetensors_are_refused_although_their_hash_fits(home):
    (home / "tiny" / "model.safetensors").write_bytes(b"{}")
    digest = hashlib.sha256(b"{}").hexdigest()
    change_card(home / "tiny", lambda values: values.update(weights_sha256=digest, weights_bytes=2))
    with pytest.raises(CheckpointError, match="not of the network"):
        open_checkpoint("tiny").network()


def test_a_run_without_weights_is_shown_and_not_loaded(home):
    (home / "tiny" / "model.safetensors").unlink()
    entry = find_checkpoints()[1]
    assert (entry.problem, entry.card is not None) == (None, True)
    checkpoint = open_checkpoint("tiny")
    assert (checkpoint.has_weights, checkpoint.size_bytes) == (False, 0)
    with pytest.raises(CheckpointError, match="has no weights: it is a run"):
        checkpoint.network()


CARDS = [
    (b"", "no JSON"),
    (b'{"format": 1', "no JSON"),
    (b"\xff\xfe", "no JSON"),
    (b"[" * 100_000, "no JSON"),
    (b"[1]", "not of format 1"),
    (b'{"format": 99}', "not of format 1"),
    (b'{"format": 1}', "lacks"),
]


@pytest.mark.parametrize(("content", "sentence"), CARDS)
def test_a_card_that_cannot_be_read_is_one_sentence_and_the_others_work(home, content, sentence):
    (home / "tiny" / "card.json").write_bytes(content)
    good, tiny = find_checkpoints()
    assert good.problem is None
    assert tiny.card is None
    assert sentence in tiny.problem
    assert tiny.problem.endswith("fetch the whole folder again.")
    with pytest.raises(CheckpointError, match=sentence):
        open_checkpoint("tiny")


CHANGES = [
    (lambda values: values.pop("classes"), "lacks 'classes'"),
    (lambda values: values.update(classes=[1, 2]), "wrong kind"),
    (lambda values: values.update(metrics=[]), "wrong kind"),
    (lambda values: values["preprocessing"].update(std=[0, 1, 1]), "wrong kind"),
    (lambda values: values["preprocessing"].update(interpolation="magic"), "wrong kind"),
    (lambda values: values["preprocessing"].update(zoom=2), "wrong kind"),
    (lambda values: values["data"].update(test=None), "wrong kind"),
    (lambda values: values["gate_life"].pop("live"), "lacks 'live'"),
    (lambda values: values.update(options={}), "its options lack blocks, widths, strides, stem, bottleneck, se, classes"),
    (lambda values: values.update(options=[]), "its options lack blocks"),
    (lambda values: values["options"].pop("se"), "its options lack se"),
    (lambda values: values["options"].update(classes=7), "its options say 7 classes, and 5 are named"),
    (lambda values: values["classes"].pop(), "its options say 5 classes, and 4 are named"),
]


@pytest.mark.parametrize(("change", "sentence"), CHANGES)
def test_a_card_with_a_wrong_value_is_one_sentence(home, change, sentence):
    change_card(home / "tiny", change)
    assert sentence in find_checkpoints()[1].problem


WRONG = [{"widths": 3}, {"unknown": 1}, {"shortcut": "C"}, {"se": {"placement": "above"}}, {"strides": [0, 1, 1]}]


@pytest.mark.parametrize("options", WRONG)
def test_options_that_describe_no_network_are_refused(home, options):
    change_card(home / "tiny", lambda values: values["options"].update(options))
    with pytest.raises(CheckpointError, match="not of the network that its card describes"):
        open_checkpoint("tiny").network()


def test_a_network_with_more_outputs_than_names_is_refused(home, net):
    checkpoint = open_checkpoint("tiny")
    assert checkpoint.network()
    with pytest.raises(CheckpointError, match="not of the network that its card describes"):
        replace(checkpoint, card=replace(checkpoint.card, classes=("ant", "bee"))).network()


def test_folders_that_are_no_checkpoints_say_so(home):
    (home / "empty").mkdir()
    (home / "running").mkdir()
    (home / "running" / "resume.safetensors").write_bytes(b"state")
    (home / ".hidden").mkdir()
    (home / "README.md").write_text("hello", encoding="utf-8")
    problems = {entry.name: entry.problem for entry in find_checkpoints()}
    assert set(problems) == {"empty", "good", "running", "tiny"}
    assert "has no card.json, so it is no checkpoint" in problems["empty"]
    assert "not finished; continue it with --resume" in problems["running"]


def test_without_a_folder_there_are_none(tmp_path, monkeypatch):
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(tmp_path / "nowhere"))
    assert find_checkpoints() == ()
    with pytest.raises(CheckpointError, match="there are: none yet"):
        open_checkpoint("tiny")


def test_history_and_evaluation_stand_beside_the_weights(home):
    checkpoint = open_checkpoint("tiny")
    assert checkpoint.history() == ()
    assert checkpoint.evaluation() is None
    rows = (Epoch(1, 2.0, 0.25, 1.75, 0.5, 0.125, 3.5), Epoch(2, 1.5, 0.5, 1.25, 0.75, 0.0625, 3.25))
    write_history(home / "tiny", rows)
    assert checkpoint.history() == rows
    found = evaluation_of(checkpoint, checkpoint.card.weights_sha256)
    assert (found.key, found.ids, found.labels.tolist()) == (KEY, ("a/0", "b/0", "c/0"), [0, 1, 2])
    with pytest.raises(CheckpointError, match="of other weights than its card") as refused:
        evaluation_of(checkpoint, "0" * 64)
    folder = checkpoint.folder
    advice = f"`python -m seviz evaluate --model {folder} --data D --out {folder / 'evaluation.npz'}`"
    assert f"write it again with {advice}." in str(refused.value)


def evaluation_of(checkpoint: Checkpoint, sha256: str) -> Evaluation | None:
    labels = np.arange(3, dtype=np.int16)
    logits = np.eye(3, 5, dtype=np.float32)
    save(checkpoint.folder / "evaluation.npz", Evaluation(logits, labels, ("a/0", "b/0", "c/0"), KEY, sha256))
    return checkpoint.evaluation()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "epoch,loss\n1,2\n",
        "epoch,train_loss,train_accuracy,test_loss,test_accuracy,learning_rate,seconds\n1,2,3\n",
        "epoch,train_loss,train_accuracy,test_loss,test_accuracy,learning_rate,seconds\n1,nan,0,0,0,0,0\n",
        "epoch,train_loss,train_accuracy,test_loss,test_accuracy,learning_rate,seconds\none,0,0,0,0,0,0\n",
        "\0",
    ],
)
def test_a_damaged_history_is_one_sentence(home, text):
    (home / "tiny" / "history.csv").write_text(text, encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"history\.csv is damaged"):
        open_checkpoint("tiny").history()


@pytest.mark.parametrize(
    "change",
    [
        {"seed": float("inf")},
        {"seconds": float("nan")},
        {"preprocessing": {"height": 10**6}},
        {"preprocessing": {"width": 1.5}},
        {"options": {"blocks": [10**6] * 3}},
        {"options": {"blocks": []}},
        {"metrics": {"accuracy": {"interval": []}}},
    ],
)
def test_a_card_of_impossible_numbers_is_one_sentence(home, change):
    path = home / "tiny" / "card.json"
    card = json.loads(path.read_text())

    def put(target, values):
        for name, value in values.items():
            if isinstance(value, dict):
                put(target[name], value)
            else:
                target[name] = value

    put(card, change)
    path.write_text(json.dumps(card))
    with pytest.raises(CheckpointError, match=r"card\.json (is damaged|cannot be used)"):
        open_checkpoint("tiny")


@pytest.mark.parametrize("name", ["card.json", "model.safetensors"])
def test_a_pipe_in_the_place_of_a_file_is_refused_at_once(home, name):
    path = home / "tiny" / name
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(CheckpointError, match="is not a file"):
        open_checkpoint("tiny").network()
