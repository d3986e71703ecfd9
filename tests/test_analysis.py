"""Curves, one picture's gates, and the paper's figures."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from seviz import analysis
from seviz.analysis import paper
from seviz.analysis.curves import generalisation_gap, smooth
from seviz.analysis.gates import channel_order, deviation, extremes, summary


def test_smoothing_is_a_weighted_mean_of_what_came_before() -> None:
    values, weight = np.random.default_rng(0).normal(size=12), 0.8
    slow = [np.average(values[: t + 1], weights=weight ** np.arange(t, -1, -1)) for t in range(12)]
    assert_allclose(smooth(values, weight), slow)


def test_smoothing_by_hand() -> None:
    assert_allclose(smooth([4.0, 1.0], 0.5), [4.0, 2.0])  # (1/2 * 4 + 1 * 1) / (1/2 + 1)
    assert_array_equal(smooth([4.0, 1.0], 0.0), [4.0, 1.0])
    assert smooth([], 0.9).shape == (0,)


def test_smoothing_leaves_constants_and_gaps() -> None:
    assert_allclose(smooth([0.7] * 5, 0.99), [0.7] * 5)
    assert_array_equal(smooth([1.0, np.nan, 1.0, np.inf], 0.9)[[1, 3]], [np.nan, np.inf])
    assert smooth([1.0, np.nan, 3.0], 0.5)[2] == smooth([1.0, 3.0], 0.5)[1]


@pytest.mark.parametrize("weight", [-0.1, 1.0, 1.5])
def test_smoothing_refuses_other_weights(weight: float) -> None:
    with pytest.raises(ValueError, match="smoothing weight"):
        smooth([1.0], weight)


def test_the_gap_is_positive_where_the_test_is_worse() -> None:
    assert generalisation_gap([0.2], [0.5], higher_is_better=False) == pytest.approx(0.3)
    assert generalisation_gap([0.95], [0.9], higher_is_better=True) == pytest.approx(0.05)
    assert generalisation_gap([0.7], [0.8], higher_is_better=True) == pytest.approx(-0.1)


GATES = np.array([0.5, 0.9, 0.1, 0.9, 0.02, 0.97], dtype=np.float32)


def test_channels_in_order() -> None:
    assert channel_order(GATES, "channel").tolist() == [0, 1, 2, 3, 4, 5]
    assert channel_order(GATES, "sorted").tolist() == [5, 1, 3, 0, 2, 4]  # 1 and 3 are equal: the lower one first
    with pytest.raises(ValueError, match="channel, sorted"):
        channel_order(GATES, "random")


def test_extremes_by_hand() -> None:
    found = extremes(GATES, 2)
    assert found.opened.tolist() == [5, 1]
    assert found.closed.tolist() == [4, 2]


@pytest.mark.parametrize("gates", [GATES, np.full(6, 0.5), np.arange(7) / 7, np.array([0.3]), np.array([])])
def test_no_channel_is_most_opened_and_most_closed(gates: np.ndarray) -> None:
    found = extremes(gates, 99)
    assert len(found.opened) == len(found.closed) == len(gates) // 2
    assert not set(found.opened) & set(found.closed)
    if len(found.opened):
        assert gates[found.opened].min() >= gates[found.closed].max()


def test_summary_by_hand() -> None:
    found = summary(GATES)
    assert (found.channels, found.lowest, found.highest) == (6, np.float32(0.02), np.float32(0.97))
    assert found.mean == pytest.approx(3.39 / 6)
    assert found.sd == pytest.approx(np.std([0.5, 0.9, 0.1, 0.9, 0.02, 0.97]))
    assert (found.share_closed, found.share_middle, found.share_open) == (1 / 6, 1 / 6, 1 / 6)
    near = summary([0.049, 0.051, 0.449, 0.551, 0.94, 0.96])
    assert (near.share_closed, near.share_middle, near.share_open) == (1 / 6, 0, 1 / 6)
    with pytest.raises(ValueError, match="C > 0"):
        summary([])


def test_deviation_in_gates_and_in_standard_deviations() -> None:
    assert_allclose(deviation([0.5, 0.9], [0.4, 1.0]), [0.1, -0.1])
    assert_allclose(deviation([[0.5, 0.9]], [0.4, 1.0], [0.05, 0.2]), [[2.0, -0.5]])
    assert np.isnan(deviation([0.5], [0.4], [0.0])).all()


def test_the_papers_gains_are_those_it_prints() -> None:
    """Table 2 prints the differences beside the errors, which guards both against slips of the pen."""
    gains = {"ResNet-50": (1.51, 0.86), "ResNet-101": (0.79, 0.45), "ResNet-152": (0.85, 0.61), "ResNeXt-50": (1.01, 0.41),
             "ResNeXt-101": (0.48, 0.56), "VGG-16": (1.80, 1.11), "BN-Inception": (1.15, 0.75),
             "Inception-ResNet-v2": (0.57, 0.42), "MobileNet": (3.1, 1.7), "ShuffleNet": (1.6, 1.4)}  # fmt: skip
    found = {pair.plain.name: (pair.plain.top1 - pair.se.top1, pair.plain.top5 - pair.se.top5) for pair in paper.IMAGENET}
    assert found == {name: pytest.approx(gain, abs=0.006) for name, gain in gains.items()}
    assert paper.imagenet("ResNet-50").se == paper.Result("SE-ResNet-50", 23.29, 6.62, 3.87)


def test_every_ablation_has_the_standard_block() -> None:
    """All of them vary one choice of the same network, so the row that was chosen is the same in every table."""
    assert [ablation.table for ablation in paper.ABLATIONS] == [f"Table {number}" for number in range(10, 17)]
    for ablation in paper.ABLATIONS:
        (chosen,) = [row for row in ablation.rows if row.name == ablation.chosen]
        assert (chosen.top1, chosen.top5) == (paper.SE_IN_ABLATIONS.top1, paper.SE_IN_ABLATIONS.top5)


@pytest.mark.parametrize(("arch", "name"), [("resnet50", "ResNet-50"), ("se_resnet50", "SE-ResNet-50")])
@pytest.mark.parametrize(("stride_on", "version"), [("1x1", ""), ("3x3", " v1.5")])
def test_what_was_counted_can_be_counted_again(arch: str, name: str, stride_on: str, version: str) -> None:
    import torch

    from seviz.nets import build, cost

    with torch.device("meta"):
        net = build(arch, stride_on=stride_on)
    (row,) = [row for row in paper.COUNTED if row.name == name + version]
    found = cost(net, 224, 224)
    assert (found.parameters, round(found.multiply_adds / 1e9, 4)) == (row.parameters, row.multiply_adds)


def test_the_reports_interval() -> None:
    low, high = paper.report_interval()
    assert (round(low, 4), round(high, 4)) == (0.8511, 0.8648)


def test_the_table_names_every_file() -> None:
    named = re.findall(r"^    (\w+\.py) ", analysis.__doc__ or "", re.MULTILINE)
    files = [path.name for path in Path(analysis.__file__).parent.glob("*.py") if path.name != "__init__.py"]
    assert named == sorted(files)
