"""From checkpoints to a report."""

from __future__ import annotations

from datetime import UTC, datetime

from seviz.checkpoints import Checkpoint
from seviz.errors import RequestError
from seviz.report import over_seeds
from seviz.report.ablation import part as ablation_part
from seviz.report.accuracy import part as accuracy_part
from seviz.report.compare import bring_together
from seviz.report.compare import part as compare_part
from seviz.report.corruptions import part as corruptions_part
from seviz.report.document import Part, Report
from seviz.report.excitation import part as excitation_part
from seviz.report.faithfulness import part as faithfulness_part
from seviz.report.measured import Progress, measure_all
from seviz.report.networks import part as networks_part
from seviz.report.provenance import command
from seviz.report.provenance import part as provenance_part
from seviz.report.pruning import part as pruning_part
from seviz.report.sources import read_network
from seviz.report.summary import part as summary_part
from seviz.report.training import part as training_part
from seviz.version import __version__


def make_report(model: Checkpoint, against: Checkpoint | None = None, *, progress: Progress | None = None) -> Report:
    """Everything that is stored of a network, and of a second one beside it; what is missing is said in its place.

    Args: progress: called with (done, in all) while permutation tests and probes are made, which takes a second each.

    Raises RequestError for two networks of one name.
    """
    if against is not None and against.name == model.name:
        raise RequestError(f"Both networks are called {model.name}, so they cannot be told apart; rename one of the folders.")
    found = tuple(read_network(one) for one in ((model,) if against is None else (model, against)))
    measured = measure_all(found, progress)
    brought, seeds = bring_together(found), over_seeds.compared(found)
    gated = [one for one in measured if one.network.checkpoint.is_se] or list(measured[:1])
    parts: list[Part] = [summary_part(measured, brought, seeds), networks_part(found), accuracy_part(found)]
    parts.append(corruptions_part(found))
    if len(found) == 2:
        parts.append(compare_part((found[0], found[1]), brought, seeds))
    parts += [one for each in gated for one in (excitation_part(each), ablation_part(each.network))]
    parts += [pruning_part(found), faithfulness_part(found), training_part(found), provenance_part(found)]
    names = tuple(network.name for network in found)
    made = f"Made on {datetime.now(UTC):%d %B %Y, %H:%M} UTC by seviz {__version__} with `{command(found)}`."
    return Report(" and ".join(names), names, made, tuple(parts))
