"""`seviz prune`: what it measures, the network that it saves, which is used like any other, and bad input."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from networks import PREPROCESSING, lively
from PIL import Image
from sets import CLASSES, write_folder
from test_checkpoints import card_of

import seviz
from seviz import cli
from seviz.card import Card
from seviz.checkpoints import open_checkpoint, save_checkpoint
from seviz.errors import CheckpointError

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A folder of pictures, and checkpoints of an SE network whose gates were measured there, and of a plain one."""
    root = tmp_path_factory.mktemp("prune")
    write_folder(root / "toy", train=3, test=12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEVIZ_CHECKPOINTS", str(root / "checkpoints"))
        for name, arch in (("se", "se_resnet20"), ("plain", "resnet20")):
            net = lively(arch, classes=3)
            card = replace(card_of(net, name), classes=CLASSES, preprocessing=PREPROCESSING, gate_life=None)
            save_checkpoint(root / "checkpoints" / name, net, card)
        assert cli.main(["excite", "--model", "se", "--data", f"folder:{root / 'toy'}"]) == 0
    return root


@pytest.fixture
def home(measured, tmp_path, monkeypatch):
    """A copy that a test may change; the pictures are where they were."""
    shutil.copytree(measured / "checkpoints", tmp_path / "checkpoints")
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return tmp_path / "checkpoints"


@pytest.fixture
def data(measured):
    return f"folder:{measured / 'toy'}"


def answer(capsys, *arguments):
    """The JSON object of a command."""
    assert cli.main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def refusal(capsys, *arguments):
    """The sentence of a command that cannot be done."""
    try:
        status = cli.main(list(arguments))
    except SystemExit as stop:
        status = stop.code
    assert status == 2
    return capsys.readouterr().err.strip().splitlines()[-1]


def test_shares_are_measured_and_stored_beside_the_network(home, data, capsys):
    found = answer(capsys, "prune", "--model", "se", "--data", data, "--shares", "0,0.5,0.25", "--seeds", "2")
    assert (found["criteria"], found["shares"]) == (["gate", "magnitude", "random"], [0.25, 0.5])
    assert found["command"] == "python -m seviz prune --model se --data folder:toy --shares 0,0.5,0.25 --seeds 2"
    assert found["gates"] == "folder:toy, test"
    stored = open_checkpoint("se").pruning()
    assert json.loads(json.dumps(stored.to_json())) == {name: found[name] for name in found if name not in ("model", "file")}
    assert cli.main(["prune", "--model", "plain", "--data", data, "--shares", "0.5", "--seeds", "2"]) == 0
    printed = capsys.readouterr().out
    assert "mean gates" not in printed
    assert printed.splitlines()[-1] == f"wrote {home / 'plain' / 'pruning.json'}"


def test_a_pruning_of_other_weights_is_refused(home, data, capsys):
    assert open_checkpoint("plain").pruning() is None
    assert cli.main(["prune", "--model", "plain", "--data", data, "--shares", "0.5", "--seeds", "2"]) == 0
    shutil.copy(home / "plain" / "pruning.json", home / "se" / "pruning.json")
    with pytest.raises(CheckpointError, match=r"is of other weights than its card; write it again with `python -m seviz prune"):
        open_checkpoint("se").pruning()


def test_a_pruned_network_is_saved_with_a_card_that_says_how_it_was_made(home, data, capsys):
    values = answer(capsys, *saving(home, data, "small"))
    small, whole = open_checkpoint("small"), open_checkpoint("se")
    cutting = small.card.pruned
    assert (cutting.source, cutting.sha256) == ("se", whole.card.weights_sha256)
    assert (cutting.criterion, cutting.share, cutting.gates, cutting.fine_tuned) == ("gate", 0.25, "folder:toy, test", False)
    assert (cutting.dropped, cutting.channels) == (3 * (4 + 8 + 16), 336)
    assert (
        cutting.command == "python -m seviz prune --model se --data folder:toy --by gate --share 0.25 --out checkpoints/small"
    )
    assert "not fine-tuned" in small.card.description
    assert small.card.limits[0].startswith("It was not trained again")
    assert small.card.parameters < sum(value.numel() for value in whole.network().parameters())
    assert small.card.parameters == sum(value.numel() for value in small.network().parameters())
    assert values["pruned"]["sha256"] == whole.card.weights_sha256
    accuracy = small.card.metrics["accuracy"]
    assert accuracy.command == "python -m seviz evaluate --model small --data folder:toy"
    assert (accuracy.n, accuracy.data) == (12, "folder:toy")
    kept = small.evaluation()
    assert (kept.logits.argmax(1) == kept.labels).mean() == accuracy.value
    assert answer(capsys, "evaluate", "--model", "small", "--data", data)["accuracy"] == accuracy.value
    assert Card.from_json(json.loads(json.dumps(small.card.to_json()))) == small.card
    assert "pruned" not in whole.card.to_json()


def saving(home, data, name, *, by="gate", share="0.25", model="se"):
    return ["prune", "--model", model, "--data", data, "--by", by, "--share", share, "--out", str(home / name)]


def test_a_pruned_network_is_used_like_any_other(home, data, capsys, tmp_path):
    assert cli.main(saving(home, data, "small")) == 0
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8))
    picture.save(tmp_path / "photo.png")
    shown = seviz.load("small").inspect(str(tmp_path / "photo.png"))
    assert {path: gates.shape for path, gates in shown.gates.items()}["layer3.2.se"] == (48,)
    assert all(np.isfinite(one.values).all() for one in shown.maps)
    assert seviz.load("small").inspect(str(tmp_path / "photo.png"), edits="s3~1").logits.tolist() != shown.logits.tolist()
    assert cli.main(["inspect", str(tmp_path / "photo.png"), "--model", "small"]) == 0
    assert cli.main(["excite", "--model", "small", "--data", data]) == 0
    assert open_checkpoint("small").excitation().moments("layer1.0.se").mean.shape == (3, 12)
    assert cli.main(["ablate", "--model", "small", "--data", data]) == 0
    assert open_checkpoint("small").ablation().live.n == 12
    assert cli.main(["compare", "small", "se", "--data", data]) in (0, 2)  # 2: the toy's whole network has no evaluation
    assert cli.main(saving(home, data, "smaller", model="small")) == 0  # pruned again: of what was left
    again = open_checkpoint("smaller")
    assert (again.card.pruned.source, again.card.pruned.sha256) == ("small", open_checkpoint("small").card.weights_sha256)
    assert again.network().layer1[0].kept.tolist() == [
        place for place in again.network().options.kept[0] if place in open_checkpoint("small").network().options.kept[0]
    ]
    capsys.readouterr()


def test_random_choices_name_their_seed(home, data, capsys):
    values = answer(capsys, *saving(home, data, "chance", by="random"), "--seed", "3")
    assert (values["pruned"]["seed"], values["pruned"]["gates"]) == (3, "")
    assert "--by random --share 0.25 --seed 3" in values["pruned"]["command"]
    assert "chosen by chance, seed 3" in values["description"]


def test_a_card_whose_channels_were_changed_by_hand_is_refused(home, data, capsys):
    assert cli.main(saving(home, data, "small")) == 0
    path = home / "small" / "card.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    del values["card_sha256"]
    gone = next(one for one in range(16) if one not in values["options"]["kept"][0])
    values["options"]["kept"][0] = sorted([*values["options"]["kept"][0][1:], gone])
    path.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(CheckpointError, match="are not of the network that its card describes"):
        open_checkpoint("small").network()


@pytest.mark.parametrize("kept", [[[0, 99], *[None] * 8], [[]], 3, "all", [[1, 0], *[None] * 8], [["a"], *[None] * 8]])
def test_a_card_of_channels_that_are_not_there_is_one_sentence(home, data, kept):
    path = home / "se" / "card.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    del values["card_sha256"]
    values["options"]["kept"] = kept
    path.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(CheckpointError):
        open_checkpoint("se").network()


@pytest.mark.parametrize("change", [{"share": "a"}, {"dropped": -1}, {"fine_tuned": 1}, {"sha256": None}, {"share": 2}])
def test_a_card_with_a_damaged_history_of_pruning_is_one_sentence(home, data, change, capsys):
    assert cli.main(saving(home, data, "small")) == 0
    path = home / "small" / "card.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    del values["card_sha256"]
    values["pruned"].update(change)
    path.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(CheckpointError, match="the card holds a value of the wrong kind"):
        open_checkpoint("small")


def test_bad_input_is_one_sentence(home, data, capsys):
    prune = ["prune", "--model", "se", "--data", data]
    (home / "full").mkdir()
    (home / "full" / "notes").write_text("mine", encoding="utf-8")
    cases = [
        (
            [*prune, "--by", "size", "--share", "0.3", "--out", str(home / "x")],
            "Channels are chosen by gate, magnitude, random",
        ),
        ([*prune, "--by", "gate", "--share", "1", "--out", str(home / "x")], "a share of 1 cannot be dropped"),
        ([*prune, "--by", "gate", "--share", "nan", "--out", str(home / "x")], "a share of nan cannot be dropped"),
        ([*prune, "--shares", "0.1,much"], "'much' is no share; it is a number from 0 to below 1"),
        ([*prune, "--shares", "0"], "Nothing is dropped at share 0"),
        ([*prune, "--seeds", "1"], "invalid number from 2 to 1000"),
        ([*prune, "--by", "gate"], "is saved with --by, --share and --out together"),
        (saving(home, data, "x", model="plain"), "This network has no SE blocks on its branches"),
        (saving(home, data, "full"), "is there already; choose another folder"),
        (saving(home, data, "se"), "is there already; choose another folder"),
        (saving(home, "folder:/nowhere", "x"), "nowhere"),
    ]
    for arguments, wanted in cases:
        assert wanted in refusal(capsys, *arguments)
    (home / "se" / "excitation.npz").unlink()
    for arguments in (prune, saving(home, data, "x")):
        assert "there is no excitation.npz; run `seviz excite`" in refusal(capsys, *arguments)
    assert not (home / "x").exists()
    assert not (home / "se" / "pruning.json").exists()
    assert torch.is_grad_enabled()
