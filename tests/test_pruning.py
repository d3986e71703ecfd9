"""Pruned networks against one that is computed by hand with gates and squeezes at 0, and what is measured of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from networks import PREPROCESSING, lively
from sets import coloured
from test_ablation import centred, toy
from test_edited_answers import normalised
from torch import nn

from seviz.card import content_sha256
from seviz.errors import CheckpointError, DataError, JobError, RequestError
from seviz.excitation import excitation_of
from seviz.gates import edit_gates, find_gates, record_gates
from seviz.nets import cost, from_card, to_card
from seviz.pruning import (
    Setting,
    branches_of,
    criteria_of,
    kept_channels,
    load_pruning,
    measure,
    prune,
    scores_of,
)
from seviz.resuming import state_path

pytestmark = pytest.mark.usefixtures("one_thread")

ROOT = Path(__file__).parents[1]
SHA = "ab" * 32
SHARES = (0.25, 0.5)


def drawn(net, share=0.4, seed=7):
    return kept_channels(scores_of(net, "random", None, seed), share)


# a network by hand: its numbers alone, and functions


class Slow:
    """Logits from a state dict, channel by channel of what is dropped: gate 0, and a squeeze that reaches nothing."""

    def __init__(self, net, kept):
        self.options, self.state, self.kept = net.options, net.state_dict(), kept

    def norm(self, x, name):
        mean, var, weight, bias = (
            self.state[f"{name}.{part}"][:, None, None] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / (var + 1e-5).sqrt() * weight + bias

    def conv(self, x, name, stride=1):
        weight = self.state[f"{name}.weight"]
        return F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)

    def gated(self, u, path, gone=()):
        """The SE block at `path`; nothing hears of the channels `gone`, and their gates are 0."""
        squeeze, (w1, b1, w2, b2) = self.options.se.squeeze, (
            self.state[f"{path}.{name}"] for name in ("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias")
        )  # fmt: skip
        z = {"avg": u.mean((2, 3), keepdim=True), "max": u.amax((2, 3), keepdim=True), "none": u}[squeeze].clone()
        for channel in gone:
            z[:, channel] = 0
        hidden = (torch.einsum("hc,bcxy->bhxy", w1, z) + b1[:, None, None]).clamp(min=0)
        gate = 1 / (1 + (-torch.einsum("ch,bhxy->bcxy", w2, hidden) - b2[:, None, None]).exp())
        for channel in gone:
            gate[:, channel] = 0
        return u * gate

    def unit(self, x, path, stride, width):
        deep, place = self.options.bottleneck, self.options.se.placement if self.options.se else ""
        outputs = width * 4 if deep else width
        gone = [one for one in range(outputs) if one not in self.kept.get(path, range(outputs))]
        shortcut = x
        if f"{path}.downsample.0.weight" in self.state:
            shortcut = self.norm(self.conv(x, f"{path}.downsample.0", stride), f"{path}.downsample.1")
        out = self.gated(x, f"{path}.se") if place == "pre" else x
        out = self.norm(self.conv(out, f"{path}.conv1", 1 if deep else stride), f"{path}.bn1").clamp(min=0)
        out = self.norm(self.conv(out, f"{path}.conv2", stride if deep else 1), f"{path}.bn2")
        if deep:
            out = self.norm(self.conv(out.clamp(min=0), f"{path}.conv3"), f"{path}.bn3")
        if place == "standard":
            out = self.gated(out, f"{path}.se", gone)
        for channel in gone:
            out[:, channel] = 0
        if place == "identity":
            shortcut = self.gated(shortcut, f"{path}.se")
        out = (out + shortcut).clamp(min=0)
        return self.gated(out, f"{path}.se") if place == "post" else out

    def __call__(self, x):
        x = self.norm(self.conv(x, "conv1", 2 if self.options.stem == "7x7/2+pool" else 1), "bn1").clamp(min=0)
        x = F.max_pool2d(x, 3, 2, 1) if self.options.stem == "7x7/2+pool" else x
        shapes = zip(self.options.blocks, self.options.widths, self.options.strides, strict=True)
        for stage, (count, width, stride) in enumerate(shapes, 1):
            for block in range(count):
                x = self.unit(x, f"layer{stage}.{block}", stride if block == 0 else 1, width)
        return x.mean((2, 3)) @ self.state["fc.weight"].T + self.state["fc.bias"]


@pytest.mark.parametrize(
    ("arch", "options"),
    [
        ("se_resnet20", {}),
        ("se_resnet20", {"se_squeeze": "max"}),
        ("se_resnet20", {"se_squeeze": "none"}),
        ("se_resnet20", {"se_placement": "pre"}),
        ("se_resnet20", {"se_placement": "post"}),
        ("se_resnet20", {"se_placement": "identity"}),
        ("resnet20", {}),
        ("se_resnet50", {}),
    ],
    ids=str,
)
def test_a_pruned_network_says_what_the_whole_one_says_with_gates_and_squeezes_at_0(arch, options):
    net = lively(arch, **options)
    x = torch.randn(3, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    kept, before = drawn(net), {name: value.clone() for name, value in net.state_dict().items()}
    small, wanted = prune(net, kept), Slow(net, kept)(x)
    scale = net(x).std()
    torch.testing.assert_close(small(x) / scale, wanted / scale, atol=1e-5, rtol=0)
    torch.testing.assert_close(net(x) / scale, Slow(net, {})(x) / scale, atol=1e-5, rtol=0)
    assert (net(x) - wanted).abs().max() / scale > 0.1
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert sum(one.channels for one in branches_of(small)) < 0.65 * sum(one.channels for one in branches_of(net))


def test_a_gate_at_0_alone_is_not_the_same():
    net = lively()
    x = torch.randn(3, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    kept = drawn(net)
    masks = {
        site.path: torch.zeros(site.channels).index_fill_(0, torch.tensor(kept[site.path[:-3]]), 1) for site in find_gates(net)
    }
    with edit_gates(net, {path: (lambda gate, mask=mask: gate * mask) for path, mask in masks.items()}):
        only_gates = net(x)
    assert (prune(net, kept)(x) - only_gates).abs().max() > 1e-2
    # without a column in fc1 it is
    for path, mask in masks.items():
        net.get_submodule(path).fc1.weight.mul_(mask)
    with edit_gates(net, {path: (lambda gate, mask=mask: gate * mask) for path, mask in masks.items()}):
        torch.testing.assert_close(prune(net, kept)(x), net(x), atol=1e-4, rtol=1e-5)


def test_pruning_twice_is_pruning_once():
    net = lively()
    x = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    first = {"layer1.0": (0, 3, 4, 9), "layer3.2": tuple(range(0, 64, 2))}
    again = prune(prune(net, first), {"layer1.0": (1, 3), "layer2.1": (5,)})
    once = prune(net, {"layer1.0": (3, 9), "layer3.2": tuple(range(0, 64, 2)), "layer2.1": (5,)})
    assert again.options == once.options
    assert torch.equal(again(x), once(x))


def test_nothing_dropped_is_the_same_network():
    net = lively()
    x = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(prune(net, kept_channels(scores_of(net, "magnitude", None), 0))(x), net(x), atol=1e-5, rtol=1e-5)


def test_gates_of_a_pruned_network_are_those_of_the_channels_that_stay():
    small = prune(lively(), {"layer1.0": (2, 7, 11)})
    first = find_gates(small)[0]
    assert (first.path, first.channels, first.hidden) == ("layer1.0.se", 3, 4)  # hidden units stay: 16 / 4
    with record_gates(small) as recording:
        small(torch.zeros(2, 3, 16, 16))
    assert recording.gates["layer1.0.se"].shape == (2, 3)


def test_what_dropping_three_channels_saves_by_hand():
    """layer2.1 has 32 channels of 32 x 3 x 3 weights on 8 x 8 pixels, and hidden units 32 / 4 = 8."""
    net = lively()
    small = prune(net, {"layer2.1": tuple(range(29))})
    before, after = cost(net, 16, 16), cost(small, 16, 16)
    assert before.parameters - after.parameters == 3 * (32 * 9 + 2 + 8 + 8 + 1)
    assert before.multiply_adds - after.multiply_adds == 3 * (32 * 9 * 8 * 8 + 8 + 8)


def test_shapes_of_a_pruned_network_stand_in_its_card_and_old_cards_are_as_they_were():
    net = lively()
    assert "kept" not in to_card(net)
    small = prune(net, {"layer1.0": (0, 3, 4)})
    values = json.loads(json.dumps(to_card(small)))
    assert values["kept"] == [[0, 3, 4], *[None] * 8]
    again = from_card(values)
    again.load_state_dict(small.state_dict())
    x = torch.zeros(1, 3, 16, 16)
    assert again.options == small.options
    assert torch.equal(again.eval()(x), small(x))
    values["kept"][0] = [0, 3, 5]
    with pytest.raises(ValueError, match=r"layer1\.0 keeps other channels than its options say"):
        from_card(values).load_state_dict(small.state_dict())


@pytest.mark.parametrize("kept", [[], [[]], [[0, 1]] * 8, [[1, 0]] + [None] * 8, [[0, 16]] + [None] * 8, [[0.0]] + [None] * 8])
def test_options_with_channels_that_are_not_there(kept):
    with pytest.raises((TypeError, ValueError)):
        from_card({**to_card(lively()), "kept": kept})


def test_what_cannot_be_pruned_is_one_sentence():
    net = lively()
    for kept in ((), (1, 0), (0, 0), (0, 16), (-1, 2)):
        with pytest.raises(RequestError, match=r"layer1\.0 has the channels 0 to 15, of which one or more stay"):
            prune(net, {"layer1.0": kept})
    with pytest.raises(RequestError, match=r"There is no residual unit 'layer9\.0' in this network"):
        prune(net, {"layer9.0": (0,)})
    with pytest.raises(RequestError, match="Only the ResNets and SE-ResNets"):
        prune(nn.Linear(2, 2), {})


# scores and choice


def test_the_magnitude_of_a_filter_by_hand():
    net = lively("resnet20")
    unit = net.layer1[0]
    unit.conv2.weight[3] = 0
    unit.conv2.weight[3, 0, 0, 0], unit.conv2.weight[3, 5, 1, 1] = 2.0, -1.0
    unit.bn2.weight[3], unit.bn2.running_var[3] = -0.5, 4.0
    assert scores_of(net, "magnitude", None)["layer1.0"][3] == pytest.approx(3 * 0.5 / 2, rel=1e-4)
    deep = lively("se_resnet50")
    assert scores_of(deep, "magnitude", None)["layer1.0"].shape == (256,)


def test_mean_gates_are_means_over_pictures():
    net, data = lively(), toy()
    found = excitation_of(net, data, PREPROCESSING)
    with record_gates(net) as recording:
        net(normalised(data.pictures))
    scores = scores_of(net, "gate", found)
    assert list(scores) == [path.removesuffix(".se") for path in recording.gates]
    for path, gates in recording.gates.items():
        assert scores[path.removesuffix(".se")] == pytest.approx(gates.double().mean(0).numpy(), abs=1e-6)


def test_random_choices_differ_by_seed_alone_and_hold_smaller_ones():
    net = lively()
    assert drawn(net, seed=1) == drawn(net, seed=1) != drawn(net, seed=2)
    few, many = drawn(net, 0.6), drawn(net, 0.2)
    assert all(set(few[path]) < set(many[path]) for path in few)


def test_the_lowest_go_and_never_all():
    scores = {"a": np.array([0.5, 0.1, 0.9, 0.1]), "b": np.array([1.0])}
    assert kept_channels(scores, 0.25) == {"a": (0, 1, 2), "b": (0,)}  # of equal ones the later goes
    assert kept_channels(scores, 0.5) == {"a": (0, 2), "b": (0,)}
    assert kept_channels(scores, 0.99) == {"a": (2,), "b": (0,)}
    for share in (1, 1.5, -0.1, float("nan")):
        with pytest.raises(RequestError, match="cannot be dropped; shares are numbers from 0 to below 1"):
            kept_channels(scores, share)


def test_every_criterion_chooses_among_the_same_channels():
    net = lively(se_stages=(2, 3))
    assert [one.path for one in branches_of(net)] == [f"layer{stage}.{block}" for stage in (2, 3) for block in range(3)]
    assert criteria_of(net) == ("gate", "magnitude", "random")
    for plain in (lively("resnet20"), lively(se_placement="post")):
        assert len(branches_of(plain)) == 9
        assert criteria_of(plain) == ("magnitude", "random")


# the whole measurement, against a loop over pictures


@pytest.fixture(scope="module")
def net():
    return centred()


@pytest.fixture(scope="module")
def data():
    return toy()


@pytest.fixture(scope="module")
def excitation(net, data):
    return excitation_of(net, data, PREPROCESSING, weights_sha256=SHA)


def setting(excitation, **changes):
    return replace(Setting(SHA, "as typed", excitation, SHARES, seeds=2, batch=5), **changes)


@pytest.fixture(scope="module")
def found(net, data, excitation, tmp_path_factory):
    return measure(net, data, PREPROCESSING, tmp_path_factory.mktemp("pruning") / "pruning.json", setting(excitation))


def test_every_accuracy_is_that_of_a_loop_over_pictures(net, data, excitation, found):
    x = normalised(data.pictures)

    def rate(kept):
        predicted = [int(Slow(net, kept)(x[row : row + 1]).argmax()) for row in range(len(data))]
        return sum(one == label for one, label in zip(predicted, data.labels.tolist(), strict=True)) / len(data)

    whole = rate({})
    assert found.accuracy == pytest.approx(whole)
    for share in SHARES:
        for criterion in ("gate", "magnitude"):
            level = found.level(criterion, share)
            assert level.accuracy == pytest.approx(rate(kept_channels(scores_of(net, criterion, excitation), share)))
            assert level.difference == pytest.approx(level.accuracy - whole)
        level = found.level("random", share)
        by_seed = [rate(drawn(net, share, seed)) for seed in (0, 1)]
        assert (level.by_seed, level.spread) == (pytest.approx(by_seed), pytest.approx((min(by_seed), max(by_seed))))
        assert level.accuracy == pytest.approx(sum(by_seed) / 2)
    assert len({level.accuracy for level in found.levels}) > 2


def test_costs_are_those_of_the_pruned_networks(net, found):
    assert [one.share for one in found.cuts] == [0, *SHARES]
    for cut in found.cuts:
        small = prune(net, drawn(net, cut.share))
        assert (cut.parameters, cut.multiply_adds) == (cost(small, 16, 16).parameters, cost(small, 16, 16).multiply_adds)
        assert (cut.dropped, cut.channels) == (round(cut.share * 336), 336)


def test_the_size_of_a_batch_changes_no_figure(net, data, excitation, found, tmp_path):
    other = measure(net, data, PREPROCESSING, tmp_path / "pruning.json", setting(excitation, batch=23))
    assert (other.levels, other.versus, other.cuts) == (found.levels, found.versus, found.cuts)


def test_a_plain_network_is_pruned_by_magnitude_and_at_random(data, tmp_path):
    made = measure(lively("resnet20"), data, PREPROCESSING, tmp_path / "pruning.json", setting(None))
    assert (made.criteria, made.gates) == (("magnitude", "random"), "")
    assert load_pruning(tmp_path / "pruning.json") == made


def test_what_cannot_be_measured_is_one_sentence(net, data, excitation, tmp_path):
    path = tmp_path / "pruning.json"
    cases = [
        (RequestError, "there is no excitation.npz; run `seviz excite`", net, data, setting(None)),
        (RequestError, "One random choice says nothing about chance", net, data, setting(excitation, seeds=1)),
        (RequestError, "Nothing is dropped at share 0", net, data, setting(excitation, shares=(0.0,))),
        (RequestError, "A share of 1 cannot be dropped", net, data, setting(excitation, shares=(1.0,))),
        (DataError, "has no pictures", net, data.subset([]), setting(excitation)),
        (DataError, "8 x 8 pixels; the network sees 16 x 16", net, coloured(4, side=8), setting(excitation)),
        (RequestError, "Only the ResNets", nn.Linear(2, 2), data, setting(None)),
        (RequestError, "not of this network: they lack layer1.0.se", lively(), data, setting(replace(excitation, sites={}))),
    ]
    for kind, words, network, pictures, how in cases:
        with pytest.raises(kind, match=words):
            measure(network, pictures, PREPROCESSING, path, how)
    with pytest.raises(RequestError, match="Channels are chosen by gate, magnitude, random, not by 'size'"):
        scores_of(net, "size", excitation)
    with pytest.raises(RequestError, match="no SE blocks on its branches, so no mean gates"):
        scores_of(lively("resnet20"), "gate", excitation)
    assert list(tmp_path.iterdir()) == []


# killed and resumed


class StoppedError(Exception):
    pass


def stopped(net, data, path, after, how):
    def progress(done, total):
        if done >= after:
            raise StoppedError

    with pytest.raises(StoppedError):
        measure(net, data, PREPROCESSING, path, replace(how, save_every=0, progress=progress))


def test_a_resumed_measurement_is_the_same_bit_for_bit(net, data, excitation, found, tmp_path):
    path = tmp_path / "pruning.json"
    stopped(net, data, path, 10, setting(excitation))
    assert [one.name for one in tmp_path.iterdir()] == ["pruning.resume.npz"]
    stopped(net, data, path, 23 * 4 + 5, setting(excitation, resume=True))
    seen = []
    how = setting(excitation, resume=True, progress=lambda done, total: seen.append((done, total)))
    assert measure(net, data, PREPROCESSING, path, how) == found
    assert (seen[0], seen[-1]) == ((23 * 4 + 10, 23 * 9), (23 * 9, 23 * 9))
    assert [one.name for one in tmp_path.iterdir()] == ["pruning.json"]


def test_a_real_kill_leaves_a_state_that_goes_on(net, data, excitation, found, tmp_path):
    script = """
import os, signal, sys
sys.path[:0] = ["tests", "."]
import torch
torch.set_num_threads(1)
from dataclasses import replace
from pathlib import Path
from networks import PREPROCESSING
from seviz.excitation import excitation_of
from seviz.pruning import measure
from test_pruning import SHA, centred, setting, toy
net, data = centred(), toy()
kill = lambda done, total: done < 30 or os.kill(os.getpid(), signal.SIGKILL)
how = setting(excitation_of(net, data, PREPROCESSING, weights_sha256=SHA))
measure(net, data, PREPROCESSING, Path(sys.argv[1]), replace(how, save_every=0, progress=kill))
"""
    path = tmp_path / "pruning.json"
    done = subprocess.run([sys.executable, "-c", script, str(path)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == -9, done.stderr
    assert state_path(path).exists() and not path.exists()
    assert measure(net, data, PREPROCESSING, path, setting(excitation, resume=True)) == found


def test_a_state_is_neither_overwritten_nor_resumed_as_something_else(net, data, excitation, tmp_path):
    path = tmp_path / "pruning.json"
    stopped(net, data, path, 10, setting(excitation))
    state = state_path(path).read_bytes()
    with pytest.raises(JobError, match="is of a measurement that is not finished; continue with --resume, or remove it"):
        measure(net, data, PREPROCESSING, path, setting(excitation))
    for changes, named in (
        ({"shares": (0.5,)}, "shares, seeds or gates"),
        ({"seeds": 3}, "shares, seeds or gates"),
        ({"batch": 6}, "batch"),
        ({"weights_sha256": "cd" * 32}, "weights"),
    ):
        with pytest.raises(JobError, match=rf"was started with other inputs \({named}\)"):
            measure(net, data, PREPROCESSING, path, setting(excitation, resume=True, **changes))
    assert state_path(path).read_bytes() == state
    for damaged in (b"", state[: len(state) // 2], state[:2000] + bytes([state[2000] ^ 255]) + state[2001:]):
        state_path(path).write_bytes(damaged)
        with pytest.raises(JobError, match="is damaged; remove it and start again without --resume"):
            measure(net, data, PREPROCESSING, path, setting(excitation, resume=True))


# pruning.json


def test_what_is_read_is_what_was_written(net, data, excitation, tmp_path):
    path = tmp_path / "pruning.json"
    made = measure(net, data, PREPROCESSING, path, setting(excitation))
    assert load_pruning(path) == made
    assert json.loads(path.read_text(encoding="utf-8"))["findings"] == list(made.findings)
    assert str(tmp_path) not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.update(format=2),
        lambda v: v.pop("levels"),
        lambda v: v["levels"].pop(),
        lambda v: v["levels"].reverse(),
        lambda v: v["versus"].pop(),
        lambda v: v["cuts"].pop(),
        lambda v: v["cuts"][0].update(parameters=0),
        lambda v: v["levels"][0].update(accuracy=1.5),
        lambda v: v["levels"][0].update(accuracy=None),
        lambda v: v["levels"][0].update(spread=[0.1]),
        lambda v: v["levels"][-1].update(by_seed=[0.1]),
        lambda v: v.update(shares=[0.5, 0.25]),
        lambda v: v.update(shares=[], levels=[], versus=[], cuts=v["cuts"][:1]),
        lambda v: v.update(criteria=["random", "gate", "magnitude"]),
        lambda v: v.update(criteria=["colour"]),
        lambda v: v.update(classes=[1]),
        lambda v: v["data"].pop("sha256"),
        lambda v: v.update(close=10**400),
        lambda v: v.update(hardware=3),
    ],
)
def test_a_file_that_says_something_else_is_one_sentence(net, data, found, tmp_path, change):
    values = json.loads(json.dumps(found.to_json()))
    change(values)
    values["content_sha256"] = content_sha256(values, "content_sha256")
    path = tmp_path / "net" / "pruning.json"
    path.parent.mkdir()
    path.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(
        CheckpointError, match=r"is damaged; write it again with `python -m seviz prune --model .*net --data D`"
    ):
        load_pruning(path)


def test_a_file_that_was_altered_cut_or_is_none_is_one_sentence(found, tmp_path):
    path = tmp_path / "pruning.json"
    with pytest.raises(CheckpointError, match=r"There is no .*pruning\.json; `python -m seviz prune"):
        load_pruning(path)
    content = json.dumps(found.to_json())
    for text in (
        content.replace('"accuracy": 0.', '"accuracy": 0.1', 1),
        content[:-50],
        "[]",
        "{}",
        '{"format": NaN}',
        "[" * 10**5,
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(CheckpointError, match="is damaged; write it again"):
            load_pruning(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_pruning(path)
