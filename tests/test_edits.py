"""Edits: exact as text and as JSON, refused in one sentence, and doing to a gate what their definitions say."""

from __future__ import annotations

import json
import re
from dataclasses import FrozenInstanceError
from urllib.parse import parse_qs, urlencode

import numpy as np
import pytest
import torch
from networks import CLASSES, lively, pictures

import seviz
from seviz.edits import (
    ALL,
    Channels,
    Clamped,
    ClassMean,
    Constant,
    DataMean,
    Edit,
    EveryChannel,
    Means,
    OtherPicture,
    RandomChannels,
    Ranked,
    Scaled,
    Shuffled,
    Vector,
    Where,
    from_json,
    from_text,
    to_json,
    to_text,
)
from seviz.edits.resolve import Look, check, drawn, resolve
from seviz.errors import RequestError
from seviz.gates import edit_gates, find_gates, record_gates
from seviz.nets import SqueezeExcite

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def net():
    return lively()


@pytest.fixture(scope="module")
def sites(net):
    return find_gates(net)


@pytest.fixture(scope="module")
def x():
    return pictures(4).permute(0, 3, 1, 2).float() / 128 - 1


# as text and as JSON

EXAMPLES = {
    "all~1": Edit(ALL, Constant(1)),
    "s3~mean": Edit(Where(3), DataMean()),
    "s3b2~class.dog": Edit(Where(3, 2), ClassMean("dog")),
    "layer3.2.se~from.cat/0001": Edit(Where(path="layer3.2.se"), OtherPicture("cat/0001")),
    "all~shuffle.7": Edit(ALL, Shuffled(7)),
    "s1b1~v.AACAPwAAAD8": Edit(Where(1, 1), Vector((1.0, 0.5))),
    "s2~x-0.5": Edit(Where(2), Scaled(-0.5)),
    "s2~in0.2_0.8": Edit(Where(2), Clamped(0.2, 0.8)),
    "s2~0~c3.17": Edit(Where(2), Constant(0), Channels((17, 3, 3))),
    "s2~0~top8.gate": Edit(Where(2), Constant(0), Ranked(8)),
    "s2~0~bottom8.gradient": Edit(Where(2), Constant(0), Ranked(8, "gradient", bottom=True)),
    "s2~0~top8.gradient.dog": Edit(Where(2), Constant(0), Ranked(8, "gradient", label="dog")),
    "s2~0~random8.3": Edit(Where(2), Constant(0), RandomChannels(8, 3)),
    ".s3~0": Edit(Where(path="s3"), Constant(0)),
    "..x~0": Edit(Where(path=".x"), Constant(0)),
    "1~1e-05": Edit(Where(path="1"), Constant(0.00001)),
    "all~class.a%20%7E%21%25~random1.0": Edit(ALL, ClassMean("a ~!%"), RandomChannels(1)),
}


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_edit_has_this_text(text):
    assert to_text([EXAMPLES[text]]) == text
    assert from_text(text) == (EXAMPLES[text],)


def any_edit(rng: np.random.Generator) -> Edit:
    def name():
        return "".join(rng.choice(list("abZ09 ~!%._/-+&=#?é猫\U0001f98a"), rng.integers(1, 9)))

    def number():
        return float(rng.choice([0.0, 1.0, rng.normal(), rng.random(), 10.0 ** rng.integers(-12, 6), rng.normal() * 1e5]))

    def whole(least=0):
        return int(rng.integers(least, 2000))

    low, high = sorted((number(), number()))
    wheres = [ALL, Where(whole(1)), Where(whole(1), whole(1)), Where(path=name()), Where(path="all"), Where(path="s1b2")]
    gates = [Constant(number()), DataMean(), ClassMean(name()), OtherPicture(name()), Shuffled(whole()), Scaled(number())]
    gates += [Clamped(low, high), Vector(tuple(rng.normal(size=rng.integers(1, 70)).tolist()))]
    channels = [EveryChannel(), Channels(tuple(rng.integers(0, 300, rng.integers(1, 9)).tolist())), RandomChannels(whole(1), 5)]
    channels += [Ranked(whole(1), "gate", bool(whole() % 2)), Ranked(whole(1), "gradient", label=name())]
    return Edit(*(options[rng.integers(len(options))] for options in (wheres, gates, channels)))


def test_any_edits_come_back_as_they_were():
    rng = np.random.default_rng(0)
    for _ in range(400):
        edits = tuple(any_edit(rng) for _ in range(rng.integers(0, 5)))
        text = to_text(edits)
        assert from_text(text) == edits
        assert from_text(parse_qs(urlencode({"edits": text}), keep_blank_values=True)["edits"][0]) == edits
        assert from_json(json.loads(json.dumps(to_json(edits), allow_nan=False))) == edits
        assert hash(from_text(text)) == hash(edits)


def test_a_vector_is_short_in_a_link_and_keeps_every_float32():
    gates = np.random.default_rng(1).random(64).astype(np.float32)
    edit = Edit(ALL, Vector(tuple(gates.tolist())))
    assert len(to_text([edit])) < 64 * 6
    assert np.array_equal(np.array(from_text(to_text([edit]))[0].gate.values, dtype=np.float32), gates)
    assert Vector((0.1,)).values == (0.1,)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("all", "The edit 'all' cannot be read: it is not sites~gate or sites~gate~channels."),
        ("all~1~c1~c2", "The edit 'all~1~c1~c2' cannot be read: it is not sites"),
        ("all~1!", "The edit '' cannot be read: it is not"),
        ("~1", "'~1' cannot be read: the path of a site of an edit is a name, not ''"),
        ("s0~1", "'s0~1' cannot be read: the stage of an edit is a whole number from 1, not 0."),
        ("all~one", "'one' is nothing that a gate can become"),
        ("all~nan", "'nan' is nothing that a gate can become"),
        ("all~inf", "'inf' is nothing that a gate can become"),
        ("all~1e9", "the gate of an edit is a finite number up to 1,000,000, not 1000000000.0"),
        ("all~in0.8_0.2", "a gate cannot be clamped to 0.8..0.2: the lower limit is the higher one"),
        ("all~v.A", "'v.A' is no vector of float32 numbers"),
        ("all~v.AAAA", "'v.AAAA' is no vector of float32 numbers"),
        ("all~v.é", "is no vector of float32 numbers"),
        ("all~v.AADAfw", "the vector's value of an edit is a finite number up to 1,000,000, not nan"),
        ("all~v.", "the vector of an edit is a tuple that is not empty"),
        ("all~class.", "the class of an edit is a name, not ''"),
        ("all~class.%00", "the class of an edit is a name"),
        ("all~0~c", "'c' names no channels"),
        ("all~0~c-1", "'c-1' names no channels"),
        ("all~0~top0.gate", "the number of channels of an edit is a whole number from 1, not 0"),
        ("all~0~top3.size", "channels are ranked by gate or gradient, not by 'size'"),
        ("all~0~top3.gate.dog", "only a ranking by gradient is for a class"),
        ("!".join(["all~1"] * 65), "65 edits at once are too many; 64 is the limit."),
        ("a" * 100_001, "Edits of 100,001 characters are too long; 100,000 is the limit."),
        ("!".join(["nonsense"] * 65), "65 edits at once are too many; 64 is the limit."),
        ("!" * 90_000, "90001 edits at once are too many; 64 is the limit."),
        ("all~٣", "'٣' is nothing that a gate can become"),
        ("all~x٣", "'x٣' is nothing that a gate can become"),
        ("all~in0_٣", "'in0_٣' is nothing that a gate can become"),
        ("all~shuffle.٣", "'shuffle.٣' is nothing that a gate can become"),
        ("all~0~c٣", "'c٣' names no channels"),
        ("all~0~top٣.gate", "'top٣.gate' names no channels"),
        ("all~0~random٣.0", "'random٣.0' names no channels"),
        ("x" * 5000, "The edit 'xxxx"),
    ],
)
def test_broken_text_is_one_sentence(text, sentence):
    with pytest.raises(RequestError, match=re.escape(sentence)) as caught:
        from_text(text)
    assert len(str(caught.value)) < 200
    assert str(caught.value).endswith(".")


def test_a_stage_is_numbered_by_ascii_digits():
    assert from_text("s٣~1")[0].where == Where(path="s٣")  # what is none of the short forms is a path


def test_no_damage_to_a_text_raises_anything_else():
    whole = "!".join(EXAMPLES)
    rng = np.random.default_rng(2)
    for _ in range(3000):
        letters = list(whole)
        for place in rng.integers(0, len(letters), 3):
            letters[place] = chr(rng.integers(1, 300))
        try:
            edits = from_text("".join(letters)[: rng.integers(1, len(letters))])
        except RequestError:
            continue
        assert from_text(to_text(edits)) == edits


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "Edits are a list of objects, not {}."),
        ([1], "Edit 1 is no object of where, gate and, perhaps, channels: 1."),
        ([{"where": "all"}], "Edit 1 is no object of where, gate"),
        ([{"where": "all", "gate": {}, "colour": 1}], "Edit 1 is no object of where, gate"),
        ([{"where": 3, "gate": {"kind": "mean"}}], "The sites of edit 1 are a text such as s3, not 3."),
        ([{"where": "all", "gate": {"kind": "one"}}], "The gate of edit 1 cannot be read: its kind is one of constant, mean"),
        ([{"where": "all", "gate": {"kind": ["mean"]}}], "The gate of edit 1 cannot be read: its kind is one of"),
        ([{"where": "all", "gate": {"kind": "constant"}}], "The gate of edit 1 cannot be read: {'kind': 'constant'} has other"),
        ([{"where": "all", "gate": {"kind": "constant", "value": "1"}}], "is a finite number up to 1,000,000, not '1'."),
        ([{"where": "all", "gate": {"kind": "constant", "value": True}}], "is a finite number up to 1,000,000, not True."),
        ([{"where": "all", "gate": {"kind": "constant", "value": float("nan")}}], "up to 1,000,000, not nan."),
        ([{"where": "all", "gate": {"kind": "constant", "value": 10**400}}], "is a finite number up to 1,000,000, not 1000"),
        ([{"where": "all", "gate": {"kind": "vector", "values": [0.5, float("inf")]}}], "not inf."),
        ([{"where": "all", "gate": {"kind": "vector", "values": 3}}], "The vector of an edit is a tuple"),
        ([{"where": "all", "gate": {"kind": "shuffled", "seed": 1.5}}], "is a whole number from 0, not 1.5."),
        (
            [{"where": "all", "gate": {"kind": "mean"}, "channels": {"kind": "ranked", "k": 2, "bottom": 1}}],
            "The channels of edit 1 cannot be read: A ranking is from the bottom or not: true or false, not 1.",
        ),
    ],
)
def test_broken_json_is_one_sentence(values, sentence):
    with pytest.raises(RequestError, match=re.escape(sentence)) as caught:
        from_json(values)
    assert len(str(caught.value)) < 250


def test_edits_are_frozen_values():
    with pytest.raises(FrozenInstanceError):
        EXAMPLES["all~1"].gate = Constant(0)
    with pytest.raises(RequestError, match="'s3' is no part of an edit"):
        Edit("s3", Constant(1))
    with pytest.raises(RequestError, match="'s3~1' is no edit"):
        to_text(["s3~1"])
    with pytest.raises(RequestError, match="by stage and block or by a path, not by both"):
        Where(1, path="layer1.0.se")
    with pytest.raises(RequestError, match="names a block names its stage"):
        Where(block=1)


# against the sites of a network


@pytest.mark.parametrize(
    ("where", "paths"),
    [
        ("all", [f"layer{s}.{b}.se" for s in (1, 2, 3) for b in (0, 1, 2)]),
        ("s2", ["layer2.0.se", "layer2.1.se", "layer2.2.se"]),
        ("s2b3", ["layer2.2.se"]),
        ("layer1.0.se", ["layer1.0.se"]),
    ],
)
def test_sites_are_named_by_stage_block_or_path(sites, where, paths):
    assert list(resolve(from_text(f"{where}~1"), sites)) == paths


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("layer9.0.se~1", "There is no gate 'layer9.0.se' in this network; its gates are layer1.0.se, layer1.1.se"),
        ("s4~1", "There are no gates in stage 4 of this network; its stages with gates are 1, 2, 3."),
        ("s2b4~1", "Block 4 of stage 2 has no gate; those that have one are 1, 2, 3."),
        ("all~v.AACAPwAAAD8", "layer1.0.se has 16 channels; an edit of 2 does not fit it."),
        ("s3~0~c64", "layer3.0.se has channels 0 to 63; an edit names channel 64."),
        ("all~0~top17.gate", "layer1.0.se has 16 channels; an edit asks for 17 of them."),
        ("all~0~random17.0", "layer1.0.se has 16 channels; an edit asks for 17 of them."),
        ("all~class.cow", "There is no class 'cow' for an edit; there are 5: ant, bee, cat, dog, elk."),
        ("all~0~top1.gradient.cow", "There is no class 'cow' for an edit"),
        ("all~shuffle.0", "Gates are shuffled over the pictures of a request; give two or more."),
        ("all~from.b", "The picture 'b', whose gates an edit asks for, was not handed in."),
    ],
)
def test_what_a_network_lacks_is_one_sentence(sites, text, sentence):
    with pytest.raises(RequestError, match=re.escape(sentence)):
        check(from_text(text), sites, classes=CLASSES, pictures=1, others=["a"])


def test_edits_of_a_plain_network_are_one_sentence():
    with pytest.raises(RequestError, match="This is a plain network: it has no gates to edit; choose one with SE blocks"):
        resolve(from_text("all~1"), ())
    assert resolve((), ()) == {}


def gate_of(rows=3, channels=6, seed=0):
    return torch.rand(rows, channels, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def edited(text, gate, *, means=None, look=None):
    """What a text makes of the gate of a network with one site, "g"."""
    site = type("Site", (), {"path": "g", "stage": 0, "block": 0, "channels": gate.shape[-1]})()
    return resolve(from_text(text), [site], means=means, seen={0: look} if look else None)["g"](gate)


def by_element(gate, change):
    """A new gate, number by number: change(row, channel, value)."""
    rows = [[change(b, c, float(value)) for c, value in enumerate(row)] for b, row in enumerate(gate)]
    return torch.tensor(rows, dtype=torch.float64)


CHANGES = {
    "g~0.25": lambda b, c, s: 0.25,
    "g~x0.5": lambda b, c, s: s / 2,
    "g~in0.3_0.6": lambda b, c, s: 0.3 if s < 0.3 else 0.6 if s > 0.6 else s,
    "g~0~c0.4": lambda b, c, s: 0 if c in (0, 4) else s,
    "g~x2~c5": lambda b, c, s: 2 * s if c == 5 else s,
    "g~v.AACAPwAAAD8AAIA-AAAAAAAAgD8AAAA_": lambda b, c, s: (1, 0.5, 0.25, 0, 1, 0.5)[c],
    "g~x0.5!g~in0.3_0.6": lambda b, c, s: min(max(s / 2, 0.3), 0.6),
    "g~in0.3_0.6!g~x0.5": lambda b, c, s: min(max(s, 0.3), 0.6) / 2,
}


@pytest.mark.parametrize("text", CHANGES)
def test_a_gate_becomes_what_the_edit_says_number_by_number(text):
    gate = gate_of()
    torch.testing.assert_close(edited(text, gate), by_element(gate, CHANGES[text]), atol=1e-15, rtol=0)


@pytest.mark.parametrize("bottom", [False, True])
def test_ranked_channels_are_each_pictures_own(bottom):
    gate = gate_of(rows=4)
    gate[0, :] = torch.tensor([0.5, 0.75, 0.5, 0.75, 0.25, 0.25])  # ties: the lower channel first
    text = f"g~0~{'bottom' if bottom else 'top'}3.gate"

    def change(row, channel, value):
        order = sorted(range(6), key=lambda c: (float(gate[row, c]) if bottom else -float(gate[row, c]), c))
        return 0 if channel in order[:3] else value

    found = edited(text, gate)
    torch.testing.assert_close(found, by_element(gate, change), atol=0, rtol=0)
    assert found[0].tolist() == ([0, 0.75, 0.5, 0.75, 0, 0] if bottom else [0, 0, 0.5, 0, 0.25, 0.25])


def test_a_later_edit_ranks_what_an_earlier_one_left():
    gate = torch.tensor([[0.9, 0.8, 0.7, 0.1]])
    assert edited("g~0.2~c0!g~0~top1.gate", gate)[0].tolist() == pytest.approx([0.2, 0, 0.7, 0.1])
    assert edited("g~0~top1.gate!g~0.2~c0", gate)[0].tolist() == pytest.approx([0.2, 0.8, 0.7, 0.1])


def test_random_channels_are_seeded_and_each_sites_own():
    gate = torch.ones(2, 64)
    once, again, other = (edited(f"g~0~random8.{seed}", gate) for seed in (1, 1, 2))
    assert torch.equal(once, again)
    assert not torch.equal(once, other)
    assert (once == 0).sum(1).tolist() == [8, 8]
    assert torch.equal(once[0], once[1])
    assert set(drawn(64, 8, 1, "layer1.0.se").tolist()) != set(drawn(64, 8, 1, "layer1.1.se").tolist())
    hits = np.bincount(np.concatenate([drawn(8, 2, seed, "g") for seed in range(4000)]), minlength=8)
    assert hits.sum() == 8000
    assert ((hits - 1000) ** 2 / 1000).sum() < 24.3  # chi square with 7 degrees of freedom, 0.1 %


def test_means_are_those_of_the_pictures_in_the_sums():
    rng = np.random.default_rng(3)
    gates, labels = rng.random((30, 6)), rng.integers(0, 3, 30)
    sums = np.stack([gates[labels == k].sum(0) if (labels == k).any() else np.zeros(6) for k in range(4)])
    means = Means.from_sums(("ant", "bee", "cat", "dog"), np.bincount(labels, minlength=4), {"g": sums})
    gate = gate_of()
    wanted = torch.from_numpy(gates.mean(0)).expand(3, -1)
    torch.testing.assert_close(edited("g~mean", gate, means=means), wanted)
    of_bee = torch.from_numpy(gates[labels == 1].mean(0))
    torch.testing.assert_close(edited("g~class.bee~c2", gate, means=means)[:, 2], of_bee[2].expand(3))
    with pytest.raises(RequestError, match="no pictures of the class 'dog'"):
        edited("g~class.dog", gate, means=means)
    with pytest.raises(RequestError, match="no class 'elk' among the means of the gates; there are ant, bee"):
        edited("g~class.elk", gate, means=means)
    with pytest.raises(RequestError, match="needs the mean gates of a data set; `python -m seviz excite"):
        edited("g~mean", gate)
    with pytest.raises(RequestError, match="no pictures to take the mean"):
        Means.from_sums(("ant",), np.zeros(1, dtype=np.int64), {"g": np.zeros((1, 6))})


def test_what_needs_a_look_says_so_where_nobody_looked():
    for text in ("g~shuffle.0", "g~from.b", "g~0~top1.gradient"):
        with pytest.raises(RequestError, match=r"needs a look at the network first.*Model\.inspect"):
            edited(text, gate_of())
    seen = gate_of(seed=9)
    assert torch.equal(edited("g~from.b", gate_of(), look=Look(gates={"g": seen[:1]})), seen[:1].expand(3, -1))


def test_gates_without_squeeze_are_edited_at_every_pixel():
    gate = torch.rand(2, 4, 5, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    top = edited("g~0~top2.gate", gate)
    for b in range(2):
        means = gate[b].mean((0, 1)).tolist()
        chosen = sorted(range(6), key=lambda c: -means[c])[:2]
        for c in range(6):
            assert torch.equal(top[b, :, :, c], torch.zeros(4, 5) if c in chosen else gate[b, :, :, c])
    rows = torch.rand(2, 6, dtype=torch.float64)
    wanted = rows[:, None, None, :].expand(2, 4, 5, 6)
    assert torch.equal(edited("g~from.b", gate, look=Look(gates={"g": rows})), wanted)


# on a module, through seviz.edit_gates


def test_no_edits_and_edits_that_change_nothing_are_bit_identical(net, x):
    before = net(x)
    for text in ("", "all~x1", "all~in0_1", "all~x1~top3.gate"):
        with seviz.edit_gates(net, from_text(text)):
            assert torch.equal(net(x), before)


def test_all_gates_at_one_is_the_plain_twins_arithmetic(net, x):
    plain = lively("resnet20")
    plain.load_state_dict({name: value for name, value in net.state_dict().items() if ".se." not in name})
    for edits in ("all~1", from_text("all~1"), dict.fromkeys((site.path for site in find_gates(net)), 1.0)):
        with edit_gates(net, edits):
            assert torch.equal(net(x), plain(x))


def test_a_function_of_the_live_gate_multiplies_and_is_recorded(net, x):
    with record_gates(net) as live:
        net(x)
    with edit_gates(net, {"layer1.0.se": lambda gate: 1 - gate}), record_gates(net) as found:
        net(x)
    assert torch.equal(found.gates["layer1.0.se"], 1 - live.gates["layer1.0.se"])
    narrow = edit_gates(net, {"layer1.0.se": lambda gate: gate[:, :3]})
    with pytest.raises(RequestError, match=r"layer1\.0\.se makes a gate of shape \(4, 3\), not \(4, 16\)"), narrow:
        net(x)


def test_leaving_restores_the_module_also_when_the_body_raises(net, x):
    before = {name: value.clone() for name, value in net.state_dict().items()}
    answer, modes = net(x), [module.training for module in net.modules()]
    with pytest.raises(ZeroDivisionError), edit_gates(net, from_text("all~0!s3~x2~top3.gate")):
        raise ZeroDivisionError(net(x))
    with pytest.raises(RequestError), edit_gates(net, from_text("all~1!s9~1")):
        raise AssertionError("the body must not run")
    assert torch.equal(net(x), answer)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert [module.training for module in net.modules()] == modes
    assert not any(m._forward_hooks or m._forward_pre_hooks or m._backward_hooks for m in net.modules())


SMOOTH = ["s3b2~x0.5", "s3b2~in0.45_0.55", "s3b2~0~c0.5", "s3b2~0.5~top9.gate", "s3b2~x2!s3b2~0~bottom4.gate"]


@pytest.mark.parametrize("text", SMOOTH)
def test_gradients_through_an_edit_equal_finite_differences(text):
    """d logit / d gate before the edit, in float64: the live gate is put in as a leaf, then edited."""
    net = lively().double()
    picture = pictures(1).permute(0, 3, 1, 2).double() / 128 - 1
    change = resolve(from_text(text), find_gates(net))["layer3.1.se"]
    with record_gates(net) as live:
        net(picture)

    def score(gate):
        with edit_gates(net, {"layer3.1.se": lambda _: change(gate)}):
            return net(picture)[0, 2]

    leaf = live.gates["layer3.1.se"].clone().requires_grad_()
    assert torch.autograd.gradcheck(score, leaf, eps=1e-7)


def test_the_edit_applies_to_anybodys_module():
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 1), SqueezeExcite(8, 2))
    x = torch.rand(2, 3, 4, 4)
    with edit_gates(net, [Edit(Where(path="1"), Constant(0), Channels((2,)))]):
        out = net(x)
    assert out[:, 2].abs().max() == 0
    assert torch.equal(out[:, 3], net(x)[:, 3])
