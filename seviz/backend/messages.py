"""What goes into the backend and what comes out: plain, frozen, numpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from seviz.edits import Edit, Means
from seviz.errors import RequestError

MAX_PICTURES = 16  # of one request: a micro-batch


@dataclass(frozen=True, eq=False)
class Request:
    """One to sixteen pictures, and what is wanted of them.

    pictures: uint8 (B, H, W, 3) RGB as the network sees them, before normalisation (seviz.images.fit).
    layers: module paths for Grad-CAM; () for no maps. classes: class indexes to map, the same for all pictures; when
    (), the `map_top` most probable of each picture. features: gate paths whose input map u is wanted.
    edits: of the gates, in this order, for this request alone. others: name -> uint8 (H, W, 3), the pictures whose gates
    edits ask for. means: where edits ask for means; the model's own when None.
    """

    pictures: NDArray[np.uint8]
    layers: tuple[str, ...] = ()
    classes: tuple[int, ...] = ()
    map_top: int = 1
    features: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = ()
    others: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)
    means: Means | None = None

    def __post_init__(self) -> None:
        pictures = self.pictures
        if not isinstance(pictures, np.ndarray):
            raise RequestError(f"Pictures are uint8 (B, H, W, 3), not {type(pictures).__name__}.")
        if pictures.dtype != np.uint8 or pictures.ndim != 4 or pictures.shape[3] != 3:
            raise RequestError(f"Pictures are uint8 (B, H, W, 3), not {pictures.dtype} {pictures.shape}.")
        if not all(isinstance(one, tuple) for one in (self.layers, self.classes, self.features)):
            raise RequestError("The layers, classes and features of a request are tuples.")
        if not isinstance(self.map_top, int):
            raise RequestError(f"map_top is a whole number of at least 1, not {self.map_top!r}.")
        if not 1 <= len(pictures) <= MAX_PICTURES:
            raise RequestError(f"A request holds 1 to {MAX_PICTURES} pictures, not {len(pictures)}; send several requests.")

    @property
    def kind(self) -> tuple[object, ...]:
        """Requests of one kind can share a forward pass, whatever their edits: those act on their own rows of a gate."""
        maps = (self.layers, len(self.classes) or self.map_top) if self.layers else ()
        return (self.pictures.shape[1:], maps, self.features)


@dataclass(frozen=True)
class Provenance:
    """Where an answer comes from.

    model: name. sha256: of the weights (hex). device: such as "cpu" or "cuda:0 (NVIDIA H100)". dtype: of the forward
    pass, "float32" or "bfloat16". milliseconds: of the batch that the picture was part of. batch: pictures in it.
    """

    model: str
    sha256: str
    device: str
    dtype: str
    milliseconds: float
    batch: int
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Prediction:
    """A class with its probability, 0..1."""

    index: int
    label: str
    probability: float


@dataclass(frozen=True, eq=False)
class Map:
    """Where a network finds evidence for a class.

    layer: module path, or "input". method: a name of seviz.attribution.METHODS. values: float32 (h, w), read-only, in
    the method's seviz.attribution.UNITS and not normalised, so that maps of one layer and method can share a scale.
    Grad-CAM and saliency are >= 0; Integrated Gradients, occlusion and Guided Grad-CAM are signed.
    """

    layer: str
    class_index: int
    label: str
    method: str
    values: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Inspection:
    """Everything a network said about one picture. Its arrays are its own and read-only.

    labels: the K class names. logits, probabilities: float32 (K,). gates: site path -> float32 (C,), 0..1.
    squeezes: site path -> float32 (C,). Without squeeze, both are means over the pixels. features: site path ->
    float32 (C, h, w), the map u that the gate scales, where asked for. edits: under which all of this was found.
    """

    provenance: Provenance
    labels: tuple[str, ...]
    logits: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    gates: Mapping[str, NDArray[np.float32]]
    squeezes: Mapping[str, NDArray[np.float32]]
    maps: tuple[Map, ...]
    features: Mapping[str, NDArray[np.float32]]
    edits: tuple[Edit, ...] = ()

    def predictions(self, top_k: int = 5) -> tuple[Prediction, ...]:
        """The top_k most probable classes, most probable first."""
        order = np.argsort(-self.probabilities, kind="stable")[:top_k]
        return tuple(Prediction(int(i), self.labels[i], float(self.probabilities[i])) for i in order)

    def map_of(self, layer: str, class_index: int) -> Map:
        """The map of a layer and class. Raises RequestError where it was not asked for."""
        for found in self.maps:
            if (found.layer, found.class_index) == (layer, class_index):
                return found
        raise RequestError(f"No map of {layer} for class {class_index} was asked for.")


@dataclass(frozen=True, eq=False)
class BlockWeights:
    """The two layers of an SE block: s = sigmoid(w2 relu(w1 z + b1) + b2). Its arrays are its own and read-only.

    path: of its site. squeeze: "avg", "max" or "none", how z comes from the map. w1: float32 (hidden, C); b1: (hidden,);
    w2: (C, hidden); b2: (C,).
    """

    path: str
    squeeze: str
    w1: NDArray[np.float32]
    b1: NDArray[np.float32]
    w2: NDArray[np.float32]
    b2: NDArray[np.float32]


Answer = tuple[Inspection, ...]
"""One inspection a picture of the request, in its order."""
