"""The backend under edits: every answer is that of its own request's edits, and the network is nobody's afterwards."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from networks import CLASSES, PREPROCESSING, lively, pictures
from torch.nn import functional as F

from seviz.backend import Model, Request
from seviz.backend.prepare import prepare
from seviz.edits import ALL, Constant, Edit, Means, Shuffled, from_text
from seviz.edits.resolve import drawn
from seviz.errors import RequestError, SevizError
from seviz.evaluation import another

CPU = torch.device("cpu")
LAST = "layer3.2.se"
PATHS = [f"layer{stage}.{block}.se" for stage in (1, 2, 3) for block in (0, 1, 2)]


def by_hand(net, x, change=lambda path, gate: gate):
    """(logits, site path -> gate, layer3's output) of a ResNet written out: change(path, s) is what multiplies."""
    x, gates = F.relu(net.bn1(net.conv1(x))), {}
    for stage in (1, 2, 3):
        for index, unit in enumerate(net.get_submodule(f"layer{stage}")):
            path = f"layer{stage}.{index}.se"
            u = unit.bn2(unit.conv2(F.relu(unit.bn1(unit.conv1(x)))))
            hidden = F.relu(unit.se.fc1(u.mean((2, 3))))
            gates[path] = change(path, torch.sigmoid(unit.se.fc2(hidden)))
            x = F.relu(u * gates[path][:, :, None, None] + unit.downsample(x))
    return net.fc(x.mean((2, 3))), gates, x


@pytest.fixture(scope="module")
def ready():
    return prepare(lively(), CPU, torch.zeros(1, 3, 16, 16))


@pytest.fixture(scope="module")
def means():
    rng = np.random.default_rng(5)
    widths = dict(zip(PATHS, [16] * 3 + [32] * 3 + [64] * 3, strict=True))
    sums = {path: rng.random((len(CLASSES), width)) * 10 for path, width in widths.items()}
    return Means.from_sums(CLASSES, np.full(len(CLASSES), 10), sums)


@pytest.fixture(scope="module")
def model(means):
    options = {"name": "net", "classes": CLASSES, "preprocessing": PREPROCESSING, "device": "cpu"}
    with Model(lively(), means=lambda: means, **options) as model:
        yield model


def normalised(batch):
    x = (batch / 255 - np.array(PREPROCESSING.mean)) / np.array(PREPROCESSING.std)
    return torch.from_numpy(x.transpose(0, 3, 1, 2)).float()


def stage_of(path):
    return int(path[5])


def at(stage, new):
    return lambda path, gate: new(path, gate) if stage in (0, stage_of(path)) else gate


def keeping(gate, channels, value=0.0):
    gate = gate.clone()
    gate[:, channels] = value
    return gate


def twenty(means, other_gates, importance):
    """Twenty edits with what each makes of a gate of one picture, written out: text -> change(path, gate)."""

    def top(path, gate):
        return keeping(gate, sorted(range(gate.shape[1]), key=lambda c: -float(gate[0, c]))[:4])

    def by_gradient(path, gate):
        return keeping(gate, sorted(range(gate.shape[1]), key=lambda c: -importance[path][c])[:4])

    def of(array):
        return torch.from_numpy(array).float()[None]

    return {
        "": at(0, lambda p, s: s),
        "all~1": at(0, lambda p, s: torch.ones_like(s)),
        "s1~1": at(1, lambda p, s: torch.ones_like(s)),
        "s2~1": at(2, lambda p, s: torch.ones_like(s)),
        "s3~1": at(3, lambda p, s: torch.ones_like(s)),
        "s3~0": at(3, lambda p, s: torch.zeros_like(s)),
        "all~mean": at(0, lambda p, s: of(means.overall[p])),
        "s2~mean": at(2, lambda p, s: of(means.overall[p])),
        "all~class.dog": at(0, lambda p, s: of(means.by_class[p][3])),
        "all~class.ant": at(0, lambda p, s: of(means.by_class[p][0])),
        "all~from.b": at(0, lambda p, s: other_gates[p]),
        "s3~from.b": at(3, lambda p, s: other_gates[p]),
        "all~x0.5": at(0, lambda p, s: s * 0.5),
        "all~in0.4_0.6": at(0, lambda p, s: s.clamp(0.4, 0.6)),
        "all~0~c0.3": at(0, lambda p, s: keeping(s, [0, 3])),
        "all~0~random4.9": at(0, lambda p, s: keeping(s, drawn(s.shape[1], 4, 9, p).tolist())),
        "all~0~top4.gate": at(0, top),
        "all~0~top4.gradient.cat": at(0, by_gradient),
        "s3~x2!s3~in0_1": at(3, lambda p, s: (2 * s).clamp(max=1)),
        "s3~in0_0.5!s3~x1.5": at(3, lambda p, s: 1.5 * s.clamp(max=0.5)),
    }


def importance_by_hand(net, x, target, change=lambda path, gate: gate):
    """|gate x gradient| of every gate of one picture: site path -> list (C,), by a graph of its own."""
    leaves = {}

    def leaf(path, gate):
        # a number that is 1, so that its gradient is d logit / d gate x gate, and later gates answer to it
        leaves[path] = torch.ones_like(gate).requires_grad_()
        return change(path, gate) * leaves[path]

    logits, _, _ = by_hand(net, x, leaf)
    gradients = torch.autograd.grad(logits[0, target], list(leaves.values()))
    return {path: gradient[0].abs().tolist() for path, gradient in zip(leaves, gradients, strict=True)}


@pytest.fixture(scope="module")
def sessions(ready, means):
    """Twenty pictures, each with the twenty edits' logits, last gate and map of layer3, computed one by one."""
    batch, other = pictures(20, seed=21).numpy(), pictures(1, seed=77).numpy()[0]
    other_gates = by_hand(ready, normalised(other[None]))[1]
    wanted = []
    for index in range(20):
        x = normalised(batch[index : index + 1])
        edits = twenty(means, other_gates, importance_by_hand(ready, x, CLASSES.index("cat")))
        assert len(edits) == 20
        wanted.append({text: outcome(ready, x, change) for text, change in edits.items()})
    return batch, other, wanted


def outcome(net, x, change, target=2):
    """(logits, last gate, Grad-CAM of layer3 for `target`) by the definitions."""
    logits, gates, features = by_hand(net, x, change)
    features = features.detach().requires_grad_()
    score = net.fc(features.mean((2, 3)))[0, target]
    alpha = torch.autograd.grad(score, features)[0][0].mean((1, 2))
    cam = F.relu((alpha[:, None, None] * features[0].detach()).sum(0))
    return logits[0].numpy(), gates[LAST][0].numpy(), cam.numpy()


def test_twenty_threads_with_twenty_edits_each_get_their_own_answers(model, sessions):
    batch, other, wanted = sessions
    start = threading.Barrier(20)

    def session(thread):
        wrong = []
        start.wait()
        for turn in range(20):
            text = list(wanted[thread])[(thread + turn) % 20]
            edits = from_text(text)
            request = Request(batch[thread : thread + 1], ("layer3",), (2,), edits=edits, others={"b": other})
            answer = model.submit(request).result(timeout=120)[0]
            logits, gate, cam = wanted[thread][text]
            found = [(answer.logits, logits), (answer.gates[LAST], gate), (answer.map_of("layer3", 2).values, cam)]
            if answer.edits != edits or not all(np.allclose(got, want, atol=1e-5, rtol=1e-5) for got, want in found):
                wrong.append(text)
        return wrong

    with ThreadPoolExecutor(20) as pool:
        assert [text for wrong in pool.map(session, range(20)) for text in wrong] == []
    modules = list(model._engine.net.modules())
    assert not any(m._forward_hooks or m._forward_pre_hooks or m._backward_hooks for m in modules)


def test_the_twenty_edits_are_told_apart(sessions):
    """Control: were two of them alike, the test above could not see them mixed up."""
    for own in sessions[2]:
        logits = [found for found, _, _ in own.values()]
        apart = [np.abs(one - two).max() for i, one in enumerate(logits) for two in logits[:i]]
        assert min(apart) > 1e-3


def test_requests_with_other_edits_share_a_pass(model):
    """One micro-batch, and the answer of the unedited one is what it is alone, bit for bit."""
    batch = pictures(2, seed=3).numpy()
    requests = [Request(batch[:1]), Request(batch[1:], edits=from_text("all~1"))]
    assert requests[0].kind == requests[1].kind
    together = model._engine.answer(requests)
    plain = model._engine.answer([Request(batch[:1]), Request(batch[1:])])
    assert np.array_equal(together[0][0].logits, plain[0][0].logits)
    assert not np.allclose(together[1][0].logits, plain[1][0].logits, atol=1e-3)


def test_empty_edits_change_no_bit(model):
    picture = pictures(1).numpy()[0]
    before, after = model.inspect(picture), model.inspect(picture, edits=())
    assert np.array_equal(before.logits, after.logits)
    for path, gate in before.gates.items():
        assert np.array_equal(gate, after.gates[path])
    assert np.array_equal(before.maps[0].values, after.maps[0].values)


def test_gates_are_shuffled_over_the_pictures_of_the_request_alone(model, ready):
    batch = pictures(5, seed=8).numpy()
    x = normalised(batch)
    donors = another(5, 3)
    assert all(donors[row] != row for row in range(5))
    live = [by_hand(ready, x[row : row + 1])[1] for row in range(5)]
    answers = model.submit(Request(batch, edits=(Edit(ALL, Shuffled(3)),))).result(timeout=60)
    company = model._engine.answer([Request(pictures(4, seed=1).numpy(), edits=from_text("all~shuffle.0")), Request(batch)])
    for row in range(5):
        logits, _, _ = by_hand(ready, x[row : row + 1], lambda path, gate, row=row: live[donors[row]][path])
        np.testing.assert_allclose(answers[row].logits, logits[0], atol=1e-5)
        np.testing.assert_allclose(company[1][row].logits, by_hand(ready, x[row : row + 1])[0][0], atol=1e-5)


def test_a_later_shuffle_is_of_what_earlier_edits_left(model, ready):
    batch = pictures(3, seed=8).numpy()
    x, donors = normalised(batch), another(3, 0)
    off = at(1, lambda path, gate: torch.ones_like(gate))
    live = [by_hand(ready, x[row : row + 1], off)[1] for row in range(3)]
    answers = model.submit(Request(batch, edits=from_text("s1~1!s3~shuffle.0"))).result(timeout=60)
    for row in range(3):

        def change(path, gate, row=row):
            return live[donors[row]][path] if stage_of(path) == 3 else off(path, gate)

        np.testing.assert_allclose(answers[row].logits, by_hand(ready, x[row : row + 1], change)[0][0], atol=1e-5)


def test_a_ranking_by_gradient_sees_earlier_edits_and_the_class_they_lead_to(model, ready):
    picture = pictures(1, seed=30).numpy()
    x = normalised(picture)
    off = at(1, lambda path, gate: torch.zeros_like(gate))
    target = int(by_hand(ready, x, off)[0].argmax())
    importance = importance_by_hand(ready, x, target, off)

    def change(path, gate):
        order = sorted(range(gate.shape[1]), key=lambda c: importance[path][c])
        return keeping(gate, order[:6], 1.0) if stage_of(path) == 3 else off(path, gate)

    answer = model.submit(Request(picture, edits=from_text("s1~0!s3~1~bottom6.gradient"))).result(timeout=60)[0]
    np.testing.assert_allclose(answer.logits, by_hand(ready, x, change)[0][0], atol=1e-5)


@pytest.mark.parametrize("method", ["saliency", "integrated_gradients", "occlusion", "guided_gradcam"])
def test_maps_by_pixel_are_those_of_the_edited_network(model, method):
    """With all gates at 1 the network is its plain twin, whose maps are known."""
    picture = pictures(1, seed=4).numpy()[0]
    plain = lively("resnet20")
    plain.load_state_dict({name: value for name, value in lively().state_dict().items() if ".se." not in name})
    with Model(plain, name="plain", classes=CLASSES, preprocessing=PREPROCESSING, device="cpu") as twin:
        wanted = twin.inspect(picture, method=method, classes=[1])
    found = model.inspect(picture, method=method, classes=[1], edits="all~1")
    np.testing.assert_allclose(found.maps[0].values, wanted.maps[0].values, atol=1e-4)
    np.testing.assert_allclose(found.logits, wanted.logits, atol=1e-4)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("s9~1", "no gates in stage 9"),
        ("layer9~1", "no gate 'layer9'"),
        ("all~class.cow", "no class 'cow'"),
        ("all~0~c16", "channels 0 to 15"),
        ("all~shuffle.0", "two or more"),
        ("all~from.b", "'b', whose gates an edit asks for, was not handed in"),
        ("all~q", "'q' is nothing that a gate can become"),
    ],
)
def test_bad_edits_are_refused_before_anything_runs(model, text, sentence, monkeypatch):
    monkeypatch.setattr(model._owner, "submit", None)
    with pytest.raises(RequestError, match=sentence):
        model.inspect(pictures(1).numpy()[0], edits=text)
    with pytest.raises(RequestError, match=sentence):
        model.pixel_map(pictures(1).numpy()[0], "saliency", 0, edits=from_text(text))


def test_edits_of_a_plain_model_and_means_that_nobody_measured_are_one_sentence():
    picture = pictures(1).numpy()[0]
    options = {"name": "net", "classes": CLASSES, "preprocessing": PREPROCESSING, "device": "cpu"}
    with Model(lively("resnet20"), **options) as plain, pytest.raises(RequestError, match="This is a plain network"):
        plain.inspect(picture, edits="all~1")
    with Model(lively(), **options) as bare, pytest.raises(RequestError, match="needs the mean gates of a data set"):
        bare.inspect(picture, edits="all~mean")


def test_another_picture_is_one_as_the_network_sees_it(model):
    picture, other = pictures(1).numpy(), np.zeros((17, 16, 3), np.uint8)
    with pytest.raises(RequestError, match=r"other pictures are uint8 \(16, 16, 3\), not uint8 \(17, 16, 3\)"):
        model.submit(Request(picture, edits=from_text("all~from.b"), others={"b": other}))
    answer = model.inspect(picture[0], edits="all~from.b", others={"b": other})  # any size is fitted by inspect
    assert answer.edits == from_text("all~from.b")


def test_edits_that_overflow_say_so_and_leave_their_neighbours_unharmed(model):
    batch, hold = pictures(3).numpy(), threading.Event()
    alone = [model.inspect(picture, layers=()).logits for picture in batch]
    waiting = threading.Thread(target=model._owner.run, args=(lambda engine: hold.wait(60),))
    waiting.start()  # so that all three requests lie in the queue and share a pass
    requests = [Request(batch[:1]), Request(batch[1:2], edits=from_text("!".join(["all~x1000000"] * 8))), Request(batch[2:])]
    answers = [model.submit(request) for request in requests]
    hold.set()
    waiting.join()
    with pytest.raises(RequestError, match=r"^The edits drive the answer beyond float32; use smaller values\.$"):
        answers[1].result(timeout=60)
    for number in (0, 2):
        np.testing.assert_allclose(answers[number].result(timeout=60)[0].logits, alone[number], atol=1e-5)


def test_an_array_that_cannot_be_written_is_looked_at_without_a_warning(model):
    """Warnings are errors here, and torch warns of arrays that it may not write to."""
    pixels = pictures(1).numpy()[0]
    locked = pixels.copy()
    locked.flags.writeable = False
    np.testing.assert_array_equal(model.inspect(locked).logits, model.inspect(pixels).logits)
    np.testing.assert_array_equal(model._engine.normalise(locked[None]), model._engine.normalise(pixels[None]))


def test_a_request_that_shuffles_is_never_halved(model, monkeypatch):
    """Without memory the pictures of a request are answered in halves; a shuffle over a half would be another shuffle."""
    engine_answer = model._engine.answer

    def small(requests):
        if sum(len(request.pictures) for request in requests) > 2:
            raise torch.OutOfMemoryError("too much")
        return engine_answer(requests)

    monkeypatch.setattr(model._engine, "answer", small)
    batch = pictures(4).numpy()
    assert len(model.submit(Request(batch, edits=(Edit(ALL, Constant(1)),))).result(timeout=60)) == 4
    with pytest.raises(SevizError, match="no memory left"):
        model.submit(Request(batch, edits=(Edit(ALL, Shuffled()),))).result(timeout=60)
