"""What workflows say is to be done has the command that does it, in one table."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import rein
from rein.cli.console.remedies import MORE_HOSTING, REMEDIES, with_command
from rein.cli.main import tree

PACKAGE = Path(rein.__file__).parent
TABLE = PACKAGE / "cli" / "toolkit" / "remedies.py"


@pytest.fixture(scope="module")
def code() -> str:
    return "".join(each.read_text(encoding="utf-8") for each in sorted(PACKAGE.rglob("*.py")) if each != TABLE)


@pytest.mark.parametrize("hint", REMEDIES)
def test_each_is_said_somewhere(hint: str, code: str) -> None:
    assert f'"{hint}"' in code


@pytest.mark.parametrize("text", [*REMEDIES.values(), *re.findall("`([^`]+)`", MORE_HOSTING)])
def test_each_names_a_command(text: str) -> None:
    for command in text.split(", or "):
        words = shlex.split(command)
        assert words[0] == "rein"
        with tree.make_context("rein", words[1:], resilient_parsing=True) as context:
            assert tree.resolve_command(context, words[1:])[1] is not None  # type: ignore[attr-defined]  # a Tree


def test_the_command_comes_after_the_hint() -> None:
    assert with_command("Register a server.") == "Register a server: rein request URL"
    assert with_command("Try again later.") == "Try again later."


def test_the_workflows_of_people_and_servers_name_no_command() -> None:
    named = [
        f"{path.relative_to(PACKAGE)}: {line.strip()}"
        for folder in ("identity", "hosting", "sync", "diagnostics")
        for path in sorted((PACKAGE / "workflows" / folder).glob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"\brein (?:sync|setup|enroll|request|buy|servers|doctor|status|config|wallet)\b", line)
    ]
    assert named == []
