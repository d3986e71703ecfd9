"""Which network the sidebar puts beside another one when nobody says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from test_checkpoints import card_of

from seviz import nets
from seviz.checkpoints import Entry
from seviz.ui.choice import NONE, _twin

OWN = card_of(nets.build("resnet20"))
LIBRARY = {"library": "timm", "name": "x", "classes": 5}


def entry(name: str) -> Entry:
    se = "se" in name.split(":")[-1]
    if ":" not in name:
        return Entry(name, Path(name), card_of(nets.build("se_resnet20" if se else "resnet20")), None)
    return Entry(name, Path(name), replace(OWN, options={**LIBRARY, "se": {} if se else None}), None)


@pytest.mark.parametrize(
    ("model", "others", "wanted"),
    [
        ("se_resnet20", ["resnet20", "resnet56"], "resnet20"),
        ("resnet20", ["se_resnet20", "zoo"], "se_resnet20"),
        ("zoo", ["resnet20"], NONE),
        ("timm:seresnet50.a1_in1k", ["resnet20", "timm:resnet50.a3_in1k", "timm:resnet50.a1_in1k"], "timm:resnet50.a1_in1k"),
        ("timm:seresnet50.a1_in1k", ["timm:regnetx.a", "timm:resnet50.ra2"], "timm:resnet50.ra2"),
        ("timm:legacy_seresnet50.in1k", ["timm:resnet50.a1_in1k"], "timm:resnet50.a1_in1k"),
        ("timm:resnet50.a1_in1k", ["timm:other.x", "timm:seresnet50.a1_in1k"], "timm:seresnet50.a1_in1k"),
        ("timm:rese.x", ["timm:plain.x"], "timm:plain.x"),
        ("timm:rese.x", [], NONE),
    ],
)
def test_the_twin(model, others, wanted):
    assert _twin(model, [NONE, *others], [entry(name) for name in (model, *others)]) == wanted
