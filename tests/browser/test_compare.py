"""Compare, as a person uses it: a cell opened by click and by keyboard, a picture pinned, a time measured."""

from __future__ import annotations

import pytest
from test_app import CHART, expect_clean, expect_narrow, expect_no_barrier

VIEWS = ("tests", "mistakes", "picture&pinned=ship", "cost")


def click_cell(watched, key: str, across: float, down: float) -> None:
    """Click into the plotting area of a chart, at shares of its width and height."""
    chart = watched.page.locator(f".st-key-{key} .js-plotly-plot")
    chart.scroll_into_view_if_needed()
    box = chart.locator(".nsewdrag").first.bounding_box()
    watched.page.mouse.click(box["x"] + across * box["width"], box["y"] + down * box["height"])


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_opens_with_charts_and_without_errors_or_strangers(app, browser, view):
    browser.open(f"{app}/compare?look={view}")
    browser.page.wait_for_selector(CHART)
    assert browser.page.locator('[data-testid="stAlertContentError"]').count() == 0
    assert browser.page.locator('[data-testid="stException"]').count() == 0
    expect_clean(browser)


def test_a_click_on_a_confusion_cell_opens_its_samples(app, browser):
    """The row of truck is the last of ten, the column of automobile the second; off the middle of the cell."""
    browser.open(f"{app}/compare?look=mistakes&matrix=se_resnet20")
    browser.page.wait_for_selector(".st-key-confusion-cells-0 .main-svg")
    click_cell(browser, "confusion-cells-0", 0.18, 0.93)
    browser.page.wait_for_url("**taken=automobile**")
    browser.settled()
    assert browser.page.locator(".st-key-true input").input_value() == "truck"
    assert browser.page.locator(".st-key-taken input").input_value() == "automobile"
    assert browser.page.locator(".st-key-opened input").input_value().startswith("truck/")
    browser.page.wait_for_selector("h3:has-text(', truly truck')")
    expect_clean(browser)


def test_a_confusion_cell_is_opened_by_keyboard(app, browser):
    browser.open(f"{app}/compare?look=mistakes&matrix=resnet20")
    for key, name in (("true", "ship"), ("taken", "airplane")):
        browser.page.locator(f".st-key-{key} input").focus()
        browser.page.keyboard.press("ArrowDown")
        browser.page.keyboard.type(name)
        browser.page.keyboard.press("Enter")
        browser.page.wait_for_url(f"**{key}={name}**")
        browser.settled()
    assert browser.page.locator(".st-key-opened input").input_value().startswith("ship/")
    browser.page.wait_for_selector("text=resnet20 says airplane")


def test_a_click_and_the_arrow_keys_open_cells_of_agreement(app, browser):
    browser.open(f"{app}/compare?look=mistakes")
    browser.page.wait_for_selector(".st-key-agreement-cells .main-svg")
    click_cell(browser, "agreement-cells", 0.3, 0.8)
    browser.page.wait_for_url("**cell=only+the+second**")
    browser.settled()
    chosen = browser.page.locator(".st-key-cell label:has(input:checked)")
    assert chosen.inner_text().startswith("only resnet20 right")
    chosen.locator("input").focus()
    browser.page.keyboard.press("ArrowDown")
    browser.page.wait_for_url("**cell=both+wrong**")
    browser.settled()
    assert chosen.inner_text().startswith("both wrong, same answer")
    expect_clean(browser)


def test_a_picture_is_pinned_and_held_against_another(app, browser, new_page):
    browser.open(f"{app}/compare?look=picture&picture=cat")
    browser.page.get_by_role("button", name="Pin this picture").click()
    browser.page.wait_for_url("**pinned=cat**")
    browser.settled()
    browser.page.wait_for_selector("text=This is the pinned picture itself")
    browser.page.locator(".st-key-sample").get_by_text("Ship", exact=True).click()
    browser.page.wait_for_selector(".st-key-gates-pictures .main-svg")
    browser.settled()
    browser.page.wait_for_selector("text=On average the gates of se_resnet20 differ most at")
    other = new_page()
    other.open(browser.page.url)
    other.page.wait_for_selector(".st-key-gates-pictures .main-svg")
    expect_clean(browser)
    browser.page.get_by_role("button", name="Unpin").click()
    browser.page.wait_for_selector(".st-key-gates-pictures", state="detached")
    assert "pinned" not in browser.page.url


def test_time_is_measured_by_a_button(app, browser):
    browser.open(f"{app}/compare?look=cost")
    browser.page.get_by_role("button", name="Measure").first.click()
    browser.page.wait_for_selector(".st-key-latency .main-svg")
    browser.settled()
    browser.page.locator(".st-key-cost").get_by_text("time", exact=True).click()
    browser.settled()
    browser.page.wait_for_selector(".st-key-accuracy-cost >> text=milliseconds a picture")
    expect_clean(browser)


@pytest.mark.parametrize("view", VIEWS)
def test_no_view_is_wider_than_a_telephone(app, new_page, view):
    phone = new_page(width=390, height=844)
    phone.open(f"{app}/compare?look={view}")
    phone.page.wait_for_selector(CHART)
    expect_narrow(phone)
    expect_clean(phone)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_no_barrier_in_a_view(app, new_page, view, dark):
    watched = new_page(dark=dark)
    watched.open(f"{app}/compare?look={view}")
    watched.page.wait_for_selector(CHART)
    expect_no_barrier(watched)
