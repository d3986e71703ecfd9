"""What is usual for a class: its mean gates over the data set, and how far from them a picture lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import ArrayLike, NDArray

from seviz.analysis.distance import distances_to_classes
from seviz.analysis.moments import Floats, Moments
from seviz.backend import Inspection
from seviz.checkpoints import Checkpoint
from seviz.errors import SevizError
from seviz.excitation import SampleGates
from seviz.ui import caches
from seviz.ui.text import plain
from seviz.ui.text import sentence as markdown

FEWEST = 20  # pictures of a class from which on one may be called unusual among them
UNUSUAL = 0.95


@dataclass(frozen=True)
class Usual:
    """The predicted class of a picture over the data set. row: its index. moments: of the gates, by site. samples: None
    where gates by picture are not stored. about: the data set, for people."""

    label: str
    row: int
    moments: Mapping[str, Moments]
    samples: SampleGates | None
    about: str

    @property
    def means(self) -> dict[str, Floats]:
        """Site path -> (C,), the class's mean gates."""
        return {path: found.mean[self.row] for path, found in self.moments.items()}

    def sd(self, path: str) -> Floats:
        """(C,) of the class's pictures; 0 where there is only one of them."""
        return np.asarray(np.nan_to_num(self.moments[path].sd()[self.row]))

    def farther_than(self, path: str, gates: ArrayLike) -> float | None:
        """The share of the class's pictures whose gates at a site lie nearer to the class's mean than `gates` (C,); channels
        count in units of their sd within classes. None where fewer than FEWEST pictures are known or no gate varies."""
        members = self._members(path)
        if len(members) < FEWEST:
            return None
        known = distances_to_classes(members, self.moments[path], standardised=True)[:, self.row]
        own = distances_to_classes(gates, self.moments[path], standardised=True)[self.row]
        return None if np.isnan(own) else float((known < own).mean())

    def _members(self, path: str) -> NDArray[np.float16]:
        if self.samples is None:
            return np.empty((0, self.moments[path].channels), dtype=np.float16)
        return np.asarray(self.samples.gates[path][self.samples.labels == self.row])


def usual(checkpoint: Checkpoint, answer: Inspection) -> Usual | None:
    """Of the class that the network says; None where nothing is stored, or no picture of that class."""
    try:
        statistics, samples = caches.excitation(checkpoint), caches.sample_gates(checkpoint)
    except SevizError as error:
        st.warning(markdown(str(error)))
        return None
    best = answer.predictions(1)[0]
    if statistics is None or not statistics.count[best.index]:
        return None
    moments = {path: statistics.moments(path) for path in statistics.sites}
    return Usual(best.label, best.index, moments, samples, f"{statistics.key.data.name}, {statistics.key.data.split}")


def sentence(found: Usual, gates: Mapping[str, ArrayLike], titles: Mapping[str, str]) -> str:
    """Whether a picture is unusual for its class, and where. titles: site path -> its title."""
    shares = {path: found.farther_than(path, gates[path]) for path in titles}
    label, about = plain(found.label), plain(found.about)
    told = {path: share for path, share in shares.items() if share is not None}
    if not told:
        return f"Behind the bars: the mean gates of {label} over {about}, ± one standard deviation."
    most = max(told, key=lambda path: told[path])
    odd = [titles[path] for path, share in told.items() if share > UNUSUAL]
    count = int((found.samples.labels == found.row).sum()) if found.samples else 0
    words = f"Of {count:,} pictures of {label} in {about}, {told[most]:.1%} lie nearer to its mean gates at "
    words += titles[most]
    if not odd:
        return f"**Usual for {label}.** {words}, where this one is farthest out; unusual is more than {UNUSUAL:.0%}."
    where = f"**Unusual for {label} at {len(odd)} of {len(told)} blocks.**"
    return f"{where} {words} than this one. (At any one block, one picture in twenty is unusual.)"
