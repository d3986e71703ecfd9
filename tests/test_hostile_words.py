"""Words of cards that are Markdown, HTML, LaTeX or directives stand on every page as text."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from networks import lively
from test_checkpoints import card_of
from test_pages import app

from seviz import evaluation
from seviz.checkpoints import open_checkpoint, save_checkpoint
from seviz.data import PictureSet, numbered_ids
from seviz.evaluation import evaluate
from seviz.excitation import excite
from seviz.ui.text import code, plain, sentence

PICTURE = "![x](http://host.invalid/p.png)"
NAME = "![n](x)"  # of a folder, which no slash can stand in
LIVE = re.compile(r"(?<!\\)!?\[[^\]]*(?<!\\)\]\(|(?<!\\):red\[|(?<!\\)<img")
INERT = re.compile(r"(?<!`)`[^`]+`(?!`)|\[Squeeze-and-Excitation paper\]")  # code, and the one link of our own
WORDS = (
    PICTURE, "**b** $a$ :red[x]", "<img src=x>", "- list", "# head", "a_b", "_e_", "1. one",
    "&lt;", "`c` ``", ":smile: ~s~", "\\[x](y)",
)  # fmt: skip
PLACES = [
    ("inspect", {}), ("lab", {}), ("training", {}), ("accuracy", {}), ("models", {}),
    *(("excitation", {"view": view}) for view in ("classes", "depth", "health", "samples", "relation", "paper")),
    *(("compare", {"look": look}) for look in ("tests", "mistakes", "picture", "cost")),
]  # fmt: skip


@pytest.mark.parametrize("words", WORDS)
def test_plain_text_is_read_back_as_it_was_written(words):
    shown = plain(words)
    assert re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", shown).replace("\u2060", "") == words  # CommonMark 0.31.2, section 2.4
    bare = re.sub(r"\\[!-/:-@\[-`{-~]", "", shown)
    assert not re.search(r"[*`$~<>\[\]#]|:[a-z]|^[-+]|^\d+[.)]|&\w+;|(?<![a-z])_", bare)
    assert not re.search(r":[\w+-]+:", shown.replace("\\", ""))


def test_names_with_underscores_and_colons_are_left_as_they_are():
    assert plain("se_resnet20, 93.25 % (paired): 1,000") == "se_resnet20, 93.25 % (paired): 1,000"
    assert plain("two\n\n# lines") == "two \\# lines"


def test_commands_in_sentences_stay_code():
    assert sentence(f"{PICTURE} is odd; `seviz x[1] --a_ b` mends it.").endswith("is odd; `seviz x[1] --a_ b` mends it.")
    assert not LIVE.search(sentence(f"{PICTURE} is odd; `seviz` mends it."))
    assert code("a`![x](y)") == "`a'![x](y)`"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Two checkpoints whose cards hold live Markdown wherever words of somebody's can stand."""
    home = tmp_path_factory.mktemp("hostile")
    classes = (PICTURE, "**b** $a$ :red[x]", "<img src=x>", "dog", "elk")
    labels = np.arange(20) % 5
    pixels = np.random.default_rng(0).integers(0, 255, (20, 16, 16, 3), np.uint8)
    ids = numbered_ids(labels, tuple("abcde"))
    data = PictureSet("folder:noise", "test", pixels, labels, ids, classes)
    for name, arch, seed in ((NAME, "se_resnet20", 0), (f"b{NAME}", "resnet20", 1)):
        net, folder = lively(arch, seed=seed), home / name
        card = card_of(net, name)
        use = replace(card.data, name=f"folder:{PICTURE}", note=PICTURE)
        words = {"licence": PICTURE, "description": PICTURE, "limits": (PICTURE,), "hardware": {PICTURE: PICTURE}}
        card = replace(card, classes=classes, data=use, arch=arch, gate_life=None, versions={PICTURE: PICTURE}, **words)
        save_checkpoint(folder, net, card)
        own = open_checkpoint(folder)
        sha256 = own.card.weights_sha256
        evaluation.save(folder / "evaluation.npz", evaluate(net, data, card.preprocessing, weights_sha256=sha256))
        if arch.startswith("se"):
            excite(net, data, card.preprocessing, folder, weights_sha256=sha256)
    return home


def markdown_of(at) -> list[str]:
    """What the browser reads as Markdown: values of text, labels, help, options of radios."""
    texts = []
    for kind in ("title", "subheader", "markdown", "caption", "info", "error", "warning", "success"):
        texts += [str(one.value) for one in at.get(kind)]
    for kind in ("button", "metric", "selectbox", "radio", "expander"):
        for one in at.get(kind):
            texts += [str(getattr(one, "label", "")), str(getattr(one.proto, "help", ""))]
            texts += [str(option) for option in getattr(one.proto, "options", ())] if kind == "radio" else []
    for one in at.get("imgs"):
        texts += [image.caption for image in one.proto.imgs]
    return texts


@pytest.mark.parametrize(("page", "query"), PLACES)
def test_a_hostile_card_is_shown_as_text(hostile, monkeypatch, tmp_path, page, query):
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(hostile))
    monkeypatch.setenv("SEVIZ_HOME", str(tmp_path))
    monkeypatch.setenv("SEVIZ_DATA", str(tmp_path / "none"))
    at = app(page, model=NAME, against=f"b{NAME}", **query)
    assert not at.exception
    live = [text for text in markdown_of(at) if LIVE.search(INERT.sub("", text))]
    assert not live
