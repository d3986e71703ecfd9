"""Networks of timm and torchvision brought into checkpoint folders: from a file at hand, or fetched."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from seviz.card import Card, DataUse
from seviz.checkpoints import imported_folder, networks_home, save_checkpoint
from seviz.data import DataKey
from seviz.errors import CheckpointError
from seviz.machine import versions
from seviz.origins import Origin
from seviz.pretrained.at_hand import file_at_hand
from seviz.pretrained.download import Download, downloaded
from seviz.pretrained.listing import listed
from seviz.pretrained.named import Pretrained
from seviz.pretrained.resolving import resolve
from seviz.pretrained.weights import network_of

if TYPE_CHECKING:
    from torch import nn

Progress = Callable[[int, int], None]
FORGOTTEN = 86_400  # seconds after which a folder that is not finished belongs to nobody
UNKNOWN = DataKey("ImageNet-1k", "", 0, "")  # how many pictures of it and which, its authors may say
IMAGENET = DataUse("ImageNet-1k", "Trained by others; none of its pictures come with seviz.", UNKNOWN, UNKNOWN)
NO_TRAINING_DATA = "Figures of its authors are not repeated: `python -m seviz evaluate --data folder:IMAGENET/val` measures it."


def find_imported(name: str) -> Path | None:
    """The folder of a network that was imported under that name, whose weights need not be named; None where there is none.

    Raises RequestError for names that a library lacks.
    """
    folder = imported_folder(name)
    if not folder.is_dir():
        folder = imported_folder(resolve(name).name)
    return folder if folder.is_dir() else None


def import_at_hand(name: str) -> Path:
    """The folder of a network of a library, imported now where its file lies in a cache of this computer.

    Raises CheckpointError, which says the command that fetches it, where there is no file; RequestError as resolve does.
    """
    folder = find_imported(name)
    if folder is not None:
        return folder
    named = resolve(name)
    found = file_at_hand(named)
    if found is None:
        raise CheckpointError(f"{named.name} is not on this computer; fetch it with `python -m seviz fetch {named.name}`.")
    path, source = found
    return import_file(named, path, source.address)


def fetch_network(named: Pretrained, found: Download, progress: Progress | None = None) -> Path:
    """Download the file and import it; the folder of the network. Raises NetworkError or CheckpointError."""
    with downloaded(named, found, networks_home(), progress) as path:
        return import_file(named, path, found.address)


def import_file(named: Pretrained, path: Path, address: str) -> Path:
    """Bring a file of weights into the folder of its network, which is there as a whole or not at all.

    Raises CheckpointError, one sentence, where it is not the network's file.
    """
    # the blob behind a link of the hub's cache, which is the file itself
    file = Path(os.path.realpath(path))
    net, source = network_of(named, file, os.path.basename(address))
    origin = Origin(named.name, address, source.sha256, source.size, _gated(named))
    home, folder = networks_home(), imported_folder(named.name)
    home.mkdir(parents=True, exist_ok=True)
    _sweep(home)
    with tempfile.TemporaryDirectory(dir=home, prefix=f".{folder.name}.", suffix=".new", ignore_cleanup_errors=True) as new:
        # a folder in it, since its own is removed whatever becomes of it
        made = Path(new) / folder.name
        save_checkpoint(made, net, _card(named, net, origin))
        try:
            os.rename(made, folder)
        except OSError:
            if not folder.is_dir():  # else somebody was faster, and theirs is the same
                raise
    return folder


def _card(named: Pretrained, net: nn.Module, origin: Origin) -> Card:
    size = named.preprocessing
    parameters, multiply_adds = _cost(net, size.height, size.width)
    return Card(
        name=named.name,
        arch=named.arch,
        description=f"{named.arch} of {named.library}" + (f", weights {named.tag}." if named.tag else "."),
        options={"library": named.library, "name": named.arch, "classes": len(named.classes), "options": dict(named.options)},
        classes=named.classes,
        preprocessing=size,
        data=IMAGENET,
        recipe={},
        seed=0,
        epochs=0,
        seconds=0.0,
        versions=versions(),
        hardware={},
        metrics={},
        commands={"fetch": f"python -m seviz fetch {named.name}"},
        licence=named.licence,
        limits=(*named.limits, NO_TRAINING_DATA),
        parameters=parameters,
        multiply_adds=multiply_adds,
        measured="Nothing was measured yet.",
        origin=origin,
    )


def _cost(net: nn.Module, height: int, width: int) -> tuple[int, int]:
    from seviz.nets import cost

    found = cost(net, height, width)
    return found.parameters, found.multiply_adds


def _gated(named: Pretrained) -> bool:
    row = listed(named.name)
    return row is not None and bool(row.gate)


def _sweep(home: Path) -> None:
    """Remove what killed imports left behind."""
    for stray in home.glob(".*.new"):
        with contextlib.suppress(OSError):
            if time.time() - stray.stat().st_mtime > FORGOTTEN:
                shutil.rmtree(stray, ignore_errors=True)
