"""`seviz compare`: the report, its JSON, the file of stages, and one sentence for what went wrong."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from sets import write_folder

from seviz import cli, evaluation, similarity
from seviz.backend import Latency
from seviz.checkpoints import open_checkpoint
from seviz.data import open_data

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("data") / "toy")


@pytest.fixture(scope="module")
def trained(toy, tmp_path_factory):
    """Two networks of an epoch each, with their evaluations."""
    made = tmp_path_factory.mktemp("checkpoints")
    recipe = ["--epochs", "1", "--batch", "16", "--precision", "fp32", "--threads", "1"]
    for name in ("se_resnet20", "resnet20"):
        command = ["train", "--arch", name, "--data", f"folder:{toy}", "--out", str(made / name), *recipe]
        assert cli.main(command) == 0
    return made


@pytest.fixture
def home(trained, tmp_path, monkeypatch):
    shutil.copytree(trained, tmp_path / "checkpoints")
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return tmp_path / "checkpoints"


def said(capsys, *arguments):
    status = cli.main(["compare", *map(str, arguments)])
    out, err = capsys.readouterr()
    return status, out, err


def refused(capsys, *arguments):
    status, out, err = said(capsys, *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("seviz: ") and err.count("\n") == 1
    return err.strip()


def last_line(out):
    return json.loads(out.splitlines()[-1])


def test_the_report_of_the_bundled_pair_says_what_can_be_told(capsys):
    status, out, err = said(capsys, "se_resnet20", "resnet20")
    assert (status, err) == (0, "")
    one, other = (open_checkpoint(name).evaluation() for name in ("se_resnet20", "resnet20"))
    right = [stored.logits.argmax(1) == stored.labels for stored in (one, other)]
    points = 100 * (right[0].mean() - right[1].mean())
    lines = out.splitlines()
    assert lines[0] == "se_resnet20 against resnet20 on folder:cifar10-jpeg, test, 10,000 pictures"
    assert lines[1].startswith(f"No difference between se_resnet20 and resnet20 can be told: {points:+.2f} points")
    assert f"{(right[0] & ~right[1]).sum():,} right for se_resnet20 alone" in out
    assert "For none of the 10 classes" in out
    assert "linear CKA of stages" in out
    assert "ms a picture" not in out


def test_json_is_one_object_on_the_last_line(capsys):
    status, out, _ = said(capsys, "resnet20", "se_resnet20", "--json")
    found = last_line(out)
    assert status == 0
    assert [one["name"] for one in found["networks"]] == ["resnet20", "se_resnet20"]
    cards = [open_checkpoint(one["name"]).card for one in found["networks"]]
    for one, card in zip(found["networks"], cards, strict=True):
        assert (one["weights_sha256"], one["parameters"]) == (card.weights_sha256, card.parameters)
    assert found["difference"]["difference"] < 0
    assert sum(found["agreement"]["counts"].values()) == found["n"] == 10_000
    assert len(found["per_class"]) == 10
    assert np.shape(found["stages"]["cka"]) == (6, 6)
    assert found["latency"] == []


def test_another_seed_moves_the_bootstrap_and_the_halves_alone(capsys):
    one, other = (last_line(said(capsys, "se_resnet20", "resnet20", "--json", "--seed", seed)[1]) for seed in (0, 1))
    assert one["seed"] == 0 and other["seed"] == 1
    assert one["difference"]["interval"] == other["difference"]["interval"]
    assert one["networks"][0]["temperature"] != other["networks"][0]["temperature"]
    assert one["difference"]["bootstrap"] == pytest.approx(other["difference"]["bootstrap"], abs=5e-4)


def test_with_data_the_stages_are_computed_and_kept_beside_the_first(home, toy, capsys):
    _, out, _ = said(capsys, "se_resnet20", "resnet20", "--json")
    assert last_line(out)["stages"] is None
    status, out, _ = said(capsys, "se_resnet20", "resnet20", "--data", f"folder:{toy}", "--threads", 1, "--json")
    assert status == 0
    path = home / "se_resnet20" / "cka-resnet20.json"
    first, second = open_checkpoint("se_resnet20"), open_checkpoint("resnet20")
    kept = similarity.of_pair(first, second, first.evaluation().key)
    assert path.is_file() and str(toy) not in path.read_text(encoding="utf-8")
    np.testing.assert_allclose(last_line(out)["stages"]["cka"], kept.cka)
    data = open_data(f"folder:{toy}", "test", fit_to=first.card.preprocessing)
    stages = ("layer1", "layer2", "layer3")
    watched = [similarity.Watched(one.network(), stages, data, one.card.preprocessing) for one in (first, second)]
    np.testing.assert_allclose(similarity.stage_similarity(*watched, batch=5), kept.cka, atol=1e-5)
    _, out, _ = said(capsys, "resnet20", "se_resnet20", "--json")  # found from the other side as well
    np.testing.assert_allclose(np.array(last_line(out)["stages"]["cka"])[:3, 3:], kept.between.T)


def test_data_of_other_samples_than_the_evaluations_are_refused(home, toy, capsys):
    sentence = refused(capsys, "se_resnet20", "resnet20", "--data", f"folder:{toy}", "--split", "train")
    assert "train holds 48 other samples than the 18 of folder:toy, test that both networks were evaluated on" in sentence
    assert not (home / "se_resnet20" / "cka-resnet20.json").exists()


def test_latency_is_told_with_its_spread_and_where(home, capsys, monkeypatch):
    def measured(models, progress):
        return tuple(Latency(model.name, 4.0, 3.5, 5.0, 3.0, 60, "cpu", "float32", 1, 2) for model in models)

    monkeypatch.setattr("seviz.backend.latency", measured)
    _, out, _ = said(capsys, "se_resnet20", "resnet20", "--latency", "--device", "cpu")
    assert "resnet20: 4.00 ms a picture (half of 60 passes within 3.50 to 5.00; cpu, 1 of 2 cores, float32" in out
    _, out, _ = said(capsys, "se_resnet20", "resnet20", "--latency", "--json")
    assert [one["median"] for one in last_line(out)["latency"]] == [4.0, 4.0]


def test_what_cannot_be_compared_is_one_sentence(home, capsys):
    assert "se_resnet20 was named twice" in refused(capsys, "se_resnet20", home / "se_resnet20")
    assert "There is no checkpoint 'neither'" in refused(capsys, "se_resnet20", "neither")
    path = home / "resnet20" / "evaluation.npz"
    stored = evaluation.load(path)
    path.write_bytes(path.read_bytes()[:200])
    assert "evaluation.npz is damaged" in refused(capsys, "se_resnet20", "resnet20")
    path.unlink()
    sentence = refused(capsys, "se_resnet20", "resnet20")
    assert "resnet20 has no stored predictions; `python -m seviz evaluate" in sentence
    evaluation.save(path, replace(stored, weights_sha256="0" * 64))
    assert "is of other weights than its card" in refused(capsys, "se_resnet20", "resnet20")


def test_of_networks_with_other_classes_cost_and_stages_are_told(home, toy, capsys, monkeypatch):
    monkeypatch.delenv("SEVIZ_CHECKPOINTS")
    ours = home.parent / "ten" / "se_resnet20"
    shutil.copytree(open_checkpoint("se_resnet20").folder, ours, ignore=shutil.ignore_patterns("cka-*"))
    (home / "resnet20" / "evaluation.npz").unlink()
    status, out, _ = said(capsys, ours, home / "resnet20")
    assert status == 0
    assert out.startswith("se_resnet20 and resnet20 know different classes, so their answers cannot be compared.\n")
    theirs = open_checkpoint(home / "resnet20").card
    assert f"resnet20           3  {theirs.parameters:>12,}" in out and "CKA" not in out
    _, out, _ = said(capsys, ours, home / "resnet20", "--data", f"folder:{toy}", "--threads", 1, "--json")
    found = last_line(out)
    assert [one["classes"] for one in found["networks"]] == [10, 3]
    both, watched = (open_checkpoint(ours), open_checkpoint(home / "resnet20")), []
    for one in both:
        data = open_data(f"folder:{toy}", "test", fit_to=one.card.preprocessing)
        watched.append(similarity.Watched(one.network(), ("layer1", "layer2", "layer3"), data, one.card.preprocessing))
    np.testing.assert_allclose(found["stages"]["cka"], similarity.stage_similarity(*watched), atol=1e-5)
    assert not (ours / similarity.file_name("resnet20")).exists()


def test_a_damaged_file_of_stages_leaves_the_rest(home, capsys):
    name = similarity.file_name("resnet20")
    (home / "se_resnet20" / name).write_bytes(b"{")
    status = cli.main(["compare", "se_resnet20", "resnet20"])
    text = capsys.readouterr().out
    assert status == 0
    assert "calibration, measured on" in text
    assert f"likeness of stages: {home / 'se_resnet20' / name}" in text


def test_options_of_data_that_cannot_be_are_one_sentence(home, toy, capsys):
    both = ["compare", "se_resnet20", "resnet20"]
    assert cli.main([*both, "--split", "train"]) == 2
    assert "--split train is of --data, which was not given" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main([*both, "--batch", "16385"])
    assert "number from 1 to 16384" in capsys.readouterr().err
    place = home / "se_resnet20" / similarity.file_name("resnet20")
    place.mkdir()
    assert cli.main([*both, "--data", f"folder:{toy}"]) == 2
    assert f"{place} is there and no file" in capsys.readouterr().err
