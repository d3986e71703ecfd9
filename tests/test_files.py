"""A file is the old one or the new one, never half of each."""

from __future__ import annotations

import errno
import json
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from seviz.files import read_file, read_json, sweep_temporary, write_atomic, write_bytes, write_json, write_npz


def test_a_writer_that_raises_keeps_the_old_file_and_leaves_no_other(tmp_path):
    path = tmp_path / "card.json"
    write_bytes(path, b"old")

    def half(file):
        file.write(b"ne")
        raise RuntimeError("pulled out")

    with pytest.raises(RuntimeError, match="pulled out"):
        write_atomic(path, half)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "evaluation.npz"
    write_npz(path, {"x": np.arange(3)})

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_npz(path, {"x": np.zeros(9)})
    monkeypatch.undo()
    assert np.load(path)["x"].tolist() == [0, 1, 2]
    assert list(tmp_path.iterdir()) == [path]


def test_many_writers_of_one_file_leave_one_of_their_contents(tmp_path):
    path = tmp_path / "card.json"
    contents = [bytes([number]) * 50_000 for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda content: write_bytes(path, content), contents))
    assert path.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [path]


def test_folders_are_made_and_the_file_is_readable_by_others(tmp_path):
    path = tmp_path / "new" / "deep" / "a.json"
    write_json(path, {"name": "é", "share": 0.5})
    assert json.loads(path.read_text(encoding="utf-8")) == {"name": "é", "share": 0.5}
    assert path.stat().st_mode & 0o777 == 0o644


def test_what_others_could_not_read_is_refused_before_the_file_is_touched(tmp_path):
    path = tmp_path / "file"
    write_bytes(path, b"old")
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(path, {"loss": float("nan")})
    with pytest.raises(ValueError, match="object arrays"):
        write_npz(path, {"names": np.array(["a", None], dtype=object)})
    assert path.read_bytes() == b"old"


def test_sweeping_removes_what_killed_writers_left(tmp_path):
    (tmp_path / ".card.json.abc.tmp").write_bytes(b"half")
    (tmp_path / "card.json").write_bytes(b"whole")
    sweep_temporary(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["card.json"]


def test_a_pipe_is_never_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="not a regular file"):
        write_bytes(pipe, b"new")
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


def test_reading_gives_the_content_and_no_more_than_asked_for(tmp_path):
    path = tmp_path / "file"
    write_bytes(path, b"12345")
    assert read_file(path, 5) == read_file(str(path), 99) == b"12345"
    (tmp_path / "link").symlink_to(path)
    assert read_file(tmp_path / "link", 5) == b"12345"
    with pytest.raises(OSError, match="it has 0 MB, and 0 MB is the limit"):
        read_file(path, 4)
    with path.open("wb") as file:
        file.truncate(2**40)  # holes: it takes no room, and reading it would take all memory
    with pytest.raises(OSError, match="it has 1,048,576 MB, and 25 MB is the limit") as refused:
        read_file(path, 25 * 2**20)
    assert refused.value.filename == str(path)


def test_what_is_no_file_is_not_read_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name, reason in (("pipe", "not a regular file"), ("", "Is a directory"), ("none", "No such file or directory")):
        with pytest.raises(OSError, match=reason) as refused:
            read_file(tmp_path / name, 9)
        assert refused.value.strerror == reason
        assert refused.value.filename == str(tmp_path / name)


def test_a_folder_is_never_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        write_bytes(tmp_path / "folder", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("text", ["NaN", '{"a": [1, -Infinity]}', "{", ""])
def test_json_that_is_none_is_a_value_error(tmp_path, text):
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"is no JSON|Expecting"):
        read_json(tmp_path / "a.json", 100)


def test_json_is_read_no_further_than_asked_for(tmp_path):
    write_json(tmp_path / "a.json", {"a": [1, 2.5, None]})
    assert read_json(tmp_path / "a.json", 100) == {"a": [1, 2.5, None]}
    with pytest.raises(OSError, match="is the limit"):
        read_json(tmp_path / "a.json", 5)
