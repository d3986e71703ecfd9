"""Heat maps as a page needs them: quantised, so that they are small, and under unseen points, so that a cell can be chosen.

Plotly's heat maps tell a page nothing of a click; scattered points do, also where they cannot be seen.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seviz.figures.colours import colourscale

CLOSE, POINTS = 64, 4000  # unseen points of a row at least (16 pixels apart where a page is widest), and in all


def quantised(values: NDArray[np.floating], top: float, *, signed: bool = False) -> NDArray[np.uint8]:
    """Values in 0..top as 0..255; signed ones in -top..top as 0..254, where 127 is 0."""
    share = np.asarray(values, dtype=np.float64) / top
    return (np.rint(127 + 127 * np.clip(share, -1, 1)) if signed else np.rint(255 * np.clip(share, 0, 1))).astype(np.uint8)


def quantised_axis(top: float, title: str, *, signed: bool, ends: tuple[str, str] | None = None) -> dict[str, object]:
    """The colour axis of quantised(..., top, signed=signed), its bar below the figure and in true units.

    ends: words for the ends of an unsigned one, in the place of 0 and top.
    """
    ticks = [0, 63.5, 127, 190.5, 254] if signed else [0, 127.5, 255]
    words = [f"{top * share:+.2g}" for share in (-1, -0.5, 0, 0.5, 1)] if signed else ["0", f"{top / 2:.2g}", f"{top:.2g}"]
    words[2] = "0" if signed else words[2]
    if ends and not signed:
        words[0], words[2] = ends
    return {
        "colorscale": colourscale(signed=signed),
        "cmin": 0,
        "cmax": 254 if signed else 255,
        "colorbar": {
            "orientation": "h", "y": 0, "yanchor": "top", "thickness": 10, "len": 1, "xpad": 0, "ypad": 10,
            "tickvals": ticks, "ticktext": words, "title": {"text": title, "side": "bottom"}, "outlinewidth": 0,
        },
    }  # fmt: skip


def unseen_points(count: int, rows: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Places of unseen points over a row of `count` cells, one of `rows`: (x in 0..1, the cell each stands on).

    So close together that the nearest point is always one of the row under the pointer; where there is room, each in its
    channel's cell, and as many in every cell.
    """
    points = min(max(CLOSE, POINTS // max(1, rows)), count * -(-CLOSE // count))
    places = (np.arange(points) + 0.5) / points
    return places, (places * count).astype(np.int64)
