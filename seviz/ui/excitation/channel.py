"""One channel: how its gate is distributed in every class, its pictures at either end, and its effect on a picture."""

from __future__ import annotations

import numpy as np
import streamlit as st

from seviz.analysis import tables
from seviz.analysis.channels import describe_channel, end_classes
from seviz.analysis.moments import Floats, Moments
from seviz.excitation import EXTREMES, Extremes
from seviz.figures import excitation as figures
from seviz.gates import Site
from seviz.ui import caches, pictures, show, thumbnails
from seviz.ui.excitation import controls
from seviz.ui.excitation.stored import Stored
from seviz.ui.pictures import Chosen
from seviz.ui.text import plain

RIDGES = 20  # classes whose distributions are drawn; of more, those with the highest and the lowest means
TOP = "top prediction"


def panel(stored: Stored, site: Site, moments: Moments, channel: int) -> None:
    """Everything about one channel of a site."""
    st.subheader(f"Channel {channel} of {site.title}", anchor=False)
    about = plain(describe_channel(moments, stored.classes, channel))
    st.markdown(f"{about} A high gate is not an important channel by itself.")
    place = st.container()  # filled below, once it is known whether a picture is to be marked
    _extremes(stored, site, channel)
    mark = _effect(stored, site, moments, channel)
    with place:
        _distribution(stored, site, moments, channel, mark)


def _distribution(stored: Stored, site: Site, moments: Moments, channel: int, mark: float | None) -> None:
    found = stored.statistics.sites[site.path]
    if found.class_histogram is None:
        counts, names, numbers = found.histogram[channel][None], ["all classes"], [0]
        centre, spread = moments.overall_mean[channel : channel + 1], moments.overall_sd[channel : channel + 1]
        st.caption(f"With {len(stored.classes):,} classes and {site.channels:,} channels, distributions are stored over all "
                   "classes alone; means and spreads of single classes are in the figure above.")  # fmt: skip
    else:
        rows = end_classes(moments, channel, RIDGES).tolist()
        counts, numbers = found.class_histogram[rows, channel], rows
        names = [stored.classes[row] for row in rows]
        centre, spread = moments.mean[rows, channel], moments.sd()[rows, channel]
    title = f"Channel {channel}: its gate" + (", class by class" if len(names) > 1 else "")
    drawn = figures.channel_ridges(counts, names, centre, spread, colours=numbers, title=title, mark=mark)
    show.figure(drawn, "channel-ridges")
    st.caption(
        f"Histograms of {counts.shape[1]} bins, not smoothed; every row reaches its own fullest bin. Diamonds and lines are "
        "means ± one standard deviation, from the pictures themselves."
    )
    show.numbers(tables.gate_histograms(names, counts), f"channel-{site.path}-{channel}")


def _extremes(stored: Stored, site: Site, channel: int) -> None:
    """The pictures at either end of the channel: nine by nine where they are at hand, their names otherwise."""
    found, key = stored.statistics.sites[site.path], stored.statistics.key
    read = thumbnails.find(key.data, key.classes)
    ends = {"Open widest for": _rows(found.highest, channel), "Shut furthest for": _rows(found.lowest, channel)}
    for column, (name, rows) in zip(st.columns(2, gap="large"), ends.items(), strict=True):
        with column:
            st.markdown(f"**{name}**")
            if read is None:
                table = {"sample": [sample for sample, _ in rows], "gate": [f"{gate:.3f}" for _, gate in rows]}
                words = f"The pictures that channel {channel} is {name.lower()}."
                st.dataframe(table, hide_index=True, alt=words, key=f"extremes-{name}")
            else:
                thumbnails.gallery(read, [_shown(sample, gate) for sample, gate in rows])
    tied = [name.lower() for name, rows in ends.items() if len({gate for _, gate in rows}) == 1 and len(rows) == EXTREMES]
    if tied:
        st.caption(
            f"{' and '.join(tied).capitalize()}: at least {EXTREMES} pictures have exactly this gate, in the precision of the "
            "network. Which of them are shown follows from their names and says nothing of the channel."
        )
    if read is None:
        thumbnails.offer(key.data, key.classes)
    pairs = [(name, *row) for name, rows in ends.items() for row in rows]
    columns = zip(*pairs, strict=True) if pairs else ((), (), ())
    show.numbers(
        {name: list(values) for name, values in zip(("end", "sample", "gate"), columns, strict=True)},
        f"extremes-{site.path}-{channel}",
    )


def _shown(sample: str, gate: float) -> thumbnails.Shown:
    """With its folder, which is its class, below it; its whole name is in the table."""
    return thumbnails.Shown(sample, f"{plain(sample.rpartition('/')[0] or sample)}  \n{gate:.2f}", f"{sample}, gate {gate:.3f}")


def _rows(end: Extremes, channel: int) -> list[tuple[str, float]]:
    pairs = zip(end.samples[channel].tolist(), end.values[channel].tolist(), strict=True)
    return [(sample, gate) for sample, gate in pairs if sample]


def _effect(stored: Stored, site: Site, moments: Moments, channel: int) -> float | None:
    """What the gate does for a picture at hand, when asked: the picture's gate, None where nothing was asked."""
    if not stored.checkpoint.has_weights:
        st.caption("Without weights, nothing can be said of this gate's effect on a picture.")
        return None
    asked = st.toggle(
        "Effect on a picture", key="effect", bind="query-params",
        help="Gate x gradient: to first order, what the score of a class would lose if this gate shut. One pass forward and "
        "one back through the network.",
    )  # fmt: skip
    if not asked:
        return None
    with st.container(border=True):
        return _effect_of(stored, site, moments, channel, pictures.choose())


def _effect_of(stored: Stored, site: Site, moments: Moments, channel: int, chosen: Chosen) -> float:
    answer = caches.inspection(stored.checkpoint, chosen.picture)
    best = answer.predictions(len(answer.labels))
    wide = st.columns([1, 3], gap="medium", vertical_alignment="top")
    with wide[0]:
        png = caches.seen_png(stored.checkpoint, chosen.picture)
        st.image(png, width="stretch", output_format="PNG", alt=f"{chosen.title} as the network sees it.")
        words = "The class whose score (logit) is looked at; classes are listed by probability."
        label = controls.one("Score of", [TOP, *(one.label for one in best)], TOP, "effect-class", words)
    target = best[0].index if label == TOP else answer.labels.index(label)
    name = answer.labels[target]
    gates = answer.gates[site.path].astype(np.float64)
    gradients = caches.gate_gradients(stored.checkpoint, chosen.picture, target)[site.path].astype(np.float64)
    with wide[1]:
        st.markdown(_effect_sentence(moments, channel, gates, gradients, name, best[0].label, stored))
        drawn = figures.effect_bars(gates, gradients, chosen=channel, target=name, title=f"Gate x gradient at {site.title}")
        table = {"channel": range(len(gates)), "gate": gates, "gradient": gradients, "gate x gradient": gates * gradients}
        show.figure(drawn, "effect-bars", table={column: list(values) for column, values in table.items()})
    return float(gates[channel])


def _effect_sentence(
    moments: Moments, channel: int, gates: Floats, gradients: Floats, name: str, said: str, stored: Stored
) -> str:
    effect = gates * gradients
    rank = int((np.abs(effect) > abs(effect[channel])).sum()) + 1
    row = stored.classes.index(name)
    words = (
        f"The network says **{plain(said)}**. Gate {channel} is **{gates[channel]:.3f}** here; shutting it would change "
        f"the score of {plain(name)} by about **{-effect[channel]:+.2f}** logit, to first order: "
        f"number {rank} of {len(gates)} by size. "
    )
    if moments.count[row] > 1:
        usual = f"{moments.mean[row, channel]:.3f} ± {moments.sd()[row, channel]:.3f} (sd)"
        words += f"Pictures of {plain(name)} have {usual} here. "
    return words + "What shutting a gate really does is found by shutting it; far from its value, the slope may mislead."
