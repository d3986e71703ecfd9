"""Reports: what stands in them, that their numbers are those of the analysis, and that nothing in them runs or is fetched."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from html.parser import HTMLParser

import numpy as np
import plotly.graph_objects as go
import pytest
from numpy.testing import assert_allclose
from reported import PLAIN, SE, home_of, noise
from test_pages import app

from seviz import cli
from seviz.analysis.classification import summarise
from seviz.analysis.comparison import Side, compare, pair, verdict
from seviz.checkpoints import open_checkpoint
from seviz.errors import RequestError
from seviz.figures.alone import figure_json, plotly_javascript, themes
from seviz.report import make_report, to_html
from seviz.report.document import Choice, Numbers, Part, Report, Section, Words

pytestmark = pytest.mark.usefixtures("one_thread")

HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    '"><svg onload=alert(3)>',
    "' onmouseover='alert(4)",
    "&lt;b&gt;",
    "`code` and a stray `",
    "<!--",
    "{{7*7}} %{x} ${y}",
    "=1+1",
    "<a href='https://elsewhere.invalid'>here</a>",
)
NAMES = ("se <img src=x onerror=alert(5)>", 'plain" autofocus onfocus=alert(6) "')


class Read(HTMLParser):
    """A file as a browser's parser sees it: elements with their attributes, what stands in scripts, and the text outside."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.elements, self.scripts, self.tables, self.text = [], [], {}, []
        self.inside, self.table = [], None
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self.inside = [tag] if tag in ("script", "style") else []
        if tag == "details":
            self.table = dict(attributes).get("data-name")
        if tag == "script":
            self.scripts.append([dict(attributes).get("type"), ""])

    def handle_endtag(self, tag):
        if tag == "script" and self.table:
            self.tables[self.table], self.table = json.loads(self.scripts[-1][1]), None
        self.inside = []

    def handle_data(self, data):
        if self.inside == ["script"]:
            self.scripts[-1][1] += data
        elif not self.inside:
            self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())

    def column(self, table, name):
        found = self.tables[table]
        place = found["columns"].index(name)
        return [row[place] for row in found["rows"]]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return home_of(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def both(home):
    return open_checkpoint(home / SE), open_checkpoint(home / PLAIN)


@pytest.fixture(scope="module")
def report(both):
    return make_report(*both)


@pytest.fixture(scope="module")
def read(report):
    return Read(to_html(report))


# what stands in it


def test_every_page_has_its_part(report):
    assert [part.title for part in report.parts] == [
        "In short", "Networks", "Accuracy", "Corrupted pictures", "Compare", f"Excitation of {SE}", f"Ablation of {SE}",
        "Pruning", "Maps", "Training", "Provenance",
    ]  # fmt: skip
    for section in (
        "Accuracy / Confusion", "Accuracy / Most confident mistakes", "Compare / Samples on which they differ",
        f"Excitation of {SE} / Classes by channels", f"Excitation of {SE} / Gate health", "Training / Curves",
        f"Maps / Faithfulness of the maps of {PLAIN}", f"Pruning / What dropped channels cost {SE}",
        f"Excitation of {SE} / Samples in gate space", f"Excitation of {SE} / Which of the paper's observations hold?",
    ):  # fmt: skip
        assert section in report.sections


def test_every_figure_has_its_words_and_a_place_in_a_language(read):
    charts = [attributes for attributes in read.all("div") if attributes.get("class") == "chart"]
    assert len(charts) > 80
    assert all(len(chart["aria-label"]) > 20 and chart["role"] == "group" for chart in charts)
    assert read.all("html") == [{"lang": "en"}]
    assert "seviz report" in read.words


def test_links_lead_to_sections_and_names_of_places_are_not_used_twice(read):
    places = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    links = [attributes["href"] for attributes in read.all("a")]
    assert len(set(places)) == len(places)
    assert {link.removeprefix("#") for link in links} <= set(places)


# the numbers


def test_accuracies_are_those_of_the_logits(read, both):
    for checkpoint, accuracy in zip(both, read.column("accuracy", "accuracy"), strict=True):
        stored = checkpoint.evaluation()
        by_hand = np.mean([row.argmax() == label for row, label in zip(stored.logits, stored.labels, strict=True)])
        assert_allclose(accuracy, by_hand, atol=1e-6)


def test_the_comparison_is_that_of_the_analysis(read, both):
    sides = [
        Side(one.name, one.card.classes, stored.ids, stored.labels, stored.logits)
        for one, stored in ((one, one.evaluation()) for one in both)
    ]
    found = compare(pair(*sides))
    assert_allclose(read.column("class-differences", "difference"), [one.difference for one in found.per_class], rtol=1e-5)
    assert_allclose(read.column("difference", "McNemar p")[0], found.difference.p, rtol=1e-5)
    assert read.column("agreement", "samples") == list(found.agreement.counts)
    assert verdict(found) in read.words


def test_mean_gates_are_sums_over_counts(read, both):
    statistics = both[0].excitation()
    name = "classes-se-resnet20-layer3-2-se"
    gates, channels, names = (read.column(name, column) for column in ("mean gate", "channel", "class"))
    for row in (0, 77, 639):
        label = statistics.key.classes.index(names[row])
        total = statistics.sites["layer3.2.se"].gate_sum[label, channels[row]]
        assert_allclose(gates[row], total / statistics.count[label], rtol=1e-5)


def test_the_share_that_the_class_explains_is_that_of_the_gates_themselves(read, both):
    """Eta squared by its definition, from the gates of single pictures instead of from sums."""
    samples = both[0].sample_gates()
    shown = dict(zip(read.column("depth-se-resnet20", "block"), read.column("depth-se-resnet20", "eta squared"), strict=True))
    values = samples.gates["layer2.1.se"].astype(np.float64)
    means = np.stack([values[samples.labels == label].mean(0) for label in samples.labels])
    by_hand = ((means - values.mean(0)) ** 2).sum() / ((values - values.mean(0)) ** 2).sum()
    assert_allclose(shown["layer2.1.se"], by_hand, rtol=2e-3)  # half precision


def test_confusion_counts_are_those_of_the_analysis(read, both):
    stored = both[1].evaluation()
    figures = summarise(stored.logits, stored.labels, both[1].card.classes)
    assert sum(read.column("confusion-resnet20", "count")) == figures.n
    assert sum(
        count
        for true, said, count in zip(*(read.column("confusion-resnet20", name) for name in ("true", "predicted", "count")),
                                     strict=True)
        if true == said
    ) == round(figures.accuracy * figures.n)  # fmt: skip


@pytest.mark.parametrize("of", ["loss", "accuracy"])
def test_the_gaps_in_the_table_are_those_of_the_figure(report, both, of):
    """And those of history.csv: losses in nats, accuracies in points of %."""
    name = f"gap-in-{of}"
    section = next(one for part in report.parts for one in part.sections if one.title == "Generalisation gap")
    charts = [chart for block in section.blocks if isinstance(block, Choice) for _, shown in block.options for chart in shown]
    chart = next(one for one in charts if one.name == name)
    gap = np.array(chart.table[f"gap in {'nats' if of == 'loss' else 'points'}"])
    for checkpoint in both:
        rows = [row for row, run in enumerate(chart.table["run"]) if run == checkpoint.name]
        drawn = next(trace for trace in chart.figure.data if trace.name == checkpoint.name)
        assert_allclose(gap[rows], drawn.y)
        assert_allclose(np.array(chart.table["epoch"])[rows], drawn.x)
        last = checkpoint.history()[-1]
        points = 100 * (last.train_accuracy - last.test_accuracy)
        assert_allclose(drawn.y[-1], last.test_loss - last.train_loss if of == "loss" else points)


def test_provenance_names_weights_files_and_commands(read, both):
    for checkpoint in both:
        assert checkpoint.card.weights_sha256 in read.words
        content = (checkpoint.folder / "evaluation.npz").read_bytes()
        assert hashlib.sha256(content).hexdigest() in read.words
        assert checkpoint.card.commands["train"] in read.words
        assert str(checkpoint.folder) not in read.words
    assert "python -m seviz report --model se_resnet20 --against resnet20 --out report.html" in read.words


# nothing is fetched, and nothing runs but what is ours


def test_nothing_is_loaded_from_elsewhere(report):
    source = to_html(report)
    read = Read(source)
    loading = {"link", "iframe", "object", "embed", "base", "img", "video", "audio", "source"}
    assert not loading & {tag for tag, _ in read.elements}
    for tag, attributes in read.elements:
        for name in ("src", "href", "action", "data", "srcset", "poster"):
            assert attributes.get(name, "#").startswith("#"), (tag, attributes)
    style = source[source.index("<style>") : source.index("</style>")]
    assert "url(" not in style and "@import" not in style


def test_the_policy_lets_only_our_two_scripts_run_and_nothing_be_fetched(report):
    source = to_html(report)
    read = Read(source)
    policy = next(one["content"] for one in read.all("meta") if one.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert "connect-src" not in rules and "font-src" not in rules
    running = [content for kind, content in read.scripts if kind is None]
    sums = {f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'" for content in running}
    assert len(running) == 2
    assert set(rules["script-src"].split()) == sums
    assert source.index("Content-Security-Policy") < source.index("<script")


def test_hostile_names_are_text_and_nothing_else(tmp_path):
    """Classes, networks, data, samples and the words of a card, all of them somebody's HTML."""
    ids = tuple(f"{HOSTILE[row % len(HOSTILE)]}/{row}" for row in range(60))
    data = noise(HOSTILE, count=60, ids=ids, name="<script>alert(7)</script>")
    changes = {"classes": HOSTILE, "description": HOSTILE[0], "limits": HOSTILE, "licence": HOSTILE[1],
               "hardware": {HOSTILE[2]: HOSTILE[1]}, "commands": {HOSTILE[1]: HOSTILE[0]}}  # fmt: skip
    home = home_of(tmp_path, names=NAMES, data=data, **changes)
    read = Read(to_html(make_report(*(open_checkpoint(home / name) for name in NAMES))))
    assert not {"img", "iframe"} & {tag for tag, _ in read.elements}
    assert not [name for _, attributes in read.elements for name in attributes if name.startswith("on") or name == "autofocus"]
    assert [kind for kind, _ in read.scripts if kind != "application/json"] == [None, None]
    assert all("seviz" in content or "Plotly" in content for kind, content in read.scripts if kind is None)
    for name in (*HOSTILE, *NAMES):
        assert " ".join(name.replace("`", "").split()) in read.words.replace("`", ""), name
    for _, content in [script for script in read.scripts if script[0]]:
        json.loads(content)
        assert "<" not in content


def test_words_in_backticks_are_code_and_a_stray_one_is_kept():
    part = Part("A", "Type `a < b` now.", (Section("", (Words("one ` alone"),)),))
    source = to_html(Report("t", ("t",), "", (part,)))
    assert "Type <code>a &lt; b</code> now." in source
    assert "one ` alone" in source


def test_cells_keep_six_digits_and_are_empty_where_there_is_no_number():
    table = {"x": [np.float32(1 / 3), float("nan"), None, np.int64(7)], "y": ["<b>", True, float("inf"), np.str_("z")]}
    read = Read(to_html(Report("t", ("t",), "", (Part("A", "", (Section("", (Numbers("N 1", table),)),)),))))
    assert read.tables["n-1"] == {"columns": ["x", "y"], "rows": [[0.333333, "<b>"], [None, "yes"], [None, None], [7, "z"]]}


# figures outside of the app


def test_a_figure_leaves_its_theme_and_its_words_to_the_page():
    figure = go.Figure(go.Scatter(x=[1, 2], y=[3.5, 4])).update_layout(meta={"alt": "words"}, height=77)
    values = json.loads(figure_json(figure))
    assert values["layout"] == {"height": 77}
    assert (values["data"][0]["x"], values["data"][0]["y"]) == ([1, 2], [3.5, 4])


def test_plotly_cannot_end_its_own_script():
    source = plotly_javascript()
    assert "</script" not in source.lower()
    assert "<!--" not in source
    assert "\r" not in source


def test_ink_can_be_read_in_both_themes():
    def luminance(colour):
        levels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4 for level in levels]
        return np.dot([0.2126, 0.7152, 0.0722], linear)

    for name, ground in (("light", "#ffffff"), ("dark", "#0e1218")):
        pair = sorted((luminance(themes()[name]["layout"]["font"]["color"]), luminance(ground)))
        assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 7


# what is missing


def test_a_plain_network_alone_has_a_sentence_in_the_place_of_gates(both):
    read = Read(to_html(make_report(both[1])))
    assert "resnet20 is a plain network: it has no gates." in read.words
    assert "Compare" not in read.words


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ("excitation.npz", "se_resnet20 has no stored statistics of its gates"),
        ("gates.npz", "se_resnet20 has no stored gates of single pictures"),
        ("ablation.json", "python -m seviz ablate --model se_resnet20 --data D --curves 200 --channels 1000"),
        ("evaluation.npz", "se_resnet20 has no stored predictions"),
        ("history.csv", "se_resnet20 has no history.csv"),
    ],
)
def test_what_is_not_stored_is_said_in_its_place(tmp_path, both, missing, sentence):
    folder = copied(both[0].folder, tmp_path)
    (folder / missing).unlink()
    read = Read(to_html(make_report(open_checkpoint(folder), both[1])))
    assert sentence in read.words


@pytest.mark.parametrize("damaged", ["excitation.npz", "gates.npz", "ablation.json", "evaluation.npz", "history.csv"])
def test_what_is_damaged_is_one_sentence_in_its_place(tmp_path, both, damaged):
    folder = copied(both[0].folder, tmp_path)
    (folder / damaged).write_bytes(b"PK\x03\x04 not what it was")
    read = Read(to_html(make_report(open_checkpoint(folder), both[1])))
    assert str(folder / damaged) in read.words
    assert "Traceback" not in read.words


def test_networks_of_other_samples_are_not_compared(tmp_path, both):
    home_of(tmp_path, data=noise(both[0].card.classes, count=40))
    read = Read(to_html(make_report(both[0], open_checkpoint(tmp_path / PLAIN))))
    assert "were evaluated on different samples (80 and 40, 40 in common)" in read.words


def copied(folder, tmp_path):
    target = tmp_path / folder.name
    target.mkdir()
    for path in folder.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return target


def test_two_networks_of_one_name_are_refused(tmp_path, both):
    with pytest.raises(RequestError, match="Both networks are called se_resnet20"):
        make_report(both[0], open_checkpoint(copied(both[0].folder, tmp_path)))


def test_progress_ends_where_it_said_it_would(both):
    seen = []
    make_report(both[0], progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 27) for done in range(1, 28)]


# the command


def run(capsys, *arguments):
    status = cli.main(["report", *map(str, arguments)])
    out, err = capsys.readouterr()
    return status, out, err


def test_the_command_replaces_a_file_and_says_what_it_wrote(tmp_path, both, capsys):
    out = tmp_path / "new" / "report.html"
    out.parent.mkdir()
    out.write_text("an older one")
    status, said, _ = run(capsys, "--model", both[1].folder, "--out", out, "--json")
    found = json.loads(said.splitlines()[-1])
    assert status == 0
    assert found["path"] == str(out)
    assert found["bytes"] == out.stat().st_size
    assert "Accuracy / By class" in found["sections"]
    assert out.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_folder_or_a_pipe_is_not_replaced(tmp_path, both, capsys):
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path, tmp_path / "pipe"):
        status, said, err = run(capsys, "--model", both[1].folder, "--out", place)
        assert (status, said, err.count("\n")) == (2, "", 1)
        assert "is there and no file; choose another" in err
    assert (tmp_path / "pipe").is_fifo()


def test_one_network_twice_is_refused(tmp_path, both, capsys):
    status, _, err = run(capsys, "--model", both[0].folder, "--against", both[0].folder, "--out", tmp_path / "r.html")
    assert status == 2
    assert "was named twice" in err
    assert not (tmp_path / "r.html").exists()


# the button


@pytest.mark.parametrize("page", ["compare", "models"])
def test_the_pages_offer_the_report(page):
    at = app(page)
    assert not at.exception
    buttons = [one for one in at.get("download_button") if one.proto.label == "Report as HTML"]
    assert len(buttons) == 1


def test_the_edits_are_those_of_the_stored_ablation(read, both):
    found = both[0].ablation()
    name = SE.replace("_", "-")
    wanted = [one.difference for one in found.effects if one.where in ("all", "s1", "s2", "s3")]
    assert_allclose(read.column(f"edits-{name}-4-accuracy", "change"), wanted, atol=1e-6)
    logits = [value for one in found.channels for value in one.delta_logit]
    assert_allclose(read.column(f"channels-{name}", "mean |change of a logit|"), logits, rtol=1e-5)
    assert all(sentence in read.words for sentence in found.findings)
