"""epochs.npz: what was kept is read, and nothing else is taken for it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sets import coloured

from seviz.checkpoints import Checkpoint, open_checkpoint
from seviz.errors import CheckpointError
from seviz.excitation.store import opened, sealed
from seviz.files import write_npz
from seviz.gate_history import GateHistory, load_gate_history, save_gate_history, stack

ROOT = Path(__file__).parents[1]
DATA = coloured(12, split="test")
MEANS = np.random.default_rng(0).random((4, 3, 5)).astype(np.float16)
TEN = np.full((4, 10, 5), 0.5, dtype=np.float16)
FOUND = GateHistory({"layer1.0.se": MEANS, "layer2.0.se": 1 - MEANS}, DATA.classes, DATA.key, "ab" * 32)


def test_what_was_saved_is_read(tmp_path):
    save_gate_history(tmp_path, FOUND)
    read = load_gate_history(tmp_path / "epochs.npz")
    assert (read.classes, read.key, read.weights_sha256, read.epochs) == (FOUND.classes, FOUND.key, FOUND.weights_sha256, 4)
    assert list(read.means) == ["layer1.0.se", "layer2.0.se"]
    assert all(np.array_equal(values, FOUND.means[path]) for path, values in read.means.items())


def test_a_class_without_pictures_is_kept_as_such(tmp_path):
    means = MEANS.copy()
    means[:, 1] = np.nan
    save_gate_history(tmp_path, replace(FOUND, means={"se": means}))
    assert np.isnan(load_gate_history(tmp_path / "epochs.npz").means["se"][:, 1]).all()


@pytest.mark.parametrize(
    "change",
    [
        {"means.layer1.0.se": MEANS[:2]},
        {"means.layer1.0.se": MEANS[:, :2]},
        {"means.layer1.0.se": MEANS.astype(np.float32)},
        {"means.layer1.0.se": MEANS + np.float16(1)},
        {"head": np.array("[]")},
    ],
)
def test_arrays_that_no_training_leaves_are_one_sentence(tmp_path, change):
    save_gate_history(tmp_path, FOUND)
    path = tmp_path / "epochs.npz"
    write_npz(path, sealed({**opened(path), **change}))
    with pytest.raises(CheckpointError, match=r"epochs\.npz is damaged or altered; fetch the whole folder again"):
        load_gate_history(path)


def test_damaged_and_altered_files_are_one_sentence(tmp_path):
    save_gate_history(tmp_path, FOUND)
    path = tmp_path / "epochs.npz"
    whole, arrays = path.read_bytes(), opened(path)
    for content in (whole[:200], b"", b"no archive"):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match="damaged"):
            load_gate_history(path)
    write_npz(path, {**arrays, "sha256": np.array("0" * 64)})
    with pytest.raises(CheckpointError, match="altered"):
        load_gate_history(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_gate_history(path)


def test_epochs_are_stacked_by_site():
    assert stack([]) == {}
    stacked = stack([{"a": MEANS[0]}, {"a": MEANS[1]}])
    assert np.array_equal(stacked["a"], MEANS[:2])


def test_a_checkpoint_gives_its_own_and_refuses_that_of_others(tmp_path):
    folder = tmp_path / "se_resnet20"
    shutil.copytree(ROOT / "checkpoints" / "se_resnet20", folder, ignore=lambda *_: ["epochs.npz", "gates.npz"])
    card = open_checkpoint(folder).card
    assert Checkpoint(folder, card).gate_history() is None
    mine = replace(FOUND, classes=card.classes, weights_sha256=card.weights_sha256, means={"se": TEN})
    save_gate_history(folder, mine)
    assert np.array_equal(Checkpoint(folder, card).gate_history().means["se"], TEN)
    save_gate_history(folder, FOUND)
    with pytest.raises(CheckpointError, match="is of another training than its card"):
        Checkpoint(folder, card).gate_history()
