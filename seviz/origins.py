"""Where a network comes from that was not trained here, as its card says: brought from elsewhere, or cut out of another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seviz.values import quoted, real, text, whole


@dataclass(frozen=True)
class Origin:
    """Where a network comes from that was imported.

    name: what was typed for it, such as "timm:seresnet50.a1_in1k". address: of the file, or its own name where somebody
    brought it. sha256 (hex), bytes: of the file as it came. gated: whether channel gates multiply in it. notes: what was
    unwrapped, stripped or chosen, a sentence each.
    """

    name: str
    address: str
    sha256: str
    bytes: int
    gated: bool
    notes: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Origin:
        """Raises KeyError, TypeError or ValueError where the values are not those of one."""
        if not isinstance(values["gated"], bool):
            raise TypeError(f"{quoted(values['gated'])} does not say whether the network is gated")
        words = {word: text(values[word]) for word in ("name", "address", "sha256")}
        notes = tuple(text(note) for note in values["notes"])
        return cls(**words, bytes=whole(values["bytes"]), gated=values["gated"], notes=notes)


@dataclass(frozen=True)
class Cutting:
    """What was dropped of which network, and why these channels.

    source: the name of its checkpoint. sha256: of the weights (hex) that it was made of. criterion: "gate", "magnitude" or
    "random". share: of every branch's channels that was dropped; dropped of channels in all. seed: of a random choice, else
    0. gates: the data set whose mean gates chose, "" for none. command: as typed. fine_tuned: whether it was trained again
    afterwards.
    """

    source: str
    sha256: str
    criterion: str
    share: float
    dropped: int
    channels: int
    seed: int
    gates: str
    command: str
    fine_tuned: bool = False

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Cutting:
        """Raises KeyError, TypeError or ValueError where the values are not those of one."""
        if not isinstance(values["fine_tuned"], bool):
            raise TypeError(f"{quoted(values['fine_tuned'])} is neither true nor false")
        return cls(
            source=text(values["source"]),
            sha256=text(values["sha256"]),
            criterion=text(values["criterion"]),
            share=real(values["share"], 0, 1),
            dropped=whole(values["dropped"]),
            channels=whole(values["channels"]),
            seed=whole(values["seed"]),
            gates=text(values["gates"]),
            command=text(values["command"]),
            fine_tuned=values["fine_tuned"],
        )
