"""Edits in words: what a chip says."""

from __future__ import annotations

import pytest

from seviz.edits import from_text
from seviz.edits.words import in_words

TITLES = {"layer3.2.se": "stage 3 · block 3"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("all~1", "all blocks: off (1)"),
        ("s3~0", "stage 3: shut (0)"),
        ("s3b2~0.5", "stage 3 · block 2: 0.5"),
        ("layer3.2.se~mean", "stage 3 · block 3: static (mean)"),
        ("layer9.se~class.dog", "layer9.se: mean of dog"),
        ("s1~from.cat/0001", "stage 1: gates of cat/0001"),
        ("s1~shuffle.3", "stage 1: shuffled over pictures"),
        ("layer3.2.se~v.AACAPw", "stage 3 · block 3: given numbers"),
        ("s1~x0.5", "stage 1: times 0.5"),
        ("s1~in0.2_0.8", "stage 1: kept in 0.2 to 0.8"),
        ("layer3.2.se~1~c7", "stage 3 · block 3, channel 7 → 1"),
        ("layer3.2.se~0.25~c3.5", "stage 3 · block 3, channels 3, 5 → 0.25"),
        ("layer3.2.se~0~c1.2.3.4.5", "stage 3 · block 3, 5 channels → 0"),
        ("s2~0~top8.gate", "stage 2, top 8 by gate → 0"),
        ("s2~0~bottom8.gradient.dog", "stage 2, bottom 8 by |gate x gradient| for dog → 0"),
        ("s2~x2~random4.7", "stage 2, 4 channels at random → times 2"),
    ],
)
def test_an_edit_in_words(text, said):
    assert [in_words(edit, TITLES) for edit in from_text(text)] == [said]
