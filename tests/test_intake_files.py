"""The intake reads files of strangers: every layout that torch.save writes, and every file that was made to do harm.

Whatever a file holds, this process runs none of it, reads no more of it than its header before it fits, and says one sentence.
"""

from __future__ import annotations

import io
import json
import os
import pathlib
import struct
import subprocess
import sys
import zipfile
from argparse import Namespace
from collections import OrderedDict

import numpy as np
import public_networks as public
import pytest
import torch
from networks import lively
from safetensors.torch import save, save_file

from seviz.errors import CheckpointError
from seviz.intake import Settings, examine, import_file, limited, opening, taken_in
from seviz.intake.header import MAX_HEADER, read_header, read_tensor

pytestmark = pytest.mark.usefixtures("one_thread", "home")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SEVIZ_HOME", str(tmp_path / "home"))


def saved(path, content, *, legacy=False):
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    return path


def refused(path, match=None):
    """The one sentence of a file that is not taken."""
    with pytest.raises(CheckpointError, match=match) as caught, taken_in(path) as taken:
        examine(taken)
    told = str(caught.value)
    assert told.count("\n") == 0
    assert told.endswith(".")
    assert "weights_only=False" not in told
    return told


def logits(net, side=32):
    with torch.no_grad():
        return net(torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(1)))


# the eight layouts, by the process


def kuangliu():
    net = public.liven(public.Kuangliu(public.KuangliuSE, widths=(16, 32, 48, 64)))
    return net, {"net": {f"module.{name}": value for name, value in net.state_dict().items()}, "acc": 93.1, "epoch": 12}


def akamaster():
    net = public.liven(public.Akamaster(3))
    state = OrderedDict((f"module.{name}", value) for name, value in net.state_dict().items() if "num_batches" not in name)
    return net, {"state_dict": state, "best_prec1": torch.tensor(91.2)}


def weiaicunzai():
    net = public.liven(public.WeiSEResNet(public.WeiSE, widths=(16, 32, 48, 64)))
    return net, net.state_dict()


def examples_imagenet():
    net = lively("resnet18", classes=4, widths=(8, 16, 24, 32))
    content = {"epoch": 90, "arch": "resnet18", "state_dict": {f"module.{k}": v for k, v in net.state_dict().items()}}
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(3))], lr=0.1, momentum=0.9)
    content |= {"optimizer": optimizer.state_dict(), "scheduler": {"last_epoch": 3}}
    return net, {**content, "best_acc1": torch.tensor(70.1)}


def torchvision_references():
    net, other = lively("se_resnet20", classes=10), lively("se_resnet20", classes=10, seed=1)
    average = {"n_averaged": torch.tensor(7), **{f"module.{name}": value for name, value in net.state_dict().items()}}
    arguments = Namespace(model="se_resnet20", output_dir=pathlib.PosixPath("/runs"), lr=np.float64(0.1))
    return net, {"model": other.state_dict(), "args": arguments, "model_ema": average, "epoch": np.int64(3)}


def timm_training():
    net, other = lively("resnet20", classes=10), lively("resnet20", classes=10, seed=1)
    content = {"epoch": 5, "arch": "resnet20", "state_dict": other.state_dict(), "state_dict_ema": net.state_dict()}
    return net, {**content, "args": Namespace(model="resnet20", mean=np.array([0.5, 0.5, 0.5])), "metric": np.float64(88.0)}


def lightning():
    net = public.liven(public.Moskomule(3))
    state = {f"backbone.{name}": value for name, value in net.state_dict().items()} | {"loss.weight": torch.ones(10)}
    content = {"epoch": 3, "state_dict": state, "pytorch-lightning_version": "2.4.0", "hyper_parameters": {"lr": 0.1}}
    return net, {**content, "callbacks": {}, "optimizer_states": [], "loops": {"fit_loop": {"state_dict": {}}}}


def compiled():
    net = lively("resnet32", shortcut="A", classes=10)
    return net, {"model": {f"module._orig_mod.{name}": value for name, value in net.state_dict().items()}}


@pytest.mark.parametrize(
    ("make", "legacy", "arch", "said"),
    [
        (kuangliu, True, "kuangliu:SENet18", "those of `net`"),
        (akamaster, True, "akamaster:resnet20", "those of `state_dict`"),
        (weiaicunzai, False, "weiaicunzai:seresnet18", "a bare dictionary"),
        (examples_imagenet, False, "resnet18", "The prefix `module.`"),
        (torchvision_references, False, "se_resnet20", "`model_ema`, the moving average (EMA), not those of `model`"),
        (timm_training, False, "resnet20", "`state_dict_ema`, the moving average (EMA), not those of `state_dict`"),
        (lightning, False, "moskomule:se_resnet20", "The prefix `backbone.`"),
        (compiled, False, "resnet32", "`_orig_mod.` of torch.compile"),
    ],
)
def test_the_eight_layouts_give_the_networks_that_were_saved(tmp_path, make, legacy, arch, said):
    net, content = make()
    found = import_file(saved(tmp_path / "checkpoint.th", content, legacy=legacy), settings=Settings(size=32))
    assert found.report.source.kind == ("legacy" if legacy else "zip")
    assert found.checkpoint.card.arch == arch
    assert said in " ".join(found.report.steps)
    expected = logits(net)
    torch.testing.assert_close(logits(found.checkpoint.network()), expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))


# what runs code, if anybody lets it


class Bomb:
    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


class Getattr:
    def __reduce__(self):
        return getattr, (dict, "get")


@pytest.mark.parametrize("legacy", [False, True])
def test_what_would_run_a_command_is_named_and_not_run(tmp_path, legacy):
    canary = tmp_path / "canary"
    content = {"state_dict": lively("resnet20").state_dict(), "args": Bomb(f"touch {canary}")}
    told = refused(saved(tmp_path / "bomb.pt", content, legacy=legacy), "holds more than weights")
    assert f"`{os.system.__module__}.system`" in told
    assert not canary.exists()
    careless = f"import torch; torch.load({str(tmp_path / 'bomb.pt')!r}, weights_only=False)"
    subprocess.run([sys.executable, "-c", careless], check=True)
    assert canary.exists()  # it was a bomb


def test_whole_modules_and_getattr_are_refused_by_name(tmp_path):
    assert "`seviz.nets.resnet.ResNet`" in refused(saved(tmp_path / "a.pt", lively("resnet20")), "save net.state_dict")
    assert "getattr" in refused(saved(tmp_path / "b.pt", {"a": Getattr()}))


def test_torchscript_is_a_program(tmp_path):
    path = saved(tmp_path / "weights.pt", {"w": torch.ones(2)})
    program = [("weights/code/__torch__.py", "class Net(Module): ..."), ("weights/constants.pkl", b"\x80\x02).")]
    refused(repacked(path, tmp_path / "s.pt", extra=program), "is TorchScript")


# what takes memory, time or disk


def repacked(path, out, *, method=zipfile.ZIP_STORED, extra=()):
    """The members of a checkpoint, packed anew, and others."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", method) as new:
        for member in old.infolist():
            new.writestr(member.filename, old.read(member))
        for name, content in extra:
            new.writestr(name, content)
    return out


def test_a_zip_that_is_packed_is_refused(tmp_path):
    path = saved(tmp_path / "zeros.pt", {"w": torch.zeros(2**24)})
    bomb = repacked(path, tmp_path / "bomb.pt", method=zipfile.ZIP_DEFLATED)
    assert bomb.stat().st_size < 2**20 < 2**26 <= path.stat().st_size
    refused(bomb, "packed in a way that torch.save never packs")
    noise = saved(tmp_path / "noise.pt", {"w": torch.randn(10_000)})  # packing makes it no smaller
    refused(repacked(noise, tmp_path / "packed.pt", method=zipfile.ZIP_DEFLATED), "packed in a way that torch.save never packs")
    large = repacked(path, tmp_path / "large.pt", extra=[("archive/data.pkl", bytes(5 * 2**20))])
    refused(large)


def test_views_of_nothing_and_nests_are_refused_before_they_take_memory(tmp_path):
    refused(saved(tmp_path / "view.pt", {"w": torch.zeros(1).expand(200_000, 200_000)}), "larger than the file")
    nest = {"a": torch.ones(2)}
    for _ in range(300):
        nest = {"a": nest}
    refused(saved(tmp_path / "nest.pt", nest), "no dictionary of tensors")


def test_raw_pickle_that_builds_for_ever_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(limited, "SECONDS", 5)
    monkeypatch.setattr(limited, "MEMORY", 2**27)
    # an empty list, doubled in itself without end: what pickletools calls a billion laughs
    content = b"\x80\x02" + b"]" * 3_000_000 + b"a" * 2_999_999 + b"."
    (tmp_path / "laughs.pt").write_bytes(content)
    refused(tmp_path / "laughs.pt")


def test_tensors_that_share_a_storage_are_each_given_their_own(tmp_path):
    net = lively("resnet20", classes=10)
    state = dict(net.state_dict())
    whole = torch.stack([state["layer1.0.bn1.weight"], state["layer1.0.bn2.weight"]])
    state["layer1.0.bn1.weight"], state["layer1.0.bn2.weight"] = whole[0], whole[1]
    found = import_file(saved(tmp_path / "shared.pt", state))
    assert torch.equal(logits(found.checkpoint.network()), logits(net))


def test_the_limits_reach_the_process(tmp_path):
    """Memory, time and file size are those that were set, whatever a file makes of them."""
    code = (
        "import json, resource, sys; from seviz.intake import child; child._limit(2**20, 7, 2**21);"
        "print(json.dumps([resource.getrlimit(kind)[0] for kind in "
        "(resource.RLIMIT_CPU, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE, resource.RLIMIT_AS)]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=limited.ROOT)
    seconds, written, core, memory = json.loads(done.stdout)
    assert (seconds, written, core) == (7, 2**21, 0)
    assert 2**20 < memory < 2**46


@pytest.mark.parametrize(
    ("status", "words"),
    [(-24, "takes longer to read"), (-25, "far more than it is"), (-9, "ended the process"), (1, "ended the process")],
)
def test_a_process_that_ends_badly_is_one_sentence(tmp_path, status, words):
    source = opening.Source("x.pt", "zip", "0" * 64, 5)
    with pytest.raises(CheckpointError, match=words):
        limited._outcome(tmp_path, source, status)


@pytest.mark.parametrize(
    "told",
    [b"", b"[]", b"{", b'{"steps": 5}', b'{"steps": [5], "hints": {}}', b'{"refused": 7}', b"[" * 100_000, b" " * (5 * 2**20)],
)
def test_what_the_process_leaves_is_not_believed(tmp_path, told):
    (tmp_path / limited.TOLD).write_bytes(told)
    with pytest.raises(CheckpointError, match="ended the process"):
        limited._outcome(tmp_path, opening.Source("x.pt", "zip", "0" * 64, 5), 0)


def test_the_process_sees_nothing_of_ours(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    found = limited._environment(tmp_path)
    assert not {"AWS_SECRET_ACCESS_KEY", "HTTPS_PROXY"} & set(found)
    assert found["HOME"] == found["TMPDIR"] == str(tmp_path)


PEAK = """
import re, sys
from pathlib import Path
import torch
from seviz.intake import examine, taken_in
from seviz.intake.header import read_tensor

def peak():  # kB of this process's memory; getrusage would count that of the process it was forked from
    return int(re.search("VmHWM:\\s+([0-9]+)", Path("/proc/self/status").read_text())[1])

before = peak()
with taken_in(sys.argv[1]) as taken:
    examine(taken)
    looked = peak()
    read_tensor(taken.weights, taken.tensors["w"]) + 1
print(looked - before, peak() - looked)
"""


@pytest.mark.skipif(not pathlib.Path("/proc/self/status").exists(), reason="only Linux says the peak of a process")
def test_a_process_that_looks_at_a_file_keeps_its_memory(tmp_path):
    """100 MB of weights that are of no network do not pass through it; to be sure of the measure, they are read afterwards."""
    path = saved(tmp_path / "large.pt", {"w": torch.ones(25 * 2**20)})
    command = [sys.executable, "-c", PEAK, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=limited.ROOT)
    looked, read = (int(word) for word in done.stdout.split())  # kB
    assert looked < 30_000 < 100_000 < read


def test_nothing_of_a_file_stays_on_disk(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    with taken_in(saved(tmp_path / "a.pt", {"w": torch.ones(3)})) as taken:
        assert list((tmp_path / "temporary").iterdir())
        assert list(taken.tensors) == ["w"]
    refused(saved(tmp_path / "b.pt", {"a": Getattr()}))
    assert list((tmp_path / "temporary").iterdir()) == []


# what is no checkpoint


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 44", "pointer of Git LFS"),
        (b"\n<!DOCTYPE html><html>Not found</html>", "is a web page"),
        (b"<html>", "is a web page"),
        (b"\x89HDF\r\n\x1a\n", "is HDF5"),
        (b"\x1f\x8b\x08", "packed with gzip"),
        (b"hello, I am a text", "neither safetensors nor"),
        (bytes(range(256)), "neither safetensors nor"),
        (b"\x80\x02", "cut off or damaged"),
        (b"PK\x03\x04", "cut off or damaged"),
    ],
)
def test_what_is_no_checkpoint_is_one_sentence(tmp_path, content, words):
    (tmp_path / "x.pt").write_bytes(content)
    refused(tmp_path / "x.pt", words)


def test_zips_of_something_else(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.pt", "w") as archive:
        archive.writestr("word/document.xml", "<xml/>")
    refused(tmp_path / "x.pt", "torch.save did not write")


@pytest.mark.parametrize("legacy", [False, True])
def test_a_checkpoint_that_is_cut_off(tmp_path, legacy):
    path = saved(tmp_path / "x.pt", {"w": torch.ones(1000)}, legacy=legacy)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused(path, "cut off or damaged")


def test_folders_pipes_links_devices_and_nothing(tmp_path):
    os.mkfifo(tmp_path / "pipe.pt")
    (tmp_path / "real.pt").write_bytes(save({"w": torch.ones(2)}))
    (tmp_path / "link.pt").symlink_to(tmp_path / "real.pt")
    (tmp_path / "folder.pt").mkdir()
    refused(tmp_path / "pipe.pt", "not a regular file")
    refused(tmp_path / "link.pt", "is a link")
    refused(tmp_path / "folder.pt", "is a folder")
    refused(tmp_path / "none.pt", "No such file")
    refused(pathlib.Path("/dev/zero"), "not a regular file")  # a file without end


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    with open(tmp_path / "endless.safetensors", "wb") as file:
        file.truncate(2**40)  # of holes: it takes no disk
    refused(tmp_path / "endless.safetensors", "1,024 MB is the limit")
    with open(tmp_path / "old.pt", "wb") as file:
        file.write(b"\x80\x02")
        file.truncate(opening.MAX_LEGACY + 1)
    refused(tmp_path / "old.pt", "64 MB is the limit")


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "x.safetensors"
    save_file(lively("resnet20", classes=10).state_dict(), path)
    real = read_tensor

    def changing(file, stored):
        with open(path, "r+b") as other:
            other.seek(-4, io.SEEK_END)
            other.write(b"\0\0\0\0")
        return real(file, stored)

    monkeypatch.setattr("seviz.intake.importing.read_tensor", changing)
    with pytest.raises(CheckpointError, match="changed while it was read"):
        import_file(path)


# safetensors, header and file


def packed(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(start=0, end=8, shape=(2,), dtype="F32"):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}


EIGHT = bytes(8)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (packed({"w": tensor()}, EIGHT, length=2**40), "header of 1,099,511,627,776 bytes"),
        (packed({"w": tensor()}, EIGHT, length=MAX_HEADER), "cut off"),
        (packed({"w": tensor()}, EIGHT[:5]), "cut off"),
        (packed({"w": tensor()}, EIGHT * 2), "more bytes"),
        (packed({"w": tensor(0, 4)}, EIGHT), "other bytes than its shape"),
        (packed({"w": tensor(shape=(2**39, 2**39))}, EIGHT), "other bytes than its shape"),
        (packed({"w": tensor(shape=(-2, -1))}, EIGHT), "a shape is none"),
        (packed({"w": tensor(shape=(2.0,))}, EIGHT), "a shape is none"),
        (packed({"w": tensor(shape=(True, 2))}, EIGHT), "a shape is none"),
        (packed({"w": tensor(shape=(1,) * 9 + (2,))}, EIGHT), "a shape is none"),
        (packed({"w": tensor(dtype="F128")}, EIGHT), "no dtype"),
        (packed({"w": tensor(8, 0)}, EIGHT), "a place in the file is none"),
        (packed({"a": tensor(), "b": tensor()}, EIGHT), "overlap"),
        (packed({"a": tensor(), "b": tensor(12, 20)}, bytes(20)), "overlap or leave gaps"),
        (packed(b'{"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "w": 1}', EIGHT), "stands there twice"),
        (packed(b'{"w": {"dtype": "F32", "shape": [NaN], "data_offsets": [0, 8]}}', EIGHT), "a number is none"),
        (packed(b'{"w": ' + b"[" * 100_000, EIGHT), "no header of safetensors"),
        (packed(b'{"w": {"shape": [' + b"9" * 10_000 + b"]}}", EIGHT), "no header of safetensors"),
        (packed(b'{"w": 5}', EIGHT), "no header of safetensors"),
        (packed(b'{"w": \xff}', EIGHT), "no header of safetensors"),
        (packed({"a\nb": tensor()}, EIGHT), "name is none"),
        (packed({"__metadata__": {"a": "b"}}), "holds no tensors"),
    ],
)
def test_a_header_that_does_not_fit_its_file_is_refused(tmp_path, content, words):
    (tmp_path / "x.safetensors").write_bytes(content)
    refused(tmp_path / "x.safetensors", words)


def test_tensors_are_read_as_safetensors_reads_them(tmp_path):
    kinds = (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool)
    values = {str(kind): (torch.randn(3, 5) * 3).to(kind) for kind in kinds}
    values |= {"one": torch.tensor(3), "none": torch.ones(0, 4)}
    save_file(values, tmp_path / "x.safetensors", metadata={"made": "by a test"})
    with open(tmp_path / "x.safetensors", "rb") as file:
        found = read_header(file, "x")
        assert {name: read_tensor(file, one).dtype for name, one in found.items()} == {k: v.dtype for k, v in values.items()}
        assert all(torch.equal(read_tensor(file, found[name]), value) for name, value in values.items())


def test_mutated_files_are_refused_or_load_and_nothing_else(tmp_path):
    """Bytes are flipped in the header of a file: what comes out is a report or one sentence."""
    content = bytearray(save({name: value.clone() for name, value in lively("resnet20").state_dict().items()}))
    generator = np.random.default_rng(0)
    end = 8 + int.from_bytes(content[:8], "little")
    told = []
    for _ in range(300):
        mutated = bytearray(content)
        for place in generator.integers(0, end, 3):
            mutated[place] = generator.integers(0, 256)
        (tmp_path / "m.safetensors").write_bytes(mutated)
        try:
            with taken_in(tmp_path / "m.safetensors") as taken:
                assert taken.tensors
        except CheckpointError as error:
            told.append(str(error))
    assert len(told) > 200
    assert all(one.count("\n") == 0 and one.endswith(".") for one in told)
