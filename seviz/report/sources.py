"""What is stored for a network, and a sentence in the place of what is not."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from seviz.ablation import Ablation
from seviz.analysis.classification import Classification, summarise
from seviz.analysis.moments import Moments
from seviz.checkpoints import Checkpoint, Epoch
from seviz.corruptions import Corruptions
from seviz.errors import SevizError
from seviz.evaluation import Evaluation
from seviz.excitation import Excitation, SampleGates
from seviz.faithfulness import Faithfulness
from seviz.gates import Site
from seviz.pruning import Pruning

Found = TypeVar("Found")
LACKING = {
    "predictions": ("has no stored predictions", "evaluate", "--out", "FOLDER/evaluation.npz"),
    "statistics": ("has no stored statistics of its gates", "excite"),
    "samples": ("has no stored gates of single pictures", "excite"),
    "ablation": ("has no stored edits of its gates", "ablate", "--curves", "200", "--channels", "1000"),
    "faithfulness": ("has no stored checks of its maps", "faithfulness"),
    "corruptions": ("has no stored figures of corrupted pictures", "evaluate", "--corruptions"),
    "pruning": ("has no stored figures of dropped channels", "prune"),
}


@dataclass(frozen=True, eq=False)
class Network:
    """A checkpoint with all that is stored beside it; None or () where there is nothing.

    figures: that follow from its predictions. missing: "predictions", "statistics", "samples", "history", "ablation",
    "faithfulness", "pruning", "corruptions" -> why there is none, in a sentence.
    """

    checkpoint: Checkpoint
    evaluation: Evaluation | None
    figures: Classification | None
    statistics: Excitation | None
    samples: SampleGates | None
    history: tuple[Epoch, ...]
    missing: Mapping[str, str]
    ablation: Ablation | None = None
    faithfulness: Faithfulness | None = None
    pruning: Pruning | None = None
    corruptions: Corruptions | None = None

    @property
    def name(self) -> str:
        return self.checkpoint.name

    @property
    def sites(self) -> tuple[Site, ...]:
        return self.statistics.key.sites if self.statistics else ()

    @property
    def classes(self) -> tuple[str, ...]:
        return self.checkpoint.card.classes

    def moments(self, site: Site, *, squeezes: bool = False) -> Moments:
        """Of the gates of a site, or of its squeezes. Only for a network with statistics."""
        if self.statistics is None:
            raise ValueError(f"{self.name} has no statistics")
        return self.statistics.moments(site.path, squeezes=squeezes)


def read_network(checkpoint: Checkpoint) -> Network:
    """Everything that is stored for a checkpoint. What is damaged counts as missing, with the sentence that says so."""
    missing: dict[str, str] = {}
    evaluation = _read("predictions", checkpoint, checkpoint.evaluation, missing)
    statistics = _read("statistics", checkpoint, checkpoint.excitation, missing) if checkpoint.is_se else None
    samples = _read("samples", checkpoint, checkpoint.sample_gates, missing) if checkpoint.is_se else None
    ablation = _read("ablation", checkpoint, checkpoint.ablation, missing) if checkpoint.is_se else None
    history = _read("history", checkpoint, checkpoint.history, missing) or ()
    if not checkpoint.is_se:
        missing |= dict.fromkeys(("statistics", "ablation"), f"{checkpoint.name} is a plain network: it has no gates.")
    figures = summarise(evaluation.logits, evaluation.labels, checkpoint.card.classes) if evaluation else None
    faithfulness = _read("faithfulness", checkpoint, checkpoint.faithfulness, missing)
    pruning = _read("pruning", checkpoint, checkpoint.pruning, missing)
    corruptions = _read("corruptions", checkpoint, checkpoint.corruptions, missing)
    return Network(
        checkpoint, evaluation, figures, statistics, samples, history, missing, ablation, faithfulness, pruning, corruptions
    )  # fmt: skip


def _read(what: str, checkpoint: Checkpoint, read: Callable[[], Found | None], missing: dict[str, str]) -> Found | None:
    try:
        found = read()
    except SevizError as error:
        missing[what] = str(error)
        return None
    if not found:
        missing[what] = _lacking(what, checkpoint)
    return found


def _lacking(what: str, checkpoint: Checkpoint) -> str:
    name = checkpoint.name
    if what not in LACKING:
        return f"{name} has no history.csv, which a training writes."
    words, command, *rest = LACKING[what]
    if checkpoint.figures_alone:
        return f"{name} {words}: it ships without weights, as card, history and evaluation."
    # no path of this machine: a report is handed on
    typed = shlex.join(["python", "-m", "seviz", command, "--model", name, "--data", "D", *rest])
    return f"{name} {words}; `{typed}` makes them, where D is the data set."
