"""Gate lab: gates switched, drawn and swapped by hand, and what the network then makes of the picture."""

from seviz.ui import choice, frame, pictures, plain
from seviz.ui.lab import views, workbench

frame.begin(
    "Gate lab",
    "A high gate is not an important channel: what a gate does is seen when it is changed. Switch blocks off, draw channels up "
    "and down, or swap in other gates, and watch the prediction and its evidence move.",
)
with frame.telling():
    chosen = choice.choose()
    if not chosen.model.is_se:
        plain.tell(chosen, "nothing to switch")
    else:
        picture = pictures.choose()
        workbench.panel(chosen.model, picture)
        views.choose()(chosen.model, picture)
