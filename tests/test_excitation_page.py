"""The page Excitation by AppTest: every view, what it says where something is missing or damaged, and its links."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from networks import lively
from streamlit.testing.v1 import AppTest
from test_checkpoints import card_of
from test_pages import app, class_folder, home, words

from seviz.analysis import paper
from seviz.checkpoints import checkpoints_home, open_checkpoint, save_checkpoint
from seviz.data import PictureSet, numbered_ids
from seviz.excitation import EXCITATION_FILE, GATES_FILE, excite, load_gates, save_gates
from seviz.images import Preprocessing
from seviz.ui.excitation import controls
from seviz.ui.excitation.views import VIEWS
from seviz.ui.usual import FEWEST

__all__ = ["home"]  # a fixture
SITES = [f"layer{stage}.{block}.se" for stage in (1, 2, 3) for block in (0, 1, 2)]


def noise(labels: list[int], classes: tuple[str, ...], side: int = 32) -> PictureSet:
    """Pictures of noise, brighter for higher labels."""
    generator, truth = np.random.default_rng(0), np.array(labels)
    pictures = generator.integers(0, 120, (len(truth), side, side, 3)) + 12 * (truth % 10)[:, None, None, None]
    return PictureSet("folder:noise", "test", pictures.astype(np.uint8), truth, numbered_ids(truth, classes), classes)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """excitation.npz and gates.npz of se_resnet20 over 57 pictures: 7 of each class but one of deer and none of truck."""
    folder = tmp_path_factory.mktemp("excited")
    checkpoint = open_checkpoint(checkpoints_home() / "se_resnet20")
    classes = checkpoint.card.classes
    data = noise([label for label in range(9) for _ in range(1 if label == 4 else 7)], classes)
    sha256 = checkpoint.card.weights_sha256
    excite(checkpoint.network(), data, checkpoint.card.preprocessing, folder, weights_sha256=sha256)
    return folder


@pytest.fixture
def measured(home, files):
    """Checkpoints whose se_resnet20 was measured over the 57 pictures; no data are at hand."""
    for name in (EXCITATION_FILE, GATES_FILE):
        shutil.copy(files / name, home / "se_resnet20" / name)
    return home


@pytest.fixture(autouse=True)
def no_data(tmp_path, monkeypatch):
    monkeypatch.setenv("SEVIZ_DATA", str(tmp_path / "no-data"))


def excitation(**query: str) -> AppTest:
    return app("excitation", **query)


def charts(at: AppTest) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in at.get("plotly_chart")]


def alts(at: AppTest) -> list[str]:
    return [chart["layout"]["meta"]["alt"] for chart in charts(at)]


def pick(at: AppTest, kind: str, key: str):
    return next(widget for widget in getattr(at, kind) if widget.key == key)


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_shows_itself_without_input_and_says_where_its_numbers_come_from(measured, view):
    at = excitation(view=view)
    assert not at.exception
    assert not at.error
    assert not at.warning
    assert charts(at) or view == "health"
    assert at.session_state["view"] == view
    assert "folder:noise, test · 57 pictures" in words(at)
    assert "weights `" in words(at)


def test_what_is_not_measured_yet_is_offered(home):
    for name in (EXCITATION_FILE, GATES_FILE):
        (home / "se_resnet20" / name).unlink(missing_ok=True)
    at = excitation()
    assert not at.exception
    assert any("are not known yet" in info.value for info in at.info)
    assert "seviz excite --model" in at.code[0].value
    assert any(button.key == "excite-start" for button in at.button)


def test_a_plain_network_leads_on_to_an_se_network(measured):
    at = excitation(model="resnet20", against="none")
    assert any("resnet20 is a plain network" in info.value for info in at.info)
    pick(at, "button", "open-se_resnet20").click().run()
    assert not at.exception
    assert at.sidebar.selectbox[0].value == "se_resnet20"
    assert charts(at)


@pytest.mark.parametrize("damage", [lambda content: content[: len(content) // 2], lambda _: b"", lambda _: b"x" * 99])
def test_damaged_statistics_are_one_sentence_and_can_be_made_again(measured, damage):
    path = measured / "se_resnet20" / EXCITATION_FILE
    path.write_bytes(damage(path.read_bytes()))
    at = excitation()
    assert not at.exception
    assert [EXCITATION_FILE in error.value for error in at.error] == [True]
    assert any(button.key == "excite-start" for button in at.button)


def test_damaged_gates_by_picture_are_told_and_the_other_views_work(measured):
    path = measured / "se_resnet20" / GATES_FILE
    path.write_bytes(path.read_bytes()[:1000])
    at = excitation()
    assert not at.exception
    assert [GATES_FILE in error.value for error in at.error] == [True]
    assert len(charts(at)) == 2


@pytest.mark.parametrize("view", VIEWS)
def test_without_gates_by_picture_every_view_shows_what_it_can_or_says_why_not(measured, view):
    (measured / "se_resnet20" / GATES_FILE).unlink()
    at = excitation(view=view)
    assert not at.exception
    assert not at.error
    assert "no gates by picture" in words(at)
    told = any("needs the gates of single pictures" in info.value for info in at.info)
    assert told == (view in ("relation", "samples", "depth"))


def test_a_subset_of_samples_is_called_one(measured):
    path = measured / "se_resnet20" / GATES_FILE
    found, kept = load_gates(path), np.arange(0, 50, 2)
    some = {name: {site: values[kept] for site, values in getattr(found, name).items()} for name in ("gates", "squeezes")}
    ids = tuple(found.ids[row] for row in kept)
    labels, predicted = found.labels[kept], found.predicted[kept]
    part = replace(found, ids=ids, labels=labels, predicted=predicted, complete=False, projections={}, **some)
    save_gates(path, part)
    text = words(excitation(view="relation"))
    assert "gates by picture of a random 25" in text
    assert "From a random 25 of the 57 pictures" in text
    at = excitation(view="samples")
    assert not at.exception
    assert any("Places in the plane are not stored" in info.value for info in at.info)


def test_a_link_holds_view_block_and_channel(measured):
    at = excitation(view="classes", site="layer2.1.se", channel="7")
    assert "Channel 7 of stage 2 · block 2" in words(at)
    at = excitation(view="depth", site="layer2.1.se")
    assert "How far apart classes are at stage 2 · block 2" in words(at)


@pytest.mark.parametrize("channel", ["-1", "99", "1.5", "what", "9" * 5000], ids=lambda one: one[:6])
def test_a_link_with_nonsense_opens_the_page_all_the_same(measured, channel):
    at = excitation(view="nothing", site="layer9.9.se", channel=channel)
    assert not at.exception
    assert not at.error
    assert "of stage 3 · block 3" in words(at)


def test_the_number_and_a_click_open_a_channel(measured):
    at = excitation()
    pick(at, "number_input", "channel").set_value(5).run()
    assert "Channel 5 of stage 3 · block 3" in words(at)
    assert at.query_params["channel"] in ("5", ["5"])
    at.session_state["class-map-layer3.2.se"] = {"selection": {"points": [{"customdata": {"0": 9, "1": 2, "10": 0.5}}]}}
    at.run()
    assert "Channel 9 of stage 3 · block 3" in words(at)


def test_another_block_opens_its_own_channel(measured):
    at = excitation(channel="60")
    pick(at, "selectbox", "site").set_value("layer1.0.se").run()
    assert not at.exception
    assert at.session_state["channel"] < 16


def test_a_click_on_the_depth_figure_chooses_the_block(measured):
    at = excitation(view="depth")
    at.session_state["by-depth"] = {"selection": {"points": [{"customdata": 3}]}}
    at.run()
    assert at.session_state["site"] == SITES[3]
    assert "How far apart classes are at stage 2 · block 1" in words(at)


@pytest.mark.parametrize(
    ("colours", "channels"), [("mean", "clustered"), ("against all", "channel"), ("spread", "variance between classes")]
)
def test_colours_and_order_of_the_map(measured, colours, channels):
    at = excitation(colours=colours, channels=channels)
    said = {"mean": "mean gate", "against all": "class mean minus", "spread": "standard deviation within"}[colours]
    assert said in alts(at)[0]
    numbers = [int(trace["customdata"]["shape"].split(",")[0]) for trace in charts(at)[0]["data"] if "customdata" in trace]
    assert numbers[0] >= 10 * 64


def test_a_table_too_long_for_a_page_is_a_file(measured, monkeypatch):
    from seviz.ui import show

    tables = len(excitation().dataframe)
    monkeypatch.setattr(show, "MOST_ROWS", 10 * 64 - 1)
    at = excitation()
    assert "640 rows, too many for a page" in words(at)
    assert len(at.dataframe) == tables - 1
    assert any("class-map" in str(chart.proto.id) for chart in at.get("plotly_chart"))


def test_classes_with_one_picture_or_none_are_told(measured):
    text = words(excitation())
    assert "With no pictures: truck." in text
    assert "With one picture, so no spread: deer." in text


def test_the_ends_of_a_channel_are_names_or_pictures(measured, tmp_path, monkeypatch):
    at = excitation()
    assert not at.get("image")
    assert "are not at hand" in words(at)
    classes = open_checkpoint(measured / "se_resnet20").card.classes
    class_folder(tmp_path / "noise" / "test", classes[:9], [7, 7, 7, 7, 1, 7, 7, 7, 7])
    monkeypatch.setenv("SEVIZ_DATA", str(tmp_path))
    at = excitation()
    assert not at.exception
    assert len(at.get("image")) == 18


def test_the_effect_on_a_picture_is_worked_out_when_asked(measured):
    at = excitation(site="layer2.2.se")
    assert "The network says" not in words(at)
    pick(at, "toggle", "effect").set_value(True).run()
    assert not at.exception
    assert "The network says **" in words(at)
    assert any("gate times gradient of the logit" in alt for alt in alts(at))
    pick(at, "selectbox", "effect-class").set_value("ship").run()
    assert any("of the logit of ship" in alt for alt in alts(at))


def test_without_weights_everything_but_the_effect_is_there(measured):
    (measured / "se_resnet20" / "model.safetensors").unlink()
    at = excitation()  # by way of Inspect, which cannot show it
    at.session_state["model"] = "se_resnet20"
    at.run()
    assert not at.exception
    assert len(charts(at)) == 2
    assert "Without weights" in words(at)


def test_figure_6_shows_classes_and_figure_7_the_spread_of_one(measured):
    at = excitation(view="paper")
    assert len(charts(at)) == 3
    assert all("for airplane, cat, frog and truck" in alt for alt in alts(at))
    pick(at, "button_group", "figure").set_value("figure 7: spread in a class").run()
    assert not at.exception
    assert all("for airplane." in alt for alt in alts(at))


def chance_of(gates, labels, shuffles=1000) -> float:
    """How often shuffled labels explain as much of the gates' variance as the labels do, the labels themselves counted in."""

    def explained(groups):
        members = [gates[groups == group] for group in np.unique(groups)]
        return sum(len(one) * ((one.mean(0) - gates.mean(0)) ** 2).sum() for one in members)

    generator, found = np.random.default_rng(1), explained(labels)
    return (1 + sum(explained(generator.permutation(labels)) >= found for _ in range(shuffles))) / (1 + shuffles)


def test_probes_are_fitted_when_asked_and_then_kept(measured):
    at = excitation(view="depth")
    assert "probe" not in alts(at)[0]
    stored = load_gates(measured / "se_resnet20" / GATES_FILE)
    by_chance = [site for site in SITES if chance_of(stored.gates[site].astype(np.float64), stored.labels) > 0.05]
    assert by_chance == ["layer3.2.se"]
    assert "of the labels of 57 pictures, perhaps at stage 3 · block 3 (p > 0.05)." in words(at)
    pick(at, "button", "fit-probes").click().run()
    assert not at.exception
    assert "probe on gates from" in alts(at)[0]
    again = excitation(view="depth")
    assert "probe on pooled features from" in alts(again)[0]


def test_the_papers_observations_stand_in_sentences(measured):
    text = words(excitation(view="depth"))
    for claim in ("Early gates are class-agnostic.", "Later gates are class-specific.", "The last gates are saturated."):
        assert claim in text


def test_health_has_a_row_a_block(measured):
    at = excitation(view="health")
    table = at.get("html")[0].proto.body
    assert table.count('scope="row"') == 9
    assert "Gate health of 9 blocks" in table


def test_samples_are_narrowed_by_class_and_by_selection(measured):
    at = excitation(view="samples")
    assert "57 pictures in the plane" in words(at)
    pick(at, "selectbox", "true").set_value("cat").run()
    assert "7 pictures of these classes" in words(at)
    points = [{"customdata": row} for row in (0, 1, 2, 21, 22)]
    at.session_state["plane-stage 3 · block 3-t-SNE-true class"] = {"selection": {"points": points, "box": [], "lasso": []}}
    at.run()
    assert "2 pictures selected" in words(at), "of five points, two are cats"


def test_many_classes_are_searched_for(measured):
    classes = tuple(f"class {number:02d}" for number in range(60))
    net = lively(classes=60)
    card = replace(card_of(net), classes=classes, preprocessing=Preprocessing(16, 16, mean=(0.5,) * 3, std=(0.25,) * 3))
    save_checkpoint(measured / "many", net, card)
    data = noise([label for label in range(60) for _ in range(2)], classes, side=16)
    sha256 = open_checkpoint(measured / "many").card.weights_sha256
    excite(net, data, card.preprocessing, measured / "many", weights_sha256=sha256)
    at = excitation(model="many")
    assert not at.exception
    assert f"for {controls.FIRST} classes" in alts(at)[0]
    pick(at, "multiselect", "rows").set_value(["class 07", "class 59"]).run()
    assert "for 2 classes" in alts(at)[0]
    pick(at, "multiselect", "rows").set_value([]).run()
    assert any("Choose one class or more" in info.value for info in at.info)


@pytest.mark.parametrize("view", VIEWS)
def test_what_was_chosen_for_one_network_does_not_trouble_another(measured, view):
    """Classes, blocks and channels of a network that the next one does not have."""
    classes = ("ant", "bee", "cat", "dog", "elk")
    net = lively()
    card = replace(card_of(net), preprocessing=Preprocessing(16, 16, mean=(0.5,) * 3, std=(0.25,) * 3))
    save_checkpoint(measured / "other", net, card)
    sha256 = open_checkpoint(measured / "other").card.weights_sha256
    data = noise([label for label in range(5) for _ in range(6)], classes, side=16)
    excite(net, data, card.preprocessing, measured / "other", weights_sha256=sha256)
    chosen = {"paper-classes": ["ship", "truck"], "paper-class": "ship", "true": "ship", "predicted": "truck", "channel": "60"}
    at = excitation(view=view, effect="true", **{"effect-class": "ship"}, **chosen)
    assert not at.exception
    at.session_state["model"] = "other"
    at.run()
    assert not at.exception
    assert not at.error
    assert "ship" not in " ".join(alts(at))


def test_the_papers_six_blocks_by_its_names():
    from seviz.gates import find_gates
    from seviz.nets import build

    sites = find_gates(build("se_resnet50", classes=2))
    stages = [site.stage for site in sites]
    shown = [sites[index] for index in paper.figure_6_sites(stages)]
    assert [site.path for site in shown] == [
        "layer1.2.se", "layer2.3.se", "layer3.5.se", "layer4.0.se", "layer4.1.se", "layer4.2.se"
    ]  # fmt: skip
    names = [paper.site_name(site.title, site.stage, site.block, stages) for site in shown]
    assert [name.split()[-1] for name in names] == [f"({name})" for name, _ in paper.FIGURE_6_SITES]


# Inspect


def test_inspect_puts_the_class_behind_the_bars_and_says_whether_the_picture_is_unusual(measured):
    at = app("inspect")
    assert not at.exception
    counts = np.bincount(load_gates(measured / "se_resnet20" / GATES_FILE).labels)
    assert counts.max() == 7 < FEWEST, "too few to call one unusual"
    sentence = re.search(r"the bars: the mean gates of (\w+) over folder:noise, test, ± one standard deviation\.", words(at))
    assert sentence[1] in open_checkpoint("se_resnet20").card.classes[: len(counts)]
    assert "usual for " not in words(at).lower()
    bars = next(chart for chart in charts(at) if chart["layout"]["meta"]["alt"].startswith("Gates of stage 3"))
    assert any("± sd" in (trace.get("name") or "") for trace in bars["data"])
    pick(at, "button_group", "order").set_value("against its class").run()
    assert any("as deviations from the mean of" in alt for alt in alts(at))


def test_inspect_without_statistics_is_as_it_was(home):
    for name in (EXCITATION_FILE, GATES_FILE):
        (home / "se_resnet20" / name).unlink(missing_ok=True)
    at = app("inspect", order="against its class")
    assert not at.exception
    assert not at.warning
    assert "usual for" not in words(at).lower()
    assert not any("deviations" in alt for alt in alts(at))


def test_pictures_that_tie_at_the_end_of_a_channel_are_said_to(home):
    """The bundled network has channels whose gate is exactly 1 in float32 for more pictures than are kept."""
    found = open_checkpoint("se_resnet20").excitation().sites[SITES[-1]]
    tied = np.flatnonzero((found.highest.values == found.highest.values[:, :1]).all(1))
    free = np.flatnonzero((found.highest.values != found.highest.values[:, :1]).any(1))
    sentence = "Open widest for: at least 9 pictures have exactly this gate"
    assert sentence in words(excitation(channel=str(tied[0])))
    assert sentence not in words(excitation(channel=str(free[0])))


def test_the_plane_can_be_had_as_numbers(measured):
    stored = open_checkpoint("se_resnet20").sample_gates()
    at = excitation(view="samples")
    table = next(frame.value for frame in at.dataframe if "t-SNE 1" in frame.value)
    found = stored.projections[SITES[-1]]
    assert table["sample"].tolist() == [stored.ids[row] for row in found.rows]
    np.testing.assert_allclose(table[["t-SNE 1", "t-SNE 2"]], found.tsne)
    np.testing.assert_allclose(table[["component 1", "component 2"]], found.pca)
