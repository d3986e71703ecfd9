"""Trainings of torchvision's networks, with SE blocks and without: from scratch, from a checkpoint, stopped and resumed."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from sets import CLASSES, write_folder

from seviz import cli, nets
from seviz.checkpoints import open_checkpoint, save_checkpoint
from seviz.errors import RequestError, TrainingError
from seviz.gates import find_gates
from seviz.images import Preprocessing
from seviz.nets import SqueezeExcite
from seviz.training import Job, Recipe, begin_from, loop, parameter_groups, require_twin

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = "torchvision:shufflenet_v2_x0_5"


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("data") / "toy", train=24, test=12, side=32)


@pytest.fixture(scope="module")
def home(toy, tmp_path_factory):
    """A home with a plain network of torchvision's and one with SE blocks that began with its weights."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("checkpoints")
        patch.setenv("SEVIZ_CHECKPOINTS", str(folder))
        assert cli.main(fresh(toy, folder / "plain", SMALL)) == 0
        more = ["--from", "plain", "--where", "3,2", "--lr", "0.001"]
        assert cli.main([*fresh(toy, folder / "gated", f"{SMALL}+se"), *more]) == 0
        yield folder


@pytest.fixture(autouse=True)
def own_home(home, monkeypatch):
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(home))


def fresh(toy, out, arch):
    recipe = ["--epochs", "1", "--batch", "8", "--precision", "fp32", "--threads", "1"]
    return ["train", "--arch", arch, "--data", f"folder:{toy}", "--out", str(out), *recipe]


def said(capsys, arguments):
    status = cli.main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return status, out, err


def refused(capsys, arguments):
    status, out, err = said(capsys, arguments)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    return err


# names


@pytest.mark.parametrize("arch", ["resnet20", "se_resnet20", "se_resnet50", "se_resnet18_64"])
def test_the_options_of_our_names_build_what_they_built_before(arch):
    """The same weights from the same seed: a training of before goes on."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        before = nets.build(arch, reduction=4, classes=7)
        torch.manual_seed(3)
        now = nets.from_card(nets.card_options(arch, 7, nets.SEPlacement(reduction=4)))
    assert now.options == before.options
    assert all(torch.equal(value, now.state_dict()[name]) for name, value in before.state_dict().items())


def test_a_name_of_torchvision_builds_its_network_without_auxiliary_heads():
    with torch.device("meta"):
        plain = nets.from_card(nets.card_options("torchvision:googlenet", 7))
        values = nets.card_options("torchvision:googlenet+se", 7, nets.SEPlacement((1, 3), reduction=8))
        gated = nets.from_card(json.loads(json.dumps(values)))
    assert not any(name.startswith("aux") for name in plain.state_dict())
    assert plain.fc.out_features == 7
    assert [site.path for site in find_gates(gated)] == ["inception3a.se", "inception3b.se", "inception5a.se", "inception5b.se"]
    assert [site.hidden for site in find_gates(gated)] == [256 // 8, 480 // 8, 832 // 8, 1024 // 8]
    assert nets.to_card(gated) == values


@pytest.mark.parametrize(
    ("arch", "sentence"),
    [
        ("torchvision:resnet19", "torchvision has no network 'resnet19' that classifies pictures"),
        ("torchvision:fcn_resnet50", "torchvision has no network 'fcn_resnet50'"),
        ("torchvision:alexnet+se", "AlexNet has no places where SE blocks are known to belong"),
        ("torchvision:mobilenet_v2+sa", "the one ending that there is is"),
        ("keras:vgg16", "those of a library are torchvision:NAME"),
    ],
)
def test_names_that_do_not_exist_are_one_sentence(arch, sentence):
    with pytest.raises(RequestError, match=sentence):
        nets.card_options(arch, 5)


def test_the_layers_of_inserted_blocks_are_the_se_group_of_the_optimiser():
    net = nets.from_card(nets.card_options(f"{SMALL}+se", 3))
    decaying, _, gates = parameter_groups(net, Recipe(se_lr=3.0))
    wanted = {id(value) for name, value in net.named_parameters() if ".se." in name}
    assert {id(value) for value in gates["params"]} == wanted
    assert (gates["weight_decay"], gates["factor"]) == (0.0, 3.0)
    assert not wanted & {id(value) for value in decaying["params"]}


# squeeze and hidden width


@pytest.mark.parametrize(
    ("arch", "r", "least", "widths"),
    [
        ("se_resnet20", 4, 6, [6] * 3 + [8] * 3 + [16] * 3),
        ("se_resnet18_64", 16, None, [8] * 6 + [16] * 2),  # its own least is 8
        ("se_resnet18_64", 16, 1, [2, 2, 4, 4, 8, 8, 16, 16]),
        (f"{SMALL}+se", 4, 12, [12] * 12 + [24] * 4),  # of 24, 48 and 96 channels
    ],
)
def test_squeeze_and_hidden_width_are_those_asked_for(arch, r, least, widths):
    """max(C // r, least) of every block, by hand."""
    job = Job(arch, r, "d", "", None, "", "", squeeze="max", min_hidden=least)
    with torch.device("meta"):
        blocks = [one for one in nets.from_card(job.options(3)).modules() if isinstance(one, nets.SqueezeExcite)]
    assert [nets.hidden_width(block) for block in blocks] == widths
    assert {block.squeeze.mode for block in blocks} == {"max"}


def test_squeeze_and_hidden_width_stand_in_state_and_card(toy, tmp_path, monkeypatch, capsys):
    asked, out = ["--squeeze", "none", "--min-hidden", "6", "--epochs", "2"], tmp_path / "asked"
    step = loop.Trainer._step

    def interrupted(self, *arguments):
        if self.epochs_done == 1:
            raise KeyboardInterrupt
        return step(self, *arguments)

    monkeypatch.setattr(loop.Trainer, "_step", interrupted)
    assert said(capsys, [*fresh(toy, out, "se_resnet20"), *asked])[0] == 130
    monkeypatch.undo()
    sentence = refused(capsys, ["train", "--out", out, "--resume", "--squeeze", "max", "--min-hidden", "5"])
    assert "other settings (squeeze, min_hidden)" in sentence
    assert said(capsys, ["train", "--out", out, "--resume", "--threads", "1"])[0] == 0
    card = open_checkpoint(out).card
    assert (card.options["se"]["squeeze"], card.options["se"]["min_hidden"]) == ("none", 6)
    assert card.description.endswith("reduction r = 4, standard position, none squeeze, 6 hidden units or more.")
    again = cli.parser().parse_args(shlex.split(card.commands["train"])[3:])
    assert (again.squeeze, again.min_hidden) == ("none", 6)
    assert len(card.gate_life.deviations) == 9


# a checkpoint like any other


def test_the_card_says_what_was_trained_and_from_what(home, toy):
    card, start = open_checkpoint("gated").card, open_checkpoint("plain").card
    assert card.arch == f"{SMALL}+se"
    assert card.classes == CLASSES
    options = {"library": "torchvision", "name": "shufflenet_v2_x0_5", "classes": 3, "options": {}}
    assert {name: card.options[name] for name in options} == options
    assert nets.SEPlacement.from_json(card.options["se"]) == nets.SEPlacement((2, 3), reduction=16)
    assert card.description == (
        "shufflenet_v2_x0_5 of torchvision, with 3 classes; SE blocks in stages 2, 3: reduction r = 16, standard position, "
        f"avg squeeze; trained on from the weights of plain (sha256 {start.weights_sha256[:8]})."
    )
    assert start.description == "shufflenet_v2_x0_5 of torchvision, with 3 classes; no SE blocks."
    assert (card.preprocessing.mean, card.preprocessing.std) == (start.preprocessing.mean, start.preprocessing.std)
    assert len(card.gate_life.deviations) == 12
    command = card.commands["train"]
    assert f"--arch {SMALL}+se --reduction 16 --where 2,3 --from plain --data folder:toy" in command
    cli.parser().parse_args(shlex.split(command)[3:])
    assert card.parameters - start.parameters == sum(2 * c * h + h + c for c, h in [(48, 3)] * 8 + [(96, 6)] * 4)


def test_it_is_inspected_evaluated_excited_and_ablated(home, toy, capsys):
    picture = next(toy.glob("test/*/*.png"))
    status, out, _ = said(capsys, ["inspect", picture, "--model", "gated", "--json"])
    assert status == 0
    gates = json.loads(out.splitlines()[-1])["gates"]
    assert [len(gates[path]) for path in ("stage3.0.se", "stage4.3.se")] == [48, 96]
    for command in ("evaluate", "excite", "ablate"):
        status, out, _ = said(capsys, [command, "--model", "gated", "--data", f"folder:{toy}", "--json"])
        assert (command, status) == (command, 0)
        assert json.loads(out.splitlines()[-1])
    checkpoint = open_checkpoint("gated")
    assert checkpoint.evaluation().logits.shape == (12, 3)
    assert checkpoint.excitation().sites.keys() == gates.keys()
    assert checkpoint.ablation() is not None


# weights to begin with


def test_a_training_begins_with_every_weight_that_fits(home):
    start = open_checkpoint("plain")
    kept = start.network().state_dict()
    net = nets.from_card(nets.card_options(f"{SMALL}+se", 3))
    words = begin_from(net, start, CLASSES)
    assert words == f"{len(kept)} tensors are those of plain; 16 SE blocks start fresh."
    assert all(torch.equal(net.state_dict()[name], value) for name, value in kept.items())


def test_the_classifier_starts_fresh_where_the_classes_are_others(home):
    start = open_checkpoint("plain")
    kept = start.network().state_dict()
    for classes in (("a", "b", "c", "d"), CLASSES[::-1]):
        net = nets.from_card(nets.card_options(SMALL, len(classes)))
        before = net.fc.weight.clone()
        words = begin_from(net, start, classes)
        assert f"the classifier fc starts fresh, as its 3 classes are others than the {len(classes)} of the data" in words
        assert torch.equal(net.fc.weight, before)
        assert all(torch.equal(net.state_dict()[name], value) for name, value in kept.items() if not name.startswith("fc."))


def test_auxiliary_heads_are_left_out_of_what_a_training_begins_with(home, toy, tmp_path, monkeypatch, capsys):
    """As in the pretrained weights of GoogLeNet, which normalise their pictures anew."""
    options = {"transform_input": True, "aux_logits": True, "init_weights": False}
    values = {"library": "torchvision", "name": "googlenet", "classes": 3, "options": options}
    start, net = open_checkpoint("plain"), nets.from_card(values)
    card = replace(start.card, arch="torchvision:googlenet", options=values)
    save_checkpoint(tmp_path / "headed", net, card)
    out = tmp_path / "gated"
    status, _, err = said(capsys, [*fresh(toy, out, "torchvision:googlenet+se"), "--from", tmp_path / "headed"])
    assert status == 0
    kept = [name for name in net.state_dict() if not name.startswith("aux")]
    assert f"{len(kept)} tensors are those of headed; 9 SE blocks start fresh." in err
    trained = open_checkpoint(out)
    assert trained.card.options["options"] == {"transform_input": True}
    assert trained.network().transform_input


def test_blocks_that_are_put_into_a_trained_network_begin_as_open_as_they_are_told(home, toy, tmp_path, monkeypatch, capsys):
    """After no step at all, gates of sigmoid(4) on average: the network nearly computes what it did."""
    monkeypatch.setattr(loop.Trainer, "_step", lambda trainer, x, y, *_: trainer.net(x).detach())
    options = ["--from", "plain", "--se-bias", "4"]
    assert cli.main([*fresh(toy, tmp_path / "open", f"{SMALL}+se"), *options]) == 0
    blocks = [module for module in open_checkpoint(tmp_path / "open").network().modules() if isinstance(module, SqueezeExcite)]
    assert blocks and all((block.fc2.bias == 4).all() for block in blocks)
    assert "--se-bias 4" in open_checkpoint(tmp_path / "open").card.commands["train"]
    capsys.readouterr()
    gated = fresh(toy, tmp_path / "x", f"{SMALL}+se")
    sentence = refused(capsys, [*gated, "--where", "3,2", "--from", "gated", "--se-bias", "4"])
    assert "The SE layers of gated keep their weights; leave --se-init and --se-bias out." in sentence
    assert "--whiten is of fresh weights" in refused(capsys, [*gated, "--from", "plain", "--whiten"])


def test_a_start_of_another_network_is_refused(home, toy, tmp_path, capsys):
    out = tmp_path / "new"
    sentence = refused(capsys, [*fresh(toy, out, "torchvision:mobilenet_v2+se"), "--from", "plain"])
    assert f"plain is {SMALL}, another network than the one to train (name); give --from its plain twin." in sentence
    assert "another network" in refused(capsys, [*fresh(toy, out, "se_resnet20"), "--from", "plain"])
    assert "SE blocks" in refused(capsys, [*fresh(toy, out, SMALL), "--from", "gated"])
    assert "There is no checkpoint 'nothing'" in refused(capsys, [*fresh(toy, out, SMALL), "--from", "nothing"])
    with pytest.raises(TrainingError, match="another network"):
        require_twin(nets.card_options("se_resnet32", 10), bundled("resnet20"))
    require_twin(nets.card_options("se_resnet20", 3), bundled("resnet20"))
    assert not out.exists()


def bundled(name):
    return open_checkpoint(Path(__file__).parents[1] / "checkpoints" / name)


# what cannot be


@pytest.mark.parametrize(
    ("arch", "more", "sentence"),
    [
        ("torchvision:vgg99", [], "torchvision:vgg99 cannot be built so: torchvision has no network 'vgg99'"),
        ("torchvision:alexnet+se", [], "AlexNet has no places"),
        (SMALL, ["--where", "2"], f"{SMALL} has no SE blocks, for which --position, --where, --squeeze and --min-hidden are;"),
        (SMALL, ["--squeeze", "max"], f"{SMALL} has no SE blocks, for which"),
        ("resnet20", ["--min-hidden", "2"], "resnet20 has no SE blocks, for which"),
        ("se_resnet20", ["--where", "3,4"], "se_resnet20 has no stage 4; its stages are 1 to 3."),
        ("se_resnet20", ["--where", "0"], "se_resnet20 has no stage 0; its stages are 1 to 3."),
        (f"{SMALL}+se", ["--where", "2,9"], "ShuffleNetV2 has no stage 9; its stages are 1 to 3"),
        ("torchvision:googlenet+se", ["--position", "pre"], "GoogLeNet has no position 'pre' for SE blocks; it has standard"),
        ("se_resnet20", ["--position", "3x3"], "se_resnet20 cannot be built so: a placement is one of"),
        ("torchvision:inception_v3+se", [], "cannot be trained with pictures of 32 x 32 pixels; give a larger --size."),
        (SMALL, ["--batch", "23"], "The last batch of an epoch has one picture, too little for batch norm; change --batch."),
    ],
)
def test_what_cannot_be_trained_is_one_sentence(toy, tmp_path, capsys, arch, more, sentence):
    assert sentence in refused(capsys, [*fresh(toy, tmp_path / "new", arch), *more])
    assert not (tmp_path / "new").exists()


def test_stages_are_numbers(toy, tmp_path, capsys):
    with pytest.raises(SystemExit):
        cli.main([*fresh(toy, tmp_path / "new", f"{SMALL}+se"), "--where", "last"])
    assert "'last' names no stages; write numbers such as 2,3" in capsys.readouterr().err


# stopped and resumed


def test_a_resumed_training_with_dropout_ends_with_the_same_bits(home, toy, tmp_path, monkeypatch, capsys):
    """MobileNetV2 draws its dropout from torch's own generator, the rest of an epoch from (seed, epoch)."""
    step = loop.Trainer._step

    def interrupted(self, *arguments):
        if self.epochs_done == 1:
            raise KeyboardInterrupt
        return step(self, *arguments)

    start = [*fresh(toy, tmp_path / "start", "torchvision:mobilenet_v2"), "--epochs", "1"]
    assert cli.main(start) == 0
    more = ["--from", tmp_path / "start", "--position", "3x3", "--epochs", "2", "--lr", "0.01"]
    straight, stopped = (
        [*fresh(toy, tmp_path / name, "torchvision:mobilenet_v2+se"), *more] for name in ("straight", "stopped")
    )
    assert said(capsys, straight)[0] == 0
    assert "/" not in open_checkpoint(tmp_path / "straight").card.description.replace("3x3", "")
    assert "--from start " in open_checkpoint(tmp_path / "straight").card.commands["train"]
    monkeypatch.setattr(loop.Trainer, "_step", interrupted)
    assert said(capsys, stopped)[0] == 130
    monkeypatch.undo()
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(home))
    (tmp_path / "start").rename(tmp_path / "gone")  # what it began with is not needed any more
    resume = ["train", "--out", tmp_path / "stopped", "--resume"]
    assert "began with other weights" in refused(capsys, [*resume, "--from", "plain"])
    torch.rand(5)  # and what others draw meanwhile is of no matter
    status, _, err = said(capsys, [*resume, "--threads", "1"])
    assert status == 0
    assert "start fresh" not in err
    ours, theirs = (load_file(tmp_path / name / "model.safetensors") for name in ("stopped", "straight"))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_an_epoch_draws_its_own_and_leaves_torchs_generator_alone():
    job = Job(f"{SMALL}+se", 16, "folder:a", "", None, "aa", "bb")
    net = nets.from_card(job.options(3))
    made = loop.Trainer(net, Recipe(batch=8), Preprocessing(32, 32), torch.device("cpu"), job)
    with torch.random.fork_rng():
        torch.manual_seed(5)
        wanted = torch.rand(3)
        torch.manual_seed(5)
        with loop._drawing_from(made):
            first = torch.rand(3)
        assert torch.equal(torch.rand(3), wanted)
        with loop._drawing_from(made):
            assert torch.equal(torch.rand(3), first)
        made.recipe = replace(made.recipe, seed=1)
        with loop._drawing_from(made):
            assert not torch.equal(torch.rand(3), first)
