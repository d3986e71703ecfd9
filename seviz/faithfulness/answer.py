"""What is asked of a map, and what was found: plain, frozen, numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seviz.analysis.deletion import areas
from seviz.errors import RequestError

Values = NDArray[np.float32]
CURVES = ("own", "random", "moved", "backwards")


@dataclass(frozen=True)
class Setting:
    """How a map is checked; all that is random follows from `seed`.

    steps: in which the pixels go. orders: random ones beside the map's own, and maps with its values in random other places.
    moves: places to which the map is moved, for the order it has there. squares: hidden for the infidelity, their sides an
    eighth to a half of the picture's. noisy: pictures for the max-sensitivity, every colour of every pixel moved by up to
    `radius` standard deviations, evenly.
    """

    steps: int = 16
    orders: int = 10
    moves: int = 4
    squares: int = 64
    noisy: int = 5
    radius: float = 0.02
    seed: int = 0

    def __post_init__(self) -> None:
        least = {"steps": 1, "orders": 1, "moves": 1, "squares": 2, "noisy": 1, "seed": 0}
        for name, low in least.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value < 2**32:
                raise RequestError(f"{name} is a whole number of at least {low}, not {value!r}.")
        if not isinstance(self.radius, int | float) or not 0 < self.radius < float("inf"):
            raise RequestError(f"radius is a number above 0, not {self.radius!r}.")


@dataclass(frozen=True, eq=False)
class Order:
    """The probability of the class while pixels go (deletion) or come back (insertion), at S + 1 shares of them from 0 to 1.

    own: (S + 1,), the strongest pixels of the map first. backwards: (S + 1,), the weakest first. random: (R, S + 1), random
    orders, whose holes are scattered over the picture. moved: (M, S + 1), the map's own order after the map was moved to
    another place, with holes of the same shape.
    """

    shares: Values
    own: Values
    backwards: Values
    random: Values
    moved: Values

    @property
    def area(self) -> float:
        """Under the map's own curve: 0..1, the mean probability."""
        return float(self.areas("own")[0])

    def areas(self, which: str) -> NDArray[np.float64]:
        """Under the curves called own, backwards, random or moved: (1,), (1,), (R,), (M,)."""
        return areas(self.shares, np.atleast_2d(getattr(self, which)).T)


@dataclass(frozen=True, eq=False)
class Redrawn:
    """The map of the network whose weights are redrawn from the classifier down to this stage.

    stage: its name. values: float32 (h, w), in the method's unit. signed, absolute: Spearman's rank correlation with the
    map of the trained network, of the values and of their magnitudes; 0 where the map is the same everywhere, which orders
    nothing.
    """

    stage: str
    values: Values
    signed: float
    absolute: float


@dataclass(frozen=True, eq=False)
class Checked:
    """How faithful the map of one method is, for one picture and class. Its arrays are its own and read-only.

    model: name. sha256: of the weights (hex). layer: module path of Grad-CAM, "input" for methods by pixel. values: the map,
    float32 (h, w). deletion, insertion: curves. infidelity: Captum's, normalised, in logit^2. fall: mean squared fall of the
    logit behind it. infidelity_elsewhere: the infidelity of maps with the same values in other places, mean. sensitivity:
    Captum's max-sensitivity, 0 and more; sensitivity_elsewhere: how far such other maps lie from the map, on the same scale.
    redrawn: stage by stage, the classifier first.
    """

    model: str
    sha256: str
    method: str
    layer: str
    class_index: int
    label: str
    setting: Setting
    values: Values
    deletion: Order
    insertion: Order
    infidelity: float
    infidelity_elsewhere: float
    fall: float
    sensitivity: float
    sensitivity_elsewhere: float
    redrawn: tuple[Redrawn, ...]

    @property
    def is_flat(self) -> bool:
        """Whether the map has one value everywhere, so that there is no order to ask about."""
        return bool((self.values == self.values.flat[0]).all())

    def figures(self) -> dict[str, dict[str, float]]:
        """Measure -> the map's "own" figure, and those of its references: see seviz.analysis.faithfulness.MEASURES."""
        curves = {kind: getattr(self, kind) for kind in ("deletion", "insertion")}
        return {
            **{kind: {name: float(one.areas(name).mean()) for name in CURVES} for kind, one in curves.items()},
            "infidelity": {"own": self._share(self.infidelity), "shuffled": self._share(self.infidelity_elsewhere)},
            "sensitivity": {"own": self.sensitivity, "shuffled": self.sensitivity_elsewhere},
        }

    def _share(self, infidelity: float) -> float:
        """Of the mean squared fall, 0..1; 0 where the logit never moves, so that there is nothing to account for."""
        return min(1.0, max(0.0, infidelity / self.fall)) if self.fall > 0 else 0.0
