"""Where checkpoints lie: the folder of one's own networks and those that come with seviz, and that of imported ones."""

from __future__ import annotations

import os
from pathlib import Path

COLON = "--"  # in the name of a folder, where not every file system allows ":"


def checkpoints_home() -> Path:
    """The folder that SEVIZ_CHECKPOINTS names, or checkpoints/ beside the package."""
    named = os.environ.get("SEVIZ_CHECKPOINTS")
    # not Path.expanduser, which raises for the home of somebody who has none
    return Path(os.path.expanduser(named)) if named else Path(__file__).resolve().parents[2] / "checkpoints"


def networks_home() -> Path:
    """The folder of imported networks: networks/ in the folder that SEVIZ_HOME names, or in ~/.cache/seviz."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join("~", ".cache")
    named = os.environ.get("SEVIZ_HOME") or os.path.join(cache, "seviz")
    return Path(os.path.expanduser(named)) / "networks"


def imported_folder(name: str) -> Path:
    """Where a network of that typed name is imported to: "timm:seresnet50" -> NETWORKS/timm--seresnet50."""
    return networks_home() / name.replace(":", COLON)


def typed_name(folder: Path) -> str:
    """What is typed for a checkpoint folder: its own name, with the colons of an imported one."""
    imported = os.path.dirname(os.path.abspath(folder)) == os.path.abspath(networks_home())
    return folder.name.replace(COLON, ":") if imported else folder.name
