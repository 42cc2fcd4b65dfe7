"""The words that programs read are those of the docs, all of them and in their order."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path

import pytest

from rein.escrow.funding import Filling, Verdict
from rein.escrow.proposals import Ending
from tests.support.money import deal

DOCS = Path(__file__).parents[2] / "docs"


def test_every_verdict_stands_in_the_table_the_first_that_holds_first() -> None:
    page = (DOCS / "orders.md").read_text(encoding="utf-8")
    [section] = re.findall(r"^## What an escrow needs$(.*?)^## ", page, re.DOTALL | re.MULTILINE)
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == [each.value for each in Verdict]


@pytest.mark.parametrize(
    ("field", "words"),
    [("escrows[].filling", Filling), ("payments[].ending", Ending)],
)
def test_a_field_has_the_words_that_docs_json_names(field: str, words: type[Enum]) -> None:
    page = (DOCS / "json.md").read_text(encoding="utf-8")
    rows = re.findall(rf"^\| `{re.escape(field)}` \| string \| (.*) \|$", page, re.MULTILINE)
    assert rows
    for row in rows:
        assert sorted(re.findall(r"`(\w+)`", row)) == sorted(each.value for each in words)


def test_the_ids_of_the_escrows_are_those_that_docs_json_names() -> None:
    page = (DOCS / "json.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `payments\[\].purse` \| string \| (.*) \|$", page, re.MULTILINE)
    assert rows
    for row in rows:
        assert re.findall(r"`(\w+)`", row) == list(deal().terms.ids)
