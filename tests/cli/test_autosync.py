"""`rein config autosync on`: news are fetched before they are shown, and what was written is published."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.conftest import Chain, Rein
from tests.support.evil_server import EvilServer, evil_server
from tests.support.people import enroll, job, person


@pytest.fixture
def server() -> Iterator[EvilServer]:
    with evil_server() as evil:
        yield evil


@pytest.fixture
def ann(rein: Rein, chain: Chain, server: EvilServer, monkeypatch: pytest.MonkeyPatch) -> Rein:
    monkeypatch.delenv("REIN_PROXY", raising=False)
    setup = ("setup", "--name", "Ann", "--contact", "a@x", "--mediate", "--fee", "1.0", *chain.words)
    for words in (setup, ("request", server.url), ("sync",)):
        done = rein(*words)
        assert done.code == 0, done.err
    return rein


def test_it_is_off_by_default(ann: Rein, server: EvilServer) -> None:
    server.asked.clear()
    assert "Autosync" not in ann("jobs").err + ann("enroll", "--contact", "b@x").err
    assert "v1/put" not in server.asked
    assert ann("config", "--json").data["settings"].get("autosync") is None


def test_what_is_shown_is_fetched_first(ann: Rein, server: EvilServer) -> None:
    assert ann("config", "autosync", "on").code == 0
    alice, bob = person("Alice"), person("Bob")
    server.show(enroll(alice, True).armored, enroll(bob).armored, job(bob, alice, name="Brought by itself").armored)
    shown = ann("mediators", "--json")
    assert "Autosync: 3 new documents fetched." in shown.err
    assert [each["name"] for each in shown.data["mediators"]] == ["Alice", "Ann"], "one object, with the news"
    assert ann("config", "autosync", "off").code == 0
    assert "Autosync" not in ann("jobs").err


def test_what_is_written_is_published(ann: Rein, server: EvilServer) -> None:
    assert ann("config", "autosync", "true").code == 0
    before = len(server.stored)
    written = ann("enroll", "--contact", "c@x", "--json")
    assert written.code == 0
    assert len(server.stored) == before + 1
    assert f"Autosync: published enrollment {written.data['document_id'][:12]}." in written.err
    assert "put" not in str(json.loads(written.out)), "one object, and nothing else"
    assert "Publish it" not in ann("enroll", "--contact", "e@x").out
    server.asked.clear()
    assert ann("enroll", "--contact", "d@x", "--dry-run").code == 0
    assert "v1/put" not in server.asked


def test_a_server_that_is_down_fails_nothing(ann: Rein, server: EvilServer) -> None:
    ann("config", "autosync", "on")

    def down(path: str, _asked: Any, answer: Any) -> Any:
        return b"<html>" if path in ("v1/feed", "v1/documents", "v1/put", "v1/nonce") else answer

    server.bend = down
    written = ann("enroll", "--contact", "e@x", "--json")
    assert (written.code, written.data["stored"]) == (0, True)
    assert f"Autosync: not published: enrollment {written.data['document_id'][:12]}" in written.err
    assert "Publish it: rein " in written.err
    assert "not everything was fetched" in ann("jobs").err
    server.bend = lambda _path, _asked, answer: answer
    assert "Autosync: published enrollment" in ann("enroll", "--contact", "f@x").err
