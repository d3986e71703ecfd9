"""Models and Inspect with the networks for photographs beside the pair of depth 20, as a person sees them."""

from __future__ import annotations

import pytest
from photos import PHOTOS, home_with
from test_app import CHART, ROOT, expect_clean, expect_narrow, expect_no_barrier

from benchmarks.serving import served


@pytest.fixture(scope="module")
def four(chromium, tmp_path_factory):
    """The app with both pairs."""
    home = home_with(tmp_path_factory.mktemp("cards") / "home", photos=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEVIZ_CHECKPOINTS", str(home))
        with served(ROOT / "app.py") as address:
            yield address


def network(watched) -> str:
    return watched.page.locator(".st-key-model input").input_value()


def visit(watched, page: str) -> None:
    """By the navigation in the sidebar."""
    watched.page.click(f'[data-testid="stSidebarNavLink"]:has-text("{page}")')
    watched.page.wait_for_selector(f'h1:has-text("{page}")')
    watched.settled()


def test_inspect_has_a_pair_of_its_own_until_one_is_chosen(four, browser):
    browser.open(four)
    browser.page.wait_for_selector(f"text={PHOTOS[1]} says")
    assert network(browser) == PHOTOS[0]
    visit(browser, "Models")
    assert network(browser) == "se_resnet20"
    browser.page.click(".st-key-model input")
    browser.page.keyboard.type(PHOTOS[0])
    browser.page.keyboard.press("Enter")
    browser.page.wait_for_url("**model=se_resnet18_photos**")
    browser.settled()
    visit(browser, "Training")
    assert network(browser) == PHOTOS[0]
    expect_clean(browser)


def test_the_command_of_a_card_can_be_copied(four, browser):
    browser.open(f"{four}/models")
    browser.page.wait_for_selector(CHART)
    command = browser.page.locator('[data-testid="stCode"]').first
    assert command.inner_text().startswith("python -m seviz train --arch se_resnet20")
    command.hover()
    assert command.locator("button").count() >= 1
    expect_clean(browser)


def test_cards_fit_a_telephone_in_the_dark_and_have_no_barrier(four, new_page):
    phone = new_page(width=390, height=844, dark=True)
    phone.open(f"{four}/models?card-{PHOTOS[0]}=true")
    phone.page.wait_for_selector(CHART)
    assert phone.page.locator(f".st-key-card-{PHOTOS[0]} input").is_checked()
    expect_narrow(phone)
    expect_no_barrier(phone)
    expect_clean(phone)
