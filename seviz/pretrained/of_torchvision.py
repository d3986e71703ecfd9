"""Names of torchvision."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from torchvision import models

from seviz.errors import RequestError
from seviz.images import Preprocessing
from seviz.nets import from_card, load_tensors
from seviz.pretrained.named import CLASSES, Pretrained, UrlFile, no_such

if TYPE_CHECKING:
    from torch import Tensor, nn

# as their builders set them for trained weights: these two networks normalise anew, and have outputs for training alone
INCEPTIONS = {"transform_input": True, "aux_logits": True, "init_weights": False}
OPTIONS: dict[str, dict[str, Any]] = {"googlenet": INCEPTIONS, "inception_v3": INCEPTIONS}
OLD_NAMES = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\..+)$")
NOT_FREE = "SWAG"  # in the name of weights whose licence forbids commercial use


def resolve_torchvision(name: str) -> Pretrained:
    """`resnet50` or `resnet50:IMAGENET1K_V1`. Raises RequestError as seviz.pretrained.resolve does."""
    arch, _, tag = name.partition(":")
    known = models.list_models(module=models)
    if arch not in known:
        raise no_such("network of torchvision", arch, known)
    weights = models.get_model_weights(arch)
    if tag not in ("", "DEFAULT") and tag not in weights.__members__:
        raise no_such(f"tag of weights of torchvision:{arch}:", tag, weights.__members__)
    chosen = weights[tag or "DEFAULT"]
    if len(chosen.meta.get("categories") or ()) != CLASSES:
        raise RequestError(f"The weights {chosen.name} of {arch} have no classifier; choose others.")
    return Pretrained(
        name=f"torchvision:{arch}:{chosen.name}",
        library="torchvision",
        arch=arch,
        tag=chosen.name,
        options=OPTIONS.get(arch, {}),
        sources=(UrlFile(chosen.url),),
        preprocessing=_preprocessing(chosen.transforms()),
        classes=tuple(chosen.meta["categories"]),
        licence=_licence(chosen),
        limits=("Trained by others on ImageNet-1k, 1,000 classes of photographs.",),
    )


def load_torchvision(named: Pretrained, state: dict[str, Tensor]) -> nn.Module:
    """The network with the tensors of its file, strictly. Raises RuntimeError, in torch's words, for those of another one."""
    options = {"library": "torchvision", "name": named.arch, "classes": CLASSES, "options": dict(named.options)}
    net = from_card(options)
    load_tensors(net, {OLD_NAMES.sub(r"\1\2", key): value for key, value in state.items()})
    return net


def _preprocessing(transforms: Any) -> Preprocessing:
    side, resized = transforms.crop_size[0], transforms.resize_size[0]
    interpolation = transforms.interpolation.value
    return Preprocessing(side, side, side / resized, interpolation, tuple(transforms.mean), tuple(transforms.std))


def _licence(weights: Any) -> str:
    return "CC-BY-NC-4.0 (SWAG)" if NOT_FREE in weights.name else "BSD-3-Clause, as torchvision; ImageNet's terms apply"
