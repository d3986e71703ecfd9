"""Compare: two networks side by side, on the whole test set, mistake by mistake, on a picture, and by what they cost."""

from seviz.ui import choice, frame, report
from seviz.ui.compare import views

frame.begin(
    "Compare",
    "The network with gates against its plain twin, or any two: what can be told of them and what cannot, which pictures "
    "they disagree on, and what each of them costs.",
)
with frame.telling():
    chosen = choice.choose(weights=False, seeds=True)
    views.choose()(chosen)
    report.button(chosen)
