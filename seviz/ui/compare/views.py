"""Which view of the page is looked at; it stands in the address by a short name."""

from __future__ import annotations

from collections.abc import Callable

from seviz.ui import address
from seviz.ui.choice import Choice
from seviz.ui.compare import cost, mistakes, picture, test_set

View = Callable[[Choice], None]
VIEWS: dict[str, tuple[str, View]] = {
    "tests": ("Test set", test_set.panel),
    "mistakes": ("Mistakes", mistakes.panel),
    "picture": ("A picture", picture.panel),
    "cost": ("Cost", cost.panel),
}


def choose() -> View:
    """Draw the choice and return the view."""
    titles = {name: title for name, (title, _) in VIEWS.items()}
    what = "All samples of the test set; the samples behind a number; one picture; what the networks cost."
    return VIEWS[address.named("View", titles, "look", what)][1]
