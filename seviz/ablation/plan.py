"""Which edits are measured: every site, every stage and all sites, each with four things that the gates become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seviz.gates import Site

GATES = ("1", "mean", "class", "shuffle")  # as in the text of an edit; "class" is each picture's true one


@dataclass(frozen=True)
class Variant:
    """One edit of a whole data set.

    where: the sites as the text of an edit names them, "all", "s3" or a path. paths: the sites. gate: one of GATES.
    """

    where: str
    paths: tuple[str, ...]
    gate: str


def variants_of(sites: Sequence[Site]) -> tuple[Variant, ...]:
    """All sites, then stage by stage, then site by site, each with the four gates."""
    scopes = {"all": tuple(site.path for site in sites)}
    for stage in sorted({site.stage for site in sites if site.stage}):
        scopes[f"s{stage}"] = tuple(site.path for site in sites if site.stage == stage)
    scopes |= {site.path: (site.path,) for site in sites}
    return tuple(Variant(where, paths, gate) for where, paths in scopes.items() for gate in GATES)
