"""The laws and the table of known attacks in docs/security.md name files and tests that exist, and leave none out."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SECURITY = (ROOT.parent / "docs" / "security.md").read_text()
ROWS = re.findall(r"^\| (S\d+) \| (.*) \| (.*) \| (.*) \|$", SECURITY, re.M)
LAWS = re.findall(r"^\d\. \*\*(.+?\.)\*\* (.+(?:\n   .+)*)", SECURITY, re.M)
WITHOUT_TEST = {"S17", "S25"}
"""Said to be undefended, or no matter of the programs."""


@cache
def names_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_every_row_is_there_once() -> None:
    assert [row[0] for row in ROWS] == [f"S{number}" for number in range(1, 34)]


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_a_row_is_shown_by_tests_that_exist(row: tuple[str, str, str, str]) -> None:
    name, attack, defence, shown = row
    assert attack
    assert defence
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", shown)
    assert shown.count("`") == 2 * len(named)
    assert bool(named) == (name not in WITHOUT_TEST)
    for file, test in named:
        assert test in names_in(ROOT / file), f"{file} has no {test}"


def test_each_of_the_four_laws_says_where_it_is_held_and_what_shows_it() -> None:
    assert len(LAWS) == 4
    for law, text in LAWS:
        held, shown = text.split("Held in")[1].split("shown by")
        assert re.findall(r"`(rein/[\w/]+\.py)`", held), law
        assert re.findall(r"`([\w/]+\.py)::(\w+)`", shown), law


def test_every_file_and_test_that_is_named_exists() -> None:
    for file, test in re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", SECURITY):
        path = next((each / file for each in (ROOT, ROOT.parent) if (each / file).is_file()), None)
        assert path is not None, file
        assert not test or test in names_in(path), f"{file} has no {test}"
