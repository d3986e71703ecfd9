"""The page Excitation in a real browser: sites, channels and samples by pointer and by keyboard."""

from __future__ import annotations

import csv
import io

import pytest
from test_app import CHART, chosen_block, downloaded, expect_clean, expect_narrow, expect_no_barrier

VIEWS = ("classes", "paper", "depth", "health", "relation", "samples")
MAP = "[class*='st-key-class-map'] .js-plotly-plot"
PLANE = "[class*='st-key-plane-'] .js-plotly-plot"


def look(watched, app, **query: str) -> None:
    watched.open(f"{app}/excitation?" + "&".join(f"{name}={value}" for name, value in query.items()))
    watched.page.wait_for_selector("table" if query.get("view") == "health" else CHART)
    watched.settled()


def channel(watched) -> str:
    return watched.page.locator(".st-key-channel input").input_value()


def inside(watched, chart, across: float, down: float) -> tuple[float, float]:
    """A place in the plotting area of a chart, as shares of its width and height: x and y on the page."""
    chart.scroll_into_view_if_needed()
    box = chart.locator(".nsewdrag").first.bounding_box()
    return box["x"] + across * box["width"], box["y"] + down * box["height"]


def test_a_click_on_a_column_opens_its_channel(app, browser):
    look(browser, app, site="layer3.2.se")
    before = channel(browser)
    browser.page.mouse.click(*inside(browser, browser.page.locator(MAP), 20.5 / 64, 0.55))
    browser.page.wait_for_url("**channel=20**")
    browser.settled()
    assert before != "20" == channel(browser)
    browser.page.wait_for_selector("h3:has-text('Channel 20 of stage 3 · block 3')")
    expect_clean(browser)


def test_a_channel_is_opened_by_keyboard(app, browser):
    look(browser, app, site="layer1.0.se", channel="3")
    browser.page.locator(".st-key-channel input").focus()
    browser.page.keyboard.press("ArrowUp")
    browser.page.keyboard.press("Enter")
    browser.page.wait_for_url("**channel=4**")
    browser.settled()
    browser.page.wait_for_selector("h3:has-text('Channel 4 of stage 1 · block 1')")
    expect_clean(browser)


def test_a_click_on_the_depth_figure_chooses_a_site(app, browser):
    look(browser, app, view="depth")
    chart = browser.page.locator(".st-key-by-depth .js-plotly-plot")
    chart.scroll_into_view_if_needed()
    point = chart.locator(".scatterlayer .trace .points path").nth(3).bounding_box()
    browser.page.mouse.click(point["x"] + point["width"] / 2, point["y"] + point["height"] / 2)
    browser.page.wait_for_url("**site=layer2.0.se**")
    browser.settled()
    assert chosen_block(browser).startswith("stage 2 · block 1")
    browser.page.wait_for_selector("text=How far apart classes are at stage 2 · block 1")
    expect_clean(browser)


def test_a_site_is_chosen_by_keyboard_and_inspect_knows_it(app, browser):
    look(browser, app)
    browser.page.locator(".st-key-site input").focus()
    browser.page.keyboard.press("ArrowDown")
    browser.page.keyboard.type("stage 2 · block 2")
    browser.page.keyboard.press("Enter")
    browser.page.wait_for_url("**site=layer2.1.se**")
    browser.settled()
    assert chosen_block(browser).startswith("stage 2 · block 2")
    browser.page.locator('[data-testid="stSidebarNavLink"]', has_text="Inspect").click()
    browser.page.wait_for_selector("h1:has-text('Inspect')")
    browser.settled()
    assert chosen_block(browser).startswith("stage 2 · block 2")
    assert "Gates of stage 2 · block 2" in browser.page.inner_text('[data-testid="stMain"]')
    expect_clean(browser)


@pytest.mark.parametrize("tool", ["box", "lasso"])
def test_dragging_over_the_plane_selects_samples(app, browser, tool):
    look(browser, app, view="samples", drag=tool)
    assert "2,000 pictures in the plane" in browser.page.inner_text('[data-testid="stMain"]')
    plane = browser.page.locator(PLANE)
    corners = [(0.05, 0.05), (0.5, 0.05), (0.5, 0.95), (0.05, 0.95), (0.05, 0.06)]
    path = [inside(browser, plane, *corner) for corner in corners]
    browser.page.mouse.move(*path[0])
    browser.page.mouse.down()
    for place in path[1:] if tool == "lasso" else path[2:3]:
        browser.page.mouse.move(*place, steps=6)
    browser.page.mouse.up()
    browser.page.wait_for_selector("text=/[\\d,]+ pictures selected/")
    browser.settled()
    said = browser.page.locator("text=/[\\d,]+ pictures selected/").first.inner_text()
    assert 0 < int(said.split()[0].replace(",", "")) < 2000
    expect_clean(browser)


def test_samples_are_chosen_by_keyboard(app, browser):
    look(browser, app, view="samples")
    for key, name in (("true", "cat"), ("predicted", "dog")):
        browser.page.locator(f".st-key-{key} input").focus()
        browser.page.keyboard.press("ArrowDown")
        browser.page.keyboard.type(name)
        browser.page.keyboard.press("Enter")
        browser.page.wait_for_url(f"**{key}={name}**")
        browser.settled()
    browser.page.wait_for_selector("text=/[\\d]+ pictures of these classes, [\\d]+ of them mistakes/")
    expect_clean(browser)


def test_the_numbers_behind_the_map_come_as_csv(app, browser):
    look(browser, app, site="layer3.2.se")
    numbers = browser.page.locator(".st-key-classes-layer3-2-se-numbers")
    numbers.locator("summary").click()
    name, content = downloaded(browser, numbers.get_by_role("button", name="CSV", exact=True))
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert name == "classes-layer3.2.se.csv"
    assert len(rows) == 10 * 64
    assert all(0 <= float(row["mean gate"]) <= 1 for row in rows)


@pytest.mark.parametrize("view", VIEWS)
def test_no_view_is_wider_than_a_telephone(app, new_page, view):
    phone = new_page(width=390, height=844)
    look(phone, app, view=view)
    expect_narrow(phone)
    expect_clean(phone)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_no_barrier_in_any_view(app, new_page, view, dark):
    watched = new_page(dark=dark)
    look(watched, app, view=view, **({"effect": "true"} if view == "classes" else {}))
    expect_no_barrier(watched)
