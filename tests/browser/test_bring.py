"""A checkpoint is brought in the browser: an old file with `module.` before its names, imported, chosen, inspected."""

from __future__ import annotations

import public_networks as public
import torch
from test_app import CHART, ROOT, expect_clean, expect_narrow, expect_no_barrier


def old_file(path):
    """As kuangliu/pytorch-cifar writes it, before torch.save wrote zips."""
    net = public.liven(public.Kuangliu(public.KuangliuSE, widths=(16, 32, 48, 64)))
    state = {f"module.{name}": value for name, value in net.state_dict().items()}
    torch.save({"net": state, "acc": 93.1, "epoch": 12}, path, _use_new_zipfile_serialization=False)
    return path


def test_an_old_file_is_brought_imported_and_inspected(serve, new_page, tmp_path, monkeypatch):
    monkeypatch.setenv("SEVIZ_HOME", str(tmp_path / "home"))
    with serve(ROOT / "app.py") as address:
        browser = new_page(width=390, height=844)
        browser.open(f"{address}/models")
        browser.page.locator(".st-key-bring summary").first.click()
        file = str(old_file(tmp_path / "ckpt.th"))
        browser.page.set_input_files('.st-key-bring [data-testid="stFileUploaderDropzoneInput"]', file)
        browser.page.wait_for_selector("text=ckpt.th is kuangliu:SENet18")
        browser.settled()
        assert browser.page.locator("text=was stripped from 139 names").count() == 1
        assert browser.page.locator("text=guessed: the mean and deviation").count() == 1
        expect_narrow(browser)
        expect_no_barrier(browser)
        browser.page.locator(".st-key-bring-name input").fill("brought")
        browser.page.get_by_role("button", name="Import", exact=True).click()
        browser.page.get_by_role("button", name="Choose brought").click()
        browser.settled()
        browser.page.goto(f"{address}/?model=brought&against=none")
        browser.page.wait_for_selector("text=brought says")
        browser.page.wait_for_selector(CHART)
        browser.settled()
        assert browser.page.locator(".st-key-site input").input_value().startswith("stage 4 · block 2")
        assert browser.page.locator('[data-testid="stAlertContentError"]').count() == 0
        expect_clean(browser)
