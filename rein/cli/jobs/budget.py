"""What a job may cost and by when it is wanted, as people type it."""

from __future__ import annotations

import re

from rein.cli.console.terminal import Terminal
from rein.cli.toolkit.amounts import typed_amount
from rein.errors import InputError
from rein.protocol.values import Budget, budget, day, format_budget

_UP_TO = re.compile(r"(?:up\s+to\s+)?(?P<highest>[^-]+)", re.IGNORECASE)
_RANGE = re.compile(r"(?P<lowest>[^-]+?)\s*(?:-|\s+to\s+)\s*(?P<highest>[^-]+)", re.IGNORECASE)

_UNIT = re.compile(r"\s*[a-z]+\s*$", re.IGNORECASE)
"""In `10-20 mBTC` it is that of both amounts."""


def typed_budget(terminal: Terminal, text: str) -> Budget | None:
    """A budget: `up to 0.5`, `0.1 to 0.5`, `0.1-0.5`, or one amount, which is the most; None for an empty text.

    :raises InputError: it is none of these, or ends below its beginning.
    """
    if not text.strip():
        return None
    given = text.strip().replace("–", "-")  # noqa: RUF001 - the dash that a phone makes of it
    match = _UP_TO.fullmatch(given) if given.lower().startswith("up ") else _RANGE.fullmatch(given)
    match = match or _UP_TO.fullmatch(given)
    if match is None:
        raise InputError(f"the budget: {text[:40]!r} is not a budget", hint='Such as "up to 0.5", or 0.1-0.5')
    parts = match.groupdict()
    lowest = parts.get("lowest")
    if lowest is not None and not _UNIT.search(lowest) and (unit := _UNIT.search(parts["highest"])):
        lowest += unit[0]
    found = Budget(
        None if lowest is None else typed_amount(terminal, lowest, "your lowest price"),
        typed_amount(terminal, parts["highest"], "your highest price"),
    )
    try:
        return budget(format_budget(found))
    except ValueError as error:
        raise InputError(f"the budget: {error}") from error


def typed_deadline(text: str) -> str | None:
    """A day, YYYY-MM-DD; None for an empty text.

    :raises InputError: it is none.
    """
    try:
        return day(text.strip()) if text.strip() else None
    except ValueError as error:
        raise InputError(f"the deadline: {error}") from error
