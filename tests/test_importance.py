"""Each channel dropped alone: counts against a loop over pictures, files old and new, and rank correlations against scipy."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from networks import PREPROCESSING, lively
from scipy import stats
from test_ablation import SHA, StoppedError, centred, folder, home, toy
from test_edited_answers import by_hand, normalised

from seviz import cli
from seviz.ablation import Setting, ablate, channels, load_ablation
from seviz.ablation.channels import Tally, drop_each
from seviz.ablation.passes import sampled
from seviz.analysis import importance
from seviz.analysis.importance import (
    KNOWN,
    Correlation,
    Dropped,
    correlations,
    known,
    network_sentence,
    overlap_sentence,
    pooled,
    rank_correlation,
    site_sentence,
)
from seviz.analysis.moments import sample_moments
from seviz.analysis.paired import paired_difference
from seviz.analysis.specificity import class_selectivity, eta_squared
from seviz.card import content_sha256
from seviz.checkpoints import open_checkpoint
from seviz.errors import CheckpointError, JobError, RequestError
from seviz.gates import find_gates
from seviz.resuming import state_path

__all__ = ["folder", "home"]  # fixtures
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def net():
    return centred()


@pytest.fixture(scope="module")
def data():
    return toy()


def setting(**changes):
    return replace(Setting(SHA, "as typed", batch=5, seed=4, channels=13), **changes)


@pytest.fixture(scope="module")
def found(net, data, tmp_path_factory):
    return ablate(net, data, PREPROCESSING, tmp_path_factory.mktemp("channels") / "ablation.json", setting())


# the measurement


def test_every_count_is_that_of_a_loop_over_pictures(net, data, found):
    rows = sampled(len(data), 13, 4)
    assert len(set(rows.tolist())) == 13
    pictures = [normalised(data.pictures[row : row + 1]) for row in rows]
    live = torch.cat([by_hand(net, x)[0] for x in pictures])
    labels = data.labels[rows]
    assert [one.site for one in found.channels] == [site.path for site in find_gates(net)]
    for one in (found.channels[0], found.channels[4], found.channels[8]):
        for channel in (0, 7, one.channels - 1):

            def change(path, gate, site=one.site, channel=channel):
                return gate * (torch.arange(gate.shape[1]) != channel) if path == site else gate

            logits = torch.cat([by_hand(net, x, change)[0] for x in pictures])
            before, after = live.argmax(1).numpy(), logits.argmax(1).numpy()
            assert one.only_dropped[channel] == sum((after == labels) & (before != labels))
            assert one.only_live[channel] == sum((before == labels) & (after != labels))
            assert one.changed[channel] == sum(before != after)
            assert one.delta_logit[channel] == pytest.approx(float((logits - live).abs().mean()), abs=1e-4)
            assert one.difference[channel] == pytest.approx(np.mean(after == labels) - np.mean(before == labels))
    assert len({count for one in found.channels for count in one.changed}) > 2, "some channel does something"


def test_channels_whose_logits_do_not_fit_at_once_are_counted_in_parts(net, data, found, monkeypatch, tmp_path):
    monkeypatch.setattr(channels, "AT_ONCE", 50)
    assert ablate(net, data, PREPROCESSING, tmp_path / "ablation.json", setting()).channels == found.channels


def test_a_channel_of_a_gate_without_squeeze_is_dropped_everywhere(data):
    net = lively(se_squeeze="none")
    sites = find_gates(net)
    (tally,) = drop_each(Tally.empty(4, sum(site.channels for site in sites)), net, data, PREPROCESSING, sites, seed=0, batch=9)
    x = normalised(data.pictures[sampled(len(data), 4, 0)])
    live, block = net(x), net.get_submodule("layer3.2.se")
    block.gate.register_forward_hook(lambda module, inputs, output: output * (torch.arange(64) != 3))
    assert tally.effects(sites)[-1].delta_logit[3] == pytest.approx(float((net(x) - live).abs().mean()), abs=1e-5)


def test_a_pass_that_was_stopped_among_its_channels_goes_on_bit_for_bit(net, data, found, tmp_path):
    path, seen = tmp_path / "ablation.json", []

    def dropping(done, total):
        if done >= 5:
            raise StoppedError

    with pytest.raises(StoppedError):
        ablate(net, data, PREPROCESSING, path, setting(save_every=0, dropping=dropping))
    assert [one.name for one in tmp_path.iterdir()] == ["ablation.resume.npz"]
    for asked in (12, 0):
        with pytest.raises(JobError, match=r"other inputs \(channels\); resume with --channels 13"):
            ablate(net, data, PREPROCESSING, path, setting(resume=True, channels=asked))
    said = {"dropping": lambda done, total: seen.append((done, total)), "progress": lambda *_: seen.append("edits")}
    again = setting(resume=True, **said)
    assert ablate(net, data, PREPROCESSING, path, again) == found
    assert seen == [(10, 13), (13, 13)]
    assert not state_path(path).exists()


def test_what_a_finished_file_lacks_is_added_and_its_edits_stay(net, data, found, tmp_path):
    path, seen = tmp_path / "ablation.json", []
    first = ablate(net, data, PREPROCESSING, path, setting(channels=0))
    assert first.channels == () and first.effects == found.effects
    added = ablate(net, data, PREPROCESSING, path, setting(resume=True, progress=lambda *_: seen.append("edits")))
    assert added == found == load_ablation(path)
    assert seen == []
    other = setting(resume=True, seed=5, progress=lambda *_: seen.append("edits"))
    assert ablate(net, data, PREPROCESSING, path, other).channels != found.channels
    assert seen, "edits of another seed are others"
    path.write_bytes(b"damaged")
    assert ablate(net, data, PREPROCESSING, path, setting(resume=True)) == found


def test_curves_and_channels_that_are_there_are_never_lost(net, data, found, tmp_path):
    path, seen = tmp_path / "ablation.json", []
    ablate(net, data, PREPROCESSING, path, setting())
    said = {"dropping": lambda *_: seen.append("channels"), "progress": lambda *_: seen.append("edits")}
    added = ablate(net, data, PREPROCESSING, path, setting(resume=True, channels=0, curves=4, **said))
    assert added.channels == found.channels and added.curve_pictures == 4 and seen == []
    assert added.command == "as typed --channels 13"
    stored = path.read_bytes()
    with pytest.raises(JobError, match="also holds what `--channels 13` gave, which would be lost: add --resume to keep it"):
        ablate(net, data, PREPROCESSING, path, setting(channels=0, curves=4))
    with pytest.raises(JobError, match="is of other pictures and also holds what `--curves 4 --channels 13` gave"):
        ablate(net, toy(22), PREPROCESSING, path, setting(channels=0, resume=True))
    assert [one.name for one in tmp_path.iterdir()] == ["ablation.json"] and path.read_bytes() == stored
    retrained = setting(channels=0, weights_sha256="cd" * 32)
    assert ablate(net, data, PREPROCESSING, path, retrained).channels == ()


def test_more_pictures_than_there_are_is_one_sentence(net, data, tmp_path):
    with pytest.raises(RequestError, match="Channels over 24 pictures were asked for, and there are 23; ask for fewer"):
        ablate(net, data, PREPROCESSING, tmp_path / "ablation.json", setting(channels=24))


# ablation.json


def written(path, values):
    values["content_sha256"] = content_sha256(values, "content_sha256")
    path.write_text(json.dumps(values), encoding="utf-8")


def test_files_from_before_channels_were_measured_are_read(found, tmp_path):
    path, values = tmp_path / "ablation.json", json.loads(json.dumps(found.to_json()))
    del values["channels"]
    written(path, values)
    assert load_ablation(path) == replace(found, channels=())


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.pop(),
        lambda v: v.reverse(),
        lambda v: v[0].pop("changed"),
        lambda v: v[0]["changed"].pop(),
        lambda v: v[0]["delta_logit"].pop(),
        lambda v: v[0]["delta_logit"].__setitem__(0, -0.1),
        lambda v: v[0]["delta_logit"].__setitem__(0, None),
        lambda v: v[0]["only_live"].__setitem__(0, 14),
        lambda v: v[0]["only_live"].__setitem__(0, 0.5),
        lambda v: (v[0]["only_live"].__setitem__(0, 7), v[0]["only_dropped"].__setitem__(0, 7)),
        lambda v: v[0].update(n=0),
        lambda v: v[0].update(n=14),
        lambda v: v[0].update(colour=1),
        lambda v: v[0].update(site=3),
    ],
)
def test_damaged_channels_are_one_sentence(found, tmp_path, change):
    path, values = tmp_path / "ablation.json", json.loads(json.dumps(found.to_json()))
    change(values["channels"])
    written(path, values)
    with pytest.raises(CheckpointError, match="is damaged; write it again with"):
        load_ablation(path)


def test_the_command_measures_channels_and_says_which_command_it_was(home, folder, capsys):
    options = ["ablate", "--model", "tiny", "--data", f"folder:{folder}", "--threads", "1"]
    assert cli.main([*options, "--channels", "6"]) == 0
    found = open_checkpoint("tiny").ablation()
    text = capsys.readouterr().out
    assert found.command == "python -m seviz ablate --model tiny --data folder:toy --channels 6"
    assert {one.n for one in found.channels} == {6}
    assert "every channel dropped alone, 6 pictures" in text
    strongest = found.channels[-1].logit.argmax()
    (row,) = [line for line in text.splitlines() if line.startswith("layer3.2.se") and "channel" in line]
    assert f"channel {strongest} " in row


def test_the_committed_file_holds_every_channel():
    checkpoint = open_checkpoint("se_resnet20")
    found = checkpoint.ablation()
    assert sum(one.channels for one in found.channels) == 336
    assert "--channels 1000" in found.command and {one.n for one in found.channels} == {1000}


# statistics


def test_figures_of_dropped_channels_by_hand():
    one = Dropped("a", 10, (2, 0), (1, 3), (4, 3), (0.5, 0.25))
    assert one.difference.tolist() == [0.1, -0.3]
    assert one.effect("accuracy") == pytest.approx([-10, 30])
    assert one.effect("logit").tolist() == [0.5, 0.25]
    assert one.channels == 2
    right = np.arange(10) < 3
    assert one.intervals[1] == paired_difference(np.zeros(10, bool), right).bootstrap
    assert one.intervals[1][0] < -0.3 < one.intervals[1][1] < 0


def test_rank_correlations_are_scipys():
    rng = np.random.default_rng(0)
    x, y = rng.random(40), rng.integers(0, 6, 40).astype(float)
    wanted = stats.spearmanr(x, y)
    found = rank_correlation(x, y)
    assert (found.rho, found.p, found.n) == (pytest.approx(wanted.statistic), pytest.approx(wanted.pvalue), 40)
    by_ranks = np.corrcoef(stats.rankdata(x), stats.rankdata(y))[0, 1]
    assert found.rho == pytest.approx(by_ranks)
    holes = rank_correlation([*x, np.nan, 3], [*y, 1, np.nan])
    assert holes == found


def test_the_interval_holds_the_true_correlation_in_19_of_20_samples():
    rng, inside = np.random.default_rng(1), 0
    truth = 6 / np.pi * np.arcsin(0.5 / 2)  # of ranks, where that of normal values is 0.5
    for _ in range(400):
        x, y = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], 60).T
        low, high = rank_correlation(x, y).interval
        inside += low <= truth <= high
    assert 0.92 <= inside / 400 <= 0.98


@pytest.mark.parametrize(
    ("x", "y", "n"), [([1, 2, 3], [3, 2, 1], 3), ([1, 1, 1, 1], [1, 2, 3, 4], 4), ([1, 2, 3, 4], [0, 0, 0, 0], 4), ([], [], 0)]
)
def test_where_there_is_nothing_to_rank_there_is_no_correlation(x, y, n):
    assert rank_correlation(x, y) == Correlation(None, None, None, n)


def test_a_perfect_order_has_no_interval():
    found = rank_correlation([1, 2, 3, 4, 5], [2, 4, 6, 8, 99])
    assert (found.rho, found.interval) == (pytest.approx(1), None)
    with pytest.raises(ValueError, match="lists of one length"):
        rank_correlation([1, 2], [1, 2, 3])


def test_pooling_weighs_sites_by_how_well_they_are_known():
    small, large = Correlation(0.8, (0.5, 0.9), 0.01, 16), Correlation(0.0, (-0.2, 0.2), 0.9, 64)
    z, weights = np.arctanh([0.8, 0.0]), np.array([13 / 1.32, 61.0])
    found = pooled([small, large, Correlation(None, None, None, 8)])
    middle = (weights * z).sum() / weights.sum()
    assert found.rho == pytest.approx(np.tanh(middle))
    assert found.interval == pytest.approx(tuple(np.tanh(stats.norm.interval(0.95, middle, weights.sum() ** -0.5))))
    assert found.p == pytest.approx(2 * stats.norm.sf(middle * weights.sum() ** 0.5))
    assert found.n == 80
    assert pooled([]) == Correlation(None, None, None, 0)


def measured():
    """Two sites of 8 channels: in the first, mean gate and effect agree; in the second they run against each other."""
    rng, pairs = np.random.default_rng(3), []
    labels = np.arange(60) % 3
    for site, sign in (("a", 1), ("b", -1)):
        level = np.linspace(0.2, 0.8, 8)
        gates = np.clip(level + 0.05 * rng.standard_normal((60, 8)) + 0.1 * (labels[:, None] == np.arange(8) % 3), 0, 1)
        noise = rng.permutation(8) * 0.02
        effect = (level if sign > 0 else 1 - level) + noise + (0 if sign > 0 else 5)
        lost = tuple(int(value * 10) for value in effect)
        pairs.append((Dropped(site, 100, (0,) * 8, lost, lost, tuple(effect)), sample_moments(gates, labels, 3)))
    return pairs


def test_what_is_known_of_a_gate_is_what_the_analysis_knows():
    (_, moments), _ = measured()
    assert known(moments, "gate") == pytest.approx(moments.overall_mean)
    assert known(moments, "selectivity") == pytest.approx(class_selectivity(moments))
    assert known(moments, "eta") == pytest.approx(eta_squared(moments).by_channel)


def test_correlations_are_pooled_within_sites_together_and_site_by_site():
    pairs = measured()
    found = correlations(pairs, "logit")
    assert list(found) == list(KNOWN)
    within, together, first, second = found["gate"]
    assert (first.n, second.n, within.n, together.n) == (8, 8, 16, 16)
    assert first.rho > 0.5 > 0 > -0.5 > second.rho
    assert abs(within.rho) < 0.6
    gates = np.concatenate([moments.overall_mean for _, moments in pairs])
    effects = np.concatenate([one.logit for one, _ in pairs])
    assert together.rho == pytest.approx(stats.spearmanr(gates, effects).statistic)
    lost = correlations(pairs, "accuracy")["gate"][2]
    assert lost.rho == pytest.approx(stats.spearmanr(pairs[0][1].overall_mean, pairs[0][0].only_live).statistic)


# in words


def test_a_site_in_words():
    values, effects = np.array([0.9, 0.1, 0.5, 0.3]), np.array([0.0, 0.3, 0.2, 0.1])
    found = Correlation(-0.8, (-0.9, -0.5), 0.01, 4)
    sentence = site_sentence("stage 1", "gate", "logit", values, effects, found)
    assert sentence == (
        "At stage 1 the rank correlation of mean gate and how far logits move without the channel is -0.80, 95 % -0.90 to "
        "-0.50, p = 0.01: the two run against each other, closely. Channel 0, of the highest mean gate (0.90), is number "
        "4 of 4 by its effect; channel 1, of the largest effect, is number 4 by its mean gate (0.10)."
    )
    both = site_sentence("x", "eta", "accuracy", values, values, Correlation(0.2, (-0.5, 0.7), 0.6, 4))
    assert "no relation can be told. Channel 0 has the highest eta squared (0.90) and the largest effect as well." in both
    assert "nothing can be said" in site_sentence("x", "gate", "logit", values, effects, Correlation(None, None, None, 4))
    still = np.where(np.arange(len(values)) == 1, np.nan, values)  # a gate that never moves has no share of variance
    assert site_sentence("x", "eta", "logit", still, effects, found).endswith("1, of the largest effect, has no eta squared.")
    assert "p < 1e-300" in site_sentence("x", "gate", "logit", values, effects, replace(found, p=0.0))


def test_the_network_in_words_counts_the_sites_after_holms_correction():
    sites = [Correlation(0.9, (0.7, 0.95), 0.001, 20), Correlation(-0.9, (-0.95, -0.7), 0.002, 20)]
    sites += [Correlation(0.4, (0.0, 0.7), 0.03, 20), Correlation(None, None, None, 3)]  # 0.03 alone would be told
    one = Correlation(0.2, (0.1, 0.3), 0.0005, 60)
    sentence = network_sentence("gate", "accuracy", one, sites)
    assert "0.20, 95 % +0.10 to +0.30, p = 0.0005 (all 60 channels, pooled): the two rise together, weakly" in sentence
    assert sentence.endswith("By itself it can be told at 3 of 3 sites (rising at 2, falling at 1), after Holm's correction.")
    weaker = [*sites[:2], replace(sites[2], p=0.06)]
    assert "told at 2 of 3 sites (rising at 1, falling at 1)" in network_sentence("gate", "accuracy", one, weaker)
    none = [replace(two, p=0.02) for two in sites[:3]]
    assert "told at none of 3 sites" in network_sentence("gate", "accuracy", replace(one, p=0.3), none)
    assert "nothing can be said" in network_sentence("gate", "logit", pooled([]), [])


def test_how_many_of_the_highest_are_the_strongest():
    up = np.arange(16.0)
    sentence = overlap_sentence("gate", [(up, up), (up, -up), (up, np.where(up == 15, 99, -up))])
    assert sentence == (
        "Of the 6 channels with the highest mean gate (one in 8 at every site), 3 are among the 6 of the largest effect; "
        "chance gives 0.8."
    )


def test_strengths_in_words():
    cases = ((0.29, 0.01), (-0.5, 0.01), (0.7, 0.01), (0.9, 0.05))
    words = [importance._told(Correlation(rho, None, p, 9)) for rho, p in cases]
    assert words == [
        "the two rise together, weakly",
        "the two run against each other, in part",
        "the two rise together, closely",
        "no relation can be told",
    ]
