"""Requirements, package metadata and settings say the same thing."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

from packaging.requirements import Requirement

from seviz import images
from seviz.intake import sources

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SETTINGS = tomllib.loads((ROOT / ".streamlit/config.toml").read_text(encoding="utf-8"))


def pins(name):
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith(("#", "-r")))


def test_pins_lie_within_the_ranges_and_cover_them():
    ranges = {requirement.name: requirement.specifier for requirement in map(Requirement, PROJECT["project"]["dependencies"])}
    assert set(pins("requirements.txt")) == set(ranges)
    for name, pinned in pins("requirements.txt").items():
        assert ranges[name].contains(pinned), name


def test_these_tests_run_with_the_pinned_versions():
    wanted = pins("requirements.txt") | pins("requirements-dev.txt")
    assert {name: version(name) for name in wanted} == wanted


def test_every_file_of_requirements_builds_on_the_app():
    for name in ("requirements-dev.txt", "requirements-bench.txt"):
        assert "-r requirements.txt" in (ROOT / name).read_text(encoding="utf-8")


def test_the_app_is_private_to_this_machine():
    assert SETTINGS["server"]["address"] == "127.0.0.1"
    assert SETTINGS["server"]["enableXsrfProtection"]
    assert SETTINGS["server"]["enableCORS"]
    assert not SETTINGS["browser"]["gatherUsageStats"]
    assert SETTINGS["client"]["showErrorDetails"] == "none"


def test_streamlit_and_the_decoder_agree_on_the_size_of_an_upload():
    assert SETTINGS["server"]["maxUploadSize"] * 2**20 == sources.MAX_UPLOAD >= images.MAX_BYTES


def test_streamlit_knows_every_setting():
    from streamlit import config

    known = set(config._config_options_template)
    for section, options in SETTINGS.items():
        for name, value in options.items():
            names = [f"{section}.{name}.{inner}" for inner in value] if isinstance(value, dict) else [f"{section}.{name}"]
            assert set(names) <= known


def test_text_is_readable_on_its_background():
    """WCAG 2 AA: 4.5 for text, links and the values of sliders, in both themes, on page and sidebar."""
    for name, theme in SETTINGS["theme"].items():
        for ground in ("backgroundColor", "secondaryBackgroundColor"):
            for text in ("textColor", "linkColor", "primaryColor"):
                assert contrast(theme[text], theme[ground]) >= 4.5, (name, text, ground)


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour):
    assert re.fullmatch("#[0-9a-f]{6}", colour)
    levels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4 for level in levels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
