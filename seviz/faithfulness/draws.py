"""Random numbers, a stream of its own for everything that is drawn."""

from __future__ import annotations

import numpy as np
import torch


def seed_of(seed: int, what: str) -> int:
    """The seed of the stream that is called `what`."""
    return int(np.random.SeedSequence([seed, *what.encode()]).generate_state(1)[0])


def stream(seed: int, what: str) -> torch.Generator:
    """The same numbers for the same seed and name, on every device."""
    return torch.Generator().manual_seed(seed_of(seed, what))
