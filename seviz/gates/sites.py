"""What a gate of a network is, how it is reached, and what a forward pass leaves of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True)
class Site:
    """One gate of a network.

    path: of the module that multiplies by the gate, such as "layer3.5.se"; where it multiplies by several, "#2" and so on
    behind it. stage, block: where it stands, both counted from 1 (0 where the path does not say).
    channels: C, how many numbers multiply; where a softmax shares each channel out among paths, channels x paths, path by
    path. hidden: units of the bottleneck, which limit what a gate can say; 0 where there is none or it is not known.
    kind: "sigmoid", "hard sigmoid", "clamp", "softmax" (over paths) or "spatial" (each pixel has a gate of its own).
    neutral: what multiplies where nothing is said: 1; 0.5 where the network doubles what was scaled; 1 / paths.
    """

    path: str
    stage: int
    block: int
    channels: int
    hidden: int
    kind: str = "sigmoid"
    neutral: float = 1.0

    @property
    def title(self) -> str:
        return f"stage {self.stage} · block {self.block}" if self.stage else self.path


@dataclass(frozen=True)
class Place:
    """Where in a forward pass a tensor is caught.

    module: its path. at: "output" or "input" (the first) of the module, or "gate", "map" or "result" of a multiplication
    in the module's forward. number: which one of its multiplications, those of its submodules counted, from 0.
    operand: which of the two factors is the gate.
    """

    module: str
    at: str
    number: int = 0
    operand: int = 1


@dataclass(frozen=True)
class Point:
    """How a site is reached.

    gate: where what multiplies is caught. product: the multiplication itself. map: where what is scaled is caught. squeeze:
    where the input of the gate's branch is, None: it is the mean of the map over the pixels. hidden: where the bottleneck's
    activations are, None: nowhere.
    layout: how the caught gate lies: "own" ((B, C) or (B, H, W, C), as seviz.nets has it), "flat" or, with channels behind
    the pixels in the map, "last" (C numbers a picture, whatever the shape), or "pixels" ((B, C, H, W)).
    """

    site: Site
    gate: Place
    product: Place
    map: Place
    squeeze: Place | None
    hidden: Place | None
    layout: str = "own"


@dataclass
class Recording:
    """What one forward pass left behind; a second pass in the same `with` replaces it.

    gates, squeezes: site path -> tensor (B, C), detached, on the network's device; where each pixel has a gate of its own
    (the "none" of SqueezeExcite, kind "spatial") the gate is (B, H, W, C), and with "none" the squeeze too. A gate that is
    edited is recorded as edited: it is what multiplied. A squeeze is what the first layer of the gate's branch is given,
    where that is a number a channel; elsewhere the mean over the pixels of what the gate scales.
    hidden: where it was asked for and is known, the activations of the bottleneck, which the last layer of the gate's branch
    is given: (B, hidden) or (B, H, W, hidden).
    """

    gates: dict[str, Tensor] = field(default_factory=dict)
    squeezes: dict[str, Tensor] = field(default_factory=dict)
    hidden: dict[str, Tensor] = field(default_factory=dict)


def by_channel(values: Tensor) -> Tensor:
    """Recorded gates or squeezes as (B, C): without squeeze, (B, H, W, C) is taken at its mean over the pixels."""
    return values.mean((1, 2)) if values.dim() == 4 else values
