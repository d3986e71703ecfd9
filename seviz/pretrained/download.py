"""A file of weights from the internet: its size before anything else, then all of it or nothing.

Nothing is kept of what does not arrive whole: a download that fails, is cancelled or has another sha256 than was promised
leaves no file. Whether there is a network is found out within PATIENCE, whatever the system's own patience is.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import http.client
import os
import re
import socket
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlparse

from seviz.checkpoints import imported_folder
from seviz.errors import NetworkError
from seviz.pretrained.named import PROMISE, Pretrained, Source, UrlFile
from seviz.version import __version__

PATIENCE = 1.5  # seconds until a server that does not answer counts as out of reach
STALLED = 30  # seconds without a byte in the middle of a file
PIECE = 2**18  # bytes
MAX_BYTES = 2**30  # of a file of weights, as seviz.intake takes in
SHA256 = re.compile(r'"?([0-9a-f]{64})"?')
PARTIAL = (".{name}.*.part", ".{name}.*.new/*/*")  # of what is not finished, as patterns of file names

OURS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)  # of this computer's disk, not of the network

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Download:
    """A file that can be had: its source, its address, its size in bytes (0 where the server does not say), and how the
    sha256 begins that it must have, "" where nobody says."""

    source: Source
    address: str
    size: int
    sha256: str


def size_of(named: Pretrained) -> Download:
    """Ask for the first of the sources that there is, and for its size, without fetching it.

    Raises NetworkError, one sentence that says what to do, where no server can be reached (within PATIENCE) or none has it.
    """
    _require_online(named)
    for source in named.sources:
        try:
            with _open(source.address) as (answer, linked):
                size = int(answer.headers.get("Content-Length") or 0)
                return Download(source, source.address, size, _promised(source, linked))
        except urllib.error.HTTPError as error:
            error.close()
            if error.code not in (401, 403, 404):
                raise _unfetched(named, f"the server answers {error.code}") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _unfetched(named, f"the server cannot be reached ({_why(error)})") from error
    raise _unfetched(named, "the server does not have its file")


@contextlib.contextmanager
def downloaded(named: Pretrained, found: Download, folder: Path, progress: Progress | None = None) -> Iterator[Path]:
    """Fetch the file into `folder`, where it lies, under a name of its own, as long as the `with` lasts.

    Args: progress: called with (bytes so far, bytes in all).

    Raises NetworkError where it breaks off or is not the file that was promised.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{imported_folder(named.name).name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            try:
                with _open(found.address) as (answer, _):
                    digest = _copy(answer, file, found, progress)
            except (OSError, http.client.HTTPException, ValueError) as error:
                if isinstance(error, OSError) and error.errno in OURS:
                    raise
                raise _unfetched(named, f"the download broke off ({_why(error)})") from error
        if not digest.startswith(found.sha256):
            raise _unfetched(named, "what arrived has another sha256 than was promised")
        yield Path(temporary)
    finally:
        Path(temporary).unlink(missing_ok=True)


def partial_files(name: str) -> list[str]:
    """The patterns of the files that a killed download, or the import after it, leaves in the folder of networks."""
    return [pattern.format(name=imported_folder(name).name) for pattern in PARTIAL]


def by_hand(named: Pretrained) -> str:
    """What to do where there is no network, as the end of a sentence."""
    source = named.sources[0]
    return (
        f"get {source.address} on another computer and take it in with "
        f"`python -m seviz fetch {named.name} --file {source.name}`"
    )


def _copy(answer: Any, file: IO[bytes], found: Download, progress: Progress | None) -> str:
    """Returns the sha256 (hex) of what was copied."""
    total, done, digest = found.size or int(answer.headers.get("Content-Length") or 0), 0, hashlib.sha256()
    while piece := answer.read(PIECE):
        done += len(piece)
        if done > (total or MAX_BYTES):
            raise ValueError("more arrives than was announced")
        file.write(piece)
        digest.update(piece)
        if progress:
            progress(done, total)
    if total and done != total:
        raise ValueError(f"{done:,} of {total:,} bytes arrived")
    return digest.hexdigest()


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects and keeps what the hub says of a large file on the way to where it lies."""

    def __init__(self) -> None:
        self.linked = ""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        self.linked = headers.get("X-Linked-ETag") or self.linked
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@contextlib.contextmanager
def _open(address: str) -> Iterator[tuple[Any, str]]:
    """The answer to a GET, of which only the head has come, and the X-Linked-ETag on the way to it or ""."""
    agent = {"User-Agent": f"seviz/{__version__}", "Accept-Encoding": "identity"}
    redirects = _Redirects()
    opener = urllib.request.build_opener(redirects)
    with opener.open(urllib.request.Request(address, headers=agent), timeout=STALLED) as answer:
        yield answer, answer.headers.get("X-Linked-ETag") or redirects.linked


def _promised(source: Source, linked: str) -> str:
    """How the sha256 of the file begins: in its name, or in what the hub says of a large file."""
    named = PROMISE.search(source.name) if isinstance(source, UrlFile) else None
    whole = SHA256.fullmatch(linked)
    return named[1] if named else whole[1] if whole else ""


def _require_online(named: Pretrained) -> None:
    address = urlparse(named.sources[0].address)
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        raise _unfetched(named, "HF_HUB_OFFLINE forbids to fetch it")
    if not _reachable(*_next_stop(address.scheme, address.hostname or "", address.port)):
        raise _unfetched(named, f"{address.hostname} cannot be reached")


def _next_stop(scheme: str, host: str, port: int | None) -> tuple[str, int]:
    """Who is connected to: the server, or the proxy on the way to it."""
    proxies = urllib.request.getproxies()
    if scheme in proxies and not urllib.request.proxy_bypass(host):
        proxy = urlparse(proxies[scheme] if "//" in proxies[scheme] else f"//{proxies[scheme]}")
        return proxy.hostname or host, proxy.port or 80
    return host, port or (443 if scheme == "https" else 80)


def _reachable(host: str, port: int) -> bool:
    """Whether a connection opens within PATIENCE. A name is looked up in a thread: nothing else can bound that."""
    opened = threading.Event()

    def knock() -> None:
        with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=PATIENCE):
            opened.set()

    thread = threading.Thread(target=knock, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return opened.is_set()


def _unfetched(named: Pretrained, why: str) -> NetworkError:
    return NetworkError(f"{named.name} is not on this computer, and {why}; {by_hand(named)}.")


def _why(error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    return str(getattr(reason, "strerror", None) or reason or type(error).__name__)
