"""Networks of timm and torchvision, recognised by the names and shapes of all their tensors.

signatures.json holds, for the families that people bring, signature -> groups of architectures. All architectures under a
signature have the same names and shapes; those of one group also compute the same, tried with the same random weights and
picture. Where a signature has several groups, as efficientnet_b0 and tf_efficientnet_b0 (which pad differently), no tensor
tells them apart and somebody has to say. Written by

    python -m benchmarks.signatures > seviz/intake/signatures.json
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from pathlib import Path

from seviz.intake.proposals import COUNTER, Proposal, Shapes

FILE = Path(__file__).with_name("signatures.json")
HEAD = re.compile(r"(?:fc|linear|last_linear|classifier|head|classifier\.\d+|head\.fc|head\.\d+|heads\.head)\.weight")


def head_of(shapes: Shapes) -> str | None:
    """The name of the classifier's weight, (classes, features); None where no name says so."""
    found = [name for name, shape in shapes.items() if HEAD.fullmatch(name) and len(shape) in (2, 4) and shape]
    return max(found, key=lambda name: (name.count("."), name), default=None)


def signature(shapes: Shapes) -> str:
    """16 hex digits of all names and shapes, but for the number of classes and the counters of batch norms."""
    head = head_of(shapes)
    free = (head, head.replace("weight", "bias")) if head else ()
    lines = sorted(
        f"{name} {('*', *shape[1:]) if name in free else shape}" for name, shape in shapes.items() if not name.endswith(COUNTER)
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def candidates(shapes: Shapes) -> tuple[tuple[str, ...], ...]:
    """Groups of architectures with these names and shapes, such as (("timm:efficientnet_b0",), ("timm:tf_...",))."""
    return _signatures().get(signature(shapes), ())


def proposal(arch: str, shapes: Shapes) -> Proposal:
    """The network `timm:NAME` or `torchvision:NAME` with as many classes as the classifier in the file has rows."""
    library, _, name = arch.partition(":")
    head = head_of(shapes)
    classes = shapes[head][0] if head else 1000
    return Proposal(arch, library, {"library": library, "name": name, "classes": classes, "options": {}})


@cache
def _signatures() -> dict[str, tuple[tuple[str, ...], ...]]:
    stored = json.loads(FILE.read_text(encoding="utf-8"))
    return {key: tuple(tuple(group) for group in groups) for key, groups in stored["signatures"].items()}
