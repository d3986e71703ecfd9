"""The list of what could be had: what it says against the libraries themselves, and its search."""

from __future__ import annotations

import json
from importlib.metadata import version

import pytest
import timm
from torchvision import models

from seviz import cli, nets
from seviz.errors import RequestError
from seviz.pretrained import LIBRARIES, SUGGESTED, families, listed, resolve, search, versions_listed
from seviz.pretrained.making import build, gate_of


def test_the_list_is_of_the_versions_that_are_installed():
    assert versions_listed() == f"timm {version('timm')}, torchvision {version('torchvision').partition('+')[0]}"
    assert set(LIBRARIES) <= set(nets.LIBRARIES)


def test_every_weight_of_timm_with_a_thousand_classes_is_listed_and_nothing_else():
    configs = {name: timm.get_pretrained_cfg(name) for name in timm.list_pretrained()}
    wanted = {f"timm:{name}" for name, one in configs.items() if one.num_classes == 1000 and not one.custom_load}
    assert {row.name for row in search(library="timm")} == wanted


def test_every_weight_of_torchvision_with_a_classifier_is_listed():
    wanted = {
        f"torchvision:{arch}:{one.name}"
        for arch in models.list_models(module=models)
        for one in models.get_model_weights(arch)
        if one.meta.get("categories")
    }
    assert {row.name for row in search(library="torchvision")} == wanted


@pytest.mark.parametrize(
    ("arch", "gate"),
    [
        ("timm:seresnet18", "SEModule"),
        ("timm:resnet18", ""),
        ("timm:gcresnet33ts", ""),  # adds its context, multiplies nothing
        ("timm:mobilenetv3_small_050", "SqueezeExcite"),
        ("timm:skresnet18", "SelectiveKernel"),
        ("timm:convnextv2_atto", ""),  # its response norm is no gate
        ("torchvision:mobilenet_v3_small", "SqueezeExcitation"),
    ],
)
def test_gates_and_parameters_are_those_of_the_network(arch, gate):
    library, _, name = arch.partition(":")
    net = build(library, name)
    assert gate_of(net) == gate
    rows = [row for row in search(name, library=library) if row.name.split(":")[1].split(".")[0] == name]
    parameters = sum(parameter.numel() for parameter in net.parameters())
    assert all((row.gate, row.parameters) == (gate, parameters) for row in rows)


def test_what_is_suggested_is_listed_and_resolved():
    for name, why in SUGGESTED:
        assert listed(name) is not None
        assert resolve(name).name == name
        assert why


def test_a_search_holds_every_word_and_every_filter():
    found = search("SEresnet a1", gated=True, most_parameters=30_000_000, library="timm")
    assert "timm:seresnet50.a1_in1k" in [row.name for row in found]
    assert all("seresnet" in row.name and "a1" in row.name and row.gate for row in found)
    assert [row.parameters for row in found] == sorted(row.parameters for row in found)
    assert {row.family for row in search(family="regnet")} == {"regnet"}
    assert not search("no such name")
    assert "resnet" in families()


@pytest.mark.parametrize("what", ["family", "library"])
def test_a_filter_that_there_is_not_is_one_sentence(what):
    with pytest.raises(RequestError, match=f"There is no {what} 'nothing'; there are "):
        search(**{what: "nothing"})


def test_the_command_line_searches(capsys):
    assert cli.main(["models", "--search", "seresnet50", "--gated", "--max-parameters", "30000000", "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])["networks"]
    assert {"timm:seresnet50.a1_in1k", "timm:legacy_seresnet50.in1k"} <= {one["name"] for one in told}
    assert all(one["here"] == "to be fetched" and one["gate"] for one in told)
    assert cli.main(["models", "--family", "regnet", "--library", "torchvision"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all("torchvision:regnet" in line for line in lines[:-1])
    assert lines[-1].startswith(f"{len(lines) - 1} networks with 1,000 classes, of timm")
    assert cli.main(["models", "--family", "nothing"]) == 2
