"""The view "Corrupted pictures" in a browser: what a reader sees, on a screen and on a telephone."""

from __future__ import annotations

from test_app import CHART, downloaded, expect_clean, expect_narrow, expect_no_barrier


def test_corrupted_pictures_are_shown_compared_and_downloaded(app, browser):
    browser.open(f"{app}/accuracy")
    browser.page.get_by_text("Corrupted pictures", exact=True).click()
    browser.page.wait_for_url("**pictures=corrupted**")
    browser.settled()
    browser.page.get_by_text("mild", exact=True).click()
    browser.page.wait_for_url("**strength=mild**")
    browser.settled()
    assert browser.page.locator(CHART).count() >= 5
    assert browser.page.get_by_role("img", name="JPEG: quality 10.").count() == 1
    fold = browser.page.locator(".st-key-lost-mild-numbers")
    fold.get_by_text("Numbers").click()
    name, content = downloaded(browser, fold.get_by_role("button", name="CSV", exact=True))
    assert name == "lost-mild.csv" and content.decode().count("\n") == 61
    expect_no_barrier(browser)
    expect_clean(browser)


def test_they_fit_a_telephone(app, new_page):
    phone = new_page(width=390, height=844)
    phone.open(f"{app}/accuracy?pictures=corrupted&corruption=blur")
    expect_narrow(phone)
    expect_clean(phone)
