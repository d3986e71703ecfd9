"""Data sets: CIFAR-10 and class folders give the same samples under the same ids, whatever their order."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sets import coloured, write_folder
from torchvision.datasets import CIFAR10

from seviz import data
from seviz.data import cifar10, folders, streamed
from seviz.errors import DataError
from seviz.images import Preprocessing

NAMES = ["airplane", "bird", "cat"]
FOLDER = "cifar-10-batches-py"


def fake_cifar10():
    """Files as CIFAR-10 has them, with ten pictures a batch and three classes: name -> bytes."""
    generator = np.random.default_rng(0)
    files = {}
    for name in ("data_batch_1", "data_batch_2", "test_batch"):
        labels = generator.integers(0, 3, 10).tolist()
        pixels = generator.integers(0, 256, (10, 3072), dtype=np.uint8)
        files[name] = pickle.dumps({"data": pixels, "labels": labels})
    files["batches.meta"] = pickle.dumps({"label_names": NAMES})
    return files


def archive_of(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{FOLDER}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        evil = tarfile.TarInfo("../evil")
        evil.size = 4
        tar.addfile(evil, io.BytesIO(b"evil"))
    return buffer.getvalue()


def md5(content):
    return hashlib.md5(content).hexdigest()


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty SEVIZ_DATA, and torchvision told to expect the fake files."""
    files = fake_cifar10()
    monkeypatch.setenv("SEVIZ_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(CIFAR10, "train_list", [[name, md5(files[name])] for name in ("data_batch_1", "data_batch_2")])
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", md5(files["test_batch"])]])
    meta = {"filename": "batches.meta", "key": "label_names", "md5": md5(files["batches.meta"])}
    monkeypatch.setattr(CIFAR10, "meta", meta)
    return tmp_path / "data"


@pytest.fixture
def server(monkeypatch):
    """A loopback server that hands out `server.content`, and torchvision's address turned to it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(self.server.claimed or len(self.server.content)))
            self.end_headers()
            self.wfile.write(self.server.content)

        def log_message(self, *arguments):
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.content, running.claimed = archive_of(fake_cifar10()), None
    thread = threading.Thread(target=running.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.setattr(CIFAR10, "url", f"http://127.0.0.1:{running.server_port}/cifar.tar.gz")
    monkeypatch.setattr(CIFAR10, "tgz_md5", md5(running.content))
    monkeypatch.setattr(cifar10, "PIECE", 1000)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


# CIFAR-10


def test_downloaded_and_read(home, server):
    calls = []
    folder = data.download_cifar10(lambda done, total: calls.append((done, total)))
    assert folder == home / FOLDER
    assert calls[-1] == (len(server.content), len(server.content))
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)
    assert len(calls) > 10
    assert sorted(path.name for path in home.rglob("*")) == sorted([FOLDER, *fake_cifar10()])  # no archive, nothing evil

    train, test = data.open_data("cifar10", "train"), data.open_data("cifar10", "test")
    assert (len(train), len(test), train.classes) == (20, 10, tuple(NAMES))
    first = pickle.loads(fake_cifar10()["data_batch_1"])
    assert np.array_equal(train.pictures[3], first["data"][3].reshape(3, 32, 32).transpose(1, 2, 0))
    assert train.labels[:10].tolist() == first["labels"]


def test_what_is_there_and_whole_is_not_downloaded_again(home, server):
    data.download_cifar10()
    server.content, calls = b"gone", []
    data.download_cifar10(lambda *progress: calls.append(progress))
    assert calls == []


def test_damaged_files_are_downloaded_again(home, server):
    data.download_cifar10()
    (home / FOLDER / "test_batch").write_bytes(b"half")
    assert data.has_cifar10()
    with pytest.raises(DataError, match="or damaged; `python -m seviz data cifar10` downloads it"):
        data.open_data("cifar10", "test")
    data.download_cifar10()
    assert len(data.open_data("cifar10", "test")) == 10


def test_a_damaged_download_is_refused_and_nothing_stays(home, server):
    server.content = server.content[:-100]
    with pytest.raises(DataError, match="damaged or cut off"):
        data.download_cifar10()
    assert list(home.iterdir()) == []


def test_a_connection_that_breaks_is_one_sentence_and_nothing_stays(home, server):
    server.claimed, server.content = len(server.content), server.content[:-1500]
    with pytest.raises(DataError, match="cut off after"):
        data.download_cifar10()
    assert list(home.iterdir()) == []


def test_without_a_network_there_is_one_sentence(home, server, monkeypatch):
    monkeypatch.setattr(CIFAR10, "url", "http://127.0.0.1:9/cifar.tar.gz")  # the discard port: nobody listens
    with pytest.raises(DataError, match=r"could not be downloaded \(.*\); check network and disk"):
        data.download_cifar10()
    assert not data.has_cifar10()


def test_a_download_that_is_stopped_leaves_nothing(home, server):
    def stop(done, total):
        if done > 3000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        data.download_cifar10(stop)
    assert list(home.iterdir()) == []


def test_without_cifar10_the_sentence_says_how_to_get_it(home):
    with pytest.raises(DataError, match="`python -m seviz data cifar10` downloads it, or set SEVIZ_DATA"):
        data.open_data("cifar10", "test")


def test_jpeg_copies_have_the_key_and_nearly_the_pixels_of_the_original(home, server, tmp_path):
    data.download_cifar10()
    calls = []
    data.make_jpeg_copies(tmp_path / "jpeg", lambda done, total: calls.append(done))
    assert calls == list(range(1, 31))
    for split in ("train", "test"):
        original, copies = data.open_data("cifar10", split), data.open_data(f"folder:{tmp_path / 'jpeg'}", split)
        assert copies.key.same_samples(original.key)
        assert copies.classes == original.classes
        where = {name: index for index, name in enumerate(copies.ids)}
        for name, label, picture in zip(original.ids, original.labels, original.pictures, strict=True):
            assert copies.labels[where[name]] == label
            coded = Image.open(io.BytesIO(cifar10.encode_jpeg(picture)))
            assert np.array_equal(copies.pictures[where[name]], np.asarray(coded))
    with pytest.raises(DataError, match="exists already"):
        data.make_jpeg_copies(tmp_path / "jpeg")
    assert sorted(path.name for path in (tmp_path / "jpeg").iterdir()) == ["test", "train"]


def test_jpeg_copies_are_of_quality_75_and_half_the_colours():
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    image = Image.open(io.BytesIO(cifar10.encode_jpeg(picture)))
    assert image.quantization[0][0] == 8  # luminance of the standard table at quality 75: round(16 / 2)
    assert [layer[1:3] for layer in image.layer] == [(2, 2), (1, 1), (1, 1)]


# keys and labels


def test_the_key_is_that_of_the_definition_in_any_order():
    toy = coloured(9)
    lines = sorted(f"{toy.ids[index]}\t{toy.labels[index]}" for index in range(9))
    assert toy.key == data.DataKey("toy", "train", 9, hashlib.sha256("\n".join(lines).encode()).hexdigest())
    turned = toy.subset(np.arange(9)[::-1])
    assert turned.ids == toy.ids[::-1]
    assert turned.key.same_samples(toy.key)
    assert not toy.subset([0, 1]).key.same_samples(toy.key)


def test_samples_are_numbered_within_their_class():
    assert data.numbered_ids(np.array([1, 0, 1, 1]), ("a", "b")) == ("b/0000", "a/0000", "b/0001", "b/0002")


def test_labels_follow_the_networks_order_of_classes():
    toy = coloured(3).labelled_as(("dog", "cat", "bee", "ant"))
    assert toy.labels.tolist() == [3, 2, 1]
    assert toy.ids == ("ant/0000", "bee/0000", "cat/0000")
    with pytest.raises(DataError, match="not the network's: cat; it knows ant, bee"):
        coloured(3).labelled_as(("ant", "bee"))


def test_moments_are_those_of_all_pixels():
    toy = coloured(7)
    mean, std = data.channel_moments(toy.pictures)
    flat = toy.pictures.reshape(-1, 3) / 255
    assert mean == tuple(round(value, 4) for value in flat.mean(0))
    assert std == tuple(round(value, 4) for value in flat.std(0))


# folders


def test_a_folder_gives_its_splits_classes_and_ids(tmp_path):
    root = write_folder(tmp_path / "toy", train=7, test=3)
    train = data.open_data(f"folder:{root}", "train")
    wanted = coloured(7)
    order = [wanted.ids.index(name) for name in train.ids]
    assert train.ids == tuple(sorted(wanted.ids))
    assert train.name == "folder:toy"
    assert train.classes == wanted.classes
    assert np.array_equal(train.pictures, wanted.pictures[order])
    assert np.array_equal(train.labels, wanted.labels[order])
    assert train.key.same_samples(wanted.key)
    assert len(data.open_data(f"folder:{root}", "test")) == 3


def test_a_folder_without_splits_is_both(tmp_path):
    root = write_folder(tmp_path / "toy", train=6) / "train"
    assert data.open_data(f"folder:{root}", "train").ids == data.open_data(f"folder:{root}", "test").ids


def test_a_listing_knows_what_reading_would_find(tmp_path):
    root = write_folder(tmp_path / "toy", train=7, test=3)
    read = data.open_data(f"folder:{root}", "test")
    listing = data.list_folder(root, "test", read.classes)
    assert listing.key == read.key
    assert np.array_equal(np.asarray(Image.open(listing.places[read.ids[2]])), read.pictures[2])
    wider = ("yak", *reversed(read.classes))
    assert data.list_folder(root, "test", wider).key == read.labelled_as(wider).key
    with pytest.raises(DataError, match="has classes that are not the network's: ant"):
        data.list_folder(root, "test", read.classes[1:])


def test_a_missing_split_is_not_replaced_by_the_other(tmp_path):
    root = write_folder(tmp_path / "toy", train=6)
    (root / "test").rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="has a folder train, but no folder test"):
        data.open_data(f"folder:{root}", "test")


def test_pictures_that_share_a_stem_keep_their_suffix(tmp_path):
    root = write_folder(tmp_path / "toy", train=3) / "train"
    Image.new("RGB", (16, 16)).save(root / "ant" / "0000.jpg")
    ids = data.open_data(f"folder:{root}", "test").ids
    assert ids == ("ant/0000.jpg", "ant/0000.png", "bee/0000.png", "cat/0000.png")


def test_files_beside_the_pictures_are_no_pictures(tmp_path):
    root = write_folder(tmp_path / "toy", train=6) / "train"
    (root / "ant" / "._0000.png").write_bytes(b"made by a finder")
    (root / "ant" / "notes.txt").write_text("hello", encoding="utf-8")
    (root / ".cache").mkdir()
    assert len(data.open_data(f"folder:{root}", "test")) == 6


def test_a_few_unreadable_pictures_are_left_out_and_named(tmp_path):
    root = write_folder(tmp_path / "toy", train=120) / "train"
    (root / "bee" / "0003.png").write_bytes(b"\x89PNG no more")
    calls = []
    found = data.open_data(f"folder:{root}", "test", progress=lambda done, total: calls.append((done, total)))
    assert len(found) == 119
    assert "bee/0003" not in found.ids
    assert len(found.unreadable) == 1
    assert "bee/0003.png: This PNG file is damaged" in found.unreadable[0]
    assert calls[-1] == (120, 120)
    assert found.labels.tolist() == [found.classes.index(name.split("/")[0]) for name in found.ids]


def test_many_unreadable_pictures_are_an_error(tmp_path):
    root = write_folder(tmp_path / "toy", train=12) / "train"
    (root / "bee" / "0003.png").write_bytes(b"\x89PNG no more")
    with pytest.raises(DataError, match=r"1 of 12 pictures in .* cannot be read, first .*0003.png: This PNG file is damaged"):
        data.open_data(f"folder:{root}", "test")


def test_a_huge_file_among_the_pictures_is_left_out_unread(tmp_path):
    root = write_folder(tmp_path / "toy", train=120) / "train"
    with (root / "bee" / "0003.png").open("wb") as file:
        file.truncate(2**40)  # holes: it takes no room, and reading it would take all memory
    found = data.open_data(f"folder:{root}", "test")
    assert len(found) == 119
    assert "bee/0003.png: it has 1,048,576 MB, and 25 MB is the limit" in found.unreadable[0]


@pytest.mark.parametrize("name", [b"b\xffe", b"b\ne", b"b\te"])
@pytest.mark.parametrize("what", ["ant", "ant/0000.png"])
def test_names_that_cannot_be_written_down_are_one_sentence(tmp_path, name, what):
    root = write_folder(tmp_path / "toy", train=6) / "train"
    (root / what).rename((root / what).with_name(os.fsdecode(name) + Path(what).suffix))
    with pytest.raises(DataError, match="has a name that is no UTF-8 or holds control characters; rename it") as refused:
        data.open_data(f"folder:{root}", "test")
    assert str(refused.value).isprintable()


def test_the_folder_of_a_set_may_have_any_name(tmp_path):
    root = write_folder(tmp_path / os.fsdecode(b"t\xffy"), train=6) / "train"
    assert data.open_data(f"folder:{root.parent}", "train").name == r"folder:t\udcffy"


def test_more_pictures_than_memory_are_one_sentence(tmp_path, monkeypatch):
    root = write_folder(tmp_path / "toy", train=6) / "train"
    sentence = r"64 pictures of 1000000 x 1000000 pixels need 192,000\.0 GB of memory, and this machine has"
    with pytest.raises(DataError, match=sentence):
        data.open_data(f"folder:{root}", "test", fit_to=Preprocessing(10**6, 10**6))
    monkeypatch.setattr(os, "sysconf", lambda name: 1)
    with pytest.raises(DataError, match="choose a smaller --size or fewer pictures"):
        data.open_data(f"folder:{root}", "test")


def test_an_error_does_not_wait_for_the_pictures_that_nobody_wants_any_more(tmp_path, monkeypatch):
    root = write_folder(tmp_path / "toy", train=300) / "train"
    Image.new("RGB", (40, 20)).save(root / "ant" / "0001.png")
    read, decode, require_size, refused = [], streamed.decode, folders._require_size, threading.Event()
    first = [(root / "ant" / name).read_bytes() for name in ("0000.png", "0001.png")]

    def slow(content):
        read.append(content)
        assert content in first or refused.wait(60)
        return decode(content)

    def refusing(*arguments):
        try:
            require_size(*arguments)
        finally:
            if arguments[0].shape[:2] != arguments[1]:
                refused.set()

    monkeypatch.setattr(streamed, "decode", slow)
    monkeypatch.setattr(folders, "_require_size", refusing)
    with pytest.raises(DataError, match="40 x 20 pixels, others 16 x 16"):
        data.open_data(f"folder:{root}", "test")
    assert len(read) < 300


def test_mixed_sizes_need_a_network_or_a_size_to_fit(tmp_path):
    root = write_folder(tmp_path / "toy", train=6) / "train"
    Image.new("RGB", (40, 20), "white").save(root / "cat" / "0000.png")
    with pytest.raises(DataError, match="40 x 20 pixels, others 16 x 16; --size"):
        data.open_data(f"folder:{root}", "test")
    fitted = data.open_data(f"folder:{root}", "test", fit_to=Preprocessing(8, 12))
    assert fitted.size == (8, 12)


@pytest.mark.parametrize(
    ("spec", "split", "sentence"),
    [
        ("imagenet", "test", "There is no data set 'imagenet'; use cifar10 or folder:PATH"),
        ("folder:/nowhere", "test", "There is no folder /nowhere"),
        ("folder:~no_such_user/x", "test", "There is no folder ~no_such_user/x"),
        ("folder:" + "x" * 5000, "test", "There is no folder xxx"),
        ("folder:", "test", "There is no data set 'folder:'; use cifar10 or folder:PATH"),
        ("", "test", "There is no data set ''"),
        (None, "test", "There is no data set None"),
        (["cifar10"], "test", "There is no data set"),
        ("cifar10", "validation", "A split is train or test"),
    ],
)
def test_what_is_not_there_is_one_sentence(spec, split, sentence):
    with pytest.raises(DataError, match=sentence):
        data.open_data(spec, split)


def test_an_empty_folder_is_one_sentence(tmp_path):
    (tmp_path / "ant").mkdir()
    with pytest.raises(DataError, match="holds no pictures; seviz expects"):
        data.open_data(f"folder:{tmp_path}", "test")
