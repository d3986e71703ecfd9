"""The engine: one network, ready to answer batches of requests of one kind. Used by one thread at a time."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seviz.attribution import gate_gradients, grad_cam_maps, guided_grad_cam, pixel_gradient, require_maps
from seviz.backend.looks import functions_of, side_by_side
from seviz.backend.messages import Answer, BlockWeights, Inspection, Map, Provenance, Request
from seviz.edits.resolve import GateFunction
from seviz.errors import CheckpointError, RequestError
from seviz.evaluation import normaliser
from seviz.gates import Recording, by_channel, edit_gates, record_gates, tap, tap_inputs
from seviz.images import Preprocessing
from seviz.nets.se import SqueezeExcite
from seviz.version import __version__

Edited = Mapping[str, GateFunction]  # site path -> what makes the gate


@dataclass(frozen=True)
class Identity:
    """What an engine says of itself in every answer."""

    model: str
    sha256: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class _Pass:
    """What one forward pass left behind, for all pictures of a batch."""

    logits: Tensor
    recording: Recording
    features: dict[str, Tensor]
    classes: Tensor
    maps: dict[str, Tensor]


class Engine:
    """net: prepared (see prepare.py), on `device`. precision: "float32", or "bfloat16" by autocast."""

    def __init__(
        self, net: nn.Module, identity: Identity, preprocessing: Preprocessing, device: torch.device, precision: str
    ) -> None:
        self.net, self.identity, self.device, self.precision = net, identity, device, precision
        self._normaliser = normaliser(preprocessing, device)
        self._device_name = _describe(device)
        self._versions = {"seviz": __version__, "torch": torch.__version__}

    def answer(self, requests: Sequence[Request]) -> list[Answer]:
        """One answer a request. The requests are of one kind and were checked."""
        start = time.perf_counter()
        x = self.normalise(np.concatenate([request.pictures for request in requests]))
        with self._autocast():
            edits = side_by_side([(len(request.pictures), self.edits_of(request)) for request in requests])
        with edit_gates(self.net, edits):
            result = self._run(x, requests)
        self._require_finite(result.logits, requests)
        inspections = self._inspections(result, requests, start)
        answers, taken = [], 0
        for request in requests:
            answers.append(tuple(inspections[taken : taken + len(request.pictures)]))
            taken += len(request.pictures)
        return answers

    def normalise(self, pictures: NDArray[np.uint8]) -> Tensor:
        """uint8 (B, H, W, 3) -> float32 (B, 3, H, W) on the device, channels_last."""
        own = np.require(pictures, requirements=["C", "W"])  # a copy where it is none: torch warns of what it may not write to
        return self._normaliser(torch.from_numpy(own).to(self.device))

    def edits_of(self, request: Request) -> dict[str, GateFunction]:
        """The edits of a checked request as functions of its own gates, after the looks at the network that they need."""
        if not request.edits:
            return {}
        others = {name: self.normalise(picture[None]) for name, picture in request.others.items()}
        x, labels = self.normalise(request.pictures), self.identity.labels
        return functions_of(self.net, x, request.edits, classes=labels, means=request.means, others=others)

    def forward(self, x: Tensor, edits: Edited) -> Tensor:
        """Logits of normalised pictures, without gradients: a piece of a long attribution."""
        with torch.no_grad(), edit_gates(self.net, edits):
            return self.net(x).float()  # type: ignore[no-any-return]

    def time_pass(self, x: Tensor) -> float:
        """Milliseconds until the logits of normalised pictures are in the computer's memory."""
        start = time.perf_counter()
        with torch.no_grad(), self._autocast():
            self.net(x).cpu()
        return (time.perf_counter() - start) * 1000

    def gradient(self, x: Tensor, classes: Tensor, edits: Edited) -> Tensor:
        """d y_c / d x: a piece of a long attribution."""
        with edit_gates(self.net, edits):
            return pixel_gradient(self.net, x, classes)

    def guided_grad_cam(self, x: Tensor, target: int, layer: str, edits: Edited) -> Tensor:
        with edit_gates(self.net, edits):
            return guided_grad_cam(self.net, x, target, layer)

    def gate_gradients(self, x: Tensor, target: int, edits: Edited) -> dict[str, Tensor]:
        with edit_gates(self.net, edits):
            return gate_gradients(self.net, x, target)

    def block_weights(self, path: str) -> BlockWeights:
        block = self.net.get_submodule(path.partition("#")[0])
        if not isinstance(block, SqueezeExcite):
            raise RequestError(
                f"The gate of {path} is not computed by an SE block of seviz.nets, so that its layers are not known one by one."
            )
        layers = (block.fc1.weight, block.fc1.bias, block.fc2.weight, block.fc2.bias)
        copies = [layer.detach().float().cpu().numpy().copy() for layer in layers]
        for values in copies:
            values.flags.writeable = False
        return BlockWeights(path, block.squeeze.mode, *copies)

    def _run(self, x: Tensor, requests: Sequence[Request]) -> _Pass:
        first = requests[0]
        recorder, inputs = record_gates(self.net), tap_inputs(self.net, first.features)
        with torch.set_grad_enabled(bool(first.layers)), self._autocast(), recorder as recording, inputs as features:
            if not first.layers:
                none = torch.empty((len(x), 0), dtype=torch.int64)  # without maps, requests for any classes share a pass
                return _Pass(self.net(x).float(), recording, features, none, {})
            with tap(self.net, first.layers, differentiable=True) as activations:
                logits = self.net(x)
                require_maps(first.layers, activations)
                classes = self._classes(logits, requests)
                maps = grad_cam_maps(logits, {layer: activations[layer] for layer in first.layers}, classes)
        return _Pass(logits.detach().float(), recording, features, classes, maps)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16")

    def _classes(self, logits: Tensor, requests: Sequence[Request]) -> Tensor:
        """int64 (B, N): the classes to map, of each picture."""
        rows, taken = [], 0
        for request in requests:
            count = len(request.pictures)
            if request.classes:
                rows.append(torch.tensor(request.classes, device=logits.device).expand(count, -1))
            else:
                rows.append(logits.detach()[taken : taken + count].topk(request.map_top).indices)
            taken += count
        return torch.cat(rows)

    def _require_finite(self, logits: Tensor, requests: Sequence[Request]) -> None:
        """Raises RequestError where edits alone may be why a request has no answer, else CheckpointError."""
        finite = logits.isfinite().all(1).tolist()
        edited = [bool(request.edits) for request in requests for _ in request.pictures]
        if not all(fine or by_edits for fine, by_edits in zip(finite, edited, strict=True)):
            raise CheckpointError(f"{self.identity.model} answers NaN or infinite values: its weights are damaged.")
        if not all(finite):
            raise RequestError("The edits drive the answer beyond float32; use smaller values.")

    def _inspections(self, result: _Pass, requests: Sequence[Request], start: float) -> list[Inspection]:
        logits, probabilities = _rows(result.logits), _rows(result.logits.softmax(1))
        gates = {path: _rows(by_channel(value)) for path, value in result.recording.gates.items()}
        squeezes = {path: _rows(by_channel(value)) for path, value in result.recording.squeezes.items()}
        features = {path: _rows(value) for path, value in result.features.items()}
        classes, maps = result.classes.tolist(), {layer: _rows(value) for layer, value in result.maps.items()}
        provenance = self._provenance(start, len(logits))
        edits = [request.edits for request in requests for _ in request.pictures]
        return [
            Inspection(
                provenance=provenance,
                labels=self.identity.labels,
                logits=logits[row],
                probabilities=probabilities[row],
                gates={path: values[row] for path, values in gates.items()},
                squeezes={path: values[row] for path, values in squeezes.items()},
                maps=tuple(
                    Map(layer, index, self.identity.labels[index], "gradcam", maps[layer][row][number])
                    for layer in requests[0].layers
                    for number, index in enumerate(classes[row])
                ),
                features={path: values[row] for path, values in features.items()},
                edits=edits[row],
            )
            for row in range(len(logits))
        ]

    def _provenance(self, start: float, batch: int) -> Provenance:
        milliseconds = (time.perf_counter() - start) * 1000
        identity = self.identity
        return Provenance(
            identity.model, identity.sha256, self._device_name, self.precision, milliseconds, batch, self._versions
        )


def _rows(value: Tensor) -> list[NDArray[np.float32]]:
    """A read-only array a picture, which keeps no other picture of the batch in memory."""
    values = value.detach().float().cpu().contiguous().numpy()
    rows = [row.copy() for row in values] if len(values) > 1 else [values[0]]
    for row in rows:
        row.flags.writeable = False
    return rows


def _describe(device: torch.device) -> str:
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return str(device)
