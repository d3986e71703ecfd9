"""Maps over a sample of pictures: the sample, figures against slow ones, a file that a kill does not spoil, the command."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from networks import CLASSES, lively
from sets import coloured, write_folder
from test_ablation import leaves
from test_backend import model_of
from test_checkpoints import card_of

from seviz import cli
from seviz.analysis.faithfulness import (
    MEASURES,
    Beside,
    Figure,
    Stage,
    balanced,
    curve_verdict,
    dependence,
    figure,
    findings,
    long,
    wide,
)
from seviz.card import content_sha256
from seviz.checkpoints import open_checkpoint, save_checkpoint
from seviz.errors import CheckpointError, JobError, RequestError
from seviz.faithfulness import Sampling, Setting, load_faithfulness, measure
from seviz.faithfulness.draws import seed_of
from seviz.faithfulness.state import State
from seviz.resuming import state_path

pytestmark = pytest.mark.usefixtures("one_thread")

ROOT = Path(__file__).resolve().parents[1]
SHA = "ab" * 32
SMALL = Setting(steps=3, orders=2, moves=2, squares=6, noisy=2, seed=4)
METHODS = ("gradcam", "saliency")


# the sample


def test_a_sample_takes_classes_in_turn_and_grows_from_the_smaller_one():
    labels = np.repeat([0, 1, 2, 3], [50, 50, 50, 2])
    chosen = balanced(labels, 14, 0)
    assert len(set(chosen.tolist())) == 14
    assert sorted(np.bincount(labels[chosen]).tolist()) == [2, 4, 4, 4]
    for count in range(1, 14):
        assert np.array_equal(balanced(labels, count, 0), chosen[:count])
    assert sorted(labels[balanced(labels, 4, 0)].tolist()) == [0, 1, 2, 3]
    assert not np.array_equal(balanced(labels, 14, 1), chosen)
    assert sorted(balanced(labels, 10**6, 0).tolist()) == list(range(152))


# figures and words


def test_a_figure_by_hand_and_by_slow_resampling():
    rng = np.random.default_rng(0)
    own, other = rng.random(200), rng.random(200) + 0.1
    one = figure("deletion", own, {"random": other})
    assert one.value == pytest.approx(sum(own) / 200)
    assert one.beside[0].value == pytest.approx(sum(other) / 200)
    assert one.beside[0].difference == pytest.approx(sum(own - other) / 200)
    rows = [rng.integers(0, 200, 200) for _ in range(4000)]
    for found, sample in ((one.interval, own), (one.beside[0].interval, own - other)):
        assert found == pytest.approx(tuple(np.quantile([sample[r].mean() for r in rows], [0.025, 0.975])), abs=0.008)


def made(measure_, low, high):
    beside = tuple(Beside(name, 0.3, (low + high) / 2, (low, high)) for name in MEASURES[measure_].beside)
    return Figure(measure_, 0.4, (0.35, 0.45), beside)


@pytest.mark.parametrize(
    ("measure_", "low", "high", "better"),
    [
        ("deletion", -0.2, -0.1, 1), ("deletion", 0.1, 0.2, -1), ("deletion", -0.1, 0.1, 0),
        ("insertion", 0.1, 0.2, 1), ("insertion", -0.2, -0.1, -1), ("sensitivity", -0.2, -0.1, 1),
    ],
)  # fmt: skip
def test_what_is_better_depends_on_the_measure(measure_, low, high, better):
    assert made(measure_, low, high).better() == better


class Method:
    title = "Grad-CAM"
    figures = (made("deletion", -0.2, -0.1), made("insertion", -0.1, 0.1), made("infidelity", 0.1, 0.2),
               made("sensitivity", -0.2, -0.1))  # fmt: skip
    stages = (Stage("fc", 0.5, (0.4, 0.6), 0.6, (0.5, 0.7)), Stage("conv1", 0.0, (-0.1, 0.1), 0.1, (0.0, 0.2)))


def test_words_follow_from_the_figures():
    said = findings(Method.title, Method.figures, Method.stages)
    assert said[0].startswith("Grad-CAM, area under the deletion curve 0.400: better than a random order (-0.150, -0.200 to")
    assert "not told apart from a random order (+0.000" in said[1]
    assert said[2].endswith("worse than the map's values in other places (+0.150, +0.100 to +0.200).")
    assert said[4] == (
        "Grad-CAM, weights redrawn: the rank correlation with the trained network's map is 0.60 when fc has forgotten and "
        "0.10 (0.00 to 0.20) when everything has: the map depends on what was learned."
    )
    assert dependence((0.75, 0.9)) == "the map hardly depends on what was learned"
    assert dependence((0.35, 0.8)) == dependence((-0.6, -0.4)) == "a part of the map does not depend on what was learned"
    for known in ((0.2, 0.5), (-0.5, -0.1), (-0.4, 0.9)):
        assert dependence(known) == "whether all of the map depends on what was learned cannot be told"


def test_tables_hold_every_figure():
    table = wide([Method])
    assert table["deletion"] == ["0.400 (0.350 to 0.450)*"] and table["infidelity"] == ["0.400 (0.350 to 0.450)!"]
    assert table["all weights redrawn"] == ["0.100 (0.000 to 0.200)"]
    rows = long([Method])
    assert len({len(column) for column in rows.values()}) == 1
    assert len(rows["method"]) == 3 + 3 + 1 + 1 + 2 * 2
    assert rows["beside"][:4] == ["random", "moved", "backwards", "random"]


@pytest.mark.parametrize(
    ("kind", "own", "words"),
    [
        ("deletion", 0.1, "better than each of 3 random orders"),
        ("deletion", 0.35, "better than 2 of 3 random orders"),
        ("deletion", 0.9, "worse than each of 3 random orders"),
        ("insertion", 0.9, "better than each of 3 random orders"),
    ],
)
def test_one_picture_is_told_beside_its_random_orders(kind, own, words):
    said = curve_verdict(kind, own, np.array([0.3, 0.4, 0.5]), 0.05, 0.7)
    assert said.startswith(f"Area {own:.3f}: **{words}** (0.300 to 0.500), ")
    assert ("no better than the same map in another place (0.050)" in said) == (kind == "deletion")


# the job


@pytest.fixture(scope="module")
def data():
    made = coloured(12, seed=5, split="test")
    return replace(made, classes=CLASSES, labels=np.arange(12) % 5)


@pytest.fixture(scope="module")
def ask():
    with model_of(lively()) as model:

        def answer(pixels, setting):
            predicted = model.inspect(pixels, layers=()).predictions(1)[0].index
            return model.faithfulness(pixels, predicted, METHODS, setting=setting)

        yield answer


def sampling(**changes):
    return Sampling(**{"weights_sha256": SHA, "methods": METHODS, "layer": "layer3", "command": "as typed", "samples": 6,
                       "setting": SMALL, **changes})  # fmt: skip


@pytest.fixture(scope="module")
def found(ask, data, tmp_path_factory):
    return measure(ask, data, tmp_path_factory.mktemp("found") / "faithfulness.json", sampling())


def test_figures_are_means_over_the_sample(ask, data, found):
    chosen = balanced(data.labels, 6, SMALL.seed)
    answers = [ask(data.pictures[row], replace(SMALL, seed=seed_of(SMALL.seed, data.ids[row]))) for row in chosen]
    assert found.n == 6 and [one.method for one in found.methods] == list(METHODS)
    assert found.right == sum(one[0].class_index == data.labels[row] for one, row in zip(answers, chosen, strict=True))
    for place, method in enumerate(found.methods):
        figures = [one[place].figures() for one in answers]
        for one in method.figures:
            assert one.value == pytest.approx(np.mean([each[one.measure]["own"] for each in figures]))
            for other in one.beside:
                wanted = [each[one.measure]["own"] - each[one.measure][other.reference] for each in figures]
                assert other.difference == pytest.approx(np.mean(wanted))
        assert [one.stage for one in method.stages] == ["fc", "layer3", "layer2", "layer1", "conv1"]
        for number, one in enumerate(method.stages):
            assert one.signed == pytest.approx(np.mean([each[place].redrawn[number].signed for each in answers]))
            assert one.absolute == pytest.approx(np.mean([each[place].redrawn[number].absolute for each in answers]))
        assert method.flat == sum(each[place].is_flat for each in answers)


class StoppedError(Exception):
    pass


def stopped(ask, data, path, after, **options):
    def progress(done, total):
        if done >= after:
            raise StoppedError

    with pytest.raises(StoppedError):
        measure(ask, data, path, sampling(save_every=0, progress=progress, **options))


def test_a_resumed_sample_is_the_same_and_may_grow(ask, data, found, tmp_path):
    path, asked = tmp_path / "faithfulness.json", []

    def counted(pixels, setting):
        asked.append(1)
        return ask(pixels, setting)

    stopped(ask, data, path, 2, samples=3)
    assert [one.name for one in tmp_path.iterdir()] == ["faithfulness.resume.npz"]
    assert measure(counted, data, path, sampling(resume=True)) == found
    assert len(asked) == 4
    assert [one.name for one in tmp_path.iterdir()] == ["faithfulness.json"]
    stopped(ask, data, path, 4)
    assert measure(counted, data, path, sampling(resume=True, samples=3)).n == 3
    assert len(asked) == 4


def test_a_real_kill_leaves_a_state_that_goes_on(ask, data, found, tmp_path):
    script = """
import os, signal, sys
sys.path[:0] = ["tests", "."]
import torch
torch.set_num_threads(1)
from pathlib import Path
import test_faithfulness_sample as t
kill = lambda done, total: done < 3 or os.kill(os.getpid(), signal.SIGKILL)
data = t.replace(t.coloured(12, seed=5, split="test"), classes=t.CLASSES, labels=t.np.arange(12) % 5)
model = t.model_of(t.lively())
ask = lambda pixels, own: model.faithfulness(
    pixels, model.inspect(pixels, layers=()).predictions(1)[0].index, t.METHODS, setting=own)
t.measure(ask, data, Path(sys.argv[1]), t.sampling(save_every=0, progress=kill))
"""
    path = tmp_path / "faithfulness.json"
    done = subprocess.run([sys.executable, "-c", script, str(path)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert len(State.load(state_path(path)).values) == 3 and not path.exists()
    assert measure(ask, data, path, sampling(resume=True)).methods == found.methods


def test_a_state_is_neither_overwritten_nor_resumed_as_something_else(ask, data, tmp_path):
    path = tmp_path / "faithfulness.json"
    stopped(ask, data, path, 2)
    state = state_path(path).read_bytes()
    with pytest.raises(JobError, match="is of a run that is not finished; continue with --resume, or remove it"):
        measure(ask, data, path, sampling())
    changes = {"methods": ("gradcam",), "layer": "layer2", "weights_sha256": "cd" * 32, "setting": Setting()}
    for name, value in changes.items():
        named = name.removesuffix("_sha256")
        with pytest.raises(JobError, match=rf"was started with other inputs \({named}\)"):
            measure(ask, data, path, sampling(resume=True, **{name: value}))
    assert state_path(path).read_bytes() == state
    for damaged in (b"", state[: len(state) // 2], state[:900] + bytes([state[900] ^ 255]) + state[901:]):
        state_path(path).write_bytes(damaged)
        with pytest.raises(JobError, match="is damaged; remove it and start again without --resume"):
            measure(ask, data, path, sampling(resume=True))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"methods": ()}, "There is no method ''"),
        ({"methods": ("gradcam", "guess")}, "There is no method 'guess'; use one of gradcam"),
        ({"methods": ("gradcam", "gradcam")}, "A method is named twice"),
        ({"samples": 1}, "Intervals need at least two pictures, and 1 would be looked at"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(ask, data, tmp_path, changes, sentence):
    with pytest.raises(RequestError, match=sentence):
        measure(ask, data, tmp_path / "faithfulness.json", sampling(**changes))
    assert list(tmp_path.iterdir()) == []


# faithfulness.json


def test_what_is_read_is_what_was_written(ask, data, found, tmp_path):
    path = tmp_path / "faithfulness.json"
    assert measure(ask, data, path, sampling()) == found == load_faithfulness(path)
    values = json.loads(path.read_text(encoding="utf-8"))
    assert values["findings"] == list(found.findings)
    assert str(tmp_path) not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.update(format=2),
        lambda v: v.pop("methods"),
        lambda v: v["methods"][0].update(method="guess"),
        lambda v: v["methods"][0]["figures"].pop(),
        lambda v: v["methods"][0]["figures"].reverse(),
        lambda v: v["methods"][0]["figures"][0]["beside"].pop(),
        lambda v: v["methods"][0]["figures"][0].update(value=None),
        lambda v: v["methods"][0]["stages"][0].update(signed=2),
        lambda v: v["methods"][0].update(flat=7),
        lambda v: v["setting"].update(steps=0),
        lambda v: v.update(n=10**400),
        lambda v: v.update(methods=7),
        lambda v: v.clear(),
    ],
)
def test_a_damaged_file_is_one_sentence(found, tmp_path, change):
    path, values = tmp_path / "faithfulness.json", json.loads(json.dumps(found.to_json()))
    change(values)
    if "content_sha256" in values:  # as if its writer had been wrong
        values["content_sha256"] = content_sha256(values, "content_sha256")
    path.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"faithfulness\.json is damaged; write it again with `python -m seviz faithf"):
        load_faithfulness(path)


def test_no_value_of_a_file_is_altered_unseen(found, tmp_path):
    path, whole = tmp_path / "faithfulness.json", json.dumps(found.to_json())
    ways = leaves(json.loads(whole))
    assert len(ways) > 150
    for way in ways:
        values = holder = json.loads(whole)
        for name in way[:-1]:
            holder = holder[name]
        holder[way[-1]] = 0.123
        path.write_text(json.dumps(values), encoding="utf-8")
        with pytest.raises(CheckpointError, match="is damaged; write it again with"):
            load_faithfulness(path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b"null", b'{"format": NaN}', b"[" * 5000])
def test_what_is_no_such_file_at_all_is_one_sentence(tmp_path, content):
    path = tmp_path / "faithfulness.json"
    with pytest.raises(CheckpointError, match=r"There is no .*faithfulness\.json; `python -m seviz faithfulness"):
        load_faithfulness(path)
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="is damaged"):
        load_faithfulness(path)


# the command


@pytest.fixture
def home(tmp_path, monkeypatch):
    net = lively()
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(tmp_path / "home"))
    save_checkpoint(tmp_path / "home" / "tiny", net, card_of(net))
    return tmp_path / "home"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("data") / "toy")


def command(folder, *more):
    return ["faithfulness", "--model", "tiny", "--data", f"folder:{folder}", "--threads", "1", "--samples", "3", *more]


def test_the_command_writes_the_file_of_the_checkpoint(home, folder, capsys):
    assert open_checkpoint("tiny").faithfulness() is None
    assert cli.main(command(folder, "--methods", "saliency,gradcam", "--json")) == 0
    printed = json.loads(capsys.readouterr().out.splitlines()[-1])
    found = open_checkpoint("tiny").faithfulness()
    assert (printed["model"], found.n, [one.method for one in found.methods]) == ("tiny", 3, ["saliency", "gradcam"])
    assert json.loads(json.dumps(found.to_json())) == {key: printed[key] for key in found.to_json()}
    assert found.command == "python -m seviz faithfulness --model tiny --data folder:toy --samples 3 --methods saliency,gradcam"
    cli.parser().parse_args(found.command.split()[3:])
    card = json.loads((home / "tiny" / "card.json").read_text(encoding="utf-8"))
    card["weights_sha256"] = "0" * 64
    del card["card_sha256"]
    (home / "tiny" / "card.json").write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(CheckpointError, match="is of other weights than its card; write it again with `python -m seviz faith"):
        open_checkpoint("tiny").faithfulness()


def test_the_command_says_it_in_words(home, folder, tmp_path, capsys):
    out = tmp_path / "other.json"
    assert cli.main(command(folder, "--methods", "saliency", "--layer", "layer2", "--seed", "3", "--out", str(out))) == 0
    text, found = capsys.readouterr().out, load_faithfulness(out)
    assert f"3 pictures of folder:toy, test ({found.right} predicted right)" in text
    assert all(sentence in text for sentence in found.findings)
    (row,) = [line for line in text.splitlines() if line.startswith("Saliency  ")]
    assert f"{found.methods[0].figure('insertion').value:.3f} (" in row
    assert found.layer == "layer2" and found.setting.seed == 3
    assert open_checkpoint("tiny").faithfulness() is None


def test_what_the_command_refuses_is_one_sentence(home, folder, tmp_path, capsys):
    (tmp_path / "x.resume.npz").write_bytes(b"")
    out = str(tmp_path / "x.json")
    cases = [
        (["--methods", "guess"], "There is no method 'guess'; use one of gradcam"),
        (["--methods", ""], "There is no method ''"),
        (["--methods", "gradcam,gradcam"], "A method is named twice"),
        (["--layer", "layer9"], "tiny has no layer 'layer9'; try one of layer1"),
        (["--model", "absent"], "There is no checkpoint 'absent'"),
        (["--out", out], "is of a run that is not finished"),
        (["--resume", "--out", out], "is damaged; remove it"),
    ]
    for arguments, sentence in cases:
        assert cli.main(command(folder, *arguments)) == 2
        printed, err = capsys.readouterr()
        assert printed == "" and err.count("\n") == 1 and sentence in err
    with pytest.raises(SystemExit):
        cli.main(command(folder, "--samples", "1"))


def test_a_stopped_command_says_how_to_go_on(home, folder, capsys, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("seviz.faithfulness.job._fill", stop)
    assert cli.main(command(folder)) == 130
    assert "stopped; the same command with --resume goes on" in capsys.readouterr().err


def test_the_bundled_files_are_of_the_bundled_networks():
    for name in ("se_resnet20", "resnet20"):
        found = open_checkpoint(ROOT / "checkpoints" / name).faithfulness()
        assert found is not None and found.n >= 20 and len(found.methods) == 5
