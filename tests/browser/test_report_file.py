"""The report as a person has it: made by the button, opened from disk, without a network."""

from __future__ import annotations

from pathlib import Path

import pytest
from reported import PLAIN, SE, home_of
from test_app import downloaded, expect_clean

from benchmarks.serving import served
from seviz.checkpoints import open_checkpoint
from seviz.report import make_report, to_html

ROOT = Path(__file__).resolve().parents[2]
FIRST = ".chart .main-svg"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return home_of(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def file(home):
    """A report on both networks, written as the command writes it."""
    report = make_report(open_checkpoint(home / SE), open_checkpoint(home / PLAIN))
    (home / "report.html").write_text(to_html(report), encoding="utf-8")
    return home / "report.html"


def opened(page, file):
    """The file from disk, with the network off, and everything on it seen once."""
    page.page.context.set_offline(True)
    page.page.goto(file.as_uri())
    see_all(page)
    return page


def see_all(page):
    """Scroll down: figures are drawn as they come into view."""
    page.page.evaluate(
        """async () => {
            for (let y = 0; y < document.documentElement.scrollHeight; y += 500) {
                scrollTo({ top: y, behavior: "instant" });
                await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
            }
        }"""
    )
    page.page.wait_for_function(
        "() => [...document.querySelectorAll('.chart')].every((one) => !one.offsetParent || one.querySelector('.main-svg'))"
    )


def test_the_button_makes_a_file_that_opens_from_disk(home, new_page, tmp_path, monkeypatch):
    monkeypatch.setenv("SEVIZ_CHECKPOINTS", str(home))
    with served(ROOT / "app.py") as address:
        app = new_page()
        app.page.set_default_timeout(240_000)
        app.open(f"{address}/compare")
        name, content = downloaded(app, app.page.get_by_role("button", name="Report as HTML"))
        expect_clean(app)
    assert name == "report-se_resnet20-resnet20.html"
    (tmp_path / name).write_bytes(content)
    report = opened(new_page(), tmp_path / name)
    assert report.page.locator("h1").inner_text() == "se_resnet20 and resnet20"
    assert report.page.locator(".chart:visible").count() > 20
    expect_clean(report)


def test_a_choice_changes_what_is_drawn_by_keyboard_too(file, new_page):
    report = opened(new_page(), file)
    section = report.page.locator("section", has=report.page.locator("h3", has_text="Classes by channels"))
    assert section.locator(".chart:visible").get_attribute("aria-label").startswith("stage 3 · block 3: mean gate")
    section.locator("select").first.focus()
    report.page.keyboard.press("Home")
    section.locator(".chart:visible .main-svg").first.wait_for()
    assert section.locator(".chart:visible").get_attribute("aria-label").startswith("stage 1 · block 1: mean gate")
    distances = report.page.locator("section", has=report.page.locator("h3", has_text="How far apart"))
    assert distances.locator(".chart:visible").get_attribute("aria-label").startswith("stage 1 · block 1")
    expect_clean(report)


def test_the_numbers_behind_a_figure_unfold_and_come_as_csv(file, new_page):
    report = opened(new_page(), file)
    section = report.page.locator("section", has=report.page.locator("h3", has_text="Agreement"))
    section.locator("summary").click()
    section.locator("table").wait_for()
    name, content = downloaded(report, section.get_by_role("button", name="CSV"))
    lines = content.decode().splitlines()
    assert name == "agreement.csv"
    assert lines[0] == "cell,samples,share"
    assert lines[4].startswith('"both wrong, same answer",')
    assert sum(int(line.rsplit(",", 2)[1]) for line in lines[1:]) == 80


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_no_barrier_in_a_report(file, new_page, dark):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed (requirements-dev.txt)")
    report = new_page(dark=dark)
    report.page.context.set_offline(True)
    # the policy of the file lets no other script run, nor axe
    plain = file.with_name(f"plain-{dark}.html")
    plain.write_text(file.read_text(encoding="utf-8").replace("Content-Security-Policy", "x-policy"), encoding="utf-8")
    report.page.goto(plain.as_uri())
    see_all(report)
    for details in report.page.locator("details:not([open]) > summary:visible").all()[:6]:
        details.click()
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
    found = axe.Axe().run(report.page, options=rules).response["violations"]
    assert [(one["id"], [node["target"] for node in one["nodes"]][:5]) for one in found] == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_report_fits_a_telephone(file, new_page, dark):
    report = opened(new_page(width=390, height=844, dark=dark), file)
    assert report.page.evaluate("document.documentElement.scrollWidth") <= 390
    inks = report.page.evaluate("[...document.querySelectorAll('.xtick text')].map((one) => getComputedStyle(one).fill)")
    assert "rgb(230, 234, 240)" in inks if dark else "rgb(31, 39, 51)" in inks
    expect_clean(report)


def test_the_policy_stops_what_would_be_fetched_or_run(file, new_page, tmp_path):
    """What a hostile name would try, put in by hand where escaping would have failed."""
    attack = '<img src="http://elsewhere.invalid/a.png" onerror="window.caught = 1"><script>window.caught = 2</script>'
    broken = tmp_path / "broken.html"
    broken.write_text(file.read_text(encoding="utf-8").replace("<main", attack + "<main", 1), encoding="utf-8")
    report = new_page()
    report.page.goto(broken.as_uri())
    report.page.wait_for_selector(".choice.live")
    assert report.page.evaluate("window.caught") is None
    assert any("Content Security Policy" in error for error in report.errors)


def test_paper_is_light_and_has_every_visible_figure(file, new_page):
    report = new_page(dark=True)
    report.page.goto(file.as_uri())
    report.page.wait_for_selector(".choice.live")
    report.page.emulate_media(media="print")
    report.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert report.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    drawn = "() => [...document.querySelectorAll('.chart')].every((one) => !one.offsetParent || one.querySelector('.main-svg'))"
    report.page.wait_for_function(drawn)
    assert not report.page.locator("nav").is_visible()
    expect_clean(report)
