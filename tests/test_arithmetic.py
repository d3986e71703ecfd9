"""The numbers of an SE block: every one shown adds up to the gate that the network recorded."""

from __future__ import annotations

import math

import numpy as np
import pytest
from networks import CLASSES, PREPROCESSING, lively, pictures

from seviz.analysis.arithmetic import work
from seviz.backend import Model

pytestmark = pytest.mark.usefixtures("one_thread")


def test_a_block_small_enough_to_work_by_hand():
    found = work([1.0, 2.0], [[0.5, -1.0], [1.0, 1.0]], [0.25, -1.0], [[3.0, 0.5], [0.0, -1.0]], [-1.0, 0.0])
    np.testing.assert_allclose(found.before, [-1.25, 2.0])
    np.testing.assert_allclose(found.hidden, [0.0, 2.0])
    np.testing.assert_allclose(found.scores, [0.0, -2.0])
    np.testing.assert_allclose(found.gates, [0.5, 1 / (1 + math.e**2)])
    hidden = found.of_hidden(1)
    np.testing.assert_allclose(hidden.terms, [1.0, 2.0])
    assert (hidden.bias, hidden.total, hidden.value) == (-1.0, 2.0, 2.0)
    assert (hidden.largest(1), hidden.rest([1])) == ([1], 1.0)
    gate = found.of_gate(0)
    assert gate.largest(5) == [1], "a hidden unit that is 0 contributes nothing"
    assert found.loudest(0) == 1


def test_far_scores_do_not_overflow():
    found = work([1.0], [[1.0]], [0.0], [[1000.0]], [0.0])
    assert found.gates[0] == 1.0
    assert work([1.0], [[1.0]], [0.0], [[-1000.0]], [0.0]).gates[0] == 0.0


def test_layers_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="do not fit 3 channels"):
        work([1.0, 2.0, 3.0], [[1.0, 1.0]], [0.0], [[1.0], [1.0]], [0.0, 0.0])


@pytest.mark.parametrize("squeeze", ["avg", "max"])
def test_every_number_on_the_way_reproduces_the_recorded_gate(squeeze):
    picture = pictures(1, seed=3).numpy()[0]
    with Model(lively(se_squeeze=squeeze), name="net", classes=CLASSES, preprocessing=PREPROCESSING, device="cpu") as model:
        answer = model.inspect(picture, layers=(), features=[site.path for site in model.sites])
        for site in model.sites:
            weights = model.block_weights(site.path)
            u = answer.features[site.path].astype(np.float64)
            z = u.mean((1, 2)) if squeeze == "avg" else u.max((1, 2))
            np.testing.assert_allclose(z, answer.squeezes[site.path], atol=1e-5)
            found = work(z, weights.w1, weights.b1, weights.w2, weights.b2)
            np.testing.assert_allclose(found.gates, answer.gates[site.path], atol=1e-5)
            for channel in range(site.channels):
                gate = found.of_gate(channel)
                shown = gate.largest(2)
                total = sum(gate.terms[shown]) + gate.rest(shown) + gate.bias
                assert 1 / (1 + math.exp(-total)) == pytest.approx(float(answer.gates[site.path][channel]), abs=1e-5)
            for unit in range(site.hidden):
                terms = [float(weights.w1[unit, channel]) * float(z[channel]) for channel in range(site.channels)]
                total = math.fsum(terms) + float(weights.b1[unit])
                assert found.of_hidden(unit).value == pytest.approx(max(0.0, total), abs=1e-9)
