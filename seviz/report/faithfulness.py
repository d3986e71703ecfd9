"""The part Maps: whether the maps of evidence say what a network looks at, over a sample of pictures."""

from __future__ import annotations

from collections.abc import Sequence

from seviz.analysis.faithfulness import LEGEND, long, wide
from seviz.faithfulness import Faithfulness
from seviz.figures import faithfulness as figures
from seviz.report.document import Block, Chart, Facts, Folded, Note, Part, Section, Words
from seviz.report.sources import Network

LEAD = (
    "Grad-CAM and its kin put to the test: do the pixels that they name matter more than others, do they foretell what hiding "
    "a part costs, do they stay put when a picture hardly changes, and do they change when the network forgets what it learned?"
)


def part(found: Sequence[Network]) -> Part:
    """A section a network; what is missing is said in its place."""
    return Part("Maps", LEAD, tuple(Section(f"Faithfulness of the maps of {one.name}", _blocks(one)) for one in found))


def _blocks(network: Network) -> tuple[Block, ...]:
    found = network.faithfulness
    if found is None:
        return (Note(network.missing["faithfulness"]),)
    measured = (
        f"Maps of the class that the network predicts, {found.n:,} pictures of {found.data.name}, {found.data.split} "
        f"({found.right:,} predicted right), Grad-CAM at {found.layer}. Measured by `{found.command}`."
    )
    table = {name: list(map(str, cells)) for name, cells in wide(found.methods).items()}
    words = tuple(Words(sentence) for sentence in found.findings)
    return (Words(measured), Facts(table), Words(LEGEND), *_charts(network.name, found), Folded("In words", words))


def _charts(name: str, found: Faithfulness) -> tuple[Block, ...]:
    curves = tuple(
        Chart(f"faithful-{measure}-{name}", figures.differences(found.methods, measure), note)
        for measure, note in (
            ("deletion", "Pixels are painted over with the mean colour, the strongest of the map first."),
            ("insertion", "Pixels come back into a blurred picture, the strongest of the map first."),
        )
    )
    if not all(one.stages for one in found.methods):
        return curves
    note = "Stages are redrawn from the classifier down; intervals are over pictures, each with a draw of its own."
    return (*curves, Chart(f"faithful-redrawn-{name}", figures.forgetting(found.methods), note, long(found.methods)))
