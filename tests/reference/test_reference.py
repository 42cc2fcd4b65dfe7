"""docs/cli.md is what the program says, and docs/json.md speaks of every command."""

from __future__ import annotations

import shlex
from pathlib import Path

import click
import pytest

from rein.cli.commands import COMMANDS
from rein.cli.tree import tree
from tests.reference.commands import COMMAND, DOCS, FILE, example_of, leaves, names, reference
from tests.reference.schemas import faults, read_schemas


def test_the_page_of_commands_is_as_generated() -> None:
    assert FILE.read_text(encoding="utf-8") == reference(), f"write it again: {COMMAND}"


@pytest.mark.parametrize(("name", "command"), list(leaves()), ids=names())
def test_every_command_has_an_example_that_can_be_typed(name: str, command: click.Command) -> None:
    example = example_of(command)
    assert example is not None, f"rein {name} --help shows no example"
    words = shlex.split(example)
    assert words[: 1 + len(name.split())] == ["rein", *name.split()]
    context = click.Context(tree)
    arguments = words[1 + len(name.split()) :]
    command.make_context(name, arguments, parent=context)


GROUPS = [name for name in COMMANDS if isinstance(tree.get_command(click.Context(tree), name), click.Group)]  # type: ignore[attr-defined]  # it is a Tree


@pytest.mark.parametrize("name", ["", *GROUPS])
def test_every_group_has_an_example_too(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    group = tree.get_command(click.Context(tree), name) if name else tree  # type: ignore[attr-defined]
    example = example_of(group)
    assert example is not None
    assert example.startswith(f"rein {name}".strip())
    ran = []
    monkeypatch.setattr(click.Command, "invoke", lambda command, context: ran.append(command))
    with tree.make_context("rein", shlex.split(example)[1:]) as context:
        click.Group.invoke(tree, context)  # type: ignore[arg-type]  # it is a Tree
    assert ran[-1] in [command for _, command in leaves()]


def test_every_command_has_a_schema_and_no_other_has() -> None:
    commands = {name for name in read_schemas() if name.split()[0] in COMMANDS}
    assert commands == set(names())


def test_every_type_is_one_of_json() -> None:
    kinds = {kind for schema in read_schemas().values() for kind in schema.types.values()}
    words = {word for kind in kinds for word in kind.replace(" of ", " or ").split(" or ")}
    plural = {f"{word}s" for word in ("string", "object", "null")}
    assert words <= {"string", "integer", "number", "boolean", "object", "list", "null"} | plural


def test_a_page_that_says_too_little_or_too_much_is_noticed() -> None:
    schema = read_schemas()["request"]
    good = {"url": "http://x/", "buckets": 1, "bytes_free": 2, "granted": True}
    assert faults(schema, good) == []
    assert "is not in" in faults(schema, good | {"new": None})[0]
    assert "was not printed" in faults(schema, {"url": "http://x/", "buckets": 1, "granted": True})[0]
    assert "says integer" in faults(schema, good | {"buckets": True})[0]
    assert "says integer" in faults(schema, good | {"buckets": None})[0]
    job = read_schemas()["status"]
    assert any("jobs[].name" in fault for fault in faults(job, {"jobs": [{"job_id": "x"}]}))


def test_the_pages_name_each_other() -> None:
    readme = (Path(DOCS).parent / "README.md").read_text(encoding="utf-8")
    for page in ("docs/cli.md", "docs/json.md"):
        assert page in readme
