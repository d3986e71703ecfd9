"""The command line: results on standard output, one sentence for what went wrong, exit statuses."""

from __future__ import annotations

import io
import json
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from sets import write_folder

from seviz import cli
from seviz.checkpoints import open_checkpoint, save_checkpoint, write_card
from seviz.cli import recipe_options
from seviz.cli import train as train_command
from seviz.cli.common import reading
from seviz.training import Recipe, finish, loop

pytestmark = pytest.mark.usefixtures("one_thread")

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("data") / "toy")


@pytest.fixture(scope="module")
def trained(toy, tmp_path_factory):
    """A home of checkpoints with an SE network, trained for two epochs by the command line."""
    home = tmp_path_factory.mktemp("checkpoints")
    status = cli.main([*fresh(toy, home / "se_toy"), "--se-lr", "3", "--data-note", "drawn by a test"])
    assert status == 0
    return home


@pytest.fixture
def home(trained, tmp_path, monkeypatch):
    """A copy of `trained` that a test may damage, as SEVIZ_CHECKPOINTS."""
    shutil.copytree(trained, tmp_path / "checkpoints")
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return tmp_path / "checkpoints"


def fresh(toy, out, arch="se_resnet20"):
    recipe = ["--epochs", "2", "--batch", "16", "--precision", "fp32", "--ema", "0.7"]
    return ["train", "--arch", arch, "--data", f"folder:{toy}", "--out", str(out), "--threads", "1", *recipe]


def said(capsys, arguments):
    """(exit status, standard output, standard error) of a command."""
    status = cli.main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return status, out, err


def refused(capsys, arguments):
    """The sentence of a command that must fail with status 2 and say nothing else."""
    status, out, err = said(capsys, arguments)
    assert (status, out) == (2, "")
    assert err.startswith("seviz: ")
    assert err.count("\n") == 1
    return err.strip()


# training


def test_a_training_leaves_a_whole_checkpoint(home, toy):
    folder = home / "se_toy"
    assert {path.name for path in folder.iterdir()} == {
        "card.json", "model.safetensors", "history.csv", "evaluation.npz", "epochs.npz"
    }  # fmt: skip
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    assert (card["name"], card["arch"], card["epochs"], card["seed"]) == ("se_toy", "se_resnet20", 2, 0)
    assert "shortcuts of option B" in card["description"]
    assert card["options"]["se"]["reduction"] == 4
    assert card["data"]["name"] == "folder:toy"
    assert card["data"]["note"] == "drawn by a test"
    assert (card["data"]["train"]["count"], card["data"]["test"]["count"]) == (48, 18)
    assert card["recipe"]["se_lr"] == 3.0
    assert card["hardware"]["threads"] == 1
    assert card["versions"]["torch"] == torch.__version__.split("+")[0]
    assert set(card["gate_life"]["deviations"]) == {f"layer{stage}.{block}.se" for stage in (1, 2, 3) for block in (0, 1, 2)}
    assert str(toy) not in json.dumps(card)  # a path of one machine has no place in a card
    assert "train --arch se_resnet20 --reduction 4 --data folder:toy --out runs/se_toy" in card["commands"]["train"]


def test_the_command_on_the_card_is_understood(home):
    card = json.loads((home / "se_toy" / "card.json").read_text(encoding="utf-8"))
    options = cli.parser().parse_args(shlex.split(card["commands"]["train"])[3:])
    recipe = {name: getattr(options, name) for name in card["recipe"]}
    assert recipe == card["recipe"]
    assert (options.data_note, options.licence, options.reduction) == ("drawn by a test", None, 4)
    for command in card["commands"].values():
        cli.parser().parse_args(shlex.split(command)[3:])


def test_a_training_is_not_started_over_another(home, toy, capsys):
    assert "holds a finished checkpoint; choose another --out" in refused(capsys, fresh(toy, home / "se_toy"))
    (home / "se_toy" / "resume.safetensors").write_bytes(b"state")
    sentence = refused(capsys, fresh(toy, home / "se_toy"))
    assert "holds a training that is not finished; continue with --resume or choose another --out" in sentence


def test_resuming_what_is_finished_says_so_and_changes_nothing(home, capsys):
    before = {path.name: path.stat().st_mtime_ns for path in (home / "se_toy").iterdir()}
    status, out, _ = said(capsys, ["train", "--out", home / "se_toy", "--resume"])
    assert status == 0
    assert "is finished already" in out
    assert {path.name: path.stat().st_mtime_ns for path in (home / "se_toy").iterdir()} == before


def test_resuming_nothing_is_one_sentence(tmp_path, capsys):
    sentence = refused(capsys, ["train", "--out", tmp_path / "new", "--resume"])
    assert "holds no training to resume; start it without --resume" in sentence


def test_ctrl_c_says_how_to_go_on_and_going_on_gives_the_same_bits(home, toy, tmp_path, monkeypatch, capsys):
    step = loop.Trainer._step

    def interrupted(self, *arguments):
        if self.epochs_done == 1:
            raise KeyboardInterrupt
        return step(self, *arguments)

    out = tmp_path / "stopped"
    monkeypatch.setattr(loop.Trainer, "_step", interrupted)
    status, _, err = said(capsys, [*fresh(toy, out), "--se-lr", "3", "--data-note", "drawn by a test"])
    assert status == 130
    assert err.splitlines()[-1] == f"seviz: stopped after epoch 1; continue with `python -m seviz train --out {out} --resume`."
    monkeypatch.undo()
    sentence = refused(capsys, ["train", "--out", out, "--resume", "--batch", "8", "--seed", "5"])
    assert "other settings (batch, seed)" in sentence
    sentence = refused(capsys, ["train", "--out", out, "--resume", "--reduction", "8"])
    assert "other settings (reduction)" in sentence
    status, text, err = said(capsys, ["train", "--out", out, "--resume", "--threads", "1"])
    assert (status, text.startswith("stopped: accuracy ")) == (0, True)
    assert "epoch 2/2: loss " in err
    assert "epoch 1/2" not in err
    ours, theirs = (load_file(folder / "model.safetensors") for folder in (out, home / "se_toy"))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert json.loads((out / "card.json").read_text(encoding="utf-8"))["data"]["note"] == "drawn by a test"


def test_ctrl_c_in_the_first_epoch_says_that_nothing_is_there(toy, tmp_path, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(loop.Trainer, "_step", interrupted)
    status, _, err = said(capsys, fresh(toy, tmp_path / "new"))
    assert (status, err.strip()) == (130, "seviz: stopped before the first epoch was done; start again.")


@pytest.mark.parametrize("moment", ["gate_life", "save", "save_checkpoint"])
def test_a_stop_between_the_last_epoch_and_the_card_loses_nothing(home, toy, tmp_path, monkeypatch, moment):
    def pulled(*_, **__):
        raise ValueError("the plug")

    out = tmp_path / "se_toy"
    arguments = [*fresh(toy, out), "--se-lr", "3", "--data-note", "drawn by a test"]
    monkeypatch.setattr(finish, moment, pulled)
    with pytest.raises(ValueError, match="the plug"):
        cli.main(arguments)
    monkeypatch.undo()
    assert not (out / "card.json").exists()
    assert cli.main(["train", "--out", str(out), "--resume", "--threads", "1"]) == 0
    for name in ("model.safetensors", "evaluation.npz"):
        assert (out / name).read_bytes() == (home / "se_toy" / name).read_bytes()
    ours, theirs = (json.loads((folder / "card.json").read_text(encoding="utf-8")) for folder in (out, home / "se_toy"))
    assert {**ours, "seconds": 0, "card_sha256": ""} == {**theirs, "seconds": 0, "card_sha256": ""}
    assert not (out / "resume.safetensors").exists()


def test_a_stop_after_the_card_is_finished_by_resume(home, toy, tmp_path, monkeypatch):
    out = tmp_path / "se_toy"
    unlink = Path.unlink

    def pulled(self, missing_ok=False):
        if self.name == "resume.safetensors":
            raise ValueError("the plug")
        unlink(self, missing_ok)

    monkeypatch.setattr(Path, "unlink", pulled)
    with pytest.raises(ValueError, match="the plug"):
        cli.main([*fresh(toy, out), "--se-lr", "3"])
    monkeypatch.undo()
    assert (out / "card.json").exists()
    assert cli.main(["train", "--out", str(out), "--resume", "--threads", "1"]) == 0
    assert not (out / "resume.safetensors").exists()
    assert (out / "model.safetensors").read_bytes() == (home / "se_toy" / "model.safetensors").read_bytes()


def test_a_full_disk_is_one_sentence(toy, tmp_path, monkeypatch, capsys):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    status, _, err = said(capsys, fresh(toy, tmp_path / "new"))
    assert status == 2
    assert "(No space left on device); free some space or choose another --out" in err
    assert list((tmp_path / "new").iterdir()) == []


def test_data_that_cannot_be_read_is_not_said_to_be_unwritten(toy, tmp_path, monkeypatch, capsys):
    def forbidden(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", forbidden)
    assert refused(capsys, fresh(toy, tmp_path / "new")) == f"seviz: {toy / 'train'} cannot be used (Permission denied)."


def test_no_memory_is_one_sentence(toy, tmp_path, monkeypatch, capsys):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    monkeypatch.setattr(loop.Trainer, "_step", full)
    assert "start again with a smaller --batch" in refused(capsys, fresh(toy, tmp_path / "new"))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (["--arch", "vgg16"], "There is no architecture 'vgg16'; use resnetD or se_resnetD"),
        (["--data", "folder:/nowhere"], "There is no folder /nowhere"),
        (["--lr", "-1"], "a learning rate above 0"),
        (["--device", "cuda"], "There is no device 'cuda' on this machine; it has cpu"),
    ],
)
def test_trainings_that_cannot_start_are_one_sentence(toy, tmp_path, capsys, changes, sentence):
    if changes[0] == "--device" and torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    assert sentence in refused(capsys, [*fresh(toy, tmp_path / "new"), *changes])
    assert not (tmp_path / "new").exists()


def test_a_training_needs_a_network_data_and_a_test_split(toy, tmp_path, capsys):
    assert "needs --arch" in refused(capsys, ["train", "--out", tmp_path / "new"])
    assert "needs --data" in refused(capsys, ["train", "--arch", "resnet20", "--out", tmp_path / "new"])
    sentence = refused(capsys, fresh(toy / "train", tmp_path / "new"))
    assert "has no test split" in sentence


def test_pictures_are_fitted_to_a_size(toy, tmp_path, capsys):
    options = ["--size", "12", "--epochs", "1", "--no-flip", "--licence", "CC0; see 'legal'"]
    status, _, _ = said(capsys, [*fresh(toy, tmp_path / "plain", "resnet20"), *options])
    card = json.loads((tmp_path / "plain" / "card.json").read_text(encoding="utf-8"))
    assert status == 0
    assert (card["preprocessing"]["height"], card["preprocessing"]["width"]) == (12, 12)
    assert card["gate_life"] is None
    assert card["recipe"]["flip"] is False
    assert "--size 12" in card["commands"]["train"]
    assert "--no-flip" in card["commands"]["train"]
    again = cli.parser().parse_args(shlex.split(card["commands"]["train"])[3:])
    assert (again.size, again.flip, again.licence) == (12, False, card["licence"])
    assert (again.reduction, again.data_note) == (None, None)  # none was given, none is said


def test_help_names_the_default_of_every_field_of_the_recipe():
    numbers, choices = 0, ("precision", "crop", "crop_size", "se_init", "small_side")
    for field in fields(Recipe):
        name = "lr" if field.name == "peak_lr" else field.name.replace("_", "-")
        if isinstance(field.default, bool):
            assert recipe_options.SWITCHES[name].endswith("; yes" if field.default else "; no")
        elif field.name not in choices:
            assert recipe_options.RECIPE_OPTIONS[name][1].endswith(f"; {field.default}")
            numbers += 1
    assert len(recipe_options.RECIPE_OPTIONS) == numbers + 2  # crop-size and small-side say their default in words


def test_the_time_left_is_that_of_the_last_epoch():
    from seviz.history import Epoch

    line = train_command._line(Epoch(3, 1.25, 0.5, 1.5, 0.25, 0.1, 120.0), 35, 48_000)
    assert line == "epoch 3/35: loss 1.250, accuracy 50.0%; test loss 1.500, test accuracy 25.0%; 400 images/s, 1 h 04 min left"


def test_a_training_cannot_be_aimed_at_what_is_no_folder(toy, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("seviz.data.open_data", lambda *_, **__: pytest.fail("said too late"))
    (tmp_path / "file").write_bytes(b"mine")
    assert "is there and no folder; choose another" in refused(capsys, fresh(toy, tmp_path / "file"))
    assert "cannot be used (Not a directory)" in refused(capsys, fresh(toy, tmp_path / "file" / "new"))
    assert "cannot be used (File name too long)" in refused(capsys, fresh(toy, tmp_path / ("x" * 300)))
    assert "is no UTF-8" in refused(capsys, fresh(toy, tmp_path / os.fsdecode(b"n\xffw")))
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "(no permission in" in refused(capsys, fresh(toy, tmp_path / "deep" / "new"))
    assert (tmp_path / "file").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--lr", "1e5"], "a learning rate above 0; 100,000, 16,384 and 100 are the most"),
        (["--lr", "inf"], "a learning rate above 0"),
        (["--batch", "1000000000"], "16,384 and 100 are the most"),
        (["--weight-decay", "1e300"], "--weight-decay is 0 to 1, not 1e+300"),
        (["--se-lr", "1e300"], "--se-lr is 0 to 1000"),
        (["--arch", "resnet" + "9" * 5000], "There is no architecture 'resnet999"),
        (["--arch", "resnet\uff12\uff10"], "There is no architecture"),
        (["--reduction", "0"], ""),
        (["--size", "16", "--pad", "16"], "--pad 16 is not below the 16 pixels of the pictures' side"),
        (["--pad", "100000"], "--pad is 0 to 1000, not 100000"),
    ],
)
def test_what_can_be_known_is_said_before_the_pictures_are_read(toy, tmp_path, capsys, monkeypatch, arguments, sentence):
    monkeypatch.setattr("seviz.data.open_data", lambda *_, **__: pytest.fail("said too late"))
    if not sentence:
        with pytest.raises(SystemExit):
            cli.main([*fresh(toy, tmp_path / "new"), *arguments])
        return
    assert sentence in refused(capsys, [*fresh(toy, tmp_path / "new"), *arguments])
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("train", "test", "options", "sentence"),
    [
        (6, 1, [], "two classes, and two pictures a split, are the least"),
        (1, 1, [], "two classes, and two pictures a split, are the least"),
        (17, 3, ["--size", "4", "--pad", "1"], "The last batch of an epoch has one picture, too little for batch norm"),
    ],
)
def test_too_little_to_learn_is_said_before_it_is_learned(tmp_path, capsys, monkeypatch, train, test, options, sentence):
    monkeypatch.setattr(loop.Trainer, "run_epoch", lambda *_: pytest.fail("said too late"))
    data = write_folder(tmp_path / "toy", train=train, test=test)
    assert sentence in refused(capsys, [*fresh(data, tmp_path / "new"), *options])


def test_one_picture_in_the_last_batch_is_enough_where_its_maps_are_larger(tmp_path, capsys):
    data = write_folder(tmp_path / "toy", train=17, test=3)
    assert said(capsys, [*fresh(data, tmp_path / "new"), "--epochs", "1"])[0] == 0


def test_pictures_of_one_colour_can_be_trained_on(tmp_path, capsys):
    for split, shades in (("train", (90, 90, 90)), ("test", (90, 70))):
        for name in ("ant", "bee"):
            (tmp_path / "toy" / split / name).mkdir(parents=True)
            for number, shade in enumerate(shades):
                Image.new("RGB", (16, 16), (shade, 0, 255)).save(tmp_path / "toy" / split / name / f"{number}.png")
    assert said(capsys, [*fresh(tmp_path / "toy", tmp_path / "new"), "--epochs", "1"])[0] == 0
    card = json.loads((tmp_path / "new" / "card.json").read_text(encoding="utf-8"))
    assert card["preprocessing"]["std"] == [0.001] * 3
    assert json.loads(said(capsys, ["models", "--json"])[1]) is not None


def test_pictures_that_are_left_out_of_a_training_are_named(tmp_path, capsys):
    data = write_folder(tmp_path / "toy", train=120)
    (data / "train" / "bee" / "0003.png").write_bytes(b"\x89PNG no more")
    status, _, err = said(capsys, [*fresh(data, tmp_path / "new"), "--epochs", "1"])
    assert status == 0
    assert f"left out: {data}/train/bee/0003.png: This PNG file is damaged" in err


def test_the_licence_is_kept_for_a_training_that_is_resumed(toy, tmp_path, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    out = tmp_path / "stopped"
    with monkeypatch.context() as patch:
        patch.setattr(finish, "evaluate", interrupted)
        assert said(capsys, [*fresh(toy, out), "--licence", "CC0; see 'legal'"])[0] == 130
    assert said(capsys, ["train", "--out", out, "--resume", "--threads", "1"])[0] == 0
    card = json.loads((out / "card.json").read_text(encoding="utf-8"))
    assert card["licence"] == "CC0; see 'legal'"
    assert "--licence 'CC0; see '" in card["commands"]["train"]


def test_a_checkpoint_goes_by_the_name_of_its_folder_wherever_it_was_made(toy, tmp_path, monkeypatch, capsys):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    status, out, _ = said(capsys, [*fresh(toy, "."), "--epochs", "1"])
    assert (status, out.split(":")[0]) == (0, "here")
    assert json.loads(Path("card.json").read_text(encoding="utf-8"))["name"] == "here"


# evaluating


def test_evaluate_gives_the_figures_of_the_card(home, toy, capsys):
    arguments = ["evaluate", "--model", "se_toy", "--data", f"folder:{toy}", "--gate-life", "--json", "--threads", "1"]
    status, out, _ = said(capsys, arguments)
    found = json.loads(out.splitlines()[-1])
    card = json.loads((home / "se_toy" / "card.json").read_text(encoding="utf-8"))
    assert status == 0
    assert found["n"] == 18
    assert found["accuracy"] == card["metrics"]["accuracy"]["value"]
    assert found["interval"] == card["metrics"]["accuracy"]["interval"]
    assert found["loss"] == pytest.approx(card["metrics"]["loss"]["value"], abs=1e-6)
    assert found["gate_life"]["shuffled"] == card["gate_life"]["shuffled"]
    assert [one["label"] for one in found["per_class"]] == ["ant", "bee", "cat"]
    assert {"precision", "recall", "f1", "support"} <= set(found["per_class"][0])
    assert np.array(found["confusion"]).sum() == 18
    assert (found["model"], found["split"], found["device"]) == ("se_toy", "test", "cpu")


def without_intervals(folder):
    """The card as it was before gate life had intervals, sealed."""
    card = open_checkpoint(folder).card
    write_card(folder, replace(card, gate_life=replace(card.gate_life, shuffling_interval=None, static_interval=None)))


def test_gate_life_is_written_into_the_card_when_it_is_asked(home, toy, capsys):
    before = open_checkpoint("se_toy").card
    without_intervals(home / "se_toy")
    arguments = ["evaluate", "--model", "se_toy", "--data", f"folder:{toy}", "--gate-life", "--threads", "1"]
    assert said(capsys, arguments)[0] == 0
    assert open_checkpoint("se_toy").card.gate_life.static_interval is None  # nobody asked
    status, out, _ = said(capsys, [*arguments, "--update-card"])
    card = open_checkpoint("se_toy").card
    assert (status, card) == (0, before)
    assert card.gate_life.shuffling_interval is not None
    lost, (low, high) = card.gate_life.lost_by_shuffling, card.gate_life.shuffling_interval
    assert f"lost when shuffled {100 * lost:.1f} points ({100 * low:.1f} to {100 * high:.1f})" in out
    assert out.count("  hardly moves") == len(card.gate_life.still_sites)
    said(capsys, [*arguments, "--update-card", "--seed", "7"])
    assert open_checkpoint("se_toy").card.gate_life.seed == 7
    assert open_checkpoint("se_toy").card.commands["gate_life"].endswith("--gate-life --seed 7")


def test_a_card_takes_no_figures_of_other_pictures_nor_vouches_for_an_edit(home, toy, capsys, monkeypatch):
    monkeypatch.setattr("seviz.evaluation.gate_life", lambda *_, **__: pytest.fail("said too late"))
    arguments = ["evaluate", "--model", "se_toy", "--data", f"folder:{toy}", "--update-card"]
    before = (home / "se_toy" / "card.json").read_bytes()
    assert "give both" in refused(capsys, arguments)
    sentence = refused(capsys, [*arguments, "--gate-life", "--split", "train"])
    assert "holds other pictures than the 18 of folder:toy, test, that the card of se_toy is about" in sentence
    assert (home / "se_toy" / "card.json").read_bytes() == before
    card = json.loads(before)
    del card["card_sha256"]
    (home / "se_toy" / "card.json").write_text(json.dumps(card), encoding="utf-8")
    assert "was edited by hand" in refused(capsys, [*arguments, "--gate-life"])


def test_evaluate_writes_for_people_and_keeps_the_logits(home, toy, tmp_path, capsys):
    out_file = tmp_path / "kept" / "evaluation.npz"
    arguments = ["evaluate", "--model", home / "se_toy", "--data", f"folder:{toy}", "--split", "train", "--out", out_file]
    status, out, _ = said(capsys, arguments)
    assert status == 0
    assert out.startswith("se_toy on folder:toy, train, 48 pictures\naccuracy   ")
    assert "Wilson, 95 %" in out
    with np.load(out_file) as kept:
        assert kept["logits"].shape == (48, 3)
        assert json.loads(str(kept["key"]))["split"] == "train"


def test_a_folder_with_some_of_the_classes_can_be_evaluated(home, toy, tmp_path, capsys):
    for name in ("bee", "cat"):
        shutil.copytree(toy / "test" / name, tmp_path / "part" / name)
    status, out, _ = said(capsys, ["evaluate", "--model", "se_toy", "--data", f"folder:{tmp_path / 'part'}", "--json"])
    found = json.loads(out)
    assert status == 0
    assert [one["support"] for one in found["per_class"]] == [0, 6, 6]
    (tmp_path / "part" / "bee").rename(tmp_path / "part" / "wasp")
    sentence = refused(capsys, ["evaluate", "--model", "se_toy", "--data", f"folder:{tmp_path / 'part'}"])
    assert "classes that are not the network's: wasp" in sentence


def test_of_many_classes_those_without_pictures_are_only_counted(home, toy, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("seviz.cli.evaluate.MOST_CLASSES", 2)
    shutil.copytree(toy / "test" / "bee", tmp_path / "part" / "bee")
    _, out, _ = said(capsys, ["evaluate", "--model", "se_toy", "--data", f"folder:{tmp_path / 'part'}"])
    rows = out.split("class  ")[1].splitlines()
    assert rows[1].startswith("bee") and rows[2] == "and 2 classes without pictures"
    assert rows[-1] == "confusion: 3 x 3; use --json"


def test_mirror_images_are_said_and_never_kept(home, toy, tmp_path, capsys):
    words = ["evaluate", "--model", "se_toy", "--data", f"folder:{toy}", "--threads", "1", "--mirror"]
    assert "mean logits of every picture and its mirror image" in said(capsys, words)[1]
    assert json.loads(said(capsys, [*words, "--json"])[1].splitlines()[-1])["mirrored"] is True
    status, _, error = said(capsys, [*words, "--out", tmp_path / "kept.npz"])
    assert status != 0
    assert "--mirror only prints its figures" in error
    assert not (tmp_path / "kept.npz").exists()


def test_evaluating_what_is_not_there_is_one_sentence(home, toy, capsys):
    assert "There is no checkpoint 'other'; there are: se_toy" in refused(
        capsys, ["evaluate", "--model", "other", "--data", f"folder:{toy}"]
    )
    (home / "se_toy" / "model.safetensors").write_bytes(b"short")
    assert "has 5 bytes and should have" in refused(capsys, ["evaluate", "--model", "se_toy", "--data", f"folder:{toy}"])


def test_an_evaluation_cannot_be_aimed_at_a_folder(home, toy, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("seviz.evaluation.evaluate", lambda *_, **__: pytest.fail("said too late"))
    arguments = ["evaluate", "--model", "se_toy", "--data", f"folder:{toy}", "--out"]
    assert f"--out {tmp_path} is there and no file; choose another" in refused(capsys, [*arguments, tmp_path])
    (tmp_path / "file").write_bytes(b"mine")
    assert "cannot be used (Not a directory)" in refused(capsys, [*arguments, tmp_path / "file" / "evaluation.npz"])


def test_one_picture_has_no_gate_life_and_that_is_said_first(home, toy, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("seviz.evaluation.evaluate", lambda *_, **__: pytest.fail("said too late"))
    for name in ("0000.png",):
        (tmp_path / "one" / "bee").mkdir(parents=True)
        shutil.copy(toy / "test" / "bee" / name, tmp_path / "one" / "bee" / name)
    arguments = ["evaluate", "--model", "se_toy", "--data", f"folder:{tmp_path / 'one'}", "--gate-life"]
    assert "at least two pictures" in refused(capsys, arguments)


def test_logits_that_are_no_numbers_are_one_sentence(home, toy, tmp_path, capsys):
    checkpoint = open_checkpoint("se_toy")
    net = checkpoint.network()
    net.fc.weight.data[:] = 3e38  # finite, as a file's weights have to be
    save_checkpoint(home / "wild", net, checkpoint.card)
    assert "answers NaN or infinite values" in refused(capsys, ["evaluate", "--model", "wild", "--data", f"folder:{toy}"])
    picture = toy / "test" / "bee" / "0001.png"
    assert "answers NaN or infinite values" in refused(capsys, ["inspect", picture, "--model", "wild", "--json"])


def test_no_memory_for_an_evaluation_is_one_sentence(home, toy, capsys, monkeypatch):
    words = "[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"
    for error in (RuntimeError(words), MemoryError(), torch.OutOfMemoryError("CUDA out of memory")):
        monkeypatch.setattr("seviz.evaluation.evaluate", lambda *_, error=error, **__: raises(error))
        assert "there is not enough memory; choose a smaller --batch" in refused(
            capsys, ["evaluate", "--model", "se_toy", "--data", f"folder:{toy}"]
        )


def raises(error):
    raise error


# models and inspect


def test_models_lists_what_is_there_and_what_is_broken(home, capsys):
    (home / "broken").mkdir()
    (home / "broken" / "card.json").write_text("{", encoding="utf-8")
    status, out, _ = said(capsys, ["models", "--json"])
    found = {one["name"]: one for one in json.loads(out)["models"]}
    assert status == 0
    assert found["se_toy"]["problem"] is None
    assert found["se_toy"]["card"]["arch"] == "se_resnet20"
    assert "no JSON" in found["broken"]["problem"]
    _, out, _ = said(capsys, ["models"])
    assert "accuracy " in out
    assert "18 of folder:toy, test" in out
    assert "cannot be used: " in out


def test_models_without_any_says_how_to_make_one(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(tmp_path))
    assert said(capsys, ["models"])[:2] == (0, f"There are no checkpoints in {tmp_path}; `python -m seviz train` makes one.\n")
    assert json.loads(said(capsys, ["models", "--json"])[1]) == {"models": []}


def test_inspect_prints_prediction_gates_and_maps(home, toy, capsys):
    picture = toy / "test" / "bee" / "0001.png"
    status, out, _ = said(capsys, ["inspect", picture, "--model", "se_toy", "--json", "--top-k", "2", "--layer", "layer2"])
    found = json.loads(out)
    assert status == 0
    assert {"model", "predictions", "gates", "maps", "device"} <= set(found)
    assert (found["model"], found["device"]) == ("se_toy", "cpu")
    assert len(found["predictions"]) == 2
    assert {label["label"] for label in found["predictions"]} <= {"ant", "bee", "cat"}
    assert found["predictions"][0]["probability"] >= found["predictions"][1]["probability"]
    assert [len(gates) for gates in found["gates"].values()] == [16] * 3 + [32] * 3 + [64] * 3
    assert all(0 <= value <= 1 for gates in found["gates"].values() for value in gates)
    assert [(one["layer"], one["height"], one["width"]) for one in found["maps"]] == [("layer2", 8, 8)] * 2
    _, text, _ = said(capsys, ["inspect", picture, "--model", "se_toy"])
    assert found["predictions"][0]["label"] in text.splitlines()[0]
    assert "layer3.2.se" in text


def test_inspect_tells_what_it_decided_about_the_picture(home, tmp_path, capsys):
    Image.new("RGBA", (20, 20), (255, 0, 0, 100)).save(tmp_path / "glass.png")
    found = json.loads(said(capsys, ["inspect", tmp_path / "glass.png", "--model", "se_toy", "--json"])[1])
    assert found["notices"] == ["Its transparent parts are shown on white."]


def test_inspecting_what_cannot_be_read_is_one_sentence(home, tmp_path, capsys):
    (tmp_path / "notes.jpg").write_text("hello", encoding="utf-8")
    assert "no.jpg cannot be read (No such file or directory)" in refused(capsys, ["inspect", "no.jpg", "--model", "se_toy"])
    assert "cannot be read (Is a directory)" in refused(capsys, ["inspect", tmp_path, "--model", "se_toy"])
    with (tmp_path / "film.mov").open("wb") as file:
        file.truncate(100 * 2**20)
    sentence = refused(capsys, ["inspect", tmp_path / "film.mov", "--model", "se_toy"])
    assert "film.mov cannot be read (it has 100 MB, and 25 MB is the limit)" in sentence
    os.mkfifo(tmp_path / "pipe")
    assert "pipe cannot be read (not a regular file)" in refused(capsys, ["inspect", tmp_path / "pipe", "--model", "se_toy"])
    assert "text file" in refused(capsys, ["inspect", tmp_path / "notes.jpg", "--model", "se_toy"])
    picture = tmp_path / "p.png"
    Image.new("RGB", (9, 9)).save(picture)
    assert "no layer 'layer9'" in refused(capsys, ["inspect", picture, "--model", "se_toy", "--layer", "layer9"])


# the command line itself


REFUSED = [
    ["train", "--out", ""],
    ["train", "--out", "x", "--arch", "resnet20", "--data", "cifar10", "--size", "1000000"],
    ["train", "--out", "x", "--arch", "resnet20", "--data", "cifar10", "--threads", "1000000"],
    ["train", "--out", "x", "--arch", "resnet20", "--data", "cifar10", "--epochs", "9" * 5000],
    ["train", "--out", "x", "--arch", "resnet20", "--data", "cifar10", "--data-note", "\udcff"],
    ["train", "--out", "x", "--arch", "resnet20", "--data", "cifar10", "--licence", "\udcff"],
    ["evaluate", "--model", "m", "--data", "d", "--out", ""],
    ["evaluate", "--model", "m", "--data", "d", "--batch", "1000000000000000000000"],
    ["evaluate", "--model", "m", "--data", "d", "--threads", "0"],
    ["data", "cifar10-jpeg", "--out", ""],
    ["inspect", "", "--model", "m"],
    ["inspect", "a\0b", "--model", "m"],
    [],
    ["fly"],
    ["evaluate"],
    ["train", "--out", "x", "--epochs", "0"],
    ["train", "--out", "x", "--seed", "-1"],
    ["evaluate", "--model", "m", "--data", "d", "--gate-life", "--seed", "-1"],
    ["inspect", "a"],
]


@pytest.mark.parametrize("arguments", REFUSED)
def test_commands_that_argparse_refuses_have_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    assert "usage: seviz" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["evaluate", "--model", "~no_such_user/x", "--data", "cifar10"],
        ["evaluate", "--model", "", "--data", "cifar10"],
        ["evaluate", "--model", "se_toy", "--data", "folder:~no_such_user/x"],
        ["evaluate", "--model", "se_toy", "--data", "folder:"],
        ["evaluate", "--model", "se_toy", "--data", ""],
        ["evaluate", "--model", "se_toy", "--data", "cifar10"],
        ["evaluate", "--model", os.fsdecode(b"m\xff\n"), "--data", "cifar10"],
        ["inspect", os.fsdecode(b"p\xff\n.png"), "--model", "se_toy"],
        ["inspect", "~no_such_user/p.png", "--model", "se_toy"],
        ["train", "--out", "new", "--arch", "resnet20", "--data", "folder:" + os.fsdecode(b"d\xff")],
    ],
)
def test_names_of_nothing_are_one_sentence(home, tmp_path, monkeypatch, capsys, arguments):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEVIZ_DATA", "~no_such_user/data")
    assert refused(capsys, arguments).isprintable()
    assert not (tmp_path / "new").exists()


def test_models_in_a_home_of_any_name_are_listed(trained, tmp_path):
    home = tmp_path / os.fsdecode(b"h\xffme")
    shutil.copytree(trained, home)
    (home / "se_toy").rename(home / os.fsdecode(b"t\xffy"))
    for form in ([], ["--json"]):
        done = run(["models", *form], env={**os.environ, "SEVIZ_CHECKPOINTS": str(home), "PYTHONIOENCODING": "utf-8:strict"})
        assert (done.returncode, done.stderr) == (0, "")
        assert "is no UTF-8; rename it" in done.stdout


def test_models_says_which_card_nobody_vouches_for(home, capsys):
    path = home / "se_toy" / "card.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    assert "card_sha256" not in said(capsys, ["models"])[1]
    del card["card_sha256"]
    path.write_text(json.dumps(card), encoding="utf-8")
    status, out, _ = said(capsys, ["models"])
    assert status == 0
    assert "Its card has no card_sha256: whether it was edited cannot be told" in out
    assert "card_sha256" not in json.loads(said(capsys, ["models", "--json"])[1])["models"][0]["card"]


def damaged_tiff():
    """Noise in LZW with some bytes turned round, of which libtiff prints a line, and Pillow raises."""
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(buffer, "TIFF", compression="tiff_lzw")
    content = bytearray(buffer.getvalue())
    content[20 : len(content) // 2 : 97] = bytes(255 - value for value in content[20 : len(content) // 2 : 97])
    return bytes(content)


def large_png():
    """Of more pixels than Pillow likes, which prints a warning."""
    buffer = io.BytesIO()
    Image.new("1", (10_000, 10_000)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("content", [damaged_tiff, large_png])
def test_a_bad_picture_is_one_line_on_standard_error_whatever_libraries_print(home, toy, tmp_path, content):
    (tmp_path / "picture").write_bytes(content())
    done = run(["inspect", str(tmp_path / "picture"), "--model", "se_toy"])
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("seviz: ")
    assert done.stderr.count("\n") == 1, done.stderr


def test_a_bad_picture_in_a_folder_is_told_once(home, tmp_path):
    data = write_folder(tmp_path / "toy", test=120)
    (data / "test" / "bee" / "0003.tif").write_bytes(damaged_tiff())
    done = run(["evaluate", "--model", "se_toy", "--data", f"folder:{data}"])
    assert (done.returncode, done.stderr) == (0, "")
    assert "left out: " in done.stdout


def test_standard_error_goes_on_after_pictures_were_read(capfd):
    with reading("pictures"):
        os.write(2, b"libtiff speaks")
        print("progress", file=sys.stderr)
    print("after", file=sys.stderr)
    os.write(2, b"a library speaks")
    assert capfd.readouterr().err == "progress\nafter\na library speaks"


def test_data_is_not_copied_without_cifar10(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SEVIZ_DATA", str(tmp_path / "empty"))
    sentence = refused(capsys, ["data", "cifar10-jpeg", "--out", tmp_path / "copies"])
    assert "`python -m seviz data cifar10` downloads it" in sentence
    assert not (tmp_path / "copies").exists()


def test_a_file_that_cannot_be_written_is_one_sentence(home, toy, tmp_path, capsys):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    arguments = ["evaluate", "--model", "se_toy", "--data", f"folder:{toy}", "--out", tmp_path / "file" / "evaluation.npz"]
    assert "cannot be used (Not a directory)" in refused(capsys, arguments)


def test_ctrl_c_anywhere_is_status_130(home, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("seviz.cli.models.find_checkpoints", interrupted)
    assert said(capsys, ["models"]) == (130, "", "seviz: stopped.\n")


def run(arguments, **options):
    """`python -m seviz` in a process of its own."""
    command = [sys.executable, "-m", "seviz", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, **options)


def test_a_closed_pipe_ends_a_command_quietly(home):
    command = f"{sys.executable} -m seviz models --json | true; exit ${{PIPESTATUS[0]}}"
    # a card of 200 kB: more than a pipe holds, so that the write fails whenever `true` ends
    path = home / "se_toy" / "card.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    del card["card_sha256"]
    path.write_text(json.dumps({**card, "limits": ["x" * 200_000]}), encoding="utf-8")
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_process_prints_json_last_and_exits_with_its_status(home):
    done = run(["models", "--json"])
    assert (done.returncode, done.stderr) == (0, "")
    assert [one["name"] for one in json.loads(done.stdout.splitlines()[-1])["models"]] == ["se_toy"]
    done = run(["inspect", "no.jpg", "--model", "se_toy"])
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "seviz: no.jpg cannot be read (No such file or directory).\n"
