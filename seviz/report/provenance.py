"""The part Provenance: where every number comes from, and how to make it again."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from seviz import card_words
from seviz.analysis.paired import RESAMPLES
from seviz.analysis.probes import FOLDS
from seviz.analysis.specificity import PERMUTATIONS
from seviz.data import DataKey
from seviz.machine import hardware, versions
from seviz.report.document import Block, Commands, Facts, Part, Points, Section, Words
from seviz.report.sources import Network

FILES = ("card.json", "model.safetensors", "history.csv", "evaluation.npz", "excitation.npz", "gates.npz", "ablation.json",
         "pruning.json", "faithfulness.json", "cka-*.json")  # fmt: skip


def part(networks: Sequence[Network]) -> Part:
    lead = "Where every number comes from: weights and files by their sha256, data, machines, versions, and the commands."
    sections = (*(Section(network.name, tuple(_network(network))) for network in networks), _this_file(networks))
    return Part("Provenance", lead, sections)


def command(networks: Sequence[Network]) -> str:
    """What makes this report again."""
    against = ["--against", networks[1].name] if len(networks) > 1 else []
    return shlex.join(["python", "-m", "seviz", "report", "--model", networks[0].name, *against, "--out", "report.html"])


def all_versions() -> dict[str, str]:
    """Python, seviz, and every library that computed or drew something here."""
    found = dict(versions())
    for package in ("scipy", "scikit-learn", "plotly"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    return found


def _network(network: Network) -> Iterator[Block]:
    card = network.checkpoint.card
    making, rows = card_words.making(card), card_words.machine(card)
    if making and making.took:
        rows["training"] = f"{making.took} Seed {card.seed}."
    yield Facts({"": list(rows), network.name: list(rows.values())})
    yield Words("Data: what the samples are is told by a sha256 over their ids and labels.")
    yield _data(network)
    recipe = card_words.recipe_sentence(card)
    if recipe:
        yield Words(f"Recipe: {recipe}")
        yield Facts(card_words.recipe(card))
    yield Words("Files, as this report read them:")
    yield _files(network.checkpoint.folder)
    typed = [(f"{name}:", text) for name, text in card.commands.items()]
    if network.statistics:
        data = network.statistics.key.data.name
        typed.append(("excite:", shlex.join(["python", "-m", "seviz", "excite", "--model", network.name, "--data", data])))
    typed += [("ablate:", network.ablation.command)] if network.ablation else []
    typed += [("prune:", network.pruning.command)] if network.pruning else []
    if network.faithfulness:
        typed.append(("faithfulness:", network.faithfulness.command))
    yield Commands(tuple(typed))


def _listed(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _data(network: Network) -> Facts:
    card = network.checkpoint.card
    keys: list[tuple[str, DataKey]] = [("training", card.data.train), ("test", card.data.test)]
    keys += [("predictions", network.evaluation.key)] if network.evaluation else []
    keys += [("gates", network.statistics.key.data)] if network.statistics else []
    keys += [("edits of gates", network.ablation.data)] if network.ablation else []
    keys += [("checks of maps", network.faithfulness.data)] if network.faithfulness else []
    return Facts(
        {
            "for": [what for what, _ in keys],
            "data": [key.name for _, key in keys],
            "split": [key.split for _, key in keys],
            "samples": [f"{key.count:,}" for _, key in keys],
            "sha256": [key.sha256 for _, key in keys],
        }
    )


def _files(folder: Path) -> Facts:
    paths = [path for name in FILES for path in sorted(folder.glob(name)) if path.is_file()]
    return Facts(
        {
            "file": [path.name for path in paths],
            "bytes": [f"{path.stat().st_size:,}" for path in paths],
            "sha256": [_sha256(path) for path in paths],
        }
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _this_file(networks: Sequence[Network]) -> Section:
    rules = (
        ("Intervals of shares", "Wilson's, 95 %."),
        ("Differences of accuracies", f"paired, BCa bootstrap with {RESAMPLES:,} resamples and seed 0; McNemar's exact test."),
        ("Classes", "Holm's correction for as many tests as there are classes with samples."),
        ("Permutation tests", f"{PERMUTATIONS} shuffles of the labels, seed 0."),
        ("Linear probes", f"logistic regression, L2, {FOLDS} stratified folds, seed 0."),
        ("Tables", "rounded to six digits."),
    )
    return Section(
        "This file",
        (
            Commands((("Made by:", command(networks)),)),
            Words(f"On {_listed(hardware())}; {_listed(all_versions())}."),
            Points(rules),
            Words("It holds everything that it shows and fetches nothing. Figures are drawn by Plotly (MIT licence)."),
        ),
    )
