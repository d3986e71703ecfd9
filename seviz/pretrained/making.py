"""`python -m seviz.pretrained.making`: write networks.csv for the timm and torchvision that are installed.

Every architecture is built once, without numbers where it can be, to count its parameters and to look at the classes of
its modules. That a class of modules is a gate is a matter of its definition; whether one is found and proved in a network
is another question, which seviz.find_gates answers.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from importlib.metadata import version

import torch
from torch import nn
from torchvision import models
from tqdm import tqdm

from seviz.files import write_bytes
from seviz.nets import from_card
from seviz.pretrained.listing import LIST
from seviz.pretrained.named import CLASSES

# classes that multiply channels by a gate worked out from the map itself: timm's, and torchvision's
GATES = (
    "SEModule", "EffectiveSEModule", "SqueezeExcite", "EseModule", "EcaModule", "CecaModule", "CbamModule", "LightCbamModule",
    "GatherExcite", "SplitAttn", "SelectiveKernel", "GlobalContext", "SqueezeExcitation",
)  # fmt: skip
COLUMNS = ("name", "family", "parameters", "gate", "side", "default")


def gate_of(net: nn.Module) -> str:
    """The classes of gates among the network's modules, joined by "+"."""
    found = {
        type(module).__name__
        for module in net.modules()
        # a global context that only adds has no gate
        if type(module).__name__ in GATES and getattr(module, "mlp_scale", True) is not None
    }
    return "+".join(sorted(found))


def build(library: str, name: str) -> nn.Module:
    options = {"library": library, "name": name, "classes": CLASSES}
    try:
        with torch.device("meta"):
            return from_card(options)
    except (NotImplementedError, RuntimeError):  # some look at numbers while they are built
        return from_card(options)


def timm_rows() -> Iterator[tuple[str, str, int, str, int, int]]:
    import timm

    families = {name: module for module in timm.list_modules() for name in timm.list_models(module=module)}
    tagged: dict[str, list[str]] = {}
    for name in timm.list_pretrained():
        tagged.setdefault(name.partition(".")[0], []).append(name)
    for arch, names in tqdm(tagged.items(), file=sys.stderr):
        configs = {name: timm.get_pretrained_cfg(name) for name in names}
        kept = {name: one for name, one in configs.items() if one and one.num_classes == CLASSES and not one.custom_load}
        if not kept:
            continue
        net = build("timm", arch)
        parameters, gate = sum(value.numel() for value in net.parameters()), gate_of(net)
        first = timm.get_pretrained_cfg(arch)
        default = first.tag if first else ""
        for name, config in kept.items():
            yield f"timm:{name}", families[arch], parameters, gate, config.input_size[1], int(config.tag == default)


def torchvision_rows() -> Iterator[tuple[str, str, int, str, int, int]]:
    for arch in models.list_models(module=models):
        weights = models.get_model_weights(arch)
        gate = gate_of(build("torchvision", arch))
        family = models.get_model_builder(arch).__module__.rpartition(".")[2]
        for one in weights:
            if len(one.meta.get("categories") or ()) == CLASSES:
                side = one.transforms().crop_size[0]
                default = int(one == weights["DEFAULT"])
                yield f"torchvision:{arch}:{one.name}", family, one.meta["num_params"], gate, side, default


def main() -> None:
    text = io.StringIO(newline="")
    text.write(f"# timm {version('timm')}, torchvision {version('torchvision').partition('+')[0]}\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([*timm_rows(), *torchvision_rows()])
    write_bytes(LIST, text.getvalue().encode())


if __name__ == "__main__":
    main()
