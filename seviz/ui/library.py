"""Models: networks of timm and torchvision, searched, fetched by a job and imported."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from seviz import jobs
from seviz.checkpoints import imported_folder, networks_home
from seviz.jobs import Job
from seviz.pretrained import LIBRARIES, SUGGESTED, Listed, families, listed, partial_files, search, versions_listed
from seviz.ui import address, show
from seviz.ui import jobs as watched
from seviz.ui.text import code, plain, sentence

ANY = "any"
SIZES = {"any size": None, "2 M": 2, "5 M": 5, "10 M": 10, "30 M": 30, "100 M": 100}  # millions of parameters at most
MOST = 300  # networks in the list that one is chosen from
JOB = "fetching"  # in the address: the job


def panel() -> None:
    """Suggested networks, a search with filters, and a button that fetches the chosen one."""
    known = _from_address()
    with st.expander("Networks of timm and torchvision", key="library", icon="📚", expanded=known is not None):
        st.markdown(
            f"Trained by others on ImageNet-1k; {len(search()):,} of them are known by name ({plain(versions_listed())}). "
            "What is fetched is kept on this computer and is from then on a network like any other here."
        )
        if known is not None and known.running:
            watched.watch(known.id, f"fetching {known.arguments[1]}", "fetch-cancel")
            return
        if known is not None:
            _outcome(known)
        found = _search()
        if not found:
            st.info("No network has such a name and fits the filters; take a word or a filter away.")
            return
        _fetch(_chosen(found))


def _search() -> tuple[Listed, ...]:
    """The filters, and what they leave; without any, what is suggested."""
    first = st.columns([3, 2, 2], gap="small", vertical_alignment="bottom")
    text = first[0].text_input(
        "Search", key="find", placeholder="such as seresnet50", help="Words that its name holds, in any order."
    )
    family = _one_of(first[1], "Family", (ANY, *families()), "family", "The file of the library that builds it.")
    library = _one_of(first[2], "Library", (ANY, *LIBRARIES), "library-of", "Whose network it is.")
    second = st.columns([3, 2, 2], gap="small", vertical_alignment="bottom")
    size = _one_of(second[0], "Parameters at most", tuple(SIZES), "most", "The file has four bytes a parameter.")
    gated = second[1].toggle(
        "With a gate",
        key="gated",
        value=True,
        help="Only networks that carry a channel gate by the definition of their modules.",
    )
    millions = SIZES[size]
    if not text.strip() and (family, library, size) == (ANY, ANY, next(iter(SIZES))):
        return tuple(row for row in (listed(name) for name, _ in SUGGESTED) if row)
    return search(
        text,
        family=None if family == ANY else family,
        library=None if library == ANY else library,
        gated=gated,
        most_parameters=millions * 10**6 if millions else None,
    )


def _one_of(column: st.delta_generator.DeltaGenerator, label: str, options: Sequence[str], key: str, words: str) -> str:
    with column:
        address.read(key, options, options[0])
        chosen: str = st.selectbox(label, options, key=key, help=words)
        address.write(key, options[0])
    return chosen


def _chosen(found: Sequence[Listed]) -> Listed:
    """The table of what was found, and the one that is chosen."""
    table: show.Table = {
        "network": [row.name for row in found],
        "parameters": [row.parameters for row in found],
        "file, MB": [round(row.bytes_about / 1e6, 1) for row in found],
        "pixels": [row.side for row in found],
        "gate, by its definition": [row.gate or "none" for row in found],
        "here": ["yes" if _is_here(row) else "" for row in found],
    }
    alt = f"{len(found):,} networks that could be fetched, with parameters, size of the file and kind of gate."
    st.dataframe(dict(table), hide_index=True, height=246, key="library-table", alt=alt)
    names = [row.name for row in found[:MOST]]
    if st.session_state.get("fetch") not in names:
        st.session_state["fetch"] = names[0]
    name = st.selectbox(
        f"Network, one of {len(found):,}" + (f" (the first {MOST} by size)" if len(found) > MOST else ""),
        names,
        key="fetch",
        help="Type to find it in the list.",
    )
    return found[names.index(name)]


def _fetch(row: Listed) -> None:
    why = dict(SUGGESTED).get(row.name)
    gate = f"a channel gate by its definition ({row.gate})" if row.gate else "no channel gate by its definition"
    st.markdown(
        f"{code(row.name)}{f': {why}' if why else ''}. {row.parameters / 1e6:.1f} M parameters, {gate}, pictures of {row.side} "
        f"x {row.side}."
    )
    if _is_here(row):
        st.success("It is here: choose it in the sidebar.")
        return
    words = "Downloads the file, checks it tensor by tensor and imports it. Cancelled or failed, nothing of it is kept."
    if st.button(f"Fetch, about {row.bytes_about / 1e6:,.0f} MB", key="fetch-start", help=words, type="primary"):
        partial = {str(networks_home()): partial_files(row.name)}
        job = jobs.start(jobs.job_id("fetch", row.name), ["fetch", row.name], partial=partial)
        st.query_params[JOB] = job.id
        st.rerun()


def _is_here(row: Listed) -> bool:
    return imported_folder(row.name).is_dir()


def _from_address() -> Job | None:
    """The job that the address names, where it is one that fetches."""
    job = jobs.find(st.query_params.get(JOB, ""))
    return job if job is not None and job.arguments[:1] == ("fetch",) and len(job.arguments) == 2 else None


def _outcome(job: Job) -> None:
    name = job.arguments[1]
    if job.state == jobs.DONE:
        st.success(f"{code(name)} is here: choose it in the sidebar; its card is below.")
    elif job.state == jobs.CANCELLED:
        st.info(f"Cancelled: {code(name)}. Nothing of it was kept.")
    else:
        st.error(sentence(job.message), icon="⚠️")
