"""One channel of a site in words, and which classes and channels to show where there are too many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seviz.analysis.moments import Moments
from seviz.analysis.specificity import class_selectivity, eta_squared


def describe_channel(moments: Moments, classes: Sequence[str], channel: int) -> str:
    """What a channel does, in sentences that follow from its moments. classes: K names."""
    mean, seen = moments.mean[:, channel], np.flatnonzero(moments.seen)
    if not len(seen):
        return "There are no pictures to say anything of this channel."
    if not moments.overall_sd[channel] > 0:
        return f"This gate never moves: it is {moments.overall_mean[channel]:.3f} for every picture."
    order = seen[np.argsort(-mean[seen], kind="stable")]
    high, low = ([f"{classes[row]} ({mean[row]:.2f})" for row in rows] for rows in (order[:2], order[::-1][:2]))
    many = len(order) > 3
    words = f"Most open for {high[0]}" + (f" and {high[1]}" if many else "")
    words += f", least for {low[0]}" + (f" and {low[1]}" if many else "") + "; in brackets, mean gates."
    share, selectivity = eta_squared(moments).by_channel[channel], class_selectivity(moments)[channel]
    if np.isnan(share):
        return words + " With pictures of one class alone, nothing can be said of differences between classes."
    told = f"Knowing the class explains {share:.0%} of how this gate varies (η²)"
    return f"{words} {told}; class-selectivity index {selectivity:.2f}."


def end_classes(moments: Moments, channel: int, most: int) -> NDArray[np.int64]:
    """All K classes where there are no more than `most`; of more, those with samples whose mean gate at `channel` is highest
    or lowest, half of each, from the highest down."""
    if len(moments.count) <= most:
        return np.arange(len(moments.count))
    seen = np.flatnonzero(moments.seen)
    order = seen[np.argsort(-moments.mean[seen, channel], kind="stable")]
    return order if len(order) <= most else np.concatenate([order[: most - most // 2], order[len(order) - most // 2 :]])


def telling_classes(moments: Moments, most: int) -> NDArray[np.int64]:
    """All K classes where there are no more than `most`; of more, those with pictures whose mean gates differ most from the
    mean over classes (mean over channels of the absolute difference), in the order of the classes."""
    if len(moments.count) <= most:
        return np.arange(len(moments.count))
    strength = np.nan_to_num(np.abs(moments.deviation(balanced=True)).mean(1), nan=-1)
    order = np.argsort(-strength, kind="stable")
    return np.sort(order[moments.count[order] > 0][:most])


def telling_channels(moments: Moments, most: int) -> NDArray[np.int64]:
    """At most `most` channels, those with the largest variance between classes, in their order."""
    return np.sort(np.argsort(-np.nan_to_num(moments.between), kind="stable")[:most])


def thin_classes(moments: Moments, classes: Sequence[str], rows: ArrayLike) -> list[str]:
    """Which of the classes `rows` have no mean or no spread, and why, a sentence each. classes: K names."""
    shown, found = np.asarray(rows), []
    for count, words in ((0, "no pictures"), (1, "one picture, so no spread")):
        thin = [classes[row] for row in shown if moments.count[row] == count]
        if thin:
            found.append(f"With {words}: {', '.join(thin)}.")
    return found
