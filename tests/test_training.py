"""Training: augmentation, recipe and loop by their definitions, and nothing lost by a stop at any moment."""

from __future__ import annotations

import copy
import math
import os
import signal
import subprocess
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import load_file, save
from sets import coloured, write_folder
from torchvision.transforms import RandomResizedCrop

from seviz import cli
from seviz.data import PictureSet
from seviz.errors import TrainingError
from seviz.history import Epoch, read_history
from seviz.images import Preprocessing
from seviz.nets import ResNet, ResNetOptions, SEOptions, build
from seviz.training import (
    Job,
    Recipe,
    RunState,
    Trainer,
    alternating_flips,
    augment,
    draw_boxes,
    learning_rate,
    loop,
    loss_and_accuracy,
    parameter_groups,
    plan_epoch,
    resized_crops,
    train_epochs,
)

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = ResNetOptions((1, 1), (8, 16), (1, 2), classes=3, se=SEOptions(4))
PREPROCESSING = Preprocessing(16, 16, mean=(0.3, 0.31, 0.32), std=(0.2, 0.21, 0.22))
CPU = torch.device("cpu")


def trainer(recipe: Recipe, *, options: ResNetOptions = TINY, job: Job | None = None, device: torch.device = CPU) -> Trainer:
    torch.manual_seed(recipe.seed)
    return Trainer(ResNet(options), recipe, PREPROCESSING, device, job)


def run(to_train: Trainer, folder: Path, *, epochs: int = 99) -> list[Epoch]:
    """Train on toy sets, for `epochs` epochs at most."""
    going = train_epochs(to_train, coloured(40), coloured(12, seed=1, split="test"), folder, lambda *_: None)
    return list(islice(going, epochs))


def normalised(data: PictureSet) -> torch.Tensor:
    """float64 (N, 3, H, W): (pixel / 255 - mean) / std, as Preprocessing says."""
    mean, std = (torch.tensor(values, dtype=torch.float64) for values in (PREPROCESSING.mean, PREPROCESSING.std))
    return ((torch.from_numpy(data.pictures).double() / 255 - mean) / std).permute(0, 3, 1, 2)


# augmentation


def test_crops_and_flips_are_those_of_padding_and_slicing():
    pictures = torch.from_numpy(coloured(24, side=12).pictures)
    plan = plan_epoch(24, 0, Recipe(batch=24, pad=4, seed=3), size=(12, 12), device=CPU)
    ours = augment(pictures, plan.flips, plan.crops[0])
    padded = F.pad(pictures.permute(0, 3, 1, 2).float(), (4, 4, 4, 4), mode="reflect").permute(0, 2, 3, 1).byte()
    for index in range(24):
        down, right = (int(value) for value in plan.crops[0][:, index, 0])
        crop = padded[index, 4 + down : 16 + down, 4 + right : 16 + right]
        assert torch.equal(ours[index], crop.flip(1) if plan.flips[index] else crop)
    assert {int(value) for value in plan.crops[0].flatten()} >= {-4, 0, 4}
    assert len(plan.flips.unique()) == 2


def test_without_padding_and_flips_pictures_stay_as_they_are():
    pictures = torch.from_numpy(coloured(8).pictures)
    plan = plan_epoch(8, 5, Recipe(batch=8, pad=0, flip=False), size=(16, 16), device=CPU)
    assert torch.equal(augment(pictures, plan.flips, plan.crops[0]), pictures)


def test_flips_alternate_and_every_picture_is_seen_both_ways():
    first, second, third = (alternating_flips(1000, 7, epoch) for epoch in range(3))
    assert torch.equal(first, ~second)
    assert torch.equal(first, third)
    assert 400 < int(first.sum()) < 600
    assert not torch.equal(first, alternating_flips(1000, 8, 0))


def test_an_epoch_sees_every_picture_once_in_an_order_of_its_own():
    plans = [plan_epoch(50, epoch, Recipe(batch=16, pad=2, seed=1), size=(16, 16), device=CPU) for epoch in (0, 1, 0)]
    seen = [torch.cat([plan.chosen(step) for step in range(plan.steps)]) for plan in plans]
    assert [len(plans[0].chosen(step)) for step in range(4)] == [16, 16, 16, 2]
    assert [shift.shape for shift in plans[0].crops] == [(2, 16, 1)] * 3 + [(2, 2, 1)]
    assert seen[0].sort().values.tolist() == list(range(50))
    assert not torch.equal(seen[0], seen[1])
    assert torch.equal(seen[0], seen[2])
    assert torch.equal(plans[0].crops[1], plans[2].crops[1])


def test_boxes_are_torchvisions_in_distribution():
    """Mean, spread and extremes of area and ratio against RandomResizedCrop, whose boxes are whole pixels."""
    generator = torch.Generator().manual_seed(0)
    top, left, tall, wide = draw_boxes(4000, 0.2, (300, 400), generator).double()
    assert bool((top >= 0).all() and (left >= 0).all() and (top + tall <= 1 + 1e-6).all() and (left + wide <= 1 + 1e-6).all())
    torch.manual_seed(1)
    picture = torch.empty(3, 300, 400)
    theirs = torch.tensor([RandomResizedCrop.get_params(picture, [0.2, 1.0], [3 / 4, 4 / 3]) for _ in range(4000)]).double()
    pairs = [(tall * wide, theirs[:, 2] * theirs[:, 3] / 120_000), (wide * 4 / (tall * 3), theirs[:, 3] / theirs[:, 2])]
    pairs += [(top, theirs[:, 0] / 300), (left, theirs[:, 1] / 400)]
    for ours, other in pairs:
        assert float(ours.mean()) == pytest.approx(float(other.mean()), abs=0.02)
        assert float(ours.std()) == pytest.approx(float(other.std()), abs=0.02)
    assert float((tall * wide).min()) == pytest.approx(0.2, abs=0.01)


def test_a_picture_of_which_no_box_fits_is_taken_whole():
    boxes = draw_boxes(50, 1.0, (10, 100), torch.Generator().manual_seed(0))  # ten times as wide as it is high
    assert torch.equal(boxes, torch.tensor([0.0, 0.0, 1.0, 1.0])[:, None].expand(4, 50))


def test_resized_crops_are_bilinear_by_definition():
    pictures = torch.from_numpy(coloured(6, side=12).pictures)
    boxes = draw_boxes(6, 0.2, (12, 12), torch.Generator().manual_seed(5))
    flips = torch.tensor([True, False] * 3)
    ours = resized_crops(pictures, flips, boxes, 7)
    assert ours.shape == (6, 7, 7, 3)
    for index, (top, left, tall, wide) in enumerate(boxes.T.tolist()):
        for row in range(7):
            for column in range(7):
                y = min(max((top + (row + 0.5) / 7 * tall) * 12 - 0.5, 0), 11)
                x = min(max((left + ((6 - column if flips[index] else column) + 0.5) / 7 * wide) * 12 - 0.5, 0), 11)
                low, near = int(y), int(x)
                high, far = min(low + 1, 11), min(near + 1, 11)
                down, right = y - low, x - near
                pixel = pictures[index].double()
                wanted = (1 - down) * ((1 - right) * pixel[low, near] + right * pixel[low, far])
                wanted += down * ((1 - right) * pixel[high, near] + right * pixel[high, far])
                assert (ours[index, row, column] - wanted).abs().max() <= 0.51  # rounded once


def test_a_whole_box_at_the_pictures_size_is_the_picture():
    pictures = torch.from_numpy(coloured(4).pictures)
    whole = torch.tensor([0.0, 0.0, 1.0, 1.0])[:, None].expand(4, 4)
    assert torch.equal(resized_crops(pictures, torch.zeros(4, dtype=torch.bool), whole, 16), pictures)
    assert torch.equal(resized_crops(pictures, torch.ones(4, dtype=torch.bool), whole, 16), pictures.flip(2))


def test_a_step_of_resized_crops_sees_its_own_pictures_at_the_crops_size():
    pictures = torch.arange(10, dtype=torch.uint8)[:, None, None, None].expand(10, 16, 16, 3)
    plan = plan_epoch(10, 0, Recipe(batch=4, crop="resized", crop_size=8), size=(16, 16), device=CPU)
    assert plan.steps == 3
    for step in range(3):
        wanted = plan.chosen(step).to(torch.uint8)[:, None, None, None].expand(-1, 8, 8, 3)
        assert torch.equal(plan.seen(pictures, step), wanted)


# the recipe


def test_se_layers_norms_and_biases_do_not_decay():
    net = build("se_resnet20", reduction=4)
    groups = parameter_groups(net, Recipe(weight_decay=0.01, se_lr=3.0))
    names = {id(parameter): name for name, parameter in net.named_parameters()}
    members = [{names[id(parameter)] for parameter in group["params"]} for group in groups]
    gates = {name for name in names.values() if ".se." in name}
    kernels = {name for name in set(names.values()) - gates if "conv" in name or name.endswith(".downsample.0.weight")}
    assert members[0] == kernels | {"fc.weight"}
    assert members[2] == gates
    assert members[1] == set(names.values()) - members[0] - members[2]
    assert all(".bn" in name or "bn1" in name or "downsample.1" in name or name == "fc.bias" for name in members[1])
    assert [group["weight_decay"] for group in groups] == [0.01, 0.0, 0.0]
    assert [group["factor"] for group in groups] == [1.0, 1.0, 3.0]
    assert len(parameter_groups(build("resnet20"), Recipe())) == 2


def test_the_learning_rate_rises_then_falls_as_a_cosine():
    recipe = Recipe(peak_lr=0.4, warmup=0.2)
    rates = [learning_rate(step, 20, recipe) for step in range(20)]
    assert rates[:5] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4])
    assert rates[12] == pytest.approx(0.2)  # half way down: 8 of 16 steps after the warm-up
    assert rates[8] == pytest.approx(0.2 * (1 + math.sqrt(0.5)))
    assert 0 < rates[19] < 0.005
    assert learning_rate(0, 20, replace(recipe, warmup=0.0)) == 0.4


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"epochs": 0}, "at least 1 epoch"),
        ({"batch": 1}, "batches of at least 2"),
        ({"peak_lr": float("nan")}, "learning rate above 0"),
        ({"ema": 1.0}, "--ema is at least 0 and below 1, not 1.0"),
        ({"label_smoothing": -0.1}, "--label-smoothing is at least 0"),
        ({"warmup": 1.5}, "--warmup is a share"),
        ({"weight_decay": -1.0}, "--weight-decay is 0 to 1, not -1.0"),
        ({"weight_decay": 1e30}, "--weight-decay is 0 to 1"),
        ({"se_lr": float("nan")}, "--se-lr is 0 to 1000"),
        ({"epochs": 10**9}, "100,000, 16,384 and 100 are the most"),
        ({"batch": 10**30}, "100,000, 16,384 and 100 are the most"),
        ({"peak_lr": 1e5}, "100,000, 16,384 and 100 are the most"),
        ({"peak_lr": 50.0, "weight_decay": 0.5}, "--lr times --weight-decay is below 1"),
        ({"peak_lr": 50.0, "se_lr": 500.0}, "--lr times --se-lr at most 100"),
        ({"seed": -1}, "--seed is 0 to 4294967295, not -1"),
        ({"crop": "centre"}, "--crop is shift or resized, not 'centre'"),
        ({"least_area": 0.0}, "--least-area is a share of the picture above 0, not 0.0"),
        ({"least_area": float("nan")}, "--least-area is a share of the picture above 0, not nan"),
        ({"crop_size": 10**6}, "--crop-size is 0 to 1024, not 1000000"),
        ({"precision": "fp16"}, "--precision is fp32 or bf16"),
    ],
)
def test_recipes_that_make_no_sense_are_refused(values, sentence):
    with pytest.raises(TrainingError, match=sentence):
        Recipe(**values)


def test_padding_as_wide_as_the_picture_is_refused():
    with pytest.raises(TrainingError, match="--pad 16 is not below the pictures' side"):
        trainer(Recipe(pad=16))


# the loop


def test_a_step_is_nesterovs_by_hand():
    """One parameter tensor of each group against the update rule of Sutskever et al. as PyTorch states it."""
    recipe = Recipe(batch=40, epochs=2, peak_lr=0.1, warmup=0.5, weight_decay=0.01, se_lr=3.0, pad=0, flip=False, ema=0.5)
    ours, data = trainer(recipe), coloured(40)
    for name, parameter in ours.net.named_parameters():
        if name.endswith("bn2.weight"):
            torch.nn.init.ones_(parameter)  # 0 at first: no gradient would reach the gates
    slow = copy.deepcopy(ours.net)
    x = normalised(data).float()
    names = ("conv1.weight", "layer2.0.bn1.bias", "layer1.0.se.fc2.weight")
    momenta = dict.fromkeys(names, 0.0)
    average = {name: value.clone() for name, value in slow.named_parameters() if name in names}
    for step, lr in enumerate((0.1, 0.1 * 0.5 * (1 + math.cos(0)))):
        slow.train()
        slow.zero_grad()
        logits = slow(x)
        labels = torch.from_numpy(data.labels)
        target = F.one_hot(labels, 3) * 0.9 + 0.1 / 3  # label smoothing by its definition
        (-(target * logits.log_softmax(1)).sum(1).mean()).backward()
        with torch.no_grad():
            for name, parameter in slow.named_parameters():
                decay, factor = (0.01 if parameter.dim() > 1 else 0.0), 1.0
                if ".se." in name:
                    decay, factor = 0.0, 3.0
                gradient = parameter.grad + decay * parameter
                momenta[name] = 0.9 * momenta.get(name, 0.0) + gradient
                parameter -= lr * factor * (gradient + 0.9 * momenta[name])
                if name in average:
                    share = min(0.5, (1 + step) / (10 + step))
                    average[name] = share * average[name] + (1 - share) * parameter
        pictures, labels = torch.from_numpy(data.pictures), torch.from_numpy(data.labels)
        ours.run_epoch(pictures, labels, lambda *_: None)
        ours.history.append(Epoch(step + 1, *[0.0] * 6))
    theirs, kept = dict(slow.named_parameters()), dict(ours.ema.named_parameters())
    for name in names:
        torch.testing.assert_close(dict(ours.net.named_parameters())[name], theirs[name], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(kept[name], average[name], rtol=1e-4, atol=1e-5)


def test_the_average_follows_its_formula_over_many_steps(tmp_path):
    ours = trainer(Recipe(epochs=2, batch=10, ema=0.3))
    slow = {name: value.clone() for name, value in ours.net.state_dict().items()}
    plain, step = ours._step, 0

    def watched(x, y, number, steps):
        nonlocal step
        result = plain(x, y, number, steps)
        decay = min(0.3, (1 + step) / (10 + step))
        for name, value in ours.net.state_dict().items():
            if value.is_floating_point():
                slow[name] = decay * slow[name] + (1 - decay) * value
        step += 1
        return result

    ours._step = watched
    run(ours, tmp_path)
    assert step == 8
    for name, value in ours.ema.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(value, slow[name], rtol=1e-5, atol=1e-6)


def test_training_learns_and_the_history_says_how(tmp_path):
    ours = trainer(Recipe(epochs=8, batch=10, ema=0.8))
    seen = []
    going = train_epochs(ours, coloured(40), coloured(12, seed=1), tmp_path, lambda *report: seen.append(report))
    epochs = list(going)
    assert [epoch.epoch for epoch in epochs] == list(range(1, 9))
    assert epochs[-1].test_accuracy == 1.0
    assert epochs[-1].train_loss < 0.5 * epochs[0].train_loss
    assert [number for number, *_ in seen] == list(range(1, 9))
    assert seen[-1] == (8, 40, epochs[-1].train_loss, epochs[-1].train_accuracy)
    read = read_history(tmp_path)
    assert [row.epoch for row in read] == list(range(1, 9))
    assert read[2].train_loss == pytest.approx(epochs[2].train_loss, rel=1e-5)
    lines = (tmp_path / "history.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "epoch,train_loss,train_accuracy,test_loss,test_accuracy,learning_rate,seconds"
    assert len(lines) == 9
    with torch.no_grad():
        logits = ours.ema(normalised(coloured(12, seed=1)).float())
    loss = F.cross_entropy(logits, torch.from_numpy(coloured(12, seed=1).labels))
    assert epochs[-1].test_loss == pytest.approx(float(loss), rel=1e-4)
    assert loss_and_accuracy(ours, coloured(12, seed=1))[1] == 1.0


def test_a_loss_that_explodes_is_one_sentence_and_saves_nothing(tmp_path):
    for size in (1e38, 1e30):  # beyond float32, and beyond what a history holds
        ours = trainer(Recipe(epochs=2, batch=10))
        torch.nn.init.constant_(ours.net.fc.weight[0], size)
        with pytest.raises(TrainingError, match=r"The loss became .* in epoch 1; start again with a lower --lr than 0\.15"):
            run(ours, tmp_path)
        assert list(tmp_path.iterdir()) == []


def test_a_moving_average_that_explodes_is_one_sentence_and_saves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "loss_and_accuracy", lambda *_: (float("nan"), 0.5))
    with pytest.raises(TrainingError, match="The loss became nan in epoch 1"):
        run(trainer(Recipe(epochs=1, batch=10)), tmp_path)
    assert list(tmp_path.iterdir()) == []


# gates over epochs


def test_the_gates_of_each_epoch_are_the_class_means_of_the_average(tmp_path):
    ours, test = trainer(Recipe(epochs=2, batch=10, ema=0.8)), coloured(12, seed=1, split="test")
    run(ours, tmp_path)
    assert len(ours.gates) == 2
    x, labels = normalised(test).float(), torch.from_numpy(test.labels)
    block = ours.ema.layer2[0].se
    caught = []
    handle = block.gate.register_forward_hook(lambda module, inputs, output: caught.append(output))
    with torch.no_grad():
        ours.ema(x)
    handle.remove()
    wanted = torch.stack([caught[0][labels == number].mean(0) for number in range(3)])
    assert ours.gates[1]["layer2.0.se"].dtype == np.float16
    torch.testing.assert_close(torch.from_numpy(ours.gates[1]["layer2.0.se"]).float(), wanted, atol=1e-3, rtol=0)
    assert not np.array_equal(ours.gates[0]["layer2.0.se"], ours.gates[1]["layer2.0.se"])


def test_a_resumed_training_keeps_the_gates_of_the_epochs_before(tmp_path):
    recipe = Recipe(epochs=2, batch=16)
    straight, first, second = trainer(recipe), trainer(recipe), trainer(recipe)
    run(straight, tmp_path / "straight")
    run(first, tmp_path / "stopped", epochs=1)
    second.restore(RunState.load(tmp_path / "stopped"))
    run(second, tmp_path / "stopped")
    for ours, theirs in zip(second.gates, straight.gates, strict=True):
        assert all(np.array_equal(ours[path], values) for path, values in theirs.items())


def test_a_state_without_gates_goes_on_without_them(tmp_path):
    recipe = Recipe(epochs=2, batch=16)
    first, second = trainer(recipe), trainer(recipe)
    run(first, tmp_path, epochs=1)
    first.gates = []
    first.save(tmp_path)
    second.restore(RunState.load(tmp_path))
    run(second, tmp_path)
    assert len(second.gates) == 1  # of two epochs: no history can be made of it
    assert RunState.load(tmp_path).epoch_gates() == []


# resuming


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_resumed_training_ends_with_the_same_bits(tmp_path, precision):
    recipe = Recipe(epochs=3, batch=16, precision=precision)
    straight, first, second = trainer(recipe), trainer(recipe), trainer(replace(recipe))
    whole = run(straight, tmp_path / "straight")
    run(first, tmp_path / "stopped", epochs=1)
    torch.nn.init.ones_(second.net.conv1.weight)  # the state must replace all of it
    second.restore(RunState.load(tmp_path / "stopped"))
    assert second.epochs_done == 1
    rest = run(second, tmp_path / "stopped")
    for ours, theirs in ((second.net, straight.net), (second.ema, straight.ema)):
        theirs = theirs.state_dict()
        assert all(torch.equal(value, theirs[name]) for name, value in ours.state_dict().items())
    assert [replace(row, seconds=0) for row in rest] == [replace(row, seconds=0) for row in whole[1:]]


def test_states_of_other_trainings_are_refused(tmp_path):
    recipe, job = Recipe(epochs=2, batch=16), Job("se_tiny", 4, "folder:a", "", None, "aa", "bb")
    run(trainer(recipe, job=job), tmp_path, epochs=1)
    state = RunState.load(tmp_path)
    assert state.job == job
    trainer(recipe, job=replace(job, data="folder:moved", note="now with a note")).restore(state)
    with pytest.raises(TrainingError, match=r"other settings \(batch, seed\)"):
        trainer(replace(recipe, seed=1, batch=8), job=job).restore(state)
    with pytest.raises(TrainingError, match=r"other settings \(train_sha256\)"):
        trainer(recipe, job=replace(job, train_sha256="cc")).restore(state)
    with pytest.raises(TrainingError, match="of another network; choose another --out"):
        trainer(recipe, options=replace(TINY, widths=(8, 32)), job=job).restore(state)
    with pytest.raises(TrainingError, match="of another network"):
        trainer(recipe, options=replace(TINY, se=None), job=job).restore(state)


def test_a_training_without_momentum_goes_on_as_if_it_had_not_stopped(tmp_path):
    recipe = Recipe(epochs=2, batch=16, momentum=0.0)
    straight, first, second = trainer(recipe), trainer(recipe), trainer(recipe)
    run(straight, tmp_path / "straight")
    run(first, tmp_path / "stopped", epochs=1)
    second.restore(RunState.load(tmp_path / "stopped"))
    run(second, tmp_path / "stopped")
    theirs = straight.net.state_dict()
    assert all(torch.equal(value, theirs[name]) for name, value in second.net.state_dict().items())


def edit_state(folder, tensors=lambda tensors: None, metadata=lambda metadata: None):
    """What anybody could do to a state with safetensors alone."""
    path = folder / "resume.safetensors"
    with safe_open(path, "pt") as file:
        texts, values = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    tensors(values)
    metadata(texts)
    path.write_bytes(save(values, texts))


@pytest.mark.parametrize(
    "edits",
    [
        {"tensors": lambda tensors: tensors["net.conv1.weight"][0, 0, 0].add_(1e-3)},
        {"tensors": lambda tensors: tensors.update({"ema.bn1.weight": tensors["ema.bn1.bias"].clone()})},
        {"metadata": lambda texts: texts.update(recipe=texts["recipe"].replace('"seed": 0', '"seed": 1'))},
        {"metadata": lambda texts: texts.update(history=texts["history"].replace("[[1,", "[[1, 1], [1,"))},
        {"metadata": lambda texts: texts.update(more="than there was")},
        {"metadata": lambda texts: texts.update(sha256="0" * 64)},
    ],
)
def test_an_edited_state_is_one_sentence(tmp_path, edits):
    run(trainer(Recipe(epochs=1, batch=16)), tmp_path)
    edit_state(tmp_path)
    RunState.load(tmp_path)
    edit_state(tmp_path, **edits)
    with pytest.raises(TrainingError, match=r"resume\.safetensors is damaged; remove it and start the training again"):
        RunState.load(tmp_path)


def test_a_state_of_an_older_version_says_who_can_finish_it(tmp_path):
    run(trainer(Recipe(epochs=1, batch=16)), tmp_path)
    edit_state(tmp_path, metadata=lambda texts: texts.pop("sha256"))
    with pytest.raises(TrainingError, match="has no sha256: finish this training with the version of seviz that started it"):
        RunState.load(tmp_path)


def test_a_pipe_in_the_place_of_a_state_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "resume.safetensors")
    with pytest.raises(TrainingError, match="is damaged"):
        RunState.load(tmp_path)


@pytest.mark.parametrize("damage", [lambda content: content[:1000], lambda _: b"", lambda content: b"\xff" * 64 + content])
def test_a_damaged_state_is_one_sentence(tmp_path, damage):
    run(trainer(Recipe(epochs=1, batch=16)), tmp_path)
    path = tmp_path / "resume.safetensors"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(TrainingError, match=r"resume\.safetensors is damaged; remove it and start the training again"):
        RunState.load(tmp_path)


def test_a_state_without_its_job_can_be_resumed(tmp_path):
    run(trainer(Recipe(epochs=1, batch=16)), tmp_path)
    assert RunState.load(tmp_path).job is None
    trainer(Recipe(epochs=1, batch=16), job=Job("a", 4, "b", "", None, "c", "d")).restore(RunState.load(tmp_path))


# the child trains by the command line; it kills itself with SIGKILL at a moment that the test chooses
CHILD = """
import os, signal, sys
from seviz import cli, files
from seviz.training import loop

moment, arguments = sys.argv[1], sys.argv[2:]
die = lambda: os.kill(os.getpid(), signal.SIGKILL)
count = 0

if moment == "in the second epoch":
    step = loop.Trainer._step
    def deadly(self, *args):
        if self.epochs_done == 1:
            die()
        return step(self, *args)
    loop.Trainer._step = deadly
else:  # while the second state is on disk under its temporary name
    replace = os.replace
    def deadly(source, target):
        global count
        count += str(target).endswith("resume.safetensors")
        if count == 2:
            die()
        return replace(source, target)
    os.replace = deadly
cli.main(arguments)
"""


@pytest.mark.parametrize("moment", ["in the second epoch", "in the second write"])
def test_kill_nine_loses_at_most_an_epoch_and_no_bit(tmp_path, moment):
    data = write_folder(tmp_path / "toy")
    common = ["--threads", "1", "--resume"]
    fresh = ["train", "--arch", "se_resnet20", "--data", f"folder:{data}", "--epochs", "2", "--batch", "24", "--threads", "1"]
    killed, straight = tmp_path / "killed", tmp_path / "straight"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-c", CHILD, moment, *fresh, "--out", str(killed)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert len(RunState.load(killed).history) == 1
    assert not (killed / "card.json").exists()
    assert cli.main(["train", "--out", str(killed), *common]) == 0
    assert cli.main([*fresh, "--out", str(straight)]) == 0
    ours, theirs = load_file(killed / "model.safetensors"), load_file(straight / "model.safetensors")
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    names = {"model.safetensors", "card.json", "history.csv", "evaluation.npz", "epochs.npz"}
    assert {path.name for path in killed.iterdir()} == names
    assert (killed / "epochs.npz").read_bytes() == (straight / "epochs.npz").read_bytes()


@pytest.mark.cuda
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_cuda_trains_as_the_cpu_does(tmp_path, precision):
    recipe = Recipe(epochs=2, batch=10, precision=precision)
    ours, theirs = trainer(recipe, device=torch.device("cuda:0")), trainer(replace(recipe, precision="fp32"))
    on_cuda, on_cpu = run(ours, tmp_path / "cuda"), run(theirs, tmp_path / "cpu")
    tolerance = 1e-3 if precision == "fp32" else 0.1
    assert on_cuda[0].train_loss == pytest.approx(on_cpu[0].train_loss, abs=tolerance)
    resumed = trainer(recipe, device=torch.device("cuda:0"))
    resumed.restore(RunState.load(tmp_path / "cuda"))
    assert all(value.is_cuda for value in resumed.net.state_dict().values())
