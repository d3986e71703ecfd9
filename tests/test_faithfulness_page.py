"""Inspect's question whether a map is faithful, by AppTest: asked, answered for both networks, kept, and over a sample."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from test_pages import app, home, png, upload, words

import seviz
from seviz.checkpoints import open_checkpoint
from seviz.faithfulness import FAITHFULNESS_FILE
from seviz.ui import drawn
from seviz.ui.samples import samples

__all__ = ["home"]  # a fixture


def press(at):
    next(button for button in at.button if button.key == "faithful-check").click()
    at.run()
    assert not at.exception
    return at


def asked(at):
    return [button.label for button in at.button if button.key == "faithful-check"]


def test_a_map_is_checked_when_it_is_asked_for_and_the_answer_is_kept():
    at = app()
    assert asked(at) == ["Check this Grad-CAM map"] and "**Deletion.**" not in words(at)
    at = press(at)
    assert not at.error
    text = words(at)
    picture = samples()[0].path.read_bytes()
    for name in ("se_resnet20", "resnet20"):
        with seviz.load(name) as model:
            predicted = model.inspect(picture, layers=()).predictions(1)[0]
            (wanted,) = model.faithfulness(picture, predicted.index)
        assert f"**{name}**, Grad-CAM for **{predicted.label}**" in text
        assert f"Area {wanted.deletion.area:.3f}: **" in text and f"Area {wanted.insertion.area:.3f}: **" in text
        assert f"**Infidelity {wanted.figures()['infidelity']['own']:.2f}** of 1." in text
        assert f"**Max-sensitivity {wanted.sensitivity:.3f}.**" in text
        assert f"With everything forgotten it is {wanted.redrawn[-1].absolute:.2f}" in text
    at.run()
    assert asked(at) == [], "an answer that is there is not asked for again"
    assert "**Deletion.**" in words(at)


def test_another_method_is_another_question():
    at = app(method="saliency")
    assert asked(at) == ["Check this Saliency map"]
    at = press(at)
    assert "Saliency for **" in words(at)
    next(box for box in at.selectbox if box.key == "method").set_value("gradcam").run()
    assert asked(at) == ["Check this Grad-CAM map"] and "**Deletion.**" not in words(at)


def test_a_map_that_is_flat_is_said_to_be_one():
    """A picture whose map for an unlikely class is 0 everywhere, if there is one among the samples; else nothing to see."""
    with seviz.load("se_resnet20") as model:
        for sample in samples():
            flat = [one.label for one in model.inspect(sample.path, top_k=10).maps if not one.values.any()]
            if flat:
                break
        else:
            pytest.skip("every map of the samples says something")
    at = press(app(picture=sample.name, **{"class": flat[0]}))
    assert "This map is the same everywhere" in words(at)


def test_an_own_picture_is_asked_about_like_a_sample():
    at = upload(app(), png(np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)))
    assert asked(at) == ["Check this Grad-CAM map"]


def test_a_sample_of_pictures_stands_below_with_its_figures():
    at = app()
    for name in ("se_resnet20", "resnet20"):
        found = open_checkpoint(name).faithfulness()
        titles = [one.title for one in found.methods]
        assert any(list(frame.value.get("method", ())) == titles for frame in at.dataframe)
        assert f"maps of the class that it predicts, {found.n:,} pictures of" in words(at)
        assert any(found.findings[0][:60] in str(element.value) for element in at.markdown)


def test_what_nobody_measured_and_what_is_damaged_is_one_sentence(home):
    (home / "se_resnet20" / FAITHFULNESS_FILE).unlink(missing_ok=True)
    path = home / "resnet20" / FAITHFULNESS_FILE
    at = app()
    assert any("Nobody measured this for se" in info.value and "seviz faithfulness --model" in info.value for info in at.info)
    values = json.loads(path.read_text(encoding="utf-8"))
    values["n"] -= 1
    path.write_text(json.dumps(values), encoding="utf-8")
    at = app()
    assert not at.exception
    assert [error.value for error in at.error if "faithfulness.json is damaged; write it again" in error.value]
    assert "**se\\_resnet20** says" in words(at) or "**se_resnet20** says" in words(at)


def test_figures_of_other_pictures_by_the_same_command_are_drawn_anew():
    found = open_checkpoint("se_resnet20").faithfulness()
    fewer = replace(found, methods=found.methods[:2])
    assert len(drawn.faithful_figure(found, "forgetting").data) == 5
    assert len(drawn.faithful_figure(fewer, "forgetting").data) == 2
