"""Jobs in real processes: told from others, watched, cancelled with all that they started, and missed when they die."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from seviz import jobs, processes
from seviz.errors import JobError
from seviz.jobs import cancel, find, job_id, start
from seviz.processes import started

# Stands for `python -m seviz`: tells how far it is, says that it is ready, and goes on when it is told how to end.
STAND_IN = """
import os, subprocess, sys
from seviz import jobs

def main():
    ready, orders = sys.argv[1:3]
    jobs.report("gates", 5, 40, "pictures")
    jobs.report("gates", 40, 40, "pictures")
    helper = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    with open(ready, "w") as file:
        file.write(str(helper.pid))
    with open(orders) as file:
        order = file.read()
    helper.stdin.close()
    helper.wait()
    if order == "fault":
        raise ValueError("nobody thought of this")
    if order == "fail":
        print("seviz: The data are not there; give other ones.", file=sys.stderr)
        return 2
    return 0

sys.exit(jobs.run(main))
"""
ID = job_id("a", "test")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """SEVIZ_HOME with a command that waits for orders."""
    monkeypatch.setenv("SEVIZ_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(jobs, "COMMAND", (sys.executable, "-c", STAND_IN))
    for name in ("ready", "orders"):
        os.mkfifo(tmp_path / name)
    yield tmp_path
    job = find(ID)
    if job is not None and job.running:
        cancel(ID)


def begun(home, **options):
    """A job that runs and has said so, and the process that it started itself."""
    job = start(ID, [str(home / "ready"), str(home / "orders")], **options)
    return job, int((home / "ready").read_text())


def ordered(home, order):
    (home / "orders").write_text(order)
    return ended(find(ID))


def ended(job):
    """The job when its process has gone."""
    limit = time.monotonic() + 60
    while started(job.pid) == job.started and time.monotonic() < limit:
        os.sched_yield()
    return find(job.id)


def test_a_job_is_known_by_what_it_is_for():
    assert job_id("excite", "m", "d") == job_id("excite", "m", "d")
    others = [job_id("excite", "md", ""), job_id("excite", "m d"), job_id("d", "m", "excite")]
    assert len({job_id("excite", "m", "d"), *others}) == 4


def test_a_running_job_tells_how_far_it_is_and_a_finished_one_that_it_is_done(home):
    _, helper = begun(home)
    job = find(ID)
    assert (job.state, job.what, job.unit, job.done, job.total) == ("running", "gates", "pictures", 40, 40)
    assert job.rate > 0 and job.seconds_left == 0
    assert (job.started, started(helper) is not None) == (started(job.pid), True)
    assert job.arguments == (str(home / "ready"), str(home / "orders"))
    done = ordered(home, "done")
    assert (done.state, done.message, done.pid, done.running) == ("done", "", job.pid, False)


def test_a_job_is_found_from_another_process(home):
    job, _ = begun(home)
    code = f"from seviz import jobs; job = jobs.find({ID!r}); print(job.state, job.pid)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["running", str(job.pid)]


def test_a_failed_job_gives_its_sentence_and_a_fault_its_log(home):
    begun(home)
    failed = ordered(home, "fail")
    assert (failed.state, failed.message) == ("failed", "The data are not there; give other ones.")
    begun(home)
    fault = ordered(home, "fault")
    assert fault.state == "failed"
    log = home / "home" / "jobs" / ID / "log"
    assert fault.message == f"The job stopped at a fault of seviz; the end of {log} says where."
    assert "nobody thought of this" in log.read_text()


def test_everybody_who_starts_it_gets_the_same_job(home):
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: start(ID, [str(home / "ready"), str(home / "orders")]).pid, range(6)))
    assert len(set(found)) == 1 and found[0] > 0
    (home / "ready").read_text()
    assert ordered(home, "done").state == "done"
    again, _ = begun(home)
    assert again.pid != found[0] and again.running


def test_a_cancelled_job_ends_with_all_that_it_started_and_leaves_no_half_files(home):
    folder = home / "out"
    folder.mkdir()
    for name in ("excitation.npz", "excitation.resume.npz", ".gates.npz.x.tmp", ".other.tmp"):
        (folder / name).write_bytes(b"")
    job, helper = begun(home, partial={str(folder): ["excitation.resume.npz", ".gates.npz.*.tmp"]})
    cancelled = cancel(ID)
    assert (cancelled.state, cancelled.message) == ("cancelled", "")
    assert (started(job.pid), started(helper)) == (None, None)
    assert sorted(path.name for path in folder.iterdir()) == [".other.tmp", "excitation.npz"]
    assert cancel(ID) == find(ID) == cancelled


def test_a_job_that_does_not_listen_is_killed(home, monkeypatch):
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    monkeypatch.setattr(jobs, "COMMAND", (sys.executable, "-c", deaf + STAND_IN))
    monkeypatch.setattr(processes, "PATIENCE", 1.0)
    job, helper = begun(home)
    assert cancel(ID).state == "cancelled"
    assert (started(job.pid), started(helper)) == (None, None)


def test_a_job_that_was_done_first_stays_done(home, monkeypatch):
    begun(home)

    def late(pid, when):
        assert ordered(home, "done").state == "done"
        return True

    monkeypatch.setattr(jobs, "end_group", late)
    assert cancel(ID).state == "done"


def test_a_job_that_died_without_a_word_is_lost(home):
    job, _ = begun(home)
    os.killpg(job.pid, signal.SIGKILL)
    lost = ended(job)
    assert (lost.state, lost.message) == ("lost", jobs.LOST_MESSAGE)
    assert cancel(ID).state == "lost"
    again, _ = begun(home)  # and it can be started again
    assert again.running and find(ID).pid != job.pid


def test_a_job_that_died_before_its_first_word_is_lost(home, monkeypatch):
    monkeypatch.setattr(jobs, "COMMAND", (sys.executable, "-c", "import sys; sys.exit(3)"))
    job = start(ID, [])
    assert ended(job).state == "lost"


def test_another_process_with_the_same_number_is_not_mistaken_for_the_job(home):
    begun(home)
    ordered(home, "done")
    status = home / "home" / "jobs" / ID / "status.json"
    facts = json.loads(status.read_text())
    mine = os.getpid()
    status.write_text(json.dumps({**facts, "state": "running", "pid": mine, "started": "12345"}))
    assert find(ID).state == "lost"
    status.write_text(json.dumps({**facts, "state": "running", "pid": mine, "started": started(mine)}))
    assert find(ID).state == "running"
    status.write_text(json.dumps({**facts, "state": "done"}))


def test_a_process_that_has_ended_has_no_start(home):
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # a zombie: ended, and nobody has waited for it
        assert started(child.pid) is None
    assert started(os.getpid())


def test_starts_by_ps_tell_processes_apart():
    assert processes._started_by_ps(os.getpid())
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
        assert processes._started_by_ps(child.pid) is None


@pytest.mark.parametrize("name", ["", "nothing", "../../etc", "0" * 15, "0" * 17, "G" * 16, "0" * 16, "0" * 16 + "\n"])
def test_what_is_no_job_is_none(home, name):
    assert find(name) is None
    assert cancel(name) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": 1, "unknown": 2}', b"\xff"])
def test_a_damaged_status_is_no_exception(home, content):
    begun(home)
    ordered(home, "done")
    folder = home / "home" / "jobs" / ID
    (folder / "status.json").write_bytes(content)
    assert find(ID).state == "lost"
    (folder / "start.json").write_bytes(content)
    assert find(ID) is None or find(ID).state == "lost"


def test_the_folder_of_jobs_is_private(tmp_path, monkeypatch):
    monkeypatch.setenv("SEVIZ_HOME", str(tmp_path))
    assert find(ID) is None
    folder = tmp_path / "jobs"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o755)
    with pytest.raises(JobError, match="is not a folder of yours alone; remove it or set SEVIZ_HOME to another folder"):
        find(ID)
    folder.rmdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(JobError, match="is not a folder of yours alone"):
        start(ID, [])
    folder.unlink()
    folder.write_bytes(b"")
    with pytest.raises(JobError, match="cannot hold jobs"):
        find(ID)
    monkeypatch.delenv("SEVIZ_HOME")
    monkeypatch.setattr(jobs.tempfile, "gettempdir", lambda: str(tmp_path))
    assert find(ID) is None
    assert stat.S_IMODE((tmp_path / f"seviz-jobs-{os.getuid()}").stat().st_mode) == 0o700


def test_a_command_that_is_no_job_keeps_no_books(monkeypatch):
    monkeypatch.delenv("SEVIZ_JOB", raising=False)
    jobs._reporter.cache_clear()
    assert jobs.run(lambda: 7) == 7
    jobs.report("gates", 1, 2)


def test_the_rate_is_that_of_the_step(tmp_path, monkeypatch):
    now = iter([10.0, 10.0, 12.0, 12.0, 13.0, 13.0])
    monkeypatch.setattr(jobs.time, "monotonic", lambda: next(now))
    reporter = jobs.Reporter(tmp_path)
    reporter.report("gates", 250, 1000, "pictures")
    assert (reporter.job.rate, reporter.job.seconds_left) == (None, None)
    reporter.report("gates", 750, 1000, "pictures")
    assert (reporter.job.rate, reporter.job.seconds_left) == (250, 1)
    reporter.report("projections", 1, 9, "sites")
    assert reporter.job.rate is None
    assert replace(reporter.job, total=0).seconds_left is None


@pytest.mark.parametrize(
    "altered",
    [
        {"arguments": [1, 2]}, {"arguments": 7}, {"arguments": None}, {"done": 9, "total": 3}, {"done": -1}, {"done": "x"},
        {"rate": float("nan")}, {"rate": "fast"}, {"rate": -1.0}, {"total": None}, {"message": None}, {"what": "\udcff"},
        {"state": "odd"}, {"state": []}, {"pid": "1"}, {"more": 1},
    ],
)  # fmt: skip
def test_altered_files_of_a_job_make_it_lost(tmp_path, monkeypatch, altered):
    monkeypatch.setenv("SEVIZ_HOME", str(tmp_path))
    folder = jobs._folder(jobs.job_id("a"))
    folder.mkdir()
    (folder / "status.json").write_text(json.dumps({"state": "done", "arguments": ["excite"], **altered}))
    found = jobs.find(folder.name)
    assert (found.state, found.message) == ("lost", jobs.LOST_MESSAGE)


def test_a_job_file_that_is_too_deep_too_large_or_a_pipe_makes_it_lost(tmp_path, monkeypatch):
    monkeypatch.setenv("SEVIZ_HOME", str(tmp_path))
    folder = jobs._folder(jobs.job_id("a"))
    folder.mkdir()
    path = folder / "status.json"
    for content in ("[" * 100_000, '{"a":' * 100_000, "[]", " " * 2**21 + "{}", "half"):
        path.write_text(content)
        assert jobs.find(folder.name).state == "lost"
    path.unlink()
    os.mkfifo(path)
    assert jobs.find(folder.name).state == "lost"
