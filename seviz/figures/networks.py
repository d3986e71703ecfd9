"""What a network is made of, and what SE blocks bring at what cost, by the paper's figures.

Drawings are SVG text for a page's HTML: they take the colour of the text around them, and fit a telephone.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from seviz.analysis.paper import Pair, Result, imagenet
from seviz.errors import RequestError
from seviz.figures.colours import NEUTRAL, RUNS, SE_MARK, stage_colours
from seviz.figures.layout import escaped, finish, listed

STEMS = {"3x3": (0, "3 × 3"), "3x3/2": (1, "3 × 3, stride 2"), "7x7/2+pool": (2, "7 × 7, stride 2, pooling")}  # noqa: RUF001
STAGE_ROW, PLAIN_ROW, LEFT, WIDTH = 62, 34, 132, 360  # of the drawing, in its own units: pixels on a telephone
PAIRS = ("ResNet-50", "ResNet-101")


@dataclass(frozen=True)
class Stage:
    """units: residual units. channels, height, width: of the map it puts out. se: whether its units have SE blocks."""

    units: int
    channels: int
    height: int
    width: int
    se: bool


@dataclass(frozen=True)
class Shape:
    """A ResNet as the maps it makes of a picture of height x width. stem: its convolution in words, and what it puts
    out: (channels, height, width). classes: logits."""

    height: int
    width: int
    stem: str
    stem_map: tuple[int, int, int]
    stages: tuple[Stage, ...]
    classes: int

    @property
    def se_blocks(self) -> int:
        return sum(stage.units for stage in self.stages if stage.se)


def shape_of(options: Mapping[str, Any], height: int, width: int) -> Shape:
    """The shape of a network of seviz.nets for pictures of height x width.

    Args: options: as they stand in a card (seviz.nets.to_card). Raises RequestError for a stem that there is not.
    """
    if options["stem"] not in STEMS:
        raise RequestError(f"There is no stem {options['stem']!r}; a network has one of {', '.join(STEMS)}.")
    halvings, stem = STEMS[options["stem"]]
    h, w = _strided(height, 2**halvings), _strided(width, 2**halvings)
    stem_map = (64 if options["stem"] == "7x7/2+pool" else options["widths"][0], h, w)
    se, expansion = options["se"], 4 if options["bottleneck"] else 1
    stages = []
    columns = zip(options["blocks"], options["widths"], options["strides"], strict=True)
    for number, (units, channels, stride) in enumerate(columns, 1):
        h, w = _strided(h, stride), _strided(w, stride)
        gated = se is not None and (se["stages"] is None or number in se["stages"])
        stages.append(Stage(units, channels * expansion, h, w, gated))
    return Shape(height, width, stem, stem_map, tuple(stages), options["classes"])


def _strided(side: int, stride: int) -> int:
    """All convolutions and pooling are padded by half their kernel, which leaves ceil(side / stride)."""
    return -(-side // stride)


def network_drawing(name: str, shape: Shape) -> str:
    """A network from picture to logits, a row a stage: SVG. Every unit is a box, its height the side of its map on a
    logarithmic scale; an SE block is an orange foot."""
    y, parts = 6, []
    rows = [(f"picture 3 × {shape.height} × {shape.width}", ""), (f"convolution {shape.stem}", _size(*shape.stem_map))]  # noqa: RUF001
    for words, size in rows:
        parts.append(_plain_row(y, words, size))
        y += PLAIN_ROW
    for number, (stage, colour) in enumerate(zip(shape.stages, stage_colours(len(shape.stages)), strict=True), 1):
        parts.append(_stage_row(y, number, stage, colour))
        y += STAGE_ROW
    parts.append(_plain_row(y, f"mean over pixels, {shape.stages[-1].channels} → {shape.classes} logits", ""))
    y += PLAIN_ROW
    if shape.se_blocks:
        parts.append(f'<rect x="0" y="{y + 3}" width="14" height="7" rx="2" fill="{SE_MARK}"/>')
        parts.append(_text(22, y + 12, "SE block", 12))
        y += 20
    return svg(WIDTH, y, network_alt(name, shape), "".join(parts))


def network_alt(name: str, shape: Shape) -> str:
    """The drawing in words."""
    stages = [
        f"stage {number} has {stage.units} units{' with SE blocks' if stage.se else ''} and puts out "
        f"{stage.channels} channels of {stage.height} by {stage.width}"
        for number, stage in enumerate(shape.stages, 1)
    ]
    return f"{name}: {listed(stages)}; {shape.se_blocks or 'no'} SE blocks in all."


def _plain_row(y: int, words: str, size: str) -> str:
    left, right = _text(0, y + 18, words, 13), _text(WIDTH, y + 18, size, 12, anchor="end", opacity=0.75)
    return left + right


def _stage_row(y: int, number: int, stage: Stage, colour: str) -> str:
    words = _text(0, y + 24, f"<tspan font-weight='bold'>stage {number}</tspan> · {stage.units} units", 13)
    words += _text(0, y + 42, _size(stage.channels, stage.height, stage.width), 12, opacity=0.75)
    step = min(34.0, (WIDTH - LEFT) / stage.units)
    width, middle = step - min(6.0, step / 4), y + STAGE_ROW / 2
    return words + "".join(_unit(LEFT + index * step, middle, width, stage, colour) for index in range(stage.units))


def _unit(x: float, middle: float, width: float, stage: Stage, colour: str) -> str:
    height = 12 + 6.5 * max(stage.height, stage.width).bit_length()
    top, radius = middle - height / 2, min(3.0, width / 4)
    box = f'<rect x="{x:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{radius:.1f}" fill="{colour}"/>'
    if not stage.se:
        return box
    foot = f'y="{top + height - 7:.1f}" width="{width:.1f}" height="7" rx="{min(2.0, radius):.1f}" fill="{SE_MARK}"'
    return f'{box}<rect x="{x:.1f}" {foot}/>'


def _size(channels: int, height: int, width: int) -> str:
    return f"{channels} × {height} × {width}"  # noqa: RUF001


def _text(x: float, y: float, words: str, size: int, *, anchor: str = "start", opacity: float = 1) -> str:
    """words: markup of our own, never somebody's text."""
    faded = f' opacity="{opacity}"' if opacity < 1 else ""
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchor}"{faded}>{words}</text>'


def svg(width: int, height: int, alt: str, body: str) -> str:
    """A drawing that is as wide as its column, up to 1.3 times its own size, in the colour of the text around it."""
    style = f"width:100%;max-width:{round(1.3 * width)}px;height:auto;font-family:inherit"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{html.escape(alt)}" fill="currentColor" style="{style}">{body}</svg>'
    )


def paper_chart(names: Sequence[str] = PAIRS, *, error: str = "top1") -> go.Figure:
    """Error against computation of networks without and with SE blocks, as the paper reports them (tables 2 and 3).

    Args:
        names: plain networks of seviz.analysis.paper.IMAGENET; the default shows what the paper is known for: an
            SE-ResNet-50 comes near a ResNet-101 at half its computation.
        error: "top1" or "top5", in %, ImageNet validation, one centre crop.
    """
    pairs = [imagenet(name) for name in names]
    figure = go.Figure()
    for pair in pairs:
        points = (pair.plain, pair.se)
        figure.add_scatter(
            x=[point.multiply_adds for point in points], y=[getattr(point, error) for point in points], mode="lines",
            line={"color": NEUTRAL, "width": 1.5, "dash": "dot"}, hoverinfo="skip", showlegend=False,
        )  # fmt: skip
    _add_results(figure, [pair.plain for pair in pairs], error, "without SE blocks", RUNS[1], "circle-open", "top")
    _add_results(figure, [pair.se for pair in pairs], error, "with SE blocks", RUNS[0], "circle", "bottom")
    _frame_results(figure, pairs, error)
    return finish(figure, alt=_paper_alt(pairs, error), height=380, bottom=70, legend=True)


def _add_results(
    figure: go.Figure, results: Sequence[Result], error: str, name: str, colour: str, symbol: str, side: str
) -> None:
    last = max((result.multiply_adds or 0) for result in results)
    ring = {"width": 3 if "open" in symbol else 0, "color": colour}
    figure.add_scatter(
        x=[result.multiply_adds for result in results], y=[getattr(result, error) for result in results], name=name,
        text=[f"{escaped(result.name)}<br>{getattr(result, error):.2f} %" for result in results], mode="markers+text",
        textposition=[f"{side} {'left' if result.multiply_adds == last else 'right'}" for result in results],
        marker={"color": colour, "size": 13, "symbol": symbol, "line": ring},
        hovertemplate="%{text}<br>%{x} G multiply-adds<extra></extra>",
    )  # fmt: skip


def _frame_results(figure: go.Figure, pairs: Sequence[Pair], error: str) -> None:
    results = [result for pair in pairs for result in (pair.plain, pair.se)]
    costs, errors = [result.multiply_adds or 0 for result in results], [getattr(result, error) for result in results]
    wide, tall = max(costs) - min(costs) or 1, max(errors) - min(errors) or 1
    figure.update_xaxes(range=[max(0, min(costs) - 0.12 * wide), max(costs) + 0.1 * wide], zeroline=False)
    figure.update_yaxes(range=[min(errors) - 0.25 * tall, max(errors) + 0.25 * tall], zeroline=False)
    figure.update_xaxes(title="multiply-adds of one picture (G)")
    figure.update_yaxes(title=f"{'top-1' if error == 'top1' else 'top-5'} error (%)", ticksuffix=" %", nticks=6)


def _paper_alt(pairs: Sequence[Pair], error: str) -> str:
    words = [
        f"{pair.plain.name} {getattr(pair.plain, error):.2f} % at {pair.plain.multiply_adds} G, "
        f"{pair.se.name} {getattr(pair.se, error):.2f} % at {pair.se.multiply_adds} G"
        for pair in pairs
    ]
    return f"{'Top-1' if error == 'top1' else 'Top-5'} error against multiply-adds, as the paper reports: {'; '.join(words)}."
