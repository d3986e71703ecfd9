"""Edits as a person makes them, one after the other: a site switched, a channel drawn to a value, taken back again.

What is switched last holds, whatever was said of those gates before, so that the list of edits in force stays short and
each of them can be taken away by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from seviz.edits.resolve import select
from seviz.edits.values import Becomes, Channels, Constant, Edit, Where

if TYPE_CHECKING:
    from seviz.gates import Site

Edits = tuple[Edit, ...]


def switched(edits: Sequence[Edit], where: Where, gate: Becomes | None, sites: Sequence[Site]) -> Edits:
    """The edits after all gates of `where` became `gate`, or, when None, went back to what the network makes of them.

    Edits of these sites go; one that names others as well stays for the others, site by site.
    Raises RequestError for sites that are not there.
    """
    chosen = {site.path for site in select(where, sites)}
    kept = tuple(part for edit in edits for part in _without(edit, chosen, sites))
    return (*kept, Edit(where, gate)) if gate is not None else kept


def switched_off(edits: Sequence[Edit], where: Where, sites: Sequence[Site]) -> Edits:
    """The edits after all gates of `where` were taken out: each at its neutral value, which is 1 in SE networks.

    One edit where the sites have one neutral value, else one a site. Raises RequestError for sites that are not there.
    """
    chosen = select(where, sites)
    if len({site.neutral for site in chosen}) == 1:
        return switched(edits, where, Constant(chosen[0].neutral), sites)
    made = tuple(edits)
    for site in chosen:
        made = switched(made, Where(path=site.path), Constant(site.neutral), sites)
    return made


def drawn(edits: Sequence[Edit], path: str, channel: int, value: float | None, sites: Sequence[Site]) -> Edits:
    """The edits after one channel of a site became a number, or, when None, what the other edits leave it at.

    Channels of a site with one value are one edit. Raises RequestError for a site that is not there.
    """
    where = Where(path=path)
    select(where, sites)
    kept = tuple(part for edit in edits for part in _without_channel(edit, where, channel))
    if value is None:
        return kept
    new = Constant(value)
    for number, edit in reversed(list(enumerate(kept))):
        if edit.where == where and isinstance(edit.channels, Channels):
            if edit.gate == new:
                joined = Edit(where, new, Channels((*edit.channels.indexes, channel)))
                return (*kept[:number], joined, *kept[number + 1 :])
        elif path in {site.path for site in select(edit.where, sites)}:
            break  # what stands before this one was overwritten by it
    return (*kept, Edit(where, new, Channels((channel,))))


def gathered(changes: Iterable[tuple[str, int, float]]) -> Edits:
    """(site path, channel, value) as edits: one for all channels of a site with one value, in the order of their first."""
    groups: dict[tuple[str, float], list[int]] = {}
    for path, channel, value in changes:
        groups.setdefault((path, value), []).append(channel)
    return tuple(
        Edit(Where(path=path), Constant(value), Channels(tuple(channels))) for (path, value), channels in groups.items()
    )


def standing(edits: Sequence[Edit], sites: Sequence[Site]) -> Mapping[str, Becomes]:
    """Site path -> what the last edit of all its channels makes of it; sites without one are left out."""
    whole = [edit for edit in edits if edit.channels == Edit(edit.where, edit.gate).channels]
    return {site.path: edit.gate for edit in whole for site in select(edit.where, sites)}


def _without(edit: Edit, paths: set[str], sites: Sequence[Site]) -> Edits:
    """The edit without some sites."""
    named = [site.path for site in select(edit.where, sites)]
    left = [path for path in named if path not in paths]
    if len(left) == len(named):
        return (edit,)
    return tuple(Edit(Where(path=path), edit.gate, edit.channels) for path in left)


def _without_channel(edit: Edit, where: Where, channel: int) -> Edits:
    """The edit without a channel that it names at exactly this site."""
    if edit.where != where or not isinstance(edit.channels, Channels) or channel not in edit.channels.indexes:
        return (edit,)
    left = tuple(index for index in edit.channels.indexes if index != channel)
    return (Edit(edit.where, edit.gate, Channels(left)),) if left else ()
