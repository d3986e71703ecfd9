"""The app in a real headless Chromium.

    app         the address of `streamlit run app.py`, started once for all tests
    browser     a page (playwright) that collects what must not happen: see Watched
    serve       starts another Streamlit script, for tests of these fixtures
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from benchmarks.serving import served

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WAIT_SECONDS = 30


def pytest_collection_modifyitems(items):
    """Mark what is in this folder, and run it last: playwright keeps an event loop running in the test's thread."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@dataclass
class Watched:
    """A playwright page, and what happened on it: console errors, requests that left this machine."""

    page: object
    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def open(self, address: str) -> None:
        """Go to an address and wait until the script has run."""
        self.page.goto(address)
        self.settled()

    def settled(self) -> None:
        """Wait until no script runs and nothing on the page is stale."""
        self.page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
        self.page.wait_for_function("() => !document.querySelector('[data-stale=\"true\"], [data-testid=\"stSkeleton\"]')")


@pytest.fixture(scope="session")
def chromium():
    """The browser itself. Skips where Chromium or playwright is missing."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here (Debian: apt-get install chromium)")
    sync = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (requirements-dev.txt has it)")
    with sync.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def app(chromium):
    """The address of the app, started after the browser was found."""
    with served(ROOT / "app.py") as address:
        yield address


@pytest.fixture
def serve(chromium):
    """served, for scripts of a test's own."""
    return served


@pytest.fixture
def new_page(chromium):
    """new_page(width=1280, height=900, dark=False) -> Watched: a page in a fresh session."""
    contexts = []

    def make(width: int = 1280, height: int = 900, dark: bool = False) -> Watched:
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", accept_downloads=True
        )
        contexts.append(context)
        context.set_default_timeout(WAIT_SECONDS * 1000)
        watched = Watched(context.new_page())
        watch(watched)
        return watched

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def browser(new_page):
    """A page of 1280 x 900 in a fresh session."""
    return new_page()


def watch(watched: Watched) -> None:
    page = watched.page
    page.on("console", lambda message: watched.errors.append(_told(message)) if _is_fault(message) else None)
    page.on("pageerror", lambda error: watched.errors.append(str(error)))
    page.on("request", lambda request: watched.strangers.append(request.url) if _leaves(request.url) else None)


def _is_fault(message) -> bool:
    # a deep link makes Streamlit's client look for its server below the page's path first: two 404 a visit, by design
    return message.type == "error" and "/_stcore/" not in message.location["url"]


def _told(message) -> str:
    return f"{message.text} ({message.location['url']})"


def _leaves(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme in ("http", "https", "ws", "wss") and parts.hostname != "127.0.0.1"
