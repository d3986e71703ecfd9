"""What the two networks cost: parameters, multiply-adds, and on request their time on this machine."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from seviz.analysis.classification import Classification
from seviz.backend import Latency, latency
from seviz.checkpoints import Checkpoint
from seviz.figures import costs as figures
from seviz.figures.costs import Priced
from seviz.ui import caches, cards, evaluations, frame, show
from seviz.ui.choice import Choice
from seviz.ui.text import plain

UNITS = {
    "multiply-adds": "million multiply-adds a picture",
    "parameters": "thousand parameters",
    "time": "milliseconds a picture",
}


def panel(choice: Choice) -> None:
    """The table, the time, accuracy against cost, and the paper's networks."""
    if choice.against is None:
        st.info("Choose a second network in the sidebar to compare with.")
        return
    st.subheader(f"{plain(choice.model.name)} against {plain(choice.against.name)}", anchor=False)
    cards.twins(choice)
    _measured(choice)
    st.subheader("In the paper", anchor=False)
    st.markdown("On ImageNet, at other sizes: an SE-ResNet-50 comes near a ResNet-101 at about half its computation.")
    cards.in_the_paper()


@frame.fragment
def _measured(choice: Choice) -> None:
    """The time is measured here, so that the chart beside it knows of it."""
    st.subheader("Time on this machine", anchor=False)
    times = _time(choice.both)
    st.subheader("Accuracy against cost", anchor=False)
    _chart(choice.both, evaluations.measured(choice.both), times)


def _time(networks: tuple[Checkpoint, ...]) -> tuple[Latency, ...]:
    """What was measured in this session, else nothing and the button."""
    silent = [network.name for network in networks if not network.has_weights]
    if silent:
        st.info(f"{plain(' and '.join(silent))} has no weights, so there is nothing to time.")
        return ()
    key = "latency-" + "-".join(network.card.weights_sha256[:16] for network in networks)
    st.markdown(
        "One picture at a time, both networks in turn, as the app runs them (batch norm folded into the convolutions), without "
        "gates or maps. What else this computer does meanwhile is part of the time."
    )
    if st.button("Measure", icon="⏱️", key="measure", help="Some seconds: both networks in turn, sixty times each."):
        st.session_state[key] = _take_time(networks)
    times: tuple[Latency, ...] = st.session_state.get(key, ())
    if times:
        _tell(times)
    return times


def _take_time(networks: tuple[Checkpoint, ...]) -> tuple[Latency, ...]:
    models, bar = [caches.model(network) for network in networks], st.progress(0.0, "Measuring")

    def report(done: int, total: int) -> None:
        bar.progress(done / total, "Measuring")

    times = latency(models, progress=report)
    bar.empty()
    return times


def _tell(times: tuple[Latency, ...]) -> None:
    first, second = times
    table: show.Table = {name: [getattr(one, name) for one in times] for name in vars(first)}
    show.figure(figures.latencies(times), "latency", table=table)
    apart = first.low > second.high or second.low > first.high
    slower, faster = (first, second) if first.median > second.median else (second, first)
    share = slower.median / faster.median - 1
    halves = "the middle halves of the passes lie apart" if apart else "the middle halves of the passes overlap"
    words = f"The median of {plain(slower.model)} is {share:.0%} longer; {halves}."
    where = f"{first.device}, {first.threads} of {first.cores} cores" if first.device == "cpu" else first.device
    st.caption(f"{words} {first.repeats} passes each, {where}, {first.precision}, batch 1.")


def _chart(networks: tuple[Checkpoint, ...], measured: Mapping[str, Classification], times: tuple[Latency, ...]) -> None:
    if not measured:
        return
    offered = list(UNITS) if times else list(UNITS)[:2]
    cost = st.segmented_control(
        "Cost", offered, default=offered[0], required=True, key="cost",
        help="What stands on the lower axis. Time is offered once it has been measured above.",
    )  # fmt: skip
    points = [_priced(network, measured[network.name], cost, times) for network in networks if network.name in measured]
    table: show.Table = {
        "network": [one.name for one in points],
        UNITS[cost]: [one.cost for one in points],
        "accuracy": [one.accuracy for one in points],
        "interval low": [one.interval[0] for one in points],
        "interval high": [one.interval[1] for one in points],
    }
    show.figure(figures.accuracy_against_cost(points, UNITS[cost]), "accuracy-cost", table=table)


def _priced(network: Checkpoint, found: Classification, cost: str, times: tuple[Latency, ...]) -> Priced:
    card, name = network.card, network.name
    if cost == "time":
        one = next(one for one in times if one.model == name)
        return Priced(name, found.accuracy, found.interval, one.median, one.low, one.high)
    counted = card.multiply_adds / 1e6 if cost == "multiply-adds" else card.parameters / 1e3
    return Priced(name, found.accuracy, found.interval, counted)
