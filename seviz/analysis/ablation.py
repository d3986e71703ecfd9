"""What edits of gates cost on a data set, from the predictions of every sample alone, and what follows in words.

    one = effect(Edited("s3", "1", paths, predicted, delta), live, labels, classes=10)
    one.difference, one.interval            -0.0412, (-0.0461, -0.0365)
    findings(live, effects, share, network)     sentences

Differences are the edited network minus the live one: what an edit costs is negative. A gate is never called important
because it is high.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seviz.analysis.classification import Interval, wilson
from seviz.analysis.paired import RESAMPLES, SURE, holm, paired_difference

PAPER_COST = 0.001  # of removing the last stage's gates on ImageNet: under 0.1 % (Hu et al., 2020, section 6.4)
GATE_WORDS = {
    "1": "at 1",
    "mean": "at their mean over the data set",
    "class": "at the mean of the true class",
    "shuffle": "of another picture",
}


@dataclass(frozen=True, eq=False)
class Edited:
    """What one edit made of n samples.

    where: the sites as the text of an edit names them; sites: their paths. gate: what they become, a key of GATE_WORDS.
    predicted: classes (n,). delta: (n,), |logit - live logit|, mean over the classes.
    """

    where: str
    gate: str
    sites: tuple[str, ...]
    predicted: NDArray[np.integer]
    delta: NDArray[np.floating]


@dataclass(frozen=True)
class Live:
    """The network without edits on n samples: accuracy with Wilson's 95 % interval, recall by class (None: no samples)."""

    n: int
    accuracy: float
    interval: Interval
    per_class: tuple[float | None, ...]


@dataclass(frozen=True)
class Effect:
    """What one edit does, beside the live network on the same samples.

    where, gate, sites: as of Edited. accuracy: 0..1. difference: accuracy minus the live one; interval: its 95 % bootstrap
    interval over paired samples. p: McNemar's exact test. only_edited, only_live: samples that one of the two alone gets
    right. changed: share of samples whose predicted class is another. delta_logit: mean |logit - live logit| over samples
    and classes. per_class: recall, None for classes without samples.
    """

    where: str
    gate: str
    sites: tuple[str, ...]
    accuracy: float
    difference: float
    interval: Interval
    p: float
    only_edited: int
    only_live: int
    changed: float
    delta_logit: float
    per_class: tuple[float | None, ...]


@dataclass(frozen=True)
class Share:
    """What share of the gates' worth depends on the picture: (live - static) / (live - off), accuracies of all sites.

    live - off: what is lost with all gates at 1. live - static: with all at their mean. value, interval (95 %, bootstrap
    over samples): None where it cannot be told that the gates are worth anything.
    """

    value: float | None
    interval: Interval | None


@dataclass(frozen=True)
class Gate:
    """A site, for sentences: path, stage (0: not numbered), parameters of its SE block."""

    path: str
    stage: int
    parameters: int


@dataclass(frozen=True)
class Network:
    """A network, for sentences: its gates in order, and its parameters in all."""

    gates: tuple[Gate, ...]
    parameters: int


def live_figures(predicted: NDArray[np.integer], labels: NDArray[np.integer], classes: int) -> Live:
    """Of predicted and true classes (n,). Raises ValueError where there are none."""
    right = predicted == labels
    return Live(len(right), float(right.mean()), wilson(int(right.sum()), len(right)), recalls(right, labels, classes))


def effect(
    edited: Edited, live: NDArray[np.integer], labels: NDArray[np.integer], *, classes: int, seed: int = 0
) -> Effect:
    """The figures of an edit. live: predicted classes (n,) without it. labels: (n,). seed: of the bootstrap."""
    right = edited.predicted == labels
    paired = paired_difference(right, live == labels, seed=seed)
    return Effect(
        where=edited.where,
        gate=edited.gate,
        sites=edited.sites,
        accuracy=float(right.mean()),
        difference=paired.difference,
        interval=paired.bootstrap,
        p=paired.p,
        only_edited=paired.only_first,
        only_live=paired.only_second,
        changed=float((edited.predicted != live).mean()),
        delta_logit=float(edited.delta.mean(dtype=np.float64)),
        per_class=recalls(right, labels, classes),
    )


def recalls(right: NDArray[np.bool_], labels: NDArray[np.integer], classes: int) -> tuple[float | None, ...]:
    """The share of each class's samples that are right; None where a class has none."""
    count = np.bincount(labels, minlength=classes)
    hits = np.bincount(labels[right], minlength=classes)
    return tuple(float(hit / n) if n else None for hit, n in zip(hits, count, strict=True))


def class_changes(effects: Sequence[Effect], live: Live) -> NDArray[np.float64]:
    """By how much each class's recall changes under each edit: float64 (K, E), -1..1; NaN for classes without samples."""
    rows = [[np.nan if rate is None else rate for rate in one.per_class] for one in effects]
    before = np.array([np.nan if rate is None else rate for rate in live.per_class])
    return np.asarray(np.array(rows).T - before[:, None])


def input_dependent_share(
    live: NDArray[np.bool_], static: NDArray[np.bool_], off: NDArray[np.bool_], *, seed: int = 0
) -> Share:
    """(live - static) / (live - off), of bool (n,) whether each sample is right with all gates live, static and at 1.

    The interval is the percentile bootstrap's: n samples drawn with replacement are one draw from a multinomial over the
    eight cells that three answers make.
    """
    cells = np.bincount(live * 4 + static * 2 + off * 1, minlength=8)
    in_live, in_static, in_off = (np.array([cell >> place & 1 for cell in range(8)]) for place in (2, 1, 0))
    worth = paired_difference(live, off, seed=seed)
    if worth.interval[0] <= 0 or worth.bootstrap[0] <= 0:
        return Share(None, None)
    drawn = np.random.default_rng(seed).multinomial(len(live), cells / len(live), RESAMPLES)
    lost, gained = drawn @ (in_live - in_static), drawn @ (in_live - in_off)
    ratios = lost[gained > 0] / gained[gained > 0]
    low, high = np.quantile(ratios, [0.025, 0.975])
    return Share(float(cells @ (in_live - in_static) / (cells @ (in_live - in_off))), (float(low), float(high)))


def findings(live: Live, effects: Sequence[Effect], share: Share, network: Network) -> tuple[str, ...]:
    """Sentences that follow from the numbers: the input-dependent share, the last stage, the sites that matter."""
    by_name = {(one.where, one.gate): one for one in effects}
    sentences = [_worth(live, by_name, share)]
    if network.gates[-1].stage and any(gate.stage != network.gates[-1].stage for gate in network.gates):
        sentences.append(_last_stage(live, by_name, network))
    paths = [gate.path for gate in network.gates]
    sentences += [_ranking([by_name[path, gate] for path in paths], gate) for gate in ("1", "mean", "shuffle")]
    return tuple(sentences)


def p_words(p: float) -> str:
    """ "p = 0.012"; what is too small for a float is not called 0."""
    return f"p = {p:.2g}" if p > 0 else "p < 1e-300"


def describe(one: Effect, title: str, n: int) -> str:
    """One edit in a sentence. title: of its sites, such as "stage 2". n: samples."""
    low, high = one.interval
    words = "taken from another picture" if one.gate == "shuffle" else GATE_WORDS[one.gate]
    told = "" if one.p < SURE and not low <= 0 <= high else "; no change of accuracy can be told"
    return (
        f"With the gates of {title} {words}, {one.accuracy:.2%} of {n:,} pictures are right ({_points(one)}; "
        f"McNemar's test: {p_words(one.p)}{told}), {one.changed:.1%} are given another class, and a logit moves by "
        f"{one.delta_logit:.2f} on average."
    )


def _worth(live: Live, effects: dict[tuple[str, str], Effect], share: Share) -> str:
    off, static, shuffled = (effects["all", gate] for gate in ("1", "mean", "shuffle"))
    found = (
        f"With all gates at 1 this network is right on {off.accuracy:.2%} of {live.n:,} pictures, with its own gates on "
        f"{live.accuracy:.2%}, with each gate at its mean on {static.accuracy:.2%}, with the gates of another picture on "
        f"{shuffled.accuracy:.2%}"
    )
    if share.value is None or share.interval is None:
        return f"{found}: it cannot be told that its gates are worth anything, so there is nothing to divide."
    low, high = share.interval
    return (
        f"{found}: {share.value:.0%} ({low:.0%} to {high:.0%}) of what its gates are worth depends on the picture, and the "
        "rest is a fixed scaling (a network trained without gates would have learned to do without; its plain twin says "
        "how well)."
    )


def _last_stage(live: Live, effects: dict[tuple[str, str], Effect], network: Network) -> str:
    stage = network.gates[-1].stage
    saved = sum(gate.parameters for gate in network.gates if gate.stage == stage)
    of_all = sum(gate.parameters for gate in network.gates)
    off, static = effects[f"s{stage}", "1"], effects[f"s{stage}", "mean"]
    without, fixed = _can_go(off, live.n), _can_go(static, live.n)
    return (
        f"The gates of the last stage, {saved:,} parameters ({saved / network.parameters:.2%} of the network, "
        f"{saved / of_all:.0%} of its SE blocks), {without}: at 1 they change accuracy by {_points(off)}; at their "
        f"mean, which a layer beside them can take over, by {_points(static)}, so that fixed they {fixed} (the "
        "paper, on ImageNet: removing them costs under 0.1 points)."
    )


def _can_go(one: Effect, n: int) -> str:
    """By the interval; where no answer of n samples changed, which the bootstrap takes for certainty, by the rule of three:
    up to 3 / n may change all the same, at 95 %."""
    low, high = one.interval if one.interval != (0.0, 0.0) else (-3 / n, 3 / n)
    if low > -PAPER_COST:
        return "can go"
    return "cannot go" if high < -PAPER_COST else "may or may not go, more pictures would tell"


def _ranking(effects: Sequence[Effect], gate: str) -> str:
    raised = holm([one.p for one in effects])
    told = [one for one, p in zip(effects, raised, strict=True) if p < SURE and not one.interval[0] <= 0 <= one.interval[1]]
    start = f"One site at a time {GATE_WORDS[gate]}"
    if not told:
        return f"{start}: for none of the {len(effects)} can a change of accuracy be told, after Holm's correction."
    told.sort(key=lambda one: one.difference)
    words = ", ".join(f"{one.where} ({_points(one)})" for one in told)
    rest = len(effects) - len(told)
    others = "site" if rest == 1 else f"{rest} sites"
    end = f"; for the other {others} none can be told" if rest else ""
    return f"{start}, accuracy changes at {words}{end}, after Holm's correction for {len(effects)} tests."


def _points(one: Effect) -> str:
    low, high = (100 * end for end in one.interval)
    return f"{100 * one.difference:+.2f} points, {low:+.2f} to {high:+.2f}"
