"""The two small figures of a card: how a network learned, and whether its gates live."""

from __future__ import annotations

import numpy as np
import pytest

from seviz.figures import layout
from seviz.figures.colours import run_colour
from seviz.figures.gate_life import gate_life
from seviz.figures.training import WIDTHS, accuracy_curves
from seviz.history import Epoch

LABELS = ["stage 1 · block 1", "stage 1 · block 2", "stage 2 · block 1"]
DEVIATIONS = [0.2, 0.02, 0.05]
LOSSES = {
    "static": [(0.5, -0.1, 1.1), None, (2.0, 1.5, 2.5)],
    "shuffled": [(0.75, 0.2, 1.3), (0.0, 0.0, 0.0), (4.0, 3.0, 5.5)],
}


def bars(figure):
    return next(trace for trace in figure.data if trace.type == "bar")


def test_bars_are_the_deviations_and_what_hardly_moves_is_hatched():
    bar = bars(gate_life(LABELS, DEVIATIONS, 0.05))
    assert list(bar.y) == DEVIATIONS
    assert list(bar.marker.pattern.shape) == ["", "/", ""]  # 0.05 itself counts as alive
    assert len({bar.marker.color[0], bar.marker.color[2]}) == 1 and bar.marker.color[1] != bar.marker.color[0]
    assert list(bar.customdata) == LABELS


def test_the_line_stands_where_life_begins():
    (line,) = gate_life(LABELS, DEVIATIONS, 0.05).layout.shapes
    assert (line.y0, line.y1) == (0.05, 0.05)


def test_losses_stand_below_with_their_intervals():
    figure = gate_life(LABELS, DEVIATIONS, 0.05, LOSSES)
    for name, values in LOSSES.items():
        (trace,) = [one for one in figure.data if one.name == f"lost when {name} alone"]
        shown = [one for one in values if one]
        assert trace.yaxis == "y2"
        assert [round(x) for x in trace.x] == [row for row, one in enumerate(values) if one]
        assert list(trace.y) == [lost for lost, _, _ in shown]
        assert np.add(trace.y, trace.error_y.array) == pytest.approx([high for _, _, high in shown])
        assert np.subtract(trace.y, trace.error_y.arrayminus) == pytest.approx([low for _, low, _ in shown])
    signs = [(one.marker.symbol, one.marker.color) for one in figure.data if one.yaxis == "y2"]
    assert len({symbol for symbol, _ in signs}) == len({colour for _, colour in signs}) == 2  # told apart without colour
    assert figure.layout.yaxis.domain[0] > figure.layout.yaxis2.domain[1]


def test_without_losses_there_is_one_panel():
    for losses in (None, {}, {"static": [None] * 3}):
        figure = gate_life(LABELS, DEVIATIONS, 0.05, losses)
        assert [trace.type for trace in figure.data] == ["bar"]
        assert not figure.layout.showlegend


def test_the_alt_text_says_where_life_is_and_what_it_is_worth():
    words = layout.alt(gate_life(LABELS, DEVIATIONS, 0.05, LOSSES))
    assert "from 0.020 at stage 1 · block 2 to 0.200 at stage 1 · block 1" in words
    assert "below 0.05, so hardly alive: stage 1 · block 2;" in words
    assert "most is lost when stage 2 · block 1 alone is shuffled, 4.00 points" in words


def test_many_blocks_keep_room_between_their_names():
    labels = [f"stage {stage} · block {block}" for stage in (1, 2, 3) for block in range(1, 19)]
    figure = gate_life(labels, [0.1] * 54, 0.05)
    assert len(figure.layout.xaxis.ticktext) <= 14
    for place, name in zip(figure.layout.xaxis.tickvals, figure.layout.xaxis.ticktext, strict=True):
        assert f"stage {name.replace('.', ' · block ')}" == labels[place]


def test_somebodys_names_are_text():
    figure = gate_life(["<b>x</b>"], [0.1], 0.05, {"static": [(1.0, 0.0, 2.0)]})
    assert "<b>x" not in str(bars(figure).customdata) + str(figure.layout.xaxis.ticktext) + str(figure.data[1].text)


def epochs(count):
    return [Epoch(n, 2 / n, 1 - 1 / n, 1.5 / n, 1 - 0.8 / n, 0.1, 60.0) for n in range(1, count + 1)]


def test_accuracy_by_epoch_is_thin_for_training_and_thick_for_the_test():
    figure = accuracy_curves("net", epochs(5), series=1)
    train, test = figure.data
    assert (list(train.x), list(train.y)) == ([1, 2, 3, 4, 5], [1 - 1 / n for n in range(1, 6)])
    assert list(test.y) == [1 - 0.8 / n for n in range(1, 6)]
    assert (train.line.width, test.line.width) == (WIDTHS["train"], WIDTHS["test"])
    assert train.line.color == test.line.color == run_colour(1)
    assert "net: 5 epochs" in layout.alt(figure)


def test_one_epoch_is_a_point():
    assert {trace.mode for trace in accuracy_curves("net", epochs(1)).data} == {"markers"}
