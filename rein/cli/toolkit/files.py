"""Files, descriptors and texts somebody hands us: bounded."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from rein.errors import InputError, KeyMaterialError

STDIN = "-"
_FILE = "@"
_BYTES_OF_A_CHARACTER = 4
_MARK: Final = "# ------------------------ >8 ------------------------"
"""As `git commit` has it: the text ends here."""


def read_given(given: str, limit: int) -> bytes:
    """What an argument stands for: the file of that name, standard input for "-", or else the argument itself.

    :param limit: bytes, at most.
    :raises InputError: the file cannot be read, or holds more.
    """
    try:
        if given == STDIN:
            data = sys.stdin.buffer.read(limit + 1)
        elif _is_file(given):
            with open(given, "rb") as file:
                data = file.read(limit + 1)
        else:
            data = given.encode()
    except (OSError, UnicodeEncodeError) as error:
        raise InputError(f"{given[:80]!r} cannot be read: {error}") from error
    if len(data) > limit:
        raise InputError(f"{given[:80]!r} holds more than {limit:,} bytes, so it is not what is wanted here")
    return data


def _is_file(given: str) -> bool:
    try:
        return os.path.exists(given)
    except ValueError:  # a zero byte
        return False


def read_secret_line(descriptor: int, what: str) -> str:
    """The first line of a file descriptor.

    :raises KeyMaterialError: nothing can be read from it.
    """
    try:
        with os.fdopen(descriptor, encoding="utf-8", closefd=True) as file:
            return file.readline(4096).strip()
    except (OSError, ValueError) as error:
        raise KeyMaterialError(f"{what} cannot be read from descriptor {descriptor}: {error}") from error


def given_text(given: str, limit: int, flag: str) -> str:
    """A long text from the command line: `@FILE` is what that file holds, `-` is standard input; `\\@` and `\\-` at
    the beginning stand for these characters themselves.

    :param limit: characters, at most.
    :raises InputError: it cannot be read, is not text, or is longer; names the flag.
    """
    if given.startswith(("\\@", "\\-")):
        return given[1:]
    if given != STDIN and not given.startswith(_FILE):
        return given
    source = given if given == STDIN else os.path.expanduser(given[len(_FILE) :])
    if source != STDIN and not _is_file(source):
        raise InputError(
            f"{flag}: there is no file {source[:80]!r}", hint=f"A text that begins with {_FILE} is written \\{_FILE}..."
        )
    try:
        return tidy_text(read_given(source, limit * _BYTES_OF_A_CHARACTER + 4).decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError(f"{flag}: {source[:80]!r} is not text in UTF-8") from error


def tidy_text(text: str) -> str:
    """A text from a file, with the line ends of documents, and no blank lines or blanks at its end."""
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip().lstrip("\n")


def find_editor() -> Editor | None:
    """The program that a person writes texts with, if they have named one."""
    program = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    return Editor(program) if program else None


class Editor:
    """Writes one text, beginning again where it was left."""

    def __init__(self, program: str) -> None:
        """:param program: as a shell takes it."""
        self._program = program
        self._text = ""

    def write(self, what: str) -> str:
        """Let the person write. The file is theirs alone, and gone afterwards.

        :param what: which text it is, for the header.
        :raises InputError: the editor cannot be started, ends with an error, or leaves something that is not text.
        """
        header = f"{_MARK}\n# {what}: write it above. The line with the scissors and all below it are left out.\n"
        with tempfile.TemporaryDirectory(prefix="rein-") as folder:
            file = Path(folder, "TEXT.txt")
            file.touch(mode=0o600)
            file.write_text(f"{self._text}\n{header}", encoding="utf-8")
            self._run(file)
            try:
                written = file.read_text(encoding="utf-8-sig")
            except (OSError, ValueError) as error:
                raise InputError(f"the editor {self._program[:80]!r} left no text: {error}") from error
        self._text = tidy_text(written.partition(_MARK)[0])
        return self._text

    def _run(self, file: Path) -> None:
        try:
            screen = None if sys.stdout.isatty() else sys.stderr
            done = subprocess.run([*shlex.split(self._program), str(file)], check=False, stdout=screen)
        except (OSError, ValueError) as error:
            raise InputError(f"the editor {self._program[:80]!r} does not start: {error}") from error
        if done.returncode:
            raise InputError(f"the editor {self._program[:80]!r} ended with code {done.returncode}")
