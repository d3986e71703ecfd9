"""Which view of the page is looked at; it stands in the address by a short name."""

from __future__ import annotations

from collections.abc import Callable

from seviz.checkpoints import Checkpoint
from seviz.ui import address
from seviz.ui.ablation import channels, costs, curves, pruning

View = Callable[[Checkpoint], None]
VIEWS: dict[str, tuple[str, View]] = {
    "costs": ("What edits cost", costs.panel),
    "curves": ("Does the gate know?", curves.panel),
    "channels": ("Channel by channel", channels.panel),
    "pruning": ("Pruning", pruning.panel),
}


def choose() -> View:
    """Draw the choice and return the view. Every view finds what it needs itself, and says so where it is missing."""
    titles = {name: title for name, (title, _) in VIEWS.items()}
    what = "What is lost with other gates; whether a gate finds the channels that matter; each channel by itself; "
    what += "what is left when channels go for good."
    return VIEWS[address.named("View", titles, "measured", what)][1]
