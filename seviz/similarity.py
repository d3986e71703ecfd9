"""How alike the stages of two networks are on a data set, and the file that keeps it.

A stage is taken at its output's channels, each its mean over the pixels (as the squeeze of an SE block and the last layer
of a ResNet take it), so that a stage of C channels has C features whatever the size of its maps. cka-B.json lies beside
the checkpoint A and names the weights of both and the data; its field content_sha256 seals it, as a card's card_sha256 does.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seviz.analysis.similarity import CoMoments, linear_cka, merged, moments_of
from seviz.card import Card, content_sha256
from seviz.checkpoints.places import checkpoints_home, networks_home
from seviz.data import DataKey, PictureSet
from seviz.errors import CheckpointError, DataError
from seviz.evaluation import outputs
from seviz.files import read_json, write_json
from seviz.gates import tap
from seviz.images import Preprocessing
from seviz.values import require_numbers, text, texts, whole

if TYPE_CHECKING:
    from torch import nn

    from seviz.checkpoints import Checkpoint

FORMAT = 1
SEAL = "content_sha256"
MAX_FILE = 2**20  # bytes
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Side:
    """One of the two networks. stages: module paths, in order. weights_sha256: hex."""

    name: str
    weights_sha256: str
    stages: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Similarity:
    """cka: float64 (L, L), 0..1 (NaN for a stage that is the same for all pictures), the stages of the first network and
    then those of the second. key: of the data set. hardware, versions: where it was computed."""

    first: Side
    second: Side
    cka: NDArray[np.float64]
    key: DataKey
    hardware: dict[str, Any]
    versions: dict[str, str]

    @property
    def between(self) -> NDArray[np.float64]:
        """The stages of the first network as rows, of the second as columns."""
        return self.cka[: len(self.first.stages), len(self.first.stages) :]

    @property
    def swapped(self) -> Similarity:
        """The same with the networks in the other order."""
        count = len(self.first.stages)
        order = np.r_[count : len(self.cka), :count]
        return Similarity(self.second, self.first, self.cka[np.ix_(order, order)], self.key, self.hardware, self.versions)


@dataclass(frozen=True, eq=False)
class Watched:
    """A network in eval mode, the stages to look at, and the pictures as it sees them (labels index its classes)."""

    net: nn.Module
    stages: Sequence[str]
    data: PictureSet
    preprocessing: Preprocessing


def stage_similarity(
    first: Watched, second: Watched, *, batch: int = 250, progress: Progress | None = None
) -> NDArray[np.float64]:
    """Linear CKA (L, L) of all stages of both networks on the same pictures, in float64 from float32 outputs.

    One pass over the data, both networks a batch at a time; memory does not grow with the number of pictures: 8 bytes x
    the square of all stages' channels.

    Args: progress: called with (done, in all).

    Raises DataError where the two see different samples, or pictures of another size than theirs.
    """
    if first.data.ids != second.data.ids:
        raise DataError("Stages are compared on the same pictures in the same order; these are different samples.")
    total: CoMoments | None = None
    widths: list[int] = []
    streams = (_stages(first, batch, progress), _stages(second, batch, None))
    for parts in zip(*streams, strict=True):
        layers = [layer for part in parts for layer in part]
        widths = [layer.shape[1] for layer in layers]
        found = moments_of(np.concatenate(layers, 1))
        total = found if total is None else merged(total, found)
    if total is None:
        raise DataError("There are no pictures to compare the stages on.")
    return linear_cka(total, widths)


def _stages(watched: Watched, batch: int, progress: Progress | None) -> Iterator[list[NDArray[np.float64]]]:
    """For each batch the stages' outputs, means over the pixels: (B, C) each."""
    with tap(watched.net, watched.stages) as caught:
        for _ in outputs(watched.net, watched.data, watched.preprocessing, batch, progress):
            yield [caught[path].float().cpu().double().mean((2, 3)).numpy() for path in watched.stages]


def file_name(second: str) -> str:
    """Of the file beside the first checkpoint, for a second one of this name."""
    return f"cka-{second}.json"


def save(path: Path, found: Similarity) -> None:
    """Write cka-B.json, sealed; NaN becomes null."""
    cka = [[None if np.isnan(value) else value for value in row] for row in found.cka.tolist()]
    values = {"format": FORMAT, **asdict(found), "cka": cka}
    write_json(path, {**values, SEAL: content_sha256(values, SEAL)})


def load(path: Path) -> Similarity:
    """Read cka-B.json. Raises CheckpointError where it is missing, damaged or says something else than its seal."""
    try:
        return _checked(read_json(path, MAX_FILE))
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror}).") from error
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise CheckpointError(f"{path} is damaged; delete it and compute it again with `seviz compare --data`.") from error


def _checked(values: Any) -> Similarity:
    """Raises one of a few errors where the values are not those that `save` wrote."""
    if values["format"] != FORMAT or values[SEAL] != content_sha256(values, SEAL):
        raise ValueError("another format, or something else than its seal")
    require_numbers(values)
    first, second = (
        Side(text(one["name"]), text(one["weights_sha256"]), tuple(map(text, one["stages"])))
        for one in (values["first"], values["second"])
    )
    cka = np.array([[np.nan if value is None else float(value) for value in row] for row in values["cka"]])
    count = len(first.stages) + len(second.stages)
    if cka.shape != (count, count) or not _likeness(cka):
        raise ValueError("no likeness of that many stages")
    words = {name: text(values["key"][name]) for name in ("name", "split", "sha256")}
    key = DataKey(**words, count=whole(values["key"]["count"]))
    return Similarity(first, second, cka, key, dict(values["hardware"]), texts(values["versions"]))


def of_pair(first: Checkpoint, second: Checkpoint, key: DataKey) -> Similarity | None:
    """What is kept for two checkpoints beside either of them, in this order; None where there is none.

    key: of the data set that it must be of.

    Raises CheckpointError where the file is damaged, or of other weights or another data set.
    """
    for one, other in ((first, second), (second, first)):
        path = one.folder / file_name(other.name)
        if not os.path.exists(path):
            continue
        found = load(path)
        again = f"compute it again with `{compare_command(first, second)}`"
        for side, checkpoint in ((found.first, one), (found.second, other)):
            if side.weights_sha256 != checkpoint.card.weights_sha256:
                raise CheckpointError(f"{path} is of other weights of {checkpoint.name} than its card's; {again}.")
            if not checkpoint.card.library and side.stages != _stages_in(checkpoint.card):
                raise CheckpointError(f"{path} names other stages of {checkpoint.name} than the network has; {again}.")
        if not found.key.same_samples(key):
            data = f"{found.key.name}, {found.key.split}"
            raise CheckpointError(f"{path} is of other data ({data}) than the evaluations; {again}.")
        return found if one is first else found.swapped
    return None


def compare_command(first: Checkpoint, second: Checkpoint) -> str:
    """The command that writes the file; D stands for the data set. A folder that lies elsewhere goes by its path."""
    return shlex.join(["python", "-m", "seviz", "compare", _asked_for(first), _asked_for(second), "--data", "D"])


def _asked_for(checkpoint: Checkpoint) -> str:
    """What open_checkpoint has to be handed from anywhere."""
    folder = os.path.abspath(checkpoint.folder)
    homes = (os.path.abspath(checkpoints_home()), os.path.abspath(networks_home()))
    return checkpoint.name if os.path.dirname(folder) in homes else folder


def _stages_in(card: Card) -> tuple[str, ...]:
    """The stages of the ResNet that the card describes, without building it."""
    return tuple(f"layer{number}" for number, _ in enumerate(card.options["blocks"], 1))



def _likeness(cka: NDArray[np.float64]) -> bool:
    known = cka[~np.isnan(cka)]
    return bool(((known >= 0) & (known <= 1)).all() and np.array_equal(cka, cka.T, equal_nan=True))
