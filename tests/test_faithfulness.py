"""Checks of maps against their definitions: linear networks worked by hand, slow loops, and networks that have forgotten."""

from __future__ import annotations

import copy
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from networks import lively, pictures
from scipy.ndimage import gaussian_filter
from scipy.stats import spearmanr
from test_backend import model_of, normalised
from torch import nn

from seviz.analysis.faithfulness import MEASURES, alike
from seviz.attribution import METHODS
from seviz.errors import RequestError
from seviz.faithfulness import Check, Network, Setting
from seviz.faithfulness.metrics import elsewhere, infidelity, max_sensitivity, noises, squares
from seviz.faithfulness.pixels import blurred, chances, moved, places, shares, stages
from seviz.faithfulness.redraw import cascade, stages_of

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = Setting(steps=4, orders=3, moves=2, squares=12, noisy=2)
SIDE = 8


class Linear(nn.Module):
    """Two classes: y_0 = sum(w x), y_1 = 0, so that the probability of the first is the sigmoid of the sum."""

    def __init__(self, w: torch.Tensor) -> None:
        super().__init__()
        self.w = nn.Parameter(w, requires_grad=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        score = (x * self.w).sum((1, 2, 3))
        return torch.stack([score, torch.zeros_like(score)], 1)


def here(work):
    return work()


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def linear():
    """(network, picture, evidence w x by pixel)."""
    w, x = random(3, SIDE, SIDE, seed=1) / 4, random(1, 3, SIDE, SIDE, seed=2)
    return Linear(w), x, (w * x[0]).sum(0)


@pytest.fixture(scope="module")
def net():
    return lively()


# infidelity


def falls(network, x, hidden):
    return network(x)[:, 0], torch.cat([network(x * (1 - mask)) for mask in hidden])[:, 0]


def test_evidence_of_a_linear_network_has_no_infidelity_whatever_its_scale(linear):
    network, x, evidence = linear
    hidden = squares(20, SIDE, SIDE, 0)
    whole, without = falls(network, x, hidden)
    maps = torch.stack([evidence, 1000 * evidence, torch.zeros_like(evidence), evidence.flip(0)])
    right, scaled, nothing, wrong = infidelity(whole, without, maps, hidden).tolist()
    fall = float((whole - without).square().mean())
    assert right == pytest.approx(0, abs=1e-6) and scaled == pytest.approx(0, abs=1e-6)
    assert nothing == pytest.approx(fall, rel=1e-5)
    assert 0.05 * fall < wrong <= fall


def test_infidelity_is_what_a_least_squares_fit_of_the_falls_leaves(linear):
    network, x, _ = linear
    hidden, values = squares(15, SIDE, SIDE, 3), random(SIDE, SIDE, seed=5)
    whole, without = falls(network, x, hidden)
    sums, wanted = [], []
    for mask, left in zip(hidden, without, strict=True):
        inside = [(i, j) for i in range(SIDE) for j in range(SIDE) if mask[0, i, j]]
        sums.append([sum(float(values[place]) for place in inside)])
        wanted.append(float(whole) - float(left))
    _, residue, *_ = np.linalg.lstsq(np.array(sums), np.array(wanted), rcond=None)
    found = float(infidelity(whole, without, values[None], hidden)[0])
    assert found == pytest.approx(float(residue[0]) / len(hidden), rel=1e-4)


def test_squares_are_squares_inside_the_picture():
    masks = squares(200, 8, 16, 0)
    for mask in masks[:, 0]:
        rows, columns = mask.any(1).nonzero()[:, 0], mask.any(0).nonzero()[:, 0]
        side = len(rows)
        assert 1 <= side <= 4 and len(columns) == side and float(mask.sum()) == side * side
        assert int(rows[-1] - rows[0]) == side - 1 == int(columns[-1] - columns[0])
    assert {len(mask[0].any(1).nonzero()) for mask in masks} == {1, 2, 3, 4}
    assert torch.equal(masks, squares(200, 8, 16, 0)) and not torch.equal(masks, squares(200, 8, 16, 1))


# max-sensitivity


def test_max_sensitivity_is_the_largest_relative_move(linear):
    network, x, _ = linear
    noise = noises(6, x, 0.3, 0)
    assert float(noise.abs().max()) <= 0.3 and float(noise.abs().mean()) == pytest.approx(0.15, rel=0.1)
    explain = lambda pictures: (pictures * network.w).sum(1)  # noqa: E731
    moves = []
    for one in noise:
        change = (network.w * one).sum(0)
        moves.append(float(change.square().sum() ** 0.5) / float(explain(x)[0].square().sum() ** 0.5))
    assert max_sensitivity(explain, x, explain(x)[0], noise) == pytest.approx(max(moves), rel=1e-5)
    constant = lambda pictures: network.w.abs().amax(0).expand(len(pictures), -1, -1)  # noqa: E731
    assert max_sensitivity(constant, x, constant(x)[0], noise) == 0


def test_values_elsewhere_are_the_same_values(linear):
    _, _, evidence = linear
    others = elsewhere(evidence, 3, 0)
    assert len({other.numpy().tobytes() for other in others}) == 3
    for other in others:
        assert torch.equal(other.reshape(-1).sort().values, evidence.reshape(-1).sort().values)


# deletion and insertion


def test_a_deletion_curve_of_a_linear_network_by_hand(linear):
    network, x, evidence = linear
    pieces = torch.cat(list(stages("deletion", x, places(evidence, 0), shares(8))))
    found = Network(network, "", here).probabilities(pieces, 0)
    left = sorted(evidence.reshape(-1).tolist())  # the weakest are left longest
    for share, probability in zip(range(9), found.tolist(), strict=True):
        total = sum(left[: 64 - 8 * share])
        assert probability == pytest.approx(1 / (1 + np.exp(-total)), abs=1e-5)
    assert float(found[-1]) == pytest.approx(0.5)  # the mean colour says nothing


def test_insertion_starts_from_the_blurred_picture_and_ends_at_the_picture(linear):
    _, x, evidence = linear
    pieces = list(stages("insertion", x, places(evidence, 0), shares(4)))
    soft = gaussian_filter(x[0].double().numpy(), sigma=(0, 1, 1), mode="nearest", truncate=3)
    np.testing.assert_allclose(pieces[0][0], soft, atol=1e-5)
    assert torch.equal(pieces[-1], x)
    first = evidence >= evidence.reshape(-1).sort(descending=True).values[15]
    assert torch.equal(pieces[1][0, :, first], x[0, :, first])
    np.testing.assert_allclose(pieces[1][0, :, ~first], soft[:, ~first.numpy()], atol=1e-5)


@pytest.mark.parametrize(("height", "width", "sigma"), [(32, 32, 4.0), (5, 9, 1.0)])
def test_blur_is_scipys(height, width, sigma):
    x = random(1, 3, height, width, seed=4)
    wanted = gaussian_filter(x[0].double().numpy(), sigma=(0, sigma, sigma), mode="nearest", truncate=3)
    np.testing.assert_allclose(blurred(x, sigma)[0], wanted, atol=1e-5)


def test_equal_pixels_go_in_random_order():
    values = torch.zeros(6, 6)
    values[2, 3] = 1
    one, other = places(values, 0), places(values, 1)
    assert int(one[2 * 6 + 3]) == 0 == int(other[2 * 6 + 3])
    assert sorted(one.tolist()) == list(range(36))
    assert not torch.equal(one, other) and torch.equal(one, places(values, 0))
    assert abs(spearmanr(one, np.arange(36)).statistic) < 0.5, "rows must not decide"
    assert not any(torch.equal(one, chance) for chance in chances(3, 36, 0)), "ties have a stream of their own"


def test_a_moved_map_lies_elsewhere():
    values = torch.arange(64.0).reshape(8, 8)
    for other in moved(values, 5, 0):
        down, right = divmod(int((other == 0).nonzero()[0] @ torch.tensor([8, 1])), 8)
        assert 2 <= down <= 6 and 2 <= right <= 6
        assert torch.equal(other.roll((-down, -right), (0, 1)), values)


def test_an_oracle_beats_chance_and_its_order_backwards(linear):
    """The map of a linear network knows which pixels matter."""
    network, x, _ = linear
    found = check(network, x, "integrated_gradients", Setting(steps=16, orders=8, squares=12, noisy=2))
    deletion, insertion = found.deletion, found.insertion
    assert deletion.area < min(deletion.areas("random")) and deletion.area < min(deletion.areas("moved"))
    assert insertion.area > max(insertion.areas("random")) and insertion.area > max(insertion.areas("moved"))
    assert deletion.areas("backwards")[0] > max(deletion.areas("random"))
    assert found.figures()["infidelity"]["own"] == pytest.approx(0, abs=1e-4)
    assert found.figures()["infidelity"]["shuffled"] > 0.3
    assert found.deletion.own[0] == found.deletion.random[0, 0] == found.insertion.own[-1]


def check(network, x, method, setting=SMALL, layer=""):
    return Check(Network(network, layer, here), network, x, 0, setting).run([method], model="n", sha256="", label="a")[0]


# networks that have forgotten


def test_stages_go_from_the_classifier_down(net):
    assert stages_of(net) == (
        ("fc", ("fc",)), ("layer3", ("layer3",)), ("layer2", ("layer2",)), ("layer1", ("layer1",)),
        ("conv1", ("conv1", "bn1", "relu", "maxpool")),
    )  # fmt: skip


def test_a_cascade_redraws_one_stage_more_each_time_and_never_the_network(net):
    before = {name: value.clone() for name, value in net.state_dict().items()}
    drawn_before, gone = torch.random.get_rng_state(), set()
    weights = []
    for stage, forgetful in cascade(net, 3):
        gone.add(stage)
        changed = {name.split(".")[0] for name, value in forgetful.state_dict().items() if not torch.equal(value, before[name])}
        assert {name.replace("bn1", "conv1") for name in changed} == gone
        assert not forgetful.training and not any(value.requires_grad for value in forgetful.parameters())
        weights.append(copy.deepcopy(forgetful.state_dict()))
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), drawn_before)
    assert [name for name, value in weights[-1].items() if value.dim() > 1 and torch.equal(value, before[name])] == []
    assert float(weights[-1]["bn1.running_mean"].abs().max()) == 0
    assert torch.equal(weights[-1]["layer1.0.bn1.running_var"], torch.ones(16))
    for (_, again), known in zip(cascade(net, 3), weights, strict=True):
        assert all(torch.equal(value, known[name]) for name, value in again.state_dict().items())
    other = next(iter(cascade(net, 4)))[1]
    assert not torch.equal(other.fc.weight, weights[0]["fc.weight"])


def test_parameters_without_an_initialisation_are_shuffled(linear):
    network = nn.Sequential(linear[0])
    ((stage, forgetful),) = cascade(network, 0)
    assert stage == "0"
    assert not torch.equal(forgetful[0].w, network[0].w)
    assert torch.equal(forgetful[0].w.reshape(-1).sort().values, network[0].w.reshape(-1).sort().values)


def test_rank_correlations_are_scipys_and_a_flat_map_has_none():
    one, other = random(7, 9, seed=1).numpy(), random(7, 9, seed=2).numpy()
    wanted = spearmanr(one.ravel(), other.ravel()).statistic, spearmanr(abs(one).ravel(), abs(other).ravel()).statistic
    assert alike(one, other) == pytest.approx(wanted)
    assert alike(one, one) == pytest.approx((1, 1))
    assert alike(one, -one) == pytest.approx((-1, 1))
    assert alike(one, np.zeros((7, 9))) == (0, 0)


def test_the_map_of_an_untouched_network_is_the_map_and_of_a_redrawn_one_another(net):
    """Signed correlations of Integrated Gradients over several draws: near 0 where nothing learned is left."""
    x = normalised(pictures(1).numpy())
    same = Network(net, "layer3", here).maps("integrated_gradients", x, 0)[0].numpy()
    assert alike(same, Network(net, "layer3", here).maps("integrated_gradients", x, 0)[0].numpy()) == pytest.approx((1, 1))
    found = [check(net, x, "integrated_gradients", replace(SMALL, seed=seed)).redrawn[-1].signed for seed in range(6)]
    assert abs(np.mean(found)) < 0.15


# through the model


@pytest.fixture(scope="module")
def model(net):
    with model_of(net) as model:
        yield model


def test_a_model_answers_and_stays_bit_for_bit_what_it_was(model):
    picture = pictures(1).numpy()[0]
    weights = {name: value.clone() for name, value in model._engine.net.state_dict().items()}
    logits, seen = model.inspect(picture).logits, []
    found = model.faithfulness(picture, "bee", list(METHODS), setting=SMALL, progress=lambda *done: seen.append(done))
    assert all(torch.equal(value, weights[name]) for name, value in model._engine.net.state_dict().items())
    assert np.array_equal(model.inspect(picture).logits, logits)
    assert [done for done, _ in seen] == list(range(1, seen[-1][1] + 1))
    assert [one.method for one in found] == list(METHODS)
    for one in found:
        assert (one.model, one.class_index, one.label, one.setting) == ("net", 1, "bee", SMALL)
        assert one.layer == ("layer3" if one.method == "gradcam" else "input")
        assert set(one.figures()) == set(MEASURES)
        assert [stage.stage for stage in one.redrawn] == ["fc", "layer3", "layer2", "layer1", "conv1"]
        assert one.deletion.own.shape == (5,) and one.deletion.random.shape == (3, 5) and one.deletion.moved.shape == (2, 5)
        assert not any(array.flags.writeable for array in (one.values, one.deletion.own, one.deletion.random))
    wanted = model.pixel_map(picture, "saliency", 1).values
    np.testing.assert_allclose(next(one.values for one in found if one.method == "saliency"), wanted, atol=1e-6)


def test_the_same_question_has_the_same_answer_alone_or_among_others(model):
    picture = pictures(1).numpy()[0]
    together = model.faithfulness(picture, 0, ["gradcam", "saliency"], setting=SMALL)[1]
    alone = model.faithfulness(picture, 0, ["saliency"], setting=SMALL)[0]
    assert alone.figures() == together.figures()
    assert [one.signed for one in alone.redrawn] == [one.signed for one in together.redrawn]


def test_the_served_network_is_asked_on_its_thread_in_pieces(model, monkeypatch):
    ran, forward = [], model._engine.net.forward

    def watched(x):
        ran.append((threading.current_thread().name, len(x)))
        return forward(x)

    monkeypatch.setattr(model._engine.net, "forward", watched)
    model.faithfulness(pictures(1).numpy()[0], 0, ["occlusion"], setting=SMALL)
    assert {name for name, _ in ran} == {"seviz-net"}
    assert max(count for _, count in ran) <= 16


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"target": "gnu"}, "has no class 'gnu'"),
        ({"methods": "gradcam"}, "methods is a list of names"),
        ({"methods": ["guess"]}, "There is no method 'guess'; use one of gradcam"),
        ({"methods": []}, "There is no method ''"),
        ({"layer": "layer9"}, "has no layer 'layer9'"),
        ({"layer": "fc"}, "puts out no feature maps"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(model, asked, sentence):
    wanted = {"target": 0, "methods": ["gradcam"], "setting": SMALL, **asked}
    with pytest.raises(RequestError, match=sentence):
        model.faithfulness(pictures(1).numpy()[0], wanted.pop("target"), wanted.pop("methods"), **wanted)


@pytest.mark.parametrize(("name", "value"), [("steps", 0), ("squares", 1), ("noisy", 1.5), ("seed", -1), ("orders", True)])
def test_settings_without_meaning_are_refused(name, value):
    with pytest.raises(RequestError, match=f"^{name} is a whole number of at least"):
        Setting(**{name: value})
    with pytest.raises(RequestError, match="radius is a number above 0"):
        Setting(radius=float("nan"))


def test_a_flat_map_is_said_to_be_one(linear):
    network = Linear(torch.zeros(3, SIDE, SIDE))
    found = check(network, linear[1], "saliency")
    assert found.is_flat
    assert found.figures()["infidelity"] == {"own": 0, "shuffled": 0}
    assert all(np.isfinite(list(figures.values())).all() for figures in found.figures().values())
