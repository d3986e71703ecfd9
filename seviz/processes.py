"""Other processes of this computer: which one it is, and its end.

A process is known by its number and the time it was started: numbers are given again.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

PATIENCE = 5.0  # seconds that a process has after it was asked to end, and after it was killed


def started(pid: int) -> str | None:
    """When the process was started, as the system counts; None where there is none, or one that has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None if Path("/proc/self/stat").exists() else _started_by_ps(pid)
    return None if fields[0] in "ZX" else fields[19]


def end_group(pid: int, when: str) -> bool:
    """Ask the group that the process leads to end, then make it. Returns whether the process is gone."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        _signal_group(pid, sign)
        limit = time.monotonic() + PATIENCE
        while time.monotonic() < limit:
            if started(pid) != when:
                _signal_group(pid, signal.SIGKILL)  # whoever is left of the group when its leader has gone
                return True
            time.sleep(0.02)
    return False


def _signal_group(pid: int, sign: signal.Signals) -> None:
    # a group that has only zombies left counts as forbidden on some systems
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, sign)


def _started_by_ps(pid: int) -> str | None:
    found = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state, _, when = found.stdout.strip().partition(" ")
    return when.strip() if when and not state.startswith("Z") else None
