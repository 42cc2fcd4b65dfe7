"""Commands at a real terminal: a pseudo-terminal of 80 columns, and what somebody types or pastes there."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import pexpect

ENTER: Final = "\r"
ROWS, COLUMNS = 24, 80


def pasted(text: str) -> str:
    """A paste, as terminals send it to a program that has asked for brackets."""
    return "\x1b[200~" + text.replace("\n", "\r") + "\x1b[201~"


@contextmanager
def at_terminal(program: str, words: Sequence[str], **variables: str) -> Iterator[pexpect.spawn[str]]:
    """Run a program there; it is killed if it goes on at the end."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("REIN_", "PYTEST_"))}
    environment |= {"TERM": "xterm", **variables}
    child = pexpect.spawn(
        program, list(words), env=environment, encoding="utf-8", timeout=30, dimensions=(ROWS, COLUMNS), echo=True
    )
    child.delaybeforesend = None
    try:
        yield child
    finally:
        child.close(force=True)


@contextmanager
def rein_at_terminal(*words: str, **variables: str) -> Iterator[pexpect.spawn[str]]:
    """`rein`, run there."""
    with at_terminal(sys.executable, ["-m", "rein", *words], **variables) as child:
        yield child


def ended(child: pexpect.spawn[str]) -> tuple[int | None, str]:
    """Wait for its end: the exit code, and what it wrote since the last thing that was waited for."""
    child.expect(pexpect.EOF)
    child.wait()
    return child.exitstatus, str(child.before)
