"""Networks by name on the pages: searched, fetched from a stand-in for the hub by a job, and then looked at everywhere."""

from __future__ import annotations

import os
import threading
import time

import numpy as np
import pytest
from hub import FILE, REPOSITORY, SMALL, bare, known_as_the_hub, serving, small_weights
from networks import lively
from streamlit.testing.v1 import AppTest
from test_checkpoints import card_of
from test_pages import app, words

from seviz import jobs
from seviz.checkpoints import EVALUATION_FILE, checkpoints_home, networks_home, open_checkpoint, save_checkpoint
from seviz.data import DataKey, samples_sha256
from seviz.evaluation import Evaluation, save
from seviz.pretrained import find_imported, import_file, resolve

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A computer with one own network and a stand-in hub."""
    bare(tmp_path, monkeypatch)
    net = lively()
    save_checkpoint(checkpoints_home() / "se_tiny", net, card_of(net, "se_tiny"))
    with serving() as hub:
        known_as_the_hub(hub, monkeypatch)
        yield hub


@pytest.fixture
def fetched(hub, tmp_path):
    """The same with the small network imported."""
    (tmp_path / FILE).write_bytes(small_weights())
    import_file(resolve(SMALL), tmp_path / FILE, FILE)
    return hub


def test_what_is_said_of_a_network_of_another_library_is_true_of_it(fetched):
    checkpoint = open_checkpoint(SMALL)
    labels = np.array([1, 1, 7], dtype=np.int16)
    logits = np.eye(1000, dtype=np.float16)[[1, 2, 7]]
    ids = ("a", "b", "c")
    key = DataKey("folder:few", "test", 3, samples_sha256(ids, labels))
    stored = Evaluation(logits, labels, ids, key, checkpoint.card.weights_sha256)
    save(checkpoint.folder / EVALUATION_FILE, stored)
    at = app("accuracy", model=SMALL, against="none")
    assert not at.exception and "85.81" not in words(at)
    assert all("the report" not in chart.proto.spec for chart in at.get("plotly_chart"))
    for look in ("tests", "mistakes"):
        at = app("compare", model=SMALL, against="se_tiny", look=look)
        assert not at.exception and not at.error
        assert "know different classes" in at.info[0].value and "**Cost** hold for any two" in at.info[0].value


def choose(at: AppTest) -> AppTest:
    at.text_input(key="find").set_value("test_efficientnet r160").run()
    at.selectbox(key="fetch").select(SMALL)
    return at.run()


def start(at: AppTest) -> str:
    at.button(key="fetch-start").click().run()
    assert not at.exception
    identity = at.query_params["fetching"]
    return identity if isinstance(identity, str) else identity[0]


def wait(identity: str) -> jobs.Job:
    limit = time.monotonic() + 100
    while jobs.find(identity).running and time.monotonic() < limit:
        os.sched_yield()
    return jobs.find(identity)


def test_suggestions_stand_there_before_anything_is_typed(hub):
    at = app("models")
    assert not at.exception
    assert at.selectbox(key="fetch").options[:3] == [
        "timm:seresnet50.a1_in1k",
        "timm:resnet50.a1_in1k",
        "timm:legacy_seresnet50.in1k",
    ]
    assert "SE-ResNet-50, the network of the paper's main table" in words(at)
    assert at.button(key="fetch-start").label == "Fetch, about 112 MB"


def test_filters_narrow_what_is_found(hub):
    at = app("models", family="regnet", most="10 M")
    assert not at.exception
    names = at.selectbox(key="fetch").options
    assert names and all("regnet" in name for name in names)
    at.toggle(key="gated").set_value(False).run()
    assert len(at.selectbox(key="fetch").options) > len(names)
    at.text_input(key="find").set_value("no such name").run()
    assert "No network has such a name" in words(at)


def test_a_network_is_fetched_by_a_job_and_is_then_there(hub):
    at = choose(app("models"))
    job = wait(start(at))
    assert (job.state, job.message) == (jobs.DONE, "")
    at.run()
    assert not at.exception
    assert "is here: choose it in the sidebar" in words(at)
    assert SMALL in at.selectbox(key="model").options
    assert "timm's test_efficientnet, with channel gates, trained by others on ImageNet-1k; it tells 1,000 classes" in words(at)


def test_a_download_is_seen_again_after_a_reload_and_cancelled_without_a_trace(hub):
    half, gone = threading.Event(), threading.Event()

    def pause():
        half.set()
        gone.wait(100)

    hub.pause = pause
    try:
        identity = start(choose(app("models")))
        assert half.wait(100)
        again = app("models", fetching=identity)
        assert any("fetching" in str(one.value) for one in again.caption)
        again.button(key="fetch-cancel").click().run()
        gone.set()
        assert wait(identity).state == jobs.CANCELLED
    finally:
        gone.set()
    assert [path.name for path in networks_home().iterdir()] == []
    assert find_imported(SMALL) is None


def test_without_a_network_the_page_says_what_to_do(hub, monkeypatch):
    hub.files.clear()
    at = choose(app("models"))
    assert wait(start(at)).state == jobs.FAILED
    at.run()
    assert not at.exception
    assert any("take it in with" in str(one.value) and "--file" in str(one.value) for one in at.error)


@pytest.mark.parametrize("page", ["inspect", "lab", "compare", "excitation", "accuracy", "models", "training"])
def test_every_page_shows_it(fetched, page):
    at = app(page, model=SMALL)
    assert not at.exception, at.exception
    assert at.selectbox(key="model").value == SMALL
    assert REPOSITORY not in words(at)


def test_it_is_inspected_with_gates_and_maps_of_any_stage_and_class(fetched):
    at = app(model=SMALL, layer="blocks.2")
    assert not at.exception
    text = words(at)
    assert "says" in text and "160 x 160 pixels" in text
    assert "plain network" not in text
    assert len(at.selectbox(key="class").options) == 1001
    at.selectbox(key="class").select("tench").run()
    assert not at.exception
    assert len(at.get("plotly_chart")) >= 3
