"""Networks by name: resolved, found on this computer, fetched from a stand-in for the hub, imported, refused."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import socket
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from hub import FILE, REPOSITORY, SMALL, bare, known_as_the_hub, serving, small_network, small_weights
from safetensors.torch import load as load_tensors
from safetensors.torch import save

from seviz import cli, load
from seviz.checkpoints import find_checkpoints, networks_home, open_checkpoint
from seviz.errors import CheckpointError, NetworkError, RequestError
from seviz.images import fit
from seviz.nets import from_card
from seviz.pretrained import downloaded, fetch_network, import_at_hand, import_file, is_named, network_of, resolve, size_of
from seviz.pretrained.download import by_hand
from seviz.pretrained.of_torchvision import load_torchvision


@pytest.fixture
def computer(tmp_path, monkeypatch):
    return bare(tmp_path, monkeypatch)


@pytest.fixture
def hub(computer, monkeypatch):
    with serving() as hub:
        known_as_the_hub(hub, monkeypatch)
        yield hub


def logits(net: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return net(torch.linspace(-2, 2, 3 * 160 * 160).reshape(1, 3, 160, 160))


def left_over() -> list[str]:
    return sorted(path.name for path in networks_home().iterdir()) if networks_home().is_dir() else []


# names


def test_a_name_of_timm_stands_for_weights_and_all_that_belongs_to_them():
    found = resolve("timm:seresnet50.a1_in1k")
    assert (found.name, found.arch, found.tag, found.licence) == (
        "timm:seresnet50.a1_in1k", "seresnet50", "a1_in1k", "apache-2.0",
    )  # fmt: skip
    assert [source.address for source in found.sources[:2]] == [
        "https://huggingface.co/timm/seresnet50.a1_in1k/resolve/main/model.safetensors",
        "https://huggingface.co/timm/seresnet50.a1_in1k/resolve/main/pytorch_model.bin",
    ]
    assert len(found.classes) == len(set(found.classes)) == 1000
    assert any("288x288" in limit for limit in found.limits)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("timm:seresnet50", "timm:seresnet50.a1_in1k"),
        ("timm:legacy_seresnet50", "timm:legacy_seresnet50.in1k"),
        ("torchvision:resnet50", "torchvision:resnet50:IMAGENET1K_V2"),
        ("torchvision:resnet50:DEFAULT", "torchvision:resnet50:IMAGENET1K_V2"),
        ("torchvision:resnet50:IMAGENET1K_V1", "torchvision:resnet50:IMAGENET1K_V1"),
    ],
)
def test_weights_that_are_not_named_are_the_librarys_own_choice(typed, meant):
    import timm

    assert resolve(typed).name == meant
    if typed == "timm:seresnet50":
        assert meant.endswith(timm.get_pretrained_cfg("seresnet50").tag)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("timm:seresnet05", "no network of timm 'seresnet05'; did you mean .*seresnet50"),
        ("timm:qqqqqq", "no network of timm 'qqqqqq'; `python -m seviz models --search TEXT` finds names"),
        ("timm:", "no network of timm ''"),
        ("timm:seresnet50.a9_in1k", "no tag of weights of timm:seresnet50: 'a9_in1k'; did you mean .*a1_in1k"),
        ("timm:resnet50_clip.openai", "have no classifier|tell [0-9,]+ classes"),
        ("timm:vit_base_patch16_224.augreg_in21k", "tell 21,843 classes|format of their own"),
        ("torchvision:resnet5", "no network of torchvision 'resnet5'; did you mean"),
        ("torchvision:resnet50:V3", "no tag of weights of torchvision:resnet50: 'V3'"),
        ("torchvision:vgg16:IMAGENET1K_FEATURES", "have no classifier"),
        ("torchvision:maskrcnn_resnet50_fpn", "no network of torchvision"),
    ],
)
def test_a_name_that_stands_for_nothing_is_one_sentence(computer, name, sentence):
    assert is_named(name)
    for ask in (resolve, load):
        with pytest.raises(RequestError, match=sentence):
            ask(name)


def test_class_names_are_those_of_timm_in_the_same_order():
    from timm.data import ImageNetInfo

    theirs, ours = ImageNetInfo(), resolve("timm:resnet50").classes
    same = [ours[index].lower() in theirs.index_to_description(index).lower() for index in range(1000)]
    assert sum(same) > 980  # a few are told apart by a word of torchvision's own, such as the two cranes
    assert ours == resolve("torchvision:resnet50").classes


@pytest.mark.parametrize("name", ["seresnet50.a1_in1k", "mobilenetv3_small_050.lamb_in1k", "legacy_seresnet50.in1k"])
@pytest.mark.parametrize("size", [(300, 400), (224, 224), (517, 289)])
def test_a_picture_is_prepared_as_timm_does(name, size):
    import timm
    from PIL import Image

    config = timm.data.resolve_data_config(pretrained_cfg=timm.get_pretrained_cfg(name).to_dict())
    smooth = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)
    picture = np.asarray(Image.fromarray(smooth).resize(size[::-1], Image.Resampling.BICUBIC))
    theirs = timm.data.create_transform(**config)(Image.fromarray(picture))
    to = resolve(f"timm:{name}").preprocessing
    ours = (torch.from_numpy(fit(picture, to)) / 255 - torch.tensor(to.mean)) / torch.tensor(to.std)
    assert theirs.shape[1:] == (to.height, to.width)
    assert (theirs.permute(1, 2, 0) - ours).abs().mean() < 0.01


@pytest.mark.parametrize("name", ["resnet50:IMAGENET1K_V2", "inception_v3", "efficientnet_b1:IMAGENET1K_V1"])
def test_a_picture_is_prepared_as_torchvision_does(name):
    from PIL import Image
    from torchvision import models

    arch, _, tag = name.partition(":")
    transforms = models.get_model_weights(arch)[tag or "DEFAULT"].transforms()
    smooth = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)
    picture = np.asarray(Image.fromarray(smooth).resize((500, 333), Image.Resampling.BICUBIC))
    to = resolve(f"torchvision:{name}").preprocessing
    ours = (torch.from_numpy(fit(picture, to)) / 255 - torch.tensor(to.mean)) / torch.tensor(to.std)
    assert (transforms(Image.fromarray(picture)).permute(1, 2, 0) - ours).abs().mean() < 0.01


# from the stand-in hub


def test_a_network_is_fetched_imported_and_found_again(hub, capsys):
    assert cli.main(["fetch", SMALL]) == 0
    told = capsys.readouterr()
    assert f"{len(small_weights()) / 1e6:.1f} MB from {hub.address}" in told.err
    assert "is here" in told.out and "Licence: apache-2.0" in told.out
    assert left_over() == ["timm--test_efficientnet.r160_in1k"]

    checkpoint = open_checkpoint(SMALL)
    assert torch.equal(logits(checkpoint.network()), logits(small_network()))
    card = checkpoint.card
    assert (card.origin.sha256, card.origin.bytes) == (hashlib.sha256(small_weights()).hexdigest(), len(small_weights()))
    assert (card.preprocessing.height, len(card.classes), card.sealed) == (160, 1000, True)
    assert card.parameters == sum(value.numel() for value in small_network().parameters())

    asked = len(hub.asked)
    for name in (SMALL, "timm:test_efficientnet"):  # its weights need not be named
        assert import_at_hand(name) == checkpoint.folder
        assert cli.main(["fetch", name]) == 0
    assert len(hub.asked) == asked
    assert [entry.name for entry in find_checkpoints()] == [SMALL]


def test_the_size_is_known_before_anything_is_fetched(hub):
    found = size_of(resolve(SMALL))
    assert (found.size, found.sha256) == (len(small_weights()), hashlib.sha256(small_weights()).hexdigest())
    assert left_over() == []


def test_where_the_first_file_is_missing_the_next_one_is_taken(hub):
    hub.files = {path.replace(FILE, "pytorch_model.bin"): content for path, content in hub.files.items()}
    assert size_of(resolve(SMALL)).address.endswith("pytorch_model.bin")


def test_where_no_file_is_there_it_is_said(hub):
    hub.files.clear()
    with pytest.raises(NetworkError, match=f"the server does not have its file; get .*{FILE} on another computer"):
        size_of(resolve(SMALL))


def test_progress_is_told_from_the_first_byte_to_the_last(hub):
    seen = []
    named = resolve(SMALL)
    with downloaded(named, size_of(named), networks_home(), lambda *both: seen.append(both)) as path:
        assert path.read_bytes() == small_weights()
    assert seen[-1] == (len(small_weights()),) * 2
    assert [done for done, _ in seen] == sorted(done for done, _ in seen) and len(seen) > 2
    assert left_over() == []


@pytest.mark.parametrize("kept", [0, 1, 100_000])
def test_a_download_that_breaks_off_leaves_nothing(hub, kept, capsys):
    hub.cut = kept
    assert cli.main(["fetch", SMALL]) == 2
    assert "the download broke off" in capsys.readouterr().err
    assert left_over() == []
    hub.cut = None
    assert cli.main(["fetch", SMALL]) == 0


def test_a_file_of_another_sha256_than_was_promised_is_not_taken(hub, capsys):
    hub.lying = True
    assert cli.main(["fetch", SMALL]) == 2
    assert "what arrived has another sha256 than was promised" in capsys.readouterr().err
    assert left_over() == []


def test_a_download_is_cancelled_in_the_middle(hub):
    def stop(done, total):
        if done > total // 3:
            raise KeyboardInterrupt

    named = resolve(SMALL)
    with pytest.raises(KeyboardInterrupt):
        fetch_network(named, size_of(named), stop)
    assert left_over() == []


WRONG = {
    "a web page": (b"<!DOCTYPE html><html>not here</html>", "is a web page"),
    "a pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "is a pointer of Git LFS"),
    "nothing": (b"", "is empty"),
    "cut off": (small_weights()[:-1000], "safetensors"),
    "another network": (small_weights("test_resnet"), "is not of timm:test_efficientnet"),
    "noise": (bytes(range(256)) * 4, "is neither safetensors nor a checkpoint"),
}


def changed(**changes: torch.Tensor | None) -> bytes:
    tensors = {**load_tensors(small_weights()), **changes}
    return save({name: value for name, value in tensors.items() if value is not None})


WRONG |= {
    "another number of classes": (
        changed(**{"classifier.weight": torch.zeros(10, 256), "classifier.bias": torch.zeros(10)}),
        "size mismatch for classifier.weight",
    ),
    "a tensor too few": (changed(**{"conv_stem.weight": None}), "Missing key"),
    "a tensor too many": (changed(more=torch.zeros(3)), "Unexpected key"),
    "no numbers": (changed(**{"conv_stem.weight": torch.full((24, 3, 3, 3), float("nan"))}), "NaN or infinite"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_file_is_one_sentence_and_nothing_is_imported(hub, kind, capsys, tmp_path):
    content, sentence = WRONG[kind]
    hub.linked = False  # so that the sha256 does not give it away
    hub.put(REPOSITORY, FILE, content)
    by_own_hand = tmp_path / "by-hand.safetensors"
    by_own_hand.write_bytes(content)
    for arguments in ([], ["--file", str(by_own_hand)]):
        assert cli.main(["fetch", SMALL, *arguments]) == 2
        told = capsys.readouterr().err
        assert sentence in told
        assert "Traceback" not in told
        assert left_over() == []


def test_a_file_of_ones_own_is_imported_and_said_to_be(computer, tmp_path, capsys):
    (tmp_path / "mine.safetensors").write_bytes(small_weights())
    assert cli.main(["fetch", SMALL, "--file", str(tmp_path / "mine.safetensors"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["name"], told["card"]["origin"]["address"]) == (SMALL, "mine.safetensors")
    assert torch.equal(logits(open_checkpoint(SMALL).network()), logits(small_network()))


# caches of this computer


def cached(computer: Path, content: bytes) -> Path:
    """The hub's cache as huggingface_hub lays it out: a blob, a link to it in a snapshot, and the name of that."""
    folder = computer / "hub" / f"models--{REPOSITORY.replace('/', '--')}"
    blob, link = folder / "blobs" / "abc", folder / "snapshots" / "0123" / FILE
    for path in (blob, link, folder / "refs" / "main"):
        path.parent.mkdir(parents=True)
    blob.write_bytes(content)
    link.symlink_to(blob)
    (folder / "refs" / "main").write_text("0123")
    return link


def test_a_filled_cache_of_the_hub_is_used_without_a_connection(computer, monkeypatch):
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("a connection was opened"))
    link = cached(computer, small_weights())
    checkpoint = open_checkpoint(import_at_hand("timm:test_efficientnet"))
    assert torch.equal(logits(checkpoint.network()), logits(small_network()))
    assert checkpoint.name == SMALL
    shutil.rmtree(link.parents[2])  # what is imported needs the cache no more
    assert open_checkpoint(SMALL).problem() is None


def in_torch_hub(computer: Path, name: str, state: dict[str, torch.Tensor], **how: bool) -> Path:
    path = computer / "torch" / "hub" / "checkpoints" / name
    path.parent.mkdir(parents=True)
    torch.save(state, path, **how)
    return path


@pytest.mark.parametrize("how", [{}, {"_use_new_zipfile_serialization": False}])
def test_a_file_in_torchs_hub_folder_is_used_for_torchvision(computer, monkeypatch, how):
    from torchvision import models

    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("a connection was opened"))
    torch.manual_seed(0)
    net = models.mobilenet_v3_small().eval()
    in_torch_hub(computer, "mobilenet_v3_small-047dcff4.pth", net.state_dict(), **how)
    with load("torchvision:mobilenet_v3_small", device="cpu") as model:
        assert (model.name, model.card.is_se) == ("torchvision:mobilenet_v3_small:IMAGENET1K_V1", True)
        assert model.card.origin.address == "https://download.pytorch.org/models/mobilenet_v3_small-047dcff4.pth"
    assert torch.equal(logits(open_checkpoint(model.name).network()), logits(net).detach())


def test_a_file_in_torchs_hub_folder_is_used_for_weights_of_timm_that_the_hub_does_not_have(computer):
    net = small_network("legacy_seresnet18")
    file = resolve("timm:legacy_seresnet18").sources[0].name  # an address, as the hub does not have it
    in_torch_hub(computer, file, net.state_dict(), _use_new_zipfile_serialization=False)
    checkpoint = open_checkpoint(import_at_hand("timm:legacy_seresnet18"))
    assert checkpoint.name == "timm:legacy_seresnet18.in1k"
    assert torch.equal(logits(checkpoint.network()), logits(net))


def test_a_file_of_the_old_form_may_be_large_where_its_sha256_is_the_one_in_its_name(computer, monkeypatch):
    monkeypatch.setattr("seviz.pretrained.weights.MAX_LEGACY", 1000)
    net = small_network()
    path = in_torch_hub(computer, "whatever.pth", net.state_dict(), _use_new_zipfile_serialization=False)
    named = resolve(SMALL)
    with pytest.raises(CheckpointError, match="of the old form with"):
        network_of(named, path, path.name)
    promised = f"x-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}.pth"
    assert torch.equal(logits(network_of(named, path, promised)[0]), logits(net))
    with pytest.raises(CheckpointError, match="of the old form with"):
        network_of(named, path, "x-00000000.pth")


def test_older_names_of_densenet_are_read(computer):
    from torchvision import models

    torch.manual_seed(0)
    net = models.densenet121().eval()
    old = {re.sub(r"(denselayer\d+\.(?:norm|conv))(\d)", r"\1.\2", key): value for key, value in net.state_dict().items()}
    assert any(".norm.1." in key for key in old)
    named = resolve("torchvision:densenet121")
    assert torch.equal(logits(load_torchvision(named, old).eval()), logits(net))


def test_a_network_that_asks_for_the_version_of_its_tensors_is_loaded_and_loaded_again(computer):
    from torchvision import models

    torch.manual_seed(0)
    net = models.mnasnet0_5().eval()
    named = resolve("torchvision:mnasnet0_5")
    in_torch_hub(computer, named.sources[0].name.replace("3ffadce67e", "0"), net.state_dict())
    folder = import_file(named, next((computer / "torch" / "hub" / "checkpoints").iterdir()), "mnasnet.pth")
    assert torch.equal(logits(open_checkpoint(folder).network()), logits(net))


def test_an_inception_keeps_what_its_builder_sets_for_trained_weights():
    named = resolve("torchvision:googlenet")
    net = load_torchvision(named, from_card(card_options(named)).state_dict())
    assert (net.transform_input, net.aux_logits) == (True, True)


def card_options(named) -> dict:
    return {"library": named.library, "name": named.arch, "classes": 1000, "options": dict(named.options)}


# without a network


def test_what_is_nowhere_is_refused_with_the_command_that_fetches_it(computer, monkeypatch):
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("a connection was opened"))
    with pytest.raises(CheckpointError, match=f"is not on this computer; fetch it with `python -m seviz fetch {SMALL}`"):
        load("timm:test_efficientnet")
    with pytest.raises(CheckpointError, match="fetch it with `python -m seviz fetch timm:test_efficientnet`"):
        open_checkpoint("timm:test_efficientnet")


def test_where_nobody_may_ask_no_connection_is_opened(computer, monkeypatch, capsys):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("a connection was opened"))
    assert cli.main(["fetch", SMALL]) == 2
    told = capsys.readouterr().err
    assert "HF_HUB_OFFLINE forbids to fetch it; get http://127.0.0.1:9/timm/test_efficientnet" in told
    assert f"`python -m seviz fetch {SMALL} --file {FILE}`" in told


@pytest.mark.parametrize("how", ["refused", "silent", "no such name"])
def test_without_a_network_it_is_one_sentence(computer, how, monkeypatch):
    never = threading.Event()

    def connect(address, timeout=None):
        if how == "silent":
            never.wait()
        raise ConnectionRefusedError if how == "refused" else socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "create_connection", connect)
    monkeypatch.setattr("seviz.pretrained.download.PATIENCE", 0.01)
    try:
        with pytest.raises(NetworkError, match=r"and 127\.0\.0\.1 cannot be reached; get http") as told:
            size_of(resolve(SMALL))
    finally:
        never.set()
    assert by_hand(resolve(SMALL)) in str(told.value)


def test_a_name_is_looked_up_for_less_than_two_seconds():
    from seviz.pretrained.download import PATIENCE

    assert PATIENCE < 2


def test_a_proxy_is_who_has_to_answer(computer, monkeypatch):
    from seviz.pretrained.download import _next_stop

    monkeypatch.setenv("https_proxy", "http://proxy.example.org:3128")
    assert _next_stop("https", "huggingface.co", None) == ("proxy.example.org", 3128)
    monkeypatch.setenv("no_proxy", "huggingface.co")
    assert _next_stop("https", "huggingface.co", None) == ("huggingface.co", 443)


def test_a_full_disk_is_no_fault_of_the_network(hub, monkeypatch):
    import errno

    named = resolve(SMALL)
    found = size_of(named)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("seviz.pretrained.download._copy", full)
    with pytest.raises(OSError, match="No space left"), downloaded(named, found, networks_home()):
        pass
    assert left_over() == []
