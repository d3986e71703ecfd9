"""The main paths of the app, as a person walks them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seviz.ui.samples import samples

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("", "excitation", "lab", "ablation", "compare", "training", "accuracy", "models")
CHART = ".js-plotly-plot .main-svg"


def photograph() -> dict[str, object]:
    """A file to upload: the bundled photograph of a horse, under another name."""
    sample = next(sample for sample in samples() if sample.name == "horse")
    return {"name": "my photo.jpg", "mimeType": "image/jpeg", "buffer": sample.path.read_bytes()}


def upload(watched, file) -> None:
    watched.page.set_input_files('[data-testid="stFileUploaderDropzoneInput"]', file)
    watched.settled()


def chosen_block(watched) -> str:
    return watched.page.locator(".st-key-site input").input_value()


def downloaded(watched, button) -> tuple[str, bytes]:
    with watched.page.expect_download() as waiting:
        button.click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def expect_clean(watched) -> None:
    assert watched.errors == []
    assert watched.strangers == []


def expect_narrow(phone) -> None:
    """Nothing on a page of 390 px reaches beyond it."""
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390
    wide = phone.page.evaluate(
        """() => [...document.querySelectorAll('[data-testid="stMain"] .js-plotly-plot, [data-testid="stMain"] img')]
               .filter(e => e.getBoundingClientRect().right > 392).length"""
    )
    assert wide == 0


def expect_no_barrier(watched) -> None:
    """axe finds nothing against WCAG 2.1 AA."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed (requirements-dev.txt)")
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
    found = axe.Axe().run(watched.page, options=rules).response["violations"]
    assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_with_charts_and_without_errors_or_strangers(app, browser, page):
    browser.open(f"{app}/{page}")
    browser.page.wait_for_selector(CHART)
    assert browser.page.locator('[data-testid="stAlertContentError"]').count() == 0
    assert browser.page.locator('[data-testid="stException"]').count() == 0
    expect_clean(browser)


def test_a_photograph_dropped_on_the_page_is_inspected_by_both_networks(app, browser):
    browser.open(app)
    before = browser.page.locator('[data-testid="stImage"] img').nth(1).get_attribute("src")
    upload(browser, photograph())
    browser.page.wait_for_selector("text=Your picture")
    assert browser.page.locator("text=se_resnet20 says").count() == 1
    assert browser.page.locator("text=resnet20 says").count() >= 2
    assert browser.page.locator('[data-testid="stImage"] img').nth(1).get_attribute("src") != before
    assert "picture=own" in browser.page.url
    expect_clean(browser)


def test_what_is_no_picture_gets_one_sentence(app, browser):
    browser.open(app)
    upload(browser, {"name": "note.jpg", "mimeType": "image/jpeg", "buffer": b"no picture at all"})
    alert = browser.page.locator('[data-testid="stAlertContentError"]')
    alert.wait_for()
    assert "JPEG or PNG" in alert.inner_text()
    assert browser.page.locator("text=se_resnet20 says").count() == 1
    expect_clean(browser)


def test_a_click_on_a_row_chooses_the_site(app, browser):
    browser.open(app)
    chart = browser.page.locator(".st-key-overview .js-plotly-plot")
    chart.scroll_into_view_if_needed()
    assert chosen_block(browser).startswith("stage 3 · block 3")
    row = chart.locator("text=stage 1 · block 2").bounding_box()
    box = chart.bounding_box()
    browser.page.mouse.click(box["x"] + 0.7 * box["width"], row["y"] + row["height"] / 2)
    browser.page.wait_for_url("**site=layer1.1.se**")
    browser.settled()
    assert chosen_block(browser).startswith("stage 1 · block 2")
    expect_clean(browser)


def test_a_site_is_chosen_by_keyboard(app, browser):
    browser.open(app)
    browser.page.locator(".st-key-site input").focus()
    browser.page.keyboard.press("ArrowDown")
    browser.page.keyboard.type("stage 2 · block 1")
    browser.page.keyboard.press("Enter")
    browser.page.wait_for_url("**site=layer2.0.se**")
    browser.settled()
    assert chosen_block(browser).startswith("stage 2 · block 1")
    browser.page.wait_for_selector("text=Gates of stage 2 · block 1")


def test_a_map_comes_as_png_and_the_gates_as_csv(app, browser):
    browser.open(app)
    name, content = downloaded(browser, browser.page.get_by_role("button", name="Map as PNG").first)
    assert name.startswith("se_resnet20-gradcam-layer3-")
    assert min(Image.open(io.BytesIO(content)).size) >= 256
    browser.page.locator(".st-key-gates-numbers summary").click()
    button = browser.page.locator(".st-key-gates-numbers").get_by_role("button", name="CSV", exact=True)
    name, content = downloaded(browser, button)
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert name == "gates.csv"
    assert len(rows) == 3 * (16 + 32 + 64)
    assert all(0 <= float(row["gate"]) <= 1 for row in rows)
    expect_clean(browser)


def test_a_copied_link_opens_the_same_view(app, browser, new_page):
    browser.open(f"{app}/?picture=ship")
    browser.page.locator(".st-key-site input").focus()
    browser.page.keyboard.press("ArrowDown")
    browser.page.keyboard.type("stage 1 · block 3")
    browser.page.keyboard.press("Enter")
    browser.page.wait_for_url("**site=layer1.2.se**")
    browser.page.locator(".st-key-layer").get_by_text("stage 2").click()
    browser.page.wait_for_url("**layer=layer2**")
    browser.settled()
    other = new_page()
    other.open(browser.page.url)
    other.page.wait_for_selector("text=Gates of stage 1 · block 3")
    for watched in (browser, other):
        assert watched.page.locator(".st-key-layer [aria-checked=true]").inner_text() == "stage 2"
        assert watched.page.locator(".st-key-sample [aria-checked=true]").inner_text() == "Ship"


@pytest.mark.parametrize("page", [page for page in PAGES if page])
def test_a_deep_link_to_a_fresh_server_opens_the_page_in_its_frame(serve, new_page, page):
    with serve(ROOT / "app.py") as address:
        fresh = new_page()
        fresh.open(f"{address}/{page}?model=se_resnet20&against=none")
        fresh.page.wait_for_selector(f"h1:has-text('{page.capitalize()}')")
        fresh.page.wait_for_selector('[data-testid="stSidebarNavLink"]')
        assert fresh.page.locator('[data-testid="stSidebarNavLink"]').count() == len(PAGES)
        assert fresh.page.locator(".st-key-against input").input_value() == "none"
        assert "model=se_resnet20" in fresh.page.url or fresh.page.locator(".st-key-model input").input_value() == "se_resnet20"
        expect_clean(fresh)


def test_the_choice_of_networks_goes_along_to_the_next_page(app, browser):
    browser.open(f"{app}/?against=none")
    browser.page.locator('[data-testid="stSidebarNavLink"]', has_text="Accuracy").click()
    browser.page.wait_for_selector("h1:has-text('Accuracy')")
    browser.settled()
    assert browser.page.locator(".st-key-against input").input_value() == "none"
    assert "against=none" in browser.page.url


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_wider_than_a_telephone(app, new_page, page):
    phone = new_page(width=390, height=844)
    phone.open(f"{app}/{page}")
    phone.page.wait_for_selector(CHART)
    expect_narrow(phone)
    expect_clean(phone)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_axe_finds_no_barrier(app, new_page, page, dark):
    watched = new_page(dark=dark)
    watched.open(f"{app}/{page}")
    watched.page.wait_for_selector(CHART)
    expect_no_barrier(watched)


def test_the_hottest_pixel_of_a_map_is_the_brightest(app, browser):
    """At full opacity the downloaded map is cividis: its lightest pixel is its most yellow one."""
    browser.open(app)
    slider = browser.page.locator(".st-key-opacity input[type=range]")
    slider.focus()
    browser.page.keyboard.press("End")
    browser.settled()
    _, content = downloaded(browser, browser.page.get_by_role("button", name="Map as PNG").first)
    pixels = np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(float)
    brightest = pixels.reshape(-1, 3)[pixels.sum(-1).argmax()]
    np.testing.assert_allclose(brightest, (254, 232, 56), atol=2)
