"""The tensors of a file against those of a network: name by name, before anything is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from seviz.errors import CheckpointError
from seviz.intake.header import Stored
from seviz.intake.proposals import COUNTER, Proposal

MATCHED, MISSING, UNEXPECTED, MISMATCHED = "matched", "missing", "unexpected", "mismatched"
MISTAKES = (TypeError, ValueError, KeyError, AttributeError, RuntimeError, LookupError, AssertionError)  # of a builder


@dataclass(frozen=True)
class Row:
    """A tensor: its name in the network, its name in the file, and both shapes; "" and None where there is none.

    state: "matched", "missing" (the file lacks it), "unexpected" (the network does) or "mismatched" (another shape, or whole
    numbers for fractions).
    """

    name: str
    in_file: str
    expected: tuple[int, ...] | None
    found: tuple[int, ...] | None
    state: str


@dataclass(frozen=True)
class Comparison:
    """Of a proposal with a file. rows: in the network's order, the unexpected ones last. counters: missing ones of batch
    norms, which count as nothing. sizes: of the network's tensors, by name."""

    proposal: Proposal
    rows: tuple[Row, ...]
    counters: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        return all(row.state == MATCHED for row in self.rows)

    def of(self, state: str) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.state == state)

    @property
    def summary(self) -> str:
        counts = {state: len(self.of(state)) for state in (MATCHED, MISSING, UNEXPECTED, MISMATCHED)}
        return ", ".join(f"{count:,} {state}" for state, count in counts.items() if count or state == MATCHED)


def compare(proposal: Proposal, tensors: Mapping[str, Stored]) -> Comparison:
    """Every tensor of the proposed network beside that of the file. Raises CheckpointError where there is no such network."""
    rows, counters, taken = [], [], set()
    for name, (expected, is_float) in _expected(proposal).items():
        in_file = proposal.names.get(name, name)
        found = tensors.get(in_file)
        if found is None and (name in proposal.zeros or name.endswith(COUNTER)):
            counters += [name] if name.endswith(COUNTER) else []
            continue
        if found is not None:
            taken.add(in_file)
        state = MISSING if found is None else MATCHED if _fits(found, expected, is_float) else MISMATCHED
        rows.append(Row(name, in_file if found else "", expected, found.shape if found else None, state))
    rows += [Row("", name, None, one.shape, UNEXPECTED) for name, one in tensors.items() if name not in taken]
    return Comparison(proposal, tuple(rows), tuple(counters))


def _expected(proposal: Proposal) -> dict[str, tuple[tuple[int, ...], bool]]:
    """Name -> (shape, whether it holds fractions) of the network's tensors; it is built without memory for its weights."""
    import torch

    from seviz.nets import from_card

    try:
        with torch.random.fork_rng(devices=()):
            try:
                with torch.device("meta"):
                    net = from_card(dict(proposal.options))
            except NotImplementedError:  # torchvision's RegNets compute their widths with tensors
                net = from_card(dict(proposal.options))
    except MISTAKES as error:
        raise CheckpointError(f"{proposal.arch} cannot be built with {proposal.classes} classes.") from error
    return {name: (tuple(value.shape), value.is_floating_point()) for name, value in net.state_dict().items()}


def _fits(found: Stored, expected: tuple[int, ...], is_float: bool) -> bool:
    """The same shape, or a layer of an SE block stored as a 1 x 1 convolution; fractions for fractions."""
    squeezed = found.shape[:2] if len(expected) == 2 and found.shape[2:] == (1, 1) else found.shape
    return squeezed == expected and found.is_float == is_float
