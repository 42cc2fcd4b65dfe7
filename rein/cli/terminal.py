"""The only place that prints and prompts.

Results go to stdout; prompts, progress and remarks to stderr. With `--json`, stdout holds one object and nothing else.
Text from strangers is made harmless before it is shown.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from rein.errors import InputError, ReinError

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_BAR = 30
_PATIENCE_SECONDS = 1.0
_REDRAW_SECONDS = 0.1
_KEPT_CONTROLS = frozenset("\n\t")


def safe(text: str) -> str:
    """Text that cannot move the cursor, change colours, hide or turn around what follows: control, bidirectional and
    unassigned characters become `\N{REPLACEMENT CHARACTER}`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if _is_harmless(char) else "\N{REPLACEMENT CHARACTER}" for char in text)


def safe_line(text: str, width: int | None = None) -> str:
    """The same on one line, cut to a width."""
    line = safe(" ".join(text.split()))
    return line if width is None or len(line) <= width else line[: max(width - 1, 1)] + "…"


def _json(data: dict[str, Any]) -> str:
    """In ASCII, because a terminal may be at the other end, and any text from strangers inside."""
    return json.dumps(data, indent=2)


def _is_harmless(char: str) -> bool:
    if char in _KEPT_CONTROLS:
        return True
    return char not in _BIDI and unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp")


class Progress:
    """How far several things are, in one bar."""

    def __init__(self, what: str, *, shown: bool) -> None:
        self._what = what
        self._shown = shown
        self._drawn = 0.0
        self._began = time.monotonic()
        self._parts: dict[str, tuple[int, int]] = {}

    def of(self, part: str, done: int, whole: int) -> None:
        """One of the things has come so far."""
        self._parts[part] = (min(done, whole), whole)
        now = time.monotonic()
        if self._shown and now - self._began > _PATIENCE_SECONDS and now - self._drawn > _REDRAW_SECONDS:
            self._drawn = now
            click.echo("\r" + self.text(), err=True, nl=False)

    def text(self) -> str:
        """The bar as it stands."""
        done, whole = (sum(values) for values in zip(*self._parts.values(), strict=True))
        filled = _BAR * done // whole if whole else 0
        return f"{self._what}  [{'#' * filled}{'.' * (_BAR - filled)}]  {done:,} of {whole:,}"

    def clear(self) -> None:
        """Take the bar away."""
        if self._drawn:
            click.echo("\r" + " " * len(self.text()) + "\r", err=True, nl=False)


class Terminal:
    """How a command speaks with whoever started it."""

    def __init__(self, *, as_json: bool = False, assume_yes: bool = False) -> None:
        self.as_json = as_json
        self.assume_yes = assume_yes
        self._answered = False

    @property
    def interactive(self) -> bool:
        """Whether somebody is there to answer."""
        return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()

    def say(self, text: str = "") -> None:
        """A line of the result, for people. Goes to stderr when stdout is for JSON."""
        click.echo(text, err=self.as_json)

    def note(self, text: str) -> None:
        """A remark on the way."""
        click.echo(text, err=True)

    def result(self, data: dict[str, Any]) -> None:
        """The result for programs; shown with `--json` only."""
        if self.as_json and not self._answered:
            click.echo(_json(data))
            self._answered = True

    def stream(self, data: dict[str, Any]) -> None:
        """One of many results for programs, on a line of its own; shown with `--json` only."""
        if self.as_json:
            click.echo(json.dumps(data))
            self._answered = True

    def error(self, error: ReinError) -> None:
        """An error, and what to do about it. On stdout it stands in place of a result, never after one."""
        self.result({"error": {"code": error.code, "message": error.message, "hint": error.hint}})
        click.echo(f"Error: {safe_line(error.message)}", err=True)
        if error.hint:
            click.echo(f"Hint:  {safe_line(error.hint)}", err=True)

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Columns as wide as they need to be; the last one takes what is left of the line."""
        cells = [[safe_line(cell) for cell in row] for row in rows]
        widths = [max(len(row[i]) for row in [list(headings), *cells]) for i in range(len(headings))]
        room = max(shutil.get_terminal_size((100, 24)).columns - sum(widths[:-1]) - 2 * (len(widths) - 1), 20)
        widths[-1] = min(widths[-1], room)
        for number, row in enumerate([list(headings), *cells]):
            row[-1] = safe_line(row[-1], widths[-1])
            line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            self.say(self.bold(line) if number == 0 else line)

    @contextmanager
    def progress(self, what: str) -> Iterator[Progress]:
        """A bar on stderr for what takes longer than a second, where somebody looks; gone when it is over."""
        bar = Progress(what, shown=sys.stderr is not None and sys.stderr.isatty())
        try:
            yield bar
        finally:
            bar.clear()

    def bold(self, text: str) -> str:
        """Emphasis, where stdout is a terminal that wants it."""
        plain = self.as_json or "NO_COLOR" in os.environ or not sys.stdout.isatty()
        return text if plain else click.style(text, bold=True)

    def ask(self, prompt: str, flag: str, *, default: str | None = None) -> str:
        """Ask for one line.

        :raises InputError: nobody is there to answer; names the flag that would.
        """
        self._need_person(flag)
        return str(click.prompt(prompt, default=default, err=True))

    def ask_secret(self, prompt: str, flag: str, *, confirm: bool = False) -> str:
        """Ask without showing what is typed; twice, if it is new."""
        self._need_person(flag)
        return str(click.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True))

    def choose(self, noun: str, options: Sequence[str], flag: str) -> int:
        """Let a person pick from a numbered list. Returns the index.

        :raises InputError: nobody is there, or the person quits.
        """
        self._need_person(flag)
        for number, option in enumerate(options, start=1):
            click.echo(f"  {number}  {safe_line(option, 110)}", err=True)
        answer = click.prompt(
            f"Choose a {noun} (q to quit)",
            type=click.Choice([*map(str, range(1, len(options) + 1)), "q"]),
            show_choices=False,
            err=True,
        )
        if answer == "q":
            raise InputError("nothing was chosen, so nothing was done")
        return int(answer) - 1

    def confirm(self, question: str) -> None:
        """Ask for a yes, unless `--yes` has said it.

        :raises InputError: the answer is no, or nobody is there.
        """
        if self.assume_yes:
            return
        self._need_person("--yes")
        if not click.confirm(question, err=True):
            raise InputError("you said no, so nothing was done")

    def _need_person(self, flag: str) -> None:
        if not self.interactive:
            raise InputError("an answer is needed and nobody is there to give it", hint=f"Give {flag}.")
