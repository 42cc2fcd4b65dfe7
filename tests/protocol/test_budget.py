"""A job's budget and deadline: both optional, each with one spelling, and nothing malformed is read."""

from __future__ import annotations

import dataclasses
import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc.amounts import MAX_MONEY, Sat, format_btc
from rein.errors import FieldError
from rein.protocol import fields
from rein.protocol.documents import Job
from rein.protocol.signed import verify
from rein.protocol.values import Budget
from tests.support.people import job, person

PLAIN = job(person("Bob"), person("Alice"))
MONEY = st.integers(1, MAX_MONEY).map(Sat)
BUDGETS = st.builds(Budget, st.none(), MONEY) | st.tuples(MONEY, MONEY).map(lambda two: Budget(min(two), max(two)))
DAYS = st.dates().map(datetime.date.isoformat)


def told(label: str, value: str) -> str:
    """The text of a job that says this too, in its place."""
    return PLAIN.text.replace("\nMediator: ", f"\n{label}: {value}\nMediator: ", 1)


def read(text: str) -> Job:
    return fields.read(Job, Job.TITLE, text)


def test_a_job_that_does_not_say_them_has_no_line_for_them() -> None:
    assert "Budget" not in PLAIN.text
    assert "Deadline" not in PLAIN.text
    document = PLAIN.document
    assert (document.budget_min, document.budget_max, document.deadline) == (None, None, None)


@given(budget=BUDGETS | st.none(), deadline=DAYS | st.none())
def test_they_read_as_they_were_written(budget: Budget | None, deadline: str | None) -> None:
    document = dataclasses.replace(PLAIN.document, budget=budget, deadline=deadline)
    found = read(fields.write(Job.TITLE, document))
    assert found == document
    assert (found.budget_min, found.budget_max) == ((budget.lowest, budget.highest) if budget else (None, None))
    assert found.deadline == deadline


def test_they_are_signed_between_the_days_and_the_mediator() -> None:
    budget = Budget(Sat(10_000_000), Sat(50_000_000))
    signed = job(person("Bob"), person("Alice"), budget=budget, deadline="2026-12-24")
    lines = "Expiration (days): 14\nBudget (BTC): 0.10000000 to 0.50000000\nDeadline: 2026-12-24\nMediator: Alice"
    assert lines in signed.text
    assert verify(signed.armored).document == signed.document


@pytest.mark.parametrize(
    "value",
    [
        "0.50000000",
        "up to 0.5",
        "Up to 0.50000000",
        "up to  0.50000000",
        "up to 0.00000000",
        "up to 21000001.00000000",
        "up to -0.50000000",
        "up to 0,50000000",
        "0.00000000 to 0.50000000",
        "0.50000001 to 0.50000000",
        "0.1 to 0.5",
        "0.10000000-0.50000000",
        "0.10000000 to 0.20000000 to 0.50000000",
        "up to 0.50000000 BTC",
        "up to \u0660.50000000",
        "up to .50000000",
        "up to 1.5.0",
    ],
)
def test_a_malformed_budget_is_refused_by_its_label(value: str) -> None:
    with pytest.raises(FieldError, match=r"Budget \(BTC\)"):
        read(told("Budget (BTC)", value))


@pytest.mark.parametrize(
    "value",
    [
        "2026-02-29",
        "2026-13-01",
        "2026-00-10",
        "2026-12-32",
        "0000-01-01",
        "2026-1-1",
        "20261224",
        "2026-W52-4",
        "2026-12-24T00:00",
        "24.12.2026",
        "\u0662026-12-24",
        "tomorrow",
    ],
)
def test_a_malformed_deadline_is_refused_by_its_label(value: str) -> None:
    with pytest.raises(FieldError, match="'Deadline'"):
        read(told("Deadline", value))


@given(value=st.text(st.characters(codec="utf-8", exclude_characters="\n"), min_size=1, max_size=40))
def test_whatever_is_read_has_one_spelling(value: str) -> None:
    for label in ("Budget (BTC)", "Deadline"):
        try:
            document = read(told(label, value))
        except FieldError:
            continue
        assert fields.write(Job.TITLE, document) == told(label, value)


@given(lowest=MONEY, highest=MONEY)
def test_a_range_that_ends_below_its_beginning_is_refused(lowest: Sat, highest: Sat) -> None:
    text = told("Budget (BTC)", f"{format_btc(lowest)} to {format_btc(highest)}")
    if lowest <= highest:
        assert read(text).budget == Budget(lowest, highest)
    else:
        with pytest.raises(FieldError, match="begins above its end"):
            read(text)
