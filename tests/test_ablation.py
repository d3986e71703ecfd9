"""Ablations against plain loops over pictures, shared work that is exact, and files that a kill does not spoil."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from networks import CLASSES, PREPROCESSING, lively
from sets import coloured, write_folder
from test_checkpoints import card_of
from test_edited_answers import by_hand, normalised
from torch import nn

from seviz import cli
from seviz.ablation import Setting, ablate, load_ablation
from seviz.ablation.passes import ordered
from seviz.ablation.plan import GATES, variants_of
from seviz.ablation.sharing import Gates, logits_of, one_by_one
from seviz.card import content_sha256
from seviz.checkpoints import open_checkpoint, save_checkpoint
from seviz.errors import CheckpointError, DataError, JobError, RequestError
from seviz.evaluation import another, gate_life
from seviz.excitation import excitation_of
from seviz.gates import find_gates
from seviz.nets import SqueezeExcite
from seviz.resuming import state_path

pytestmark = pytest.mark.usefixtures("one_thread")

ROOT = Path(__file__).parents[1]
SHA = "ab" * 32


def toy(count=23, seed=5):
    """Pictures whose labels index the classes of the network; no picture is of the last class."""
    made = coloured(count, seed=seed, split="test")
    return replace(made, classes=CLASSES, labels=np.arange(count) % 4)


def centred():
    """A network whose random weights do not give every picture of toy() the same class."""
    net, x = lively(), normalised(toy().pictures)
    logits = net(x)
    net.fc.weight.div_(logits.std(0)[:, None])
    net.fc.bias.copy_((net.fc.bias - logits.mean(0)) / logits.std(0))
    return net


@pytest.fixture(scope="module")
def net():
    return centred()


@pytest.fixture(scope="module")
def data():
    return toy()


@pytest.fixture(scope="module")
def found(net, data, tmp_path_factory):
    path = tmp_path_factory.mktemp("ablation") / "ablation.json"
    return ablate(net, data, PREPROCESSING, path, Setting(SHA, "as typed", batch=5, seed=4))


# which edits


def test_all_sites_then_stages_then_sites_each_with_four_gates(net):
    sites = find_gates(net)
    variants = variants_of(sites)
    wheres = ["all", "s1", "s2", "s3", *(site.path for site in sites)]
    assert [(one.where, one.gate) for one in variants] == [(where, gate) for where in wheres for gate in GATES]
    assert variants[0].paths == tuple(site.path for site in sites)
    assert variants[8].paths == ("layer2.0.se", "layer2.1.se", "layer2.2.se")
    assert variants[-1].paths == ("layer3.2.se",)


# shared work


def treatments_of(net):
    return [{}, *(dict.fromkeys(one.paths, one.gate) for one in variants_of(find_gates(net)))]


def gates_of(net, rows, seed=0):
    generator = torch.Generator().manual_seed(seed)
    widths = {site.path: site.channels for site in find_gates(net)}
    means = {path: torch.rand(width, generator=generator) for path, width in widths.items()}
    return Gates(means, {path: torch.rand(rows, width, generator=generator) for path, width in widths.items()})


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"se_placement": "pre"},
        {"se_placement": "post"},
        {"se_placement": "identity"},
        {"se_squeeze": "none"},
        {"se_stages": (2, 3)},
        {"arch": "se_resnet50"},
    ],
    ids=str,
)
def test_shared_work_gives_what_the_plain_loop_gives(options):
    net = lively(options.pop("arch", "se_resnet20"), **options)
    x = torch.randn(3, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    treatments = treatments_of(net)
    shared, plain = logits_of(net, x, treatments, gates_of(net, 3)), one_by_one(net, x, treatments, gates_of(net, 3))
    assert shared.shape == (len(treatments), 3, len(CLASSES))
    assert torch.equal(shared, plain)
    assert (shared[1::4] - shared[0]).abs().amax((1, 2)).min() > 1e-4  # SE off does something everywhere


def runs_of(net, treatments):
    """Module path -> how often it ran for all treatments of one batch."""
    counts, handles = {}, []
    for path, module in net.named_modules():
        if isinstance(module, nn.Conv2d):
            handles.append(module.register_forward_hook(lambda *_, path=path: counts.update({path: counts.get(path, 0) + 1})))
    logits_of(net, torch.zeros(2, 3, 16, 16), treatments, gates_of(net, 2))
    for handle in handles:
        handle.remove()
    return counts


def test_an_edit_runs_nothing_that_comes_before_its_gate():
    net = lively()
    counts = runs_of(net, [{}, {"layer3.1.se": "1"}, {"layer3.1.se": "mean", "layer3.2.se": "mean"}])
    again = {path for path, count in counts.items() if count > 1}
    assert again == {"layer3.2.conv1", "layer3.2.conv2"}
    assert {counts[path] for path in again} == {3}


def test_edits_that_agree_for_a_while_share_that_too():
    net = lively()
    first, both = {"layer1.0.se": "1"}, {"layer1.0.se": "1", "layer3.2.se": "1"}
    assert runs_of(net, [{}, first, both]) == runs_of(net, [{}, first])


def test_other_networks_take_the_plain_loop(data, tmp_path):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 8, 3), SqueezeExcite(8, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)).eval()
    found = ablate(net, data, PREPROCESSING, tmp_path / "ablation.json", Setting(SHA, ""))
    assert [one.where for one in found.effects] == ["all"] * 4 + ["1"] * 4
    assert found.effect("all", "1").accuracy == found.effect("1", "1").accuracy
    assert len(found.findings) == 4  # without numbered stages nothing is said of the last


# the whole pass, against a loop over pictures


@pytest.fixture(scope="module")
def slowly(net, data):
    """(where, gate) -> logits (N, K), and the live ones under None: picture by picture, with nothing shared."""
    pictures = [normalised(data.pictures[row : row + 1]) for row in range(len(data))]
    live = [by_hand(net, x) for x in pictures]
    gates = {path: torch.cat([one[1][path] for one in live]).double() for path in live[0][1]}
    donors = another(len(data), 4)

    def new_gate(path, kind, row):
        if kind == "1":
            return torch.ones(1, gates[path].shape[1])
        if kind == "shuffle":
            return gates[path][donors[row]][None].float()
        rows = torch.from_numpy(data.labels == data.labels[row]) if kind == "class" else torch.ones(len(data), dtype=torch.bool)
        return gates[path][rows].mean(0, keepdim=True).float()

    logits = {None: torch.cat([one[0] for one in live])}
    for one in variants_of(find_gates(net)):
        rows = []
        for row, x in enumerate(pictures):

            def change(path, gate, one=one, row=row):
                return new_gate(path, one.gate, row) if path in one.paths else gate

            rows.append(by_hand(net, x, change)[0])
        logits[one.where, one.gate] = torch.cat(rows)
    return logits


def test_every_figure_is_that_of_a_loop_over_pictures(found, data, slowly):
    live = slowly[None].argmax(1).numpy()
    assert found.live.accuracy == sum(live == data.labels) / len(data)
    for one in found.effects:
        logits = slowly[one.where, one.gate]
        predicted = logits.argmax(1).numpy()
        assert one.accuracy == pytest.approx(sum(predicted == data.labels) / len(data), abs=1e-12)
        assert one.difference == pytest.approx(one.accuracy - found.live.accuracy, abs=1e-12)
        assert one.changed == pytest.approx(sum(predicted != live) / len(data), abs=1e-12)
        assert one.delta_logit == pytest.approx(float((logits - slowly[None]).abs().double().mean()), abs=1e-4)
        for label in range(4):
            mine = data.labels == label
            assert one.per_class[label] == pytest.approx(sum(predicted[mine] == label) / sum(mine))
        assert one.per_class[4] is None
    assert len({one.accuracy for one in found.effects}) > 3 and len({one.changed for one in found.effects}) > 5


def test_it_agrees_with_gate_life(net, data, found):
    life = gate_life(net, data, PREPROCESSING, batch=7, seed=4)
    assert (found.live.accuracy, found.effect("all", "mean").accuracy) == (life.live, life.static)
    assert found.effect("all", "shuffle").accuracy == life.shuffled


def test_nobody_is_given_its_own_gates():
    order = ordered(50, 3)
    assert sorted(order.tolist()) == list(range(50))
    assert [another(50, 3)[one] for one in order.tolist()] == np.roll(order, -1).tolist()


@pytest.mark.parametrize("batch", [1, 4, 22, 23, 100])
def test_the_size_of_a_batch_changes_no_prediction(net, data, found, batch, tmp_path):
    other = ablate(net, data, PREPROCESSING, tmp_path / "ablation.json", Setting(SHA, "as typed", batch=batch, seed=4))
    for one, same in zip(found.effects, other.effects, strict=True):
        assert (one.where, one.accuracy, one.changed) == (same.where, same.accuracy, same.changed)
        assert one.delta_logit == pytest.approx(same.delta_logit, abs=1e-4)


def test_close_predictions_are_counted(net, data, found, slowly, monkeypatch, tmp_path):
    margins = torch.stack(list(slowly.values())).sort(-1).values.diff(dim=-1)[..., -1]
    assert found.close == int((margins < 1e-3).sum())
    monkeypatch.setattr("seviz.ablation.passes.CLOSE", 0.5)
    wide = ablate(net, data, PREPROCESSING, tmp_path / "ablation.json", Setting(SHA, "", batch=5, seed=4))
    assert abs(wide.close - int((margins < 0.5).sum())) <= 1 < wide.close


def test_means_that_were_measured_are_used_where_they_are_of_the_same(net, data, tmp_path):
    excitation = excitation_of(net, data, PREPROCESSING, weights_sha256=SHA)
    path = tmp_path / "ablation.json"
    given = ablate(net, data, PREPROCESSING, path, Setting(SHA, "", excitation))
    assert given.means == "excitation.npz of the same weights and pictures"
    for stale in (replace(excitation, key=replace(excitation.key, weights_sha256="cd" * 32)), None):
        computed = ablate(net, data, PREPROCESSING, path, Setting(SHA, "", stale))
        assert computed.means == "computed on the same pictures"
        assert computed.effects == given.effects


# what is refused


def test_what_cannot_be_ablated_is_one_sentence(net, data, tmp_path):
    path, setting = tmp_path / "ablation.json", Setting(SHA, "")
    with pytest.raises(RequestError, match="plain network"):
        ablate(lively("resnet20"), data, PREPROCESSING, path, setting)
    with pytest.raises(RequestError, match="this needs at least two"):
        ablate(net, data.subset([0]), PREPROCESSING, path, setting)
    with pytest.raises(DataError, match="toy has 16 x 16 pixels; the network sees 32 x 16"):
        ablate(net, data, replace(PREPROCESSING, width=32), path, setting)
    assert list(tmp_path.iterdir()) == []


# killed and resumed


class StoppedError(Exception):
    pass


def stopped(net, data, path, after, **options):
    """An ablation that is stopped after some pictures, its state saved after every batch."""

    def progress(done, total):
        if done >= after:
            raise StoppedError

    setting = Setting(SHA, "as typed", batch=5, seed=4, save_every=0, progress=progress, **options)
    with pytest.raises(StoppedError):
        ablate(net, data, PREPROCESSING, path, setting)


def test_a_resumed_ablation_is_the_same_bit_for_bit(net, data, found, tmp_path):
    path = tmp_path / "ablation.json"
    stopped(net, data, path, 10)
    assert [one.name for one in tmp_path.iterdir()] == ["ablation.resume.npz"]
    stopped(net, data, path, 15, resume=True)
    seen = []
    setting = Setting(SHA, "as typed", batch=5, seed=4, resume=True, progress=lambda done, total: seen.append((done, total)))
    assert ablate(net, data, PREPROCESSING, path, setting) == found
    assert seen == [(20, 23), (23, 23)]
    assert [one.name for one in tmp_path.iterdir()] == ["ablation.json"]


def test_a_real_kill_leaves_a_state_that_goes_on(found, data, net, tmp_path):
    script = """
import os, signal, sys
sys.path[:0] = ["tests", "."]
import torch
torch.set_num_threads(1)
from pathlib import Path
from networks import PREPROCESSING
from seviz.ablation import Setting, ablate
from test_ablation import SHA, centred, toy
kill = lambda done, total: done < 10 or os.kill(os.getpid(), signal.SIGKILL)
setting = Setting(SHA, "as typed", batch=5, seed=4, save_every=0, progress=kill)
ablate(centred(), toy(), PREPROCESSING, Path(sys.argv[1]), setting)
"""
    path = tmp_path / "ablation.json"
    done = subprocess.run([sys.executable, "-c", script, str(path)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == -9, done.stderr
    assert state_path(path).exists() and not path.exists()
    resumed = ablate(net, data, PREPROCESSING, path, Setting(SHA, "as typed", batch=5, seed=4, resume=True))
    assert resumed == found


def test_a_state_is_neither_overwritten_nor_resumed_as_something_else(net, data, tmp_path):
    path = tmp_path / "ablation.json"
    stopped(net, data, path, 10)
    state = state_path(path).read_bytes()
    with pytest.raises(JobError, match="is of an ablation that is not finished; continue with --resume, or remove it"):
        ablate(net, data, PREPROCESSING, path, Setting(SHA, "", batch=5, seed=4))
    for changes, named in (({"seed": 1}, "seed"), ({"batch": 6}, "batch"), ({"weights_sha256": "cd" * 32}, "weights")):
        setting = replace(Setting(SHA, "", batch=5, seed=4, resume=True), **changes)
        with pytest.raises(JobError, match=rf"was started with other inputs \({named}\)"):
            ablate(net, data, PREPROCESSING, path, setting)
    assert state_path(path).read_bytes() == state
    for damaged in (b"", state[: len(state) // 2], state[:2000] + bytes([state[2000] ^ 255]) + state[2001:]):
        state_path(path).write_bytes(damaged)
        with pytest.raises(JobError, match="is damaged; remove it and start again without --resume"):
            ablate(net, data, PREPROCESSING, path, Setting(SHA, "", batch=5, seed=4, resume=True))


# ablation.json


def test_what_is_read_is_what_was_written(net, data, tmp_path):
    path = tmp_path / "ablation.json"
    made = ablate(net, data, PREPROCESSING, path, Setting(SHA, "as typed", batch=5))
    assert load_ablation(path) == made
    values = json.loads(path.read_text(encoding="utf-8"))
    assert values["findings"] == list(made.findings)
    assert str(tmp_path) not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.update(format=2),
        lambda v: v.pop("live"),
        lambda v: v["effects"].pop(),
        lambda v: v["effects"].reverse(),
        lambda v: v["effects"][0].update(accuracy=None),
        lambda v: v["effects"][0].update(accuracy="a"),
        lambda v: v["effects"][0].update(interval=[1]),
        lambda v: v["effects"][0].update(colour=1),
        lambda v: v["effects"][3]["per_class"].pop(),
        lambda v: v["network"]["gates"].pop(),
        lambda v: v["sites"][0].pop("path"),
        lambda v: v["data"].update(count=3),
        lambda v: v.update(effects=7),
        lambda v: v["effects"][0].update(accuracy=float("nan")),
        lambda v: v["effects"][0].update(interval=[10**400, 1]),
        lambda v: v["live"].update(n=10**400),
        lambda v: v.update(seed=10**400),
        lambda v: v.update(close="few"),
        lambda v: v.update(means=7),
        lambda v: v["classes"].__setitem__(0, None),
        lambda v: v.clear(),
    ],
)
def test_a_damaged_file_is_one_sentence(found, tmp_path, change):
    path, values = tmp_path / "ablation.json", json.loads(json.dumps(found.to_json()))
    change(values)
    if "content_sha256" in values:  # as if its writer had been wrong
        values["content_sha256"] = content_sha256(values, "content_sha256")
    path.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"ablation\.json is damaged; write it again with `python -m seviz ablate"):
        load_ablation(path)


def leaves(value, way=()):
    """The way to every value that holds no others."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    return [way] if inner is None else [leaf for name, one in inner for leaf in leaves(one, (*way, name))]


def test_no_value_of_a_file_is_altered_or_taken_out_unseen(found, tmp_path):
    path, whole = tmp_path / "ablation.json", json.dumps(found.to_json())
    ways = leaves(json.loads(whole))
    assert len(ways) > 800
    for way in ways:
        for alter in (lambda holder, name: holder.__setitem__(name, 0.123), lambda holder, name: holder.pop(name)):
            values = holder = json.loads(whole)
            for name in way[:-1]:
                holder = holder[name]
            alter(holder, way[-1])
            path.write_text(json.dumps(values), encoding="utf-8")
            with pytest.raises(CheckpointError, match="is damaged; write it again with"):
                load_ablation(path)


@pytest.mark.parametrize(("put", "reason"), [(os.mkfifo, "not a regular file"), (os.mkdir, "Is a directory")])
def test_what_is_no_file_in_its_place_is_one_sentence(tmp_path, put, reason):
    put(path := tmp_path / "ablation.json")
    with pytest.raises(CheckpointError) as raised:
        load_ablation(path)
    assert str(raised.value).startswith(f"{path} cannot be read ({reason}); remove it, then write it again with `")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b"null", b'{"format": NaN}', b"[" * 5000])
def test_what_is_no_ablation_at_all_is_one_sentence(tmp_path, content):
    path = tmp_path / "ablation.json"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="is damaged"):
        load_ablation(path)


# the command


@pytest.fixture
def home(tmp_path, monkeypatch, net):
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(tmp_path / "home"))
    save_checkpoint(tmp_path / "home" / "tiny", net, card_of(net))
    return tmp_path / "home"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("data") / "toy")


def test_the_command_writes_the_file_of_the_checkpoint(home, folder, capsys):
    assert open_checkpoint("tiny").ablation() is None
    command = ["ablate", "--model", "tiny", "--data", f"folder:{folder}", "--threads", "1", "--json"]
    assert cli.main(command) == 0
    printed = json.loads(capsys.readouterr().out.splitlines()[-1])
    found = open_checkpoint("tiny").ablation()
    assert (printed["model"], printed["live"]["n"], found.n) == ("tiny", 18, 18)
    assert json.loads(json.dumps(found.to_json())) == {key: printed[key] for key in found.to_json()}
    assert found.command == "python -m seviz ablate --model tiny --data folder:toy"
    cli.parser().parse_args(found.command.split()[3:])
    card = json.loads((home / "tiny" / "card.json").read_text(encoding="utf-8"))
    card["weights_sha256"] = "0" * 64
    del card["card_sha256"]
    (home / "tiny" / "card.json").write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(CheckpointError, match="is of other weights than its card; write it again with `python -m seviz ablate"):
        open_checkpoint("tiny").ablation()


def test_the_command_says_it_in_words(home, folder, tmp_path, capsys):
    out = tmp_path / "of_train.json"
    command = ["ablate", "--model", "tiny", "--data", f"folder:{folder}", "--split", "train", "--seed", "3", "--out", str(out)]
    assert cli.main([*command, "--threads", "1"]) == 0
    text, found = capsys.readouterr().out, load_ablation(out)
    assert f"tiny on {found.data.name}, train, 48 pictures" in text
    assert all(sentence in text for sentence in found.findings)
    one = found.effect("s2", "class")
    (row,) = [line for line in text.splitlines() if line.startswith("s2 ")]
    assert f"{100 * one.difference:+.2f} (" in row and f"{one.delta_logit:.3f}" in row
    assert found.command == "python -m seviz ablate --model tiny --data folder:toy --split train --seed 3"
    assert open_checkpoint("tiny").ablation() is None


def test_what_the_command_refuses_is_one_sentence(home, folder, net, tmp_path, capsys):
    save_checkpoint(home / "plain", lively("resnet20"), replace(card_of(lively("resnet20")), name="plain"))
    (tmp_path / "ablation.resume.npz").write_bytes(b"")
    cases = [
        (["--model", "plain"], "This is a plain network: it has no gates to measure"),
        (["--model", "absent"], "There is no checkpoint 'absent'"),
        (["--model", "tiny", "--out", str(tmp_path / "ablation.json")], "is of an ablation that is not finished"),
        (["--model", "tiny", "--resume", "--out", str(tmp_path / "ablation.json")], "is damaged; remove it"),
    ]
    for arguments, sentence in cases:
        assert cli.main(["ablate", "--data", f"folder:{folder}", "--threads", "1", *arguments]) == 2
        out, err = capsys.readouterr()
        assert out == "" and err.count("\n") == 1 and sentence in err


def test_a_stopped_command_says_how_to_go_on(home, folder, capsys, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("seviz.ablation.job.fill", stop)
    assert cli.main(["ablate", "--model", "tiny", "--data", f"folder:{folder}", "--threads", "1"]) == 130
    assert "stopped; the same command with --resume goes on" in capsys.readouterr().err


def test_two_at_once_in_one_folder_are_refused(net, data, tmp_path):
    path, tried = tmp_path / "ablation.json", []

    def progress(done, total):
        if not tried:
            with pytest.raises(JobError, match="Another measurement of gates or maps is writing into"):
                ablate(net, data, PREPROCESSING, path, Setting(SHA, ""))
            tried.append(done)

    ablate(net, data, PREPROCESSING, path, Setting(SHA, "", progress=progress))
    assert tried


def test_curves_over_more_pictures_than_there_are_are_refused_at_once(net, data, tmp_path):
    with pytest.raises(RequestError, match=f"Curves over 24 pictures were asked for, and there are {len(data)}; ask for fewer"):
        ablate(net, data, PREPROCESSING, tmp_path / "ablation.json", Setting(SHA, "", curves=24))
