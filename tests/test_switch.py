"""Edits made one after the other: what is said last holds, and the others stay as they were."""

from __future__ import annotations

import pytest
from networks import lively

from seviz.edits import ALL, ClassMean, Constant, DataMean, Where, from_text, to_text
from seviz.edits.switch import drawn, gathered, standing, switched
from seviz.errors import RequestError
from seviz.gates import find_gates

SITES = find_gates(lively())
OFF = Constant(1)


def switch(text, where, gate):
    return to_text(switched(from_text(text), where, gate, SITES))


def draw(text, path, channel, value):
    return to_text(drawn(from_text(text), path, channel, value, SITES))


@pytest.mark.parametrize(
    ("before", "where", "gate", "after"),
    [
        ("", Where(stage=3), OFF, "s3~1"),
        ("s3~1", Where(stage=3), DataMean(), "s3~mean"),
        ("s3~1", Where(stage=3), None, ""),
        ("s3~1", Where(stage=2), OFF, "s3~1!s2~1"),
        ("s3~1!s2~1", ALL, None, ""),
        ("s3~1", ALL, DataMean(), "all~mean"),
        ("layer3.0.se~0.5~c7!s2~1", Where(path="layer3.0.se"), OFF, "s2~1!layer3.0.se~1"),
        ("layer3.0.se~0.5~c7", Where(path="layer3.1.se"), OFF, "layer3.0.se~0.5~c7!layer3.1.se~1"),
        # an edit that names more keeps its other sites
        ("s3~1", Where(path="layer3.1.se"), None, "layer3.0.se~1!layer3.2.se~1"),
        ("s1b2~x0.5", Where(path="layer1.1.se"), OFF, "layer1.1.se~1"),
        ("s1~x0.5~top4.gate", Where(stage=1, block=2), ClassMean("dog"),
         "layer1.0.se~x0.5~top4.gate!layer1.2.se~x0.5~top4.gate!s1b2~class.dog"),
    ],
)  # fmt: skip
def test_a_switch_holds_whatever_was_said_before(before, where, gate, after):
    assert switch(before, where, gate) == after


@pytest.mark.parametrize(
    ("before", "channel", "value", "after"),
    [
        ("", 3, 0.25, "layer3.0.se~0.25~c3"),
        ("layer3.0.se~0.25~c3", 3, 0.5, "layer3.0.se~0.5~c3"),
        ("layer3.0.se~0.25~c3", 5, 0.25, "layer3.0.se~0.25~c3.5"),
        ("layer3.0.se~0.25~c3.5", 5, 0.75, "layer3.0.se~0.25~c3!layer3.0.se~0.75~c5"),
        ("layer3.0.se~0.25~c3.5", 3, None, "layer3.0.se~0.25~c5"),
        ("layer3.0.se~0.25~c3", 3, None, ""),
        ("s3~1", 3, 0, "s3~1!layer3.0.se~0~c3"),
        ("layer3.1.se~0~c3!all~mean", 3, 0, "layer3.1.se~0~c3!all~mean!layer3.0.se~0~c3"),
    ],
)
def test_a_channel_is_drawn_and_let_go(before, channel, value, after):
    assert draw(before, "layer3.0.se", channel, value) == after


def test_a_channel_joins_no_edit_that_another_one_overwrote():
    """Channel 1 was drawn to 0 and then switched off with its stage: drawing channel 3 does not bring that back."""
    assert draw("layer3.0.se~0~c1!s3~1", "layer3.0.se", 3, 0) == "layer3.0.se~0~c1!s3~1!layer3.0.se~0~c3"


def test_changes_are_gathered_by_site_and_value():
    made = gathered([("layer1.0.se", 2, 0.0), ("layer2.0.se", 4, 1.0), ("layer1.0.se", 9, 0.0), ("layer1.0.se", 1, 1.0)])
    assert to_text(made) == "layer1.0.se~0~c2.9!layer2.0.se~1~c4!layer1.0.se~1~c1"


def test_what_stands_at_a_site_is_the_last_edit_of_all_its_channels():
    found = standing(from_text("s3~1!layer3.1.se~mean!layer1.0.se~0~c3"), SITES)
    assert found == {"layer3.0.se": OFF, "layer3.1.se": DataMean(), "layer3.2.se": OFF}


def test_unknown_sites_are_refused():
    with pytest.raises(RequestError, match="no gate 'layer9'"):
        drawn((), "layer9", 0, 1.0, SITES)
    with pytest.raises(RequestError, match="stage 7"):
        switched((), Where(stage=7), None, SITES)
