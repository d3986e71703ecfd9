"""Evaluation: the logits of every sample as computed one by one, and what gates are worth."""

from __future__ import annotations

import copy
import shlex
import statistics
from dataclasses import replace

import numpy as np
import pytest
import torch
from networks import CLASSES, PREPROCESSING, lively
from sets import coloured
from torch import nn

from seviz import cli
from seviz.analysis.classification import summarise
from seviz.errors import CheckpointError, DataError, RequestError
from seviz.evaluation import Evaluation, another, evaluate, gate_life, load, save, to_half
from seviz.gates import edit_gates, find_gates, record_gates
from seviz.images import Preprocessing
from seviz.nets import SqueezeExcite

pytestmark = pytest.mark.usefixtures("one_thread")

BLOCK = "layer1.0.se"


@pytest.fixture(scope="module")
def net():
    return lively()


@pytest.fixture(scope="module")
def data():
    """20 pictures whose labels index the classes of the network."""
    toy = coloured(20, seed=5, split="test")
    return replace(toy, classes=CLASSES, labels=np.arange(20) % 5)


def one_by_one(net, data):
    """float64 logits of each picture alone, preprocessed as its definition says."""
    net = copy.deepcopy(net).double()
    mean, std = np.array(PREPROCESSING.mean), np.array(PREPROCESSING.std)
    rows = [net(torch.from_numpy((picture / 255 - mean) / std).permute(2, 0, 1)[None])[0] for picture in data.pictures]
    return torch.stack(rows).numpy()


def test_logits_are_those_of_each_picture_alone(net, data):
    progress = []
    found = evaluate(net, data, PREPROCESSING, batch=6, progress=lambda done, total: progress.append((done, total)))
    np.testing.assert_allclose(found.logits, one_by_one(net, data), atol=1e-4, rtol=1e-5)
    assert found.logits.dtype == np.float32
    assert (found.labels.tolist(), found.ids, found.key) == (data.labels.tolist(), data.ids, data.key)
    assert progress == [(6, 20), (12, 20), (18, 20), (20, 20)]
    np.testing.assert_allclose(evaluate(net, data, PREPROCESSING, batch=20).logits, found.logits, atol=1e-5)


def test_mirrored_logits_are_the_mean_of_two(net, data):
    mirrored = replace(data, pictures=np.ascontiguousarray(data.pictures[:, :, ::-1]))
    wanted = (one_by_one(net, data) + one_by_one(net, mirrored)) / 2
    net.train()
    found = evaluate(net, data, PREPROCESSING, batch=6, mirrored=True)
    assert all(module.training for module in net.modules())
    net.eval()
    np.testing.assert_allclose(found.logits, wanted, atol=1e-4, rtol=1e-5)
    assert np.abs(found.logits - evaluate(net, data, PREPROCESSING).logits).max() > 1e-3


def test_the_network_is_left_as_it_was(data):
    net = lively()
    net.train()
    net.layer2.eval()
    modes = [module.training for module in net.modules()]
    before = copy.deepcopy(net.state_dict())
    evaluate(net, data, PREPROCESSING)
    gate_life(net, data, PREPROCESSING)
    assert [module.training for module in net.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert not any(module._forward_hooks for module in net.modules())


def test_pictures_of_another_size_are_refused(net, data):
    with pytest.raises(DataError, match="toy has 16 x 16 pixels; the network sees 32 x 16"):
        evaluate(net, data, replace(PREPROCESSING, width=32))
    with pytest.raises(DataError, match="toy has no pictures"):
        evaluate(net, data.subset([]), PREPROCESSING)


# evaluation.npz


def test_what_is_kept_is_what_was_found(net, data, tmp_path):
    found = evaluate(net, data, PREPROCESSING, weights_sha256="ab" * 32)
    save(tmp_path / "evaluation.npz", found)
    kept = load(tmp_path / "evaluation.npz")
    assert kept.logits.dtype == np.float16
    np.testing.assert_allclose(kept.logits, found.logits, rtol=2e-3, atol=1e-6)
    assert (kept.ids, kept.key, kept.weights_sha256) == (found.ids, found.key, found.weights_sha256)
    assert kept.labels.dtype == np.int16
    assert kept.labels.tolist() == found.labels.tolist()
    ours, theirs = (summarise(one.logits, one.labels, CLASSES) for one in (kept, found))
    assert ours.accuracy == theirs.accuracy
    assert np.array_equal(ours.confusion, theirs.confusion)
    assert set(np.load(tmp_path / "evaluation.npz").files) == {"logits", "labels", "ids", "key", "weights_sha256"}


def test_rounding_to_half_never_changes_the_predicted_class():
    generator = np.random.default_rng(0)
    logits = generator.normal(8, 0.004, (5000, 10)).astype(np.float32)  # float16 steps are 0.0078 here: ties everywhere
    rounded = logits.astype(np.float16)
    assert (rounded.argmax(1) != logits.argmax(1)).mean() > 0.3
    half = to_half(logits)
    assert np.array_equal(half.argmax(1), logits.argmax(1))
    assert np.abs(half.astype(np.float32) - logits).max() < 0.0118  # a step and a half at most, where half a step is usual
    changed = half != rounded
    assert changed.sum(1).max() == 1
    apart = np.array([[1.0, 2.0, -3.0]], dtype=np.float32)
    assert np.array_equal(to_half(apart), apart)


def test_logits_beyond_the_range_of_half_stay_finite_and_in_order():
    half = to_half(np.array([[1e9, 2e9, -1e9], [0, 70000, 1]], dtype=np.float32))
    assert np.isfinite(half).all()
    assert half.argmax(1).tolist() == [1, 1]


@pytest.fixture(scope="module")
def content(net, data, tmp_path_factory):
    """The bytes of an evaluation.npz."""
    path = tmp_path_factory.mktemp("evaluation") / "evaluation.npz"
    save(path, evaluate(net, data, PREPROCESSING))
    return path.read_bytes()


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_a_truncated_evaluation_is_one_sentence(content, tmp_path, share):
    path = tmp_path / "evaluation.npz"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(CheckpointError, match=r"evaluation\.npz is damaged; write it again with"):
        load(path)


def test_a_changed_byte_is_refused_or_changes_nothing(content, tmp_path):
    path = tmp_path / "evaluation.npz"
    path.write_bytes(content)
    whole, refused = load(path), 0
    for place in range(0, len(content), 11):
        path.write_bytes(content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :])
        try:
            found = load(path)
        except CheckpointError:
            refused += 1
            continue
        assert np.array_equal(found.logits, whole.logits)
        assert (found.ids, found.key, found.labels.tolist()) == (whole.ids, whole.key, whole.labels.tolist())
    assert refused > len(content) / 22


@pytest.mark.parametrize(
    "change",
    [
        {"labels": np.zeros(20, dtype=np.int16)},
        {"labels": np.full(20, 9, dtype=np.int16)},
        {"labels": np.zeros(3, dtype=np.int16)},
        {"logits": np.zeros((20, 5))},
        {"logits": np.full((20, 5), np.nan, dtype=np.float16)},
        {"ids": np.array(["a"] * 20)},
        {"key": np.array("{}")},
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(net, data, tmp_path, change):
    path = tmp_path / "evaluation.npz"
    save(path, evaluate(net, data, PREPROCESSING))
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **{**arrays, **change})
    with pytest.raises(CheckpointError, match="is damaged"):
        load(path)


def test_a_missing_evaluation_says_how_to_make_one(tmp_path):
    path = tmp_path / "a name" / "evaluation.npz"
    advice = shlex.join(["python", "-m", "seviz", "evaluate", "--model", str(path.parent), "--data", "D", "--out", str(path)])
    with pytest.raises(CheckpointError) as missing:
        load(path)
    assert str(missing.value) == f"There is no evaluation {path}; `{advice}` writes one."
    path.parent.mkdir()
    path.write_bytes(b"damaged")
    with pytest.raises(CheckpointError) as damaged:
        load(path)
    assert str(damaged.value) == f"{path} is damaged; write it again with `{advice}`."
    options = cli.parser().parse_args(shlex.split(advice)[3:])
    assert (options.model, options.out) == (str(path.parent), path)


def test_object_arrays_are_never_unpickled(tmp_path):
    path = tmp_path / "evaluation.npz"
    np.savez(path, logits=np.array([{}], dtype=object))
    with pytest.raises(CheckpointError, match="is damaged"):
        load(path)


# gate life


def test_gate_life_agrees_with_a_slow_loop(net, data):
    found = gate_life(net, data, PREPROCESSING, batch=7, seed=4)
    donors = another(20, 4)
    mean, std = torch.tensor(PREPROCESSING.mean), torch.tensor(PREPROCESSING.std)
    inputs = [((torch.from_numpy(picture) / 255 - mean) / std).permute(2, 0, 1)[None] for picture in data.pictures]
    recorded = []
    for x in inputs:
        with record_gates(net) as recording:
            net(x)
        recorded.append({path: gates[0].numpy().astype(np.float64) for path, gates in recording.gates.items()})
    for site in find_gates(net):
        by_channel = [statistics.pstdev(column) for column in zip(*(gates[site.path] for gates in recorded), strict=True)]
        assert found.deviations[site.path] == pytest.approx(statistics.mean(by_channel), abs=1e-6)
    means = {site.path: np.mean([gates[site.path] for gates in recorded], axis=0) for site in find_gates(net)}
    right = {"live": 0, "shuffled": 0, "static": 0}
    for index, x in enumerate(inputs):
        edits = {"live": {}, "shuffled": recorded[donors[index]], "static": means}
        for name, values in edits.items():
            with edit_gates(net, {path: torch.from_numpy(value).float() for path, value in values.items()}):
                right[name] += int(net(x).argmax()) == data.labels[index]
    assert (found.live, found.shuffled, found.static) == (right["live"] / 20, right["shuffled"] / 20, right["static"] / 20)
    assert (found.n, found.data, found.split, found.seed) == (20, "toy", "test", 4)


def test_gates_that_are_constant_have_no_life_and_cost_nothing(data):
    net = lively()
    for site in find_gates(net):
        net.get_submodule(site.path).fc2.weight.zero_()
    data = replace(data, labels=evaluate(net, data, PREPROCESSING).logits.argmax(1))
    found = gate_life(net, data, PREPROCESSING)
    assert all(deviation < 1e-7 for deviation in found.deviations.values())
    assert (found.live, found.shuffled, found.static) == (1.0, 1.0, 1.0)
    assert (found.sites_alive, found.lost_by_shuffling) == (0, 0.0)


class GatesAlone(nn.Module):
    """Logits that are the gates themselves, sigmoid(8 z): the brightest channel wins."""

    def __init__(self):
        super().__init__()
        self.se = SqueezeExcite(3, 1)
        self.se.fc1.weight.data.copy_(torch.eye(3))
        self.se.fc2.weight.data.copy_(8 * torch.eye(3))

    def forward(self, x):
        return self.se(x).mean((2, 3)) / x.mean((2, 3))


def test_gates_that_decide_the_class_are_worth_everything():
    data = coloured(30)
    found = gate_life(GatesAlone(), data, Preprocessing(16, 16, mean=(0, 0, 0), std=(1, 1, 1)), batch=8, seed=2)
    brightness = data.pictures.reshape(30, -1, 3).mean(1) / 255
    gates = 1 / (1 + np.exp(-8 * brightness))
    assert found.live == 1.0
    assert found.shuffled == (data.labels[another(30, 2)] == data.labels).mean()  # the class of whose gates they are
    assert found.static == (gates.mean(0).argmax() == data.labels).mean()
    assert found.deviations == {"se": pytest.approx(gates.std(0).mean(), rel=1e-4)}
    assert found.lost_by_shuffling == found.live - found.shuffled


def test_what_is_lost_has_the_interval_of_pictures_drawn_again():
    """Against scipy's bootstrap over the pictures themselves, where the gates alone decide the class."""
    from scipy.stats import bootstrap

    data = coloured(120)
    brightest = data.labels
    data = replace(data, labels=np.where(np.arange(120) % 5, brightest, (brightest + 1) % 3))  # live is right for four of five
    found = gate_life(GatesAlone(), data, Preprocessing(16, 16, mean=(0, 0, 0), std=(1, 1, 1)), seed=2)
    gates = 1 / (1 + np.exp(-8 * data.pictures.reshape(120, -1, 3).mean(1) / 255))
    for edited, lost, interval in (
        (brightest[another(120, 2)], found.lost_by_shuffling, found.shuffling_interval),
        (gates.mean(0).argmax(), found.lost_when_static, found.static_interval),
    ):
        differences = (brightest == data.labels).astype(float) - (edited == data.labels)
        assert lost == pytest.approx(differences.mean())
        drawn = bootstrap((differences,), np.mean, n_resamples=10_000, method="BCa", rng=np.random.default_rng(1))
        assert interval == pytest.approx(tuple(drawn.confidence_interval), abs=1.01 / 120)  # one picture


def test_nobody_gets_its_own_gates():
    for count in (2, 3, 50):
        donors = another(count, 1)
        assert sorted(donors.tolist()) == list(range(count))
        assert (donors != np.arange(count)).all()
    assert np.array_equal(another(50, 1), another(50, 1))
    assert not np.array_equal(another(50, 1), another(50, 2))


def test_gates_without_squeeze_count_by_their_mean_over_the_pixels(data):
    net = lively(se_squeeze="none")
    found = gate_life(net, data, PREPROCESSING, batch=20)
    x = torch.from_numpy(data.pictures).float() / 255
    x = ((x - torch.tensor(PREPROCESSING.mean)) / torch.tensor(PREPROCESSING.std)).permute(0, 3, 1, 2)
    with record_gates(net) as recording:
        net(x)
    by_picture = recording.gates[BLOCK].mean((1, 2)).numpy().astype(np.float64)
    assert found.deviations[BLOCK] == pytest.approx(by_picture.std(0).mean(), rel=1e-4)


def test_a_plain_network_has_no_gate_life(data):
    with pytest.raises(RequestError, match="needs an SE network and at least two pictures"):
        gate_life(lively("resnet20"), data, PREPROCESSING)
    with pytest.raises(RequestError, match="at least two pictures"):
        gate_life(lively(), data.subset([0]), PREPROCESSING)


def test_progress_covers_all_three_passes(net, data):
    calls = []
    gate_life(net, data, PREPROCESSING, batch=10, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(10, 60), (20, 60), (30, 60), (40, 60), (50, 60), (60, 60)]


def test_an_evaluation_compares_by_identity(data):
    one = Evaluation(np.zeros((1, 2)), np.zeros(1, np.int16), ("a",), data.key)
    assert one != Evaluation(one.logits, one.labels, one.ids, one.key)
