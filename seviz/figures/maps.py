"""Evidence over a picture, the colours it is drawn in, and feature maps.

A map's values keep their unit: `top` is the value of the strongest colour, so that several maps can share a scale
(shared_top). A map that is never below 0 (Grad-CAM, saliency) is drawn in cividis from 0, a signed one in the diverging
map centred at 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seviz.figures.colours import colourise

Pixels = NDArray[np.uint8]
Values = NDArray[np.floating]


def is_signed(*maps: Values) -> bool:
    """Whether the maps need the diverging colours: some value is below 0."""
    return any(bool((values < 0).any()) for values in maps)


def shared_top(maps: Iterable[Values]) -> float:
    """The value of the strongest colour on which all maps fit: the largest magnitude; 0 where all of them are 0."""
    return max((float(np.abs(values).max(initial=0)) for values in maps), default=0.0)


def overlay(
    picture: Pixels, values: Values, opacity: float = 0.55, top: float | None = None, *, signed: bool | None = None
) -> Pixels:
    """A map laid over a picture in grey, so that every colour that is seen is the map's.

    Args:
        picture: uint8 (H, W, 3). values: finite (h, w), any unit; brought to H x W bilinearly before it is coloured.
        opacity: 0 shows the picture alone, as it is; over the first quarter it loses its colours; 1 the map alone.
        top: the value of the strongest colour; None for the map's own largest magnitude.
        signed: diverging colours; None where some value is below 0.

    Returns uint8 (H, W, 3).
    """
    signed = is_signed(values) if signed is None else signed
    fitted = upsampled(values, picture.shape[0], picture.shape[1])
    colours = colourise(fitted, shared_top([values]) if top is None else top, signed=signed)
    out: Pixels = np.rint((1 - opacity) * _greyed(picture, opacity) + opacity * colours).astype(np.uint8)
    return out


def _greyed(picture: Pixels, opacity: float) -> NDArray[np.float64]:
    """The picture as it lies below a map of that opacity: float64 (H, W, 3), 0..255. Luma of ITU-R BT.601."""
    grey = (picture @ np.array([0.299, 0.587, 0.114]))[..., None]
    share = min(1.0, 4 * opacity)
    mixed: NDArray[np.float64] = (1 - share) * picture + share * grey
    return mixed


def upsampled(values: Values, height: int, width: int) -> NDArray[np.float64]:
    """Bilinear, pixel centres aligned, edges held: (h, w) -> (height, width)."""
    rows, columns = _weights(values.shape[0], height), _weights(values.shape[1], width)
    fitted: NDArray[np.float64] = rows @ np.asarray(values, dtype=np.float64) @ columns.T
    return fitted


def _weights(source: int, target: int) -> NDArray[np.float64]:
    """(target, source): how much each source pixel gives to each target pixel along one side; rows sum to 1."""
    at = np.clip((np.arange(target) + 0.5) * source / target - 0.5, 0, source - 1)
    weights: NDArray[np.float64] = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(source)))
    return weights


def enlarged(pixels: Pixels, side: int = 384) -> Pixels:
    """Every pixel as a square of whole screen pixels, so that the longer side is at least `side`: what the network
    sees, without a browser's smoothing. uint8 (H, W, 3) -> (f H, f W, 3)."""
    factor = max(1, -(-side // max(pixels.shape[:2])))
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)


def map_alt(values: Values, *, label: str, layer: str, method: str = "Grad-CAM", unit: str = "logit") -> str:
    """A map in words: where its strongest value lies, how large it is, how far it spreads."""
    start = f"{method} for {label} at {layer}"
    top = shared_top([values])
    if top == 0:
        return f"{start}: no evidence anywhere, all values are 0."
    row, column = np.unravel_index(np.abs(values).argmax(), values.shape)
    place = _place(int(row), int(column), values.shape[0], values.shape[1])
    kind = "against" if values[row, column] < 0 else "for"
    share = float((np.abs(values) > top / 2).mean())
    return (
        f"{start}: strongest evidence {kind} it at the {place}, {float(values[row, column]):.3g} {unit}; "
        f"{100 * share:.0f} % of the map has more than half of that."
    )


def _place(row: int, column: int, height: int, width: int) -> str:
    down = ("top", "middle", "bottom")[min(2, 3 * row // height)]
    across = ("left", "centre", "right")[min(2, 3 * column // width)]
    return {"middle centre": "centre"}.get(f"{down} {across}", f"{down} {across}")


def colour_strip(*, signed: bool = False) -> Pixels:
    """The colours from the lowest to the highest value, as a picture: uint8 (8, 256, 3)."""
    ramp = np.linspace(-1 if signed else 0, 1, 256)
    return np.repeat(colourise(ramp, 1.0, signed=signed)[None], 8, axis=0)


@dataclass(frozen=True, eq=False)
class FeaturePictures:
    """A channel before and after its gate: uint8 (h, w, 3) each, on one scale. top: the value of the strongest colour,
    in units of activation. signed: whether the colours are the diverging ones."""

    before: Pixels
    after: Pixels
    top: float
    signed: bool


def feature_pictures(
    features: Values, gate: float, *, top: float | None = None, signed: bool | None = None
) -> FeaturePictures:
    """A channel's map u and the scaled map s u as pictures on one scale, so that a closed gate looks faded.

    Args:
        features: finite (h, w), the input of the scaling. gate: s, 0..1.
        top, signed: as in overlay, both for u; give them to put several channels on one scale.
    """
    signed = is_signed(features) if signed is None else signed
    top = shared_top([features]) if top is None else top
    scaled = np.asarray(features, dtype=np.float64) * gate
    return FeaturePictures(colourise(features, top, signed=signed), colourise(scaled, top, signed=signed), top, signed)


def side_by_side(pair: FeaturePictures, side: int = 96) -> Pixels:
    """Before and after as one picture, a clear gap between them: uint8 (H, W, 4), RGBA, pixels as squares.

    side: what each of the two is enlarged to at least.
    """
    before, after = (enlarged(pixels, side) for pixels in (pair.before, pair.after))
    gap = max(2, before.shape[1] // 12)
    out = np.zeros((before.shape[0], 2 * before.shape[1] + gap, 4), dtype=np.uint8)
    for pixels, left in ((before, 0), (after, before.shape[1] + gap)):
        out[:, left : left + pixels.shape[1], :3] = pixels
        out[:, left : left + pixels.shape[1], 3] = 255
    return out


def feature_alt(features: Values, gate: float, channel: int) -> str:
    """A channel's map before and after its gate in words."""
    low, high = float(features.min()), float(features.max())
    return (
        f"Feature map of channel {channel}, values from {low:.3g} to {high:.3g}; "
        f"its gate of {gate:.2f} scales them to {low * gate:.3g} to {high * gate:.3g}."
    )
