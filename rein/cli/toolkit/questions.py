"""What a command asks: an answer is checked at once, and asked for again until it can be used, so that a slip costs no
other answer. Where nobody is there to ask, it is an error that names the option."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from rein.cli.console.terminal import Terminal, safe_line
from rein.errors import DocumentError, InputError, KeyMaterialError, NotFoundError, PassphraseError, ReinError
from rein.lazy import lazy
from rein.protocol.limits import MAX_NAME, MAX_TEXT

if TYPE_CHECKING:
    from rein.cli.toolkit import files
    from rein.cli.toolkit.files import Editor
    from rein.protocol import text as protocol_text
else:
    files = lazy("rein.cli.toolkit.files")
    protocol_text = lazy("rein.protocol.text")

TRIES: Final = 3
"""For a passphrase."""

T = TypeVar("T")


class Questions(ABC):
    """Asks what was not given on the command line."""

    @property
    @abstractmethod
    def terminal(self) -> Terminal:
        """Where the person is, if there is one."""

    @property
    @abstractmethod
    def given_passphrase(self) -> str | None:
        """The passphrase, if it was given to a script."""

    def answer(
        self, given: str | None, prompt: str, flag: str, read: Callable[[str], T], *, default: str | None = None
    ) -> T:
        """What an answer means: one that was given, or typed.

        :param read: what it means; its errors say what is wrong with it.
        :raises ReinError: as `read` says it of a given one; or nobody is there to ask.
        """
        if given is not None:
            return read(given)
        return self._asked(partial(self.terminal.ask, prompt, flag, default=default), read)

    def secret(self, prompt: str, flag: str, read: Callable[[str], T], *, several: bool = False) -> T:
        """What an answer means that is typed without being shown.

        :param several: it may have several lines.
        :raises InputError: nobody is there to ask.
        """
        return self._asked(partial(self.terminal.ask_secret, prompt, flag, several=several), read)

    def line(
        self,
        given: str | None,
        prompt: str,
        flag: str,
        limit: int,
        *,
        check: Callable[[str], object] = str,
        default: str | None = None,
    ) -> str:
        """A short text, such as a name: one line, not blank, and no longer than a document may have it.

        :param limit: characters, at most.
        :param check: what else must be true of it; its errors say what is wrong.
        :raises ReinError: it cannot be used; or nobody is there to ask.
        """

        def read(typed: str) -> str:
            line = _checked(typed.strip(), flag, limit, may_be_empty=False)
            check(line)
            return line

        return self.answer(given or None, prompt, flag, read, default=default)

    def text(
        self,
        given: str | None,
        prompt: str,
        flag: str,
        *,
        form: str | None = None,
        default: str | None = None,
        limit: int = MAX_TEXT,
    ) -> str:
        """A long text: from the command line, where `@FILE` and `-` stand for a file and standard input; from a form,
        taken as it is, since a stranger may have written the form; or typed, or pasted. At a terminal an empty answer
        opens the editor, if there is one and no default.

        :param limit: characters, at most.
        :raises InputError: it cannot be read, is empty or too long; or nobody is there to ask.
        """
        check = partial(_checked, flag=flag, limit=limit, may_be_empty=default == "")
        if given:
            return check(files.given_text(given, limit, flag))
        if form or (default == "" and (given is not None or form is not None)):
            return check(form or "")
        editor = files.find_editor() if default is None else None
        if editor is None:
            return self._asked(partial(self.terminal.ask_text, prompt, flag, default=default), check)
        return self._asked(partial(self._text_or_editor, editor, prompt, flag), check)

    def _text_or_editor(self, editor: Editor, prompt: str, flag: str) -> str:
        while not (answer := self.terminal.ask_text(f"{prompt} (Enter opens your editor)", flag, default="")):
            try:
                return editor.write(prompt)
            except InputError as error:
                self._say_wrong(error)
        return answer

    def passphrase(self, use: Callable[[str], T], prompt: str, *, confirm: bool = False) -> T:
        """What a passphrase opens or makes: one that is given, or typed. A new one is asked for until it will do, and
        one that opens something three times.

        :raises PassphraseError: as `use` says it.
        """
        if self.given_passphrase:
            return use(self.given_passphrase)
        left = TRIES
        while True:
            left -= 1
            passphrase = self.terminal.ask_secret(prompt, "--passphrase-fd", confirm=confirm)
            try:
                return use(passphrase)
            except PassphraseError as error:
                if not left and not confirm:
                    raise
                tries = "" if confirm else f"; {more_tries(left)}"
                self.terminal.note(f"{_capitalised(error.message)}{tries}.", vital=True)

    def _asked(self, ask: Callable[[], str], read: Callable[[str], T]) -> T:
        while True:
            text = ask()
            try:
                return read(text)
            except (InputError, NotFoundError, KeyMaterialError, DocumentError) as error:
                self._say_wrong(error)

    def _say_wrong(self, error: ReinError) -> None:
        said = f"{_capitalised(error.message)}."
        self.terminal.note(safe_line(said if error.hint is None else f"{said} {error.hint}"), vital=True)


def _capitalised(message: str) -> str:
    return f"{message[0].upper()}{message[1:]}"


def more_tries(left: int) -> str:
    """How many of the `TRIES` are left, in words."""
    return "one more try" if left == 1 else f"{left} more tries"


def _checked(text: str, flag: str, limit: int, *, may_be_empty: bool) -> str:
    if not may_be_empty and not text.strip():
        raise InputError(f"{flag}: the text is empty")
    if len(text) > limit:
        raise InputError(
            f"{flag}: the text has {len(text):,} characters, and at most {limit:,} fit",
            hint="Shorten it, or put it elsewhere and name the place." if limit > MAX_NAME else "Shorten it.",
        )
    protocol_text.check_text(text)
    return text
