"""The SE block inside a residual unit, drawn: squeeze, excitation, scale (figures 1 to 3 of the paper, in spirit)."""

from __future__ import annotations

from seviz.figures.colours import CIVIDIS, NEUTRAL, RUNS, SE_MARK
from seviz.figures.networks import svg

WIDTH, HEIGHT = 360, 560
SKIP, MAIN, SIDE = 18, 100, 268  # x of the shortcut, the branch and the SE block
GATES = (0.95, 0.15, 0.55, 0.8, 0.05, 0.7)  # of the channels in the drawing
ALT = (
    "An SE block in a residual unit. The branch's convolutions make a map u of C channels. Squeeze: the mean of every "
    "channel gives z, C numbers. Excitation: a layer to C over r units with ReLU and a layer back to C with a sigmoid "
    "give the gates s, one number from 0 to 1 a channel. Scale: every channel of u is multiplied by its gate. Then the "
    "shortcut is added, and a ReLU follows."
)


def block_drawing() -> str:
    """SVG text, as wide as its column; text and lines in the colour of the text around it."""
    return svg(WIDTH, HEIGHT, ALT, _lines() + _branch() + _se_block() + _sum())


def _lines() -> str:
    paths = (
        f"M {MAIN} 26 V 62",  # x into the branch
        f"M {MAIN} 40 H {SKIP} V 486 H {MAIN - 15}",  # the shortcut
        f"M {MAIN} 108 V 140",  # the branch's output u
        f"M {MAIN} 184 V 382",  # u to the scaling
        f"M {MAIN + 62} 162 H {SIDE} V 190",  # u into the squeeze
        f"M {SIDE} 232 V 250",  # z
        f"M {SIDE} 272 V 290",  # into the layers
        f"M {SIDE} 358 V 376",  # s
        f"M {SIDE - 62} 398 H {MAIN + 15}",  # s to the scaling
        f"M {MAIN} 414 V 430",  # the scaled map
        f"M {MAIN} 456 V 470",  # into the sum
        f"M {MAIN} 502 V 536",  # out
    )
    lines = "".join(f'<path d="{path}" marker-end="url(#seviz-arrow)"/>' for path in paths)
    arrow = (
        '<defs><marker id="seviz-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M 0 0.8 L 8 4 L 0 7.2 Z" fill="{NEUTRAL}"/></marker></defs>'
    )
    return f'{arrow}<g fill="none" stroke="{NEUTRAL}" stroke-width="1.6">{lines}</g>'


def _branch() -> str:
    convolutions = _box(MAIN, 62, 124, 46, NEUTRAL, ("convolutions", "BN, ReLU"))
    return (
        _text(MAIN, 20, "<tspan font-style='italic'>x</tspan>")
        + convolutions
        + _channels(MAIN, 140, [RUNS[0]] * len(GATES), [0.9] * len(GATES), 44)
        + _text(30, 166, "<tspan font-style='italic'>u</tspan>")
        + _text(MAIN + 8, 202, "C × H × W", 12, "start")  # noqa: RUF001
        + _text(SKIP + 15, 320, "shortcut", 12, "start", turn=True)
    )


def _se_block() -> str:
    gates = ["#" + bytes(CIVIDIS[round(255 * gate)]).hex() for gate in GATES]
    squeezed = [0.7, 0.3, 0.5, 0.85, 0.4, 0.6]
    return (
        f'<rect x="{SIDE - 88}" y="176" width="176" height="246" rx="10" fill="{SE_MARK}" fill-opacity="0.12" '
        f'stroke="{SE_MARK}"/>'
        + _box(SIDE, 190, 152, 42, SE_MARK, ("1 squeeze", "mean of every channel"))
        + _channels(SIDE, 250, [RUNS[0]] * len(GATES), squeezed, 22)
        + _text(SIDE + 70, 266, "<tspan font-style='italic'>z</tspan>", 14)
        + _box(SIDE, 290, 152, 68, SE_MARK, ("2 excitation", "C → C/r, ReLU", "C/r → C, sigmoid"))
        + _channels(SIDE, 376, gates, [1.0] * len(GATES), 22)
        + _text(SIDE + 70, 392, "<tspan font-style='italic'>s</tspan>", 14)
        + _text(SIDE, 440, "gates, 0 closed to 1 open", 12)
    )


def _sum() -> str:
    return (
        _circle(MAIN, 398, "×", SE_MARK)  # noqa: RUF001
        + _text(MAIN + 12, 380, "3 scale", 12, "start")
        + _channels(MAIN, 430, [RUNS[0]] * len(GATES), [0.08 + 0.82 * gate for gate in GATES], 26)
        + _text(30, 448, "<tspan font-style='italic'>x\u0303</tspan>")
        + _circle(MAIN, 486, "+", NEUTRAL)
        + _text(MAIN + 10, 522, "ReLU", 12, "start")
        + _text(MAIN, 554, "next unit", 13)
    )


def _box(middle: float, top: float, width: float, height: float, colour: str, lines: tuple[str, ...]) -> str:
    box = (
        f'<rect x="{middle - width / 2}" y="{top}" width="{width}" height="{height}" rx="6" fill="{colour}" '
        f'fill-opacity="0.22" stroke="{colour}"/>'
    )
    start = top + height / 2 - 9 * (len(lines) - 1) + 4.5
    first = _text(middle, start, f"<tspan font-weight='bold'>{lines[0]}</tspan>", 13)
    return box + first + "".join(_text(middle, start + 18 * row, line, 12) for row, line in enumerate(lines[1:], 1))


def _channels(middle: float, top: float, colours: list[str], opacities: list[float], height: float) -> str:
    """A map as its channels side by side."""
    width, step = 16, 20
    left = middle - (step * len(colours) - (step - width)) / 2
    return "".join(
        f'<rect x="{left + index * step:g}" y="{top}" width="{width}" height="{height}" rx="2" fill="{colour}" '
        f'fill-opacity="{opacity:.2f}" stroke="{NEUTRAL}" stroke-width="0.8"/>'
        for index, (colour, opacity) in enumerate(zip(colours, opacities, strict=True))
    )


def _circle(x: float, y: float, sign: str, colour: str) -> str:
    circle = f'<circle cx="{x}" cy="{y}" r="14" fill="{colour}" fill-opacity="0.25" stroke="{colour}" stroke-width="1.5"/>'
    return circle + _text(x, y + 6, sign, 18)


def _text(x: float, y: float, words: str, size: int = 14, anchor: str = "middle", *, turn: bool = False) -> str:
    turned = f' transform="rotate(-90 {x} {y})"' if turn else ""
    return f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}"{turned}>{words}</text>'
