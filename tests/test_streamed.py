"""Sets that are not held in memory: the same pictures, answers and files as those that are, decoded while they are used."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
import torch
from PIL import Image
from sets import coloured, write_folder

from seviz import cli, data
from seviz.data import StreamedPictures, folders, matching, streamed
from seviz.errors import DataError
from seviz.images import Preprocessing
from seviz.training import Recipe, plan_epoch

FIT = Preprocessing(16, 16)
MORE = Preprocessing(12, 14, mean=(0.4, 0.5, 0.6), crop=0.9)


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("SEVIZ_DATA", str(tmp_path / "home"))
    return write_folder(tmp_path / "toy")


@pytest.fixture
def small(monkeypatch):
    """Nothing is held."""
    monkeypatch.setattr(folders, "MAX_HELD", 0)


def both(root, monkeypatch, fit_to):
    held = data.open_data(f"folder:{root}", "train", fit_to=fit_to)
    monkeypatch.setattr(folders, "MAX_HELD", 0)
    return held, data.open_data(f"folder:{root}", "train", fit_to=fit_to)


@pytest.mark.parametrize("fit_to", [FIT, MORE])
def test_a_streamed_set_is_the_held_one(root, monkeypatch, fit_to):
    held, found = both(root, monkeypatch, fit_to)
    assert isinstance(found.pictures, StreamedPictures)
    assert (found.ids, found.classes, found.key, found.size) == (held.ids, held.classes, held.key, held.size)
    assert found.pictures.shape == held.pictures.shape
    for rows in (slice(3, 9), slice(40, None), slice(-3, None), [5, 1, 1, 47], np.array([0]), [-1], [], slice(9, 3)):
        assert np.array_equal(found.pictures[rows], held.pictures[rows]), rows
    for ours, theirs in zip(found.batches(7), held.batches(7), strict=True):
        assert np.array_equal(ours[0], theirs[0]) and np.array_equal(ours[1], theirs[1])
    chosen = [7, 3, 44]
    assert np.array_equal(found.subset(chosen).pictures[:], held.subset(chosen).pictures)
    assert isinstance(found.subset(chosen).pictures, StreamedPictures)
    assert data.channel_moments(found.pictures) == data.channel_moments(held.pictures)
    assert np.array_equal(found.fitted(Preprocessing(8, 8)).pictures, held.fitted(Preprocessing(8, 8)).pictures)


def test_no_more_than_is_asked_for_is_ever_held(root, small):
    pictures = data.open_data(f"folder:{root}", "train", fit_to=FIT).pictures
    for start in range(0, 48, 6):
        pictures[start : start + 6]
        assert len(pictures._asked) <= 6


def test_the_next_run_is_begun_while_the_network_works(root, small):
    pictures = data.open_data(f"folder:{root}", "train", fit_to=FIT).pictures
    pictures[0:6]
    assert sorted(pictures._asked) == list(range(6, 12))  # begun by nobody but the set itself
    assert all(future.result(60).shape == (16, 16, 3) for future in pictures._asked.values())
    pictures[6:12]
    assert sorted(pictures._asked) == list(range(12, 18))


def test_what_was_asked_for_and_never_taken_is_forgotten(root, small, monkeypatch):
    pictures = data.open_data(f"folder:{root}", "train", fit_to=FIT).pictures
    monkeypatch.setattr(streamed, "MAX_ASKED", 10)
    pictures.ask(range(8))
    pictures.ask(range(20, 26))
    assert sorted(pictures._asked) == list(range(20, 26))
    pictures.ask(range(40))
    assert pictures._asked == {}


def test_a_batch_of_which_the_next_is_too_large_to_begin_is_given_all_the_same(root, monkeypatch):
    held, found = both(root, monkeypatch, FIT)
    monkeypatch.setattr(streamed, "MAX_ASKED", 30)
    for start in range(0, 48, 20):
        assert np.array_equal(found.pictures[start : start + 20], held.pictures[start : start + 20])


def test_rows_beyond_the_set_are_an_index_error(root, small):
    pictures = data.open_data(f"folder:{root}", "train", fit_to=FIT).pictures
    with pytest.raises(IndexError, match="rows run from 0 to 47"):
        pictures[[48]]


def test_unreadable_files_are_left_out_and_listed_as_of_a_held_set(root, monkeypatch):
    write_folder(root, train=300)
    (root / "train" / "ant" / "0007.png").write_bytes(b"no picture")
    (root / "train" / "bee" / "0003.png").write_bytes((root / "train" / "bee" / "0003.png").read_bytes()[:200])
    held, found = both(root, monkeypatch, FIT)
    assert len(found) == 298
    assert (found.unreadable, found.ids, found.key) == (held.unreadable, held.ids, held.key)
    assert np.array_equal(found.pictures[:], held.pictures)


def test_over_one_percent_unreadable_is_one_sentence(root, small):
    (root / "train" / "ant" / "0007.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"1 of 48 pictures in .* cannot be read, first .*0007\.png"):
        data.open_data(f"folder:{root}", "train", fit_to=FIT)


def test_files_are_looked_at_once_and_again_when_they_change(root, small, monkeypatch):
    opened = []
    decode = streamed.decode
    monkeypatch.setattr(streamed, "decode", lambda content: opened.append(1) or decode(content))
    spec = f"folder:{root}"
    data.open_data(spec, "train", fit_to=FIT)
    assert len(opened) == 48
    data.open_data(spec, "train", fit_to=MORE)
    assert len(opened) == 48  # the same files
    os.utime(root / "train" / "ant" / "0000.png", ns=(1, 1))
    data.open_data(spec, "train", fit_to=FIT)
    assert len(opened) == 96


@pytest.mark.parametrize("content", ["[]", "{", '{"x": "y"}', ""])
def test_a_damaged_memory_of_what_was_looked_at_is_made_again(root, small, content, tmp_path):
    spec = f"folder:{root}"
    data.open_data(spec, "train", fit_to=FIT)
    (kept,) = (tmp_path / "home" / "checked").iterdir()
    kept.write_text(content, encoding="utf-8")
    assert len(data.open_data(spec, "train", fit_to=FIT)) == 48
    assert json.loads(kept.read_text(encoding="utf-8")) == {}


def test_a_file_that_is_gone_meanwhile_is_one_sentence(root, small):
    found = data.open_data(f"folder:{root}", "train", fit_to=FIT)
    (root / "train" / "ant" / "0000.png").unlink()
    with pytest.raises(DataError, match=r"0000\.png: No such file or directory.*restore the file, then start again"):
        found.pictures[0:2]


def test_the_fingerprint_follows_the_files(root, small):
    one = data.open_data(f"folder:{root}", "train", fit_to=FIT).pictures
    same = data.open_data(f"folder:{root}", "train", fit_to=FIT).pictures
    other = data.open_data(f"folder:{root}", "train", fit_to=MORE).pictures
    assert data.pixels_sha256(one) == data.pixels_sha256(same) != data.pixels_sha256(other)
    before = one.fingerprint()
    Image.fromarray(coloured(1).pictures[0]).save(root / "train" / "ant" / "0000.png")
    assert one.fingerprint() != before


def test_an_epoch_of_a_streamed_set_sees_what_one_of_a_held_set_sees(root, monkeypatch):
    held, found = both(root, monkeypatch, FIT)
    for recipe in (Recipe(batch=20, pad=2), Recipe(batch=20, crop="resized", crop_size=8)):
        plan = plan_epoch(48, 0, recipe, size=(16, 16), device=torch.device("cpu"))
        for step in range(plan.steps):
            assert torch.equal(plan.seen(found.pictures, step), plan.seen(torch.from_numpy(held.pictures), step))


def test_training_and_every_pass_give_the_same_files(root, monkeypatch, tmp_path, capsys):
    def everything(out):
        train = ["train", "--arch", "se_resnet20", "--data", f"folder:{root}", "--size", "16", "--threads", "1"]
        assert cli.main([*train, "--epochs", "1", "--batch", "24", "--out", str(out)]) == 0
        common = ["--model", str(out), "--data", f"folder:{root}", "--threads", "1"]
        assert cli.main(["evaluate", *common]) == 0
        assert cli.main(["excite", *common]) == 0
        assert cli.main(["ablate", *common]) == 0
        return {path.name: path.read_bytes() for path in out.iterdir() if path.name not in ("card.json", "history.csv")}

    held = everything(tmp_path / "a" / "net")
    monkeypatch.setattr(folders, "MAX_HELD", 0)
    streaming = everything(tmp_path / "b" / "net")
    assert held.keys() == streaming.keys()
    names = ("model.safetensors", "evaluation.npz", "epochs.npz", "gates.npz", "excitation.npz")
    assert all(held[name] == streaming[name] for name in names)
    ours, theirs = (json.loads(files["ablation.json"]) for files in (held, streaming))
    for name in ("live", "effects", "share", "close"):
        assert ours[name] == theirs[name]


# class names


CLASSES = ("tench, Tinca tinca", "golden retriever", "crane", "crane, machine", "Tabby", "twin", "twin")


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("tench", "Golden_Retriever"), (0, 1)),
        (("Tinca-tinca",), (0,)),
        (("tabby", "tench, Tinca tinca"), (4, 0)),
        (("machine",), (3,)),
        (CLASSES, (0, 1, 2, 3, 4, 5, 6)),
        ((), ()),
    ],
)
def test_names_are_matched_without_case_marks_and_by_synonym(names, found):
    assert matching.match_classes(names, CLASSES, "toy") == found


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (("tench", "wasp"), "toy has classes that are not the network's: wasp; it knows Tabby, crane"),
        (("Crane",), "toy has a class Crane, which may be any of crane, crane, machine; rename its folder"),
        (("twin", "Tabby"), "toy has a class twin, which may be any of twin, twin; rename its folder"),
        (("tench", "tinca_tinca"), "toy has the classes tench, tinca_tinca, all of which mean tench, Tinca tinca; keep one"),
        (("n01440764",), "are not the network's: n01440764"),
    ],
)
def test_names_that_leave_a_doubt_are_refused(names, sentence):
    with pytest.raises(DataError, match=sentence):
        matching.match_classes(names, CLASSES, "toy")


def test_wordnet_ids_mean_imagenets_classes_in_their_order():
    categories = pytest.importorskip("torchvision.models").ResNet18_Weights.DEFAULT.meta["categories"]
    assert matching.match_classes(("n02099601", "n01440764", "n15075141"), categories, "val") == (207, 0, 999)
    assert categories[207] == "golden retriever" and categories[999] == "toilet tissue"
    assert not matching.is_imagenet(categories[::-1])
    assert not matching.is_imagenet(categories[:999])
    with pytest.raises(DataError, match="not the network's: n02099601"):
        matching.match_classes(("n02099601",), categories[::-1], "val")
    with pytest.raises(DataError, match="not the network's: n99999999"):
        matching.match_classes(("n01440764", "n99999999"), categories, "val")


def test_a_folder_of_other_spelling_is_labelled_as_the_network_says(root):
    os.rename(root / "train" / "ant", root / "train" / "Ant_")
    found = data.open_data(f"folder:{root}", "train", fit_to=FIT).labelled_as(("bee", "cat", "ant"))
    assert found.classes == ("bee", "cat", "ant")
    named = [found.classes[label] for label in found.labels.tolist()]
    assert named == [sample.split("/")[0].strip("_").lower() for sample in found.ids]
    listing = data.list_folder(root, "train", ("bee", "cat", "ant"))
    assert listing.key == found.key
