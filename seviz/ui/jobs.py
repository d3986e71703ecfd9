"""Long jobs of a page: started, watched and cancelled; found again by the id in the address after a reload."""

from __future__ import annotations

import functools

import streamlit as st

from seviz import jobs
from seviz.checkpoints import Checkpoint
from seviz.errors import RequestError
from seviz.excitation import PARTIAL, STATE_FILE
from seviz.jobs import Job
from seviz.ui import frame
from seviz.ui.text import plain, sentence

EVERY = 1.0  # seconds between two looks at a running job
SPLITS = ("test", "train")


def excite_panel(checkpoint: Checkpoint) -> None:
    """Measure the gates of a network over a data set, in a process of its own.

    The files appear beside the checkpoint; the page runs again when they are there. Several browsers that look at the same
    network and data see the same job.
    """
    if not checkpoint.is_se or not checkpoint.has_weights:
        st.info(f"{plain(checkpoint.name)} has no gates that could be measured: choose a network with SE blocks and weights.")
        return
    with frame.telling():
        _excite(checkpoint)


def _excite(checkpoint: Checkpoint) -> None:
    known = _from_address(checkpoint)
    with st.expander("Measure the gates on a data set", expanded=known is not None, key="excite"):
        if known is None or not known.running:
            known = _form(checkpoint, known)
        if known is not None and known.running:
            _watch(known.id, _about(known))
        elif known is not None:
            _outcome(known)


def _form(checkpoint: Checkpoint, known: Job | None) -> Job | None:
    """Fields and buttons. Returns the job that runs for what stands in the fields, or `known`."""
    # the fields are not drawn while a job runs; afterwards they say again what it was for
    st.session_state.setdefault("excite-data", known.arguments[4] if known else "cifar10")
    st.session_state.setdefault("excite-split", known.arguments[6] if known else SPLITS[0])
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    data = left.text_input(
        "Data",
        key="excite-data",
        help="cifar10, or folder:PATH with one folder a class (PATH/train and PATH/test where they exist), on the computer "
        "that runs the app.",
    ).strip()
    split = right.segmented_control(
        "Split", SPLITS, required=True, key="excite-split", help="Which part of the data set is measured."
    )
    arguments = ["excite", "--model", str(checkpoint.folder), "--data", data, "--split", split or SPLITS[0]]
    identity = jobs.job_id(*arguments, checkpoint.card.weights_sha256)
    running = jobs.find(identity)
    if running is not None and running.running:
        return running
    state = checkpoint.folder / STATE_FILE
    again = state.is_file()
    if again:
        st.caption("A pass that is not finished is kept here. Continue goes on with it; a new start removes it.")
    what = "One pass over all pictures, then projections; minutes on a CPU. It takes the place of the gates stored now."
    started = st.button("Remove it and start" if again else "Start", key="excite-start", help=what)
    fresh = started
    if again and st.button("Continue", key="excite-continue", help="Go on where a killed job of the same data stopped."):
        arguments, started = [*arguments, "--resume"], True
    if started:
        if data.startswith("-"):
            raise RequestError(f"{data} is no data set; name cifar10 or folder:PATH.")
        if fresh:
            state.unlink(missing_ok=True)
        job = jobs.start(identity, arguments, partial={str(checkpoint.folder): PARTIAL})
        st.query_params["job"] = job.id
        st.rerun()
    return known


@functools.partial(frame.fragment, every=EVERY)
def _watch(identity: str, about: str) -> None:
    job = jobs.find(identity)
    if job is None or not job.running:
        st.rerun()  # the whole page: what it shows may have changed
    st.progress(job.done / job.total if job.total else 0.0, text=plain(_progress(job)))
    st.caption(f"{plain(about)}; process {job.pid}, job `{identity}`.")
    if st.button("Cancel", key="excite-cancel", help="End the job and remove what it has not finished."):
        jobs.cancel(identity)
        st.rerun()


def _outcome(job: Job) -> None:
    about = plain(_about(job))
    if job.state == jobs.DONE:
        st.success(f"Measured: {about}. The page shows it.")
    elif job.state == jobs.CANCELLED:
        st.info(f"Cancelled: {about}. What was stored before is as it was; what was not finished is gone.")
    else:
        st.error(f"{sentence(job.message)} ({about})", icon="⚠️")


def _from_address(checkpoint: Checkpoint) -> Job | None:
    """The job that the address names, where it is one of this network."""
    job = jobs.find(st.query_params.get("job", ""))
    if job is None or job.arguments[:3] != ("excite", "--model", str(checkpoint.folder)):
        return None
    return job if len(job.arguments) >= 7 and job.arguments[3::2][:2] == ("--data", "--split") else None


def _about(job: Job) -> str:
    """What the job is on, from its arguments: excite --model FOLDER --data D --split S."""
    return f"gates on {job.arguments[4]}, {job.arguments[6]}"


def _progress(job: Job) -> str:
    if not job.total:
        return "starting"
    words = [f"{job.what}: {job.done:,} of {job.total:,} {job.unit}"]
    if job.rate:
        words.append(f"{job.rate:,.0f} {job.unit}/s" if job.rate >= 10 else f"{job.rate:.1f} {job.unit}/s")
    if job.seconds_left:
        words.append(f"{_time(job.seconds_left)} left")
    return " · ".join(words)


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
