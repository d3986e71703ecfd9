"""What is said and drawn of corrupted pictures, from figures made up by hand."""

from __future__ import annotations

import numpy as np
import pytest

from seviz.analysis import corruption_tables, corruption_words
from seviz.analysis import corruptions as analysis
from seviz.analysis.corruptions import ALL, CLEAN, KINDS, Apart, Moved, condition
from seviz.analysis.paired import paired_difference
from seviz.figures import corruptions as figures
from seviz.figures.layout import alt
from seviz.gates import Site

N = 400
SITES = (Site("layer1.0.se", 1, 1, 16, 4), Site("layer3.2.se", 3, 3, 64, 16))
APART = (Apart("layer1.0.se", 0.1, 0.1, 0.2), Apart("layer3.2.se", 0.3, 0.3, 0.4))


def rights(count):
    """The first `count` of N pictures are right."""
    return np.arange(N) < count


def conditions(*, clean=360, own=300, held=None, gates=True):
    """Every corruption costs the same, but for noise at 16 %: own and held are the pictures that are right there."""
    more = {"moved": [Moved(0, 0)] * 2, "static": rights(350)} if gates else {}
    made = [condition(CLEAN, 0.0, rights(clean), rights(clean), 0.4, **more)]
    for kind, level in ALL:
        here = rights(own) if (kind, level) == ("noise", 0.16) else rights(330)
        other = rights(own if held is None else held) if (kind, level) == ("noise", 0.16) else rights(330)
        moved = [Moved(0.05, 0.1), Moved(0.1, 0.3 if kind == "noise" else 0.1)]
        more = {"moved": moved, "held": other, "static": rights(280)} if gates else {}
        made.append(condition(kind, level, here, rights(clean), 0.9, **more))
    return tuple(made)


@pytest.mark.parametrize(("held", "verdict", "words"), [
    (340, "break", "would do 10.0 points better (+7.2 to +13.2): they break."),
    (240, "adapt", "would do 15.0 points worse (+11.8 to +18.8): they adapt."),
    (302, "", "would do 0.5 points better"),
])  # fmt: skip
def test_gates_break_where_the_clean_pictures_do_better_and_adapt_where_they_do_worse(held, verdict, words):
    made = conditions(held=held)
    told = analysis.verdicts(made)
    assert told["noise", 0.16] == verdict and {name for key, name in told.items() if key != ("noise", 0.16)} == {""}
    assert len(told) == 29
    one = next(one for one in made if (one.kind, one.level) == ("noise", 0.16))
    said = corruption_words.sentence(one, APART, SITES, told["noise", 0.16])
    start = "Under noise (sd 16%) the gates of stage 3 · block 3 move farthest, 0.75 of the distance to another picture's."
    assert said.startswith(start)
    if verdict:
        low, high = (100 * end for end in paired_difference(rights(held), rights(300)).bootstrap)
        low, high = sorted((abs(low), abs(high)))
        assert f"{low:+.1f} to {high:+.1f}" in said
    assert words.split(" (")[0] in said
    assert ("cannot be told" in said) == (verdict == "")
    assert "Static gates would do 5.0 points worse" in said


def test_a_difference_that_holms_correction_takes_away_is_not_told():
    one = conditions(held=306)  # six pictures of one kind: p is 0.03 by itself
    assert next(c for c in one if (c.kind, c.level) == ("noise", 0.16)).held.p < 0.05
    assert analysis.verdicts(one)["noise", 0.16] == ""


def test_sentences_follow_from_the_numbers():
    said = corruption_words.findings(conditions(held=340), APART, SITES)
    assert len(said) == 2 + len(KINDS)
    assert said[0].startswith("On clean pictures accuracy is 90.00% (")
    assert "noise (sd 16%) costs most, -15.0 points (" in said[0] and "least, -7.5 points" in said[0]
    assert said[1].startswith("At 0 of 29 levels the network's own gates do better")
    assert "at 1 worse (they break), and at 28" in said[1]
    assert len(corruption_words.findings(conditions(gates=False), (), ())) == 1


def test_two_networks_picture_by_picture():
    first, second = conditions(own=320), conditions(clean=340, own=240, gates=False)
    found = {(one.kind, one.level): one for one in analysis.versus(first, second, N)}
    one = found["noise", 0.16]
    assert one.difference == pytest.approx(80 / N) and one.kept == pytest.approx((320 - 360 - 240 + 340) / N)
    values = (rights(320).astype(int) - rights(360)) - (rights(240).astype(int) - rights(340))
    drawn = np.random.default_rng(5).choice(values, (4000, N)).mean(1)  # a bootstrap by picture
    assert one.kept_interval == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.006)
    assert (found[CLEAN, 0.0].difference, found[CLEAN, 0.0].kept) == (pytest.approx(20 / N), 0)


def test_tables_have_a_row_a_figure():
    both = {"se": conditions(), "plain": conditions(gates=False)}
    table = corruption_tables.table(both)
    assert {len(column) for column in table.values()} == {60}
    assert table["clean gates: accuracy"][30:] == [None] * 30 and table["strength"][5] == "quality 10"
    moved = corruption_tables.moved_table(conditions(), APART, SITES)
    assert {len(column) for column in moved.values()} == {58}
    place = moved["corruption"].index("Gaussian noise") + 1
    assert moved["rms over that to another picture"][place] == pytest.approx(0.75)
    assert moved["rms over spread"][place] == pytest.approx(1.0)
    versus = corruption_tables.versus_table("se", "plain", analysis.versus(*both.values(), N))
    assert {len(column) for column in versus.values()} == {30}


def test_accuracy_falls_along_the_levels_with_a_line_a_network_and_its_other_gates():
    networks = {"se": conditions(own=200, held=240), "a <b>": conditions(gates=False)}
    figure = figures.against_strength(networks, "noise", gates=True)
    names = [trace.name for trace in figure.data]
    assert names == ["se", "se, the clean picture's gates", "se, static gates", "a &lt;b&gt;"]
    own, held, static = figure.data[:3]
    assert list(own.x) == ["clean", "4%", "8%", "16%"] and list(own.y) == [0.9, 0.825, 0.825, 0.5]
    assert (list(held.x), held.y[-1]) == (["4%", "8%", "16%"], 0.6)  # of clean pictures they are its own
    assert next(iter(static.x)) == "clean"
    low, high = own.y[-1] - own.error_y.arrayminus[-1], own.y[-1] + own.error_y.array[-1]
    assert (low, high) == pytest.approx((0.4512, 0.5488), abs=1e-3)
    assert len({trace.line.dash for trace in figure.data[:3]}) == 3
    assert "se 90.0 % at clean, 82.5 % at sd 4%, 82.5 % at sd 8% and 50.0 % at sd 16%" in alt(figure)
    assert len(figures.against_strength({"se": conditions()}, "jpeg").data) == 1


@pytest.mark.parametrize(("strength", "points"), [("strong", -40.0), ("mild", -7.5)])
def test_what_is_lost_is_in_points_at_the_strength(strength, points):
    figure = figures.lost({"se": conditions(own=200)}, strength)
    shown = figure.data[1]
    assert shown.x[list(KINDS).index("noise")] == pytest.approx(points)
    assert list(figure.layout.yaxis.ticktext) == [kind.title for kind in KINDS.values()]
    assert ("most under gaussian noise (-40.0 points)" in alt(figure)) == (strength == "strong")


def test_own_gates_minus_others_and_how_far_they_move():
    made = conditions(held=340)
    figure = figures.other_gates(made, "strong")
    assert figure.data[1].x[2] == pytest.approx(-10) and "gaussian noise -10.0" in alt(figure)
    drawn = figures.moved(made, APART, SITES, "strong")
    assert np.asarray(drawn.data[0].z).tolist()[2] == [round(255 * 0.5 / 0.75), 255]
    assert list(drawn.layout.xaxis.ticktext) == ["1.1", "3.3"]
    assert "farthest under gaussian noise at stage 3 · block 3, 0.75 of the distance" in alt(drawn)


def test_the_difference_of_two_networks_begins_with_the_clean_pictures():
    found = analysis.versus(conditions(own=320), conditions(clean=340, own=240, gates=False), N)
    figure = figures.difference("se", "plain", found, "strong")
    accuracy, kept = figure.data[1], figure.data[3]
    assert accuracy.x[0] == pytest.approx(5) and accuracy.x[3] == pytest.approx(20)
    assert len(kept.x) == 9 and kept.x[2] == pytest.approx(15)


def test_sites_whose_gates_are_all_alike_do_not_move():
    still = (Apart("layer1.0.se", 0, 0, 0), APART[1])
    assert analysis.shares(conditions()[1], still)[0] == 0
