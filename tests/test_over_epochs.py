"""Gates over epochs: the spread by its definition, the words by the numbers, the page from a file to its figures."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from seviz.analysis.over_epochs import Spread, in_words, spread
from seviz.checkpoints import open_checkpoint
from seviz.figures import over_epochs as figures
from seviz.figures.layout import alt
from seviz.gate_history import GateHistory, place, save_gate_history

ROOT = Path(__file__).parents[1]
TITLES = {"a": "stage 1 · block 1", "b": "stage 2 · block 1"}


def test_the_spread_is_the_deviation_over_classes():
    means = np.random.default_rng(0).random((3, 4, 5))
    means[:, 2] = np.nan  # a class without samples
    slow = []
    for epoch in means:
        variances = []
        for channel in range(5):
            values = [epoch[k, channel] for k in (0, 1, 3)]
            middle = sum(values) / 3
            variances.append(sum((value - middle) ** 2 for value in values) / 3)
        slow.append((sum(variances) / 5) ** 0.5)
    np.testing.assert_allclose(spread(means).by_epoch, slow, rtol=1e-12)


def two_classes(*halves):
    """Two classes whose means lie `half` above and below 0.5 in each epoch: a spread of exactly `half`."""
    return np.array([[[0.5 + half], [0.5 - half]] for half in halves])


@pytest.mark.parametrize(
    ("halves", "reached"),
    [
        ((0.0, 0.1, 0.21, 0.3, 0.4), 3),  # half of 0.4 is passed in the third
        ((0.3, 0.1, 0.3, 0.4), 3),  # what is lost again does not count
        ((0.4, 0.4), 1),
        ((0.3, 0.001), None),  # at the end the classes are alike
        ((0.2,), 1),
    ],
)
def test_a_site_is_class_specific_from_the_epoch_on_that_keeps_half(halves, reached):
    found = spread(two_classes(*halves))
    np.testing.assert_allclose(found.by_epoch, halves, atol=1e-12)
    assert found.reached == reached


def test_one_class_has_no_spread():
    found = spread(np.full((2, 1, 3), 0.5))
    assert np.isnan(found.by_epoch).all() and found.reached is None
    with pytest.raises(ValueError, match=r"\(epochs, classes, channels\), not \(2, 3\)"):
        spread(np.zeros((2, 3)))


def test_words_follow_from_the_numbers():
    early, late = spread(two_classes(0.2, 0.2, 0.2)), spread(two_classes(0.0, 0.1, 0.4))
    text = in_words({"a": early, "b": late}, TITLES)
    assert "first at stage 1 · block 1 (from epoch 1 on) and last at stage 2 · block 1 (from epoch 3 on)" in text
    assert "furthest apart at stage 2 · block 1 in the end (0.400)" in text
    assert "last epoch from epoch 1 on at every site that has come to differ." in in_words({"a": early}, TITLES)
    flat = Spread(np.array([0.0, 0.001]), None)
    assert "At no site do the classes' mean gates come to differ by 0.01 or more" in in_words({"a": flat}, TITLES)
    assert in_words({"a": spread(np.full((2, 1, 3), 0.5))}, TITLES).startswith("Fewer than two classes have pictures")
    assert "At 1 of 2 sites they hardly differ (below 0.01)" in in_words({"a": flat, "b": late}, TITLES)


def test_the_lines_are_the_spreads_and_the_epoch_is_marked():
    by_site = {"stage 1 · block 1": [0.1, 0.2], "stage 2 · block 1": [0.0, 0.3]}
    figure = figures.spreads(by_site, (1, 2), (1, 1), epoch=2, chosen="stage 2 · block 1")
    assert [list(trace.y) for trace in figure.data] == [[0.1, 0.2], [0.0, 0.3]]
    assert figure.data[1].line.width > figure.data[0].line.width
    assert figure.layout.shapes[0].x0 == 2
    assert "stage 2 · block 1 0.000 to 0.300" in alt(figure)
    assert "1.500 nats after epoch 1, 0.500 after the last" in alt(figures.loss_beside([1.5, 0.5], epoch=1))


def test_the_map_holds_the_means_in_the_order_of_its_channels():
    means = np.array([[0.0, 0.5, 1.0], [1.0, np.nan, 0.2]])
    figure = figures.epoch_map(means, ["ant", "<b>"], [2, 0, 1], epoch=3, title="stage 1 · block 1")
    cells = figure.data[0]
    np.testing.assert_array_equal(np.asarray(cells.z, dtype=float), [[255, 0, 128], [51, 255, np.nan]])
    assert list(cells.y) == ["ant", "&lt;b&gt;"]
    assert np.asarray(cells.customdata)[0].tolist() == [2, 0, 1]
    assert cells.text[0][0] == "1.00"
    assert "2 classes by 3 channels; from 0.00 to 1.00" in alt(figure)


def test_sites_of_seviz_have_stage_and_block():
    assert place("layer3.2.se") == (3, 3)
    assert place("features.4") == (0, 0)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """checkpoints/ with gates over the three epochs of a short history."""
    shutil.copytree(ROOT / "checkpoints", tmp_path, dirs_exist_ok=True, ignore=lambda *_: ["gates.npz", "epochs.npz"])
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(tmp_path))
    card = open_checkpoint("se_resnet20").card
    key = open_checkpoint("se_resnet20").evaluation().key
    rows = (tmp_path / "se_resnet20" / "history.csv").read_text(encoding="utf-8").splitlines()[:4]
    (tmp_path / "se_resnet20" / "history.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    generator = np.random.default_rng(0)
    means = {path: generator.random((3, 10, 16)).astype(np.float16) for path in ("layer1.0.se", "layer3.2.se")}
    save_gate_history(tmp_path / "se_resnet20", GateHistory(means, card.classes, key, card.weights_sha256))
    return tmp_path


def page():
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    at.switch_page("pages/training.py")
    return at


def test_the_page_shows_the_last_epoch_and_any_other(home):
    at = page().run()
    assert not at.exception
    assert at.slider(key="epoch").value == 3
    assert any("Classes come to lie at least half as far apart" in one.value for one in at.markdown)
    at.slider(key="epoch").set_value(1).run()
    assert not at.exception
    assert at.slider(key="epoch").value == 1
    at.selectbox(key="gates-site").select("layer1.0.se").run()
    assert not at.exception
    assert at.query_params["gates-site"] == "layer1.0.se"


def test_playing_goes_to_the_next_epoch_and_begins_again(home):
    at = page().run()
    at.toggle(key="playing").set_value(True).run()
    assert at.slider(key="epoch").value == 1  # after the last comes the first
    at.run()
    assert at.slider(key="epoch").value == 2


def test_without_kept_gates_the_page_says_how_they_are_kept(home):
    (home / "se_resnet20" / "epochs.npz").unlink()
    at = page().run()
    assert not at.exception
    assert any("has kept its gates by epoch" in one.value for one in at.info)


def test_a_damaged_history_of_gates_is_told_and_left_out(home):
    (home / "se_resnet20" / "epochs.npz").write_bytes(b"nothing")
    at = page().run()
    assert not at.exception
    assert any("epochs.npz is damaged" in one.value for one in at.warning)
