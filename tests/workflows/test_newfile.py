"""A file that people get is whole, or is not there."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from rein.casefile import newfile
from rein.casefile.newfile import write_new
from rein.errors import InputError


def test_it_is_written_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_new(tmp_path / "a", b"\0\1")
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("a", b"\0\1")]


def test_nothing_is_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a file system without hard links neither."""
    (tmp_path / "a").write_text("mine")
    (tmp_path / "b").symlink_to(tmp_path / "nowhere")
    for name in ("a", "b"):
        with pytest.raises(InputError, match="exists already"):
            write_new(tmp_path / name, b"x")
    monkeypatch.setattr(newfile.os, "link", _no_links)
    for name in ("a", "b"):
        with pytest.raises(InputError, match="exists already"):
            write_new(tmp_path / name, b"x")
    write_new(tmp_path / "c", b"x")
    assert (tmp_path / "a").read_text() == "mine"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a", "b", "c"]


def _no_links(*_: object) -> None:
    raise PermissionError


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written: No such file"):
        write_new(tmp_path / "none" / "a", b"x")


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_killed_before_it_has_its_name_there_is_no_file(tmp_path: Path) -> None:
    script = """
        import os, signal, sys
        from pathlib import Path
        from rein.casefile.newfile import write_new
        os.link = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        write_new(Path(sys.argv[1]), b"x" * 100_000)
    """
    path = tmp_path / "a"
    assert subprocess.run([sys.executable, "-c", textwrap.dedent(script), path], timeout=30).returncode == -9
    assert not path.exists()
    write_new(path, b"x")
