"""Long jobs in a process of their own: a command of seviz, found again by its id, watched and cancelled.

    job = start(job_id("excite", folder), ["excite", "--model", folder, ...])
    find(job.id)        by anybody, from any process: a page after a reload, a second browser
    cancel(job.id)      ends the process and all that it started

A job has a private folder, JOBS/<id>, where JOBS is jobs/ in the folder that SEVIZ_HOME names, or seviz-jobs-<user> among
the temporary files. start.json is written by whoever started the job, status.json by the job itself, and by the one who
cancelled it; log is what the command printed. A process is known by its number and the time it was started, so that
another one that was given the same number later is not mistaken for it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from seviz.errors import JobError
from seviz.files import is_utf8, read_file, write_json
from seviz.processes import end_group, started

COMMAND = (sys.executable, "-m", "seviz")
FOLDER_VARIABLE = "SEVIZ_JOB"  # the folder of the job that a process is
RUNNING, DONE, FAILED, CANCELLED, LOST = "running", "done", "failed", "cancelled", "lost"
STATES = (RUNNING, DONE, FAILED, CANCELLED, LOST)
MAX_BYTES = 2**20  # of a file of a job
REPORT_EVERY = 0.5  # seconds between two status files
LOST_MESSAGE = "The job ended without a word: it was killed, or the memory was full."


@dataclass(frozen=True)
class Job:
    """What is known of a job.

    state: "running", "done", "failed", "cancelled", or "lost" where its process is gone without having said anything.
    what: the step that `done` of `total` are of, such as "gates"; total is 0 where it is not known. unit: of what is done,
    such as "pictures". rate: a second, None before there is one. message: one sentence for a job that failed or is lost,
    otherwise "". pid, started: of its process. arguments: what it was started with.
    """

    id: str
    state: str
    what: str = ""
    unit: str = ""
    done: int = 0
    total: int = 0
    rate: float | None = None
    message: str = ""
    pid: int = 0
    started: str = ""
    arguments: tuple[str, ...] = ()

    @property
    def running(self) -> bool:
        return self.state == RUNNING

    @property
    def seconds_left(self) -> float | None:
        """Of this step, at the rate so far; None where that is not known."""
        return (self.total - self.done) / self.rate if self.rate and self.total else None


def job_id(*parts: str) -> str:
    """The id of the job that is told from others by `parts`: 16 hex digits, the same ones for everybody."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def start(identity: str, arguments: Sequence[str], *, partial: Mapping[str, Sequence[str]] | None = None) -> Job:
    """Run `python -m seviz ARGUMENTS` in a process of its own; where that job runs already, it is the one returned.

    Args:
        identity: of job_id. partial: folder -> patterns of file names that a cancelled job must not leave there.

    Raises JobError where there is no private folder for jobs.
    """
    with _locked():
        known = find(identity)
        if known is not None and known.running:
            return known
        folder = _folder(identity)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [*COMMAND, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(folder),
                start_new_session=True,
            )
        # somebody must wait for the process, or it stays a zombie as long as we live
        threading.Thread(target=process.wait, daemon=True).start()
        facts = {"pid": process.pid, "started": started(process.pid) or "", "arguments": list(arguments)}
        write_json(folder / "start.json", {**facts, "partial": {name: list(parts) for name, parts in (partial or {}).items()}})
    return find(identity) or Job(identity, RUNNING)


def find(identity: str) -> Job | None:
    """The job of that id as it is now; None where there is none, or the id is no id."""
    if not re.fullmatch(r"[0-9a-f]{16}", identity):
        return None
    folder = _folder(identity)
    begun, status = _read(folder / "start.json"), _read(folder / "status.json")
    if begun is None and status is None:
        return None
    facts = {**{name: value for name, value in (begun or {}).items() if name != "partial"}, **(status or {})}
    job = _job(identity, facts)
    if job is None:
        return Job(identity, LOST, message=LOST_MESSAGE)
    if not job.running or (job.pid and started(job.pid) == job.started):
        return job
    # its last word may have come after the first look
    last = _read(folder / "status.json") or {}
    if last.get("state", RUNNING) != RUNNING:
        return find(identity)
    return replace(job, state=LOST, message=LOST_MESSAGE)


def cancel(identity: str) -> Job | None:
    """End a job: its process and all that it started, then the files that it had not finished. Returns what it is then."""
    with _locked():
        job = find(identity)
        if job is None or not job.running:
            return job
        if not end_group(job.pid, job.started):
            raise JobError(f"The job {job.id} (process {job.pid}) does not end; end it by hand.")
        job = find(identity)
        if job is None or job.state != LOST:  # it was done before it was told to end
            return job
        begun = _read(_folder(identity) / "start.json") or {}
        for folder, patterns in begun.get("partial", {}).items():
            for path in [path for pattern in patterns for path in Path(folder).glob(pattern)]:
                path.unlink(missing_ok=True)
        _write(_folder(identity), replace(job, state=CANCELLED, message=""))
    return find(identity)


# the job's own side


def run(main: Callable[[], int]) -> int:
    """Run a command. Where this process is a job, keep its status file until the end."""
    reporter = _reporter()
    if reporter is None:
        return main()
    reporter.write()
    status = None
    try:
        status = main()
    finally:
        reporter.end(status)
    return status


def report(what: str, done: int, total: int, unit: str = "") -> None:
    """Tell how far a step is. Does nothing in a process that is no job."""
    reporter = _reporter()
    if reporter is not None:
        reporter.report(what, done, total, unit)


class Reporter:
    """Writes the status file of the job that this process is, now and then, as a whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        arguments = tuple(sys.argv[1:])
        self.job = Job(folder.name, RUNNING, pid=os.getpid(), started=started(os.getpid()) or "", arguments=arguments)
        self.first = self.last = 0.0  # times of the step's first report and of the last file
        self.before = 0  # what was done at the first report

    def write(self) -> None:
        _write(self.folder, self.job)
        self.last = time.monotonic()

    def report(self, what: str, done: int, total: int, unit: str) -> None:
        now = time.monotonic()
        if what != self.job.what:
            self.first, self.before, self.last = now, done, 0.0
        rate = (done - self.before) / (now - self.first) if now > self.first and done > self.before else None
        self.job = replace(self.job, what=what, unit=unit, done=done, total=total, rate=rate)
        if now - self.last >= REPORT_EVERY or done == total:
            self.write()

    def end(self, status: int | None) -> None:
        """status: of the command's exit; None where it stopped at a fault."""
        log = self.folder / "log"
        fault = f"The job stopped at a fault of seviz; the end of {log} says where."
        message = fault if status is None else "" if status == 0 else _last_line(log)
        self.job = replace(self.job, state=DONE if status == 0 else FAILED, message=message)
        self.write()


@cache
def _reporter() -> Reporter | None:
    named = os.environ.get(FOLDER_VARIABLE)
    return Reporter(Path(named)) if named else None


# files


def _environment(folder: Path) -> dict[str, str]:
    root = str(Path(__file__).resolve().parent.parent)
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, FOLDER_VARIABLE: str(folder), "PYTHONPATH": os.pathsep.join(paths)}


def _home() -> Path:
    """The private folder of all jobs. Raises JobError where it belongs to, or is open to, somebody else."""
    if os.name != "posix":
        raise JobError("Jobs run on Linux and macOS; here the command line does the same.")
    named = os.environ.get("SEVIZ_HOME")
    shared = Path(tempfile.gettempdir()) / f"seviz-jobs-{os.getuid()}"
    home = Path(named).expanduser() / "jobs" if named else shared
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = home.lstat()
    except OSError as error:
        raise JobError(f"{home} cannot hold jobs ({error.strerror}); set SEVIZ_HOME to a folder of your own.") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise JobError(f"{home} is not a folder of yours alone; remove it or set SEVIZ_HOME to another folder.")
    return home


def _folder(identity: str) -> Path:
    return _home() / identity


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    """One at a time may start or cancel: the lock ends with its process, whatever happens to it."""
    import fcntl

    with (_home() / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _read(path: Path) -> dict[str, Any] | None:
    """What a file of a job says; {"state": None}, which is no state, where it is damaged; None where there is no file."""
    damaged: dict[str, Any] = {"state": None}
    try:
        found = json.loads(read_file(path, MAX_BYTES))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError):
        return damaged
    return found if isinstance(found, dict) else damaged


def _job(identity: str, facts: Mapping[str, Any]) -> Job | None:
    """The job of what its files say; None where they were altered, so that nothing of it can be believed."""
    arguments = facts.get("arguments", ())
    if not isinstance(arguments, list | tuple):
        return None
    try:
        job = Job(**{"state": RUNNING, **facts, "id": identity, "arguments": tuple(arguments)})
    except TypeError:
        return None
    words = (job.state, job.what, job.unit, job.message, job.started, *job.arguments)
    numbers = (job.done, job.total, job.pid)
    if not all(isinstance(one, str) and is_utf8(one) for one in words) or job.state not in STATES:
        return None
    if not all(type(one) is int and 0 <= one < 2**63 for one in numbers) or 0 < job.total < job.done:
        return None
    rated = job.rate is None or (type(job.rate) in (int, float) and 0 <= job.rate < math.inf)
    return job if rated else None


def _write(folder: Path, job: Job) -> None:
    write_json(folder / "status.json", {name: value for name, value in vars(job).items() if name != "id"})


def _last_line(log: Path) -> str:
    """The last line that a command printed: its sentence, where it failed with one."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        lines = []
    return lines[-1].removeprefix("seviz: ") if lines else LOST_MESSAGE
