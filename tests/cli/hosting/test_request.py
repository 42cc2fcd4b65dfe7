"""`rein request`: repeated, and where hosting is sold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.conftest import Chain, Rein
from tests.support.evil_server import EvilServer, evil_server


@pytest.fixture
def server() -> Iterator[EvilServer]:
    with evil_server() as evil:
        yield evil


@pytest.fixture
def ann(rein: Rein, chain: Chain, monkeypatch: pytest.MonkeyPatch) -> Rein:
    monkeypatch.delenv("REIN_PROXY", raising=False)
    done = rein("setup", "--name", "Ann", "--contact", "a@x", "--no-mediate", *chain.words)
    assert done.code == 0, done.err
    return rein


def test_repeated_it_says_what_is_there(ann: Rein, server: EvilServer) -> None:
    said = ann("request", server.url)
    assert (said.code, "You have 1 bucket at" in said.out) == (0, True)
    assert "request" not in server.asked, "it has a bucket there already"
    assert f"request --more {server.url}" in said.out
    assert ann("request", "--more", server.url, "--json").data["granted"] is True


def test_a_server_that_sells_is_bought_from(ann: Rein, server: EvilServer) -> None:
    refusal = {"result": "error", "error": {"code": "free_buckets_granted", "message": "Maximum free buckets granted"}}

    def sells(path: str, _asked: dict[str, str], answer: Any) -> Any:
        priced = {"v1/status": answer | {"price_sat": 7_000}, "v1/buckets": {"buckets": []}, "request": refusal}
        return priced.get(path, answer)

    server.bend = sells
    refused = ann("request", server.url)
    assert refused.code == 8
    assert "sells hosting, for 7,000 sat a bucket" in refused.err
    assert f"buy {server.url}" in refused.err
