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
from seviz.card import Card, DataUse, Metric
from seviz.checkpoints import Checkpoint, find_checkpoints, open_checkpoint, save_checkpoint, weights_of, write_card
from seviz.data import DataKey, samples_sha256
from seviz.errors import CheckpointError
from seviz.evaluation import Evaluation, save
from seviz.gate_life import GateLife
from seviz.history import Epoch, write_history
from seviz.images import Preprocessing

ROOT = Path(__file__).parents[1]
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


def change_card(folder: Path, change, *, sealed: bool = False):
    """Edit a card by hand; unless it stays `sealed`, its card_sha256 is taken out, as the sentence advises."""
    values = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    change(values)
    if not sealed:
        del values["card_sha256"]
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


def test_intervals_of_gate_life_are_kept_and_a_card_without_them_stays_as_it_was(home, net):
    old = open_checkpoint("tiny").card
    assert (old.gate_life.shuffling_interval, old.gate_life.static_interval) == (None, None)
    raw = json.loads((home / "tiny" / "card.json").read_text(encoding="utf-8"))
    assert not [name for name in raw["gate_life"] if name.endswith("_interval")]
    assert json.loads(json.dumps(old.to_json())) == raw  # seal and all
    life = replace(old.gate_life, shuffling_interval=(0.125, 0.375), static_interval=(-0.25, 0.5))
    write_card(home / "tiny", replace(old, gate_life=life))
    assert open_checkpoint("tiny").card.gate_life == life


@pytest.mark.parametrize("ends", [[0.1], [0.1, 2], [0.1, "much"], 0.1, [0.1, 0.2, 0.3]])
def test_an_interval_that_is_none_is_one_sentence(home, ends):
    change_card(home / "tiny", lambda values: values["gate_life"].update(static_interval=ends))
    assert "wrong kind" in find_checkpoints()[1].problem


def test_by_name_or_by_path(home):
    assert open_checkpoint("tiny").folder == home / "tiny"
    assert open_checkpoint(home / "tiny").card == open_checkpoint(f"{home}/tiny").card
    plain = lively("resnet20")
    save_checkpoint(home / "plain", plain, card_of(plain))
    assert not open_checkpoint("plain").is_se


@pytest.mark.parametrize("name", ["none", "a\0b", "x" * 5000])
def test_a_missing_checkpoint_is_one_sentence_that_names_the_others(home, name):
    with pytest.raises(CheckpointError, match=r"There is no checkpoint .*; there are: good, tiny"):
        open_checkpoint(name)


def test_a_network_of_a_library_that_is_not_here_is_one_sentence_with_the_command_that_fetches_it(home, monkeypatch):
    monkeypatch.setenv("SEVIZ_HOME", str(home.parent / "cache"))
    with pytest.raises(CheckpointError, match=r"is not on this computer; fetch it with `python -m seviz fetch timm:seresnet50"):
        open_checkpoint("timm:seresnet50.a1_in1k")


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
    with pytest.raises(CheckpointError, match=r"not of the network that its card describes|card\.json cannot be used"):
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
        "epoch,train_loss,train_accuracy,test_loss,test_accuracy,learning_rate,seconds\n1,0,1.5,0,0,0,0\n",
        "epoch,train_loss,train_accuracy,test_loss,test_accuracy,learning_rate,seconds\n1,1e300,0,0,0,0,0\n",
        "epoch,train_loss,train_accuracy,test_loss,test_accuracy,learning_rate,seconds\n1,-1,0,0,0,0,0\n",
        "epoch,train_loss,train_accuracy,test_loss,test_accuracy,learning_rate,seconds\n3,0,0,0,0,0,0\n",
        "epoch,train_loss,train_accuracy,test_loss,test_accuracy,learning_rate,seconds\n" + "9" * 5000 + ",0,0,0,0,0,0\n",
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
        {"metrics": {"accuracy": {"value": 7}}},
        {"preprocessing": {"mean": [0.5, 1e308, 0.5]}},
        {"preprocessing": {"std": [0.5, 1e-300, 0.5]}},
        {"preprocessing": {"crop": 1e-300}},
        {"multiply_adds": 10**400},
        {"parameters": 1.5},
        {"gate_life": {"live": -1}},
        {"options": {"widths": [10**9, 1, 1]}},
        {"options": {"strides": [1, 0, 1]}},
        {"options": {"strides": [1, "2", 1]}},
        {"options": {"stem": 3}},
        {"options": {"se": {"stages": 5}}},
        {"commands": {"train": 5}},
        {"data": {"name": 5}},
        {"data": {"test": {"count": -1}}},
        {"name": "\udcff"},
        {"classes": ["ant", "ant", "cat", "dog", "elk"]},
    ],
)
def test_a_card_of_impossible_numbers_is_one_sentence(home, change):
    path = home / "tiny" / "card.json"
    card = json.loads(path.read_text())
    del card["card_sha256"]

    def put(target, values):
        for name, value in values.items():
            if isinstance(value, dict):
                put(target[name], value)
            else:
                target[name] = value

    put(card, change)
    path.write_text(json.dumps(card))
    with pytest.raises(CheckpointError, match=r"card\.json (is damaged|cannot be used)") as refused:
        open_checkpoint("tiny")
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 400, "9" * 5000, "1e16"])
def test_a_number_that_no_float_holds_is_one_sentence(home, number):
    path = home / "tiny" / "card.json"
    change_card(home / "tiny", lambda values: values["recipe"].update(batch=123454321))
    path.write_text(path.read_text(encoding="utf-8").replace("123454321", number), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"card\.json (is damaged|cannot be used)"):
        open_checkpoint("tiny")


# the seal of a card

EDITS = [
    lambda values: values["options"].update(strides=[1, 1, 1]),
    lambda values: values["classes"].reverse(),
    lambda values: values["preprocessing"].update(crop=1.0),
    lambda values: values["preprocessing"].update(mean=[0.5, 0.4, 0.31]),
    lambda values: values["metrics"]["accuracy"].update(value=0.9),
    lambda values: values.update(more="than there was"),
    lambda values: values.update(card_sha256="0" * 64),
    lambda values: values.update(card_sha256=None),
]


@pytest.mark.parametrize("edit", EDITS)
def test_a_card_that_was_edited_is_refused(home, edit):
    change_card(home / "tiny", edit, sealed=True)
    good, tiny = find_checkpoints()
    assert good.problem is None
    assert "the card was altered, it says something else than its card_sha256" in tiny.problem
    assert "take that line out if the change is your own" in tiny.problem
    with pytest.raises(CheckpointError, match="the card was altered"):
        open_checkpoint("tiny")


def test_a_card_written_in_another_way_is_the_same_card(home):
    before = open_checkpoint("tiny").card
    change_card(home / "tiny", lambda values: None, sealed=True)  # no indents
    assert open_checkpoint("tiny").card == before
    assert before.sealed


def test_the_seal_is_the_sha256_of_the_rest_as_sorted_json(home):
    values = json.loads((home / "tiny" / "card.json").read_text(encoding="utf-8"))
    seal = values.pop("card_sha256")
    assert seal == hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    assert open_checkpoint("tiny").card.sha256 == seal


def test_a_card_without_its_seal_is_read_and_known_for_it(home):
    change_card(home / "tiny", lambda values: values["preprocessing"].update(crop=1.0))
    card = open_checkpoint("tiny").card
    assert (card.sealed, card.preprocessing.crop) == (False, 1.0)
    assert "card_sha256" not in card.to_json()
    write_card(home / "tiny", card)
    assert open_checkpoint("tiny").card.sealed
    assert open_checkpoint("tiny").card == card


@pytest.mark.parametrize("name", ["resnet20", "se_resnet20"])
def test_the_bundled_cards_are_sealed(name):
    assert open_checkpoint(ROOT / "checkpoints" / name).card.sealed


# what is compared before anything is built or read


def test_a_network_far_larger_than_its_weights_is_never_built(home, monkeypatch):
    change_card(home / "tiny", lambda values: values["options"].update(blocks=[90] * 3, widths=[8192] * 3))
    monkeypatch.setattr(torch.Tensor, "normal_", lambda *_: pytest.fail("was built"))  # what He initialisation calls
    with pytest.raises(CheckpointError, match="not of the network that its card describes"):
        open_checkpoint("tiny").network()


def test_weights_of_another_size_than_the_card_says_are_not_read(home):
    with (home / "tiny" / "model.safetensors").open("r+b") as file:
        file.truncate(2**40)  # holes: it takes no room, and reading it would take all memory
    assert "has 1,099,511,627,776 bytes and should have" in find_checkpoints()[1].problem
    with pytest.raises(CheckpointError, match="has 1,099,511,627,776 bytes and should have"):
        open_checkpoint("tiny").network()


def test_the_body_of_other_weights_is_not_read(home):
    from safetensors.torch import load_file, save

    path = home / "tiny" / "model.safetensors"
    tensors = load_file(path)
    tensors["fc.bias"] = torch.zeros(6)
    path.write_bytes(save(tensors))
    size = path.stat().st_size
    checkpoint = open_checkpoint("tiny")
    with pytest.raises(CheckpointError, match="not of the network"):  # of their sha256 nothing is said: it was not computed
        replace(checkpoint, card=replace(checkpoint.card, weights_bytes=size)).network()


@pytest.mark.parametrize("head", [b"", b"\xff" * 8, *(b"\2" + b"\0" * 7 + text for text in (b"{]", b"[]", b'{"a":1}'))])
def test_a_file_that_is_no_safetensors_is_one_sentence_although_its_hash_fits(home, head):
    (home / "tiny" / "model.safetensors").write_bytes(head)
    sha256 = hashlib.sha256(head).hexdigest()
    change_card(home / "tiny", lambda values: values.update(weights_bytes=len(head), weights_sha256=sha256))
    with pytest.raises(CheckpointError, match="not of the network that its card describes"):
        open_checkpoint("tiny").network()


def test_weights_that_are_no_numbers_are_refused(home, net):
    next(net.parameters()).data[0] = float("nan")
    save_checkpoint(home / "tiny", net, card_of(net))
    with pytest.raises(CheckpointError, match="hold NaN or infinite values"):
        open_checkpoint("tiny").network()


# names and places


def test_the_home_of_somebody_who_has_none_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", "~no_such_user/checkpoints")
    assert find_checkpoints() == ()
    for name in ("tiny", "~no_such_user/tiny", Path("~no_such_user/tiny")):
        with pytest.raises(CheckpointError, match="There is no checkpoint"):
            open_checkpoint(name)


@pytest.mark.parametrize("name", [None, 3, b"tiny", ["tiny"]])
def test_what_is_no_name_is_one_sentence(home, name):
    with pytest.raises(CheckpointError, match="by its name or its path, not by a"):
        open_checkpoint(name)


def test_an_empty_name_is_not_the_working_folder(home, monkeypatch):
    monkeypatch.chdir(home / "tiny")
    with pytest.raises(CheckpointError, match="There is no checkpoint ''"):
        open_checkpoint("")
    assert open_checkpoint(".").name == "tiny"


def test_a_folder_whose_name_is_no_utf8_is_told_and_the_others_work(home):
    (home / "tiny").rename(home / os.fsdecode(b"t\xffny\n"))
    good, tiny = find_checkpoints()
    assert good.problem is None
    assert (tiny.name, tiny.card) == (r"t\udcffny\n", None)
    assert tiny.problem == "The name of its folder is no UTF-8; rename it."


@pytest.mark.parametrize("name", ["card.json", "model.safetensors", "history.csv", "evaluation.npz"])
def test_a_folder_in_the_place_of_a_file_is_one_sentence(home, name):
    (home / "tiny" / name).unlink(missing_ok=True)
    (home / "tiny" / name).mkdir()
    with pytest.raises(CheckpointError, match=rf"{name} (cannot be read \(Is a directory\)|is damaged)") as refused:
        read_all(home / "tiny")
    assert name not in ("card.json", "model.safetensors") or find_checkpoints()[1].problem == str(refused.value)


@pytest.mark.parametrize("name", ["history.csv", "evaluation.npz"])
@pytest.mark.parametrize("kind", ["pipe", "a terabyte"])
def test_what_stands_beside_the_weights_is_not_waited_for_and_not_read_without_end(home, name, kind):
    path = home / "tiny" / name
    if kind == "pipe":
        os.mkfifo(path)
    else:
        with path.open("wb") as file:
            file.truncate(2**40)
    with pytest.raises(CheckpointError, match=rf"{name} (is damaged|cannot be read)"):
        read_all(home / "tiny")


def read_all(folder: Path):
    checkpoint = open_checkpoint(folder)
    return checkpoint.history(), checkpoint.evaluation(), checkpoint.network()


@pytest.mark.parametrize("name", ["card.json", "model.safetensors"])
def test_a_pipe_in_the_place_of_a_file_is_refused_at_once(home, name):
    path = home / "tiny" / name
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(CheckpointError, match=rf"{name} cannot be read \(not a regular file\)"):
        open_checkpoint("tiny").network()
