"""`seviz coverage`: what is looked at, what stops a look, a state that is gone on from, and a page that says no more."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from seviz.coverage.survey import read_state
from seviz.errors import JobError

ROOT = Path(__file__).parents[1]
STATE, PAGE = "state.jsonl", "page.md"


def seviz(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "seviz", "coverage", "--out", str(folder / PAGE), "--state", str(folder / STATE)]
    return subprocess.run([*command, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A survey of timm's smallest architectures, stopped in the middle of a line, and gone on with."""
    made = tmp_path_factory.mktemp("coverage")
    first = seviz(made, "--names", "test_[bc]*", "--json")
    assert (first.returncode, first.stderr) == (0, "")
    state = made / STATE
    state.write_text(state.read_text()[:-40])
    second = seviz(made, "--names", "test_[bcn]*", "--json")
    assert (second.returncode, second.stderr) == (0, "")
    (made / "said.json").write_text(second.stdout.splitlines()[-1])
    return made


def test_what_was_found(folder):
    import timm

    found = read_state(folder / STATE, timm.__version__)
    assert {name: (look.result, look.gates, look.traced) for name, look in found.items()} == {
        "test_byobnet": ("proved", 4, 4),
        "test_convnext": ("no gate", 0, 0),
        "test_convnext2": ("no gate", 0, 0),
        "test_convnext3": ("no gate", 0, 0),
        "test_nfnet": ("proved", 4, 4),
    }
    assert found["test_nfnet"].neutral == (0.5,)
    assert found["test_nfnet"].owners == {"SEModule": 4}
    assert json.loads((folder / "said.json").read_text())["results"] == {"proved": 2, "no gate": 3}


def test_a_line_that_a_kill_cut_off_is_looked_at_again(folder):
    lines = [line for line in (folder / STATE).read_text().splitlines() if line]
    assert len(lines) == 6
    assert sum(line.endswith("}") for line in lines) == 5


def test_the_page_says_what_the_state_says(folder):
    page = (folder / PAGE).read_text()
    assert "| proved | 2 | 8 |" in page
    assert "| test_nfnet | proved | 4 | sigmoid | SEModule | 0.5 | 0.4 | 64 |  |" in page
    assert "of them nobody has looked at yet" in page
    before = page
    done = seviz(folder, "--page-only")
    assert done.returncode == 0
    assert (folder / PAGE).read_text() == before


@pytest.mark.parametrize(
    ("memory", "seconds", "why"),
    [
        (2**20, 60, "more than 0 GiB|its weights alone are|its process ended"),
        (2**33, 0.0, "it takes more than 0 s"),
    ],
)
def test_a_look_ends_at_its_limits(memory, seconds, why):
    code = (
        "import torch; torch.set_num_threads(1); import json, dataclasses, timm; from seviz.coverage.look import look_at; "
        f"print(json.dumps(dataclasses.asdict(look_at('test_nfnet', memory={memory}, seconds={seconds}))))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["result"] == "not run"
    assert re.search(why, found["why"])


def test_a_state_of_something_else_is_refused(tmp_path):
    (tmp_path / STATE).write_text('{"a": 1}\n')
    with pytest.raises(JobError, match="is no state of a survey; remove it"):
        read_state(tmp_path / STATE, "1.0.31")
