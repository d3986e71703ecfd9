"""Checkpoint folders: saved, listed, verified and loaded.

    checkpoints/<name>/
        model.safetensors   the weights; without it the folder is a run that is shown with its figures
        card.json           what the network is (seviz.card), with the sha256 of the weights
        history.csv         an epoch a row (seviz.history)
        evaluation.npz      logits of every test picture (seviz.evaluation)
        excitation.npz      statistics of every gate over a data set; gates.npz: gates by sample (seviz.excitation)

Weights whose sha256 is not their card's are refused, and so is a card that is not what its own card_sha256 says (see
seviz.card). Nothing is built or read before the sizes fit. A damaged folder is one sentence, and the others still work.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from seviz.card import Card, DataUse, GateLife, Metric
from seviz.errors import CheckpointError, printable
from seviz.files import is_utf8, open_file, read_file, write_bytes, write_json
from seviz.history import Epoch, read_history
from seviz.machine import hardware, versions
from seviz.weights import read_head, weights_of

if TYPE_CHECKING:
    from torch import nn

    from seviz.evaluation import Evaluation
    from seviz.excitation import Excitation, SampleGates

    Gates = TypeVar("Gates", Excitation, SampleGates)

__all__ = [
    "CARD_FILE",
    "EVALUATION_FILE",
    "STATE_FILE",
    "WEIGHTS_FILE",
    "Card",
    "Checkpoint",
    "DataUse",
    "Entry",
    "Epoch",
    "GateLife",
    "Metric",
    "checkpoints_home",
    "find_checkpoints",
    "hardware",
    "open_checkpoint",
    "save_checkpoint",
    "versions",
    "weights_of",
    "write_card",
]

WEIGHTS_FILE = "model.safetensors"
CARD_FILE = "card.json"
EVALUATION_FILE = "evaluation.npz"
STATE_FILE = "resume.safetensors"  # of a training that is not finished
MAX_CARD = 4 * 2**20  # bytes


@dataclass(frozen=True)
class Checkpoint:
    """A folder with a card that can be read. Weights, history and evaluation are read when they are asked for."""

    folder: Path
    card: Card

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def is_se(self) -> bool:
        return self.card.is_se

    @property
    def has_weights(self) -> bool:
        return (self.folder / WEIGHTS_FILE).is_file()

    @property
    def size_bytes(self) -> int:
        """Of the weights file; 0 where there is none."""
        return (self.folder / WEIGHTS_FILE).stat().st_size if self.has_weights else 0

    def network(self) -> nn.Module:
        """The network in eval mode, float32, on the CPU; its weights are those of the card, by their sha256.

        Raises CheckpointError where the weights are missing, truncated, altered or of another network.
        """
        import torch
        from safetensors import SafetensorError
        from safetensors.torch import load

        try:
            net = self._without_weights()
            tensors = load(self._weights({name: list(value.shape) for name, value in net.state_dict().items()}))
            net.to_empty(device="cpu").load_state_dict(tensors)
        except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError, SafetensorError) as error:
            raise CheckpointError(
                f"The weights of {self.name} are not of the network that its card describes; fetch the whole folder again."
            ) from error
        if not all(bool(torch.isfinite(value).all()) for value in net.state_dict().values()):
            raise CheckpointError(f"The weights of {self.name} hold NaN or infinite values; train it again.")
        return net.float().eval()

    def history(self) -> tuple[Epoch, ...]:
        """An entry an epoch; () where there is no history.csv. Raises CheckpointError where it is damaged."""
        return read_history(self.folder)

    def evaluation(self) -> Evaluation | None:
        """Logits of every test picture, None where there are none.

        Raises CheckpointError where the file is damaged or of other weights than the card's.
        """
        from seviz.evaluation import evaluate_command, load

        path = self.folder / EVALUATION_FILE
        if not path.exists():
            return None
        found = load(path)
        if found.weights_sha256 != self.card.weights_sha256 or found.logits.shape[1] != len(self.card.classes):
            again = evaluate_command(path)
            raise CheckpointError(f"{path} is of other weights than its card; write it again with `{again}`.")
        return found

    def excitation(self) -> Excitation | None:
        """Statistics of every gate over a data set, None where there are none.

        Raises CheckpointError where the file is damaged or of another network than the card's.
        """
        from seviz.excitation import EXCITATION_FILE, load_excitation

        return self._own_gates(EXCITATION_FILE, load_excitation)

    def sample_gates(self) -> SampleGates | None:
        """Gates by sample, None where there are none.

        Raises CheckpointError as of excitation, and where they are of other data than the statistics beside them.
        """
        from seviz.excitation import GATES_FILE, load_gates, require_pair

        found = self._own_gates(GATES_FILE, load_gates)
        statistics = self.excitation() if found else None
        if found and statistics:
            require_pair(self.folder / GATES_FILE, found.key, statistics.key)
        return found

    def problem(self) -> str | None:
        """What is wrong with the weights file, in one sentence; None where it is as the card says, or absent."""
        path = self.folder / WEIGHTS_FILE
        try:
            with open_file(path) as file:
                status = os.fstat(file.fileno())
            same = status.st_size == self.card.weights_bytes  # else it is not read: it may be of any size
            same = same and _sha256_of_file(path, status.st_size, status.st_mtime_ns) == self.card.weights_sha256
        except FileNotFoundError:
            return None
        except OSError as error:
            return str(_unreadable(path, error))
        return None if same else str(_altered(path, status.st_size, self.card))

    def _own_gates(self, name: str, load: Callable[[Path], Gates]) -> Gates | None:
        from seviz.excitation import require_own

        path = self.folder / name
        if not path.exists():
            return None
        found = load(path)
        require_own(path, found.key, self.card)
        return found

    def _without_weights(self) -> nn.Module:
        """The network that the card describes, on the meta device: shapes alone, however large they are.

        Raises TypeError, ValueError, AttributeError or RuntimeError where the card describes none.
        """
        import torch

        from seviz.nets import from_card

        with torch.device("meta"):
            net = from_card(dict(self.card.options))
        if net.options.classes != len(self.card.classes):
            raise ValueError("the card names more or fewer classes than the network has outputs")
        return net

    def _weights(self, shapes: dict[str, list[int]]) -> bytes:
        """The content of model.safetensors, of which only the head is read where it holds other tensors than `shapes`.

        Raises CheckpointError where it is not the file of the card, ValueError where it is of another network.
        """
        path = self.folder / WEIGHTS_FILE
        try:
            with open_file(path) as file:
                size = os.fstat(file.fileno()).st_size
                if size != self.card.weights_bytes:
                    raise _altered(path, size, self.card)
                head, found = read_head(file)
                if found != shapes:
                    raise ValueError("other tensors than the network has")
                content = head + file.read(size - len(head))
        except FileNotFoundError as error:
            raise CheckpointError(f"{self.name} has no weights: it is a run that is shown with its figures.") from error
        except OSError as error:
            raise _unreadable(path, error) from error
        if hashlib.sha256(content).hexdigest() != self.card.weights_sha256:
            raise _altered(path, len(content), self.card)
        return content


@dataclass(frozen=True)
class Entry:
    """A folder under checkpoints/: its card, or the problem in one sentence. Both where only the weights are damaged."""

    name: str
    folder: Path
    card: Card | None
    problem: str | None


def checkpoints_home() -> Path:
    """The folder that SEVIZ_CHECKPOINTS names, or checkpoints/ beside the package."""
    named = os.environ.get("SEVIZ_CHECKPOINTS")
    # not Path.expanduser, which raises for the home of somebody who has none
    return Path(os.path.expanduser(named)) if named else Path(__file__).resolve().parent.parent / "checkpoints"


def find_checkpoints(root: Path | None = None) -> tuple[Entry, ...]:
    """Every folder in `root` (checkpoints_home() when None) by name, the damaged ones with their problem."""
    home = root or checkpoints_home()
    if not home.is_dir():
        return ()
    folders = sorted(path for path in home.iterdir() if path.is_dir() and not path.name.startswith("."))
    return tuple(_entry(folder) for folder in folders)


def open_checkpoint(name: str | os.PathLike[str]) -> Checkpoint:
    """A checkpoint by the name of its folder under checkpoints_home(), or by a path (which has a separator).

    Raises CheckpointError where there is none or its card cannot be read.
    """
    if not isinstance(name, str | os.PathLike):
        raise CheckpointError(f"A checkpoint is asked for by its name or its path, not by a {type(name).__name__}.")
    text = os.fspath(name)
    is_path = not isinstance(name, str) or os.sep in text or "/" in text or text in (".", "..")
    folder = Path(os.path.expanduser(text)) if is_path else checkpoints_home() / text
    if not text or not os.path.isdir(folder):  # unlike Path.is_dir, False for a name that no file can have
        known = ", ".join(entry.name for entry in find_checkpoints() if entry.card) or "none yet"
        raise CheckpointError(f"There is no checkpoint {text!r}; there are: {known}.")
    return Checkpoint(Path(os.path.abspath(folder)), _read_card(folder))


def save_checkpoint(folder: Path, net: nn.Module, card: Card) -> Card:
    """Write the weights, then the card with their size and sha256 filled in. Returns that card.

    Each file is replaced as a whole; a kill between the two leaves weights that the old card refuses.
    """
    content = weights_of(net)
    card = replace(card, weights_sha256=hashlib.sha256(content).hexdigest(), weights_bytes=len(content))
    write_bytes(folder / WEIGHTS_FILE, content)
    write_card(folder, card)
    return card


def write_card(folder: Path, card: Card) -> None:
    """Replace card.json by `card`, sealed with its card_sha256."""
    write_json(folder / CARD_FILE, replace(card, sealed=True).to_json())


def _entry(folder: Path) -> Entry:
    name = printable(folder.name)
    if not is_utf8(folder.name):
        return Entry(name, folder, None, "The name of its folder is no UTF-8; rename it.")
    try:
        card = _read_card(folder)
    except CheckpointError as error:
        return Entry(name, folder, None, str(error))
    return Entry(name, folder, card, Checkpoint(folder, card).problem())


def _read_card(folder: Path) -> Card:
    path = folder / CARD_FILE
    try:
        return Card.from_json(json.loads(read_file(path, MAX_CARD), parse_constant=_no_number))
    except FileNotFoundError as error:
        if (folder / STATE_FILE).exists():
            raise CheckpointError(f"{folder} holds a training that is not finished; continue it with --resume.") from error
        raise CheckpointError(f"{folder} has no {CARD_FILE}, so it is no checkpoint; fetch the whole folder again.") from error
    except OSError as error:
        raise _unreadable(path, error) from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is damaged: it is no JSON; fetch the whole folder again.") from error
    except CheckpointError as error:
        raise CheckpointError(f"{path} cannot be used: {error}; fetch the whole folder again.") from error


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


def _unreadable(path: Path, error: OSError) -> CheckpointError:
    return CheckpointError(f"{path} cannot be read ({error.strerror}); fetch the whole folder again.")


def _altered(path: Path, size: int, card: Card) -> CheckpointError:
    if size != card.weights_bytes:
        found = f"{path} has {size:,} bytes and should have {card.weights_bytes:,}"
    else:
        found = f"{path} was altered: its sha256 is not the one in its card"
    return CheckpointError(f"{found}; fetch the whole folder again.")


@lru_cache(maxsize=256)
def _sha256_of_file(path: Path, size: int, changed_ns: int) -> str:
    # size and time are there for the cache: a file that changes is read again
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
