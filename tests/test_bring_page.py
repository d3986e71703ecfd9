"""Models: the panel that takes a checkpoint, by AppTest."""

from __future__ import annotations

import os

import public_networks as public
import pytest
import torch
from networks import lively
from safetensors.torch import save
from test_pages import PAGES, app, deep_link, words

from seviz.checkpoints import networks_home, open_checkpoint
from seviz.intake import import_file, sources


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SEVIZ_HOME", str(tmp_path / "home"))
    monkeypatch.delenv(sources.FOLDER_VARIABLE, raising=False)
    return tmp_path / "home"


def weights(net) -> bytes:
    return save({name: value.clone() for name, value in net.state_dict().items()})


def brought(at, content: bytes, name: str = "mine.safetensors"):
    uploader = next(one for one in at.file_uploader if one.key == "bring-upload")
    uploader.upload(name, content, "application/octet-stream")
    return at.run()


def button(at, label):
    return next(one for one in at.button if one.label == label)


def test_a_file_is_told_before_it_is_loaded_and_imported_on_request(home):
    at = brought(app("models"), weights(lively("se_resnet20", classes=10)))
    assert not at.exception
    text = words(at)
    assert "mine.safetensors is se_resnet20 (seviz) with 10 classes." in text
    assert "guessed: CIFAR-10's mean and deviation" in text
    assert "**Expected against found:** 164 matched" in text
    assert not networks_home().exists()
    at.text_area(key="bring-classes").set_value(", ".join("abcdefghij"))
    at.text_input(key="bring-name").set_value("brought")
    button(at, "Import").click()
    at.run()
    assert not at.exception
    assert "It is **brought** from now on." in words(at)
    assert open_checkpoint("brought").card.classes == tuple("abcdefghij")
    button(at, "Choose brought").click()
    at.run()
    assert at.sidebar.selectbox[0].value == "brought"


def test_the_same_file_again_is_found(home):
    content = weights(lively("resnet20", classes=10))
    for sentence in ("from now on", "It was imported before"):
        at = brought(app("models"), content)
        button(at, "Import").click()
        at.run()
        assert sentence in words(at)
    assert len(list(networks_home().iterdir())) == 1


def test_an_unknown_network_is_asked_for_and_compared(home):
    state = dict(lively("resnet20", classes=10).state_dict())
    del state["fc.weight"]
    at = brought(app("models"), save({name: value.clone() for name, value in state.items()}))
    assert any("of no network that is known here" in one.value for one in at.warning)
    assert not [one for one in at.button if one.label == "Import"]
    box = next(one for one in at.selectbox if one.label == "Which network is it?")
    box.select("resnet20").run()
    assert any("1 missing (missing: fc.weight)" in one.value for one in at.warning)
    table = next(one.value for one in at.dataframe if "expected" in one.value)
    first = table.iloc[0]
    assert (first["tensor"], first["expected"], first["found"], first["state"]) == ("fc.weight", "10 x 64", "-", "missing")
    assert not [one for one in at.button if one.label == "Import"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"<!doctype html>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1", "Git LFS"),
        (b"nothing", "neither safetensors nor"),
        (weights(torch.nn.Linear(3, 2))[:40], "cut off"),
    ],
)
def test_every_bad_file_is_one_sentence_and_the_page_goes_on(content, sentence):
    at = brought(app("models"), content, "<img src=x onerror=alert(1)>.pt")
    assert not at.exception
    assert len(at.error) == 1
    assert sentence in at.error[0].value
    assert "\\<img" in at.error[0].value  # the name stands there as text
    assert "What an SE block is" in words(at)


def test_settings_that_fit_no_network_are_one_sentence(home):
    at = brought(app("models"), weights(lively("resnet20", classes=10)))
    for key, value, sentence in (
        ("bring-size", "many", "whole number of pixels"),
        ("bring-size", "9999", "sides of 1 to"),
        ("bring-mean", "1", "three numbers"),
        ("bring-name", "../up", "A name has"),
    ):
        at.text_input(key=key).set_value(value)
        button(at, "Import").click()
        at.run()
        assert not at.exception
        assert len(at.error) == 1
        assert sentence in at.error[0].value
        at.text_input(key=key).set_value("")
    assert not networks_home().exists()


def test_a_path_is_taken_in_the_allowed_folder_alone(home, tmp_path, monkeypatch):
    assert not [one for one in app("models").text_input if one.key == "bring-path"]
    folder = tmp_path / "allowed"
    folder.mkdir()
    (folder / "a.safetensors").write_bytes(weights(public.liven(public.Akamaster(3))))
    (tmp_path / "secret.pt").write_bytes(b"secret")
    os.symlink(tmp_path / "secret.pt", folder / "link.pt")
    monkeypatch.setenv(sources.FOLDER_VARIABLE, str(folder))
    at = app("models")
    for outside in ("../secret.pt", str(tmp_path / "secret.pt"), "link.pt"):
        at.text_input(key="bring-path").set_value(outside).run()
        assert "does not lie in the folder" in at.error[0].value
    at.text_input(key="bring-path").set_value("none.pt").run()
    assert "cannot be read" in at.error[0].value
    at.text_input(key="bring-path").set_value("a.safetensors").run()
    assert "a.safetensors is akamaster\\:resnet20" in words(at)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_knows_a_network_that_was_brought(home, tmp_path, monkeypatch, page):
    (tmp_path / "a.safetensors").write_bytes(weights(public.liven(public.Kuangliu(public.KuangliuSE, widths=(16, 32, 48, 64)))))
    import_file(tmp_path / "a.safetensors", name="brought")
    at = deep_link(monkeypatch, page, model="brought")
    assert not at.exception
    assert not at.error
    assert at.sidebar.selectbox[0].value == "brought"
