"""Statistics of gates against plain loops over samples, and parts that merge to the whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from networks import CLASSES, PREPROCESSING, lively
from sets import coloured

from seviz.data import DataKey
from seviz.errors import DataError, RequestError
from seviz.excitation import BINS, EXTREMES, ExcitationKey, excitation_of, merge, moments
from seviz.excitation.moments import Batch, Moments
from seviz.gates import Site, record_gates

pytestmark = pytest.mark.usefixtures("one_thread")

SITES = (Site("a.se", 0, 0, 3, 2), Site("b.se", 0, 0, 2, 1))
COUNT = 60


def made(seed=0, count=COUNT, classes=5):
    """A key, ids in no order, and a whole pass as one batch: gates with many equal values, and with 0 and 1 themselves.

    Class 3 has one sample, class 4 none.
    """
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 3, count)
    labels[count // 2] = 3
    ids = tuple(f"pic/{number:03d}" for number in generator.permutation(count))
    gates = (generator.integers(0, 17, (count, 5)) / 16).astype(np.float32)
    squeezes = generator.normal(0, 30, (count, 5)).astype(np.float32)
    fired = generator.random((count, 3)) < (0.0, 0.5, 1.0)
    key = ExcitationKey("ab" * 32, SITES, tuple("vwxyz"[:classes]), PREPROCESSING, DataKey("made", "test", count, "cd" * 32))
    return key, ids, Batch(np.arange(count), labels, labels, gates, squeezes, fired)


def taken(batch, rows):
    return Batch(*(getattr(batch, name)[rows] for name in ("indexes", "labels", "predicted", "gates", "squeezes", "fired")))


def measured(key, ids, batch, parts):
    running = Moments(key, ids)
    for rows in parts:
        if len(rows):
            running.add(taken(batch, rows))
    return running.result()


def slowly(key, ids, batch):
    """Site path -> what SiteStatistics holds, sample by sample and channel by channel."""
    found, column, unit = {}, 0, 0
    for site in key.sites:
        shape = (len(key.classes), site.channels)
        sums = {name: np.zeros(shape) for name in ("gate_sum", "gate_squares", "squeeze_sum", "squeeze_squares")}
        by_class = np.zeros((*shape, BINS), dtype=int)
        ranked = [[] for _ in range(site.channels)]
        for row, label in enumerate(batch.labels):
            for channel in range(site.channels):
                gate, squeeze = (float(values[row, column + channel]) for values in (batch.gates, batch.squeezes))
                for name, value in (("gate_sum", gate), ("gate_squares", gate**2)):
                    sums[name][label, channel] += value
                for name, value in (("squeeze_sum", squeeze), ("squeeze_squares", squeeze**2)):
                    sums[name][label, channel] += value
                by_class[label, channel, min(int(gate * BINS), BINS - 1)] += 1
                ranked[channel].append((gate, ids[batch.indexes[row]]))
        low = [sorted(pairs)[:EXTREMES] for pairs in ranked]
        high = [sorted(pairs, key=lambda pair: (-pair[0], pair[1]))[:EXTREMES] for pairs in ranked]
        fired = [int(batch.fired[:, unit + number].sum()) for number in range(site.hidden)]
        found[site.path] = (sums, by_class, low, high, fired)
        column, unit = column + site.channels, unit + site.hidden
    return found


def pairs(extremes):
    """[(value, id), ...] of every channel, without the empty places, which must come last."""
    rows = []
    for values, samples in zip(extremes.values, extremes.samples, strict=True):
        filled = samples != ""
        assert (np.isnan(values) == ~filled).all() and (np.diff(filled.astype(int)) <= 0).all()
        rows.append(list(zip(values[filled].tolist(), samples[filled].tolist(), strict=True)))
    return rows


def same(one, other, rtol=1e-12):
    """That two excitations are equal: sums to `rtol`, everything counted or ranked exactly."""
    assert (one.key, one.covered, one.n) == (other.key, other.covered, other.n)
    assert np.array_equal(one.count, other.count)
    for path, mine in one.sites.items():
        theirs = other.sites[path]
        for name in ("gate_sum", "gate_squares", "squeeze_sum", "squeeze_squares"):
            np.testing.assert_allclose(getattr(mine, name), getattr(theirs, name), rtol=rtol, atol=rtol * 1e3)
        assert np.array_equal(mine.histogram, theirs.histogram)
        assert np.array_equal(mine.class_histogram, theirs.class_histogram)
        assert np.array_equal(mine.fired, theirs.fired)
        for end in ("lowest", "highest"):
            assert pairs(getattr(mine, end)) == pairs(getattr(theirs, end))


@pytest.mark.parametrize("size", [1, 7, 20, 60])
def test_every_number_is_that_of_plain_loops(size):
    key, ids, batch = made()
    found = measured(key, ids, batch, np.array_split(np.arange(COUNT), COUNT // size))
    assert found.count.tolist() == np.bincount(batch.labels, minlength=5).tolist()
    assert (found.count[3], found.count[4], found.n, found.complete) == (1, 0, COUNT, True)
    for path, (sums, by_class, low, high, fired) in slowly(key, ids, batch).items():
        site = found.sites[path]
        for name, expected in sums.items():
            value = getattr(site, name)
            assert (value.dtype, value.shape) == (np.float64, expected.shape)
            np.testing.assert_allclose(value, expected, rtol=1e-13, atol=1e-10)
        assert np.array_equal(site.class_histogram, by_class)
        assert np.array_equal(site.histogram, by_class.sum(0))
        assert (pairs(site.lowest), pairs(site.highest)) == (low, high)
        assert site.fired.tolist() == fired
    assert found.sites["a.se"].fired[0] == 0  # a hidden unit that never fires
    assert found.sites["b.se"].fired[0] == COUNT


@pytest.mark.parametrize("squeezes", [False, True])
def test_the_moments_of_a_site_are_those_of_its_samples(squeezes):
    key, ids, batch = made()
    found = measured(key, ids, batch, [np.arange(COUNT)]).moments("b.se", squeezes=squeezes)
    values = (batch.squeezes if squeezes else batch.gates)[:, 3:]
    assert found.channels == 2
    for label in range(3):
        np.testing.assert_allclose(found.mean[label], values[batch.labels == label].mean(0), rtol=1e-5)
    assert np.isnan(found.mean[4]).all()


def test_a_gate_of_exactly_one_is_in_the_last_bin():
    key, ids, batch = made(count=4)
    batch.gates[:] = np.array([[0, 1 / 32, np.nextafter(np.float32(1), np.float32(0)), 1, 0.5]] * 4)
    histogram = np.concatenate([site.histogram for site in measured(key, ids, batch, [np.arange(4)]).sites.values()])
    assert [row.argmax() for row in histogram] == [0, 1, 31, 31, 16]
    assert histogram.sum(1).tolist() == [4] * 5


def test_few_samples_leave_empty_places():
    key, ids, batch = made(count=4)
    found = measured(key, ids, batch, [np.arange(4)])
    extremes = found.sites["a.se"].lowest
    assert (extremes.values.shape, extremes.samples.shape) == ((3, 9), (3, 9))
    assert (extremes.samples != "").sum(1).tolist() == [4, 4, 4]
    assert np.isnan(extremes.values[:, 4:]).all()


@pytest.mark.parametrize("seed", range(5))
def test_recorded_gates_merged_from_any_split_in_any_order_equal_one_pass(seed):
    key, ids, batch = made(seed)
    generator = np.random.default_rng(seed)
    whole = measured(key, ids, batch, [np.arange(COUNT)])
    order = generator.permutation(COUNT)
    cuts = np.sort(generator.choice(np.arange(1, COUNT), 5, replace=False))
    parts = [measured(key, ids, batch, np.array_split(rows, 2)) for rows in np.split(order, cuts)]
    for number in range(3):
        generator.shuffle(parts)
        total = parts[0]
        for part in parts[1:]:
            total = merge(total, part) if number % 2 else merge(part, total)
        same(total, whole)
    assert total.covered == ((0, COUNT),)


def test_nothing_at_all_is_a_part_as_well():
    key, ids, batch = made()
    nothing, whole = Moments(key, ids).result(), measured(key, ids, batch, [np.arange(COUNT)])
    assert (nothing.n, nothing.covered, nothing.complete) == (0, (), False)
    same(merge(nothing, whole), whole)
    same(merge(nothing, nothing), nothing)


def test_overlapping_parts_are_refused_and_gaps_are_kept():
    key, ids, batch = made()
    head, tail = (measured(key, ids, batch, [np.arange(*ends)]) for ends in ((0, 20), (30, 60)))
    assert merge(tail, head).covered == ((0, 20), (30, 60))
    middle = measured(key, ids, batch, [np.arange(20, 30)])
    assert merge(merge(head, tail), middle).covered == ((0, 60),)
    with pytest.raises(RequestError, match=r"^Sample 19 is in both excitations; merge parts that do not overlap\.$"):
        merge(head, measured(key, ids, batch, [np.arange(19, 25)]))
    with pytest.raises(RequestError, match="Sample 0 is in both"):
        merge(head, head)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"weights_sha256": "ef" * 32}, "weights"),
        ({"sites": (replace(SITES[0], hidden=1), SITES[1])}, "sites"),
        ({"classes": tuple("abcde")}, "classes"),
        ({"preprocessing": replace(PREPROCESSING, crop=0.875)}, "preprocessing"),
        ({"data": DataKey("other", "test", COUNT, "cd" * 32)}, "data"),
        ({"data": DataKey("made", "test", COUNT, "ef" * 32)}, "data"),
        ({"data": DataKey("made", "train", 500, "ef" * 32)}, "split"),
        ({"data": DataKey("other", "train", COUNT, "ef" * 32), "weights_sha256": ""}, "weights, split and data"),
    ],
)
def test_other_keys_are_refused_by_the_name_of_what_differs(change, named):
    key, ids, batch = made()
    one = measured(key, ids, batch, [np.arange(30)])
    other = replace(measured(key, ids, batch, [np.arange(30, 60)]), key=replace(key, **change))
    with pytest.raises(RequestError) as caught:
        merge(one, other)
    assert str(caught.value) == f"Two excitations of different {named} cannot be merged; measure both on the same."


def test_memory_does_not_grow_with_the_pictures():
    sizes = []
    for count in (20, 2000):
        key, ids, batch = made(count=count)
        running = Moments(key, ids)
        running.add(batch)
        sizes.append({name: value.nbytes for name, value in running.arrays().items() if name != "seen"})  # 1 byte a picture
    assert sizes[0] == sizes[1]


def test_a_site_too_large_for_a_histogram_by_class_has_none(monkeypatch):
    monkeypatch.setattr(moments, "MAX_CLASS_BINS", 5 * 2 * BINS)  # enough for b.se, not for a.se
    key, ids, batch = made()
    found = measured(key, ids, batch, np.array_split(np.arange(COUNT), 4))
    expected = slowly(key, ids, batch)
    assert found.sites["a.se"].class_histogram is None
    assert np.array_equal(found.sites["a.se"].histogram, expected["a.se"][1].sum(0))
    assert np.array_equal(found.sites["b.se"].class_histogram, expected["b.se"][1])
    halves = [measured(key, ids, batch, [rows]) for rows in np.array_split(np.arange(COUNT), 2)]
    assert merge(*halves).sites["a.se"].class_histogram is None


@pytest.mark.parametrize("bad", [np.nan, 1.5, -0.1])
def test_gates_that_are_no_gates_are_one_sentence(bad):
    key, ids, batch = made()
    batch.gates[3, 2] = bad
    with pytest.raises(RequestError, match=r"not all numbers in 0\.\.1"):
        measured(key, ids, batch, [np.arange(COUNT)])


# a network


@pytest.fixture(scope="module")
def net():
    return lively()


@pytest.fixture(scope="module")
def data():
    toy = coloured(40, seed=5, split="test")
    return replace(toy, classes=CLASSES, labels=np.arange(40) % 4)  # the fifth class has no sample


def alone(net, data, site):
    """Gates, squeezes and hidden units of a site, float64, each picture alone, by the block's own equations."""
    mean, std = np.array(PREPROCESSING.mean), np.array(PREPROCESSING.std)
    block = net.get_submodule(site.path)
    found = []
    for picture in data.pictures:
        with record_gates(net) as recording:
            net(torch.from_numpy(((picture / 255 - mean) / std).astype(np.float32)).permute(2, 0, 1)[None])
        squeeze = recording.squeezes[site.path][0].double()
        hidden = (block.fc1.weight.double() @ squeeze + block.fc1.bias.double()).clamp(min=0)
        gate = 1 / (1 + torch.exp(-(block.fc2.weight.double() @ hidden + block.fc2.bias.double())))
        found.append((gate.numpy(), squeeze.numpy(), hidden.numpy()))
    return tuple(np.stack(parts) for parts in zip(*found, strict=True))


@pytest.mark.parametrize("batch", [1, 7, 40])
def test_a_pass_measures_what_each_picture_alone_gives(net, data, batch):
    seen = []
    found = excitation_of(
        net, data, PREPROCESSING, batch=batch, weights_sha256="ab" * 32, progress=lambda *done: seen.append(done)
    )
    assert (found.key.weights_sha256, found.key.data, found.key.classes) == ("ab" * 32, data.key, CLASSES)
    assert (found.covered, found.count.tolist()) == (((0, 40),), [10, 10, 10, 10, 0])
    assert seen[-1] == (40, 40)
    for site in found.key.sites:
        gates, squeezes, hidden = alone(net, data, site)
        mine = found.sites[site.path]
        for label in range(5):
            rows = data.labels == label
            for name, values in (("gate", gates), ("squeeze", squeezes)):
                np.testing.assert_allclose(getattr(mine, f"{name}_sum")[label], values[rows].sum(0), atol=1e-4, rtol=1e-5)
                squares = (values[rows] ** 2).sum(0)
                np.testing.assert_allclose(getattr(mine, f"{name}_squares")[label], squares, atol=1e-4, rtol=1e-5)
        np.testing.assert_allclose(mine.lowest.values[:, 0], gates.min(0), atol=1e-5)
        np.testing.assert_allclose(mine.highest.values[:, 0], gates.max(0), atol=1e-5)
        sure = np.abs(hidden) > 1e-5
        assert ((hidden > 0) & sure).sum(0).tolist() <= mine.fired.tolist()
        assert (np.abs((hidden > 0).sum(0) - mine.fired) <= (~sure & (hidden > 0)).sum(0)).all()


def test_other_batch_sizes_and_parts_give_the_same_to_five_digits(net, data):
    whole = excitation_of(net, data, PREPROCESSING, batch=40)
    order = np.random.default_rng(3).permutation(40)
    parts = [excitation_of(net, data, PREPROCESSING, rows, batch=6) for rows in np.array_split(order, 3)]
    merged = merge(merge(parts[2], parts[0]), parts[1])
    assert (merged.covered, merged.count.tolist()) == (whole.covered, whole.count.tolist())
    for path, site in whole.sites.items():
        for name in ("gate_sum", "gate_squares", "squeeze_sum", "squeeze_squares"):
            mine, theirs = (getattr(one.sites[path], name) / 40 for one in (whole, merged))
            np.testing.assert_allclose(mine, theirs, atol=1e-5, rtol=1e-5)
        np.testing.assert_allclose(site.highest.values, merged.sites[path].highest.values, atol=1e-5)


def test_without_squeeze_a_gate_is_its_mean_over_the_pixels(data):
    net = lively(se_squeeze="none")
    found = excitation_of(net, data.subset(range(6)), PREPROCESSING, batch=4)
    with record_gates(net, hidden=True) as recording, torch.no_grad():
        mean, std = torch.tensor(PREPROCESSING.mean), torch.tensor(PREPROCESSING.std)
        net(((torch.from_numpy(data.pictures[:6]) / 255 - mean) / std).permute(0, 3, 1, 2))
    for path, site in found.sites.items():
        gates = recording.gates[path].double().mean((1, 2)).numpy()
        np.testing.assert_allclose(site.gate_sum.sum(0), gates.sum(0), atol=1e-4)
        assert site.fired.tolist() == (recording.hidden[path] > 0).any(2).any(1).sum(0).tolist()


def test_the_network_is_left_as_it_was(data):
    net = lively()
    net.train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    excitation_of(net, data, PREPROCESSING)
    assert net.training
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert not any(module._forward_hooks for module in net.modules())


def test_what_cannot_be_measured_is_one_sentence(net, data):
    with pytest.raises(RequestError, match="a plain network: it has no gates to measure; choose one with SE blocks"):
        excitation_of(lively("resnet20"), data, PREPROCESSING)
    with pytest.raises(RequestError, match="toy has no pictures"):
        excitation_of(net, data.subset([]), PREPROCESSING)
    with pytest.raises(RequestError, match="counted twice"):
        excitation_of(net, data, PREPROCESSING, [1, 2, 1])
    for indexes in ([], [40], [-1]):
        with pytest.raises(RequestError, match="run from 0 to 39"):
            excitation_of(net, data, PREPROCESSING, indexes)
    with pytest.raises(DataError, match="toy has 16 x 16 pixels; the network sees 32 x 16"):
        excitation_of(net, data, replace(PREPROCESSING, width=32))
