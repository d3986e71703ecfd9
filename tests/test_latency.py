"""How long a pass takes: in turn, on the owner thread, summed up as quartiles."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from networks import CLASSES, PREPROCESSING, lively

from seviz.backend import Model, latency
from seviz.backend.latency import WARMUPS

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def models():
    made = [
        Model(lively(arch), name=arch, classes=CLASSES, preprocessing=PREPROCESSING, device="cpu")
        for arch in ("se_resnet20", "resnet20")
    ]
    yield made
    for model in made:
        model.close()


def test_the_models_take_turns_and_warmups_do_not_count(models, monkeypatch):
    order, told = [], []
    times = {"se_resnet20": iter([99.0] * WARMUPS + [1, 2, 3, 4, 10]), "resnet20": iter([99.0] * WARMUPS + [5] * 5)}

    def time_pass(self):
        order.append(self.name)
        return next(times[self.name])

    monkeypatch.setattr(Model, "time_pass", time_pass)
    first, second = latency(models, repeats=5, progress=lambda done, total: told.append((done, total)))
    assert order == ["se_resnet20", "resnet20"] * (WARMUPS + 5)
    assert (first.median, first.low, first.high, first.fastest, first.repeats) == (3, 2, 4, 1, 5)
    assert (second.median, second.low, second.high) == (5, 5, 5)
    assert told[-1] == (WARMUPS + 5, WARMUPS + 5)
    assert (first.model, first.device, first.precision, first.threads) == ("se_resnet20", "cpu", "float32", 1)


def test_a_pass_is_timed_on_the_owner_thread_on_one_picture(models):
    seen = []
    net = models[0]._engine.net
    forward = net.forward

    def spy(x):
        seen.append((tuple(x.shape), threading.current_thread().name))
        return forward(x)

    net.forward = spy
    taken = models[0].time_pass()
    assert taken > 0
    assert seen == [((1, 3, 16, 16), "seviz-se_resnet20")]
    assert np.isfinite(taken)
