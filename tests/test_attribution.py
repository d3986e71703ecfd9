"""Maps against the paper's formula written slowly, and against Captum."""

from __future__ import annotations

import warnings

import pytest
import torch
from captum.attr import GuidedGradCam, IntegratedGradients, LayerGradCam, Occlusion, Saliency
from networks import lively, pictures
from torch import nn

from seviz import attribution
from seviz.errors import RequestError
from seviz.gates import edit_gates, find_gates, record_gates


@pytest.fixture(scope="module")
def net() -> nn.Module:
    return lively()


@pytest.fixture(scope="module")
def x() -> torch.Tensor:
    return pictures(3).permute(0, 3, 1, 2).float() / 128 - 1


def slow_grad_cam(net: nn.Module, picture: torch.Tensor, layer: str, target: int) -> torch.Tensor:
    """Equations 1 and 2 pixel by pixel, in float64; stages after `layer` are run by hand."""
    net = net.double()
    names = [name for name, _ in net.named_children()]
    activation = picture[None].double()
    for name in names[: names.index(layer) + 1]:
        activation = getattr(net, name)(activation)
    activation = activation.detach().requires_grad_()
    rest = activation
    for name in names[names.index(layer) + 1 : -1]:
        rest = getattr(net, name)(rest)
    net.fc(rest.mean((2, 3)))[0, target].backward()
    _, channels, height, width = activation.shape
    values = activation.detach()
    out = torch.zeros(height, width, dtype=torch.double)
    alphas = [float(activation.grad[0, k].sum()) / (height * width) for k in range(channels)]
    for i in range(height):
        for j in range(width):
            out[i, j] = max(0.0, sum(alphas[k] * float(values[0, k, i, j]) for k in range(channels)))
    net.float()
    return out


@pytest.mark.parametrize("layer", ["layer2", "layer3"])
def test_grad_cam_is_the_papers_formula(net, x, layer):
    _, _, maps = attribution.grad_cam(net, x[:1], [layer], torch.tensor([[2]]))
    torch.testing.assert_close(maps[layer][0, 0].double(), slow_grad_cam(lively(), x[0], layer, 2), atol=1e-5, rtol=1e-5)


def test_every_layer_and_class_agrees_with_captum(net, x):
    layers = ["layer1", "layer2.1", "layer3"]
    logits, classes, maps = attribution.grad_cam(net, x, layers, top=3)
    assert torch.equal(classes, logits.topk(3).indices)
    for layer in layers:
        for number in range(3):
            leaf = x.clone().requires_grad_()
            theirs = LayerGradCam(net, net.get_submodule(layer)).attribute(leaf, classes[:, number], relu_attributions=True)
            torch.testing.assert_close(maps[layer][:, number], theirs[:, 0].detach(), atol=1e-5, rtol=1e-5)


def test_maps_touch_no_parameter_and_no_mode(net, x):
    attribution.grad_cam(net, x, ["layer3"])
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in net.parameters())
    assert not any(module.training for module in net.modules())


def test_a_trainable_network_gets_no_gradients(x):
    net = lively().requires_grad_(True)
    attribution.grad_cam(net, x, ["layer1", "layer3"])
    assert all(parameter.grad is None for parameter in net.parameters())


@pytest.mark.parametrize(
    ("method", "captum"),
    [
        ("integrated_gradients", lambda net, x: IntegratedGradients(net).attribute(x, target=1, n_steps=32)[0].sum(0)),
        ("saliency", lambda net, x: Saliency(net).attribute(x, target=1)[0].amax(0)),
        ("occlusion", lambda net, x: Occlusion(net).attribute(x, (3, 2, 2), (3, 1, 1), 0, 1, None, 75)[0, 0]),
    ],
)
def test_pixel_maps_are_captums(net, x, method, captum):
    def gradient(pieces: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        assert len(pieces) <= 16, "a piece is no larger than a micro-batch"
        return attribution.pixel_gradient(net, pieces, classes)

    ours = attribution.pixel_map(method, x[:1], 1, forward=net, gradient=gradient)
    theirs = captum(net, x[:1].clone().requires_grad_()).detach().float()
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


class Linear(nn.Module):
    """y = sum(w x), as the only class."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.w = torch.randn(3, height, width, generator=torch.Generator().manual_seed(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x * self.w).sum((1, 2, 3))[:, None]


def by_pixel(method: str, net: nn.Module, x: torch.Tensor) -> torch.Tensor:
    gradient = lambda pieces, classes: attribution.pixel_gradient(net, pieces, classes)  # noqa: E731
    return attribution.pixel_map(method, x, 0, forward=net, gradient=gradient)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (40, 24)])
def test_occlusion_of_a_linear_network_is_what_the_windows_over_a_pixel_hide(height, width):
    """A window's fall of the logit is the sum of w x under it, over all colours, once."""
    net = Linear(height, width)
    x = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(2))
    (rows, down), (columns, right) = ((side // 8, max(1, side // 16)) for side in (height, width))
    total, count = torch.zeros(height, width), torch.zeros(height, width)
    for top in range(0, height - rows + down, down):  # the last window may reach over the edge
        for left in range(0, width - columns + right, right):
            area = (slice(top, top + rows), slice(left, left + columns))
            total[area] += sum(float((net.w * x[0])[colour][area].sum()) for colour in range(3))
            count[area] += 1
    torch.testing.assert_close(by_pixel("occlusion", net, x), total / count, atol=1e-4, rtol=1e-4)


def test_maps_of_a_linear_network_have_the_units_that_are_named():
    """Integrated Gradients are w x itself, in logit; saliency is |w|, in logit per step of a normalised colour."""
    net, x = Linear(8, 8), torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(by_pixel("integrated_gradients", net, x), (net.w * x[0]).sum(0), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(by_pixel("saliency", net, x), net.w.abs().amax(0))
    assert attribution.UNITS.keys() == attribution.METHODS.keys()
    assert attribution.UNITS["occlusion"] == attribution.UNITS["integrated_gradients"] == "logit"
    assert attribution.UNITS["saliency"] == "logit per sd of colour"


def test_integrated_gradients_sum_to_the_difference_of_scores(net, x, monkeypatch):
    monkeypatch.setattr(attribution, "STEPS", 256)
    gradient = lambda pieces, classes: attribution.pixel_gradient(net, pieces, classes)  # noqa: E731
    total = attribution.pixel_map("integrated_gradients", x[:1], 1, forward=net, gradient=gradient).sum()
    difference = net(x[:1])[0, 1] - net(torch.zeros_like(x[:1]))[0, 1]
    assert float(total) == pytest.approx(float(difference), rel=0.03)


def test_guided_grad_cam_is_captums_and_leaves_no_hook(net, x):
    ours = attribution.guided_grad_cam(net, x[:1], 1, "layer3")
    explainer = GuidedGradCam(net, net.layer3)
    with pytest.warns(UserWarning, match="Setting backward hooks"):
        theirs = explainer.attribute(x[:1].clone().requires_grad_(), target=1, interpolate_mode="bilinear")[0].sum(0)
    torch.testing.assert_close(ours, theirs.detach())
    assert not any(m._forward_hooks or m._backward_hooks or m._forward_pre_hooks for m in net.modules())


def test_an_unknown_method_is_refused(net, x):
    with pytest.raises(RequestError, match="no method 'guess'; use one of gradcam"):
        attribution.pixel_map("guess", x[:1], 0, forward=net, gradient=net)


def test_a_layer_without_maps_has_no_guided_grad_cam(net, x):
    for layer in ("fc", "layer3.2.se.fc1"):
        with pytest.raises(RequestError, match="puts out no feature maps"):
            attribution.guided_grad_cam(net, x[:1], 0, layer)


def test_captums_warning_is_silent_for_all_threads_and_for_good(net, x):
    attribution.guided_grad_cam(net, x[:1], 0, "layer3")
    # what another thread would warn of, after the filters of a `with` in this one were taken back
    warnings.warn("Setting backward hooks on ReLU activations. The hooks will be removed", stacklevel=1)
    before = list(warnings.filters)
    attribution.guided_grad_cam(net, x[:1], 0, "layer3")
    assert warnings.filters == before  # added once, however often maps are asked for
@pytest.mark.parametrize("squeeze", ["avg", "none"])
def test_gate_gradients_are_finite_differences_of_edits(x, squeeze):
    """In float64, a gate edited by a hair moves the logit by its gradient; all that follows answers to the edit."""
    net, picture = lively(se_squeeze=squeeze).double(), x[:1].double()
    with record_gates(net) as recording:
        net(picture)
    found, step = attribution.gate_gradients(net, picture, 2), 1e-5
    assert list(found) == [site.path for site in find_gates(net)]
    for path in ("layer1.0.se", "layer2.2.se", "layer3.2.se"):
        gates = recording.gates[path]
        for channel in (0, 5, 15):
            moved = []
            for sign in (1, -1):
                shift = torch.zeros(gates.shape[-1], dtype=torch.double)
                shift[channel] = sign * step
                moved.append(float(logit_with(net, picture, path, gates + shift)[2]))
            assert float(found[path][channel]) == pytest.approx((moved[0] - moved[1]) / (2 * step), rel=1e-4, abs=1e-6)


def logit_with(net: nn.Module, picture: torch.Tensor, path: str, gates: torch.Tensor) -> torch.Tensor:
    """The logits (K,) with the gates of one site as given; those without squeeze take the place of the sigmoid's output."""
    if gates.dim() == 2:
        with edit_gates(net, {path: gates}):
            return net(picture)[0]
    handle = net.get_submodule(f"{path}.gate").register_forward_hook(lambda *_: gates)
    try:
        return net(picture)[0]
    finally:
        handle.remove()


def test_gate_gradients_leave_the_network_as_found_and_are_none_for_a_plain_one(net, x):
    attribution.gate_gradients(net, x[:1], 0)
    assert all(parameter.grad is None for parameter in net.parameters())
    assert not any(module._forward_hooks for module in net.modules())
    assert attribution.gate_gradients(lively("resnet20"), x[:1], 0) == {}
