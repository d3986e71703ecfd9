"""Figures in a file of their own, without a page of the app around them: Plotly's JavaScript, figures as JSON, themes."""

from __future__ import annotations

import json
from typing import Any

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from seviz.figures.colours import RUNS

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"  # what the reader's machine has: nothing is fetched
# (text, lines of the grid, lines of axes, behind the hover's words), as in the app's own two themes
INKS = {
    "light": ("#1f2733", "#e3e7ed", "#aab2bf", "#ffffff"),
    "dark": ("#e6eaf0", "#2a323d", "#5b6675", "#1a2029"),
}


def plotly_javascript() -> str:
    """Plotly's JavaScript as it goes between script tags: no line ends but \\n, nothing that could close the tag."""
    source: str = get_plotlyjs().replace("\r\n", "\n").replace("\r", "\n")
    return source.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def figure_json(figure: go.Figure) -> str:
    """A figure as JSON, without its theme, which the page that shows it sets (themes())."""
    values = json.loads(figure.to_json())
    values["layout"].pop("template", None)
    values["layout"].pop("meta", None)  # the alt text, which stands beside the figure
    return json.dumps(values, separators=(",", ":"), ensure_ascii=False)


def themes() -> dict[str, Any]:
    """Plotly's templates for a light and a dark page: {"light": ..., "dark": ...}."""
    return {name: {"layout": _layout(*inks)} for name, inks in INKS.items()}


def _layout(ink: str, grid: str, line: str, behind: str) -> dict[str, Any]:
    axis = {"gridcolor": grid, "linecolor": line, "zerolinecolor": line, "ticks": "", "title": {"standoff": 10}}
    return {
        "font": {"family": FONT, "size": 12, "color": ink},
        "title": {"font": {"size": 14}},
        "colorway": list(RUNS),
        "xaxis": axis,
        "yaxis": axis,
        "hoverlabel": {"bgcolor": behind, "bordercolor": line, "font": {"color": ink, "family": FONT}, "align": "left"},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": line, "activecolor": ink},
    }
