"""The figures of the page Ablation: what is drawn is what was given, and the words follow from the numbers."""

from __future__ import annotations

import numpy as np
import pytest

from seviz.analysis.ablation import Effect, Live, class_changes, describe, p_words
from seviz.analysis.deletion import Curve, site_finding
from seviz.analysis.importance import Correlation
from seviz.figures import ablation, importance, intervals
from seviz.figures.colours import DIVERGING, colourscale
from seviz.figures.importance import Cloud
from seviz.figures.intervals import Series
from seviz.figures.layout import alt

LIVE = Live(100, 0.8, (0.7, 0.9), (0.9, 0.7, None))


def an_effect(where, gate, difference, interval, per_class=(0.9, 0.7, None), p=0.01, delta=0.5):
    return Effect(where, gate, ("a",), 0.8 + difference, difference, interval, p, 1, 2, 0.125, delta, per_class)


LABELS = ["stage 1 · block 1", "stage 1 · block 2"]
EFFECTS = {
    "1": [an_effect("a", "1", -0.2, (-0.25, -0.15)), an_effect("b", "1", 0.01, (-0.02, 0.04), p=0.6)],
    "class": [an_effect("a", "class", 0.05, (0.01, 0.09)), an_effect("b", "class", 0.0, (0.0, 0.0), p=1.0, delta=2.0)],
}


def points(figure):
    """Traces with points, without the signs of the legend."""
    return [trace for trace in figure.data if trace.mode == "markers" and trace.x and trace.x[0] is not None]


def test_costs_are_points_with_their_intervals_and_open_signs_where_nothing_is_told():
    figure = ablation.costs(LABELS, EFFECTS)
    off, mean = points(figure)
    assert off.x == pytest.approx((-20, 1)) and mean.x == pytest.approx((5, 0))
    assert np.add(off.x, off.error_x.array) == pytest.approx([-15, 4])
    assert np.subtract(off.x, off.error_x.arrayminus) == pytest.approx([-25, -2])
    assert list(off.marker.symbol) == ["circle", "circle-open"]
    assert list(mean.marker.symbol) == ["diamond", "diamond-open"]
    assert off.marker.color != mean.marker.color
    assert all(abs(y - row) < 0.5 for trace in (off, mean) for row, y in enumerate(trace.y))
    assert figure.layout.shapes[0].x0 == figure.layout.shapes[0].x1 == 0, "the line at 0"
    assert list(figure.layout.yaxis.ticktext) == LABELS and figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]
    assert "at 1: most at stage 1 · block 1 (-20.00 points)" in alt(figure)
    assert [trace.name for trace in figure.data if trace.showlegend is not False] == ["at 1", "class mean"]


def test_changes_of_logits_start_at_0_and_have_no_intervals():
    figure = ablation.logit_changes(LABELS, EFFECTS)
    off, mean = points(figure)
    assert (off.x, mean.x) == ((0.5, 0.5), (0.5, 2.0))
    assert not off.error_x.visible and list(off.marker.symbol) == ["circle", "circle"]
    assert figure.layout.xaxis.rangemode == "tozero"
    assert "class mean up to 2.00" in alt(figure)
    assert "12.5%" in off.text[0]


def test_a_row_without_a_value_has_no_sign():
    figure = intervals.rows(["a", "b"], [Series("s", [None, 0.5], [None, None])], title="t", unit="")
    (trace,) = points(figure)
    assert (trace.x, trace.y, trace.customdata[0]) == ((0.5,), (1,), 1)


def test_labels_are_text():
    figure = intervals.rows(["<b>x</b>"], [Series("s", [1.0], notes=["<i>"])], title="t", unit="")
    assert figure.layout.yaxis.ticktext == ("&lt;b&gt;x&lt;/b&gt;",)
    assert "<i>" not in points(figure)[0].text[0]


def test_changes_by_class_by_hand():
    effects = [an_effect("a", "1", 0, (0, 0), (0.4, 0.8, None)), an_effect("b", "1", 0, (0, 0), (0.9, 0.7, None))]
    changes = class_changes(effects, LIVE)
    assert changes[:2] == pytest.approx(np.array([[-0.5, 0], [0.1, 0]]))
    assert np.isnan(changes[2]).all()


def test_the_map_of_classes_is_blue_where_something_is_lost():
    effects = [an_effect("a", "1", 0, (0, 0), (0.4, 0.8, None)), an_effect("b", "1", 0, (0, 0), (0.9, 0.7, None))]
    figure = ablation.by_class(LABELS, effects, LIVE, ["cat", "<dog>", "elk"], "1")
    heat = figure.data[0]
    assert np.asarray(heat.z, float)[:2].tolist() == [[0, 127], [152, 127]]  # -50, 0; +10, 0 of 50 points
    assert np.isnan(np.asarray(heat.z, float)[2]).all()
    assert figure.layout.coloraxis.colorscale == tuple(map(tuple, colourscale(signed=True)))
    assert DIVERGING[0][2] > DIVERGING[0][0] and DIVERGING[-1][0] > DIVERGING[-1][2]  # blue below, red above
    assert list(figure.layout.xaxis.ticktext) == ["1.1", "1.2"] and heat.y[1] == "&lt;dog&gt;"
    numbers = {(x, y): text for trace in figure.data[1:] for x, y, text in zip(trace.x, trace.y, trace.text, strict=True)}
    assert numbers == {(0, "cat"): "-50", (1, "cat"): "0", (0, "&lt;dog&gt;"): "+10", (1, "&lt;dog&gt;"): "0"}
    white = next(trace for trace in figure.data[1:] if trace.textfont.color == "#ffffff")
    assert white.text == ("-50",)
    assert "from -50.0 points of cat at stage 1 · block 1 to +10.0 points of <dog> at stage 1 · block 1" in alt(figure)


def test_of_many_classes_those_that_change_most_are_shown():
    changes = np.array([[0.0, 0.1], [-3, 0], [np.nan, np.nan], [0, 2]])
    assert ablation.most_changed(changes, 2).tolist() == [1, 3]
    assert ablation.most_changed(changes, 4).tolist() == [0, 1, 2, 3]
    still = np.where(np.isnan(changes), np.nan, 0.0)
    assert ablation.most_changed(still[[2, 2, 0, 1]], 3).tolist() == [2, 3], "of many, none without samples"
    rates = [tuple(0.5 + 0.001 * row * (row % 7) for row in range(50))]
    live = Live(100, 0.5, (0.4, 0.6), (0.5,) * 50)
    effects, classes = [an_effect("all", "1", 0, (0, 0), rates[0])], list(map(str, range(50)))
    figure = ablation.by_class(["all sites"], effects, live, classes, "1")
    assert len(figure.data) == 1, "no numbers in the cells of so many"
    assert len(figure.data[0].y) == 40 and "48" in figure.data[0].y and "49" not in figure.data[0].y


def test_short_names_of_scopes():
    labels = ["stage 3 · block 2", "stage 3", "all sites", "x"]
    assert [ablation.short(label) for label in labels] == ["3.2", "s3", "all", "x"]


def a_curve(order, kind="deletion", beside=-0.1, heights=(0.8, 0.5, 0.2)):
    interval = None if order == "random" else (beside - 0.05, beside + 0.05)
    own = None if order == "random" else beside
    return Curve("a", kind, order, (0, 0.5, 1), heights, 0.5, (0.4, 0.6), own, interval)


def test_curves_are_those_that_were_given_and_chance_is_dotted():
    figure = importance.curves([a_curve("gate"), a_curve("random", heights=(0.8, 0.6, 0.2))], "stage 1")
    gate, chance = figure.data
    assert (gate.x, gate.y, chance.y) == ((0, 0.5, 1), (0.8, 0.5, 0.2), (0.8, 0.6, 0.2))
    assert (gate.line.dash, chance.line.dash) == ("solid", "dot")
    assert alt(figure) == "Deletion curves of channels at stage 1; areas under them: gate 0.500 and random 0.500."
    assert figure.layout.yaxis.range == (0, 1.02)


def test_areas_beside_random_orders():
    figure = importance.areas(["a", "b"], {"gate": [a_curve("gate"), a_curve("gate", beside=0.01)]}, "deletion")
    (trace,) = points(figure)
    assert trace.x == (-0.1, 0.01)
    assert list(trace.marker.symbol) == ["circle", "circle-open"]
    assert "gate better than random at 1" in alt(figure) and "left: knows" in figure.layout.xaxis.title.text
    back = importance.areas(["a"], {"norm": [a_curve("norm", "insertion", 0.2)]}, "insertion")
    assert "activation better than random at 1" in alt(back) and "right: knows" in back.layout.xaxis.title.text


def test_a_site_of_curves_in_words():
    both = [a_curve(order, kind, 0.02 if kind == "insertion" else -0.1) for order in ("gate", "gradient", "norm", "random")
            for kind in ("deletion", "insertion")]  # fmt: skip
    words = site_finding(both, "stage 1")
    assert words.startswith(
        "At stage 1, beside random orders, as areas under the curve. First the highest gates: better (-0.100, -0.150 to "
        "-0.050) by deletion, not told apart (+0.020, -0.030 to +0.070) by insertion; first the highest |gate x "
        "gradient|: better"
    )


CLOUD = Cloud("stage 1 · block 1", np.array([0.9, 0.1, np.nan, 0.4]), np.array([0.0, 0.3, 0.2, 0.1]), 1)


def test_a_point_a_channel_and_the_ends_are_named():
    figure = importance.scatter([CLOUD], "gate", "logit", notes=[["a", "b", "c", "<d>"]])
    cloud, high, strong = figure.data
    assert (cloud.x.tolist(), cloud.y.tolist()) == ([0.9, 0.1, 0.4], [0.0, 0.3, 0.1])
    assert list(cloud.customdata) == [0, 1, 3] and cloud.text[2] == "<br>&lt;d&gt;"
    assert (high.x[0], high.text[0]) == (0.9, "highest: 0")
    assert (strong.y[0], strong.text[0]) == (0.3, "largest effect: 1")
    assert alt(figure) == (
        "4 channels of stage 1 · block 1: mean |change of a logit| when a channel is dropped, against its mean gate. The "
        "highest mean gate has channel 0, the largest effect channel 1."
    )


def test_one_channel_may_be_both():
    both = Cloud("x", np.array([0.9, 0.1]), np.array([3.0, -1]), 0)
    figure = importance.scatter([both], "eta", "accuracy")
    assert [trace.text[0] for trace in figure.data[1:]] == ["both: 0"]
    assert figure.layout.shapes[0].y0 == 0
    nothing = Cloud("x", np.full(2, np.nan), np.zeros(2), 0)
    assert len(importance.scatter([nothing], "eta", "accuracy").data) == 1


def test_stages_have_a_colour_and_one_name_each():
    clouds = [CLOUD, Cloud("stage 1 · block 2", CLOUD.values, CLOUD.effect, 1), Cloud("x", CLOUD.values, CLOUD.effect, 2)]
    first, second, third = importance.scatter(clouds, "gate", "logit").data
    assert first.marker.color == second.marker.color != third.marker.color
    assert first.marker.symbol != third.marker.symbol
    assert [trace.showlegend for trace in (first, second, third)] == [True, False, True]
    assert first.name == "stage 1"


def test_correlations_lie_between_minus_1_and_1():
    rows = [Correlation(0.5, (0.2, 0.7), 0.001, 20), Correlation(None, None, None, 2), Correlation(1.0, None, 0.0, 5)]
    figure = importance.correlations(["all", "few", "straight"], {"gate": rows})
    (trace,) = points(figure)
    assert trace.x == (0.5, 1.0) and trace.y == (0, 2)
    assert figure.layout.xaxis.range == (-1.02, 1.02)
    assert "mean gate from +0.50 (all) to +1.00 (straight)" in alt(figure)
    assert "none can be told" in alt(importance.correlations(["few"], {"gate": rows[1:2]}))


def test_an_edit_in_words():
    words = describe(EFFECTS["1"][0], "stage 2", 100)
    assert words == (
        "With the gates of stage 2 at 1, 60.00% of 100 pictures are right (-20.00 points, -25.00 to -15.00; McNemar's test: "
        "p = 0.01), 12.5% are given another class, and a logit moves by 0.50 on average."
    )
    assert "no change of accuracy can be told" in describe(EFFECTS["1"][1], "stage 2", 100)
    assert "taken from another picture" in describe(an_effect("a", "shuffle", 0, (0, 0)), "stage 2", 100)
    assert (p_words(0.0), p_words(0.034)) == ("p < 1e-300", "p = 0.034")
