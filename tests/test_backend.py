"""The backend: right answers under threads, micro-batches and failures, and the network untouched."""

from __future__ import annotations

import dataclasses
import threading
import tracemalloc
import weakref
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pytest
import torch
from networks import CLASSES, PREPROCESSING, lively, pictures
from test_checkpoints import card_of
from torch import nn
from torch.nn import functional as F
from torchvision.models import resnet18

from seviz import attribution, backend
from seviz.backend import Model, Request
from seviz.backend.engine import Engine, Identity
from seviz.backend.owner import Owner
from seviz.backend.prepare import prepare
from seviz.checkpoints import save_checkpoint
from seviz.edits import from_text
from seviz.errors import BusyError, CheckpointError, PictureError, RequestError, SevizError
from seviz.gates import edit_gates, record_gates

CPU = torch.device("cpu")


def model_of(net: nn.Module, name: str = "net", **options: object) -> Model:
    return Model(net, name=name, classes=CLASSES, preprocessing=PREPROCESSING, device="cpu", **options)


@pytest.fixture(scope="module")
def net() -> nn.Module:
    return lively()


@pytest.fixture(scope="module")
def model(net):
    with model_of(net) as model:
        yield model


def normalised(batch: np.ndarray) -> torch.Tensor:
    """Preprocessing by its definition, in float64."""
    x = (batch / 255 - np.array(PREPROCESSING.mean)) / np.array(PREPROCESSING.std)
    return torch.from_numpy(x.transpose(0, 3, 1, 2)).float()


def test_an_inspection_is_what_the_plain_network_says(net, model):
    picture = pictures(1).numpy()
    answer = model.inspect(picture[0], layers=["layer2", "layer3"], top_k=2, features=["layer2.0.se"])
    x = normalised(picture)
    with record_gates(net) as recording:
        logits = net(x)[0]
    np.testing.assert_allclose(answer.logits, logits, atol=1e-4)
    np.testing.assert_allclose(answer.probabilities, F.softmax(logits.double(), 0), atol=1e-5)
    assert answer.labels == CLASSES
    for site in model.sites:
        np.testing.assert_allclose(answer.gates[site.path], recording.gates[site.path][0], atol=1e-5)
        np.testing.assert_allclose(answer.squeezes[site.path], recording.squeezes[site.path][0], atol=1e-4)
    _, classes, maps = attribution.grad_cam(net, x, ["layer2", "layer3"], top=2)
    for number, index in enumerate(classes[0].tolist()):
        for layer in ("layer2", "layer3"):
            found = answer.map_of(layer, index)
            assert (found.label, found.method) == (CLASSES[index], "gradcam")
            np.testing.assert_allclose(found.values, maps[layer][0, number], atol=1e-4)
    assert answer.features["layer2.0.se"].shape == (32, 8, 8)


def test_answers_are_plain_and_frozen(model):
    answer = model.inspect(pictures(1).numpy()[0])
    arrays = [answer.logits, answer.probabilities, *answer.gates.values(), *(m.values for m in answer.maps)]
    assert all(isinstance(a, np.ndarray) and a.dtype == np.float32 for a in arrays)
    with pytest.raises(dataclasses.FrozenInstanceError):
        answer.logits = None
    assert not any(a.flags.writeable for a in arrays)
    assert answer.provenance.device == "cpu"
    assert answer.provenance.dtype == "float32"
    assert answer.provenance.milliseconds > 0
    assert answer.provenance.versions["torch"] == torch.__version__


@pytest.mark.parametrize("count", [1, 3])
def test_every_array_is_its_inspections_own_and_read_only(model, count):
    request = Request(pictures(count).numpy(), layers=("layer2", "layer3"), map_top=2, features=("layer1.0.se",))
    for answer in model.submit(request).result(timeout=30):
        arrays = [answer.logits, answer.probabilities, *(found.values for found in answer.maps)]
        arrays += [*answer.gates.values(), *answer.squeezes.values(), *answer.features.values()]
        assert len(arrays) == 2 + 4 + 9 + 9 + 1
        for array in arrays:
            assert not array.flags.writeable
            while array.base is not None and isinstance(array.base, np.ndarray):
                array = array.base
            assert array.shape[0] != 3  # no picture keeps its whole batch in memory


def test_predictions_are_sorted_and_probabilities_sum_to_one(model):
    answer = model.inspect(pictures(1).numpy()[0])
    shares = [p.probability for p in answer.predictions(5)]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1, abs=1e-6)
    assert answer.predictions(1)[0].label == CLASSES[int(answer.logits.argmax())]


def test_classes_can_be_named(model):
    answer = model.inspect(pictures(1).numpy()[0], classes=["dog", 0])
    assert [m.class_index for m in answer.maps] == [3, 0]


@pytest.mark.parametrize("arch", ["se_resnet20", "resnet20", "se_resnet18", "se_resnet50"])
def test_folding_changes_rounding_only(arch):
    net = lively(arch)
    x = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    folded = prepare(net, CPU, x)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    assert [name for name, _ in folded.named_modules()] == [name for name, _ in net.named_modules()]
    torch.testing.assert_close(folded(x), net(x), atol=1e-4, rtol=1e-4)


def test_torchvisions_resnet_is_folded_too():
    net = resnet18(weights=None, num_classes=5).eval()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    folded = prepare(net, CPU, x)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    torch.testing.assert_close(folded(x), net(x).detach(), atol=1e-4, rtol=1e-4)


def test_a_fold_that_changes_the_answer_is_given_up(monkeypatch):
    def wrong(net: nn.Module) -> nn.Module:
        net.fc.bias.add_(1)
        return net

    monkeypatch.setattr("seviz.backend.prepare.fold", wrong)
    net, x = lively(), torch.zeros(1, 3, 16, 16)
    torch.testing.assert_close(prepare(net, CPU, x)(x), net(x), atol=1e-6, rtol=0)


def test_a_norm_before_its_convolution_is_not_folded():
    class NormFirst(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bn1, self.conv1 = nn.BatchNorm2d(3), nn.Conv2d(3, 8, 3)
            nn.init.uniform_(self.bn1.weight, 0.5, 1.5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.conv1(self.bn1(x)).mean((2, 3))

    net, x = NormFirst().eval(), torch.rand(1, 3, 16, 16)
    torch.testing.assert_close(prepare(net, CPU, x)(x), net(x).detach(), atol=1e-6, rtol=0)


def test_folding_leaves_the_original_alone(net):
    before = {name: value.clone() for name, value in net.state_dict().items()}
    prepare(net, CPU, torch.zeros(1, 3, 16, 16))
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_batch_size_does_not_change_an_answer(model):
    batch = pictures(16, seed=5).numpy()
    together = model.submit(Request(batch, layers=("layer3",), classes=(1,))).result()
    for index in (0, 7, 15):
        alone = model.submit(Request(batch[index : index + 1], layers=("layer3",), classes=(1,))).result()[0]
        np.testing.assert_allclose(together[index].logits, alone.logits, atol=1e-5)
        np.testing.assert_allclose(together[index].maps[0].values, alone.maps[0].values, atol=1e-5)
        for path, gate in alone.gates.items():
            np.testing.assert_allclose(together[index].gates[path], gate, atol=1e-5)


def traffic(ask, batches, wanted) -> int:
    """50 threads x 20 requests with different pictures, over two models; the number of wrong answers."""
    start = threading.Barrier(50)

    def session(thread: int) -> int:
        wrong = 0
        start.wait()
        for turn in range(20):
            which, index = (thread + turn) % 2, (thread * 20 + turn) % len(batches)
            logits, gate = ask(which, batches[index : index + 1])
            got_and_wanted = ((logits, wanted[which][0][index]), (gate, wanted[which][1][index]))
            wrong += not all(np.allclose(got, want, atol=1e-5) for got, want in got_and_wanted)
        return wrong

    with ThreadPoolExecutor(50) as pool:
        return sum(pool.map(session, range(50)))


@pytest.fixture(scope="module")
def two_networks():
    return [lively("se_resnet20", seed=seed) for seed in (0, 1)]


@pytest.fixture(scope="module")
def references(two_networks):
    """Every picture alone through each prepared network: (logits (N, K), last gate (N, C))."""
    batches = pictures(100, seed=9).numpy()
    wanted = []
    for net in two_networks:
        ready = prepare(net, CPU, torch.zeros(1, 3, 16, 16))
        rows = []
        for index in range(len(batches)):
            with record_gates(ready) as recording:
                logits = ready(normalised(batches[index : index + 1]))[0].numpy()
            rows.append((logits, recording.gates["layer3.2.se"][0].numpy()))
        wanted.append(([logits for logits, _ in rows], [gate for _, gate in rows]))
    return batches, wanted


def state_of(net: nn.Module) -> dict[str, object]:
    return {
        "tensors": {name: value.clone() for name, value in net.state_dict().items()},
        "grads": [parameter.grad for parameter in net.parameters()],
        "modes": [module.training for module in net.modules()],
        "hooks": [len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for m in net.modules()],
    }


def test_a_thousand_requests_from_fifty_threads_are_all_right(two_networks, references):
    batches, wanted = references
    models = [model_of(net, f"net{index}") for index, net in enumerate(two_networks)]
    engines = [model._engine.net for model in models]
    before = [state_of(net) for net in engines]

    def ask(which, batch):
        answer = models[which].submit(Request(batch, layers=("layer3",))).result(timeout=60)[0]
        return answer.logits, answer.gates["layer3.2.se"]

    assert traffic(ask, batches, wanted) == 0
    for model in models:
        model.close()
    for net, old in zip(engines, before, strict=True):
        new = state_of(net)
        assert all(torch.equal(value, old["tensors"][name]) for name, value in new["tensors"].items())
        assert {key: new[key] for key in ("grads", "modes", "hooks")} == {key: old[key] for key in ("grads", "modes", "hooks")}
        assert set(new["grads"]) == {None}
        assert set(new["hooks"]) == {0}


def test_control_the_same_traffic_over_a_shared_hook_goes_wrong(two_networks, references):
    """If this passes with 0 wrong answers, the test above proves nothing."""
    batches, wanted = references
    nets = [prepare(net, CPU, torch.zeros(1, 3, 16, 16)) for net in two_networks]
    shared: list[dict[str, np.ndarray]] = [{}, {}]
    for store, net in zip(shared, nets, strict=True):
        gate = net.get_submodule("layer3.2.se.gate")
        gate.register_forward_hook(lambda module, inputs, output, store=store: store.update(gate=output.detach().numpy()))

    def ask(which, batch):
        logits = nets[which](normalised(batch))[0].numpy()
        return logits, shared[which]["gate"][0]

    assert traffic(ask, batches, wanted) > 0


class Blocked:
    """An engine whose answers wait until the test says so."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.identity, self.device = engine, engine.identity, engine.device
        self.started, self.go = threading.Event(), threading.Event()
        self.sizes: list[int] = []

    def answer(self, requests):
        self.started.set()
        assert self.go.wait(30)
        self.sizes.append(sum(len(request.pictures) for request in requests))
        return self.engine.answer(requests)


@pytest.fixture
def engine(net):
    ready = prepare(net, CPU, torch.zeros(1, 3, 16, 16))
    return Engine(ready, Identity("net", "", CLASSES), PREPROCESSING, CPU, "float32")


def one(seed: int = 0, **options: object) -> Request:
    return Request(pictures(1, seed=seed).numpy(), **options)


def test_waiting_requests_share_micro_batches_of_sixteen(engine):
    blocked = Blocked(engine)
    owner = Owner(blocked, wait=0)
    first = owner.submit(one())
    assert blocked.started.wait(30)
    rest = [owner.submit(one(seed)) for seed in range(20)]
    blocked.go.set()
    answers = [future.result(timeout=30)[0] for future in [first, *rest]]
    owner.close()
    assert blocked.sizes == [1, 16, 4]
    np.testing.assert_allclose(answers[0].logits, answers[1].logits, atol=1e-5)  # both are of seed 0


def test_a_full_queue_says_busy(engine):
    blocked = Blocked(engine)
    owner = Owner(blocked, queue_length=2, wait=0)
    futures = [owner.submit(one())]
    assert blocked.started.wait(30)
    futures += [owner.submit(one()), owner.submit(one())]
    with pytest.raises(BusyError, match="full queue; ask again in a moment"):
        owner.submit(one())
    blocked.go.set()
    assert all(future.result(timeout=30) for future in futures)
    owner.close()


def test_a_closed_owner_answers_what_was_queued_and_takes_no_more(engine):
    blocked = Blocked(engine)
    owner = Owner(blocked, wait=0)
    futures = [owner.submit(one(seed)) for seed in range(3)]
    blocked.go.set()
    owner.close()
    assert all(future.done() and future.result() for future in futures)
    with pytest.raises(BusyError, match="unloaded"):
        owner.submit(one())
    owner.close()


class Poisoned(Blocked):
    """Fails whenever a batch holds a picture whose first pixel is black; runs out of memory above four pictures."""

    def answer(self, requests):
        assert self.go.wait(30)
        self.started.set()
        if sum(len(request.pictures) for request in requests) > 4:
            raise torch.OutOfMemoryError("too much")
        if any(request.pictures[0, 0, 0, 0] == 0 for request in requests):
            raise ZeroDivisionError("bad picture")
        return self.engine.answer(requests)


def test_a_request_that_fails_leaves_its_neighbours_alone(engine):
    poisoned = Poisoned(engine)
    owner = Owner(poisoned, wait=0.5)
    futures: list[Future] = []
    for number in range(16):
        picture = pictures(1, seed=number).numpy()
        picture[0, 0, 0, 0] = 0 if number == 5 else 1
        futures.append(owner.submit(Request(picture)))
    poisoned.go.set()
    for number, future in enumerate(futures):
        if number == 5:
            with pytest.raises(ZeroDivisionError):
                future.result(timeout=30)
        else:
            assert future.result(timeout=30)[0].logits.shape == (len(CLASSES),)
    owner.close()


class Small(Blocked):
    """Has memory for `room` pictures; notes whether what a failed pass held was gone when the next one began."""

    def __init__(self, engine: Engine, room: int) -> None:
        super().__init__(engine)
        self.room = room
        self.held: weakref.ref[Local] | None = None
        self.freed: list[bool] = []

    def answer(self, requests):
        if self.held is not None:
            self.freed.append(self.held() is None)
        tensors = Local()
        self.held = weakref.ref(tensors)
        self.sizes.append(sum(len(request.pictures) for request in requests))
        if self.sizes[-1] > self.room:
            raise torch.OutOfMemoryError("too much")
        return self.engine.answer(requests)


class Local:
    """Stands for the activations of a pass."""


def test_out_of_memory_halves_a_lone_request_and_joins_the_answers(engine):
    small, batch = Small(engine, 2), pictures(5).numpy()
    owner = Owner(small, wait=0)
    answers = owner.submit(Request(batch, layers=("layer3",), classes=(1,))).result(timeout=30)
    owner.close()
    assert small.sizes == [5, 2, 3, 1, 2]
    assert small.freed == [True] * 4
    wanted = engine.answer([Request(batch, layers=("layer3",), classes=(1,))])[0]
    assert len(answers) == 5
    for got, want in zip(answers, wanted, strict=True):
        np.testing.assert_allclose(got.logits, want.logits, atol=1e-5)
        np.testing.assert_allclose(got.maps[0].values, want.maps[0].values, atol=1e-5)


@pytest.mark.parametrize("count", [1, 2])
def test_no_memory_for_one_picture_is_one_sentence(engine, count):
    owner = Owner(Small(engine, 0), wait=0)
    with pytest.raises(SevizError, match="no memory left for this picture"):
        owner.submit(Request(pictures(count).numpy())).result(timeout=30)
    owner.close()


def test_no_memory_for_a_piece_of_work_is_one_sentence(engine):
    def work(_: Engine) -> None:
        raise torch.OutOfMemoryError("too much")

    owner = Owner(engine, wait=0)
    with pytest.raises(SevizError, match="no memory left for this picture"):
        owner.run(work)
    owner.close()


def test_requests_without_maps_share_a_pass_whatever_classes_they_name(engine):
    blocked = Blocked(engine)
    owner = Owner(blocked, wait=0.5)
    asked = [one(0), one(1, map_top=3), one(2, classes=(0, 1)), one(3, map_top=50), *(one(seed) for seed in range(4, 16))]
    blocked.go.set()
    futures = [owner.submit(request) for request in asked]
    for request, future in zip(asked, futures, strict=True):
        (answer,) = future.result(timeout=30)
        assert answer.maps == ()
        np.testing.assert_allclose(answer.logits, engine.net(normalised(request.pictures))[0], atol=1e-4)
    owner.close()
    assert blocked.sizes == [16]


def test_requests_of_different_kinds_share_no_pass_but_all_are_answered(model):
    futures = [
        model.submit(one(0)),
        model.submit(one(1, layers=("layer3",))),
        model.submit(one(2, layers=("layer1", "layer3"), classes=(0, 1))),
        model.submit(one(3, layers=("layer3",), map_top=3)),
        model.submit(one(4, features=("layer1.0.se",))),
    ]
    answers = [future.result(timeout=30)[0] for future in futures]
    assert [len(answer.maps) for answer in answers] == [0, 1, 4, 3, 0]
    assert answers[4].features["layer1.0.se"].shape == (16, 16, 16)


@pytest.mark.parametrize("method", attribution.PIXEL_METHODS)
def test_maps_by_pixel_go_through_the_owner_thread(net, model, method):
    picture = pictures(1, seed=2).numpy()
    found = model.inspect(picture[0], method=method, classes=["cat"]).maps[0]
    assert (found.layer, found.label, found.method, found.values.shape) == ("input", "cat", method, (16, 16))
    assert not found.values.flags.writeable
    x = normalised(picture)
    if method == "guided_gradcam":
        wanted = attribution.guided_grad_cam(net, x, 2, "layer3")
    else:
        gradient = lambda pieces, classes: attribution.pixel_gradient(net, pieces, classes)  # noqa: E731
        wanted = attribution.pixel_map(method, x, 2, forward=net, gradient=gradient)
    np.testing.assert_allclose(found.values, wanted, atol=2e-4)


def test_gate_gradients_go_through_the_owner_thread(net, model):
    picture = pictures(1, seed=2).numpy()
    found = model.gate_gradients(picture[0], "cat")
    wanted = attribution.gate_gradients(net, normalised(picture), 2)
    assert list(found) == [site.path for site in model.sites]
    for site in model.sites:
        assert found[site.path].shape == (site.channels,)
        np.testing.assert_allclose(found[site.path], wanted[site.path], atol=2e-4)
    with pytest.raises(RequestError, match="no class 'unicorn'"):
        model.gate_gradients(picture[0], "unicorn")


def test_gate_gradients_under_edits_are_those_of_the_edited_gates(net, model):
    picture, edits = pictures(1, seed=2).numpy(), from_text("layer2.1.se~0.25!layer3.0.se~0~c3")
    found = model.gate_gradients(picture[0], "cat", edits=edits)
    with edit_gates(net, edits):
        wanted = attribution.gate_gradients(net, normalised(picture), 2)
    for site in model.sites:
        np.testing.assert_allclose(found[site.path], wanted[site.path], atol=2e-4)
    plain = model.gate_gradients(picture[0], "cat")
    assert np.abs(plain["layer3.0.se"] - found["layer3.0.se"]).max() > 1e-3


def test_the_weights_of_a_block_are_handed_out_as_copies(net, model):
    found, block = model.block_weights("layer2.0.se"), net.get_submodule("layer2.0.se")
    assert (found.path, found.squeeze) == ("layer2.0.se", "avg")
    for values, layer in zip((found.w1, found.b1, found.w2, found.b2), block.parameters(), strict=True):
        np.testing.assert_array_equal(values, layer.numpy())
        assert not values.flags.writeable and values.base is None
    with pytest.raises(RequestError, match=r"no gate 'layer2\.0'"):
        model.block_weights("layer2.0")


def test_a_long_attribution_lets_others_through(engine, monkeypatch):
    """While Integrated Gradients runs, another session's request is answered between its pieces."""
    with model_of(lively()) as model:
        seen: list[str] = []
        gradient = model._engine.gradient

        def noting(x, classes, edits):
            seen.append("piece")
            if seen == ["piece"]:
                others.append(model.submit(one()))
                others[0].add_done_callback(lambda _: seen.append("other"))
            return gradient(x, classes, edits)

        others: list[Future] = []
        monkeypatch.setattr(model._engine, "gradient", noting)
        model.inspect(pictures(1).numpy()[0], method="integrated_gradients")
        assert others[0].result(timeout=30)
        assert seen == ["piece", "other", "piece"]


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (lambda: Request(np.zeros((1, 16, 16, 3), np.float32)), "uint8"),
        (lambda: Request(np.zeros((16, 16, 3), np.uint8)), "uint8"),
        (lambda: Request(np.zeros((17, 16, 16, 3), np.uint8)), "1 to 16 pictures, not 17"),
        (lambda: Request(np.zeros((0, 16, 16, 3), np.uint8)), "1 to 16 pictures, not 0"),
        (lambda: one(classes=(5,)), "no class 5"),
        (lambda: one(classes=(-1,)), "no class -1"),
        (lambda: one(layers=("layer9",)), "no layer 'layer9'"),
        (lambda: one(layers=("layer3",), map_top=6), "1 to 5 classes"),
        (lambda: one(features=("layer1",)), "no gate 'layer1'"),
        (lambda: one(classes=(1.5,)), "A class is a name or an index, not 1.5"),
        (lambda: one(layers=(["layer3"],)), "no layer"),
        (lambda: Request(None), "not NoneType"),
        (lambda: None, "A request is a Request, not NoneType"),
        (lambda: one(map_top=None), "map_top is a whole number of at least 1, not None"),
        (lambda: one(layers=None), "are tuples"),
        (lambda: one(classes=0), "are tuples"),
        (lambda: one(features="layer1.0.se"), "are tuples"),
        (lambda: Request([[1]]), "not list"),
        (lambda: Request(np.zeros((1, 32, 16, 3), np.uint8)), r"net sees uint8 pictures .*, not uint8 \(1, 32, 16, 3\)"),
    ],
)
def test_requests_that_make_no_sense_are_refused_before_the_launch(model, request_, sentence):
    with pytest.raises(RequestError, match=sentence):
        model.submit(request_())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"classes": 0}, r"classes is a list of names or indexes, such as \[0\], not 0"),
        ({"classes": "cat"}, r"classes is a list of names or indexes, such as \['cat'\], not 'cat'"),
        ({"classes": [1.5]}, "A class is a name or an index, not 1.5"),
        ({"classes": [np.float32(1)]}, "A class is a name or an index, not"),
        ({"classes": [True]}, "A class is a name or an index, not True"),
        ({"classes": [np.True_]}, "A class is a name or an index, not"),
        ({"classes": [np.array([1, 2])]}, "A class is a name or an index, not"),
        ({"classes": [None]}, "A class is a name or an index, not None"),
        ({"classes": np.array([[0]])}, "A class is a name or an index, not"),
        ({"top_k": None}, "Top_k is a whole number of at least 1, not None"),
        ({"top_k": 2.5}, "Top_k is a whole number of at least 1, not 2.5"),
        ({"top_k": 0}, "Maps are for 1 to 5 classes"),
        ({"layers": "layer3"}, r"layers is a list of module paths, such as \['layer3'\]"),
        ({"layers": 3}, "layers is a list of module paths"),
        ({"layers": [3]}, "no layer 3"),
        ({"features": "layer1.0.se"}, "features is a list of gate paths"),
        ({"features": None}, "features is a list of gate paths"),
        ({"features": [["layer1.0.se"]]}, "no gate"),
        ({"method": "magic"}, "There is no method 'magic'; use one of gradcam"),
        ({"method": None}, "There is no method None"),
        ({"method": ["gradcam"]}, "There is no method"),
        ({"method": "guided_gradcam", "layers": ["fc"]}, "fc puts out no feature maps"),
        ({"method": "guided_gradcam", "layers": ["layer3.2.se.gate"]}, "layer3.2.se.gate puts out no feature maps"),
        ({"method": "guided_gradcam", "layers": ["layer3.2.se.squeeze"]}, "puts out no feature maps"),
        ({"method": "guided_gradcam", "layers": ["roof"]}, "no layer 'roof'"),
        ({"layers": ["layer3.2.se.gate"]}, "layer3.2.se.gate puts out no feature maps"),
    ],
)
def test_arguments_of_another_kind_are_one_sentence(model, options, sentence):
    with pytest.raises(RequestError, match=f"(?i){sentence}"):
        model.inspect(pictures(1).numpy()[0], **options)


def test_classes_in_any_list_are_the_classes_that_are_mapped(model):
    picture = pictures(1).numpy()[0]
    lists = ([0], (0,), np.array([0]), ["ant"], np.array(["ant"]), range(1), iter([0]), [np.int64(0)], [torch.tensor(0)])
    for classes in lists:
        assert [found.class_index for found in model.inspect(picture, classes=classes).maps] == [0]
    assert len(model.inspect(picture, classes=(), top_k=2).maps) == 2
    assert model.inspect(picture, layers=()).maps == ()


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((16, 16, 3)),
        np.zeros((16, 16, 3), np.float32),
        np.zeros((16, 16, 4), np.uint8),
        np.zeros((17, 16, 3), np.uint8),
        np.zeros((16, 16), np.uint8),
        [[1]],
        None,
        "picture.png",
    ],
)
def test_a_map_by_pixel_is_of_the_pixels_that_the_network_sees(model, pixels):
    with pytest.raises(RequestError, match=r"net sees uint8 pictures \(16, 16, 3\), not"):
        model.pixel_map(pixels, "saliency", 0)


@pytest.mark.parametrize("target", [1.5, None, "cow", 5, True])
def test_a_map_by_pixel_is_of_one_class(model, target):
    with pytest.raises(RequestError, match=r"(?i)a class is a name or an index|no class"):
        model.pixel_map(pictures(1).numpy()[0], "saliency", target)


def test_a_network_that_answers_no_numbers_is_one_sentence(net):
    wild = lively()
    wild.fc.weight.data[:] = 3e38
    with model_of(wild, "wild") as model, pytest.raises(CheckpointError, match="wild answers NaN or infinite values"):
        model.inspect(pictures(1).numpy()[0])


@pytest.mark.parametrize("device", [[], {}, "abacus", "cpu:x", "cuda:99"])
def test_what_is_no_device_is_one_sentence(net, device):
    with pytest.raises(RequestError, match=r"device"):
        Model(net, name="net", classes=CLASSES, preprocessing=PREPROCESSING, device=device)


def test_class_names_that_do_not_exist_are_refused(model):
    with pytest.raises(RequestError, match="no class 'cow'; it has 5: ant, bee, cat, dog, elk"):
        model.inspect(pictures(1).numpy()[0], classes=["cow"])


def test_pictures_that_are_none_are_refused(model, tmp_path):
    with pytest.raises(PictureError, match="cannot be read"):
        model.inspect(tmp_path / "none.jpg")
    with pytest.raises(PictureError, match="uint8"):
        model.inspect(np.zeros((4, 4), np.uint8))


def test_a_file_beyond_the_limit_is_refused_unread(model, tmp_path):
    path = tmp_path / "film.mov"
    with path.open("wb") as file:
        file.truncate(100 * 2**20)
    tracemalloc.start()
    try:
        with pytest.raises(PictureError, match=r"film\.mov cannot be read \(it has 100 MB, and 25 MB is the limit\)"):
            model.inspect(path)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_a_copied_checkpoint_goes_by_its_folders_name(net, tmp_path):
    card = card_of(net, "original")
    save_checkpoint(tmp_path / "copy", net, card)
    with backend.load(tmp_path / "copy", device="cpu") as model:
        assert (model.name, model.card.name) == ("copy", "original")
        assert model.inspect(pictures(1).numpy()[0]).provenance.model == "copy"


def test_a_layer_that_yields_no_map_is_refused(model):
    with pytest.raises(RequestError, match="fc puts out no feature maps"):
        model.inspect(pictures(1).numpy()[0], layers=["fc"])


@pytest.mark.parametrize("picture", [None, 3, [1, 2], "a\0b"])
def test_what_cannot_be_a_picture_is_refused(model, picture):
    with pytest.raises(PictureError, match=r"A picture is a path|cannot be read"):
        model.inspect(picture)
