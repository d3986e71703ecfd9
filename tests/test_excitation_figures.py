"""What the figures of gates over a data set mean: colours, axes, words, and that their numbers are those that went in."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from test_figures import luminance

from seviz.figures import as_in_paper, cells, colours, depth, excitation, gate_space, health, layout

NAMES = ["ant", "bee", "<b>cat</b>"]
MEAN = np.array([[0.1, 0.5, 0.9, 0.2], [0.3, 0.5, 0.7, 1.0], [0.0, 0.5, 0.8, 0.6]])
DEVIATION = MEAN - MEAN.mean(0)
SD = np.array([[0.1, 0.0, 0.05, 0.2], [0.1, 0.0, 0.4, 0.0], [0.1, 0.0, 0.05, 0.2]])


def class_map(**options) -> go.Figure:
    return excitation.class_map(MEAN, DEVIATION, SD, NAMES, **{"channels": range(4), "title": "site", **options})


# classes by channels


def test_the_highest_mean_has_the_lightest_colour_and_colours_run_from_closed_to_open() -> None:
    figure = class_map()
    z, axis = np.asarray(figure.data[0].z), figure.layout.coloraxis
    assert z.dtype == np.uint8
    assert (axis.cmin, axis.cmax) == (0, 255)
    shown = colours.CIVIDIS[z]
    assert_array_equal(shown, colours.colourise(MEAN, 1.0))
    assert np.unravel_index(luminance(shown).argmax(), z.shape) == (1, 3)
    assert axis.colorbar.ticktext == ("0 closed", "0.5", "1 open")


def test_deviations_are_centred_at_zero_and_reach_the_largest_on_both_sides() -> None:
    figure = class_map(measure="deviation")
    z, axis = np.asarray(figure.data[0].z), figure.layout.coloraxis
    assert (z[:, 1] == 127).all(), "a channel that is alike for all classes has the colour of 0"
    largest = np.unravel_index(np.abs(DEVIATION).argmax(), z.shape)
    assert z[largest] in (0, 254)
    assert (np.sign(z.astype(int) - 127) == np.sign(np.round(DEVIATION, 3))).all()
    ends = [float(tick) for tick in axis.colorbar.ticktext][::4]
    assert_allclose(ends, np.array([-1, 1]) * np.abs(DEVIATION).max(), atol=0.01)


def test_standard_deviations_run_from_zero_to_the_largest() -> None:
    figure = class_map(measure="sd")
    z = np.asarray(figure.data[0].z)
    assert (z[1, 2], z[0, 1]) == (255, 0)
    assert figure.layout.coloraxis.colorbar.ticktext == ("0", "0.2", "0.4")


def test_columns_follow_the_order_and_the_opened_channel_is_marked_where_it_stands() -> None:
    figure = class_map(channels=[3, 1, 0, 2], chosen=0)
    assert_array_equal(colours.CIVIDIS[np.asarray(figure.data[0].z)], colours.colourise(MEAN[:, [3, 1, 0, 2]], 1.0))
    mark = figure.layout.shapes[0]
    assert (mark.x0, mark.x1, mark.line.color) == (1.5, 2.5, colours.CHOSEN)
    assert figure.layout.xaxis.ticktext == ("3", "1", "0", "2")


def test_points_over_the_cells_say_channel_class_and_all_three_numbers() -> None:
    points = class_map(channels=[3, 1, 0, 2]).data[1]
    data, edges = np.asarray(points.customdata), np.array([-0.5, 0.5, 1.5, 2.5, 3.5])
    for (channel, row, *found), x, y in zip(data, points.x, points.y, strict=True):
        assert [3, 1, 0, 2][np.searchsorted(edges, x) - 1] == channel
        assert y == row
        place = int(row), int(channel)
        assert_allclose(found, [MEAN[place], DEVIATION[place], SD[place]], atol=1e-4)
    assert {tuple(pair) for pair in data[:, :2].astype(int).tolist()} == {(c, r) for c in range(4) for r in range(3)}


def test_a_wide_site_is_one_layer_of_bytes_under_few_points() -> None:
    values = np.random.default_rng(0).random((50, 2048))
    figure = excitation.class_map(values, values, values, [str(k) for k in range(50)], range(2048))
    assert np.asarray(figure.data[0].z).nbytes == 50 * 2048
    assert len(figure.data[1].x) <= cells.POINTS
    assert len(figure.data[1].x) >= 50 * cells.CLOSE
    assert len(figure.to_json()) < 1_500_000


def test_a_class_without_samples_has_empty_cells() -> None:
    mean = MEAN.copy()
    mean[1] = np.nan
    z = np.asarray(excitation.class_map(mean, DEVIATION, SD, NAMES, range(4), title="site").data[0].z)
    assert np.isnan(z[1]).all()
    assert np.isfinite(z[[0, 2]]).all()
    nobody = excitation.class_map(mean * np.nan, DEVIATION, SD, NAMES, range(4), title="site")
    assert layout.alt(nobody).endswith("no class has samples.")


def test_the_map_in_words() -> None:
    assert layout.alt(class_map()) == (
        "site: mean gate of 4 channels for 3 classes, from 0.000 to 1.000; strongest for bee at channel 3 (1.000)."
    )
    assert "bee at channel 3 (+0.400)" in layout.alt(class_map(measure="deviation"))


# one channel


COUNTS = np.array([[4, 0, 2, 0], [0, 0, 0, 0], [1, 1, 1, 1]])


def ridges(**options) -> go.Figure:
    mean, sd = np.array([0.3, np.nan, 0.5]), np.array([0.1, np.nan, 0.2])
    return excitation.channel_ridges(COUNTS, NAMES, mean, sd, title="channel 1", **options)


def test_a_ridge_is_a_histogram_in_steps_and_its_fullest_bin_is_its_highest() -> None:
    figure = ridges()
    outline = figure.data[0]
    edges, heights = np.asarray(outline.x), 0 - np.asarray(outline.y)
    assert_array_equal(np.unique(edges), [0, 0.25, 0.5, 0.75, 1])
    # each bin's height at both of its edges, nothing in between
    assert_allclose(heights, np.array([0, 4, 4, 0, 0, 2, 2, 0, 0, 0]) / 4 * excitation.RIDGE)
    flat = 2 - np.asarray(figure.data[4].y)
    assert_allclose(flat[1:-1], excitation.RIDGE)


def test_bins_say_how_many_samples_lie_between_which_gates() -> None:
    hover = np.asarray(ridges().data[1].customdata)
    assert_allclose(hover, [[0, 0.25, 4], [0.5, 0.75, 2]])


def test_means_come_from_the_samples_and_a_class_without_any_has_none() -> None:
    means = ridges().data[-1]
    assert_allclose(means.x, [0.3, 0.5])
    assert_allclose(means.error_x.array, [0.1, 0.2])
    assert "Lowest mean ant 0.30 ± 0.10, highest <b>cat</b> 0.50 ± 0.20" in layout.alt(ridges())


def test_a_picture_is_marked_at_its_gate() -> None:
    line = ridges(mark=0.62, mark_name="your picture").layout
    assert line.shapes[0].x0 == line.shapes[0].x1 == 0.62
    assert line.annotations[0].text == "your picture: 0.620"


def test_effects_are_gate_times_gradient_largest_first_and_the_opened_channel_is_always_there() -> None:
    gates = np.linspace(0.1, 1, 40)
    gradients = np.where(np.arange(40) % 2, 1.0, -2.0)
    figure = excitation.effect_bars(gates, gradients, chosen=0, target="bee", most=10)
    bars, effect = figure.data[0], gates * gradients
    shown = [int(re.sub("<.?b>", "", name)) for name in bars.y]
    assert_allclose(bars.x, effect[shown])
    assert (np.diff(bars.x) <= 0).all()
    largest = set(np.argsort(-np.abs(effect))[:9].tolist())
    assert set(shown) == largest | {0}
    assert [name for name in bars.y if "<b>" in name] == ["<b>0</b>"]
    assert f"Channel 0 has {effect[0]:+.3f}" in layout.alt(figure)


# as in the paper


def paper(**options) -> go.Figure:
    low, high = MEAN - 0.15, MEAN + 0.15
    return as_in_paper.activations(MEAN, low, high, NAMES, [0, 2, 3], **{"overall": MEAN.mean(0), "title": "site", **options})


def test_lines_are_the_mean_gates_of_the_shown_channels() -> None:
    lines = [trace for trace in paper().data if trace.fill is None]
    assert_allclose(lines[0].y, MEAN.mean(0)[[0, 2, 3]])
    assert lines[0].name == as_in_paper.ALL
    for row, line in enumerate(lines[1:]):
        assert_allclose(line.y, MEAN[row, [0, 2, 3]])
        assert_array_equal(np.asarray(line.customdata)[:, 0], [0, 2, 3])
    looks = {(line.line.color, line.line.dash) for line in lines}
    assert len(looks) == len(lines)
    assert len({dash for _, dash in looks}) == len(lines), "lines are told apart without colour as well"


def test_bands_are_cut_off_at_0_and_1() -> None:
    bands = [trace for trace in paper().data if trace.fill == "toself"]
    assert len(bands) == 3
    assert_allclose(bands[1].y, [0.45, 0.85, 1.0, 0.85, 0.55, 0.15])
    assert all(0 <= value <= 1 for band in bands for value in band.y)


def test_a_class_of_one_sample_has_a_line_and_no_band() -> None:
    nothing = np.full_like(MEAN, np.nan)
    figure = as_in_paper.activations(MEAN, nothing, nothing, NAMES, range(4), title="site")
    assert [trace.fill for trace in figure.data] == [None] * 3


def test_the_papers_figure_in_words() -> None:
    assert layout.alt(paper()) == (
        "site: mean gate of 3 channels for ant, bee and <b>cat</b>. On average ant 0.40, bee 0.67 and <b>cat</b> 0.47. "
        "Classes differ by 0.43 on average and most at channel 3, from 0.20 to 1.00."
    )


# by depth


SITES = ["stage 1 · block 1", "stage 2 · block 1", "stage 3 · block 1"]
ETA, CHANCE = np.array([0.1, 0.6, 0.4]), np.full(3, 0.02)
ACCURACY, ERROR = np.array([0.3, np.nan, 0.9]), np.array([0.01, np.nan, 0.02])


def by_depth(**options) -> go.Figure:
    panels = [
        depth.Panel("variance", {"eta": (ETA, None)}, CHANCE),
        depth.Panel("probes", {"gates": (ACCURACY, ERROR), "features": (ACCURACY, ERROR)}, np.full(3, 1 / 3)),
    ]
    return depth.by_depth(SITES, panels, **options)


def test_every_measure_stands_in_its_panel_on_the_axis_of_sites_with_its_error_and_chance() -> None:
    figure = by_depth(chosen=1, notes=["p = 0.005", "", ""])
    traces = {trace.name: trace for trace in figure.data}
    assert_allclose(traces["eta"].y, ETA)
    assert_allclose(traces["gates"].error_y.array, ERROR)
    assert [trace.yaxis for trace in figure.data if trace.name == depth.CHANCE] == ["y", "y2"]
    assert traces["features"].yaxis == "y2"
    assert_array_equal(traces["eta"].customdata, [0, 1, 2])
    assert "p = 0.005" in traces["eta"].text[0]
    assert "1.0 % (standard error)" in traces["gates"].text[0]
    assert figure.layout.xaxis2.ticktext == ("1.1", "2.1", "3.1")
    assert (figure.layout.shapes[0].x0, figure.layout.shapes[0].x1) == (0.6, 1.4)
    looks = {(trace.marker.color, trace.marker.symbol) for trace in figure.data if trace.name != depth.CHANCE}
    assert len(looks) == 3
    assert sum(bool(trace.showlegend) for trace in figure.data if trace.name == depth.CHANCE) == 1


def test_depth_in_words() -> None:
    words = layout.alt(by_depth())
    assert "eta from 10.0 % at stage 1 · block 1 to 40.0 % at stage 3 · block 1, highest at stage 2 · block 1 (60.0 %)" in words
    assert "gates from 30.0 % at stage 1 · block 1 to 90.0 % at stage 3 · block 1" in words


def test_the_farthest_classes_have_the_lightest_cell_and_like_stand_beside_like() -> None:
    at = np.array([0.0, 1.0, 0.1, 0.8])
    values = np.abs(at[:, None] - at)
    figure = depth.distances(values, ["a", "b", "c", "d"], title="site")
    heat = figure.data[0]
    assert list(heat.x) == list(heat.y) == ["a", "c", "d", "b"]
    order = [0, 2, 3, 1]
    assert_allclose(heat.customdata, values[np.ix_(order, order)])
    shown = luminance(colours.CIVIDIS[np.asarray(heat.z)])
    assert np.unravel_index(shown.argmax(), shown.shape) in ((0, 3), (3, 0))
    assert (np.asarray(heat.z).diagonal() == 0).all()
    assert figure.layout.coloraxis.colorbar.ticktext == ("0", "0.5", "1")
    assert layout.alt(figure) == (
        "site: distances of 4 classes by their mean gates; closest are a and c (0.10), farthest a and b (1.00)."
    )


def test_classes_without_samples_are_left_out_of_the_distances() -> None:
    values = np.array([[0, np.nan, 1.0], [np.nan] * 3, [1.0, np.nan, 0]])
    assert set(depth.distances(values, ["a", "b", "c"]).data[0].x) == {"a", "c"}
    many = np.abs(np.arange(100.0)[:, None] - np.arange(100.0))
    assert len(depth.distances(many, [str(k) for k in range(100)]).data[0].x) == depth.DISTANCES
    assert depth.shown_classes(many).tolist() == [*range(30), *range(70, 100)], "those farthest from all others"
    assert depth.shown_classes(values).tolist() == [0, 2]


# health


def table() -> str:
    columns = [health.Column("open", 'gates above "0.95"'), health.Column("range", "lowest to highest")]
    rows = [
        [health.Cell("3 %", "healthy", "few"), health.Cell("0.1 to 0.9")],
        [health.Cell("97 %", "ill", "saturated"), health.Cell("0.9 to 1.0")],
        [health.Cell("60 %", "look", "many"), health.Cell("<i>")],
    ]
    return health.health_table(["a", "b", "c"], columns, rows, caption="Gate health")


def test_a_traffic_light_is_a_colour_and_a_sign() -> None:
    found = re.findall(r"<td style=\"[^\"]*?(background:[^\"]*)?\" title=\"([^\"]*)\">(?:<b>(.)</b> )?([^<]*)", table())
    assert [(why, sign, text.strip()) for _, why, sign, text in found[::2]] == [
        ("few", "✓", "3 %"),
        ("saturated", "✗", "97 %"),
        ("many", "!", "60 %"),
    ]
    assert len({ground for ground, *_ in found[::2]}) == 3
    assert [ground for ground, *_ in found[1::2]] == [""] * 3, "what is neither good nor bad has no colour"


def test_the_table_is_one_for_a_screen_reader_and_brings_no_markup() -> None:
    text = table()
    assert text.count('scope="row"') == 3
    assert text.count('scope="col"') == 3
    assert "<caption" in text and 'tabindex="0"' in text
    assert "&lt;i&gt;" in text and "<i>" not in text
    assert "gates above &quot;0.95&quot;" in text


# samples


POINTS = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 0.0], [3.0, 3.0]])
TRUE, SAID = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2])


def plane(**options) -> go.Figure:
    return gate_space.plane(POINTS, ["a/0", "a/1", "b/0", "c/0"], TRUE, SAID, NAMES, **options)


def test_points_stand_where_their_samples_lie_and_know_which_they_are() -> None:
    for trace in plane().data:
        rows = np.asarray(trace.customdata, dtype=int)
        assert_allclose(np.stack([trace.x, trace.y], 1).reshape(-1, 2), POINTS[rows].reshape(-1, 2))
        assert (TRUE[rows] == TRUE[rows[:1]]).all() if len(rows) else True
    shown = [trace for trace in plane().data if trace.showlegend]
    assert [trace.name for trace in shown] == ["ant (2)", "bee (1)", "&lt;b&gt;cat&lt;/b&gt; (1)"]
    assert len({trace.marker.symbol for trace in shown}) == 3
    assert shown[0].text[1] == "a/1<br>ant, taken for bee"


def test_mistakes_are_set_off() -> None:
    right, wrong = (trace for trace in plane(by="error").data if trace.showlegend)
    assert (right.name, wrong.name) == ("right (3)", "mistaken (1)")
    assert list(wrong.customdata) == [1]
    assert right.marker.symbol != wrong.marker.symbol


def test_what_is_not_asked_for_is_faded_but_can_still_be_seen() -> None:
    figure = plane(faded=[True, True, False, True])
    clear = [trace for trace in figure.data if trace.marker.opacity > 0.5]
    assert [row for trace in clear for row in trace.customdata] == [2]
    assert sorted(row for trace in figure.data for row in trace.customdata) == [0, 1, 2, 3]


@pytest.mark.parametrize(("drag", "mode"), [("select", "select"), ("lasso", "lasso"), ("", False)])
def test_dragging_does_what_was_chosen(drag: str, mode: object) -> None:
    assert plane(drag=drag).layout.dragmode == mode


def test_axes_without_a_unit_have_no_numbers() -> None:
    assert plane().layout.xaxis.showticklabels is False
    assert plane(axes=("first", "second")).layout.xaxis.showticklabels is None


def test_squeeze_and_gate_of_a_channel_by_class_and_of_all_channels() -> None:
    z, s = np.array([0.5, 2.0, 1.0, 3.0]), np.array([0.1, 0.9, 0.4, 1.0])
    figure = gate_space.squeeze_against_gate(z, s, TRUE, NAMES, title="channel 3")
    assert [len(trace.x) for trace in figure.data] == [2, 1, 1]
    assert_allclose(figure.data[0].x, [0.5, 2.0])
    assert layout.alt(figure).startswith("channel 3: gate against squeeze for 4 points; squeezes from 0.5 to 3")
    whole = gate_space.squeeze_against_gate(z, s, [3, 1, 0, 2], [f"channel {c}" for c in range(4)], title="site", by="channel")
    assert len(whole.data) == 1
    assert list(whole.data[0].text) == ["channel 3", "channel 1", "channel 0", "channel 2"]


def test_correlations_fall_and_a_gate_that_never_moves_comes_last() -> None:
    figure = gate_space.correlations([0.2, np.nan, -0.9, 0.7], title="site", chosen=2)
    bars = figure.data[0]
    assert_array_equal(bars.customdata, [3, 0, 2, 1])
    assert_allclose(bars.y, [0.7, 0.2, -0.9, np.nan])
    assert bars.marker.color[2] == colours.CHOSEN
    assert layout.alt(figure).endswith("highest and lowest: channel 3 +0.70 and channel 2 -0.90.")
    assert "no gate moves" in layout.alt(gate_space.correlations([np.nan], title="site"))


# all of them


FIGURES: dict[str, Callable[[], go.Figure]] = {
    "map": class_map,
    "ridges": ridges,
    "effect": lambda: excitation.effect_bars(MEAN[0], MEAN[1], chosen=0, target="ant"),
    "paper": paper,
    "depth": by_depth,
    "distances": lambda: depth.distances(np.ones((2, 2)), ["a", "b"], title="site"),
    "plane": plane,
    "squeeze": lambda: gate_space.squeeze_against_gate([0.0, 1], [0.5, 1], [0, 1], NAMES, title="site"),
    "correlations": lambda: gate_space.correlations([0.5, -0.5], title="site"),
}


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_leaves_ink_and_paper_to_the_theme_speaks_and_can_be_sent(name: str) -> None:
    figure = FIGURES[name]()
    assert layout.alt(figure).endswith(".")
    assert (figure.layout.paper_bgcolor, figure.layout.plot_bgcolor) == (layout.CLEAR, layout.CLEAR)
    text = figure.update_layout(template=None).to_json()
    assert not re.search(r'font":\{[^}]*"color', text)
    assert "NaN" not in text


def test_names_from_outside_cannot_bring_markup() -> None:
    for make in FIGURES.values():
        seen = re.sub(r'"meta":\{[^}]*\}', "", make().update_layout(template=None).to_json())
        assert "<b>cat" not in seen.replace("\\u003c", "<")
