"""Compare by AppTest: every view, its words against the numbers, what a click chooses, and what it says to bad input."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from test_pages import app, home, words  # noqa: F401

from seviz import evaluation
from seviz.backend import Latency
from seviz.card import content_sha256
from seviz.checkpoints import open_checkpoint
from seviz.data import DataKey, PictureSet, samples_sha256
from seviz.errors import PictureError
from seviz.excitation import excite
from seviz.ui import thumbnails
from seviz.ui.compare import cost, pinned


def compare(**query: str) -> AppTest:
    return app("compare", **query)


def widget(at: AppTest, kind: str, key: str):
    return next(one for one in getattr(at, kind) if one.key == key)


def click(*data: object) -> dict[str, object]:
    """What Streamlit keeps of a point that was clicked."""
    return {"selection": {"points": [{"customdata": list(data)}]}}


def predictions(name: str):
    stored = open_checkpoint(name).evaluation()
    return stored, stored.logits.argmax(1)


def rewritten(home, name: str, **changes) -> None:  # noqa: F811
    path = home / name / "evaluation.npz"
    evaluation.save(path, replace(evaluation.load(path), **changes))


# the test set


def test_the_answer_comes_first_and_in_words():
    at = compare()
    assert not at.exception and not at.error
    text = words(at)
    (one, first), (_, second) = predictions("se_resnet20"), predictions("resnet20")
    right = first == one.labels, second == one.labels
    points = 100 * (right[0].mean() - right[1].mean())
    assert f"**No difference between se_resnet20 and resnet20 can be told: {points:+.2f} points" in text
    assert f"{(right[0] & ~right[1]).sum():,} pictures were right for se_resnet20 alone" in text
    assert "For none of the 10 classes" in text
    shares = [f"{one.mean():.2%}" for one in right]
    assert [metric.value for metric in at.metric] == [*shares, f"{points:+.2f} points"]
    assert len(at.get("plotly_chart")) == 6


def test_a_difference_that_can_be_told_is_called_one(home):  # noqa: F811
    stored, predicted = predictions("resnet20")
    worse = stored.logits.copy()
    spoilt = np.flatnonzero((predicted == stored.labels) & (stored.labels == 3))[:400]
    worse[spoilt, 5] = worse[spoilt].max(1) + 1  # 400 cats more are dogs
    rewritten(home, "resnet20", logits=worse)
    text = words(compare())
    assert "**se_resnet20 is right more often than resnet20: +4.28 points" in text
    assert "A difference can be told for 1 of 10 classes, after Holm's correction: cat (+42.1 points)" in text
    turned = words(compare(model="resnet20", against="se_resnet20"))
    assert "**se_resnet20 is right more often than resnet20: -4.28 points" in turned


def test_evaluations_in_another_order_are_brought_together(home):  # noqa: F811
    before = words(compare())
    stored, _ = predictions("resnet20")
    order = np.random.default_rng(0).permutation(len(stored.ids))
    ids = tuple(stored.ids[index] for index in order)
    rewritten(home, "resnet20", logits=stored.logits[order], labels=stored.labels[order], ids=ids)
    after = compare()
    assert not after.error
    assert words(after) == before


def test_evaluations_of_other_samples_are_refused_in_one_sentence(home):  # noqa: F811
    stored, _ = predictions("resnet20")
    ids, labels = stored.ids[:9000], stored.labels[:9000]
    key = DataKey("some", "test", 9000, samples_sha256(ids, labels))
    rewritten(home, "resnet20", logits=stored.logits[:9000], labels=labels, ids=ids, key=key)
    for look in ("tests", "mistakes"):
        at = compare(look=look)
        assert not at.exception
        assert [error.value for error in at.error] == [
            "se_resnet20 and resnet20 were evaluated on different samples (10,000 and 9,000, 9,000 in common); evaluate both "
            "on the same data set."
        ]


@pytest.mark.parametrize("look", ["tests", "mistakes", "picture", "cost"])
def test_a_network_alone_is_asked_for_company(look):
    at = compare(look=look, against="none")
    assert not at.exception and not at.error
    assert ("Choose a second network" in words(at)) == (look != "picture")


@pytest.mark.parametrize("look", ["tests", "mistakes"])
def test_a_missing_or_damaged_evaluation_is_one_sentence(home, look):  # noqa: F811
    path = home / "resnet20" / "evaluation.npz"
    content = path.read_bytes()
    path.write_bytes(content[:500])
    at = compare(look=look)
    assert not at.exception
    assert ["evaluation.npz is damaged" in error.value for error in at.error] == [True]
    path.unlink()
    at = compare(look=look)
    assert not at.exception and not at.error
    assert any("resnet20 has no stored predictions" in info.value for info in at.info)


def test_stages_within_a_network_are_one_choice_away():
    at = compare(stages="all")
    table = next(frame.value for frame in at.dataframe if "linear CKA" in frame.value)
    assert len(table) == 36
    assert table["linear CKA"].max() == pytest.approx(1)


def test_an_unknown_likeness_of_stages_shows_its_command(home):  # noqa: F811
    (home / "se_resnet20" / "cka-resnet20.json").unlink()
    at = compare()
    assert not at.exception and not at.error
    assert "python -m seviz compare se_resnet20 resnet20 --data D" in [code.value for code in at.code]


def test_a_likeness_of_other_weights_is_refused_and_the_page_goes_on(home):  # noqa: F811
    path = home / "se_resnet20" / "cka-resnet20.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    values["second"]["weights_sha256"] = "0" * 64
    values["content_sha256"] = content_sha256(values, "content_sha256")
    path.write_text(json.dumps(values), encoding="utf-8")
    at = compare()
    assert ["is of other weights of resnet20" in error.value for error in at.error] == [True]
    assert "Calibration" in [one.value for one in at.subheader]


def test_reliability_after_scaling_is_one_choice_away():
    at = compare(scaled="after")
    assert not at.exception
    assert at.session_state["scaled"] == "after"


# mistakes


def in_cell(cell: str) -> list[str]:
    (one, first), (_, second) = predictions("se_resnet20"), predictions("resnet20")
    right = first == one.labels, second == one.labels
    masks = {"only the second": ~right[0] & right[1], "both wrong, other answers": ~right[0] & ~right[1] & (first != second)}
    return [one.ids[index] for index in np.flatnonzero(masks[cell])]


def test_a_cell_of_agreement_opens_its_samples():
    at = compare(look="mistakes", cell="only the second")
    assert not at.exception and not at.error
    wanted = in_cell("only the second")
    assert f"1 to 12 of **{len(wanted)}** samples" in words(at)
    shown = widget(at, "selectbox", "opened").options
    assert len(shown) == 12 and set(shown) <= set(wanted)


def test_a_click_on_a_cell_opens_it_as_the_list_does():
    at = compare(look="mistakes")
    at.session_state["agreement-cells"] = click(4, "both wrong, other answers", 188, 0.02)
    at.run()
    assert widget(at, "radio", "cell").value == "both wrong, other answers"
    assert set(widget(at, "selectbox", "opened").options) <= set(in_cell("both wrong, other answers"))
    assert at.query_params["cell"] == "both wrong, other answers"


def test_a_confusion_cell_opens_what_one_network_took_for_another_class():
    at = compare(look="mistakes", matrix="resnet20", true="truck", taken="automobile")
    stored, predicted = predictions("resnet20")
    classes = open_checkpoint("resnet20").card.classes
    mask = (stored.labels == classes.index("truck")) & (predicted == classes.index("automobile"))
    assert f"**{mask.sum()}** of 1,000 pictures of truck" in words(at)
    assert set(widget(at, "selectbox", "opened").options) <= {stored.ids[index] for index in np.flatnonzero(mask)}


def test_a_click_on_a_confusion_cell_sets_both_lists():
    at = compare(look="mistakes", matrix="se_resnet20")
    assert widget(at, "selectbox", "true").value == "cat"  # the most frequent mistake
    assert widget(at, "selectbox", "taken").value == "dog"
    at.session_state["confusion-cells-0"] = click(9, 1, 47)
    at.run()
    assert (widget(at, "selectbox", "true").value, widget(at, "selectbox", "taken").value) == ("truck", "automobile")


def test_an_empty_cell_says_so():
    at = compare(look="mistakes", matrix="se_resnet20", true="automobile", taken="deer")
    assert not at.exception
    assert [one.value for one in at.success] == ["No sample lies in this cell."]


def test_a_link_opens_a_sample_on_a_later_page():
    listed = compare(look="mistakes", cell="only the second")
    page = listed.number_input[0]
    page.set_value(3)
    listed.run()
    wanted = widget(listed, "selectbox", "opened").options[5]
    at = compare(look="mistakes", cell="only the second", opened=wanted)
    assert at.number_input[0].value == 3
    assert widget(at, "selectbox", "opened").value == wanted
    assert f"{wanted}, truly {wanted.split('/')[0]}" in [one.value for one in at.subheader]


def test_a_sample_is_shown_with_both_answers_and_their_probabilities():
    at = compare(look="mistakes", cell="only the second")
    sample = widget(at, "selectbox", "opened").value
    stored, _ = predictions("se_resnet20")
    logits = stored.logits[stored.ids.index(sample)].astype(float)
    shares = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    name = open_checkpoint("se_resnet20").card.classes[shares.argmax()]
    assert f"**se_resnet20** says **{name}**, {shares.max():.0%} (wrong: {sample.split('/')[0]} gets" in words(at)


def test_a_sample_whose_picture_cannot_be_read_says_so_in_its_place(monkeypatch):
    def fails(sample: str):
        raise PictureError(f"/there/{sample}.png cannot be read (No such file or directory).")

    monkeypatch.setattr(thumbnails, "find", lambda *_: fails)
    at = compare(look="mistakes", cell="only the second")
    assert not at.exception
    sample = widget(at, "selectbox", "opened").value
    assert f"/there/{sample}.png cannot be read (No such file or directory)." in [one.value for one in at.caption]
    assert "**se_resnet20** says" in words(at)


# why, in gates


@pytest.fixture
def small(home):  # noqa: F811
    """Both evaluations cut down to six samples a class, and the gates of se_resnet20 over pictures of those names."""
    kept = None
    for name in ("se_resnet20", "resnet20"):
        stored = evaluation.load(home / name / "evaluation.npz")
        kept = np.concatenate([np.flatnonzero(stored.labels == label)[:6] for label in range(10)]) if kept is None else kept
        labels, ids = stored.labels[kept], tuple(stored.ids[index] for index in kept)
        key = DataKey("folder:small", "test", 60, samples_sha256(ids, labels))
        rewritten(home, name, logits=stored.logits[kept], labels=labels, ids=ids, key=key)
    checkpoint = open_checkpoint(home / "se_resnet20")
    pixels = np.random.default_rng(0).integers(0, 256, (60, 32, 32, 3), np.uint8)
    data = PictureSet("folder:small", "test", pixels, labels.astype(np.int64), ids, checkpoint.card.classes)
    sha256 = checkpoint.card.weights_sha256
    excite(checkpoint.network(), data, checkpoint.card.preprocessing, checkpoint.folder, weights_sha256=sha256)
    return open_checkpoint(home / "se_resnet20")


def nearer_to(checkpoint, sample: str, true: int, other: int) -> list[str]:
    """Sites at which the sample's gates are nearer to the mean of the gates of `other`, sample by sample."""
    kept = checkpoint.sample_gates()
    row, found = kept.ids.index(sample), []
    for site in checkpoint.excitation().key.sites:
        gates = kept.gates[site.path].astype(float)
        means = [gates[kept.labels == label].mean(0) for label in (true, other)]
        away = [np.sqrt(((gates[row] - mean) ** 2).mean()) for mean in means]
        if away[1] < away[0]:
            found.append(site.title)
    return found


def test_the_gates_say_where_they_are_nearer_to_the_wrong_class(small):
    at = compare(look="mistakes", cell="both right")
    assert not at.exception and not at.error
    sample = widget(at, "selectbox", "opened").value
    stored = small.evaluation()
    row = stored.ids.index(sample)
    true = int(stored.labels[row])
    other = int(np.argsort(-stored.logits[row].astype(float), kind="stable")[1])  # right, so the runner-up
    nearer = nearer_to(small, sample, true, other)
    classes = small.card.classes
    counted = f"At {len(nearer)} of 9 blocks the gates are nearer to the mean of {classes[other]}, its second guess"
    assert counted in words(at)
    assert "one of the 6 whose gates make the mean of its class" in words(at)
    table = next(frame.value for frame in at.dataframe if f"pull to {classes[other]}" in frame.value)
    assert len(table) == 8
    assert np.abs(table[f"pull to {classes[other]}"]).is_monotonic_decreasing


def test_gates_of_other_data_than_the_predictions_are_said(small, home):  # noqa: F811
    for name in ("se_resnet20", "resnet20"):
        stored = evaluation.load(home / name / "evaluation.npz")
        labels, ids = stored.labels[:59], stored.ids[:59]
        key = DataKey("folder:less", "test", 59, samples_sha256(ids, labels))
        rewritten(home, name, logits=stored.logits[:59], labels=labels, ids=ids, key=key)
    at = compare(look="mistakes", cell="both right")
    assert not at.exception
    assert any("are stored for other data (folder:small, test)" in info.value for info in at.info)


def test_gates_that_are_not_stored_show_their_command(home):  # noqa: F811
    for name in ("excitation.npz", "gates.npz"):
        (home / "se_resnet20" / name).unlink(missing_ok=True)
    at = compare(look="mistakes")
    assert not at.exception and not at.error
    assert any("python -m seviz excite" in info.value for info in at.info)


def test_damaged_gates_are_one_sentence(small):
    path = small.folder / "gates.npz"
    path.write_bytes(path.read_bytes()[:2000])
    at = compare(look="mistakes", cell="both right")
    assert not at.exception
    assert ["gates.npz" in error.value for error in at.error] == [True]
    assert "**se_resnet20** says" in words(at)


# a picture


def test_a_picture_is_shown_by_both_networks_on_one_scale():
    at = compare(look="picture")
    assert not at.exception and not at.error
    text = words(at)
    assert "**se_resnet20** says" in text and "**resnet20** says" in text
    assert "All maps are on one colour scale" in text
    assert not [group for group in at.button_group if group.key == "scale"]
    ends = [caption.value for caption in at.caption if caption.value.replace(".", "").isdecimal()]
    assert ends[0::2] == ["0", "0"] and len(ends) == 4
    assert ends[1] == ends[3]
    assert "resnet20 is a plain network and has no gates to hold against others" in text


def test_a_third_network_is_one_more_column_and_its_gates_are_held_against(home):  # noqa: F811
    shutil.copytree(home / "se_resnet20", home / "again")
    at = compare(look="picture", third="again")
    assert not at.exception and not at.error
    assert "**again** says" in words(at)
    table = next(frame.value for frame in at.dataframe if "difference" in frame.value)
    assert len(table) == 3 * (16 + 32 + 64)
    assert (table["difference"] == 0).all()


def test_a_pinned_picture_is_held_against_the_next_one():
    at = compare(look="picture", picture="cat")
    widget(at, "button", "pin").click()
    at.run()
    assert at.query_params["pinned"] == "cat"
    assert "This is the pinned picture itself" in words(at)
    at.session_state["sample"] = "ship"
    at.run()
    assert "On average the gates of se_resnet20 differ most at" in words(at)
    table = next(frame.value for frame in at.dataframe if "pinned picture" in frame.value)
    assert np.allclose(table["this picture"] - table["pinned picture"], table["difference"])
    assert (table["difference"] != 0).any()
    widget(at, "button", "unpin").click()
    at.run()
    assert "pinned" not in at.query_params
    assert not any("pinned picture" in frame.value for frame in at.dataframe)


def test_a_link_brings_its_pinned_sample_and_nonsense_is_no_pin():
    assert "On average the gates" in words(compare(look="picture", picture="cat", pinned="ship"))
    at = compare(look="picture", pinned="../../etc/passwd")
    assert not at.exception and not at.error
    assert "Pin a picture, then choose another one above" in words(at)


def test_an_own_picture_that_is_pinned_is_never_in_the_link():
    content = open_sample("ship")
    at = compare(look="picture", picture="cat")
    at.file_uploader[0].upload("mine.jpg", content, "image/jpeg")
    at.run()
    widget(at, "button", "pin").click()
    at.run()
    assert "pinned" not in at.query_params
    assert at.session_state[pinned.PINNED] == content


def open_sample(name: str) -> bytes:
    from seviz.ui.samples import samples

    return next(sample for sample in samples() if sample.name == name).path.read_bytes()


@pytest.mark.parametrize("look", ["picture", "cost"])
def test_networks_without_weights_are_told_where_they_would_be_run(home, look):  # noqa: F811
    (home / "resnet20" / "model.safetensors").unlink()
    at = compare(look=look)
    at.session_state["against"] = "resnet20"  # Inspect, where AppTest starts, has left it out
    at.run()
    assert not at.exception and not at.error
    assert any("resnet20 has no weights" in info.value for info in at.info)


# cost


def timed(name: str, median: float, spread: float) -> Latency:
    return Latency(name, median, median - spread, median + spread, median - spread, 60, "cpu", "float32", 2, 2)


@pytest.mark.parametrize(
    ("second", "sentence"),
    [(4.0, "The median of se_resnet20 is 25% longer; the middle halves of the passes lie apart."),
     (4.9, "The median of se_resnet20 is 2% longer; the middle halves of the passes overlap.")],
)  # fmt: skip
def test_time_is_measured_when_asked_and_its_words_follow(monkeypatch, second, sentence):
    def measured(models, progress):
        progress(65, 65)
        return tuple(timed(model.name, median, 0.2) for model, median in zip(models, (5.0, second), strict=True))

    monkeypatch.setattr(cost, "latency", measured)
    at = compare(look="cost")
    assert not at.exception and not at.error
    assert "longer" not in words(at)
    widget(at, "button", "measure").click()
    at.run()
    assert sentence in words(at)
    assert "cpu, 2 of 2 cores" in words(at)
    widget(at, "button_group", "cost").set_value("time")
    at.run()
    table = next(frame.value for frame in at.dataframe if "milliseconds a picture" in frame.value)
    assert table["milliseconds a picture"].tolist() == [5.0, second]


def test_the_paper_has_a_chart_of_its_own():
    at = compare(look="cost")
    table = next(frame.value for frame in at.dataframe if "top-1 error (%)" in frame.value)
    assert table["network"].tolist() == ["ResNet-50", "SE-ResNet-50", "ResNet-101", "SE-ResNet-101"]
    assert "multiply-adds" in "\n".join(frame.value.to_csv() for frame in at.table)


def test_both_matrices_of_the_mistakes_can_be_had_as_numbers():
    at = compare(look="mistakes")
    agreed = next(frame.value for frame in at.dataframe if "cell" in frame.value)
    assert int(agreed[agreed.columns[1]].sum()) == 10_000
    at = compare(look="mistakes", matrix="se_resnet20")
    confused = next(frame.value for frame in at.dataframe if "share of the true class" in frame.value)
    assert int(confused["count"].sum()) == 10_000
    assert confused.set_index(["true", "predicted"])["count"]["cat", "dog"] == 101
