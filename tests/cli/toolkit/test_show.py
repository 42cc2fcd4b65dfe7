"""What a person sees of a document after signing it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rein.cli.common import Cli
from rein.cli.toolkit.show import say_written, summary
from rein.protocol.signed import verify
from rein.workflows.orders.outbox import DocumentResult
from tests.protocol.test_documents_golden import GOLDEN

MACHINE_WORD = re.compile(r"[0-9A-Za-z+/=]{26,}")
"""A key, an id, an address, a signature, a PSBT: nothing that a person reads has as long a word."""


@pytest.mark.parametrize("name", GOLDEN)
def test_a_summary_says_what_a_person_reads(name: str) -> None:
    document = verify(GOLDEN[name][0]).document
    title, *lines = summary(document)
    assert title == document.TITLE
    assert lines
    assert not any(MACHINE_WORD.search(line) for line in lines)
    text = "\n".join(lines)
    if name != "Enrollment":
        assert re.search(rf"Job ID +{document.job_id}$", text, re.MULTILINE)
    if name in ("Bid", "Offer"):
        assert re.search(rf"Bid amount +0\.[0-9]{{8}} BTC \({document.amount:,} sat\)$", text, re.MULTILINE)
    if name == "Settlement":
        assert re.search(r"Terms +Half now, the rest never\.$", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("options", "stored", "in_full"),
    [
        ({}, True, False),
        ({}, False, True),
        ({"documents": True}, True, True),
        ({"verbose": True}, True, True),
        ({"as_json": True}, True, False),
    ],
    ids=["plain", "dry run", "--documents", "-v", "--json"],
)
def test_the_signed_text_is_shown_where_it_is_asked_for(
    options: dict[str, bool], stored: bool, in_full: bool, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    cli = Cli()
    cli.update({"home": tmp_path, **options})
    result = DocumentResult(verify(GOLDEN["AcceptDelivery"][0]), stored)
    say_written(cli, result, "Publish it with `rein sync`.")
    shown = capsys.readouterr()
    people = shown.err if "as_json" in options else shown.out
    assert ("cHNidP" in people, "Rein Accept Delivery" in people) == (in_full, True)
    assert (f"Stored as document {result.signed.id}" in people, "dry run" in people) == (stored, not stored)
    if "as_json" in options:
        assert '"document": "-----BEGIN' in shown.out
