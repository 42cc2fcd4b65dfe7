"""What people paste from the tutorial: a command that asks is the last of its block, so that no line of the block can
answer it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reference.commands import leaves

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"
QUIET = {"backup", "case", "config", "devnet", "doctor", "fund", "request", "servers", "status", "sync", "trust"}
"""They ask nothing but, on a machine where the key file is not open, for its passphrase."""


def blocks() -> Iterator[list[list[str]]]:
    """The commands of ours in each block, as words without the global options."""
    for block in re.findall(r"(?ms)^ *```\n(.*?)^ *```$", TUTORIAL.read_text(encoding="utf-8")):
        lines = (line.split("#")[0] for line in re.split(r"[\n;]", block))
        found = [re.sub(r"^.*\brein |--home \S+ ", "", line).split() for line in lines if re.search(r"\brein ", line)]
        yield found


def asks(words: list[str]) -> bool:
    return words[0] not in QUIET and not (words[0] == "rate" and {"--rating", "--comment", "--role"} <= set(words))


def test_there_are_blocks_and_commands_in_them() -> None:
    everything = [words for block in blocks() for words in block]
    assert len(everything) > 60
    known = {name.split()[0] for name, _ in leaves()}
    assert {words[0] for words in everything} <= known
    assert sum(map(asks, everything)) > 20


@pytest.mark.parametrize("block", [pytest.param(block, id=str(number)) for number, block in enumerate(blocks())])
def test_a_command_that_asks_is_the_last_of_its_block(block: list[list[str]]) -> None:
    assert not [" ".join(words) for words in block[:-1] if asks(words)]
