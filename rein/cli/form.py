"""Form files (`-d FILE`): answers to prompts, written the way documents are.

The first line is the title of the document they are for; then `Label: value` lines, with the escapes of documents
(`\\n` for a line break).
"""

from __future__ import annotations

from pathlib import Path

from rein.errors import FieldError, InputError
from rein.protocol.text import unescape

_MAX_CHARACTERS = 65_536


class Form:
    """The answers of one file."""

    def __init__(self, answers: dict[str, str]) -> None:
        self._answers = answers

    def get(self, *labels: str) -> str | None:
        """The answer under the first of these labels that has one."""
        return next((self._answers[label] for label in labels if label in self._answers), None)


def read_form(path: Path | None, title: str) -> Form:
    """Read a form; an empty one if there is no file.

    :raises InputError: it cannot be read, is for another document, or a line is no `Label: value`.
    """
    if path is None:
        return Form({})
    try:
        with path.open(encoding="utf-8-sig") as file:
            content = file.read(_MAX_CHARACTERS + 1)
    except (OSError, ValueError) as error:
        raise InputError(f"the form {path} cannot be read: {error}") from error
    if len(content) > _MAX_CHARACTERS:
        raise InputError(f"the form {path} is longer than {_MAX_CHARACTERS:,} characters")
    lines = content.split("\n")  # and at nothing else: as in documents, no other character ends a line
    if lines[0].strip() != title:
        raise InputError(f"the form {path} begins with {lines[0].strip()[:60]!r}; this command wants {title!r}")
    answers: dict[str, str] = {}
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        label, separator, value = line.partition(":")
        if not separator or label.strip() in answers:
            raise InputError(f"line {number} of the form {path} is no `Label: value`, or repeats a label")
        try:
            answers[label.strip()] = unescape(value.strip())
        except FieldError as error:
            raise InputError(f"line {number} of the form {path}: {error.message}", hint=error.hint) from error
    return Form(answers)
