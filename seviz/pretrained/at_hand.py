"""The file of a network's weights where timm, torchvision and the hub keep what they downloaded; no connection is made."""

from __future__ import annotations

import os
from pathlib import Path

from seviz.pretrained.named import HubFile, Pretrained, Source


def file_at_hand(named: Pretrained) -> tuple[Path, Source] | None:
    """The first file that is there, and which of the sources it is; None where there is none."""
    for source in named.sources:
        path = _in_hub_cache(source) if isinstance(source, HubFile) else hub_folder() / source.name
        if path is not None and path.is_file():
            return path, source
    return None


def hub_folder() -> Path:
    """Where torch's hub keeps files of weights: checkpoints/ in its folder (TORCH_HOME, XDG_CACHE_HOME)."""
    import torch

    return Path(os.path.expanduser(torch.hub.get_dir())) / "checkpoints"


def _in_hub_cache(source: HubFile) -> Path | None:
    from huggingface_hub import constants, try_to_load_from_cache

    found = try_to_load_from_cache(source.repository, source.name, cache_dir=constants.HF_HUB_CACHE)
    return Path(found) if isinstance(found, str) else None
