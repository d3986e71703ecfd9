"""What the figures mean: colours, scales, axes, and that the numbers in them are the numbers that went in."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from seviz.analysis import paper
from seviz.analysis.classification import Classification, summarise, wilson
from seviz.figures import accuracy, block, cells, colours, gates, layout, maps, networks, predictions, training
from seviz.history import Epoch

HOTTEST, COLDEST = colours.CIVIDIS[-1], colours.CIVIDIS[0]
GREY = np.full((12, 12, 3), 128, dtype=np.uint8)


def luminance(colour: np.ndarray) -> np.ndarray:
    """Relative luminance (WCAG): uint8 (..., 3) -> 0..1."""
    share = np.asarray(colour) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def hexes(scale: colours.Colourscale) -> np.ndarray:
    return np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for _, colour in scale])


# colour maps


def test_cividis_rises_strictly_in_luminance() -> None:
    assert (np.diff(luminance(colours.CIVIDIS)) > 0).all()
    assert (np.diff(luminance(hexes(colours.colourscale()))) > 0).all()


def test_cividis_is_the_usual_one() -> None:
    matplotlib = pytest.importorskip("matplotlib")
    usual = matplotlib.colormaps["cividis"](np.arange(256))[:, :3] * 255
    assert np.abs(colours.CIVIDIS - usual).max() <= 1.5  # half a unit of rounding, and one unit in three places


def test_diverging_map_is_lightest_at_zero_and_falls_on_both_sides() -> None:
    light = luminance(colours.DIVERGING)
    assert len(light) == 255
    assert light.argmax() == 127
    assert (np.diff(light[:128]) > 0).all()
    assert (np.diff(light[127:]) < 0).all()
    assert np.ptp(colours.DIVERGING[127].astype(int)) == 0  # no hue at 0
    assert np.abs(light - light[::-1]).max() < 0.08  # as light on one side as on the other


def test_plotly_draws_the_same_colours() -> None:
    for signed, table in ((False, colours.CIVIDIS), (True, colours.DIVERGING)):
        scale = colours.colourscale(signed=signed)
        at = [round(share * (len(table) - 1)) for share, _ in scale]
        assert np.abs(hexes(scale) - table[at]).max() <= 2
        assert (scale[0][0], scale[-1][0]) == (0, 1)


def test_runs_can_be_seen_on_white_and_on_black() -> None:
    for colour in (*colours.RUNS[:4], colours.CHOSEN, colours.NEUTRAL):
        light = luminance(np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]))
        assert 1.05 / (light + 0.05) > 2.8
        assert (light + 0.05) / (luminance(np.array([24, 23, 21])) + 0.05) > 2.8
    assert len(set(colours.CLASSES)) == 10
    assert colours.class_colour(10) == colours.class_colour(0)


def test_stages_darken_with_depth() -> None:
    light = luminance(hexes([(0, colour) for colour in colours.stage_colours(4)]))
    assert (np.diff(light) < 0).all()
    assert len(colours.stage_colours(1)) == 1


# maps over pictures


def test_the_hottest_value_gets_the_strongest_colour_and_the_coldest_the_weakest() -> None:
    values = np.arange(144, dtype=np.float32).reshape(12, 12)
    seen = maps.overlay(GREY, values, opacity=1.0)
    assert_array_equal(seen[-1, -1], HOTTEST)
    assert_array_equal(seen[0, 0], COLDEST)
    light = luminance(maps.overlay(GREY, values, opacity=0.6)).ravel()
    assert light.argmax() == 143
    assert light.argmin() == 0
    assert (np.diff(luminance(maps.overlay(GREY, values, 1.0).reshape(-1, 3))) > 0).all()
    assert (np.diff(light[::8]) > 0).all()  # half transparent, neighbours may round to one colour


def test_uint8_maps_equal_float_maps() -> None:
    counted = np.random.default_rng(0).integers(0, 256, (6, 6)).astype(np.uint8)
    assert_array_equal(maps.overlay(GREY, counted), maps.overlay(GREY, counted.astype(np.float64)))
    assert_array_equal(maps.overlay(GREY, counted), maps.overlay(GREY, counted / 255.0))  # own scale: the unit is no matter


def test_opacity_goes_from_the_picture_to_the_map() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    values = np.linspace(0, 2, 64).reshape(8, 8)
    assert_array_equal(maps.overlay(picture, values, 0.0), picture)
    assert_array_equal(maps.overlay(picture, values, 1.0), colours.colourise(values, 2.0))


def test_below_the_map_the_picture_has_no_colours_of_its_own() -> None:
    red, grey_of_red = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 76, np.uint8)
    red[..., 0] = 255  # luma 0.299 * 255
    values = np.ones((4, 4))
    assert np.abs(maps.overlay(red, values, 0.5).astype(int) - maps.overlay(grey_of_red, values, 0.5)).max() <= 1


def test_signed_maps_are_centred_at_zero() -> None:
    values = np.array([[-1.0, 0.0, 3.0]])
    seen = maps.overlay(GREY[:1, :3], values, 1.0)[0]
    assert_array_equal(seen[1], colours.DIVERGING[127])
    assert_array_equal(seen[2], colours.DIVERGING[-1])
    assert_array_equal(seen[0], colours.DIVERGING[round(127 - 127 / 3)])  # one third as strong, on the other side
    assert seen[0, 2] > seen[0, 0]  # blue below
    assert seen[2, 0] > seen[2, 2]  # red above
    forced = maps.overlay(GREY[:1, :3], np.abs(values), 1.0, signed=True)[0]
    assert_array_equal(forced[1], colours.DIVERGING[127])


def test_a_shared_scale_is_shared() -> None:
    weak, strong = np.full((3, 3), 0.5), np.full((3, 3), 2.0)
    top = maps.shared_top([weak, strong, -np.ones((3, 3))])
    assert top == 2.0
    picture = GREY[:3, :3]
    assert_array_equal(maps.overlay(picture, strong, 1.0, top)[0, 0], HOTTEST)
    assert_array_equal(maps.overlay(picture, weak, 1.0, top)[0, 0], colours.CIVIDIS[64])
    assert_array_equal(maps.overlay(picture, weak, 1.0)[0, 0], HOTTEST)  # on its own scale
    assert_array_equal(maps.overlay(picture, 9 * strong, 1.0, top)[0, 0], HOTTEST)  # beyond the scale
    assert maps.shared_top([]) == 0


@pytest.mark.parametrize("signed", [False, True])
def test_a_map_of_zeros_is_cold_everywhere_and_says_so(signed: bool) -> None:
    seen = maps.overlay(GREY, np.zeros((3, 3)), 1.0, signed=signed)
    assert (seen == (colours.DIVERGING[127] if signed else COLDEST)).all()
    assert maps.map_alt(np.zeros((3, 3)), label="cat", layer="layer3").endswith("no evidence anywhere, all values are 0.")


def test_upsampling_is_bilinear_with_aligned_centres() -> None:
    import torch

    values = np.random.default_rng(0).normal(size=(4, 7))
    for size in ((12, 12), (4, 7), (9, 30)):
        with_torch = torch.nn.functional.interpolate(torch.tensor(values)[None, None], size=size, mode="bilinear")
        assert_allclose(maps.upsampled(values, *size), with_torch[0, 0].numpy(), atol=1e-12)


def test_enlarging_keeps_every_pixel_a_square() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 8, 3)).astype(np.uint8)
    large = maps.enlarged(pixels, side=20)
    assert large.shape == (15, 24, 3)
    assert_array_equal(large[1::3, 1::3], pixels)
    assert_array_equal(large[::3, ::3], pixels)


def test_map_in_words() -> None:
    values = np.zeros((8, 8))
    values[1, 7], values[4, 4] = 1.5, 0.5
    words = maps.map_alt(values, label="cat", layer="layer3")
    assert words == (
        "Grad-CAM for cat at layer3: strongest evidence for it at the top right, 1.5 logit; "
        "2 % of the map has more than half of that."
    )
    assert "against it at the top right, -1.5 logit" in maps.map_alt(-values, label="cat", layer="input")


def test_colour_strip_runs_from_the_lowest_colour_to_the_highest() -> None:
    strip, signed = maps.colour_strip(), maps.colour_strip(signed=True)
    assert strip.shape == signed.shape == (8, 256, 3)
    assert np.array_equal(strip[0], colours.CIVIDIS)
    assert np.array_equal(signed[0, [0, -1]], colours.DIVERGING[[0, -1]])
    assert np.abs(signed[3, 127].astype(int) - colours.DIVERGING[127]).max() <= 3


def test_feature_pictures_before_and_after_the_gate_share_a_scale() -> None:
    features = np.array([[-2.0, 0.0], [1.0, 2.0]])
    pair = maps.feature_pictures(features, 0.5)
    assert (pair.top, pair.signed) == (2.0, True)
    assert_array_equal(pair.before, colours.colourise(features, 2.0, signed=True))
    assert_array_equal(pair.after, colours.colourise(features / 2, 2.0, signed=True))
    assert_array_equal(maps.feature_pictures(features, 1.0).before, maps.feature_pictures(features, 1.0).after)
    shut = maps.feature_pictures(features, 0.0).after
    assert (shut == colours.DIVERGING[127]).all()
    positive = maps.feature_pictures(np.abs(features), 0.5, top=4.0)
    assert not positive.signed
    assert_array_equal(positive.after[1, 1], colours.CIVIDIS[64])
    both = maps.side_by_side(pair, side=10)
    assert_array_equal(both[:, :10, :3], maps.enlarged(pair.before, 10))
    assert_array_equal(both[:, -10:, :3], maps.enlarged(pair.after, 10))
    assert "-2 to 2; its gate of 0.50 scales them to -1 to 1" in maps.feature_alt(features, 0.5, 7)


# gates


@dataclass(frozen=True)
class Site:
    path: str
    stage: int
    title: str


SITES = (
    Site("layer1.0.se", 1, "stage 1 · block 1"),
    Site("layer1.1.se", 1, "stage 1 · block 2"),
    Site("layer2.0.se", 2, "stage 2 · block 1"),
)
GATES = {
    "layer1.0.se": np.array([0.0, 1.0, 0.25, 0.5], dtype=np.float32),
    "layer1.1.se": np.linspace(0.1, 0.9, 4).astype(np.float32),
    "layer2.0.se": np.random.default_rng(0).random(8).astype(np.float32),
}


def strips(figure: go.Figure) -> list[Any]:
    return [trace for trace in figure.data if trace.type == "heatmap"]


def points(figure: go.Figure) -> list[tuple[float, float, list[Any]]]:
    (trace,) = [trace for trace in figure.data if trace.type == "scatter"]
    return list(zip(trace.x, trace.y, trace.customdata, strict=True))


def test_every_site_has_a_row_over_the_full_width() -> None:
    figure = gates.overview(SITES, GATES)
    assert len(strips(figure)) == 3
    for strip, site in zip(strips(figure), SITES, strict=True):
        count = len(GATES[site.path])
        assert strip.z.shape == (1, count)
        assert (strip.x0 - strip.dx / 2, strip.x0 + (count - 0.5) * strip.dx) == pytest.approx((0, 1))  # ends of the cells
    assert figure.layout.yaxis.ticktext == tuple(site.title for site in SITES)
    top, bottom = figure.layout.yaxis.range[1], figure.layout.yaxis.range[0]
    assert top < strips(figure)[0].y[0] < strips(figure)[1].y[0] < strips(figure)[2].y[0] < bottom  # first on top


def test_the_gates_of_the_largest_networks_are_a_small_figure() -> None:
    widths = [256] * 3 + [512] * 4 + [1024] * 6 + [2048] * 3  # SE-ResNet-50
    sites = [Site(f"layer{number // 4 + 1}.{number}.se", number // 4 + 1, f"block {number}") for number in range(len(widths))]
    random = np.random.default_rng(0)
    found = {site.path: random.random(width).astype(np.float32) for site, width in zip(sites, widths, strict=True)}
    for against in (None, {path: values * 0.9 for path, values in found.items()}):
        assert len(gates.overview(sites, found, against=against).to_json()) < 300_000


def test_colours_of_gates_come_from_eight_bits_on_a_scale_from_closed_to_open() -> None:
    figure = gates.overview(SITES, GATES)
    assert strips(figure)[0].z.dtype == np.uint8
    assert strips(figure)[0].z.tolist() == [[0, 255, 64, 128]]
    axis = figure.layout.coloraxis
    assert (axis.cmin, axis.cmax) == (0, 255)
    words = dict(zip(axis.colorbar.tickvals, axis.colorbar.ticktext, strict=True))
    assert words == {0: "0 closed", 127.5: "0.5", 255: "1 open"}
    assert hexes(axis.colorscale)[0].tolist() == COLDEST.tolist()


def test_points_say_which_site_channel_and_gate_they_stand_on() -> None:
    figure = gates.overview(SITES, GATES, "sorted")
    rows = dict(zip(figure.layout.yaxis.tickvals, SITES, strict=True))
    seen = {site.path: set() for site in SITES}
    for x, y, (path, channel, gate, _) in points(figure):
        assert rows[y].path == path
        assert gate == pytest.approx(GATES[path][channel], abs=5e-5)
        strip = strips(figure)[[site.path for site in SITES].index(path)]
        cell = round(float((x - strip.x0) / strip.dx))  # the cell that is drawn there
        assert strip.z[0, cell] == round(255 * float(GATES[path][channel]))
        seen[path].add(channel)
    assert {path: len(channels) for path, channels in seen.items()} == {path: len(gates) for path, gates in GATES.items()}
    assert figure.layout.hovermode == "closest"
    trace = figure.data[-1]
    assert (trace.marker.opacity, trace.selected.marker.opacity, trace.unselected.marker.opacity) == (0, 0, 0)


def test_points_stay_few_and_close_for_wide_networks() -> None:
    sites = [Site(f"layer1.{block}.se", 1, f"block {block}") for block in range(50)]
    random = np.random.default_rng(0)
    figure = gates.overview(sites, {site.path: random.random(2048, dtype=np.float32) for site in sites})
    assert len(points(figure)) == 4000
    assert {path for _, _, (path, *_) in points(figure)} == {site.path for site in sites}


def test_sorted_rows_fall_from_open_to_closed() -> None:
    for strip in strips(gates.overview(SITES, GATES, "sorted")):
        assert (np.diff(strip.z[0].astype(int)) <= 0).all()


def test_the_chosen_site_is_marked_in_its_row_and_no_other() -> None:
    figure = gates.overview(SITES, GATES, chosen="layer1.1.se")
    (box,) = figure.layout.shapes
    assert box.y0 < figure.layout.yaxis.tickvals[1] < box.y1
    assert [("<b>" in text) for text in figure.layout.yaxis.ticktext] == [False, True, False]
    assert not gates.overview(SITES, GATES, chosen="nowhere").layout.shapes


def test_deviations_from_a_mean_are_centred_at_zero() -> None:
    mean = {path: np.full(len(values), 0.5, dtype=np.float32) for path, values in GATES.items()}
    figure = gates.overview(SITES, GATES, against=mean, against_name="cat mean")
    assert strips(figure)[0].z.tolist() == [[0, 254, 64, 127]]  # -0.5, 0.5, -0.25, 0 of at most 0.5
    axis = figure.layout.coloraxis
    assert (axis.cmin, axis.cmax, axis.colorbar.tickvals[2], axis.colorbar.ticktext[2]) == (0, 254, 127, "0")
    assert (axis.colorbar.ticktext[0], axis.colorbar.ticktext[-1]) == ("-0.5", "+0.5")
    assert next(data[3] for _, _, data in points(figure) if data[:2] == ["layer1.0.se", 2]) == -0.25
    assert "against the cat mean" in figure.data[-1].hovertemplate
    same = gates.overview(SITES, GATES, against=GATES)  # nothing differs: no division by zero
    assert {value for strip in strips(same) for value in strip.z[0].tolist()} == {127}


def test_a_plain_network_has_an_empty_overview() -> None:
    assert layout.alt(gates.overview((), {})) == "No gates: this is a plain network."


def test_quantised_gates_equal_the_colours_of_float_gates() -> None:
    values = np.random.default_rng(0).random(500)
    assert_array_equal(colours.CIVIDIS[cells.quantised(values, 1.0)], colours.colourise(values, 1.0))
    both = values * 4 - 2
    assert_array_equal(colours.DIVERGING[cells.quantised(both, 2.0, signed=True)], colours.colourise(both, 2.0, signed=True))


def bars(figure: go.Figure) -> dict[int, tuple[float, float, str]]:
    """channel -> (x, height, colour)."""
    return {
        int(data[0]): (float(x), float(y), trace.marker.color)
        for trace in figure.data if trace.type == "bar"
        for x, y, data in zip(trace.x, trace.y, trace.customdata, strict=True)
    }  # fmt: skip


@pytest.mark.parametrize("order", ["channel", "sorted"])
def test_bars_are_the_gates_on_an_axis_from_0_to_1(order: str) -> None:
    values = GATES["layer2.0.se"]
    figure = gates.site_bars(values, title="stage 2 · block 1", order=order, marked=[3, 6])
    assert {channel: height for channel, (_, height, _) in bars(figure).items()} == pytest.approx(dict(enumerate(values)))
    assert {channel for channel, (*_, colour) in bars(figure).items() if colour == colours.CHOSEN} == {3, 6}
    places = [bars(figure)[channel][0] for channel in (range(8) if order == "channel" else np.argsort(-values))]
    assert places == sorted(places)
    assert figure.layout.yaxis.range == (0, 1)
    assert figure.layout.shapes[0].y0 == figure.layout.shapes[0].y1 == 0.5
    if order == "sorted":
        assert figure.layout.xaxis.ticktext == tuple(str(channel) for channel in np.argsort(-values))


def test_the_band_behind_the_bars_follows_their_order() -> None:
    values = np.array([0.2, 0.9, 0.5])
    figure = gates.site_bars(values, title="site", order="sorted", mean=[0.3, 0.95, 0.4], sd=[0.1, 0.1, 0.0], mean_name="cat")
    low, high, centre = (trace for trace in figure.data if trace.type == "scatter")
    assert_allclose(centre.y, [0.95, 0.95, 0.4, 0.4, 0.3, 0.3])
    assert_allclose(low.y, [0.85, 0.85, 0.4, 0.4, 0.2, 0.2])
    assert_allclose(high.y, [1.0, 1.0, 0.4, 0.4, 0.4, 0.4])  # a gate is not above 1
    assert_allclose(centre.x, [-0.5, 0.5, 0.5, 1.5, 1.5, 2.5])
    assert high.fill == "tonexty"


def test_squeeze_against_gate() -> None:
    squeezes, values = np.array([-1.0, 0.5, 2.0]), np.array([0.1, 0.9, 0.4])
    figure = gates.squeeze_scatter(squeezes, values, title="site", marked=[2])
    found = {int(c): (x, y) for trace in figure.data for x, y, c in zip(trace.x, trace.y, trace.customdata, strict=True)}
    assert found == {0: (-1.0, 0.1), 1: (0.5, 0.9), 2: (2.0, 0.4)}
    assert list(figure.data[1].text) == ["2"]
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("squeeze (mean activation)", "gate")


# predictions


def test_probabilities_are_bars_in_percent_and_sum_to_one() -> None:
    figure = predictions.probabilities(["cat", "dog"], [0.7, 0.2], model="se_resnet20")
    track, values = figure.data
    assert_allclose(values.x, [0.7, 0.2, 0.1])
    assert values.customdata == ("cat", "dog", "all other classes")
    assert set(track.x) == {1.0}
    assert figure.layout.xaxis.range == (0, 1)
    texts = [note.text for note in figure.layout.annotations]
    assert texts == ["cat", "<b>70.0 %</b>", "dog", "20.0 %", "all other classes", "10.0 %"]
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]  # most probable on top
    assert layout.alt(figure) == "se_resnet20: cat 70.0 %, dog 20.0 % and all other classes 10.0 %."
    assert len(predictions.probabilities(["a", "b"], [0.6, 0.4], model="m").data[1].x) == 2  # nothing is left over


def test_labels_from_outside_cannot_bring_markup() -> None:
    figure = predictions.probabilities(["<img onerror=x>"], [1.0], model="m")
    assert figure.layout.annotations[0].text == "&lt;img onerror=x&gt;"
    assert "<img" not in networks.network_drawing('<img src="x">', networks.shape_of(options(), 32, 32))


# training


def epochs(count: int = 6, shift: float = 0.0) -> tuple[Epoch, ...]:
    return tuple(
        Epoch(e, 2.0 / e + shift, 1 - 0.6 / e, 1.8 / e + shift, 1 - 0.5 / e, 0.1 / e, 60.0) for e in range(1, count + 1)
    )


RUNS = {"se_resnet20": epochs(), "resnet20": epochs(4, 0.1), "not started": ()}


def curve(figure: go.Figure, name: str) -> Any:
    (found,) = [trace for trace in figure.data if trace.name == name and trace.x[0] is not None]
    return found


def test_curves_are_the_history() -> None:
    figure = training.curves(RUNS)
    for name, history in RUNS.items():
        for panel, unit in (("loss", "y"), ("accuracy", "y2")):
            for split in ("train", "test"):
                if history:
                    found = curve(figure, f"{name} · {split} {panel}")
                    assert_allclose(found.y, [getattr(epoch, f"{split}_{panel}") for epoch in history])
                    assert_allclose(found.x, [epoch.epoch for epoch in history])
                    assert found.yaxis == unit
    assert_allclose(curve(figure, "se_resnet20 · learning rate").y, [epoch.learning_rate for epoch in RUNS["se_resnet20"]])
    assert not any("not started" in trace.name for trace in figure.data)
    assert figure.layout.yaxis.title.text == "loss (nats)"
    assert figure.layout.yaxis2.tickformat == ".0%"


def test_one_hover_reads_all_runs_and_panels() -> None:
    figure = training.curves(RUNS)
    assert (figure.layout.hovermode, figure.layout.hoversubplots) == ("x unified", "axis")
    assert {trace.xaxis for trace in figure.data} <= {None, "x"}  # one epoch axis


def test_train_is_thin_and_test_thick_in_the_runs_colour() -> None:
    figure = training.curves(RUNS)
    thin, thick = curve(figure, "resnet20 · train loss"), curve(figure, "resnet20 · test loss")
    assert thin.line.width < thick.line.width
    assert thin.line.color == thick.line.color == colours.run_colour(1)


def test_smoothing_keeps_the_raw_line_behind() -> None:
    figure = training.curves(RUNS, smoothing=0.8)
    names = [trace.name for trace in figure.data]
    smooth = curve(figure, "se_resnet20 · test loss")
    raw = figure.data[names.index("se_resnet20 · test loss") - 1]
    assert_allclose(raw.y, [epoch.test_loss for epoch in RUNS["se_resnet20"]])
    assert_allclose(smooth.customdata, raw.y)
    assert smooth.y[0] == raw.y[0]
    assert smooth.y[-1] > raw.y[-1]  # the loss falls, its average lags
    assert (raw.hoverinfo, raw.line.color) == ("skip", colours.faint(colours.run_colour(0), 0.3))


def test_a_run_of_one_epoch_is_a_point() -> None:
    assert curve(training.curves({"one": epochs(1)}), "one · test loss").mode == "markers"


def test_curves_in_words() -> None:
    words = layout.alt(training.curves({"net": epochs(5)}))
    assert words == (
        "Training curves. net: 5 epochs, test loss 1.80 to 0.36, test accuracy 50.0 % to 90.0 %, highest 90.0 % at epoch 5."
    )
    assert layout.alt(training.curves({})) == "No training to show."


def test_gap_is_positive_where_the_test_is_worse_and_accuracy_in_points() -> None:
    history = (Epoch(1, 0.5, 0.95, 0.8, 0.90, 0.1, 1.0), Epoch(2, 0.5, 0.80, 0.4, 0.85, 0.1, 1.0))
    assert_allclose(training.gap({"net": history}).data[0].y, [0.3, -0.1])
    assert_allclose(training.gap({"net": history}, of="accuracy").data[0].y, [5, -5])
    assert "points" in training.gap({"net": history}, of="accuracy").layout.yaxis.title.text


# accuracy


CLASSES = ("cat", "dog", "ship")


def figures_of(confusion: list[list[int]]) -> Classification:
    """Figures with a given confusion matrix, all predictions at the same confidence."""
    cells = [(true, said) for true, row in enumerate(confusion) for said, count in enumerate(row) for _ in range(count)]
    truth, said = np.array(cells).T
    count = len(confusion)
    return summarise(np.log(0.1 + 0.7 * np.eye(count))[said], truth, CLASSES if count == 3 else [*map(str, range(count))])


OURS = figures_of([[70, 30, 0], [10, 90, 0], [1, 2, 97]])
PLAIN = figures_of([[80, 20, 0], [30, 70, 0], [0, 0, 100]])


def test_accuracies_stand_beside_the_reports_with_true_intervals() -> None:
    figure = accuracy.accuracy_axis({"ours": OURS, "plain": PLAIN})
    dots = [trace for trace in figure.data if trace.customdata is not None]
    lines = [trace for trace in figure.data if trace.customdata is None]
    assert [dot.x[0] for dot in dots] == [OURS.accuracy, PLAIN.accuracy, 0.8581]
    assert [tuple(line.x) for line in lines] == [OURS.interval, PLAIN.interval, wilson(8581, 10_000)]
    assert [line.line.dash for line in lines] == ["solid", "solid", "dot"]  # what is assumed looks assumed
    assert "interval if n = 10,000" in figure.layout.yaxis.ticktext[2]
    assert "n = 300" in figure.layout.yaxis.ticktext[0]
    low, high = figure.layout.xaxis.range
    assert all(low <= end <= high for line in lines for end in line.x)
    assert "the report 85.81 % (85.1 % to 86.5 %)" in layout.alt(figure)
    alone = accuracy.accuracy_axis({"ours": OURS}, report=False)
    assert "report" not in layout.alt(alone) and len(alone.layout.yaxis.ticktext) == 1


@pytest.mark.parametrize("rate", ["recall", "precision", "f1"])
def test_per_class_rates_with_intervals_lowest_on_top(rate: str) -> None:
    figure = accuracy.per_class({"ours": OURS, "plain": PLAIN}, rate)
    labels = figure.layout.yaxis.ticktext
    ours = {row.label: row for row in OURS.per_class}
    assert [getattr(ours[label], rate) for label in labels] == sorted(getattr(row, rate) for row in OURS.per_class)
    assert_allclose(figure.data[0].x, [getattr(ours[label], rate) for label in labels])
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]
    if rate == "f1":
        assert not figure.data[0].error_x.visible
    else:
        ends = np.array([getattr(ours[label], f"{rate}_interval") for label in labels])
        assert_allclose(figure.data[0].x + figure.data[0].error_x.array, ends[:, 1])
        assert_allclose(figure.data[0].x - figure.data[0].error_x.arrayminus, ends[:, 0])
        assert figure.layout.xaxis.range[0] <= ends.min()


def test_a_class_without_samples_comes_last_without_a_dot() -> None:
    figures = figures_of([[0, 0, 0], [10, 90, 0], [1, 2, 97]])
    figure = accuracy.per_class({"ours": figures})
    assert figure.layout.yaxis.ticktext == ("dog", "ship", "cat")
    assert np.isnan(figure.data[0].x[-1])
    assert layout.alt(figure) == "Recall by class: ours from 90.0 % (dog) to 97.0 % (ship)."
    assert accuracy.per_class({"ours": figures}, most=2).layout.yaxis.ticktext == ("dog", "ship")


def test_of_many_classes_none_without_samples_is_shown() -> None:
    confusion = np.zeros((100, 100), dtype=int)
    confusion[[3, 70], [70, 70]] = [4, 5]
    figures = figures_of(confusion.tolist())
    assert accuracy.per_class({"ours": figures}).layout.yaxis.ticktext == ("3", "70")
    assert list(accuracy.confusion(figures).data[0].x) == ["3", "70"]
    assert len(accuracy.confusion(figures, most=100).data[0].x) == 100


@pytest.mark.parametrize("rates", [False, True])
def test_confusion_has_true_rows_and_mistakes_in_colour(rates: bool) -> None:
    figure = accuracy.confusion(OURS, rates=rates)
    mistakes, right = strips(figure)
    scale = 100 if rates else 1
    assert list(mistakes.y) == list(mistakes.x) == list(CLASSES)
    assert (figure.layout.yaxis.title.text, figure.layout.xaxis.title.text) == ("true", "predicted")
    assert figure.layout.yaxis.autorange == "reversed"  # the first class on top
    assert_allclose(mistakes.z, np.array([[np.nan, 30, 0], [10, np.nan, 0], [1, 2, np.nan]]) / scale)
    assert_allclose(right.z, np.where(np.eye(3) > 0, np.diag([70, 90, 97]), np.nan) / scale)
    assert figure.layout.coloraxis.cmax == 30 / scale  # the largest mistake, not the diagonal
    assert right.coloraxis is None
    assert len({colour for _, colour in right.colorscale}) == 1
    assert_allclose(mistakes.customdata[0, 1], [30, 0.3])


def test_confusion_numbers_stand_in_their_cells_and_can_be_read() -> None:
    figure = accuracy.confusion(OURS)
    texts = [trace for trace in figure.data if trace.type == "scatter"]
    written = {(true, said): text for trace in texts for said, true, text in zip(trace.x, trace.y, trace.text, strict=True)}
    assert written == {
        ("cat", "cat"): "70", ("cat", "dog"): "30", ("dog", "cat"): "10", ("dog", "dog"): "90", ("ship", "cat"): "1",
        ("ship", "dog"): "2", ("ship", "ship"): "97",
    }  # fmt: skip
    dark, light, diagonal = texts
    assert diagonal.textfont.color is None  # the theme's, as the grey lets the page shine through
    scale = colours.CIVIDIS[np.rint(255 * np.array([1 / 30, 2 / 30, 10 / 30])).astype(int)]
    assert (1.05 / (luminance(scale) + 0.05) > 4.5).all()  # white on the dark cells
    assert (dark.textfont.color, light.textfont.color) == ("#ffffff", "#000000")
    assert list(light.text) == ["30"]
    at = round(255 * accuracy.LIGHT)
    assert 1.05 / (luminance(colours.CIVIDIS[at]) + 0.05) > 4.5
    assert (luminance(colours.CIVIDIS[at]) + 0.05) / 0.05 > 4.5


def test_confusion_of_a_perfect_network_and_of_many_classes() -> None:
    perfect = summarise(np.eye(30), np.arange(30), [f"class {i}" for i in range(30)])
    figure = accuracy.confusion(perfect)
    assert layout.alt(figure).endswith("30 of 30 right, no mistakes.")
    assert len(figure.data) == 2  # no numbers in so many cells
    wrong = summarise(np.eye(30)[[1, 0, *range(2, 30)]], np.arange(30), [f"class {i}" for i in range(30)])
    few = accuracy.confusion(wrong, most=3)
    assert list(few.data[0].x) == ["class 0", "class 1", "class 2"]
    assert few.layout.xaxis.title.text == "predicted, 3 of 30 classes"
    assert "class 0 taken for class 1 (1) and class 1 taken for class 0 (1)" in layout.alt(few)


def test_reliability_shows_bins_with_counts() -> None:
    figure = accuracy.reliability({"ours": OURS})
    diagonal, line, counts = figure.data
    assert_array_equal(diagonal.x, diagonal.y)
    assert_allclose(line.x, [0.8 / 1.0])  # 0.8 against 0.1 and 0.1
    assert_allclose(line.y, [OURS.accuracy])
    low, high = OURS.interval
    assert_allclose([line.error_y.arrayminus[0], line.error_y.array[0]], [OURS.accuracy - low, high - OURS.accuracy])
    assert counts.y.sum() == 300
    centre = counts.x[np.argmax(counts.y)]
    assert OURS.reliability.edges[11] < centre < OURS.reliability.edges[12]  # 0.8 is the upper edge of its bin
    assert "ECE 5.7 %" in line.name
    assert "ours is too careful on average" in layout.alt(figure)


# networks


def options(**changes: Any) -> dict[str, Any]:
    from seviz.nets import build, to_card

    return to_card(build(changes.pop("arch", "se_resnet20"), **changes))


@pytest.mark.parametrize(
    ("arch", "side"), [("resnet20", 32), ("se_resnet32", 64), ("se_resnet18", 224), ("resnet50", 97)]
)
@pytest.mark.parametrize("stem", ["3x3", "3x3/2", "7x7/2+pool"])
def test_shapes_are_those_of_the_network(arch: str, side: int, stem: str) -> None:
    import torch

    from seviz.gates import find_gates, tap
    from seviz.nets import build, to_card

    with torch.device("meta"):
        net = build(arch, stem=stem).eval()
        with tap(net, ["maxpool", *net.stages]) as caught:
            net(torch.empty(1, 3, side, side + 2))
    shape = networks.shape_of(to_card(net), side, side + 2)
    assert shape.stem_map == tuple(caught.pop("maxpool").shape[1:])
    found = [(stage.channels, stage.height, stage.width) for stage in shape.stages]
    assert found == [tuple(caught[name].shape[1:]) for name in net.stages]
    assert shape.se_blocks == len(find_gates(net))


def test_the_drawing_has_a_box_a_unit_and_a_foot_an_se_block() -> None:
    shape = networks.shape_of(options(se_stages=(2, 3)), 32, 32)
    text = networks.network_drawing("se_resnet20", shape)
    root = ET.fromstring(text)
    fills = [rect.get("fill") for rect in root.iter("{http://www.w3.org/2000/svg}rect")]
    assert fills.count(colours.SE_MARK) == 6 + 1  # and one in the key
    assert [fills.count(colour) for colour in colours.stage_colours(3)] == [3, 3, 3]
    assert "stage 2 has 3 units with SE blocks and puts out 32 channels of 16 by 16" in root.get("aria-label", "")
    plain = networks.network_drawing("resnet20", networks.shape_of(options(arch="resnet20"), 32, 32))
    assert colours.SE_MARK not in plain
    assert "SE block" not in "".join(ET.fromstring(plain).itertext())


def a_network() -> str:
    return networks.network_drawing("se_resnet20", networks.shape_of(options(), 32, 32))


@pytest.mark.parametrize("draw", [block.block_drawing, a_network])
def test_drawings_take_the_pages_ink_and_fit_a_telephone(draw: Callable[[], str]) -> None:
    root = ET.fromstring(draw())
    assert root.get("fill") == "currentColor"
    assert not [text for text in root.iter("{http://www.w3.org/2000/svg}text") if text.get("fill")]
    assert root.get("viewBox", "").startswith("0 0 360 ")
    assert min(int(text.get("font-size", "0")) for text in root.iter("{http://www.w3.org/2000/svg}text")) >= 12
    assert root.get("role") == "img"
    assert len(root.get("aria-label", "")) > 80


def test_the_papers_chart_shows_the_papers_numbers() -> None:
    figure = networks.paper_chart()
    plain, se = figure.data[-2:]
    pairs = [paper.imagenet("ResNet-50"), paper.imagenet("ResNet-101")]
    assert [(x, y) for x, y in zip(plain.x, plain.y, strict=True)] == [(p.plain.multiply_adds, p.plain.top1) for p in pairs]
    assert [(x, y) for x, y in zip(se.x, se.y, strict=True)] == [(p.se.multiply_adds, p.se.top1) for p in pairs]
    assert networks.paper_chart(error="top5").data[-1].y[0] == 6.62
    assert "SE-ResNet-50 23.29 % at 3.87 G" in layout.alt(figure)


# all of them


FIGURES: dict[str, Callable[[], go.Figure]] = {
    "overview": lambda: gates.overview(SITES, GATES, chosen="layer1.0.se"),
    "bars": lambda: gates.site_bars(GATES["layer2.0.se"], title="site", mean=np.full(8, 0.5), sd=np.full(8, 0.1)),
    "scatter": lambda: gates.squeeze_scatter(np.arange(8.0), GATES["layer2.0.se"], title="site"),
    "probabilities": lambda: predictions.probabilities(["cat"], [0.9], model="m"),
    "curves": lambda: training.curves(RUNS, smoothing=0.5),
    "gap": lambda: training.gap(RUNS),
    "axis": lambda: accuracy.accuracy_axis({"ours": OURS}),
    "per class": lambda: accuracy.per_class({"ours": OURS}),
    "reliability": lambda: accuracy.reliability({"ours": OURS}),
    "paper": networks.paper_chart,
}


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_leaves_ink_and_paper_to_the_theme_and_speaks(name: str) -> None:
    figure = FIGURES[name]()
    assert layout.alt(figure).endswith(".")
    assert (figure.layout.paper_bgcolor, figure.layout.plot_bgcolor) == (layout.CLEAR, layout.CLEAR)
    assert 60 <= figure.layout.height <= 700
    without_template = figure.update_layout(template=None).to_json()
    assert not re.search(r'font":\{[^}]*"color', without_template)


def test_every_figure_can_be_sent() -> None:
    for make in FIGURES.values():
        assert "NaN" not in make().to_json()
