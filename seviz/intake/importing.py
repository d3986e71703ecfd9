"""A brought checkpoint as a checkpoint folder: its tensors loaded into the recognised network, strictly, and a card."""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from seviz.card import MAX_SIDE, Card, DataUse
from seviz.checkpoints import (
    CARD_FILE,
    WEIGHTS_FILE,
    Checkpoint,
    hardware,
    imported_folder,
    networks_home,
    open_checkpoint,
    save_checkpoint,
    versions,
)
from seviz.data import DataKey
from seviz.errors import CheckpointError, RequestError
from seviz.intake.compare import MATCHED, MISTAKES
from seviz.intake.guesses import Meaning, Settings, meaning
from seviz.intake.header import read_tensor
from seviz.intake.opening import SAFETENSORS, require_unchanged
from seviz.intake.report import Report, Taken, examine, taken_in
from seviz.origins import Origin

if TYPE_CHECKING:
    from torch import Tensor, nn

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,79}")
UNKNOWN = DataKey("not known", "", 0, "")


@dataclass(frozen=True)
class Imported:
    """checkpoint: the folder. report: of the file. new: False where it was there from before."""

    checkpoint: Checkpoint
    report: Report
    new: bool


def import_file(
    path: str | os.PathLike[str],
    *,
    arch: str | None = None,
    settings: Settings | None = None,
    name: str | None = None,
    shown: str | None = None,
) -> Imported:
    """Make a checkpoint folder of somebody's file, or find the one that was made of it before.

    Args:
        path: of a .safetensors file or one that torch.save wrote. arch: which network it is of; found out when None.
        settings: class names and preprocessing, guessed where they are not given. name: of the network from now on; one
        of its architecture and the file's sha256 when None. shown: what the file is called, its own name when None.

    Raises CheckpointError or RequestError, each one sentence: a bad file, an unknown network, tensors that do not fit,
    numbers that are not finite, settings that do not fit the network.
    """
    settings = settings or Settings()
    require_settings(settings, name)
    with taken_in(path, shown) as taken:
        report = examine(taken, arch)
        if not report.fits or report.comparison is None:
            raise CheckpointError(report.sentence)
        meant = meaning(report, settings)
        known = find_imported(taken.source.sha256, report.comparison.proposal.arch, meant)
        if known is not None and name in (None, known.name):
            return Imported(known, report, new=False)
        wanted = name or _free_name(report)
        if name and os.path.lexists(imported_folder(name)):
            raise RequestError(f"There is a network {name!r} already; give another --name.")
        return Imported(_write(taken, report, meant, wanted), report, new=True)


def find_imported(sha256: str, arch: str, meant: Meaning) -> Checkpoint | None:
    """The network that was made of the file of that sha256 in the same way; None where there is none."""
    for folder in sorted(networks_home().glob(f"*/{CARD_FILE}")):
        try:
            found = open_checkpoint(folder.parent)
        except CheckpointError:
            continue  # somebody else's damage
        card = found.card
        if card.origin is None or card.origin.sha256 != sha256:
            continue
        if (card.arch, card.classes, card.preprocessing) == (arch, meant.classes, meant.preprocessing) and not found.problem():
            return found
    return None


def require_settings(settings: Settings, name: str | None) -> None:
    """Raises RequestError for a size, mean, deviation or name that no card can hold."""
    if name is not None and (not NAME.fullmatch(name) or "--" in name):
        raise RequestError("A name has up to 80 letters, digits, dots and single dashes, as my-senet18; give another --name.")
    if settings.size is not None and not 1 <= settings.size <= MAX_SIDE:
        raise RequestError(f"The pictures of a network have sides of 1 to {MAX_SIDE} pixels; give another --size.")
    for words, values, low, high in (("mean", settings.mean, 0.0, 1.0), ("std", settings.std, 0.001, 10.0)):
        if values is not None and not (len(values) == 3 and all(low <= value <= high for value in values)):
            raise RequestError(f"--{words} is three numbers from {low:g} to {high:g}, of red, green and blue in 0..1.")


def _free_name(report: Report) -> str:
    """Such as kuangliu-SENet18-1a2b3c4d; with -2 and so on behind it where that is taken."""
    proposal = report.comparison.proposal if report.comparison else None
    arch = re.sub(r"^(timm|torchvision):", "", proposal.arch if proposal else "network").replace(":", "-")
    base = f"{arch}-{report.source.sha256[:8]}"
    names = (base, *(f"{base}-{number}" for number in range(2, 1000)))
    return next(name for name in names if not os.path.lexists(imported_folder(name)))


def _write(taken: Taken, report: Report, meant: Meaning, name: str) -> Checkpoint:
    net = _network(taken, report)
    home, folder = networks_home(), imported_folder(name)
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix=f".{folder.name}.", suffix=".new", ignore_cleanup_errors=True) as new:
        # a folder in it, since its own is removed whatever becomes of it
        made = Path(new) / folder.name
        save_checkpoint(made, net, _card(net, report, meant, name))
        os.rename(made, folder)  # there as a whole or not at all
    return open_checkpoint(folder)


def _network(taken: Taken, report: Report) -> nn.Module:
    """The network with the file's weights, all of them and no others. Raises CheckpointError where a number is not finite."""
    import torch

    from seviz.nets import from_card

    assert report.comparison is not None
    proposal = report.comparison.proposal
    try:
        with torch.random.fork_rng(devices=()):
            net = from_card(dict(proposal.options))
    except MISTAKES as error:
        raise CheckpointError(f"{proposal.arch} cannot be built with {proposal.classes} classes.") from error
    own = net.state_dict()
    state: dict[str, Tensor] = {}
    for row in report.comparison.of(MATCHED):
        value = read_tensor(taken.weights, report.tensors[row.in_file])
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise CheckpointError(f"{taken.source.name} holds NaN or infinite numbers in {row.in_file}; it cannot be used.")
        state[row.name] = value.reshape(own[row.name].shape).to(own[row.name].dtype)
    for filled in (*proposal.zeros, *report.comparison.counters):
        state.setdefault(filled, torch.zeros_like(own[filled]))
    if taken.source.kind == SAFETENSORS:
        require_unchanged(taken.weights, taken.source)
    net.load_state_dict(state, strict=True)
    return net.float().eval()


def _card(net: nn.Module, report: Report, meant: Meaning, name: str) -> Card:
    from seviz.gates import gates_seen_at
    from seviz.nets import cost

    assert report.comparison is not None
    source, proposal = report.source, report.comparison.proposal
    height, width = meant.preprocessing.height, meant.preprocessing.width
    try:
        price, gated = cost(net, height, width), bool(gates_seen_at(net, height, width))
    except MISTAKES as error:
        raise RequestError(f"{proposal.arch} takes no pictures of {height} x {width} pixels; give another --size.") from error
    gated = bool(gates_seen_at(net, height, width))
    return Card(
        name=name,
        arch=proposal.arch,
        description=f"{proposal.arch} ({proposal.code}) with {proposal.classes:,} classes, brought as a file.",
        options=dict(proposal.options),
        classes=meant.classes,
        preprocessing=meant.preprocessing,
        data=DataUse("not known", "The file does not say what it was trained on.", UNKNOWN, UNKNOWN),
        recipe={},
        seed=0,
        epochs=0,
        seconds=0.0,
        versions=versions(),
        hardware=hardware(),
        metrics={},
        commands={"import": f"python -m seviz import FILE --name {name}"},
        licence="not known: ask whoever made the file",
        limits=_limits(meant),
        parameters=price.parameters,
        multiply_adds=price.multiply_adds,
        measured="Nothing was measured on it yet.",
        origin=Origin(source.name, source.name, source.sha256, source.size, gated, report.notes + meant.notes),
    )


def _limits(meant: Meaning) -> tuple[str, ...]:
    guessed = any(note.startswith("guessed:") for note in meant.notes)
    said = "Class names or preprocessing were guessed: wrong ones give wrong answers without a word."
    known = f"It knows its {len(meant.classes):,} classes and nothing else."
    return (known, said) if guessed else (known,)


def settings_of(classes: tuple[str, ...] | None, mean: str | None, std: str | None, size: int | None) -> Settings:
    """Settings from text such as "0.49, 0.48, 0.45". Raises RequestError where it is no three numbers."""
    return replace(Settings(classes=classes, size=size), mean=_colour("mean", mean), std=_colour("std", std))


def _colour(words: str, text: str | None) -> tuple[float, float, float] | None:
    if not text or not text.strip():
        return None
    try:
        red, green, blue = (float(part) for part in re.split(r"[,;\s]+", text.strip(" ()[],")))
    except ValueError:
        raise RequestError(f"--{words} is three numbers with commas between them, such as 0.49,0.48,0.45.") from None
    return red, green, blue


def names_in(text: str) -> tuple[str, ...]:
    """Class names out of text: one a line, or with commas between them where it is one line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    parts = lines[0].split(",") if len(lines) == 1 else lines
    return tuple(part.strip() for part in parts if part.strip())


def is_file(name: object) -> bool:
    """Whether what was typed for a network is the path of a file, and no name and no folder."""
    if not isinstance(name, str | os.PathLike):
        return False
    text = os.path.expanduser(os.fspath(name))
    try:
        return os.path.lexists(text) and not os.path.isdir(text) and (os.sep in text or bool(Path(text).suffix))
    except ValueError:  # a zero byte
        return False


def open_or_import(name: str | os.PathLike[str]) -> tuple[Checkpoint, tuple[str, ...]]:
    """A checkpoint by its name or folder as open_checkpoint finds it, or one made of the file of that path.

    The second value: sentences on what was recognised and guessed where a file was imported just now, else (). The weights
    file of a checkpoint folder is that checkpoint. Raises as import_file and open_checkpoint do.
    """
    if not is_file(name):
        return open_checkpoint(name), ()
    path = Path(os.path.expanduser(os.fspath(name)))
    if path.name == WEIGHTS_FILE and (path.parent / CARD_FILE).is_file():
        return open_checkpoint(path.parent), ()
    found = import_file(path)
    origin = found.checkpoint.card.origin
    notes = (found.report.sentence, *(origin.notes if origin else ()), f"It is {found.checkpoint.name} from now on.")
    return found.checkpoint, notes if found.new else ()
