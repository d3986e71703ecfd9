"""What a request's edits are for its own pictures: the looks at the network that some need, then functions of the gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from seviz.edits.means import Means
from seviz.edits.resolve import GateFunction, Look, needs_a_look, ranks_by_gradient, resolve, select
from seviz.edits.values import Edit, OtherPicture, Ranked, Shuffled
from seviz.evaluation import another
from seviz.gates import edit_gates, find_gates, record_gates, tap_gates


def functions_of(
    net: nn.Module,
    x: Tensor,
    edits: Sequence[Edit],
    *,
    classes: Sequence[str],
    means: Means | None,
    others: Mapping[str, Tensor],
) -> dict[str, GateFunction]:
    """Edits of a checked request as functions of the gates that `net` gives its pictures.

    Args:
        net: in eval mode. x: (B, 3, H, W), normalised. classes: names of its outputs. others: name -> (1, 3, H, W), the
            other pictures.

    One more forward pass for every edit that needs a look, under the edits before it (another picture: without edits),
    and a backward pass to the gates where channels are ranked by gradient.
    """
    sites, seen = find_gates(net), dict[int, Look]()
    for number, edit in enumerate(edits):
        if not needs_a_look(edit):
            continue
        paths = [site.path for site in select(edit.where, sites)]
        with edit_gates(net, resolve(edits[:number], sites, means=means, seen=seen)):
            gates = _shuffled(net, x, edit.gate.seed) if isinstance(edit.gate, Shuffled) else {}
            importance = _importance(net, x, paths, _class_of(edit, classes)) if ranks_by_gradient(edit) else {}
        if isinstance(edit.gate, OtherPicture):
            gates = _gates(net, others[edit.gate.picture])
        seen[number] = Look(gates, importance)
    return resolve(edits, sites, means=means, seen=seen)


def side_by_side(parts: Sequence[tuple[int, Mapping[str, GateFunction]]]) -> dict[str, GateFunction]:
    """The functions of several requests, (pictures, site path -> function) each, as those of a batch of all of them.

    Each function sees the rows of its own request alone, as if the others were not there.
    """
    paths = {path for _, functions in parts for path in functions}
    return {path: _by_rows([(count, functions.get(path)) for count, functions in parts]) for path in paths}


def _by_rows(parts: Sequence[tuple[int, GateFunction | None]]) -> GateFunction:
    counts = [count for count, _ in parts]

    def edited(gate: Tensor) -> Tensor:
        rows = zip(torch.split(gate, counts), parts, strict=True)
        return torch.cat([function(own) if function else own for own, (_, function) in rows])

    return edited


def _gates(net: nn.Module, x: Tensor) -> dict[str, Tensor]:
    with torch.no_grad(), record_gates(net) as recording:
        net(x)
    return recording.gates


def _shuffled(net: nn.Module, x: Tensor, seed: int) -> dict[str, Tensor]:
    donors = torch.from_numpy(another(len(x), seed)).to(x.device)
    return {path: values[donors] for path, values in _gates(net, x).items()}


def _class_of(edit: Edit, classes: Sequence[str]) -> int | None:
    label = edit.channels.label if isinstance(edit.channels, Ranked) else None
    return None if label is None else classes.index(label)


def _importance(net: nn.Module, x: Tensor, paths: Sequence[str], target: int | None) -> dict[str, Tensor]:
    """|gate x d logit / d gate| (B, C) at the sites, summed over the pixels before the bars where a gate has them.

    target: the class of the logit; None for each picture's most probable one.
    """
    with torch.enable_grad(), tap_gates(net, paths) as gates:
        logits = net(x)
        score = (logits.amax(1) if target is None else logits[:, target]).sum()
    gradients = torch.autograd.grad(score, list(gates.values()))
    products = {path: gate.detach() * gradient for (path, gate), gradient in zip(gates.items(), gradients, strict=True)}
    return {path: (value.sum((1, 2)) if value.dim() == 4 else value).abs() for path, value in products.items()}
