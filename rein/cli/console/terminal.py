"""The only place that prints and prompts.

Results go to stdout; prompts, progress and remarks to stderr. With `--json`, stdout holds one object and nothing else.
Text from strangers is made harmless before it is shown.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, NoReturn

import click

from rein.cli.console.advice import advice, with_options
from rein.cli.console.joiners import JOINERS, is_needed_joiner
from rein.cli.console.layout import apart, cut, table, width_of_table, wrap
from rein.cli.console.remedies import with_command
from rein.errors import InputError, ReinError
from rein.lazy import lazy

if TYPE_CHECKING:
    from rein.cli.console import keyboard, picking
else:
    keyboard = lazy("rein.cli.console.keyboard")
    picking = lazy("rein.cli.console.picking")


_PATIENCE_S = 1.0
"""What takes longer shows that it goes on."""
_TICK_S = 0.2

_NOT_SHOWN = ("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp")
"""Categories of characters that act on a terminal or on the text around, or that nobody can know the look of."""
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that are shown as nothing, so that two names look the same."""
_MOST_MARKS = 8
"""So many marks may stand on one letter; a heap of them covers the lines around."""
_KEPT_CONTROLS = frozenset("\n\t")
_YES_OR_NO = {"y": True, "yes": True, "n": False, "no": False, "": False}


def safe(text: str) -> str:
    """Text that cannot move the cursor, change colours, hide or turn around what follows, or cover what is around:
    control, bidirectional, invisible and unassigned characters become `\N{REPLACEMENT CHARACTER}`, and so do marks
    without end. Joiners stay where a script needs them."""
    if text.isascii() and text.isprintable():
        return text
    shown: list[str] = []
    marks = 0
    for index, char in enumerate(text):
        category = unicodedata.category(char)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        harmless = char in _KEPT_CONTROLS or (category not in _NOT_SHOWN and char not in _BLANK)
        if char in JOINERS:
            harmless = is_needed_joiner(char, shown[-1:], text[index + 1 : index + 2])
        shown.append(char if harmless and marks <= _MOST_MARKS else "\N{REPLACEMENT CHARACTER}")
    return "".join(shown)


def safe_line(text: str, width: int | None = None) -> str:
    """The same on one line, cut to a width."""
    line = safe(" ".join(text.split()))
    return line if width is None or len(line) <= width else line[: max(width - 1, 1)].rstrip(JOINERS) + "…"


def _json(data: dict[str, Any]) -> str:
    """In ASCII, because a terminal may be at the other end, and any text from strangers inside."""
    return json.dumps(data, indent=2)


class Quit(click.exceptions.Exit):
    """A person leaves a question. That is not an error."""


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
    :param options: tells which options the commands need that are named in hints (`with_options`).
    """

    def __init__(
        self,
        *,
        as_json: bool = False,
        assume_yes: bool = False,
        verbose: bool = False,
        quiet: bool = False,
        options: Callable[[], str] = str,
    ) -> None:
        self.as_json = as_json
        self.assume_yes = assume_yes
        self.verbose = verbose
        self.quiet = quiet and not verbose
        self.command = "rein"
        """The one that runs, as it is typed."""
        self.on_result: Callable[[dict[str, Any]], None] = lambda _: None
        """Is told what the command has done, before it is shown."""
        self._options = options
        self._answered = False
        self._lock = threading.RLock()
        self._progress: Progress | None = None
        self._is_drawn = False
        self._is_asking = False
        self.has_asked = False

    @property
    def interactive(self) -> bool:
        """Whether somebody is there to answer."""
        return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()

    @property
    def asks_for_more(self) -> bool:
        """Whether somebody is there who is asked for what may be left out; not where a script wants an answer."""
        return self.interactive and not (self.assume_yes and self.as_json)

    def say(self, text: str = "", *, exact: bool = False) -> None:
        """A line of the result, for people. Goes to stderr when stdout is for JSON.

        :param exact: it may be copied from here, so that its lines are not broken again.
        """
        if not (self.as_json and self.quiet and self.assume_yes):  # else somebody may be asked about what it says
            self._write(text, err=self.as_json, exact=exact)

    def advise(self, text: str) -> None:
        """A line of the result that names commands of ours, as they are to be typed here. Never a stranger's words."""
        if not (self.as_json and self.quiet and self.assume_yes):
            self._write_hint("", self.here(text), err=self.as_json)

    def here(self, text: str) -> str:
        """A hint of ours, its commands with the options they need."""
        text = with_command(text)
        return with_options(text, self._options()) if "rein " in text else text

    def note(self, text: str, *, vital: bool = False) -> None:
        """A remark on the way.

        :param vital: a person must see it before they agree to something.
        """
        if not self.quiet or (vital and not self.assume_yes):
            self._write(self.here(text), err=True)

    def detail(self, text: str) -> None:
        """A remark that only `-v` shows."""
        if self.verbose:
            self._write(safe(text), err=True)

    def result(self, data: dict[str, Any]) -> None:
        """The result for programs; shown with `--json` only."""
        self.on_result(data)
        self._answer(data)

    def _answer(self, data: dict[str, Any]) -> None:
        if self.as_json and not self._answered:
            self._write(_json(data), exact=True)
            self._answered = True

    def stream(self, data: dict[str, Any]) -> None:
        """One of many results for programs, on a line of its own; shown with `--json` only."""
        if self.as_json:
            click.echo(json.dumps(data))
            self._answered = True

    def error(self, error: ReinError) -> None:
        """An error, and what to do about it. On stdout it stands in place of a result, never after one."""
        hint = error.hint or advice(error, self.command)
        self.failure(error.code, error.message, hint)
        cause = error.__cause__
        while cause is not None:
            self.detail(safe_line(f"Cause: {type(cause).__name__}: {cause}"))
            cause = cause.__cause__

    def failure(self, code: str, message: str, hint: str) -> None:
        """As `error`, for what went wrong before there was an error of ours."""
        hint = self.here(hint)
        self._write(f"{self._styled('Error:', sys.stderr, fg='red', bold=True)} {safe_line(message)}", err=True)
        self._write_hint("Hint:  ", safe_line(hint), err=True)
        self._answer({"error": {"code": code, "message": message, "hint": hint}})

    def stopped(self, code: str) -> None:
        """Somebody pressed Ctrl-C, and a terminal shows that where the cursor was."""
        message = "stopped; nothing more was done"
        if not self.quiet:
            self._write(("\n" if sys.stderr.isatty() else "") + f"{message.capitalize()}.", err=True)
        self._answer({"error": {"code": code, "message": message, "hint": "Run it again: what was begun goes on."}})

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Columns as wide as they need to be. On a terminal too narrow for them, cells or rows go over several lines
        (`rein.cli.console.layout`); a file gets every cell whole."""
        cells = [[safe_line(cell) for cell in row] for row in rows]
        room = _room(sys.stderr if self.as_json else sys.stdout)
        for line, is_heading in table(headings, cells, room):
            self.say(self.bold(line) if is_heading and line else line)

    def has_room(self, rows: Sequence[Sequence[str]]) -> bool:
        """Whether a table of these rows, the headings among them, needs no cell on several lines."""
        room = _room(sys.stderr if self.as_json else sys.stdout)
        return room is None or width_of_table([[safe_line(cell) for cell in row] for row in rows]) <= room

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
        """Ask for one line. A paste of several is refused as a whole, and asked about again.

        :raises InputError: nobody is there to answer; names the flag that would.
        """
        return self._ask(prompt, flag, default)

    def ask_text(self, prompt: str, flag: str, *, default: str | None = None) -> str:
        """Ask for a text: a paste of several lines is one answer."""
        return self._ask(prompt, flag, default, several=True)

    def ask_secret(self, prompt: str, flag: str, *, confirm: bool = False, several: bool = False) -> str:
        """Ask without showing what is typed; twice, if it is new."""
        while True:
            secret = self._ask(prompt, flag, hidden=True, several=several)
            if not confirm or secret == self._ask("Repeat it", flag, hidden=True):
                return secret
            self._write("These are not the same. Once more:", err=True)

    def choose(self, noun: str, options: Sequence[str], flag: str, names: Sequence[Sequence[str]] | None = None) -> int:
        """Let a person pick from a numbered list, shown by pages that fit the screen. Returns the index.

        :param names: by what each may be named beside its number; where that is not said, by how it begins.
        :raises InputError: nobody is there; or the person quits and a program waits for a result.
        :raises Quit: the person quits.
        """
        names = names if names is not None else [[option] for option in options]
        page = picking.pages(len(options), _lines())
        self._show_options(options, page.shown, flag)
        while True:
            if not (answer := self._ask(f"Choose a {noun} ({page.keys})", flag).strip()):
                continue
            found = picking.picked(answer, names)
            if (turned := page.turned(answer.lower())) is not None:
                page = turned
                self._show_options(options, page.shown, flag)
            elif answer.lower() == picking.QUIT:
                self._quit(flag)
            elif len(found) == 1:
                if not answer.isdigit():
                    self._write(f"That is {safe_line(options[found[0]], 110)}", err=True)
                return found[0]
            elif found:
                numbers = ", ".join(str(index + 1) for index in found[:9])
                self._write(f"{len(found)} begin so: {numbers}. Give the number.", err=True)
            else:
                self._write(f"There is no {safe_line(answer, 20)} in the list.", err=True)

    def _show_options(self, options: Sequence[str], shown: range, flag: str) -> None:
        room = (_room(sys.stderr) or 120) - 1
        digits = len(str(len(options)))
        with self._asking(flag):
            for index in shown:
                click.echo(cut(f"  {index + 1:>{digits}}  {safe_line(options[index])}", room), err=True)

    def _quit(self, flag: str) -> NoReturn:
        if self.as_json:
            raise InputError("nothing was chosen, so nothing was done", hint=f"Choose again, or give {flag}.")
        self._write("Nothing was chosen, so nothing was done.", err=True)
        raise Quit(0)

    def confirm(self, question: str) -> None:
        """Ask for a yes, unless `--yes` has said it.

        :raises InputError: the answer is no, or nobody is there.
        """
        if not self.assume_yes and not self.agrees(question, "--yes"):
            raise InputError("you said no, so nothing was done", hint="Run it again when you have made up your mind.")

    def agrees(self, question: str, flag: str) -> bool:
        """Ask for a yes or a no; no is what an empty answer means."""
        while (answer := self._ask(f"{question} [y/N]", flag, "").strip().lower()) not in _YES_OR_NO:
            self._write("Answer y or n.", err=True)
        return _YES_OR_NO[answer]

    def _ask(
        self,
        prompt: str,
        flag: str,
        default: str | None = None,
        *,
        hidden: bool = False,
        several: bool = False,
    ) -> str:
        """Ask until there is an answer."""
        shown = f"{prompt} [{default}]: " if default else f"{prompt}: "
        while True:
            with self._asking(flag):
                room = _room(sys.stderr)
                lines = wrap(shown.rstrip(), room - 1) if room else [shown.rstrip()]
                try:
                    answer = keyboard.read_answer("\n".join(lines) + " ", safe, hidden=hidden, several=several)
                except keyboard.SeveralLinesError:
                    self._write("That was more than one line, and one is wanted: nothing of it was taken.", err=True)
                    continue
            if answer or default is not None:
                return answer or str(default)

    @contextmanager
    def _asking(self, flag: str) -> Iterator[None]:
        """Somebody is there, and nothing is drawn over the question."""
        if not self.interactive:
            raise InputError("an answer is needed and nobody is there to give it", hint=f"Give {flag}.")
        self._is_asking = self.has_asked = True
        self._erase()
        try:
            yield
        finally:
            self._is_asking = False

    def leave(self, *, failed: bool) -> None:
        """The command is over: after an error or a question, what was typed meanwhile is nothing for the shell."""
        if (failed or self.has_asked) and self.interactive:
            keyboard.discard()

    def _write(self, text: str, *, err: bool = False, exact: bool = False) -> None:
        with self._lock:
            self._erase()
            stream = sys.stderr if err else sys.stdout
            room = _room(stream) if stream.isatty() and not exact else None
            if room is not None:
                text = "\n".join(shown for line in text.split("\n") for shown in wrap(line, room))
            click.echo(text, err=err, color=True if _wants_colour(stream) else None)

    def _write_hint(self, label: str, text: str, *, err: bool) -> None:
        """A hint of ours: what is to be typed stands on lines of its own, that are never broken."""
        indent = " " * len(label)
        for number, (piece, is_command) in enumerate(apart(text)):
            start = indent if number else label
            self._write(f"{indent}  {piece}" if is_command and number else f"{start}{piece}", err=err, exact=is_command)

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
                click.echo(cut(str(progress), (_room(sys.stderr) or 80) - 1), err=True, nl=False)
                self._is_drawn = True

    def _erase(self) -> None:
        with self._lock:
            if self._is_drawn:
                click.echo("\r\x1b[K", err=True, nl=False)
                self._is_drawn = False


def _room(stream: IO[str]) -> int | None:
    """How many columns there are; None where nobody counts them."""
    given = os.environ.get("COLUMNS", "")
    if given.isascii() and given.isdigit() and 0 < int(given) < 10_000:
        return int(given)
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError):  # no terminal, or no descriptor
        return None


def _lines() -> int:
    """How many lines a screen has; 24 where nobody counts them."""
    given = os.environ.get("LINES", "")
    if given.isascii() and given.isdigit() and 0 < int(given) < 10_000:
        return int(given)
    try:
        return os.get_terminal_size(sys.stderr.fileno()).lines or 24
    except (OSError, ValueError):
        return 24


def _wants_colour(stream: IO[str]) -> bool:
    """NO_COLOR (no-color.org) says no to everything; CLICOLOR_FORCE says yes to what is not a terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    return os.environ.get("CLICOLOR_FORCE", "0") not in ("", "0") or stream.isatty()
