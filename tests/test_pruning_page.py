"""The view Pruning of the page Ablation: measured, missing, damaged, of a plain network, and the form that keeps a network."""

from __future__ import annotations

import json

import pytest
from networks import PREPROCESSING, lively
from streamlit.testing.v1 import AppTest
from test_ablation import toy
from test_checkpoints import card_of
from test_pages import words

from seviz import jobs
from seviz.checkpoints import save_checkpoint
from seviz.excitation import excitation_of, save_excitation
from seviz.jobs import RUNNING, Job
from seviz.pruning import Setting, load_pruning, measure

pytestmark = pytest.mark.usefixtures("one_thread")

PAGE = """
import streamlit as st
from seviz.checkpoints import open_checkpoint
from seviz.ui.ablation import pruning
pruning.panel(open_checkpoint(st.query_params.get("model", "se")))
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Checkpoints "se", whose pruning was measured, "fresh", "blank" without gate statistics, and "plain"."""
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(tmp_path / "checkpoints"))
    monkeypatch.setenv("SEVIZ_HOME", str(tmp_path / "home"))
    for name, arch in (("se", "se_resnet20"), ("fresh", "se_resnet20"), ("blank", "se_resnet20"), ("plain", "resnet20")):
        net, folder = lively(arch), tmp_path / "checkpoints" / name
        card = save_checkpoint(folder, net, card_of(net, name))
        if name in ("se", "fresh"):
            statistics = excitation_of(net, toy(), card.preprocessing, weights_sha256=card.weights_sha256)
            save_excitation(folder / "excitation.npz", statistics)
        if name == "se":
            setting = Setting(card.weights_sha256, "as typed", statistics, (0.25, 0.5), seeds=2)
            measure(net, toy(), PREPROCESSING, folder / "pruning.json", setting)
    return tmp_path / "checkpoints"


@pytest.fixture
def started(monkeypatch):
    """The arguments of the jobs that were started; none runs."""
    found = []

    def start(identity, arguments, *, partial=None):
        found.append(list(arguments))
        return Job(identity, RUNNING)

    monkeypatch.setattr(jobs, "start", start)
    return found


def page(**query):
    at = AppTest.from_string(PAGE, default_timeout=120)
    for name, value in query.items():
        at.query_params[name] = value
    return at.run()


def commands(at):
    return [one.value for one in at.code]


def test_what_was_measured_is_told_drawn_and_listed(home):
    at, found = page(), load_pruning(home / "se" / "pruning.json")
    assert not at.exception
    told = [one.value for one in at.markdown if one.value.startswith("- ")]
    assert [one.removeprefix("- ").replace("\\", "") for one in told] == list(found.findings)
    spec = json.loads(at.get("plotly_chart")[0].proto.spec)
    assert spec["layout"]["xaxis"]["title"]["text"] == "thousand parameters"
    assert "Accuracy against thousand parameters" in spec["layout"]["meta"]["alt"]
    assert len(at.dataframe[0].value) == 6
    assert "23 pictures · mean gates: toy, test · `as typed`" in words(at)


def test_the_cost_on_the_axis_stands_in_the_address(home):
    at = page(cost="multiply-adds")
    assert "million multiply-adds" in at.get("plotly_chart")[0].proto.spec
    at.button_group(key="cost").set_value("parameters").run()
    assert "thousand parameters" in at.get("plotly_chart")[0].proto.spec


def test_where_nothing_was_measured_the_command_stands_there(home, started):
    at = page(model="fresh")
    assert "is not known yet. One command measures it" in words(at)
    assert f"python -m seviz prune --model {home / 'fresh'} --data cifar10 --split test" in commands(at)
    at.text_input(key="prune-data").set_value("folder:toy").run()
    at.button(key="prune-start").click().run()
    assert started == [["prune", "--model", str(home / "fresh"), "--data", "folder:toy", "--split", "test"]]


def test_mean_gates_are_measured_first(home):
    at = page(model="blank")
    assert "measure them first" in words(at)
    assert [one.key for one in at.button] == ["excite-start", "prune-start", "save-pruned-start"]
    assert "measure them first" not in words(page(model="plain"))


def test_a_damaged_file_is_one_sentence_and_can_be_measured_again(home):
    (home / "se" / "pruning.json").write_text("{}", encoding="utf-8")
    at = page()
    assert not at.exception
    assert "pruning.json is damaged; write it again with" in at.error[0].value
    assert at.button(key="prune-start")


def test_a_network_is_kept_by_a_job(home, started):
    at = page()
    assert at.button_group(key="pruned-by").value == "magnitude"
    at.button_group(key="pruned-by").set_value("gate").run()
    at.number_input(key="pruned-share").set_value(0.3).run()
    at.text_input(key="save-pruned-data").set_value("folder:toy").run()
    at.button(key="save-pruned-start").click().run()
    wanted = ["--by", "gate", "--share", "0.3", "--out", str(home / "se_by_gate_30")]
    assert started == [["prune", "--model", str(home / "se"), "--data", "folder:toy", "--split", "test", *wanted]]


@pytest.mark.parametrize("name", ["", "../up", "a/b", "-x", ".hidden", "a b", "x" * 90])
def test_a_name_that_is_none_starts_nothing(home, name):
    at = page()
    at.text_input(key="pruned-name-se_by_magnitude_10").set_value(name).run()
    assert not at.exception
    assert "Give the new network a name" in words(at)
    assert "save-pruned-start" not in [one.key for one in at.button]


def test_a_plain_network_has_no_mean_gates_to_choose(home):
    at = page(model="plain")
    assert at.button_group(key="pruned-by").options == ["Magnitude", "Random"]


def test_without_weights_nothing_is_offered(home):
    (home / "se" / "model.safetensors").unlink()
    at = page()
    assert not at.exception
    assert [one.key for one in at.button] == []
    assert at.get("plotly_chart")


def test_a_plain_network_without_weights_is_not_said_to_lack_gates(home):
    (home / "plain" / "model.safetensors").unlink()
    at = page(model="plain")
    assert not at.exception
    assert any("plain has no weights here, so nothing can be measured" in one.value for one in at.info)
    assert not any("no gates that could be measured" in one.value for one in at.info)
