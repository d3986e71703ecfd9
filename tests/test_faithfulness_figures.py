"""Figures of faithfulness: the numbers in them are those that went in, and their words say the same."""

from __future__ import annotations

import numpy as np
import pytest
from test_faithfulness_sample import Method

from seviz.figures import faithfulness as figures
from seviz.figures.colours import CIVIDIS, DIVERGING
from seviz.figures.layout import alt

SHARES = np.linspace(0, 1, 5)
OWN = np.array([0.9, 0.2, 0.1, 0.1, 0.3])
RANDOM = np.array([[0.9, 0.8, 0.5, 0.4, 0.3], [0.9, 0.6, 0.3, 0.2, 0.3]])


@pytest.fixture(scope="module")
def curve():
    return figures.curve("deletion", SHARES, OWN, RANDOM, RANDOM[:1] - 0.1, OWN[::-1], label="<cat>")


def line(figure, name):
    return next(np.asarray(trace.y, dtype=float) for trace in figure.data if trace.name == name)


def test_a_curve_shows_the_map_and_its_references(curve):
    np.testing.assert_allclose(line(curve, "this map"), OWN)
    np.testing.assert_allclose(line(curve, "random"), RANDOM.mean(0))
    np.testing.assert_allclose(line(curve, "moved map"), RANDOM[0] - 0.1)
    np.testing.assert_allclose(line(curve, "backwards"), OWN[::-1])
    band = [np.asarray(trace.y) for trace in curve.data if trace.name is None]
    np.testing.assert_allclose(band, [RANDOM.min(0), RANDOM.max(0)])
    assert curve.data[-1].name == "this map", "nothing is drawn over the map's own curve"
    assert curve.layout.yaxis.title.text == "probability of &lt;cat&gt;"


def test_a_curve_in_words(curve):
    assert alt(curve) == (
        "Probability of <cat> against pixels deleted: at 25 % of the pixels this map has 20.0 %, a random order 70.0 %, the "
        "same map in another place 70.0 % and its own order backwards 10.0 %; at all of them 30.0 %."
    )


def test_small_maps_have_the_colours_of_maps_on_their_own_scale():
    up = figures.small_map(np.array([[0.0, 2.0], [1.0, 0.0]]))
    assert up.shape == (88, 88, 3)
    assert (up[0, 0] == CIVIDIS[0]).all() and (up[0, -1] == CIVIDIS[-1]).all() and (up[-1, 0] == CIVIDIS[128]).all()
    signed = figures.small_map(np.array([[-3.0, 0.0], [3.0, 0.0]]))
    assert (signed[0, 0] == DIVERGING[0]).all() and (signed[-1, 0] == DIVERGING[-1]).all()
    assert (signed[0, -1] == DIVERGING[127]).all()
    assert (figures.small_map(np.zeros((3, 3))) == CIVIDIS[0]).all()


@pytest.mark.parametrize("measure", ["deletion", "infidelity"])
def test_differences_lie_where_the_figures_say(measure):
    drawn = figures.differences([Method, Method], measure)
    place = ["deletion", "insertion", "infidelity", "sensitivity"].index(measure)
    beside = Method.figures[place].beside
    assert [trace.name for trace in drawn.data] == [figures.SHORT[other.reference] for other in beside]
    for trace, other in zip(drawn.data, beside, strict=True):
        np.testing.assert_allclose(trace.x, [other.difference] * 2)
        np.testing.assert_allclose(np.array(trace.x) + trace.error_x.array, [other.interval[1]] * 2)
        np.testing.assert_allclose(np.array(trace.x) - trace.error_x.arrayminus, [other.interval[0]] * 2)
    rows = np.array([trace.y for trace in drawn.data])
    assert (np.rint(rows) == [[0, 1]] * len(beside)).all(), "each method's marks stay in its row"
    assert "← better" in drawn.layout.xaxis.title.text
    assert "lower is better: Grad-CAM" in alt(drawn)
    assert "better →" in figures.differences([Method], "insertion").layout.xaxis.title.text
    assert max(map(len, drawn.layout.xaxis.title.text.split("<br>"))) <= 28, "a longer line is cut on a telephone"


def test_forgetting_starts_at_one_and_ends_at_the_last_stage():
    drawn = figures.forgetting([Method])
    (trace,) = drawn.data
    assert list(trace.x) == ["trained", "fc", "conv1"]
    np.testing.assert_allclose(trace.y, [1, 0.6, 0.1])
    np.testing.assert_allclose(trace.error_y.array, [0, 0.1, 0.1])
    assert alt(drawn).endswith("when all weights are redrawn: Grad-CAM 0.10.")
