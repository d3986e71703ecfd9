"""Where data sets lie that seviz downloads, and what it remembers of others."""

from __future__ import annotations

import os
from pathlib import Path


def data_home() -> Path:
    """The folder that SEVIZ_DATA names, or `~/.cache/seviz`."""
    # not Path.expanduser, which raises for the home of somebody who has none
    return Path(os.path.expanduser(os.environ.get("SEVIZ_DATA") or "~/.cache/seviz"))
