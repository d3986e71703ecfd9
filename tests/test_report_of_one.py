"""Predictions of one sample: a report stands, with the cause in the place of the comparison."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from seviz.report.compare import bring_together


def test_one_sample_is_too_few_to_compare_and_the_report_says_why():
    stored = SimpleNamespace(ids=("a",), labels=np.array([0]), logits=np.array([[1.0, 0.0]], np.float32))
    networks = [SimpleNamespace(name=name, classes=("x", "y"), evaluation=stored) for name in ("one", "other")]
    assert bring_together(tuple(networks)).endswith("two are needed.")
