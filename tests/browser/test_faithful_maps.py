"""Inspect's question whether a map is faithful, in a browser: asked with a click, answered for both networks."""

from __future__ import annotations

import csv
import io

from test_app import downloaded, expect_clean, expect_narrow, expect_no_barrier

PATIENCE = 240_000  # milliseconds: hundreds of passes through two networks, on a machine that may be busy


def test_a_map_is_checked_by_a_click_on_a_telephone(app, new_page):
    phone = new_page(width=390, height=844, dark=True)
    phone.page.set_default_timeout(PATIENCE)
    phone.open(app)
    phone.page.get_by_role("button", name="Check this Grad-CAM map").first.click()
    for name in ("se_resnet20", "resnet20"):
        for measure in ("deletion", "insertion"):
            phone.page.wait_for_selector(f".st-key-{measure}-{name} .main-svg")
        maps = phone.page.locator(f".st-key-redrawn-{name} img")
        maps.last.wait_for()
        assert maps.count() == 6, "the trained network and five stages"
        assert all("rank correlation" in maps.nth(place).get_attribute("alt") for place in range(6))
    phone.page.wait_for_selector(".st-key-faithful-samples summary")  # the last of the panel
    phone.settled()
    assert phone.page.get_by_role("button", name="Check this Grad-CAM map").count() == 0
    phone.page.locator(".st-key-deletion-resnet20-numbers summary").click()
    phone.settled()
    button = phone.page.locator(".st-key-deletion-resnet20-numbers").get_by_role("button", name="CSV", exact=True)
    name, content = downloaded(phone, button)
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert name == "deletion-resnet20.csv" and len(rows) == 17
    assert float(rows[0]["this map"]) == float(rows[0]["random, mean"]) > float(rows[-1]["this map"])
    phone.page.locator(".st-key-faithful-samples summary").first.click()
    phone.page.wait_for_selector(".st-key-faithful-forgetting-resnet20 .main-svg")
    phone.settled()
    expect_narrow(phone)
    expect_no_barrier(phone)
    expect_clean(phone)
