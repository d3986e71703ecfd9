"""The command line: results on standard output, one sentence for what went wrong, exit statuses."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from sets import write_folder

from seviz import cli
from seviz.cli import train as train_command
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
    assert {path.name for path in folder.iterdir()} == {"card.json", "model.safetensors", "history.csv", "evaluation.npz"}
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
    assert "train --arch se_resnet20 --reduction 4 --data folder:toy --out checkpoints/se_toy" in card["commands"]["train"]


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
    assert {**ours, "seconds": 0} == {**theirs, "seconds": 0}
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
    for field in fields(Recipe):
        if field.name not in ("flip", "precision"):
            _, meaning = train_command.RECIPE_OPTIONS["lr" if field.name == "peak_lr" else field.name.replace("_", "-")]
            assert meaning.endswith(f"; {field.default}")
    assert len(train_command.RECIPE_OPTIONS) == len(fields(Recipe)) - 2


def test_the_time_left_is_that_of_the_last_epoch():
    from seviz.history import Epoch

    line = train_command._line(Epoch(3, 1.25, 0.5, 1.5, 0.25, 0.1, 120.0), 35, 48_000)
    assert line == "epoch 3/35: loss 1.250, accuracy 50.0%; test loss 1.500, test accuracy 25.0%; 400 images/s, 1 h 04 min left"


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


def test_evaluating_what_is_not_there_is_one_sentence(home, toy, capsys):
    assert "There is no checkpoint 'other'; there are: se_toy" in refused(
        capsys, ["evaluate", "--model", "other", "--data", f"folder:{toy}"]
    )
    (home / "se_toy" / "model.safetensors").write_bytes(b"short")
    assert "has 5 bytes and should have" in refused(capsys, ["evaluate", "--model", "se_toy", "--data", f"folder:{toy}"])


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
    assert "on 18 pictures of folder:toy, test" in out
    assert "cannot be used: " in out
    assert "data: drawn by a test" in out


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
    assert "film.mov has 100 MB, and 25 MB is the limit" in refused(
        capsys, ["inspect", tmp_path / "film.mov", "--model", "se_toy"]
    )
    assert "text file" in refused(capsys, ["inspect", tmp_path / "notes.jpg", "--model", "se_toy"])
    picture = tmp_path / "p.png"
    Image.new("RGB", (9, 9)).save(picture)
    assert "no layer 'layer9'" in refused(capsys, ["inspect", picture, "--model", "se_toy", "--layer", "layer9"])


# the command line itself


REFUSED = [
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


def test_data_is_not_copied_without_cifar10(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SEVIZ_DATA", str(tmp_path / "empty"))
    sentence = refused(capsys, ["data", "cifar10-jpeg", "--out", tmp_path / "copies"])
    assert "`python -m seviz data cifar10` downloads it" in sentence


def test_a_file_that_cannot_be_written_is_one_sentence(home, toy, tmp_path, capsys):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    arguments = ["evaluate", "--model", "se_toy", "--data", f"folder:{toy}", "--out", tmp_path / "file" / "evaluation.npz"]
    assert "cannot be used (" in refused(capsys, arguments)


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
