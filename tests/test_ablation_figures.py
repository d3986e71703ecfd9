"""What edits cost, by hand and by slow resampling, and sentences that follow from the numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from seviz.analysis.ablation import (
    Edited,
    Effect,
    Gate,
    Live,
    Network,
    Share,
    effect,
    findings,
    input_dependent_share,
    live_figures,
    recalls,
)
from seviz.analysis.classification import wilson

LABELS = np.array([0, 0, 0, 1, 1, 1, 1, 3])
LIVE = np.array([0, 0, 1, 1, 1, 0, 3, 3])  # right: 1 1 0 1 1 0 0 1
EDITED = np.array([0, 1, 0, 1, 0, 0, 3, 0])  # right: 1 0 1 1 0 0 0 0


def test_an_effect_by_hand():
    one = effect(Edited("s1", "1", ("a", "b"), EDITED, np.arange(8) / 4), LIVE, LABELS, classes=4)
    assert (one.where, one.gate, one.sites) == ("s1", "1", ("a", "b"))
    assert one.accuracy == 3 / 8
    assert one.difference == pytest.approx(3 / 8 - 5 / 8)
    assert (one.only_edited, one.only_live) == (1, 3)
    assert one.p == pytest.approx(2 * (1 + 4) / 16)  # at most 1 of 4 at even chances, two-sided
    assert one.changed == 4 / 8
    assert one.delta_logit == 28 / 4 / 8
    assert one.per_class == (2 / 3, 1 / 4, None, 0.0)


def test_the_live_network_by_hand():
    live = live_figures(LIVE, LABELS, 4)
    assert (live.n, live.accuracy, live.interval) == (8, 5 / 8, wilson(5, 8))
    assert live.per_class == (2 / 3, 2 / 4, None, 1.0)
    assert recalls(np.array([True]), np.array([1]), 2) == (None, 1.0)


def test_the_interval_is_that_of_resampled_pictures():
    rng = np.random.default_rng(0)
    labels, n = rng.integers(0, 5, 800), 800
    live = np.where(rng.random(n) < 0.8, labels, (labels + 1) % 5)
    edited = np.where(rng.random(n) < 0.9, live, (labels + rng.integers(0, 2, n)) % 5)
    one = effect(Edited("all", "1", ("a",), edited, np.zeros(n)), live, labels, classes=5)
    drawn = [rng.integers(0, n, n) for _ in range(4000)]
    differences = [(edited[rows] == labels[rows]).mean() - (live[rows] == labels[rows]).mean() for rows in drawn]
    assert one.interval == pytest.approx(tuple(np.quantile(differences, [0.025, 0.975])), abs=0.0025)
    assert one.interval[0] < one.difference < one.interval[1]


def answers(n=1500, seed=1):
    rng = np.random.default_rng(seed)
    live = rng.random(n) < 0.9
    static = np.where(rng.random(n) < 0.85, live, rng.random(n) < 0.5)
    off = np.where(rng.random(n) < 0.5, static, rng.random(n) < 0.4)
    return live, static, off


def test_the_input_dependent_share_is_a_ratio_of_losses():
    live, static, off = (np.repeat(values, 100) for values in ([1, 1, 1, 1, 0], [1, 1, 0, 1, 0], [0, 0, 0, 1, 0]))
    share = input_dependent_share(live.astype(bool), static.astype(bool), off.astype(bool))
    assert share.value == pytest.approx((0.8 - 0.6) / (0.8 - 0.2))
    assert share.interval[0] < share.value < share.interval[1]


def test_its_interval_is_that_of_resampled_pictures():
    live, static, off = answers()
    share, rng = input_dependent_share(live, static, off), np.random.default_rng(7)
    ratios = []
    for _ in range(4000):
        rows = rng.integers(0, len(live), len(live))
        ratios.append((live[rows].mean() - static[rows].mean()) / (live[rows].mean() - off[rows].mean()))
    assert share.value == pytest.approx((live.mean() - static.mean()) / (live.mean() - off.mean()))
    assert share.interval == pytest.approx(tuple(np.quantile(ratios, [0.025, 0.975])), abs=0.01)


def test_there_is_no_share_of_what_cannot_be_told():
    live, _, _ = answers()
    assert input_dependent_share(live, live, live) == Share(None, None)
    almost = live.copy()
    almost[np.flatnonzero(live)[0]] = False
    assert input_dependent_share(live, live, almost) == Share(None, None)


# in words

PATHS = ("layer1.0.se", "layer2.0.se", "layer2.1.se")
NETWORK = Network((Gate(PATHS[0], 1, 100), Gate(PATHS[1], 2, 300), Gate(PATHS[2], 2, 600)), 20_000)
LIVE_FIGURES = Live(10_000, 0.9, (0.89, 0.91), (0.9,))


def an_effect(where, gate, difference, half=0.002, p=1.0):
    interval = (difference - half, difference + half)
    return Effect(where, gate, PATHS, 0.9 + difference, difference, interval, p, 0, 0, 0.0, 0.0, (0.9,))


def effects(**changes):
    """No effect anywhere, but for "where/gate" -> (difference, half width, p)."""
    made = []
    for where in ("all", "s1", "s2", *PATHS):
        for gate in ("1", "mean", "class", "shuffle"):
            made.append(an_effect(where, gate, *changes.get(f"{where}/{gate}", (0.0, 0.002, 1.0))))
    return made


NO_SHARE = Share(None, None)


def said(share=NO_SHARE, **changes):
    return findings(LIVE_FIGURES, effects(**changes), share, NETWORK)


def test_the_share_is_said_with_its_interval_or_not_at_all():
    first = said(Share(0.25, (0.2, 0.31)), **{"all/1": (-0.8, 0.01, 0), "all/mean": (-0.2, 0.01, 0)})[0]
    assert "With all gates at 1 this network is right on 10.00% of 10,000 pictures, with its own gates on 90.00%" in first
    assert "with each gate at its mean on 70.00%" in first
    assert "25% (20% to 31%) of what its gates are worth depends on the picture" in first
    assert "it cannot be told that its gates are worth anything" in said()[0]


@pytest.mark.parametrize(
    ("difference", "half", "words"),
    [
        (0.0, 0.0005, "can go"),
        (0.02, 0.005, "can go"),  # better without
        (-0.02, 0.005, "cannot go"),
        (-0.002, 0.0005, "cannot go"),
        (-0.001, 0.003, "may or may not go, more pictures would tell"),
        (0.0, 0.003, "may or may not go, more pictures would tell"),
    ],
)
def test_whether_the_last_stage_can_go_depends_on_the_interval(difference, half, words):
    sentence = said(**{"s2/1": (difference, half, 0.5)})[1]
    low, high = difference - half, difference + half
    assert f"last stage, 900 parameters (4.50% of the network, 90% of its SE blocks), {words}: at 1" in sentence
    assert f"{100 * difference:+.2f} points, {100 * low:+.2f} to {100 * high:+.2f}; at" in sentence
    assert f"so that fixed they {words}" in said(**{"s2/mean": (difference, half, 0.5)})[1]


@pytest.mark.parametrize(("n", "words"), [(60, "may or may not go, more pictures would tell"), (10_000, "can go")])
def test_that_no_answer_of_few_pictures_changed_proves_little(n, words):
    still = effects(**{f"s2/{gate}": (0.0, 0.0, 1.0) for gate in ("1", "mean")})
    sentence = findings(replace(LIVE_FIGURES, n=n), still, NO_SHARE, NETWORK)[1]
    assert f", {words}: at 1 they change accuracy by +0.00 points, +0.00 to +0.00; at their mean, which a layer" in sentence
    assert f"so that fixed they {words} (" in sentence


def test_sites_that_matter_are_named_worst_first_after_holms_correction():
    told = {f"{PATHS[0]}/1": (-0.01, 0.002, 0.001), f"{PATHS[2]}/1": (-0.05, 0.002, 0.0001)}
    sentence = said(**told, **{f"{PATHS[1]}/1": (-0.003, 0.002, 0.06)})[2]
    assert sentence == (
        "One site at a time at 1, accuracy changes at layer2.1.se (-5.00 points, -5.20 to -4.80), layer1.0.se (-1.00 points, "
        "-1.20 to -0.80); for the other site none can be told, after Holm's correction for 3 tests."
    )
    # 0.02 is under 0.05 alone, and not three times over
    assert "for none of the 3 can a change of accuracy be told" in said(**{f"{PATHS[0]}/mean": (-0.01, 0.002, 0.02)})[3]


def test_a_network_of_one_stage_has_no_last_one_to_remove():
    network = Network(tuple(Gate(path, 0, 100) for path in PATHS), 1000)
    assert len(findings(LIVE_FIGURES, effects(), NO_SHARE, network)) == 4
