"""Ablation: what the gates of a network are worth on a whole data set, and whether a high gate is an important channel."""

from seviz.ui import choice, frame, plain
from seviz.ui.ablation import pruning, views

frame.begin(
    "Ablation",
    "A gate is worth what is lost without it. Here the gates of a block, a stage or the whole network become something else, "
    "and every picture of a data set is asked again: what do the edits cost, and does a gate know which channels matter?",
)
with frame.telling():
    chosen = choice.choose(weights=False)
    if not chosen.model.is_se:
        plain.tell(chosen, "nothing but channels to take away")
        pruning.panel(chosen.model)
    else:
        views.choose()(chosen.model)
