"""What the figures of two networks mean: sides, colours, numbers, and what can be clicked."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
import plotly.graph_objects as go
import pytest

from seviz.analysis.classification import summarise
from seviz.analysis.comparison import (
    CELLS,
    ONLY_FIRST,
    OTHER_WRONG,
    SAME_WRONG,
    Agreement,
    ClassDifference,
    Comparison,
    Side,
    compare,
    pair,
)
from seviz.figures import colours, comparison, costs, layout, mistaken
from seviz.figures.colours import NEUTRAL, RUNS

NAMES = ("ant", "bee", "cat", "dog")


def sides(better: float) -> Comparison:
    """A is right more often by as much as `better` is above 1."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 4, 800).astype(np.int16)
    ids = tuple(f"x/{index}" for index in range(800))
    shared = generator.normal(size=(800, 4))
    logits = [shared + generator.normal(size=(800, 4)) + pull * np.eye(4)[labels] for pull in (better, 1.0)]
    return compare(pair(*(Side(name, NAMES, ids, labels, one) for name, one in zip("AB", logits, strict=True))))


def marks(figure: go.Figure) -> list[go.Scatter]:
    return [trace for trace in figure.data if "markers" in (trace.mode or "")]


def luminance(colour: str) -> float:
    red, green, blue = (int(part) for part in re.findall(r"\d+", colour)[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


# differences


@pytest.mark.parametrize(("better", "colour"), [(3.0, RUNS[0]), (-1.0, RUNS[1]), (1.0, NEUTRAL)])
def test_a_difference_has_the_colour_of_the_better_network_or_none(better: float, colour: str) -> None:
    found = sides(better)
    figure = comparison.difference(found)
    assert {mark.marker.color for mark in marks(figure)} == {colour}
    assert [mark.x[0] for mark in marks(figure)] == pytest.approx([100 * found.difference.difference] * 2)


def test_a_difference_is_drawn_with_both_intervals_around_a_line_at_zero() -> None:
    found = sides(1.2)
    figure = comparison.difference(found)
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    assert [list(line.x) for line in lines] == [
        pytest.approx([100 * end for end in interval]) for interval in (found.difference.bootstrap, found.difference.interval)
    ]
    low, high = figure.layout.xaxis.range
    assert low == -high < min(min(line.x) for line in lines)
    assert [(shape.x0, shape.x1) for shape in figure.layout.shapes] == [(0, 0)]
    assert figure.layout.xaxis.title.text == "← B better · points · A better →"


def test_identical_networks_have_a_drawable_difference() -> None:
    found = sides(1.0)
    one = replace(found.difference, difference=0.0, interval=(0.0, 0.0), bootstrap=(0.0, 0.0), p=1.0)
    figure = comparison.difference(replace(found, difference=one))
    assert list(figure.layout.xaxis.range) == [-1, 1]


def row(label: str, difference: float | None, told: bool = False) -> ClassDifference:
    if difference is None:
        return ClassDifference(label, 0)
    half = 0.001 if told else 2 * abs(difference) + 0.01
    interval = (difference - half, difference + half)
    return ClassDifference(label, 100, 0.8, 0.8 - difference, difference, interval, 0.001, 0.01 if told else 1.0)


def test_classes_come_by_their_difference_and_only_told_ones_have_a_colour() -> None:
    rows = (row("ant", 0.02), row("bee", None), row("cat", -0.3, True), row("dog", 0.2, True))
    figure = comparison.per_class(replace(sides(1.0), per_class=rows))
    assert list(figure.layout.yaxis.ticktext) == ["<b>dog</b>", "ant", "<b>cat</b>", "bee (no samples)"]
    assert [mark.marker.color for mark in marks(figure)] == [RUNS[0], NEUTRAL, RUNS[1]]
    assert [mark.x[0] for mark in marks(figure)] == pytest.approx([20, 2, -30])
    assert "2 of 3 classes" in layout.alt(figure)
    assert "From -30.0 (cat) to +20.0 (dog) points" in layout.alt(figure)


def test_of_many_classes_the_largest_differences_are_shown() -> None:
    rows = tuple(row(f"c{index}", (index - 50) / 1000) for index in range(100))
    figure = comparison.per_class(replace(sides(1.0), per_class=rows), most=6)
    assert list(figure.layout.yaxis.ticktext) == ["c99", "c98", "c3", "c2", "c1", "c0"]


def test_nothing_known_of_any_class_is_still_a_figure() -> None:
    figure = comparison.per_class(replace(sides(1.0), per_class=(row("ant", None),)))
    assert marks(figure) == []


# agreement

COUNTS = Agreement((70, 4, 8, 16, 2), 0.86, 0.5)


def test_a_cell_of_agreement_lies_where_its_row_and_column_cross() -> None:
    figure = comparison.agreement(COUNTS, ("A", "B"))
    points = marks(figure)[0]
    places = {data[0]: (x, y) for x, y, data in zip(points.x, points.y, points.customdata, strict=True)}
    assert figure.layout.xaxis.title.text == "B" and figure.layout.yaxis.title.text == "A"
    assert list(figure.layout.yaxis.range) == [2, 0]  # right above wrong
    assert places[ONLY_FIRST][0] > 1 > places[ONLY_FIRST][1]  # B wrong, A right
    assert places[SAME_WRONG][0] > 1 and places[SAME_WRONG][1] > 1
    wanted = [(cell, CELLS[cell], count, count / 100) for cell, count in enumerate(COUNTS.counts)]
    assert [tuple(data) for data in points.customdata] == wanted


def test_the_fullest_cell_of_disagreement_has_the_strongest_colour_and_both_right_none() -> None:
    figure = comparison.agreement(COUNTS, ("A", "B"))
    fills = [shape.fillcolor for shape in figure.layout.shapes]
    assert fills[0] == colours.faint(NEUTRAL, 0.12)
    light = [luminance(fill) for fill in fills[1:]]
    assert np.argsort(light).tolist() == np.argsort(COUNTS.counts[1:]).tolist()
    assert luminance(f"rgb{tuple(colours.CIVIDIS[-1].tolist())}") == light[SAME_WRONG - 1]


@pytest.mark.parametrize("counts", [(9, 0, 0, 0, 0), (0, 0, 0, 9, 0)])
def test_agreement_without_any_disagreement_can_be_drawn(counts: tuple[int, ...]) -> None:
    figure = comparison.agreement(Agreement(counts, 1.0, None), ("A", "B"), OTHER_WRONG)
    assert figure.layout.shapes[-1].line.color == colours.CHOSEN


def test_the_words_of_a_cell_can_be_read() -> None:
    figure = comparison.agreement(COUNTS, ("A", "B"))
    for shape, note in zip(figure.layout.shapes[1:], figure.layout.annotations[1:], strict=True):
        light = luminance(shape.fillcolor)
        assert (note.font.color == "#ffffff") == (light < 120)


# calibration, stages


def test_calibration_goes_from_a_ring_to_a_dot() -> None:
    found = sides(2.0)
    figure = comparison.calibration(found.calibration, found.names)
    for mark, one in zip(marks(figure), found.calibration, strict=True):
        assert list(mark.x) == pytest.approx([100 * one.before.ece, 100 * one.after.ece])
        assert list(mark.marker.symbol) == ["circle-open", "circle"]


CKA = np.array([[0.9, 0.2], [0.4, np.nan]])


def test_the_numbers_of_a_likeness_stand_in_its_cells() -> None:
    figure = comparison.stage_likeness(CKA, ["stage 1", "stage 2"], ["one", "two"], ("A", "B"))
    heat = figure.data[0]
    np.testing.assert_array_equal(np.array(heat.z, dtype=float), CKA)
    numbers = {(note.x, note.y): note.text for note in figure.layout.annotations}
    assert numbers == {(0, 0): "0.90", (1, 0): "0.20", (0, 1): "0.40"}
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (0, 1)
    assert figure.layout.yaxis.autorange == "reversed"  # first stage on top
    assert layout.alt(figure) == (
        "Linear CKA between the stages of A and B: stage 1 is most like one (0.90) and stage 2 is most like one (0.40)."
    )
    inks = {note.text: note.font.color for note in figure.layout.annotations}
    assert inks["0.90"] == "#000000" and inks["0.20"] == "#ffffff"


# confusion cells


def confused(classes: int = 4, n: int = 400):
    generator = np.random.default_rng(0)
    labels = generator.integers(0, classes, n)
    logits = generator.normal(size=(n, classes)) + 1.5 * np.eye(classes)[labels]
    return summarise(logits, labels, [f"c{index}" for index in range(classes)])


def test_every_confusion_cell_can_be_clicked_and_says_which_it_is() -> None:
    figures = confused()
    figure = mistaken.confusion_cells(figures, (2, 1))
    points = figure.data[-1]
    assert len(points.x) == 16 and points.marker.opacity == 0
    for x, y, (true, taken, count) in zip(points.x, points.y, points.customdata, strict=True):
        assert (x, y, count) == (f"c{taken}", f"c{true}", figures.confusion[true, taken])
    assert all(trace.hoverinfo == "skip" for trace in figure.data if trace.type == "heatmap")
    assert figure.layout.hoverdistance == -1  # a click anywhere in a cell is nearest to its middle
    mark = figure.layout.shapes[-1]
    assert (mark.x0, mark.x1, mark.y0, mark.y1) == (0.5, 1.5, 1.5, 2.5)
    numbers = list(figure.select_traces(selector={"mode": "text"}))
    assert numbers  # a selection must not let them fade
    assert all(trace.unselected.textfont.color == (trace.textfont.color or NEUTRAL) for trace in numbers)


def test_of_many_classes_the_points_keep_their_class() -> None:
    figures = confused(70, 3000)
    figure = mistaken.confusion_cells(figures, (0, 1))
    points = figure.data[-1]
    assert len(points.x) == 3600
    assert all(x == f"c{data[1]}" for x, data in zip(points.x, points.customdata, strict=True))


# one sample between two classes


@dataclass(frozen=True)
class Place:
    title: str
    to_true: float
    to_other: float
    usual: float


def test_distances_of_a_sample_are_where_they_are_said_to_be() -> None:
    places = [Place("stage 1 · block 1", 0.1, 0.2, 0.15), Place("stage 2 · block 1", 0.4, 0.3, 0.2)]
    figure = mistaken.gate_distances(places, "ant", "bee", 1)
    shown = {mark.name: list(mark.x) for mark in marks(figure)}
    assert shown == {"usual for its class": [0.15, 0.2], "to true: ant": [0.1, 0.4], "to bee": [0.2, 0.3]}
    assert list(figure.layout.yaxis.ticktext) == ["stage 1 · block 1", "<b>▸ stage 2 · block 1</b>"]
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]  # first site on top
    assert layout.alt(figure).endswith("nearer to bee at stage 2 · block 1.")


def test_a_sample_without_known_distances_can_be_drawn() -> None:
    nothing = float("nan")
    figure = mistaken.gate_distances([Place("stage 1", nothing, nothing, nothing)], "ant", "bee")
    assert figure.layout.xaxis.range[1] > 0


def test_channels_are_shown_with_the_picture_between_the_classes() -> None:
    gates, means = np.array([0.1, 0.5, 0.9]), (np.array([0.2, 0.5, 0.3]), np.array([0.1, 0.6, 0.8]))
    sds = (np.array([0.05, np.nan, 0.1]), np.array([0.02, 0.02, 0.02]))
    figure = mistaken.channel_pull([2, 0], gates, means, sds, ("ant", "bee"), "a block")
    true, other, own = marks(figure)
    assert (list(true.x), list(other.x), list(own.x)) == ([0.3, 0.2], [0.8, 0.1], [0.9, 0.1])
    assert list(true.error_x.array) == [0.1, 0.05]
    assert list(figure.layout.yaxis.ticktext) == ["channel 2", "channel 0"]
    assert list(figure.layout.xaxis.range) == [0, 1]


# costs


def test_accuracy_stands_against_its_cost_with_its_interval() -> None:
    points = [
        costs.Priced("se", 0.9, (0.88, 0.92), 40.0),
        costs.Priced("plain", 0.88, (0.86, 0.9), 30.0, 28.0, 33.0),
    ]
    figure = costs.accuracy_against_cost(points, "milliseconds")
    one, other = marks(figure)
    assert (one.x[0], one.y[0], other.x[0], other.y[0]) == (40, 0.9, 30, 0.88)
    assert (one.error_y.array[0], one.error_y.arrayminus[0]) == pytest.approx((0.02, 0.02))
    assert (other.error_x.array[0], other.error_x.arrayminus[0]) == (3, 2)
    assert one.error_x.array is None
    assert figure.layout.xaxis.range[0] == 0
    assert figure.layout.yaxis.range[0] < 0.86 and figure.layout.yaxis.range[1] > 0.92
    assert "se 90.00 % at 40" in layout.alt(figure)


@dataclass(frozen=True)
class Taken:
    model: str
    median: float
    low: float
    high: float


def test_latencies_start_at_zero_and_show_their_spread() -> None:
    figure = costs.latencies([Taken("se", 4.0, 3.5, 5.0), Taken("plain", 3.0, 2.9, 3.2)])
    assert figure.layout.xaxis.range[0] == 0
    assert [mark.x[0] for mark in marks(figure)] == [4, 3]
    assert [list(trace.x) for trace in figure.data if trace.mode == "lines"] == [[3.5, 5.0], [2.9, 3.2]]
    assert [mark.marker.color for mark in marks(figure)] == list(RUNS[:2])
