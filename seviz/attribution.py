"""Maps of evidence: Grad-CAM from one forward pass, and Captum's methods on our terms.

R. R. Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization", ICCV 2017.

Nothing here changes a network: gradients are taken with respect to activations or pixels (torch.autograd.grad), never
accumulated into parameters.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from seviz.errors import RequestError
from seviz.gates import find_gates, tap, tap_gates

METHODS = {
    "gradcam": "Grad-CAM",
    "integrated_gradients": "Integrated Gradients",
    "saliency": "Saliency",
    "occlusion": "Occlusion",
    "guided_gradcam": "Guided Grad-CAM",
}
UNITS = {  # of a map's values; a colour's sd is that of the network's normalisation
    "gradcam": "logit",
    "integrated_gradients": "logit",
    "saliency": "logit per sd of colour",
    "occlusion": "logit",
    "guided_gradcam": "relative",
}
CAPTUMS_WARNING = "Setting backward hooks on ReLU"  # that they are removed is tested
PIXEL_METHODS = tuple(method for method in METHODS if method != "gradcam")
STEPS = 32  # of Integrated Gradients, at Gauss-Legendre points

Forward = Callable[[Tensor], Tensor]
Gradient = Callable[[Tensor, Tensor], Tensor]


def grad_cam_maps(logits: Tensor, activations: Mapping[str, Tensor], classes: Tensor) -> dict[str, Tensor]:
    """Grad-CAM of every layer for every class, one backward pass a class.

        alpha_k = 1/(h w) * sum_ij d y_c / d A_k(i, j)      (eq. 1)
        L = relu(sum_k alpha_k A_k)                         (eq. 2), not normalised

    Args:
        logits: (B, K), of a forward pass inside gates.tap(..., differentiable=True), in eval mode.
        activations: layer -> A (B, C, h, w), what the tap caught.
        classes: int64 (B, N): the N classes of each picture.

    Returns layer -> float32 (B, N, h, w) >= 0, detached, in units of logit; comparable across classes at one layer, not
    across layers: alpha carries 1 / (h w).
    Raises RequestError for a layer that puts out no feature maps.
    """
    require_maps(list(activations), activations)
    layers, tensors = list(activations), list(activations.values())
    maps: dict[str, list[Tensor]] = {layer: [] for layer in layers}
    count = classes.shape[1]
    for number in range(count):
        # the pictures of a batch do not meet in eval mode, so the gradient of the sum is each picture's own
        score = logits.gather(1, classes[:, number : number + 1]).sum()
        gradients = torch.autograd.grad(score, tensors, retain_graph=number < count - 1)
        for layer, activation, gradient in zip(layers, tensors, gradients, strict=True):
            alpha = gradient.mean((2, 3))
            maps[layer].append(torch.einsum("bchw,bc->bhw", activation.detach(), alpha).relu_().float())
    return {layer: torch.stack(values, 1) for layer, values in maps.items()}


def grad_cam(
    net: nn.Module, x: Tensor, layers: Sequence[str], classes: Tensor | None = None, top: int = 1
) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """One forward pass and one activation-only backward pass a class.

    Args:
        net: in eval mode. x: (B, 3, H, W), normalised. layers: module paths.
        classes: int64 (B, N); None for each picture's `top` classes.

    Returns (logits (B, K), classes (B, N), layer -> maps (B, N, h, w)), all detached.
    """
    with torch.enable_grad(), tap(net, layers, differentiable=True) as activations:
        logits = net(x)
        chosen = logits.detach().topk(top).indices if classes is None else classes
        maps = grad_cam_maps(logits, activations, chosen)
    return logits.detach(), chosen, maps


def pixel_gradient(net: nn.Module, x: Tensor, classes: Tensor) -> Tensor:
    """d y_c / d x of each picture's class: x (B, 3, H, W), classes int64 (B,) -> (B, 3, H, W)."""
    with torch.enable_grad():
        leaf = x.detach().requires_grad_()
        score = net(leaf).gather(1, classes[:, None]).sum()
        return torch.autograd.grad(score, leaf)[0]


def gate_gradients(net: nn.Module, x: Tensor, target: int) -> dict[str, Tensor]:
    """d y_target / d s of every gate for one picture: site path -> float32 (C,), in units of logit per unit of gate.

    A gate's own derivative: the channel is scaled a little differently, and all that follows answers to it, later gates
    included. Times the gate it is, to first order, what the logit would lose if the gate shut. Without squeeze a channel's
    gates differ by pixel: theirs are summed, for a common shift of all of them.

    Args:
        net: in eval mode. x: (1, 3, H, W), normalised. target: the class.
    """
    paths = [site.path for site in find_gates(net)]
    with torch.enable_grad(), tap_gates(net, paths) as gates:
        score = net(x)[0, target]
    found = torch.autograd.grad(score, list(gates.values())) if gates else ()
    channels = [gradient[0].reshape(-1, gradient.shape[-1]).sum(0).float() for gradient in found]
    by_gate = dict(zip(gates, channels, strict=True))
    return {path: by_gate[path] for path in paths}


def pixel_map(method: str, x: Tensor, target: int, *, forward: Forward, gradient: Gradient) -> Tensor:
    """Evidence by pixel through Captum, with the network behind two functions.

    The functions may hand their work to another thread, piece by piece: the network itself is never touched here.

    Args:
        method: "integrated_gradients" (from the mean colour, 32 steps), "saliency" (|d y / d x|) or "occlusion"
            (windows of an eighth of the picture, filled with the mean colour).
        x: (1, 3, H, W), normalised. target: the class.
        forward: (B, 3, H, W) -> logits (B, K). gradient: (pictures, classes int64 (B,)) -> d y / d x, as pictures.

    Returns float32 (H, W), by method:
        integrated_gradients: signed, in units of logit, summed over colours: all pixels add up to the logit's difference
            to that of the mean colour. saliency: >= 0, in logit per standard deviation of a colour, the maximum over
            colours. occlusion: signed, in units of logit: by how much the logit falls, mean over the windows that cover
            the pixel.
    Raises RequestError for any other method.
    """
    from captum.attr import IntegratedGradients, Occlusion, Saliency

    def captum_gradient(forward_fn: Any, inputs: tuple[Tensor, ...], *_: Any, **__: Any) -> tuple[Tensor, ...]:
        classes = torch.full((len(inputs[0]),), target, dtype=torch.int64, device=x.device)
        return (gradient(inputs[0].detach(), classes),)

    if method == "integrated_gradients":
        integrated = IntegratedGradients(forward)
        integrated.gradient_func = captum_gradient
        return _float(integrated.attribute(x, target=target, n_steps=STEPS, internal_batch_size=16)).sum(0)
    if method == "saliency":
        saliency = Saliency(forward)
        saliency.gradient_func = captum_gradient
        return _float(saliency.attribute(x.detach().requires_grad_(), target=target)).amax(0)
    if method == "occlusion":
        height, width = (max(1, side // 8) for side in x.shape[2:])
        window, strides = (3, height, width), (3, max(1, height // 2), max(1, width // 2))
        occlusion = Occlusion(forward)
        out = occlusion.attribute(x, sliding_window_shapes=window, strides=strides, target=target, perturbations_per_eval=16)
        return _float(out)[0]  # a window hides all colours at once; Captum writes its whole difference into each of them
    raise RequestError(f"There is no method {method!r}; use one of {', '.join(METHODS)}.")


def guided_grad_cam(net: nn.Module, x: Tensor, target: int, layer: str) -> Tensor:
    """Guided backpropagation times the upsampled Grad-CAM of `layer`, by Captum: float32 (H, W), summed over colours.

    Signed, and of no unit: a product of a guided gradient and a map, whose values only compare within one picture.

    Captum hooks the network's ReLUs while it runs, so the caller must own the network. x: (1, 3, H, W), normalised.
    Raises RequestError for a layer that puts out no feature maps.
    """
    from captum.attr import GuidedGradCam

    with torch.no_grad(), tap(net, [layer]) as caught:
        net(x)
    require_maps([layer], caught)
    _ignore_captums_warning()
    with torch.enable_grad():
        explainer = GuidedGradCam(net, net.get_submodule(layer))
        leaf = x.detach().requires_grad_()
        return _float(explainer.attribute(leaf, target=target, interpolate_mode="bilinear")).sum(0)


def require_maps(layers: Sequence[str], outputs: Mapping[str, object]) -> None:
    """Raises RequestError for a layer of which a forward pass caught no feature maps (B, C, h, w)."""
    for layer in layers:
        output = outputs.get(layer)
        if not isinstance(output, Tensor) or output.dim() != 4:
            raise RequestError(f"{layer} puts out no feature maps (C, h, w); choose a layer before the pooling.")


def _ignore_captums_warning() -> None:
    """Once for the process: catch_warnings would change, and change back, the filters of all other threads too."""
    ours = ("ignore", re.compile(CAPTUMS_WARNING, re.IGNORECASE), Warning, None, 0)
    if ours not in warnings.filters:
        warnings.filterwarnings("ignore", message=CAPTUMS_WARNING)


def _float(attributions: Tensor) -> Tensor:
    return attributions.detach()[0].float()
