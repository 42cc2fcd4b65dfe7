"""A server that forges, replays, mixes networks, reorders, cuts short and injects: nothing moves, and the person is
told in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rein.btc.networks import MAINNET, REGTEST
from tests.story.conftest import Person, Trio, World
from tests.support.evil_server import EvilServer, evil_server
from tests.support.people import Story, enroll, forged, offer, person, respelled, story, with_changes

TOLD = story()


@pytest.fixture
def evil() -> Iterator[EvilServer]:
    with evil_server() as server:
        yield server


@pytest.fixture
def reader(world: World, evil: EvilServer, tmp_path: Path) -> Person:
    """Somebody who asks only the evil server."""
    dora = Person("dora", tmp_path / "dora")
    chain = ("--network", "regtest", "--chain", world.chain_url, "--chain-cookie", str(world.cookie))
    dora.rein(*chain, "setup", "--name", "Dora", "--contact", "d@x", "--no-mediate")
    dora.rein("request", evil.url)
    return dora


def texts_of(told: Story) -> list[str]:
    """All a reader needs to see where the job stands."""
    return [signed.armored for signed in (*told.enrollments, told.job, *told.documents)]


def serve(evil: EvilServer, told: Story, *extra: str) -> None:
    """The server knows a story, and something else."""
    evil.show(*texts_of(told), *extra)


def synced(reader: Person) -> tuple[dict[str, Any], str]:
    result = reader.run("sync")
    assert result.code == 0, result.err
    return result.data, result.err


def test_a_forged_document_is_refused_and_named(evil: EvilServer, reader: Person) -> None:
    mallory = person("Mallory")
    serve(evil, TOLD, forged(TOLD.job.document, mallory.delegate))
    report, told = synced(reader)
    assert [each["code"] for each in report["refused"]] == ["not_authorised"]
    assert "its author would sign as" in told


def test_a_changed_text_is_refused_and_named(evil: EvilServer, reader: Person) -> None:
    serve(evil, TOLD, TOLD.job.armored.replace("Job name: ", "Job name: Not "))
    report, told = synced(reader)
    assert [each["code"] for each in report["refused"]] == ["bad_signature"]
    assert "the signature does not belong to this text" in told


def test_a_document_cut_short_is_refused_and_named(evil: EvilServer, reader: Person) -> None:
    serve(evil, TOLD, TOLD.job.armored[:-40])
    report, told = synced(reader)
    assert [each["code"] for each in report["refused"]] == ["bad_armor"]
    assert "cut short" in told


def test_a_document_of_another_network_is_refused_and_named(evil: EvilServer, reader: Person) -> None:
    serve(evil, TOLD, enroll(person("Alice", MAINNET), mediator=True).armored)
    report, told = synced(reader)
    assert [each["code"] for each in report["refused"]] == ["not_authorised"]
    assert "a document of mainnet, sent as one of regtest" in told


def test_an_injected_line_is_refused(evil: EvilServer, reader: Person) -> None:
    lines = TOLD.job.armored.split("\n")
    lines.insert(4, "Mediator fee: 99.0%")
    serve(evil, TOLD, "\n".join(lines))
    report, _ = synced(reader)
    assert [each["code"] for each in report["refused"]] == ["bad_signature"]


def test_order_repetition_and_respelled_signatures_change_nothing(evil: EvilServer, reader: Person) -> None:
    evil.show(*(respelled(text) for text in list(reversed(texts_of(TOLD))) * 2))
    report, _ = synced(reader)
    assert report["refused"] == []
    assert _seen(reader)["state"] == "offered"


def test_an_offer_by_a_stranger_is_kept_apart(evil: EvilServer, reader: Person) -> None:
    mallory = person("Mallory")
    stolen = with_changes(
        TOLD.offer,
        mallory.delegate,
        creator_master_address=mallory.master_address,
        creator_delegate_address=mallory.delegate_address,
    )
    serve(evil, TOLD, stolen.armored, enroll(mallory).armored)
    synced(reader)
    seen = _seen(reader)
    assert seen["state"] == "offered"
    assert [each["document_id"] for each in seen["apart"]] == [stolen.id]
    assert "only the job creator may say this" in seen["apart"][0]["message"]


def test_two_offers_by_the_creator_freeze_the_job_and_are_shown(evil: EvilServer, reader: Person) -> None:
    second = offer(person("Bob"), TOLD.bid, TOLD.job, block_height=TOLD.offer.document.block_height + 1)
    serve(evil, TOLD, second.armored)
    synced(reader)
    seen = _seen(reader)
    assert seen["state"] == "frozen"
    assert set(seen["conflict"]) == {TOLD.offer.id, second.id}


def test_a_server_that_does_not_keep_what_it_took_is_caught(evil: EvilServer, reader: Person) -> None:
    evil.instead = "something else"
    result = reader.run("sync")
    assert result.code == 8
    assert result.data["servers"][0]["held"] == 0
    assert "does not give it back" in result.data["servers"][0]["error"]


def test_a_dead_server_does_not_stop_a_living_one(world: World, evil: EvilServer, reader: Person) -> None:
    reader.rein("request", world.server_urls[0])
    dead = evil.url
    evil.instead = "something else"
    report, told = synced(reader)
    by_url = {server["url"]: server for server in report["servers"]}
    assert by_url[world.server_urls[0]]["held"] == 1
    assert f"{dead}  {by_url[dead]['error'].removeprefix(dead).strip()}" in told


def test_what_a_server_hides_of_my_job_is_said(
    world: World, evil: EvilServer, reader: Person, trio: Trio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    reader.rein("request", world.server_urls[0])
    reader.rein("sync")
    job_id = reader.rein("post", "--name", "Song", "--description", "x", "--mediator", "alice")["job_id"]
    reader.rein("sync")
    trio.charlie.rein("sync")
    bid = trio.charlie.rein("bid", "--jobid", job_id, "--amount", "0.01", "--description", "y")
    trio.charlie.rein("sync")
    evil.show(bid["document"])
    for _ in range(2):
        report, told = synced(reader)
    missing = {each["kind"] for each in report["servers"][0]["differences"] if each["showing"] == "lacking"}
    assert missing == {"enrollment"}, "of people who never gave it theirs"
    assert "does not have" not in told, "which is no news to who has not asked for it (-v)"
    assert f"{evil.url}  does not have, of people in your jobs: enrollment" in reader.run("-v", "sync").err
    evil.feed = [each for each in evil.feed if each["id"] != bid["document_id"]]
    report, told = synced(reader)
    hidden = [each for each in report["servers"][0]["differences"] if each["showing"] == "gone"]
    assert hidden == [{"document_id": bid["document_id"], "kind": "bid", "job_id": job_id, "showing": "gone"}]
    assert report["servers"][1]["differences"] == []
    named = f"what it showed before, in your job {job_id}: bid {bid['document_id'][:12]}"
    assert f"{evil.url}  does not show any more {named}" in told
    assert f"status --jobid {job_id} --documents" in told
    shown = reader.rein("status", "--jobid", job_id, "--documents")["servers"]
    assert {"url": evil.url, "document_id": bid["document_id"], "showing": "gone", "error": None} in shown
    assert {each["showing"] for each in shown if each["url"] == world.server_urls[0]} == {"shown"}


def _seen(reader: Person) -> dict[str, Any]:
    """The job as the reader sees it. He has no part in it, so the story is asked for by the job document's id."""
    return reader.rein("status", "--jobid", TOLD.job.id)


def test_the_story_used_here_is_of_this_network() -> None:
    assert TOLD.job.document.network is REGTEST
