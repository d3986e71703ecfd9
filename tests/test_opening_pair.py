"""Which pair a page opens with, and what of a choice goes along to the other pages."""

from __future__ import annotations

import pytest
from photos import CLASSES, PAIR, PHOTOS, SHIPPED, home_with
from streamlit.testing.v1 import AppTest
from test_pages import PAGES, app, words

from seviz.ui.samples import samples


@pytest.fixture(params=[True, False], ids=["with photos", "without photos"])
def photos(request, tmp_path, monkeypatch) -> bool:
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(home_with(tmp_path / "home", photos=request.param)))
    return request.param


@pytest.fixture
def both(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(home_with(tmp_path / "home", photos=True)))


def shown(at: AppTest) -> tuple[str, ...]:
    assert not at.exception and not at.error
    return tuple(box.value for box in at.sidebar.selectbox)


def go(at: AppTest, page: str) -> AppTest:
    return at.switch_page(f"pages/{page}.py").run()


def test_inspect_opens_with_the_photos_and_the_others_with_depth_20(photos):
    at = app()
    assert shown(at) == (PHOTOS if photos else PAIR)
    assert not {"model", "against"} & set(at.query_params)
    assert shown(go(at, "models")) == PAIR
    assert not {"model", "against"} & set(at.query_params)
    assert shown(go(at, "inspect")) == (PHOTOS if photos else PAIR)


def test_a_network_that_was_chosen_goes_along_with_its_twin(both):
    at = go(app(), "models")
    at.sidebar.selectbox[0].set_value(PHOTOS[0]).run()
    assert shown(at) == PHOTOS
    assert at.query_params["model"] == PHOTOS[0]
    assert shown(go(at, "training")) == PHOTOS
    at = go(app(), "models")
    at.sidebar.selectbox[0].set_value("resnet20").run()
    assert shown(go(at, "inspect")) == ("resnet20", "se_resnet20")


def test_inspect_says_that_the_other_pages_open_with_another_network_until_one_is_chosen(both):
    told = "The other pages open with **se_resnet20**."
    at = app()
    assert told in words(at)
    assert told not in words(go(at, "models"))
    at = go(at, "inspect")
    at.sidebar.selectbox[0].set_value(PAIR[0]).run()
    assert told not in words(at)
    at.sidebar.selectbox[0].set_value(PHOTOS[0]).run()
    assert told not in words(at), "who has chosen it takes it along"


def test_where_the_photos_are_not_inspect_says_nothing_of_other_pages(tmp_path, monkeypatch):
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(home_with(tmp_path / "home", photos=False)))
    assert "The other pages open with" not in words(app())


def test_what_inspect_opened_with_and_was_chosen_again_goes_along(both):
    at = app()
    at.sidebar.selectbox[0].set_value(PAIR[0]).run()
    at.sidebar.selectbox[0].set_value(PHOTOS[0]).run()
    assert shown(go(at, "models")) == PHOTOS


def test_who_chooses_the_network_beside_has_chosen_the_pair(both):
    at = app()
    at.sidebar.selectbox[1].set_value("none").run()
    assert shown(at) == (PHOTOS[0], "none")
    assert shown(go(at, "models")) == (PHOTOS[0], "none")
    at.sidebar.selectbox[0].set_value(PAIR[0]).run()
    assert shown(at) == (PAIR[0], "none"), "what was chosen beside stays when the network changes"


def test_a_link_is_a_choice(both):
    at = app(model="se_resnet20")
    assert shown(at) == PAIR
    assert shown(go(at, "models")) == PAIR
    assert shown(go(at, "inspect")) == PAIR
    at = app(against="none")
    assert shown(at) == (PHOTOS[0], "none")
    assert shown(go(at, "models")) == (PHOTOS[0], "none")


def test_a_link_to_what_is_not_here_is_none(both):
    at = app(model="gone")
    assert shown(at) == PHOTOS
    assert any(f"{PHOTOS[0]} is shown" in info.value for info in at.info)
    assert shown(go(at, "models")) == PAIR


def test_fifty_classes_are_shown_by_their_names(both):
    at = app()
    text = words(at)
    assert all(f"**{name}** says **" in text for name in PHOTOS)
    (box,) = [box for box in at.selectbox if box.key == "class"]
    assert set(box.options[1:]) == set(CLASSES)
    at = app(**{"class": "computer_keyboard"})
    assert at.selectbox(key="class").value == "computer_keyboard"
    assert shown(at) == PHOTOS


@pytest.mark.parametrize("odd", ["tabby, tabby cat", "carpenter's kit, tool kit", "a_b c", "50 % grey", "x" * 80])
def test_names_with_commas_spaces_and_signs_break_nothing(tmp_path, monkeypatch, odd):
    classes = (odd, *CLASSES[1:])
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(home_with(tmp_path / "home", photos=True, classes=classes)))
    at = app(**{"class": odd})
    assert shown(at) == PHOTOS
    assert at.selectbox(key="class").value == odd


def test_a_sample_says_its_class_where_the_network_has_one(both):
    assert "Its class: **tabby**." in words(app(picture="cat"))
    assert f"{PHOTOS[0]} has no class for it" in words(app(picture="ship"))
    assert "Its class: **ship**." in words(app(picture="ship", model="se_resnet20"))


@pytest.mark.parametrize(
    ("classes", "known"),
    [
        (CLASSES, {"cat": "tabby", "car": "sports_car", "espresso": "espresso"}),
        (("airplane", "automobile", "cat", "horse", "ship"),
         {"airplane": "airplane", "car": "automobile", "cat": "cat", "horse": "horse", "ship": "ship"}),
        (("tabby, tabby cat", "liner, ocean liner", "Airliner"),
         {"cat": "tabby, tabby cat", "ship": "liner, ocean liner", "airplane": "Airliner"}),
    ],
)  # fmt: skip
def test_which_samples_a_network_knows(classes, known):
    found = {sample.name: sample.class_among(classes) for sample in samples()}
    assert {name: label for name, label in found.items() if label} == known


@pytest.mark.parametrize("page", PAGES)
def test_pages_open_with_what_ships(monkeypatch, page):
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(SHIPPED))
    there = (SHIPPED / PHOTOS[0] / "model.safetensors").exists()
    assert shown(app(page)) == (PHOTOS if there and page == "inspect" else PAIR)
