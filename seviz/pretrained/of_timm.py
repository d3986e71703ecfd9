"""Names of timm, which is imported when one is asked for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from seviz.errors import RequestError
from seviz.images import RESAMPLING, Preprocessing
from seviz.pretrained.named import CLASSES, HubFile, Pretrained, Source, UrlFile, imagenet_classes, no_such

if TYPE_CHECKING:
    from torch import Tensor, nn

HUB_FILES = ("model.safetensors", "pytorch_model.bin")


def resolve_timm(name: str) -> Pretrained:
    """`seresnet50` or `seresnet50.a1_in1k`. Raises RequestError as seviz.pretrained.resolve does."""
    timm = _timm()
    arch, _, tag = name.partition(".")
    if not timm.is_model(arch):
        raise no_such("network of timm", arch, sorted({known.partition(".")[0] for known in timm.list_pretrained()}))
    tags = [known.partition(".")[2] for known in timm.list_pretrained(arch) if known.partition(".")[0] == arch]
    if tag and tag not in tags:
        raise no_such(f"tag of weights of timm:{arch}:", tag, tags)
    config = timm.get_pretrained_cfg(name) if tags else None
    if config is None or not config.has_weights:
        raise RequestError(f"timm has no trained weights for {arch}; choose another network.")
    tag = config.tag or ""
    _require_classes(f"{arch}.{tag}", config)
    return Pretrained(
        name=f"timm:{arch}.{tag}" if tag else f"timm:{arch}",
        library="timm",
        arch=arch,
        tag=tag,
        options={},
        sources=_sources(config),
        preprocessing=_preprocessing(config),
        classes=imagenet_classes(),
        licence=config.license or "not stated",
        limits=_limits(config),
    )


def load_timm(named: Pretrained, state: dict[str, Tensor]) -> nn.Module:
    """The network with the tensors of its file, renamed where timm does so for its own older files, all of them strictly.

    Raises RuntimeError, KeyError or ValueError, in timm's and torch's words, where they are of another network.
    """
    timm = _timm()
    # the number of outputs is the file's own: for any other, timm would put in a random classifier without a word
    net: nn.Module = timm.create_model(
        f"{named.arch}.{named.tag}" if named.tag else named.arch,
        pretrained=True,
        num_classes=CLASSES,
        pretrained_cfg_overlay={"state_dict": dict(state), "hf_hub_id": None, "url": ""},
        **named.options,
    )
    return net


def _timm() -> Any:
    try:
        import timm
    except ImportError as error:
        raise RequestError("Networks of timm need timm; install it with `pip install timm`.") from error
    return timm


def _sources(config: Any) -> tuple[Source, ...]:
    hub: tuple[Source, ...] = ()
    if config.hf_hub_id:
        names = (config.hf_hub_filename,) if config.hf_hub_filename else HUB_FILES
        hub = tuple(HubFile(config.hf_hub_id, name) for name in names)
    return (*hub, UrlFile(config.url)) if config.url else hub


def _require_classes(name: str, config: Any) -> None:
    if config.custom_load:
        raise RequestError(f"The weights of timm:{name} are in a format of their own, which is not read; choose others.")
    if config.num_classes != CLASSES:
        found = f"tell {config.num_classes:,} classes" if config.num_classes else "have no classifier"
        raise RequestError(f"The weights of timm:{name} {found}; choose some that tell ImageNet's 1,000.")


def _preprocessing(config: Any) -> Preprocessing:
    """timm's own for evaluation: the shorter side resized to floor(side / crop_pct), the middle cut out."""
    _, height, width = config.input_size
    crop = config.crop_pct or 0.875
    resized = math.floor(height / crop)
    interpolation = config.interpolation if config.interpolation in RESAMPLING else "bicubic"
    return Preprocessing(height, width, height / resized, interpolation, tuple(config.mean), tuple(config.std))


def _limits(config: Any) -> tuple[str, ...]:
    limits = ["Trained by others on ImageNet-1k, 1,000 classes of photographs; what else it saw in training is not known here."]
    if config.crop_mode not in (None, "center"):
        limits.append("Its authors squeeze or pad a picture into a square; here the middle is cut out, which loses accuracy.")
    if config.test_input_size and config.test_input_size != config.input_size:
        size = "x".join(str(side) for side in config.test_input_size[1:])
        limits.append(f"Its authors measure it on pictures of {size} pixels; here it sees those of its training size.")
    return tuple(limits)
