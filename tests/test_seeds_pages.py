"""Pages with a folder of seeds: every one opens, those that run networks offer none without weights, Compare tells them."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from scipy import stats
from seeded import PLAIN, SE, N, home_of_seeds, stripped, training
from streamlit.testing.v1 import AppTest
from test_pages import PAGES, app, words

from seviz.checkpoints import open_checkpoint
from seviz.gate_history import GateHistory, save_gate_history

ALONE = {"se_resnet20-seed1", "se_resnet20-seed2", "resnet20-seed1", "resnet20-seed2"}
RUNNING = {"inspect", "excitation", "lab", "ablation", "models"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return home_of_seeds(tmp_path_factory.mktemp("seeds") / "checkpoints")


@pytest.fixture(autouse=True)
def home(made, tmp_path, monkeypatch):
    shutil.copytree(made, tmp_path / "checkpoints")
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return tmp_path / "checkpoints"


def offered(at: AppTest) -> set[str]:
    """What the lists of the sidebar hold."""
    return {name for box in at.sidebar.selectbox for name in box.options} - {"none"}


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_and_offers_what_it_can_show(page):
    at = app(page)
    assert not at.exception and not at.error
    assert [box.value for box in at.sidebar.selectbox] == ["se_resnet20", "resnet20"]
    assert bool(ALONE & offered(at)) != (page in RUNNING)
    told = [one.value for one in at.sidebar.caption if "4 trainings that ship without weights" in one.value]
    assert len(told) == (page in RUNNING)


@pytest.mark.parametrize("page", PAGES)
def test_a_link_to_a_seed_opens_every_page(page):
    at = app(page, model="se_resnet20-seed1")
    if page == "inspect":
        assert "**se_resnet20-seed1** ships without weights, so this page cannot run it." in words(at)
    elif page not in RUNNING:  # Inspect, where AppTest starts, does not offer it
        at.session_state["model"] = "se_resnet20-seed1"
        at.run()
    assert not at.exception and not at.error
    assert at.sidebar.selectbox[0].value == ("se_resnet20" if page in RUNNING else "se_resnet20-seed1")
    text = words(at)
    for command in ("excite", "ablate", "faithfulness", "prune", "evaluate"):
        assert f"seviz {command} --model se_resnet20-seed1" not in text


@pytest.mark.parametrize("look", ["tests", "mistakes", "picture", "cost"])
def test_seeds_side_by_side_offer_nothing_that_would_run_them(look):
    at = app("compare", model="se_resnet20-seed1", against="resnet20-seed1", look=look)
    at.session_state["model"], at.session_state["against"] = "se_resnet20-seed1", "resnet20-seed1"
    at.run()
    assert not at.exception and not at.error
    assert [box.value for box in at.sidebar.selectbox[:2]] == ["se_resnet20-seed1", "resnet20-seed1"]
    assert "python -m seviz" not in words(at) + "".join(block.value for block in at.code)
    assert not [button for button in at.button if button.key == "measure"]


def test_compare_tells_what_the_seeds_tell():
    text = words(app("compare"))
    theirs = stats.ttest_rel([SE[seed] / N for seed in range(3)], [PLAIN[seed] / N for seed in range(3)])
    low, high = (100 * end for end in theirs.confidence_interval(0.95))
    assert f"**Over 3 seeds: +2.00 points, 95 % interval {low:+.2f} to {high:+.2f}: no difference can be told.**" in text
    assert "over several seeds, see below" in text
    assert "another seed would give other figures" not in text


def test_compare_has_the_numbers_of_every_seed():
    table = next(frame.value for frame in app("compare").dataframe if "seed" in frame.value)
    assert table["seed"].tolist() == ["0", "1", "2", "mean", "95 % low", "95 % high"]
    assert table["difference (points)"].tolist()[:4] == [3.0, 2.0, 1.0, 2.0]


def test_compare_of_single_trainings_says_that_they_are(home):
    for name in ALONE:
        shutil.rmtree(home / name)
    text = words(app("compare"))
    assert "Over seeds" not in text
    assert "One training of each network: another seed would give other figures." in text


def test_compare_of_two_seeds_of_one_recipe_calls_it_chance():
    at = app("compare", model="se_resnet20", against="none")
    at.session_state["against"] = "se_resnet20-seed2"
    at.run()
    assert not at.exception
    assert "Both are trainings of one recipe with different seeds: what differs between them is chance." in words(at)


@pytest.mark.parametrize("page", PAGES)
def test_a_broken_card_of_a_seed_breaks_no_page(home, page):
    (home / "se_resnet20-seed2" / "card.json").write_text('{"format": 1}', encoding="utf-8")
    (home / "resnet20-seed2" / "evaluation.npz").write_bytes(b"PK")
    (home / "resnet20-seed1" / "history.csv").write_bytes(b"epoch\n1")
    at = app(page)
    assert not at.exception
    assert "se_resnet20-seed2** is left out" in "\n".join(one.value for one in at.sidebar.warning)
    if page == "compare":
        assert "Over 2 seeds" in words(at) and "resnet20-seed2 is left out" in words(at)


def test_of_two_trainings_with_one_seed_the_page_says_which_counts(home):
    stripped(home, "se_resnet20", 1, 20, name="se_resnet20-twice")
    assert "se_resnet20-twice is another training with seed 1, for which se_resnet20-seed1 stands." in words(app("compare"))


def test_the_models_page_has_seeds_on_the_card_of_the_whole_one():
    at = app("models")
    text = words(at)
    heads = [one.value for one in at.markdown if one.value.startswith("#### ")]
    assert heads == ["#### se_resnet20", "#### resnet20"]
    assert "**3 seeds:** 88.00, 90.00, 86.00 % (mean 88.00, 95 % interval" in text
    assert "se_resnet20-seed1`: seed 1, 90.00%; card, history and evaluation; no weights." in text
    assert any("--out runs/se_resnet20-seed1" in block.value for block in at.code)
    assert "Over 3 seeds: +2.00 points" in text and "One training each" not in text


def test_a_seed_without_a_whole_one_has_a_card_of_its_own(home):
    shutil.rmtree(home / "se_resnet20")
    heads = [one.value for one in app("models").markdown if one.value.startswith("#### ")]
    assert heads == ["#### resnet20", "#### se_resnet20-seed1", "#### se_resnet20-seed2"]  # the one that can be chosen first


def test_the_other_seeds_lie_behind_a_run_unless_switched_off():
    at = app("training")
    assert not at.exception
    assert next(one for one in at.toggle if one.key == "seeds").value
    drawn = at.get("plotly_chart")[0].proto.spec
    assert "dotted: test, other seeds" in drawn
    at.toggle(key="seeds").set_value(False).run()
    assert "dotted" not in at.get("plotly_chart")[0].proto.spec


def test_seeds_that_are_runs_of_their_own_are_not_drawn_twice():
    at = app("training", runs="se_resnet20,se_resnet20-seed1,se_resnet20-seed2")
    at.session_state["runs"] = ["se_resnet20", "se_resnet20-seed1", "se_resnet20-seed2"]
    at.run()
    assert not [one for one in at.toggle if one.key == "seeds"]


def test_gates_over_epochs_begin_with_another_seed_of_what_is_chosen_before_another_network(home):
    training(home, "se_resnet20", 7, 150, name="another", recipe={"epochs": 3, "batch": 16, "flip": True, "seed": 7})
    for name in ("another", "se_resnet20-seed1"):
        card = open_checkpoint(home / name).card
        means = {"layer1.0.se": np.full((3, 5, 16), 0.5, dtype=np.float16)}
        save_gate_history(home / name, GateHistory(means, card.classes, card.data.test, card.weights_sha256))
    at = app("training")
    assert not at.exception and not at.error
    box = next(one for one in at.segmented_control if one.label == "Run of the gates")
    assert list(box.options) == ["se_resnet20-seed1", "another"]
    assert box.value == "se_resnet20-seed1"


def test_runs_without_weights_are_offered_after_the_whole_ones(home):
    training(home, "se_resnet20", 7, 150, name="whole", recipe={"epochs": 3, "batch": 16, "flip": True, "seed": 7})
    at = app("training")
    offered_runs = next(one for one in at.button_group if one.label == "Runs").options
    assert list(offered_runs) == ["se_resnet20", "resnet20", "whole", *sorted(ALONE)]
