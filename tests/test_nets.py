"""Networks: the SE block by hand and against timm's, costs as published, torchvision's weights, gates at 1."""

from __future__ import annotations

import math

import pytest
import torch
from networks import lively, pictures
from torch import nn

from seviz.errors import RequestError
from seviz.gates import edit_gates, find_gates
from seviz.nets import Cost, SqueezeExcite, build, cost, from_card, hidden_width, options_for, to_card
from seviz.nets.se import Squeeze, mean_over_pixels

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def x():
    return pictures(3).permute(0, 3, 1, 2).float() / 128 - 1


# the SE block


def hand_block(squeeze="avg"):
    """Two channels, one hidden unit: W1 = (1, -2), b1 = 0.5; W2 = (2, -1), b2 = (0, 1)."""
    block = SqueezeExcite(2, 2, squeeze=squeeze)
    with torch.no_grad():
        block.fc1.weight.copy_(torch.tensor([[1.0, -2.0]]))
        block.fc1.bias.fill_(0.5)
        block.fc2.weight.copy_(torch.tensor([[2.0], [-1.0]]))
        block.fc2.bias.copy_(torch.tensor([0.0, 1.0]))
    return block


def sigmoid(value):
    return 1 / (1 + math.exp(-value))


def test_two_channels_by_hand():
    """z = (4, 1); hidden = relu(4 - 2 + 0.5) = 2.5; s = sigmoid(5), sigmoid(-1.5)."""
    u = torch.tensor([[[[1.0, 3.0], [5.0, 7.0]], [[0.0, 4.0], [0.0, 0.0]]]])
    out = hand_block()(u)
    assert sigmoid(5) == pytest.approx(0.9933071)
    assert sigmoid(-1.5) == pytest.approx(0.1824255)
    wanted = [[0.9933071, 2.9799214, 4.9665356, 6.9531498], [0.0, 0.7297021, 0.0, 0.0]]
    torch.testing.assert_close(out.flatten(2)[0], torch.tensor(wanted), atol=1e-6, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_the_squeeze_of_a_training_is_torchs_mean_with_its_gradients(dtype):
    """Bit for bit, also where the map has another use; and the second derivative is there."""
    u = torch.randn(3, 4, 5, 6).to(dtype).contiguous(memory_format=torch.channels_last)
    ours, theirs = u.clone().requires_grad_(), u.clone().requires_grad_()
    weights = torch.randn(3, 4).to(dtype)
    for leaf, z in ((ours, Squeeze("avg").train()(ours)), (theirs, theirs.mean((2, 3)))):
        ((weights * z.square()).sum() + (leaf * z[:, :, None, None]).sum()).backward()
    assert torch.equal(ours.grad, theirs.grad)
    if dtype == torch.float64:
        assert torch.autograd.gradcheck(mean_over_pixels, (ours,))
        assert torch.autograd.gradgradcheck(mean_over_pixels, (ours,))


def test_two_channels_with_the_maximum_by_hand():
    """z = (7, 4); hidden = relu(7 - 8 + 0.5) = 0; s = sigmoid(0), sigmoid(1)."""
    u = torch.tensor([[[[1.0, 3.0], [5.0, 7.0]], [[0.0, 4.0], [0.0, 0.0]]]])
    out = hand_block("max")(u)
    torch.testing.assert_close(out[0, 0], 0.5 * u[0, 0])
    torch.testing.assert_close(out[0, 1], sigmoid(1) * u[0, 1])


def test_without_squeeze_every_pixel_has_its_gate():
    """At the pixel (5, 0): hidden = 5.5, s = sigmoid(11), sigmoid(-4.5); at (3, 4): hidden = 0."""
    u = torch.tensor([[[[1.0, 3.0], [5.0, 7.0]], [[0.0, 4.0], [0.0, 0.0]]]])
    out = hand_block("none")(u)
    assert out[0, 0, 1, 0].item() == pytest.approx(5 * sigmoid(11))
    assert out[0, :, 0, 1].tolist() == pytest.approx([3 * 0.5, 4 * sigmoid(1)])


WIDTHS = [(64, 16, 1, 4), (16, 16, 1, 1), (16, 16, 4, 4), (8, 16, 1, 1)]


@pytest.mark.parametrize(("channels", "reduction", "least", "hidden"), WIDTHS)
def test_the_hidden_width_is_c_over_r_but_not_below_the_least(channels, reduction, least, hidden):
    block = SqueezeExcite(channels, reduction, min_hidden=least)
    assert hidden_width(block) == hidden
    assert block.fc1.weight.shape == (hidden, channels)


def test_the_initial_weights_are_hes_and_gates_start_at_a_half():
    torch.manual_seed(0)
    block = SqueezeExcite(1024, 4)
    assert block.fc1.weight.std().item() == pytest.approx(math.sqrt(2 / 1024), rel=0.02)
    assert block.fc2.weight.std().item() == pytest.approx(math.sqrt(2 / 256), rel=0.02)
    assert not block.fc1.bias.any()
    assert not block.fc2.bias.any()


@pytest.mark.parametrize("arguments", [(0, 16), (16, 0)])
def test_blocks_that_make_no_sense_are_refused(arguments):
    with pytest.raises(ValueError, match="positive"):
        SqueezeExcite(*arguments)
    with pytest.raises(ValueError, match="avg, max, none"):
        SqueezeExcite(16, squeeze="median")


@pytest.mark.parametrize(("channels", "reduction"), [(16, 4), (64, 16), (256, 16)])
def test_timms_block_with_the_same_weights_gives_the_same(channels, reduction):
    squeeze_excite = pytest.importorskip("timm.layers").SqueezeExcite
    torch.manual_seed(1)
    ours, theirs = SqueezeExcite(channels, reduction), squeeze_excite(channels, rd_channels=channels // reduction)
    with torch.no_grad():
        for name in ("fc1", "fc2"):
            mine, other = getattr(ours, name), getattr(theirs, name)
            mine.bias.normal_()
            other.weight.copy_(mine.weight[:, :, None, None])
            other.bias.copy_(mine.bias)
    u = torch.randn(3, channels, 5, 7)
    torch.testing.assert_close(ours(u), theirs(u), atol=1e-6, rtol=1e-5)


# what networks cost: reference figures, measured on torchvision's and timm's networks

CIFAR = {
    20: (269_722, 40.55, 2_373),
    32: (464_154, 68.86, 3_955),
    44: (658_586, 97.17, 5_537),
    56: (853_018, 125.49, 7_119),
    110: (1_727_962, 252.89, 14_238),
}
IMAGENET = [
    ("resnet50", {}, 25_557_032, 4.0892),
    ("resnet50", {"stride_on": "1x1"}, 25_557_032, 3.8580),
    ("se_resnet50", {}, 28_088_024, 4.0917),
    ("se_resnet50", {"stride_on": "1x1"}, 28_088_024, 3.8605),
    ("resnet101", {}, 44_549_160, 7.8014),
    ("resnet152", {}, 60_192_808, 11.5136),
]


@pytest.mark.parametrize("depth", CIFAR)
def test_cifar_networks_cost_what_is_published(depth):
    parameters, millions, extra = CIFAR[depth]
    plain = cost(build(f"resnet{depth}", shortcut="A"), 32, 32)
    assert plain.parameters == parameters
    assert round(plain.multiply_adds / 1e6, 2) == millions
    gated = build(f"se_resnet{depth}", reduction=16, shortcut="A")
    assert sum(parameter.numel() for parameter in gated.parameters()) - parameters == extra


def on_meta(arch, **options):
    """A network whose weights take no memory and no time."""
    with torch.device("meta"):
        return build(arch, **options)


@pytest.mark.parametrize(("arch", "options", "parameters", "billions"), IMAGENET)
def test_imagenet_networks_cost_what_is_published(arch, options, parameters, billions):
    found = cost(on_meta(arch, **options), 224, 224)
    assert found.parameters == parameters
    assert round(found.multiply_adds / 1e9, 4) == billions


def test_se_without_the_last_stage_adds_about_four_percent():
    """The paper: "the last stage's SE blocks ... brings the extra parameters from 10 % to about 4 %"; 3.69 % without biases."""
    plain = on_meta("resnet50")
    some = on_meta("se_resnet50", se_stages=(1, 2, 3))
    count = sum(p.numel() for name, p in some.named_parameters() if ".se." in name and not name.endswith("bias"))
    assert count / sum(p.numel() for p in plain.parameters()) == pytest.approx(0.0369, abs=5e-5)


def test_cost_counts_a_convolution_by_hand_and_leaves_the_network_alone():
    net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.Flatten(), nn.Linear(8 * 4 * 5, 10))
    net.train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    assert cost(net, 4, 5) == Cost(parameters=3 * 8 * 9 + 160 * 10 + 10, multiply_adds=4 * 5 * 3 * 8 * 9 + 160 * 10)
    assert net.training
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


# weights of others


@pytest.mark.parametrize("arch", ["resnet18", "resnet50"])
def test_torchvisions_weights_load_and_give_the_same_logits(arch):
    models = pytest.importorskip("torchvision.models")
    torch.manual_seed(2)
    theirs = getattr(models, arch)(weights=None).eval()
    for module in theirs.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 2)
    ours = build(arch).eval()
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(1, 3, 96, 80)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x), atol=1e-4, rtol=1e-4)


# gates at 1


def variants():
    for placement in ("standard", "pre", "post", "identity"):
        yield "se_resnet20", {"se_placement": placement}
    for stage in (1, 2, 3):
        yield "se_resnet20", {"se_stages": (stage,)}
    for squeeze in ("max", "none"):
        yield "se_resnet20", {"se_squeeze": squeeze}
    yield "se_resnet20", {"shortcut": "A"}
    yield "se_resnet32", {"se_min_hidden": 4, "se_stages": (1, 3)}
    for placement in ("standard", "pre", "post", "identity"):
        yield "se_resnet50", {"se_placement": placement, "stride_on": "1x1", "stem": "3x3/2"}


@pytest.mark.parametrize(("arch", "options"), list(variants()))
def test_with_all_gates_at_one_it_is_the_plain_network(x, arch, options):
    gated = lively(arch, **options)
    own = {name: value for name, value in options.items() if not name.startswith("se_")}
    plain = lively(arch.removeprefix("se_"), **own)
    plain.load_state_dict({name: value for name, value in gated.state_dict().items() if ".se." not in name})
    with edit_gates(gated, {site.path: 1.0 for site in find_gates(gated)}):
        edited = gated(x)
    assert torch.equal(edited, plain(x))
    assert not torch.allclose(gated(x), plain(x))


def test_chosen_stages_have_the_blocks_and_no_others():
    net = build("se_resnet20", se_stages=(2,))
    assert [site.path for site in find_gates(net)] == ["layer2.0.se", "layer2.1.se", "layer2.2.se"]


def test_placements_stand_where_the_paper_draws_them(x):
    """One unit, recomputed from its parts."""
    for placement in ("standard", "pre", "post", "identity"):
        unit = lively("se_resnet20", se_placement=placement).layer2[0]
        u = torch.randn(2, 16, 8, 8, generator=torch.Generator().manual_seed(3))

        def branch(value, unit=unit):
            return unit.bn2(unit.conv2(unit.bn1(unit.conv1(value)).clamp(min=0)))

        shortcut = unit.downsample(u)
        wanted = {
            "standard": lambda u, s, unit, branch: (unit.se(branch(u)) + s).clamp(min=0),
            "pre": lambda u, s, unit, branch: (branch(unit.se(u)) + s).clamp(min=0),
            "post": lambda u, s, unit, branch: unit.se((branch(u) + s).clamp(min=0)),
            "identity": lambda u, s, unit, branch: (branch(u) + unit.se(s)).clamp(min=0),
        }[placement](u, shortcut, unit, branch)
        torch.testing.assert_close(unit(u), wanted)


def test_a_fresh_unit_is_its_shortcut():
    """The last batch norm of every branch starts at 0."""
    net = build("se_resnet20").eval()
    u = torch.rand(2, 16, 8, 8)
    assert torch.equal(net.layer1[1](u), u)


def test_shortcut_a_subsamples_and_pads_with_zeros():
    net = build("resnet20", shortcut="A")
    u = torch.rand(2, 16, 8, 8)
    out = net.layer2[0].downsample(u)
    assert out.shape == (2, 32, 4, 4)
    assert torch.equal(out[:, 8:24], u[:, :, ::2, ::2])
    assert not out[:, :8].any()
    assert not out[:, 24:].any()
    assert not list(net.layer2[0].downsample.parameters())


# names and cards


def test_the_form_for_photographs_has_the_maps_that_it_promises():
    net = build("se_resnet18_64", reduction=16).eval()
    sizes = {}
    for name in ("conv1", *net.stages):
        net.get_submodule(name).register_forward_hook(lambda m, i, o, name=name: sizes.update({name: tuple(o.shape[1:])}))
    assert net(torch.randn(1, 3, 64, 64)).shape == (1, 50)
    maps = [(32, 32, 32), (32, 32, 32), (64, 16, 16), (128, 8, 8), (256, 8, 8)]
    assert sizes == dict(zip(("conv1", *net.stages), maps, strict=True))
    assert [hidden_width(unit.se) for stage in net.stages for unit in getattr(net, stage)] == [8, 8, 8, 8, 8, 8, 16, 16]
    plain = build("resnet18_64")
    assert sum(p.numel() for p in plain.parameters()) == pytest.approx(2.8e6, rel=0.03)
    assert options_for("se_resnet18_64", se_min_hidden=1).se.min_hidden == 1


@pytest.mark.parametrize(("arch", "times"), [("se_resnet20x2", 2), ("resnet56x10", 10)])
def test_a_wider_form_has_as_many_times_the_channels_in_every_layer(arch, times):
    """By the definition: each width times K, so each convolution between two stages' maps has K x K times the weights."""
    with torch.device("meta"):
        wide, usual = build(arch), build(arch.split("x")[0])
    for (name, ours), theirs in zip(wide.named_modules(), (module for _, module in usual.named_modules()), strict=True):
        if isinstance(ours, nn.Conv2d):
            inner = 1 if name == "conv1" else times
            assert (ours.out_channels, ours.in_channels) == (times * theirs.out_channels, inner * theirs.in_channels)
    assert wide(torch.empty(1, 3, 32, 32, device="meta")).shape == (1, 10)


@pytest.mark.parametrize(
    "arch", ["resnet20", "se_resnet110", "resnet18", "se_resnet152", "se_resnet18_64", "resnet44x16", "se_resnet20x3"]
)
def test_a_card_describes_the_network_again(arch):
    with torch.device("meta"):
        net = build(arch, classes=7, **({"se_stages": (1, 2)} if arch.startswith("se_") else {}))
        again = from_card(to_card(net))
    assert again.options == net.options
    assert {name: value.shape for name, value in again.state_dict().items()} == {
        name: value.shape for name, value in net.state_dict().items()
    }


@pytest.mark.parametrize(
    ("arch", "options", "sentence"),
    [
        ("vgg16", {}, "There is no architecture 'vgg16'"),
        ("resnet20_64", {}, "D one of 18, 20, .*, or 18_64"),
        ("resnet20x1", {}, "or DxK with D one of 20, 32, 44, 56, 110 and K from 2 to 16"),
        ("resnet20x17", {}, "K from 2 to 16"),
        ("resnet50x2", {}, "'resnet50x2'.* DxK with D one of 20, 32"),
        ("se_resnet18_64x2", {}, "'se_resnet18_64x2'"),
        ("resnet21", {}, "D one of 18, 20, 32, 34, 44"),
        ("resnet20", {"depth": 3}, "resnet20 cannot be built so"),
        ("se_resnet20", {"se_placement": "above"}, "se_resnet20 cannot be built so: a placement is one of"),
        ("resnet20", {"shortcut": "C"}, "'C' is not one of A, B"),
    ],
)
def test_names_and_options_that_do_not_exist_are_one_sentence(arch, options, sentence):
    with pytest.raises(RequestError, match=sentence):
        options_for(arch, **options)
