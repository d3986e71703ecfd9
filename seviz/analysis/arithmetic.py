"""One SE block in numbers: from the squeeze of a picture to one gate, every term named.

    h_k = relu(sum_c w1[k, c] z_c + b1[k])        s_c = sigmoid(sum_k w2[c, k] h_k + b2[c])       (eq. 3, with biases)

J. Hu et al., "Squeeze-and-Excitation Networks", TPAMI 2020.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sum:
    """A weighted sum with a bias, and what a function makes of it.

    inputs, weights, terms (their products): float64 (n,). total: all terms and the bias. value: the function of it.
    """

    inputs: Floats
    weights: Floats
    bias: float
    value: float

    @property
    def terms(self) -> Floats:
        return self.inputs * self.weights

    @property
    def total(self) -> float:
        return float(self.terms.sum() + self.bias)

    def largest(self, k: int) -> list[int]:
        """The inputs of the k terms that are largest in size, largest first; terms of 0 are left out."""
        size = np.abs(self.terms)
        return [int(index) for index in np.argsort(-size, kind="stable")[:k] if size[index] > 0]

    def rest(self, shown: list[int]) -> float:
        """The terms that are not shown, added up."""
        return float(np.delete(self.terms, shown).sum())


@dataclass(frozen=True, eq=False)
class Arithmetic:
    """An SE block at work on one picture, float64.

    z: (C,), the squeeze. w1: (hidden, C), b1: (hidden,), w2: (C, hidden), b2: (C,). before: (hidden,), the sums before
    their ReLU. hidden: (hidden,), behind it. scores: (C,), the sums before the sigmoid. gates: (C,), 0..1.
    """

    z: Floats
    w1: Floats
    b1: Floats
    w2: Floats
    b2: Floats
    before: Floats
    hidden: Floats
    scores: Floats
    gates: Floats

    def of_hidden(self, unit: int) -> Sum:
        """How one hidden unit comes about: a term a channel."""
        return Sum(self.z, self.w1[unit], float(self.b1[unit]), float(self.hidden[unit]))

    def of_gate(self, channel: int) -> Sum:
        """How one gate comes about: a term a hidden unit."""
        return Sum(self.hidden, self.w2[channel], float(self.b2[channel]), float(self.gates[channel]))

    def loudest(self, channel: int) -> int:
        """The hidden unit whose term in a gate is largest in size; the first where all are 0."""
        return int(np.abs(self.of_gate(channel).terms).argmax())


def work(z: ArrayLike, w1: ArrayLike, b1: ArrayLike, w2: ArrayLike, b2: ArrayLike) -> Arithmetic:
    """All numbers of a block for a squeeze z (C,). Raises ValueError where the shapes do not fit."""
    z, w1, b1, w2, b2 = (np.asarray(values, dtype=np.float64) for values in (z, w1, b1, w2, b2))
    hidden, channels = len(b1), len(z)
    if (w1.shape, w2.shape, b2.shape) != ((hidden, channels), (channels, hidden), (channels,)):
        raise ValueError(f"layers of shapes {w1.shape} and {w2.shape} do not fit {channels} channels and {hidden} units")
    before = w1 @ z + b1
    behind = np.maximum(before, 0)
    scores = w2 @ behind + b2
    return Arithmetic(z, w1, b1, w2, b2, before, behind, scores, _sigmoid(scores))


def _sigmoid(x: Floats) -> Floats:
    small = np.exp(-np.abs(x))  # never overflows
    gates: Floats = np.where(x >= 0, 1, small) / (1 + small)
    return gates
