"""What two networks with several seeds each say together, in the part Compare."""

from __future__ import annotations

from collections.abc import Sequence

from seviz.analysis.by_seed import ONE_RECIPE, WHAT_SEEDS_VARY, by_seed_table, in_words, seeds_verdict
from seviz.errors import SevizError
from seviz.figures import seeds as figures
from seviz.report.document import Block, Chart, Note, Section, Words
from seviz.report.sources import Network
from seviz.seeds import Beside, over_seeds


def compared(networks: Sequence[Network]) -> Beside | None:
    """Two networks over their seeds; None for one network, for one seed of each, and where predictions are missing."""
    if len(networks) < 2 or any(network.evaluation is None for network in networks):
        return None
    try:
        return over_seeds(networks[0].checkpoint, networks[1].checkpoint)
    except SevizError:
        return None  # damaged predictions: the part Accuracy says so


def one_sentence(known: Beside | None) -> str:
    """For the summary: what the seeds say, or that there is one of each."""
    if known is None or known.found is None or not known.found.common:
        return "One training each: another seed would differ."
    return seeds_verdict(known.found)


def section(known: Beside) -> Section:
    found, notes = known.found, tuple(Note(words) for words in known.left_out)
    if found is None:
        words = Words(f"{ONE_RECIPE} {in_words(known.first)}.")
        return Section("Over seeds", (words, *notes))
    each = " ".join(f"{one.name}, {in_words(one)}." for one in (found.first, found.second))
    chart = Chart("over-seeds", figures.over_seeds(found), "Lines join the two networks of one seed.", by_seed_table(found))
    blocks: tuple[Block, ...] = (Words(seeds_verdict(found)), chart, Words(f"{each} {WHAT_SEEDS_VARY}"))
    return Section("Over seeds", (*blocks, *notes))
