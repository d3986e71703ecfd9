"""Linear CKA against its other definition (HSIC of kernels) and its invariances; the file and what it is refused for."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from networks import CLASSES, PREPROCESSING, lively, pictures

from seviz import cli, similarity
from seviz.analysis.similarity import linear_cka, merged, moments_of
from seviz.card import content_sha256
from seviz.checkpoints import checkpoints_home, open_checkpoint
from seviz.data import PictureSet, numbered_ids
from seviz.errors import CheckpointError, DataError
from seviz.gates import tap
from seviz.similarity import Watched, stage_similarity
from seviz.stages import stages

pytestmark = pytest.mark.usefixtures("one_thread")


def by_kernels(x, y):
    """CKA as HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)) with K = XX', L = YY': the paper's equation 3, N x N matrices."""
    n = len(x)
    centre = np.eye(n) - 1 / n

    def hsic(k, m):
        return np.trace(k @ centre @ m @ centre)

    k, m = x @ x.T, y @ y.T
    return hsic(k, m) / np.sqrt(hsic(k, k) * hsic(m, m))


def some(n=60, widths=(5, 3, 8), seed=0):
    generator = np.random.default_rng(seed)
    base = generator.normal(size=(n, 4))
    return [base @ generator.normal(size=(4, width)) + generator.normal(size=(n, width)) + 3 for width in widths]


def cka_of(*layers):
    return linear_cka(moments_of(np.concatenate(layers, 1)), [layer.shape[1] for layer in layers])


def test_it_is_the_likeness_of_kernels():
    layers = some()
    wanted = [[by_kernels(x, y) for y in layers] for x in layers]
    np.testing.assert_allclose(cka_of(*layers), wanted, atol=1e-12)


def test_rotation_scale_and_offset_change_nothing_and_another_linear_map_does():
    x, y, _ = some()
    turned = np.linalg.qr(np.random.default_rng(1).normal(size=(5, 5)))[0]
    assert cka_of(x, 7 * x @ turned - 2)[0, 1] == pytest.approx(1)
    assert cka_of(7 * x @ turned - 2, y)[0, 1] == pytest.approx(cka_of(x, y)[0, 1])
    assert cka_of(x * [9, 1, 1, 1, 1], y)[0, 1] != pytest.approx(cka_of(x, y)[0, 1], abs=0.001)


def test_layers_without_relation_have_none():
    """Two orthogonal, centred features."""
    x, y = np.array([[1.0], [1], [-1], [-1]]), np.array([[1.0], [-1], [1], [-1]])
    np.testing.assert_allclose(cka_of(x, y), np.eye(2), atol=1e-15)


def test_a_layer_that_never_moves_has_no_likeness():
    x, _, _ = some()
    found = cka_of(x, np.full((60, 2), 5.0))
    assert found[0, 0] == 1
    assert np.isnan(found[0, 1]) and np.isnan(found[1, 1])


@pytest.mark.parametrize("split", [(1, 59), (20, 20, 20), (7, 50, 3)])
def test_batches_in_any_split_and_order_are_one_pass(split):
    features = np.concatenate(some(), 1) + 1e4  # a large mean, where sums of squares would lose half of their digits
    whole = moments_of(features)
    parts = [moments_of(part) for part in np.split(features, np.cumsum(split)[:-1])]
    for order in (parts, parts[::-1]):
        total = order[0]
        for part in order[1:]:
            total = merged(total, part)
        assert total.count == 60
        np.testing.assert_allclose(total.mean, whole.mean, rtol=1e-13)
        np.testing.assert_allclose(total.products, whole.products, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("features", [np.zeros((0, 3)), np.zeros(3), [[1.0, np.nan]]])
def test_what_are_no_features_is_refused(features):
    with pytest.raises(ValueError, match="features are"):
        moments_of(features)


def test_widths_must_add_up():
    with pytest.raises(ValueError, match="not 5 together"):
        linear_cka(moments_of(np.ones((4, 5))), [2, 2])


# on networks


def picture_set(count=37):
    labels = np.arange(count) % len(CLASSES)
    return PictureSet("toy", "test", pictures(count).numpy(), labels, numbered_ids(labels, CLASSES), CLASSES)


def watched(arch, data, *, seed=0):
    net = lively(arch, seed=seed)
    return Watched(net, stages(net, PREPROCESSING.height, PREPROCESSING.width), data, PREPROCESSING)


def test_stages_of_networks_are_those_of_all_pictures_at_once():
    data = picture_set()
    both = watched("se_resnet20", data), watched("resnet20", data, seed=1)
    found = stage_similarity(*both, batch=8)
    layers = []
    for one in both:
        mean, std = (torch.tensor(values) for values in (PREPROCESSING.mean, PREPROCESSING.std))
        x = ((torch.from_numpy(data.pictures) / 255 - mean) / std).permute(0, 3, 1, 2)
        with torch.no_grad(), tap(one.net, one.stages) as caught:
            one.net(x)
        layers += [caught[stage].double().mean((2, 3)).numpy() for stage in one.stages]
    np.testing.assert_allclose(found, [[by_kernels(x, y) for y in layers] for x in layers], atol=1e-5)
    assert found.shape == (6, 6)
    np.testing.assert_allclose(found.diagonal(), 1)


def test_a_network_is_like_itself_and_progress_is_told():
    data, told = picture_set(), []
    one = watched("resnet20", data)
    found = stage_similarity(one, one, batch=10, progress=lambda done, total: told.append((done, total)))
    np.testing.assert_allclose(found[:3, 3:], found[:3, :3], atol=1e-9)
    assert told == [(10, 37), (20, 37), (30, 37), (37, 37)]


def test_other_samples_are_refused():
    with pytest.raises(DataError, match="different samples"):
        stage_similarity(watched("resnet20", picture_set(8)), watched("resnet20", picture_set(9)))


# the file


@pytest.fixture
def home(tmp_path, monkeypatch):
    shutil.copytree(checkpoints_home(), tmp_path / "checkpoints")
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return tmp_path / "checkpoints"


def bundled():
    first, second = open_checkpoint("se_resnet20"), open_checkpoint("resnet20")
    return first, second, first.evaluation().key


def test_the_bundled_pair_has_its_file(home):
    first, second, key = bundled()
    found = similarity.of_pair(first, second, key)
    assert found.between.shape == (3, 3)
    assert (found.first.name, found.second.name) == ("se_resnet20", "resnet20")
    turned = similarity.of_pair(second, first, key)
    np.testing.assert_array_equal(turned.between, found.between.T)
    assert turned.first.name == "resnet20"


def test_a_file_is_read_as_it_was_written(home, tmp_path):
    first, second, key = bundled()
    found = similarity.of_pair(first, second, key)
    holed = replace(found, cka=np.where(np.isclose(found.cka, found.cka[0, 1]), np.nan, found.cka))
    similarity.save(tmp_path / "copy.json", holed)
    again = similarity.load(tmp_path / "copy.json")
    np.testing.assert_array_equal(again.cka, holed.cka)
    assert (again.key, again.first.stages, again.versions) == (key, found.first.stages, found.versions)


def test_nothing_kept_is_none(home):
    first, second, key = bundled()
    (first.folder / "cka-resnet20.json").unlink()
    assert similarity.of_pair(first, second, key) is None


def changed(path, change, *, seal=True):
    values = json.loads(path.read_text(encoding="utf-8"))
    change(values)
    if seal:
        values["content_sha256"] = content_sha256(values, "content_sha256")
    path.write_text(json.dumps(values), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda values: values["first"].update(weights_sha256="0" * 64), "is of other weights of se_resnet20 than its card's"),
        (lambda values: values["second"].update(weights_sha256="0" * 64), "is of other weights of resnet20 than its card's"),
        (lambda values: values["key"].update(sha256="0" * 64), "is of other data (folder:cifar10-jpeg, test)"),
        (lambda values: values["cka"].pop(), "is damaged"),
        (lambda values: values["cka"][0].__setitem__(1, 7.0), "is damaged"),
        (lambda values: values["cka"][0].__setitem__(1, 0.5), "is damaged"),  # no longer symmetric
        (lambda values: values.pop("key"), "is damaged"),
        (lambda values: values.update(cka="what"), "is damaged"),
        (lambda values: values["cka"][0].__setitem__(0, float("nan")), "is damaged"),
        (lambda values: values["cka"][0].__setitem__(0, 10**400), "is damaged"),
        (lambda values: values["key"].update(count=10**400), "is damaged"),
        (lambda values: values["first"].update(stages=["layer1", "layer2", "fc"]), "names other stages of se_resnet20 than"),
        (lambda values: values["second"].update(stages=["layer3", "layer2", "layer1"]), "names other stages of resnet20 than"),
    ],
)
def test_a_file_that_does_not_belong_is_one_sentence(home, change, sentence):
    first, second, key = bundled()
    changed(first.folder / "cka-resnet20.json", change)
    for pair in ((first, second), (second, first)):
        with pytest.raises(CheckpointError) as raised:
            similarity.of_pair(*pair, key)
        assert sentence in str(raised.value)


def leaves(value, way=()):
    """The way to every value that holds no others."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    return [way] if inner is None else [leaf for name, one in inner for leaf in leaves(one, (*way, name))]


def test_no_value_of_a_file_is_altered_or_taken_out_unseen(home):
    first, second, key = bundled()
    path = first.folder / "cka-resnet20.json"
    whole = path.read_text(encoding="utf-8")
    ways = leaves(json.loads(whole))
    assert len(ways) > 60
    for way in ways:
        for alter in (lambda holder, name: holder.__setitem__(name, 0.123), lambda holder, name: holder.pop(name)):
            values = holder = json.loads(whole)
            for name in way[:-1]:
                holder = holder[name]
            alter(holder, way[-1])
            path.write_text(json.dumps(values), encoding="utf-8")
            with pytest.raises(CheckpointError, match="is damaged; delete it and compute it again"):
                similarity.of_pair(first, second, key)


@pytest.mark.parametrize(
    ("put", "reason"), [(os.mkfifo, "not a regular file"), (os.mkdir, "Is a directory")], ids=["a pipe", "a folder"]
)
def test_what_is_no_file_in_its_place_is_one_sentence(home, put, reason):
    first, second, key = bundled()
    path = first.folder / "cka-resnet20.json"
    path.unlink()
    put(path)
    with pytest.raises(CheckpointError) as raised:
        similarity.of_pair(first, second, key)
    assert str(raised.value) == f"{path} cannot be read ({reason})."


def test_the_stages_of_a_card_are_those_of_its_network():
    for name in ("se_resnet20", "resnet20"):
        checkpoint = open_checkpoint(name)
        assert similarity._stages_in(checkpoint.card) == stages(checkpoint.network(), 32, 32)


def test_the_command_names_networks_at_home_and_folders_elsewhere(home, tmp_path, monkeypatch):
    shutil.copytree(home / "resnet20", tmp_path / "else where" / "resnet20")
    monkeypatch.chdir(tmp_path)
    first, second = open_checkpoint("se_resnet20"), open_checkpoint("./else where/resnet20")
    command = similarity.compare_command(first, second)
    assert command == f"python -m seviz compare se_resnet20 '{tmp_path}/else where/resnet20' --data D"
    asked = cli.parser().parse_args(shlex.split(command)[3:])
    monkeypatch.chdir(home)
    assert [open_checkpoint(one).folder for one in (asked.first, asked.second)] == [first.folder, second.folder]


def test_a_truncated_file_is_one_sentence(home):
    first, second, key = bundled()
    path = first.folder / "cka-resnet20.json"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(CheckpointError, match="is damaged"):
        similarity.of_pair(first, second, key)
