"""Every colour of the figures.

    CIVIDIS     0..1 and everything else that starts at 0: even for all kinds of colour vision, lightness strictly rising
    DIVERGING   signed values, centred at 0: blue below, red above, equally light on both sides
    CHOSEN      what the person picked; SE_MARK an SE block; RUNS, CLASSES and stage_colours() tell things apart
    NEUTRAL     lines and fills that must be seen on white and on black

No figure sets the colour of its text: the page's theme does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# cividis (Nunez, Anderton, Renslow, 2018) in 256 steps; three of them differ by one unit of one channel from the usual
# table, where rounding to 8 bits had left the luminance of neighbours falling.
_CIVIDIS = (
    "00224e00234f00245100255300255400265600275800285900285b00295d002a5f002a61002b62002c64002c66002d68"
    "002e6a002e6c002f6d00306f0030700031700031710132710533710833710c34700f357012357014367016377018376f"
    "1a386f1c396f1e3a6f203a6f213b6e233c6e243c6e263d6e273e6e293f6e2a3f6e2b406d2d416d2e416d2f426d31436d"
    "32436d33446d34456c35456c36466c38476c39486c3a486c3b496c3c4a6c3d4a6c3e4b6c3f4c6c404c6c414d6c424e6c"
    "434e6c444f6c45506c46516c47516c48526c49536c4a536c4b546c4c556c4d556c4e566c4f576c50576c51586d52596d"
    "535a6d545a6d555b6d555c6d565c6d575d6d585e6d595e6e5a5f6e5b606e5c616e5d616e5e626e5e636f5f636f60646f"
    "61656f62656f636670646770656870656871666970676a71686a71696b716a6c716b6d726c6d726c6e726d6f726e6f73"
    "6f70737071737172747272747273747374757474757575757676767777767777777878777979777a7a787b7a787c7b78"
    "7d7c787e7c787e7d787f7e78807f78817f788280798381798482798582798683798784788885788985788a86788b8778"
    "8c88788d88788e89788f8a78908b78918b78928c78928d78938e78948e77958f779690779791779892779992779a9376"
    "9b94769c95769d95769e96769f9775a09875a19975a29975a39a74a49b74a59c74a69c74a79d73a89e73a99f73aaa073"
    "aba072aca172ada272aea371afa471b0a571b1a570b3a670b4a76fb5a86fb6a96fb7a96eb8aa6eb9ab6dbaac6dbbad6d"
    "bcae6cbdae6cbeaf6bbfb06bc0b16ac1b26ac2b369c3b369c4b468c5b568c6b667c7b767c8b866c9b965cbb965ccba64"
    "cdbb63cebc63cfbd62d0be62d1bf61d2c060d3c05fd4c15fd5c25ed6c35dd7c45cd9c55cdac65bdbc75adcc859ddc858"
    "dec958dfca57e0cb56e1cc55e2cd54e4ce53e5cf52e6d051e7d150e8d24fe9d34eead34cebd44bedd54aeed649efd748"
    "f0d846f1d945f2da44f3db42f5dc41f6dd3ff7de3ef8df3cf9e03afbe138fce236fde334fee434fee535fee636fee838"
)
# RdBu (ColorBrewer, C. Brewer), reversed
_DIVERGING = ("053061", "2166ac", "4393c3", "92c5de", "d1e5f0", "f7f7f7", "fddbc7", "f4a582", "d6604d", "b2182b", "67001f")

NEUTRAL = "#808080"
CHOSEN = "#D55E00"
SE_MARK = "#E69F00"  # an SE block in a drawing
# Okabe and Ito, 2008; the first four have 2.9 : 1 or more against white and against Streamlit's dark background
RUNS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#999999", "#882255")
# Okabe and Ito without black, then grey and two of P. Tol's muted colours
CLASSES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999", "#882255", "#44AA99")
_STAGE_ENDS = ("9ecae1", "1f5a94")

Colourscale = list[tuple[float, str]]


def _rgb(digits: str) -> NDArray[np.float64]:
    return np.frombuffer(bytes.fromhex(digits), dtype=np.uint8).reshape(-1, 3).astype(np.float64)


def _table(anchors: NDArray[np.float64], steps: int) -> NDArray[np.uint8]:
    at = np.linspace(0, len(anchors) - 1, steps)
    channels = [np.interp(at, np.arange(len(anchors)), anchors[:, channel]) for channel in range(3)]
    table: NDArray[np.uint8] = np.rint(np.stack(channels, 1)).astype(np.uint8)
    return table


# uint8 (256, 3), coldest first; and uint8 (255, 3), whose middle entry, 127, is the colour of 0
CIVIDIS = _table(_rgb("".join(_CIVIDIS)), 256)
DIVERGING = _table(_rgb("".join(_DIVERGING)), 255)


def colourise(values: NDArray[np.floating], top: float, *, signed: bool = False) -> NDArray[np.uint8]:
    """The colours of values: uint8 (..., 3).

    Args:
        values: finite, any shape and unit.
        top: the value of the strongest colour; beyond it nothing changes. 0 or less: everything has the colour of 0.
        signed: False, cividis from 0 to top (below 0 as 0); True, the diverging map from -top to top.
    """
    share = np.zeros(np.shape(values)) if top <= 0 else np.clip(np.asarray(values, dtype=np.float64) / top, -1, 1)
    steps = 127 + 127 * share if signed else 255 * np.maximum(share, 0)
    table = DIVERGING if signed else CIVIDIS
    colours: NDArray[np.uint8] = table[np.rint(steps).astype(np.intp)]
    return colours


def colourscale(*, signed: bool = False) -> Colourscale:
    """The same colours for Plotly: every fifteenth step of cividis, or the anchors of the diverging map."""
    colours = CIVIDIS[::15] if not signed else _rgb("".join(_DIVERGING)).astype(np.uint8)
    return [(float(share), _hex(colour)) for share, colour in zip(np.linspace(0, 1, len(colours)), colours, strict=True)]


def run_colour(index: int) -> str:
    """The colour of the index-th run, model or series."""
    return RUNS[index % len(RUNS)]


def class_colour(index: int) -> str:
    """The colour of a class; after ten they repeat, so that a name must stand beside it."""
    return CLASSES[index % len(CLASSES)]


def stage_colours(count: int) -> tuple[str, ...]:
    """One colour a stage: one hue, darker with depth."""
    return tuple(_hex(colour) for colour in _table(_rgb("".join(_STAGE_ENDS)), max(count, 2))[:count])


def faint(colour: str, opacity: float) -> str:
    """ "#rrggbb" -> "rgba(r,g,b,opacity)"."""
    red, green, blue = _rgb(colour.lstrip("#"))[0].astype(int)
    return f"rgba({red},{green},{blue},{opacity:g})"


def _hex(colour: NDArray[np.uint8]) -> str:
    return "#" + "".join(f"{int(part):02x}" for part in colour)
