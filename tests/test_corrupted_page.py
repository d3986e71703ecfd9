"""The view "Corrupted pictures" of the page Accuracy: measured, missing, damaged, plain, and what stands in the address."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from networks import CLASSES, lively
from test_checkpoints import card_of
from test_corruptions_figures import conditions
from test_pages import app, words

from seviz import jobs
from seviz.analysis.corruptions import KINDS, Apart, Moved
from seviz.checkpoints import open_checkpoint, save_checkpoint
from seviz.corruptions import Corruptions, save_corruptions
from seviz.data import DataKey
from seviz.gates import find_gates
from seviz.jobs import RUNNING, Job
from seviz.report import make_report

pytestmark = pytest.mark.usefixtures("one_thread")


def made_up(net, card, **changes):
    """What a measurement of a network over 400 pictures may say."""
    sites = find_gates(net)
    rows = conditions(held=340, gates=bool(sites))
    rows = tuple(replace(one, moved=tuple(Moved(0.1, 0.2) for _ in sites)) for one in rows)
    apart = tuple(Apart(site.path, 0.2, 0.3, 0.4) for site in sites)
    key = DataKey("toy", "test", 1000, "ab")
    hashed = card.weights_sha256
    found = Corruptions(hashed, key, 400, "cd", 0, card.classes, sites, apart, rows, "as typed", {}, {}, (32, 32))
    return replace(found, **changes)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Checkpoints "se" and "plain", which were measured, and "fresh", which was not."""
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(tmp_path / "checkpoints"))
    monkeypatch.setenv("SEVIZ_HOME", str(tmp_path / "home"))
    for name, arch in (("se", "se_resnet20"), ("plain", "resnet20"), ("fresh", "se_resnet20")):
        net, folder = lively(arch), tmp_path / "checkpoints" / name
        card = save_checkpoint(folder, net, replace(card_of(net, name), classes=CLASSES))
        if name != "fresh":
            save_corruptions(folder / "corruptions.json", made_up(net, card))
    return tmp_path / "checkpoints"


def page(**query):
    return app("accuracy", pictures="corrupted", **{"model": "se", "against": "plain", **query}).run()


def charts(at):
    return [json.loads(one.proto.spec) for one in at.get("plotly_chart")]


def test_what_was_measured_is_told_drawn_and_listed(home):
    at = page(corruption="noise")
    assert not at.exception and not at.error
    assert "would do 10.0 points better (+7.2 to +13.2): they break." in words(at).replace("\\", "")
    alts = [chart["layout"]["meta"]["alt"] for chart in charts(at)]
    starts = ("Change of accuracy", "Accuracy against", "Accuracy of se minus", "Accuracy with the network's", "How far gates")
    assert [alt.startswith(start) for alt, start in zip(alts, starts, strict=True)] == [True] * 5
    assert [len(one.value) for one in at.dataframe] == [60, 30, 29 * 9]
    assert "400 of 1,000 pictures, seed 0 · `as typed`" in words(at)
    assert len(at.get("image")) == 4


def test_the_choices_stand_in_the_address(home):
    at = page(corruption="jpeg", strength="mild")
    assert "the strength of JPEG" in charts(at)[1]["layout"]["meta"]["alt"]
    assert "corruptions, mild" in charts(at)[0]["layout"]["meta"]["alt"]
    at.selectbox(key="corruption").set_value("rotation").run()
    assert "rotation" in at.query_params["corruption"] and "strength of rotation" in charts(at)[1]["layout"]["meta"]["alt"]
    assert page(corruption="fog").selectbox(key="corruption").value == next(iter(KINDS))
    assert "clean" in {one.key: one.value for one in app("accuracy", model="se").run().button_group}.values()


def test_where_nothing_was_measured_the_command_and_the_pictures_stand_there(home, monkeypatch):
    started = []

    def start(identity, arguments, *, partial=None):
        started.append(list(arguments))
        return Job(identity, RUNNING)

    monkeypatch.setattr(jobs, "start", start)
    at = page(model="fresh", against="none")
    assert not at.exception and not charts(at) and len(at.get("image")) == 6
    assert f"seviz evaluate --model {home / 'fresh'} --data D --corruptions --limit 2000` measures it" in words(at)
    at.text_input(key="corruptions-data").set_value("folder:toy").run()
    at.button(key="corruptions-start").click().run()
    typed = ["evaluate", "--model", str(home / "fresh"), "--data", "folder:toy", "--split", "test", "--limit", "2000"]
    assert started == [[*typed, "--corruptions"]]


def test_a_plain_network_alone_has_no_gates_to_speak_of(home):
    at = page(model="plain", against="none")
    assert not at.exception and len(charts(at)) == 2 and "adapt, or break" not in words(at)


def test_networks_over_other_pictures_are_not_compared(home):
    card = open_checkpoint("plain").card
    save_corruptions(home / "plain" / "corruptions.json", made_up(lively("resnet20"), card, seed=1))
    at = page()
    assert len(charts(at)) == 4 and "were measured over other pictures, so no difference is shown" in words(at)


def test_a_damaged_file_is_one_sentence_beside_what_is_left(home):
    (home / "se" / "corruptions.json").write_text("{}", encoding="utf-8")
    at = page()
    assert not at.exception and "corruptions.json is damaged; write it again with" in at.error[0].value
    assert len(charts(at)) == 2


def test_the_report_has_the_part_beside_accuracy(home):
    titles = [part.title for part in make_report(open_checkpoint("se"), open_checkpoint("plain")).parts]
    assert titles.index("Corrupted pictures") == titles.index("Accuracy") + 1
    report = make_report(open_checkpoint("se"), open_checkpoint("plain"))
    assert "Corrupted pictures / Do the gates of se adapt, or break?" in report.sections
    assert "Corrupted pictures / One beside the other" in report.sections
    alone = next(part for part in make_report(open_checkpoint("fresh")).parts if part.title == "Corrupted pictures")
    note = alone.sections[0].blocks[0].text
    assert "`python -m seviz evaluate --model fresh --data D --corruptions` makes them" in note
