"""Deletion and insertion of channels: areas by hand, orders and drops against a network written out."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from networks import CLASSES, PREPROCESSING, lively, pictures
from sets import coloured
from sklearn.metrics import auc
from test_edited_answers import by_hand, importance_by_hand, normalised
from torch.nn import functional as F

from seviz.ablation import Setting, ablate, load_ablation
from seviz.ablation import curves as drawn
from seviz.ablation.curves import RANDOM, SHARES, measure, probabilities
from seviz.analysis.deletion import KINDS, ORDERS, Curve, areas, channel_findings, curve
from seviz.card import content_sha256

pytestmark = pytest.mark.usefixtures("one_thread")

SHARES_3 = (0.0, 0.5, 1.0)


def test_an_area_is_the_mean_height_of_a_curve():
    heights = np.random.default_rng(0).random((6, 20))
    wanted = [auc(SHARES, column) for column in heights.T]
    np.testing.assert_allclose(areas(SHARES, heights), wanted, atol=1e-12)
    assert areas(SHARES, np.full((6, 1), 0.3)) == pytest.approx(0.3)


def test_a_curve_by_hand():
    values, chance = np.array([[1.0, 0.8], [0.5, 0.6], [0.0, 0.2]]), np.array([[1.0, 0.8], [0.7, 0.6], [0.0, 0.2]])
    one = curve("a", "deletion", "gate", SHARES_3, values, chance)
    assert one.probability == pytest.approx((0.9, 0.55, 0.1))
    assert one.area == pytest.approx((0.5 + 0.55) / 2)
    assert one.beside_random == pytest.approx((-0.1 + 0) / 2)
    assert one.beside_random_interval == pytest.approx((-0.1, 0))
    alone = curve("a", "deletion", "random", SHARES_3, chance)
    assert (alone.beside_random, alone.beside_random_interval, alone.knows) == (None, None, 0)


def test_intervals_are_those_of_resampled_pictures():
    rng = np.random.default_rng(1)
    values, chance = rng.random((3, 300)), rng.random((3, 300))
    one = curve("a", "insertion", "gate", SHARES_3, values, chance)
    own, beside = areas(SHARES_3, values), areas(SHARES_3, values) - areas(SHARES_3, chance)
    rows = [rng.integers(0, 300, 300) for _ in range(4000)]
    for found, sample in ((one.interval, own), (one.beside_random_interval, beside)):
        assert found == pytest.approx(tuple(np.quantile([sample[r].mean() for r in rows], [0.025, 0.975])), abs=0.006)


@pytest.mark.parametrize(
    ("kind", "interval", "knows"),
    [("deletion", (-0.2, -0.1), 1), ("deletion", (0.1, 0.2), -1), ("insertion", (0.1, 0.2), 1), ("insertion", (-0.1, 0.1), 0)],
)
def test_an_order_knows_what_matters_where_deletion_falls_or_insertion_rises_sooner(kind, interval, knows):
    assert Curve("a", kind, "gate", SHARES, (0.0,) * 6, 0.5, (0.4, 0.6), sum(interval) / 2, interval).knows == knows


def test_findings_count_the_sites():
    def made(site, order, middle):
        return Curve(site, "deletion", order, SHARES, (0.0,) * 6, 0.5, (0.4, 0.6), middle, (middle - 0.05, middle + 0.05))

    curves = [made("a", "gate", -0.2), made("b", "gate", -0.3), made("c", "gate", 0.1), made("d", "gate", 0.01)]
    curves.append(made("a", "norm", -0.1))
    assert channel_findings(curves) == (
        "Dropping the channels with the highest gates first hurts more than dropping random ones at 2 of 4 sites (the most at "
        "b: -0.300), less at 1 (the most at c: +0.100), and no difference can be told at 1 (area under the deletion curve).",
        "Dropping the channels with the largest activations first hurts more than dropping random ones at 1 of 1 sites (the "
        "most at a: -0.100) (area under the deletion curve).",
    )
    assert channel_findings([]) == ()


@pytest.fixture(scope="module")
def net():
    return lively()


def scores_by_hand(net, x, path):
    """Order -> scores (C,) of one picture at a site: gate, |gate x gradient|, norm of the map before the gate."""
    seen = {}
    net.get_submodule(path).register_forward_hook(lambda module, inputs, output: seen.update(u=inputs[0]))
    handle = list(net.get_submodule(path)._forward_hooks)[-1]
    logits, gates, _ = by_hand(net, x)
    net(x)
    net.get_submodule(path)._forward_hooks.pop(handle)
    norm = [float((seen["u"][0, c] ** 2).sum() ** 0.5) for c in range(seen["u"].shape[1])]
    return {
        "gate": gates[path][0].tolist(),
        "gradient": importance_by_hand(net, x, int(logits.argmax()))[path],
        "norm": norm,
    }


@pytest.mark.parametrize("path", ["layer1.1.se", "layer3.2.se"])
def test_channels_are_dropped_and_kept_in_their_order(net, path):
    batch = normalised(pictures(3, seed=6).numpy())
    found = probabilities(net, batch, drawn._chances(net, len(batch), 0))
    for row in range(3):
        x = batch[row : row + 1]
        target = int(by_hand(net, x)[0].argmax())
        assert found["", ""][row] == pytest.approx(float(F.softmax(by_hand(net, x)[0], 1)[0, target]), abs=1e-5)
        for order, scores in scores_by_hand(net, x, path).items():
            ranked = sorted(range(len(scores)), key=lambda c: (-scores[c], c))
            for step in range(1, len(SHARES) - 1):
                count = round(SHARES[step] * len(scores))
                for kind, dropped in (("deletion", ranked[:count]), ("insertion", ranked[count:])):

                    def change(site, gate, dropped=dropped):
                        gate = gate.clone()
                        if site == path:
                            gate[:, dropped] = 0
                        return gate

                    wanted = F.softmax(by_hand(net, x, change)[0], 1)[0, target]
                    assert found[path, f"{kind}/{order}/{step}"][row] == pytest.approx(float(wanted), abs=1e-4)
        none = by_hand(net, x, lambda site, gate: gate * 0 if site == path else gate)[0]
        assert found[path, "none"][row] == pytest.approx(float(F.softmax(none, 1)[0, target]), abs=1e-5)


def test_random_orders_are_several_and_each_pictures_own(net):
    batch = normalised(pictures(4, seed=6).numpy())
    found = probabilities(net, batch, drawn._chances(net, len(batch), 0))
    names = [f"deletion/random{run}/3" for run in range(RANDOM)]
    assert len({found["layer3.2.se", name].tobytes() for name in names}) == RANDOM
    again = probabilities(net, batch, drawn._chances(net, len(batch), 0))
    assert all(np.array_equal(values, again[key]) for key, values in found.items())


def test_curves_are_of_a_seeded_sample_and_stand_in_the_file(net, tmp_path):
    made = coloured(12, seed=5, split="test")
    data = replace(made, classes=CLASSES, labels=np.arange(12) % 5)
    count, curves = measure(net, data, PREPROCESSING, pictures=5, seed=2, batch=3)
    assert count == 5
    assert [(one.kind, one.order) for one in curves[:8]] == [(kind, order) for kind in KINDS for order in ORDERS]
    assert [one.site for one in curves[::8]] == [f"layer{s}.{b}.se" for s in (1, 2, 3) for b in (0, 1, 2)]
    for deletion, insertion in zip(curves[0::8], curves[4::8], strict=True):
        assert deletion.probability[0] == insertion.probability[-1]
        assert deletion.probability[-1] == insertion.probability[0]
    path = tmp_path / "ablation.json"
    found = ablate(net, data, PREPROCESSING, path, Setting("ab" * 32, "", curves=5, seed=2))
    assert found.curve_pictures == 5
    for one, other in zip(found.curves, curves, strict=True):
        assert one.probability == pytest.approx(other.probability, abs=1e-5)  # other batches
    assert found.findings[-3:] == channel_findings(found.curves)
    assert load_ablation(path) == found
    values = json.loads(path.read_text(encoding="utf-8"))
    values["curves"].pop()
    values["content_sha256"] = content_sha256(values, "content_sha256")
    path.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(Exception, match="is damaged"):
        load_ablation(path)
