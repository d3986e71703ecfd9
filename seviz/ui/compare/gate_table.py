"""The numbers behind a difference of gates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from seviz.gates import Site
from seviz.ui.show import Table

Gates = Mapping[str, NDArray[np.float32]]


def columns(sites: Sequence[Site], gates: tuple[Gates, Gates], names: tuple[str, str]) -> Table:
    """A row a channel: both gates and their difference."""
    cells = [(site, channel) for site in sites for channel in range(site.channels)]
    one, other = ([float(side[site.path][channel]) for site, channel in cells] for side in gates)
    return {
        "site": [site.path for site, _ in cells],
        "channel": [channel for _, channel in cells],
        names[0]: one,
        names[1]: other,
        "difference": [mine - theirs for mine, theirs in zip(one, other, strict=True)],
    }
