"""What a recipe can ask for beside crops and flips: Cutout, small pictures at first, whitening, other SE layers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sets import coloured, write_folder
from torch import nn
from torchvision.transforms.v2 import functional as transforms

from seviz import cli
from seviz.checkpoints import open_checkpoint
from seviz.errors import TrainingError
from seviz.evaluation import normaliser
from seviz.images import Preprocessing
from seviz.nets import ResNet, ResNetOptions, SEOptions, build
from seviz.training import Recipe, Trainer, hide, loop, parameter_groups, plan_epoch, require_pass, set_first_weights
from seviz.training.corrupting import SEEN, blurred, noisy, plan_corruption, with_contrast
from seviz.training.state import Job

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = ResNetOptions((1, 1), (8, 16), (1, 2), classes=3, se=SEOptions(4))
PREPROCESSING = Preprocessing(16, 16, mean=(0.3, 0.31, 0.32), std=(0.2, 0.21, 0.22))
CPU = torch.device("cpu")


def test_cutout_hides_a_square_and_nothing_else():
    x = torch.rand(40, 3, 12, 10) + 1
    holes = torch.rand(2, 40, 1, generator=torch.Generator().manual_seed(0))
    hidden = hide(x, holes, 4)
    for index in range(40):
        row, column = (int(share * size) for share, size in zip(holes[:, index, 0].tolist(), (12, 10), strict=True))
        for y in range(12):
            for z in range(10):
                inside = row - 2 <= y < row + 2 and column - 2 <= z < column + 2
                wanted = torch.zeros(3) if inside else x[index, :, y, z]
                assert torch.equal(hidden[index, :, y, z], wanted)
    assert torch.equal(hide(x, holes, 0), x)


def test_the_squares_of_an_epoch_lie_everywhere_and_leave_crops_and_order_as_they_were():
    with_holes, without = (
        plan_epoch(400, 2, Recipe(batch=128, cutout=side), size=(16, 16), device=CPU) for side in (5, 0)
    )
    assert without.holes is None
    assert [hole.shape for hole in with_holes.holes] == [(2, 128, 1)] * 3 + [(2, 16, 1)]
    middles = torch.cat(with_holes.holes, 1)
    assert 0 <= float(middles.min()) < 0.01 and 0.99 < float(middles.max()) < 1
    assert torch.equal(with_holes.order, without.order)
    assert all(torch.equal(one, other) for one, other in zip(with_holes.crops, without.crops, strict=True))


# corruption as augmentation


def some_pictures(count, height=32, width=24):
    return torch.randint(256, (count, height, width, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def channels_first(pictures):
    return pictures.permute(0, 3, 1, 2)


def test_the_share_of_pictures_is_corrupted_each_in_one_way_and_the_others_stay():
    plan = plan_corruption(4000, 128, 0.4, torch.Generator().manual_seed(0), CPU)
    assert plan.steps == 32
    seen = {kind: sum(len(plan.chosen(step)[kind]) for step in range(32)) for kind in SEEN}
    assert sum(seen.values()) == pytest.approx(1600, abs=100)
    assert all(count == pytest.approx(400, abs=60) for count in seen.values())
    pictures, before = some_pictures(128), some_pictures(128)
    made = plan.on(pictures, 3)
    places = torch.cat(list(plan.chosen(3).values()))
    touched = places - 3 * 128
    assert len(set(touched.tolist())) == len(touched)
    others = torch.ones(128, dtype=torch.bool).index_fill(0, touched, False)
    assert made.dtype == torch.uint8 and torch.equal(made[others], pictures[others])
    changed = (made[touched] != pictures[touched]).flatten(1).any(1)
    assert changed[plan.strength[places] > 0.2].all()  # below, a blur may leave every level where it is
    assert torch.equal(pictures, before)
    assert 0 <= float(plan.strength.min()) < 0.01 and 0.99 < float(plan.strength.max()) < 1


def test_corruption_follows_from_the_epoch_and_leaves_order_crops_and_squares_as_they_were():
    pictures = some_pictures(300, 16, 16)
    recipe = Recipe(batch=128, cutout=4, corrupt=0.5)
    one, again, later = (plan_epoch(300, epoch, recipe, size=(16, 16), device=CPU) for epoch in (1, 1, 2))
    plain = plan_epoch(300, 1, Recipe(batch=128, cutout=4), size=(16, 16), device=CPU)
    assert plain.corruption is None
    assert torch.equal(one.order, plain.order) and torch.equal(one.holes[2], plain.holes[2])
    assert torch.equal(one.seen(pictures, 2), again.seen(pictures, 2))
    assert torch.equal(one.seen(pictures, 2), one.corruption.on(plain.seen(pictures, 2), 2))
    assert not torch.equal(one.corruption.bank, later.corruption.bank)


def test_each_corruption_is_the_one_of_torchvision():
    pictures, share = some_pictures(6), torch.tensor([0.004, 0.01, 0.02, 0.03, 0.04, 0.046875])
    blurs = blurred(pictures.float(), share).round()
    for picture, made, sd in zip(channels_first(pictures), channels_first(blurs), (share * 32).tolist(), strict=True):
        # over the same 11 pixels: cut off where its own mass ends, a blur differs by a level here and there
        wanted = transforms.gaussian_blur(picture.float(), [11, 11], [sd, sd]).round()
        assert float((made - wanted).abs().max()) <= 1
    factors = torch.tensor([0.25, 0.5, 0.75])
    pale = with_contrast(pictures[:3].float(), factors)
    for picture, made, factor in zip(channels_first(pictures), channels_first(pale), factors.tolist(), strict=False):
        wanted = transforms.adjust_contrast(picture.float() / 255, factor) * 255
        torch.testing.assert_close(made, wanted, atol=0.01, rtol=1e-4)


def test_noise_has_the_standard_deviation_that_was_asked_for_and_is_independent():
    bank = torch.randn(2**18, generator=torch.Generator().manual_seed(0))
    grey = torch.full((3, 64, 64, 3), 128.0)
    made = noisy(grey, torch.tensor([0.0, 0.04, 0.16]), bank, torch.tensor([0, 5000, 2**18 - 100]))
    added = (made - grey).reshape(3, -1) / 255
    assert torch.equal(added[0], torch.zeros_like(added[0]))
    assert added[1:].std(1).tolist() == pytest.approx([0.04, 0.16], rel=0.02)
    assert abs(float(torch.corrcoef(added[1:])[0, 1])) < 0.03


def test_light_goes_from_a_quarter_to_twice_and_stops_at_white():
    plan = plan_corruption(400, 400, 1.0, torch.Generator().manual_seed(0), CPU)
    which = plan.chosen(0)["light"]
    strength = plan.strength[which]
    made = plan.on(torch.full((400, 16, 16, 3), 100, dtype=torch.uint8), 0)[which][:, 0, 0, 0].float()
    torch.testing.assert_close(made, (100 * 0.25 * 8**strength), atol=0.51, rtol=0)
    assert float(made.min()) < 30 and float(made.max()) > 180
    white = plan.on(torch.full((400, 16, 16, 3), 200, dtype=torch.uint8), 0)[which][:, 0, 0, 0]
    assert torch.equal(white == 255, 200 * 0.25 * 8**strength > 254.5)


def test_flips_that_do_not_alternate_are_a_new_half_in_every_epoch():
    first, second, again = (
        plan_epoch(2000, epoch, Recipe(alternate=False), size=(16, 16), device=CPU).flips for epoch in (0, 1, 0)
    )
    assert torch.equal(first, again)
    assert 900 < int(first.sum()) < 1100
    assert 900 < int((first ^ second).sum()) < 1100  # as two independent halves, not each other's opposite


def test_pictures_are_small_in_the_first_share_of_the_epochs(monkeypatch):
    seen = []
    torch.manual_seed(0)
    trainer = Trainer(ResNet(TINY), Recipe(epochs=4, batch=20, small_side=8, small_share=0.5, pad=2), PREPROCESSING, CPU)
    step = Trainer._step
    monkeypatch.setattr(Trainer, "_step", lambda self, x, *rest: seen.append(x) or step(self, x, *rest))
    data = coloured(40)
    pictures, labels = torch.from_numpy(data.pictures), torch.from_numpy(data.labels)
    for epoch in range(4):
        trainer.run_epoch(pictures, labels, lambda *_: None)
        trainer.history.append(loop.Epoch(epoch + 1, 1, 0.5, 1, 0.5, 0.1, 1))
    assert [x.shape[2:] for x in seen] == [(8, 8)] * 4 + [(16, 16)] * 4
    plan = plan_epoch(40, 0, trainer.recipe, size=(16, 16), device=CPU)
    whole = normaliser(PREPROCESSING, CPU)(plan.seen(pictures, 0))
    # at half the size, bilinear with antialiasing weighs 1, 3, 3, 1 pixels in either direction; inside, away from the border
    weights = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    square = (weights[:, None] * weights).expand(3, 1, 4, 4)
    inner = F.conv2d(whole, square, stride=2, padding=1, groups=3)[:, :, 1:-1, 1:-1]
    torch.testing.assert_close(seen[0][:, :, 1:-1, 1:-1], inner, atol=1e-5, rtol=1e-5)


def test_a_whitened_convolution_answers_uncorrelated_and_with_variance_one():
    data = coloured(60)
    net = build("resnet20", classes=3)
    before = net.conv1.weight.detach().clone()
    set_first_weights(net, Recipe(whiten=True), data, PREPROCESSING)
    kernels = net.conv1.weight.detach()
    torch.testing.assert_close(kernels[8:], -kernels[:8])
    assert not torch.allclose(kernels, before)
    x = normaliser(PREPROCESSING, CPU)(torch.from_numpy(data.pictures))
    answers = F.conv2d(x, kernels[:8]).permute(1, 0, 2, 3).reshape(8, -1).double()  # without padding: whole patches
    covariance = torch.cov(answers)
    values = np.linalg.eigvalsh(np.cov(F.unfold(x, 3).transpose(1, 2).reshape(-1, 27).double().numpy().T))[::-1][:8]
    wanted = torch.from_numpy(values / (values + 1e-4))  # 1 but for what is added to the eigenvalues
    torch.testing.assert_close(covariance, torch.diag(wanted), atol=1e-3, rtol=1e-3)


def test_a_network_whose_first_convolution_sees_no_colours_cannot_be_whitened():
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten())
    with pytest.raises(TrainingError, match="train it without --whiten"):
        set_first_weights(net, Recipe(whiten=True), coloured(4), PREPROCESSING)


def test_se_layers_begin_as_the_recipe_says():
    """He: zero biases, and a standard deviation of sqrt(2 / inputs). torch: both uniform up to 1 / sqrt(inputs)."""
    for init in ("he", "torch"):
        torch.manual_seed(0)
        net = build("se_resnet20", reduction=1)
        set_first_weights(net, Recipe(se_init=init), coloured(4), PREPROCESSING)
        layer = net.layer3[0].se.fc1.requires_grad_(False)
        assert layer.weight.shape == (64, 64)
        if init == "he":
            assert float(layer.weight.std()) == pytest.approx((2 / 64) ** 0.5, rel=0.05)
            assert not layer.bias.any()
        else:
            assert float(layer.weight.abs().max()) == pytest.approx(1 / 8, rel=0.01)
            assert float(layer.weight.std()) == pytest.approx(1 / 8 / 3**0.5, rel=0.05)
            assert layer.bias.any()


@pytest.mark.parametrize("init", ["he", "torch"])
def test_gates_begin_as_open_as_the_recipe_says(init):
    """A squeeze of zeros leaves the biases alone: He's are zero, torch's lie within 1 / sqrt(hidden units) of it."""
    torch.manual_seed(0)
    net = build("se_resnet20", reduction=1)
    with torch.no_grad():
        set_first_weights(net, Recipe(se_init=init, se_bias=2.0), coloured(4), PREPROCESSING)
        for block in (unit.se for stage in net.stages for unit in getattr(net, stage)):
            block.fc1.bias.zero_()
            around = torch.logit(block.gate(block.fc2(torch.zeros(1, block.fc1.in_features)))) - 2
            assert float(around.abs().max()) <= (1e-5 if init == "he" else block.fc2.in_features**-0.5 + 1e-5)
            assert init == "he" or float(around.std()) > 0.05


def test_se_layers_decay_where_the_recipe_says_so():
    for decays in (False, True):
        groups = parameter_groups(build("se_resnet20"), Recipe(weight_decay=0.01, se_decay=decays, se_lr=2.0))
        assert [group["weight_decay"] for group in groups] == [0.01, 0.0, 0.01 if decays else 0.0]
        assert [group["factor"] for group in groups] == [1.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"cutout": -1}, "--cutout is 0 to 1024"),
        ({"corrupt": 1.5}, "--corrupt is a share of the pictures, 0 to 1, not 1.5"),
        ({"small_side": 5000}, "--small-side is 0 to 1024"),
        ({"small_share": 1.5}, "--small-share is at least 0 and below 1"),
        ({"se_init": "zero"}, "--se-init is he or torch"),
        ({"se_bias": -10.5}, "--se-bias is -10 to 10, not -10.5"),
        ({"se_bias": float("nan")}, "--se-bias is -10 to 10, not nan"),
    ],
)
def test_values_that_make_no_sense_are_refused(values, sentence):
    with pytest.raises(TrainingError, match=sentence):
        Recipe(**values)


def test_small_pictures_that_are_not_smaller_are_refused():
    job = Job("resnet20", 4, "", "", None, "", "")
    require_pass(job, job.options(3), Recipe(small_side=15), (16, 16), 40)
    with pytest.raises(TrainingError, match="--small-side 16 is not smaller than the pictures, 16 x 16"):
        require_pass(job, job.options(3), Recipe(small_side=16), (16, 16), 40)


def test_the_command_line_takes_all_of_them_and_the_card_gives_them_back(tmp_path):
    data = write_folder(tmp_path / "data")
    words = "train --arch se_resnet20 --epochs 2 --batch 20 --pad 2 --cutout 4 --small-side 8 --small-share 0.5 --no-alternate"
    words += " --corrupt 0.5 --whiten --se-decay --se-init torch --se-bias -1.5 --precision fp32 --threads 1"
    out = tmp_path / "made"
    assert cli.main([*words.split(), "--data", f"folder:{data}", "--out", str(out)]) == 0
    card = open_checkpoint(out).card
    wanted = {"cutout": 4, "corrupt": 0.5, "small_side": 8, "small_share": 0.5}
    wanted |= {"alternate": False, "whiten": True, "se_decay": True, "se_bias": -1.5}
    assert {name: card.recipe[name] for name in wanted} == wanted
    said = "--no-alternate --cutout 4 --corrupt 0.5 --small-side 8 --small-share 0.5 --whiten --se-decay --se-init torch"
    assert f"{said} --se-bias -1.5" in card.commands["train"]
