"""ResNets and SE-ResNets of five public codes, recognised from the names and shapes of their tensors.

Each code has names of its own for the same things; translated to those of seviz.nets (and torchvision), the shapes tell
the blocks, the widths, the stem, the shortcuts, the reduction and the classes. Where the arithmetic is that of
seviz.nets.ResNet the weights become one; the others are small networks of seviz.nets.cifar.

    code                             names                                        becomes
    seviz, torchvision               layer1.0.conv1, downsample.0, se.fc1, fc     ResNet
    moskomule/senet.pytorch          se.fc.0 and se.fc.2, without biases          ResNet, its biases zero
    kuangliu/pytorch-cifar           shortcut.0, linear, fc1 and fc2 in a unit    ResNet, PreActResNet, SENet
    akamaster/pytorch_resnet_cifar10 the same in three stages, no shortcut.0      ResNet with shortcuts of option A
    weiaicunzai/pytorch-cifar100     conv2_x.0.residual_function.0, stage1.0      ResNet, SEResNet
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from seviz.intake.proposals import Proposal, Shapes
from seviz.nets.names import CIFAR_DEPTHS, IMAGENET_BLOCKS, MOST_TIMES, cifar_widths
from seviz.nets.resnet import ResNetOptions, SEOptions

Rename = tuple[str, str]  # a pattern of re at the start of a name, and what stands for it
KUANGLIU, AKAMASTER = "kuangliu/pytorch-cifar", "akamaster/pytorch_resnet_cifar10"
WEIAICUNZAI, MOSKOMULE = "weiaicunzai/pytorch-cifar100", "moskomule/senet.pytorch"
SEVIZ, TORCHVISION = "seviz", "torchvision"
UNIT = r"(layer\d+\.\d+\.)"
LINEAR: tuple[Rename, ...] = ((r"linear\.", "fc."),)
SHORTCUT: tuple[Rename, ...] = ((UNIT + r"shortcut\.", r"\1downsample."),)
SE_IN_UNIT: tuple[Rename, ...] = ((UNIT + r"(fc[12])\.", r"\1se.\2."),)
ORDER = {"0": "conv1", "1": "bn1", "3": "conv2", "4": "bn2", "6": "conv3", "7": "bn3"}  # in a Sequential with ReLUs between


def proposals(shapes: Shapes) -> Iterator[Proposal]:
    """Every network that the tensors may be of, likeliest first; whether one fits is for compare.py to say."""
    for code in (_canonical, _moskomule, _kuangliu, _weiaicunzai):
        yield from code(shapes)


def _canonical(shapes: Shapes) -> Iterator[Proposal]:
    options = _resnet(shapes)
    if options is None or any(len(shape) > 2 for name, shape in shapes.items() if ".se.fc" in name):
        return
    usual = options.se is None and options.stem.startswith("7x7")
    assumed = [] if usual else [f"The stages stride by {', '.join(map(str, options.strides))}, which shapes do not tell."]
    if options.bottleneck:
        assumed.append("A bottleneck strides on its 3 x 3 convolution, as in torchvision, which shapes do not tell.")
    if options.se:
        place = options.se.placement
        assumed.append(f"The SE blocks pool by the average and stand in the {place} place, which shapes do not tell.")
    code, small = TORCHVISION if usual else SEVIZ, not options.stem.startswith("7x7")
    yield Proposal(_arch(options), code, plain_options(options), assumed=tuple(assumed), small=small)


def _moskomule(shapes: Shapes) -> Iterator[Proposal]:
    back = _translated(shapes, ((UNIT + r"se\.fc\.0\.", r"\1se.fc1."), (UNIT + r"se\.fc\.2\.", r"\1se.fc2.")))
    if not any(".se.fc1." in name for name in back) or back.keys() == shapes.keys():
        return
    found = _seen(shapes, back)
    options = _resnet(found)
    if options is None or options.se is None:
        return
    zeros = tuple(name.replace("weight", "bias") for name in back if ".se.fc" in name)
    arch, small = _arch(options), not options.stem.startswith("7x7")
    yield Proposal(f"moskomule:{arch}", MOSKOMULE, plain_options(options), back, zeros, small=small)


def _kuangliu(shapes: Shapes) -> Iterator[Proposal]:
    if "linear.weight" not in shapes or not any(name.startswith("layer") for name in shapes):
        return
    back = _translated(shapes, LINEAR + SHORTCUT + SE_IN_UNIT)
    found = _seen(shapes, back)
    options = _resnet(found)
    if options is not None:
        is_akamaster = options.widths == (16, 32, 64) and options.se is None
        code, name = (AKAMASTER, "akamaster:resnet") if is_akamaster else (KUANGLIU, "kuangliu:ResNet")
        name = "kuangliu:SENet" if options.se else name
        yield Proposal(f"{name}{_depth(options)}", code, plain_options(options), back, small=True)
    back = _translated(shapes, LINEAR + SE_IN_UNIT)
    own = _own(_seen(shapes, back))
    if own is not None:
        name = "SENet" if own["reduction"] else "PreActResNet"
        yield _small("kuangliu", name, name, KUANGLIU, own, back)


def _weiaicunzai(shapes: Shapes) -> Iterator[Proposal]:
    if any(name.startswith("conv2_x.") for name in shapes):
        back = {_residual(name): name for name in shapes}
        options = _resnet(_seen(shapes, back))
        if options is not None:
            yield Proposal(f"weiaicunzai:resnet{_depth(options)}", WEIAICUNZAI, plain_options(options), back, small=True)
    elif any(name.startswith("stage1.") for name in shapes):
        back = {_gated(name): name for name in shapes}
        own = _own(_seen(shapes, back))
        if own is not None and own["reduction"]:
            yield _small("weiaicunzai", "SEResNet", "seresnet", WEIAICUNZAI, own, back)


def _small(library: str, name: str, shown: str, code: str, own: dict[str, Any], back: dict[str, str]) -> Proposal:
    classes = own.pop("classes")
    depth = sum(own["blocks"]) * (3 if own["bottleneck"] else 2) + 2
    options = {"library": library, "name": name, "classes": classes, "options": own}
    return Proposal(f"{library}:{shown}{depth}", code, options, back, small=True)


def _residual(name: str) -> str:
    """A name of weiaicunzai's ResNet -> that of seviz.nets."""
    name = re.sub(r"^conv1\.([01])\.", lambda found: {"0": "conv1.", "1": "bn1."}[found[1]], name)
    name = re.sub(r"^conv(\d)_x\.", lambda found: f"layer{int(found[1]) - 1}.", name)
    name = re.sub(UNIT + r"residual_function\.([013467])\.", lambda found: f"{found[1]}{ORDER[found[2]]}.", name)
    return re.sub(UNIT + r"shortcut\.", r"\1downsample.", name)


def _gated(name: str) -> str:
    """A name of weiaicunzai's SEResNet -> that of seviz.nets.cifar."""
    name = re.sub(r"^pre\.([01])\.", lambda found: {"0": "conv1.", "1": "bn1."}[found[1]], name)
    name = re.sub(r"^stage(\d)\.", r"layer\1.", name)
    name = re.sub(UNIT + r"residual\.([013467])\.", lambda found: f"{found[1]}{ORDER[found[2]]}.", name)
    name = re.sub(UNIT + r"excitation\.([02])\.", lambda found: f"{found[1]}se.fc{1 + int(found[2]) // 2}.", name)
    name = re.sub(UNIT + r"shortcut\.", r"\1downsample.", name)
    return re.sub(r"^linear\.", "fc.", name)


def _translated(shapes: Shapes, renames: tuple[Rename, ...]) -> dict[str, str]:
    """Name in the network -> name in the file."""
    back = {}
    for name in shapes:
        new = name
        for pattern, replacement in renames:
            new = re.sub(f"^{pattern}", replacement, new)
        back[new] = name
    return back


def _seen(shapes: Shapes, back: dict[str, str]) -> Shapes:
    """The shapes under the names of the network; a 1 x 1 convolution of an SE block as the layer that it is."""
    return {new: shapes[old][:2] if ".se.fc" in new else shapes[old] for new, old in back.items()}


def _stages(shapes: Shapes) -> tuple[int, ...]:
    """Units of layer1, layer2, ...; () where they do not count 0, 1, 2, ..."""
    units: dict[int, set[int]] = {}
    for name in shapes:
        found = re.match(r"layer(\d{1,2})\.(\d{1,4})\.", name)
        if found:
            units.setdefault(int(found[1]), set()).add(int(found[2]))
    counts = [len(units.get(number, ())) for number in range(1, len(units) + 1)]
    whole = all(units.get(number) == set(range(count)) for number, count in enumerate(counts, 1))
    return tuple(counts) if whole and counts else ()


def _sides(shapes: Shapes, template: str, count: int) -> tuple[int, ...]:
    """The first side of a tensor of each stage, 0 where a stage has none."""
    found = [shapes.get(template.format(number), ()) for number in range(1, count + 1)]
    return tuple(shape[0] if shape else 0 for shape in found)


def _resnet(shapes: Shapes) -> ResNetOptions | None:
    """The options of a ResNet of seviz.nets of which these shapes may be; None where they cannot."""
    blocks, stem, head = _stages(shapes), shapes.get("conv1.weight", ()), shapes.get("fc.weight", ())
    widths = _sides(shapes, "layer{}.0.conv1.weight", len(blocks))
    kernels = {(7, 7): "7x7/2+pool", (3, 3): "3x3"}
    if not blocks or len(stem) != 4 or len(head) != 2 or not all(widths) or stem[2:] not in kernels:
        return None
    bottleneck = "layer1.0.conv3.weight" in shapes
    changes = any(".downsample.0." in name for name in shapes)
    try:
        return ResNetOptions(
            blocks=blocks,
            widths=widths,
            strides=(1, *(2 for _ in blocks[1:])),
            stem=kernels[stem[2:]],
            bottleneck=bottleneck,
            shortcut="B" if changes or len(set(widths)) == 1 else "A",
            classes=head[0],
            se=_se(shapes, len(blocks), widths, 4 if bottleneck else 1),
        )
    except ValueError:
        return None


def _se(shapes: Shapes, count: int, widths: tuple[int, ...], expansion: int) -> SEOptions | None:
    stages = tuple(n for n in range(1, count + 1) if f"layer{n}.0.se.fc1.weight" in shapes)
    if not stages:
        return None
    pairs = [shapes[f"layer{n}.0.se.fc1.weight"][:2] for n in stages]  # (hidden, channels)
    first = [channels for _, channels in pairs]
    outputs = [widths[n - 1] * expansion for n in stages]
    reduction, least = _reduction(pairs)
    return SEOptions(
        reduction=reduction,
        min_hidden=least,
        placement="standard" if first == outputs else "pre",
        stages=None if len(stages) == count else stages,
    )


def _reduction(pairs: list[tuple[int, ...]]) -> tuple[int, int]:
    """(r, smallest hidden width) that give these (hidden, channels): max(channels // r, smallest)."""
    hidden, channels = max(pairs, key=lambda pair: pair[1])
    for least in sorted({1, min(one for one, _ in pairs)}):
        for reduction in dict.fromkeys((16, 8, 4, 32, 2, 1, 64, round(channels / max(hidden, 1)), channels // max(hidden, 1))):
            if reduction and all(max(wide // reduction, least) == one for one, wide in pairs):
                return reduction, least
    return max(1, channels // max(hidden, 1)), max(1, min(one for one, _ in pairs))


def _own(shapes: Shapes) -> dict[str, Any] | None:
    """Blocks, widths, bottleneck, reduction (0 without SE) and classes of a network of seviz.nets.cifar."""
    blocks, head = _stages(shapes), shapes.get("fc.weight", ())
    widths = _sides(shapes, "layer{}.0.conv1.weight", len(blocks))
    if not blocks or len(head) != 2 or not all(widths) or len(shapes.get("conv1.weight", ())) != 4:
        return None
    gates = [shape[:2] for name, shape in shapes.items() if name.endswith(".0.se.fc1.weight")]
    return {
        "blocks": list(blocks),
        "widths": list(widths),
        "bottleneck": "layer1.0.conv3.weight" in shapes,
        "reduction": _reduction(gates)[0] if gates else 0,
        "classes": head[0],
    }


def plain_options(options: ResNetOptions) -> dict[str, Any]:
    """As they stand in the card of a network with all its channels."""
    return {name: value for name, value in asdict(options).items() if name != "kept"}


def _depth(options: ResNetOptions) -> int:
    return sum(options.blocks) * (3 if options.bottleneck else 2) + 2


def _arch(options: ResNetOptions) -> str:
    """The name of seviz.nets for it, as the depth says, whether or not its widths are usual ones."""
    depth, times = _depth(options), options.widths[0] // cifar_widths()[0]
    known = depth in CIFAR_DEPTHS or IMAGENET_BLOCKS.get(depth) == options.blocks
    wider = depth in CIFAR_DEPTHS and 2 <= times <= MOST_TIMES and options.widths == cifar_widths(times)
    return f"{'se_' if options.se else ''}resnet{depth}{f'x{times}' if wider else ''}{'' if known else '-like'}"
