"""What somebody types at the terminal, read key by key.

So a paste is known for what it is: one answer, however many lines it has. Terminals put brackets around a paste when
asked to ("bracketed paste", xterm's mode 2004). Where they do not, a line end with more behind it is part of a paste:
nobody types as fast. What was typed before a question is shown does not answer it, and what is left unread at the end
is thrown away: the shell would run it.
"""

from __future__ import annotations

import codecs
import os
import re
import select
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

import click

from rein.cli.console.layout import columns_of

if sys.platform == "win32":
    import msvcrt
else:
    import termios

_SOON_S = 0.05
"""What comes so soon after a line end was pasted with it."""
_KEY_S = 0.1
"""A key that sends several characters sends them within this time."""
_LOOK_S = 0.1
"""So often is the terminal looked at, while nothing comes."""
_PATIENCE_S = 2.0
"""How long the rest of a paste is waited for, that nobody wants."""
_PASTES_ON, _PASTES_OFF = "\x1b[?2004h", "\x1b[?2004l"
_PASTE, _PASTE_END = "\x1b[200~", "\x1b[201~"
_LINE_END = re.compile(r"\r\n?")
_ERASE, _ERASE_WORD, _ERASE_ALL, _END_OF_FILE = ("\x7f", "\x08"), "\x17", "\x15", "\x04"


class SeveralLinesError(Exception):
    """Several lines were pasted where one is wanted; nothing of them is left."""


def read_answer(prompt: str, safe: Callable[[str], str], *, hidden: bool = False, several: bool = False) -> str:
    """Ask, and read until Enter. Nothing that was typed before counts, and nothing is left to read.

    :param safe: makes harmless what is shown of a paste.
    :param hidden: do not show what is typed.
    :param several: whether a paste may have several lines.
    :raises SeveralLinesError: it has, and may not.
    :raises click.Abort: there is nothing more to come, or Ctrl-D was pressed.
    """
    if sys.platform == "win32":
        discard()
        return str(click.prompt(prompt, "", hide_input=hidden, prompt_suffix="", show_default=False, err=True))
    descriptor = sys.stdin.fileno()
    with _unseen(descriptor) as keep:
        keys = _Keys(descriptor, keep)
        keys.skip()  # the rest of what is too long to have waited as a whole
        brackets = os.environ.get("TERM", "dumb") != "dumb"
        if brackets:
            _write(_PASTES_ON)
        try:
            return _Line(keys, prompt, safe, hidden=hidden, several=several).read()
        finally:
            if brackets:
                _write(_PASTES_OFF)


def discard() -> None:
    """Throw away what was typed and not read, and the rest of a paste that is still on its way."""
    if sys.platform == "win32":
        while msvcrt.kbhit():
            msvcrt.getwch()
        return
    with suppress(termios.error, OSError, ValueError):
        descriptor = sys.stdin.fileno()
        if os.tcgetpgrp(descriptor) != os.getpgrp():  # in the background, the terminal is somebody else's
            return
        with _unseen(descriptor) as keep:
            _Keys(descriptor, keep).skip()


@contextmanager
def _unseen(descriptor: int) -> Iterator[Callable[[], None]]:
    """Keys come one by one and are not shown. What was typed before is thrown away, and so is what is not read.

    What is yielded makes it so again: a shell that continues a stopped program sets the terminal as it likes it.
    """
    before = termios.tcgetattr(descriptor)
    mode = [*before[:6], [*before[6]]]
    mode[0] &= ~(termios.ICRNL | termios.INLCR | termios.IGNCR)
    mode[3] &= ~(termios.ICANON | termios.ECHO | termios.IEXTEN)
    mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0

    def keep() -> None:
        with suppress(termios.error):  # it is gone, as reading will tell
            if termios.tcgetattr(descriptor)[3] & (termios.ECHO | termios.ICANON):
                termios.tcsetattr(descriptor, termios.TCSANOW, mode)

    try:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, mode)
        yield keep
    finally:
        with suppress(termios.error):
            termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)


class _Keys:
    """Characters as they come."""

    def __init__(self, descriptor: int, keep: Callable[[], None]) -> None:
        self._descriptor, self._keep = descriptor, keep
        self._decoder = codecs.getincrementaldecoder(sys.stdin.encoding or "utf-8")("replace")
        self._waiting = ""

    def come(self, seconds: float) -> bool:
        """Whether there is one, or comes soon."""
        return bool(self._waiting) or bool(select.select([self._descriptor], [], [], seconds)[0])

    def next(self) -> str:
        """The next one.

        :raises click.Abort: the terminal is gone.
        """
        while not self._waiting:
            while not self.come(_LOOK_S):
                self._keep()
            data = os.read(self._descriptor, 4096)
            if not data:
                raise click.Abort
            self._waiting = self._decoder.decode(data)
        key = self._waiting[0]
        self._waiting = self._waiting[2 if self._waiting.startswith("\r\n") else 1 :]
        return key

    def until(self, end: str) -> str:
        """All up to a mark, without it."""
        found: list[str] = []
        while "".join(found[-len(end) :]) != end:
            found.append(self.next())
        return "".join(found[: -len(end)])

    def skip(self) -> str:
        """Whatever comes until nothing comes any more."""
        found, deadline = "", time.monotonic() + _PATIENCE_S
        with suppress(click.Abort):
            while time.monotonic() < deadline and self.come(_SOON_S):
                found += self.next()
        return found

    def sequence(self) -> str:
        """The rest of what a key sends that sends more than a character, from the escape on (ECMA-48)."""
        found = "\x1b"
        while self.come(_KEY_S):
            found += self.next()
            if re.fullmatch(r"\x1b(\[[0-?]*[ -/]*[@-~]|O.|[^\[O])", found, re.DOTALL):
                break
        return found


class _Line:
    """One answer on its way: what is typed, and what of it is on the screen."""

    def __init__(self, keys: _Keys, prompt: str, safe: Callable[[str], str], *, hidden: bool, several: bool) -> None:
        self._keys, self._prompt, self._safe, self._hidden, self._several = keys, prompt, safe, hidden, several
        self._text = ""

    def read(self) -> str:
        _write(self._prompt)
        while True:
            key = self._keys.next()
            if key in "\r\n":
                if self._is_end():
                    _write("\n")
                    return self._text.rstrip("\n")
            elif key == "\x1b":
                if self._keys.sequence() == _PASTE:
                    self._add(_LINE_END.sub("\n", self._keys.until(_PASTE_END)).rstrip("\n"))
            elif key == _END_OF_FILE:
                if not self._text:
                    raise click.Abort
            elif key in _ERASE:
                self._cut(re.sub(r"(?s).[\u0300-\u036f\u200d\ufe0f]*\Z", "", self._text))
            elif key == _ERASE_WORD:
                shorter = self._text.rstrip()
                self._cut(shorter[: 1 + max(map(shorter.rfind, " \n\t"))])
            elif key == _ERASE_ALL:
                self._cut("")
            else:
                self._add(key)

    def _is_end(self) -> bool:
        """Whether a line end is Enter, and not the middle of a paste that came without brackets."""
        if not self._keys.come(_SOON_S):
            return True
        if self._several:
            self._add("\n")
            return False
        if self._keys.skip().strip():
            self._refuse()
        return True

    def _add(self, typed: str) -> None:
        if "\n" in typed and not self._several:
            self._keys.skip()
            self._refuse()
        kept = "\n\t" if self._several else ""
        typed = "".join(char for char in typed if char in kept or unicodedata.category(char) != "Cc")
        self._text += typed
        self._show(self._safe(typed))

    def _refuse(self) -> NoReturn:
        _write("\n")
        raise SeveralLinesError

    def _cut(self, text: str) -> None:
        """Take away the end of what was typed, on the screen too."""
        before, after = (self._prompt + self._safe(each) for each in (self._text, text))
        self._text = text
        width = os.get_terminal_size(_screen()).columns or 80
        if "\n" not in before and columns_of(before) < width:
            self._show("\b \b" * (columns_of(before) - columns_of(after)))
        else:
            rows = sum(max(1, -(-columns_of(line) // width)) for line in before.split("\n"))
            self._show((f"\x1b[{rows - 1}A" if rows > 1 else "") + f"\r\x1b[J{after}")

    def _show(self, text: str) -> None:
        if not self._hidden:
            _write(text)


def _screen() -> int:
    """Where questions are shown: not among the results."""
    return (sys.stderr if sys.stderr.isatty() else sys.stdin).fileno()


def _write(text: str) -> None:
    encoding = sys.stderr.encoding or "utf-8"
    with suppress(OSError):  # a terminal that can only be read
        os.write(_screen(), text.encode(encoding, "replace"))
