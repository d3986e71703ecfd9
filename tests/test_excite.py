"""excite: its files, what is refused when they are read, and that a kill at any moment does not change a bit of them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from networks import CLASSES, PREPROCESSING, lively
from sets import coloured
from test_excitation import same

from seviz.analysis.projection import pca, tsne
from seviz.data import samples_sha256
from seviz.errors import CheckpointError, JobError, RequestError
from seviz.excitation import (
    excitation_of,
    excite,
    job,
    load_excitation,
    load_gates,
    projections,
    samples,
    save_excitation,
    save_gates,
    store,
)
from seviz.excitation.state import STATE_FILE
from seviz.gates import record_gates

pytestmark = pytest.mark.usefixtures("one_thread")

ROOT = Path(__file__).parents[1]
NAMES = ["excitation.npz", "gates.npz"]
SHA = "ab" * 32


def quick_tsne(values, seed):
    """In the place of t-SNE, which takes a second a pass and is tested where it is."""
    return pca(values)[0]


@pytest.fixture(scope="module", autouse=True)
def _quick():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(projections, "tsne", quick_tsne)
        yield


@pytest.fixture(scope="module")
def net():
    return lively()


@pytest.fixture(scope="module")
def data():
    return drawn()


def drawn():
    """30 pictures, of two of five classes but for one picture of a third."""
    toy = coloured(30, seed=5, split="test")
    return replace(toy, classes=CLASSES, labels=np.where(np.arange(30) == 7, 2, np.arange(30) % 2))


def done(net, data, folder, **options):
    return excite(net, data, PREPROCESSING, folder, weights_sha256=SHA, **{"batch": 4, **options})


@pytest.fixture(scope="module")
def whole(net, data, tmp_path_factory):
    """A folder with the two files of a pass that nobody disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    done(net, data, folder)
    return folder


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# the files


def test_what_is_kept_is_what_was_found(net, data, whole):
    assert sorted(content(whole)) == NAMES
    same(load_excitation(whole / NAMES[0]), excitation_of(net, data, PREPROCESSING, batch=4, weights_sha256=SHA), rtol=0)
    kept = load_gates(whole / NAMES[1])
    assert (kept.ids, kept.labels.tolist(), kept.complete) == (data.ids, data.labels.tolist(), True)
    assert (kept.labels.dtype, kept.predicted.dtype, kept.key) == (np.int16, np.int16, load_excitation(whole / NAMES[0]).key)
    from seviz.evaluation import evaluate

    assert kept.predicted.tolist() == evaluate(net, data, PREPROCESSING).logits.argmax(1).tolist()
    with record_gates(net) as recording:
        evaluate(net, data, PREPROCESSING, batch=30)
    for path, gates in recording.gates.items():
        np.testing.assert_allclose(kept.gates[path], gates.numpy(), atol=5e-4)
        np.testing.assert_allclose(kept.squeezes[path], recording.squeezes[path].numpy(), atol=1e-4, rtol=6e-4)
        assert kept.gates[path].dtype == kept.squeezes[path].dtype == np.float16


def test_projections_are_of_the_gates_that_are_kept(net, data, tmp_path, monkeypatch):
    monkeypatch.setattr(projections, "tsne", tsne)
    done(net, data, tmp_path)
    kept = load_gates(tmp_path / NAMES[1])
    assert list(kept.projections) == list(kept.gates)
    one = kept.projections["layer3.2.se"]
    coordinates, explained = pca(kept.gates["layer3.2.se"])
    assert one.rows.tolist() == list(range(30))
    assert np.array_equal(one.pca, coordinates)
    assert np.array_equal(one.explained, explained)
    assert np.array_equal(one.tsne, tsne(kept.gates["layer3.2.se"], 0))


def test_many_samples_are_projected_as_a_random_part(monkeypatch):
    monkeypatch.setattr(projections, "MOST", 12)
    values = np.random.default_rng(0).random((40, 3)).astype(np.float16)
    rows = projections.project({"a.se": values})["a.se"].rows
    assert len(set(rows.tolist())) == 12
    assert (np.diff(rows) > 0).all() and rows.max() < 40 and rows.max() > 12


def test_without_scikit_learn_there_are_no_projections(net, data, tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "sklearn"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setattr(projections, "tsne", tsne)
    assert done(net, data, tmp_path).samples.projections == {}
    assert load_gates(tmp_path / NAMES[1]).projections == {}


def test_too_many_gates_are_kept_of_a_random_part(net, data, tmp_path, monkeypatch):
    monkeypatch.setattr(samples, "MAX_BYTES", 336 * 2 * 30 - 1)
    monkeypatch.setattr(samples, "SUBSET", 10)
    found = done(net, data, tmp_path)
    kept = load_gates(tmp_path / NAMES[1])
    assert (kept.complete, len(kept.ids), found.excitation.n) == (False, 10, 30)
    assert kept.ids != data.ids[:10] and set(kept.ids) < set(data.ids)
    everything = dict(zip(data.ids, data.labels.tolist(), strict=True))
    assert kept.labels.tolist() == [everything[name] for name in kept.ids]
    rows = [data.ids.index(name) for name in kept.ids]
    monkeypatch.undo()
    full = done(net, data, tmp_path).samples
    for path, gates in kept.gates.items():
        assert np.array_equal(gates, full.gates[path][rows])
        assert np.array_equal(kept.squeezes[path], full.squeezes[path][rows])
    assert kept.predicted.tolist() == full.predicted[rows].tolist()


def test_squeezes_beyond_half_precision_are_clipped():
    from test_excitation import made

    key, ids, batch = made()
    batch.squeezes[0, 0] = 1e6
    running = samples.Samples(key, ids)
    running.add(batch)
    assert running.result({}).squeezes["a.se"][0, 0] == np.finfo(np.float16).max


def test_byte_planes_hold_every_half(whole):
    values = np.arange(65536, dtype=np.uint16).view(np.float16).reshape(256, 256)
    assert store.from_planes(store.planes(values)).tobytes() == values.tobytes()
    with pytest.raises(ValueError, match="no planes"):
        store.from_planes(np.zeros((3, 2, 2), np.uint8))


def test_the_same_statistics_give_the_same_bytes(whole, tmp_path):
    save_excitation(tmp_path / NAMES[0], load_excitation(whole / NAMES[0]))
    save_gates(tmp_path / NAMES[1], load_gates(whole / NAMES[1]))
    assert content(tmp_path) == content(whole)


# reading what is damaged


LOADERS = dict(zip(NAMES, (load_excitation, load_gates), strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_cut_or_changed_is_one_sentence(name, whole, tmp_path):
    good = (whole / name).read_bytes()
    path = tmp_path / name
    generator = np.random.default_rng(0)
    changed = []
    for place in generator.integers(0, len(good), 60):
        changed.append(bytearray(good))
        changed[-1][place] ^= 1 << int(generator.integers(8))
    for bad in (b"", good[:100], good[: len(good) // 2], good[:-1], b"hello", *map(bytes, changed)):
        path.write_bytes(bad)
        try:
            found = LOADERS[name](path)
        except CheckpointError as error:
            expected = f"{path} is damaged; write it again with `python -m seviz excite --model {tmp_path} --data D`."
            assert str(error) == expected  # noqa: PT017
        else:  # a bit that nobody reads, such as a date in the archive
            (save_excitation if name == NAMES[0] else save_gates)(path, found)
            assert path.read_bytes() == good


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_not_there_says_how_to_make_it(name, tmp_path):
    with pytest.raises(CheckpointError, match=f"There is no .*{name}; `python -m seviz excite --model .* --data D` writes it"):
        LOADERS[name](tmp_path / name)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        (NAMES[0], "count"),
        (NAMES[0], "covered"),
        (NAMES[0], "layer1.0.se/histogram"),
        (NAMES[0], "layer1.0.se/gate_sum"),
        (NAMES[0], "layer1.0.se/fired"),
        (NAMES[1], "labels"),
        (NAMES[1], "gates"),
        (NAMES[1], "layer1.0.se/rows"),
    ],
)
@pytest.mark.parametrize("sealed", [False, True])
def test_arrays_that_were_exchanged_are_refused_even_under_a_new_seal(name, array, sealed, whole, tmp_path):
    with np.load(whole / name) as file:
        arrays = {member: file[member] for member in file.files}
    arrays[array] = arrays[array][:-1] if sealed else arrays[array] + 1
    if sealed:
        del arrays["sha256"]
        arrays = store.sealed(arrays)
    np.savez(tmp_path / name, **arrays)
    with pytest.raises(CheckpointError, match="is damaged; write it again"):
        LOADERS[name](tmp_path / name)


# going on


def saving_always(monkeypatch):
    monkeypatch.setattr(job, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(job, "SAVE_SHARE", 1e9)


class Killed(Exception):  # noqa: N818
    pass


@pytest.mark.parametrize("batch", range(1, 9))
def test_a_stop_at_any_batch_changes_nothing(batch, net, data, whole, tmp_path, monkeypatch):
    saving_always(monkeypatch)

    def progress(count, total):
        if count >= min(4 * batch, 30):
            raise Killed

    with pytest.raises(Killed):
        done(net, data, tmp_path, progress=progress)
    assert list(content(tmp_path)) == [STATE_FILE]
    seen = []
    found = done(net, data, tmp_path, resume=True, progress=lambda *state: seen.append(state))
    assert found.resumed == min(4 * batch, 30)
    assert [count for count, _ in seen] == [*range(found.resumed + 4, 30, 4), *([30] if found.resumed < 30 else [])]
    assert content(tmp_path) == content(whole)


@pytest.mark.parametrize("writer", ["save_gates", "save_excitation", "project"])
def test_a_stop_between_the_files_changes_nothing(writer, net, data, whole, tmp_path, monkeypatch):
    def stopped(*arguments):
        raise Killed

    monkeypatch.setattr(job, writer, stopped)
    with pytest.raises(Killed):
        done(net, data, tmp_path)
    monkeypatch.undo()
    assert done(net, data, tmp_path, resume=True).resumed == 30
    assert content(tmp_path) == content(whole)


def test_nothing_to_go_on_from_is_a_start(net, data, whole, tmp_path):
    assert done(net, data, tmp_path, resume=True).resumed == 0
    assert content(tmp_path) == content(whole)


CHILD = """
import sys
sys.path[:0] = {paths!r}
import torch
torch.set_num_threads(1)
import test_excite as t
t.job.SAVE_EVERY, t.job.SAVE_SHARE, t.projections.tsne = 0.0, 1e9, t.quick_tsne
data = t.drawn()
def progress(done, total):
    print(done, flush=True)
t.done(t.lively(), data, t.Path({folder!r}), resume=True, progress=progress)
"""


def test_kills_of_a_real_process_change_nothing(whole, tmp_path):
    code = CHILD.format(paths=[str(ROOT / "tests"), str(ROOT)], folder=str(tmp_path))
    counts = []
    for lines in (1, 3, 2):
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT) as child:
            counts += [int(child.stdout.readline()) for _ in range(lines)][-1:]
            child.send_signal(signal.SIGKILL)
        assert child.returncode == -signal.SIGKILL
    assert counts == sorted(counts) and counts[-1] > counts[0]
    assert (tmp_path / STATE_FILE).exists()
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True)
    assert content(tmp_path) == content(whole)


def stopped_at(count, net, data, folder, monkeypatch):
    """A folder with the state after `count` pictures."""
    saving_always(monkeypatch)

    def progress(found, total):
        if found >= count:
            raise Killed

    with pytest.raises(Killed):
        done(net, data, folder, progress=progress)


def test_other_inputs_are_refused_by_name(net, data, tmp_path, monkeypatch):
    stopped_at(8, net, data, tmp_path, monkeypatch)
    brighter = replace(data, pictures=data.pictures ^ 1)
    renamed = replace(data, split="train")
    cases = [
        (net, data, {"batch": 5}, "batch"),
        (net, brighter, {}, "pictures"),
        (net, renamed, {}, "split"),
        (lively("se_resnet20", reduction=2), data, {}, "sites"),
    ]
    for other, pictures, options, named in cases:
        with pytest.raises(JobError) as caught:
            done(other, pictures, tmp_path, resume=True, **options)
        path = tmp_path / STATE_FILE
        expected = f"{path} was started with other inputs ({named}); resume with the same ones, or remove it and start again."
        assert str(caught.value) == expected
    with pytest.raises(JobError, match=r"inputs \(weights\)"):
        excite(net, data, PREPROCESSING, tmp_path, weights_sha256="cd" * 32, batch=4, resume=True)


def test_a_state_that_is_cut_or_changed_is_one_sentence_and_a_fresh_start_works(net, data, whole, tmp_path, monkeypatch):
    stopped_at(8, net, data, tmp_path, monkeypatch)
    monkeypatch.undo()
    path = tmp_path / STATE_FILE
    good = path.read_bytes()
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files if name != "sha256"}
    arrays["cursor"] = np.array(4)
    np.savez(tmp_path / "other.npz", **store.sealed(arrays))
    other = (tmp_path / "other.npz").read_bytes()
    (tmp_path / "other.npz").unlink()
    middle = bytearray(good)
    middle[len(good) // 2] ^= 4
    for bad in (b"", good[:1000], good[:-5], bytes(middle), other):
        path.write_bytes(bad)
        with pytest.raises(JobError) as caught:
            done(net, data, tmp_path, resume=True)
        assert str(caught.value) == f"{path} is damaged; remove it and start again without --resume."
    path.unlink()
    done(net, data, tmp_path)
    assert content(tmp_path) == content(whole)


def test_what_a_killed_writer_left_is_swept_and_other_files_stay(net, data, tmp_path):
    for name in (".excitation.npz.abc.tmp", ".excitation.resume.npz.x.tmp", ".gates.npz.1.tmp", ".history.csv.y.tmp"):
        (tmp_path / name).write_bytes(b"half")
    done(net, data, tmp_path)
    assert sorted(content(tmp_path)) == [".history.csv.y.tmp", *NAMES]


def test_two_at_once_in_one_folder_are_refused(net, data, tmp_path):
    def progress(count, total):
        with pytest.raises(JobError, match=r"Another measurement of gates or maps is writing into .*; wait for it"):
            done(net, data, tmp_path)
        raise Killed

    with pytest.raises(Killed):
        done(net, data, tmp_path, progress=progress)
    done(net, data, tmp_path)  # the first one's lock has gone with it


def test_a_plain_network_is_one_sentence(data, tmp_path):
    with pytest.raises(RequestError, match="a plain network: it has no gates to measure"):
        done(lively("resnet20"), data, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_the_key_says_what_was_measured(whole, data):
    with np.load(whole / NAMES[0]) as file:
        key = json.loads(str(file["key"]))
    assert set(key) == {"weights_sha256", "sites", "classes", "preprocessing", "data"}
    assert key["data"] == {"name": "toy", "split": "test", "count": 30, "sha256": samples_sha256(data.ids, data.labels)}
    site = {"path": "layer3.2.se", "stage": 3, "block": 3, "channels": 64, "hidden": 16, "kind": "sigmoid", "neutral": 1.0}
    assert key["sites"][-1] == site
