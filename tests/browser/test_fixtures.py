"""The fixtures themselves, on small apps of their own: they see what they are meant to see."""

from __future__ import annotations

QUIET = """
import streamlit as st
name = st.text_input("Name", key="name")
st.write(f"Hello {name}")
"""
LEAKY = """
import streamlit as st
st.html('<img src="http://elsewhere.invalid/pixel.png" alt="">')
"""


def test_a_quiet_app_is_served_with_our_settings_and_leaves_no_trace(serve, browser, tmp_path):
    script = tmp_path / "quiet.py"
    script.write_text(QUIET)
    with serve(script) as address:
        browser.open(address)
        browser.page.locator(".st-key-name input").fill("gate")
        browser.page.keyboard.press("Enter")
        browser.page.get_by_text("Hello gate").wait_for()
        assert "rgb(255, 255, 255)" in background(browser)
    assert browser.errors == []
    assert browser.strangers == []


def test_errors_and_requests_to_elsewhere_are_seen(serve, new_page, tmp_path):
    script = tmp_path / "leaky.py"
    script.write_text(LEAKY)
    page = new_page(390, 844, dark=True)
    with serve(script) as address:
        with page.page.expect_event("requestfailed"):
            page.open(address)
        assert "rgb(14, 18, 24)" in background(page)  # .streamlit/config.toml, [theme.dark]
    assert page.strangers == ["http://elsewhere.invalid/pixel.png"]
    assert any("ERR" in error for error in page.errors)


def background(watched):
    return watched.page.locator('[data-testid="stApp"]').evaluate("element => getComputedStyle(element).backgroundColor")
