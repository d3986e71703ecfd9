"""A loaded model: the door to the backend for pages, the command line and notebooks."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seviz.attribution import METHODS, PIXEL_METHODS
from seviz.attribution import pixel_map as map_by_pixel
from seviz.backend.arguments import index_of, listed
from seviz.backend.engine import Edited, Engine, Identity
from seviz.backend.messages import Answer, BlockWeights, Inspection, Map, Request
from seviz.backend.outline import Outline
from seviz.backend.owner import Owner
from seviz.backend.pictures import PictureLike, as_pixels
from seviz.backend.prepare import prepare
from seviz.edits import Edit, Means, checked_edits, from_text
from seviz.edits.resolve import NO_MEANS, needs_means
from seviz.errors import RequestError
from seviz.faithfulness import Check, Checked, Network, Setting
from seviz.gates import Site, gates_seen_at
from seviz.images import Preprocessing, fit
from seviz.machine import choose_device
from seviz.stages import stages

if TYPE_CHECKING:
    from seviz.checkpoints import Card


class Model:
    """A network with its engine and owner thread; safe to share between threads and sessions.

    Attributes:
        name, sha256 (of the weights, hex), classes (names), preprocessing, sites (its gates, () for a plain network),
        layers (the stages, for Grad-CAM; the last is the default; () where there are no feature maps), card (None for a
        network without a checkpoint), means (the mean gates that edits may ask for; read when they are first asked for).

    fresh: gives the network again as it was trained, for what redraws its weights; `net` itself is kept when None.

    Use as a context manager, or call close().
    """

    def __init__(
        self,
        net: nn.Module,
        *,
        name: str,
        classes: Sequence[str],
        preprocessing: Preprocessing,
        sha256: str = "",
        card: Card | None = None,
        device: str | torch.device | None = None,
        precision: str = "float32",
        means: Callable[[], Means | None] = lambda: None,
        fresh: Callable[[], nn.Module] | None = None,
    ) -> None:
        self.name, self.sha256, self.card = name, sha256, card
        self.classes, self.preprocessing = tuple(classes), preprocessing
        self.device, self.precision = choose_device(device), precision
        self._read_means, self._fresh = means, fresh or (lambda: net)
        if precision not in ("float32", "bfloat16"):
            raise RequestError(f"The precision is float32 or bfloat16, not {precision!r}.")
        size = (1, 3, preprocessing.height, preprocessing.width)
        example = torch.randn(size, generator=torch.Generator().manual_seed(0))
        ready = prepare(net, self.device, example)
        # of this copy: what was found in another module object is not remembered for it
        self.sites: tuple[Site, ...] = gates_seen_at(ready, preprocessing.height, preprocessing.width)
        self.layers = stages(ready, preprocessing.height, preprocessing.width)
        modules = frozenset(path for path, _ in net.named_modules())
        self._outline = Outline(name, self.classes, preprocessing, self.sites, self.layers, modules)
        self._engine = Engine(ready, Identity(name, sha256, self.classes), preprocessing, self.device, precision)
        self._owner = Owner(self._engine)

    def inspect(
        self,
        picture: PictureLike,
        *,
        top_k: int = 5,
        layers: Sequence[str] | None = None,
        classes: Sequence[int | str] | None = None,
        method: str = "gradcam",
        features: Sequence[str] = (),
        edits: Sequence[Edit] | str = (),
        others: Mapping[str, PictureLike] | None = None,
    ) -> Inspection:
        """Everything the network says about one picture.

        Args:
            picture: a path, the bytes of a picture file, uint8 (H, W, 3) RGB, or a decoded Picture; any size.
            top_k: maps are made for the top_k most probable classes, when `classes` is None or empty.
            layers: a list of module paths for Grad-CAM; the last stage when None.
            classes: a list of names or indexes to map.
            method: a name of seviz.attribution.METHODS; those of pixels map the first class only.
            features: gate paths whose input map is wanted.
            edits: of the gates (seviz.edits), as values or as the text of a link; everything is found under them.
            others: name -> picture, for edits that ask for another picture's gates.

        Raises PictureError, RequestError or BusyError, each one sentence.
        """
        if method not in list(METHODS):
            raise RequestError(f"There is no method {method!r}; use one of {', '.join(METHODS)}.")
        wanted = self.layers[-1:] if layers is None else listed(layers, "layers", "module paths")
        named = () if classes is None else listed(classes, "classes", "names or indexes")
        indexes = tuple(self.class_index(one) for one in named)
        top = min(index_of(top_k, "top_k is a whole number of at least 1"), len(self.classes))
        pixels = self.see(picture)[None]
        maps = wanted if method == "gradcam" else ()
        chosen = checked_edits(from_text(edits) if isinstance(edits, str) else edits)
        seen = {name: self.see(other) for name, other in (others or {}).items()}
        request = Request(pixels, maps, indexes, top, listed(features, "features", "gate paths"), chosen, seen)
        answer = self.submit(request).result()[0]
        if method == "gradcam":
            return answer
        target = indexes[0] if indexes else answer.predictions(1)[0].index
        layer = wanted[-1] if wanted else None
        return replace(answer, maps=(self.pixel_map(pixels[0], method, target, layer=layer, edits=chosen, others=seen),))

    def submit(self, request: Request) -> Future[Answer]:
        """Queue a request; the answer comes from the owner thread. Raises RequestError or BusyError at once."""
        return self._owner.submit(self._checked(request))

    def pixel_map(
        self,
        pixels: NDArray[np.uint8],
        method: str,
        target: int,
        *,
        layer: str | None = None,
        edits: Sequence[Edit] = (),
        others: Mapping[str, NDArray[np.uint8]] | None = None,
    ) -> Map:
        """A map by pixel: uint8 (H, W, 3) as the network sees it -> Map of (H, W).

        The work goes through the owner thread in pieces of a micro-batch, so that nobody waits for all of it.
        """
        if method not in PIXEL_METHODS:
            raise RequestError(f"{method!r} is no method by pixel; use one of {', '.join(PIXEL_METHODS)}.")
        target = self.class_index(target)
        self._outline.require_seen(pixels, 3)
        x = self._engine.normalise(pixels[None])
        request = self._checked(Request(pixels[None], edits=checked_edits(edits), others=others or {}))
        edited = self._owner.run(lambda engine: engine.edits_of(request)) if request.edits else {}
        if method == "guided_gradcam":
            where = self._outline.layer_or_last(layer)
            values = self._owner.run(lambda engine: engine.guided_grad_cam(x, target, where, edited))
        else:
            values = map_by_pixel(method, x, target, forward=self._forward(edited), gradient=self._gradient(edited))
        array = values.cpu().numpy()
        array.flags.writeable = False
        return Map("input", target, self.classes[target], method, array)

    def gate_gradients(
        self, picture: PictureLike, target: int | str, *, edits: Sequence[Edit] = ()
    ) -> dict[str, NDArray[np.float32]]:
        """By how much the logit of `target` rises with each gate: site path -> float32 (C,), logit per unit of gate.

        Gate times gradient is, to first order, what the logit would lose if the gate shut (and all that follows answered
        to it); what it really loses is found by an edit. {} for a plain network. edits: under which the gates are asked; an
        edited gate's slope is that of what it became.
        """
        index, pixels = self.class_index(target), self.see(picture)[None]
        request, x = self._checked(Request(pixels, edits=checked_edits(edits))), self._engine.normalise(pixels)
        found = self._owner.run(lambda engine: engine.gate_gradients(x, index, engine.edits_of(request)))
        return {path: values.cpu().numpy() for path, values in found.items()}

    def faithfulness(
        self,
        picture: PictureLike,
        target: int | str,
        methods: Sequence[str] = ("gradcam",),
        *,
        layer: str | None = None,
        setting: Setting | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> tuple[Checked, ...]:
        """How faithful the maps of a picture are for a class, an answer a method: see seviz.faithfulness.

        Args: layer: of Grad-CAM; the last stage when None. progress: called with (steps done, in all).

        Seconds of work, in pieces of a micro-batch on the owner thread. The network that answers is not touched: what is
        redrawn is a copy. Raises RequestError for a class, method or layer that there is not, or a setting without meaning.
        """
        chosen, index = listed(methods, "methods", "names"), self.class_index(target)
        x = self._engine.normalise(self.see(picture)[None])
        where = self._outline.layer_or_last(layer)
        network = Network(self._engine.net, where, lambda work: self._owner.run(lambda _: work()))
        check = Check(network, self._fresh(), x, index, setting or Setting(), progress)
        return check.run(chosen, model=self.name, sha256=self.sha256, label=self.classes[index])

    def time_pass(self) -> float:
        """Milliseconds of one forward pass of one picture of noise, on the owner thread, without gates or maps.

        The queue is not part of it; what other models do meanwhile is.
        """
        shape = (1, self.preprocessing.height, self.preprocessing.width, 3)
        x = self._engine.normalise(np.random.default_rng(0).integers(0, 256, shape, np.uint8))
        milliseconds: float = self._owner.run(lambda engine: engine.time_pass(x))
        return milliseconds

    def block_weights(self, path: str) -> BlockWeights:
        """The two layers of the SE block at a site. Raises RequestError where there is none, or another kind of block."""
        self._outline.require_site(path)
        found: BlockWeights = self._owner.run(lambda engine: engine.block_weights(path))
        return found

    def see(self, picture: PictureLike) -> NDArray[np.uint8]:
        """The picture as the network sees it: uint8 (height, width, 3)."""
        return fit(as_pixels(picture), self.preprocessing)

    def class_index(self, one: int | str) -> int:
        """The index of a class given by name or index. Raises RequestError where there is none."""
        return self._outline.class_index(one)

    @cached_property
    def is_se(self) -> bool:
        return bool(self.sites)

    def close(self) -> None:
        """Stop the owner thread after what is queued. Further requests raise BusyError."""
        self._owner.close()

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def means(self) -> Means | None:
        """The mean gates that edits may ask for; None where nobody measured them. Raises CheckpointError where damaged."""
        return self._read_means()

    def _checked(self, request: Request) -> Request:
        """The request with the means that it needs. Raises RequestError where the network lacks what it names."""
        self._outline.check(request)
        if not needs_means(request.edits) or request.means is not None:
            return request
        if self.means is None:
            raise RequestError(NO_MEANS)
        return replace(request, means=self.means)

    def _forward(self, edits: Edited) -> Callable[[Tensor], Tensor]:
        def forward(x: Tensor) -> Tensor:
            result: Tensor = self._owner.run(lambda engine: engine.forward(x, edits))
            return result

        return forward

    def _gradient(self, edits: Edited) -> Callable[[Tensor, Tensor], Tensor]:
        def gradient(x: Tensor, classes: Tensor) -> Tensor:
            result: Tensor = self._owner.run(lambda engine: engine.gradient(x, classes, edits))
            return result

        return gradient


def load(name: str | os.PathLike[str], *, device: str | torch.device | None = None, precision: str = "float32") -> Model:
    """A model by the name of its checkpoint folder, by that of a network of timm or torchvision that is on this computer, or
    by a path to a folder or to a file of weights, which is imported then.

    Args:
        device: such as "cpu" or "cuda:0"; CUDA, then MPS, then CPU when None.
        precision: "float32", or "bfloat16" for throughput (gates move by about 2e-3).

    Raises CheckpointError where the checkpoint is missing, damaged or altered, RequestError where a library has no such name.
    """
    from seviz.intake import open_or_import
    from seviz.pretrained import import_at_hand, is_named

    checkpoint, _ = open_or_import(import_at_hand(name) if isinstance(name, str) and is_named(name) else name)
    card = checkpoint.card
    return Model(
        checkpoint.network(),
        name=checkpoint.name,  # a copied folder goes by its own name, which is the one to ask for
        classes=card.classes,
        preprocessing=card.preprocessing,
        sha256=card.weights_sha256,
        card=card,
        device=device,
        precision=precision,
        means=checkpoint.means,
        fresh=checkpoint.network,
    )
