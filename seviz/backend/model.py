"""A loaded model: the door to the backend for pages, the command line and notebooks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seviz.attribution import METHODS, PIXEL_METHODS
from seviz.attribution import pixel_map as map_by_pixel
from seviz.backend.engine import Engine, Identity
from seviz.backend.messages import Answer, Inspection, Map, Request
from seviz.backend.owner import Owner
from seviz.backend.prepare import prepare
from seviz.errors import PictureError, RequestError
from seviz.gates import Site, find_gates
from seviz.images import MAX_BYTES, Picture, Preprocessing, decode, fit
from seviz.machine import choose_device

if TYPE_CHECKING:
    from seviz.checkpoints import Card

PictureLike = str | os.PathLike[str] | bytes | NDArray[np.uint8] | Picture


class Model:
    """A network with its engine and owner thread; safe to share between threads and sessions.

    Attributes:
        name, sha256 (of the weights, hex), classes (names), preprocessing, sites (its gates, () for a plain network),
        layers (the stages, for Grad-CAM; the last is the default), card (None for a network without a checkpoint).

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
    ) -> None:
        self.name, self.sha256, self.card = name, sha256, card
        self.classes, self.preprocessing = tuple(classes), preprocessing
        self.sites: tuple[Site, ...] = find_gates(net)
        self.layers: tuple[str, ...] = tuple(child for child, _ in net.named_children() if child.startswith("layer"))
        self.device = choose_device(device)
        if precision not in ("float32", "bfloat16"):
            raise RequestError(f"The precision is float32 or bfloat16, not {precision!r}.")
        self._modules = frozenset(path for path, _ in net.named_modules())
        size = (1, 3, preprocessing.height, preprocessing.width)
        example = torch.randn(size, generator=torch.Generator().manual_seed(0))
        ready = prepare(net, self.device, example)
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
    ) -> Inspection:
        """Everything the network says about one picture.

        Args:
            picture: a path, the bytes of a picture file, uint8 (H, W, 3) RGB, or a decoded Picture; any size.
            top_k: maps are made for the top_k most probable classes, when `classes` is not given.
            layers: module paths for Grad-CAM; the last stage when None.
            classes: names or indexes to map.
            method: a name of seviz.attribution.METHODS; those of pixels map the first class only.
            features: gate paths whose input map is wanted.

        Raises PictureError, RequestError or BusyError, each one sentence.
        """
        wanted = tuple(self.layers[-1:] if layers is None else layers)
        indexes = tuple(self.class_index(one) for one in classes or ())
        top = min(top_k, len(self.classes))
        pixels = self.see(picture)[None]
        request = Request(pixels, wanted if method == "gradcam" else (), indexes, top, tuple(features))
        answer = self.submit(request).result()[0]
        if method == "gradcam":
            return answer
        target = indexes[0] if indexes else answer.predictions(1)[0].index
        return replace(answer, maps=(self.pixel_map(pixels[0], method, target, layer=wanted[-1] if wanted else None),))

    def submit(self, request: Request) -> Future[Answer]:
        """Queue a request; the answer comes from the owner thread. Raises RequestError or BusyError at once."""
        self._check(request)
        return self._owner.submit(request)

    def pixel_map(self, pixels: NDArray[np.uint8], method: str, target: int, *, layer: str | None = None) -> Map:
        """A map by pixel: uint8 (H, W, 3) as the network sees it -> Map of (H, W).

        The work goes through the owner thread in pieces of a micro-batch, so that nobody waits for all of it.
        """
        if method not in PIXEL_METHODS:
            raise RequestError(f"There is no method {method!r}; use one of {', '.join(METHODS)}.")
        target = self.class_index(target)
        x = self._engine.normalise(pixels[None])
        if method == "guided_gradcam":
            where = self._layer(layer or self.layers[-1])
            values = self._owner.run(lambda engine: engine.guided_grad_cam(x, target, where))
        else:
            values = map_by_pixel(method, x, target, forward=self._forward, gradient=self._gradient)
        array = values.cpu().numpy()
        array.flags.writeable = False
        return Map("input", target, self.classes[target], method, array)

    def see(self, picture: PictureLike) -> NDArray[np.uint8]:
        """The picture as the network sees it: uint8 (height, width, 3)."""
        return fit(as_pixels(picture), self.preprocessing)

    def class_index(self, one: int | str) -> int:
        """The index of a class given by name or index. Raises RequestError where there is none."""
        if isinstance(one, str):
            if one in self.classes:
                return self.classes.index(one)
        elif 0 <= one < len(self.classes):
            return int(one)
        some = ", ".join(self.classes[:5]) + (", ..." if len(self.classes) > 5 else "")
        raise RequestError(f"{self.name} has no class {one!r}; it has {len(self.classes)}: {some}.")

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

    def _check(self, request: Request) -> None:
        # before the launch: on CUDA a bad index would poison the context for everyone
        for index in request.classes:
            self.class_index(index)
        for layer in request.layers:
            self._layer(layer)
        for path in request.features:
            if path not in {site.path for site in self.sites}:
                raise RequestError(f"{self.name} has no gate {path!r}.")
        if request.layers and not 1 <= request.map_top <= len(self.classes):
            raise RequestError(f"Maps are for 1 to {len(self.classes)} classes of {self.name}, not {request.map_top}.")

    def _layer(self, path: str) -> str:
        if not path or path not in self._modules:
            raise RequestError(f"{self.name} has no layer {path!r}; try one of {', '.join(self.layers)}.")
        return path

    def _forward(self, x: Tensor) -> Tensor:
        result: Tensor = self._owner.run(lambda engine: engine.forward(x))
        return result

    def _gradient(self, x: Tensor, classes: Tensor) -> Tensor:
        result: Tensor = self._owner.run(lambda engine: engine.gradient(x, classes))
        return result


def load(name: str | os.PathLike[str], *, device: str | torch.device | None = None, precision: str = "float32") -> Model:
    """A model by the name of its checkpoint folder, or by a path to one.

    Args:
        device: such as "cpu" or "cuda:0"; CUDA, then MPS, then CPU when None.
        precision: "float32", or "bfloat16" for throughput (gates move by about 2e-3).

    Raises CheckpointError where the checkpoint is missing, damaged or altered.
    """
    from seviz.checkpoints import open_checkpoint

    checkpoint = open_checkpoint(name)
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
    )


def as_pixels(picture: PictureLike) -> NDArray[np.uint8]:
    """uint8 (H, W, 3) of a path, bytes, array or Picture. Raises PictureError where it cannot be had."""
    if isinstance(picture, Picture):
        return picture.pixels
    if isinstance(picture, np.ndarray):
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
            raise PictureError(f"A picture is uint8 (H, W, 3), not {picture.dtype} {picture.shape}.")
        return picture
    if isinstance(picture, bytes):
        return decode(picture).pixels
    if not isinstance(picture, str | os.PathLike):
        raise PictureError(f"A picture is a path, bytes, a uint8 array (H, W, 3) or a Picture, not {type(picture).__name__}.")
    return read_picture(picture).pixels


def read_picture(path: str | os.PathLike[str]) -> Picture:
    """The picture in a file. Raises PictureError where it cannot be read, is too large, or is no picture."""
    try:
        if Path(path).exists() and not (Path(path).is_file() or Path(path).is_dir()):  # a pipe would be waited for without end
            raise PictureError(f"{os.fspath(path)} is not a file; choose a picture saved as JPEG or PNG.")
        with Path(path).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > MAX_BYTES:  # before it is read: the file may be larger than the memory
                limit = f"{MAX_BYTES // 2**20} MB is the limit"
                raise PictureError(f"{os.fspath(path)} has {size / 2**20:.0f} MB, and {limit}; make the picture smaller.")
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or error
        raise PictureError(f"{os.fspath(path)} cannot be read ({reason}).") from error
    return decode(content)
