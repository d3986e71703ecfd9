"""What is known of a network without asking it, and whether a request asks for what there is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seviz.backend.arguments import index_of
from seviz.backend.messages import Request
from seviz.edits.resolve import check
from seviz.errors import RequestError
from seviz.gates import Site
from seviz.images import Preprocessing


@dataclass(frozen=True)
class Outline:
    """name: for sentences. classes: the outputs. preprocessing: of pictures. sites: gates. layers: stages, the last one the
    default. modules: all module paths."""

    name: str
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    sites: tuple[Site, ...]
    layers: tuple[str, ...]
    modules: frozenset[str]

    def class_index(self, one: int | str) -> int:
        """The index of a class given by name or index. Raises RequestError where there is none."""
        if isinstance(one, str):
            if one in self.classes:
                return self.classes.index(one)
        else:
            index = index_of(one, "a class is a name or an index")
            if 0 <= index < len(self.classes):
                return index
        some = ", ".join(self.classes[:5]) + (", ..." if len(self.classes) > 5 else "")
        raise RequestError(f"{self.name} has no class {one!r}; it has {len(self.classes)}: {some}.")

    def check(self, request: Request) -> None:
        """Raises RequestError where the network lacks what the request names, or its pictures are not as it sees them."""
        if not isinstance(request, Request):
            raise RequestError(f"A request is a Request, not {type(request).__name__}.")
        self.require_seen(request.pictures, 4)
        # before the launch: on CUDA a bad index would poison the context for everyone
        for index in request.classes:
            self.class_index(index)
        for layer in request.layers:
            self.layer(layer)
        for path in request.features:
            self.require_site(path)
        if request.layers and not 1 <= request.map_top <= len(self.classes):
            raise RequestError(f"Maps are for 1 to {len(self.classes)} classes of {self.name}, not {request.map_top}.")
        if request.edits:
            self._check_edits(request)

    def layer(self, path: str) -> str:
        """A layer by its module path. Raises RequestError where there is none."""
        if not isinstance(path, str) or not path or path not in self.modules:
            raise RequestError(f"{self.name} has no layer {path!r}; try one of {', '.join(self.layers)}.")
        return path

    def layer_or_last(self, path: str | None) -> str:
        """A layer by its module path, the last stage where none is named. Raises RequestError where there is none."""
        if path:
            return self.layer(path)
        if not self.layers:
            raise RequestError(f"{self.name} has no feature maps to look at; use a method that looks at the pixels.")
        return self.layers[-1]

    def require_site(self, path: str) -> None:
        """Raises RequestError for a path that is not a gate's."""
        if path not in [site.path for site in self.sites]:
            raise RequestError(f"{self.name} has no gate {path!r}.")

    def require_seen(self, pixels: NDArray[np.uint8], dimensions: int) -> None:
        """Raises RequestError for anything but uint8 (..., height, width, 3) as the network sees pictures."""
        to = self.preprocessing
        size = (to.height, to.width, 3)
        array = isinstance(pixels, np.ndarray) and pixels.dtype == np.uint8 and pixels.ndim == dimensions
        if not array or pixels.shape[-3:] != size:
            found = f"{pixels.dtype} {pixels.shape}" if isinstance(pixels, np.ndarray) else type(pixels).__name__
            raise RequestError(f"{self.name} sees uint8 pictures {size}, not {found}; Model.see makes them of any picture.")

    def _check_edits(self, request: Request) -> None:
        pictures, others = len(request.pictures), request.others
        check(request.edits, self.sites, classes=self.classes, pictures=pictures, others=others)
        shape = request.pictures.shape[1:]
        for other in others.values():
            if other.shape != shape or other.dtype != np.uint8:
                raise RequestError(f"The other pictures are uint8 {shape}, not {other.dtype} {other.shape}.")
