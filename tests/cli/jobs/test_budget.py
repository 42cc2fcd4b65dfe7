"""A budget and a deadline as people type them."""

from __future__ import annotations

import pytest

from rein.btc.amounts import Sat
from rein.cli.console.terminal import Terminal
from rein.cli.jobs.budget import typed_budget, typed_deadline
from rein.errors import InputError
from rein.protocol.values import Budget

RANGE = Budget(Sat(10_000_000), Sat(50_000_000))
UP_TO = Budget(None, Sat(50_000_000))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("up to 0.5", UP_TO),
        ("Up to  0.5", UP_TO),
        (" 0.5 ", UP_TO),
        ("up to 50000000sat", UP_TO),
        ("0.1-0.5", RANGE),
        ("0.1 - 0.5", RANGE),
        ("0.1 to 0.5", RANGE),
        ("0.1 TO 0.5", RANGE),
        ("0.1\u20130.5", RANGE),
        ("10000000sat to 0.5btc", RANGE),
        ("100-500 mBTC", RANGE),
        ("0.1 btc - 500 mBTC", RANGE),
        ("", None),
        ("  ", None),
    ],
)
def test_what_people_type_is_read(text: str, found: Budget | None) -> None:
    assert typed_budget(Terminal(), text) == found


@pytest.mark.parametrize(
    "text", ["0.5-0.1", "up to 0", "0-0.5", "much", "-0.5", "0.1-", "0.1-0.2-0.5", "up to", "21000001"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        typed_budget(Terminal(), text)


def test_a_deadline_is_a_day_of_the_calendar() -> None:
    assert typed_deadline(" 2026-12-24 ") == "2026-12-24"
    assert typed_deadline("") is None
    with pytest.raises(InputError, match="the deadline: 2026-02-30 is not a date of the calendar"):
        typed_deadline("2026-02-30")
