"""Long jobs of a page: started, watched and cancelled; found again by the id in the address after a reload."""

from __future__ import annotations

import functools
import shlex
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from seviz import jobs
from seviz.ablation import ABLATION_FILE
from seviz.checkpoints import Checkpoint
from seviz.corruptions import CORRUPTIONS_FILE
from seviz.errors import RequestError
from seviz.excitation import PARTIAL, STATE_FILE
from seviz.jobs import Job
from seviz.pruning import PRUNING_FILE
from seviz.resuming import state_path
from seviz.ui import frame
from seviz.ui.text import plain, sentence

EVERY = 1.0  # seconds between two looks at a running job
SPLITS = ("test", "train")


@dataclass(frozen=True)
class Number:
    """A field for a whole number, which becomes an option of the command; 0 leaves it out.

    option: such as "--curves". label, help: of the field. first: what it is to begin with.
    """

    option: str
    label: str
    first: int
    help: str

    @property
    def key(self) -> str:
        return self.option.removeprefix("--")


@dataclass(frozen=True)
class Task:
    """A command of seviz over a network and a data set that a page can start.

    command: its name. title: above the panel. what: it measures. lasts: a sentence on what a start does. state: the file from
    which a killed one goes on; partial: patterns of files that a cancelled one must not leave. numbers: its other options.
    name: with which the keys of the panel begin, the command where it is "". any_network: whether it is for plain networks as
    well. shown: whether the panel shows the command. extra: options that stand last. then: a sentence on what is there when
    it is done.
    """

    command: str
    title: str
    what: str
    lasts: str
    state: str
    partial: tuple[str, ...]
    numbers: tuple[Number, ...] = ()
    name: str = ""
    any_network: bool = False
    shown: bool = False
    extra: tuple[str, ...] = ()
    then: str = "The page shows it."

    @property
    def key(self) -> str:
        return self.name or self.command

    def arguments(self, checkpoint: Checkpoint, data: str, split: str, numbers: dict[str, int]) -> list[str]:
        """Of `python -m seviz`."""
        typed = [self.command, "--model", str(checkpoint.folder), "--data", data, "--split", split]
        for one in self.numbers:
            typed += [one.option, str(numbers[one.option])] if numbers[one.option] else []
        return [*typed, *self.extra]


EXCITE = Task(
    "excite", "Measure the gates on a data set", "gates",
    "One pass over all pictures, then projections; minutes on a CPU. It takes the place of the gates stored now.",
    STATE_FILE, tuple(PARTIAL),
)  # fmt: skip
_ABLATE_STATE = state_path(Path(ABLATION_FILE)).name
ABLATE = Task(
    "ablate", "Measure what the gates are worth", "edits of gates",
    "Every picture is asked again under every edit: minutes on a CPU. It takes the place of the edits stored now.",
    _ABLATE_STATE, (_ABLATE_STATE, f".{ABLATION_FILE}.*.tmp", f".{_ABLATE_STATE}.*.tmp"),
    (
        Number("--curves", "Pictures for curves", 200, "Channels are dropped one after the other, in four orders; 0 for none."),
        Number("--channels", "Pictures for channels", 1000, "Every channel is dropped alone, with these pictures; 0 for none."),
    ),
)  # fmt: skip

_CORRUPT_STATE = state_path(Path(CORRUPTIONS_FILE)).name
CORRUPT = Task(
    "evaluate", "Measure it on corrupted pictures", "corrupted pictures",
    "Every picture is asked of the network under 29 corruptions, with three kinds of gates: 2,000 pictures are some ten "
    "minutes for an SE-ResNet-20 on one CPU core, and longer as a network has more multiply-adds. It takes the place "
    "of what is stored now.",
    _CORRUPT_STATE, (_CORRUPT_STATE, f".{CORRUPTIONS_FILE}.*.tmp", f".{_CORRUPT_STATE}.*.tmp"),
    (Number("--limit", "Pictures", 2000, "At most, as many of every class as there are; 0 for all."),),
    name="corruptions", any_network=True, extra=("--corruptions",),
)  # fmt: skip

_PRUNE_STATE = state_path(Path(PRUNING_FILE)).name
PRUNE = Task(
    "prune", "Measure what dropped channels cost", "dropped channels",
    "Every picture is asked of every pruned network, up to 64 of them: a quarter of an hour or more. It takes "
    "the place of what is stored now.",
    _PRUNE_STATE, (_PRUNE_STATE, f".{PRUNING_FILE}.*.tmp", f".{_PRUNE_STATE}.*.tmp"), any_network=True, shown=True,
)  # fmt: skip
SAVE_PRUNED = Task(
    "prune", "Save a pruned network", "a pruned network",
    "The network without these channels becomes a checkpoint of its own, measured on the data: a minute on a CPU.",
    "", (), name="save-pruned", any_network=True, shown=True, then="It stands among the networks in the sidebar now.",
)  # fmt: skip


def excite_panel(checkpoint: Checkpoint) -> None:
    """Measure the gates of a network over a data set, in a process of its own.

    The files appear beside the checkpoint; the page runs again when they are there. Several browsers that look at the same
    network and data see the same job.
    """
    panel(EXCITE, checkpoint)


def panel(task: Task, checkpoint: Checkpoint, *, expanded: bool = False) -> None:
    """The same for any task. expanded: the panel is open where no job says otherwise."""
    if task.any_network and not checkpoint.has_weights:
        st.info(f"{plain(checkpoint.name)} has no weights here, so nothing can be measured: choose a network with weights.")
        return
    if not checkpoint.has_weights or not (checkpoint.is_se or task.any_network):
        st.info(f"{plain(checkpoint.name)} has no gates that could be measured: choose a network with SE blocks and weights.")
        return
    with frame.telling():
        _panel(task, checkpoint, expanded)


def _panel(task: Task, checkpoint: Checkpoint, expanded: bool) -> None:
    known = _from_address(task, checkpoint)
    with st.expander(task.title, expanded=expanded or known is not None, key=task.key):
        if known is None or not known.running:
            known = _form(task, checkpoint, known)
        if known is not None and known.running:
            watch(known.id, _about(task, known), f"{task.key}-cancel")
        elif known is not None:
            _outcome(task, known)


def _form(task: Task, checkpoint: Checkpoint, known: Job | None) -> Job | None:
    """Fields and buttons. Returns the job that runs for what stands in the fields, or `known`."""
    arguments = _fields(task, checkpoint, known)
    identity = jobs.job_id(*arguments, checkpoint.card.weights_sha256)
    running = jobs.find(identity)
    if running is not None and running.running:
        return running
    state = checkpoint.folder / task.state
    again = state.is_file()  # a folder where the task keeps no state
    if again:
        st.caption("A pass that is not finished is kept here. Continue goes on with it; a new start removes it.")
    started = st.button("Remove it and start" if again else "Start", key=f"{task.key}-start", help=task.lasts)
    fresh, what = started, "Go on where a killed job of the same data stopped."
    if again and st.button("Continue", key=f"{task.key}-continue", help=what):
        arguments, started = [*arguments, "--resume"], True
    if started:
        if arguments[4].startswith("-"):
            raise RequestError(f"{arguments[4]} is no data set; name cifar10 or folder:PATH.")
        if fresh and again:
            state.unlink(missing_ok=True)
        job = jobs.start(identity, arguments, partial={str(checkpoint.folder): task.partial})
        st.query_params["job"] = job.id
        st.rerun()
    return known


def _fields(task: Task, checkpoint: Checkpoint, known: Job | None) -> list[str]:
    """The fields and, below them, the command that they make: its arguments."""
    # the fields are not drawn while a job runs; afterwards they say again what it was for
    st.session_state.setdefault(f"{task.key}-data", known.arguments[4] if known else "cifar10")
    st.session_state.setdefault(f"{task.key}-split", known.arguments[6] if known else SPLITS[0])
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    data = left.text_input(
        "Data",
        key=f"{task.key}-data",
        help="cifar10, or folder:PATH with one folder a class (PATH/train and PATH/test where they exist), on the computer "
        "that runs the app.",
    ).strip()
    split = right.segmented_control(
        "Split", SPLITS, required=True, key=f"{task.key}-split", help="Which part of the data set is measured."
    )
    numbers = {one.option: _number(task, one, known) for one in task.numbers}
    arguments = task.arguments(checkpoint, data, split or SPLITS[0], numbers)
    if task.numbers or task.shown:
        st.code(shlex.join(["python", "-m", "seviz", *arguments]), language="bash", wrap_lines=True)
    return arguments


def _number(task: Task, one: Number, known: Job | None) -> int:
    key = f"{task.key}-{one.key}"
    options = dict(zip(known.arguments[7::2], known.arguments[8::2], strict=False)) if known else {}
    first = options.get(one.option, "0") if known else str(one.first)
    st.session_state.setdefault(key, int(first) if first.isdecimal() and len(first) < 10 else one.first)
    return int(st.number_input(one.label, 0, 10**9, step=100, key=key, help=one.help))


@functools.partial(frame.fragment, every=EVERY)
def watch(identity: str, about: str, key: str) -> None:
    """How far a job is, looked at every second, with a button `key` that cancels it; the page runs again when it has ended."""
    job = jobs.find(identity)
    if job is None or not job.running:
        st.rerun()  # the whole page: what it shows may have changed
    st.progress(job.done / job.total if job.total else 0.0, text=plain(_progress(job)))
    st.caption(f"{plain(about)}; process {job.pid}, job `{identity}`.")
    if st.button("Cancel", key=key, help="End the job and remove what it has not finished."):
        jobs.cancel(identity)
        st.rerun()


def _outcome(task: Task, job: Job) -> None:
    about = plain(_about(task, job))
    if job.state == jobs.DONE:
        st.success(f"Measured: {about}. {task.then}")
    elif job.state == jobs.CANCELLED:
        st.info(f"Cancelled: {about}. What was stored before is as it was; what was not finished is gone.")
    else:
        st.error(f"{sentence(job.message)} ({about})", icon="⚠️")


def _from_address(task: Task, checkpoint: Checkpoint) -> Job | None:
    """The job that the address names, where it is one of this network."""
    job = jobs.find(st.query_params.get("job", ""))
    if job is None or job.arguments[:3] != (task.command, "--model", str(checkpoint.folder)):
        return None
    fits = len(job.arguments) >= 7 and job.arguments[3::2][:2] == ("--data", "--split")
    return job if fits and ("--out" in job.arguments) == ("--out" in task.extra) else None


def _about(task: Task, job: Job) -> str:
    """What the job is on, from its arguments: COMMAND --model FOLDER --data D --split S."""
    return f"{task.what} on {job.arguments[4]}, {job.arguments[6]}"


def _progress(job: Job) -> str:
    if not job.total:
        return "starting"
    if job.unit == "B":
        words = [f"{job.what}: {job.done / 1e6:.1f} of {job.total / 1e6:.1f} MB"]
    else:
        words = [f"{job.what}: {job.done:,} of {job.total:,} {job.unit}"]
    if job.rate and job.unit != "B":
        words.append(f"{job.rate:,.0f} {job.unit}/s" if job.rate >= 10 else f"{job.rate:.1f} {job.unit}/s")
    if job.seconds_left:
        words.append(f"{_time(job.seconds_left)} left")
    return " · ".join(words)


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
