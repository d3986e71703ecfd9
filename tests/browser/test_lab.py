"""The page Gate lab in a browser: what hand and keyboard do on the map, and the answers that follow."""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from test_app import expect_clean

import seviz
from seviz.ui.samples import samples

BARS = ".st-key-gate-map canvas.bars:visible"
GUTTER = 18  # gate_map.js


def opened(watched, address: str):
    watched.open(address)
    watched.page.wait_for_selector(BARS)
    watched.page.wait_for_selector(".st-key-before-after .main-svg")
    return watched


def edits(watched) -> str:
    return parse_qs(urlsplit(watched.page.url).query).get("edits", [""])[0]


def until(watched, wanted: str) -> None:
    """Wait until the edits in the address are these, and the page has followed."""
    asked = "(wanted) => (new URLSearchParams(location.search).get('edits') ?? '') === wanted"
    watched.page.wait_for_function(asked, arg=wanted)
    watched.settled()


def switch(watched, group: str, mode: str) -> None:
    radios = watched.page.get_by_role("radiogroup", name=f"Gates of {group}", exact=True)
    radios.get_by_role("radio", name=mode).check(force=True)


def switched(watched, group: str) -> list[str]:
    radios = watched.page.get_by_role("radiogroup", name=f"Gates of {group}", exact=True)
    return radios.get_by_role("radio").evaluate_all("all => all.filter(one => one.checked).map(one => one.value)")


def place(watched, channel: int, value: float, channels: int = 64) -> tuple[float, float]:
    """Where a channel's bar has a height, on the screen: the inside of the canvas leaves 8 pixels above and 14 below."""
    bars = watched.page.locator(BARS)
    bars.scroll_into_view_if_needed()
    box = bars.bounding_box()
    x = box["x"] + GUTTER + (channel + 0.5) / channels * (box["width"] - GUTTER)
    return x, box["y"] + box["height"] - 14 - value * (box["height"] - 22)


def shares(watched) -> dict[str, tuple[float, float]]:
    """Class -> probability before and after, in percent, as the figure writes them."""
    label = watched.page.locator('.st-key-before-after [aria-label^="Probabilities"], .st-key-before-after [alt]').first
    words = label.get_attribute("aria-label") or label.get_attribute("alt")
    found = re.findall(r"(?:: |, | and )([a-z]+) ([\d.]+) % before, ([\d.]+) % after", words)
    return {name: (float(before), float(after)) for name, before, after in found}


@pytest.fixture(scope="module")
def truth():
    """text of edits -> probabilities of the cat, by the model itself."""
    picture = next(sample for sample in samples() if sample.name == "cat").path.read_bytes()
    with seviz.load("se_resnet20") as model:
        yield lambda text: dict(zip(model.classes, model.inspect(picture, layers=(), edits=text).probabilities, strict=True))


def expect_answer(watched, truth, text: str) -> None:
    found, before, after = shares(watched), truth(""), truth(text)
    assert len(found) == 10
    for label, (one, other) in found.items():
        assert one == pytest.approx(100 * before[label], abs=0.06)
        assert other == pytest.approx(100 * after[label], abs=0.06)


def test_a_stage_and_a_site_are_switched_by_a_click(app, browser, truth):
    opened(browser, f"{app}/lab")
    switch(browser, "Stage 3", "off")
    until(browser, "s3~1")
    assert switched(browser, "Stage 3 block 2") == ["off"]
    assert switched(browser, "All blocks") == []
    expect_answer(browser, truth, "s3~1")
    switch(browser, "Stage 3 block 1", "live")
    until(browser, "layer3.1.se~1!layer3.2.se~1")
    assert switched(browser, "Stage 3") == []
    switch(browser, "All blocks", "live")
    until(browser, "")
    expect_answer(browser, truth, "")
    expect_clean(browser)


def test_a_channel_is_dragged_and_let_go(app, browser, truth):
    opened(browser, f"{app}/lab")
    mouse, (x, y) = browser.page.mouse, place(browser, 10, 0.9)
    mouse.move(x, y)
    mouse.down()
    for value in (0.8, 0.6, 0.45, 0.3):
        mouse.move(x, place(browser, 10, value)[1])
    browser.page.locator(".st-key-gate-map .told", has_text="cat: ").wait_for()
    assert edits(browser) == "", "on its way an edit is answered, but it is no step back in the browser's history"
    mouse.up()
    browser.page.wait_for_function("() => /edits=layer3.2.se~0\\.(29|3|31)~c10$/.test(decodeURIComponent(location.search))")
    browser.settled()
    expect_answer(browser, truth, edits(browser))
    assert "channel 10: gate 0." in browser.page.locator(".st-key-gate-map .told").inner_text()
    mouse.dblclick(*place(browser, 10, 0.1))
    until(browser, "")
    expect_clean(browser)


def test_a_channel_is_moved_by_keys_on_the_map(app, browser, truth):
    opened(browser, f"{app}/lab")
    bars = browser.page.locator(BARS)
    bars.focus()
    for key in ("ArrowRight", "ArrowRight", "Home"):
        browser.page.keyboard.press(key)
    until(browser, "layer3.2.se~0~c2")
    assert bars.get_attribute("aria-valuenow") == "0.00"
    browser.page.keyboard.press("ArrowUp")
    until(browser, "layer3.2.se~0.05~c2")
    expect_answer(browser, truth, "layer3.2.se~0.05~c2")
    browser.page.keyboard.press("Delete")
    until(browser, "")
    expect_clean(browser)


def test_another_block_is_opened_and_its_switch_worked_by_keys(app, browser):
    opened(browser, f"{app}/lab")
    name = browser.page.get_by_role("button", name="Stage 1 block 2: show its channels")
    name.focus()
    browser.page.keyboard.press("Enter")
    assert name.get_attribute("aria-expanded") == "true"
    assert browser.page.locator(BARS).count() == 1
    assert "Stage 1 block 2" in browser.page.locator(BARS).get_attribute("aria-label")
    browser.page.get_by_role("radiogroup", name="Gates of Stage 1 block 2").get_by_role("radio", name="live").focus()
    browser.page.keyboard.press("ArrowRight")
    until(browser, "layer1.1.se~1")
    expect_clean(browser)


def test_the_same_by_lists_and_numbers(app, browser, truth):
    opened(browser, f"{app}/lab")
    page = browser.page
    page.get_by_text("The same with lists and numbers").click()
    page.locator("[class*='st-key-set-channel'] input").first.fill("5")
    page.keyboard.press("Tab")
    page.locator(".st-key-set-value input").fill("0.4")
    page.keyboard.press("Enter")
    browser.settled()
    page.get_by_role("button", name="Set", exact=True).press("Enter")
    until(browser, "layer3.2.se~0.4~c5")
    expect_answer(browser, truth, "layer3.2.se~0.4~c5")
    expect_clean(browser)


def test_another_pictures_gates_are_swapped_in(app, browser):
    opened(browser, f"{app}/lab?swap=from.rocket")
    switch(browser, "Stage 2", "swap")
    until(browser, "s2~from.rocket")
    assert browser.page.get_by_role("button", name="stage 2: gates of rocket").count() == 1
    browser.page.get_by_role("button", name="stage 2: gates of rocket").click()
    until(browser, "")
    expect_clean(browser)


def test_a_prediction_is_flipped_and_the_link_opens_the_same_state_elsewhere(app, browser, new_page):
    opened(browser, f"{app}/lab?picture=cat")
    browser.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    target = browser.page.locator(".st-key-into input").input_value()
    browser.page.get_by_role("button", name="Flip it", exact=True).click()
    browser.page.wait_for_selector(".st-key-flip-path .main-svg")
    browser.settled()
    browser.page.get_by_role("button", name="Put these edits in force").click()
    browser.page.wait_for_selector("text=the prediction turns")
    browser.settled()
    browser.page.get_by_role("button", name="Copy link").click()
    browser.page.get_by_role("button", name="Copied").wait_for()
    link = browser.page.evaluate("() => navigator.clipboard.readText()")
    assert link == browser.page.url and edits(browser)
    other = opened(new_page(), link)
    assert edits(other) == edits(browser)
    assert shares(other) == shares(browser)
    assert max(shares(other).items(), key=lambda pair: pair[1][1])[0] == target
    chips = [watched.page.locator(".st-key-chips button", has_text="→").all_inner_texts() for watched in (browser, other)]
    assert chips[0] == chips[1] and chips[0]
    expect_clean(browser)
    expect_clean(other)


def test_a_broken_edit_in_a_link_is_told_and_the_page_opens(app, browser):
    opened(browser, f"{app}/lab?edits=s3~banana!s1~1")
    assert browser.page.get_by_text("An edit was left out.").count() == 1
    until(browser, "s1~1")
    expect_clean(browser)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("experiment", ["flip", "swap", "arithmetic"])
def test_axe_finds_no_barrier_in_any_experiment(app, new_page, experiment, dark):
    watched = opened(new_page(dark=dark), f"{app}/lab?experiment={experiment}&edits=s3~1!layer3.1.se~0.25~c3")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed (requirements-dev.txt)")
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
    found = axe.Axe().run(watched.page, options=rules).response["violations"]
    told = [(one["id"], [node["target"] for node in one["nodes"]]) for one in found]
    assert json.loads(json.dumps(told)) == []


@pytest.mark.parametrize("experiment", ["swap", "arithmetic"])
def test_no_experiment_is_wider_than_a_telephone(app, new_page, experiment):
    phone = opened(new_page(width=390, height=844), f"{app}/lab?experiment={experiment}&edits=s3~1")
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert phone.page.locator('.st-key-gate-map .scroll:visible').bounding_box()["width"] <= 360
    expect_clean(phone)
