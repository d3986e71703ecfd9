"""Training: how the networks came to be, epoch by epoch."""

import streamlit as st

from seviz.figures import training as figures
from seviz.ui import address, choice, frame, seeds, show
from seviz.ui.text import plain
from seviz.ui.training import over_epochs

frame.begin(
    "Training",
    "Every epoch of every training: the loss that is made smaller, the accuracy that follows from it, and the learning "
    "rate. The test curves belong to the average of the weights that was kept in the end.",
)
with frame.telling():
    chosen = choice.choose(weights=False, seeds=True)
    runs = choice.runs(first=chosen.both)
    if not runs:
        st.info("No network here has a history.csv; a training with `python -m seviz train` writes one.")
        st.stop()
    known = [network.name for network in chosen.both if network.name in runs]
    if not known:
        st.info(f"Nothing is known of the training of {plain(chosen.model.name)}; other networks' are shown.")
    names = st.pills(
        "Runs",
        list(runs),
        format_func=plain,
        selection_mode="multi",
        default=known or list(runs),
        key="runs",
        bind="query-params",
        help="Each run has a colour of its own: thin lines are training, thick lines the test split.",
    )
    smoothing = st.slider(
        "Smoothing", 0.0, 0.95, 0.0, 0.05, key="smoothing", bind="query-params",
        help="Exponential moving average over epochs; the measured curve stays behind, faint.",
    )  # fmt: skip
    if not names:
        st.info("Choose one run or more.")
        st.stop()
    shown = {name: runs[name] for name in runs if name in names}
    drawn = {name: shown.get(name, ()) for name in runs}  # a run keeps its colour when others are left out
    rows = [(name, epoch) for name, epochs in shown.items() for epoch in epochs]
    columns = ("epoch", "train_loss", "test_loss", "train_accuracy", "test_accuracy", "learning_rate", "seconds")
    table = {"run": [name for name, _ in rows]} | {column: [getattr(e, column) for _, e in rows] for column in columns}
    behind = seeds.runs_behind(runs, names)
    show.figure(figures.curves(drawn, smoothing=smoothing, behind=behind), "curves", table=table)

    st.subheader("Generalisation gap", anchor=False)
    st.markdown(
        "How much better a network does on the pictures it was trained on. Below zero the test pictures are the easier "
        "ones: training pictures are shifted and mirrored, and their loss is taken while the weights still move."
    )
    of = address.one_of("Gap in", ["loss", "accuracy"], "gap")
    gaps = {"run": table["run"], "epoch": table["epoch"]}
    values = [value for gap in figures.gaps(shown, of=of, smoothing=smoothing).values() for value in gap.tolist()]
    gaps[f"gap in {'nats' if of == 'loss' else 'points'}"] = values
    show.figure(figures.gap(drawn, of=of, smoothing=smoothing), "gap-figure", table=gaps)
    over_epochs.section(chosen.both)
