"""Corrupted pictures by hand, a measurement against a slow loop, and files that neither a kill nor a stranger spoils."""

from __future__ import annotations

import io
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
from PIL import Image
from scipy.ndimage import gaussian_filter
from sets import coloured, write_folder
from test_ablation import centred, toy
from test_checkpoints import card_of
from test_edited_answers import normalised
from torch import nn
from torchvision.transforms.v2 import functional as transforms

from seviz import cli
from seviz.ablation.passes import ordered
from seviz.analysis import corruptions as analysis
from seviz.analysis.corruptions import ALL, CLEAN, KINDS, packed, unpacked
from seviz.analysis.paired import paired_difference
from seviz.card import content_sha256
from seviz.checkpoints import open_checkpoint, save_checkpoint
from seviz.corruptions import Setting, corrupted, load_corruptions, measure, save_corruptions
from seviz.data import StreamedPictures
from seviz.errors import CheckpointError, DataError, JobError, RequestError
from seviz.gates import edit_gates, find_gates, record_gates
from seviz.resuming import state_path

pytestmark = pytest.mark.usefixtures("one_thread")

ROOT = Path(__file__).parents[1]
SHA = "ab" * 32


# a picture corrupted


def picture(side=32, seed=0):
    """Smooth and colourful, with no pixel near black or white: uint8 (side, side, 3)."""
    rough = np.random.default_rng(seed).uniform(60, 200, (6, 6, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(rough).resize((side, side), Image.Resampling.BICUBIC))


@pytest.mark.parametrize("side", [32, 64])
@pytest.mark.parametrize("level", KINDS["jpeg"].levels)
@pytest.mark.filterwarnings("ignore:The image decoding and encoding:DeprecationWarning")
def test_jpeg_is_what_other_encoders_make(side, level):
    """Pillow's, and torchvision's where it still has one."""
    clean, buffer = picture(side), io.BytesIO()
    Image.fromarray(clean).save(buffer, "JPEG", quality=level)
    others = [np.asarray(Image.open(buffer).convert("RGB")).astype(int)]
    if hasattr(transforms, "jpeg"):
        made = transforms.jpeg(torch.from_numpy(clean.copy()).permute(2, 0, 1), level)
        others.append(made.permute(1, 2, 0).numpy().astype(int))
    made = corrupted(clean, "a/0001", "jpeg", level).astype(int)
    assert all(np.abs(made - other).mean() < 0.5 and np.abs(made - other).max() <= 8 for other in others)
    assert np.abs(made - clean).mean() > 0.3


def test_lower_quality_is_farther_from_the_picture():
    clean = picture()
    errors = [np.abs(corrupted(clean, "a", "jpeg", level).astype(int) - clean).mean() for level in KINDS["jpeg"].levels]
    assert errors == sorted(errors) and errors[0] < errors[-1] / 2


@pytest.mark.parametrize("kind", ["darker", "brighter"])
def test_brightness_is_a_factor_cut_off_at_white(kind):
    clean = picture()
    for factor in KINDS[kind].levels:
        wanted = np.minimum(clean * factor, 255)
        assert np.abs(corrupted(clean, "a", kind, factor) - wanted).max() <= 1


def test_contrast_is_a_factor_about_the_mean_grey():
    clean = picture().astype(float)
    grey = np.floor(clean @ [0.2989, 0.587, 0.114]).mean()
    for factor in KINDS["contrast"].levels:
        made = corrupted(picture(), "a", "contrast", factor)
        assert np.abs(made - (grey + factor * (clean - grey))).max() <= 1
    assert [KINDS["contrast"].at(strength) for strength in analysis.STRENGTHS] == [0.75, 0.5, 0.25]


@pytest.mark.parametrize("side", [32, 64])
def test_blur_is_a_gaussian_whose_width_goes_with_the_side(side):
    clean = picture(side).astype(float)
    for share in KINDS["blur"].levels:
        wanted = gaussian_filter(clean, (share * side, share * side, 0), mode="mirror", truncate=3)
        assert np.abs(corrupted(picture(side), "a", "blur", share) - wanted).max() <= 1.5


def test_noise_has_its_standard_deviation_and_grows_with_it():
    clean = np.full((64, 64, 3), 128, np.uint8)
    found = {sd: corrupted(clean, "a/0000", "noise", sd).astype(float) - 128 for sd in KINDS["noise"].levels}
    for sd, noise in found.items():
        added = np.trunc(np.random.default_rng(0).normal(0, 255 * sd, 10**5))  # to whole numbers, as torchvision does it
        assert noise.std() == pytest.approx(np.clip(128 + added, 0, 255).std(), rel=0.02) and abs(noise.mean()) < 1
    weak, strong = (found[sd].ravel() for sd in (0.04, 0.08))
    assert np.corrcoef(weak, strong)[0, 1] > 0.99  # the levels share what is drawn
    assert abs(np.corrcoef(weak.reshape(-1, 3)[:, 0], weak.reshape(-1, 3)[:, 1])[0, 1]) < 0.06


@pytest.mark.parametrize("side", [32, 64])
def test_a_grey_square_covers_its_share_and_nothing_else(side):
    clean = np.zeros((side, side, 3), np.uint8)
    corners = set()
    for share in KINDS["occlusion"].levels:
        for number in range(40):
            covered = (corrupted(clean, f"a/{number:04d}", "occlusion", share) == 128).all(2)
            rows, columns = np.flatnonzero(covered.any(1)), np.flatnonzero(covered.any(0))
            assert covered.mean() == share**2 == len(rows) * len(columns) / side**2
            corners.add((share, rows[0], columns[0]))
    assert len(corners) > 80
    assert {(rows, columns) for share, rows, columns in corners if share == 1 / 2} <= {
        (row, column) for row in range(side // 2 + 1) for column in range(side // 2 + 1)
    }


@pytest.mark.parametrize("side", [32, 64])
def test_a_shift_moves_every_pixel_by_its_share_of_the_side_one_of_four_ways(side):
    clean, ways = picture(side), set()
    for share in KINDS["shift"].levels:
        by = int(share * side)
        wide = np.pad(clean, ((by, by), (by, by), (0, 0)), mode="reflect")
        for number in range(12):
            made = corrupted(clean, f"a/{number}", "shift", share)
            found = [
                (down, right)
                for down, right in ((0, by), (0, -by), (by, 0), (-by, 0))
                if (made == wide[by - down : by - down + side, by - right : by - right + side]).all()
            ]
            assert len(found) == 1
            ways.add((share, *found[0]))
    assert len(ways) == 12


def test_a_rotation_is_pillows_with_the_picture_going_on_beyond_its_border():
    clean, turns = picture(), set()
    wide = Image.fromarray(np.pad(clean, ((9, 9), (9, 9), (0, 0)), mode="reflect"))
    for degrees in KINDS["rotation"].levels:
        for number in range(8):
            made = corrupted(clean, f"a/{number}", "rotation", degrees).astype(int)
            both = {
                sign: np.abs(np.asarray(wide.rotate(sign * degrees, Image.Resampling.BILINEAR))[9:-9, 9:-9] - made).mean()
                for sign in (1, -1)
            }
            sign = min(both, key=both.__getitem__)
            assert both[sign] < 1 < both[-sign]
            turns.add(sign)
    assert turns == {1, -1}


def test_what_is_random_follows_from_seed_corruption_and_name_alone():
    clean = picture()
    state = torch.get_rng_state()
    for kind in ("noise", "occlusion", "shift", "rotation"):
        level = KINDS[kind].at("strong")
        first = corrupted(clean, "cat/0001", kind, level)
        torch.manual_seed(99)
        assert (corrupted(clean, "cat/0001", kind, level) == first).all()
        others = [corrupted(clean, f"cat/{number:04d}", kind, level) for number in range(2, 12)]
        others += [corrupted(clean, "cat/0001", kind, level, seed=seed) for seed in range(1, 5)]
        assert any((one != first).any() for one in others)
    torch.set_rng_state(state)
    corrupted(clean, "cat/0001", "noise", 0.16)
    assert torch.equal(torch.get_rng_state(), state)  # nobody else's random numbers change


@pytest.mark.parametrize(("kind", "level"), ALL)
def test_every_corruption_makes_another_picture_of_the_same_size_and_leaves_the_first(kind, level):
    clean = np.random.default_rng(1).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    before = clean.copy()
    clean.flags.writeable = False
    made = corrupted(clean, "a", kind, level)
    assert made.shape == clean.shape and made.dtype == np.uint8 and (made != clean).any()
    assert (clean == before).all()


def test_a_corruption_that_there_is_not_is_one_sentence():
    for kind, level in (("fog", 1), ("noise", 0.5)):
        with pytest.raises(RequestError, match=r"There is no corruption .*the kinds are jpeg, blur"):
            corrupted(picture(), "a", kind, level)


# the whole measurement, against a loop over pictures


@pytest.fixture(scope="module")
def net():
    return centred()


@pytest.fixture(scope="module")
def data():
    return toy()


def setting(**changes):
    return replace(Setting(SHA, "as typed", batch=5), **changes)


@pytest.fixture(scope="module")
def found(net, data, tmp_path_factory):
    return measure(net, data, PREPROCESSING, tmp_path_factory.mktemp("corruptions") / "corruptions.json", setting())


def slow_gates(net, pictures):
    """Site path -> (N, C), picture by picture."""
    rows = []
    for one in pictures:
        with record_gates(net) as recording:
            net(normalised(one[None]))
        rows.append({path: gate[0] for path, gate in recording.gates.items()})
    return {path: torch.stack([row[path] for row in rows]).numpy().astype(np.float64) for path in rows[0]}


def slow_logits(net, pictures, gates=None):
    """(N, K), picture by picture, with row i of `gates` for picture i."""
    rows = []
    for place, one in enumerate(pictures):
        edits = {path: torch.from_numpy(values[place]).float() for path, values in (gates or {}).items()}
        with edit_gates(net, edits):
            rows.append(net(normalised(one[None]))[0])
    return torch.stack(rows)


SOME = [("jpeg", 10), ("noise", 0.16), ("darker", 0.25), ("occlusion", 0.5), ("shift", 0.25)]


@pytest.mark.parametrize(("kind", "level"), SOME)
def test_every_figure_is_that_of_a_loop_over_pictures(net, data, found, kind, level):
    made = [corrupted(one, name, kind, level) for one, name in zip(data.pictures, data.ids, strict=True)]
    clean, moved = slow_gates(net, data.pictures), slow_gates(net, made)
    static = {path: np.tile(values.mean(0), (len(data), 1)) for path, values in clean.items()}
    logits = {"clean": slow_logits(net, data.pictures), "own": slow_logits(net, made)}
    logits |= {"held": slow_logits(net, made, clean), "static": slow_logits(net, made, static)}
    right = {name: values.argmax(1).numpy() == data.labels for name, values in logits.items()}
    one = found.condition(kind, level)
    assert one.accuracy == right["own"].mean() and one.difference == pytest.approx(right["own"].mean() - right["clean"].mean())
    assert one.difference_interval == paired_difference(right["own"], right["clean"]).bootstrap
    assert one.loss == pytest.approx(float(nn.functional.cross_entropy(logits["own"], torch.from_numpy(data.labels))), rel=1e-4)
    for name in ("held", "static"):
        beside, wanted = getattr(one, name), paired_difference(right["own"], right[name])
        assert (beside.accuracy, beside.difference) == (right[name].mean(), pytest.approx(wanted.difference))
        assert (beside.interval, beside.p) == (wanted.bootstrap, wanted.p)
    for site, distance in zip(found.sites, one.moved, strict=True):
        rows = zip(moved[site.path].tolist(), clean[site.path].tolist(), strict=True)
        absolute = [[abs(a - b) for a, b in zip(*pair, strict=True)] for pair in rows]
        assert distance.absolute == pytest.approx(np.mean(absolute), abs=1e-6)
        assert distance.rms == pytest.approx(np.sqrt(np.mean(np.square(absolute))), abs=1e-6)


def test_other_gates_make_other_predictions(found):
    pairs = [(one.held.difference, one.static.difference) for one in found.conditions[1:]]
    assert len({held for held, _ in pairs}) > 3 and len({static for _, static in pairs}) > 3


def test_how_far_gates_lie_apart_is_that_of_random_pairs_of_pictures(net, data, found):
    gates, order = slow_gates(net, data.pictures), ordered(len(data), 0)
    for site, apart in zip(find_gates(net), found.apart, strict=True):
        values = gates[site.path]
        pairs = [values[a] - values[b] for a, b in zip(order, np.roll(order, -1), strict=True)]
        assert apart.absolute == pytest.approx(np.abs(pairs).mean(), abs=1e-6)
        assert apart.rms == pytest.approx(np.sqrt(np.square(pairs).mean()), abs=1e-6)
        assert apart.spread == pytest.approx(np.sqrt(values.var(0).mean()), abs=1e-6)
        # of all pairs of different pictures the mean square is 2 n / (n - 1) variances; of a cycle it is near that
        assert apart.rms == pytest.approx(np.sqrt(2 * len(data) / (len(data) - 1)) * apart.spread, rel=0.25)


def test_clean_pictures_are_the_first_row_and_lose_nothing(net, data, found):
    clean = found.conditions[0]
    assert (clean.kind, clean.difference, clean.difference_interval, clean.held) == (CLEAN, 0, (0, 0), None)
    assert all((moved.absolute, moved.rms) == (0, 0) for moved in clean.moved)
    assert [(one.kind, one.level) for one in found.conditions[1:]] == list(ALL)
    assert {name: len(kind.levels) for name, kind in KINDS.items()} == {**dict.fromkeys(KINDS, 3), "jpeg": 5}
    right = unpacked(clean.right, found.n)
    assert right.mean() == clean.accuracy and packed(right) == clean.right


def test_the_size_of_a_batch_changes_no_figure(net, data, found, tmp_path):
    other = measure(net, data, PREPROCESSING, tmp_path / "c.json", setting(batch=23))
    assert [one.right for one in other.conditions] == [one.right for one in found.conditions]
    assert [one.held for one in other.conditions] == [one.held for one in found.conditions]
    for mine, its in zip(other.conditions, found.conditions, strict=True):
        assert [one.rms for one in mine.moved] == pytest.approx([one.rms for one in its.moved], abs=1e-6)


def test_a_plain_network_has_no_gates_and_its_corrupted_pictures_are_the_same(data, found, tmp_path):
    made = measure(lively("resnet20"), data, PREPROCESSING, tmp_path / "corruptions.json", setting())
    assert (made.sites, made.apart) == ((), ())
    assert all((one.moved, one.held, one.static) == ((), None, None) for one in made.conditions)
    assert len(made.findings) == 1
    assert load_corruptions(tmp_path / "corruptions.json") == made
    assert made.same_pictures(found) and not replace(made, seed=1).same_pictures(found)
    assert not replace(made, samples="other").same_pictures(found)
    assert not replace(made, side=(64, 64)).same_pictures(found)
    assert not replace(made, data=replace(made.data, name="cifar10")).same_pictures(found)


def test_gates_of_a_pixel_each_are_held_as_they_are(data, tmp_path):
    net = lively(se_squeeze="none")
    made = measure(net, data, PREPROCESSING, tmp_path / "c.json", setting())
    jpeg = [corrupted(one, name, "jpeg", 10) for one, name in zip(data.pictures, data.ids, strict=True)]
    right = []
    for clean, one, label in zip(data.pictures, jpeg, data.labels.tolist(), strict=True):
        with record_gates(net) as recording:
            net(normalised(clean[None]))
        with edit_gates(net, {path: lambda live, gate=gate: gate for path, gate in recording.gates.items()}):
            right.append(int(net(normalised(one[None])).argmax()) == label)
    assert made.condition("jpeg", 10).held.accuracy == np.mean(right)


def test_a_limit_takes_as_many_of_every_class_and_the_same_pictures_are_corrupted_alike(net, data, tmp_path):
    made = measure(net, data, PREPROCESSING, tmp_path / "c.json", setting(limit=8))
    assert (made.n, made.data) == (8, data.key)
    chosen = [row for row in range(len(data)) if row in set(_chosen(data, 8))]
    assert sorted(data.labels[chosen].tolist()) == [0, 0, 1, 1, 2, 2, 3, 3]
    jpeg = [corrupted(data.pictures[row], data.ids[row], "noise", 0.16) for row in chosen]
    right = slow_logits(net, jpeg).argmax(1).numpy() == data.labels[chosen]
    assert unpacked(made.condition("noise", 0.16).right, 8).tolist() == right.tolist()


def _chosen(data, count):
    from seviz.analysis.faithfulness import balanced

    return balanced(data.labels, count, 0).tolist()


def test_pictures_that_are_streamed_give_the_same(net, tmp_path):
    from seviz.data import open_data

    whole = open_data(f"folder:{write_folder(tmp_path / 'toy', test=9)}", "test", fit_to=PREPROCESSING).labelled_as(
        ("ant", "bee", "cat", "dog", "elk")
    )
    paths = [tmp_path / "toy" / "test" / f"{name}.png" for name in whole.ids]
    streamed = replace(whole, pictures=StreamedPictures(paths, PREPROCESSING))
    one, other = (
        measure(net, pictures, PREPROCESSING, tmp_path / f"{name}.json", setting(limit=7))
        for name, pictures in (("whole", whole), ("streamed", streamed))
    )
    assert one == other


def test_what_cannot_be_measured_is_one_sentence(net, data, tmp_path):
    path = tmp_path / "corruptions.json"
    tiny = replace(PREPROCESSING, height=6, width=6)
    cases = [
        (DataError, "has no pictures", data.subset([]), PREPROCESSING, setting()),
        (DataError, "8 x 8 pixels; the network sees 16 x 16", coloured(4, side=8), PREPROCESSING, setting()),
        (DataError, "6 x 6 pixels are too small to be corrupted", coloured(4, side=6), tiny, setting()),
        (RequestError, "Intervals need at least two pictures", data.subset([0]), PREPROCESSING, setting()),
    ]
    for kind, words, pictures, preprocessing, how in cases:
        with pytest.raises(kind, match=words):
            measure(net, pictures, preprocessing, path, how)
    broken = centred()
    broken.fc.bias[0] = float("nan")
    with pytest.raises(CheckpointError, match="answers NaN or infinite values"):
        measure(broken, data, PREPROCESSING, path, setting())
    assert not path.exists()


# killed and resumed


class StoppedError(Exception):
    pass


def stopped(net, data, path, after, how):
    def progress(done, total):
        if done >= after:
            raise StoppedError

    with pytest.raises(StoppedError):
        measure(net, data, PREPROCESSING, path, replace(how, save_every=0, progress=progress))


def test_a_resumed_measurement_is_the_same_bit_for_bit(net, data, found, tmp_path):
    path = tmp_path / "corruptions.json"
    stopped(net, data, path, 5, setting())
    assert [one.name for one in tmp_path.iterdir()] == ["corruptions.resume.npz"]
    stopped(net, data, path, 15, setting(resume=True))
    seen = []
    how = setting(resume=True, progress=lambda done, total: seen.append((done, total)))
    assert measure(net, data, PREPROCESSING, path, how) == found
    assert seen == [(20, 23), (23, 23)]
    assert [one.name for one in tmp_path.iterdir()] == ["corruptions.json"]


def test_a_real_kill_leaves_a_state_that_goes_on(net, data, found, tmp_path):
    script = """
import os, signal, sys
sys.path[:0] = ["tests", "."]
import torch
torch.set_num_threads(1)
from dataclasses import replace
from pathlib import Path
from networks import PREPROCESSING
from seviz.corruptions import measure
from test_corruptions import centred, setting, toy
kill = lambda done, total: done < 10 or os.kill(os.getpid(), signal.SIGKILL)
measure(centred(), toy(), PREPROCESSING, Path(sys.argv[1]), replace(setting(), save_every=0, progress=kill))
"""
    path = tmp_path / "corruptions.json"
    done = subprocess.run([sys.executable, "-c", script, str(path)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == -9, done.stderr
    assert state_path(path).exists() and not path.exists()
    assert measure(net, data, PREPROCESSING, path, setting(resume=True)) == found


def test_a_state_is_neither_overwritten_nor_resumed_as_something_else(net, data, tmp_path):
    path = tmp_path / "corruptions.json"
    stopped(net, data, path, 5, setting())
    state = state_path(path).read_bytes()
    with pytest.raises(JobError, match="is of a measurement that is not finished; continue with --resume, or remove it"):
        measure(net, data, PREPROCESSING, path, setting())
    for changes, named in (
        ({"seed": 1}, "seed"),
        ({"batch": 6}, "batch"),
        ({"limit": 9}, "data, pictures"),
        ({"weights_sha256": "cd" * 32}, "weights"),
    ):
        with pytest.raises(JobError, match=rf"was started with other inputs \({named}\)"):
            measure(net, data, PREPROCESSING, path, setting(resume=True, **changes))
    assert state_path(path).read_bytes() == state
    for damaged in (b"", state[: len(state) // 2], state[:2000] + bytes([state[2000] ^ 255]) + state[2001:]):
        state_path(path).write_bytes(damaged)
        with pytest.raises(JobError, match="is damaged; remove it and start again without --resume"):
            measure(net, data, PREPROCESSING, path, setting(resume=True))


# corruptions.json


def test_what_is_read_is_what_was_written(found, tmp_path):
    path = tmp_path / "corruptions.json"
    save_corruptions(path, found)
    assert load_corruptions(path) == found
    assert json.loads(path.read_text(encoding="utf-8"))["findings"] == list(found.findings)
    assert str(tmp_path) not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.update(format=2),
        lambda v: v.pop("conditions"),
        lambda v: v["conditions"].pop(),
        lambda v: v["conditions"].reverse(),
        lambda v: v["conditions"][3].update(level=51),
        lambda v: v["conditions"][3].update(accuracy=1.5),
        lambda v: v["conditions"][3].update(accuracy=None),
        lambda v: v["conditions"][3].update(accuracy=0.123),
        lambda v: v["conditions"][3].update(right="00"),
        lambda v: v["conditions"][3].update(right="zz"),
        lambda v: v["conditions"][3].update(held=None),
        lambda v: v["conditions"][0].update(held=v["conditions"][1]["held"]),
        lambda v: v["conditions"][3]["moved"].pop(),
        lambda v: v["conditions"][3]["moved"][0].update(rms=-1),
        lambda v: v["conditions"][3].update(interval=[0.1]),
        lambda v: v["apart"].pop(),
        lambda v: v["apart"][0].update(path="layer9"),
        lambda v: v["sites"][0].update(channels="many"),
        lambda v: v.update(n=24),
        lambda v: v.update(classes=[1]),
        lambda v: v["data"].pop("sha256"),
        lambda v: v.update(seed=10**400),
        lambda v: v.update(hardware=3),
    ],
)
def test_a_file_that_says_something_else_is_one_sentence(found, tmp_path, change):
    values = json.loads(json.dumps(found.to_json()))
    change(values)
    values["content_sha256"] = content_sha256(values, "content_sha256")
    path = tmp_path / "net" / "corruptions.json"
    path.parent.mkdir()
    path.write_text(json.dumps(values), encoding="utf-8")
    again = r"is damaged; write it again with `python -m seviz evaluate --model .*net --data D --corruptions`"
    with pytest.raises(CheckpointError, match=again):
        load_corruptions(path)


def test_a_file_that_was_altered_cut_or_is_none_is_one_sentence(found, tmp_path):
    path = tmp_path / "corruptions.json"
    with pytest.raises(CheckpointError, match=r"There is no .*corruptions\.json; `python -m seviz evaluate"):
        load_corruptions(path)
    content = json.dumps(found.to_json())
    for text in (content.replace('"loss": ', '"loss": 1', 1), content[:-50], "[]", "{}", '{"format": NaN}', "[" * 10**5):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(CheckpointError, match="is damaged; write it again"):
            load_corruptions(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_corruptions(path)


# the command


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Checkpoints "se" and "plain", and a folder of pictures "toy"."""
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(tmp_path / "checkpoints"))
    write_folder(tmp_path / "toy", train=3, test=9)
    for name, arch in (("se", "se_resnet20"), ("plain", "resnet20")):
        net = lively(arch)
        save_checkpoint(tmp_path / "checkpoints" / name, net, replace(card_of(net, name), classes=CLASSES))
    return tmp_path


def typed(home, *more, model="se"):
    return ["evaluate", "--model", model, "--data", f"folder:{home / 'toy'}", *more]


def test_the_command_stores_what_the_checkpoint_then_has(home, capsys):
    assert cli.main([*typed(home, "--corruptions", "--limit", "6", "--seed", "3"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    found = open_checkpoint("se").corruptions()
    assert said["file"] == str(home / "checkpoints" / "se" / "corruptions.json")
    assert (found.n, found.seed, found.data.count) == (6, 3, 9)
    assert found.command == "python -m seviz evaluate --model se --data folder:toy --corruptions --limit 6 --seed 3"
    assert said["findings"] == list(found.findings)
    assert open_checkpoint("plain").corruptions() is None


def test_the_command_prints_a_line_a_corruption(home, capsys):
    assert cli.main(typed(home, "--corruptions", "--out", str(home / "here.json"), model="plain")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("noise (sd") for line in lines) == 3
    assert not any("gates" in line for line in lines)
    assert lines[-1] == f"wrote {home / 'here.json'}" and load_corruptions(home / "here.json").n == 9
    assert cli.main(typed(home, "--corruptions", "--limit", "4")) == 0
    head = capsys.readouterr().out.splitlines()
    assert any("own - clean gates" in line for line in head) and any("4 of 9 pictures" in line for line in head)


def test_figures_of_other_weights_are_refused(home, capsys):
    out = home / "checkpoints" / "se" / "corruptions.json"
    assert cli.main(typed(home, "--corruptions", "--out", str(out), model="plain")) == 0
    with pytest.raises(CheckpointError, match=r"corruptions\.json is of other weights than its card; write it again with"):
        open_checkpoint("se").corruptions()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--limit", "4"), "--limit and --resume are of --corruptions"),
        (("--resume",), "--limit and --resume are of --corruptions"),
        (("--corruptions", "--gate-life"), "two measurements; ask for one after the other"),
        (("--corruptions", "--out", "/dev/null"), "is there and no file"),
    ],
)
def test_bad_input_is_one_sentence(home, capsys, more, words):
    assert cli.main(typed(home, *more)) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1 and words in said[0]


def test_a_limit_that_is_none_is_refused_at_once(home, capsys):
    with pytest.raises(SystemExit):
        cli.main(typed(home, "--corruptions", "--limit", "1"))
    assert "invalid number of at least 2" in capsys.readouterr().err
