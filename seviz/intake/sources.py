"""Where the app takes a checkpoint from: an upload, or a file in a folder that the owner of the computer allows."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from seviz.checkpoints import networks_home
from seviz.errors import BusyError, RequestError

FOLDER_VARIABLE = "SEVIZ_CHECKPOINT_FILES"  # the folder whose files the app may read; without it, uploads alone
MAX_UPLOAD = 128 * 2**20  # bytes; .streamlit/config.toml has the same
MOST_KEPT = 200  # imported networks, from when on the app takes no more
AT_ONCE, MOST, WITHIN = 2, 20, 600.0  # files read at the same time, and within so many seconds, by all visitors together


class Turns:
    """Reading a stranger's file costs a process, memory and seconds: so many at once, and so many within some time.

    A turn is taken with `with`; BusyError where there is none. clock: seconds, for tests.
    """

    def __init__(
        self, at_once: int = AT_ONCE, most: int = MOST, within: float = WITHIN, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.at_once, self.most, self.within, self._clock = at_once, most, within, clock
        self._lock, self._running, self._begun = threading.Lock(), 0, deque[float]()

    def __enter__(self) -> None:
        with self._lock:
            now = self._clock()
            while self._begun and self._begun[0] <= now - self.within:
                self._begun.popleft()
            if self._running >= self.at_once:
                raise BusyError("Other checkpoints are being read; try again in a moment.")
            if len(self._begun) >= self.most:
                minutes = max(1, round((self._begun[0] + self.within - now) / 60))
                raise BusyError(f"{self.most} checkpoints were read within a short time; try again in {minutes} minutes.")
            self._running += 1
            self._begun.append(now)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._running -= 1


@contextlib.contextmanager
def staged(content: bytes) -> Iterator[Path]:
    """An upload as a file for the time of the `with`, in a private folder and under a name of ours.

    Raises RequestError where it is larger than MAX_UPLOAD: the browser's own limit holds only for honest browsers.
    """
    if len(content) > MAX_UPLOAD:
        raise RequestError(
            f"The file has {len(content) / 2**20:,.0f} MB, and {MAX_UPLOAD // 2**20} MB is the limit here; "
            "use `python -m seviz import`."
        )
    with tempfile.TemporaryDirectory(prefix="seviz-upload-") as folder:
        path = Path(folder) / "upload"
        path.write_bytes(content)
        yield path


def require_room() -> None:
    """Raises RequestError where the app has imported as many networks as it keeps: visitors must not fill the disk."""
    home = networks_home()
    count = sum(not one.name.startswith(".") for one in home.iterdir()) if home.is_dir() else 0
    if count >= MOST_KEPT:
        raise RequestError(f"{count} imported networks are kept already; remove some of them from {home}.")


def allowed_folder() -> Path | None:
    """The folder that SEVIZ_CHECKPOINT_FILES names; None where it names none, which is the default."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(os.path.expanduser(named)) if named else None


def in_allowed_folder(text: str) -> Path:
    """The file of that path in the allowed folder. Raises RequestError where it lies elsewhere, also by a link."""
    folder = allowed_folder()
    if folder is None:
        raise RequestError(f"This app reads no files of its computer; {FOLDER_VARIABLE} names a folder that it may read.")
    elsewhere = RequestError("That path does not lie in the folder that this app may read; name a file in it.")
    if not text or "\0" in text or os.path.isabs(text) or ".." in Path(text).parts:
        raise elsewhere
    root = os.path.realpath(folder)
    found = os.path.realpath(os.path.join(root, text))
    if os.path.commonpath([root, found]) != root or os.path.islink(os.path.join(root, text)):
        raise elsewhere
    return Path(found)
