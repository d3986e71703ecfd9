"""Predictions of a network on a data set, kept per sample, and what its gates are worth there.

Logits are computed in float32 and figures come from those. evaluation.npz keeps them in float16, rounded so that the
predicted class of every sample stays the one that float32 gave: where rounding would tie the highest logit with
another, it is rounded up instead. Accuracy, recall and confusion are therefore the same from the file; loss and
calibration move in the fourth digit.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seviz.analysis.paired import bootstrap_interval
from seviz.data import DataKey, PictureSet, samples_sha256
from seviz.errors import CheckpointError, DataError, RequestError, printable
from seviz.files import read_npz, write_npz
from seviz.gate_life import GateLife
from seviz.gates import by_channel, edit_gates, find_gates, gates_seen_at, record_gates
from seviz.images import Preprocessing

Progress = Callable[[int, int], None]
Normaliser = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a network said about every sample of a data set.

    logits: (N, K), float32 as computed or float16 as kept. labels: int16 (N,). ids: N names. key: of the data set.
    weights_sha256: of the weights that were evaluated (hex), "" where they are not saved.
    """

    logits: NDArray[np.floating[Any]]
    labels: NDArray[np.int16]
    ids: tuple[str, ...]
    key: DataKey
    weights_sha256: str = ""


def normaliser(preprocessing: Preprocessing, device: torch.device) -> Normaliser:
    """uint8 (B, H, W, 3) on `device` -> float32 (B, 3, H, W) in channels_last memory: (pixel / 255 - mean) / std."""
    mean = torch.tensor(preprocessing.mean, device=device) * 255
    std = torch.tensor(preprocessing.std, device=device) * 255
    return lambda pictures: ((pictures.float() - mean) / std).permute(0, 3, 1, 2)


def evaluate(
    net: nn.Module,
    data: PictureSet,
    preprocessing: Preprocessing,
    *,
    batch: int = 250,
    weights_sha256: str = "",
    mirrored: bool = False,
    progress: Progress | None = None,
) -> Evaluation:
    """The float32 logits of every sample, on the device where `net` is; its mode is left as it was found.

    Args:
        data: pictures of the network's size. batch: pictures at a time. mirrored: every logit is the mean of two, those of
            the picture and of its mirror image. progress: called with (done, in all).

    Raises DataError where the pictures have another size or there are none, CheckpointError where an answer is no number.
    """
    seen = _SeenTwice(net) if mirrored else net
    logits = np.concatenate([out.cpu().numpy() for out in outputs(seen, data, preprocessing, batch, progress)])
    if not np.isfinite(logits).all():
        raise CheckpointError("The network answers NaN or infinite values, so its weights are damaged; train it again.")
    return Evaluation(logits, data.labels.astype(np.int16), data.ids, data.key, weights_sha256)


def save(path: Path, evaluation: Evaluation) -> None:
    """Write evaluation.npz, logits as float16."""
    arrays = {
        "logits": to_half(evaluation.logits),
        "labels": evaluation.labels,
        "ids": np.array(evaluation.ids),
        "key": np.array(json.dumps(asdict(evaluation.key))),
        "weights_sha256": np.array(evaluation.weights_sha256),
    }
    write_npz(path, arrays)


def load(path: Path) -> Evaluation:
    """Read evaluation.npz. Raises CheckpointError where it is missing or damaged."""
    try:
        found = _checked(read_npz(path))
    except FileNotFoundError as error:
        raise CheckpointError(f"There is no evaluation {path}; `{evaluate_command(path)}` writes one.") from error
    except OSError as error:
        again = f"remove it, then write it again with `{evaluate_command(path)}`"
        raise CheckpointError(f"{path} cannot be read ({error.strerror or 'damaged'}); {again}.") from error
    except Exception as error:  # boundary: a damaged archive raises a dozen types, from zlib.error to struct.error
        raise CheckpointError(f"{path} is damaged; write it again with `{evaluate_command(path)}`.") from error
    return found


def evaluate_command(path: Path) -> str:
    """The command that writes `path`, the evaluation.npz of a checkpoint's folder; D stands for the data set."""
    path = Path(os.path.abspath(path))
    words = ["python", "-m", "seviz", "evaluate", "--model", str(path.parent), "--data", "D", "--out", str(path)]
    return printable(shlex.join(words))


def to_half(logits: NDArray[np.floating[Any]]) -> NDArray[np.float16]:
    """float16 logits (N, K) whose first highest entry is, in every row, that of `logits`.

    Rounding keeps order but can tie: there the winner is raised to the next float16, which puts it up to one and a half
    steps beside its value. Values beyond float16's range are clipped to its largest number but one.
    """
    top = np.nextafter(np.finfo(np.float16).max, np.float16(0))
    half: NDArray[np.float16] = np.clip(logits, -float(top), float(top)).astype(np.float16)
    winner = logits.argmax(1)
    tied = np.flatnonzero(half.argmax(1) != winner)
    half[tied, winner[tied]] = np.nextafter(half[tied, winner[tied]], np.float16(np.inf))
    return half


def gate_life(
    net: nn.Module,
    data: PictureSet,
    preprocessing: Preprocessing,
    *,
    batch: int = 250,
    seed: int = 0,
    progress: Progress | None = None,
) -> GateLife:
    """How much the gates differ between pictures, and what accuracy is lost when that difference is taken away.

    Three passes over the data: recording; every picture with all the gates of another picture, never its own; every
    gate at its mean over the pictures. The gates of all pictures are held in memory: 4 bytes x N x all channels. A gate
    without squeeze, which differs by pixel, is taken at its mean over the pixels. What is lost has a 95 % bootstrap interval
    over the pictures, which both accuracies share (seviz.analysis.paired).

    Args: as of evaluate; seed: of the permutation. Raises RequestError for a plain network or fewer than two pictures.
    """
    if not gates_seen_at(net, preprocessing.height, preprocessing.width) or len(data) < 2:
        raise RequestError("Gates are compared between pictures: this needs an SE network and at least two pictures.")
    passes = _passes(progress, len(data))
    gates, live = _record(net, data, preprocessing, batch, next(passes))
    donors = torch.from_numpy(another(len(data), seed))
    shuffled = {path: values[donors] for path, values in gates.items()}
    static = {path: values.double().mean(0).float().expand_as(values) for path, values in gates.items()}
    when_shuffled, when_static = (_right_with(net, data, preprocessing, batch, one, next(passes)) for one in (shuffled, static))
    return GateLife(
        deviations={path: float(values.double().std(0, correction=0).mean()) for path, values in gates.items()},
        live=float(live.mean()),
        shuffled=float(when_shuffled.mean()),
        static=float(when_static.mean()),
        n=len(data),
        data=data.name,
        split=data.split,
        seed=seed,
        shuffling_interval=_lost(live, when_shuffled),
        static_interval=_lost(live, when_static),
    )


def _lost(live: NDArray[np.bool_], edited: NDArray[np.bool_]) -> tuple[float, float]:
    """The interval of what an edit costs, of whether each sample is right without and with it."""
    return bootstrap_interval(int((live & ~edited).sum()), int((edited & ~live).sum()), len(live))


def another(count: int, seed: int) -> NDArray[np.int64]:
    """A random cycle through all of 0..count-1, so that nobody is its own successor: int64 (count,)."""
    order = np.random.default_rng(seed).permutation(count)
    successor = np.empty(count, dtype=np.int64)
    successor[order] = np.roll(order, -1)
    return successor


def outputs(
    net: nn.Module, data: PictureSet, preprocessing: Preprocessing, batch: int, progress: Progress | None
) -> Iterator[Tensor]:
    """float32 logits (B, K), a batch at a time, with the network in eval mode meanwhile."""
    if not len(data) or data.size != (preprocessing.height, preprocessing.width):
        found = f"{data.size[1]} x {data.size[0]} pixels" if len(data) else "no pictures"
        raise DataError(f"{data.name} has {found}; the network sees {preprocessing.width} x {preprocessing.height}.")
    device = next(net.parameters()).device
    normalise, done = normaliser(preprocessing, device), 0
    with evaluating(net):
        for pictures, _ in data.batches(batch):
            with torch.no_grad():
                logits = net(normalise(torch.from_numpy(np.ascontiguousarray(pictures)).to(device))).float()
            done += len(pictures)
            if progress:
                progress(done, len(data))
            yield logits


class _SeenTwice(nn.Module):
    """Mean logits of pictures (B, 3, H, W) and their mirror images."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        mean: Tensor = (self.net(x) + self.net(x.flip(3))) / 2
        return mean


@contextlib.contextmanager
def evaluating(net: nn.Module) -> Iterator[None]:
    """Eval mode meanwhile; every module is left in the mode it was found in."""
    modes = {module: module.training for module in net.modules()}
    net.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def _record(
    net: nn.Module, data: PictureSet, preprocessing: Preprocessing, batch: int, progress: Progress | None
) -> tuple[dict[str, Tensor], NDArray[np.bool_]]:
    """Every gate of every picture, site path -> float32 (N, C) on the CPU, and whether the picture is right (N,)."""
    parts: dict[str, list[Tensor]] = {site.path: [] for site in find_gates(net)}
    predicted = []
    with record_gates(net) as recording:
        for logits in outputs(net, data, preprocessing, batch, progress):
            predicted.append(logits.argmax(1).cpu())
            for path, gates in recording.gates.items():
                parts[path].append(by_channel(gates).float().cpu())
    return {path: torch.cat(gates) for path, gates in parts.items()}, _right(torch.cat(predicted), data)


def _right_with(
    net: nn.Module,
    data: PictureSet,
    preprocessing: Preprocessing,
    batch: int,
    gates: Mapping[str, Tensor],
    progress: Progress | None,
) -> NDArray[np.bool_]:
    """Whether each picture is right (N,) when the gates of picture i are row i of `gates`, site path -> (N, C)."""
    predicted, done = [], 0
    device = next(net.parameters()).device
    for start in range(0, len(data), batch):
        piece = data.subset(np.arange(start, min(start + batch, len(data))))
        edits = {path: values[start : start + batch].to(device) for path, values in gates.items()}
        with edit_gates(net, edits):
            predicted += [logits.argmax(1).cpu() for logits in outputs(net, piece, preprocessing, batch, None)]
        done += len(piece)
        if progress:
            progress(done, len(data))
    return _right(torch.cat(predicted), data)


def _right(predicted: Tensor, data: PictureSet) -> NDArray[np.bool_]:
    return np.asarray(predicted.numpy() == data.labels)


def _passes(progress: Progress | None, count: int) -> Iterator[Progress | None]:
    """A progress for each of the three passes, all on one scale."""
    for number in range(3):
        yield None if progress is None else _from(progress, number * count, 3 * count)


def _from(progress: Progress, start: int, total: int) -> Progress:
    return lambda done, _: progress(start + done, total)


def _checked(arrays: Mapping[str, NDArray[Any]]) -> Evaluation:
    """The arrays as an Evaluation. Raises ValueError, KeyError or TypeError where they do not belong together."""
    logits, labels = arrays["logits"], arrays["labels"]
    ids = tuple(str(name) for name in arrays["ids"].tolist())
    key = DataKey(**json.loads(str(arrays["key"])))
    if logits.ndim != 2 or logits.dtype != np.float16 or labels.dtype != np.int16 or not np.isfinite(logits).all():
        raise ValueError("other arrays than an evaluation has")
    if not (len(logits) == len(labels) == key.count and labels.min() >= 0 and labels.max() < logits.shape[1]):
        raise ValueError("arrays that do not fit each other")
    if samples_sha256(ids, labels) != key.sha256:
        raise ValueError("other samples than the key says")
    return Evaluation(logits, labels, ids, key, str(arrays["weights_sha256"]))
