"""Grad-CAM of four layers and the top-3 classes of torchvision's resnet50, beside three peers and beside the floor.

    pip install -r requirements-bench.txt
    python -m benchmarks.maps [--rounds 15] [--batches 1 8]

seviz: grad_cam on the network as it is. seviz_backend: the same on the network that the backend prepares from it, batch
norm folded and in channels_last, which is what a loaded model answers with; preparing takes place once, before.
The floor is one forward pass and three backward passes that stop at the first layer's output, on the network as it is:
what any method that gives three classes must do. Weights are random, which changes no time. The last line of the output
is JSON.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import torch
from captum.attr import LayerGradCam
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn
from torchcam.methods import GradCAM as TorchCAM
from torchvision.models import resnet50

from benchmarks.timing import interleaved, report
from seviz.attribution import grad_cam
from seviz.backend.prepare import prepare

LAYERS = ("layer1", "layer2", "layer3", "layer4")
TOP = 3


def forward(net: nn.Module, x: Tensor) -> Tensor:
    with torch.no_grad():
        return net(x)  # type: ignore[no-any-return]


def floor(net: nn.Module, x: Tensor) -> None:
    """The arithmetic alone: the network cut at layer1's output, no maps made."""
    with torch.no_grad():
        leaf = net.layer1(net.maxpool(net.relu(net.bn1(net.conv1(x)))))  # type: ignore[operator]
    leaf.requires_grad_()
    out = net.layer4(net.layer3(net.layer2(leaf)))  # type: ignore[operator]
    logits = net.fc(out.mean((2, 3)))  # type: ignore[operator]
    top = logits.detach().topk(TOP).indices
    for number in range(TOP):
        score = logits.gather(1, top[:, number : number + 1]).sum()
        torch.autograd.grad(score, leaf, retain_graph=number < TOP - 1)


def ours(net: nn.Module, x: Tensor) -> dict[str, Tensor]:
    return grad_cam(net, x, LAYERS, top=TOP)[2]


def torchcam(net: nn.Module, x: Tensor) -> None:
    with TorchCAM(net, list(LAYERS)) as extractor:
        scores = net(x.requires_grad_())
        top = scores.detach().topk(TOP).indices
        for number in range(TOP):
            extractor(top[:, number].tolist(), scores, normalized=False, retain_graph=number < TOP - 1)
    x.requires_grad_(False)


def captum(net: nn.Module, x: Tensor) -> None:
    top = forward(net, x).topk(TOP).indices
    for layer in LAYERS:
        explainer = LayerGradCam(net, net.get_submodule(layer))
        for number in range(TOP):
            explainer.attribute(x, top[:, number], relu_attributions=True)


def pytorch_grad_cam(net: nn.Module, x: Tensor) -> None:
    top = forward(net, x).topk(TOP).indices
    for layer in LAYERS:
        with GradCAM(net, [net.get_submodule(layer)]) as explainer:
            for number in range(TOP):
                explainer(x, [ClassifierOutputTarget(int(index)) for index in top[:, number]])


def measure(batch: int, rounds: int) -> dict[str, float]:
    net = resnet50(weights=None).eval()
    trainable, frozen = net, resnet50(weights=None).eval().requires_grad_(False)
    x = torch.randn(batch, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    ready, channels_last = prepare(frozen, torch.device("cpu"), x), x.contiguous(memory_format=torch.channels_last)
    tasks: dict[str, Callable[[], object]] = {
        "forward": lambda: forward(frozen, x),
        "floor": lambda: floor(frozen, x),
        "seviz": lambda: ours(frozen, x),
        "seviz_backend": lambda: ours(ready, channels_last),
        "torchcam": lambda: torchcam(trainable, x),
        "captum": lambda: captum(trainable, x),
        "pytorch_grad_cam": lambda: pytorch_grad_cam(trainable, x),
    }
    times = interleaved(tasks, rounds=rounds)
    ratios = {
        f"{name}/{beside}": times[name] / times[beside]
        for name in ("seviz", "seviz_backend")
        for beside in ("floor", "torchcam")
    }
    return {name: round(value, 3) for name, value in {**times, **ratios}.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8])
    options = parser.parse_args()
    results = {f"batch_{batch}_ms": measure(batch, max(3, options.rounds // batch)) for batch in options.batches}
    report("maps", layers=LAYERS, top=TOP, side=224, **results)


if __name__ == "__main__":
    main()
