"""Seeds: which trainings belong together, what they say together, and checkpoints that ship without weights."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from networks import lively
from scipy import stats
from seeded import KEY, PLAIN, SE, N, home_of_seeds, stripped, training
from test_checkpoints import change_card

from seviz import cli, evaluation, seeds
from seviz.analysis.by_seed import BySeed, SeedsCompared, by_seed_table, in_words, seeds_verdict
from seviz.backend import load
from seviz.checkpoints import find_checkpoints, open_checkpoint, save_checkpoint, strip_checkpoint, write_card
from seviz.errors import CheckpointError
from seviz.figures import seeds as figures
from seviz.figures.layout import alt
from seviz.gate_history import GateHistory, save_gate_history
from seviz.report import make_report

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return home_of_seeds(tmp_path_factory.mktemp("seeds") / "checkpoints")


@pytest.fixture
def home(made, tmp_path, monkeypatch):
    shutil.copytree(made, tmp_path / "checkpoints")
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return tmp_path / "checkpoints"


def said(capsys, *arguments):
    status = cli.main([*map(str, arguments)])
    out, err = capsys.readouterr()
    return status, out, err


def everything():
    return seeds.readable(find_checkpoints())


def names(found):
    return [one.name for one in found]


# what can be told of numbers


def hand(first, second):
    return SeedsCompared(BySeed("se", first, 1000), BySeed("plain", second, 1000))


def test_the_paired_interval_is_that_of_the_t_test_of_pairs():
    first, second = {0: 0.9, 1: 0.91, 2: 0.92, 7: 0.8}, {0: 0.89, 1: 0.905, 2: 0.9, 5: 0.1}
    found = hand(first, second)
    assert found.common == (0, 1, 2)
    theirs = stats.ttest_rel([0.9, 0.91, 0.92], [0.89, 0.905, 0.9])
    assert found.difference.mean == pytest.approx(np.mean([0.01, 0.005, 0.02]))
    assert found.difference[1:] == pytest.approx(theirs.confidence_interval(0.95))
    assert found.told == (theirs.pvalue < 0.05)


def test_two_seeds_by_hand():
    """Differences of 1 and 3 points: mean 2, standard error 1, and t is 12.706 with one degree of freedom."""
    found = hand({0: 0.90, 1: 0.93}, {0: 0.89, 1: 0.90})
    assert seeds_verdict(found) == (
        "Over 2 seeds: +2.00 points, 95 % interval -10.71 to +14.71: no difference can be told."
    )


def test_a_difference_that_can_be_told_names_the_better_one():
    found = hand({0: 0.88, 1: 0.881, 2: 0.882}, {0: 0.89, 1: 0.8912, 2: 0.8921})
    assert found.told
    assert seeds_verdict(found).endswith(": plain is right more often than se.")
    assert seeds_verdict(found).startswith("Over 3 seeds: -1.01 points, 95 % interval -1.0")


@pytest.mark.parametrize(
    ("second", "end"),
    [({0: 0.5}, "3 seeds of se, 1 seed of plain, only seed 0 in common."),
     ({8: 0.5, 9: 0.5}, "3 seeds of se, 2 seeds of plain, no two of them in common.")],
)  # fmt: skip
def test_without_two_seeds_in_common_no_difference_is_claimed(second, end):
    found = hand({0: 0.5, 1: 0.6, 2: 0.7}, second)
    assert found.difference is None and not found.told
    assert seeds_verdict(found) == f"No difference over seeds can be told: {end}"
    drawn = figures.over_seeds(found)
    assert "xaxis2" not in drawn.layout
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["difference"]["mean"] is None


def test_the_seeds_of_one_network_in_words():
    found = BySeed("se", {2: 0.883, 0: 0.881, 1: 0.879}, 1000)
    low, high = stats.t.interval(0.95, 2, loc=88.1, scale=stats.sem([88.1, 87.9, 88.3]))
    assert in_words(found) == f"3 seeds: 88.10, 87.90, 88.30 % (mean 88.10, 95 % interval {low:.2f} to {high:.2f})"
    assert in_words(BySeed("se", {0: 0.5}, 10)) == "1 seed: 50.00 %"


def test_the_table_has_a_row_a_seed_and_nothing_where_nothing_is_known():
    table = by_seed_table(hand({0: 0.9, 1: 0.92}, {1: 0.9, 2: 0.8}))
    assert table["seed"] == ["0", "1", "2", "mean", "95 % low", "95 % high"]
    assert table["se (%)"][:4] == [90, 92, None, 91]
    assert table["difference (points)"] == [None, 2, None, None, None, None]


def test_the_figure_joins_pairs_and_says_what_it_shows():
    drawn = figures.over_seeds(hand({0: 0.9, 1: 0.92, 2: 0.91}, {0: 0.89, 1: 0.9, 5: 0.8}))
    joined = [trace for trace in drawn.data if trace.mode == "lines" and trace.line.width == 1]
    assert [list(trace.x) for trace in joined] == [pytest.approx([90, 89]), pytest.approx([92, 90])]
    below = next(trace for trace in drawn.data if trace.xaxis == "x2" and trace.customdata)
    assert drawn.layout.xaxis2.range[0] == -drawn.layout.xaxis2.range[1]
    assert list(below.x) == pytest.approx([1, 2])
    assert "Over 2 seeds: +1.50 points" in alt(drawn)


def test_a_difference_that_cannot_be_told_is_grey():
    shown = {
        told: figures.over_seeds(hand({0: 0.9, 1: 0.9 + step, 2: 0.9}, {0: 0.89, 1: 0.89, 2: 0.89})).data[-1].marker.color
        for told, step in ((True, 0.001), (False, 0.1))
    }
    assert shown[False] == "#808080" != shown[True]


# which belong together


def test_siblings_differ_in_their_seed_alone(home):
    found = seeds.siblings(open_checkpoint("se_resnet20"), everything())
    assert names(found) == ["se_resnet20", "se_resnet20-seed1", "se_resnet20-seed2"]
    assert names(seeds.siblings(open_checkpoint("resnet20-seed2"), everything())) == [
        "resnet20", "resnet20-seed1", "resnet20-seed2"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 4},
        {"recipe": {"epochs": 3, "batch": 8, "flip": False, "seed": 3}},
        {"classes": ("ant", "bee", "cat", "dog", "yak")},
        {"description": "se_resnet20; trained on from the weights of a (sha256 01234567)."},
        {"data": "train"},
        {"data": "test"},
        {"preprocessing": "mean"},
        {"options": "reduction"},
    ],
)
def test_anything_else_that_differs_makes_no_sibling(home, change):
    card = open_checkpoint("se_resnet20-seed1").card
    if change.get("data"):
        split = change["data"]
        change = {"data": replace(card.data, **{split: replace(getattr(card.data, split), sha256="0" * 64)})}
    elif "preprocessing" in change:
        change = {"preprocessing": replace(card.preprocessing, mean=(0.1, 0.2, 0.3))}
    elif "options" in change:
        change = {"options": {**card.options, "se": {**card.options["se"], "reduction": 2}}}
    write_card(home / "se_resnet20-seed1", replace(card, **change))
    assert names(seeds.siblings(open_checkpoint("se_resnet20"), everything())) == ["se_resnet20", "se_resnet20-seed2"]


def test_a_field_of_the_recipe_that_is_younger_than_a_card_stands_at_its_default(home):
    card = open_checkpoint("se_resnet20-seed1").card
    write_card(home / "se_resnet20-seed1", replace(card, recipe={**card.recipe, "crop": "shift"}))
    assert len(seeds.siblings(open_checkpoint("se_resnet20"), everything())) == 3
    write_card(home / "se_resnet20-seed1", replace(card, recipe={**card.recipe, "crop": "resized"}))
    assert len(seeds.siblings(open_checkpoint("se_resnet20"), everything())) == 2


def test_of_two_trainings_with_one_seed_one_counts_and_the_other_is_told(home):
    stripped(home, "se_resnet20", 1, 20, name="se_resnet20-again")
    model = open_checkpoint("se_resnet20")
    assert names(seeds.siblings(model, everything())) == ["se_resnet20", "se_resnet20-again", "se_resnet20-seed2"]
    found = seeds.accuracies(open_checkpoint("se_resnet20-seed1"), everything())  # the one that is looked at counts
    assert found.found.accuracies == {seed: right / N for seed, right in SE.items()}
    assert found.left_out == ("se_resnet20-again is another training with seed 1, for which se_resnet20-seed1 stands.",)


# predictions


def test_accuracies_are_those_of_the_stored_predictions(home):
    known = seeds.over_seeds(open_checkpoint("se_resnet20"), open_checkpoint("resnet20"))
    assert known.found.first.accuracies == {seed: right / N for seed, right in SE.items()}
    assert known.found.second.accuracies == {seed: right / N for seed, right in PLAIN.items()}
    theirs = stats.ttest_rel([SE[seed] / N for seed in range(3)], [PLAIN[seed] / N for seed in range(3)])
    assert known.found.difference[1:] == pytest.approx(theirs.confidence_interval(0.95))
    assert known.left_out == ()


def other_weights(folder):
    path = folder / "evaluation.npz"
    evaluation.save(path, replace(evaluation.load(path), weights_sha256="0" * 64))


def other_pictures(folder):
    path = folder / "evaluation.npz"
    stored = evaluation.load(path)
    ids = tuple(f"x{name}" for name in stored.ids)
    key = replace(KEY, sha256=evaluation.samples_sha256(ids, stored.labels))
    evaluation.save(path, replace(stored, ids=ids, key=key))


@pytest.mark.parametrize(
    ("harm", "why"),
    [(other_weights, "is of other weights than its card; fetch the whole folder again."),
     (other_pictures, "it was evaluated on other pictures."),
     (lambda folder: (folder / "evaluation.npz").unlink(), "it has no stored predictions."),
     (lambda folder: (folder / "evaluation.npz").write_bytes(b"PK"), "is damaged")],
)  # fmt: skip
def test_a_seed_whose_predictions_do_not_count_is_left_out_with_a_sentence(home, harm, why):
    harm(home / "se_resnet20-seed1")
    known = seeds.over_seeds(open_checkpoint("se_resnet20"), open_checkpoint("resnet20"))
    assert known.found.common == (0, 2)
    assert len(known.left_out) == 1 and "se_resnet20-seed1" in known.left_out[0] and why in known.left_out[0]


def test_a_broken_card_of_a_seed_leaves_the_others(home, capsys):
    (home / "se_resnet20-seed2" / "card.json").write_text("{", encoding="utf-8")
    known = seeds.over_seeds(open_checkpoint("se_resnet20"), open_checkpoint("resnet20"))
    assert known.found.common == (0, 1)
    status, out, _ = said(capsys, "models")
    assert status == 0
    assert "2 seeds: 88.00, 90.00 % (mean 89.00" in out
    assert "se_resnet20-seed2\n    cannot be used:" in out


def test_two_seeds_of_one_recipe_are_no_two_recipes(home):
    known = seeds.over_seeds(open_checkpoint("se_resnet20"), open_checkpoint("se_resnet20-seed1"))
    assert known.found is None
    assert known.first.accuracies == {seed: right / N for seed, right in SE.items()}


def test_one_training_of_each_has_nothing_over_seeds(home):
    for name in ("se_resnet20-seed1", "se_resnet20-seed2", "resnet20-seed1", "resnet20-seed2"):
        shutil.rmtree(home / name)
    assert seeds.over_seeds(open_checkpoint("se_resnet20"), open_checkpoint("resnet20")) is None


# without weights


def test_a_stripped_checkpoint_keeps_what_is_known_and_its_card_says_what_is_not(tmp_path):
    whole = training(tmp_path, "se_resnet20", 1, 100, name="third-try")
    gates = {"layer1.0.se": np.zeros((3, 5, 16), np.float16)}
    save_gate_history(whole.folder, GateHistory(gates, whole.card.classes, KEY, whole.card.weights_sha256))
    made = strip_checkpoint(whole, tmp_path / "se_resnet20-seed1")
    assert {path.name for path in made.folder.iterdir()} == {"card.json", "history.csv", "evaluation.npz", "epochs.npz"}
    read = open_checkpoint(made.folder)
    assert read.card == made.card
    assert (read.card.weights_shipped, read.card.sealed, read.has_weights, read.figures_alone) == (False, True, False, True)
    assert read.card.weights_sha256 == whole.card.weights_sha256
    assert read.problem() is None
    assert read.evaluation().weights_sha256 == whole.card.weights_sha256
    assert read.history() == whole.history()
    assert read.gate_history().epochs == 3
    assert read.card.commands["train"] == whole.card.commands["train"].replace("third-try", "se_resnet20-seed1")
    assert read.card.metrics["accuracy"].command == "python -m seviz evaluate --model se_resnet20-seed1 --data folder:toy"
    assert whole.has_weights and whole.card.weights_shipped  # the whole one is left as it was


def test_a_name_is_replaced_where_it_is_one_alone(tmp_path):
    train = "python -m seviz train --arch a --from a --data folder:a --out runs/a --data-note 'a --model ab'"
    whole = training(tmp_path, "se_resnet20", 0, 5, name="a", commands={"train": train})
    made = strip_checkpoint(whole, tmp_path / "b c")
    assert made.card.commands["train"] == train.replace("--out runs/a", "--out 'runs/b c'")


@pytest.mark.parametrize(
    ("harm", "why"),
    [("history.csv", "has no history.csv"), ("evaluation.npz", "has no stored predictions"), ("taken", "is there already")],
)
def test_what_cannot_be_stripped_is_one_sentence_and_nothing_is_written(tmp_path, capsys, harm, why):
    whole = training(tmp_path, "se_resnet20", 1, 100)
    (whole.folder / harm).unlink(missing_ok=True)
    if harm == "taken":
        (tmp_path / "out").mkdir()
    status, out, err = said(capsys, "strip", "--model", whole.folder, "--out", tmp_path / "out")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert why in err
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_strip_by_command(tmp_path, capsys):
    whole = training(tmp_path, "se_resnet20", 1, 100)
    status, out, err = said(capsys, "strip", "--model", whole.folder, "--out", tmp_path / "out")
    assert (status, err) == (0, "")
    assert "card.json, evaluation.npz, history.csv; the card says that the weights are not shipped" in out
    assert not open_checkpoint(tmp_path / "out").card.weights_shipped


def test_weights_that_come_back_are_shipped_again(home):
    old = open_checkpoint("se_resnet20-seed1").card
    card = save_checkpoint(home / "se_resnet20-seed1", lively("se_resnet20", seed=1), old)
    assert card.weights_shipped
    assert not open_checkpoint("se_resnet20-seed1").figures_alone


def test_a_card_that_says_something_else_than_yes_or_no_is_refused(home):
    change_card(home / "se_resnet20-seed1", lambda card: card.update(weights_shipped="no"))
    with pytest.raises(CheckpointError, match="'no' is neither true nor false"):
        open_checkpoint("se_resnet20-seed1")


def test_who_shipped_whole_has_the_card_that_it_always_had(home):
    assert "weights_shipped" not in json.loads((home / "se_resnet20" / "card.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "command",
    [("inspect", "picture.png"), ("evaluate", "--data", "folder:toy"), ("excite", "--data", "folder:toy"),
     ("ablate", "--data", "folder:toy"), ("prune", "--data", "folder:toy"), ("faithfulness", "--data", "folder:toy")],
)  # fmt: skip
def test_what_would_have_to_run_says_how_to_train_it(home, tmp_path, monkeypatch, capsys, command):
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (16, 16)).save("picture.png")
    status, out, err = said(capsys, *command, "--model", "se_resnet20-seed1")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "se_resnet20-seed1 ships without weights, as card, history and evaluation" in err
    assert open_checkpoint("se_resnet20-seed1").card.commands["train"] in err


def test_the_backend_says_the_same(home):
    with pytest.raises(CheckpointError, match="ships without weights"):
        load("resnet20-seed1")


# lists, comparison and report


def notes_by_name(out):
    """Network -> the lines below it, in the table that `seviz models` prints."""
    listed = {}
    for line in out.split("\n\n")[0].splitlines()[1:]:
        if line.startswith(" "):
            listed[list(listed)[-1]].append(line.strip())
        else:
            listed[line.split()[0]] = []
    return listed


def test_the_list_has_seeds_under_the_one_that_ships_in_full(home, capsys):
    _, out, _ = said(capsys, "models")
    listed = notes_by_name(out)
    assert list(listed) == ["se_resnet20", "resnet20"]
    lines = listed["se_resnet20"]
    assert lines[-2:] == [
        "se_resnet20-seed1: seed 1, 90.00%; card, history and evaluation; no weights",
        "se_resnet20-seed2: seed 2, 86.00%; card, history and evaluation; no weights",
    ]
    assert any(line.startswith("3 seeds: 88.00, 90.00, 86.00 % (mean 88.00, 95 % interval") for line in lines)
    _, out, _ = said(capsys, "models", "--json")
    models = {one["name"]: one for one in json.loads(out.splitlines()[-1])["models"]}
    assert len(models) == 6
    assert models["se_resnet20"]["seeds"] == ["se_resnet20-seed1", "se_resnet20-seed2"]
    assert [models[name]["weights"] for name in ("se_resnet20", "se_resnet20-seed1")] == [True, False]


def test_seeds_without_a_whole_one_stand_for_themselves(home, capsys):
    shutil.rmtree(home / "se_resnet20")
    _, out, _ = said(capsys, "models")
    listed = notes_by_name(out)
    assert list(listed) == ["se_resnet20-seed1", "se_resnet20-seed2", "resnet20"]
    assert listed["se_resnet20-seed1"][-1] == "card, history and evaluation; no weights"


def test_compare_tells_the_seeds_in_words_numbers_and_json(home, capsys):
    _, out, err = said(capsys, "compare", "se_resnet20", "resnet20")
    verdict = seeds_verdict(seeds.over_seeds(open_checkpoint("se_resnet20"), open_checkpoint("resnet20")).found)
    assert err == "" and verdict in out
    assert "one training of each" not in out
    row = next(line.split() for line in out.splitlines() if line.startswith("1  "))
    assert row == ["1", "90.00%", "88.00%", "+2.00"]
    _, out, _ = said(capsys, "compare", "se_resnet20", "resnet20", "--json")
    found = json.loads(out.splitlines()[-1])["seeds"]
    assert found["verdict"] == verdict
    assert found["networks"][1]["accuracy_by_seed"] == {str(seed): right / N for seed, right in PLAIN.items()}
    assert found["difference"]["difference_by_seed"]["2"] == pytest.approx(0.01)


def test_compare_of_single_trainings_says_that_they_are(home, capsys):
    for name in ("se_resnet20-seed1", "se_resnet20-seed2", "resnet20-seed1", "resnet20-seed2"):
        shutil.rmtree(home / name)
    _, out, _ = said(capsys, "compare", "se_resnet20", "resnet20")
    assert "one training of each: another seed would give other figures" in out
    _, out, _ = said(capsys, "compare", "se_resnet20", "resnet20", "--json")
    assert json.loads(out.splitlines()[-1])["seeds"] is None


def test_the_report_has_a_section_over_seeds(home):
    report = make_report(open_checkpoint("se_resnet20"), open_checkpoint("resnet20"))
    assert "Compare / Over seeds" in report.sections
    assert "Over 3 seeds: +2.00 points" in repr(report.parts[0])
    assert "One training each" not in repr(report)


def test_a_report_on_a_seed_without_weights_offers_nothing_that_would_run_it(home):
    report = make_report(open_checkpoint("se_resnet20-seed1"))
    text = repr([part for part in report.parts if part.title not in ("Provenance",)])
    assert "it ships without weights, as card, history and evaluation" in text
    for command in ("excite", "ablate", "faithfulness", "prune"):
        assert f"seviz {command}" not in text
