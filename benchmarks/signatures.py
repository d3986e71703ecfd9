"""seviz/intake/signatures.json: which architectures of timm and torchvision have which names and shapes.

    python -m benchmarks.signatures > seviz/intake/signatures.json

Some ten minutes on two cores. Architectures of one signature are then tried with the same random weights and picture: those
that give the same logits stand in one group. Run it again when timm or torchvision have new families.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from importlib.metadata import version

import timm
import torch
from torch import nn
from torchvision import models

from seviz.intake.libraries import signature
from seviz.nets import from_card

FAMILIES = (
    *("resnet*", "seresne*", "legacy_se*", "ecaresnet*", "resnetrs50", "resnext*", "wide_resnet*", "resnest*", "skresn*"),
    *("mobilenetv2_*", "mobilenetv3_*", "tf_mobilenetv3_*", "efficientnet_b[0-4]", "tf_efficientnet_b[0-4]", "rexnet_1??"),
    *("regnetx_*", "regnety_*", "ese_vovnet*", "densenet*", "vgg*", "repvit_m*", "convnext_tiny", "test_*", "hardcorenas_*"),
    *("mobilenet_v*", "shufflenet_v2_*", "regnet_*", "squeezenet*", "mnasnet*", "googlenet", "inception_v3", "alexnet"),
    *("nf_*", "eca_nfnet_l0", "senet154", "legacy_senet154", "efficientnet_lite0", "tf_efficientnet_lite0", "ghostnet*"),
)
LARGEST = 120_000_000  # learned numbers; larger ones are named with --arch


def known() -> Iterator[str]:
    """The architectures of FAMILIES that are installed."""
    for library, names in (("timm", timm.list_models()), ("torchvision", models.list_models(module=models))):
        yield from (f"{library}:{name}" for name in names if any(fnmatch(name, family) for family in FAMILIES))


def shapes_of(arch: str) -> dict[str, tuple[int, ...]]:
    """Of the tensors of an architecture with 1,000 classes; {} where it is larger than LARGEST."""
    try:
        with torch.device("meta"):
            net = _built(arch)
    except NotImplementedError:  # its builder computes with its weights
        net = _built(arch)
    if sum(one.numel() for one in net.parameters()) > LARGEST:
        return {}
    return {key: tuple(value.shape) for key, value in net.state_dict().items()}


def _built(arch: str) -> nn.Module:
    library, _, name = arch.partition(":")
    return from_card({"library": library, "name": name, "classes": 1000, "options": {}})


def same(archs: Sequence[str]) -> list[list[str]]:
    """Architectures of one signature, in groups that give the same logits for the same weights and picture."""
    groups: list[tuple[torch.Tensor, list[str]]] = []
    for arch in archs:
        logits = _logits(arch)
        for known_logits, group in groups:
            if torch.allclose(logits, known_logits, rtol=1e-4, atol=1e-5 * float(known_logits.abs().max())):
                group.append(arch)
                break
        else:
            groups.append((logits, [arch]))
    return [group for _, group in groups]


def _logits(arch: str) -> torch.Tensor:
    net = _built(arch).eval()
    generator = torch.Generator().manual_seed(0)
    state = net.state_dict()
    for key in sorted(state):
        value = state[key]
        if value.is_floating_point():
            noise = torch.randn(value.shape, generator=generator)
            spread = (2 / max(1, value[0].numel())) ** 0.5 if value.dim() > 1 else 0.1
            centre = 1.0 if value.dim() == 1 and key.endswith(("weight", "running_var")) else 0.0
            value.copy_((centre + spread * noise).abs() if key.endswith("running_var") else centre + spread * noise)
    with torch.no_grad():
        logits: torch.Tensor = net(torch.randn(1, 3, 224, 224, generator=generator))
    return logits


def main() -> None:
    found: dict[str, list[str]] = {}
    for arch in known():
        shapes = shapes_of(arch)
        if shapes:
            found.setdefault(signature(shapes), []).append(arch)
            print(arch, file=sys.stderr)
    groups = {key: same(archs) if len(archs) > 1 else [archs] for key, archs in sorted(found.items())}
    versions = {name: version(name) for name in ("timm", "torchvision")}
    lines = ",\n".join(f'  "{key}": {json.dumps(group)}' for key, group in groups.items())
    print(f'{{"versions": {json.dumps(versions)}, "signatures": {{\n{lines}\n}}}}')


if __name__ == "__main__":
    main()
