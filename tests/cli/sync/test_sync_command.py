"""What `rein sync` says of documents that no server holds, and of a server with two addresses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.cli.conftest import Chain, Rein
from tests.support.evil_server import EvilServer, evil_server


@pytest.fixture
def servers() -> Iterator[tuple[EvilServer, EvilServer]]:
    with ExitStack() as stack:
        yield stack.enter_context(evil_server()), stack.enter_context(evil_server())


@pytest.fixture
def ann(rein: Rein, chain: Chain, monkeypatch: pytest.MonkeyPatch) -> Rein:
    monkeypatch.delenv("REIN_PROXY", raising=False)
    done = rein("setup", "--name", "Ann", "--contact", "a@x", "--no-mediate", *chain.words)
    assert done.code == 0, done.err
    return rein


def test_a_full_server_is_named_with_what_it_lacks(ann: Rein, servers: tuple[EvilServer, EvilServer]) -> None:
    full, _ = servers
    full.full = True
    assert ann("request", "--more", full.url).code == 0
    result = ann("sync")
    assert result.code == 8
    assert "1 of your 1 documents is at no server: enrollment " in result.err
    assert f"{full.url} has no room for them" in result.err
    assert f"buy {full.url}" in result.err
    doctor = ann("doctor", "--offline", "--json")
    (finding,) = (each for each in doctor.data["findings"] if each["check"] == "documents")
    assert finding["verdict"] == "warn"
    assert "at no server: enrollment " in finding["message"]
    full.full = False
    assert ann("sync").code == 0


def test_two_addresses_of_one_server(ann: Rein, servers: tuple[EvilServer, EvilServer]) -> None:
    one, same = servers
    one.name = same.name = "ab" * 16
    for each in servers:
        assert ann("server", "request", each.url, "--more").code == 0
    ann("sync")
    result = ann("sync")
    assert result.code == 0
    assert "Syncing again will not help" in result.err
    assert f"servers --forget {same.url}" in result.err
    (finding,) = (
        each for each in ann("doctor", "--offline", "--json").data["findings"] if "one server" in each["message"]
    )
    assert (finding["check"], finding["verdict"]) == ("servers", "warn")
    listed = ann("server", "list", "--forget", same.url, "--json")
    assert [each["url"] for each in listed.data["servers"]] == [one.url]
    assert "not help" not in ann("sync").err
