"""A network that a file's tensors may be of, and how its names stand in the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Shapes = Mapping[str, tuple[int, ...]]  # name -> shape
# of a batch norm: files of old versions lack it, and in eval mode it means nothing
COUNTER = "num_batches_tracked"


@dataclass(frozen=True)
class Proposal:
    """A network for the tensors of a file.

    arch: as --arch takes it, such as "se_resnet20", "kuangliu:SENet18", "timm:seresnet50". code: whose code trained it,
    for people. options: as seviz.nets.from_card reads them. names: name in the network -> name in the file, where they are
    not the same. zeros: names in the network that no file of that code has, because there the layer has no bias.
    assumed: sentences on what shapes cannot tell. small: of the CIFAR form, for pictures of 32 x 32.
    """

    arch: str
    code: str
    options: Mapping[str, Any]
    names: Mapping[str, str] = field(default_factory=dict)
    zeros: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    small: bool = False

    @property
    def classes(self) -> int:
        return int(self.options["classes"])
