"""The panel that measures gates from a page: started, watched, found after a reload, cancelled, done."""

from __future__ import annotations

import os
import sys
import time

import pytest
from networks import lively
from sets import write_folder
from streamlit.testing.v1 import AppTest
from test_checkpoints import card_of
from test_jobs import STAND_IN

from seviz import jobs
from seviz.checkpoints import open_checkpoint, save_checkpoint

PAGE = """
import streamlit as st
from seviz.checkpoints import open_checkpoint
from seviz.ui import jobs
checkpoint = open_checkpoint(st.query_params.get("model", "se"))
jobs.excite_panel(checkpoint)
found = checkpoint.excitation()
st.caption(f"the page has {found.n if found else 0} pictures")
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Checkpoints "se" and "plain", and a folder for jobs."""
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(tmp_path / "checkpoints"))
    monkeypatch.setenv("SEVIZ_HOME", str(tmp_path / "home"))
    for name, arch in (("se", "se_resnet20"), ("plain", "resnet20")):
        net = lively(arch)
        save_checkpoint(tmp_path / "checkpoints" / name, net, card_of(net, name))
    return tmp_path


@pytest.fixture
def waiting(home, monkeypatch):
    """A stand-in for the command, which waits for orders; its pipes come first among its arguments."""
    for name in ("ready", "orders"):
        os.mkfifo(home / name)
    pipes = (str(home / "ready"), str(home / "orders"))
    code = STAND_IN.replace("sys.argv[1:3]", repr(pipes))
    monkeypatch.setattr(jobs, "COMMAND", (sys.executable, "-c", code))
    yield home
    for folder in (home / "home" / "jobs").glob("*/"):
        jobs.cancel(folder.name)


def page(**query):
    at = AppTest.from_string(PAGE, default_timeout=120)
    for name, value in query.items():
        at.query_params[name] = value
    return at.run()


def button(at, label):
    return next(one for one in at.button if one.label == label)


def labels(at):
    return [one.label for one in at.button]


def begin(at, data):
    at.text_input(key="excite-data").set_value(data).run()
    return button(at, "Start").click().run()


def words(at):
    return " ".join(str(one.value) for kind in (at.success, at.info, at.error, at.caption) for one in kind)


def ended(at):
    """The page when its job's process has gone."""
    job = jobs.find(at.query_params["job"])
    limit = time.monotonic() + 100
    while jobs.find(job.id).running and time.monotonic() < limit:
        os.sched_yield()
    return at.run()


def test_a_real_job_from_start_to_the_new_file(home):
    data = write_folder(home / "toy")
    at = page()
    assert not at.exception
    assert "the page has 0 pictures" in words(at)
    assert at.text_input(key="excite-data").value == "cifar10"
    at = ended(begin(at, f"folder:{data}"))
    assert not at.exception and not at.error
    assert f"Measured: gates on folder:{data}, test. The page shows it." in words(at)
    assert "the page has 18 pictures" in words(at)
    assert open_checkpoint("se").sample_gates().complete
    assert labels(at) == ["Start"]


def test_a_job_that_fails_says_why(home):
    at = ended(begin(page(), "folder:/nowhere/at/all"))
    assert not at.exception
    assert [one.value for one in at.error] == [
        "There is no folder /nowhere/at/all; give folder:PATH the folder that holds one folder a class. "
        "(gates on folder:/nowhere/at/all, test)"
    ]
    assert "Start" in labels(at)


def test_a_running_job_is_seen_by_all_and_survives_a_reload(waiting):
    at = begin(page(), "folder:toy")
    (waiting / "ready").read_text()
    at.run()
    identity = at.query_params["job"]
    assert labels(at) == ["Cancel"]
    assert "gates on folder:toy, test; process " in words(at)
    reloaded = page(job=identity)  # a new session with the address of the first
    assert labels(reloaded) == ["Cancel"]
    another = page()  # a session that asks for the same data
    assert labels(another) == ["Start"]
    another.text_input(key="excite-data").set_value("folder:toy").run()
    assert labels(another) == ["Cancel"]
    (waiting / "orders").write_text("done")
    assert "Measured: gates on folder:toy, test" in words(ended(at))
    assert "Measured: gates on folder:toy, test" in words(reloaded.run())


def test_cancel_ends_the_job_and_sweeps_its_files(waiting):
    at = begin(page(), "folder:toy")
    (waiting / "ready").read_text()
    folder = waiting / "checkpoints" / "se"
    for name in ("excitation.resume.npz", ".gates.npz.x.tmp"):
        (folder / name).write_bytes(b"half")
    at = button(at.run(), "Cancel").click().run()
    assert jobs.find(at.query_params["job"]).state == "cancelled"
    at.run()
    assert "Cancelled: gates on folder:toy, test. What was stored before is as it was; what was not finished" in words(at)
    assert {path.name for path in folder.iterdir()} == {"card.json", "model.safetensors"}
    assert labels(at) == ["Start"]


def test_what_was_killed_can_be_continued(waiting):
    at = begin(page(), "folder:toy")
    (waiting / "ready").read_text()
    job = jobs.find(at.query_params["job"])
    os.kill(job.pid, 9)
    (waiting / "checkpoints" / "se" / "excitation.resume.npz").write_bytes(b"state")
    at = ended(at)
    assert jobs.LOST_MESSAGE in words(at)
    assert labels(at) == ["Remove it and start", "Continue"]
    assert "A pass that is not finished is kept here" in words(at)
    assert at.text_input(key="excite-data").value == "folder:toy"
    button(at, "Continue").click().run()
    (waiting / "ready").read_text()
    again = jobs.find(job.id)
    assert again.running and again.arguments[-1] == "--resume"


@pytest.mark.parametrize("job", ["0123456789abcdef", "../../etc/passwd", ""])
def test_a_mistyped_job_is_no_job(home, job):
    at = page(job=job)
    assert not at.exception and not at.error
    assert labels(at) == ["Start"]


def test_the_job_of_another_network_is_not_shown(waiting):
    at = begin(page(), "folder:toy")
    (waiting / "ready").read_text()
    net = lively()
    save_checkpoint(waiting / "checkpoints" / "se2", net, card_of(net, "se2"))
    assert labels(page(model="se2", job=at.query_params["job"])) == ["Start"]


def test_a_plain_network_is_a_kind_sentence(home):
    at = page(model="plain")
    assert not at.exception and not at.error
    assert "plain has no gates that could be measured: choose a network with SE blocks and weights." in words(at)
    assert not at.button


def test_an_open_folder_for_jobs_is_one_sentence_and_the_page_goes_on(home):
    (home / "home" / "jobs").mkdir(parents=True, mode=0o755)
    (home / "home" / "jobs").chmod(0o755)
    at = page()
    assert "is not a folder of yours alone" in at.error[0].value
    assert "the page has 0 pictures" in words(at)


def test_progress_in_words():
    from seviz.ui.jobs import _progress

    job = jobs.Job("0" * 16, "running")
    assert _progress(job) == "starting"
    job = jobs.Job("0" * 16, "running", "gates", "pictures", 1250, 10_000, 530.4)
    assert _progress(job) == "gates: 1,250 of 10,000 pictures · 530 pictures/s · 16 s left"
    slow = jobs.Job("0" * 16, "running", "projections", "sites", 2, 9, 0.1)
    assert _progress(slow) == "projections: 2 of 9 sites · 0.1 sites/s · 1 min 10 s left"


def test_a_new_start_removes_what_was_not_finished_and_says_so_before(waiting):
    state = waiting / "checkpoints" / "se" / "excitation.resume.npz"
    state.write_bytes(b"state")
    at = page()
    at.text_input(key="excite-data").set_value("folder:toy").run()
    assert state.exists()
    button(at, "Remove it and start").click().run()
    (waiting / "ready").read_text()
    assert not state.exists()
    assert jobs.find(at.query_params["job"]).arguments[-1] != "--resume"


@pytest.mark.parametrize("data", ["--help", "--out=/x", "-h"])
def test_an_option_in_the_place_of_data_is_refused_and_nothing_runs(home, data):
    at = begin(page(), data)
    assert f"{data} is no data set; name cifar10 or folder:PATH." in words(at)
    assert "job" not in at.query_params
    assert not at.exception


@pytest.mark.parametrize("arguments", [[], ["--data"], ["--data", "folder:toy"], ["--out", "x", "--data", "folder:toy"]])
def test_a_job_of_other_arguments_is_none_of_the_panel(home, arguments):
    job = jobs.start(jobs.job_id("odd"), ["excite", "--model", str(home / "checkpoints" / "se"), *arguments])
    assert not page(job=job.id).exception
    jobs.cancel(job.id)
