"""One checkpoint folder: its weights, and the files of what was measured on them, each verified when it is read."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from seviz.card import Card
from seviz.checkpoints.places import typed_name
from seviz.errors import CheckpointError
from seviz.files import open_file
from seviz.history import Epoch, read_history
from seviz.weights import read_head, sha256_of_file

if TYPE_CHECKING:
    from torch import nn

    from seviz.ablation import Ablation
    from seviz.corruptions import Corruptions
    from seviz.edits import Means
    from seviz.evaluation import Evaluation
    from seviz.excitation import Excitation, SampleGates
    from seviz.faithfulness import Faithfulness
    from seviz.gate_history import GateHistory
    from seviz.pruning import Pruning

    Gates = TypeVar("Gates", Excitation, SampleGates)
    Measured = TypeVar("Measured", Ablation, Corruptions, Pruning, Faithfulness, GateHistory)

WEIGHTS_FILE = "model.safetensors"
CARD_FILE = "card.json"
EVALUATION_FILE = "evaluation.npz"
STATE_FILE = "resume.safetensors"  # of a training that is not finished
MAX_CARD = 4 * 2**20  # bytes
FETCH = "fetch the whole folder again"


@dataclass(frozen=True)
class Checkpoint:
    """A folder with a card that can be read. Weights, history and evaluation are read when they are asked for."""

    folder: Path
    card: Card

    @property
    def name(self) -> str:
        """As it is typed: the folder's name, of an imported network such as "timm:seresnet50.a1_in1k"."""
        return typed_name(self.folder)

    @property
    def is_se(self) -> bool:
        return self.card.is_se

    @property
    def has_weights(self) -> bool:
        return (self.folder / WEIGHTS_FILE).is_file()

    @property
    def figures_alone(self) -> bool:
        """Whether it ships as card, history and evaluation, and nobody has put its weights beside them."""
        return not (self.card.weights_shipped or self.has_weights)

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

        from seviz.nets import load_tensors

        try:
            net = self._without_weights()
            tensors = load(self._weights({name: list(value.shape) for name, value in net.state_dict().items()}))
            if any(parameter.is_meta for parameter in net.parameters()):
                net.to_empty(device="cpu")
            load_tensors(net, tensors)
        except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError, SafetensorError) as error:
            raise CheckpointError(
                f"The weights of {self.name} are not of the network that its card describes; {FETCH}."
            ) from error
        if not all(bool(torch.isfinite(value).all()) for value in net.state_dict().values()):
            raise CheckpointError(f"The weights of {self.name} hold NaN or infinite values; train it again.")
        return net.float().eval()

    def require_weights(self) -> None:
        """Raises CheckpointError where there are none: before the pictures are read, not after."""
        if not self.has_weights:
            raise CheckpointError(self.why_no_weights())

    def why_no_weights(self) -> str:
        """What is said of a folder without model.safetensors where the network would have to run, in a sentence."""
        if self.card.weights_shipped:
            return f"{self.name} has no weights: it is a run that is shown with its figures."
        command = self.card.commands.get("train")
        how = f"; with another --out, `{command}` trains it again" if command else ""
        return f"{self.name} ships without weights, as card, history and evaluation{how}."

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
            again = f"write it again with `{evaluate_command(path)}`" if self.card.weights_shipped else FETCH
            raise CheckpointError(f"{path} is of other weights than its card; {again}.")
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

    def means(self) -> Means | None:
        """The mean gates that edits may ask for, None where nobody measured them. Raises CheckpointError as of excitation."""
        from seviz.edits import Means

        found = self.excitation()
        if found is None:
            return None
        return Means.from_sums(found.key.classes, found.count, {path: one.gate_sum for path, one in found.sites.items()})

    def ablation(self) -> Ablation | None:
        """What edits of its gates cost, None where nobody measured it.

        Raises CheckpointError where the file is damaged or of other weights than the card's.
        """
        from seviz.ablation import ABLATION_FILE, ablate_command, load_ablation

        return self._own(ABLATION_FILE, load_ablation, ablate_command)

    def pruning(self) -> Pruning | None:
        """What dropping its channels costs, None where nobody measured it.

        Raises CheckpointError where the file is damaged or of other weights than the card's.
        """
        from seviz.pruning import PRUNING_FILE, load_pruning, prune_command

        return self._own(PRUNING_FILE, load_pruning, prune_command)

    def faithfulness(self) -> Faithfulness | None:
        """How faithful its maps are over a sample, None where nobody measured it.

        Raises CheckpointError where the file is damaged or of other weights than the card's.
        """
        from seviz.faithfulness import FAITHFULNESS_FILE, faithfulness_command, load_faithfulness

        return self._own(FAITHFULNESS_FILE, load_faithfulness, faithfulness_command)

    def corruptions(self) -> Corruptions | None:
        """How it does on corrupted pictures, None where nobody measured it.

        Raises CheckpointError where the file is damaged or of other weights than the card's.
        """
        from seviz.corruptions import CORRUPTIONS_FILE, corruptions_command, load_corruptions

        return self._own(CORRUPTIONS_FILE, load_corruptions, corruptions_command)

    def gate_history(self) -> GateHistory | None:
        """Mean gates after each epoch of its training, None where nobody kept them.

        Raises CheckpointError where the file is damaged or of other weights than the card's.
        """
        from seviz.gate_history import EPOCHS_FILE, load_gate_history

        return self._own(EPOCHS_FILE, load_gate_history, None)

    def problem(self) -> str | None:
        """What is wrong with the weights file, in one sentence; None where it is as the card says, or absent."""
        path = self.folder / WEIGHTS_FILE
        try:
            with open_file(path) as file:
                status = os.fstat(file.fileno())
            same = status.st_size == self.card.weights_bytes  # else it is not read: it may be of any size
            same = same and sha256_of_file(path, status.st_size, status.st_mtime_ns) == self.card.weights_sha256
        except FileNotFoundError:
            return None
        except OSError as error:
            return str(unreadable(path, error))
        return None if same else str(_altered(path, status.st_size, self.card))

    def _own(self, name: str, load: Callable[[Path], Measured], command: Callable[[Path], str] | None) -> Measured | None:
        """What `load` reads from a file of the folder, None where there is none; `command` names the command that writes it,
        None where only a training does.

        Raises CheckpointError where it is damaged or of other weights than the card's.
        """
        path = self.folder / name
        if not path.exists():
            return None
        found = load(path)
        if (found.weights_sha256, found.classes) == (self.card.weights_sha256, self.card.classes):
            return found
        if command is None:
            raise CheckpointError(f"{path} is of another training than its card; {FETCH}.")
        raise CheckpointError(f"{path} is of other weights than its card; write it again with `{command(path)}`.")

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

        One of a library is built with fresh weights: it may hold buffers that are in no file and that only its own code
        fills. Raises TypeError, ValueError, AttributeError or RuntimeError where the card describes none.
        """
        import torch

        from seviz.nets import from_card

        if self.card.options["classes"] != len(self.card.classes):
            raise ValueError("the card names more or fewer classes than the network has outputs")
        own = "library" not in self.card.options
        with torch.device("meta" if own else "cpu"), torch.random.fork_rng(devices=()):
            return from_card(dict(self.card.options))

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
            raise CheckpointError(self.why_no_weights()) from error
        except OSError as error:
            raise unreadable(path, error) from error
        if hashlib.sha256(content).hexdigest() != self.card.weights_sha256:
            raise _altered(path, len(content), self.card)
        return content


def unreadable(path: Path, error: OSError) -> CheckpointError:
    return CheckpointError(f"{path} cannot be read ({error.strerror}); {FETCH}.")


def _altered(path: Path, size: int, card: Card) -> CheckpointError:
    if size != card.weights_bytes:
        found = f"{path} has {size:,} bytes and should have {card.weights_bytes:,}"
    else:
        found = f"{path} was altered: its sha256 is not the one in its card"
    return CheckpointError(f"{found}; {FETCH}.")
