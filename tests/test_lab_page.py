"""The page Gate lab by AppTest: edits made and taken back, links good and bad, and the experiments below."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from test_excitation_page import files, measured
from test_pages import app, home, png, upload, words

import seviz
from seviz.checkpoints import open_checkpoint
from seviz.edits import Constant, Edit, OtherPicture, Where, from_text, to_text
from seviz.excitation import EXCITATION_FILE
from seviz.ui.lab import gate_map
from seviz.ui.samples import samples

__all__ = ["files", "home", "measured"]  # fixtures
SWAP = OtherPicture("ship")


@pytest.fixture
def unmeasured(home):
    """Checkpoints without the gates of a data set."""
    (home / "se_resnet20" / EXCITATION_FILE).unlink(missing_ok=True)
    return home


@pytest.fixture(scope="module")
def model():
    with seviz.load("se_resnet20") as model:
        yield model


def lab(**query: str) -> AppTest:
    at = app("lab", **query)
    assert not at.exception
    return at


def press(at: AppTest, key: str) -> AppTest:
    next(button for button in at.button if button.key == key).click()
    at.run()
    assert not at.exception
    return at


def put(at: AppTest, kind: str, key: str, value: object) -> AppTest:
    next(widget for widget in getattr(at, kind) if widget.key == key).set_value(value)
    return at


def chips(at: AppTest) -> list[str]:
    return [button.label for button in at.button if str(button.key).startswith("chip-")]


def bars(at: AppTest) -> dict[str, tuple[float, float, float]]:
    """Class -> probability before, after, and the logit's difference, as drawn."""
    spec = next(json.loads(chart.proto.spec) for chart in at.get("plotly_chart") if "before and after" in chart.proto.spec)
    one, other, moved = (decoded(trace["x"]) for trace in spec["data"])
    return dict(zip(spec["data"][0]["customdata"], zip(one, other, moved, strict=True), strict=True))


def decoded(values: object) -> list[float]:
    if isinstance(values, list):
        return values
    import base64

    return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"]).tolist()


def cat() -> bytes:
    return next(sample for sample in samples() if sample.name == "cat").path.read_bytes()


def test_without_edits_before_and_after_are_the_same():
    at = lab()
    assert chips(at) == []
    assert "No edits in force" in words(at)
    assert all(one == other and moved == 0 for one, other, moved in bars(at).values())
    assert "edits" not in at.query_params


def test_a_stage_is_switched_off_with_lists_and_the_answer_is_that_of_the_edit(model):
    at = put(put(lab(), "selectbox", "switch-where", "s3"), "selectbox", "switch-mode", "off")
    press(at, "switch-apply")
    assert chips(at) == ["stage 3: off (1) ✕"]
    assert at.query_params["edits"] == "s3~1"
    plain, under = (model.inspect(cat(), layers=(), edits=edits) for edits in ("", "s3~1"))
    for label, (before, after, moved) in bars(at).items():
        index = model.class_index(label)
        assert before == pytest.approx(plain.probabilities[index], abs=1e-5)
        assert after == pytest.approx(under.probabilities[index], abs=1e-5)
        assert moved == pytest.approx(under.logits[index] - plain.logits[index], abs=1e-4)


def test_a_channel_is_set_by_number_and_let_go():
    at = put(put(lab(), "number_input", "set-channel-layer3.2.se", 7), "number_input", "set-value", 0.25)
    press(at, "set-apply")
    assert chips(at) == ["stage 3 · block 3, channel 7 → 0.25 ✕"]
    assert at.query_params["edits"] == "layer3.2.se~0.25~c7"
    press(at, "set-drop")
    assert chips(at) == []
    assert "edits" not in at.query_params


def test_chips_take_edits_away_one_by_one_and_all_at_once():
    at = lab(edits="s1~1!s2~1!layer3.0.se~0~c3")
    assert len(chips(at)) == 3
    press(at, next(button.key for button in at.button if str(button.key).startswith("chip-1")))
    assert at.query_params["edits"] == "s1~1!layer3.0.se~0~c3"
    press(at, "clear-edits")
    assert chips(at) == [] and "edits" not in at.query_params


def test_a_link_opens_the_same_edits_and_the_same_answer():
    link = "s2~from.rocket!layer3.1.se~x0.5~top4.gate!layer1.0.se~0~c3.5"
    at = lab(edits=link)
    assert chips(at) == [
        "stage 2: gates of rocket ✕",
        "stage 3 · block 2, top 4 by gate → times 0.5 ✕",
        "stage 1 · block 1, channels 3, 5 → 0 ✕",
    ]
    assert at.query_params["edits"] == link
    assert bars(at) == bars(lab(edits=link))
    assert not at.warning


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        ("s3~banana", "cannot be read"),
        ("layer9.0.se~1", "no gate 'layer9.0.se'"),
        ("s7~1", "no gates in stage 7"),
        ("layer3.2.se~0~c64", "channels 0 to 63"),
        ("s1~class.unicorn", "no class 'unicorn'"),
        ("s1~from.nowhere", "was not handed in"),
        ("s1~shuffle.0", "give two or more"),
        ("layer1.0.se~v.AACAPw", "16 channels; an edit of 1"),
        ("layer1.0.se~nan", "cannot be read"),
        ("~~~", "cannot be read"),
    ],
)
def test_a_broken_edit_in_a_link_is_left_out_and_told_and_the_others_hold(broken, sentence):
    at = lab(edits=f"s2~1!{broken}")
    assert chips(at) == ["stage 2: off (1) ✕"]
    assert [sentence in warning.value for warning in at.warning] == [True], [warning.value for warning in at.warning]
    assert not at.error
    assert at.query_params["edits"] == "s2~1"


def test_means_that_nobody_measured_are_told_and_not_offered(unmeasured):
    at = lab(edits="s2~1!s3~mean")
    assert chips(at) == ["stage 2: off (1) ✕"]
    assert any("seviz excite" in warning.value for warning in at.warning)
    assert any("not measured yet" in caption.value for caption in at.caption)
    modes = next(box for box in at.selectbox if box.key == "switch-mode").options
    assert "static" not in modes
    assert not [name for name in next(box for box in at.selectbox if box.key == "swap").options if "mean" in name]


def test_static_and_the_mean_of_a_class_are_what_the_statistics_say(measured):
    found = open_checkpoint("se_resnet20").excitation()
    for text, row in (("layer3.2.se~mean", None), ("layer3.2.se~class.dog", found.key.classes.index("dog"))):
        sums = found.sites["layer3.2.se"].gate_sum
        gates = sums.sum(0) / found.count.sum() if row is None else sums[row] / found.count[row]
        at = lab(edits=text)
        assert len(chips(at)) == 1 and not at.warning
        with seviz.load("se_resnet20") as model:
            by_hand = model.inspect(cat(), layers=(), edits=[Edit(Where(path="layer3.2.se"), vector(gates))])
        for label, (_, after, _) in bars(at).items():
            assert after == pytest.approx(by_hand.probabilities[by_hand.labels.index(label)], abs=1e-4)


def vector(gates):
    from seviz.edits import Vector

    return Vector(tuple(float(gate) for gate in gates))


def test_a_class_without_pictures_has_no_mean_and_that_is_said(measured):
    at = lab(edits="s3~class.truck")
    assert any("no pictures of the class 'truck'" in warning.value for warning in at.warning)
    assert not at.error


def test_a_damaged_file_of_gates_is_one_sentence_and_edits_still_work(measured):
    path = measured / "se_resnet20" / EXCITATION_FILE
    path.write_bytes(path.read_bytes()[:2000])
    at = lab(edits="s3~1")
    assert [EXCITATION_FILE in error.value for error in at.error] == [True]
    assert chips(at) == ["stage 3: off (1) ✕"]


def test_edits_are_kept_on_a_visit_to_another_page():
    at = lab(edits="s3~1")
    at.switch_page("pages/models.py").run()
    at.switch_page("pages/lab.py").run()
    assert chips(at) == ["stage 3: off (1) ✕"]


def test_a_plain_network_is_told_kindly():
    at = lab(model="resnet20")
    assert any("nothing to switch here" in info.value for info in at.info)
    assert [button.label for button in at.button if str(button.key).startswith("open-")] == ["Open se_resnet20"]
    press(at, "open-se_resnet20")
    assert "No edits in force" in words(at)


def test_a_picture_of_ones_own_is_edited_like_a_sample():
    at = upload(lab(edits="s3~1"), png(np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)))
    assert not at.exception and not at.error
    assert chips(at) == ["stage 3: off (1) ✕"]


def test_a_prediction_is_flipped_and_the_edits_put_in_force():
    at = press(lab(), "flip-search")
    target = next(box for box in at.selectbox if box.key == "into").value
    told = next(text.value for text in at.markdown if "gates change" in text.value or "gate changes" in text.value)
    assert f"the network says **{target}**" in told
    frame = next(frame.value for frame in at.dataframe if "step" in frame.value.columns)
    assert len(frame) == int(re.match(r"\*\*(\d+) of 336", told)[1])
    assert frame[f"p({target})"].is_monotonic_increasing or len(frame) > 1
    press(at, "flip-apply")
    assert max(bars(at).items(), key=lambda pair: pair[1][1])[0] == target
    assert sum(len(edit.channels.indexes) for edit in from_text(at.query_params["edits"])) == len(frame)


def test_gates_of_another_picture_are_swapped_in_everywhere_and_put_in_force(model):
    at = lab(experiment="swap", b="ship")
    frame = next(frame.value for frame in at.dataframe if "gates of B in" in frame.value.columns)
    assert len(frame) == 1 + 3 + 9
    ship = next(sample for sample in samples() if sample.name == "ship").path.read_bytes()
    plain = model.inspect(cat(), layers=())
    index = plain.predictions(1)[0].index
    for row, text in ((0, "all"), (3, "s3"), (4, "layer1.0.se")):
        swapped = model.inspect(cat(), layers=(), edits=f"{text}~from.b", others={"b": ship})
        assert frame.iloc[row, 1] == pytest.approx(swapped.logits[index] - plain.logits[index], abs=1e-4)
    put(at, "selectbox", "b-where", "s2").run()
    press(at, "b-apply")
    assert chips(at) == ["stage 2: gates of ship ✕"]


def test_a_second_picture_of_ones_own_lends_its_gates_and_is_never_in_a_link(model):
    content = png(np.random.default_rng(3).integers(0, 256, (50, 70, 3), np.uint8))
    at = lab(experiment="swap")
    uploader = next(one for one in at.file_uploader if "your own" in one.label)
    uploader.upload("second.png", content, "image/png")
    at.run()
    assert next(box for box in at.selectbox if box.key == "b").value == "your second picture"
    put(at, "selectbox", "b-where", "s3").run()
    press(at, "b-apply")
    assert chips(at) == ["stage 3: gates of your second picture ✕"]
    swapped = model.inspect(cat(), layers=(), edits="s3~from.b", others={"b": content})
    for label, (_, after, _) in bars(at).items():
        assert after == pytest.approx(swapped.probabilities[model.class_index(label)], abs=1e-5)
    link = at.query_params["edits"]
    assert link == "s3~from.your%20second%20picture"
    other = lab(edits=link)
    assert chips(other) == []
    assert any("links never carry" in warning.value for warning in other.warning)


def test_a_second_picture_that_is_none_is_one_sentence():
    at = lab(experiment="swap")
    next(one for one in at.file_uploader if "your own" in one.label).upload("note.jpg", b"no picture", "image/jpeg")
    at.run()
    assert not at.exception
    assert [("JPEG or PNG" in error.value) for error in at.error] == [True]


def test_a_bar_that_is_clicked_is_followed():
    at = lab(experiment="arithmetic", site="layer3.0.se", channel="5")
    at.session_state["arithmetic-z"] = {"selection": {"points": [{"customdata": 12}]}}
    at.run()
    assert not at.exception
    assert at.session_state["channel"] == 12
    at.session_state["arithmetic-h"] = {"selection": {"points": [{"customdata": 3}]}}
    at.run()
    assert any(metric.label == "h of hidden unit 3" for metric in at.metric)


def test_the_arithmetic_tells_the_recorded_gate(model):
    at = lab(experiment="arithmetic", site="layer2.1.se", channel="5")
    gate = model.inspect(cat(), layers=()).gates["layer2.1.se"][5]
    metrics = {metric.label: metric.value for metric in at.metric}
    assert float(metrics["gate s of channel 5"]) == pytest.approx(float(gate), abs=6e-5)
    assert float(metrics["z of channel 5"]) == pytest.approx(
        float(model.inspect(cat(), layers=()).squeezes["layer2.1.se"][5]), abs=6e-5
    )
    assert any(f"recorded {gate:.4f}" in text.value for text in at.markdown)


def test_every_figure_and_picture_of_the_page_has_words():
    for experiment in ("flip", "swap", "arithmetic"):
        at = lab(experiment=experiment, edits="s3~1")
        for chart in at.get("plotly_chart"):
            assert len(chart.proto.alt) > 20


# messages of the map


@pytest.mark.parametrize(
    ("message", "after"),
    [
        ({"where": "s3", "mode": "off"}, "s1~1!s3~1"),
        ({"where": "s1", "mode": "live"}, ""),
        ({"where": "all", "mode": "static"}, "all~mean"),
        ({"where": "layer3.0.se", "mode": "swap"}, "s1~1!layer3.0.se~from.ship"),
        ({"path": "layer3.0.se", "channel": 4, "value": 0.5}, "s1~1!layer3.0.se~0.5~c4"),
        ({"path": "layer3.0.se", "channel": 4, "value": 1}, "s1~1!layer3.0.se~1~c4"),
        ({"path": "layer3.0.se", "channel": 4, "value": None}, "s1~1"),
    ],
)
def test_a_message_of_the_map_becomes_an_edit(model, message, after):
    assert to_text(gate_map.apply(from_text("s1~1"), {"number": 1, **message}, SWAP, model.sites)) == after


@pytest.mark.parametrize(
    "message",
    [
        None, 7, "off", [], {}, {"where": "s3"}, {"where": "s3", "mode": "banana"}, {"where": 3, "mode": "off"},
        {"path": "layer3.0.se", "channel": "4", "value": 0.5}, {"path": "layer3.0.se", "channel": 4, "value": "1"},
        {"path": "layer3.0.se", "channel": 4, "value": float("nan")}, {"path": "layer3.0.se", "channel": 4, "value": 7.0},
        {"path": "layer3.0.se", "channel": 4}, {"path": ["x"], "channel": 4, "value": 0.5},
    ],
)  # fmt: skip
def test_a_message_that_is_none_changes_nothing(model, message):
    assert gate_map.apply((Edit(Where(stage=1), Constant(1)),), message, SWAP, model.sites) == from_text("s1~1")


@pytest.mark.parametrize("message", [{"where": "layer9", "mode": "off"}, {"path": "layer9", "channel": 0, "value": 0.5},
                                     {"path": "layer3.0.se", "channel": -1, "value": 0.5}])  # fmt: skip
def test_a_message_that_does_not_fit_is_one_sentence(model, message):
    from seviz.errors import RequestError

    with pytest.raises(RequestError, match=r"layer9|whole number from 0"):
        gate_map.apply((), message, SWAP, model.sites)
