"""The table of known attacks in docs/security.md names tests that exist, and leaves no row out."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROWS = re.findall(r"^\| (S\d+) \| (.*) \| (.*) \| (.*) \|$", (ROOT.parent / "docs" / "security.md").read_text(), re.M)
WITHOUT_TEST = {"S17", "S25"}
"""Said to be undefended, or no matter of the programs."""


@cache
def names_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_every_row_is_there_once() -> None:
    assert [row[0] for row in ROWS] == [f"S{number}" for number in range(1, 28)]


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
