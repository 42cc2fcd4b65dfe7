"""Form files (`-d FILE`): answers to prompts, written the way documents are.

The first line is the title of the document they are for; then `Label: value` lines, with the escapes of documents
(`\\n` for a line break). A label that the command does not know is an error, so that no answer is lost by a slip. The
labels and titles of 2016 are understood.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from rein.errors import FieldError, InputError
from rein.protocol.text import unescape

_MAX_CHARACTERS = 65_536

LABELS: Final[Mapping[str, tuple[str, ...]]] = {
    "Rein User Enrollment": ("User", "Contact", "Willing to mediate", "Mediator fee"),
    "Rein Job": (
        *("Job name", "Tags", "Category", "Description", "Expiration (days)"),
        *("Budget (BTC)", "Deadline"),
        *("Mediator", "Mediator public key", "Mediator master address"),
    ),
    "Rein Bid": ("Job ID", "Description", "Bid amount (BTC)"),
    "Rein Offer": ("Bid", "Job ID", "Worker public key"),
    "Rein Delivery": ("Job ID", "Deliverables"),
    "Rein Accept Delivery": ("Job ID",),
    "Rein Dispute Delivery": ("Job ID", "Dispute detail"),
    "Rein Dispute Offer": ("Job ID", "Dispute detail"),
    "Rein Dispute Resolution": ("Job ID", "Worker amount (BTC)", "Client payment amount (BTC)", "Resolution"),
    "Rein Settlement": ("Job ID", "Worker amount (BTC)", "Job creator amount (BTC)", "Terms"),
    "Rein Refund": ("Job ID", "Reason"),
    "Rein Rating": ("Job ID", "Rated role", "Rating", "Comment"),
}
"""What a form for a document may hold."""

LEGACY_PAYMENTS: Final = ("Signed primary payment", "Signed mediator payment")
"""Passed over: today the command makes these payments itself, and shows them before it signs."""

_WINDOWS_PATH: Final = re.compile(r"(?<![^\W_])[A-Za-z]:\\(?!\\)|(?<!\S)\\\\[^\s\\]+\\(?!\\)")
"""`C:\\new`, `\\\\server\\new`: a path whose backslashes would silently be read as escapes."""

_LEGACY_TITLES: Final[Mapping[str, str]] = {"Rein Deliver": "Rein Delivery", "Rein Accept": "Rein Accept Delivery"}


class Form:
    """The answers of one file."""

    def __init__(self, answers: dict[str, str]) -> None:
        self._answers = answers

    def get(self, *labels: str) -> str | None:
        """The answer under the first of these labels that has one."""
        return next((self._answers[label] for label in labels if label in self._answers), None)


def read_form(path: Path | None, *titles: str) -> Form:
    """Read a form; an empty one if there is no file.

    :param titles: of the documents that it may be for.

    :raises InputError: it cannot be read, is for another document, or a line is not `Label: value`.
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
    lines = content.rstrip().split("\n")  # and at nothing else: as in documents, no other character ends a line
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    lines[: first + 1] = [lines[first]] + [""] * first  # blank lines around are no part of it; numbers stay
    title = _LEGACY_TITLES.get(lines[0].strip(), lines[0].strip())
    if title not in titles:
        wanted = " or ".join(repr(each) for each in titles)
        raise InputError(f"the form {path} begins with {lines[0].strip()[:60]!r}; this command wants {wanted}")
    answers: dict[str, str] = {}
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        label, separator, value = line.partition(":")
        if not separator or label.strip() in answers:
            raise InputError(f"line {number} of the form {path} is no `Label: value`, or repeats a label")
        if label.strip() not in (*LABELS[title], *LEGACY_PAYMENTS):
            known = f"A form for this command may hold: {', '.join(LABELS[title])}"
            raise InputError(f"line {number} of the form {path}: {label.strip()[:60]!r} is not used here", hint=known)
        if _WINDOWS_PATH.search(value):
            raise InputError(
                f"line {number} of the form {path}: \\n is a line break in a form, and \\t a tab, so that "
                f"{value.strip()[:60]!r} would not be read as a path",
                hint="Write \\\\ for each backslash; or a blank before it, if it is not a path.",
            )
        try:
            answers[label.strip()] = unescape(value.strip())
        except FieldError as error:
            raise InputError(f"line {number} of the form {path}: {error.message}", hint=error.hint) from error
    return Form(answers)
