"""A file that people get is whole, or is not there."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from rein.errors import InputError
from rein.files import write_new, write_whole


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
    monkeypatch.setattr(os, "link", _no_links)
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
        from rein.files import write_new
        os.link = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        write_new(Path(sys.argv[1]), b"x" * 100_000)
    """
    path = tmp_path / "a"
    assert subprocess.run([sys.executable, "-c", textwrap.dedent(script), path], timeout=30).returncode == -9
    assert not path.exists()
    write_new(path, b"x")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such links and modes")
@pytest.mark.parametrize("private", [True, False])
def test_nobody_can_wait_for_it_at_its_unfinished_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, private: bool
) -> None:
    """In a folder where others write too: a link under the name would lead what is written elsewhere."""
    trap = tmp_path / "trap"
    trap.write_text("not mine")
    opened: list[tuple[Path, int, int]] = []
    real = os.open

    def look(path: Path, flags: int, mode: int = 0o777) -> int:
        opened.append((Path(path), flags, mode))
        return real(path, flags, mode)

    (tmp_path / f".a.{os.getpid()}.part").symlink_to(trap)
    monkeypatch.setattr(os, "open", look)
    for _ in range(2):
        write_whole(tmp_path / "a", b"secret", replace=True, private=private)
    written = [each for each in opened if each[1] & os.O_CREAT]
    assert trap.read_text() == "not mine"
    assert len({path for path, _, _ in written}) == 2, "each time another name"
    for path, flags, mode in written:
        assert flags & (os.O_EXCL | os.O_NOFOLLOW) == os.O_EXCL | os.O_NOFOLLOW
        assert (mode, len(path.name)) == (0o600, len(".rein-.new") + 32)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_its_mode_is_the_umask_s_or_private(tmp_path: Path, mask: int, mode: int) -> None:
    before = os.umask(mask)
    try:
        write_new(tmp_path / "mine", b"x")
        write_whole(tmp_path / "secret", b"x")
        assert os.umask(mask) == mask
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "mine").stat().st_mode) == mode
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_a_name_as_long_as_names_can_be(tmp_path: Path) -> None:
    write_new(tmp_path / ("n" * 255), b"x")
    assert [len(each.name) for each in tmp_path.iterdir()] == [255]
