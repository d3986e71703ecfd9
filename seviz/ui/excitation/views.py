"""Which view of the page is looked at; it stands in the address by a short name."""

from __future__ import annotations

from collections.abc import Callable

from seviz.ui import address
from seviz.ui.excitation import classes, depth, health, paper, relation, samples
from seviz.ui.excitation.stored import Stored

View = Callable[[Stored], None]
VIEWS: dict[str, tuple[str, View]] = {
    "classes": ("Classes x channels", classes.panel),
    "paper": ("As in the paper", paper.panel),
    "depth": ("By depth", depth.panel),
    "health": ("Health", health.panel),
    "relation": ("Squeeze and gate", relation.panel),
    "samples": ("Samples", samples.panel),
}


def choose() -> View:
    """Draw the choice and return the view."""
    titles = {name: title for name, (title, _) in VIEWS.items()}
    return VIEWS[address.named("View", titles, "view", "Six looks at the same gates.")][1]
