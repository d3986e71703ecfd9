"""What all figures have in common."""

from __future__ import annotations

import html

import plotly.graph_objects as go

CLEAR = "rgba(0,0,0,0)"

Figure = go.Figure  # for those who show figures and do not draw them


def finish(
    figure: go.Figure,
    *,
    alt: str,
    height: int,
    title: str = "",
    left: int = 0,
    right: int = 8,
    bottom: int = 40,
    legend: bool = False,
) -> go.Figure:
    """Give a figure its frame: transparent, no zooming (a page scrolls under the finger), legend below, alt text.

    Args:
        alt: what is seen, in words that follow from the numbers.
        height, left, right, bottom: pixels; axes' labels make the margins larger where they need to. A legend gets
            its place below the bottom margin.
        title: short enough for a telephone, 40 characters.
    """
    figure.update_layout(
        height=height,
        margin={"l": left, "r": right, "t": 36 if title else 8, "b": bottom, "pad": 2},
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        dragmode=False,
        showlegend=legend,
        meta={"alt": alt},
    )
    if title:
        figure.update_layout(title={"text": title, "x": 0, "xanchor": "left", "y": 1, "yanchor": "top", "pad": {"t": 6}})
    if legend:
        below = {"orientation": "h", "x": 0, "xanchor": "left", "y": 0, "yref": "container", "yanchor": "bottom"}
        figure.update_layout(legend={**below, "title": "", "itemsizing": "trace"})
    return figure.update_xaxes(fixedrange=True, automargin=True).update_yaxes(fixedrange=True, automargin=True)


def alt(figure: go.Figure) -> str:
    """What a figure shows, in words: for screen readers, as the `alt` of the page's chart."""
    words: str = figure.layout.meta["alt"]
    return words


def percent(share: float, digits: int = 1) -> str:
    """0.8812 -> "88.1 %"."""
    return f"{100 * share:.{digits}f} %"


def escaped(text: str) -> str:
    """Somebody's text where Plotly or SVG would read tags in it."""
    return html.escape(text, quote=False)


def shortened(text: str, most: int = 24) -> str:
    """A label that fits beside a bar; whole words need the hover."""
    return text if len(text) <= most else text[: most - 1].rstrip(" ,") + "…"


def listed(items: list[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else "none"
