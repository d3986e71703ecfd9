"""A network is searched on Models, fetched from a stand-in for the hub, and inspected, as a person does it."""

from __future__ import annotations

import pytest
from hub import FILE, REPOSITORY, SMALL, serving, small_weights
from test_app import CHART, ROOT, expect_clean, expect_narrow

from benchmarks.serving import served


@pytest.fixture(scope="module")
def library(chromium, tmp_path_factory):
    """The app on a computer with empty caches and a stand-in hub that holds the small network."""
    folder = tmp_path_factory.mktemp("library")
    with serving() as hub, pytest.MonkeyPatch.context() as patch:
        hub.put(REPOSITORY, FILE, small_weights())
        places = {"SEVIZ_HOME": folder / "home", "HF_HUB_CACHE": folder / "hub", "TORCH_HOME": folder / "torch"}
        for name, value in places.items():
            patch.setenv(name, str(value))
        patch.setenv("HF_ENDPOINT", hub.address)
        with served(ROOT / "app.py") as address:
            yield address


def unfold(watched) -> None:
    """Open the panel; a click that comes while the page is drawn anew is lost, so it is made again."""
    opened = """() => {
        const panel = document.querySelector(".st-key-library details");
        if (panel && !panel.open) panel.querySelector("summary").click();
        return panel && panel.open;
    }"""
    watched.page.wait_for_function(opened, polling=1000)
    watched.page.wait_for_selector(".st-key-fetch-start button:visible")
    watched.settled()


def pick(watched, key: str, text: str) -> None:
    """An entry of a list that one types into."""
    watched.page.click(f".st-key-{key} input")
    watched.page.keyboard.type(text)
    watched.page.keyboard.press("Enter")
    watched.settled()


def test_from_a_search_to_the_gates_of_a_picture(library, browser):
    browser.open(f"{library}/models")
    unfold(browser)
    browser.page.fill(".st-key-find input", "test_efficientnet r160")
    browser.page.keyboard.press("Enter")
    browser.settled()
    browser.page.wait_for_selector(f'.st-key-library code:has-text("{SMALL}")')
    browser.page.click(".st-key-fetch-start button:visible")
    browser.page.wait_for_selector('.st-key-library [data-testid="stAlert"]:has-text("is here: choose it in the sidebar")')
    assert "fetching=" in browser.page.url

    browser.open(f"{library}/?model={SMALL}&picture=cat")
    browser.page.wait_for_selector(CHART)
    browser.settled()
    shown = browser.page.inner_text('[data-testid="stMain"]')
    assert "says" in shown and "160 x 160 pixels" in shown and "1,000" not in shown.split("says")[0]
    pick(browser, "class", "tabby")
    assert "tabby" in browser.page.inner_text('[data-testid="stMain"]')
    expect_clean(browser)


def test_the_panel_fits_a_telephone(library, new_page):
    phone = new_page(width=390, height=844)
    phone.open(f"{library}/models")
    unfold(phone)
    expect_narrow(phone)
    expect_clean(phone)
