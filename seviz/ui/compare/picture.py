"""Two or three networks on one picture: predictions, maps on one scale, gates of matching blocks, time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from seviz.checkpoints import Checkpoint, find_checkpoints, open_checkpoint
from seviz.figures import gates as figures
from seviz.gates import Site
from seviz.ui import address, caches, frame, maps, pictures, show
from seviz.ui.choice import NONE, Choice
from seviz.ui.compare import gate_table, pinned
from seviz.ui.pictures import Chosen
from seviz.ui.text import plain


def panel(choice: Choice) -> None:
    """The networks in columns; below, gate against gate, network by network and picture by picture."""
    silent = [network.name for network in choice.both if not network.has_weights]
    if silent:
        st.info(f"{plain(' and '.join(silent))} has no weights, so it cannot be run; the other views show its figures.")
        return
    chosen = pictures.choose()
    shown = replace(choice, third=_third(choice))
    maps.panel(shown, chosen, True)
    _times(shown.shown, chosen)
    if len(shown.shown) > 1:
        _networks(shown.shown, chosen)
    pinned.panel(shown.shown, chosen)


def _third(choice: Choice) -> Checkpoint | None:
    taken = [network.name for network in choice.both]
    others = [entry for entry in find_checkpoints() if entry.card and not entry.problem and entry.name not in taken]
    names = [NONE, *(entry.name for entry in others if open_checkpoint(entry.folder).has_weights)]
    if len(names) == 1:
        return None
    address.read("third", names, NONE)
    name = st.selectbox(
        "Third network", names, key="third", persist_state="session", help="One more column beside the two of the sidebar."
    )
    address.write("third", NONE)
    return None if name == NONE else open_checkpoint(name)


def _times(networks: Sequence[Checkpoint], chosen: Chosen) -> None:
    answers = [caches.inspection(network, chosen.picture) for network in networks]
    show.provenance(*(answer.provenance for answer in answers))
    st.caption("Milliseconds are of the whole answer, with gates and maps of every stage. The view Cost times bare passes.")


@frame.fragment
def _networks(networks: Sequence[Checkpoint], chosen: Chosen) -> None:
    """The gates of the first network minus those of each other one, at the blocks that both have."""
    st.subheader("Gates, network against network", anchor=False)
    first, *others = networks
    matches = {other.name: (other, _matching(first, other)) for other in others}
    matches = {name: match for name, match in matches.items() if match[1]}
    if not matches:
        gateless = [network.name for network in networks if not network.is_se]
        st.info(
            f"{plain(' and '.join(gateless))} is a plain network and has no gates to hold against others. Choose a second "
            "SE network, or pin a picture below."
            if gateless
            else "These networks have no SE blocks of the same place and width, so their gates do not match."
        )
        return
    name = st.segmented_control(
        "Against", list(matches), default=next(iter(matches)), required=True, key="gates-against", format_func=plain,
        help=f"Whose gates are taken from those of {plain(first.name)}.",
    )  # fmt: skip
    other, sites = matches[name]
    st.markdown(
        f"One row is a block, one cell a channel: red where {plain(first.name)} opens it further, blue where "
        f"{plain(name)} does. Channels of networks that were trained apart have nothing to do with each other but their number."
    )
    one, another = (caches.inspection(network, chosen.picture).gates for network in (first, other))
    drawn = figures.overview(sites, one, against=another, against_name=name)
    show.figure(drawn, "gates-networks", table=gate_table.columns(sites, (one, another), (first.name, name)))


def _matching(first: Checkpoint, other: Checkpoint) -> tuple[Site, ...]:
    """The sites of the first that the other has as well, by path and number of channels."""
    known = {(site.path, site.channels) for site in caches.model(other).sites}
    return tuple(site for site in caches.model(first).sites if (site.path, site.channels) in known)
