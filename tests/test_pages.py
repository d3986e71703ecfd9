"""Every page by AppTest: its first state, its main action, and what it says to bad input."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from seviz import evaluation
from seviz.checkpoints import checkpoints_home, open_checkpoint, write_card
from seviz.data import DataKey, PictureSet, numbered_ids
from seviz.data.picture_set import samples_sha256
from seviz.errors import BusyError, DataError, PictureError
from seviz.ui import frame

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("inspect", "excitation", "lab", "ablation", "compare", "training", "accuracy", "models")


def app(page: str = "inspect", **query: str) -> AppTest:
    """The app at a page, run once."""
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    return at.switch_page(f"pages/{page}.py").run() if page != "inspect" else at


def words(at: AppTest) -> str:
    """All text on the page."""
    kinds = (at.title, at.subheader, at.markdown, at.caption, at.info, at.error, at.warning, at.success)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def upload(at: AppTest, content: bytes, name: str = "photo.png", kind: str = "image/png") -> AppTest:
    at.file_uploader[0].upload(name, content, kind)
    return at.run()


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A copy of the bundled checkpoints that a test may damage."""
    copy = tmp_path / "checkpoints"
    shutil.copytree(checkpoints_home(), copy)
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(copy))
    return copy


@pytest.mark.parametrize("page", PAGES)
def test_the_first_state_of_a_page_needs_no_input(page):
    at = app(page)
    assert not at.exception
    assert not at.error
    assert at.title[0].value.lower() == {"lab": "gate lab"}.get(page, page)
    assert [box.value for box in at.sidebar.selectbox] == ["se_resnet20", "resnet20"]


def test_inspect_shows_both_networks_and_every_site():
    text = words(app())
    assert "**se_resnet20** says" in text
    assert "**resnet20** says" in text
    assert "stage 3 · block 3" in text


def test_an_uploaded_picture_takes_the_samples_place_and_stays_out_of_the_link():
    at = app()
    assert "Your picture" not in words(at)
    at = upload(at, png(np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)))
    assert "**Your picture**" in words(at)
    assert at.query_params["picture"] == "own"


def test_a_link_to_somebody_elses_picture_asks_for_it():
    at = app(picture="own")
    assert any("which links never carry" in info.value for info in at.info)
    assert "**se_resnet20** says" in words(at)


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (b"", "empty.png", "empty"),
        (b"hello, I am no picture", "note.jpg", "JPEG or PNG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "drawing.svg", "SVG"),
        (png(np.random.default_rng(1).integers(0, 256, (40, 40, 3), np.uint8))[:2000], "cut.png", "damaged, cut off"),
    ],
)
def test_what_is_no_picture_gets_one_sentence_and_nothing_is_lost(content, name, sentence):
    at = upload(app(), content, name)
    assert not at.exception
    assert len(at.error) == 1
    assert sentence in at.error[0].value
    assert "Traceback" not in words(at)
    assert "**se_resnet20** says" in words(at)


def test_a_broken_picture_leaves_the_sample_that_was_looked_at():
    at = upload(app(picture="ship"), b"hello, I am no picture", "note.jpg")
    assert len(at.error) == 1
    assert "**Ship**" in words(at)
    at = upload(at, b"", "empty.png")
    assert "**Ship**" in words(at)


@pytest.mark.parametrize(
    ("page", "key", "default"),
    [
        ("inspect", "order", "channel"),
        ("inspect", "scale", "own"),
        ("training", "gap", "loss"),
        ("accuracy", "rate", "recall"),
        ("accuracy", "confusion-of", "se_resnet20"),
        ("accuracy", "cells", "counts"),
        ("models", "error", "top-1"),
    ],
)
@pytest.mark.parametrize("value", ["", "nonsense"])
def test_an_address_without_a_value_gives_the_default(monkeypatch, page, key, default, value):
    at = deep_link(monkeypatch, page, **{key: value})
    assert not at.exception
    assert not at.error
    assert at.session_state[key] == default
    assert key not in at.query_params


@pytest.mark.parametrize(
    ("page", "key", "value"),
    [("inspect", "order", "sorted"), ("training", "gap", "accuracy"), ("accuracy", "rate", "f1"), ("models", "error", "top-5")],
)
def test_an_address_with_a_value_gives_it(monkeypatch, page, key, value):
    at = deep_link(monkeypatch, page, **{key: value})
    assert not at.exception
    assert at.session_state[key] == value
    assert at.query_params[key] == value


@pytest.mark.parametrize("key", ["opacity", "class", "method", "layer", "site", "model", "against", "picture"])
def test_any_other_empty_value_opens_inspect_as_it_is(monkeypatch, key):
    at = deep_link(monkeypatch, "inspect", **{key: ""})
    assert not at.exception
    assert "**se_resnet20** says" in words(at)


def deep_link(monkeypatch, page: str, **query: str) -> AppTest:
    """A page as the first one that a session opens, which is when Streamlit reads the address."""
    pages = {title: (icon, file) for title, (icon, file) in frame.PAGES.items() if file == f"{page}.py"}
    monkeypatch.setattr(frame, "PAGES", pages | frame.PAGES)
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, value in query.items():
        at.query_params[name] = value
    return at.run()


def test_an_animation_is_shown_with_a_notice():
    frames = [Image.new("RGB", (20, 20), (shade, 0, 0)) for shade in (0, 255)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    at = upload(app(), out.getvalue(), "moving.gif", "image/gif")
    assert any("first" in info.value for info in at.info)
    assert not at.error


def test_a_link_holds_network_class_layer_and_block():
    link = {"model": "se_resnet20", "against": "none", "class": "ship", "layer": "layer2", "site": "layer1.1.se"}
    at = app(**link, picture="ship")
    assert [box.value for box in at.sidebar.selectbox] == ["se_resnet20", "none"]
    chosen = {box.key: box.value for box in at.selectbox}
    assert (chosen["class"], chosen["site"]) == ("ship", "layer1.1.se")
    assert at.session_state["layer"] == "layer2"
    assert "**resnet20** says" not in words(at)


def test_a_link_with_nonsense_opens_the_page_all_the_same():
    at = app(model="no_such", against="neither", picture="../../etc/passwd", site="layer9.9.se", layer="roof")
    assert not at.exception
    assert [box.value for box in at.sidebar.selectbox] == ["se_resnet20", "resnet20"]
    assert "**se_resnet20** says" in words(at)


def test_a_plain_network_says_that_it_has_no_gates():
    at = app(model="resnet20", against="none")
    assert any("it has no gates" in info.value for info in at.info)
    assert not at.exception


@pytest.mark.parametrize("method", ["saliency", "occlusion", "integrated_gradients", "guided_gradcam"])
def test_the_other_methods_are_one_choice_away(method):
    at = app()
    next(box for box in at.selectbox if box.key == "method").set_value(method)
    at.run()
    assert not at.exception
    assert not at.error


@pytest.mark.parametrize("page", PAGES)
def test_an_altered_checkpoint_is_told_in_one_sentence_and_the_others_work(home, page):
    weights = home / "se_resnet20" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(bytes(content))
    at = app(page)
    assert not at.exception
    told = [element.value for element in (*at.warning, *at.error)]
    assert any("se_resnet20" in sentence for sentence in told)
    assert at.sidebar.selectbox[0].value == "resnet20"


@pytest.mark.parametrize("page", PAGES)
def test_no_checkpoints_at_all_is_one_sentence(tmp_path, monkeypatch, page):
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(tmp_path / "nothing"))
    at = app(page)
    assert not at.exception
    assert len(at.error) == 1
    assert "train one with" in at.error[0].value


def test_without_a_history_of_its_own_the_other_trainings_are_shown(home):
    (home / "resnet20" / "history.csv").unlink()
    at = app("training", model="resnet20", against="none")
    assert not at.exception
    assert "Nothing is known of the training of resnet20" in at.info[0].value
    assert at.session_state["runs"] == ["se_resnet20"] and at.get("plotly_chart")


def test_a_damaged_history_is_left_out_of_training(home):
    (home / "resnet20" / "history.csv").write_text("epoch,train_loss\n1,what\n")
    at = app("training")
    assert not at.exception
    assert any("history.csv" in warning.value for warning in at.warning)
    assert at.session_state["runs"] == ["se_resnet20"]


@pytest.mark.parametrize("row", ["1,1e300,0,0,0,0,0", "1,0,7,0,0,0,0", "-5,0,0,0,0,0,0", "1,0,0,0,0,-1e308,0"])
def test_a_history_of_impossible_numbers_is_left_out_of_training(home, row):
    head = "epoch,train_loss,train_accuracy,test_loss,test_accuracy,learning_rate,seconds"
    (home / "resnet20" / "history.csv").write_text(f"{head}\n{row}\n")
    at = app("training")
    assert not at.exception
    assert any("history.csv is damaged" in warning.value for warning in at.warning)
    assert at.session_state["runs"] == ["se_resnet20"]


@pytest.mark.parametrize(
    "change",
    [
        {"stem": "9x9"},
        {"strides": [1, 0, 2]},
        {"widths": [10**30, 1, 1]},
        {"blocks": [3, 3]},
        {"blocks": "333"},
        {"bottleneck": "yes"},
        {"se": {"stages": 7}},
        {"se": 3},
        {"se": {"reduction": 4}},
    ],
)
def test_one_card_with_odd_options_leaves_the_rest_of_models(home, change):
    path = home / "se_resnet20" / "card.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    card["options"].update(change)
    del card["card_sha256"]
    path.write_text(json.dumps(card), encoding="utf-8")
    at = app("models")
    assert not at.exception
    assert "#### resnet20" in words(at)
    assert len(at.latex) == 3
    assert change == {"bottleneck": "yes"} or at.error


def test_an_altered_card_is_told_and_an_unsealed_one_is_named(home):
    path = home / "se_resnet20" / "card.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    card["preprocessing"]["mean"] = [0.5, 0.5, 0.5]
    path.write_text(json.dumps(card), encoding="utf-8")
    at = app("models")
    assert any("the card was altered" in error.value for error in at.error)
    assert at.sidebar.selectbox[0].value == "resnet20"
    del card["card_sha256"]
    path.write_text(json.dumps(card), encoding="utf-8")
    at = app("models")
    assert not at.error
    assert any("no card_sha256: whether it was edited cannot be told" in caption.value for caption in at.caption)


def test_a_card_that_changes_under_the_app_is_seen(home):
    at = app(model="se_resnet20", against="none")
    before = words(at)
    checkpoint = open_checkpoint("se_resnet20")
    write_card(checkpoint.folder, replace(checkpoint.card, classes=tuple(reversed(checkpoint.card.classes))))
    at.run()
    assert not at.exception
    named = [re.search(r"\*\*se_resnet20\*\* says \*\*(\w+)\*\*", text)[1] for text in (before, words(at))]
    places = [checkpoint.card.classes.index(name) for name in named]
    assert places[0] == 9 - places[1]


@pytest.mark.parametrize("page", PAGES)
def test_names_that_are_no_utf8_break_no_page(home, tmp_path, monkeypatch, page):
    shutil.copytree(home / "resnet20", home / os.fsdecode(b"res\xffnet\n20"))
    moved = tmp_path / os.fsdecode(b"h\xffme")
    home.rename(moved)
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(moved))
    (moved / "resnet20" / "evaluation.npz").write_bytes(b"damaged")
    (moved / "se_resnet20" / "evaluation.npz").unlink()
    at = app(page)
    assert not at.exception
    told = [element.value for element in (*at.warning, *at.error)]
    assert any(r"res\udcffnet\n20" in sentence and "is no UTF-8; rename it" in sentence for sentence in told)
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(moved / "nowhere"))
    at = app(page)
    assert not at.exception
    assert "There is no network in" in at.error[0].value


def test_a_damaged_evaluation_is_told_on_accuracy(home):
    path = home / "se_resnet20" / "evaluation.npz"
    path.write_bytes(path.read_bytes()[:1000])
    at = app("accuracy")
    assert not at.exception
    assert any("evaluation.npz" in error.value for error in at.error)
    assert len(at.get("plotly_chart")) == 4, "the other network's figures are shown"


@pytest.fixture
def cifar10(monkeypatch):
    """CIFAR-10 at hand: ten thousand pictures of one colour each, under the real ids."""
    from seviz.ui import thumbnails

    classes = open_checkpoint("se_resnet20").card.classes
    labels = np.repeat(np.arange(10), 1000)
    shades = np.arange(10_000, dtype=np.uint32)
    pixels = np.stack([shades % 256, shades // 256, shades * 0], 1).astype(np.uint8)
    pictures = np.broadcast_to(pixels[:, None, None], (10_000, 32, 32, 3))
    data = PictureSet("cifar10", "test", pictures, labels, numbered_ids(labels, classes), classes)
    monkeypatch.setattr(thumbnails, "has_cifar10", lambda: True)
    monkeypatch.setattr(thumbnails, "open_data", lambda spec, split: data)
    thumbnails._cifar10.clear()
    yield data
    thumbnails._cifar10.clear()


def test_mistakes_have_their_pictures_when_the_data_are_at_hand(cifar10):
    at = app("accuracy")
    assert not at.exception
    assert len(at.get("image")) == 12
    assert not [button for button in at.button if button.key == "download-cifar10"]


def class_folder(root: Path, classes: tuple[str, ...], counts: list[int]) -> None:
    """root/<class>/NNNN.png: pictures that cannot be told apart."""
    for name, count in zip(classes, counts, strict=True):
        (root / name).mkdir(parents=True)
        for number in range(count):
            (root / name / f"{number:04d}.png").write_bytes(png(np.full((8, 8, 3), number % 256, np.uint8)))


@pytest.fixture
def small_evaluation(home):
    """The evaluation of se_resnet20 cut down to its first three samples a class; SEVIZ_DATA's folder is empty."""
    path = home / "se_resnet20" / "evaluation.npz"
    found = evaluation.load(path)
    kept = np.concatenate([np.flatnonzero(found.labels == label)[:3] for label in range(10)])
    logits, labels, ids = found.logits[kept], found.labels[kept], tuple(found.ids[index] for index in kept)
    wrong = logits.copy()
    wrong[0, 5] = 40  # an aeroplane that is taken for a dog
    key = DataKey("folder:small", "test", 30, samples_sha256(ids, labels))
    evaluation.save(path, replace(found, logits=wrong, labels=labels, ids=ids, key=key))
    return open_checkpoint(home / "se_resnet20").card.classes


def test_a_named_folder_brings_the_pictures_if_it_holds_the_samples(small_evaluation, tmp_path, monkeypatch):
    monkeypatch.setenv("SEVIZ_DATA", str(tmp_path / "no-data"))
    class_folder(tmp_path / "right", small_evaluation, [3] * 10)
    class_folder(tmp_path / "wrong", small_evaluation, [3] * 9 + [4])
    at = app("accuracy")
    box = next(box for box in at.text_input if box.key == "data_folder_typed")
    for folder, sentence in (("nowhere", "There is no folder"), ("wrong", "holds 31 other samples than the 30")):
        box.set_value(str(tmp_path / folder)).run()
        assert [sentence in error.value for error in at.error] == [True]
        assert not at.get("image")
    box.set_value(str(tmp_path / "right")).run()
    assert not at.error
    assert at.get("image")


@pytest.mark.parametrize("folder", ["~nobody-of-this-name/x", "a\0b", "folder:somewhere"])
def test_a_folder_that_nobody_has_is_one_sentence(small_evaluation, tmp_path, monkeypatch, folder):
    monkeypatch.setenv("SEVIZ_DATA", str(tmp_path / "no-data"))
    at = app("accuracy")
    next(box for box in at.text_input if box.key == "data_folder_typed").set_value(folder).run()
    assert not at.exception
    (sentence,) = [error.value for error in at.error]
    assert sentence.startswith("There is no folder ") and sentence.endswith("; name one that holds one folder a class.")


def as_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES = {  # of a picture's file, and the reason that its sentence gives
    "gone": (Path.unlink, "cannot be read (No such file or directory)."),
    "a pipe": (as_pipe, "cannot be read (not a regular file)."),
    "a folder": (as_folder, "cannot be read (Is a directory)."),
    "garbage": (lambda path: path.write_bytes(b"garbage"), "cannot be shown: "),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_picture_that_cannot_be_read_is_one_sentence_in_its_place_alone(small_evaluation, tmp_path, damage):
    from seviz.data import list_folder
    from seviz.ui import thumbnails

    spoil, reason = DAMAGES[damage]
    class_folder(tmp_path / "small", small_evaluation, [3] * 10)
    listing = list_folder(tmp_path / "small", "test", small_evaluation)
    read, path = thumbnails._reader(listing), tmp_path / "small" / "cat" / "0001.png"
    spoil(path)
    with pytest.raises(PictureError) as raised:
        read("cat/0001")
    assert str(raised.value).startswith(f"{path} {reason}")
    assert read("cat/0000").shape == (8, 8, 3)
    with pytest.raises(PictureError, match=r"cow/1 cannot be read \(the data set has no such sample\)"):
        read("cow/1")


def test_pictures_beside_one_that_is_gone_are_shown(small_evaluation, tmp_path, monkeypatch):
    monkeypatch.setenv("SEVIZ_DATA", str(tmp_path))
    class_folder(tmp_path / "small" / "test", small_evaluation, [3] * 10)
    shown = len(app("accuracy").get("image"))  # the folder is listed here, and not again for a minute
    (gone := tmp_path / "small" / "test" / small_evaluation[0] / "0000.png").unlink()
    at = app("accuracy")
    assert not at.exception
    assert len(at.get("image")) == shown - 1
    assert len([one for one in at.caption if one.value.startswith(f"{gone} cannot be read (")]) == 1


def test_a_folder_of_the_data_sets_name_in_seviz_data_is_found(small_evaluation, tmp_path, monkeypatch):
    monkeypatch.setenv("SEVIZ_DATA", str(tmp_path))
    class_folder(tmp_path / "small" / "test", small_evaluation, [3] * 10)
    at = app("accuracy")
    assert not at.exception
    assert at.get("image")


def test_a_download_that_fails_is_one_sentence(monkeypatch):
    from seviz.ui import thumbnails

    def fails(progress):
        progress(1, 0)
        raise DataError("CIFAR-10 could not be downloaded (no network); check network and disk, then try again.")

    monkeypatch.setattr(thumbnails, "has_cifar10", lambda: False)
    monkeypatch.setattr(thumbnails, "download_cifar10", fails)
    at = app("accuracy")
    next(button for button in at.button if button.key == "download-cifar10").click()
    at.run()
    assert not at.exception
    assert [error.value for error in at.error] == [
        "CIFAR-10 could not be downloaded (no network); check network and disk, then try again."
    ]


def test_a_busy_backend_is_one_sentence_on_the_page(monkeypatch):
    from seviz.ui import caches

    def busy(*_):
        raise BusyError("se_resnet20 has a full queue; ask again in a moment.")

    monkeypatch.setattr(caches, "inspection", busy)
    at = app()
    assert not at.exception
    assert {error.value for error in at.error} == {"se_resnet20 has a full queue; ask again in a moment."}


def test_an_own_picture_outlives_a_visit_to_another_page():
    at = upload(app(), png(np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)))
    at.switch_page("pages/models.py").run()
    at.switch_page("pages/inspect.py").run()
    assert "**Your picture**" in words(at)
    assert not any("links never carry" in info.value for info in at.info)


def test_an_own_picture_that_is_taken_away_leaves_the_sample():
    at = upload(app(picture="ship"), png(np.zeros((50, 70, 3), np.uint8)))
    at.file_uploader[0].clear()
    at.run()
    assert not any("links never carry" in info.value for info in at.info)
    assert "**Ship**" in words(at)
    assert at.query_params["picture"] == "ship"


def test_a_second_click_on_a_sample_keeps_it():
    at = app(picture="ship")
    at.session_state["sample"] = None
    at.run()
    assert "**Ship**" in words(at)


def test_a_copied_folder_stands_beside_its_original(home):
    shutil.copytree(home / "se_resnet20", home / "copy")
    at = app(against="copy")
    assert not at.exception
    assert "**copy** says" in words(at)


def test_missing_weights_are_told(home):
    (home / "se_resnet20" / "model.safetensors").unlink()
    at = app(model="se_resnet20")
    assert not at.exception
    told = [info.value for info in at.info]
    assert any("se_resnet20** has no weights" in sentence for sentence in told)
    assert any("The link names a network that is not here; resnet20 is shown." in sentence for sentence in told)


def test_an_evaluation_that_arrives_later_is_seen(home):
    path = home / "resnet20" / "evaluation.npz"
    content = path.read_bytes()
    path.unlink()
    at = app("accuracy")
    assert any("resnet20 has no stored predictions" in info.value for info in at.info)
    path.write_bytes(content)
    at.run()
    assert not any("no stored predictions" in info.value for info in at.info)


def test_an_evaluation_of_other_data_than_the_test_split_is_told(home):
    path = home / "se_resnet20" / "evaluation.npz"
    found = evaluation.load(path)
    logits, labels, ids = found.logits[:5000], found.labels[:5000], found.ids[:5000]
    key = DataKey(found.key.name, "train", 5000, samples_sha256(ids, labels))
    evaluation.save(path, replace(found, logits=logits, labels=labels, ids=ids, key=key))
    at = app("accuracy")
    told = [warning.value for warning in at.warning]
    assert any("not of its test split but of folder:cifar10-jpeg, train" in sentence for sentence in told)


def test_the_twins_difference_is_paired():
    text = words(app("models"))
    one, other = (open_checkpoint(name).evaluation() for name in ("se_resnet20", "resnet20"))
    right = [stored.logits.argmax(1) == stored.labels for stored in (one, other)]
    only = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    assert f"{only[0]} were right for se_resnet20 alone and {only[1]} for resnet20 alone" in text


def test_no_history_anywhere_is_said(home):
    for name in ("se_resnet20", "resnet20"):
        (home / name / "history.csv").unlink()
    at = app("training")
    assert not at.exception
    assert any("No network here has a history.csv" in info.value for info in at.info)


def test_accuracy_states_the_report_and_its_reading():
    text = words(app("accuracy"))
    assert "85.81 %" in text
    assert "CIFAR-10 is our reading" in text


def test_models_shows_the_papers_row_and_the_equations():
    at = app("models")
    assert len(at.latex) == 3
    table = "\n".join(str(frame.value.to_csv()) for frame in at.table)
    for figure in ("24.80 %", "23.29 %", "7.48 %", "6.62 %", "25.6 M", "28.1 M (+9.9%)"):
        assert figure in table
