"""`seviz excite`, and what a checkpoint says of the files that it writes."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import replace

import numpy as np
import pytest
from networks import lively
from sets import write_folder
from test_checkpoints import card_of
from test_cli import refused, said

from seviz.checkpoints import open_checkpoint, save_checkpoint
from seviz.data import open_data
from seviz.errors import CheckpointError
from seviz.excitation import excitation_of, load_excitation, load_gates, merge, save_excitation, save_gates

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("data") / "toy")


@pytest.fixture(scope="module")
def made(toy, tmp_path_factory):
    """A home of checkpoints: "se", with both files, and "plain"."""
    home = tmp_path_factory.mktemp("checkpoints")
    for name, arch in (("se", "se_resnet20"), ("plain", "resnet20")):
        net = lively(arch)
        save_checkpoint(home / name, net, card_of(net, name))
    from seviz import cli

    assert cli.main(["excite", "--model", str(home / "se"), "--data", f"folder:{toy}", "--threads", "1"]) == 0
    return home


@pytest.fixture
def home(made, tmp_path, monkeypatch):
    """A copy of `made` that a test may damage, as SEVIZ_CHECKPOINTS."""
    shutil.copytree(made, tmp_path / "checkpoints")
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return tmp_path / "checkpoints"


def test_the_files_stand_beside_the_checkpoint_and_hold_its_gates(home, toy):
    checkpoint = open_checkpoint("se")
    found, samples = checkpoint.excitation(), checkpoint.sample_gates()
    data = open_data(f"folder:{toy}", "test", fit_to=checkpoint.card.preprocessing).labelled_as(checkpoint.card.classes)
    again = excitation_of(checkpoint.network(), data, checkpoint.card.preprocessing, batch=5)
    assert found.count.tolist() == [6, 6, 6, 0, 0]
    assert (found.key.weights_sha256, found.key.classes) == (checkpoint.card.weights_sha256, checkpoint.card.classes)
    for path, site in found.sites.items():
        np.testing.assert_allclose(site.gate_sum / 18, again.sites[path].gate_sum / 18, atol=1e-5)
    assert (samples.complete, samples.ids, samples.key) == (True, data.ids, found.key)
    assert list(samples.projections) == [site.path for site in found.key.sites]


def test_without_files_there_is_nothing(home):
    plain = open_checkpoint("plain")
    assert (plain.excitation(), plain.sample_gates()) == (None, None)


def test_what_is_said_of_a_run(home, toy, tmp_path, capsys):
    out = tmp_path / "elsewhere" / "new"
    command = ["excite", "--model", "se", "--data", f"folder:{toy}", "--split", "train", "--batch", "7", "--out", out]
    status, text, err = said(capsys, [*command, "--threads", "1", "--json"])
    assert (status, err) == (0, "")
    figures = json.loads(text.splitlines()[-1])
    found = load_excitation(out / "excitation.npz")
    assert (figures["n"], figures["split"], figures["samples"], figures["resumed"]) == (48, "train", 48, 0)
    assert figures["classes"] == {"ant": 16, "bee": 16, "cat": 16, "dog": 0, "elk": 0}
    assert figures["samples_sha256"] == found.key.data.sha256
    assert figures["files"] == {name: (out / name).stat().st_size for name in ("excitation.npz", "gates.npz")}
    one = figures["sites"][-1]
    gates = load_gates(out / "gates.npz").gates["layer3.2.se"].astype(float)
    assert one["path"] == "layer3.2.se"
    assert one["mean"] == pytest.approx(gates.mean(), abs=1e-4)
    assert one["deviation"] == pytest.approx(gates.std(0).mean(), abs=1e-4)
    assert one["silent"] == int((found.sites["layer3.2.se"].fired == 0).sum())
    status, text, _ = said(capsys, [*command, "--threads", "1", "--resume"])
    assert status == 0
    assert text.startswith("se on folder:toy, train, 48 pictures\n")
    assert f"wrote {out / 'gates.npz'} (" in text


def test_without_scikit_learn_the_run_says_so(home, toy, tmp_path, monkeypatch, capsys):
    for name in [name for name in sys.modules if name.partition(".")[0] == "sklearn"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    status, text, _ = said(capsys, ["excite", "--model", "se", "--data", f"folder:{toy}", "--out", tmp_path / "out"])
    assert status == 0
    assert "without projections of the samples: scikit-learn is not installed" in text


def test_halves_of_the_committed_kind_merge_to_the_whole(home, toy):
    checkpoint = open_checkpoint("se")
    card = checkpoint.card
    data = open_data(f"folder:{toy}", "test", fit_to=card.preprocessing).labelled_as(card.classes)
    halves = [
        excitation_of(checkpoint.network(), data, card.preprocessing, rows, weights_sha256=card.weights_sha256)
        for rows in (np.arange(0, 18, 2), np.arange(1, 18, 2))
    ]
    whole, stored = merge(*halves), checkpoint.excitation()
    assert (whole.covered, whole.key) == (stored.covered, stored.key)
    for path, site in whole.sites.items():
        np.testing.assert_allclose(site.gate_sum / 18, stored.sites[path].gate_sum / 18, atol=1e-5)


# refusals


def test_what_cannot_be_measured_is_one_sentence(home, toy, tmp_path, capsys):
    data = f"folder:{toy}"
    assert "a plain network: it has no gates" in refused(capsys, ["excite", "--model", "plain", "--data", data])
    assert "There is no checkpoint 'nobody'" in refused(capsys, ["excite", "--model", "nobody", "--data", data])
    shutil.copytree(toy, tmp_path / "other")
    os.rename(tmp_path / "other" / "test" / "ant", tmp_path / "other" / "test" / "zebra")
    sentence = refused(capsys, ["excite", "--model", "se", "--data", f"folder:{tmp_path / 'other'}"])
    assert "classes that are not the network's: zebra" in sentence
    with (home / "se" / "model.safetensors").open("r+b") as file:
        file.seek(5000)
        file.write(b"altered")
    assert "was altered" in refused(capsys, ["excite", "--model", "se", "--data", data])


def test_a_state_of_other_settings_is_one_sentence(home, toy, monkeypatch, capsys):
    from seviz.excitation import job

    def stopped(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(job, "project", stopped)
    command = ["excite", "--model", "se", "--data", f"folder:{toy}", "--threads", "1"]
    before = (home / "se" / "excitation.npz").read_bytes()
    assert said(capsys, command)[0] == 130
    monkeypatch.undo()
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(home))
    assert "(batch)" in refused(capsys, [*command, "--batch", "5", "--resume"])
    sentence = refused(capsys, [*command, "--split", "train", "--resume"])
    assert "started with other inputs (split, pictures)" in sentence
    (home / "se" / "excitation.resume.npz").write_bytes(b"half")
    assert "is damaged; remove it and start again without --resume" in refused(capsys, [*command, "--resume"])
    unfinished = "holds a pass that is not finished; continue with --resume, or remove"
    assert unfinished in refused(capsys, command)
    assert (home / "se" / "excitation.resume.npz").read_bytes() == b"half"
    (home / "se" / "excitation.resume.npz").unlink()
    assert said(capsys, command)[0] == 0
    assert (home / "se" / "excitation.npz").read_bytes() == before


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"weights_sha256": "00" * 32}, "weights"),
        ({"classes": ("ant", "bee", "cat", "dog", "eel")}, "classes"),
        ({"weights_sha256": ""}, "weights"),
    ],
)
def test_files_of_another_network_are_refused_by_what_differs(home, change, named):
    checkpoint = open_checkpoint("se")
    found, samples = checkpoint.excitation(), checkpoint.sample_gates()
    save_excitation(home / "se" / "excitation.npz", replace(found, key=replace(found.key, **change)))
    save_gates(home / "se" / "gates.npz", replace(samples, key=replace(samples.key, **change)))
    for name, read in (("excitation", checkpoint.excitation), ("gates", checkpoint.sample_gates)):
        with pytest.raises(CheckpointError) as caught:
            read()
        again = f"write it again with `python -m seviz excite --model {home / 'se'} --data D`."
        assert str(caught.value) == f"{home / 'se' / name}.npz is of other {named} than its card; {again}"


def test_files_of_other_sites_or_pictures_sizes_are_refused(home):
    for name in ("excitation.npz", "gates.npz"):
        shutil.copy(home / "se" / name, home / "plain" / name)
    plain, found = open_checkpoint("plain"), open_checkpoint("se").excitation()
    for read in (plain.excitation, plain.sample_gates):
        with pytest.raises(CheckpointError, match="is of other weights and sites than its card"):
            read()
    other = replace(found.key, preprocessing=replace(found.key.preprocessing, crop=1.0))
    save_excitation(home / "se" / "excitation.npz", replace(found, key=other))
    with pytest.raises(CheckpointError, match="is of other preprocessing than its card"):
        open_checkpoint("se").excitation()


def test_gates_by_sample_of_another_pass_than_the_statistics_are_refused(home, toy):
    statistics = (home / "se" / "excitation.npz").read_bytes()
    from seviz import cli

    assert cli.main(["excite", "--model", "se", "--data", f"folder:{toy}", "--split", "train", "--threads", "1"]) == 0
    (home / "se" / "excitation.npz").write_bytes(statistics)
    with pytest.raises(CheckpointError, match=r"gates.npz is of other split than the excitation.npz beside it; write both"):
        open_checkpoint("se").sample_gates()
    (home / "se" / "excitation.npz").unlink()
    assert open_checkpoint("se").sample_gates().key.data.split == "train"


def test_a_damaged_file_or_a_pipe_is_one_sentence(home):
    checkpoint = open_checkpoint("se")
    for name, read in (("excitation.npz", checkpoint.excitation), ("gates.npz", checkpoint.sample_gates)):
        path = home / "se" / name
        path.write_bytes(path.read_bytes()[:-100])
        with pytest.raises(CheckpointError, match=f"{name} is damaged; write it again with"):
            read()
        path.unlink()
        os.mkfifo(path)
        with pytest.raises(CheckpointError, match=rf"{name} cannot be read \(not a regular file\)"):
            read()


@pytest.mark.parametrize("name", ["excitation.npz", "gates.npz", "excitation.resume.npz"])
@pytest.mark.parametrize("resume", [[], ["--resume"]])
def test_a_folder_or_a_pipe_in_a_files_place_is_refused_before_the_pass(home, toy, tmp_path, capsys, monkeypatch, name, resume):
    def passed(*arguments, **options):
        raise AssertionError("a pass was begun")

    from seviz.excitation import job

    monkeypatch.setattr(job, "batches_of", passed)
    out = tmp_path / "out"
    command = ["excite", "--model", "se", "--data", f"folder:{toy}", "--threads", "1", "--out", str(out), *resume]
    (out / name).mkdir(parents=True)
    assert f"{out / name} is there and no file" in refused(capsys, command)
    (out / name).rmdir()
    os.mkfifo(out / name)
    sentence = refused(capsys, command)
    assert f"{out / name} is there and no file" in sentence
    assert "remove it" in sentence if "resume" in name else "choose another" in sentence
