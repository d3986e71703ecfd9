"""Sweeps: the same bits as trainings by hand, whatever stops them; bad files in one sentence; the table by hand."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from sets import write_folder

from seviz import cli
from seviz.checkpoints import open_checkpoint
from seviz.errors import TrainingError
from seviz.gate_life import GateLife
from seviz.machine import best_precision
from seviz.sweep import Plan, Variation, as_settings, read_plan, tabulate
from seviz.training import Recipe, loop

pytestmark = pytest.mark.usefixtures("one_thread")

ROOT = Path(__file__).parents[1]
OTHER = "fp32" if best_precision(torch.device("cpu")) == "bf16" else "bf16"  # than the one that this machine would choose
FILE = """
baseline = "plain"

[common]
arch = "se_resnet20"
data = "folder:{data}"
reduction = 4
epochs = 2
batch = 24
lr = 0.1
seeds = [0, 1]

[[training]]
name = "plain"
arch = "resnet20"

[[training]]
name = "r = 8, max"
reduction = 8
squeeze = "max"
se_lr = 3
where = [3, 2]
"""


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("data") / "toy")


@pytest.fixture(scope="module")
def swept(toy, tmp_path_factory):
    """A sweep that went through: its file and the folder of its trainings."""
    folder = tmp_path_factory.mktemp("swept")
    file = written(folder / "small.toml", toy)
    assert cli.main(["sweep", str(file), "--out", str(folder / "out"), "--threads", "1"]) == 0
    return file, folder / "out"


def written(file, toy, *changes):
    """The file of a sweep, with (old, new) changes to it."""
    text = FILE.format(data=toy)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")
    return file


def said(capsys, *arguments):
    """(exit status, standard output, standard error) of a sweep."""
    status = cli.main(["sweep", *(str(argument) for argument in arguments)])
    out, err = capsys.readouterr()
    return status, out, err


def refused(capsys, *arguments):
    """The sentence of a sweep that must fail at once."""
    status, out, err = said(capsys, *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    return err.removeprefix("seviz: ").strip()


def same_weights(one, other):
    ours, theirs = load_file(one / "model.safetensors"), load_file(other / "model.safetensors")
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def without_times(sweep):
    """The content of sweep.json but for seconds, which no two trainings have alike, and its own place."""
    content = json.loads((sweep / "sweep.json").read_text(encoding="utf-8"))
    return {**content, "command": "", "rows": [{**row, "seconds": 0} for row in content["rows"]]}


# what is trained


def test_a_sweep_trains_what_train_trains(swept, toy, tmp_path):
    _, out = swept
    by_hand = ["train", "--data", f"folder:{toy}", "--epochs", "2", "--batch", "24", "--lr", "0.1", "--threads", "1"]
    gated = ["--arch", "se_resnet20", "--reduction", "8", "--squeeze", "max", "--se-lr", "3", "--where", "2,3"]
    assert cli.main([*by_hand, *gated, "--seed", "1", "--out", str(tmp_path / "r-8-max-seed1")]) == 0
    assert cli.main([*by_hand, "--arch", "resnet20", "--seed", "0", "--out", str(tmp_path / "plain-seed0")]) == 0
    for name in ("r-8-max-seed1", "plain-seed0"):
        assert same_weights(tmp_path / name, out / name)
        assert (tmp_path / name / "evaluation.npz").read_bytes() == (out / name / "evaluation.npz").read_bytes()
        ours, theirs = (json.loads((folder / name / "card.json").read_text(encoding="utf-8")) for folder in (out, tmp_path))
        assert {**ours, "seconds": 0, "card_sha256": ""} == {**theirs, "seconds": 0, "card_sha256": ""}
    assert sorted(path.name for path in out.iterdir()) == [
        "plain-seed0", "plain-seed1", "r-8-max-seed0", "r-8-max-seed1", "sweep.json", "table.md",
    ]  # fmt: skip


def test_a_finished_sweep_trains_nothing_and_writes_the_same_table(swept, monkeypatch, capsys):
    file, out = swept
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    monkeypatch.setattr(loop.Trainer, "_step", lambda *_: pytest.fail("trained again"))
    (out / "table.md").unlink()
    status, text, err = said(capsys, file, "--out", out, "--threads", "1")
    assert (status, err) == (0, "")
    assert text.endswith(f"wrote {out / 'table.md'} and {out / 'sweep.json'}\n")
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_a_training_by_hand_counts_where_it_has_the_same_settings(swept, toy, tmp_path, capsys):
    file, _ = swept
    by_hand = ["train", "--data", f"folder:{toy}", "--epochs", "2", "--batch", "24", "--lr", "0.1", "--threads", "1"]
    assert cli.main([*by_hand, "--arch", "resnet20", "--out", str(tmp_path / "plain-seed0")]) == 0
    capsys.readouterr()
    _, text, _ = said(capsys, file, "--out", tmp_path, "--dry-run", "--json")
    standings = {(one["name"], one["seed"]): one["standing"] for one in json.loads(text)["trainings"]}
    assert standings["plain", 0] == "finished"
    assert list(standings.values()).count("new") == 3


# the child dies of SIGKILL in the second epoch of the third training
CHILD = """
import os, signal, sys
from seviz import cli
from seviz.training import loop

step = loop.Trainer._step
def deadly(self, *args):
    if self.epochs_done == 1 and self.job.arch == "se_resnet20":
        os.kill(os.getpid(), signal.SIGKILL)
    return step(self, *args)
loop.Trainer._step = deadly
cli.main(sys.argv[1:])
"""


def test_a_killed_sweep_goes_on_to_the_same_table(swept, tmp_path, capsys):
    file, straight = swept
    out = tmp_path / "killed"
    arguments = [str(file), "--out", str(out), "--threads", "1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", CHILD, "sweep", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert (out / "plain-seed1" / "card.json").exists()
    assert (out / "r-8-max-seed0" / "resume.safetensors").exists()
    partial = json.loads((out / "sweep.json").read_text(encoding="utf-8"))  # the table of what was finished until then
    assert [row["name"] for row in partial["rows"]] == ["plain"]
    status, text, _ = said(capsys, *arguments, "--dry-run")
    assert status == 0
    assert "0 (stopped after epoch 1), 1 (new)" in text
    assert "4 trainings, 2 of them not finished, 3 epochs to go" in text
    status, _, err = said(capsys, *arguments)
    assert status == 0
    assert "training 1 of 2: r = 8, max, seed 0\nepoch 2/2: " in err
    assert without_times(out) == without_times(straight)
    assert same_weights(out / "r-8-max-seed0", straight / "r-8-max-seed0")


def test_ctrl_c_says_how_to_go_on(toy, tmp_path, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(loop.Trainer, "_step", interrupted)
    file = written(tmp_path / "s.toml", toy)
    status, _, err = said(capsys, file, "--out", tmp_path / "out")
    assert status == 130
    assert err.splitlines()[-1] == "seviz: stopped while 'plain' was trained with seed 0; run the sweep again to go on."


def test_a_training_that_diverges_is_named_and_the_others_go_on(toy, tmp_path, monkeypatch, capsys):
    finite = loop.Trainer.finite
    monkeypatch.setattr(loop.Trainer, "finite", lambda self, loss: finite(self, math.nan if self.recipe.seed else loss))
    file = written(tmp_path / "s.toml", toy)
    status, text, err = said(capsys, file, "--out", tmp_path / "out", "--threads", "1")
    assert status == 2
    assert err.splitlines()[-1] == (
        f"seviz: {file}, training 'plain': one of 2 that diverged, with seed 1: The loss became nan in epoch 1; start again "
        "with a lower lr than 0.1."
    )
    assert "Missing: plain, seed 1, 0 of 2 epochs done, its loss diverged." in text
    rows = json.loads((tmp_path / "out" / "sweep.json").read_text(encoding="utf-8"))["rows"]
    assert [row["seeds"] for row in rows] == [[0], [0]]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (torch.AcceleratorError("CUDA error: unspecified launch failure"), "The accelerator failed"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasGemmEx`"), "The accelerator failed"),
        (RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"), "The accelerator failed"),
        (torch.OutOfMemoryError("CUDA out of memory."), "The device has no memory left; start again with a smaller batch"),
        (OSError(28, "No space left on device", "x/resume.safetensors"), "Nothing could be written to x/resume.safetensors"),
    ],
)
def test_a_machine_that_fails_is_one_sentence_and_nothing_is_lost(toy, tmp_path, monkeypatch, capsys, error, sentence):
    step = loop.Trainer._step

    def failing(self, *arguments):
        if (self.job.arch, self.epochs_done) == ("se_resnet20", 1):
            raise error
        return step(self, *arguments)

    monkeypatch.setattr(loop.Trainer, "_step", failing)
    file, out = written(tmp_path / "s.toml", toy, ("seeds = [0, 1]", "seeds = [0]")), tmp_path / "out"
    status, _, err = said(capsys, file, "--out", out, "--threads", "1")
    last = err.splitlines()[-1]
    assert status == 2
    assert last.startswith(f"seviz: {file}, training 'r = 8, max': with seed 0: {sentence}")
    assert "run the sweep again" in last
    monkeypatch.undo()
    status, _, err = said(capsys, file, "--out", out, "--threads", "1")
    assert (status, err.splitlines()[0]) == (0, "training 1 of 1: r = 8, max, seed 0")
    assert "epoch 1/2" not in err


def test_a_table_that_cannot_be_written_is_one_sentence(swept, tmp_path, capsys):
    out = tmp_path / "out"
    (out / "table.md").mkdir(parents=True)
    sentence = refused(capsys, swept[0], "--out", out, "--table-only")
    assert sentence.startswith("Nothing could be written")
    assert sentence.endswith("free some space or choose another --out, then run the sweep again.")


# files that cannot be swept


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("lr = 0.1", "lr = ", "{file} is no TOML (Invalid value (at line 10, column 6)); correct it there"),
        ("lr = 0.1", "learning_rte = 1", "{file}, [common]: there is no setting 'learning_rte'; there are alternate, arch, "),
        ("reduction = 8", "reducton = 8", "{file}, training 'r = 8, max': there is no setting 'reducton'; write reduction."),
        ("reduction = 8", "weight-decay = 0", "there is no setting 'weight-decay'; write weight_decay."),
        ("reduction = 8", 'reduction = "8"', "'r = 8, max': reduction is a whole number from 1 to 1000000000, not '8'."),
        ("reduction = 8", "reduction = 0", "reduction is a whole number from 1 to 1000000000, not 0."),
        ("reduction = 8", "epochs = 1.5", "training 'r = 8, max': epochs is a whole number, not 1.5."),
        ("lr = 0.1", "lr = nan", "{file}, [common]: lr is a number, not nan."),
        ("lr = 0.1", "flip = 1", "{file}, [common]: flip is true or false, not 1."),
        ('arch = "resnet20"', "arch = 20", "{file}, training 'plain': arch is text in quotes, not 20."),
        ('"max"', '"mean"', "squeeze is one of avg, max, none, not 'mean'."),
        ("where = [3, 2]", "where = 2", "where is a list of stages, such as [2, 3], not 2."),
        ("seeds = [0, 1]", "seeds = [0, 1, 0]", "{file}, [common]: seeds has 0 twice; take one of them out."),
        ("seeds = [0, 1]", "seeds = []", "[common]: seeds is a list of whole numbers, such as [0, 1], not []."),
        ("seeds = [0, 1]", "seed = 3", "seed is no setting of one training; write seeds = [0, 1] in [common]."),
        ('"r = 8, max"', '"plain"', "{file}: two trainings have the name 'plain'; rename one of them."),
        ('"r = 8, max"', '"PLAIN."', "{file}: 'plain' and 'PLAIN.' would lie in one folder; rename one of them."),
        ('"r = 8, max"', '"="', "{file}: the name '=' has no letter or digit for its folder; rename it."),
        ('name = "r = 8, max"', "", "{file}: training 2 needs a name of 1 to 60 characters, such as name = \"r = 8\"."),
        ('baseline = "plain"', 'baseline = "plan"', "baseline 'plan' is none of the trainings; name one of plain, r = 8, max."),
        ('baseline = "plain"', 'base = "plain"', "no 'base' in a sweep; it has baseline, corruptions, common, training."),
        ("[common]", "[[common]]", "{file}: common is a table; write [common]"),
        ("lr = 0.1", "warmup = 2", "{file}, training 'plain': warmup is a share of the training, 0 to 1, not 2.0."),
        ("lr = 0.1", "momentum = 1", "training 'plain': momentum is at least 0 and below 1, not 1.0."),
        ('arch = "resnet20"', 'arch = "vgg16"', "training 'plain': There is no architecture 'vgg16'; use resnetD"),
        ('arch = "resnet20"', 'arch = "resnet20"\nwhere = [2]', "resnet20 has no SE blocks, for which position, where, "),
        ("where = [3, 2]", "where = [4]", "training 'r = 8, max': se_resnet20 has no stage 4; its stages are 1 to 3."),
        ("where = [3, 2]", 'position = "3x3"', "training 'r = 8, max': se_resnet20 cannot be built so"),
        ("where = [3, 2]", "pad = 16", "training 'r = 8, max': pad 16 is not below the 16 pixels of the pictures' side"),
        ("where = [3, 2]", 'from = "nobody"', "training 'r = 8, max': There is no checkpoint 'nobody'"),
        ("where = [3, 2]", 'data = "folder:/nowhere"', "training 'r = 8, max': There is no folder /nowhere"),
    ],
)  # fmt: skip
def test_what_cannot_be_trained_is_said_before_anything_is(toy, tmp_path, monkeypatch, capsys, old, new, sentence):
    monkeypatch.setattr(loop.Trainer, "_step", lambda *_: pytest.fail("said too late"))
    file = written(tmp_path / "s.toml", toy, (old, new))
    assert sentence.format(file=file) in refused(capsys, file, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_file_without_trainings_is_one_sentence(toy, tmp_path, capsys):
    file = tmp_path / "s.toml"
    file.write_text("[common]\n", encoding="utf-8")
    assert refused(capsys, file).startswith(f"{file} lists no training; add [[training]]")
    file.write_text("[[training]]\nname = 'a'\narch = 'resnet20'\n", encoding="utf-8")
    assert "training 'a': A training needs data; see `python -m seviz train --help`." in refused(capsys, file)
    file.write_text("[training]\nname = 'a'\n", encoding="utf-8")
    assert "training is a list; write [[training]] in double brackets" in refused(capsys, file)
    file.write_bytes(b"\xff\xfe")
    assert f"{file} is no TOML" in refused(capsys, file)
    assert "cannot be read (No such file or directory)" in refused(capsys, tmp_path / "none.toml")
    file.write_text("a = " + "[" * 100_000, encoding="utf-8")
    assert f"{file} is no TOML" in refused(capsys, file)


def test_too_few_classes_are_said_before_the_first_training(tmp_path, capsys):
    whole = write_folder(tmp_path / "whole")
    for split in ("train", "test"):
        (tmp_path / "one" / split).mkdir(parents=True)
        (whole / split / "ant").rename(tmp_path / "one" / split / "ant")
    file = written(tmp_path / "s.toml", tmp_path / "one")
    assert "has too little to learn: two classes" in refused(capsys, file, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("se_lr = 3", "se_lr = 2", "se_lr"),
        ("lr = 0.1", "lr = 0.2", "lr"),
        ("epochs = 2", "epochs = 3", "epochs"),
        ("reduction = 8", "reduction = 2", "SE blocks"),
        ("where = [3, 2]", "where = [3]", "SE blocks"),
        ("se_lr = 3", f'se_lr = 3\nprecision = "{OTHER}"', "precision"),
        ("se_lr = 3", "se_lr = 3\nsize = 12", "size"),
        ('arch = "resnet20"', 'arch = "resnet32"', "arch, blocks"),
    ],
)
def test_other_settings_under_the_same_name_are_refused(swept, toy, tmp_path, monkeypatch, capsys, old, new, names):
    monkeypatch.setattr(loop.Trainer, "_step", lambda *_: pytest.fail("trained"))
    file = written(tmp_path / "s.toml", toy, (old, new))
    sentence = refused(capsys, file, "--out", swept[1], "--threads", "1")
    assert f"holds a training with other settings ({names}" in sentence
    assert sentence.endswith("rename this one, remove that folder, or choose another --out.")


def test_other_pictures_under_the_same_name_are_refused(swept, tmp_path, capsys):
    other = write_folder(tmp_path / "toy", train=60)
    sentence = refused(capsys, written(tmp_path / "s.toml", other), "--out", swept[1])
    assert "plain-seed0 holds a training with other settings (data)" in sentence


def test_a_stopped_training_goes_on_with_its_own_settings_alone(toy, tmp_path, monkeypatch, capsys):
    step = loop.Trainer._step

    def interrupted(self, *arguments):
        if self.epochs_done == 1:
            raise KeyboardInterrupt
        return step(self, *arguments)

    out = tmp_path / "out"
    monkeypatch.setattr(loop.Trainer, "_step", interrupted)
    assert said(capsys, written(tmp_path / "s.toml", toy), "--out", out, "--threads", "1")[0] == 130
    sized = '"resnet20"\nsize = 16'
    for old, new, name in (("lr = 0.1\n", "", "lr"), ('"resnet20"', sized, "size"), ("batch = 24", "", "batch")):
        file = written(tmp_path / "s.toml", toy, (old, new))  # also where a setting was taken out of the file
        assert f"plain-seed0 holds a training with other settings ({name})" in refused(capsys, file, "--out", out)
    file = written(tmp_path / "s.toml", write_folder(tmp_path / "toy", train=60))
    assert "plain-seed0 holds a training with other settings (data)" in refused(capsys, file, "--out", out)


# the table


def life(*deviations, live, shuffled):
    sites = {f"layer{number}": value for number, value in enumerate(deviations)}
    return GateLife(sites, live, shuffled, live, n=18, data="d", split="test", seed=0)


def cards_of(out, name, accuracies, lives=()):
    """Cards of a trained variation with other figures, one a seed."""
    card = open_checkpoint(out / f"{name}-seed0").card
    made = []
    for seed, accuracy in accuracies.items():
        metric = replace(card.metrics["accuracy"], value=accuracy, interval=(accuracy - 0.01, accuracy + 0.02))
        found = {"gate_life": lives[seed]} if lives else {}
        made.append(replace(card, seed=seed, seconds=100.0 + seed, metrics={"accuracy": metric}, **found))
    return made


PLAN = Plan(Path("s.toml"), (Variation("plain", {}), Variation("se | r", {})), (0, 1, 2), "plain")


def test_the_table_by_hand(swept):
    """Differences 0.01, 0.02, 0.03: mean 0.02, standard deviation 0.01, t = 4.302653 with two degrees of freedom."""
    plain = cards_of(swept[1], "plain", {0: 0.80, 1: 0.81, 2: 0.85})
    lives = {
        0: life(0.1, 0.3, 0.2, live=0.8, shuffled=0.7),
        1: life(0.2, 0.1, 0.5, live=0.8, shuffled=0.5),
        2: life(0.3, 0.4, 0.9, live=0.8, shuffled=0.6),
    }
    gated = cards_of(swept[1], "r-8-max", {2: 0.88, 0: 0.81, 1: 0.83}, lives)
    sweep = tabulate(PLAN, {"plain": plain, "se | r": gated}, ["se | r, seed 3"], "the command")
    first, second = sweep.rows
    half = 4.302653 * 0.01 / math.sqrt(3)
    assert second.seeds == (0, 1, 2)
    assert second.accuracies == (0.81, 0.83, 0.88)
    assert second.accuracy == pytest.approx(0.84)
    spread = math.sqrt((0.03**2 + 0.01**2 + 0.04**2) / 2)
    assert second.interval == pytest.approx((0.84 - 4.302653 * spread / math.sqrt(3), 0.84 + 4.302653 * spread / math.sqrt(3)))
    assert second.difference.mean == pytest.approx(0.02)
    assert second.difference.interval == pytest.approx((0.02 - half, 0.02 + half))
    assert (second.gates.smallest, second.gates.median) == pytest.approx((0.5 / 3, 0.8 / 3))  # of 0.1, 0.1, 0.3; 0.2, 0.2, 0.4
    assert second.gates.lost == pytest.approx(0.2)
    assert second.seconds == pytest.approx(101)
    assert first.difference is None
    assert first.gates is None
    lines = sweep.to_markdown().splitlines()
    cells = [[cell.strip() for cell in line.replace("\\|", "/").strip("|").split("|")] for line in (lines[0], lines[3])]
    row = dict(zip(*cells, strict=True))
    assert row["training"] == "se / r"
    assert row["seeds"] == "0, 1, 2"
    assert row["test accuracy (95 %)"] == "84.00% (75.04 to 92.96)"
    assert row["points against plain (95 %)"] == "+2.00 (-0.48 to +4.48)"
    assert (row["gates: smallest sd"], row["median sd"], row["points lost by shuffling"]) == ("0.167", "0.267", "20.0")
    assert row["parameters"] == f"{gated[0].parameters:,}"
    assert "Missing: se | r, seed 3." in lines


def test_one_seed_has_the_interval_of_its_pictures_and_says_so(swept):
    plain = cards_of(swept[1], "plain", {0: 0.80, 1: 0.9})
    gated = cards_of(swept[1], "r-8-max", {1: 0.85}, {1: life(0.1, live=0.8, shuffled=0.7)})
    sweep = tabulate(PLAN, {"plain": plain, "se | r": gated}, [], "the command")
    row = sweep.rows[1]
    assert (row.accuracy, row.interval) == (0.85, (pytest.approx(0.84), pytest.approx(0.87)))
    assert row.means == "one seed, 95 % Wilson interval over pictures"
    assert (row.difference.mean, row.difference.interval, row.difference.seeds) == (pytest.approx(-0.05), None, (1,))
    text = sweep.to_markdown()
    assert "85.00% (84.00 to 87.00) (1)" in text
    assert "-5.00 (one seed)" in text
    assert "(1): one seed, whose interval is Wilson's over the test pictures" in text


def test_without_a_shared_seed_or_shared_pictures_there_is_no_difference(swept):
    plain, gated = (cards_of(swept[1], name, {0: 0.8}) for name in ("plain", "r-8-max"))
    moved = [replace(card, seed=5) for card in gated]
    assert tabulate(PLAN, {"plain": plain, "se | r": moved}, [], "").rows[1].difference is None
    use = gated[0].data
    elsewhere = replace(gated[0], data=replace(use, test=replace(use.test, sha256="0" * 64)))
    assert tabulate(PLAN, {"plain": plain, "se | r": [elsewhere]}, [], "").rows[1].difference is None
    with pytest.raises(TrainingError, match=r"'se | r' were tested on different pictures"):
        tabulate(PLAN, {"se | r": [replace(elsewhere, seed=1), *gated]}, [], "")


def test_without_a_baseline_there_is_no_column_of_differences(swept):
    plan = replace(PLAN, baseline=None)
    heads = tabulate(plan, {"plain": cards_of(swept[1], "plain", {0: 0.8})}, [], "").to_markdown().splitlines()[0]
    assert "points against" not in heads
    assert "gates: smallest sd" in heads


def test_the_table_is_of_the_cards(swept):
    """Every figure of sweep.json against the cards that lie beside it."""
    _, out = swept
    content = json.loads((out / "sweep.json").read_text(encoding="utf-8"))
    assert [row["name"] for row in content["rows"]] == ["plain", "r = 8, max"]
    for row, name in zip(content["rows"], ("plain", "r-8-max"), strict=True):
        cards = [open_checkpoint(out / f"{name}-seed{seed}").card for seed in (0, 1)]
        assert row["accuracies"] == [card.metrics["accuracy"].value for card in cards]
        assert (row["parameters"], row["multiply_adds"], row["epochs"]) == (cards[0].parameters, cards[0].multiply_adds, 2)
        assert (row["gates"] is None) == (name == "plain")
    assert content["tested"] == ["folder:toy, test, 18 pictures"]
    assert content["missing"] == []


def test_corrupted_pictures_are_measured_and_stand_in_the_table(swept, toy, tmp_path, monkeypatch, capsys):
    """Of trainings that are finished already as well; the figures against a mean by hand, and a second run measures nothing."""
    out = tmp_path / "out"
    shutil.copytree(swept[1], out)
    file = written(tmp_path / "s.toml", toy, ('baseline = "plain"', 'baseline = "plain"\ncorruptions = 12'))
    status, text, _ = said(capsys, file, "--out", out, "--threads", "1", "--json")
    assert status == 0
    row = json.loads(text)["rows"][1]
    shares = {"known": [], "others": []}
    for seed in (0, 1):
        conditions = json.loads((out / f"r-8-max-seed{seed}" / "corruptions.json").read_text(encoding="utf-8"))["conditions"]
        by_kind = {}
        for one in conditions[1:]:
            by_kind.setdefault(one["kind"], []).append(one["accuracy"])
        means = {kind: sum(found) / len(found) for kind, found in by_kind.items()}
        known = ("noise", "blur", "contrast", "darker", "brighter")
        shares["known"].append(sum(means[kind] for kind in known) / 5)
        shares["others"].append(sum(means[kind] for kind in ("jpeg", "occlusion", "shift", "rotation")) / 4)
    found = row["corrupted"]
    assert found["pictures"] == 12
    for name, values in shares.items():
        mean, half = sum(values) / 2, 12.7062 * abs(values[0] - values[1]) / 2
        assert found[name] == pytest.approx(mean)
        assert found[f"{name}_by_seed"] == pytest.approx(values), "in the order of the seeds"
        assert found[f"{name}_interval"] == pytest.approx([mean - half, mean + half], abs=1e-5)
    table = (out / "table.md").read_text(encoding="utf-8")
    assert "| corruptions of --corrupt | other corruptions |" in " ".join(table.splitlines()[0].split())
    assert f"{found['known']:.2%}" in table and "Corruptions: accuracy on 12 test pictures" in table
    monkeypatch.setattr("seviz.cli.corruptions.measured", lambda *_: pytest.fail("measured again"))
    turned = ("seeds = [0, 1]", "seeds = [1, 0]"), ('baseline = "plain"', 'baseline = "plain"\ncorruptions = 12')
    text = said(capsys, written(tmp_path / "turned.toml", toy, *turned), "--out", out, "--threads", "1", "--json")[1]
    assert json.loads(text)["rows"][1] == row, "whatever the order in the file"
    assert said(capsys, file, "--out", out, "--threads", "1")[0] == 0
    before = (out / "plain-seed0" / "corruptions.json").read_bytes()
    fewer = written(tmp_path / "fewer.toml", toy, ('baseline = "plain"', 'baseline = "plain"\ncorruptions = 6'))
    assert said(capsys, fewer, "--out", out, "--threads", "1")[0] == 0, "a larger measurement stays as it is"
    assert (out / "plain-seed0" / "corruptions.json").read_bytes() == before


def test_a_table_without_corrupted_pictures_has_no_columns_for_them(swept):
    assert "corruptions" not in (swept[1] / "table.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("count", ["1", "-5", "true", '"all"'])
def test_a_number_of_corrupted_pictures_that_makes_no_sense_is_one_sentence(toy, tmp_path, capsys, count):
    file = written(tmp_path / "s.toml", toy, ('baseline = "plain"', f'corruptions = {count}'))
    assert refused(capsys, file).startswith(f"{file}: corruptions is a number of test pictures, at least 2, not ")


def test_pictures_that_are_too_small_to_be_corrupted_are_said_before_the_first_training(toy, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(loop.Trainer, "_step", lambda *_: pytest.fail("trained"))
    changes = ('baseline = "plain"', 'baseline = "plain"\ncorruptions = 12'), ("lr = 0.1", "lr = 0.1\npad = 2\nsize = 7")
    file = written(tmp_path / "s.toml", toy, *changes)
    sentence = "Pictures of 7 x 7 pixels are too small to be corrupted; choose larger ones."
    assert refused(capsys, file, "--out", tmp_path / "out") == f"{file}, training 'plain': {sentence}"


def test_only_the_table(swept, tmp_path, monkeypatch, capsys):
    """It needs no pictures, and trains nothing."""
    file, out = swept
    monkeypatch.setattr("seviz.data.open_data", lambda *_, **__: pytest.fail("read"))
    status, text, _ = said(capsys, file, "--out", out, "--table-only", "--json")
    assert status == 0
    assert json.loads(text) == json.loads((out / "sweep.json").read_text(encoding="utf-8"))
    status, text, _ = said(capsys, file, "--out", tmp_path / "new", "--table-only")
    assert "Missing: plain, seed 0, 0 of 2 epochs done." in text


def test_a_dry_run_says_what_each_network_costs(swept, tmp_path, capsys):
    file, out = swept
    status, text, _ = said(capsys, file, "--out", tmp_path / "new", "--dry-run", "--json")
    assert status == 0
    assert not (tmp_path / "new").exists()
    for one in json.loads(text)["trainings"]:
        card = open_checkpoint(out / Path(one["folder"]).name).card
        assert (one["parameters"], one["multiply_adds"]) == (card.parameters, card.multiply_adds)
        assert (one["standing"], one["epochs"]) == ("new", 2)


def test_the_data_of_the_command_line_come_first(swept, toy, tmp_path, capsys):
    file = written(tmp_path / "s.toml", "/nowhere")
    assert read_plan(file, "cifar10").variations[1].settings["data"] == "cifar10"
    status, text, _ = said(capsys, file, "--out", swept[1], "--data", f"folder:{toy}", "--dry-run", "--json")
    assert status == 0
    assert json.loads(text)["command"] == f"python -m seviz sweep s.toml --data folder:toy --out {swept[1].name}"  # no places


# the files in the repository


@pytest.mark.parametrize("file", sorted((ROOT / "docs" / "sweeps").glob("*.toml")), ids=lambda file: file.stem)
def test_the_sweeps_of_the_repository_can_be_planned(file, tmp_path, capsys):
    cifar = write_folder(tmp_path / "cifar", side=32)
    common = ["--data", f"folder:{cifar}", "--out", tmp_path / "new", "--dry-run", "--json"]
    status, text, _ = said(capsys, file, *common)
    assert status == 0
    trainings = json.loads(text)["trainings"]
    assert len(trainings) == len(read_plan(file).variations) * len(read_plan(file).seeds)
    assert len({one["folder"] for one in trainings}) == len(trainings)


def test_every_option_of_a_recipe_is_a_setting(toy, tmp_path):
    """All of them but the seed can be written into a file, and reach the recipe."""
    values = {"epochs": 3, "batch": 32, "lr": 0.2, "momentum": 0.8, "weight_decay": 0.001, "se_lr": 2.0, "flip": False}
    values |= {"label_smoothing": 0.2, "warmup": 0.2, "ema": 0.9, "precision": "bf16", "crop": "resized", "least_area": 0.5}
    values |= {"pad": 2, "crop_size": 12, "alternate": False, "cutout": 3, "corrupt": 0.5, "small_side": 8, "small_share": 0.25}
    values |= {"whiten": True, "se_decay": True, "se_init": "torch", "se_bias": 1.5}
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    file = tmp_path / "s.toml"
    file.write_text('[[training]]\nname = "a"\narch = "se_resnet20"\n' + "\n".join(lines), encoding="utf-8")
    settings = dict(read_plan(file).variations[0].settings)
    assert settings.pop("arch") == "se_resnet20"
    recipe = asdict(Recipe(**settings))
    assert {name: recipe["peak_lr" if name == "lr" else name] for name in values} == values
    assert len(values) == len(recipe) - 1


def test_commands_in_a_sentence_stay_as_they_are_typed():
    said = "write --weight-decay again with `python -m seviz evaluate --model m --corruptions`; or --pad."
    assert as_settings(said) == (
        "write weight_decay again with `python -m seviz evaluate --model m --corruptions`; or pad."
    )


def test_options_become_settings_in_a_sentence():
    assert as_settings("--weight-decay is 0 to 1; make --lr smaller or choose another --out.") == (
        "weight_decay is 0 to 1; make lr smaller or choose another --out."
    )
