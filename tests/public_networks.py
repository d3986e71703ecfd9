"""Networks in the manner of public CIFAR code, written again from what that code computes, for tests of the intake.

Names of modules are those of the repositories, since it is by them that a checkpoint is recognised.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


def liven(net: nn.Module, seed: int = 0) -> nn.Module:
    """Random weights under which every tensor matters: batch norms that shift and scale, gates that differ."""
    generator = torch.Generator().manual_seed(seed)
    for name, value in net.state_dict().items():
        if value.is_floating_point():
            noise = torch.randn(value.shape, generator=generator)
            if value.dim() > 1:
                value.copy_(noise * (2 / value[0].numel()) ** 0.5)
            elif name.endswith("running_var"):
                value.copy_(0.5 + noise.abs())
            elif name.endswith("weight"):
                value.copy_(1 + 0.2 * noise)
            else:
                value.copy_(0.2 * noise)
        else:
            value.fill_(7)
    return net.eval()


def conv(inputs, outputs, kernel, stride=1, *, bias=False):
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=bias)


class Staged(nn.Module):
    """What the repositories share: stages of units under names of their own, mean pooling, a linear layer."""

    def run(self, x, stages):
        for stage in stages:
            x = getattr(self, stage)(x)
        return x.mean((2, 3))


def stage(unit, inputs, width, count, stride, expansion=1):
    units = []
    for index in range(count):
        units.append(unit(inputs, width, stride if index == 0 else 1))
        inputs = width * expansion
    return nn.Sequential(*units)


# kuangliu/pytorch-cifar


class KuangliuUnit(nn.Module):
    expansion = 1

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.conv1, self.bn1 = conv(inputs, width, 3, stride), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv(width, width, 3), nn.BatchNorm2d(width)
        same = stride == 1 and inputs == width
        self.shortcut = nn.Sequential(*() if same else (conv(inputs, width, 1, stride), nn.BatchNorm2d(width)))

    def forward(self, x):
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(out + self.shortcut(x))


class KuangliuBottleneck(nn.Module):
    expansion = 4

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.conv1, self.bn1 = conv(inputs, width, 1), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv(width, width, 3, stride), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = conv(width, 4 * width, 1), nn.BatchNorm2d(4 * width)
        same = stride == 1 and inputs == 4 * width
        self.shortcut = nn.Sequential(*() if same else (conv(inputs, 4 * width, 1, stride), nn.BatchNorm2d(4 * width)))

    def forward(self, x):
        out = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        return F.relu(self.bn3(self.conv3(out)) + self.shortcut(x))


class KuangliuPreAct(nn.Module):
    expansion, gated = 1, False

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), conv(inputs, width, 3, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(width), conv(width, width, 3)
        if stride != 1 or inputs != width:
            self.shortcut = nn.Sequential(conv(inputs, width, 1, stride))
        if self.gated:
            self.fc1, self.fc2 = nn.Conv2d(width, width // 16, 1), nn.Conv2d(width // 16, width, 1)

    def forward(self, x):
        ready = F.relu(self.bn1(x))
        shortcut = self.shortcut(ready) if hasattr(self, "shortcut") else x
        out = self.conv2(F.relu(self.bn2(self.conv1(ready))))
        if self.gated:
            out = out * torch.sigmoid(self.fc2(F.relu(self.fc1(F.avg_pool2d(out, out.size(2))))))
        return out + shortcut


class KuangliuSE(KuangliuPreAct):
    gated = True


class KuangliuPreActBottleneck(nn.Module):
    expansion = 4

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), conv(inputs, width, 1)
        self.bn2, self.conv2 = nn.BatchNorm2d(width), conv(width, width, 3, stride)
        self.bn3, self.conv3 = nn.BatchNorm2d(width), conv(width, 4 * width, 1)
        if stride != 1 or inputs != 4 * width:
            self.shortcut = nn.Sequential(conv(inputs, 4 * width, 1, stride))

    def forward(self, x):
        ready = F.relu(self.bn1(x))
        shortcut = self.shortcut(ready) if hasattr(self, "shortcut") else x
        out = self.conv2(F.relu(self.bn2(self.conv1(ready))))
        return self.conv3(F.relu(self.bn3(out))) + shortcut


class Kuangliu(Staged):
    """ResNet18, ResNet50, PreActResNet18, ... and SENet18, by the unit. widths: those of the repository, or smaller."""

    def __init__(self, unit, blocks=(2, 2, 2, 2), classes=10, widths=(64, 128, 256, 512)):
        super().__init__()
        self.conv1 = conv(3, widths[0], 3)
        if unit not in (KuangliuPreAct, KuangliuPreActBottleneck):
            self.bn1 = nn.BatchNorm2d(widths[0])
        inputs = widths[0]
        for number, (count, width) in enumerate(zip(blocks, widths, strict=True), 1):
            step = 1 if number == 1 else 2
            setattr(self, f"layer{number}", stage(unit, inputs, width, count, step, unit.expansion))
            inputs = width * unit.expansion
        self.linear = nn.Linear(inputs, classes)
        self.count = len(blocks)

    def forward(self, x):
        x = self.conv1(x)
        x = F.relu(self.bn1(x)) if hasattr(self, "bn1") else x
        return self.linear(self.run(x, [f"layer{number}" for number in range(1, self.count + 1)]))


# akamaster/pytorch_resnet_cifar10


class AkamasterUnit(nn.Module):
    expansion = 1

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.conv1, self.bn1 = conv(inputs, width, 3, stride), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv(width, width, 3), nn.BatchNorm2d(width)
        self.padded = width // 4 if stride != 1 or inputs != width else None

    def forward(self, x):
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        shortcut = x if self.padded is None else F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.padded, self.padded), "constant", 0)
        return F.relu(out + shortcut)


class Akamaster(Kuangliu):
    def __init__(self, count=3, classes=10):
        super().__init__(AkamasterUnit, (count,) * 3, classes, (16, 32, 64))


# weiaicunzai/pytorch-cifar100


class WeiUnit(nn.Module):
    expansion = 1

    def __init__(self, inputs, width, stride):
        super().__init__()
        first = (conv(inputs, width, 3, stride), nn.BatchNorm2d(width), nn.ReLU())
        self.residual_function = nn.Sequential(*first, conv(width, width, 3), nn.BatchNorm2d(width))
        same = stride == 1 and inputs == width
        self.shortcut = nn.Sequential(*() if same else (conv(inputs, width, 1, stride), nn.BatchNorm2d(width)))

    def forward(self, x):
        return F.relu(self.residual_function(x) + self.shortcut(x))


class WeiBottleneck(nn.Module):
    expansion = 4

    def __init__(self, inputs, width, stride):
        super().__init__()
        first = (conv(inputs, width, 1), nn.BatchNorm2d(width), nn.ReLU())
        second = (conv(width, width, 3, stride), nn.BatchNorm2d(width), nn.ReLU())
        self.residual_function = nn.Sequential(*first, *second, conv(width, 4 * width, 1), nn.BatchNorm2d(4 * width))
        same = stride == 1 and inputs == 4 * width
        self.shortcut = nn.Sequential(*() if same else (conv(inputs, 4 * width, 1, stride), nn.BatchNorm2d(4 * width)))

    def forward(self, x):
        return F.relu(self.residual_function(x) + self.shortcut(x))


class WeiResNet(Staged):
    def __init__(self, unit, blocks=(2, 2, 2, 2), classes=100, widths=(64, 128, 256, 512)):
        super().__init__()
        self.conv1 = nn.Sequential(conv(3, widths[0], 3), nn.BatchNorm2d(widths[0]), nn.ReLU())
        inputs = widths[0]
        for number, (count, width) in enumerate(zip(blocks, widths, strict=True), 2):
            step = 1 if number == 2 else 2
            setattr(self, f"conv{number}_x", stage(unit, inputs, width, count, step, unit.expansion))
            inputs = width * unit.expansion
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        return self.fc(self.run(self.conv1(x), ["conv2_x", "conv3_x", "conv4_x", "conv5_x"]))


class WeiSE(nn.Module):
    expansion = 1

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.residual = self.branch(inputs, width, stride)
        outputs = width * self.expansion
        self.excitation = nn.Sequential(
            nn.Linear(outputs, outputs // 16), nn.ReLU(), nn.Linear(outputs // 16, outputs), nn.Sigmoid()
        )
        same = stride == 1 and inputs == outputs
        shortcut = () if same else (conv(inputs, outputs, 1, stride, bias=True), nn.BatchNorm2d(outputs))
        self.shortcut = nn.Sequential(*shortcut)

    def branch(self, inputs, width, stride):
        first = (conv(inputs, width, 3, stride, bias=True), nn.BatchNorm2d(width), nn.ReLU())
        return nn.Sequential(*first, conv(width, width, 3, bias=True), nn.BatchNorm2d(width), nn.ReLU())

    def forward(self, x):
        residual = self.residual(x)
        gate = self.excitation(residual.mean((2, 3)))
        return F.relu(residual * gate[:, :, None, None] + self.shortcut(x))


class WeiSEBottleneck(WeiSE):
    expansion = 4

    def branch(self, inputs, width, stride):
        first = (conv(inputs, width, 1, bias=True), nn.BatchNorm2d(width), nn.ReLU())
        second = (conv(width, width, 3, stride, bias=True), nn.BatchNorm2d(width), nn.ReLU())
        return nn.Sequential(*first, *second, conv(width, 4 * width, 1, bias=True), nn.BatchNorm2d(4 * width), nn.ReLU())


class WeiSEResNet(Staged):
    def __init__(self, unit, blocks=(2, 2, 2, 2), classes=100, widths=(64, 128, 256, 512)):
        super().__init__()
        self.pre = nn.Sequential(conv(3, widths[0], 3, bias=True), nn.BatchNorm2d(widths[0]), nn.ReLU())
        inputs = widths[0]
        for number, (count, width) in enumerate(zip(blocks, widths, strict=True), 1):
            step = 1 if number == 1 else 2
            setattr(self, f"stage{number}", stage(unit, inputs, width, count, step, unit.expansion))
            inputs = width * unit.expansion
        self.linear = nn.Linear(inputs, classes)

    def forward(self, x):
        return self.linear(self.run(self.pre(x), ["stage1", "stage2", "stage3", "stage4"]))


# moskomule/senet.pytorch


class MoskomuleSE(nn.Module):
    def __init__(self, channels, reduction):
        super().__init__()
        hidden = channels // reduction
        self.fc = nn.Sequential(
            nn.Linear(channels, hidden, bias=False), nn.ReLU(), nn.Linear(hidden, channels, bias=False), nn.Sigmoid()
        )

    def forward(self, x):
        return x * self.fc(x.mean((2, 3)))[:, :, None, None]


class MoskomuleUnit(nn.Module):
    expansion = 1

    def __init__(self, inputs, width, stride, reduction):
        super().__init__()
        self.conv1, self.bn1 = conv(inputs, width, 3, stride), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv(width, width, 3), nn.BatchNorm2d(width)
        self.se = MoskomuleSE(width, reduction)
        if inputs != width:
            self.downsample = nn.Sequential(conv(inputs, width, 1, stride), nn.BatchNorm2d(width))
        self.changes = inputs != width

    def forward(self, x):
        out = self.se(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        return F.relu(out + (self.downsample(x) if self.changes else x))


class Moskomule(Staged):
    """se_resnet20, se_resnet32, se_resnet56 of its CIFAR form."""

    def __init__(self, count=3, classes=10, reduction=16):
        super().__init__()
        self.conv1, self.bn1 = conv(3, 16, 3), nn.BatchNorm2d(16)

        def unit(inputs, width, stride):
            return MoskomuleUnit(inputs, width, stride, reduction)

        self.layer1, self.layer2 = stage(unit, 16, 16, count, 1), stage(unit, 16, 32, count, 2)
        self.layer3, self.fc = stage(unit, 32, 64, count, 2), nn.Linear(64, classes)

    def forward(self, x):
        return self.fc(self.run(F.relu(self.bn1(self.conv1(x))), ["layer1", "layer2", "layer3"]))


class MoskomuleBottleneck(nn.Module):
    expansion = 4

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.conv1, self.bn1 = conv(inputs, width, 1), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv(width, width, 3, stride), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = conv(width, 4 * width, 1), nn.BatchNorm2d(4 * width)
        self.se = MoskomuleSE(4 * width, 16)
        same = stride == 1 and inputs == 4 * width
        self.downsample = None if same else nn.Sequential(conv(inputs, 4 * width, 1, stride), nn.BatchNorm2d(4 * width))

    def forward(self, x):
        out = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        out = self.se(self.bn3(self.conv3(out)))
        return F.relu(out + (x if self.downsample is None else self.downsample(x)))


class MoskomuleLarge(Staged):
    """se_resnet50 and deeper of its ImageNet form, with torchvision's stem."""

    def __init__(self, blocks=(3, 4, 6, 3), classes=1000):
        super().__init__()
        self.conv1, self.bn1 = conv(3, 64, 7, 2), nn.BatchNorm2d(64)
        inputs = 64
        for number, (count, width) in enumerate(zip(blocks, (64, 128, 256, 512), strict=True), 1):
            setattr(self, f"layer{number}", stage(MoskomuleBottleneck, inputs, width, count, 1 if number == 1 else 2, 4))
            inputs = 4 * width
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        return self.fc(self.run(x, ["layer1", "layer2", "layer3", "layer4"]))
