"""Health: whether the gates of every block are alive, in traffic lights and in sentences."""

from __future__ import annotations

import streamlit as st

from seviz.analysis.health import STILL, GateHealth, site_health
from seviz.figures import health as figures
from seviz.figures.health import SIGNS, WORDS, Cell, Column
from seviz.figures.layout import listed, percent
from seviz.gates import Site
from seviz.ui import frame, show
from seviz.ui.excitation.stored import Stored

COLUMNS = (
    Column("verdict", "The worst of what was found at this block."),
    Column("shut", "Share of gates below 0.05, over pictures and channels: these channels are muted."),
    Column("around 0.5", "Share of gates in 0.45 to 0.55, what a sigmoid says when it has nothing to say."),
    Column("open", "Share of gates above 0.95: these channels pass as they are."),
    Column("range", "The lowest and the highest gate of any picture and channel."),
    Column("moves by", "Standard deviation of a gate from picture to picture, mean over channels."),
    Column("still", f"Channels whose gate never moves: standard deviation over pictures below {STILL}."),
    Column("silent units", "Hidden units of the bottleneck that never fire, for any picture."),
    Column("between/within", "Variance of the gates between classes over the variance within them."),
)
BLAMED = {  # ailment -> the columns where it shows
    "dead": ("around 0.5", "moves by", "still"),
    "static": ("moves by", "still"),
    "faint": ("moves by",),
    "still": ("still",),
    "open": ("open",),
    "closed": ("shut",),
    "hidden units": ("silent units",),
}
JUDGED = {column for columns in BLAMED.values() for column in columns} - {"around 0.5"}


@frame.fragment
def panel(stored: Stored) -> None:
    """The table, then a sentence for each ailment and what usually causes it."""
    st.markdown(
        "Is the SE block doing anything? A gate that is the same for every picture is a constant, and a gate that is always "
        "open lets its channel pass as it is. Every sign is explained below and under the pointer."
    )
    found = [_health(stored, site) for site in stored.sites]
    caption = _caption(found)
    st.html(figures.health_table([one.title for one in found], COLUMNS, [_cells(one) for one in found], caption=caption))
    st.caption(" · ".join(f"**{SIGNS[grade]}** {WORDS[grade]}" for grade in ("healthy", "look", "ill")) + _note(found))
    show.numbers(_table(stored, found), "health")
    with st.expander("What the columns mean"):
        st.markdown("\n".join(f"- **{column.name}**: {column.meaning}" for column in COLUMNS))
    _sentences(found)


def _health(stored: Stored, site: Site) -> GateHealth:
    found, samples = stored.statistics.sites[site.path], stored.samples
    return site_health(
        site.title, stored.moments(site), found.histogram, gates=samples.gates[site.path] if samples else None,
        lowest=found.lowest.values, highest=found.highest.values, fired=found.fired,
    )  # fmt: skip


def _cells(health: GateHealth) -> list[Cell]:
    """The numbers of a site, graded by the ailments that show in them."""
    vitals = health.vitals
    about = "" if health.shares.exact else "about "
    ratio = vitals.between_over_within
    silent = "not counted" if vitals.hidden is None else f"{vitals.silent} of {vitals.hidden}"
    texts = {
        "verdict": "look" if health.grade == "look" else WORDS[health.grade],
        "shut": about + percent(vitals.closed),
        "around 0.5": about + percent(vitals.middle),
        "open": about + percent(vitals.open),
        "range": f"{vitals.lowest:.2f} to {vitals.highest:.2f}",
        "moves by": f"{vitals.moving:.3f}",
        "still": f"{vitals.still} of {vitals.channels}",
        "silent units": silent,
        "between/within": f"{ratio:.2f}" if ratio < 1000 else "all between" if ratio > 0 else "not known",
    }
    blamed = {column: ailment for ailment in health.ailments for column in BLAMED.get(ailment.name, ())}
    cells = []
    for column in COLUMNS:
        ailment, name = blamed.get(column.name), column.name
        fine = "healthy" if name in JUDGED and health.grade != "unknown" else ""
        grade = health.grade if name == "verdict" else ailment.grade if ailment else fine
        cells.append(Cell(texts[name], grade, ailment.sentence if ailment else column.meaning))
    return cells


def _caption(found: list[GateHealth]) -> str:
    counts = [(sum(one.grade == grade for one in found), WORDS[grade]) for grade in WORDS]
    return f"Gate health of {len(found)} blocks: " + listed([f"{count} {word}" for count, word in counts if count])


def _note(found: list[GateHealth]) -> str:
    if all(one.shares.exact for one in found):
        return ""
    return ". Shares marked “about” come from histograms, whose bins have no edges at 0.05 and 0.95."


def _sentences(found: list[GateHealth]) -> None:
    """What ails which block, and what is worth knowing of those that are well."""
    for one in found:
        for ailment in one.ailments:
            with st.container(border=True):
                st.markdown(f"**{SIGNS[ailment.grade]} {one.title}: {ailment.name}.** {ailment.sentence}")
                st.markdown(f"*Usual cause.* {ailment.cause}  \n*What helps.* {ailment.cure}")
    well = [one for one in found if not one.ailments and one.grade == "healthy"]
    if well:
        with st.expander(f"{len(well)} blocks without an ailment", expanded=len(well) == len(found)):
            st.markdown("\n".join(f"- **✓ {one.title}**: {' '.join(one.notes)}" for one in well))
    unknown = [one.title for one in found if one.grade == "unknown"]
    if unknown:
        st.info(f"Of {listed(unknown)} nothing can be told: that takes two pictures or more.")


def _table(stored: Stored, found: list[GateHealth]) -> show.Table:
    vitals = [one.vitals for one in found]
    fields = ("mean", "closed", "middle", "open", "lowest", "highest", "moving", "still", "channels", "silent", "hidden")
    table: dict[str, list[object]] = {"site": [site.path for site in stored.sites], "verdict": [one.grade for one in found]}
    table |= {field: [getattr(one, field) for one in vitals] for field in fields}
    return table | {
        "between over within": [one.between_over_within for one in vitals],
        "ailments": [", ".join(ailment.name for ailment in one.ailments) for one in found],
    }
