"""Networks that are not of seviz.nets, through the backend and over data sets: the same answers as by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import timm
import torch
from sets import coloured
from torch import nn

from seviz.ablation import Setting, ablate
from seviz.backend import Model, Request
from seviz.coverage.networks import stirred
from seviz.edits import Constant, Edit, Where
from seviz.edits.switch import switched_off
from seviz.errors import RequestError
from seviz.evaluation import normaliser
from seviz.excitation import excitation_of
from seviz.gates import edit_gates, find_gates, record_gates
from seviz.images import Preprocessing

pytestmark = pytest.mark.usefixtures("one_thread")

SEEN = Preprocessing(height=64, width=64)
SHA = "cd" * 32


def build(name: str) -> nn.Module:
    torch.manual_seed(0)
    return stirred(timm.create_model(name, num_classes=3)).eval()


def data(count: int = 7):
    return replace(coloured(count, side=64, split="test"), labels=np.arange(count) % 3)


def by_hand(net: nn.Module, pictures: np.ndarray) -> torch.Tensor:
    return normaliser(SEEN, torch.device("cpu"))(torch.from_numpy(pictures))


@pytest.fixture(scope="module", params=["seresnet18", "skresnet18"])
def pair(request):
    """A network, and the model that answers with a prepared copy of it."""
    net = build(request.param)
    find_gates(net, torch.randn(2, 3, 64, 64))
    with Model(net, name="net", classes=("ant", "bee", "cat"), preprocessing=SEEN, device="cpu") as model:
        yield net, model


def test_an_inspection_is_what_the_network_says(pair):
    net, model = pair
    assert model.sites == find_gates(net)
    pictures, path = data(1).pictures, model.sites[3].path
    answer = model.inspect(pictures[0], features=[path])
    with torch.no_grad(), record_gates(net) as recording:
        logits = net(by_hand(net, pictures))[0]
    np.testing.assert_allclose(answer.logits, logits, atol=1e-4, rtol=1e-4)
    for site in model.sites:
        np.testing.assert_allclose(answer.gates[site.path], recording.gates[site.path][0], atol=1e-4)
        np.testing.assert_allclose(answer.squeezes[site.path], recording.squeezes[site.path][0], atol=1e-3, rtol=1e-4)
    assert answer.features[path].shape[0] == model.sites[3].channels
    assert answer.maps[0].layer == "layer4"


def test_requests_with_edits_share_a_batch(pair):
    net, model = pair
    pictures, path = data(2).pictures, model.sites[-1].path
    edited = (Edit(Where(path=path), Constant(0.25)),)
    futures = [model.submit(Request(pictures[i : i + 1], edits=edited if i else ())) for i in (0, 1)]
    answers = [future.result()[0] for future in futures]
    with torch.no_grad():
        plain = net(by_hand(net, pictures))[0]
        with edit_gates(net, {path: 0.25}):
            changed = net(by_hand(net, pictures))[1]
    np.testing.assert_allclose(answers[0].logits, plain, atol=1e-4, rtol=1e-4)
    np.testing.assert_allclose(answers[1].logits, changed, atol=1e-4, rtol=1e-4)


def test_slopes_of_gates_and_channels_ranked_by_them(pair):
    _, model = pair
    picture, path = data(1).pictures[0], model.sites[0].path
    slopes = model.gate_gradients(picture, "bee")
    gates = model.inspect(picture).gates[path]
    assert slopes[path].shape == gates.shape
    edited = model.inspect(picture, edits=f"{path}~0~top3.gradient.bee")
    dropped = np.flatnonzero(edited.gates[path] == 0)
    assert set(dropped) == set(np.argsort(-np.abs(gates * slopes[path]))[:3])


def test_the_layers_of_a_foreign_block_are_not_told(pair):
    _, model = pair
    with pytest.raises(RequestError, match=r"not computed by an SE block of seviz\.nets"):
        model.block_weights(model.sites[0].path)


@pytest.mark.parametrize("name", ["test_efficientnet", "resnest14d"])
def test_statistics_over_a_data_set_are_those_of_recorded_gates(name):
    net, pictures = build(name), data()
    found = excitation_of(net, pictures, SEEN, batch=3)
    with torch.no_grad(), record_gates(net, hidden=True) as recording:
        net(by_hand(net, pictures.pictures))
    for site in find_gates(net):
        gates = recording.gates[site.path].double().numpy()
        sums = np.stack([gates[pictures.labels == label].sum(0) for label in range(3)])
        np.testing.assert_allclose(found.sites[site.path].gate_sum, sums, atol=1e-4)
        fired = (recording.hidden[site.path] > 0).sum(0).numpy() if site.hidden else np.zeros(0)
        np.testing.assert_array_equal(found.sites[site.path].fired, fired)


def test_ablate_takes_a_doubled_gate_out_at_a_half(tmp_path):
    net, pictures = build("test_nfnet"), data()
    found = ablate(net, pictures, SEEN, tmp_path / "ablation.json", Setting(SHA, "as typed", batch=3))
    sites = find_gates(net)
    assert {site.neutral for site in sites} == {0.5}
    x = by_hand(net, pictures.pictures)
    with torch.no_grad():
        live = net(x)
        with edit_gates(net, {site.path: 0.5 for site in sites}):
            off = net(x)
    assert found.effect("all", "1").delta_logit == pytest.approx(float((off - live).abs().mean()), rel=1e-3)


def test_se_off_is_the_neutral_value_of_each_site():
    sites = find_gates(build("test_nfnet"), torch.randn(2, 3, 64, 64))
    assert switched_off((), Where(), sites) == (Edit(Where(), Constant(0.5)),)
    mixed = (replace(sites[0], neutral=1.0), *sites[1:])
    made = switched_off((Edit(Where(), Constant(0)),), Where(), mixed)
    assert [(edit.where.path, edit.gate.value) for edit in made] == [(site.path, site.neutral) for site in mixed]
