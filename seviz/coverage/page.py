"""docs/coverage.md: what was found in which architecture, and what the words mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from seviz.coverage.look import FAILED, LARGE, NONE, PARTLY, PROVED, REFUSED, Look
from seviz.coverage.networks import SMALL, architectures
from seviz.coverage.survey import Limits, timm_version
from seviz.files import write_bytes
from seviz.machine import hardware, versions

HEAD = """# Which networks of timm have gates, and what is known of them

    {command}

All {total:,} architectures of timm {timm} that have pretrained weights, with random weights instead (nothing was downloaded),
one at a time, each in a process of its own.{unseen}

**Candidates.** Each architecture is built without numbers and run once at its own picture size; every multiplication of this
run is looked at. A candidate has one in which a map (B, C, H, W) is multiplied by a number for every channel of every picture
(or by a coarser map laid over it: spatial), which a sigmoid, a hard sigmoid, a clamp or a softmax made. So no list of class
names decides. A gate that is applied in another way than by a multiplication (inside a convolution's weights, by einsum) is
not seen. What is multiplied by channels that nothing holds in 0..1, as in the response norm of ConvNeXt V2, and the global
context that is added, are no gates.

**Found** is a gate of the candidate that is seen again in a run with numbers: random weights (none left all alike, as
branches that begin at 0 would hide what stands before them), two pictures of noise, of {small} pixels where the network takes
them. **Proved** is a found gate for which all of this held, bit for bit:

1. what was recorded is in 0..1, and times the map that it scales is what the network went on with;
2. the network answers the same with every gate edited to what it is anyhow;
3. with the gate edited to its neutral value (1; 0.5 where the network doubles what was scaled; 1 / paths where a softmax
   shares a channel out) the answer changes, or the reason why not is given;
4. afterwards the network answers as before, and its hooks, parameters and buffers are untouched.

*proved*: every gate that the run without numbers shows. *partly proved*, *refused*: some or none, with the reason.
*not run*: too large for the limits (memory {memory}, {seconds} of processor time). A softmax over paths counts as one gate,
of channels x paths.

Versions: {versions}. {hardware}.
"""


def write_page(path: Path, found: Sequence[Look], *, limits: Limits, command: str) -> None:
    """Write the page of what is known. command: that gives it again."""
    known, machine, total = versions(), hardware(), len(architectures())
    unseen = f" {total - len(found):,} of them nobody has looked at yet." if len(found) < total else ""
    head = HEAD.format(
        command=command,
        total=total,
        timm=timm_version(),
        unseen=unseen,
        small=SMALL,
        memory=f"{limits.gibibytes:g} GiB",
        seconds=f"{limits.seconds:g} s",
        versions=", ".join(f"{name} {known[name]}" for name in ("python", "seviz", "torch")) + f", timm {timm_version()}",
        hardware=f"{machine['processor']}, one thread",
    )
    lines = [head, *_counts(found), "", *_gated(found), "", *_others(found), ""]
    write_bytes(path, "\n".join(lines).encode())


def _counts(found: Sequence[Look]) -> Iterator[str]:
    results = Counter(look.result for look in found)
    gated = [look for look in found if look.result != NONE and not (look.result == FAILED and look.traced is None)]
    yield "## Counts"
    yield ""
    yield "| | architectures | gates |"
    yield "|---|---|---|"
    yield f"| with a channel gate (candidates) | {len(gated)} | {sum(look.traced or look.gates for look in gated):,} |"
    for result in (PROVED, PARTLY, REFUSED, LARGE, FAILED):
        these = [look for look in found if look.result == result]
        yield f"| {result} | {len(these)} | {sum(look.gates for look in these):,} |"
    yield f"| without one | {results[NONE]} | |"
    yield ""
    yield "| kind of gate | architectures proved | gates |"
    yield "|---|---|---|"
    proved = [look for look in found if look.result == PROVED]
    for kind in sorted({kind for look in proved for kind in look.kinds or {}}):
        these = [look for look in proved if kind in (look.kinds or {})]
        yield f"| {kind} | {len(these)} | {sum((look.kinds or {})[kind] for look in these):,} |"


def _gated(found: Sequence[Look]) -> Iterator[str]:
    yield "## Architectures with a gate"
    yield ""
    yield "| architecture | result | gates | kinds | multiplied in | neutral | M parameters | pixels | |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for look in found:
        if look.result == NONE or (look.result == FAILED and not look.traced):
            continue
        count = str(look.gates) if look.traced in (None, look.gates) else f"{look.gates} of {look.traced}"
        neutral = ", ".join(f"{value:g}" for value in look.neutral)
        cells = [look.name, look.result, count, _listed(look.kinds), _listed(look.owners), neutral]
        cells += [f"{look.parameters / 1e6:.1f}", str(look.side or ""), _why(look)]
        yield f"| {' | '.join(cells)} |"


def _others(found: Sequence[Look]) -> Iterator[str]:
    nothing = [look for look in found if look.result == NONE]
    refused = [look for look in nothing if look.why]
    yield "## Architectures without a gate"
    yield ""
    yield f"{len(nothing):,}: nothing in them is multiplied by a gate of channels."
    if refused:
        yield ""
        yield "In these, maps are multiplied by channels that nothing holds in 0..1:"
        yield ""
        yield from (f"- {look.name}: {_short(look.why)}" for look in refused)
    failed = [look for look in found if look.result == FAILED and not look.traced]
    if failed:
        yield ""
        yield "In these, the run failed, so that nothing is said of them:"
        yield ""
        yield from (f"- {look.name}: {_short(look.why)}" for look in failed)


def _listed(counts: dict[str, int] | None) -> str:
    if not counts:
        return ""
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))


def _why(look: Look) -> str:
    notes = [f"{count} change nothing: {why}" for why, count in (look.notes or {}).items()]
    return "; ".join(_short(part) for part in [*notes, look.why] if part)


def _short(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")[:300]
