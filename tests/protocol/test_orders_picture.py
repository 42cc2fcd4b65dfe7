"""docs/orders.md shows the machine that runs: its picture and its table, row by row."""

from __future__ import annotations

import re
from pathlib import Path

from rein.protocol.orders import TRANSITIONS, State, Trigger, run

PAGE = (Path(__file__).parents[2] / "docs" / "orders.md").read_text(encoding="utf-8")
MACHINE = {(before.value, event.value, after.value) for (before, event), after in TRANSITIONS.items()}

_ARROW = re.compile(r"(\S+) --> (\S+?)(?:: (\w+))?")
_ROW = re.compile(r"\| `(\w+)` \| ([^|]+) \| `(\w+)` \| `(\w+)` \|")


def picture() -> list[tuple[str, str, str | None]]:
    """The arrows of the one picture on the page: from, to, label. Every line of it must be an arrow."""
    [source] = re.findall(r"```mermaid\n(.*?)```", PAGE, re.DOTALL)
    first, *lines = source.strip().splitlines()
    assert first == "stateDiagram-v2"
    arrows = []
    for line in lines:
        match = _ARROW.fullmatch(line.strip())
        assert match, f"not an arrow: {line!r}"
        arrows.append((match[1], match[2], match[3]))
    return arrows


def test_the_pictures_arrows_are_the_machines_rows() -> None:
    arrows = [(before, event, after) for before, after, event in picture() if "[*]" not in (before, after)]
    assert len(arrows) == len(set(arrows))
    assert set(arrows) == MACHINE


def test_the_picture_begins_and_ends_where_the_machine_does() -> None:
    assert [after for before, after, _ in picture() if before == "[*]"] == [run([]).value]
    ends = {before for before, after, _ in picture() if after == "[*]"}
    assert ends == {state.value for state in State} - {before for before, _, _ in MACHINE}


def test_every_state_and_event_is_in_the_picture() -> None:
    drawn = {name for before, after, _ in picture() for name in (before, after)} - {"[*]"}
    assert drawn == {state.value for state in State}
    assert {event for _, _, event in picture() if event} == {event.value for event in Trigger}


def test_the_tables_rows_are_the_machines_rows() -> None:
    rows = _ROW.findall(PAGE)
    assert len(rows) == len(MACHINE)
    assert {(before, event, after) for before, _, event, after in rows} == MACHINE
    assert all(words.strip().endswith(".") for _, words, _, _ in rows)
