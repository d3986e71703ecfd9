"""The paper's families: counted as published and by hand, without weights; the command and the view that show them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from seviz import cli, families, nets
from seviz.analysis.classification import wilson
from seviz.analysis.paper import IMAGENET
from seviz.backend.latency import WARMUPS
from seviz.checkpoints import EVALUATION_FILE, open_checkpoint, save_checkpoint
from seviz.data import DataKey, samples_sha256
from seviz.evaluation import Evaluation, save
from seviz.families import FAMILIES, Accuracy, Counted, Row, count, rows, time_both
from seviz.figures.families import Growth, growth
from seviz.nets import Cost

ROOT = Path(__file__).parents[1]
BUNDLED = ROOT / "checkpoints"

pytestmark = pytest.mark.usefixtures("one_thread")


def family(title):
    return next(one for one in FAMILIES if one.title == title)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(tmp_path / "checkpoints"))
    monkeypatch.setenv("SEVIZ_HOME", str(tmp_path / "home"))
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints"


@pytest.fixture
def few(monkeypatch):
    """Two quick families and the one that cannot be counted."""
    chosen = tuple(family(title) for title in ("VGG-16 + BN", "ShuffleNetV2 1x", "Inception-ResNet-v2"))
    monkeypatch.setattr(families, "FAMILIES", chosen)
    families._costs.cache_clear()  # by their places in the list
    yield chosen
    families._costs.cache_clear()


# counting

PUBLISHED = {  # parameters, 10^9 multiply-adds: measured on the libraries' networks, reference of the project
    "ResNet-50": (25_557_032, 3.8580, 28_088_024, 3.8605),
    "ResNet-50 v1.5": (25_557_032, 4.0892, 28_088_024, 4.0917),
}


@pytest.mark.parametrize("title", PUBLISHED)
def test_resnet50_costs_what_is_published(title):
    found = count(family(title))
    shown = (found.plain.parameters, round(found.plain.multiply_adds / 1e9, 4))
    assert (*shown, found.se.parameters, round(found.se.multiply_adds / 1e9, 4)) == PUBLISHED[title]
    # 3, 4, 6 and 3 maps of 256 to 2048 channels and 56 to 7 pixels a side
    assert found.scaling == 3 * 256 * 56**2 + 4 * 512 * 28**2 + 6 * 1024 * 14**2 + 3 * 2048 * 7**2
    assert found.blocks == 16
    assert found.more_parameters == pytest.approx(2_530_992 / 25_557_032)


SAME = [("ResNet-50", 0.01), ("ResNeXt-50 32x4d", 0.02), ("ResNeXt-101 32x4d", 0.03), ("VGG-16 + BN", 0.01)]


@pytest.mark.parametrize(("title", "within"), SAME)
def test_networks_that_are_called_the_papers_have_its_multiply_adds(title, within):
    """To what the paper rounds to, and the sums and products that it counts beside."""
    one = family(title)
    assert one.note.startswith("the paper's")
    theirs = next(pair.plain for pair in IMAGENET if pair.plain.name == one.paper)
    assert count(one).plain.multiply_adds / 1e9 == pytest.approx(theirs.multiply_adds, abs=within)


def test_every_family_of_the_paper_has_a_line_and_says_what_it_is():
    assert {one.paper for one in FAMILIES} >= {pair.plain.name for pair in IMAGENET}
    assert all(one.note for one in FAMILIES)
    assert "version 1" in family("MobileNetV2").note
    assert family("ResNet-50").typed == "resnet50 (stride_on=1x1)"
    assert family("ResNeXt-101 32x4d").typed == "torchvision:resnet101 (groups=32, width_per_group=4)"


def test_counting_holds_no_weights(few, home, monkeypatch):
    """Every network is on the meta device: its tensors have shapes and no memory."""
    devices = []
    build = families.from_card

    def watched(options):
        net = build(options)
        devices.extend(value.device.type for value in net.state_dict().values())
        return net

    monkeypatch.setattr(families, "from_card", watched)
    told = []
    found = rows(64, progress=lambda done, total: told.append((done, total)))
    assert set(devices) == {"meta"}
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert [row.counted is None for row in found] == [False, False, True]
    assert [row.measured for row in found] == [()] * 3


def test_what_is_too_small_for_one_network_is_said_there_and_the_others_are_counted(home, monkeypatch):
    monkeypatch.setattr(families, "FAMILIES", (family("Inception v3"), family("ShuffleNetV2 1x")))
    families._costs.cache_clear()
    first, second = rows(64)
    families._costs.cache_clear()
    assert first.counted is None
    assert first.problem == "Inception v3 cannot take pictures of 64 x 64 pixels; choose a larger size."
    assert (second.problem, second.counted.blocks) == ("", 16)


# accuracies


def stored(home, name, options, *, classes=3, evaluation=None, **changes):
    """A checkpoint folder with a network of these options."""
    net = nets.from_card(options)
    card = open_checkpoint(BUNDLED / "resnet20").card
    labels = tuple(f"class {index}" for index in range(classes))
    card = save_checkpoint(home / name, net, replace(card, name=name, options=options, classes=labels, **changes))
    if evaluation is not None:
        save(home / name / EVALUATION_FILE, replace(evaluation, weights_sha256=card.weights_sha256))
    return card


def test_accuracies_are_those_of_checkpoints_of_the_family(few, home):
    options = nets.card_options("torchvision:shufflenet_v2_x1_0+se", 3, nets.SEPlacement((1,), reduction=4))
    from_card = stored(home, "mine", options)
    stored(home, "other", nets.card_options("torchvision:shufflenet_v2_x0_5", 3))
    found = {row.family.title: row.measured for row in rows(64)}
    metric = from_card.metrics["accuracy"]
    wanted = Accuracy("mine", True, metric.value, metric.interval, None, metric.n, f"{metric.data}, {metric.split}", 3)
    (mine,) = found["ShuffleNetV2 1x"]
    assert replace(mine, top5=None) == wanted
    assert found["VGG-16 + BN"] == ()


def test_an_evaluation_that_was_stored_later_goes_before_the_card(few, home):
    """Ten pictures, by hand: the truth is first 4 times, and among the first five 7 times."""
    logits = np.tile(np.arange(8, 0, -1, dtype=np.float32), (10, 1))
    labels = np.array([0, 0, 0, 0, 1, 3, 4, 5, 6, 7], dtype=np.int16)
    ids = tuple(f"{index:04d}" for index in range(10))
    evaluation = Evaluation(logits, labels, ids, DataKey("folder:val", "test", 10, samples_sha256(ids, labels)))
    options = nets.card_options("torchvision:shufflenet_v2_x1_0", 8)
    stored(home, "plain", options, classes=8, evaluation=evaluation)
    (found,) = rows(64)[1].measured
    assert (found.model, found.se, found.n, found.data, found.classes) == ("plain", False, 10, "folder:val, test", 8)
    assert (found.top1, found.top5) == (pytest.approx(0.4), pytest.approx(0.7))
    assert found.interval == wilson(4, 10)


def test_a_resnet_of_ours_is_of_its_family_by_its_shape(home):
    v1, v15 = family("ResNet-50"), family("ResNet-50 v1.5")
    options = nets.card_options("se_resnet50", 7)
    assert families._is_of(v1, options) is None  # it strides on the 3 x 3
    assert families._is_of(v1, {**options, "stride_on": "1x1"}) is True
    assert families._is_of(v1, {**options, "stride_on": "1x1", "se": None, "blocks": [3, 4, 6, 3]}) is False
    assert families._is_of(v15, {"library": "timm", "name": "seresnet50", "classes": 1000}) is True
    assert families._is_of(v1, {"library": "timm", "name": "legacy_seresnet50", "classes": 1000}) is True
    assert families._is_of(v15, {"library": "torchvision", "name": "resnet50", "classes": 2, "options": {}}) is False
    wide = {"library": "torchvision", "name": "resnet50", "classes": 2, "options": {"width_per_group": 128}}
    assert families._is_of(v15, wide) is None


# time


def test_both_networks_are_timed_in_turn_and_closed():
    told = []
    plain, se = time_both(family("ShuffleNetV2 1x"), 32, device="cpu", progress=lambda done, total: told.append((done, total)))
    assert (plain.model, se.model) == ("ShuffleNetV2 1x", "SE-ShuffleNetV2 1x")
    assert plain.repeats == se.repeats == families.REPEATS
    assert min(plain.fastest, se.fastest) > 0
    assert told[-1] == (families.REPEATS + WARMUPS,) * 2


# the command


def said(capsys, arguments):
    status = cli.main([str(argument) for argument in arguments])
    return status, *capsys.readouterr()


def test_the_command_prints_every_family_beside_the_paper(few, home, capsys):
    status, out, _ = said(capsys, ["cost", "--size", "64"])
    assert status == 0
    line = next(line for line in out.splitlines() if line.startswith("VGG-16 + BN"))
    found = count(few[0], 64)
    shown = [f"{found.plain.parameters / 1e6:.2f}", f"{found.se.parameters / 1e6:.2f}", f"{found.more_parameters:+.2%}"]
    shown += [f"{found.plain.multiply_adds / 1e9:.4f}", f"{found.se.multiply_adds / 1e9:.4f}"]
    assert line.split()[3:] == [*shown, f"{found.more_multiply_adds:+.3%}", "15.47", "15.48", "27.02", "25.22"]
    assert "convolutions and matrix products only" in out
    assert "not measured here" in out
    assert max(len(line) for line in out.splitlines()) <= 128


def test_the_command_as_json(few, home, capsys):
    status, out, _ = said(capsys, ["cost", "--size", "64", "--json"])
    values = json.loads(out.splitlines()[-1])
    assert (status, values["size"], len(values["families"])) == (0, 64, 3)
    vgg, shuffle, none = values["families"]
    assert vgg["counted"]["se"]["parameters"] == count(few[0], 64).se.parameters
    assert (vgg["paper"]["plain"]["top1"], none["counted"], shuffle["latency"]) == (27.02, None, [])


def test_the_command_measures_on_request(home, capsys, monkeypatch):
    monkeypatch.setattr(families, "FAMILIES", (family("ShuffleNetV2 1x"),))
    families._costs.cache_clear()
    status, out, _ = said(capsys, ["cost", "--size", "32", "--latency", "--json", "--threads", "1", "--device", "cpu"])
    families._costs.cache_clear()
    (row,) = json.loads(out.splitlines()[-1])["families"]
    assert [one["model"] for one in row["latency"]] == ["ShuffleNetV2 1x", "SE-ShuffleNetV2 1x"]
    assert (status, row["latency"][0]["threads"]) == (0, 1)


def test_accuracies_stand_below_the_table(few, home, capsys):
    card = stored(home, "mine", nets.card_options("torchvision:shufflenet_v2_x1_0+se", 3))
    out = said(capsys, ["cost", "--size", "64"])[1]
    accuracy = card.metrics["accuracy"]
    assert f"SE     mine: {accuracy.value:.2%} right" in out
    assert f"of {accuracy.n:,} pictures of {accuracy.data}, {accuracy.split}, 3 classes" in out


# the figure


def test_the_figure_has_a_dot_a_family_and_a_diamond_where_the_paper_speaks():
    drawn = growth([Growth("A", 0.1, 0.12), Growth("B<i>", 0.02)], "parameters")
    diamonds, dots = drawn.data
    assert (list(dots.x), list(dots.y)) == ([0.1, 0.02], ["A", "B&lt;i&gt;"])
    assert (list(diamonds.x), list(diamonds.y)) == ([0.12], ["A"])
    assert drawn.layout.xaxis.range[0] <= 0 < 0.12 < drawn.layout.xaxis.range[1]
    assert list(drawn.layout.yaxis.categoryarray) == ["B&lt;i&gt;", "A"]  # the first stands on top
    assert drawn.layout.meta["alt"] == "What SE blocks add, more parameters: A 10.00 % (paper 12.00 %) and B<i> 2.00 %."
    assert len(growth([Growth("A", 0.1)], "multiply-adds").data) == 1


# the view


def app(**query):
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, value in query.items():
        at.query_params[name] = value
    return at.run().switch_page("pages/models.py").run()


def words(at):
    kinds = (at.subheader, at.markdown, at.caption, at.info, at.error, at.warning)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def test_the_view_shows_the_table_and_what_is_not_measured(few, monkeypatch):
    at = app(show="cost", size="64")
    assert not at.exception
    assert not at.error
    table = at.dataframe[0].value
    assert list(table["network"]) == [one.title for one in few]
    assert table["params with SE (M)"][0] == count(few[0], 64).se.parameters / 1e6
    assert table["its SE (%)"][0] == 25.22
    assert table["params (M)"].isna().tolist() == [False, False, True]
    assert "Not measured here" in words(at)
    assert at.query_params["show"] == "cost"


def test_the_view_measures_a_family_on_request(few, monkeypatch):
    from seviz.backend import Latency

    times = [Latency(name, 10.0 + index, 9.0, 12.0, 8.0, 20, "cpu", "float32", 1, 2) for index, name in enumerate("ab")]
    asked = []
    monkeypatch.setattr(families, "time_both", lambda one, side, **_: asked.append((one.title, side)) or tuple(times))
    at = app(show="cost", size="64")
    at.selectbox(key="timed").select("ShuffleNetV2 1x")
    at.button(key="measure-family").click().run()
    assert not at.exception
    assert asked == [("ShuffleNetV2 1x", 64)]
    assert "The median with SE blocks is +10.0%" in words(at)


def test_other_views_count_nothing(monkeypatch):
    def never(*_, **__):
        raise AssertionError("counted")

    monkeypatch.setattr(families, "rows", never)
    assert not app().exception


def test_a_row_without_a_network_is_plain_json():
    row = Row(family("Inception-ResNet-v2"), None, None, ())
    assert json.loads(json.dumps(row.to_json()))["counted"] is None
    counted = Counted(Cost(100, 1000), Cost(110, 1010), 2, 5)
    assert (counted.more_parameters, counted.more_multiply_adds) == (pytest.approx(0.1), pytest.approx(0.01))
