"""The sweeps in docs/sweeps: what they measured is kept beside them, holds together, and is what docs/training.md says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import scipy.stats

from seviz.sweep import read_plan

ROOT = Path(__file__).parents[1]
MEASURED = sorted((ROOT / "docs" / "sweeps").glob("*.json"))


@pytest.fixture(params=MEASURED, ids=lambda path: path.stem)
def measured(request):
    return request.param.stem, json.loads(request.param.read_text(encoding="utf-8"))


def interval(values):
    return scipy.stats.t.interval(0.95, len(values) - 1, loc=sum(values) / len(values), scale=scipy.stats.sem(values))


def differences(ours, theirs):
    return [one - other for one, other in zip(ours, theirs, strict=True)]


def percent(low, high, sign=""):
    return f"({100 * low:{sign}.2f} to {100 * high:{sign}.2f})"


def test_there_are_some():
    assert {path.stem for path in MEASURED} >= {"opening", "reduction", "robust"}


def test_it_is_of_the_trainings_in_the_file_beside_it(measured):
    name, content = measured
    plan = read_plan(ROOT / "docs" / "sweeps" / f"{name}.toml", "folder:nowhere")
    assert f"docs/sweeps/{name}.toml" in content["command"]
    planned = {one.name: one for one in plan.variations}
    unfinished = [one for one in planned if any(words.startswith(f"{one}, seed ") for words in content["missing"])]
    assert [row["name"] for row in content["rows"]] == [one for one in planned if one not in unfinished]
    assert all(row["seeds"] == list(plan.seeds) for row in content["rows"])
    assert content["baseline"] == plan.baseline


def test_means_intervals_and_differences_follow_from_the_accuracies(measured):
    """By scipy's t distribution."""
    _, content = measured
    by_name = {row["name"]: row["accuracies"] for row in content["rows"]}
    for row in content["rows"]:
        assert row["accuracy"] == pytest.approx(sum(row["accuracies"]) / len(row["accuracies"]))
        assert row["interval"] == pytest.approx(interval(row["accuracies"]))
        if row["name"] != content["baseline"]:
            apart = differences(row["accuracies"], by_name[content["baseline"]])
            assert row["difference"]["mean"] == pytest.approx(sum(apart) / len(apart))
            assert row["difference"]["interval"] == pytest.approx(interval(apart))
        for kinds in ("known", "others") if row["corrupted"] else ():
            assert row["corrupted"][f"{kinds}_interval"] == pytest.approx(interval(row["corrupted"][f"{kinds}_by_seed"]))


def test_the_document_says_what_was_measured(measured):
    name, content = measured
    document = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    assert f"    python -m seviz sweep docs/sweeps/{name}.toml --data folder:DIR" in document
    lines = document.splitlines()
    for row in content["rows"]:
        words = [f"| {row['name']} | {100 * row['accuracy']:.2f} % {percent(*row['interval'])} |"]
        if row["difference"]:
            words.append(f"| {100 * row['difference']['mean']:+.2f} {percent(*row['difference']['interval'], '+')} |")
        if row["gates"]:
            gates = row["gates"]
            words.append(f"| {gates['smallest']:.3f} | {gates['median']:.3f} | {100 * gates['lost']:.1f} |")
        for kind in ("known", "others") if row["corrupted"] else ():
            found = row["corrupted"]
            words.append(f"| {100 * found[kind]:.2f} % {percent(*found[f'{kind}_interval'])} |")
        assert any(all(one in line for one in words) for line in lines), (row["name"], words)


def test_the_document_says_what_corrupted_pictures_in_the_training_bring():
    content = json.loads((ROOT / "docs" / "sweeps" / "robust.json").read_text(encoding="utf-8"))
    document = " ".join((ROOT / "docs" / "training.md").read_text(encoding="utf-8").split())
    by_name = {row["name"]: row["corrupted"] for row in content["rows"]}

    def gain(name, kinds):
        found = differences(by_name[name][f"{kinds}_by_seed"], by_name["usual"][f"{kinds}_by_seed"])
        return 100 * sum(found) / len(found), tuple(100 * end for end in interval(found))

    words = []
    for name in ("a tenth corrupted", "a quarter corrupted"):
        mean, (low, high) = gain(name, "known")
        words.append((f"{mean:.1f}", f"({low:.1f} to {high:.1f})"))
        low, high = gain(name, "others")[1]
        assert low < 0 < high, "no difference can be told"
    (tenth, around_tenth), (quarter, around_quarter) = words
    assert f"A tenth of the pictures brings {tenth} points {around_tenth} on the kinds that were shown" in document
    assert f"a quarter {quarter} {around_quarter}" in document
