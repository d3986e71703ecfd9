"""Imported networks: folders like any other, found by what is typed for them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from networks import CLASSES
from test_checkpoints import card_of
from torch import nn

from seviz import load, nets
from seviz.checkpoints import (
    Origin,
    checkpoints_home,
    find_checkpoints,
    imported_folder,
    networks_home,
    open_checkpoint,
    save_checkpoint,
)
from seviz.errors import CheckpointError
from seviz.images import Preprocessing

TIMM = {"library": "timm", "name": "test_efficientnet", "classes": 5, "options": {}}
TORCHVISION = {"library": "torchvision", "name": "mobilenet_v3_small", "classes": 5, "options": {"dropout": 0.1}}
SMALL = Preprocessing(64, 48, crop=0.9, interpolation="bicubic")


@pytest.fixture
def homes(tmp_path, monkeypatch):
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(tmp_path / "own"))
    monkeypatch.setenv("SEVIZ_HOME", str(tmp_path / "home"))
    return tmp_path


def imported(name: str, options: dict, *, seed: int = 0, gated: bool = True) -> nn.Module:
    torch.manual_seed(seed)
    net = nets.from_card(options).eval()
    origin = Origin(name, "https://example.org/x.safetensors", "0" * 64, 9, gated, ("The classifier has 5 rows.",))
    card = replace(card_of(nets.build("resnet20")), name=name, arch=options["name"], options=options, classes=CLASSES)
    save_checkpoint(imported_folder(name), net, replace(card, preprocessing=SMALL, gate_life=None, origin=origin))
    return net


def test_places(homes, monkeypatch):
    assert networks_home() == homes / "home" / "networks"
    assert imported_folder("timm:a.b_c") == networks_home() / "timm--a.b_c"
    monkeypatch.delenv("SEVIZ_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(homes / "cache"))
    assert networks_home() == homes / "cache" / "seviz" / "networks"


@pytest.mark.parametrize("options", [TIMM, TORCHVISION])
def test_an_imported_network_is_opened_by_what_is_typed_for_it(homes, options):
    net = imported("timm:some.tag", options)
    checkpoint = open_checkpoint("timm:some.tag")
    assert (checkpoint.name, checkpoint.is_se, checkpoint.card.library) == ("timm:some.tag", True, options["library"])
    assert checkpoint.card.origin.notes == ("The classifier has 5 rows.",)
    x = torch.randn(2, 3, 64, 48)
    state = torch.get_rng_state()
    with torch.no_grad():
        assert torch.equal(checkpoint.network()(x), net(x))
    assert torch.equal(torch.get_rng_state(), state)  # building it drew no random numbers of ours


def test_the_imported_ones_stand_behind_ones_own(homes):
    imported("timm:some.tag", TIMM, gated=False)
    imported("zebra", TIMM)
    own = nets.build("resnet20", classes=5)
    save_checkpoint(checkpoints_home() / "zoo", own, card_of(own))
    save_checkpoint(checkpoints_home() / "zebra", own, card_of(own))
    assert [entry.name for entry in find_checkpoints()] == ["zebra", "zoo", "timm:some.tag"]
    assert open_checkpoint("zebra").card.library is None  # one's own hides what was imported under the same name
    assert not open_checkpoint("timm:some.tag").is_se
    with pytest.raises(CheckpointError, match=r"there are: zebra, zoo, timm:some\.tag"):
        open_checkpoint("other")


def test_a_loaded_model_goes_by_the_typed_name(homes):
    imported("timm:some.tag", TIMM)
    with load("timm:some.tag", device="cpu") as model:
        assert model.name == "timm:some.tag"


@pytest.mark.parametrize(
    "change",
    [
        {"library": "keras"},
        {"name": "no_such_network"},
        {"name": 5},
        {"options": {"no_such_option": 1}},
        {"options": [1]},
        {"classes": 4},
        {"se": {"r": 16}},
    ],
)
def test_a_card_of_no_network_is_one_sentence(homes, change):
    imported("odd", TIMM)
    checkpoint = open_checkpoint("odd")
    odd = replace(checkpoint, card=replace(checkpoint.card, options={**TIMM, **change}))
    with pytest.raises(CheckpointError, match="are not of the network that its card describes"):
        odd.network()
