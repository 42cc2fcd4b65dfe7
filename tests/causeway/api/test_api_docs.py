"""docs/api.md says what the server does: every endpoint, header and error code is in it, and none that is not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from causeway.errors import ApiError
from rein.protocol import auth
from rein.protocol.wire import MAX_BATCH, Query
from tests.causeway.conftest import Server

DOCS = Path(__file__).parents[3] / "docs" / "api.md"

OPERATORS = {"/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"}
"""Not for clients, or named in a sentence."""


@pytest.fixture(scope="module")
def text() -> str:
    return DOCS.read_text(encoding="utf-8")


def errors(base: type[ApiError]) -> Iterator[type[ApiError]]:
    """All classes below one."""
    for each in base.__subclasses__():
        yield each
        yield from errors(each)


def test_every_error_code_is_told_with_its_status(text: str) -> None:
    told = set(re.findall(r"^\| `(\w+)` \| (\d+) \| \S", text, re.MULTILINE))
    assert told == {(each.code, str(each.status)) for each in errors(ApiError)}


def test_every_endpoint_is_told(server: Server, text: str) -> None:
    tables = text.split("## Error codes")[0]
    cells = [line.split("|")[1] for line in tables.splitlines() if re.match(r"\| (GET|POST)", line)]
    told = {path for cell in cells for path in re.findall(r"/[\w/.]*", cell)}
    assert told == {str(rule.rule) for rule in server.app.url_map.iter_rules()} - OPERATORS


def test_the_signed_text_is_the_one_that_is_signed(text: str) -> None:
    shown = re.search(r"    Causeway request 1\n((    .*\n)+)", text)
    assert shown
    labels = [line.split(":")[0].strip() for line in shown[1].splitlines()]
    signed = auth.request_text("POST", "http://x", "/v1/put", "0", "0", "1", "1").splitlines()
    assert labels == [line.split(":")[0] for line in signed[1:]]
    for name in (auth.OWNER_HEADER, auth.SIGNER_HEADER, auth.NONCE_HEADER, auth.SIGNATURE_HEADER):
        assert f"    {name}: " in text
    assert f"`{auth.NEXT_NONCE_HEADER}`" in text


def test_every_query_and_limit_is_told(text: str) -> None:
    for query in Query:
        assert query.value in text
    assert f"at most {MAX_BATCH} values" in text
