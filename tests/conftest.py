"""What all tests share: few threads, and tests that need something special left out with a reason."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest
import torch

# where several processes share the tests (pytest -n), their threads would only wait for each other
torch.set_num_threads(1 if "PYTEST_XDIST_WORKER" in os.environ else 2)

# the networks that somebody imported on this computer are not the tests' business
os.environ["SEVIZ_HOME"] = tempfile.mkdtemp(prefix="seviz-tests-")
atexit.register(shutil.rmtree, os.environ["SEVIZ_HOME"], ignore_errors=True)

# nor is what else ships: tests see the pair of depth 20, whatever stands beside it in checkpoints/
os.environ["SEVIZ_CHECKPOINTS"] = tempfile.mkdtemp(prefix="seviz-tests-")
for _name in ("se_resnet20", "resnet20"):
    os.symlink(Path(__file__).resolve().parents[1] / "checkpoints" / _name, Path(os.environ["SEVIZ_CHECKPOINTS"]) / _name)
atexit.register(shutil.rmtree, os.environ["SEVIZ_CHECKPOINTS"], ignore_errors=True)


@pytest.fixture(scope="module")
def one_thread():
    """For tiny networks, and for what must be the same bit for bit: `pytestmark = pytest.mark.usefixtures("one_thread")`."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def pytest_runtest_setup(item):
    if item.get_closest_marker("cuda") and not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")


def pytest_terminal_summary(terminalreporter):
    """Say how many browser tests ran: a green run without a browser proves less."""
    left_out = [report for report in terminalreporter.getreports("skipped") if "browser" in report.keywords]
    ran = [
        report
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        if report.when == "call" and "browser" in report.keywords
    ]
    if ran or left_out:
        terminalreporter.write_line(f"browser tests: {len(ran)} ran, {len(left_out)} left out")
