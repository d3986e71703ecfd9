"""Flip it: against every subset for small cases, and on a network."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from networks import CLASSES, PREPROCESSING, lively, pictures

from seviz.backend import Model
from seviz.errors import RequestError
from seviz.flip import Seen, edits_of, flip, flip_picture, places

pytestmark = pytest.mark.usefixtures("one_thread")
GATES, KINDS = 5, 3


class Toy:
    """Logits that bend with the gates; a gate that is changed moves the next one, as in a network."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        self.live = rng.uniform(0.1, 0.9, GATES)
        self.linear, self.bent = rng.normal(size=(KINDS, GATES)), rng.normal(size=(KINDS, GATES, GATES))
        self.bias = rng.normal(size=KINDS) * 0.7

    def gates(self, changes):
        gates = self.live.copy()
        for gate in range(GATES):
            if gate and gate not in changes:
                gates[gate] = np.clip(gates[gate] + 0.2 * (gates[gate - 1] - self.live[gate - 1]), 0, 1)
            gates[gate] = changes.get(gate, gates[gate])
        return gates

    def logits(self, gates):
        return self.linear @ gates + 0.5 * np.einsum("kij,i,j->k", self.bent, gates, gates) + self.bias

    def see(self, sets):
        return [Seen(self.logits(self.gates(changes)), self.gates(changes)) for changes in sets]

    def slopes(self, changes, rival, target):
        """Finite differences, of the logits alone."""
        gates, step = self.gates(changes), 1e-6
        out = np.zeros(GATES)
        for gate in range(GATES):
            up, down = gates.copy(), gates.copy()
            up[gate] += step
            down[gate] -= step
            rise = self.logits(up) - self.logits(down)
            out[gate] = (rise[target] - rise[rival]) / (2 * step)
        return out

    def flip(self, target, **options):
        return flip(self.see, lambda changes, rival: self.slopes(changes, rival, target), target, **options)

    def turned(self, changes, target):
        return self.see([changes])[0].margin(target) > 0

    def smallest(self, target):
        """The size of the smallest set of changes that turns the prediction, by trying all; None where there is none."""
        for size in range(GATES + 1):
            for chosen in combinations(range(GATES), size):
                for values in product((0.0, 1.0), repeat=size):
                    if self.turned(dict(zip(chosen, values, strict=True)), target):
                        return size
        return None


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("target", range(KINDS))
def test_a_flip_is_one_and_none_of_its_changes_can_be_left_out(seed, target):
    toy = Toy(seed)
    found, best = toy.flip(target), toy.smallest(target)
    changes = {step.gate: step.after for step in found.steps}
    assert len(changes) == len(found.steps)
    assert toy.turned(changes, target) == found.flipped
    if not found.flipped:
        return
    assert best is not None and best <= len(changes)
    for gate in changes:
        assert not toy.turned({other: value for other, value in changes.items() if other != gate}, target)


def test_most_small_cases_are_flipped_by_a_smallest_set():
    """Greedy is no proof of the smallest, but it must find one where there is one, nearly always, and often the smallest."""
    pairs = [(toy.flip(target), toy.smallest(target)) for toy in map(Toy, range(40)) for target in range(KINDS)]
    possible = [(found, best) for found, best in pairs if best]  # 0: the target is the prediction already
    assert len(possible) > 40
    assert not any(found.flipped for found, best in pairs if best is None)
    assert np.mean([found.flipped for found, _ in possible]) > 0.9
    assert np.mean([len(found.steps) == best for found, best in possible if found.flipped]) > 0.8


def test_where_logits_are_straight_the_smallest_set_is_found():
    """Without bends and with two classes, taking the largest gain first is best: checked against every subset."""
    for seed in range(20):
        toy = Toy(seed)
        toy.linear[2], toy.bias[2], toy.bent[:] = 0, -100, 0
        toy.gates = lambda changes, live=toy.live: np.array([changes.get(gate, live[gate]) for gate in range(GATES)])
        for target in (0, 1):
            found, best = toy.flip(target), toy.smallest(target)
            assert found.flipped == (best is not None)
            if best is not None:
                assert len(found.steps) == best


def test_the_path_tells_each_step_under_those_before_it():
    toy = next(toy for toy in map(Toy, range(100)) if toy.flip(2).flipped and len(toy.flip(2).steps) >= 2)
    found = toy.flip(2)
    changes = {}
    for step in found.steps:
        assert step.before == pytest.approx(toy.gates(changes)[step.gate])
        changes[step.gate] = step.after
        np.testing.assert_allclose(step.seen.logits, toy.logits(toy.gates(changes)))


def test_what_is_pruned_is_counted_and_gone():
    """Change 0 looks best at first, but 1 and 2 do it together without it."""

    def see(sets):
        scores = [0.5 * (0 in c) + 0.3 * (1 in c) + 0.3 * (2 in c) + 0.5 * (1 in c and 2 in c) for c in sets]
        return [Seen(np.array([1.0, score]), np.full(3, 0.5)) for score in scores]

    found = flip(see, lambda changes, rival: np.array([1.2, 1.1, 1.1]), 1)
    assert found.flipped and found.pruned == 1
    assert [step.gate for step in found.steps] == [1, 2]


def test_a_prediction_that_is_the_target_already_needs_nothing():
    toy = Toy(1)
    found = toy.flip(int(toy.see([{}])[0].logits.argmax()))
    assert found.flipped and found.steps == () and found.pruned == 0


def test_where_nothing_helps_that_is_said():
    dead = flip(lambda sets: [Seen(np.array([1.0, 0.0]), np.full(4, 0.5)) for _ in sets], lambda *_: np.ones(4), 1)
    assert not dead.flipped and dead.steps == ()
    flat = flip(lambda sets: [Seen(np.array([1.0, 0.0]), np.full(4, 0.5)) for _ in sets], lambda *_: np.zeros(4), 1)
    assert not flat.flipped and flat.steps == ()


def test_no_more_changes_than_allowed():
    slow = lambda sets: [Seen(np.array([1.0, 0.01 * len(changes)]), np.full(50, 0.5)) for changes in sets]  # noqa: E731
    found = flip(slow, lambda *_: np.ones(50), 1, most=7)
    assert not found.flipped and len(found.steps) == 7


@pytest.fixture(scope="module")
def model():
    with Model(lively(), name="net", classes=CLASSES, preprocessing=PREPROCESSING, device="cpu") as model:
        yield model


def test_a_network_is_flipped_by_edits_that_anybody_can_apply(model):
    pixels = pictures(1, seed=1).numpy()[0]
    start = model.inspect(pixels, layers=())
    target = start.predictions(2)[1].index
    found = flip_picture(model, pixels, target)
    assert found.flipped and found.steps
    changes = {step.gate: step.after for step in found.steps}
    under = model.inspect(pixels, layers=(), edits=edits_of(changes, places(model)))
    assert under.predictions(1)[0].index == target
    np.testing.assert_allclose(found.steps[-1].seen.logits, under.logits, atol=1e-4)
    for gate in changes:
        less = {other: value for other, value in changes.items() if other != gate}
        assert model.inspect(pixels, layers=(), edits=edits_of(less, places(model))).predictions(1)[0].index != target


def test_a_plain_network_has_nothing_to_flip():
    options = {"name": "net", "classes": CLASSES, "preprocessing": PREPROCESSING, "device": "cpu"}
    with Model(lively("resnet20"), **options) as plain, pytest.raises(RequestError, match="plain network"):
        flip_picture(plain, pictures(1).numpy()[0], 1)
