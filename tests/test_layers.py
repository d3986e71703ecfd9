"""The layers that Grad-CAM is offered for, family by family, and their maps against a slow second way."""

from __future__ import annotations

import pytest
import torch
from networks import lively, pictures
from torch import nn

from seviz.backend import Model
from seviz.images import Preprocessing
from seviz.nets import from_card
from seviz.stages import stages

pytestmark = pytest.mark.usefixtures("one_thread")

FAMILIES = {
    "timm:resnet10t": ("layer1", "layer2", "layer3", "layer4"),
    "timm:test_efficientnet": ("blocks.1", "blocks.2", "blocks.3", "bn2"),
    "timm:mobilenetv3_small_050": ("blocks.0", "blocks.1", "blocks.3", "blocks.5"),
    "timm:regnety_002": ("s1", "s2", "s3", "s4"),
    "timm:legacy_seresnet18": ("layer1", "layer2", "layer3", "layer4"),
    "timm:rexnet_100": ("features.2", "features.4", "features.10", "features.16"),
    "timm:repvit_m0_9": ("stages.0", "stages.1", "stages.2", "stages.3"),
    "torchvision:mobilenet_v3_small": ("features.1", "features.3", "features.8", "features.12"),
    "torchvision:regnet_y_400mf": ("trunk_output.block1", "trunk_output.block2", "trunk_output.block3", "trunk_output.block4"),
    "torchvision:densenet121": (
        "features.denseblock1", "features.denseblock2", "features.denseblock3", "features.norm5",
    ),
    "timm:test_vit": (),
}


def built(name: str) -> nn.Module:
    library, _, arch = name.partition(":")
    torch.manual_seed(0)
    return from_card({"library": library, "name": arch, "classes": 7, "options": {}}).eval().requires_grad_(False)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_stages_of_a_family(name):
    size = 160 if name == "timm:test_vit" else 224
    assert stages(built(name), size, size) == FAMILIES[name]


def test_ones_own_networks_keep_their_stages():
    assert stages(lively(), 16, 16) == ("layer1", "layer2", "layer3")


@pytest.mark.parametrize("name", ["timm:test_efficientnet", "torchvision:densenet121", "torchvision:mobilenet_v3_small"])
def test_maps_of_all_stages_are_those_of_each_alone_and_of_the_definition(name):
    net = built(name)
    to = Preprocessing(64, 64)
    with Model(net, name=name, classes=[str(one) for one in range(7)], preprocessing=to, device="cpu") as model:
        picture = pictures(1, side=64)[0].numpy()
        together = model.inspect(picture, layers=model.layers, classes=[3])
        for layer in model.layers:
            alone = model.inspect(picture, layers=[layer], classes=[3]).maps[0].values
            assert torch.allclose(torch.tensor(together.map_of(layer, 3).values), torch.tensor(alone), atol=1e-6)
            slow = by_definition(net, layer, picture, to)
            assert torch.allclose(torch.tensor(alone), slow, atol=1e-4 * (1 + float(slow.max())))


def by_definition(net: nn.Module, layer: str, picture, to: Preprocessing) -> torch.Tensor:
    """Equations 1 and 2 of Grad-CAM with a hook of our own: the layer's output plus a zero that carries the gradient."""
    x = ((torch.from_numpy(picture) / 255 - torch.tensor(to.mean)) / torch.tensor(to.std)).permute(2, 0, 1)[None]
    kept = {}

    def hook(_, __, output):
        kept["map"], kept["zero"] = output.detach().clone(), torch.zeros_like(output, requires_grad=True)
        return output + kept["zero"]

    handle = net.get_submodule(layer).register_forward_hook(hook)
    try:
        net(x)[0, 3].backward()
    finally:
        handle.remove()
    alpha = kept["zero"].grad[0].mean((1, 2))
    return (alpha[:, None, None] * kept["map"][0]).sum(0).relu()


def test_a_network_without_feature_maps_is_looked_at_by_its_pixels():
    from seviz.errors import RequestError

    net = built("timm:test_vit")
    to = Preprocessing(160, 160)
    with Model(net, name="vit", classes=[str(one) for one in range(7)], preprocessing=to, device="cpu") as model:
        picture = pictures(1, side=160)[0].numpy()
        assert model.layers == ()
        assert model.inspect(picture).maps == ()
        assert model.inspect(picture, method="saliency").maps[0].values.shape == (160, 160)
        with pytest.raises(RequestError, match="has no feature maps to look at; use a method that looks at the pixels"):
            model.inspect(picture, method="guided_gradcam")
