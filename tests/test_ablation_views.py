"""The page Ablation by AppTest: every view, what it says where something is missing or damaged, its links, and its job."""

from __future__ import annotations

import json
import os
import shlex
import sys

import pytest
from networks import lively
from test_checkpoints import card_of
from test_excitation_page import alts, charts, pick
from test_jobs import STAND_IN
from test_pages import app, home, words

from seviz import cli, jobs
from seviz.ablation import ABLATION_FILE, load_ablation, save_ablation
from seviz.analysis.ablation import describe, findings
from seviz.analysis.deletion import channel_findings
from seviz.card import content_sha256
from seviz.checkpoints import checkpoints_home, open_checkpoint, save_checkpoint
from seviz.excitation import EXCITATION_FILE
from seviz.ui.ablation.views import VIEWS
from seviz.ui.text import plain

__all__ = ["home"]  # a fixture
MINE = ("costs", "curves", "channels")


def ablation(**query):
    return app("ablation", **query)


def stored():
    return open_checkpoint(checkpoints_home() / "se_resnet20").ablation()


def tables(at):
    return [frame.value for frame in at.dataframe]


def lines(at):
    return [element.value for element in at.markdown]


@pytest.mark.parametrize("view", MINE)
def test_every_view_shows_itself_without_input_and_says_where_its_numbers_come_from(view):
    at = ablation(measured=view)
    assert not at.exception and not at.error and not at.warning
    assert len(charts(at)) == {"costs": 3, "curves": 3, "channels": 2}[view]
    assert len(tables(at)) == len(charts(at)), "a table behind every figure"
    assert all(len(alt) > 40 for alt in alts(at))
    assert at.session_state["measured"] == view and view in VIEWS
    assert "folder:cifar10-jpeg, test · 10,000 pictures" in words(at)


def test_the_answers_are_those_of_the_analysis():
    found, text = stored(), words(ablation())
    assert all(plain(one) in text for one in findings(found.live, found.effects, found.share, found.network))
    values = [metric.value for metric in ablation().metric]
    assert values == [f"{found.live.accuracy:.2%}", *(f"{found.effect('all', gate).accuracy:.2%}" for gate in
                                                       ("1", "mean", "class", "shuffle"))]  # fmt: skip
    curves = words(ablation(measured="curves"))
    assert all(plain(one) in curves for one in channel_findings(found.curves))


def test_the_scope_chooses_what_is_listed():
    found, at = stored(), ablation()
    names = ("all sites", "stage 1", "stage 2", "stage 3")
    assert tables(at)[0]["gates of"].tolist() == [name for name in names for _ in range(4)]
    pick(at, "button_group", "scope").set_value("blocks").run()
    table = tables(at)[0]
    assert len(table) == 9 * 4 and table["change"].tolist()[0] == found.effect("layer1.0.se", "1").difference
    assert at.query_params["scope"] in ("blocks", ["blocks"])
    assert list(tables(at)[2])[1:] == [site.title for site in found.sites]


def test_the_edit_of_the_map_and_the_scope_in_words_stand_in_the_address():
    found, at = stored(), ablation(become="shuffle", where="s3")
    assert "gates shuffled" in alts(at)[2]
    assert f"- {plain(describe(found.effect('s3', 'shuffle'), 'stage 3', found.n))}" in lines(at)
    change = found.effect("s3", "shuffle").per_class[3] - found.live.per_class[3]
    assert tables(at)[2]["stage 3"].tolist()[3] == pytest.approx(change)


def test_curves_are_of_the_block_of_the_address_and_change_their_kind():
    at = ablation(measured="curves", site="layer1.1.se", kind="insertion")
    assert "Area under the insertion curve" in alts(at)[0]
    assert "Deletion curves of channels at stage 1 · block 2" in alts(at)[1]
    assert "At stage 1 · block 2, beside random orders" in words(at)
    assert set(tables(at)[1]["site"]) == {"layer1.1.se"}


def test_channels_of_one_block_beside_what_is_known_of_them():
    at = ablation(measured="channels", known="selectivity", **{"effect-of": "accuracy", "channels-of": "stage 3 · block 3"})
    assert "64 channels of stage 3 · block 3: accuracy lost (points) when a channel is dropped" in alts(at)[0]
    assert "At stage 3 · block 3 the rank correlation of class selectivity and the accuracy lost" in words(at)
    table, found = tables(at)[0], stored().channels[-1]
    assert table["change of accuracy"].tolist() == found.difference.tolist()
    assert table["mean |change of a logit|"].tolist() == list(found.delta_logit)
    means = open_checkpoint("se_resnet20").excitation().moments("layer3.2.se").overall_mean
    assert table["mean gate"].tolist() == pytest.approx(means)


NONSENSE = (
    {"measured": "x", "scope": "y", "become": "z", "where": "s9"},
    {"measured": "channels", "known": "?", "effect-of": "", "channels-of": "stage 9"},
    {"measured": "curves", "kind": "x", "site": "layer9"},
)


@pytest.mark.parametrize("query", NONSENSE)
def test_a_link_with_nonsense_opens_the_page_all_the_same(query):
    at = ablation(**query)
    assert not at.exception and not at.error
    assert charts(at)


# what is missing


@pytest.mark.parametrize("view", MINE)
def test_what_is_not_measured_yet_is_offered(home, view):
    (home / "se_resnet20" / ABLATION_FILE).unlink()
    at = ablation(measured=view)
    assert not at.exception and not at.error
    assert any("is not known yet" in info.value for info in at.info)
    typed = shlex.split(at.code[0].value)
    assert typed[:4] == ["python", "-m", "seviz", "ablate"]
    assert typed[-4:] == ["--curves", "200", "--channels", "1000"]
    cli.parser().parse_args(typed[3:])
    pick(at, "number_input", "ablate-channels").set_value(0).run()
    assert shlex.split(at.code[0].value)[-2:] == ["--curves", "200"]
    assert any(button.key == "ablate-start" for button in at.button)


@pytest.mark.parametrize("damage", [lambda content: content[: len(content) // 2], lambda _: b"", lambda _: b"[]"])
def test_a_damaged_file_is_one_sentence_and_can_be_made_again(home, damage):
    path = home / "se_resnet20" / ABLATION_FILE
    path.write_bytes(damage(path.read_bytes()))
    at = ablation()
    assert not at.exception
    assert [ABLATION_FILE in error.value for error in at.error] == [True]
    assert any(button.key == "ablate-start" for button in at.button)


def test_a_file_from_before_channels_were_measured_lacks_one_view(home):
    path = home / "se_resnet20" / ABLATION_FILE
    values = json.loads(path.read_text(encoding="utf-8"))
    del values["channels"]
    values["content_sha256"] = content_sha256(values, "content_sha256")
    path.write_text(json.dumps(values), encoding="utf-8")
    assert len(charts(ablation())) == len(charts(ablation(measured="curves"))) == 3
    at = ablation(measured="channels")
    assert not at.exception and not at.error and not charts(at)
    (said,) = [info.value for info in at.info if "every channel dropped alone" in info.value]
    assert "--data D --curves 200 --channels 1000 --resume" in said


def test_a_file_without_curves_lacks_one_view(home):
    from dataclasses import replace

    path = home / "se_resnet20" / ABLATION_FILE
    save_ablation(path, replace(load_ablation(path), curves=(), curve_pictures=0))
    at = ablation(measured="curves")
    assert not at.exception and not at.error and not charts(at)
    (said,) = [info.value for info in at.info if "dropped one after the other" in info.value]
    assert "--data D --curves 200 --channels 1000 --resume" in said, "without --channels the channels would go"
    save_ablation(path, replace(load_ablation(path), channels=()))
    assert "--data D --curves 200 --resume" in words(ablation(measured="curves"))


def test_without_statistics_of_the_gates_channels_have_nothing_to_stand_beside(home):
    (home / "se_resnet20" / EXCITATION_FILE).unlink()
    at = ablation(measured="channels")
    assert not at.exception and not charts(at)
    assert any("which are not stored yet" in info.value for info in at.info)
    assert any(button.key == "excite-start" for button in at.button)


def test_a_plain_network_leads_on_to_an_se_network():
    at = ablation(model="resnet20", against="none")
    assert any("resnet20 is a plain network" in info.value for info in at.info)
    pick(at, "button", "open-se_resnet20").click().run()
    assert not at.exception and charts(at)


def test_a_network_without_weights_shows_what_was_measured(home):
    (home / "se_resnet20" / "model.safetensors").unlink()
    at = ablation()
    at.session_state["model"] = "se_resnet20"
    at.run()
    assert not at.exception and len(charts(at)) == 3
    (home / "se_resnet20" / ABLATION_FILE).unlink()
    at.run()
    assert not at.exception
    assert any("choose a network with SE blocks and weights" in info.value for info in at.info)


def test_names_of_classes_are_text(home):
    from dataclasses import replace

    path = home / "se_resnet20"
    net = lively()
    card = replace(card_of(net, "odd"), classes=("<b>", "*bee*", "c", "d", "e"))
    save_checkpoint(path.parent / "odd", net, card)
    at = ablation(model="odd")
    assert not at.exception
    assert any("is not known yet" in info.value for info in at.info)


# the job


@pytest.fixture
def waiting(home, tmp_path, monkeypatch):
    """A stand-in for the command, which waits for orders."""
    monkeypatch.setenv("SEVIZ_HOME", str(tmp_path / "jobs-home"))
    for name in ("ready", "orders"):
        os.mkfifo(tmp_path / name)
    code = STAND_IN.replace("sys.argv[1:3]", repr((str(tmp_path / "ready"), str(tmp_path / "orders"))))
    monkeypatch.setattr(jobs, "COMMAND", (sys.executable, "-c", code))
    (home / "se_resnet20" / ABLATION_FILE).unlink()
    yield tmp_path
    for folder in (tmp_path / "jobs-home" / "jobs").glob("*/"):
        jobs.cancel(folder.name)


def test_a_job_is_started_with_the_command_that_stands_there_watched_and_cancelled(waiting, home):
    at = ablation()
    at.text_input(key="ablate-data").set_value("folder:toy").run()
    pick(at, "number_input", "ablate-curves").set_value(0).run()
    typed = shlex.split(at.code[0].value)
    pick(at, "button", "ablate-start").click().run()
    (waiting / "ready").read_text()
    job = jobs.find(at.query_params["job"])
    assert job.running and list(job.arguments) == typed[3:]
    at.run()
    assert "edits of gates on folder:toy, test; process " in words(at)
    reloaded = ablation(job=job.id)
    assert [button.key for button in reloaded.button] == ["ablate-cancel"]
    state = home / "se_resnet20" / "ablation.resume.npz"
    state.write_bytes(b"half")
    pick(at, "button", "ablate-cancel").click().run()
    assert jobs.find(job.id).state == "cancelled" and not state.exists()
    at.run()
    assert "Cancelled: edits of gates on folder:toy, test" in words(at)
    assert pick(at, "number_input", "ablate-curves").value == 0 and pick(at, "number_input", "ablate-channels").value == 1000
