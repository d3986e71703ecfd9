"""Channels in words and choices among many, where a site is class-specific, and the tables behind figures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax

from seviz.analysis import tables
from seviz.analysis.channels import describe_channel, end_classes, telling_channels, telling_classes, thin_classes
from seviz.analysis.classification import probabilities
from seviz.analysis.comparison import Side, compare, pair
from seviz.analysis.distance import between, describe_between
from seviz.analysis.health import site_health
from seviz.analysis.moments import Moments, sample_moments
from seviz.analysis.observations import summarise_site, where_specific
from seviz.analysis.paper import FIGURE_6_CLASSES, FIGURE_6_SITES, figure_6_classes, figure_6_sites, site_name
from seviz.analysis.relation import relate

NAMES = ("ant", "bee", "cat", "dog", "elk")


def moments_of(means, count=10, spread=0.01):
    """Classes with these mean gates (K, C) and `spread` within each."""
    means = np.asarray(means, dtype=np.float64)
    return Moments(np.full(len(means), count), means, np.full(means.shape, count * spread**2))


# words on a channel


def test_a_channel_is_described_by_its_ends():
    found = moments_of([[0.1], [0.9], [0.5], [0.2], [0.8]])
    words = describe_channel(found, NAMES, 0)
    assert words.startswith("Most open for bee (0.90) and elk (0.80), least for ant (0.10) and dog (0.20); in brackets, mean ")
    assert "explains 100%" in words


def test_a_channel_of_noise_is_hardly_explained_by_the_class():
    generator = np.random.default_rng(0)
    labels = np.arange(500) % 5
    found = sample_moments(generator.uniform(0.3, 0.7, (500, 1)), labels, 5)
    assert "explains 0%" in describe_channel(found, NAMES, 0) or "explains 1%" in describe_channel(found, NAMES, 0)


def test_a_gate_that_never_moves_and_a_single_class_are_said():
    still = Moments(np.array([5, 5]), np.full((2, 1), 0.25), np.zeros((2, 1)))
    assert describe_channel(still, NAMES[:2], 0) == "This gate never moves: it is 0.250 for every picture."
    alone = Moments(np.array([5, 0]), np.array([[0.25], [np.nan]]), np.array([[0.1], [0.0]]))
    assert "one class alone" in describe_channel(alone, NAMES[:2], 0)
    nobody = Moments(np.zeros(2, dtype=int), np.full((2, 1), np.nan), np.zeros((2, 1)))
    assert "no pictures" in describe_channel(nobody, NAMES[:2], 0)


# one sample between two classes


def test_a_sample_between_two_classes_by_hand():
    found = moments_of([[0.0, 0.0], [0.6, 0.8]], spread=0.1)
    one = between("here", [0.6, 0.0], found, 0, 1)
    assert_allclose([one.to_true, one.to_other, one.usual], [np.sqrt(0.36 / 2), np.sqrt(0.64 / 2), 0.1])
    assert_allclose(one.pull.difference, (0.36 - 0.64) / 2)
    words = describe_between([one, between("there", [0.6, 0.7], found, 0, 1)], "ant", "bee")
    assert words.startswith("At 1 of 2 blocks the gates are nearer to the mean of bee than to that of ant")
    assert "(there)" in words
    assert words.endswith("More than 1.5 times as far from ant as its pictures usually are: here, there.")
    assert "the mean of bee, its answer, than to that of ant" in describe_between([one], "ant", "bee", "its answer")
    table = tables.gate_distances(["layer1.0.se"], [one], "ant", "bee")
    columns = ("distance to ant", "distance to bee", "usual in ant")
    assert_allclose([table[name] for name in columns], [[np.sqrt(0.36 / 2)], [np.sqrt(0.64 / 2)], [0.1]])
    pull = tables.channel_pull(one, found, (0, 1), ("ant", "bee"), 1)
    assert {name: round(values[0], 6) for name, values in pull.items()} == {
        "channel": 1, "gate": 0.0, "mean of ant": 0.0, "mean of bee": 0.8, "pull to bee": -0.32,
    }  # fmt: skip


# which of many


def test_classes_at_both_ends_of_a_channel():
    found = moments_of(np.array([[0.5, 0.1, 0.9, 0.3, 0.7, 0.4]]).T)
    assert_array_equal(end_classes(found, 0, 6), np.arange(6))
    assert_array_equal(end_classes(found, 0, 4), [2, 4, 3, 1])
    assert_array_equal(end_classes(found, 0, 3), [2, 4, 1])


def test_classes_that_differ_most_and_channels_that_tell_most():
    means = np.full((5, 3), 0.5)
    means[3] += 0.3
    means[1] -= 0.2
    means[:, 2] += [0, 0.1, 0, 0, 0.2]
    found = moments_of(means)
    assert_array_equal(telling_classes(found, 2), [1, 3])
    assert_array_equal(telling_classes(found, 5), np.arange(5))
    assert_array_equal(telling_channels(found, 1), [int(means.var(0).argmax())])
    means[[0, 2, 4]] = np.nan
    part = replace(moments_of(means), count=np.array([0, 10, 0, 10, 0]))
    assert_array_equal(telling_classes(part, 4), [1, 3], "of many, none without pictures")


def test_classes_without_a_mean_or_a_spread_are_named():
    found = Moments(np.array([3, 0, 1, 1]), np.array([[0.5], [np.nan], [0.4], [0.3]]), np.zeros((4, 1)))
    assert thin_classes(found, NAMES[:4], [0, 1, 3]) == ["With no pictures: bee.", "With one picture, so no spread: dog."]
    assert thin_classes(found, NAMES[:4], [0]) == []


# depth in a sentence


def test_where_it_becomes_class_specific():
    agnostic = moments_of([[0.5], [0.501], [0.499]], spread=0.1)
    specific = moments_of([[0.1], [0.5], [0.9]], spread=0.01)
    sites = [summarise_site("one", 1, agnostic), summarise_site("two", 2, specific)]
    assert where_specific(sites).startswith("It becomes class-specific at two, where the class explains 100% of the variance")
    less = summarise_site("less", 1, moments_of([[0.4], [0.5], [0.6]], spread=0.1))
    first = where_specific([sites[0], less, sites[1]])
    assert first.startswith(f"It first becomes class-specific at less ({less.eta.adjusted:.0%} of the variance beyond chance")
    assert first.endswith("most of all at two, where the class explains 100% of the variance of the gates.")
    assert "nowhere much" in where_specific(sites[:1])
    assert "cannot be told" in where_specific([])


# the paper's choices


def test_the_papers_sites_of_se_resnet_50():
    paths = [f"layer{stage}.{block}" for stage, blocks in enumerate((3, 4, 6, 3), 1) for block in range(blocks)]
    stages = [int(path[5]) for path in paths]
    assert [paths[index] for index in figure_6_sites(stages)] == [path for _, path in FIGURE_6_SITES]


def test_of_three_stages_the_last_block_of_each():
    assert figure_6_sites([1, 1, 1, 2, 2, 2, 3, 3, 3]) == [2, 5, 8]
    assert figure_6_sites([]) == []
    assert site_name("last", 3, 2, [1, 2, 3]) == "last"
    assert site_name("last", 3, 2, [1, 2, 3, 4]) == "last (SE_4_2)"


def test_the_papers_classes_are_known_by_name_and_place():
    names = [f"class {index}" for index in range(1000)]
    assert figure_6_classes(names) == [0, 333, 666, 999]
    for name, index in FIGURE_6_CLASSES:
        names[index] = {"plane": "airliner"}.get(name, name) + ", so called"
    assert figure_6_classes(names) == [1, 254, 404, 972]
    assert figure_6_classes(NAMES[:2]) == [0, 1]
    assert figure_6_classes(NAMES[:1]) == [0]


# squeeze and gate in words


def test_gates_that_open_and_shut_with_their_channel_are_counted():
    generator = np.random.default_rng(0)
    z = generator.normal(size=(200, 4))
    s = np.stack([z[:, 0], -z[:, 1], generator.normal(size=200) * 0 + 0.5, z[:, 3] ** 3], 1)
    words = relate(z, s).sentence("here")
    assert "from -1.00 to +1.00. 2 of 4 gates open with their own channel and 1 shut" in words
    assert relate(z, np.zeros_like(s)).sentence("here") == "No gate of here moves, so that nothing can be said."


# numbers


def test_probabilities_are_scipys_softmax():
    logits = np.random.default_rng(0).normal(scale=300, size=(20, 5))
    assert_allclose(probabilities(logits), softmax(logits, axis=-1), atol=1e-12)


@pytest.fixture(scope="module")
def found():
    generator = np.random.default_rng(0)
    labels, ids = np.arange(60) % 5, [f"s/{row}" for row in range(60)]
    sides = [Side(name, NAMES, ids, labels, generator.normal(size=(60, 5)) + 2 * np.eye(5)[labels]) for name in ("A", "B")]
    return compare(pair(*sides))


def test_tables_have_columns_of_one_length_and_the_numbers_of_the_comparison(found):
    health = site_health("one", moments_of([[0.2], [0.8]]), np.full((1, 32), 1))
    made = (tables.difference(found), tables.class_differences(found), tables.agreement(found), tables.calibration(found),
            tables.gate_health(["one.se"], [health]))  # fmt: skip
    assert all(len({len(column) for column in table.values()}) == 1 for table in made)
    difference, by_class, agreement, calibration, vitals = made
    assert difference["interval low"] == [100 * found.difference.bootstrap[0], 100 * found.difference.interval[0]]
    assert by_class["class"] == list(NAMES)
    assert by_class["A"] == [one.first for one in found.per_class]
    assert sum(agreement["samples"]) == 60
    assert_allclose(sum(agreement["share"]), 1)
    assert calibration["T"] == [one.temperature for one in found.calibration]
    assert (vitals["site"], vitals["verdict"]) == (["one.se"], [health.grade])


def test_a_histogram_is_a_row_a_class_and_bin():
    assert tables.gate_histograms(("ant", "bee"), np.array([[3, 0], [1, 2]])) == {
        "class": ["ant", "ant", "bee", "bee"],
        "gate from": [0, 0.5, 0, 0.5],
        "gate to": [0.5, 1, 0.5, 1],
        "pictures": [3, 0, 1, 2],
    }
