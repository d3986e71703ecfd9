"""What dropped channels cost, by hand and by slow resampling, the sentences that follow, and the chart."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from seviz.analysis.classification import wilson
from seviz.analysis.pruning import Cut, Level, Versus, beside_mean, findings, level_of, table, versus_of, within
from seviz.figures import pruning as figures
from seviz.figures.colours import NEUTRAL
from seviz.figures.layout import alt

CUTS = (Cut(0.0, 0, 100, 1000, 5000), Cut(0.1, 10, 100, 900, 4600), Cut(0.3, 30, 100, 700, 3800))


def level(criterion, share, difference, interval, **more):
    return Level(criterion, share, 0.9 + difference, (0.88 + difference, 0.92 + difference), difference, interval, 0.5, **more)


def levels():
    seeds = {"by_seed": (0.7, 0.8)}
    return (
        level("gate", 0.1, -0.002, (-0.006, 0.002)),
        level("gate", 0.3, -0.2, (-0.22, -0.18)),
        level("magnitude", 0.1, -0.001, (-0.004, 0.002)),
        level("magnitude", 0.3, -0.004, (-0.009, 0.001)),
        level("random", 0.1, -0.03, (-0.06, 0.0), **seeds),
        level("random", 0.3, -0.15, (-0.5, 0.2), **seeds),
    )


def rights(shares, n=4000, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack([rng.random(n) < share for share in shares])


# figures from predictions


def test_a_level_by_hand():
    unpruned, pruned = np.array([1, 1, 1, 1, 0, 0], bool), np.array([[1, 0, 0, 1, 1, 0]], bool)
    one = level_of("gate", 0.3, pruned, unpruned)
    assert (one.accuracy, one.spread, one.by_seed) == (0.5, wilson(3, 6), ())
    assert one.difference == pytest.approx(-1 / 6)
    assert one.p == 1.0  # two samples lost and one won: at even chances as likely as any other outcome of three


def test_random_is_the_mean_of_its_seeds_with_their_range():
    unpruned, right = rights([0.9])[0], rights([0.5, 0.6, 0.7], seed=1)
    one = level_of("random", 0.3, right, unpruned)
    rates = right.mean(1)
    assert one.by_seed == pytest.approx(rates)
    assert (one.accuracy, one.spread) == (pytest.approx(rates.mean()), (rates.min(), rates.max()))
    assert one.difference == pytest.approx(rates.mean() - unpruned.mean())
    assert one.interval[0] < one.difference < one.interval[1] < 0


def test_the_interval_beside_chance_holds_the_truth_as_often_as_it_says():
    """Accuracies of seeds are drawn around 0.6 and samples around those: the interval is of 0.9 - 0.6."""
    rng, inside = np.random.default_rng(3), 0
    for _ in range(400):
        several = np.stack([rng.random(300) < rng.normal(0.6, 0.04) for _ in range(4)])
        low, high = beside_mean(rng.random(300) < 0.9, several)[1]
        inside += low <= 0.3 <= high
    assert 0.92 <= inside / 400 <= 0.99


def test_with_samples_alone_it_is_the_t_interval_of_differences_and_with_seeds_alone_theirs():
    one = rights([0.9], n=200)[0]
    same = np.stack([one & (np.arange(200) % 3 > 0)] * 2)  # two seeds that chose alike
    away = one - same.mean(0)
    wanted = stats.t.interval(0.95, 199, loc=away.mean(), scale=stats.sem(away))
    assert beside_mean(one, same)[1] == pytest.approx(wanted)
    assert beside_mean(one, same)[2] == pytest.approx(stats.ttest_1samp(away, 0).pvalue, abs=1e-12)
    everywhere = np.stack([np.ones(200, bool), np.zeros(200, bool)])  # no sample differs from another
    low, high = beside_mean(np.ones(200, bool), everywhere)[1]
    wanted = stats.t.interval(0.95, 1, loc=0.5, scale=stats.sem([0.0, 1.0]))
    assert (low, high) == pytest.approx(wanted)
    assert beside_mean(one, np.stack([one, one])) == (0, (0, 0), 1.0)


def test_two_criteria_are_compared_sample_by_sample():
    one, other = rights([0.9, 0.7])
    found = versus_of("gate", "magnitude", 0.3, one[None], other[None])
    assert found.difference == pytest.approx(one.mean() - other.mean())
    drawn = [np.random.default_rng(row).integers(0, 4000, 4000) for row in range(1000)]
    slow = np.quantile([one[rows].mean() - other[rows].mean() for rows in drawn], [0.025, 0.975])
    assert found.interval == pytest.approx(tuple(slow), abs=0.003)
    chance = versus_of("gate", "random", 0.3, one[None], rights([0.6, 0.7], seed=2))
    assert chance.difference == pytest.approx(one.mean() - rights([0.6, 0.7], seed=2).mean())


# sentences


def test_what_can_be_dropped_ends_at_the_first_share_that_loses_too_much():
    rows = [
        level("gate", share, 0.0, (low, 0.01)) for share, low in ((0.3, -0.02), (0.1, -0.004), (0.2, -0.009), (0.5, -0.001))
    ]
    assert within(rows).share == 0.2
    assert within(rows[:1]) is None
    assert within(rows, 0.1).share == 0.5


def test_sentences_follow_from_the_numbers():
    versus = (
        Versus("gate", "magnitude", 0.1, -0.001, (-0.01, 0.01), 0.6),
        Versus("gate", "magnitude", 0.3, -0.196, (-0.21, -0.18), 1e-9),
        Versus("gate", "random", 0.1, 0.028, (0.01, 0.05), 0.01),
        Versus("gate", "random", 0.3, -0.05, (-0.3, 0.2), 0.4),
    )
    gate, magnitude, random, worse, better = findings(CUTS, levels(), versus)
    assert gate == (
        "By mean gate 10% of the branches' channels can be dropped within 1 point: -0.20 points, -0.60 to +0.20; it saves "
        "10.0% of the parameters and 8.0% of the multiply-adds."
    )
    assert magnitude.startswith("By magnitude 30% of the branches' channels can be dropped within 1 point: -0.40 points")
    assert "30.0% of the parameters and 24.0% of the multiply-adds" in magnitude
    assert random.startswith("By chance no share can be dropped of which it can be told that at most 1 point is lost: at the")
    assert worse == (
        "Beside magnitude, mean gate does worse at 30% (-19.60 points, -21.00 to -18.00); at 10% no difference can be told, "
        "after Holm's correction for 2 shares."
    )
    assert better.startswith("Beside chance, mean gate does better at 10% (+2.80 points, +1.00 to +5.00); at 30% no difference")


def test_a_difference_that_holms_correction_takes_away_is_not_told():
    pair = [Versus("gate", "random", share, 0.02, (0.001, 0.04), 0.04) for share in (0.1, 0.3)]
    assert "does neither better nor worse at any share" in findings(CUTS, levels(), pair)[-1]
    assert "does better at 10%" in findings(CUTS, levels(), pair[:1])[-1]
    assert findings(CUTS, levels(), pair[:1])[-1].endswith("at the one share measured.")


# the chart and its table


@pytest.mark.parametrize(("cost", "prices"), [("parameters", [1.0, 0.9, 0.7]), ("multiply-adds", [0.005, 0.0046, 0.0038])])
def test_the_chart_has_a_line_a_criterion_from_the_whole_network_down(cost, prices):
    drawn = figures.accuracy_against_cost(CUTS, levels(), 0.9, (0.89, 0.91), cost)
    assert [line.name for line in drawn.data] == ["by mean gate", "by magnitude", "by chance"]
    for line in drawn.data:
        assert line.x == pytest.approx(prices)
        assert line.y[0] == 0.9
        assert (line.error_y.array[0], line.error_y.arrayminus[0]) == (0, 0)
    gate = drawn.data[0]
    assert gate.y == pytest.approx((0.9, 0.898, 0.7))
    assert np.add(gate.y, gate.error_y.array)[1:] == pytest.approx([0.918, 0.72])
    assert np.subtract(gate.y, gate.error_y.arrayminus)[1:] == pytest.approx([0.878, 0.68])
    assert drawn.layout.xaxis.title.text == figures.UNITS[cost]
    rules = {shape.type: (shape.y0, shape.y1) for shape in drawn.layout.shapes}
    assert rules == {"line": (0.9, 0.9), "rect": (0.89, 0.91)}
    assert next(shape for shape in drawn.layout.shapes if shape.type == "line").line.color == NEUTRAL
    assert min(drawn.layout.xaxis.range) < min(prices) and max(drawn.layout.xaxis.range) > max(prices)


def test_lines_are_told_apart_without_colours():
    styles = [(line.line.dash, line.marker.symbol) for line in _parts()]
    assert len(set(styles)) == len({dash for dash, _ in styles}) == 3
    assert len({line.line.color for line in _parts()}) == 3


def _parts():
    return figures.accuracy_against_cost(CUTS, levels(), 0.9, (0.89, 0.91), "parameters").data


def test_the_chart_in_words():
    words = alt(figures.accuracy_against_cost(CUTS, levels(), 0.9, (0.89, 0.91), "parameters"))
    assert words == (
        "Accuracy against thousand parameters: 90.0 % at 1.0 with all channels; by mean gate 89.8 % at 0.9 and 70.0 % at 0.7; "
        "by magnitude 89.9 % at 0.9 and 89.6 % at 0.7; by chance 87.0 % at 0.9 and 75.0 % at 0.7."
    )


def test_the_numbers_behind_it():
    columns = table(CUTS, levels())
    assert {len(column) for column in columns.values()} == {6}
    assert columns["by"] == ["mean gate"] * 2 + ["magnitude"] * 2 + ["chance"] * 2
    assert (columns["parameters"][1], columns["multiply-adds"][1], columns["channels dropped"][1]) == (700, 3800, 30)
    assert (columns["difference low"][1], columns["difference high"][1]) == (-0.22, -0.18)
