"""Gates in anybody's module: families of timm and torchvision, and SE blocks as people write them.

What is found is compared with forward hooks on the submodules that are known to put the gates out, and edits with copies of
the network that were edited by hand.
"""

from __future__ import annotations

import copy
import threading
from functools import cache

import pytest
import timm
import torch
import torchvision
from any_networks import Functional, LightNet, Linear, spatial_net
from networks import lively
from test_gates import hook_count
from torch import nn
from torch.overrides import _get_current_function_mode_stack

from seviz.coverage.networks import stirred
from seviz.errors import RequestError
from seviz.gates import edit_gates, find_gates, gates_seen_at, points, record_gates, survey, tap_gates, tap_inputs

pytestmark = pytest.mark.usefixtures("one_thread")

X = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))

# network, what the path of the submodule that puts a gate out ends with, sites, kind, neutral value
FAMILIES = [
    ("seresnet50", ".se.gate", 16, "sigmoid", 1.0),
    ("legacy_seresnet50", ".se_module.sigmoid", 16, "sigmoid", 1.0),
    ("seresnext50_32x4d", ".se.gate", 16, "sigmoid", 1.0),
    ("resnetrs50", ".se.gate", 16, "sigmoid", 1.0),
    ("ecaresnet26t", ".se.gate", 8, "sigmoid", 1.0),
    ("efficientnet_b0", ".se.gate", 16, "sigmoid", 1.0),
    ("mobilenetv3_small_100", ".se.gate", 9, "hard sigmoid", 1.0),
    ("regnety_004", ".se.gate", 16, "sigmoid", 1.0),
    ("ese_vovnet19b_dw", ".attn.gate", 4, "hard sigmoid", 1.0),
    ("eca_nfnet_l0", ".attn_last.gate", 12, "sigmoid", 0.5),
    ("resnest14d", ".rsoftmax", 4, "softmax", 0.5),
    ("skresnet18", ".attn", 8, "softmax", 0.5),
    ("repvit_m0_9", ".se.gate", 10, "sigmoid", 1.0),
    ("rexnet_100", ".se.gate", 13, "sigmoid", 1.0),
    ("torchvision:mobilenet_v3_small", ".scale_activation", 9, "hard sigmoid", 1.0),
    ("torchvision:efficientnet_b0", ".scale_activation", 16, "sigmoid", 1.0),
    ("torchvision:regnet_y_400mf", ".scale_activation", 16, "sigmoid", 1.0),
]


@cache
def build(name: str) -> nn.Module:
    """Nothing here changes a network, so that tests may share it."""
    torch.manual_seed(0)
    library, _, rest = name.rpartition(":")
    return stirred(torchvision.models.get_model(rest) if library else timm.create_model(name)).eval()


class Fixed(nn.Module):
    """Stands where a gate's module stood, and puts out one number."""

    def __init__(self, like: torch.Tensor, value: float) -> None:
        super().__init__()
        self.shape, self.value = like.shape[1:], value

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.full((len(x), *self.shape), self.value)


def edited_by_hand(net: nn.Module, path: str, like: torch.Tensor, value: float) -> nn.Module:
    made = copy.deepcopy(net)
    parent, _, name = path.rpartition(".")
    setattr(made.get_submodule(parent), name, Fixed(like, value))
    return made


@pytest.mark.parametrize(("name", "ending", "count", "kind", "neutral"), FAMILIES, ids=[row[0] for row in FAMILIES])
def test_a_family(name, ending, count, kind, neutral):
    net = build(name)
    sites = find_gates(net, X[:1])
    assert [(site.kind, site.neutral) for site in sites] == [(kind, neutral)] * count
    assert len({site.path for site in sites}) == count
    assert [site.path for site in find_gates(net)] == [site.path for site in sites]  # remembered

    seen: dict[str, torch.Tensor] = {}
    modules = {path: module for path, module in net.named_modules() if path.endswith(ending)}
    handles = [
        module.register_forward_hook(lambda _, __, output, path=path: seen.update({path: output.clone()}))
        for path, module in modules.items()
    ]
    with torch.no_grad(), record_gates(net, hidden=True) as recording:
        before = net(X)
    for handle in handles:
        handle.remove()
    assert len(modules) == count
    assert all(torch.equal(gate, own.flatten(1)) for gate, own in zip(recording.gates.values(), seen.values(), strict=True))
    assert {site.path: (2, site.channels) for site in sites} == {p: tuple(g.shape) for p, g in recording.gates.items()}
    assert {p: g.shape for p, g in recording.squeezes.items()} == {p: g.shape for p, g in recording.gates.items()}
    assert {site.path: (2, site.hidden) for site in sites if site.hidden} == {
        path: tuple(units.shape) for path, units in recording.hidden.items()
    }

    middle = count // 2
    site, path = sites[middle], list(modules)[middle]
    with torch.no_grad(), edit_gates(net, {site.path: 0.25}):
        edited = net(X)
    with torch.no_grad():
        assert torch.equal(edited, edited_by_hand(net, path, seen[path], 0.25)(X))
        assert not torch.equal(edited, before)
        assert torch.equal(net(X), before)
    assert hook_count(net) == 0


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("seresnet18", [(s, b) for s in (1, 2, 3, 4) for b in (1, 2)]),
        ("torchvision:mobilenet_v3_small", [(1, 1), (2, 1), (2, 2), (2, 3), (2, 4), (2, 5), (3, 1), (3, 2), (3, 3)]),
    ],
)
def test_stage_and_block(name, expected):
    """As the paths say; torchvision's MobileNetV3 counts features: there a stage is a run of maps of one size."""
    sites = find_gates(build(name), X)
    assert [(site.stage, site.block) for site in sites] == expected


def test_no_multiplicative_gate():
    found = survey(build("gcresnet33ts"), X)
    assert found.sites == ()
    assert found.words == "No multiplicative gate."


def test_the_response_norm_of_convnext_v2_is_no_gate():
    found = survey(build("convnextv2_atto"), X)
    assert found.sites == ()
    assert "nothing holds in 0..1 (it comes out of div)" in found.words


@pytest.mark.parametrize("kind", [Functional, Linear])
def test_squeeze_and_hidden_units_are_those_of_the_branch(kind):
    """Against the block's own layers, called by hand."""
    net = kind()
    sites = find_gates(net, X)
    with torch.no_grad(), record_gates(net, hidden=True) as recording, tap_inputs(net, [s.path for s in sites]) as maps:
        net(X)
    for site in sites:
        block, u = net.get_submodule(site.path), maps[site.path]
        z = u.mean((2, 3))
        torch.testing.assert_close(recording.squeezes[site.path], z)
        hidden = block.first(z)
        assert hidden.shape[1] == site.hidden == site.channels // 4
        torch.testing.assert_close(recording.hidden[site.path], hidden)
        torch.testing.assert_close(recording.gates[site.path], block.second(hidden).sigmoid())


def test_squeezes_without_a_layer_are_means_of_the_scaled_map():
    """SplitAttn's branch is given the sum over its paths: the squeeze of each path is that of its own maps."""
    net = build("resnest14d")
    site = find_gates(net, X)[0]
    caught = []
    handle = net.layer1[0].conv2.act0.register_forward_hook(lambda _, __, output: caught.append(output.mean((2, 3))))
    with torch.no_grad(), record_gates(net) as recording:
        net(X)
    handle.remove()
    torch.testing.assert_close(recording.squeezes[site.path], caught[0])
    assert site.channels == caught[0].shape[1] == 2 * 64


def test_nfnets_gate_is_doubled_so_that_a_half_is_neutral():
    net = build("test_nfnet")
    site = find_gates(net, X)[0]
    block = net.get_submodule(site.path.rpartition(".")[0])
    with torch.no_grad(), edit_gates(net, {site.path: site.neutral}):
        off = net(X)
    plain = copy.deepcopy(net)
    bare = plain.get_submodule(site.path.rpartition(".")[0])
    bare.attn, bare.attn_last, bare.attn_gain = None, nn.Identity(), 1.0
    with torch.no_grad():
        assert torch.equal(off, plain(X))
    assert block.attn_gain == 2


def test_spatial_gates_are_recorded_by_pixel():
    net = spatial_net()
    (site,) = find_gates(net, X)
    assert (site.kind, site.neutral, site.channels) == ("spatial", 1.0, 8)
    seen = []
    handle = net.ge.gate.register_forward_hook(lambda _, __, output: seen.append(output))
    with torch.no_grad(), record_gates(net) as recording, tap_inputs(net, [site.path]) as maps:
        net(X)
    handle.remove()
    assert torch.equal(recording.gates[site.path], seen[0].permute(0, 2, 3, 1))
    with torch.no_grad(), edit_gates(net, {site.path: torch.linspace(0, 1, 8)}), record_gates(net) as edited:
        net(X)
    assert torch.equal(edited.gates[site.path][1, 3, 2], torch.linspace(0, 1, 8))
    assert maps[site.path].shape == (2, 8, 64, 64)


@pytest.mark.parametrize(
    "edit",
    ["all~0.5", "all~x0.5", "all~in0.4_0.6", "all~0~c0.3", "all~0~top2.gate", "all~1~random3.7"],
)
@pytest.mark.parametrize("make", [Functional, Linear, LightNet, lambda: build("resnest14d")])
def test_every_edit_of_the_house_fits_every_gate(make, edit):
    """A gate that was edited is recorded as edited: compared with the edit's definition on the live gate."""
    net = make()
    first = find_gates(net, X)[0].path
    with torch.no_grad(), record_gates(net) as live:
        net(X)
    with torch.no_grad(), edit_gates(net, edit), record_gates(net) as edited:
        net(X)
    was, now = live.gates[first], edited.gates[first]
    expected = {
        "all~0.5": torch.full_like(was, 0.5),
        "all~x0.5": was / 2,
        "all~in0.4_0.6": was.clip(0.4, 0.6),
        "all~0~c0.3": was.index_fill(1, torch.tensor([0, 3]), 0.0),
        "all~0~top2.gate": was.where(was < was.topk(2).values[:, 1:], torch.zeros(())),
    }.get(edit)
    if expected is None:
        assert (now != was).sum(1).tolist() == [3, 3]
    else:
        assert torch.equal(now, expected)


@pytest.mark.parametrize("make", [Functional, LightNet])
def test_where_no_submodule_yields_the_gate_an_edit_is_what_multiplies(make):
    net = make()
    path = find_gates(net, X)[-1].path
    values = torch.linspace(0, 1, find_gates(net)[-1].channels)
    by_hand = copy.deepcopy(net)
    by_hand.get_submodule(path).fixed = values
    with torch.no_grad():
        with edit_gates(net, {path: values}):
            assert torch.equal(net(X), by_hand(X))
        with edit_gates(net, {path: values}), edit_gates(net, {path: 1.0}), edit_gates(net, {path: values}):
            assert torch.equal(net(X), by_hand(X))
    assert hook_count(net) == 0


def test_gradients_flow_into_edits_where_no_submodule_yields_the_gate():
    net = Functional().double()
    x = X.double()[:1, :, :8, :8]
    path = find_gates(net, x)[-1].path

    def score(gate: torch.Tensor) -> torch.Tensor:
        with edit_gates(net, {path: gate}):
            return net(x)[0, 1]

    assert torch.autograd.gradcheck(score, torch.full((8,), 0.5, dtype=torch.double, requires_grad=True))


@pytest.mark.parametrize("make", [Functional, Linear, lambda: copy.deepcopy(build("skresnet18"))])
def test_tapped_gates_have_gradients(make):
    """Against the slope of the logit when all channels of a gate rise together."""
    net = make().double()
    x = X.double()[:1]
    path = find_gates(net, x)[-1].path
    with torch.enable_grad(), tap_gates(net, [path]) as caught:
        (slope,) = torch.autograd.grad(net(x)[0, 2], [caught[path]])
    step, logits = 1e-5, []
    for sign in (1, -1):
        with torch.no_grad(), edit_gates(net, {path: lambda gate, by=sign * step: gate + by}):
            logits.append(net(x)[0, 2])
    torch.testing.assert_close(slope.sum(), (logits[0] - logits[1]) / (2 * step), rtol=1e-5, atol=1e-8)


def test_what_raises_and_what_interrupts_leaves_nothing_behind():
    net = Functional()
    path = find_gates(net, X)[0].path
    for error in (RuntimeError, KeyboardInterrupt):

        def fail(gate: torch.Tensor, error: type[BaseException] = error) -> torch.Tensor:
            raise error

        with pytest.raises(error), record_gates(net), edit_gates(net, {path: fail}):
            net(X)
        assert (hook_count(net), _get_current_function_mode_stack()) == (0, [])


def test_scopes_of_functional_gates_may_close_in_any_order():
    net = Functional()
    path = find_gates(net, X)[0].path
    first, edit, second = record_gates(net), edit_gates(net, {path: 0.5}), record_gates(net)
    first.__enter__()
    edit.__enter__()
    recording = second.__enter__()
    first.__exit__(None, None, None)
    with torch.no_grad():
        net(X)
    assert recording.gates[path].unique().tolist() == [0.5]
    edit.__exit__(None, None, None)
    with torch.no_grad():
        net(X)
    assert len(recording.gates[path].unique()) > 2
    second.__exit__(None, None, None)
    assert (hook_count(net), _get_current_function_mode_stack()) == (0, [])


def test_threads_that_share_a_network_do_not_see_each_other():
    net = Functional()
    first, last = (find_gates(net, X)[place].path for place in (0, -1))
    batches = [torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(seed)) for seed in range(4)]
    wanted = []
    for batch in batches:
        with torch.no_grad(), record_gates(net) as alone:
            net(batch)
        wanted.append(alone.gates[last])
    wrong: list[int] = []
    gate = threading.Barrier(4)

    def work(index: int) -> None:
        gate.wait()
        for _ in range(25):
            edits = {first: 1.0} if index == 3 else {}
            with torch.no_grad(), record_gates(net) as recording, edit_gates(net, edits):
                net(batches[index])
            if torch.allclose(recording.gates[last], wanted[index], atol=1e-6) == (index == 3):
                wrong.append(index)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert hook_count(net) == 0


def test_looking_leaves_the_network_as_it_was():
    net = Functional().train()
    net.blocks[0].eval()
    state = {name: value.clone() for name, value in net.state_dict().items()}
    modes = [module.training for module in net.modules()]
    find_gates(net, X)
    assert [module.training for module in net.modules()] == modes
    assert all(torch.equal(value, state[name]) for name, value in net.state_dict().items())
    assert hook_count(net) == 0


def test_what_was_found_belongs_to_this_module_object():
    net = Functional()
    find_gates(net, X)
    with pytest.raises(RequestError, match="not known yet; find_gates\\(net, example\\)"), record_gates(copy.deepcopy(net)):
        pass


def test_a_changed_network_is_looked_at_again():
    net = Functional()
    assert len(find_gates(net, X)) == 2
    net.blocks = net.blocks[:1]
    assert [site.path for site in find_gates(net, X)] == ["blocks.0"]


def test_of_one_picture_another_is_made():
    """A batch of one, and one of the same picture twice, show the same gates as two pictures."""
    two = find_gates(Functional(), X)
    assert find_gates(Functional(), X[:1]) == find_gates(Functional(), X[:1].expand(2, -1, -1, -1)) == two


def test_a_gate_that_changes_nothing_says_why():
    net = Functional()
    with torch.no_grad():
        net.blocks[1].bn.weight.zero_()
        net.blocks[1].bn.bias.zero_()
    found = survey(net, X)
    assert len(found.sites) == 2
    assert dict(found.notes) == {
        "blocks.0": "what it scales is lost on the way to the answer",
        "blocks.1": "what it scales is 0 everywhere",
    }


class Shared(nn.Module):
    """One SE block, used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.se = nn.Conv2d(3, 8, 3), Linear().blocks[0]
        self.head = nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.se(self.se(self.stem(x))).mean((2, 3)))


def test_a_block_that_runs_twice_is_refused_in_words():
    found = survey(Shared().eval(), X)
    assert found.sites == ()
    assert dict(found.refused) == {"se": "it runs 2 times in one forward pass, and so has several gates"}


class Activations(nn.Module):
    """Products that are no channel gates: an activation, a gate of pixels, one that is a weight, one of numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.one, self.head = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 1, 1), nn.Linear(8, 4)
        self.scale = nn.Parameter(torch.rand(8, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        x = x * torch.sigmoid(x)
        x = x * torch.sigmoid(self.one(x))
        x = x * torch.sigmoid(self.scale).expand(len(x), -1, -1, -1)
        return self.head((0.5 * x).mean((2, 3)))


def test_what_is_no_channel_gate_is_not_claimed():
    found = survey(Activations().eval(), X)
    assert (found.sites, dict(found.refused)) == ((), {})


@pytest.mark.parametrize(
    ("net", "example", "sentence"),
    [
        (Functional, None, "Where a Functional has its gates is not known yet"),
        (Functional, torch.zeros(2, 3, 8), r"An example is a batch of pictures, float .*, not torch.float32 \(2, 3, 8\)"),
        (Functional, torch.zeros(2, 3, 8, 8, dtype=torch.uint8), "not torch.uint8"),
        (Functional, X[:, :1], r"cannot take the example of shape \(2, 1, 64, 64\): "),
        (Functional, X[:, :, :1, :1], "has one pixel for pictures of 1 x 1.*give a larger example"),
        (lambda: torch.jit.script(nn.Conv2d(3, 4, 1)), X, "scripted module, which runs past Python"),
        (lambda: nn.Sequential(torch.jit.script(nn.Conv2d(3, 4, 1))), X, "Its part 0 is a scripted module"),
        (lambda: torch.compile(Functional()), X, "compiled module, which runs past Python"),
    ],
)
@pytest.mark.filterwarnings("ignore:`torch.jit.script")
def test_what_cannot_be_looked_into_is_one_sentence(net, example, sentence):
    with pytest.raises(RequestError, match=sentence):
        find_gates(net(), example)


def test_a_plain_network_of_a_library():
    net = torchvision.models.resnet18()
    assert gates_seen_at(net, 224, 224) == ()
    assert find_gates(net) == ()
    with record_gates(net) as recording, torch.no_grad():
        net.eval()(X)
    assert recording.gates == {}


def test_on_the_meta_device_the_same_gates_are_seen():
    """Where nothing can be proved: what a card's network is compared by."""
    with torch.device("meta"):
        bare = timm.create_model("skresnet18").eval()
    assert gates_seen_at(bare, 224, 224) == gates_seen_at(build("skresnet18"), 224, 224)


def test_our_own_networks_are_not_traced():
    """Nor is what an example shows remembered for them: their blocks are looked up each time, as before."""
    net = lively()
    assert find_gates(net, X[:, :, :16, :16]) == find_gates(net)
    assert net not in points._found
