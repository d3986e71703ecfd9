"""Checkpoints that people bring: recognised from names and shapes, loaded strictly, with logits as in the original code."""

from __future__ import annotations

import hashlib
import json
from argparse import Namespace

import numpy as np
import public_networks as public
import pytest
import torch
from networks import lively
from safetensors.torch import save_file

from seviz import cli, nets
from seviz.checkpoints import find_checkpoints, networks_home, open_checkpoint
from seviz.errors import BusyError, CheckpointError, RequestError
from seviz.gates import gates_seen_at
from seviz.intake import Settings, examine, import_file, libraries, names_in, open_or_import, settings_of, sources, taken_in
from seviz.intake.layouts import unwrap
from seviz.intake.prefixes import prefixes, without_compiled

pytestmark = pytest.mark.usefixtures("one_thread", "home")

SLIM, GATED = (8, 16, 24, 32), (16, 32, 48, 64)
DEEP = (3, 4, 6, 3)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SEVIZ_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(tmp_path / "own"))
    return tmp_path / "home"


def stored(path, net_or_state):
    """A safetensors file of a network's weights."""
    state = net_or_state.state_dict() if isinstance(net_or_state, torch.nn.Module) else net_or_state
    save_file({name: value.clone() for name, value in state.items()}, path)
    return path


def look(path, arch=None):
    with taken_in(path) as taken:
        return examine(taken, arch)


def logits(net, side=32):
    with torch.no_grad():
        return net(torch.randn(3, 3, side, side, generator=torch.Generator().manual_seed(1)))


@pytest.mark.parametrize(
    ("arch", "make", "gates"),
    [
        ("kuangliu:ResNet18", lambda: public.Kuangliu(public.KuangliuUnit, widths=SLIM), 0),
        ("kuangliu:ResNet50", lambda: public.Kuangliu(public.KuangliuBottleneck, DEEP, widths=SLIM), 0),
        ("kuangliu:PreActResNet18", lambda: public.Kuangliu(public.KuangliuPreAct, widths=SLIM), 0),
        ("kuangliu:PreActResNet50", lambda: public.Kuangliu(public.KuangliuPreActBottleneck, DEEP, widths=SLIM), 0),
        ("kuangliu:SENet18", lambda: public.Kuangliu(public.KuangliuSE, widths=GATED), 8),
        ("akamaster:resnet20", lambda: public.Akamaster(3), 0),
        ("akamaster:resnet56", lambda: public.Akamaster(9), 0),
        ("weiaicunzai:resnet18", lambda: public.WeiResNet(public.WeiUnit, widths=SLIM), 0),
        ("weiaicunzai:resnet50", lambda: public.WeiResNet(public.WeiBottleneck, DEEP, widths=SLIM), 0),
        ("weiaicunzai:seresnet18", lambda: public.WeiSEResNet(public.WeiSE, widths=GATED), 8),
        ("weiaicunzai:seresnet50", lambda: public.WeiSEResNet(public.WeiSEBottleneck, DEEP, widths=GATED), 16),
        ("moskomule:se_resnet20", lambda: public.Moskomule(3), 9),
        ("moskomule:se_resnet32", lambda: public.Moskomule(5, classes=100, reduction=8), 15),
        ("moskomule:se_resnet14-like", lambda: public.MoskomuleLarge((1, 1, 1, 1), classes=7), 4),
    ],
)
def test_networks_of_public_code_compute_what_they_computed(tmp_path, arch, make, gates):
    original = public.liven(make())
    found = import_file(stored(tmp_path / "x.safetensors", original), settings=Settings(size=32))
    card = found.checkpoint.card
    assert (card.arch, card.is_se) == (arch, gates > 0)
    brought = found.checkpoint.network()
    assert len(gates_seen_at(brought, 32, 32)) == gates
    expected = logits(original)
    assert expected.std() > 0.1
    torch.testing.assert_close(logits(brought), expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))


@pytest.mark.parametrize(
    ("arch", "options"),
    [
        ("se_resnet20", {"reduction": 4}),
        ("se_resnet20", {"reduction": 16, "se_min_hidden": 3, "se_stages": (2, 3)}),
        ("se_resnet20", {"se_placement": "pre", "reduction": 8}),
        ("resnet32", {"shortcut": "A"}),
        ("resnet20", {"widths": (8, 24, 40)}),
        ("resnet20", {"widths": (32, 64, 100)}),
        ("se_resnet20x2", {"reduction": 4}),
        ("resnet18", {}),
        ("se_resnet50", {"widths": (16, 32, 48, 64)}),
    ],
)
def test_networks_of_seviz_are_recognised_in_every_shape(tmp_path, arch, options):
    original = lively(arch, **options)
    found = import_file(stored(tmp_path / "x.safetensors", original), settings=Settings(size=32))
    expected = dict(json.loads(json.dumps(nets.to_card(original))))
    assert {**found.checkpoint.card.options, "se": None} == {**expected, "se": None}
    assert (found.checkpoint.card.options["se"] or {}) == (expected["se"] or {})
    assert found.checkpoint.card.arch == arch
    assert torch.equal(logits(found.checkpoint.network()), logits(original))


@pytest.mark.parametrize("arch", ["timm:legacy_seresnet18", "timm:mobilenetv3_small_050", "torchvision:mobilenet_v3_small"])
def test_networks_of_timm_and_torchvision_are_found_by_their_signature(tmp_path, arch):
    library, _, name = arch.partition(":")
    original = public.liven(nets.from_card({"library": library, "name": name, "classes": 7, "options": {}}))
    report = look(stored(tmp_path / "x.safetensors", original))
    assert report.fits
    assert report.comparison.proposal.arch == arch
    assert dict(report.comparison.proposal.options) == {"library": library, "name": name, "classes": 7, "options": {}}
    assert all(row.state == "matched" for row in report.comparison.rows)


def test_a_network_of_torchvision_becomes_a_folder_with_the_same_logits(tmp_path):
    options = {"library": "torchvision", "name": "mobilenet_v3_small", "classes": 7, "options": {}}
    original = public.liven(nets.from_card(options))
    found = import_file(stored(tmp_path / "x.safetensors", original))
    assert found.checkpoint.card.library == "torchvision"
    assert torch.equal(logits(found.checkpoint.network(), 64), logits(original, 64))


def test_what_names_and_shapes_leave_open_is_asked_for(tmp_path):
    """efficientnet_b0 and tf_efficientnet_b0 pad differently, and no tensor says which it is."""
    original = public.liven(nets.from_card({"library": "timm", "name": "tf_efficientnet_b0", "classes": 5, "options": {}}))
    path = stored(tmp_path / "x.safetensors", original)
    report = look(path)
    assert not report.fits
    assert {"timm:efficientnet_b0", "timm:tf_efficientnet_b0"} <= set(report.choices)
    with pytest.raises(CheckpointError, match="compute different things"):
        import_file(path)
    assert look(path, "timm:tf_efficientnet_b0").fits


def test_a_network_with_the_names_of_another_is_taken_as_usual_and_said_to_be(tmp_path):
    """timm's resnetblur18 blurs and has torchvision's names and shapes: the file may say which it is."""
    state = lively("resnet18", classes=7).state_dict()
    report = look(stored(tmp_path / "x.safetensors", state))
    assert report.comparison.proposal.arch == "resnet18"
    assert any("timm:resnetblur18" in note for note in report.notes)
    torch.save({"state_dict": dict(state), "arch": "resnetblur18"}, tmp_path / "x.pt")
    assert look(tmp_path / "x.pt").comparison.proposal.arch == "timm:resnetblur18"


def test_the_signature_knows_all_tensors_but_the_number_of_classes():
    shapes = {"conv.weight": (8, 3, 3, 3), "bn.num_batches_tracked": (), "fc.weight": (10, 8), "fc.bias": (10,)}
    same = {**shapes, "fc.weight": (1000, 8), "fc.bias": (1000,)}
    del same["bn.num_batches_tracked"]
    assert libraries.signature(shapes) == libraries.signature(same)
    assert libraries.signature({**shapes, "conv.weight": (9, 3, 3, 3)}) != libraries.signature(shapes)
    assert libraries.signature({**shapes, "fc.weight": (10, 9)}) != libraries.signature(shapes)
    assert libraries.head_of({"classifier.0.weight": (9, 4), "classifier.3.weight": (5, 9), "x.weight": (3, 3)}) == (
        "classifier.3.weight"
    )


# what lies around the weights and before the names

STATE = {"a.weight": torch.ones(2), "b.weight": torch.zeros(3)}
OTHER = {"a.weight": torch.full((2,), 5.0), "b.weight": torch.ones(3)}


@pytest.mark.parametrize(
    ("content", "first"),
    [
        (STATE, "a bare dictionary"),
        ({"net": STATE, "acc": 91.0, "epoch": 3}, "`net`"),
        ({"state_dict": STATE, "best_prec1": torch.tensor(92.5)}, "`state_dict`"),
        ({"epoch": 9, "arch": "resnet50", "state_dict": STATE, "optimizer": {"state": OTHER}}, "`state_dict`"),
        ({"model": OTHER, "args": Namespace(model="x"), "model_ema": STATE}, "`model_ema`, the moving average (EMA), not"),
        ({"state_dict": OTHER, "state_dict_ema": STATE, "metric": 1.0}, "`state_dict_ema`, the moving average (EMA), not"),
        ({"ema": {"module": STATE, "decay": 0.99}, "model": OTHER}, "`ema.module`, the moving average (EMA), not"),
        ({"state_dict": STATE, "hyper_parameters": {"lr": 0.1}, "pytorch-lightning_version": "2.1"}, "`state_dict`"),
        ({"a network": STATE, "lr_schedulers": [OTHER]}, "`a network`"),
        ({"net": {name: value.numpy() for name, value in STATE.items()}}, "`net`"),
    ],
)
def test_layouts(content, first):
    found = unwrap(content)
    assert first in found.steps[0]
    assert found.tensors.keys() == STATE.keys()
    assert all(torch.equal(found.tensors[name], STATE[name]) for name in STATE)


def test_what_a_file_says_beside_its_weights_is_told_and_not_believed():
    content = {"net": STATE, "acc": np.float64(93.5), "epoch": np.int64(4), "classes": ["ant", "bee"], "junk": object()}
    found = unwrap({**content, "args": Namespace(arch="resnet18")})
    assert found.hints == {"arch": "resnet18", "classes": ["ant", "bee"], "said": {"acc": 93.5, "epoch": 4.0}}
    assert "Left aside: acc, args, classes, epoch, junk." in found.steps
    assert unwrap({"net": STATE, "class_to_idx": {"bee": 1, "ant": 0}}).hints["classes"] == ["ant", "bee"]
    assert unwrap({"net": STATE, "class_to_idx": {"bee": 2, "ant": 0}}).hints["classes"] == []


@pytest.mark.parametrize("content", [[1, 2], torch.ones(3), {"net": {}}, {"lr": 0.1}, {3: torch.ones(2)}, None])
def test_what_holds_no_weights_is_said_to(content):
    with pytest.raises(ValueError, match=r"save net\.state_dict\(\)"):
        unwrap(content)


def test_prefixes_are_those_of_most_names():
    assert prefixes(["module.a.w", "module.b.w", "n_averaged"])[:2] == ("", "module.")
    assert without_compiled({"_orig_mod.module.a": 1, "module._orig_mod.b": 2}) == ({"module.a": 1, "module.b": 2}, 2)
    assert without_compiled({"_orig_mod.a": 1, "a": 2}) == ({"_orig_mod.a": 1, "a": 2}, 0)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "_orig_mod.module.", "module._orig_mod.", "model.backbone.", "1."])
def test_a_prefix_is_stripped_and_said(tmp_path, prefix):
    net = lively("se_resnet20")
    state = {f"{prefix}{name}": value for name, value in net.state_dict().items()}
    found = import_file(stored(tmp_path / "x.safetensors", state))
    left = prefix.replace("_orig_mod.", "")
    told = " ".join(found.report.steps)
    assert ("torch.compile" in told) == ("_orig_mod" in prefix)
    assert (f"The prefix `{left}` was stripped" in told) == bool(left)
    assert torch.equal(logits(found.checkpoint.network()), logits(net))


def test_tensors_outside_the_prefix_are_left_aside_and_said(tmp_path):
    net = lively("resnet20")
    state = {f"net.{name}": value for name, value in net.state_dict().items()}
    report = look(stored(tmp_path / "x.safetensors", {**state, "n_averaged": torch.tensor(3), "loss.weight": torch.ones(5)}))
    assert report.fits
    assert "Left aside: 2 tensors outside `net.` (loss.weight, n_averaged)." in report.steps


def test_of_two_networks_under_prefixes_the_moving_average_is_taken_and_said(tmp_path):
    net, average = lively("resnet20"), lively("resnet20", seed=1)
    state = {f"net.{name}": value for name, value in net.state_dict().items()}
    state |= {f"net_ema.{name}": value for name, value in average.state_dict().items()}
    found = import_file(stored(tmp_path / "x.safetensors", state))
    assert any("moving average (EMA)" in step and "`net.`" in step for step in found.report.steps)
    assert torch.equal(logits(found.checkpoint.network()), logits(average))


# what does not fit is listed, and nothing is loaded


def test_missing_unexpected_and_mismatched_tensors_are_listed_expected_against_found(tmp_path):
    state = dict(lively("resnet20").state_dict())
    del state["layer2.1.bn1.bias"]
    state["layer3.2.conv1.weight"] = torch.ones(64, 60, 3, 3)
    state["extra"] = torch.ones(4, 5)
    state["layer1.0.conv1.weight"] = state["layer1.0.conv1.weight"].to(torch.int32)
    path = stored(tmp_path / "x.safetensors", state)
    report = look(path)
    rows = {row.name or row.in_file: row for row in report.comparison.rows if row.state != "matched"}
    assert {name: row.state for name, row in rows.items()} == {
        "layer2.1.bn1.bias": "missing",
        "layer3.2.conv1.weight": "mismatched",
        "layer1.0.conv1.weight": "mismatched",
        "extra": "unexpected",
    }
    assert (rows["layer2.1.bn1.bias"].expected, rows["layer2.1.bn1.bias"].found) == ((32,), None)
    assert (rows["layer3.2.conv1.weight"].expected, rows["layer3.2.conv1.weight"].found) == ((64, 64, 3, 3), (64, 60, 3, 3))
    assert (rows["extra"].expected, rows["extra"].found) == (None, (4, 5))
    with pytest.raises(CheckpointError, match=r"1 missing, 1 unexpected, 2 mismatched \(missing: layer2\.1\.bn1\.bias;"):
        import_file(path)
    assert not networks_home().exists()


def test_a_network_without_its_classifier_is_never_given_a_random_one(tmp_path):
    state = {name: value for name, value in lively("resnet20").state_dict().items() if not name.startswith("fc.")}
    path = stored(tmp_path / "x.safetensors", state)
    with pytest.raises(CheckpointError, match="of no network that is known here"):
        import_file(path)
    with pytest.raises(CheckpointError, match=r"2 missing \(missing: fc\.weight, fc\.bias\)"):
        import_file(path, arch="resnet20")


def test_an_architecture_that_somebody_names_is_compared_and_not_believed(tmp_path):
    path = stored(tmp_path / "x.safetensors", lively("resnet20"))
    assert look(path, "resnet20").fits
    assert not look(path, "resnet56").fits
    assert not look(path, "torchvision:resnet18").fits
    for wrong in ("resnet21", "kuangliu:SENet18", "vgg"):
        with pytest.raises(RequestError):
            look(path, wrong)
    with pytest.raises(CheckpointError, match="cannot be built"):
        look(path, "timm:no_such_network")


def test_counters_may_be_missing_and_half_precision_becomes_float32(tmp_path):
    net = lively("se_resnet20")
    state = {name: value.half() for name, value in net.state_dict().items() if "num_batches" not in name}
    found = import_file(stored(tmp_path / "x.safetensors", state))
    notes = " ".join(found.checkpoint.card.origin.notes)
    assert "counters of batch norms are not in the file" in notes
    assert "float16; they become float32" in notes
    assert next(found.checkpoint.network().parameters()).dtype == torch.float32
    torch.testing.assert_close(logits(found.checkpoint.network()), logits(net), rtol=0.05, atol=0.05)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused(tmp_path, bad):
    state = dict(lively("resnet20").state_dict())
    state["layer2.0.conv1.weight"] = state["layer2.0.conv1.weight"].clone()
    state["layer2.0.conv1.weight"][3, 2, 1, 0] = bad
    with pytest.raises(CheckpointError, match=r"NaN or infinite numbers in layer2\.0\.conv1\.weight"):
        import_file(stored(tmp_path / "x.safetensors", state))
    assert not networks_home().exists()


# names, guesses, cards


def test_guesses_are_said_and_what_is_given_is_no_guess(tmp_path):
    path = stored(tmp_path / "x.safetensors", lively("se_resnet20", classes=10))
    notes = import_file(path).checkpoint.card.origin.notes
    assert "guessed: CIFAR-10's mean and deviation, because the network is a CIFAR one of 10 classes." in notes
    assert "guessed: CIFAR-10's class names, because the network is a CIFAR one of 10 classes." in notes
    given = settings_of(tuple("abcdefghij"), "0.1,0.2,0.3", "0.4 0.5 0.6", 48)
    card = import_file(path, settings=given, name="mine").checkpoint.card
    assert not [note for note in card.origin.notes if note.startswith("guessed:")]
    assert (card.preprocessing.mean, card.preprocessing.std) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    assert card.classes == tuple("abcdefghij")
    assert (card.preprocessing.height, card.preprocessing.width, card.name) == (48, 48, "mine")


@pytest.mark.parametrize(
    ("arch", "classes", "colour", "first", "last"),
    [
        ("resnet20", 100, 0.5071, "apple", "worm"),
        ("resnet20", 7, 0.485, "class 0", "class 6"),
        ("resnet18", 1000, 0.485, "tench", "toilet tissue"),
    ],
)
def test_what_is_guessed_of_other_numbers_of_classes(tmp_path, arch, classes, colour, first, last):
    card = import_file(stored(tmp_path / "x.safetensors", lively(arch, classes=classes))).checkpoint.card
    assert (card.classes[0], card.classes[-1], len(set(card.classes))) == (first, last, classes)
    assert card.preprocessing.mean[0] == colour


def test_networks_of_the_libraries_take_what_their_libraries_say(tmp_path):
    options = {"library": "timm", "name": "mobilenetv3_small_050", "classes": 10, "options": {}}
    card = import_file(stored(tmp_path / "x.safetensors", public.liven(nets.from_card(options)))).checkpoint.card
    assert (card.preprocessing.height, card.preprocessing.interpolation, card.preprocessing.crop) == (224, "bicubic", 0.875)
    assert any("as timm has it for its own weights of mobilenetv3_small_050" in note for note in card.origin.notes)
    assert card.is_se
    assert nets.usual_input("torchvision", "inception_v3").height == 299
    assert nets.usual_input("timm", "inception_v3").mean == (0.5, 0.5, 0.5)
    assert nets.usual_input("timm", "no_such") is nets.usual_input("torchvision", "no_such") is None
    assert nets.usual_input("kuangliu", "SENet") is None


def test_the_same_file_is_found_again_and_other_settings_make_another(tmp_path):
    path = stored(tmp_path / "some.weights.safetensors", lively("resnet20", classes=10))
    first = import_file(path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert first.new
    assert first.checkpoint.name == f"resnet20-{sha256[:8]}"
    assert (first.checkpoint.card.origin.sha256, first.checkpoint.card.origin.bytes) == (sha256, path.stat().st_size)
    again = import_file(path)
    assert (again.new, again.checkpoint.folder) == (False, first.checkpoint.folder)
    other = import_file(path, settings=Settings(classes=tuple("abcdefghij")))
    assert (other.new, other.checkpoint.name) == (True, f"resnet20-{sha256[:8]}-2")
    assert open_checkpoint(first.checkpoint.name).problem() is None
    assert [entry.problem for entry in find_checkpoints()] == [None, None]
    with pytest.raises(RequestError, match="There is a network"):
        import_file(path, settings=Settings(size=64), name=first.checkpoint.name)


@pytest.mark.parametrize(
    ("settings", "name", "words"),
    [
        (Settings(classes=("a", "b")), None, "5 classes, and 2 names"),
        (Settings(classes=("a", "b", "c", "d", "a")), None, "given twice"),
        (Settings(classes=("a", "b", "c", "d", " ")), None, "is empty"),
        (Settings(size=0), None, "sides of 1 to"),
        (Settings(size=4096), None, "sides of 1 to"),
        (Settings(mean=(0.5, 0.5, 3.0)), None, "three numbers from 0 to 1"),
        (Settings(std=(0.5, 0.5, 0.0)), None, "three numbers from 0.001"),
        (Settings(), "../up", "A name has"),
        (Settings(), "timm--x", "A name has"),
        (Settings(), "timm:x", "A name has"),
    ],
)
def test_settings_that_fit_no_network_are_refused(tmp_path, settings, name, words):
    with pytest.raises(RequestError, match=words):
        import_file(stored(tmp_path / "x.safetensors", lively("resnet20")), settings=settings, name=name)
    assert not networks_home().exists()


def test_words_for_settings():
    assert names_in("a, b ,c") == names_in("a\n b\r\n\nc\n") == ("a", "b", "c")
    assert names_in("sea lion, seal\nray") == ("sea lion, seal", "ray")
    assert settings_of(None, "(0.1, 0.2, 0.3)", "", None) == Settings(mean=(0.1, 0.2, 0.3))
    for wrong in ("0.1", "0.1,0.2", "a,b,c", "1,2,3,4"):
        with pytest.raises(RequestError, match="--mean is three numbers"):
            settings_of(None, wrong, None, None)


# the command line, and a file in the place of a name


def test_the_command_line_imports_a_file_and_says_what_it_did(tmp_path, capsys):
    path = stored(tmp_path / "x.safetensors", public.liven(public.Moskomule(3)))
    assert cli.main(["import", str(path), "--name", "mine", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["name"], told["new"], told["arch"], told["fits"]) == ("mine", True, "moskomule:se_resnet20", True)
    assert len(told["tensors"]) == 146
    assert any("zeros stand in their place" in note for note in told["notes"])
    (tmp_path / "names.txt").write_text("\n".join("abcdefghij"), encoding="utf-8")
    assert cli.main(["import", str(path), "--name", "named", "--classes", str(tmp_path / "names.txt")]) == 0
    assert open_checkpoint("named").card.classes == tuple("abcdefghij")
    assert cli.main(["import", str(path), "--look", "--arch", "resnet20"]) == 0
    out = capsys.readouterr().out
    assert "unexpected" in out
    assert "layer1.0.se.fc.0.weight" in out
    assert cli.main(["import", str(path), "--classes", str(tmp_path / "none.txt")]) == 2
    assert "class names" in capsys.readouterr().err


def test_a_file_stands_for_a_network_everywhere(tmp_path, capsys):
    path = stored(tmp_path / "x.safetensors", lively("se_resnet20", classes=10))
    picture = nets.__file__.replace("nets/__init__.py", "ui/samples/cat.jpg")
    assert cli.main(["inspect", picture, "--model", str(path), "--device", "cpu", "--json"]) == 0
    out, err = capsys.readouterr()
    name = json.loads(out)["model"]
    assert name.startswith("se_resnet20-")
    assert "guessed: CIFAR-10's class names" in err
    assert cli.main(["inspect", picture, "--model", str(path), "--device", "cpu", "--json"]) == 0
    assert "guessed" not in capsys.readouterr().err  # it was there already
    own = open_checkpoint(name)
    assert open_or_import(own.folder / "model.safetensors")[0].folder == own.folder
    assert open_or_import(name)[0].folder == own.folder


# where the app takes files from


def test_uploads_lie_in_a_private_folder_under_a_name_of_ours_and_are_gone():
    with sources.staged(b"content") as path:
        assert (path.name, path.read_bytes()) == ("upload", b"content")
        assert path.parent.stat().st_mode & 0o077 == 0
    assert not path.parent.exists()


def test_uploads_have_a_limit(monkeypatch):
    monkeypatch.setattr(sources, "MAX_UPLOAD", 3)
    with pytest.raises(RequestError, match="is the limit"), sources.staged(b"1234"):
        pass


def test_only_files_in_the_allowed_folder_are_taken(tmp_path, monkeypatch):
    folder = tmp_path / "allowed"
    (folder / "runs").mkdir(parents=True)
    (folder / "runs" / "a.pt").write_bytes(b"1")
    (tmp_path / "secret.pt").write_bytes(b"1")
    (folder / "link.pt").symlink_to(tmp_path / "secret.pt")
    (folder / "out").symlink_to(tmp_path)
    (folder / "within.pt").symlink_to(folder / "runs" / "a.pt")
    monkeypatch.delenv(sources.FOLDER_VARIABLE, raising=False)
    with pytest.raises(RequestError, match="reads no files"):
        sources.in_allowed_folder("runs/a.pt")
    monkeypatch.setenv(sources.FOLDER_VARIABLE, str(folder))
    assert sources.in_allowed_folder("runs/a.pt") == folder / "runs" / "a.pt"
    links = ("link.pt", "out/secret.pt", "within.pt")
    upwards = ("../secret.pt", "runs/../../secret.pt", "runs/../runs/a.pt")
    for outside in (*upwards, str(tmp_path / "secret.pt"), *links):
        with pytest.raises(RequestError, match="does not lie in the folder"):
            sources.in_allowed_folder(outside)
    for nothing in ("", "a\0b"):
        with pytest.raises(RequestError):
            sources.in_allowed_folder(nothing)


def test_the_app_keeps_no_more_networks_than_it_may(monkeypatch, home):
    sources.require_room()
    monkeypatch.setattr(sources, "MOST_KEPT", 2)
    for name in (".half.new", "one"):
        (networks_home() / name).mkdir(parents=True)
    sources.require_room()
    (networks_home() / "two").mkdir()
    with pytest.raises(RequestError, match="2 imported networks are kept"):
        sources.require_room()


def test_turns_are_limited_at_once_and_within_a_time():
    now = [0.0]
    turns = sources.Turns(at_once=1, most=2, within=60, clock=lambda: now[0])
    with turns, pytest.raises(BusyError, match="being read"), turns:
        pass
    with turns:
        pass
    with pytest.raises(BusyError, match="again in 1 minutes"), turns:
        pass
    now[0] = 61.0
    with turns:
        pass
