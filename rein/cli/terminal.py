"""The only place that prints and prompts.

Results go to stdout; prompts, progress and remarks to stderr. With `--json`, stdout holds one object and nothing else.
Text from strangers is made harmless before it is shown.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import time
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

import click

from rein.cli.advice import advice
from rein.errors import InputError, ReinError

_PATIENCE_S = 1.0
"""What takes longer shows that it goes on."""
_TICK_S = 0.2
_LEAST_COLUMN = 8
"""Characters that a column of a table keeps, however narrow the terminal."""

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
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


def columns_of(text: str) -> int:
    """How wide a terminal shows a line: letters of East Asia take two columns, marks on the letter before none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def _cut(line: str, width: int) -> str:
    if columns_of(line) <= width:
        return line
    while line and columns_of(line) > width - 1:
        line = line[: -max(1, (columns_of(line) - width + 1) // 2)]
    return line + "…"


def _fit(widths: list[int], room: int, whole: int) -> list[int]:
    """Narrow the widest columns until all fit, but never the first `whole` of them."""
    fitted = widths[:whole] + [min(width, max(room, _LEAST_COLUMN)) for width in widths[whole:]]
    while sum(fitted) > room:
        widest = max(range(len(fitted)), key=lambda index: (index >= whole, fitted[index], index))
        if widest < whole or fitted[widest] <= _LEAST_COLUMN:
            break
        fitted[widest] -= 1
    return fitted


def _json(data: dict[str, Any]) -> str:
    """In ASCII, because a terminal may be at the other end, and any text from strangers inside."""
    return json.dumps(data, indent=2)


def _is_harmless(char: str) -> bool:
    if char in _KEPT_CONTROLS:
        return True
    return char not in _BIDI and unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp")


class Progress:
    """How far several things are, added up. `of` may be called by any thread."""

    def __init__(self, what: str) -> None:
        self.what = safe_line(what)
        self.began = time.monotonic()
        self._parts: dict[str, tuple[int, int]] = {}

    def of(self, part: str, done: int, whole: int) -> None:
        """One of the things has come so far."""
        self._parts[part] = (min(done, whole), whole)

    def __str__(self) -> str:
        parts = list(self._parts.values())
        done, whole = sum(part[0] for part in parts), sum(part[1] for part in parts)
        count = f" {done:,} of {whole:,}" if parts else ""
        return f"{self.what}{count} … {time.monotonic() - self.began:.0f} s"


class Terminal:
    """How a command speaks with whoever started it.

    :param verbose: remarks of detail, and what lies behind an error, are shown too.
    :param quiet: only results, questions and errors are shown.
    """

    def __init__(
        self, *, as_json: bool = False, assume_yes: bool = False, verbose: bool = False, quiet: bool = False
    ) -> None:
        self.as_json = as_json
        self.assume_yes = assume_yes
        self.verbose = verbose
        self.quiet = quiet and not verbose
        self._answered = False
        self._lock = threading.RLock()
        self._progress: Progress | None = None
        self._is_drawn = False
        self._is_asking = False

    @property
    def interactive(self) -> bool:
        """Whether somebody is there to answer."""
        return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()

    def say(self, text: str = "") -> None:
        """A line of the result, for people. Goes to stderr when stdout is for JSON."""
        if not (self.as_json and self.quiet and self.assume_yes):  # else somebody may be asked about what it says
            self._write(text, err=self.as_json)

    def note(self, text: str, *, vital: bool = False) -> None:
        """A remark on the way.

        :param vital: a person must see it before he agrees to something.
        """
        if not self.quiet or (vital and not self.assume_yes):
            self._write(text, err=True)

    def detail(self, text: str) -> None:
        """A remark that only `-v` shows."""
        if self.verbose:
            self._write(safe(text), err=True)

    def result(self, data: dict[str, Any]) -> None:
        """The result for programs; shown with `--json` only."""
        if self.as_json and not self._answered:
            self._write(_json(data))
            self._answered = True

    def stream(self, data: dict[str, Any]) -> None:
        """One of many results for programs, on a line of its own; shown with `--json` only."""
        if self.as_json:
            click.echo(json.dumps(data))
            self._answered = True

    def error(self, error: ReinError) -> None:
        """An error, and what to do about it. On stdout it stands in place of a result, never after one."""
        hint = error.hint or advice(error)
        self.failure(error.code, error.message, hint)
        cause = error.__cause__
        while cause is not None:
            self.detail(safe_line(f"Cause: {type(cause).__name__}: {cause}"))
            cause = cause.__cause__

    def failure(self, code: str, message: str, hint: str) -> None:
        """As `error`, for what went wrong before there was an error of ours."""
        self.result({"error": {"code": code, "message": message, "hint": hint}})
        self._write(f"{self._styled('Error:', sys.stderr, fg='red', bold=True)} {safe_line(message)}", err=True)
        self._write(f"Hint:  {safe_line(hint)}", err=True)

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[str]], *, whole: int = 0) -> None:
        """Columns as wide as they need to be, cut where the terminal is too narrow for all.

        :param whole: so many of the first columns are never cut, for what they hold is typed into other commands.
        """
        cells = [[safe_line(cell) for cell in row] for row in (headings, *rows)]
        widths = [max(columns_of(row[index]) for row in cells) for index in range(len(headings))]
        widths = _fit(widths, _width() - 2 * (len(widths) - 1), whole)
        for number, row in enumerate(cells):
            shown = [_cut(cell, width) for cell, width in zip(row, widths, strict=True)]
            padded = [cell + " " * (width - columns_of(cell)) for cell, width in zip(shown, widths, strict=True)]
            line = "  ".join(padded).rstrip()
            self.say(self.bold(line) if number == 0 else line)

    def bold(self, text: str) -> str:
        """Emphasis, where stdout is a terminal that wants it."""
        return text if self.as_json else self._styled(text, sys.stdout, bold=True)

    @contextmanager
    def progress(self, what: str) -> Iterator[Progress]:
        """Show on stderr, where that is a terminal, that something goes on once it takes longer than a second; it
        leaves no trace. The innermost one is shown.

            with terminal.progress("Reading") as progress:
                progress.of(url, 3, 8)
        """
        outer, self._progress = self._progress, Progress(what)
        ended = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(ended,), daemon=True)
        if outer is None and self._shows_progress():
            ticker.start()
        try:
            yield self._progress
        finally:
            self._progress = outer
            if ticker.ident is not None:
                ended.set()
                ticker.join()
                self._erase()

    def ask(self, prompt: str, flag: str, *, default: str | None = None) -> str:
        """Ask for one line.

        :raises InputError: nobody is there to answer; names the flag that would.
        """
        with self._asking(flag):
            return str(click.prompt(prompt, default=default, err=True))

    def ask_secret(self, prompt: str, flag: str, *, confirm: bool = False) -> str:
        """Ask without showing what is typed; twice, if it is new."""
        with self._asking(flag):
            return str(click.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True))

    def choose(self, noun: str, options: Sequence[str], flag: str) -> int:
        """Let a person pick from a numbered list. Returns the index.

        :raises InputError: nobody is there, or the person quits.
        """
        with self._asking(flag):
            for number, option in enumerate(options, start=1):
                click.echo(f"  {number}  {safe_line(option, 110)}", err=True)
            answer = click.prompt(
                f"Choose a {noun} (q to quit)",
                type=click.Choice([*map(str, range(1, len(options) + 1)), "q"]),
                show_choices=False,
                err=True,
            )
        if answer == "q":
            raise InputError("nothing was chosen, so nothing was done", hint=f"Choose again, or give {flag}.")
        return int(answer) - 1

    def confirm(self, question: str) -> None:
        """Ask for a yes, unless `--yes` has said it.

        :raises InputError: the answer is no, or nobody is there.
        """
        if not self.assume_yes and not self.agrees(question, "--yes"):
            raise InputError("you said no, so nothing was done", hint="Run it again when you have made up your mind.")

    def agrees(self, question: str, flag: str) -> bool:
        """Ask for a yes or a no; no is what an empty answer means."""
        with self._asking(flag):
            return click.confirm(question, err=True)

    @contextmanager
    def _asking(self, flag: str) -> Iterator[None]:
        """Somebody is there, and nothing is drawn over the question."""
        if not self.interactive:
            raise InputError("an answer is needed and nobody is there to give it", hint=f"Give {flag}.")
        self._is_asking = True
        self._erase()
        try:
            yield
        finally:
            self._is_asking = False

    def _write(self, text: str, *, err: bool = False) -> None:
        with self._lock:
            self._erase()
            stream = sys.stderr if err else sys.stdout
            click.echo(text, err=err, color=True if _wants_colour(stream) else None)

    def _styled(self, text: str, stream: IO[str], **how: Any) -> str:
        return click.style(text, **how) if _wants_colour(stream) else text

    def _shows_progress(self) -> bool:
        return not self.quiet and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def _tick(self, ended: threading.Event) -> None:
        while not ended.wait(_TICK_S):
            with self._lock:
                progress = self._progress
                if progress is None or self._is_asking or time.monotonic() - progress.began < _PATIENCE_S:
                    continue
                self._erase()
                click.echo(_cut(str(progress), _width() - 1), err=True, nl=False)
                self._is_drawn = True

    def _erase(self) -> None:
        with self._lock:
            if self._is_drawn:
                click.echo("\r\x1b[K", err=True, nl=False)
                self._is_drawn = False


def _width() -> int:
    return shutil.get_terminal_size((100, 24)).columns


def _wants_colour(stream: IO[str]) -> bool:
    """NO_COLOR (no-color.org) says no to everything; CLICOLOR_FORCE says yes to what is no terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    return os.environ.get("CLICOLOR_FORCE", "0") not in ("", "0") or stream.isatty()
