"""SE blocks inserted into torchvision's networks: places and costs by hand, gates at 1 bit for bit, and that they learn."""

from __future__ import annotations

import contextlib
import copy
import json

import pytest
import torch
import torch.nn.functional as F
from networks import lively
from PIL import Image
from torch import nn
from torchvision import models
from torchvision.models.vgg import VGG, make_layers

import seviz
from seviz import nets
from seviz.errors import RequestError
from seviz.nets import SEPlacement, SqueezeExcite, cost
from seviz.nets.insert import places, with_placement
from seviz.ui.samples import samples

pytestmark = pytest.mark.usefixtures("one_thread")

# The channels of every SE block, by the tables of the papers of these networks; side: of pictures that all of them take
CHANNELS = {
    "resnet18": [64] * 2 + [128] * 2 + [256] * 2 + [512] * 2,
    "resnet50": [256] * 3 + [512] * 4 + [1024] * 6 + [2048] * 3,
    "resnext50_32x4d": [256] * 3 + [512] * 4 + [1024] * 6 + [2048] * 3,
    "vgg16": [64] * 2 + [128] * 2 + [256] * 3 + [512] * 6,
    "vgg16_bn": [64] * 2 + [128] * 2 + [256] * 3 + [512] * 6,
    "googlenet": [256, 480, 512, 512, 512, 528, 832, 832, 1024],
    "inception_v3": [256, 288, 288, *[768] * 5, 1280, 2048, 2048],
    "mobilenet_v2": [16, *[24] * 2, *[32] * 3, *[64] * 4, *[96] * 3, *[160] * 3, 320],
    "shufflenet_v2_x1_0": [58] * 4 + [116] * 8 + [232] * 4,
}
STAGES = {
    "resnet18": [2, 2, 2, 2],
    "resnet50": [3, 4, 6, 3],
    "resnext50_32x4d": [3, 4, 6, 3],
    "vgg16": [2, 2, 3, 3, 3],
    "vgg16_bn": [2, 2, 3, 3, 3],
    "googlenet": [2, 5, 2],
    "inception_v3": [3, 5, 3],
    "mobilenet_v2": [1, 2, 3, 4, 3, 3, 1],
    "shufflenet_v2_x1_0": [4, 8, 4],
}
SIDE = 76


def build(name: str, classes: int = 5) -> nn.Module:
    """One of torchvision's networks, without auxiliary heads, with narrow layers where only their width is large."""
    if name in ("vgg16", "vgg16_bn"):
        widths = [64, 64, "M", 128, 128, "M", 256, 256, 256, "M", *[512] * 3, "M", *[512] * 3, "M"]
        net = VGG(make_layers(widths, batch_norm=name == "vgg16_bn"), num_classes=classes, init_weights=False)
        net.avgpool, net.classifier = nn.AdaptiveAvgPool2d(1), nn.Linear(512, classes)
        return net
    heads = {"aux_logits": False, "init_weights": False} if name in ("googlenet", "inception_v3") else {}
    return getattr(models, name)(num_classes=classes, **heads)


def plain(name: str) -> nn.Module:
    """Frozen, in eval mode, with batch norms that do something."""
    torch.manual_seed(0)
    net = build(name)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 1)
            nn.init.uniform_(module.weight, 0.8, 1.2)
            nn.init.normal_(module.bias, std=0.1)
    return net.eval().requires_grad_(False)


def awake(net: nn.Module, **options: object) -> nn.Module:
    """net with SE blocks whose biases spread the gates."""
    torch.manual_seed(1)
    gated = seviz.insert_se(net, **options)
    for path, value in gated.named_parameters():
        if ".se." in path and path.endswith("bias"):
            nn.init.normal_(value, std=1.0)
    return gated.requires_grad_(False)


@pytest.fixture(scope="module")
def x():
    return torch.randn(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(2))


@pytest.fixture(scope="module", params=CHANNELS)
def name(request):
    return request.param


# places


def test_every_unit_has_a_block_of_its_width_and_says_where_it_stands(name):
    with torch.device("meta"):
        sites = seviz.find_gates(seviz.insert_se(build(name)))
    assert [site.channels for site in sites] == CHANNELS[name]
    assert [site.hidden for site in sites] == [max(1, channels // 16) for channels in CHANNELS[name]]
    wanted = [(stage, block) for stage, count in enumerate(STAGES[name], 1) for block in range(1, count + 1)]
    assert [(site.stage, site.block) for site in sites] == wanted
    assert all(site.path.endswith(".se") for site in sites)


def test_the_weights_of_the_plain_network_keep_their_names_and_values(name):
    net = build(name)
    before = {key: value.clone() for key, value in net.state_dict().items()}
    gated = seviz.insert_se(net).state_dict()
    assert {key for key in gated if ".se." not in key} == set(before)
    assert all(torch.equal(gated[key], value) for key, value in before.items())
    assert net.state_dict().keys() == before.keys()  # and the network that was given is as it was
    assert not any(isinstance(module, SqueezeExcite) for module in net.modules())


def test_with_gates_at_one_the_output_is_the_plain_networks_bit_for_bit(name, x):
    net = plain(name)
    gated = awake(net)
    at_one = {site.path: 1.0 for site in seviz.find_gates(gated)}
    with seviz.edit_gates(gated, at_one):
        edited = gated(x)
    wanted = net(x)
    assert wanted.std() > 0
    assert torch.equal(edited, wanted)
    assert not torch.allclose(gated(x), wanted)


@pytest.mark.parametrize("arch", ["resnet18", "resnet50", "vgg16_bn", "googlenet", "mobilenet_v2", "shufflenet_v2_x1_0"])
def test_a_training_step_with_gates_at_one_is_the_plain_networks_too(arch, x):
    """In train mode, where batch norm reads the batch: logits, running means and gradients of the first convolution."""
    found = []
    for make in (lambda net: net, awake):
        net = make(plain(arch)).train().requires_grad_(True)
        for module in net.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
        gates = {site.path: 1.0 for site in seviz.find_gates(net)} if make is awake else {}
        with seviz.edit_gates(net, gates) if gates else contextlib.nullcontext():
            logits = net(x)
        logits.square().sum().backward()
        means = [value.clone() for key, value in net.state_dict().items() if key.endswith("running_mean")]
        found.append([logits.detach(), *means, next(net.parameters()).grad])
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


# cost


def by_hand(channels: list[int], r: int) -> tuple[int, int]:
    """Parameters, C h + h and h C + C with h = C / r; and multiply-adds, C h and h C, of one picture."""
    hidden = [max(1, width // r) for width in channels]
    pairs = list(zip(channels, hidden, strict=True))
    return sum(2 * c * h + h + c for c, h in pairs), sum(2 * c * h for c, h in pairs)


@pytest.mark.parametrize("r", [4, 16])
def test_parameters_and_multiply_adds_grow_by_what_is_counted_by_hand(name, r):
    with torch.device("meta"):
        net = build(name)
        before, after = cost(net, SIDE, SIDE), cost(seviz.insert_se(net, r=r), SIDE, SIDE)
    growth = after.parameters - before.parameters, after.multiply_adds - before.multiply_adds
    assert growth == by_hand(CHANNELS[name], r)


def test_resnet50_grows_by_what_the_paper_and_timm_say():
    with torch.device("meta"):
        net = models.resnet50(weights=None)
        gated = seviz.insert_se(net)
        timms = pytest.importorskip("timm").create_model("seresnet50")
    assert cost(gated, 224, 224) == cost(timms, 224, 224)
    assert cost(gated, 224, 224).parameters - cost(net, 224, 224).parameters == 2_530_992


POSITIONS = {  # the channels that the blocks of a position scale, by hand, where they are not those of the standard position
    ("resnet50", "pre"): [64, 256, 256, 256, 512, 512, 512, 512, *[1024] * 6, 2048, 2048],
    ("resnet50", "post"): CHANNELS["resnet50"],
    ("resnet50", "identity"): CHANNELS["resnet50"],
    ("resnet50", "3x3"): [64] * 3 + [128] * 4 + [256] * 6 + [512] * 3,
    ("resnext50_32x4d", "3x3"): [128] * 3 + [256] * 4 + [512] * 6 + [1024] * 3,
    ("resnet18", "pre"): [64, 64, 64, 128, 128, 256, 256, 512],
    ("resnet18", "post"): CHANNELS["resnet18"],
    ("resnet18", "identity"): CHANNELS["resnet18"],
    ("mobilenet_v2", "pre"): [32, 16, 24, 24, 32, 32, 32, 64, 64, 64, 64, 96, 96, 96, 160, 160, 160],
    ("mobilenet_v2", "post"): CHANNELS["mobilenet_v2"],
    ("mobilenet_v2", "identity"): [24, 32, 32, 64, 64, 64, 96, 96, 160, 160],
    ("mobilenet_v2", "3x3"): [32, 96, 144, 144, 192, 192, 192, *[384] * 4, *[576] * 3, *[960] * 3][:17],
    ("shufflenet_v2_x1_0", "pre"): [24, *[58] * 3, 116, *[116] * 7, 232, *[232] * 3],
    ("shufflenet_v2_x1_0", "post"): [116] * 4 + [232] * 8 + [464] * 4,
    ("shufflenet_v2_x1_0", "identity"): CHANNELS["shufflenet_v2_x1_0"],
    ("shufflenet_v2_x1_0", "3x3"): CHANNELS["shufflenet_v2_x1_0"],
}


@pytest.mark.parametrize(("arch", "position"), POSITIONS)
def test_the_papers_other_positions(arch, position, x):
    net = plain(arch)
    gated = awake(net, position=position)
    sites = seviz.find_gates(gated)
    assert [site.channels for site in sites] == POSITIONS[arch, position]
    with seviz.edit_gates(gated, {site.path: 1.0 for site in sites}):
        edited = gated(x)
    assert torch.equal(edited, net(x))
    assert not torch.allclose(gated(x), net(x))


@pytest.mark.parametrize("arch", CHANNELS)
def test_chosen_stages_have_the_blocks_and_no_others(arch):
    last = len(STAGES[arch])
    with torch.device("meta"):
        sites = seviz.find_gates(seviz.insert_se(build(arch), where=(2, last)))
    assert [site.stage for site in sites] == [2] * STAGES[arch][1] + [last] * STAGES[arch][-1]


def test_without_squeeze_every_pixel_is_worked_on():
    """The two layers as 1 x 1 convolutions: their multiply-adds times the pixels of the map."""
    with torch.device("meta"):
        net = build("resnet18")
        growth = cost(seviz.insert_se(net, where=[4], squeeze="none"), 64, 64).multiply_adds - cost(net, 64, 64).multiply_adds
    assert growth == 2 * (2 * 512 * 32) * 2 * 2


# the units, once more from their parts


def gate_of(block: nn.Module, u: torch.Tensor) -> torch.Tensor:
    """Equations 2 to 4, on u."""
    z = u.mean((2, 3))
    s = torch.sigmoid(F.relu(z @ block.fc1.weight.T + block.fc1.bias) @ block.fc2.weight.T + block.fc2.bias)
    return u * s[:, :, None, None]


@pytest.mark.parametrize("position", ["standard", "pre", "post", "identity", "3x3"])
@pytest.mark.parametrize("index", [0, 1])
def test_a_bottleneck_by_its_parts(position, index):
    unit = awake(plain("resnet50"), position=position).layer2[index]
    u = torch.randn(2, 256 if index == 0 else 512, 8, 8, generator=torch.Generator().manual_seed(3))
    at = {position: lambda value: gate_of(unit.se, value)}

    def scaled(place, value):
        return at.get(place, lambda same: same)(value)

    out = scaled("pre", u)
    out = unit.bn1(unit.conv1(out)).clamp(min=0)
    out = scaled("3x3", unit.bn2(unit.conv2(out)).clamp(min=0))
    out = scaled("standard", unit.bn3(unit.conv3(out)))
    shortcut = scaled("identity", unit.downsample(u) if index == 0 else u)
    torch.testing.assert_close(unit(u), scaled("post", (out + shortcut).clamp(min=0)))


@pytest.mark.parametrize(("index", "inputs", "adds"), [(1, 32, False), (2, 16, False), (3, 24, True)])
def test_a_unit_of_mobilenet_by_its_parts(index, inputs, adds):
    net = plain("mobilenet_v2")
    unit, u = awake(net).features[index], torch.randn(2, inputs, 8, 8, generator=torch.Generator().manual_seed(4))
    branch = gate_of(unit.se, net.features[index].conv(u))
    torch.testing.assert_close(unit(u), u + branch if adds else branch)


@pytest.mark.parametrize("index", [0, 1])
def test_a_unit_of_shufflenet_by_its_parts(index):
    """Of the shuffled channels the even ones passed by and the odd ones are the branch's, scaled."""
    net = plain("shufflenet_v2_x1_0")
    unit, own = awake(net).stage2[index], net.stage2[index]
    u = torch.randn(2, 24 if index == 0 else 116, 8, 8, generator=torch.Generator().manual_seed(5))
    out = unit(u)
    torch.testing.assert_close(out[:, 0::2], own.branch1(u) if index == 0 else u[:, :58])
    torch.testing.assert_close(out[:, 1::2], gate_of(unit.se, own.branch2(u if index == 0 else u[:, 58:])))


def test_a_module_of_inception_and_an_activation_of_vgg_by_their_parts():
    net = plain("googlenet")
    u = torch.randn(1, 192, 8, 8, generator=torch.Generator().manual_seed(6))
    unit = awake(net).inception3a
    torch.testing.assert_close(unit(u), gate_of(unit.se, net.inception3a(u)))
    vgg = awake(plain("vgg16_bn"))
    v = torch.randn(1, 64, 8, 8, generator=torch.Generator().manual_seed(7))
    wanted = gate_of(vgg.features[2].se, v.clamp(min=0))  # before VGG's activation writes into v
    torch.testing.assert_close(vgg.features[2](v), wanted)


# they learn


def a_few_photographs(side: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The pictures that come with the app and their mirror images, each of a class of its own: (16, 3, side, side)."""
    tensors = []
    for sample in samples():
        with Image.open(sample.path) as file:
            values = torch.frombuffer(bytearray(file.convert("RGB").resize((side, side)).tobytes()), dtype=torch.uint8)
        tensors.append(values.reshape(side, side, 3).permute(2, 0, 1).float() / 128 - 1)
    stacked = torch.stack(tensors)
    return torch.cat([stacked, stacked.flip(3)]), torch.arange(len(tensors)).repeat(2)


@pytest.mark.parametrize("arch", ["resnet18", "vgg", "googlenet", "inception_v3", "mobilenet_v2", "shufflenet_v2_x1_0"])
def test_they_train_on_a_few_photographs(arch):
    """The loss falls to less than half, and every layer of every SE block has moved."""
    x, y = a_few_photographs(75 if arch == "inception_v3" else 32)
    torch.manual_seed(0)
    net = seviz.insert_se(narrow_vgg() if arch == "vgg" else build(arch, classes=8), r=4).train()
    for module in net.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    before = {key: value.clone() for key, value in net.state_dict().items() if ".se." in key and key.endswith("weight")}
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    losses = []
    for _ in range(12):
        loss = F.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert min(losses[-3:]) < losses[0] / 2
    assert not any(torch.equal(net.state_dict()[key], value) for key, value in before.items())


def narrow_vgg() -> nn.Module:
    net = VGG(make_layers([16, 16, "M", 32, "M", 64, "M"], batch_norm=True), num_classes=8)
    net.avgpool, net.classifier = nn.AdaptiveAvgPool2d(1), nn.Linear(64, 8)
    return net


# ours, others' and copies


@pytest.mark.parametrize("position", ["standard", "pre", "post", "identity"])
def test_a_plain_resnet_of_ours_becomes_the_se_resnet_of_that_name(position):
    net = lively("resnet20")
    gated = seviz.insert_se(net, where=(2, 3), r=8, position=position)
    named = nets.build("se_resnet20", reduction=8, classes=5, se_stages=(2, 3), se_placement=position).eval()
    assert gated.options == named.options
    named.load_state_dict(gated.state_dict())
    x = torch.randn(2, 3, 16, 16)
    assert torch.equal(gated(x), named(x))
    assert seviz.find_gates(gated) == seviz.find_gates(named)


def test_a_network_inside_another_gets_its_blocks():
    gated = seviz.insert_se(nn.Sequential(nn.BatchNorm2d(3), build("googlenet"), nn.Softmax(1)), where=[3])
    assert [(site.path, site.stage) for site in seviz.find_gates(gated)] == [("1.inception5a.se", 3), ("1.inception5b.se", 3)]


def test_blocks_lie_where_the_network_lies_and_copies_are_whole():
    gated = seviz.insert_se(build("shufflenet_v2_x1_0").double().eval())
    assert {value.dtype for value in gated.parameters()} == {torch.float64}
    assert not any(module.training for module in gated.modules())
    again = copy.deepcopy(gated)
    x = torch.randn(1, 3, 64, 64, dtype=torch.float64)
    assert torch.equal(again(x), gated(x))
    with torch.device("meta"):
        net = build("shufflenet_v2_x1_0")
    assert {value.device.type for value in seviz.insert_se(net).parameters()} == {"meta"}


# placements as values


def test_a_placement_goes_through_json():
    for placement in (SEPlacement(), SEPlacement((2, 3), "pre", 8, 2, "max")):
        assert SEPlacement.from_json(json.loads(json.dumps(placement.to_json()))) == placement
    net = seviz.insert_se(build("resnet18"), where=[1], r=4, position="post")
    assert net.se_placement == SEPlacement((1,), "post", 4)
    again = with_placement(build("resnet18"), net.se_placement)
    assert {key: value.shape for key, value in again.state_dict().items()} == {
        key: value.shape for key, value in net.state_dict().items()
    }


@pytest.mark.parametrize(
    "values",
    [[], {"depth": 3}, {"reduction": 0}, {"reduction": True}, {"where": []}, {"where": ["a"]}, {"where": 3}, {"squeeze": ""}],
)
def test_values_that_are_no_placement_are_refused(values):
    with pytest.raises((TypeError, ValueError)):
        SEPlacement.from_json(values)


# what cannot be


@pytest.mark.parametrize(
    ("arch", "options", "sentence"),
    [
        ("resnet18", {"position": "above"}, "a position is one of standard, pre, post, identity, 3x3; not 'above'"),
        ("resnet18", {"position": "3x3"}, "ResNet has no position '3x3' for SE blocks; it has standard, pre, post, identity"),
        ("vgg16_bn", {"position": "pre"}, "VGG has no position 'pre' for SE blocks; it has standard"),
        ("googlenet", {"position": "identity"}, "GoogLeNet has no position 'identity' for SE blocks; it has standard"),
        ("mobilenet_v2", {"position": "identity", "where": [1]}, "No unit of these stages of MobileNetV2 has the position"),
        ("resnet18", {"where": [5]}, "ResNet has no stage 5; its stages are 1 to 4"),
        ("resnet18", {"where": [0]}, "ResNet has no stage 0; its stages are 1 to 4"),
        ("resnet18", {"where": []}, "where names at least one stage"),
        ("resnet18", {"where": 3}, "SE blocks cannot be inserted so"),
        ("resnet18", {"r": 0}, "r is a whole number of at least 1, not 0"),
        ("resnet18", {"r": 2.5}, "r is a whole number of at least 1, not 2.5"),
        ("resnet18", {"squeeze": "median"}, "a squeeze is one of avg, max, none"),
    ],
)
def test_what_cannot_be_inserted_is_one_sentence(arch, options, sentence):
    with pytest.raises(RequestError, match=sentence):
        seviz.insert_se(build(arch), **options)


def test_networks_without_places_or_with_blocks_are_refused():
    with pytest.raises(RequestError, match="AlexNet has no places where SE blocks are known to belong; there"):
        seviz.insert_se(models.alexnet(weights=None, num_classes=2))
    with pytest.raises(RequestError, match=r"has SE blocks already, such as layer1\.0\.se; give its plain twin"):
        seviz.insert_se(seviz.insert_se(build("resnet18")))
    with pytest.raises(RequestError, match="has SE blocks already"):
        seviz.insert_se(lively("se_resnet20"))
    with pytest.raises(RequestError, match="a torch module, not into a str"):
        seviz.insert_se("resnet18")
    assert places(models.alexnet(weights=None, num_classes=2)) == ()


def test_a_pruned_network_is_refused():
    """Its branches put out fewer channels than its shortcuts."""
    net = lively("resnet20")
    net.layer1[0].kept = torch.tensor([0, 2])
    with pytest.raises(RequestError, match="lacks channels that were pruned; insert SE blocks before that"):
        seviz.insert_se(net)


def test_units_of_a_class_that_builds_on_torchvisions_are_left_alone():
    """What their forward does is not known."""

    class Own(models.resnet.Bottleneck):
        def forward(self, x):
            return super().forward(x) / 2

    with torch.device("meta"):
        net = models.resnet.ResNet(Own, [1, 1, 1, 1])
    with pytest.raises(RequestError, match="has no places"):
        seviz.insert_se(net)
