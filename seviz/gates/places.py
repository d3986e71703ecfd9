"""Stage and block of gates, read from module paths as families of networks write them."""

from __future__ import annotations

import re
from collections.abc import Sequence

# stage and block by how they are counted in the path: from 0 or from 1
_WRITTEN = (
    (re.compile(r"(?:^|\.)layer(\d+)\.(\d+)(?:\.|$)"), 0, 1),  # ResNets: layer1.0
    (re.compile(r"(?:^|\.)stages?\.(\d+)\.blocks?\.(\d+)(?:\.|$)"), 1, 1),  # stages.0.blocks.0
    (re.compile(r"(?:^|\.)stages\.(\d+)\.(\d+)(?:\.|$)"), 1, 1),  # stages.0.0
    (re.compile(r"(?:^|\.)blocks\.(\d+)\.(\d+)(?:\.|$)"), 1, 1),  # timm's EfficientNets and MobileNets: blocks.0.0
    (re.compile(r"(?:^|\.)s(\d+)\.b(\d+)(?:\.|$)"), 0, 0),  # timm's RegNets: s1.b1
    (re.compile(r"(?:^|\.)block(\d+)\.block\d+-(\d+)(?:\.|$)"), 0, 1),  # torchvision's RegNets: block1.block1-0
    (re.compile(r"^features\.(\d+)\.(\d+)\."), 0, 1),  # torchvision's EfficientNets: features.1.0
)


def numbered(paths: Sequence[str], sizes: Sequence[tuple[int, ...]]) -> list[tuple[int, int]]:
    """(stage, block) of each gate, both from 1.

    As the paths say, where one way of writing fits all of them. Elsewhere in order: a stage is a run of gates on maps of one
    size, its gates are counted.

    Args: sizes: height and width of the maps that are scaled.
    """
    for written, stage, block in _WRITTEN:
        found = [written.search(path) for path in paths]
        places = [(int(one[1]) + stage, int(one[2]) + block) for one in found if one]
        if len(places) == len(paths) == len(set(zip(places, paths, strict=True))) and all(one >= (1, 1) for one in places):
            return places
    return _in_order(sizes)


def _in_order(sizes: Sequence[tuple[int, ...]]) -> list[tuple[int, int]]:
    places: list[tuple[int, int]] = []
    for number, size in enumerate(sizes):
        stage, block = places[-1] if places else (0, 0)
        places.append((stage, block + 1) if number and size == sizes[number - 1] else (stage + 1, 1))
    return places
