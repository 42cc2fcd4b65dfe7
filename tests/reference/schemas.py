"""docs/json.md, read: which fields each command prints, and whether what it printed is just those.

The page is the truth: tables of field, type and meaning, under headings that name the commands. A field is a path such
as `jobs[].job_id`; a list of strings has no row for its entries. "Everything of [x](#x), and:" before a table adds
another table's fields; "In `payments[]`, everything of [x](#x)." adds them below a field.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.reference.commands import DOCS

FILE = DOCS / "json.md"

_HEADING = re.compile(r"^#+ (.+)$")
_ROW = re.compile(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|$")
_ALL_OF = re.compile(r"(?:^|In `([^`]+)`, e|E)verything of \[[^]]+\]\(#([\w-]+)\)")
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "list": (list,),
    "null": (type(None),),
}


@dataclass
class Schema:
    """The fields of one object: path to type. A field marked as optional in its meaning ("Only with …") may lack."""

    types: dict[str, str] = field(default_factory=dict)
    optional: set[str] = field(default_factory=set)

    def add(self, other: Schema, below: str = "") -> None:
        dot = f"{below}." if below else ""
        self.types.update({f"{dot}{path}": kind for path, kind in other.types.items()})
        self.optional.update(f"{dot}{path}" for path in other.optional)


def read_schemas() -> dict[str, Schema]:
    """By the command's words ("psbt show"), and by the anchor of a heading that names no command."""
    found: dict[str, Schema] = {}
    current = Schema()
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if heading := _HEADING.match(line):
            current = Schema()
            commands = re.findall(r"`rein ([a-z -]+)`", heading[1])
            anchor = re.sub(r"[^\w -]", "", heading[1].lower()).replace(" ", "-")
            found.update(dict.fromkeys(commands or [anchor], current))
        elif row := _ROW.match(line):
            current.types[row[1]] = row[2].strip()
            if "list of strings" in row[2]:
                current.types[f"{row[1]}[]"] = "string"
            if row[3].startswith("Only "):
                current.optional.add(row[1])
        else:
            for below, anchor in _ALL_OF.findall(line):
                current.add(found[anchor], below)
    return found


def printed(data: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every field of an object, with its path; an entry of a list has the list's path and []."""
    if isinstance(data, dict):
        for name, value in data.items():
            here = f"{path}.{name}" if path else name
            yield here, value
            yield from printed(value, here)
    elif isinstance(data, list):
        for value in data:
            yield f"{path}[]", value
            yield from printed(value, f"{path}[]")


def faults(schema: Schema, data: dict[str, Any]) -> list[str]:
    """What the page does not say of this object, or says otherwise."""
    wrong = []
    free = [path for path, kind in schema.types.items() if kind.startswith("object of")]
    seen = dict.fromkeys(path for path, _ in printed(data))
    for path, value in printed(data):
        if any(path.startswith(f"{each}.") for each in free):
            continue
        kind = schema.types.get(path)
        if kind is None:
            if not path.endswith("[]") or not isinstance(value, dict | list):
                wrong.append(f"| `{path}` | {_type_of(value)} | ? | is not in {FILE.name}")
        elif not _fits(value, kind):
            wrong.append(f"`{path}` is {_type_of(value)}, and {FILE.name} says {kind}")
    for path in schema.types:
        parent = path.rpartition(".")[0]
        is_there = not parent or (parent in seen and any(isinstance(v, dict) for p, v in printed(data) if p == parent))
        if is_there and path not in schema.optional and path not in seen and not path.endswith("[]"):
            wrong.append(f"`{path}` is in {FILE.name} and was not printed")
    return wrong


def _fits(value: Any, kind: str) -> bool:
    allowed = tuple(each for word in kind.replace("object of", "object or").split(" or ") for each in _word(word))
    return isinstance(value, allowed) and (not isinstance(value, bool) or bool in allowed)


def _word(word: str) -> tuple[type, ...]:
    return _TYPES.get(word.strip().split(" ")[0], ())


def _type_of(value: Any) -> str:
    return next((name for name, types in _TYPES.items() if type(value) in types), "?")
