"""Which network a file's tensors are of: prefixes and codes are tried until all names and shapes fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from seviz.errors import CheckpointError, RequestError
from seviz.intake import families, libraries
from seviz.intake.compare import MATCHED, Comparison, compare
from seviz.intake.header import Stored
from seviz.intake.prefixes import COMPILED, prefixes, under, without_compiled
from seviz.intake.proposals import Proposal, Shapes

Tensors = Mapping[str, Stored]
SHOWN = 5  # names in a sentence


@dataclass(frozen=True)
class Recognised:
    """tensors: with prefixes stripped. steps: sentences on what was stripped and left aside. comparison: with the network
    that fits, else with the nearest one, None where there is none near. choices: architectures of which it is one, where
    names and shapes do not tell which."""

    tensors: Tensors
    steps: tuple[str, ...]
    comparison: Comparison | None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Tried:
    prefix: str
    tensors: Tensors
    comparison: Comparison


def recognise(tensors: Tensors, arch: str | None = None, hint: str = "") -> Recognised:
    """The network of these tensors.

    Args:
        tensors: as named in the file. arch: as somebody says it is; None to find it. hint: what the file says.

    Raises RequestError for an `arch` that there is none of.
    """
    named, compiled = without_compiled(tensors)
    tried = list(_all_tried(named, arch, hint))
    best = max(tried, key=_worth, default=None)
    steps: tuple[str, ...] = (f"`{COMPILED}.` of torch.compile was taken out of {compiled:,} names.",) if compiled else ()
    if best is None or not best.comparison.fits:
        choices = () if arch else _choices(named)
        if choices:
            return Recognised(named, steps, None, choices)
    if best is None:
        return Recognised(named, steps, None)
    fitting = {one.prefix for one in tried if one.comparison.fits and one.comparison.proposal is not best.comparison.proposal}
    steps += _stripped(best, named) + _twins(best, fitting)
    return Recognised(best.tensors, steps, best.comparison)


def _all_tried(named: Tensors, arch: str | None, hint: str) -> Iterator[_Tried]:
    for prefix in prefixes(named):
        inside = under(named, prefix)
        for proposal in _proposals({name: one.shape for name, one in inside.items()}, arch, hint):
            try:
                tried = _Tried(prefix, inside, compare(proposal, inside))
            except CheckpointError:
                if arch:
                    raise
                continue  # shapes that look like those of a network and are of none
            yield tried
            if tried.comparison.fits and len(inside) == len(named):
                return


def _worth(tried: _Tried) -> tuple[bool, bool, int]:
    """A moving average before what it is of, where a file holds both under prefixes; then most matches."""
    matched, fits = len(tried.comparison.of(MATCHED)), tried.comparison.fits
    return fits, fits and "ema" in tried.prefix.lower(), matched


def _proposals(shapes: Shapes, arch: str | None, hint: str) -> Iterator[Proposal]:
    found = list(families.proposals(shapes))
    if arch is not None:
        named = [one for one in found if one.arch == arch]
        yield from named or [_named(arch, shapes)]
        return
    groups = libraries.candidates(shapes)
    hinted = [group for group in groups if hint and hint in [name.partition(":")[2] for name in group]]
    # the file says that it is another network with the names and shapes of torchvision's ResNet
    other = bool(hinted) and not any(f"torchvision:{one.arch}" in hinted[0] for one in found)
    for one in found:
        if not (other and one.code == families.TORCHVISION):
            yield _with_doubles(one, groups)
    for group in hinted or (groups if len(groups) == 1 else ()):
        others = f"{', '.join(group[1:SHOWN])} have the same names and shapes, and compute the same." if len(group) > 1 else ""
        proposal = libraries.proposal(group[0], shapes)
        yield replace(proposal, assumed=(others,)) if others else proposal


def _with_doubles(found: Proposal, groups: tuple[tuple[str, ...], ...]) -> Proposal:
    """With a sentence on architectures of the libraries that have the same names and shapes and compute something else."""
    others = [group[0] for group in groups if not any(name.partition(":")[2] == found.arch for name in group)]
    if not others:
        return found
    note = f"Names and shapes are also those of {' and '.join(others)}, which compute something else: --arch says if it is one."
    return replace(found, assumed=(*found.assumed, note))


def _named(arch: str, shapes: Shapes) -> Proposal:
    """The network that somebody says it is. Raises RequestError where there is none of that name."""
    if arch.startswith(("timm:", "torchvision:")):
        return libraries.proposal(arch, shapes)
    if ":" in arch:
        raise RequestError(f"The tensors are not those of {arch[:60]}; leave --arch out to see what they are taken for.")
    from seviz.nets import options_for

    head = libraries.head_of(shapes)
    return Proposal(arch, families.SEVIZ, families.plain_options(options_for(arch, classes=shapes[head][0] if head else None)))


def _choices(named: Tensors) -> tuple[str, ...]:
    for prefix in prefixes(named):
        groups = libraries.candidates({name: one.shape for name, one in under(named, prefix).items()})
        if groups:
            return tuple(group[0] for group in groups)
    return ()


def _stripped(best: _Tried, named: Tensors) -> tuple[str, ...]:
    steps: tuple[str, ...] = ()
    if best.prefix:
        steps += (f"The prefix `{best.prefix}` was stripped from {len(best.tensors):,} names.",)
    outside = sorted(name for name in named if not name.startswith(best.prefix))
    if outside:
        shown = ", ".join(outside[:SHOWN]) + (", ..." if len(outside) > SHOWN else "")
        steps += (f"Left aside: {len(outside):,} tensors outside `{best.prefix}` ({shown}).",)
    return steps


def _twins(best: _Tried, fitting: set[str]) -> tuple[str, ...]:
    others = sorted(fitting - {best.prefix})
    if not others:
        return ()
    why = ", being a moving average (EMA)," if "ema" in best.prefix.lower() else ""
    return (f"Under {', '.join(f'`{other}`' for other in others)} stands a network as well; `{best.prefix}`{why} was taken.",)
