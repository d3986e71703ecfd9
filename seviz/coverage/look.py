"""One architecture, looked at in a child process that may take so much memory and time and no more."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from seviz.coverage.networks import lively, pictures, sides, without_numbers
from seviz.errors import RequestError
from seviz.gates import Site, Survey, survey

PATIENCE = 20
NONE, PROVED, PARTLY, REFUSED, LARGE, FAILED = "no gate", "proved", "partly proved", "refused", "not run", "failed"


@dataclass(frozen=True)
class Look:
    """What was found. result: one of the words above. network: its class. parameters: how many.

    traced: gates in the trace without numbers, None where the network cannot run so. gates: proved ones. kinds: kind ->
    gates. owners: class of the module that multiplies -> gates. side: of the pictures. why: in words, where something is
    missing. notes: proved gates whose neutral edit changes nothing, by the reason.
    """

    name: str
    result: str
    network: str = ""
    parameters: int = 0
    traced: int | None = None
    gates: int = 0
    kinds: dict[str, int] | None = None
    neutral: tuple[float, ...] = ()
    owners: dict[str, int] | None = None
    side: int = 0
    why: str = ""
    notes: dict[str, int] | None = None
    seconds: float = 0.0


def look_at(name: str, *, memory: int, seconds: float) -> Look:
    """Look in a child process.

    Args: memory: bytes that it may take besides what this process has. seconds: of processor time at most; of the clock's,
        which runs on while others have the processor, twenty times as many.
    """
    start = time.monotonic()
    inlet, outlet = os.pipe()
    child = os.fork()
    if not child:
        _in_child(name, outlet, memory, seconds)
    os.close(outlet)
    said = _read(inlet, PATIENCE * seconds)
    os.close(inlet)
    if said is None:
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    took = round(time.monotonic() - start, 1)
    if said is None or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU):
        return Look(name, LARGE, why=f"it takes more than {seconds:.0f} s", seconds=took)
    if not said:
        return Look(name, LARGE, why=f"its process ended (status {status}), as one that is out of memory does", seconds=took)
    return Look(**{**json.loads(said), "seconds": took})


def _read(inlet: int, seconds: float) -> bytes | None:
    """All that is written; None where it takes longer."""
    limit, parts = time.monotonic() + seconds, list[bytes]()
    while True:
        if not select.select([inlet], [], [], max(0.0, limit - time.monotonic()))[0]:
            return None
        part = os.read(inlet, 2**16)
        if not part:
            return b"".join(parts)
        parts.append(part)


def _in_child(name: str, outlet: int, memory: int, seconds: float) -> None:
    """Never returns: the child has what the parent was about to do still before it."""
    try:
        torch.set_num_threads(1)
        taken = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + memory, taken + memory))
        used = int(sum(os.times()[:2]))
        resource.setrlimit(resource.RLIMIT_CPU, (used + int(seconds) + 1, used + int(seconds) + 2))
        os.write(outlet, json.dumps(asdict(look(name, memory))).encode())
    finally:
        os._exit(0)


def look(name: str, memory: int) -> Look:
    """Look at an architecture in this process."""
    try:
        return _look(name, memory)
    except Exception as error:  # boundary: a network that cannot even be built must not hide the others
        words = (str(error).strip().splitlines() or [""])[0][:200]
        if isinstance(error, MemoryError) or "allocate memory" in words:
            return Look(name, LARGE, why=f"it needs more than {memory / 2**30:.0f} GiB")
        return Look(name, FAILED, why=f"{type(error).__name__}: {words}")


def _look(name: str, memory: int) -> Look:
    bare = without_numbers(name)
    parameters = sum(values.numel() for values in bare.parameters())
    about: dict[str, Any] = {"name": name, "network": type(bare).__name__, "parameters": parameters}
    seen, why = _traced(bare)
    if seen is not None and not seen.sites and not seen.refused:
        return Look(**about, result=NONE, traced=0)
    about["traced"] = None if seen is None else len(seen.sites)
    if seen is not None and not seen.sites:
        return Look(**about, result=NONE, why=seen.words)
    if 4 * parameters > memory / 2:
        return Look(**about, result=LARGE, why=f"its weights alone are {4 * parameters / 2**30:.1f} GiB")
    net = lively(name)
    for side in sides(net):
        try:
            found = survey(net, pictures(net, side))
        except RequestError as error:
            why = str(error)
            continue
        return _told(net, found, about, side)
    return Look(**about, result=FAILED, why=why)


def _traced(bare: nn.Module) -> tuple[Survey | None, str]:
    """What a trace without numbers shows, at the network's own size; None where it cannot run so."""
    try:
        return survey(bare, pictures(bare, sides(bare)[-1], "meta")), ""
    except RequestError as error:
        return None, str(error)


def _told(net: nn.Module, found: Survey, about: dict[str, Any], side: int) -> Look:
    sites, missing = found.sites, (about["traced"] or 0) - len(found.sites)
    result = REFUSED if not sites else PARTLY if missing > 0 else PROVED
    if not sites and not about["traced"]:
        result = NONE
    return Look(
        **about,
        result=result,
        gates=len(sites),
        kinds=dict(Counter(site.kind for site in sites)),
        neutral=tuple(sorted({round(site.neutral, 4) for site in sites})),
        owners=dict(Counter(_owner(net, site) for site in sites)),
        side=side,
        why="" if sites and missing <= 0 else found.words if not sites else _first(found),
        notes=dict(Counter(found.notes.values())),
    )


def _owner(net: nn.Module, site: Site) -> str:
    return type(net.get_submodule(site.path.partition("#")[0])).__name__


def _first(found: Survey) -> str:
    path, why = next(iter(found.refused.items()), ("", "other gates than in the trace without numbers"))
    return f"{path}: {why}"
