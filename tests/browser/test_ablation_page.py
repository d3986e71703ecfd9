"""The page Ablation in a real browser: views, scopes, blocks and channels by pointer and by keyboard."""

from __future__ import annotations

import csv
import io

import pytest
from test_app import CHART, downloaded, expect_clean, expect_narrow, expect_no_barrier

VIEWS = ("costs", "curves", "channels", "pruning")


def look(watched, app, **query: str) -> None:
    watched.open(f"{app}/ablation?" + "&".join(f"{name}={value}" for name, value in query.items()))
    watched.page.wait_for_selector(CHART)
    watched.settled()


def main(watched) -> str:
    return watched.page.inner_text('[data-testid="stMain"]')


def choose(watched, key: str, words: str) -> None:
    """One of the options of a list, by keyboard."""
    watched.page.locator(f".st-key-{key} input").focus()
    watched.page.keyboard.press("ArrowDown")
    watched.page.keyboard.type(words)
    watched.page.keyboard.press("Enter")


def test_views_scopes_and_edits_are_chosen_and_stand_in_the_address(app, browser, new_page):
    look(browser, app)
    browser.page.locator(".st-key-scope").get_by_text("block by block").click()
    browser.page.wait_for_url("**scope=blocks**")
    browser.page.locator(".st-key-become").get_by_text("shuffled").click()
    browser.page.wait_for_url("**become=shuffle**")
    browser.settled()
    assert browser.page.locator(".st-key-edit-costs .js-plotly-plot >> text=stage 2 · block 3").count() == 1
    other = new_page()
    other.open(browser.page.url)
    other.page.wait_for_selector(CHART)
    assert other.page.locator(".st-key-become [aria-checked=true]").inner_text() == "shuffled"
    browser.page.locator(".st-key-measured").get_by_text("Does the gate know?").click()
    browser.page.wait_for_url("**measured=curves**")
    browser.page.wait_for_selector("text=All blocks")
    expect_clean(browser)


def test_a_scope_in_words_by_keyboard(app, browser):
    look(browser, app)
    choose(browser, "where", "stage 2 · block 1")
    browser.page.wait_for_url("**where=layer2.0.se**")
    browser.page.wait_for_selector("text=With the gates of stage 2 · block 1 at 1,")
    expect_clean(browser)


def test_a_block_of_the_curves_by_keyboard(app, browser):
    look(browser, app, measured="curves")
    choose(browser, "site", "stage 1 · block 1")
    browser.page.wait_for_url("**site=layer1.0.se**")
    browser.page.wait_for_selector("text=At stage 1 · block 1, beside random orders")
    browser.page.locator(".st-key-kind").get_by_text("insertion").click()
    browser.page.wait_for_url("**kind=insertion**")
    expect_clean(browser)


def test_channels_of_a_block_and_their_numbers_as_csv(app, browser):
    look(browser, app, measured="channels")
    choose(browser, "channels-of", "stage 1 · block 2")
    browser.page.wait_for_selector("text=At stage 1 · block 2 the rank correlation of mean gate")
    browser.page.wait_for_url("**channels-of=stage**")
    browser.settled()
    numbers = browser.page.locator("[class*='st-key-dropped-channels-'][class*='-numbers']")
    numbers.locator("summary").click()
    _, content = downloaded(browser, numbers.get_by_role("button", name="CSV", exact=True))
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert len(rows) == 16 and {row["site"] for row in rows} == {"layer1.1.se"}
    assert all(0 <= float(row["mean gate"]) <= 1 for row in rows)
    browser.page.locator(".st-key-known").get_by_text("class selectivity").click()
    browser.page.wait_for_url("**known=selectivity**")
    browser.page.wait_for_selector("text=At stage 1 · block 2 the rank correlation of class selectivity")
    expect_clean(browser)


def test_the_pointer_names_the_interval_of_an_edit(app, browser):
    look(browser, app, scope="blocks")
    chart = browser.page.locator(".st-key-edit-costs .js-plotly-plot")
    chart.scroll_into_view_if_needed()
    point = chart.locator(".scatterlayer .trace .points path.point").first.bounding_box()
    browser.page.mouse.move(point["x"] + point["width"] / 2, point["y"] + point["height"] / 2)
    hover = chart.locator(".hoverlayer")
    hover.locator("text=/95 %: .* to /").first.wait_for()
    assert "McNemar" in hover.text_content()
    expect_clean(browser)


@pytest.mark.parametrize("view", VIEWS)
def test_no_view_is_wider_than_a_telephone(app, new_page, view):
    phone = new_page(width=390, height=844)
    look(phone, app, measured=view)
    expect_narrow(phone)
    expect_clean(phone)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_no_barrier_in_any_view(app, new_page, view, dark):
    watched = new_page(dark=dark)
    look(watched, app, measured=view)
    expect_no_barrier(watched)
