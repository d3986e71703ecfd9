"""Swap: the gates of picture B in picture A, everywhere, stage by stage and block by block."""

from __future__ import annotations

import streamlit as st

from seviz.backend import Inspection
from seviz.checkpoints import Checkpoint
from seviz.edits import Edit, OtherPicture
from seviz.edits.switch import switched
from seviz.edits.text import where_from
from seviz.figures import lab as figures
from seviz.images import encode_png
from seviz.ui import address, caches, frame, show
from seviz.ui.lab import gate_map, means, state
from seviz.ui.pictures import Chosen
from seviz.ui.text import plain, sentence


@frame.fragment
def panel(checkpoint: Checkpoint, chosen: Chosen) -> None:
    """Picture B, what its gates do in A, and a way to put one of the swaps in force."""
    st.markdown(
        "Picture A keeps its own feature maps, but one block, a stage or all blocks take their gates from picture B. Where the "
        "score hardly moves, the gates there say much the same of both pictures."
    )
    names = [name for name in means.other_pictures() if chosen.sample is None or name != chosen.sample.name]
    address.read("b", names, names[0])
    left, right = st.columns([2, 3], gap="large")
    with left:
        name = st.selectbox("Picture B", names, key="b", persist_state="session", format_func=str.capitalize,
                            help="The picture whose gates are taken.")  # fmt: skip
        address.write("b", names[0])
        means.own("b")
        if problem := st.session_state.pop("b-problem", None):
            st.error(sentence(problem), icon="⚠️")
        _both(checkpoint, chosen, name)
    with right:
        _effects(checkpoint, chosen, name)


def _both(checkpoint: Checkpoint, chosen: Chosen, name: str) -> None:
    both = (chosen.picture, means.picture(name))
    said = [caches.inspection(checkpoint, picture).predictions(1)[0] for picture in both]
    words = " · ".join(f"{title}: {best.label}, {best.probability:.0%}" for title, best in zip("AB", said, strict=True))
    png = encode_png(figures.in_a_row([caches.seen(checkpoint, picture) for picture in both]))
    st.image(png, plain(words), width="stretch", output_format="PNG", alt=f"Both pictures, and what the network says: {words}.")


def _effects(checkpoint: Checkpoint, chosen: Chosen, name: str) -> None:
    places = gate_map.places(caches.model(checkpoint).sites)
    before = caches.inspection(checkpoint, chosen.picture)
    best = before.predictions(1)[0]
    answers = [_swapped(checkpoint, chosen, text, name) for text in places]
    moved = [float(one.logits[best.index] - before.logits[best.index]) for one in answers]
    said = [one.predictions(1)[0] for one in answers]
    table: show.Table = {
        "gates of B in": list(places.values()),
        f"logit of {best.label}, difference": moved,
        "prediction": [one.label for one in said],
        "probability": [one.probability for one in said],
    }
    drawn = figures.swapped_blocks(list(places.values()), moved, label=best.label, other=name)
    show.figure(drawn, "swapped-blocks", table=table)
    turned = [title for title, one in zip(places.values(), said, strict=True) if one.index != best.index]
    st.markdown(f"The prediction turns with the gates of B in: {', '.join(turned)}." if turned else
                f"Wherever the gates of B go, the network still says {plain(best.label)}.")  # fmt: skip
    wide = st.columns([3, 2], gap="small", vertical_alignment="bottom")
    where = wide[0].selectbox("Swap in", list(places), format_func=places.__getitem__, key="b-where",
                              help="Where the gates of B go when the swap is put in force.")  # fmt: skip
    if wide[1].button("Put this swap in force", key="b-apply", width="stretch", help="Beside the edits above."):
        sites = caches.model(checkpoint).sites
        state.change(lambda edits: switched(edits, where_from(where), OtherPicture(name), sites))
        st.rerun()


def _swapped(checkpoint: Checkpoint, chosen: Chosen, where: str, name: str) -> Inspection:
    edits = (Edit(where_from(where), OtherPicture(name)),)
    return caches.edited(checkpoint, chosen.picture, edits, others={name: means.picture(name)})
