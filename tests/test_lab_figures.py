"""The figures of the page Gate lab: what is drawn is what was given, and the words follow from the numbers."""

from __future__ import annotations

import numpy as np
import pytest

from seviz.figures import arithmetic, lab
from seviz.figures.layout import alt


def texts(figure):
    return [annotation.text for annotation in figure.layout.annotations]


def test_before_and_after_are_two_bars_a_class_and_the_sign_of_the_logit():
    figure = lab.before_after(["cat", "dog"], [0.9, 0.1], [0.25, 0.75], [-2.0, 1.5])
    before, after, moved = figure.data
    assert (list(before.x), list(after.x), list(moved.x)) == ([0.9, 0.1], [0.25, 0.75], [-2.0, 1.5])
    assert list(moved.marker.color) == [lab.FALL, lab.RISE]
    assert {"90.0 % → 25.0 %", "10.0 % → 75.0 %", "-2.00", "+1.50", "cat", "dog"} <= set(texts(figure))
    low, high = figure.layout.xaxis2.range
    assert low == -high and high >= 2
    assert "cat 90.0 % before, 25.0 % after (logit -2.00)" in alt(figure)


def test_small_differences_do_not_fill_the_axis_and_zero_has_no_sign_of_its_own():
    figure = lab.before_after(["cat"], [0.5], [0.5], [-0.001])
    assert figure.layout.xaxis2.range[1] >= lab.LEAST_SPAN
    assert "+0.00" in texts(figure)


def test_names_of_classes_are_text_and_no_tags():
    figure = lab.before_after(["<b>cat</b>"], [0.5], [0.5], [0.0])
    assert "&lt;b&gt;cat&lt;/b&gt;" in texts(figure)


def test_pictures_in_a_row_keep_their_pixels_with_clear_gaps_between():
    rng = np.random.default_rng(0)
    parts = [rng.integers(0, 256, (6, 32, 3), dtype=np.uint8) for _ in range(3)]
    row = lab.in_a_row(parts)
    assert row.shape == (6, 3 * 32 + 2 * 2, 4)
    for number, part in enumerate(parts):
        np.testing.assert_array_equal(row[:, number * 34 : number * 34 + 32, :3], part)
        assert (row[:, number * 34 : number * 34 + 32, 3] == 255).all()
    assert (row[:, 32:34, 3] == 0).all() and (row[:, 66:68, 3] == 0).all()


def test_a_path_begins_without_change_and_ends_with_all():
    figure = lab.flip_path(["no change", "a", "b"], [0.1, 0.3, 0.6], [0.9, 0.6, 0.4], target_name="dog", origin_name="cat")
    target, origin = figure.data
    assert (list(target.x), list(target.y), list(origin.y)) == ([0, 1, 2], [0.1, 0.3, 0.6], [0.9, 0.6, 0.4])
    assert alt(figure) == (
        "The probability of dog along 2 changes of gates: 10.0 % without, 60.0 % after all; of cat 40.0 % after all."
    )


def test_swapped_places_are_listed_from_the_top_with_their_signs():
    figure = lab.swapped_blocks(["all blocks", "stage 1"], [-0.5, 2.0], label="cat", other="ship")
    assert list(figure.data[0].x) == [-0.5, 2.0]
    assert list(figure.data[0].text) == ["-0.50", "+2.00"]
    assert figure.layout.yaxis.autorange == "reversed"
    assert alt(figure).endswith("all blocks -0.50 and stage 1 +2.00. The strongest is stage 1.")


def test_bars_mark_the_chosen_one():
    figure = arithmetic.bars([0.5, -1.0, 2.0], chosen=1, name="channel", unit="squeeze z", title="Squeeze")
    assert list(figure.data[0].y) == [0.5, -1.0, 2.0]
    assert [colour == arithmetic.CHOSEN for colour in figure.data[0].marker.color] == [False, True, False]
    assert "marked is channel 1 with -1.0000" in alt(figure)


def test_weights_are_signed_cells_with_a_row_and_a_column_framed():
    values = np.array([[0.0, 2.0, -1.0], [0.5, -2.0, 1.0]])
    figure = arithmetic.weights(values, row=1, column=2, title="First layer")
    np.testing.assert_array_equal(figure.data[0].z, [[127, 254, 64], [159, 0, 190]])
    row, column = figure.layout.shapes
    assert (row.y0, row.y1, column.x0, column.x1) == (0.5, 1.5, 1.5, 2.5)
    assert "between hidden unit 1 and channel 2 it is 1.0000" in alt(figure)
    assert np.all(np.asarray(arithmetic.weights(np.zeros((2, 2)), row=0, column=0, title="").data[0].z) == 127)


def test_terms_follow_each_other_and_end_at_their_sum():
    values = [2.0, -3.0, 0.5]
    figure = arithmetic.terms(["a", "b", "bias"], values, sum(values), title="A sum")
    bar = figure.data[0]
    np.testing.assert_allclose(bar.base, [0.0, 2.0, -1.0, 0.0])
    np.testing.assert_allclose(np.add(bar.base, bar.x), [2.0, -1.0, -0.5, -0.5])
    assert list(figure.layout.yaxis.ticktext) == ["a", "b", "bias", "sum"]
    low, high = figure.layout.xaxis.range
    assert low <= -1.0 and high >= 2.0
    assert alt(figure) == "A sum: a +2.000, b -3.000 and bias +0.500; sum -0.5000."


@pytest.mark.parametrize("figure", [
    lab.before_after(["cat"], [0.5], [0.4], [1.0]),
    lab.flip_path(["no", "a"], [0, 1], [1, 0], target_name="b", origin_name="a"),
    lab.swapped_blocks(["all"], [1.0], label="cat", other="ship"),
    arithmetic.bars([1.0], chosen=0, name="channel", unit="z", title="t"),
    arithmetic.weights([[1.0]], row=0, column=0, title="t"),
    arithmetic.terms(["a"], [1.0], 1.0, title="t"),
])  # fmt: skip
def test_no_figure_sets_the_colour_of_text_or_background(figure):
    plain = figure.to_plotly_json()["layout"]
    assert "font" not in plain and plain["paper_bgcolor"] == plain["plot_bgcolor"] == "rgba(0,0,0,0)"
    assert not any("font" in annotation for annotation in plain.get("annotations", ()))
