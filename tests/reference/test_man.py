"""The man pages are those of the program, read as roff without complaint, and are in the wheel."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.reference.commands import DOCS, names
from tests.reference.man import FOLDER, pages

ROOT = DOCS.parent


def test_the_pages_are_as_generated() -> None:
    """If not: python -m tests.reference"""
    assert {each.name: each.read_text(encoding="utf-8") for each in FOLDER.iterdir()} == pages()


def test_every_command_is_there() -> None:
    said = set(re.findall(r"^\.SS rein ((?:[a-z]+ ?)+) ", pages()["rein.1"], re.MULTILINE))
    assert said == set(names())


@pytest.mark.parametrize("name", ["rein.1", "causeway.1"])
def test_roff_takes_them(name: str) -> None:
    program = shutil.which("groff")
    if program is None:
        pytest.skip("groff is not installed")
    done = subprocess.run(
        [program, "-man", "-Tutf8", "-ww", str(FOLDER / name)], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "SYNOPSIS" in re.sub(r"\x1b\[[0-9;]*m|.\x08", "", done.stdout)


def test_the_wheel_has_them(tmp_path: Path) -> None:
    """Built in a copy, since setuptools writes beside what it builds."""
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("rein", "causeway", "docs/man"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    build = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, "dist"], cwd=tmp_path, check=True, capture_output=True, timeout=120)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".data/data/share/man/man1/" in name}
    assert {Path(name).name for name in held} == {"rein.1", "causeway.1"}
