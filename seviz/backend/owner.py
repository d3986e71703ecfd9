"""The owner thread: the only thread that ever touches an engine's network.

Requests of several sessions wait in one bounded queue. The thread takes what is there, waits a few milliseconds for
more, groups requests of one kind into micro-batches and hands the answers back through futures.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

import torch

from seviz.backend.engine import Engine
from seviz.backend.messages import MAX_PICTURES, Answer, Request
from seviz.edits.resolve import mixes_pictures
from seviz.errors import BusyError, SevizError

QUEUE_LENGTH = 256
WAIT = 0.003  # seconds for which the first request of a batch waits for company
NO_MEMORY = "The device has no memory left for this picture; ask for fewer layers or close other programs."


@dataclass(eq=False)
class _Job:
    """A request, or a piece of work that the thread runs alone."""

    work: Request | Callable[[Engine], Any]
    future: Future[Any]


class Owner:
    """An engine with its thread. Stop it with close(); it is a daemon, so a forgotten one does not keep Python alive."""

    def __init__(self, engine: Engine, *, queue_length: int = QUEUE_LENGTH, wait: float = WAIT) -> None:
        self._engine, self._wait = engine, wait
        self._queue: queue.Queue[_Job | None] = queue.Queue(queue_length)
        self._closing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._loop, name=f"seviz-{engine.identity.model}", daemon=True)
        self._thread.start()

    def submit(self, request: Request) -> Future[Answer]:
        """Queue a request that was checked. Raises BusyError where the queue is full or the owner was closed."""
        return self._put(request)

    def run(self, work: Callable[[Engine], Any]) -> Any:
        """Run a piece of work on the owner thread and wait for it. It should take no longer than a micro-batch."""
        return self._put(work).result()

    def close(self) -> None:
        """Answer what is queued, then stop. Further requests raise BusyError."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        self._queue.put(None)
        self._thread.join()

    def _put(self, work: Request | Callable[[Engine], Any]) -> Future[Any]:
        job = _Job(work, Future())
        with self._closing:
            if self._closed:
                raise BusyError(f"{self._engine.identity.model} was unloaded; choose it again.")
            try:
                self._queue.put_nowait(job)
            except queue.Full:
                raise BusyError(f"{self._engine.identity.model} has a full queue; ask again in a moment.") from None
        return job.future

    def _loop(self) -> None:
        going = True
        while going:
            first = self._queue.get()
            if first is None:
                return
            jobs, going = self._gather(first)
            for group in _groups([job for job in jobs if job.future.set_running_or_notify_cancel()]):
                self._serve(group)

    def _gather(self, first: _Job) -> tuple[list[_Job], bool]:
        """The first job and what joins it in time; False where the end of all jobs was among them."""
        jobs, deadline = [first], time.monotonic() + self._wait
        pictures = _pictures(first)
        while isinstance(jobs[-1].work, Request) and pictures < MAX_PICTURES:
            try:
                job = self._queue.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if job is None:
                return jobs, False
            jobs.append(job)
            pictures += _pictures(job)
        return jobs, True

    def _serve(self, jobs: Sequence[_Job]) -> None:
        """Answer jobs of one kind in one pass; a pass that fails is halved until the bad job is alone.

        A lone request without memory is halved by its pictures, until one picture is too much; but not where its edits
        shuffle gates over them.
        """
        out_of_memory = self._try(jobs)
        if out_of_memory is None:
            return
        if out_of_memory and self._engine.device.type == "cuda":
            torch.cuda.empty_cache()
        if len(jobs) > 1:
            self._serve(jobs[: len(jobs) // 2])
            self._serve(jobs[len(jobs) // 2 :])
        elif isinstance(jobs[0].work, Request) and _pictures(jobs[0]) > 1 and not mixes_pictures(jobs[0].work.edits):
            self._serve_halves(jobs[0].work, jobs[0].future)
        else:
            jobs[0].future.set_exception(SevizError(NO_MEMORY))

    def _try(self, jobs: Sequence[_Job]) -> bool | None:
        """None where the jobs are answered, else whether memory ran out.

        What comes next happens after the return: inside the `except`, the live traceback would keep the tensors of the
        pass that failed, and a second try would find no more memory than the first.
        """
        try:
            results = self._answers(jobs)
        except Exception as error:  # boundary: one request must not take its neighbours with it
            if isinstance(error, torch.OutOfMemoryError):
                return True
            if len(jobs) > 1:
                return False
            jobs[0].future.set_exception(error)
            return None
        for job, result in zip(jobs, results, strict=True):
            job.future.set_result(result)
        return None

    def _serve_halves(self, request: Request, future: Future[Answer]) -> None:
        """Answer a request of several pictures as two, and join the answers."""
        middle = len(request.pictures) // 2
        halves = (request.pictures[:middle], request.pictures[middle:])
        jobs = [_Job(replace(request, pictures=half), Future()) for half in halves]
        for job in jobs:
            self._serve([job])
        error = jobs[0].future.exception() or jobs[1].future.exception()
        if error:
            future.set_exception(error)
        else:
            future.set_result(jobs[0].future.result() + jobs[1].future.result())

    def _answers(self, jobs: Sequence[_Job]) -> list[Any]:
        requests = [job.work for job in jobs if isinstance(job.work, Request)]
        if requests:
            return list(self._engine.answer(requests))
        return [job.work(self._engine) for job in jobs if not isinstance(job.work, Request)]


def _pictures(job: _Job) -> int:
    return len(job.work.pictures) if isinstance(job.work, Request) else 0


def _groups(jobs: Sequence[_Job]) -> list[list[_Job]]:
    """Jobs of one kind together, at most MAX_PICTURES pictures a group, in the order of arrival; work stays alone."""
    groups: list[list[_Job]] = []
    open_groups: dict[tuple[object, ...], list[_Job]] = {}
    for job in jobs:
        if not isinstance(job.work, Request):
            groups.append([job])
            continue
        group = open_groups.get(job.work.kind)
        if group is None or sum(map(_pictures, group)) + _pictures(job) > MAX_PICTURES:
            group = open_groups[job.work.kind] = []
            groups.append(group)
        group.append(job)
    return groups
